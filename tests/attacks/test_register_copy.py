# SPDX-License-Identifier: Apache-2.0
"""The door's copy of the register, while it is read anew."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import psycopg

from openpars.agreements import register
from openpars.agreements.register import Event
from openpars.db.connect import pool
from openpars.disclosure.register import Register
from openpars.record import vault
from openpars.settings import Settings, load_desk, load_door
from tests import pasts

WAITS = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'agreements.version'::regclass"
SWITCH = (
    "INSERT INTO agreements.bar_switch (provider, bar, turned_on, at, by, reason)"
    " VALUES ('city-of-philadelphia', 'ordinances-2026', true, clock_timestamp(), 'somebody', 'a test')"
)


async def test_who_asks_while_it_is_read_anew_finds_it_whole(settings: Settings) -> None:
    """A switch of a bar makes the door read everything again; meanwhile the old copy answers."""
    secrets = load_desk(settings.data_dir)
    vault.hold(secrets.record_key)
    async with await psycopg.AsyncConnection.connect(secrets.desk_dsn) as conn:
        ended = Event("ended", datetime(2026, 1, 1, 5, tzinfo=UTC), "history")
        await register.enter_history(conn, pasts.TEXT, [ended], by="history")
    async with (
        pool(load_door(settings.data_dir).door_dsn) as door,
        await psycopg.AsyncConnection.connect(secrets.owner_dsn) as holder,
        await psycopg.AsyncConnection.connect(secrets.owner_dsn, autocommit=True) as owner,
    ):
        copy = Register(door)
        await copy.reload()
        (standing,) = copy.standings
        await owner.execute(SWITCH)
        await holder.execute("LOCK TABLE agreements.version IN ACCESS EXCLUSIVE MODE")
        again = asyncio.create_task(copy.reload())
        while (await (await owner.execute(WAITS)).fetchone() or (0,))[0] == 0:
            assert not again.done()
            await asyncio.sleep(0.02)
        assert copy.version(standing).number == standing.version
        await holder.rollback()
        await again
        assert copy.version(*copy.standings).number == standing.version
