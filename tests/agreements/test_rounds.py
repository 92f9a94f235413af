# SPDX-License-Identifier: Apache-2.0
"""Rounds: asked, closed at their date, asked again. A ballot of an older round never counts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
import pytest_asyncio

from openpars.agreements import life, register
from openpars.agreements.ballots import Choice, Outcome, Question, Round
from openpars.agreements.register import lock
from openpars.agreements.votes.ballot_box import Asked
from openpars.agreements.votes.rounds import ask, rounds_of
from openpars.agreements.votes.voting import Cast, cast, close
from openpars.db.connect import Connection
from openpars.errors import Code, Refused
from tests.agreements.delegates import Delegate
from tests.agreements.standing import WARRANT, longer
from tests.conftest import Database

ID = "ice-felony-warrant"
CONTINUE = WARRANT.replace('silence = "lapse"', 'silence = "continue"\ndays_to_vote = 1')


@pytest_asyncio.fixture
async def conn(database: Database) -> AsyncIterator[Connection]:
    async with await psycopg.AsyncConnection.connect(database.desk_dsn, autocommit=True) as connection:
        yield connection


async def propose(conn: Connection, text: str = WARRANT, *, closes: datetime | None = None) -> str:
    async with conn.transaction():
        return (await register.propose(conn, text, "solicitor", demo=True, closes=closes)).hash


async def vote(
    conn: Connection, who: str, choice: str = "yes", question: str = "enact", version: int = 1, **more: int
) -> Cast:
    async with conn.transaction():
        asked = Asked(ID, version, who, Question(question), Choice(choice), **more)
        return await cast(conn, asked, demo=True)


async def asks(conn: Connection, question: str, version: int = 1, closes: datetime | None = None) -> Round:
    async with conn.transaction():
        row = await lock(conn, ID)
        return await ask(conn, row, version, Question(question), by="solicitor", closes=closes)


async def in_force(conn: Connection, text: str = WARRANT) -> None:
    await propose(conn, text)
    await vote(conn, "police")
    await vote(conn, "courts")
    async with conn.transaction():
        await life.start(conn, ID, 1)


async def closed(conn: Connection, version: int = 1) -> tuple[str, ...]:
    """What the worker does once the date is past."""
    async with conn.transaction():
        return await close(conn, ID, version, demo=True)


async def past_date(database: Database, version: int) -> None:
    """The date by which owners must have spoken is over: the calendar is moved, not waited for."""
    async with await psycopg.AsyncConnection.connect(database.superuser_dsn) as superuser:
        await superuser.execute(
            "UPDATE agreements.round SET asked_at = asked_at - interval '60 days',"
            " closes_at = clock_timestamp() WHERE version = %s AND outcome = 'pending'",
            (version,),
        )


async def outcomes(conn: Connection, version: int = 1) -> list[tuple[str, int, str]]:
    return [(r.question.value, r.number, r.outcome.value) for r in await rounds_of(conn, ID, version)]


async def state(conn: Connection, version: int) -> str:
    return {s.version: s.state for s in await register.standings(conn)}[version]


async def test_a_question_has_a_date_and_the_event_tells_it(conn: Connection) -> None:
    await propose(conn)
    (opened,) = await rounds_of(conn, ID, 1)
    assert opened.closes_at - opened.asked_at == timedelta(days=30)
    (entry,) = await register.register(conn)
    assert entry.rounds == (opened,)
    assert entry.events[0].reason == opened.said
    assert "enact, round 1, by the rules of version 1, until " in opened.said


async def test_who_asks_may_name_another_date_within_bounds(conn: Connection) -> None:
    soon = datetime.now(UTC) + timedelta(hours=1)
    await propose(conn, closes=soon)
    assert (await rounds_of(conn, ID, 1))[0].closes_at == soon
    for wrong in (soon - timedelta(days=1), soon + timedelta(days=400), soon.replace(tzinfo=None)):
        with pytest.raises(Refused) as caught:
            await propose(conn, longer(), closes=wrong)
        assert (caught.value.refusal.code, caught.value.refusal.field) == (Code.INVALID, "closes")
    far = datetime.now(UTC) + timedelta(days=360)
    await propose(conn, longer(), closes=far)
    assert (await rounds_of(conn, ID, 2))[0].closes_at == far


async def test_silence_lapses_at_the_date(conn: Connection, database: Database) -> None:
    await propose(conn)
    await vote(conn, "police")
    assert await closed(conn) == (), "not before its date"
    await past_date(database, 1)
    assert [(d.version, d.what) for d in await life.due(conn, await register.clock(conn))] == [(1, "close")]
    assert await closed(conn) == ()
    assert await outcomes(conn) == [("enact", 1, "lost")]
    assert await state(conn, 1) == "rejected"
    (entry,) = await register.register(conn)
    assert entry.events[-1].what == "lost"
    assert entry.events[-1].reason == "enact, round 1: yes 1, no 0, abstain 0, silent 2"
    assert entry.events[-1].at == entry.rounds[0].closes_at == entry.rounds[0].decided_at
    assert await closed(conn) == (), "once"
    assert len((await register.register(conn))[0].events) == len(entry.events)


async def test_silence_carries_no_text_that_nobody_could_vote_for(
    conn: Connection, database: Database
) -> None:
    """Proposed while the city was a demo, without every CJIS topic; closed by the worker when it is none."""
    short = CONTINUE.replace("training = ", "# training = ")
    await in_force(conn, short)
    await propose(conn, longer(short))
    await past_date(database, 2)
    async with conn.transaction():
        assert await close(conn, ID, 2, demo=False) == ()
    assert await outcomes(conn, 2) == [("renew", 1, "void")]
    assert await state(conn, 2) == "rejected"


async def test_silence_continues_where_the_text_in_force_says_so(
    conn: Connection, database: Database
) -> None:
    await in_force(conn, CONTINUE)
    await propose(conn, longer(CONTINUE))
    await vote(conn, "police", "no", "renew", 2)
    await past_date(database, 2)
    assert await closed(conn, 2) == ("enact",)
    assert await outcomes(conn, 2) == [("renew", 1, "carried")]
    assert await state(conn, 2) == "balloted"


async def test_where_silence_carries_nobody_shortens_the_owners_days(conn: Connection) -> None:
    await in_force(conn, CONTINUE)
    tonight = datetime.now(UTC) + timedelta(hours=2)
    with pytest.raises(Refused) as caught:
        await propose(conn, longer(CONTINUE), closes=tonight)
    assert caught.value.refusal.field == "closes"
    await propose(conn, longer(CONTINUE).replace('"F1", "F2", "F3", "F"', '"F1"'), closes=tonight)


async def test_the_rules_in_force_say_how_long(conn: Connection) -> None:
    await in_force(conn, CONTINUE)
    await propose(conn, longer(CONTINUE).replace("days_to_vote = 1", "days_to_vote = 90"))
    (opened,) = await rounds_of(conn, ID, 2)
    assert (opened.question, opened.rules) == (Question.AMEND, 1)
    assert opened.closes_at - opened.asked_at == timedelta(days=1)


async def test_no_vote_after_the_date_though_nobody_has_closed_it(
    conn: Connection, database: Database
) -> None:
    await propose(conn)
    await vote(conn, "police")
    await past_date(database, 1)
    with pytest.raises(Refused) as caught:
        await vote(conn, "courts")
    assert (caught.value.refusal.code, caught.value.refusal.field) == (Code.CONFLICT, "round")
    assert "closed" in caught.value.refusal.detail


async def test_a_lost_question_is_asked_again_and_old_ballots_do_not_count(conn: Connection) -> None:
    await propose(conn)
    await vote(conn, "police", "no")
    await vote(conn, "courts", "no")
    assert await state(conn, 1) == "rejected"
    again = await asks(conn, "enact")
    assert (again.number, again.question) == (2, Question.ENACT)
    assert await state(conn, 1) == "proposed"
    first = await vote(conn, "police")
    assert (first.round, first.replaced, first.counts()["yes"], first.counts()["no"]) == (2, False, 1, 0)
    assert (await vote(conn, "courts", round=2)).effect == "enact"
    assert await outcomes(conn) == [("enact", 1, "lost"), ("enact", 2, "carried")]


async def test_a_ballot_of_an_older_round_is_refused(conn: Connection) -> None:
    text_hash = await propose(conn)
    police = await Delegate("police").register(conn)
    kept = police.asked(ID, text_hash)
    for who in ("courts", "district-attorney"):
        await vote(conn, who, "no")
    await asks(conn, "enact")
    with pytest.raises(Refused) as caught:
        async with conn.transaction():
            await cast(conn, kept, demo=False)
    assert (caught.value.refusal.code, caught.value.refusal.field) == (Code.CONFLICT, "round")
    assert all(ballot.key is None for ballot in (await register.register(conn))[0].ballots)


async def test_asking_twice_and_asking_what_is_decided(conn: Connection) -> None:
    await propose(conn)
    for question in ("enact", "end", "renew"):
        with pytest.raises(Refused) as caught:
            await asks(conn, question)
        assert caught.value.refusal.code is Code.CONFLICT
    await vote(conn, "police")
    await vote(conn, "courts")
    with pytest.raises(Refused):
        await asks(conn, "enact")
    async with conn.transaction():
        await life.start(conn, ID, 1)
    assert (await asks(conn, "end")).number == 1
    with pytest.raises(Refused):
        await asks(conn, "end")


async def test_an_end_that_was_lost_can_be_asked_again_by_any_owner(conn: Connection) -> None:
    await in_force(conn)
    await vote(conn, "police", "yes", "end")
    await vote(conn, "courts", "no", "end")
    assert (await vote(conn, "district-attorney", "no", "end")).effect is None
    assert await outcomes(conn) == [("enact", 1, "carried"), ("end", 1, "lost")]
    assert (await vote(conn, "courts", "yes", "end")).round == 2
    assert (await vote(conn, "police", "yes", "end")).effect == "end"
    assert (await outcomes(conn))[-1] == ("end", 2, "carried")


async def test_silence_never_ends(conn: Connection, database: Database) -> None:
    await in_force(conn, CONTINUE)
    await vote(conn, "police", "yes", "end")
    await past_date(database, 1)
    assert await closed(conn) == ()
    assert ("end", 1, "lost") in await outcomes(conn)
    assert await state(conn, 1) == "in_force"


async def test_what_is_over_is_void(conn: Connection) -> None:
    await in_force(conn)
    await vote(conn, "police", "yes", "end")
    async with conn.transaction():
        await life.end(conn, ID, by="solicitor", reason="over")
    assert [d.what for d in await life.due(conn, await register.clock(conn))] == ["close"]
    assert await closed(conn) == ()
    assert (await outcomes(conn))[-1] == ("end", 1, "void")
    assert await life.due(conn, await register.clock(conn)) == ()


async def test_a_question_asked_beside_another_text_is_asked_again(conn: Connection) -> None:
    """Two amendments beside version 1. When one is in force, a yes to the other means another thing."""
    await in_force(conn)
    await propose(conn, WARRANT.replace('"F1", "F2", "F3", "F"', '"F1"'))
    await propose(conn, WARRANT.replace('"F1", "F2", "F3", "F"', '"F1", "F2"'))
    await vote(conn, "police", "yes", "amend", 3)
    for who in ("police", "courts"):
        await vote(conn, who, "yes", "amend", 2)
    async with conn.transaction():
        await life.start(conn, ID, 2)
    with pytest.raises(Refused) as caught:
        await vote(conn, "courts", "yes", "amend", 3)
    assert caught.value.refusal.field == "question"
    assert (await asks(conn, "amend", 3)).rules == 2
    assert await outcomes(conn, 3) == [("amend", 1, "void"), ("amend", 2, "pending")]
    assert (await vote(conn, "courts", "yes", "amend", 3)).counts()["yes"] == 1


async def test_a_later_ballot_takes_the_earlier_ones_place(conn: Connection) -> None:
    await propose(conn)
    assert (await vote(conn, "police", "no")).replaced is False
    second = await vote(conn, "police", "yes")
    assert second.replaced
    assert second.counts() == {"yes": 1, "no": 0, "abstain": 0, "silent": 2}
    assert len((await register.register(conn))[0].ballots) == 2, "the first one stands in the register"


async def test_end_and_enact_at_once(database: Database, conn: Connection) -> None:
    """The last ballot that ends and the last that amends, at once: one after the other, never both."""
    await in_force(conn)
    await propose(conn, WARRANT.replace('"F1", "F2", "F3", "F"', '"F1"'))
    await vote(conn, "police", "yes", "end")
    await vote(conn, "police", "yes", "amend", 2)

    async def one(question: str, version: int) -> str | None:
        async with await psycopg.AsyncConnection.connect(database.desk_dsn) as own:
            asked = Asked(ID, version, "courts", Question(question), Choice.YES)
            try:
                return (await cast(own, asked, demo=True)).effect
            except Refused as refused:
                await own.rollback()
                return refused.refusal.code.value

    ended, amended = await asyncio.gather(one("end", 1), one("amend", 2))
    assert ended == "end"
    # Amended first: the end took the balloted version along. Ended first: the amendment has lost its ground.
    assert (amended, await state(conn, 2)) in {("enact", "ended"), ("conflict", "proposed")}
    assert await state(conn, 1) == "ended"
    assert Outcome.CARRIED in {r.outcome for r in await rounds_of(conn, ID, 1)}
