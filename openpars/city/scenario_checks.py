# SPDX-License-Identifier: Apache-2.0
"""What must be true of every course of the ten years, and what the history shows about each. Pure.

A check of `rights` is about the program: it must hold under every reading, or OpenPARS grants what it must
not. A check of `history` is about what happened: where it does not hold, the years do not fit the reading.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from openpars.agreements.votes.readings import Fate
from openpars.city.daily import TICK, Lived, State
from openpars.city.scenario import periods, shield_day, start_of, story

DAY = timedelta(days=1)


class Kind(StrEnum):
    """What a check is about."""

    RIGHTS = "rights"
    HISTORY = "history"


@dataclass(frozen=True, slots=True)
class Failing:
    """A time in which a check does not hold: from `begins` until `ends` (exclusive)."""

    begins: datetime
    ends: datetime


@dataclass(frozen=True, slots=True)
class Check:
    """One check of one course. `id` names its words; it holds when nothing fails."""

    id: str
    kind: Kind
    lived: Lived
    failing: tuple[Failing, ...]

    @property
    def holds(self) -> bool:
        """Whether it holds on every day."""
        return not self.failing


Found = Iterator[Failing]


def _where(
    lived: Lived, bad: Callable[[State], bool], begins: datetime | None, ends: datetime | None
) -> Found:
    """The times between two instants in which the state is bad. None: from the first, to the last."""
    for span in lived.spans:
        start = span.begins if begins is None else max(span.begins, begins)
        end = span.ends if ends is None else min(span.ends, ends)
        if start < end and bad(span.state):
            yield Failing(start, end)


def _something(state: State) -> bool:
    return bool(state)


def _nothing(state: State) -> bool:
    return not state


def _of_others(state: State) -> bool:
    return any(sight.slot != "arrestee" for sight in state)


def _by_origin(state: State) -> bool:
    return any(sight.findable_by_origin for sight in state)


def _instant(at: datetime) -> Failing:
    return Failing(at, at + TICK)


def _last_day(lived: Lived) -> date:
    return periods(lived.course)[-1].through_day


def _before_signed(lived: Lived) -> Found:
    yield from _where(lived, _something, None, start_of(story().signed))


def _after_end(lived: Lived) -> Found:
    yield from _where(lived, _something, start_of(_last_day(lived) + DAY), None)


def _without_gap(lived: Lived) -> Found:
    yield from _where(lived, _nothing, start_of(story().signed), start_of(_last_day(lived) + DAY))


def _last_instant(lived: Lived) -> Found:
    over = start_of(_last_day(lived) + DAY)
    if not lived.at(over - TICK) or lived.at(over):
        yield _instant(over - TICK)


def _before_shield(lived: Lived) -> Found:
    """Without this, the next check would hold in a world that never shows a victim to anybody."""
    yield from _where(
        lived, lambda state: not _of_others(state), start_of(story().signed), start_of(_shield(lived))
    )


def _after_shield(lived: Lived) -> Found:
    yield from _where(lived, _of_others, start_of(_shield(lived)), None)


def _shield(lived: Lived) -> date:
    return shield_day(lived.course.shield)


def _never(example: str) -> Callable[[Lived], Found]:
    def failing(lived: Lived) -> Found:
        yield from _where(lived, lambda state: any(s.example == example for s in state), None, None)

    return failing


def _nothing_changes_on(happening: str) -> Callable[[Lived], Found]:
    def failing(lived: Lived) -> Found:
        day = next(one.day for one in story().happenings if one.id == happening)
        first, over = start_of(day), start_of(day + DAY)
        if len({lived.at(first - TICK), lived.at(first), lived.at(over - TICK), lived.at(over)}) != 1:
            yield Failing(first, over)

    return failing


def _same_fields(lived: Lived) -> Found:
    """Where somebody was born changes how they can be found, never what is shown once they are."""

    def differs(state: State) -> bool:
        shown = {s.example: s.fields for s in state if s.slot == "arrestee"}
        return bool(shown) and shown.get("born-abroad") != shown.get("felony")

    yield from _where(lived, differs, None, None)


def _ballots_decide(year: int, wanted: Fate) -> Callable[[Lived], Found]:
    def failing(lived: Lived) -> Found:
        renewal = next(one for one in story().renewals if one.year == year)
        if renewal.fate(lived.course.rule) is not wanted:
            yield _instant(start_of(date(year, *story().year_ends)))

    return failing


def _no_sweep(lived: Lived) -> Found:
    yield from _where(lived, _by_origin, None, None)


RIGHTS: Mapping[str, Callable[[Lived], Found]] = {
    "nothing-before-signed": _before_signed,
    "in-force-without-gap": _without_gap,
    "last-instant-in-next-out": _last_instant,
    "nothing-after-end": _after_end,
    "victims-until-shield": _before_shield,
    "victims-never-after-shield": _after_shield,
    "juveniles-never": _never("juvenile"),
    "sealed-never": _never("sealed"),
    "origin-changes-no-field": _same_fields,
    "announced-expiry-changes-nothing": _nothing_changes_on("mistaken-expiry"),
    "ballot-2010-continues": _ballots_decide(2010, Fate.CONTINUES),
    "council-changes-nothing": _nothing_changes_on("resolution-2011"),
    "notice-changes-nothing": _nothing_changes_on("notice-2018"),
    "ballot-2018-ends": _ballots_decide(2018, Fate.ENDS),
}

NO_SWEEP, VOTED = "no-sweep-by-origin", "every-year-as-the-rule-asks"


def check(lived: Lived, reported: Lived) -> tuple[Check, ...]:
    """Every check of one course. `reported`: the same shield with access as the sources report it."""
    found = [Check(name, Kind.RIGHTS, lived, _joined(failing(lived))) for name, failing in RIGHTS.items()]
    found.append(Check(NO_SWEEP, Kind.HISTORY, lived, _joined(_no_sweep(lived))))
    if lived.course.rule is not None:
        found.append(Check(VOTED, Kind.HISTORY, lived, _joined(beyond(lived, reported))))
    return tuple(found)


def _joined(found: Found) -> tuple[Failing, ...]:
    """Times that meet are one time."""
    joined: list[Failing] = []
    for one in found:
        if joined and joined[-1].ends == one.begins:
            joined[-1] = Failing(joined[-1].begins, one.ends)
        else:
            joined.append(one)
    return tuple(joined)


def beyond(lived: Lived, reported: Lived) -> Found:
    """When access went on as reported although this course's reading of the rule no longer granted it."""
    for span in lived.spans:
        if not span.state:
            yield from _where(reported, _something, span.begins, span.ends)
