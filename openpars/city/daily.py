# SPDX-License-Identifier: Apache-2.0
"""The scenario lived day by day: what every example file gives the recipient, on every civil day.

In every course, every civil day is asked about twice, at its first and its last instant, for every version of
the agreement, by the same `project` that makes a real share. Where two asked instants differ, the instant
of change is found by halving, to the microsecond. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import TypeAlias

from openpars.agreements.model import Grant
from openpars.agreements.project import ShareRow, project
from openpars.city.examples import Example, examples
from openpars.city.scenario import Course, Period, Shield, periods, start_of, story

TICK = timedelta(microseconds=1)
_BEFORE_IT_BEGAN = timedelta(
    days=12
)  # every example was arrested by then, so each could be seen from the first day


@dataclass(frozen=True, slots=True)
class Sight:
    """What one person of one example file shows: fields with precision, what finds it, what alerts tell.

    `slot`: `arrestee`, `victim:1`, … `find_by`: combinations of fields. `alert_by`: criteria of a standing
    request, which take in people nobody has named.
    """

    example: str
    slot: str
    fields: tuple[tuple[str, str], ...]
    find_by: tuple[tuple[str, ...], ...]
    alert_by: tuple[str, ...]

    @property
    def findable_by_origin(self) -> bool:
        """Whether country of birth is among what finds this person."""
        return "birth_country" in self.alert_by or any("birth_country" in keys for keys in self.find_by)


State: TypeAlias = "tuple[Sight, ...]"


@dataclass(frozen=True, slots=True)
class Span:
    """A time in which nothing changed: from `begins` until `ends` (exclusive), and what was visible in it."""

    begins: datetime
    ends: datetime
    state: State


@dataclass(frozen=True, slots=True)
class Lived:
    """One course, lived: its spans in order, without a gap."""

    course: Course
    spans: tuple[Span, ...]

    def at(self, instant: datetime) -> State:
        """What was visible at an instant. Raises StopIteration outside the days that were looked at."""
        return next(span.state for span in self.spans if span.begins <= instant < span.ends)

    @property
    def changes(self) -> tuple[datetime, ...]:
        """The exact instants at which something changed."""
        return tuple(span.begins for span in self.spans[1:])


@dataclass(frozen=True, slots=True)
class Years:
    """All courses, lived. `decisions`: how often `project` was asked."""

    lived: tuple[Lived, ...]
    days: int
    decisions: int


class _Asker:
    """Asks `project`, and remembers one instant's answers: courses share most of their versions."""

    def __init__(self) -> None:
        self.files: tuple[Example, ...] = examples(start_of(story().signed) - _BEFORE_IT_BEGAN)
        self.decisions = 0
        self._at: datetime | None = None
        self._known: dict[tuple[str, date, date, Shield], State] = {}

    def state(self, course: Course, at: datetime) -> State:
        if at != self._at:
            self._at, self._known = at, {}
        return tuple(sight for period in periods(course) for sight in self._of(period, at))

    def _of(self, period: Period, at: datetime) -> State:
        key = (period.text, period.from_day, period.through_day, period.shield)
        if key not in self._known:
            self._known[key] = tuple(
                sight for example in self.files for sight in self._sights(period, example, at)
            )
        return self._known[key]

    def _sights(self, period: Period, example: Example, at: datetime) -> Iterator[Sight]:
        self.decisions += 1
        for row in project(period.version, story().purpose, example.file, at):
            yield _sight(example, row, period.version.agreement.grants[row.grant - 1])


def _sight(example: Example, row: ShareRow, grant: Grant) -> Sight:
    return Sight(
        example.id,
        row.slot,
        tuple((name, precision) for name, precision in grant.show if name in row.body),
        tuple(sorted(row.keys)) if "search" in row.ways else (),
        tuple(sorted(row.criteria)) if "alert" in row.ways else (),
    )


def live(courses: Sequence[Course], progress: Callable[[int, int], None]) -> Years:
    """Live the courses through every day of the story. `progress` hears days done, and days in all."""
    told = story()
    days = (told.last_day - told.first_day).days + 1
    asker = _Asker()
    seen: dict[Course, list[tuple[datetime, State]]] = {course: [] for course in courses}
    for number in range(days):
        day = told.first_day + timedelta(days=number)
        for at in (start_of(day), start_of(day + timedelta(days=1)) - TICK):
            for course in courses:
                _note(seen[course], at, asker.state(course, at))
        progress(number + 1, days)
    end = start_of(told.last_day + timedelta(days=1))
    lived = tuple(Lived(course, _spans(asker, course, seen[course], end)) for course in courses)
    return Years(lived, days, asker.decisions)


def _note(seen: list[tuple[datetime, State]], at: datetime, state: State) -> None:
    """Keep the first and the last of a run of equal answers: between them lies no change that was asked."""
    if len(seen) >= 2 and seen[-1][1] == state == seen[-2][1]:
        seen[-1] = (at, state)
    else:
        seen.append((at, state))


def _spans(
    asker: _Asker, course: Course, seen: Iterable[tuple[datetime, State]], end: datetime
) -> tuple[Span, ...]:
    asked = list(seen)
    begins, state = asked[0]
    spans = []
    for (before, old), (after, new) in pairwise(asked):
        if old != new:
            change = _change(asker, course, before, after)
            spans.append(Span(begins, change, state))
            begins, state = change, new
    return (*spans, Span(begins, end, state))


def _change(asker: _Asker, course: Course, before: datetime, after: datetime) -> datetime:
    """The first instant, to the microsecond, at which the answer is no longer that of `before`."""
    old = asker.state(course, before)
    while after - before > TICK:
        middle = before + (after - before) / 2
        if asker.state(course, middle) == old:
            before = middle
        else:
            after = middle
    return after
