# SPDX-License-Identifier: Apache-2.0
"""The record as it was: versions by number, and every version that stood in a period.

Read only. What was expunged is not here: an emptied version is told as None, or not at all.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from openpars.db.connect import Connection
from openpars.db.sql import load
from openpars.record.file import HOME, ArrestFile
from openpars.record.store import BEFORE_ALL, file_of

Q = load(__package__, "past.sql")

BATCH = 250
"""Arrests read at once: few, since a desk waits for its turn behind them."""


@dataclass(frozen=True, slots=True)
class Stood:
    """One version of a file and the instants between which it was the one that stood; `ends` None: still."""

    file: ArrestFile
    begins: datetime
    ends: datetime | None


async def versions(
    conn: Connection, wanted: Iterable[tuple[str, int]], jurisdiction: str = HOME
) -> dict[tuple[str, int], ArrestFile | None]:
    """Files by arrest and version; None where the version was emptied, absent where there never was one."""
    pairs = sorted(wanted)
    found: dict[tuple[str, int], ArrestFile | None] = {}
    for place in range(0, len(pairs), BATCH):
        part = pairs[place : place + BATCH]
        values = {
            "jurisdiction": jurisdiction,
            "arrests": [UUID(arrest) for arrest, _ in part],
            "versions": [number for _, number in part],
        }
        for row in await (await conn.execute(Q.versions, values)).fetchall():
            found[str(row[5]), row[0]] = None if row[1] is None else file_of(row, jurisdiction)
    return found


async def count(conn: Connection, jurisdiction: str = HOME) -> int:
    """How many arrests there are, the expunged ones too: for progress alone, MUST NOT be told."""
    row = await (await conn.execute(Q.count_arrests, {"jurisdiction": jurisdiction})).fetchone()
    return 0 if row is None else int(row[0])


async def stood_between(
    conn: Connection, since: datetime, until: datetime, jurisdiction: str = HOME
) -> AsyncIterator[tuple[int, list[Stood]]]:
    """Batch by batch: how many arrests were looked at, and every version that stood in [since, until)."""
    after: UUID | str = BEFORE_ALL
    while True:
        values = {"jurisdiction": jurisdiction, "after": after, "limit": BATCH}
        ids = [row[0] for row in await (await conn.execute(Q.arrests_after, values)).fetchall()]
        if not ids:
            return
        period = {"jurisdiction": jurisdiction, "since": since, "until": until}
        cursor = await conn.execute(Q.standing_between, {**period, "first": ids[0], "last": ids[-1]})
        rows = await cursor.fetchall()
        yield len(ids), [Stood(file_of(row[:6], jurisdiction), row[6], row[7]) for row in rows]
        after = ids[-1]
