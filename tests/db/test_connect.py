# SPDX-License-Identifier: Apache-2.0
"""A transaction in few trips: all of it or nothing, however late the server says what was wrong."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable

import psycopg
import pytest
import pytest_asyncio
from psycopg.pq import TransactionStatus

from openpars.db.connect import Connection, in_few_trips
from tests.conftest import Database

NAME = "Doe, Ana"

Work = Callable[[Connection], Awaitable[None]]


@pytest_asyncio.fixture
async def conn(database: Database) -> AsyncIterator[Connection]:
    async with await psycopg.AsyncConnection.connect(database.owner_dsn, autocommit=True) as found:
        await found.execute("CREATE SCHEMA trips CREATE TABLE said (word text UNIQUE)")
        await found.set_autocommit(False)
        yield found


async def words(conn: Connection) -> list[str]:
    """What is committed, as another line sees it."""
    async with await psycopg.AsyncConnection.connect(conn.info.dsn, password=conn.info.password) as other:
        found = await (await other.execute("SELECT word FROM trips.said ORDER BY word")).fetchall()
        return [row[0] for row in found]


async def say(conn: Connection, word: str) -> None:
    await conn.execute("INSERT INTO trips.said VALUES (%s)", (word,))


def settled(conn: Connection) -> bool:
    """Whether the line is as it was lent."""
    return conn.info.transaction_status is TransactionStatus.IDLE and not conn.autocommit


async def test_what_is_done_is_there_for_others_only_at_the_end(conn: Connection) -> None:
    async with in_few_trips(conn):
        await say(conn, "one")
        async with conn.pipeline():
            await say(conn, "two")
        assert await words(conn) == []
    assert await words(conn) == ["one", "two"]
    assert settled(conn)


async def undone(conn: Connection) -> None:
    async with in_few_trips(conn):
        await say(conn, NAME)
        async with conn.pipeline():
            await say(conn, "two")
        raise LookupError


async def broken(conn: Connection) -> None:
    async with in_few_trips(conn):
        await say(conn, NAME)
        await say(conn, NAME)
        await say(conn, "two")


async def swallowed(conn: Connection) -> None:
    """The server answers this commit with a rollback, and with no error."""
    async with in_few_trips(conn):
        await say(conn, NAME)
        with contextlib.suppress(psycopg.Error):
            async with conn.pipeline():
                await conn.execute("SELECT 1/0")


async def broken_and_undone(conn: Connection) -> None:
    """What the driver cannot raise beside another error it would print: `Key (word)=(Doe, Ana) exists`."""
    async with in_few_trips(conn):
        await say(conn, NAME)
        await say(conn, NAME)
        raise LookupError


@pytest.mark.parametrize(
    ("work", "raised"),
    [
        (undone, LookupError),
        (broken, psycopg.errors.UniqueViolation),
        (swallowed, psycopg.errors.InFailedSqlTransaction),
        (broken_and_undone, LookupError),
    ],
)
async def test_whatever_goes_wrong_undoes_everything_and_no_log_has_the_row(
    conn: Connection, caplog: pytest.LogCaptureFixture, work: Work, raised: type[Exception]
) -> None:
    with caplog.at_level(logging.DEBUG), pytest.raises(raised):
        await work(conn)
    assert await words(conn) == []
    assert settled(conn)
    assert NAME not in caplog.text
