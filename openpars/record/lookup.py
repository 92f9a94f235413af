# SPDX-License-Identifier: Apache-2.0
"""The desks' lists and look-ups: staff reading the city's own record."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from openpars.db.connect import Connection
from openpars.db.sql import load
from openpars.record.file import HOME, ArrestFile
from openpars.record.names import key
from openpars.record.rules import State
from openpars.record.store import many

Q = load(__package__)

LIMIT = 200


async def queue(
    conn: Connection, at: State, *, limit: int = LIMIT, jurisdiction: str = HOME
) -> list[ArrestFile]:
    """The files that stand at one step, sealed ones too: a sealed person still waits."""
    cursor = await conn.execute(
        Q.queue_step, {"jurisdiction": jurisdiction, "step": at.value, "limit": limit}
    )
    return await _in_order(conn, [row[0] for row in await cursor.fetchall()], jurisdiction)


async def queue_held(conn: Connection, *, limit: int = LIMIT, jurisdiction: str = HOME) -> list[ArrestFile]:
    """Everybody who is held."""
    cursor = await conn.execute(Q.queue_held, {"jurisdiction": jurisdiction, "limit": limit})
    return await _in_order(conn, [row[0] for row in await cursor.fetchall()], jurisdiction)


async def _in_order(conn: Connection, ids: list[UUID], jurisdiction: str) -> list[ArrestFile]:
    by_id = {UUID(file.id): file for file in await many(conn, ids, jurisdiction)}
    return [by_id[one] for one in ids if one in by_id]


@dataclass(frozen=True, slots=True)
class Wanted:
    """A staff look-up: a number, or a last name with more."""

    last: str | None = None
    first: str | None = None
    birth_date: date | None = None
    dc_number: str | None = None
    docket: str | None = None
    otn: str | None = None


async def find(
    conn: Connection, wanted: Wanted, *, limit: int = 50, jurisdiction: str = HOME
) -> list[ArrestFile]:
    """Files by number or by name; names match by their key, whole. Newest first."""
    base: dict[str, object] = {"jurisdiction": jurisdiction, "limit": limit}
    if wanted.docket is not None:
        cursor = await conn.execute(Q.find_by_docket, {**base, "number": wanted.docket})
    elif wanted.otn is not None:
        cursor = await conn.execute(Q.find_by_otn, {**base, "number": wanted.otn})
    elif wanted.dc_number is not None:
        cursor = await conn.execute(Q.find_by_dc_number, {**base, "number": wanted.dc_number})
    else:
        cursor = await conn.execute(
            Q.find_by_name,
            {
                **base,
                "last": key(wanted.last or ""),
                "first": key(wanted.first) if wanted.first else None,
                "birth_date": wanted.birth_date,
            },
        )
    return await _in_order(conn, [row[0] for row in await cursor.fetchall()], jurisdiction)
