# SPDX-License-Identifier: Apache-2.0
"""Rows that leave because time passes. They are not served after their `until` in any case; the
sweeper takes them out, and their recipients hear of it, within a second."""

from __future__ import annotations

from openpars.db.connect import Pool
from openpars.db.sql import load
from openpars.record import store
from openpars.shares.keep import Keeper

Q = load(__package__)


async def sweep(pool: Pool, keeper: Keeper) -> int:
    """Refresh every file with a row that is due; returns how many files. At most 500 a call."""
    async with pool.connection() as conn:
        due = await (await conn.execute(Q.due)).fetchall()
    for (arrest,) in due:
        async with pool.connection() as conn, conn.transaction():
            file = await store.lock(conn, str(arrest))
            await keeper.refresh(conn, file, file)
    return len(due)
