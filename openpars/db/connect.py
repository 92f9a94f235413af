# SPDX-License-Identifier: Apache-2.0
"""Pools of connections, one per login. A login's rights are the wall; a pool never changes its role."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator
from typing import TypeAlias

import psycopg
from psycopg import AsyncConnection
from psycopg.pq import TransactionStatus
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool

Connection: TypeAlias = AsyncConnection[TupleRow]
Pool: TypeAlias = AsyncConnectionPool[Connection]

# Of two errors at once the driver raises one and prints the other, with the row in it. The pool prints none.
logging.getLogger("psycopg").setLevel(logging.CRITICAL + 1)
logging.getLogger("psycopg.pool").setLevel(logging.WARNING)


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


@contextlib.asynccontextmanager
async def in_few_trips(conn: Connection) -> AsyncIterator[None]:
    """One transaction whose statements travel together: what nobody reads goes with the next that is read.

    So the error of a statement may only be raised by a later one, at the latest by the commit; `rowcount`
    is there only after an inner pipeline has ended; and there is no COPY and no named cursor. Rolled back
    by whatever is raised. Raises InFailedSqlTransaction where the server answers the commit with a rollback,
    which it does without an error, of a transaction in which something failed.
    """
    before = conn.autocommit
    await conn.set_autocommit(True)  # else the driver waits for the answer to its own BEGIN
    try:
        async with conn.pipeline():
            await conn.execute("BEGIN")
            yield
            ended = await conn.execute("COMMIT")
        if ended.statusmessage != "COMMIT":
            raise psycopg.errors.InFailedSqlTransaction
    finally:
        with contextlib.suppress(psycopg.Error):
            if conn.info.transaction_status is not TransactionStatus.IDLE:
                await conn.rollback()
            await conn.set_autocommit(before)
