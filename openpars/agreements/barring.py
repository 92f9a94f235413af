# SPDX-License-Identifier: Apache-2.0
"""Switching a bar on or off: an act of the city, an event in the register and a leaf of the acts log.

What the bar forbids ends in the same transaction, whatever was voted; what it only narrows is named to
the caller, who takes the rows out in the same transaction. Switched off again, nothing comes back by
itself: what was ended needs a new ballot.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from openpars.agreements.bars import Pack, binds, is_on, packs, voided
from openpars.agreements.life import finish, states_of
from openpars.agreements.model import Bar
from openpars.agreements.register import (
    BrokenText,
    Event,
    Locked,
    Q,
    clock,
    lock,
    record,
    version,
)
from openpars.agreements.switches import switch_digest, switched_bars
from openpars.db.connect import Connection
from openpars.errors import Code, refuse
from openpars.log.draft import JSON, Draft
from openpars.log.pending import note

_STANDING = ("in_force", "suspended")
_COMING = ("proposed", "balloted")


@dataclass(frozen=True, slots=True)
class Turn:
    """What is to be done: which bar of which provider, on or off, by whom and why."""

    provider: str
    bar: str
    on: bool
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class Turned:
    """What it did. `ended`: agreements that are over. `touched`: those whose shares must be made anew."""

    bar: Bar
    at: datetime
    ended: tuple[str, ...]
    touched: tuple[str, ...]


async def turn(conn: Connection, asked: Turn) -> Turned:
    """Switch a bar, from this instant on. MUST run in a transaction of the owner's login.

    Raises Refused NOT_FOUND for no such bar, FORBIDDEN for one that always holds, CONFLICT when it already is
    as asked.
    """
    pack, bar, classes = _switchable(asked)
    await conn.execute(Q.close_bars)
    if is_on(bar.id, await switched_bars(conn, asked.provider)) is asked.on:
        raise refuse(Code.CONFLICT, f"this bar is already {_word(asked)}", "bar")
    at = await clock(conn)
    values = (asked.provider, bar.id, asked.on, at, asked.by, asked.reason)
    row = await (await conn.execute(Q.new_switch, values)).fetchone()
    number = int(row[0]) if row is not None else 0
    public: dict[str, JSON] = {
        "bar": bar.id,
        "provider": asked.provider,
        "event": _word(asked),
        "switch": number,
        "digest": switch_digest((number, *values)),
    }
    private: dict[str, JSON] = {"agent": asked.by, "at": at.isoformat(), "why": asked.reason}
    await note(conn, Draft("bar", public=public, private=private))
    ended: list[str] = []
    touched: list[str] = []
    for agreement, recipient in await (await conn.execute(Q.agreements_with, (asked.provider,))).fetchall():
        if binds(pack, recipient, classes):
            (ended if await _under(conn, agreement, bar, asked) else touched).append(agreement)
    return Turned(bar, at, tuple(ended), tuple(touched))


def _word(asked: Turn) -> str:
    return "on" if asked.on else "off"


def _switchable(asked: Turn) -> tuple[Pack, Bar, frozenset[str]]:
    pack = packs().get(asked.provider)
    found = (
        next((one for one in pack.switchable if one[0].id == asked.bar), None) if pack is not None else None
    )
    if pack is not None and found is not None:
        return pack, *found
    if pack is not None and any(bar.id == asked.bar for bar, _ in pack.bars):
        raise refuse(Code.FORBIDDEN, "this bar always holds: nobody can switch it", "bar")
    raise refuse(Code.NOT_FOUND, "there is no such bar", "bar")


async def _under(conn: Connection, agreement: str, bar: Bar, asked: Turn) -> bool:
    """Bring one agreement in line with the bar. True when it is over."""
    row = await lock(conn, agreement)
    states = await states_of(conn, agreement)
    void = {
        number: state
        for number, (state, _, _) in states.items()
        if asked.on and state in (*_STANDING, *_COMING) and await _void(conn, row, number)
    }
    reason = f"{bar.cited}: {asked.reason}"
    for number, state in void.items():
        if state == "proposed":
            await conn.execute(Q.set_state, ("rejected", agreement, number))
            await record(conn, agreement, number, Event("barred", row.now, asked.by, reason))
    standing = next((number for number, (state, _, _) in states.items() if state in _STANDING), None)
    decided = [number for number, state in void.items() if state != "proposed"]
    if decided and (standing is None or standing in decided):
        for number in decided:
            await record(conn, agreement, number, Event("barred", row.now, asked.by, reason))
        await finish(conn, row, at=row.now, by=asked.by, reason=reason)
        return True
    for number in decided:
        await conn.execute(Q.set_ended, (row.now, agreement, number))
        await record(conn, agreement, number, Event("barred", row.now, asked.by, reason))
    if standing is not None:
        what = "narrowed" if asked.on else "note"
        said = reason if asked.on else f"switched off: {reason}"
        await record(conn, agreement, standing, Event(what, row.now, asked.by, said))
    return False


async def _void(conn: Connection, row: Locked, number: int) -> bool:
    try:
        return voided(await version(conn, row.id, number), row.now) is not None
    except BrokenText:
        return False  # it grants nothing at the door in any case
