# SPDX-License-Identifier: Apache-2.0
"""The owners' view of an agreement's life: how near its end is, what is to be done, what stops. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from openpars.agreements import warnings
from openpars.agreements.letters.correspondence import Letter, LetterStanding
from openpars.agreements.letters.wording import TITLES
from openpars.agreements.model import Silence, Version
from openpars.agreements.register import Entry
from openpars.desk.impact import Impact
from openpars.web.pages import public_views
from openpars.web.pages.public_views import Versions
from openpars.web.pages.times import day

STANDING_WORDS: Mapping[LetterStanding, str] = {
    LetterStanding.DRAFTED: "Draft, not served",
    LetterStanding.SERVED: "Served",
    LetterStanding.OVERDUE: "Answer overdue",
    LetterStanding.REPLIED: "Answered",
    LetterStanding.DISCARDED: "Discarded",
}
# What a desk should look at first.
_ORDER = (
    LetterStanding.OVERDUE,
    LetterStanding.DRAFTED,
    LetterStanding.SERVED,
    LetterStanding.REPLIED,
    LetterStanding.DISCARDED,
)


@dataclass(frozen=True, slots=True)
class WarningRow:
    """One warning before the end: its instant, and when it was recorded. `late`: after its instant."""

    days: int
    at: datetime
    told: bool
    passed: bool


@dataclass(frozen=True, slots=True)
class LetterRow:
    """A letter in a list."""

    href: str
    agreement: str
    number: int
    title: str
    standing: str
    words: str
    served: str
    deadline: str


@dataclass(frozen=True, slots=True)
class Stops:
    """What stops, in words: for the end, or for one proposed version."""

    title: str
    points: tuple[str, ...]
    cases: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TermView:
    """One agreement as its owners see it. `next_steps`: what to do, most urgent first."""

    id: str
    recipient: str
    version: int
    state: str
    state_words: str
    ends: datetime
    silence: str
    notice_at: datetime | None
    notice_ends: datetime | None
    next_steps: tuple[str, ...]
    warnings: tuple[WarningRow, ...]
    told: str
    overdue: int


_STATES = {
    "in_force": "In force",
    "notice_given": "In force, notice given",
    "suspended": "Suspended",
    "balloted": "Voted, begins later",
    "proposed": "Awaits ballots",
}


def terms(
    entries: Sequence[Entry], versions: Versions, letters: Sequence[Letter], now: datetime
) -> tuple[TermView, ...]:
    """Every agreement that stands or is coming, the nearest end first."""
    names = sorted({entry.agreement for entry in entries})
    found = (term(name, entries, versions, letters, now) for name in names)
    return tuple(sorted((one for one in found if one is not None), key=lambda one: (one.ends, one.id)))


def term(
    agreement: str, entries: Sequence[Entry], versions: Versions, letters: Sequence[Letter], now: datetime
) -> TermView | None:
    """One agreement, by the version that stands, else the one that comes; None when all of it is over."""
    mine = [one for one in entries if one.agreement == agreement]
    live = [one for one in mine if public_views.shown_state(one, now) in _STATES]
    if not live:
        return None
    chosen = min(
        live, key=lambda one: (list(_STATES).index(public_views.shown_state(one, now)), -one.version)
    )
    version = versions.get((agreement, chosen.version))
    state = public_views.shown_state(chosen, now)
    ends = public_views.over_at(chosen)
    stands = state in {"in_force", "notice_given", "suspended"}
    rows = _warnings(chosen, version, ends, now) if stands and version is not None else ()
    return TermView(
        id=agreement,
        recipient=chosen.recipient,
        version=chosen.version,
        state=state,
        state_words=_STATES[state],
        ends=ends,
        silence=_silence(version),
        notice_at=chosen.notice_at if stands else None,
        notice_ends=chosen.notice_ends if stands else None,
        next_steps=_next_steps(chosen, mine, version, ends) if stands else (_awaits(chosen),),
        warnings=rows,
        told=next((e.reason or "" for e in reversed(chosen.events) if e.what == "warning"), ""),
        overdue=sum(
            one.agreement == agreement and one.standing(now) is LetterStanding.OVERDUE for one in letters
        ),
    )


def _warnings(entry: Entry, version: Version, ends: datetime, now: datetime) -> tuple[WarningRow, ...]:
    told = [(e.reason, e.at) for e in entry.events if e.what == "warning"]
    return tuple(
        WarningRow(
            one.days,
            one.at,
            any(said == f"{one.days} days before the end" and at >= one.at for said, at in told),
            one.at <= now,
        )
        for one in warnings.schedule(ends, version.term.zone)
    )


def _silence(version: Version | None) -> str:
    if version is None:
        return "Its text was rewritten, so it grants nothing."
    if version.agreement.decision.silence is Silence.CONTINUE:
        return (
            "By its text, where a question about renewal closes, an owner who has not spoken counts as going "
            "on. Without any question asked it still ends with its term."
        )
    return "By its text silence does not renew it: without the owners' votes it ends by itself."


def _awaits(entry: Entry) -> str:
    if entry.state == "balloted":
        return "It is voted. It begins by itself at its hour, once its share is filled."
    return f"Version {entry.version} awaits the owners' ballots. Nothing is shared under it."


def _next_steps(
    entry: Entry, mine: Sequence[Entry], version: Version | None, ends: datetime
) -> tuple[str, ...]:
    if entry.notice_ends is not None and entry.notice_ends <= ends:
        given = (
            "Notice was given: it holds in every respect until then and ends by itself. Versions voted for "
            "later end with it."
        )
        return (given, "To go on after all, the solicitor withdraws the notice.")
    voted = [one for one in mine if one.state == "balloted" and one.ends > ends]
    if voted:
        gap = voted[0].begins - ends
        apart = f" There is a gap of {gap.days + 1} days." if gap > timedelta(0) else " There is no gap."
        return (f"Version {voted[0].version} is voted and takes its place by itself.{apart}",)
    asked = [one for one in mine if one.state == "proposed"]
    rule = version.agreement.decision.renew if version is not None else ""
    steps = [f"Version {one.version} awaits the owners' ballots." for one in asked]
    if not asked:
        steps.append(
            "To go on: the solicitor proposes a version with only another term, and the owners carry it by "
            f"their rule ({rule}) before the end."
        )
    steps.append("To let it end: nothing needs to be done.")
    return tuple(steps)


def rows(letters: Sequence[Letter], now: datetime) -> tuple[LetterRow, ...]:
    """Letters for a list: overdue first, then drafts, then what waits; within each the newest first."""
    ordered = sorted(letters, key=lambda one: (_ORDER.index(one.standing(now)), -one.written_at.timestamp()))
    return tuple(
        LetterRow(
            href=f"/desk/letters/{one.agreement}/{one.number}",
            agreement=one.agreement,
            number=one.number,
            title=TITLES[one.kind],
            standing=one.standing(now).value,
            words=STANDING_WORDS[one.standing(now)],
            served=day(served.day) if (served := one.step("served")) else "",
            deadline=day(one.deadline) if one.deadline else "",
        )
        for one in ordered
    )


def stops(impact: Impact) -> Stops:
    """What stops, in plain words."""
    found = impact.stopped
    what = "If it ends" if impact.by is None else f"If version {impact.by} takes its place"
    leave = f"{_count(found.people, 'person leaves', 'people leave')} the share"
    stay = f"; {_count(found.kept_people, 'person stays', 'people stay')}"
    criteria = _count(found.criteria, "subscription", "subscriptions")
    points = [
        leave + (stay if impact.by is not None else ""),
        f"{_count(found.watches, 'watch', 'watches')} and {criteria} by criteria stop",
    ]
    if impact.by is None:
        points.append(
            f"{_count(found.keys, 'key loses', 'keys lose')} it, {found.active_keys} used in the last "
            "30 days; "
            f"{found.idle_keys} left with no agreement at all"
        )
        points.append(f"{_count(found.feeds, 'open feed closes', 'open feeds close')}")
    if found.organisations:
        points.append(f"Organisations: {', '.join(found.organisations)}")
    points.append(f"Asked for under {_count(len(found.cases), 'case number', 'case numbers')}")
    return Stops(what, tuple(points), found.cases)


def _count(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"


def today(now: datetime, zone: str) -> str:
    """The civil day now, as forms write it."""
    here = now.astimezone(ZoneInfo(zone))
    return f"{here:%m/%d/%Y}"
