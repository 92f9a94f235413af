# SPDX-License-Identifier: Apache-2.0
"""Where a file stands, what may be done next, and how much time is left. Pure functions.

States are derived from the file and never stored as truth. Clocks come from the jurisdiction pack's
rule table; each says how much time is left and by what rule.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from openpars.record.file import ArrestFile, BailType, Charge, Custody, Disposition, Seal, Stage
from openpars.record.forms import Act
from openpars.record.pack import Pack, Rule
from openpars.record.values import end_of_day


class State(StrEnum):
    """How far a file has come, in order; then the three ways it can be closed to view."""

    BOOKED = "booked"
    CHARGES_PROPOSED = "charges_proposed"
    CHARGING_DECIDED = "charging_decided"
    DECLINED = "declined"
    COMPLAINT_FILED = "complaint_filed"
    ARRAIGNED = "arraigned"
    RELEASED = "released"  # arraigned and free
    COMMITTED = "committed"  # arraigned and in jail
    FILED = "filed"  # known only from the court's own list
    SEALED = "sealed"
    EXPUNGED = "expunged"
    WITHDRAWN = "withdrawn"


def state(file: ArrestFile) -> State:
    """The state shown: a seal hides how far the file has come."""
    match file.seal:
        case Seal.SEALED:
            return State.SEALED
        case Seal.EXPUNGED:
            return State.EXPUNGED
        case Seal.WITHDRAWN:
            return State.WITHDRAWN
        case Seal.OPEN:
            return step(file)


def step(file: ArrestFile) -> State:
    """How far the file has come, seal or no seal: a sealed person still has a right to be arraigned."""
    if file.arraignment is not None:
        match file.custody:
            case Custody.RELEASED:
                return State.RELEASED
            case Custody.COMMITTED:
                return State.COMMITTED
            case Custody.HELD | None:
                return State.ARRAIGNED
    if file.complaint_at is not None:
        return State.COMPLAINT_FILED
    stages = {charge.stage for charge in file.charges}
    if file.arrested_at is None or Stage.FILED in stages:
        return State.FILED
    if not stages:
        return State.BOOKED
    if Stage.PROPOSED in stages:
        return State.CHARGES_PROPOSED
    return State.DECLINED if stages == {Stage.DECLINED} else State.CHARGING_DECIDED


BEFORE_COURT = frozenset({Stage.APPROVED, Stage.CHANGED, Stage.FILED})
"""Stages of a charge that a court decides about; a declined charge never came before one."""

_BEFORE_COMPLAINT = frozenset({State.BOOKED, State.CHARGES_PROPOSED, State.CHARGING_DECIDED})
_AFTER_ARRAIGNMENT = frozenset({State.ARRAIGNED, State.RELEASED, State.COMMITTED, State.FILED})
_EVERY_STEP = frozenset(State) - {State.SEALED, State.EXPUNGED, State.WITHDRAWN}

ALLOWED: dict[Act, frozenset[State]] = {
    Act.BOOK: frozenset(),
    Act.PROPOSE_CHARGES: _BEFORE_COMPLAINT,
    Act.DECIDE_CHARGES: frozenset({State.CHARGES_PROPOSED, State.CHARGING_DECIDED}),
    Act.FILE_COMPLAINT: frozenset({State.CHARGING_DECIDED}),
    Act.INTERVIEW: _BEFORE_COMPLAINT | {State.COMPLAINT_FILED},
    Act.ARRAIGN: frozenset({State.COMPLAINT_FILED}),
    Act.SET_BAIL: _AFTER_ARRAIGNMENT,
    Act.CHANGE_CUSTODY: _EVERY_STEP,
    Act.CORRECT: _EVERY_STEP,
    Act.SEAL: _EVERY_STEP,
    Act.UNSEAL: _EVERY_STEP,
    Act.EXPUNGE: _EVERY_STEP,
    Act.FILE_DOCKET: _EVERY_STEP,
    Act.WITHDRAW_DOCKET: _EVERY_STEP,
    Act.REPRESENT: _EVERY_STEP,
    Act.DISPOSE: _AFTER_ARRAIGNMENT | {State.COMPLAINT_FILED},
}

WHEN: dict[Act, str] = {
    Act.BOOK: "An arrest is booked once.",
    Act.PROPOSE_CHARGES: "Charges are proposed before a complaint is filed and before all are declined.",
    Act.DECIDE_CHARGES: "Charges are decided once they are proposed and before a complaint is filed.",
    Act.FILE_COMPLAINT: "A complaint is filed once, when every charge is decided and one at least approved.",
    Act.INTERVIEW: "The pretrial interview comes before the preliminary arraignment.",
    Act.ARRAIGN: "The preliminary arraignment comes once, after the complaint.",
    Act.SET_BAIL: "Bail is set at the preliminary arraignment or after it.",
    Act.DISPOSE: "The outcome of a charge comes after the complaint.",
}


def allows(file: ArrestFile, act: Act) -> bool:
    """Whether the act may be done where the file stands. Nothing may be done to an expunged file."""
    return file.seal is not Seal.EXPUNGED and step(file) in ALLOWED[act]


def pending(file: ArrestFile) -> tuple[Charge, ...]:
    """The charges that are before the court and have no outcome yet."""
    return tuple(one for one in file.charges if one.stage in BEFORE_COURT and one.disposition is None)


def disposed(file: ArrestFile) -> bool:
    """Whether every charge that came before the court has its outcome."""
    return any(one.disposition is not None for one in file.charges) and not pending(file)


def cleared(file: ArrestFile) -> bool:
    """Whether it is over without any conviction: nothing is left to hold the person for."""
    return disposed(file) and all(one.disposition is not Disposition.CONVICTED for one in file.charges)


@dataclass(frozen=True, slots=True)
class Clock:
    """Time left, and why. `level`: ok, advisory or breach; `seconds_left` is negative after the limit."""

    name: str
    started_at: datetime
    due_at: datetime
    seconds_left: int
    level: str
    why: str


def clocks(file: ArrestFile, at: datetime, pack: Pack) -> tuple[Clock, ...]:
    """Every clock that runs on this file at `at`, the most pressing first."""
    running = [
        clock
        for clock in (_custody(file, at, pack), _complaint(file, at, pack), _hearing(file, at, pack))
        if clock
    ]
    return tuple(sorted(running, key=lambda clock: clock.due_at))


def due_at(file: ArrestFile, pack: Pack) -> datetime | None:
    """The next limit, whatever the time is now: queues are ordered by it."""
    running = clocks(file, datetime(1, 1, 1, tzinfo=UTC), pack)
    return running[0].due_at if running else None


def _rows(pack: Pack, starts: str, started: datetime, custody: str | None = None) -> list[Rule]:
    day = started.astimezone(pack.zone).date()
    return [
        rule
        for rule in pack.rules
        if rule.starts == starts and rule.holds_on(day) and rule.custody in {None, custody}
    ]


def _limit(rule: Rule, started: datetime, pack: Pack) -> datetime:
    if rule.hours is not None:
        # In UTC: in a civil zone, adding hours over the night the clocks change adds or loses one.
        return started.astimezone(UTC) + timedelta(hours=rule.hours)
    return end_of_day(started.astimezone(pack.zone).date() + timedelta(days=rule.days or 0), pack.zone)


def _clock(rows: list[Rule], started: datetime, at: datetime, pack: Pack) -> Clock | None:
    limits = sorted(((_limit(rule, started, pack), rule) for rule in rows), key=lambda pair: pair[0])
    breaches = [pair for pair in limits if pair[1].level == "breach"]
    if not breaches:
        return None
    due, limit = breaches[-1]
    passed = [rule for when, rule in limits if when <= at]
    level = passed[-1].level if passed else "ok"
    why = limit.citation
    if passed and passed[-1] is not limit:
        last = passed[-1]
        length = f"{last.hours} h" if last.hours is not None else f"{last.days} days"
        why = f"{length} passed ({last.citation}). Limit: {limit.citation}"
    left = (due - at) // timedelta(seconds=1)
    return Clock(limit.name, started, due, left, level, why)


def _custody(file: ArrestFile, at: datetime, pack: Pack) -> Clock | None:
    """From the arrest, while the person is held and nobody has found probable cause."""
    found = file.arraignment is not None and file.arraignment.probable_cause
    if file.custody is not Custody.HELD or file.arrested_at is None or found:
        return None
    return _clock(_rows(pack, "arrest", file.arrested_at), file.arrested_at, at, pack)


def _complaint(file: ArrestFile, at: datetime, pack: Pack) -> Clock | None:
    """From a release before any complaint (Rule 519(B)); a declined arrest needs none."""
    waiting = step(file) in _BEFORE_COMPLAINT and file.custody is Custody.RELEASED
    if not waiting or file.custody_at is None:
        return None
    return _clock(_rows(pack, "release", file.custody_at), file.custody_at, at, pack)


def _hearing(file: ArrestFile, at: datetime, pack: Pack) -> Clock | None:
    """From the preliminary arraignment until a hearing date within the limit is set."""
    if file.arraignment is None or not file.arraignment.probable_cause or disposed(file):
        return None
    started = file.arraignment.held_at
    custody = "free" if file.custody is Custody.RELEASED else "held"
    clock = _clock(_rows(pack, "arraignment", started, custody), started, at, pack)
    if clock is None or (file.next_date is not None and file.next_date < clock.due_at):
        return None  # a date within the limit is set: nothing is left to do in time
    return clock


@dataclass(frozen=True, slots=True)
class Missing:
    """Something a rule asks for that the file does not have. Shown, never a reason to keep anyone waiting."""

    field: str
    why: str


def missing(file: ArrestFile) -> tuple[Missing, ...]:
    """What the rules ask for and the file does not have yet."""
    found = [
        Missing(f"charges.{charge.number - 1}.reason", "A declined charge has its reason.")
        for charge in file.charges
        if charge.stage is Stage.DECLINED and charge.reason is None
    ]
    if file.arraignment is not None and not file.arraignment.rights_given:
        found.append(
            Missing("arraignment.rights_given", "Rule 540: the complaint is read and rights are told.")
        )
    if file.arraignment is not None and file.bail is not None:
        if file.bail.type is BailType.MONETARY and file.bail.ability_to_pay is None:
            found.append(
                Missing("bail.ability_to_pay", "Rule 528: monetary bail considers the ability to pay.")
            )
        if file.bail.type is BailType.DENIED and file.bail.reasons is None:
            found.append(Missing("bail.reasons", "Rule 520: a refusal of bail has its reasons in writing."))
    return tuple(found)
