# SPDX-License-Identifier: Apache-2.0
"""What goes on by itself: agreements that begin and end, shares that are filled and swept, acts that
reach their tree. Everything here may be killed at any moment and finds its place again."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

import psycopg

from openpars.agreements import certified, life, notice, register, warnings
from openpars.agreements.certified import Wanted
from openpars.agreements.life import Due
from openpars.agreements.votes import voting
from openpars.db import bell
from openpars.db.bell import Bell
from openpars.db.connect import Pool, pool
from openpars.db.sql import load
from openpars.desk.records import destroy_keys
from openpars.errors import Refused
from openpars.log import pending
from openpars.log.keys import KeyStore
from openpars.log.note import Signer
from openpars.log.writer import Writer
from openpars.record import vault
from openpars.settings import Settings, load_city, load_desk
from openpars.shares import enact, fence, fill, sweep
from openpars.shares.keep import Keeper
from openpars.shares.keys import ShareKeys

logger = logging.getLogger(__name__)

Q = load("openpars.shares")

# Nobody waits for what the sweeper and the acts tree do, so what comes within this time is done together.
GATHER = 0.1  # seconds

STANDING = ("balloted", "in_force", "suspended")


class Worker:
    """The loops of the worker process."""

    def __init__(
        self,
        *,
        owner: Pool,
        desk: Pool,
        keys: ShareKeys,
        writer: Writer,
        ring: Bell,
        key_store: KeyStore,
        demo: bool,
    ) -> None:
        self._owner = owner
        self._desk = desk
        self._keys = keys
        self._keeper = Keeper(keys)
        self._writer = writer
        self._bell = ring
        self._key_store = key_store
        self._demo = demo
        self._beyond: set[Wanted] = set()

    async def agreements(self) -> None:
        """Close what has ended, start what has begun, register what was carried: in that order of haste."""
        await self._due()
        await self._close()
        await self._register()
        await self._warn()

    async def fill(self) -> None:
        """Fill what was enacted or emptied, beside all else: a million files hold up no end and no start."""
        async with self._desk.connection() as conn:
            wanted = await (await conn.execute(Q.filling)).fetchall()
        for agreement, number in wanted:
            await fill.fill(self._desk, agreement, number, self._keys)
            self._bell.ring("fence")

    async def _due(self) -> None:
        """What time alone has made due, each in a transaction of its own. What cannot be done stays due."""
        async with self._desk.connection() as conn:
            due = await life.due(conn, await register.clock(conn))
        for one in due:
            with contextlib.suppress(Refused):
                await self._one_due(one)
                self._bell.ring("fence", "pending")

    async def _warn(self) -> None:
        """Tell the owners how near an end is, each warning once."""
        async with self._desk.connection() as conn:
            due = await warnings.due(conn, await register.clock(conn))
        for agreement, number in due:
            async with self._desk.connection() as conn, conn.transaction():
                await warnings.warn(conn, agreement, number)
            self._bell.ring("pending")

    async def _one_due(self, one: Due) -> None:
        if one.what == "start" and not await enact.wait_live(
            self._desk, one.agreement, one.version, seconds=0
        ):
            return
        async with self._desk.connection() as conn, conn.transaction():
            if one.what == "start":
                await life.start(conn, one.agreement, one.version)
                await fence.begin(self._owner, one.agreement, one.version)
            elif one.what == "close":
                await voting.close(conn, one.agreement, one.version, demo=self._demo)
            elif one.what == "end":
                await life.end_of_term(conn, one.agreement, one.version)
            elif one.what == "notice":
                await notice.carry_out(conn, one.agreement)
            else:
                await life.lapse(conn, one.agreement, one.version)

    async def _register(self) -> None:
        """Make the shares of what was carried and has none: by silence, or where the desk died in between."""
        async with self._desk.connection() as conn:
            wanted = await (await conn.execute(Q.unregistered)).fetchall()
            versions = [await register.version(conn, agreement, number) for agreement, number in wanted]
        for version in versions:
            await enact.enact(self._owner, version, self._keys)
            self._bell.ring("fence")

    async def _close(self) -> None:
        """Drop the shares of what has ended or was superseded, however that came about."""
        async with self._desk.connection() as conn:
            is_open = await (await conn.execute(Q.unclosed)).fetchall()
            states = {(s.agreement, s.version): s.state for s in await register.standings(conn)}
        standing = {agreement for agreement, number in is_open if states.get((agreement, number)) in STANDING}
        for agreement, number in is_open:
            if agreement not in standing:
                await fence.close(self._owner, agreement)
            elif states.get((agreement, number)) not in STANDING:
                # Superseded, or over while a later version still awaits its hour.
                await fence.retire(self._owner, agreement, number)
                self._bell.ring("change")
        for agreement in await fence.unsettled(self._owner):
            await fence.settle(self._owner, agreement)

    async def prove(self) -> None:
        """Prove what was proposed, and say what it changes: beside everything else, one text at a time."""
        async with self._desk.connection() as conn:
            wanted = await certified.wanted(conn, again=False)
        for one in wanted:
            if one not in self._beyond:
                try:
                    await certified.prove(self._desk, one, certified.PATIENCE)
                except (register.BrokenText, ValueError, LookupError, TypeError) as problem:
                    # One text that cannot be proved must not keep the others from it.
                    self._beyond.add(one)
                    logger.error("a text cannot be proved: %s", type(problem).__name__)  # noqa: TRY400
                self._bell.ring("pending")

    async def sweep(self) -> None:
        """Take out what left by the passing of time."""
        while await sweep.sweep(self._desk, self._keeper):
            self._bell.ring("change")

    async def acts(self) -> None:
        """Move staff acts into their tree."""
        moved = 1
        while moved:
            async with self._desk.connection() as conn:
                moved = await pending.drain(conn, self._writer)
        await destroy_keys(self._desk, self._key_store)


async def _every(
    dsn: str, channel: str, seconds: float, work: Callable[[], Awaitable[None]], *, gather: float = 0.0
) -> None:
    """Work at every ring and every `seconds`; what rings within `gather` seconds is done together."""
    async for _ in bell.hear(dsn, (channel,), poll_seconds=seconds):
        await asyncio.sleep(gather)
        try:
            await work()
        except (psycopg.Error, Refused):
            logger.warning("work waits: the database or the log is not available")
            await asyncio.sleep(0.2)
        except Exception as problem:  # noqa: BLE001  (one thing that cannot be done must not end all others)
            logger.error("work waits: %s", type(problem).__name__)  # noqa: TRY400  (its text may hold a row)
            await asyncio.sleep(1.0)


async def run(settings: Settings) -> None:
    """Run until cancelled."""
    secrets, city = load_desk(settings.data_dir), load_city(settings.data_dir)
    vault.hold(secrets.record_key)
    async with AsyncExitStack() as stack:
        owner = await stack.enter_async_context(pool(secrets.owner_dsn, max_size=3, name="worker owner"))
        desk = await stack.enter_async_context(pool(secrets.desk_dsn, max_size=6, name="worker"))
        store = KeyStore(settings.keys_file)
        stack.callback(store.close)
        writer = await stack.enter_async_context(
            Writer(
                secrets.desk_dsn,
                tree="acts",
                signer=Signer(f"{city.origin}/acts", bytes.fromhex(secrets.acts_key)),
                keys=store,
                admit=pending.admit,
                head_file=settings.data_dir / "keys" / "acts.head",
            )
        )
        ring = await stack.enter_async_context(Bell(secrets.desk_dsn))
        worker = Worker(
            owner=owner,
            desk=desk,
            keys=ShareKeys(secrets.share_key),
            writer=writer,
            ring=ring,
            key_store=store,
            demo=city.demo,
        )
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_every(secrets.desk_dsn, "fence", 0.5, worker.agreements))
            tasks.create_task(_every(secrets.desk_dsn, "fence", 0.5, worker.fill))
            tasks.create_task(_every(secrets.desk_dsn, "fence", 1.0, worker.prove))
            tasks.create_task(_every(secrets.desk_dsn, "change", 0.8, worker.sweep, gather=GATHER))
            tasks.create_task(_every(secrets.desk_dsn, "pending", 1.0, worker.acts, gather=GATHER))
