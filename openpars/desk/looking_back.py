# SPDX-License-Identifier: Apache-2.0
"""Staff asking what a recipient could have seen on a day. Asking is noted in the acts log, like any look-up.

The auditor and the solicitor see numbers. Rows are for those who may read files anyway, and hold no more than
their own desk would show them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from openpars.accounts.keys import StaffRole
from openpars.agreements import register
from openpars.agreements.replay.sight import Sights
from openpars.db.connect import Connection
from openpars.desk import hindsight
from openpars.desk.hindsight import Tell
from openpars.desk.room import READERS, Actor, Room, among
from openpars.desk.transact import agent
from openpars.desk.view import WHOLE_SSN
from openpars.errors import Code, refuse
from openpars.log import pending
from openpars.log.draft import JSON, Draft

SEERS = frozenset(
    {StaffRole.AUDITOR, StaffRole.SOLICITOR, StaffRole.POLICE, StaffRole.DISTRICT_ATTORNEY, StaffRole.COURTS}
)
"""Who may ask: the auditor, the city's lawyer, and the owners of the record."""


_looking = asyncio.Semaphore(2)
"""Looks at once: each holds a connection while it reads the whole record, and the desks need theirs."""


@dataclass(frozen=True, slots=True)
class Look:
    """What came of one look back. `daily`: people within reach on each day from `first`."""

    agreement: str
    recipient: str
    stretches: tuple[Mapping[str, Any], ...]
    first: date | None
    daily: tuple[int, ...]
    examples: bool


async def agreements(room: Room, actor: Actor) -> list[tuple[str, str]]:
    """Every agreement that was ever in force, with its recipient. Raises Refused FORBIDDEN."""
    among(actor, SEERS)
    async with room.pool.connection() as conn:
        return sorted({(one.agreement, one.recipient) for one in await register.standings(conn)})


async def look(
    room: Room, actor: Actor, agreement: str, *, since: datetime, until: datetime, tell: Tell
) -> Look:
    """What the recipient could have seen in [since, until), and day by day over the agreement's life.

    Raises Refused FORBIDDEN, NOT_FOUND.
    """
    among(actor, SEERS)
    async with _looking, room.pool.connection() as conn, conn.transaction():
        life = await hindsight.life_of(conn, agreement)
        if life is None:
            raise refuse(Code.NOT_FOUND, "There is no such agreement.", "agreement")
        wide = _life_so_far(life, await register.clock(conn), room)
        found = await hindsight.seen_on(conn, life, since=since, until=until, tell=tell, wide=wide)
        subjects = _examples(found, actor.role)
        await _note(conn, actor, agreement, since=since, until=until, subjects=subjects)
    room.bell.ring("pending")
    return Look(
        agreement,
        life.recipient,
        tuple(found),
        None if wide is None else wide.first,
        () if wide is None else tuple(wide.daily()),
        actor.role in READERS,
    )


def _life_so_far(life: hindsight.Life, now: datetime, room: Room) -> Sights | None:
    zone = room.pack.zone
    begun = [span for span in life.spans if span.begins < now]
    if not begun:
        return None
    last = min(max(span.ends for span in begun), now) - timedelta(microseconds=1)
    return Sights(begun[0].begins.astimezone(zone).date(), last.astimezone(zone).date(), zone)


def _examples(found: list[dict[str, Any]], role: StaffRole) -> tuple[str, ...]:
    """Leave in what the role may see, and tell whom that shows (their log keys)."""
    shown: set[str] = set()
    for purpose in (one for stretch in found for one in stretch["purposes"]):
        examples: dict[str, dict[str, Any]] = purpose["examples"] if role in READERS else {}
        shown.update(who for who in examples if "/" not in who)
        purpose["examples"] = [
            {name: value for name, value in row.items() if name != "ssn" or role in WHOLE_SSN}
            for row in examples.values()
        ]
    return tuple(sorted(shown))


async def _note(
    conn: Connection,
    actor: Actor,
    agreement: str,
    *,
    since: datetime,
    until: datetime,
    subjects: tuple[str, ...],
) -> None:
    query: dict[str, JSON] = {
        "agreement": agreement,
        "from": since.isoformat(),
        "until": until.isoformat(),
    }
    private: dict[str, JSON] = {"agent": agent(actor), "query": query, "file": []}
    await pending.note(conn, Draft("lookup", {"act": "seen"}, private, subjects))
