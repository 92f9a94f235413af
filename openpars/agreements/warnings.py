# SPDX-License-Identifier: Apache-2.0
"""Warnings to the owners before an agreement ends: 120, 90, 60, 30 and 7 civil days before.

Every date is computed from the end, and the end from the text: none is typed. Each warning is recorded
once, whoever is killed and whatever the clock does: its row has the end and the days as its name.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from openpars.agreements.life import states_of
from openpars.agreements.register import BrokenText, Event, Q, lock, record, version
from openpars.db.connect import Connection

DAYS = (120, 90, 60, 30, 7)


@dataclass(frozen=True, slots=True)
class Warned:
    """One warning: so many civil days before the end, at its instant."""

    days: int
    at: datetime


def schedule(ends: datetime, zone: str) -> tuple[Warned, ...]:
    """Every warning of an end, the earliest first: the same wall clock so many civil days before, in UTC.

    A wall time that comes twice or not at all on that day is taken at its earlier reading: a warning is
    never late.
    """
    wall = ends.astimezone(ZoneInfo(zone))
    return tuple(
        Warned(days, min((wall - timedelta(days=days)).replace(fold=fold).astimezone(UTC) for fold in (0, 1)))
        for days in DAYS
    )


def owed(ends: datetime, zone: str, *, since: datetime, now: datetime) -> tuple[Warned, ...]:
    """The warnings that are due at `now` for an end that has stood since `since`.

    Those whose instant has come since then, however late it is now; and where the end was already nearer
    when it began to stand, the nearest one, at that instant.
    """
    planned = schedule(ends, zone)
    passed = [one for one in planned if one.at < since]
    nearest = [Warned(passed[-1].days, since)] if passed else []
    return tuple(one for one in [*nearest, *(p for p in planned if p.at >= since)] if one.at <= now < ends)


async def due(conn: Connection, now: datetime) -> tuple[tuple[str, int], ...]:
    """The versions with a warning due and not yet recorded."""
    found = []
    for agreement, number, ends, since in await _ending(conn, now):
        if await _missing(conn, agreement, number, ends=ends, since=since, now=now):
            found.append((agreement, number))
    return tuple(found)


async def warn(conn: Connection, agreement: str, number: int) -> tuple[Warned, ...]:
    """Record what is due of one version, in the caller's transaction, at the database's clock."""
    row = await lock(conn, agreement)
    if (await states_of(conn, agreement)).get(number, ("",))[0] not in {"in_force", "suspended"}:
        return ()
    for found, version_number, ends, since in await _ending(conn, row.now):
        if (found, version_number) == (agreement, number):
            made = await _missing(conn, agreement, number, ends=ends, since=since, now=row.now)
            for one in made:
                await conn.execute(Q.new_warning, (agreement, number, ends, one.days, one.at))
                said = f"{one.days} days before the end"
                await record(conn, agreement, number, Event("warning", one.at, "clock", said))
            return made
    return ()


async def _ending(conn: Connection, now: datetime) -> list[tuple[str, int, datetime, datetime]]:
    # A day more than the longest warning: a civil day may have 25 hours.
    horizon = now + timedelta(days=DAYS[0] + 1)
    rows = await (await conn.execute(Q.ending, (horizon,))).fetchall()
    return [(agreement, number, ends, since) for agreement, number, ends, since in rows if since is not None]


async def _missing(
    conn: Connection, agreement: str, number: int, *, ends: datetime, since: datetime, now: datetime
) -> tuple[Warned, ...]:
    try:
        zone = (await version(conn, agreement, number)).term.zone
    except BrokenText:
        return ()  # it grants nothing, and its own words cannot be trusted about its zone
    recorded = {row[0] for row in await (await conn.execute(Q.warned, (agreement, number, ends))).fetchall()}
    return tuple(one for one in owed(ends, zone, since=since, now=now) if one.days not in recorded)
