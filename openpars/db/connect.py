# SPDX-License-Identifier: Apache-2.0
"""Pools of connections, one per login. A login's rights are the wall; a pool never changes its role."""

from __future__ import annotations

from typing import TypeAlias

from psycopg import AsyncConnection
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool

Connection: TypeAlias = AsyncConnection[TupleRow]
Pool: TypeAlias = AsyncConnectionPool[Connection]


async def _configure(conn: Connection) -> None:
    # Statements are prepared from their second use on: the hot path repeats a few of them.
    conn.prepare_threshold = 1


def pool(
    dsn: str,
    *,
    min_size: int = 1,
    max_size: int = 8,
    name: str | None = None,
    max_idle: float = 600.0,
    autocommit: bool = False,
) -> Pool:
    """A pool for one login, not yet open: use `async with pool(...) as p` or `await p.open()`.

    `autocommit`: each statement is a transaction of its own, and saves two round trips; several that
    belong together then need `conn.transaction()`.
    """
    return AsyncConnectionPool(
        dsn,
        min_size=min_size,
        max_size=max_size,
        open=False,
        name=name,
        configure=_configure,
        timeout=10.0,
        max_idle=max_idle,
        kwargs={"autocommit": autocommit},
    )
