# SPDX-License-Identifier: Apache-2.0
"""The life after the ballots, step by step: from which state, at which instant, written down how."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
import pytest_asyncio

from openpars.agreements import life, notice, register
from openpars.agreements.life import Due, standing_of
from openpars.agreements.register import Entry
from openpars.db.connect import Connection
from openpars.errors import Code, Refusal, Refused
from tests.agreements.ahead import go_ahead, stop_at
from tests.agreements.test_register import ID, enact, epoch, propose, soon, vote
from tests.conftest import Database

YEAR, HOUR, TICK = 300 * 86_400, timedelta(hours=1), timedelta(microseconds=1)
NOTHING_IN_FORCE = Refusal(Code.CONFLICT, "nothing of this agreement is in force", "agreement")
CANNOT_START = Refusal(Code.CONFLICT, "this version cannot start now", "version")


@pytest_asyncio.fixture
async def conn(database: Database) -> AsyncIterator[Connection]:
    async with await psycopg.AsyncConnection.connect(database.desk_dsn, autocommit=True) as connection:
        yield connection


async def carried(conn: Connection, text: str, question: str = "amend") -> int:
    """A text that is voted for and not started."""
    version = (await propose(conn, text)).version
    for who in ("police", "courts"):
        await vote(conn, who, question=question, version=version)
    return version


async def entries(conn: Connection) -> dict[int, Entry]:
    return {one.version: one for one in await register.register(conn)}


async def states(conn: Connection) -> list[str]:
    return [one.state for one in (await entries(conn)).values()]


async def last(conn: Connection, version: int = 1) -> tuple[str, str, str | None]:
    """The newest event of a version: what, by whom, why."""
    event = (await entries(conn))[version].events[-1]
    return event.what, event.by, event.reason


async def refused(doing: Awaitable[object]) -> Refusal:
    with pytest.raises(Refused) as caught:
        await doing
    return caught.value.refusal


async def start(conn: Connection, version: int) -> int | None:
    async with conn.transaction():
        return await life.start(conn, ID, version)


async def test_a_start_takes_the_place_of_what_was_in_force_and_says_so(conn: Connection) -> None:
    before = await register.clock(conn)
    await enact(conn, soon(YEAR))
    second = await carried(conn, soon(YEAR, title="y"))
    assert (await life.states_of(conn, ID))[second][0] == "balloted"
    assert await last(conn) == ("started", "term", None)
    assert await start(conn, second) == 1
    assert await states(conn) == ["superseded", "in_force"]
    assert (await last(conn), await last(conn, 2)) == (
        ("superseded", "term", None),
        ("started", "term", None),
    )
    instants = [(await entries(conn))[one].events[-1].at for one in (1, 2)]
    assert before < instants[0] == instants[1] <= await register.clock(conn)


async def test_a_first_start_takes_nobodys_place(conn: Connection) -> None:
    assert await start(conn, await carried(conn, soon(YEAR), "enact")) is None


async def test_only_what_is_carried_and_within_its_term_starts(conn: Connection, database: Database) -> None:
    await propose(conn, soon(YEAR))
    for version in (1, 9):  # proposed only; none at all
        assert await refused(start(conn, version)) == CANNOT_START
    for who in ("police", "courts"):
        await vote(conn, who)
    await start(conn, 1)
    assert await refused(start(conn, 1)) == CANNOT_START
    second = await carried(conn, soon(YEAR, begins=3600))
    assert await refused(start(conn, second)) == CANNOT_START, "it has not begun"
    third = await carried(conn, soon(5400, title="y"))
    await go_ahead(conn, database, 2 * HOUR)
    assert await refused(start(conn, third)) == CANNOT_START, "it is over"
    assert await states(conn) == ["in_force", "balloted", "balloted"]
    assert await start(conn, second) == 1


async def test_nothing_starts_while_the_agreement_is_suspended(conn: Connection) -> None:
    await enact(conn, soon(YEAR))
    second = await carried(conn, soon(YEAR, title="y"))
    await life.suspend(conn, ID, by="police", reason="inquiry")
    assert await refused(start(conn, second)) == CANNOT_START
    await life.resume(conn, ID, by="police", reason="answered")
    assert await start(conn, second) == 1


async def test_a_start_under_notice_is_before_its_instant(conn: Connection, database: Database) -> None:
    await enact(conn, soon(YEAR))
    second = await carried(conn, soon(YEAR, title="y"))
    third = await carried(conn, soon(YEAR, title="z"))
    async with conn.transaction():
        at = (datetime.now(UTC) + HOUR).isoformat()
        await notice.give(conn, ID, by="solicitor", reason="x", asked=at)
    assert await start(conn, second) == 1
    await go_ahead(conn, database, HOUR)
    assert await refused(start(conn, third)) == CANNOT_START


async def test_a_suspension_and_its_end_are_written_down(conn: Connection) -> None:
    assert await refused(life.suspend(conn, "no-such", by="police", reason="x")) == Refusal(
        Code.NOT_FOUND, "there is no such agreement", "agreement"
    )
    await propose(conn, soon(YEAR))
    nothing = Refusal(Code.CONFLICT, "no version of this agreement is in_force", "agreement")
    assert await refused(life.suspend(conn, ID, by="police", reason="x")) == nothing
    for who in ("police", "courts"):
        await vote(conn, who)
    await start(conn, 1)
    before = await epoch(conn)
    assert await life.suspend(conn, ID, by="courts", reason="inquiry") == before + 1 == await epoch(conn)
    assert (await last(conn), await states(conn)) == (("suspended", "courts", "inquiry"), ["suspended"])
    assert await refused(life.suspend(conn, ID, by="police", reason="x")) == nothing
    assert await refused(life.resume(conn, ID, by="police", reason="x")) == Refusal(
        Code.FORBIDDEN, "only who suspended an agreement can lift the suspension"
    )
    assert (await entries(conn))[1].suspended_by == "courts"
    assert await life.resume(conn, ID, by="courts", reason="answered") == 1
    assert (await last(conn), await states(conn)) == (("resumed", "courts", "answered"), ["in_force"])
    assert (await epoch(conn), (await entries(conn))[1].suspended_by) == (before + 1, None)
    assert await refused(life.resume(conn, ID, by="courts", reason="x")) == Refusal(
        Code.CONFLICT, "no version of this agreement is suspended", "agreement"
    )


async def test_the_version_that_stands_is_suspended_and_no_other(conn: Connection) -> None:
    await enact(conn, soon(YEAR))
    await start(conn, await carried(conn, soon(YEAR, title="y")))
    await carried(conn, soon(2 * YEAR, begins=YEAR / 2))
    await life.suspend(conn, ID, by="police", reason="x")
    assert await states(conn) == ["superseded", "suspended", "balloted"]
    assert await life.resume(conn, ID, by="police", reason="x") == 2


async def test_an_early_end_takes_along_what_is_voted_for_later(conn: Connection) -> None:
    await enact(conn, soon(YEAR))
    await carried(conn, soon(2 * YEAR, begins=YEAR / 2))
    await propose(conn, soon(YEAR, title="still asked"))
    before, epoch_before = await register.clock(conn), await epoch(conn)
    assert await life.end(conn, ID, by="solicitor", reason="over") == epoch_before + 1
    assert (await states(conn))[:2] == ["ended", "ended"]
    assert (await states(conn))[2] == "proposed", "what is only asked is not ended by it"
    for version in (1, 2):
        entry = (await entries(conn))[version]
        assert entry.ended_at is not None
        assert before < entry.ended_at <= await register.clock(conn)
        assert await last(conn, version) == ("ended", "solicitor", "over")
        assert entry.events[-1].at == entry.ended_at
    assert await refused(life.end(conn, ID, by="solicitor", reason="again")) == NOTHING_IN_FORCE


async def test_what_is_carried_and_has_not_begun_can_be_ended(conn: Connection) -> None:
    await carried(conn, soon(YEAR, begins=3600), "enact")
    await life.end(conn, ID, by="solicitor", reason="over")
    assert await states(conn) == ["ended"]


async def test_a_suspended_agreement_ends_and_nobody_has_suspended_the_next(conn: Connection) -> None:
    await enact(conn, soon(YEAR))
    await life.suspend(conn, ID, by="police", reason="x")
    await life.end(conn, ID, by="solicitor", reason="over")
    assert (await states(conn), (await entries(conn))[1].suspended_by) == (["ended"], None)
    assert await enact(conn, soon(YEAR, title="y")) == 2


async def test_an_end_forgets_the_notice_that_stood(conn: Connection) -> None:
    await enact(conn, soon(YEAR))
    async with conn.transaction():
        await notice.give(conn, ID, by="solicitor", reason="x", asked=None)
    await life.end(conn, ID, by="solicitor", reason="over")
    assert ((await entries(conn))[1].notice_at, (await entries(conn))[1].notice_ends) == (None, None)


async def test_the_end_of_a_term_is_that_versions_and_leaves_the_later_one(
    conn: Connection, database: Database
) -> None:
    await enact(conn, soon(3600))
    later = await carried(conn, soon(YEAR, begins=7200))
    assert [await life.end_of_term(conn, ID, one) for one in (1, later, 9)] == [None, None, None]
    ends = (await life.states_of(conn, ID))[1][2]
    assert await life.next_due(conn, ends - timedelta(microseconds=1)) == ends
    await go_ahead(conn, database, HOUR)
    assert await life.due(conn, await register.clock(conn)) == (Due(ID, 1, "end", ends),)
    before = await epoch(conn)
    assert await life.end_of_term(conn, ID, 1) == before + 1
    assert await states(conn) == ["ended", "balloted"]
    entry = (await entries(conn))[1]
    assert (entry.ended_at, entry.events[-1].at) == (ends, ends), "it ended at its last second"
    assert await last(conn) == ("ended", "term", "the term is over")
    begins = (await life.states_of(conn, ID))[later][1]
    assert await life.next_due(conn, await register.clock(conn)) == begins


async def test_a_suspended_term_ends_too_though_a_renewal_waits(conn: Connection, database: Database) -> None:
    await enact(conn, soon(3600))
    await carried(conn, soon(YEAR, begins=3600))
    await life.suspend(conn, ID, by="police", reason="x")
    await go_ahead(conn, database, HOUR)
    assert [one.what for one in await life.due(conn, await register.clock(conn))] == ["end"]
    assert await life.end_of_term(conn, ID, 1) is not None
    assert await states(conn) == ["ended", "balloted"]


async def test_an_early_end_found_late_is_at_the_end_of_the_term(
    conn: Connection, database: Database
) -> None:
    """The solicitor ends what was over an hour ago: it ended then, and what is for later stays."""
    await enact(conn, soon(3600))
    await carried(conn, soon(YEAR, begins=9000))
    ends = (await life.states_of(conn, ID))[1][2]
    await go_ahead(conn, database, 2 * HOUR)
    await life.end(conn, ID, by="solicitor", reason="over")
    assert ((await entries(conn))[1].ended_at, await states(conn)) == (ends, ["ended", "balloted"])


@pytest.mark.parametrize("voted", [False, True])
async def test_a_text_lapses_once_and_only_when_its_time_has_passed(
    conn: Connection, database: Database, voted: bool
) -> None:
    if voted:
        await carried(conn, soon(3600), "enact")
    else:
        await propose(conn, soon(3600))
    before = await states(conn)
    for version in (1, 9):
        await life.lapse(conn, ID, version)
    assert await states(conn) == before
    await go_ahead(conn, database, HOUR)
    now, ends = await register.clock(conn), (await life.states_of(conn, ID))[1][2]
    await life.lapse(conn, ID, 9)
    await life.lapse(conn, ID, 1)
    entry = (await entries(conn))[1]
    assert (entry.state, entry.ended_at, await last(conn)) == ("ended", ends, ("lapsed", "term", None))
    assert now < entry.events[-1].at
    await life.lapse(conn, ID, 1)
    assert [event.what for event in (await entries(conn))[1].events].count("lapsed") == 1


async def test_the_first_instant_of_a_term_is_in_it_and_its_end_is_not(
    conn: Connection, database: Database
) -> None:
    await enact(conn, soon(3600))
    second = await carried(conn, soon(7200, begins=1800))
    third = await carried(conn, soon(5400, begins=1800, title="y"))
    found = await life.states_of(conn, ID)
    await stop_at(conn, database, found[second][1] - TICK)
    assert await refused(start(conn, second)) == CANNOT_START
    await stop_at(conn, database, found[second][1])
    assert await start(conn, second) == 1
    await stop_at(conn, database, found[third][2] - TICK)
    await life.lapse(conn, ID, third)
    assert (await states(conn))[2] == "balloted"
    await stop_at(conn, database, found[third][2])
    assert await refused(start(conn, third)) == CANNOT_START
    await life.lapse(conn, ID, third)
    assert await states(conn) == ["superseded", "in_force", "ended"]
    await stop_at(conn, database, found[second][2] - TICK)
    assert await life.end_of_term(conn, ID, second) is None
    await stop_at(conn, database, found[second][2])
    assert await life.end_of_term(conn, ID, second) is not None


async def test_an_end_at_the_very_end_of_the_term_leaves_the_later_one(
    conn: Connection, database: Database
) -> None:
    for instants, left in ((timedelta(0), "balloted"), (-TICK, "ended")):
        first = await enact(conn, soon(3600, title=left))
        later = await carried(conn, soon(YEAR, begins=3600, title=left))
        ends = (await life.states_of(conn, ID))[first][2]
        await stop_at(conn, database, ends + instants)
        await life.end(conn, ID, by="solicitor", reason="over")
        found = await entries(conn)
        assert (found[first].state, found[later].state) == ("ended", left)
        await conn.execute("SET search_path = pg_catalog")
        if left == "balloted":
            await life.end(conn, ID, by="solicitor", reason="over")


async def test_what_is_in_force_or_over_does_not_lapse(conn: Connection, database: Database) -> None:
    await enact(conn, soon(3600))
    await go_ahead(conn, database, HOUR)
    await life.lapse(conn, ID, 1)
    assert (await life.states_of(conn, ID))[1][0] == "in_force"


async def test_nothing_is_due_before_its_instant_and_a_start_takes_the_ends_place(conn: Connection) -> None:
    assert await life.next_due(conn, await register.clock(conn)) is None
    await enact(conn, soon(3600))
    (first,) = await register.standings(conn)
    await carried(conn, soon(YEAR, begins=3600))
    assert await life.due(conn, await register.clock(conn)) == ()
    # In the place of what ends: so there is no gap, and no end.
    found = await life.due(conn, first.until + HOUR)
    assert [(one.what, one.version) for one in found] == [("start", 2)]


def test_which_version_stands() -> None:
    then = datetime(2026, 9, 1, tzinfo=UTC)
    all_of_them = {
        1: ("superseded", then, then),
        2: ("in_force", then, then),
        3: ("suspended", then, then),
    }
    assert standing_of(all_of_them, ("in_force",)) == 2
    assert standing_of(all_of_them, ("suspended", "balloted")) == 3
    with pytest.raises(Refused) as caught:
        standing_of(all_of_them, ("proposed", "balloted"))
    assert caught.value.refusal == Refusal(
        Code.CONFLICT, "no version of this agreement is proposed or balloted", "agreement"
    )
