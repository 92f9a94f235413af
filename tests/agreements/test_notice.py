# SPDX-License-Identifier: Apache-2.0
"""Notice of the end: for which instant it may be given, and what happens there."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import psycopg
import pytest
import pytest_asyncio

from openpars.agreements import life, notice, register
from openpars.agreements.model import Term
from openpars.db.connect import Connection
from openpars.errors import Code, Refusal, Refused
from openpars.record.catalogue import instant
from tests.agreements.ahead import go_ahead, stop_at
from tests.agreements.test_register import ID, enact, epoch, propose, soon, state, vote
from tests.conftest import Database

NEW_YORK = ZoneInfo("America/New_York")
TICK = timedelta(microseconds=1)


def term(zone: str = "America/New_York", *, days: int = 30) -> Term:
    begins, ends = datetime(2026, 9, 1, 4, tzinfo=UTC), datetime(2027, 9, 1, 4, tzinfo=UTC)
    return Term(begins, ends, zone, date(2026, 9, 1), date(2027, 8, 31), days)


def test_a_day_ends_at_the_midnight_after_it_in_the_agreements_zone() -> None:
    assert notice.effective("2027-01-31", term()) == datetime(2027, 2, 1, 5, tzinfo=UTC)
    assert notice.effective("2027-07-31", term()) == datetime(2027, 8, 1, 4, tzinfo=UTC)
    assert notice.effective("2027-02-01T00:00:00-05:00", term()) == datetime(2027, 2, 1, 5, tzinfo=UTC)
    assert notice.effective(None, term()) == term().ends


@pytest.mark.parametrize(
    "asked",
    [
        "2027-02-30",
        "31.01.2027",
        "tomorrow",
        "",
        "2027-01-31T00:00:00",  # no offset: not an instant
        "9999-12-31",
        "2027-01-31 ",
        "²027-01-31",
    ],
)
def test_what_is_no_instant_is_refused(asked: str) -> None:
    with pytest.raises(Refused) as caught:
        notice.effective(asked, term())
    assert (caught.value.refusal.code, caught.value.refusal.field) == (Code.INVALID, "effective")
    assert not asked.strip() or asked.strip() not in caught.value.refusal.detail


def test_a_midnight_in_a_gap_or_twice_is_refused_and_not_chosen() -> None:
    # Havana: midnight after 13 March 2027 does not exist; the one after 6 November 2027 comes twice.
    for asked in ("2027-03-13", "2027-11-06"):
        with pytest.raises(Refused, match="invalid"):
            notice.effective(asked, term("America/Havana"))
    assert notice.effective("2027-03-14", term("America/Havana")) == datetime(2027, 3, 15, 4, tzinfo=UTC)


def test_the_days_of_notice_are_civil_days() -> None:
    # 30 days across the change of 1 November: 30 days and an hour.
    now = datetime(2026, 10, 20, 12, tzinfo=NEW_YORK)
    assert notice.earliest(now, term()) == datetime(2026, 11, 19, 12, tzinfo=NEW_YORK).astimezone(UTC)
    # A wall clock time that does not exist there: the later reading, never less than its days.
    gap = datetime(2027, 2, 12, 2, 30, tzinfo=NEW_YORK)
    assert notice.earliest(gap, term()) == datetime(2027, 3, 14, 7, 30, tzinfo=UTC)


def test_each_refusal_says_what_to_write_instead() -> None:
    known = {
        "2027-02-30": "there is no such day in the calendar",
        "9999-12-31": "there is no such day in the calendar",
        "2027-03-13": "in the agreement's zone the clocks change at the midnight after that day, so it "
        "does not come exactly once: write the instant with its offset",
        "tomorrow": "write the last day on which it holds (2027-08-31), or an instant with an offset "
        "(2027-09-01T00:00:00-04:00)",
        "0001-01-01T00:00:00+12:00": "there is no such instant in the calendar",
    }
    for asked, said in known.items():
        with pytest.raises(Refused) as caught:
            notice.effective(asked, term("America/Havana"))
        assert caught.value.refusal == Refusal(Code.INVALID, said, "effective"), asked


@pytest_asyncio.fixture
async def conn(database: Database) -> AsyncIterator[Connection]:
    async with await psycopg.AsyncConnection.connect(database.desk_dsn, autocommit=True) as connection:
        yield connection


async def give(conn: Connection, at: datetime | None) -> datetime:
    async with conn.transaction():
        asked = None if at is None else at.isoformat()
        return await notice.give(conn, ID, by="solicitor", reason="why", asked=asked)


async def until(conn: Connection) -> datetime:
    (standing,) = [s for s in await register.standings(conn) if s.state == "in_force"]
    return standing.until


async def test_notice_is_a_date_beside_the_state(conn: Connection) -> None:
    await enact(conn, soon(300 * 86_400))
    at = datetime.now(UTC) + timedelta(days=31)
    before = await epoch(conn)
    assert await give(conn, at) == at
    assert (await state(conn), await epoch(conn), await until(conn)) == ("in_force", before, at)
    (entry,) = await register.register(conn)
    assert (entry.notice_ends, entry.events[-1].what) == (at, "notice")
    assert len(await register.versions_in_force(conn)) == 1
    with pytest.raises(Refused, match="conflict"):
        await give(conn, at)
    async with conn.transaction():
        await notice.withdraw(conn, ID, by="solicitor", reason="they wrote back")
    assert (await until(conn)) > at
    with pytest.raises(Refused, match="conflict"):
        await notice.withdraw(conn, ID, by="solicitor", reason="again")


@pytest.mark.parametrize(
    ("days", "right"), [(-1, False), (0, False), (29.9, False), (30.1, True), (299, True), (301, False)]
)
async def test_no_sooner_than_the_days_of_notice_and_no_later_than_the_term(
    conn: Connection, days: float, right: bool
) -> None:
    text = soon(300 * 86_400).replace("[decision]", "zone = 'UTC'\nnotice_days = 30\n[decision]")
    await enact(conn, text)
    at = datetime.now(UTC) + timedelta(days=days)
    if right:
        assert await give(conn, at) == at
        return
    with pytest.raises(Refused) as caught:
        await give(conn, at)
    assert (caught.value.refusal.code, caught.value.refusal.field) == (Code.INVALID, "effective")
    assert (await register.register(conn))[0].notice_at is None


async def told(doing: Awaitable[object]) -> Refusal:
    with pytest.raises(Refused) as caught:
        await doing
    return caught.value.refusal


async def last(conn: Connection, version: int = 1) -> tuple[str, datetime, str, str | None]:
    (entry,) = [one for one in await register.register(conn) if one.version == version]
    event = entry.events[-1]
    return event.what, event.at, event.by, event.reason


async def test_every_step_is_an_event_and_every_refusal_says_why(
    conn: Connection, database: Database
) -> None:
    nothing = Refusal(Code.CONFLICT, "no version of this agreement is in_force or suspended", "agreement")
    await propose(conn, soon(3600))
    for doing in (give(conn, None), notice.withdraw(conn, ID, by="solicitor", reason="x")):
        assert await told(doing) == nothing
    for who in ("police", "courts"):
        await vote(conn, who)
    await life.start(conn, ID, 1)
    assert await notice.carry_out(conn, ID) is None, "no notice was given"
    ends = await until(conn)
    late, over = ends + TICK, await register.clock(conn)
    assert await told(give(conn, late)) == Refusal(
        Code.INVALID, "that is after the end of the term, where it ends in any case", "effective"
    )
    assert await told(give(conn, over)) == Refusal(Code.INVALID, "that has passed", "effective")
    before = await register.clock(conn)
    assert await give(conn, ends) == ends
    what, at, by, reason = await last(conn)
    assert (what, by, reason) == ("notice", "solicitor", f"to end at {instant(ends)}: why")
    assert before < at < await register.clock(conn)
    assert (await register.register(conn))[0].notice_at == at
    assert await told(give(conn, ends)) == Refusal(
        Code.CONFLICT, "notice was given before: withdraw it first", "agreement"
    )
    await notice.withdraw(conn, ID, by="solicitor", reason="they wrote back")
    what, _, by, reason = await last(conn)
    assert (what, by, reason) == ("notice_withdrawn", "solicitor", "they wrote back")
    found = (await register.register(conn))[0]
    assert (found.notice_at, found.notice_ends) == (None, None)
    none = Refusal(Code.CONFLICT, "no notice stands that could be withdrawn", "agreement")
    assert await told(notice.withdraw(conn, ID, by="solicitor", reason="x")) == none
    await life.suspend(conn, ID, by="police", reason="x")
    await give(conn, ends)
    await stop_at(conn, database, ends - TICK)
    assert await notice.carry_out(conn, ID) is None
    await stop_at(conn, database, ends)
    assert await told(notice.withdraw(conn, ID, by="solicitor", reason="x")) == none
    assert await notice.carry_out(conn, ID) is not None
    assert await last(conn) == ("ended", ends, "notice", "notice was given for this instant")


async def test_the_very_instant_of_now_is_over_and_the_days_of_notice_are_told(
    conn: Connection, database: Database
) -> None:
    text = soon(300 * 86_400).replace("[decision]", "zone = 'UTC'\nnotice_days = 30\n[decision]")
    await enact(conn, text)
    now = await register.clock(conn)
    await stop_at(conn, database, now)
    assert await told(give(conn, now + timedelta(days=30) - TICK)) == Refusal(
        Code.INVALID, "the agreement asks for 30 days of notice", "effective"
    )
    assert await give(conn, now + timedelta(days=30)) == now + timedelta(days=30)


async def test_what_ends_this_instant_can_get_no_notice(conn: Connection, database: Database) -> None:
    await enact(conn, soon(3600))
    now = await register.clock(conn)
    await stop_at(conn, database, now)
    assert await told(give(conn, now)) == Refusal(Code.INVALID, "that has passed", "effective")
    assert await give(conn, now + TICK) == now + TICK


async def test_nothing_in_force_gets_no_notice(conn: Connection) -> None:
    await enact(conn, soon(300 * 86_400))
    async with conn.transaction():
        await life.end(conn, ID, by="solicitor", reason="x")
    with pytest.raises(Refused, match="conflict"):
        await give(conn, None)


async def test_at_its_instant_all_of_it_ends_and_what_comes_later_is_free_of_it(
    conn: Connection, database: Database
) -> None:
    await enact(conn, soon(300 * 86_400))
    await give(conn, datetime.now(UTC) + timedelta(hours=1))
    await enact_later(conn)
    (at,) = [e.notice_ends for e in await register.register(conn) if e.version == 1]
    assert at is not None
    async with conn.transaction():
        assert await notice.carry_out(conn, ID) is None, "not before its instant"
    await go_ahead(conn, database, timedelta(hours=1))
    # Every reading of the register ends it there, written down or not.
    assert await register.versions_in_force(conn) == ()
    assert [e.state for e in await register.register(conn)] == ["ended", "balloted"]
    due = await life.due(conn, await register.clock(conn))
    assert [(one.what, one.at) for one in due] == [("notice", at)], "and nothing of it starts any more"
    before = await epoch(conn)
    async with conn.transaction():
        assert await notice.carry_out(conn, ID) == before + 1
    entries = await register.register(conn)
    assert [(e.state, e.ended_at) for e in entries] == [("ended", at), ("ended", at)]
    assert await life.due(conn, await register.clock(conn)) == ()
    third = await enact(conn, soon(300 * 86_400, title="a new agreement"))
    assert (await state(conn, third), (await until(conn)) > at) == ("in_force", True)
    assert (await register.register(conn))[-1].notice_ends is None


async def test_notice_of_the_term_takes_a_voted_renewal_along(conn: Connection, database: Database) -> None:
    await enact(conn, soon(3600))
    await enact_later(conn, begins=3600)
    assert await give(conn, None) == await until(conn)
    await go_ahead(conn, database, timedelta(hours=1))
    due = await life.due(conn, await register.clock(conn))
    assert [one.what for one in due] == ["notice"], "nothing of it starts any more"
    async with conn.transaction():
        await notice.carry_out(conn, ID)
    assert [e.state for e in await register.register(conn)] == ["ended", "ended"]


async def test_a_version_that_waits_for_its_share_does_not_start_after_the_instant(
    conn: Connection, database: Database
) -> None:
    await enact(conn, soon(300 * 86_400))
    await give(conn, datetime.now(UTC) + timedelta(hours=1))
    await enact_later(conn, begins=-30)
    assert [one.what for one in await life.due(conn, await register.clock(conn))] == ["start"]
    await go_ahead(conn, database, timedelta(hours=1))
    assert [one.what for one in await life.due(conn, await register.clock(conn))] == ["notice"]
    with pytest.raises(Refused, match="conflict"):
        async with conn.transaction():
            await life.start(conn, ID, 2)


async def enact_later(conn: Connection, *, begins: float = 300 * 86_400) -> None:
    """A renewal that is voted and begins in so many seconds."""
    version = (await propose(conn, soon(400 * 86_400, begins=begins))).version
    for who in ("police", "courts"):
        await vote(conn, who, question="renew", version=version)
