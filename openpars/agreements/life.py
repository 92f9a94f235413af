# SPDX-License-Identifier: Apache-2.0
"""The life of an agreement after its ballots: start, suspend, resume, end (`notice`: of the end).

An end or a suspension moves the epoch in the same transaction, and the epoch never moves back: whatever
checks it before the last byte stops there. Making and closing the shares is `shares`' work.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from openpars.agreements.register import Event, Locked, Q, lock, record
from openpars.db.connect import Connection
from openpars.errors import Code, refuse


@dataclass(frozen=True, slots=True)
class Due:
    """What time has made due. `what`: `start`, `end`, `notice` (the notified instant has come), or `lapse`
    (its time passed before it began)."""

    agreement: str
    version: int
    what: str
    at: datetime


async def due(conn: Connection, now: datetime) -> tuple[Due, ...]:
    """Everything due at that instant; starts before ends of one instant: a renewal has no gap."""
    return tuple(Due(*row) for row in await (await conn.execute(Q.due, {"now": now})).fetchall())


async def next_due(conn: Connection, now: datetime) -> datetime | None:
    """The next instant at which something becomes due, or None."""
    row = await (await conn.execute(Q.next_due, {"now": now})).fetchone()
    return row[0] if row else None


async def states_of(conn: Connection, agreement: str) -> dict[int, tuple[str, datetime, datetime]]:
    """The state, begin and end of each version, by its number."""
    rows = await (await conn.execute(Q.versions_of, (agreement,))).fetchall()
    return {number: (state, begins, ends) for number, _, state, begins, ends in rows}


async def start(conn: Connection, agreement: str, number: int) -> int | None:
    """Put a balloted version in force, in the place of the one in force. Returns the number of that one.

    The caller MUST have filled its shares. Raises Refused CONFLICT when it is not balloted, outside its
    term, or the agreement is suspended: an amendment does not lift a suspension.
    """
    row = await lock(conn, agreement)
    states = await states_of(conn, agreement)
    state, begins, ends = states.get(number, ("", row.now, row.now))
    if row.notice_ends is not None:
        ends = min(ends, row.notice_ends)
    if state != "balloted" or not begins <= row.now < ends or row.suspended_by is not None:
        raise refuse(Code.CONFLICT, "this version cannot start now", "version")
    before = next((one for one, (state, _, _) in states.items() if state == "in_force"), None)
    if before is not None:
        await conn.execute(Q.set_state, ("superseded", agreement, before))
        await record(conn, agreement, before, Event("superseded", row.now, "term"))
    await conn.execute(Q.set_state, ("in_force", agreement, number))
    await record(conn, agreement, number, Event("started", row.now, "term"))
    return before


async def lapse(conn: Connection, agreement: str, number: int) -> None:
    """Close a text whose term passed before it was in force. Does nothing when it is not such a text."""
    row = await lock(conn, agreement)
    state, _, ends = (await states_of(conn, agreement)).get(number, ("", row.now, row.now))
    if state in {"proposed", "balloted"} and ends <= row.now:
        await conn.execute(Q.set_ended, (ends, agreement, number))
        await record(conn, agreement, number, Event("lapsed", row.now, "term"))


async def suspend(conn: Connection, agreement: str, *, by: str, reason: str) -> int:
    """Stop an agreement at once. Returns the new epoch. Raises Refused CONFLICT when it is not in force.

    One owner is enough: without a vote the rules only ever tighten.
    """
    row = await lock(conn, agreement)
    number = standing_of(await states_of(conn, agreement), ("in_force",))
    await conn.execute(Q.set_state, ("suspended", agreement, number))
    epoch = await _move_fence(conn, row, suspended_by=by)
    await record(conn, agreement, number, Event("suspended", row.now, by, reason))
    return epoch


async def resume(conn: Connection, agreement: str, *, by: str, reason: str) -> int:
    """Lift a suspension; only who suspended may. Returns its version. Raises Refused."""
    row = await lock(conn, agreement)
    number = standing_of(await states_of(conn, agreement), ("suspended",))
    if row.suspended_by != by:
        raise refuse(Code.FORBIDDEN, "only who suspended an agreement can lift the suspension")
    await conn.execute(Q.set_state, ("in_force", agreement, number))
    await conn.execute(Q.resume, (agreement,))
    await record(conn, agreement, number, Event("resumed", row.now, by, reason))
    return number


async def end(conn: Connection, agreement: str, *, by: str, reason: str) -> int:
    """End an agreement now, or record that its term is over. Returns the new epoch.

    Raises Refused NOT_FOUND, CONFLICT when nothing of it is in force or about to be. Who may do this is
    the caller's to know: without a carried ballot or a term that is over, it breaks the owners' rule.
    """
    row = await lock(conn, agreement)
    return await finish(conn, row, at=row.now, by=by, reason=reason)


async def end_of_term(conn: Connection, agreement: str, number: int) -> int | None:
    """Record that this version's term is over. Returns the new epoch; None when that is no longer so.

    For the worker, which acts on a list that may be a moment old: it never touches another version.
    """
    row = await lock(conn, agreement)
    state, _, ends = (await states_of(conn, agreement)).get(number, ("", row.now, row.now))
    if state not in {"in_force", "suspended"} or row.now < ends:
        return None
    return await finish(conn, row, at=row.now, by="term", reason="the term is over")


async def finish(
    conn: Connection, row: Locked, *, at: datetime, by: str, reason: str, notified: bool = False
) -> int:
    """End everything of a locked agreement that is in force or about to be; move the fence.

    A version whose term was over before `at` ended then. When only the term is over, versions for a later
    time stay as they are voted; an early end, and one by notice (`notified`), takes them along.
    """
    states = await states_of(conn, row.id)
    current = {n: one for n, one in states.items() if one[0] in {"in_force", "suspended"}}
    early = notified or not current or all(at < ends for _, _, ends in current.values())
    closing = current | {n: one for n, one in states.items() if early and one[0] == "balloted"}
    if not closing:
        raise refuse(Code.CONFLICT, "nothing of this agreement is in force", "agreement")
    epoch = await _move_fence(conn, row, suspended_by=None)
    # What comes after this end does not stand under the notice of it. The event stays.
    await conn.execute(Q.notice, (None, None, row.id))
    for number, (_, _, ends) in closing.items():
        ended = min(at, ends)
        await conn.execute(Q.set_ended, (ended, row.id, number))
        await record(conn, row.id, number, Event("ended", ended, by, reason))
    return epoch


async def _move_fence(conn: Connection, row: Locked, *, suspended_by: str | None) -> int:
    moved = await (await conn.execute(Q.move_fence, (suspended_by, row.id))).fetchone()
    assert moved is not None  # noqa: S101  (its row is locked)
    return int(moved[0])


def standing_of(states: dict[int, tuple[str, datetime, datetime]], wanted: tuple[str, ...]) -> int:
    """The version in one of these states. Raises Refused CONFLICT when there is none."""
    number = next((one for one, (state, _, _) in states.items() if state in wanted), None)
    if number is None:
        raise refuse(Code.CONFLICT, f"no version of this agreement is {' or '.join(wanted)}", "agreement")
    return number
