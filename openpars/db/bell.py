# SPDX-License-Identifier: Apache-2.0
"""The doorbell: an empty NOTIFY after a commit, on a connection of its own.

It carries no payload, because LISTEN has no access control. It is not rung inside the writing
transaction, because NOTIFY there serialises all commits. A lost bell delays, it never loses: every
consumer also polls.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import LiteralString

import psycopg

from openpars.db.connect import Connection

RING: dict[str, LiteralString] = {
    "change": "NOTIFY openpars_change",
    "fence": "NOTIFY openpars_fence",
    "pending": "NOTIFY openpars_pending",
}
LISTEN: dict[str, LiteralString] = {
    "change": "LISTEN openpars_change",
    "fence": "LISTEN openpars_fence",
    "pending": "LISTEN openpars_pending",
}


class Bell:
    """Rings channels. Rings asked for while one is on its way are merged into one."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._conn: Connection | None = None
        self._wanted: set[str] = set()
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Bell:
        self._task = asyncio.create_task(self._run(), name="bell")
        return self

    async def __aexit__(self, *exc: object) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        if self._conn is not None:
            await self._conn.close()

    def ring(self, *channels: str) -> None:
        """Ring after the commit. Returns at once and never fails the caller."""
        self._wanted.update(channels)
        self._wake.set()

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            wanted, self._wanted = self._wanted, set()
            try:
                if self._conn is None or self._conn.closed:
                    self._conn = await psycopg.AsyncConnection.connect(self._dsn, autocommit=True)
                    # Nothing is lost when a ring is: no reason to wait for the disk.
                    await self._conn.execute("SET synchronous_commit = off")
                for channel in wanted:
                    await self._conn.execute(RING[channel])
            except psycopg.Error:
                self._conn = None
                await asyncio.sleep(0.1)


async def hear(
    dsn: str, channels: tuple[str, ...], *, poll_seconds: float, on_open: Callable[[], None] | None = None
) -> AsyncIterator[None]:
    """Yield once at the start, then at every ring and at least every `poll_seconds`.

    Reconnects by itself. What was rung while it was away is covered by the poll.
    """
    while True:
        try:
            async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as conn:
                for channel in channels:
                    await conn.execute(LISTEN[channel])
                if on_open is not None:
                    on_open()
                yield
                while True:
                    async for _ in conn.notifies(timeout=poll_seconds, stop_after=1):
                        pass
                    yield
        except psycopg.Error:
            yield
            await asyncio.sleep(0.2)
