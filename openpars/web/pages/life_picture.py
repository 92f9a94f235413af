# SPDX-License-Identifier: Apache-2.0
"""The life of one agreement as a picture: a lane for each version, marks for what happened.

Pure geometry from the register's entries; the template draws it, once wide and once for a phone. The list of
events below it on the page is the same in words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from openpars.agreements.register import Entry
from openpars.web.pages import times
from openpars.web.pages.words import Words

WIDE, NARROW = 960, 360
_MARKED = ("notice", "warning", "letter_served", "suspended", "ended")
_LANE, _TOP = 58, 50


@dataclass(frozen=True, slots=True)
class Bar:
    """A stretch of a version's time. `kind`: held, suspended, planned (still to come), cut (never held)."""

    kind: str
    at: float
    length: float


@dataclass(frozen=True, slots=True)
class Lane:
    """One version, from top to bottom."""

    version: int
    state: str
    y: int
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that happened at an instant."""

    kind: str
    at: float
    y: int


@dataclass(frozen=True, slots=True)
class Tick:
    """A day on the axis; `anchor` keeps the words inside the picture."""

    words: str
    at: float
    anchor: str


@dataclass(frozen=True, slots=True)
class LifePicture:
    """One drawing. `now` None: the whole picture lies in the past. `kinds`: the marks that need a legend."""

    shape: str
    width: int
    height: int
    lanes: tuple[Lane, ...]
    marks: tuple[Mark, ...]
    ticks: tuple[Tick, ...]
    now: float | None
    kinds: tuple[str, ...]
    stretches: tuple[str, ...]
    text: str


def pictures(
    entries: Sequence[Entry], states: Sequence[str], now: datetime, words: Words
) -> tuple[LifePicture, ...]:
    """The drawing for a desk and for a phone; none where nothing ever had a term to draw.

    `states`: the state of each entry in a word of the catalogue.
    """
    shown = [
        (e, s)
        for e, s in sorted(zip(entries, states, strict=True), key=lambda p: p[0].version)
        if s != "rejected"
    ]
    if not shown:
        return ()
    first = min(entry.begins for entry, _ in shown)
    last = max(entry.ends for entry, _ in shown)
    return tuple(
        _picture(shape, width, shown, (first, last), now=now, words=words)
        for shape, width in (("wide", WIDE), ("narrow", NARROW))
    )


def _picture(
    shape: str,
    width: int,
    shown: Sequence[tuple[Entry, str]],
    span: tuple[datetime, datetime],
    *,
    now: datetime,
    words: Words,
) -> LifePicture:
    first, last = span
    whole = max((last - first).total_seconds(), 1.0)

    def x(at: datetime) -> float:
        part = (min(max(at, first), last) - first).total_seconds() / whole
        return round(8 + part * (width - 16), 1)

    lanes, marks = [], []
    for place, (entry, state) in enumerate(shown):
        y = _TOP + place * _LANE
        stretches = _stretches(entry, state, now)
        bars = tuple(Bar(k, x(a), max(round(x(b) - x(a), 1), 1.5)) for k, a, b in stretches)
        lanes.append(Lane(entry.version, state, y, bars))
        marks += [
            Mark(event.what, x(event.at), y)
            for event in entry.events
            if event.what in _MARKED and first <= event.at <= last
        ]
    kinds = {mark.kind for mark in marks}
    return LifePicture(
        shape=shape,
        width=width,
        height=_TOP + len(shown) * _LANE + 26,
        lanes=tuple(lanes),
        marks=tuple(marks),
        ticks=_ticks(first, last, x, words, parts=4 if shape == "wide" else 1),
        now=x(now) if first <= now < last else None,
        kinds=tuple(kind for kind in _MARKED if kind in kinds),
        stretches=tuple(
            kind
            for kind in ("held", "suspended", "planned", "cut")
            if any(bar.kind == kind for lane in lanes for bar in lane.bars)
        ),
        text=_text(shown, now, words),
    )


def _over(entry: Entry) -> datetime:
    over = entry.ended_at or entry.notice_ends
    return entry.ends if over is None else min(over, entry.ends)


def _stretches(entry: Entry, state: str, now: datetime) -> list[tuple[str, datetime, datetime]]:
    """What each stretch of a version's term was, is or will be."""
    started = next((e.at for e in entry.events if e.what == "started"), None)
    if started is None and entry.reconstructed:
        started = entry.begins
    over = _over(entry)
    if started is None or state in {"proposed", "balloted"}:
        kind = "planned" if state in {"proposed", "balloted"} else "cut"
        return [(kind, entry.begins, entry.ends)]
    begins = max(started, entry.begins)
    replaced = next((e.at for e in entry.events if e.what == "superseded"), None)
    over = min(over, replaced) if replaced is not None else over
    found = _held(entry, begins, min(now, over))
    if now < over:
        found.append(("planned", max(now, begins), over))
    if over < entry.ends:
        found.append(("cut", over, entry.ends))
    return [(kind, a, b) for kind, a, b in found if a < b]


def _held(entry: Entry, begins: datetime, until: datetime) -> list[tuple[str, datetime, datetime]]:
    """In force, and suspended in between."""
    found, at, kind = [], begins, "held"
    for event in entry.events:
        if event.what not in {"suspended", "resumed"} or not begins <= event.at <= until:
            continue
        found.append((kind, at, event.at))
        at, kind = event.at, "suspended" if event.what == "suspended" else "held"
    return [*found, (kind, at, until)]


def _ticks(first: datetime, last: datetime, x: object, words: Words, *, parts: int) -> tuple[Tick, ...]:
    assert callable(x)  # noqa: S101
    step = (last - first) / parts
    found = []
    for number in range(parts + 1):
        at = first + step * number
        anchor = "start" if number == 0 else "end" if number == parts else "middle"
        here = at.astimezone(times.CITY_ZONE)
        day = times.short_day(here.date(), words.lang)
        if last - first < timedelta(days=parts):
            day = times.clock(here, words.lang, seconds=True)
        found.append(Tick(day, x(at), anchor))
    return tuple(found)


def _text(shown: Sequence[tuple[Entry, str]], now: datetime, words: Words) -> str:
    """The picture in words: one sentence for each version."""
    lines = []
    for entry, state in shown:
        lines.append(
            words(
                "life.lane_text",
                version=entry.version,
                state=words.maybe(f"state.{state}", state),
                begins=times.local(entry.begins, words.lang),
                ends=times.local(_over(entry), words.lang),
            )
        )
        lines += [
            words(
                "life.mark_text",
                what=words.maybe(f"event.{e.what}", e.what),
                at=times.local(e.at, words.lang),
            )
            for e in entry.events
            if e.what in _MARKED and e.at <= now
        ]
    return " ".join(lines)
