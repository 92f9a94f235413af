# SPDX-License-Identifier: Apache-2.0
"""What may go wrong while a share is filled: acts, switches, kills and crashes between two batches."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from openpars.db import embedded, migrate
from openpars.db.connect import Connection, pool
from openpars.record import past, store
from openpars.record.file import ArrestFile, Seal
from openpars.record.forms import Act
from openpars.record.store import Entry
from openpars.settings import DatabaseLogins, load_desk
from openpars.shares import fence, fill
from openpars.shares.keep import Keeper
from tests.conftest import CityProcess, Database
from tests.driver import Driver, agreement_text, unique
from tests.shares.registered import PURPOSES, Registered, registered

LOGINS = (migrate.OWNER, migrate.DESK, migrate.DOOR)


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many batches of few files."""
    monkeypatch.setattr(fill, "BATCH", 10)


def filling(city: Registered) -> asyncio.Task[int]:
    return asyncio.create_task(fill.fill(city.desk, city.agreement, 1, city.keys))


async def still(task: asyncio.Task[int], seconds: float = 0.3) -> None:
    """It waits for somebody."""
    done, _ = await asyncio.wait({task}, timeout=seconds)
    assert not done, task.result()


async def until(true: Callable[[], Any]) -> None:
    """Until something asked of the database is so."""
    for _ in range(500):
        if await true():
            return
        await asyncio.sleep(0.02)
    pytest.fail("it did not come to that")


async def hold(conn: Connection, file: ArrestFile) -> None:
    """An act that has a file and is not done with it."""
    await conn.execute("SELECT FROM record.arrest WHERE id = %s FOR UPDATE", (file.id,))


@asynccontextmanager
async def kept_busy(city: Registered, file: ArrestFile) -> AsyncIterator[None]:
    """Lets a batch take this file, and not finish with it: somebody writes what it is about to write."""
    async with city.desk.connection() as conn, conn.transaction(force_rollback=True):
        await conn.execute(
            "INSERT INTO shares.identity (agreement, arrest, slot, id)"
            " VALUES (%s, %s, 'arrestee', gen_random_uuid())",
            (city.agreement, file.id),
        )
        yield


async def seal(city: Registered, conn: Connection, file: ArrestFile) -> None:
    """An act, as the desk does it: lock, write, keep the shares true."""
    before = await store.lock(conn, file.id)
    after = replace(before, version=before.version + 1, seal=Seal.SEALED)
    await store.write(conn, before, after, Entry(Act.SEAL, "records", None, datetime.now(UTC)))
    await Keeper(city.keys).refresh(conn, before, after)


async def test_a_batch_waits_for_the_act_that_seals_one_of_its_files(database: Database) -> None:
    async with registered(database, 40) as city:
        sealed = city.files[25]
        async with city.desk.connection() as conn, conn.transaction():
            await seal(city, conn, sealed)
            task = filling(city)
            await still(task)
        await task
        assert await city.missing() == {sealed.id}, "the sealed file stands nowhere, every other one does"


async def test_an_act_waits_for_the_batch_that_has_its_file(database: Database) -> None:
    """The batch has read the file and not yet written its rows: a seal now would find nothing to take out."""
    async with registered(database, 40) as city:
        sealed = city.files[3]
        async with city.owner.connection() as other, other.transaction():
            await other.execute("LOCK TABLE shares.gate IN EXCLUSIVE MODE")
            task = filling(city)
            await still(task)

            async def act() -> None:
                async with city.desk.connection() as conn, conn.transaction():
                    await seal(city, conn, sealed)

            sealing = asyncio.create_task(act())
            await still(sealing)  # type: ignore[arg-type]
        await asyncio.gather(task, sealing)
        assert await city.missing() == {sealed.id}


async def test_what_an_act_has_written_stays(database: Database) -> None:
    """A file booked or changed while the share is filled stands once, under the id its act gave it."""
    async with registered(database, 40) as city:
        async with city.desk.connection() as conn, conn.transaction():
            for file in city.files[::7]:
                assert await Keeper(city.keys).refresh(conn, file, await store.lock(conn, file.id))
        before = set(await city.ask("SELECT arrest, purpose, id, digest FROM shares.kept"))
        assert await fill.fill(city.desk, city.agreement, 1, city.keys) == len(PURPOSES) * 40 - len(before)
        assert before < set(await city.ask("SELECT arrest, purpose, id, digest FROM shares.kept"))
        assert await city.missing() == set()


async def test_shares_emptied_half_way_are_filled_from_their_beginning(database: Database) -> None:
    """A bar is switched: what stands is taken out, and nothing of the old round may count for the new one."""
    async with registered(database, 120) as city:
        async with city.desk.connection() as conn, conn.transaction():
            await hold(conn, city.files[75])
            task = filling(city)
            await until(lambda: city.ask("SELECT FROM shares.share WHERE filled >= 60"))
            async with city.owner.connection() as owner, owner.transaction():
                await fence.empty(owner, city.agreement)
        await task
        state, rounds, reached, filled, files = await city.share()
        assert (state, rounds, reached, filled, files) == ("filling", 2, None, 0, None)
        assert await city.ask("SELECT FROM shares.kept") == []
        await fill.fill(city.desk, city.agreement, 1, city.keys)
        assert await city.missing() == set()
        assert (await city.share())[0] == "live"


async def test_closed_half_way_nothing_is_written_any_more(database: Database) -> None:
    async with registered(database, 120) as city:
        async with city.desk.connection() as conn, conn.transaction():
            await hold(conn, city.files[75])
            task = filling(city)
            await until(lambda: city.ask("SELECT FROM shares.share WHERE filled >= 60"))
            async with city.owner.connection() as owner:
                await owner.execute("UPDATE agreements.version SET state = 'ended', ended_at = now()")
                await owner.commit()
            await fence.close(city.owner, city.agreement)
        await task
        assert (await city.share())[0] == "closed"
        assert await city.ask("SELECT FROM shares.kept") == []


async def test_killed_it_goes_on_where_it_was(database: Database) -> None:
    async with registered(database, 120) as city:
        async with city.desk.connection() as conn, conn.transaction():
            await hold(conn, city.files[75])
            task = filling(city)
            await until(lambda: city.ask("SELECT FROM shares.share WHERE filled >= 60"))
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        assert (await city.share())[0] == "filling"
        stood = set(await city.ask("SELECT arrest, purpose, id FROM shares.kept"))
        told: list[int] = []
        written = await fill.fill(city.desk, city.agreement, 1, city.keys, progress=told.append)
        assert written == len(PURPOSES) * 120 - len(stood)
        assert (min(told) > 60, max(told)) == (True, 120), "it did not go through the first files again"
        assert stood < set(await city.ask("SELECT arrest, purpose, id FROM shares.kept"))
        assert await city.missing() == set()


async def test_the_place_it_goes_on_from_is_never_past_a_batch_that_was_lost(database: Database) -> None:
    """One hand is stuck in the first batch while the other one does all the rest; then both are killed."""
    async with registered(database, 120) as city:
        async with kept_busy(city, city.files[4]):
            task = filling(city)
            await until(lambda: _has(city, 110))
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        assert (await city.share())[2:4] in {(None, 0), (store.BEFORE_ALL, 0)}
        await fill.fill(city.desk, city.agreement, 1, city.keys)
        assert await city.missing() == set()
        assert (await city.share())[0] == "live"


async def _has(city: Registered, files: int) -> bool:
    return await city.ask("SELECT count(DISTINCT arrest) FROM shares.kept") == [(files,)]


async def test_a_text_that_was_rewritten_is_not_taken_for_filled(database: Database) -> None:
    """Nothing can be read out of it, so that no file gives a row. Put right again, the share is whole."""
    async with registered(database, 40) as city:
        async with city.owner.connection() as conn:
            await conn.execute(
                "UPDATE agreements.version SET canonical = replace(canonical, '2 of 3', '1 of 3')"
            )
        await fill.fill(city.desk, city.agreement, 1, city.keys)
        assert (await city.share())[0] == "filling"
        async with city.owner.connection() as conn:
            await conn.execute(
                "UPDATE agreements.version SET canonical = replace(canonical, '1 of 3', '2 of 3')"
            )
        await fill.fill(city.desk, city.agreement, 1, city.keys)
        assert await city.missing() == set()


async def test_no_batch_reads_what_others_have_done_before_it(database: Database) -> None:
    """A plan that reads an index from its beginning ends soon in a small city and never in a large one."""
    async with registered(database, 60) as city, city.owner.connection() as conn:
        await fill.fill(city.desk, city.agreement, 1, city.keys)
        await conn.execute("ANALYZE shares.kept")
        for setting in ("enable_seqscan = off", "enable_bitmapscan = off"):
            await conn.execute(f"SET LOCAL {setting}")  # type: ignore[call-overload]
        batch = "{" + ",".join(one.id for one in city.files[:10]) + "}"
        for statement, values, place in (
            (store.Q.lock_next, ("philadelphia", city.files[3].id, 10), "(id > "),
            (past.Q.arrests_after, ("philadelphia", city.files[3].id, 10), "(id > "),
            (fill.Q.standing_arrests, (batch, "new", 1), "(arrest = ANY"),
        ):
            numbers = itertools.count(1)
            numbered = re.sub(r"%(\(\w+\))?s", lambda _, n=numbers: f"${next(n)}", statement)
            for plan in (
                await conn.execute(f"EXPLAIN (GENERIC_PLAN) {numbered}".encode(), prepare=False),
                await conn.execute(("EXPLAIN " + re.sub(r"%\(\w+\)s", "%s", statement)).encode(), values),
            ):
                said = [row[0] for row in await plan.fetchall()]
                assert any("Index Cond" in line and place in line for line in said), said
                assert "kept_agreement" not in str(said), said
                assert "DISTINCT" in statement or not any("Sort" in line for line in said), said


@asynccontextmanager
async def server(directory: Path) -> AsyncIterator[tuple[str, Callable[[], Awaitable[None]]]]:
    """A durable server that writes nothing to the disk before it must, and how to crash it."""
    lazy = {
        **embedded.DURABLE,
        "wal_writer_delay": "10s",
        "wal_writer_flush_after": "1GB",
        "autovacuum": "off",
    }
    cluster = embedded.prepare(directory, os.environ)
    process = await embedded.start(cluster, lazy)

    async def crash() -> None:
        nonlocal process
        embedded.stop_now(process)
        process = await embedded.start(cluster, lazy)

    try:
        yield cluster.admin_dsn, crash
    finally:
        await embedded.stop(process)
        embedded.remove(directory)


@asynccontextmanager
async def connected(city: Registered, found: DatabaseLogins) -> AsyncIterator[Registered]:
    """The same city after a crash: every connection is a new one."""
    async with pool(found.desk, max_size=6) as desk, pool(found.owner, max_size=3) as owner:
        yield replace(city, desk=desk, owner=owner)


async def test_what_is_live_outlives_a_crash_and_what_is_lost_is_filled_again(city_directory: Path) -> None:
    """The batches' commits do not wait for the disk. Nothing is relied on but their order."""
    async with server(city_directory) as (admin, crash):
        found = DatabaseLogins(
            *(make_conninfo(admin, user=role, password="11" * 16, dbname="crashed") for role in LOGINS)
        )
        await migrate.bootstrap(admin, found)
        await migrate.migrate(found.owner)
        database = Database("crashed", found.owner, found.desk, found.door, admin)
        with contextlib.suppress(psycopg.Error):
            async with (
                registered(database, 120) as city,
                await psycopg.AsyncConnection.connect(found.desk) as conn,
            ):
                await hold(conn, city.files[75])
                task = filling(city)
                await until(lambda: city.ask("SELECT FROM shares.share WHERE filled >= 60"))
                await crash()
                await task
        async with connected(city, found) as city:
            assert (await city.share())[0] == "filling"
            await fill.fill(city.desk, city.agreement, 1, city.keys)
            assert await city.missing() == set()
            await crash()
        async with connected(city, found) as city:
            assert (await city.share())[0] == "live"
            assert await city.missing() == set()
            assert [len(await city.rows(purpose)) for purpose in PURPOSES] == [120, 120]


@pytest.fixture
def running(start_city: Callable[..., CityProcess], city_directory: Path) -> CityProcess:
    """A city of this test's own."""
    found = start_city(city_directory, "--demo", "--arrests", "20")
    found.ready()
    return found


def test_nobody_else_waits_for_a_share_that_is_filled(running: CityProcess) -> None:
    """One file that is held keeps a share from being filled. Whatever ends meanwhile ends at its hour."""
    keys = json.loads((running.directory / "demo-keys.json").read_text(encoding="utf-8"))["keys"]
    drive = Driver(running.base_url(), keys)
    other, waiting = unique("a"), unique("a")
    with psycopg.connect(load_desk(running.directory).owner_dsn, autocommit=True) as look:
        drive.enact(agreement_text(other, purpose=unique("p"), seconds=5))
        with psycopg.connect(load_desk(running.directory).desk_dsn) as act, ThreadPoolExecutor(1) as people:
            act.execute("SELECT FROM record.arrest ORDER BY id LIMIT 1 FOR UPDATE")
            enacting = people.submit(drive.enact, agreement_text(waiting, purpose=unique("p"), seconds=600))
            for _ in range(200):
                if _states(look).get(other) == "closed":
                    break
                time.sleep(0.1)
            states = _states(look)
            assert (states[other], states[waiting]) == ("closed", "filling")
            told = status(running, waiting)
            assert (told["state"], told["filled_percent"]) == ("balloted", 0)
            for path in ("/public/agreements", f"/public/agreements/{waiting}"):
                assert "being filled: 0%" in drive.http.get(path).text
            act.rollback()
            enacting.result()
    told = status(running, waiting)
    assert (told["state"], told["filled_percent"]) == ("in_force", None)
    assert "being filled" not in drive.http.get("/public/agreements").text


def status(running: CityProcess, agreement: str) -> dict[str, Any]:
    """As `openpars agreement status` says it."""
    command = [sys.executable, "-m", "openpars.cli", "agreement", "status", agreement, "--json"]
    said = subprocess.run([*command, "--data-dir", running.directory], capture_output=True, check=True)
    (version,) = json.loads(said.stdout)["versions"]
    return dict(version)


def _states(conn: psycopg.Connection[Any]) -> dict[str, str]:
    return dict(conn.execute("SELECT agreement, state FROM shares.share").fetchall())
