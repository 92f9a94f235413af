# SPDX-License-Identifier: Apache-2.0
"""Warnings before an end: computed in the agreement's zone, recorded once, late rather than never."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import psycopg
import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st

from openpars.agreements import life, notice, register, warnings
from openpars.agreements.warnings import DAYS, Warned, owed, schedule
from openpars.db.connect import Connection
from tests.agreements.test_register import ID, enact, soon
from tests.conftest import Database

NEW_YORK, HAVANA = "America/New_York", "America/Havana"
END = datetime(2027, 9, 1, 4, tzinfo=UTC)  # midnight after 31 August in New York


def test_every_warning_stands_at_the_civil_midnight_though_the_clocks_change_between() -> None:
    # 120 and 90 days before 1 March lie on the other side of 1 November, when the hour comes twice.
    ends = datetime(2027, 3, 1, tzinfo=ZoneInfo(NEW_YORK)).astimezone(UTC)
    walls = [(one.days, one.at.astimezone(ZoneInfo(NEW_YORK))) for one in schedule(ends, NEW_YORK)]
    assert [(days, wall.isoformat()) for days, wall in walls] == [
        (120, "2026-11-01T00:00:00-04:00"),
        (90, "2026-12-01T00:00:00-05:00"),
        (60, "2026-12-31T00:00:00-05:00"),
        (30, "2027-01-30T00:00:00-05:00"),
        (7, "2027-02-22T00:00:00-05:00"),
    ]


def test_a_midnight_that_does_not_exist_or_comes_twice_is_warned_at_its_earlier_reading() -> None:
    # Havana: midnight of 14 March 2027 does not exist, that of 1 November 2026 comes twice.
    gap = datetime(2027, 3, 21, tzinfo=ZoneInfo(HAVANA))
    assert schedule(gap.astimezone(UTC), HAVANA)[-1].at == datetime(2027, 3, 14, 4, tzinfo=UTC)
    twice = datetime(2026, 11, 8, tzinfo=ZoneInfo(HAVANA))
    assert schedule(twice.astimezone(UTC), HAVANA)[-1].at == datetime(2026, 11, 1, 4, tzinfo=UTC)


def test_downtime_makes_warnings_late_and_loses_none() -> None:
    since = END - timedelta(days=365)
    now = END - timedelta(days=45)
    planned = {one.days: one.at for one in schedule(END, NEW_YORK)}
    assert owed(END, NEW_YORK, since=since, now=now) == tuple(Warned(d, planned[d]) for d in (120, 90, 60))


@pytest.mark.parametrize(
    ("left", "days"), [(200, ()), (119.5, (120,)), (59, (60,)), (8, (30,)), (6, (7,)), (0.01, (7,))]
)
def test_an_end_that_is_already_near_gets_the_nearest_warning(left: float, days: tuple[int, ...]) -> None:
    since = END - timedelta(days=left)
    assert owed(END, NEW_YORK, since=since, now=since) == tuple(Warned(one, since) for one in days)


def test_nothing_is_owed_from_the_end_on() -> None:
    assert owed(END, NEW_YORK, since=END - timedelta(days=365), now=END) == ()


@given(
    ends=st.integers(946_684_800, 4_102_444_800).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)),
    zone=st.sampled_from([NEW_YORK, HAVANA, "America/Sao_Paulo", "Pacific/Apia", "Europe/Dublin", "UTC"]),
    term=st.floats(0.01, 400),
    looks=st.lists(st.floats(0, 0.9999), max_size=6),
)
def test_whenever_somebody_looks_each_is_found_once_and_none_is_skipped(
    ends: datetime, zone: str, term: float, looks: list[float]
) -> None:
    """Recording what is owed at any looks gives each warning once; the last look alone gives the same."""
    since = ends - timedelta(days=term)
    moments = sorted(since + (ends - since) * part for part in looks)
    recorded: dict[int, datetime] = {}
    for now in moments:
        for one in owed(ends, zone, since=since, now=now):
            assert recorded.setdefault(one.days, one.at) == one.at
            assert since <= one.at <= now
    if moments:
        assert recorded == {one.days: one.at for one in owed(ends, zone, since=since, now=moments[-1])}
    instants = [one.at for one in schedule(ends, zone)]
    assert instants == sorted(instants)
    assert [one.days for one in schedule(ends, zone)] == list(DAYS)


@pytest_asyncio.fixture
async def conn(database: Database) -> AsyncIterator[Connection]:
    async with await psycopg.AsyncConnection.connect(database.desk_dsn, autocommit=True) as connection:
        yield connection


async def warn(conn: Connection) -> list[tuple[int, datetime]]:
    """What the worker does."""
    made = []
    for agreement, number in await warnings.due(conn, await register.clock(conn)):
        async with conn.transaction():
            made += [(one.days, one.at) for one in await warnings.warn(conn, agreement, number)]
    return made


async def told(conn: Connection) -> list[str]:
    entries = await register.register(conn)
    return [e.reason or "" for entry in entries for e in entry.events if e.what == "warning"]


async def test_each_is_an_event_and_a_leaf_once(conn: Connection, database: Database) -> None:
    await enact(conn, soon(45 * 86_400))
    ((days, _),) = await warn(conn)
    assert (days, await warn(conn)) == (60, [])
    # It has stood for a long time, and nobody was there: what was owed meanwhile comes late, each once.
    with psycopg.connect(database.superuser_dsn, autocommit=True) as superuser:
        superuser.execute("UPDATE agreements.event SET at = at - interval '100 days' WHERE what = 'started'")
    assert [days for days, _ in await warn(conn)] == [120, 90]
    assert await warn(conn) == []
    assert sorted(await told(conn)) == [f"{n} days before the end" for n in (120, 60, 90)]
    notes = await (await conn.execute("SELECT public FROM log.pending WHERE kind = 'agreement'")).fetchall()
    assert sum(b'"event":"warning"' in bytes(row[0]) for row in notes) == 3


async def test_two_workers_at_once_record_it_once(conn: Connection, database: Database) -> None:
    await enact(conn, soon(45 * 86_400))
    async with await psycopg.AsyncConnection.connect(database.desk_dsn) as other:
        assert await warnings.due(other, await register.clock(other)) == ((ID, 1),)
        await warn(conn)
        assert await warnings.warn(other, ID, 1) == ()


async def test_notice_moves_the_end_and_its_warnings(conn: Connection) -> None:
    await enact(conn, soon(300 * 86_400))
    assert await warn(conn) == []
    async with conn.transaction():
        asked = (datetime.now(UTC) + timedelta(days=45)).isoformat()
        await notice.give(conn, ID, by="solicitor", reason="x", asked=asked)
    ((days, _),) = await warn(conn)
    assert days == 60
    async with conn.transaction():
        await notice.withdraw(conn, ID, by="solicitor", reason="x")
    assert await warn(conn) == []


async def test_nobody_is_warned_of_what_is_over(conn: Connection) -> None:
    await enact(conn, soon(45 * 86_400))
    async with conn.transaction():
        await life.end(conn, ID, by="solicitor", reason="x")
    assert await warn(conn) == []
    async with conn.transaction():
        assert await warnings.warn(conn, ID, 1) == ()
