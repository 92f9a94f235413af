# SPDX-License-Identifier: Apache-2.0
"""The register of agreements: proposing, and reading what stands. See `voting` and `life` for the rest.

Every change of one agreement's life locks its row first, so two changes never decide on the same state.
Every function that changes something MUST run in the caller's transaction, and notes itself in the log there.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import LiteralString

from openpars.agreements.ballots import (
    Ballot,
    Choice,
    Outcome,
    Question,
    Round,
    closing,
    question_of,
)
from openpars.agreements.bars import bars_for, emptied
from openpars.agreements.check import check, enactable
from openpars.agreements.language.alike import skeleton
from openpars.agreements.language.canonical import canonical, digest
from openpars.agreements.language.faults import Fault, Severity
from openpars.agreements.language.text import Reading, read
from openpars.agreements.model import Agreement, Version
from openpars.agreements.switches import switched_bars
from openpars.db.connect import Connection
from openpars.db.sql import load
from openpars.errors import Code, refuse
from openpars.log import leaf
from openpars.log.draft import Draft
from openpars.log.pending import note
from openpars.record.catalogue import instant

Q = load(__package__)

STANDING = ("in_force", "suspended")


class BrokenText(Exception):
    """A stored text does not have its hash, or no longer reads. Nothing may be shared by it."""


@dataclass(frozen=True, slots=True)
class Proposed:
    """A version that awaits its ballots."""

    id: str
    version: int
    hash: str
    state: str


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one version stands. `until`: when its term ends, or it ended. `epoch`: the agreement's fence."""

    agreement: str
    version: int
    recipient: str
    state: str
    begins: datetime
    until: datetime
    epoch: int
    hash: str


@dataclass(frozen=True, slots=True)
class Event:
    """One step of an agreement's life. `at`: when it happened."""

    what: str
    at: datetime
    by: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One version in the public register, with everything the public may know: all of it."""

    agreement: str
    version: int
    provider: str
    recipient: str
    state: str
    hash: str
    begins: datetime
    ends: datetime
    ended_at: datetime | None
    reconstructed: bool
    text: str
    notice_at: datetime | None
    notice_ends: datetime | None
    suspended_by: str | None
    ballots: tuple[Ballot, ...]
    events: tuple[Event, ...]
    rounds: tuple[Round, ...]


@dataclass(frozen=True, slots=True)
class Locked:
    """An agreement's row, locked until the transaction ends. `now` is the database's clock after the wait."""

    id: str
    provider: str
    recipient: str
    epoch: int
    suspended_by: str | None
    notice_at: datetime | None
    notice_ends: datetime | None
    now: datetime


def sentence(faults: Sequence[Fault]) -> str:
    """The first fault that stands in the way, as one sentence, and how many more there are."""
    bad = [fault for fault in faults if fault.severity is not Severity.WARNING]
    first = bad[0]
    hint = f" Did you mean `{first.suggestion}`?" if first.suggestion else ""
    more = f" (and {len(bad) - 1} more)" if len(bad) > 1 else ""
    return f"line {first.line}: {first.message}.{hint}{more}"


async def clock(conn: Connection) -> datetime:
    """The database's clock at this instant, never the transaction's beginning."""
    row = await (await conn.execute(Q.clock)).fetchone()
    return _instant(row[0] if row else None)


def _instant(value: object) -> datetime:
    if not isinstance(value, datetime):
        raise TypeError("an instant was expected")
    return value


async def lock(conn: Connection, agreement: str) -> Locked:
    """Lock one agreement's row, while no bar is being switched. Raises Refused NOT_FOUND."""
    await conn.execute(Q.hold_bars)
    row = await (await conn.execute(Q.lock, (agreement,))).fetchone()
    if row is None:
        raise refuse(Code.NOT_FOUND, "there is no such agreement", "agreement")
    return Locked(*row)


async def propose(
    conn: Connection, text: str | bytes, by: str, *, demo: bool, closes: datetime | None = None
) -> Proposed:
    """Enter a text as the next version of its agreement. It shares nothing before its ballots carry it.

    Outside demo mode it must cover every topic of CJIS Security Policy 5.1.1.3. `closes`: by when the owners
    must have spoken, where the rules' own days are not meant.

    Raises Refused INVALID for a text that may not be enacted or whose term is over, CONFLICT when the same
    text already awaits its ballots or the agreement belongs to other parties.
    """
    # Reading a long text takes a second. It does not hold up the desks, and no row is locked meanwhile, so
    # that nobody delays a suspension by proposing; a solver is asked later, by the worker.
    agreement = _enactable(await asyncio.to_thread(check, text, strict=not demo))
    await conn.execute(Q.hold_bars)
    number, now = await _next_number(conn, agreement)
    await _not_barred(conn, agreement, now)
    if agreement.term.ends <= now:
        raise refuse(Code.INVALID, "the term is already over: its end must lie in the future", "term")
    known = await (await conn.execute(Q.versions_of, (agreement.id,))).fetchall()
    wanted = digest(agreement)
    if any(row[1] == wanted and row[2] in {"proposed", "balloted", "in_force"} for row in known):
        raise refuse(Code.CONFLICT, "this text already stands in the register", "text")
    await _insert(conn, agreement, number, text, state="proposed", by=by, ended_at=None)
    opened = await _first_round(conn, agreement, number, by=by, at=now, closes=closes)
    event = Event("proposed", now, by, opened.said)
    await record(conn, agreement.id, number, event, text_hash=wanted, text=_decoded(text))
    return Proposed(agreement.id, number, wanted, "proposed")


async def standing_text(conn: Connection, agreement: str) -> tuple[int, Agreement] | None:
    """The version in force or suspended, and its text: its rules decide about the next one."""
    rows = await (await conn.execute(Q.versions_of, (agreement,))).fetchall()
    number = next((one for one, _, state, _, _ in rows if state in STANDING), None)
    return None if number is None else (number, (await version(conn, agreement, number)).agreement)


async def _first_round(
    conn: Connection, text: Agreement, number: int, *, by: str, at: datetime, closes: datetime | None
) -> Round:
    standing = await standing_text(conn, text.id)
    rules, current = standing if standing is not None else (number, None)
    question = question_of(text, current)
    decision = (current or text).decision
    until = closing(decision, question, asked_at=at, ends=text.term.ends, wanted=closes)
    opened = Round(text.id, number, question, 1, rules, by, at, until)
    await open_round(conn, opened)
    return opened


async def open_round(conn: Connection, opened: Round) -> None:
    """Keep a round. The caller records the event that tells of it."""
    await conn.execute(
        Q.new_round,
        {
            "agreement": opened.agreement,
            "version": opened.version,
            "question": opened.question.value,
            "number": opened.number,
            "rules": opened.rules,
            "by": opened.asked_by,
            "at": opened.asked_at,
            "closes": opened.closes_at,
        },
    )


async def _not_barred(conn: Connection, agreement: Agreement, now: datetime) -> None:
    """No grant that a bar empties for all that is left of the term, by what is switched on today."""
    switched = await switched_bars(conn, agreement.provider)
    bars = bars_for(agreement.provider, agreement.recipient, switched)
    version = Version(agreement, 1, digest(agreement), bars)
    begins = max(now, agreement.term.begins)
    for grant in agreement.grants:
        bar = emptied(version, grant, begins)
        if bar is not None:
            detail = f"grant {grant.number} gives nothing, whatever the owners vote: {bar.cited}"
            raise refuse(Code.INVALID, detail, "text")


def _enactable(reading: Reading) -> Agreement:
    if reading.agreement is None or not enactable(reading):
        raise refuse(Code.INVALID, sentence(reading.faults), "text")
    return reading.agreement


async def _next_number(conn: Connection, agreement: Agreement) -> tuple[int, datetime]:
    await conn.execute(Q.lock_name, (agreement.id,))
    known = await (await conn.execute(Q.lock, (agreement.id,))).fetchone()
    if known is None:
        await _unlike(conn, agreement.id)
        await conn.execute(Q.new_agreement, (agreement.id, agreement.provider, agreement.recipient))
        return 1, await clock(conn)
    row = Locked(*known)
    if (row.provider, row.recipient) != (agreement.provider, agreement.recipient):
        raise refuse(Code.CONFLICT, "an agreement with this id exists between other parties", "agreement.id")
    versions = await (await conn.execute(Q.versions_of, (agreement.id,))).fetchall()
    return len(versions) + 1, row.now


def _decoded(text: str | bytes) -> str:
    return text if isinstance(text, str) else text.decode()


async def _unlike(conn: Connection, new: str) -> None:
    """Owners must not vote on one agreement and mean another. Raises Refused CONFLICT."""
    await conn.execute(Q.lock_name, (f"like {skeleton(new)}",))
    known = await (await conn.execute(Q.all_names)).fetchall()
    if any(skeleton(one) == skeleton(new) for (one,) in known):
        raise refuse(
            Code.CONFLICT,
            "this id can be taken for that of another agreement: choose another",
            "agreement.id",
        )


async def _insert(
    conn: Connection,
    agreement: Agreement,
    number: int,
    text: str | bytes,
    *,
    state: str,
    by: str,
    ended_at: datetime | None,
) -> None:
    await conn.execute(
        Q.new_version,
        {
            "agreement": agreement.id,
            "number": number,
            "text": _decoded(text),
            "canonical": canonical(agreement),
            "hash": digest(agreement),
            "state": state,
            "begins": agreement.term.begins,
            "ends": agreement.term.ends,
            "ended_at": ended_at,
            "reconstructed": ended_at is not None,
            "by": by,
        },
    )


async def enter_history(conn: Connection, text: str | bytes, events: Sequence[Event], *, by: str) -> Proposed:
    """Enter an agreement of the past as it is told: ended from the first, never in force here.

    The one way in for a text that `check` refuses, and harmless: its term MUST be over, so that no share
    of it is ever made. The last event of kind `ended` says when it ended. Raises Refused INVALID.
    """
    reading = read(text)
    if reading.agreement is None:
        raise refuse(Code.INVALID, sentence(reading.faults), "text")
    agreement = reading.agreement
    number, now = await _next_number(conn, agreement)
    if agreement.term.ends > now or any(event.at > now for event in events):
        raise refuse(Code.INVALID, "only what is over can be entered as history", "term")
    ended = max((event.at for event in events if event.what == "ended"), default=agreement.term.ends)
    await _insert(conn, agreement, number, text, state="ended", by=by, ended_at=ended)
    for event in events:
        await record(conn, agreement.id, number, event)
    entered = Event("note", now, by, _HISTORY)
    await record(conn, agreement.id, number, entered, text_hash=digest(agreement), text=_decoded(text))
    return Proposed(agreement.id, number, digest(agreement), "ended")


_HISTORY = "entered as history"


def event_digest(agreement: str, number: int, event: Event, text: str | None) -> str:
    """SHA-256 (hex) of all that is kept of one step: what its leaf carries, so that an edit is found.

    The step that enters a text covers it as it was written: comments change no hash that is voted on, and
    people read them.
    """
    enters = event.what == "proposed" or (event.what, event.reason) == ("note", _HISTORY)
    source = hashlib.sha256(text.encode()).hexdigest() if enters and text is not None else None
    parts = (agreement, number, event.what, instant(event.at), event.by, event.reason, source)
    return hashlib.sha256(leaf.canonical(parts)).hexdigest()


async def record(
    conn: Connection,
    agreement: str,
    number: int,
    event: Event,
    *,
    text_hash: str | None = None,
    text: str | None = None,
) -> None:
    """Keep one step of an agreement's life, in the register and in the log. `text`: the one it enters."""
    await conn.execute(Q.new_event, (agreement, number, event.what, event.at, event.by, event.reason))
    await note(
        conn,
        Draft(
            "agreement",
            public={
                "agreement": agreement,
                "version": number,
                "event": event.what,
                "hash": text_hash,
                "digest": event_digest(agreement, number, event, text),
            },
            private={"agent": event.by, "at": event.at.isoformat(), "why": event.reason},
        ),
    )


@lru_cache(maxsize=256)
def _parsed(text: str, stored_hash: str) -> Agreement:
    reading = read(text)
    # The text is obeyed only if it is the one that was voted on, whoever wrote into the table.
    if reading.agreement is None or digest(reading.agreement) != stored_hash:
        raise BrokenText
    return reading.agreement


async def version(conn: Connection, agreement: str, number: int) -> Version:
    """One version as it was voted on, with the bars of today above it: see `bars.narrowed` for what is left.

    Raises Refused NOT_FOUND, BrokenText when it was tampered with.
    """
    row = await (await conn.execute(Q.version, (agreement, number))).fetchone()
    if row is None:
        raise refuse(Code.NOT_FOUND, "there is no such version", "version")
    parsed = _parsed(row[0], row[1])
    switched = await switched_bars(conn, parsed.provider)
    return Version(parsed, number, row[1], bars_for(parsed.provider, parsed.recipient, switched))


async def standings(conn: Connection) -> tuple[Standing, ...]:
    """Every version of every agreement, whatever its state."""
    return tuple(Standing(*row) for row in await (await conn.execute(Q.standings)).fetchall())


async def versions_in_force(conn: Connection) -> tuple[Version, ...]:
    """The versions in force at this instant: the state says so and the term covers the database's clock."""
    rows = await (await conn.execute(Q.in_force)).fetchall()
    return tuple([await version(conn, agreement, number) for agreement, number in rows])


async def fences(conn: Connection, ids: Sequence[str]) -> dict[str, int]:
    """The epoch of each of these agreements; one that moved means that nothing more may go out."""
    return {row[0]: row[1] for row in await (await conn.execute(Q.fences, (list(ids),))).fetchall()}


def ballot_of(row: Sequence[object]) -> Ballot:
    """A ballot from its columns, in the order of `queries.sql`."""
    stakeholder, agreement, number, text_hash, question, choice, expires, at, signature, round, key = row
    return Ballot(
        str(stakeholder),
        str(agreement),
        int(str(number)),
        str(text_hash),
        Question(str(question)),
        Choice(str(choice)),
        _instant(expires),
        _instant(at),
        None if signature is None else str(signature),
        int(str(round)),
        None if key is None else str(key),
    )


def round_of(row: Sequence[object]) -> Round:
    """A round from its columns, in the order of `queries.sql`."""
    agreement, number, question, round, rules, by, at, closes, outcome, decided = row
    return Round(
        str(agreement),
        int(str(number)),
        Question(str(question)),
        int(str(round)),
        int(str(rules)),
        str(by),
        _instant(at),
        _instant(closes),
        Outcome(str(outcome)),
        None if decided is None else _instant(decided),
    )


async def register(conn: Connection) -> tuple[Entry, ...]:
    """The public register: every version with its text, ballots and life, history included."""
    return await _entries(conn, Q.all_events)


async def whole(conn: Connection) -> tuple[Entry, ...]:
    """The register with every step, those about letters that were never served among them: for `audit`."""
    return await _entries(conn, Q.every_event)


async def _entries(conn: Connection, steps: LiteralString) -> tuple[Entry, ...]:
    ballots: dict[tuple[str, int], list[Ballot]] = defaultdict(list)
    for row in await (await conn.execute(Q.all_ballots)).fetchall():
        one = ballot_of(row)
        ballots[one.agreement, one.version].append(one)
    events: dict[tuple[str, int], list[Event]] = defaultdict(list)
    for agreement, number, *rest in await (await conn.execute(steps)).fetchall():
        events[agreement, number].append(Event(*rest))
    rounds: dict[tuple[str, int], list[Round]] = defaultdict(list)
    for row in await (await conn.execute(Q.all_rounds)).fetchall():
        asked = round_of(row)
        rounds[asked.agreement, asked.version].append(asked)
    rows = await (await conn.execute(Q.listing)).fetchall()
    return tuple(
        Entry(*row, *(tuple(found[row[0], row[1]]) for found in (ballots, events, rounds))) for row in rows
    )
