# SPDX-License-Identifier: Apache-2.0
"""The ten years as one picture: the kept result of the scenario, laid out as lanes, bars and marks. Pure.

The geometry is made here and drawn by a template, so that no text becomes markup on its way. Coordinates are
CSS pixels of the drawing's own box: `wide` with the years to the right, `tall` with the years downwards.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from openpars.agreements.votes.readings import Source
from openpars.city.scenario import REPORTED, Shield, story
from openpars.city.scenario_result import kept
from openpars.web.pages.words import Words

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Bar:
    """A time on one lane. `kind`: `arrestees`, `beyond` (without the vote asked for), `others`, `disputed`.

    From the first day to the one after the last; `at` and `length` lie along the years.
    """

    kind: str
    first: date
    last: date
    at: float
    length: float
    words: str


@dataclass(frozen=True, slots=True)
class Lane:
    """One reading of the rule. `at` lies across the years."""

    basis: str
    at: float
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class Mark:
    """A happening: its number, where its circle stands, and where its day lies."""

    number: int
    circle: float
    at: float


@dataclass(frozen=True, slots=True)
class Picture:
    """The drawing in one shape."""

    width: int
    height: int
    years: tuple[tuple[int, float], ...]
    lanes: tuple[Lane, ...]
    marks: tuple[Mark, ...]
    start: float
    stop: float


@dataclass(frozen=True, slots=True)
class HappeningView:
    """A happening in words, with its sources."""

    number: int
    day: date
    says: str
    sources: tuple[Source, ...]


@dataclass(frozen=True, slots=True)
class SpanRow:
    """One row of the table that says what the picture shows. `seen`: words for who is visible."""

    shield: str
    first: date
    last: date
    days: int
    who: tuple[str, ...]
    fields: tuple[str, ...]
    by_origin: bool


@dataclass(frozen=True, slots=True)
class CourseView:
    """One reading of the rule: its rows, and what the history shows about it."""

    basis: str
    rows: tuple[SpanRow, ...]
    beyond_days: int


@dataclass(frozen=True, slots=True)
class ScenarioView:
    """The whole page. `shield` None: both readings of the shield, compared."""

    shield: str | None
    wide: Picture
    tall: Picture
    happenings: tuple[HappeningView, ...]
    courses: tuple[CourseView, ...]
    holding: tuple[str, ...]
    days: int
    decisions: int
    swept_days: int
    changes: tuple[datetime, ...]


@dataclass(frozen=True, slots=True)
class _Shape:
    """Where things are: the years run from `start` to `stop`; lanes from `first`, each `step` further."""

    width: int
    height: int
    start: float
    stop: float
    first: float
    step: float
    apart: float  # between circles

    def along(self, day: date) -> float:
        told = story()
        whole = (told.last_day - told.first_day).days + 1
        return round(self.start + (self.stop - self.start) * ((day - told.first_day).days / whole), 1)


_WIDE = _Shape(960, 534, 172, 952, 118, 92, 27)
_TALL = _Shape(358, 752, 44, 738, 42, 70, 25)


def scenario(shield: str | None, words: Words) -> ScenarioView:
    """The page in one language. `shield`: one reading of the shield, or None for both."""
    found, told = kept(), story()
    chosen = [c for c in found["courses"] if shield in {None, c["shield"]}]
    reported = next(c for c in found["courses"] if c["rule"] == REPORTED)
    checks = [one for course in found["courses"] for one in course["checks"]]
    failing = {one["id"] for one in checks if not one["holds"]}
    rights = [one["id"] for one in reported["checks"] if one["about"] == "rights"]
    return ScenarioView(
        shield=shield,
        wide=_picture(_WIDE, chosen, words),
        tall=_picture(_TALL, chosen, words),
        happenings=tuple(
            HappeningView(n, one.day, one.says[words.lang], tuple(told.sources[s] for s in one.sources))
            for n, one in enumerate(told.happenings, start=1)
        ),
        courses=tuple(_course(basis, chosen) for basis in _bases(chosen)),
        holding=tuple(name for name in rights if name not in failing),
        days=found["days"],
        decisions=found["decisions"],
        swept_days=sum(f["days"] for f in _failing(reported, "no-sweep-by-origin")),
        changes=tuple(
            datetime.fromisoformat(at) for at in sorted({at for c in chosen for at in c["changes"]})
        ),
    )


def _bases(courses: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(str(course["rule"]) for course in courses))


def _failing(course: Mapping[str, Any], check: str) -> list[dict[str, Any]]:
    return [f for one in course["checks"] if one["id"] == check for f in one["failing"]]


def _course(basis: str, courses: Sequence[Mapping[str, Any]]) -> CourseView:
    mine = [course for course in courses if course["rule"] == basis]
    return CourseView(
        basis,
        tuple(_row(course["shield"], span) for course in mine for span in course["spans"]),
        sum(f["days"] for f in _failing(mine[0], "every-year-as-the-rule-asks")),
    )


def _row(shield: str, span: Mapping[str, Any]) -> SpanRow:
    visible = span["visible"]
    return SpanRow(
        shield=shield,
        first=date.fromisoformat(span["from"]),
        last=date.fromisoformat(span["through"]),
        days=span["days"],
        who=tuple(dict.fromkeys(str(one["who"]).partition(":")[0] for one in visible)),
        fields=tuple(dict.fromkeys(name for one in visible for name in one["fields"])),
        by_origin=any(one["findable_by_origin"] for one in visible),
    )


# ---------------------------------------------------------------------- the drawing


def _picture(shape: _Shape, courses: Sequence[Mapping[str, Any]], words: Words) -> Picture:
    told = story()
    lanes = tuple(
        Lane(
            basis,
            shape.first + number * shape.step,
            tuple(_bars(shape, [c for c in courses if c["rule"] == basis], words)),
        )
        for number, basis in enumerate(_bases(courses))
    )
    years = range(told.first_day.year, told.last_day.year + 1)
    return Picture(
        width=shape.width,
        height=shape.height,
        years=tuple((year, shape.along(date(year, 1, 1))) for year in years),
        lanes=lanes,
        marks=_marks(shape, [one.day for one in told.happenings]),
        start=shape.start,
        stop=shape.stop,
    )


def _times(course: Mapping[str, Any], *, arrestee: bool) -> tuple[date, date] | None:
    """The first and the last day on which arrestees, or others, are visible: one time, in this story."""
    spans = [
        span
        for span in course["spans"]
        if any((one["who"] == "arrestee") is arrestee for one in span["visible"])
    ]
    if not spans:
        return None
    return date.fromisoformat(spans[0]["from"]), date.fromisoformat(spans[-1]["through"])


def _bars(shape: _Shape, courses: Sequence[Mapping[str, Any]], words: Words) -> list[Bar]:
    bars = []
    basis = str(courses[0]["rule"])
    seen = _times(courses[0], arrestee=True)
    if seen is not None:
        said = words("years.bar.reported") if basis == REPORTED else words("years.bar.granted")
        bars.append(_bar(shape, "arrestees", seen, said))
    for one in _failing(courses[0], "every-year-as-the-rule-asks"):
        days = (date.fromisoformat(one["from"]), date.fromisoformat(one["through"]))
        bars.append(_bar(shape, "beyond", days, words("years.bar.beyond", days=f"{one['days']:,}")))
    others = [found for course in courses if (found := _times(course, arrestee=False)) is not None]
    if others:
        sure = min(others, key=lambda found: found[1])
        bars.append(_bar(shape, "others", sure, words("years.bar.others")))
        last = max(found[1] for found in others)
        if last > sure[1]:
            bars.append(_bar(shape, "disputed", (sure[1] + DAY, last), words("years.bar.disputed")))
    return bars


def _bar(shape: _Shape, kind: str, days: tuple[date, date], words: str) -> Bar:
    first, last = days
    at = shape.along(first)
    return Bar(kind, first, last, at, round(shape.along(last + DAY) - at, 1), words)


def _marks(shape: _Shape, days: Sequence[date]) -> tuple[Mark, ...]:
    """Circles in the order of their days, pushed apart until none covers another or leaves the years."""
    places = [shape.along(day) for day in days]
    circles = list(places)
    for n in range(1, len(circles)):
        circles[n] = max(circles[n], circles[n - 1] + shape.apart)
    circles[-1] = min(circles[-1], shape.stop - shape.apart / 2)
    for n in range(len(circles) - 2, -1, -1):
        circles[n] = min(circles[n], circles[n + 1] - shape.apart)
    return tuple(
        Mark(n, round(circle, 1), at)
        for n, (circle, at) in enumerate(zip(circles, places, strict=True), start=1)
    )


def shields() -> tuple[str, ...]:
    """The readings of the shield, as the page's address names them."""
    return tuple(one.value for one in Shield)
