# SPDX-License-Identifier: Apache-2.0
"""Watches for ends. At an agreement's last second, or when the fence is rung, its feeds say so and close.

The door does not need this to refuse: it asks the clock and the epoch itself, for every answer and
every event. This makes the end visible, cuts the connections, and empties the queues.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import Counter
from datetime import datetime

import psycopg

from openpars.agreements.register import Standing
from openpars.alerts.dispatch import Dispatcher
from openpars.db import bell
from openpars.db.sql import load
from openpars.disclosure.clock import ClockFault
from openpars.disclosure.gate import Gate
from openpars.disclosure.register import is_live
from openpars.errors import Refused

Q = load(__package__)

logger = logging.getLogger(__name__)

RENEW = 1.0  # seconds after which the register is read anew though nobody rang


class FenceWatch:
    """Runs in the process that serves recipients."""

    def __init__(self, *, gate: Gate, dispatcher: Dispatcher, dsn: str) -> None:
        self._gate = gate
        self._dispatcher = dispatcher
        self._dsn = dsn
        self._rung = asyncio.Event()
        self._live: dict[str, Standing] = {}
        self._counted: Counter[tuple[str, str | None]] | None = None

    async def run(self) -> None:
        """Watch until cancelled."""
        ears = asyncio.create_task(self._listen(), name="fence-bell")
        try:
            while True:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._pause()):
                        await self._rung.wait()
                rung = self._rung.is_set()
                self._rung.clear()
                try:
                    await self._look(renew=rung or self._gate.clock.age() > RENEW)
                except (psycopg.Error, Refused, ClockFault):
                    logger.warning("the fence waits: the database, the log or the clock is not available")
                    await asyncio.sleep(0.2)
                except Exception as problem:  # noqa: BLE001  (whatever it is, ends must go on being seen)
                    logger.error("the fence waits: %s", type(problem).__name__)  # noqa: TRY400  (may hold a row)
                    await asyncio.sleep(0.2)
        finally:
            ears.cancel()

    async def _listen(self) -> None:
        async for _ in bell.hear(self._dsn, ("fence",), poll_seconds=RENEW):
            self._rung.set()

    def _pause(self) -> float:
        """Until the next end, and at most a second."""
        try:
            now = self._gate.clock.now()
        except ClockFault:
            return 0.2
        ends = [standing.until for standing in self._gate.register.standings if is_live(standing, now)]
        return min([RENEW, *((end - now).total_seconds() + 0.001 for end in ends)])

    async def _look(self, *, renew: bool) -> None:
        if renew:
            await self._gate.read_clock()
            await self._gate.register.reload()
        now = self._gate.clock.now()
        live = {s.agreement: s for s in self._gate.register.standings if is_live(s, now)}
        for agreement, standing in tuple(self._live.items()):
            if agreement not in live:
                # Forgotten only when it is done: what fails now is done at the next look.
                await self._end(standing, now)
            elif live[agreement].version != standing.version:
                await self._amended(standing, live[agreement], now)
        self._live = live
        if renew:
            await self._dispatcher.post.stop_revoked()
            await self._count_feeds()

    async def _count_feeds(self) -> None:
        """Let the desk know how many feeds are open. Written only when that has changed."""
        counted = self._dispatcher.post.streams.counted()
        if counted == self._counted:
            return
        places = list(counted)
        async with self._gate.pool.connection() as conn, conn.transaction():
            await conn.execute(Q.forget_feeds)
            columns = (
                [one[0] for one in places],
                [one[1] for one in places],
                [counted[one] for one in places],
            )
            await conn.execute(Q.count_feeds, columns)
        self._counted = counted

    async def _amended(self, before: Standing, after: Standing, now: datetime) -> None:
        """Cut the organisations that the amendment names no more; everybody else's feeds go on."""
        version = self._gate.register.version
        dropped = frozenset(
            one.id
            for one in version(before).agreement.organisations
            if not version(after).agreement.admits(one.id)
        )
        self._dispatcher.post.say_dropped(after, dropped, at=now)
        await self._dispatcher.end_dropped()

    async def _end(self, standing: Standing, now: datetime) -> None:
        latest = [s for s in self._gate.register.standings if s.agreement == standing.agreement]
        suspended = now < standing.until and any(s.state == "suspended" for s in latest)
        # First the last word, which needs nothing but memory; then connections and queues.
        ended = next((s.until for s in latest if s.version == standing.version), standing.until)
        self._dispatcher.post.say_ended(standing, at=ended, suspended=suspended)
        await self._gate.pools.close(standing.agreement)
        if not suspended:
            await self._dispatcher.forget(standing.agreement)
            await self._dispatcher.log_end(standing)
