# SPDX-License-Identifier: Apache-2.0
"""What one ballot, and one closing, leaves behind: the answer, the register and the log, whole."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, timedelta

import orjson
import psycopg
import pytest
import pytest_asyncio

from openpars.agreements import life, register
from openpars.agreements.ballots import Ballot, Choice, Count, Outcome, Question, ballot_digest, statement
from openpars.agreements.register import Entry, Event, lock
from openpars.agreements.votes.rounds import ask, rounds_of
from openpars.agreements.votes.voting import Cast, cast, close
from openpars.db.connect import Connection
from openpars.errors import Code, Refused
from tests.agreements.delegates import Delegate
from tests.agreements.standing import WARRANT, longer
from tests.agreements.test_rounds import (
    CONTINUE,
    ID,
    asks,
    in_force,
    past_date,
    propose,
    vote,
)
from tests.conftest import Database

NARROWER = WARRANT.replace('"F1", "F2", "F3", "F"', '"F1", "F2"')
NARROW = WARRANT.replace('"F1", "F2", "F3", "F"', '"F1"')


@pytest_asyncio.fixture
async def conn(database: Database) -> AsyncIterator[Connection]:
    async with await psycopg.AsyncConnection.connect(database.desk_dsn, autocommit=True) as connection:
        yield connection


async def entry(conn: Connection, version: int = 1) -> Entry:
    return {one.version: one for one in await register.register(conn)}[version]


async def logged(conn: Connection, kind: str) -> list[tuple[dict[str, object], dict[str, object]]]:
    """What waits for the acts tree, of one kind: public and private part."""
    rows = await conn.execute("SELECT public, private FROM log.pending WHERE kind = %s ORDER BY id", (kind,))
    return [(orjson.loads(public), orjson.loads(private)) for public, private in await rows.fetchall()]


async def closed(conn: Connection, version: int = 1, *, demo: bool = True) -> tuple[str, ...]:
    async with conn.transaction():
        return await close(conn, ID, version, demo=demo)


def pending(*silent: str, yes: int = 0, no: int = 0) -> Count:
    return Count(Outcome.PENDING, yes, no, 0, silent)


async def test_each_ballot_tells_how_things_stand(conn: Connection) -> None:
    await propose(conn)
    assert await vote(conn, "police", "no") == Cast(
        "proposed",
        pending("courts", "district-attorney", no=1),
        signed=False,
        effect=None,
        round=1,
        replaced=False,
    )
    assert await vote(conn, "police") == Cast(
        "proposed",
        pending("courts", "district-attorney", yes=1),
        signed=False,
        effect=None,
        round=1,
        replaced=True,
    )
    last = await vote(conn, "courts")
    found = await entry(conn)
    carried = Count(Outcome.CARRIED, 2, 0, 0, ("district-attorney",), found.ballots[-1].at)
    assert last == Cast("balloted", carried, signed=False, effect="enact", round=1, replaced=False)
    (asked,) = found.rounds
    assert (asked.outcome, asked.decided_at) == (Outcome.CARRIED, found.ballots[-1].at)
    said = "enact, round 1: yes 2, no 0, abstain 0, silent 1"
    assert found.events[-1] == Event("carried", found.ballots[-1].at, "owners", said)


async def test_a_stranger_neither_votes_nor_asks(conn: Connection) -> None:
    await in_force(conn)
    for question, version in (("end", 1), ("enact", 2)):
        if version == 2:
            await propose(conn, NARROW)
        with pytest.raises(Refused) as caught:
            await vote(conn, "mayor", "yes", question, version)
        refusal = caught.value.refusal
        assert (refusal.code, refusal.field) == (Code.FORBIDDEN, None)
        assert refusal.detail == "only the agreement's stakeholders vote"
    assert [one.question for one in await rounds_of(conn, ID, 1)] == [Question.ENACT]


async def test_what_is_kept_and_logged_of_a_signed_ballot(conn: Connection) -> None:
    text_hash = await propose(conn)
    police = await Delegate("police").register(conn)
    asked = police.asked(ID, text_hash, choice="abstain")
    async with conn.transaction():
        result = await cast(conn, asked, demo=False)
    silent = ("courts", "district-attorney")
    assert result.count == Count(Outcome.PENDING, 0, 0, 1, silent)
    assert (result.signed, result.round) == (True, 1)
    (kept,) = (await entry(conn)).ballots
    assert asked.expires is not None
    assert kept == Ballot(
        "police",
        ID,
        1,
        text_hash,
        Question.ENACT,
        Choice.ABSTAIN,
        asked.expires,
        kept.at,
        asked.signature,
        1,
        police.id,
    )
    ((public, private),) = await logged(conn, "ballot")
    assert public == {
        "agreement": ID,
        "version": 1,
        "question": "enact",
        "choice": "abstain",
        "stakeholder": "police",
        "hash": text_hash,
        "round": 1,
        "key": police.id,
        "digest": ballot_digest(kept),
    }
    assert private == {"agent": "police", "at": kept.at.isoformat(), "signature": asked.signature}
    with pytest.raises(Refused) as caught:
        async with conn.transaction():
            await cast(conn, asked, demo=False)
    refusal = caught.value.refusal
    assert (refusal.code, refusal.field) == (Code.CONFLICT, "expires")
    assert refusal.detail == "this ballot was cast before: another needs another expiry"
    assert f"expires: {asked.expires.astimezone(UTC):%Y-%m-%d}" in statement(kept)


async def test_the_log_says_that_a_demos_ballot_is_unsigned(conn: Connection) -> None:
    await propose(conn)
    await vote(conn, "courts")
    ((public, private),) = await logged(conn, "ballot")
    assert (public["key"], private["signature"], private["agent"]) == (None, "unsigned", "courts")


async def test_in_demo_mode_too_a_claimed_signature_is_verified(conn: Connection) -> None:
    text_hash = await propose(conn)
    police = await Delegate("police").register(conn)
    good = police.asked(ID, text_hash)
    for wrong in (replace(good, choice=Choice.NO), replace(good, signature=None), replace(good, key=None)):
        with pytest.raises(Refused) as caught:
            async with conn.transaction():
                await cast(conn, wrong, demo=True)
        assert caught.value.refusal.field == "signature"
    async with conn.transaction():
        assert (await cast(conn, good, demo=True)).counts()["yes"] == 1


async def test_signed_ballots_decide_outside_demo_mode(conn: Connection) -> None:
    """And what a demo left unsigned does not: neither when another votes nor when the round is closed."""
    text_hash = await propose(conn)
    await vote(conn, "district-attorney", "no")
    police, courts = await Delegate("police").register(conn), await Delegate("courts").register(conn)
    async with conn.transaction():
        first = await cast(conn, police.asked(ID, text_hash), demo=False)
    assert first.count == pending("courts", "district-attorney", yes=1)
    async with conn.transaction():
        second = await cast(conn, courts.asked(ID, text_hash), demo=False)
    assert (second.effect, second.count.yes, second.count.no) == ("enact", 2, 0)


async def test_a_ballot_to_end_asks_and_the_last_one_ends(conn: Connection) -> None:
    await in_force(conn)
    first = await vote(conn, "police", "yes", "end")
    silent = ("courts", "district-attorney")
    assert first == Cast(
        "in_force", pending(*silent, yes=1), signed=False, effect=None, round=1, replaced=False
    )
    asked = (await rounds_of(conn, ID, 1))[-1]
    assert (asked.question, asked.asked_by, asked.outcome) == (Question.END, "police", Outcome.PENDING)
    last = await vote(conn, "courts", "yes", "end")
    assert (last.state, last.effect, last.round) == ("ended", "end", 1)
    found = await entry(conn)
    said = "end, round 1: yes 2, no 0, abstain 0, silent 1"
    at = found.ballots[-1].at
    assert found.events[-2:] == (Event("carried", at, "owners", said), Event("ended", at, "owners", said))
    assert (found.state, found.ended_at) == ("ended", at)


async def test_an_end_that_is_lost_changes_nothing(conn: Connection) -> None:
    await in_force(conn)
    for who in ("police", "courts"):
        last = await vote(conn, who, "no", "end")
    assert (last.state, last.effect, last.count.outcome) == ("in_force", None, Outcome.LOST)
    found = await entry(conn)
    assert found.events[-1].what == "lost"
    assert found.state == "in_force"


async def test_silence_ends_nothing_and_says_so(conn: Connection, database: Database) -> None:
    await in_force(conn)
    await asks(conn, "end")
    await past_date(database, 1)
    assert await closed(conn) == ()
    (asked,) = (one for one in await rounds_of(conn, ID, 1) if one.question is Question.END)
    said = "end, round 1: yes 0, no 0, abstain 0, silent 3"
    assert (await entry(conn)).events[-1] == Event("lost", asked.closes_at, "owners", said)


async def test_silence_in_a_demo_continues_a_text_without_every_topic(
    conn: Connection, database: Database
) -> None:
    short = CONTINUE.replace("training = ", "# training = ")
    await in_force(conn, short)
    await propose(conn, longer(short))
    await past_date(database, 2)
    assert await closed(conn, 2) == ("enact",)


async def test_what_a_demo_left_unsigned_is_silence_when_a_round_is_closed(
    conn: Connection, database: Database
) -> None:
    await in_force(conn, CONTINUE)
    await propose(conn, longer(CONTINUE))
    await vote(conn, "police", "no", "renew", 2)
    await past_date(database, 2)
    assert await closed(conn, 2, demo=False) == ("enact",)
    found = await entry(conn, 2)
    said = "renew, round 1: yes 0, no 0, abstain 0, silent 3"
    assert found.events[-1] == Event("carried", found.rounds[0].closes_at, "owners", said)


async def test_what_is_over_before_its_date_is_void_at_once(conn: Connection) -> None:
    await in_force(conn)
    await asks(conn, "end")
    async with conn.transaction():
        await life.end(conn, ID, by="solicitor", reason="over")
    before = await register.clock(conn)
    assert await closed(conn) == ()
    event = (await entry(conn)).events[-1]
    assert (event.what, event.by) == ("void", "owners")
    assert event.reason == "end, round 1: what it was asked about is over or has changed"
    assert before < event.at < await register.clock(conn)
    assert (await entry(conn)).state == "ended"


async def test_what_has_changed_by_its_date_is_void_and_the_text_rejected(
    conn: Connection, database: Database
) -> None:
    """Two renewals beside one text. The other one is in force at the date: silence answers nothing."""
    await in_force(conn, CONTINUE)
    await propose(conn, longer(CONTINUE))
    await propose(conn, NARROW)
    for who in ("police", "courts"):
        await vote(conn, who, "yes", "amend", 3)
    async with conn.transaction():
        await life.start(conn, ID, 3)
    await past_date(database, 2)
    assert await closed(conn, 2) == ()
    found = await entry(conn, 2)
    assert found.events[-1].what == "void"
    assert found.events[-1].at == found.rounds[0].closes_at
    assert (found.state, found.rounds[0].outcome) == ("rejected", Outcome.VOID)


async def test_silence_answers_no_question_by_the_rules_of_another_text(
    conn: Connection, database: Database
) -> None:
    """The word is still `amend`, but the text beside which it was asked is not in force any more."""
    await in_force(conn)
    await propose(conn, NARROW)
    await propose(conn, longer(NARROW))
    for who in ("police", "courts"):
        await vote(conn, who, "yes", "amend", 2)
    async with conn.transaction():
        await life.start(conn, ID, 2)
    await past_date(database, 3)
    assert await closed(conn, 3) == ()
    assert [one.outcome for one in await rounds_of(conn, ID, 3)] == [Outcome.VOID]
    await propose(conn, NARROWER)
    await propose(conn, WARRANT)
    for who in ("police", "courts"):
        await vote(conn, who, "yes", "amend", 4)
    async with conn.transaction():
        await life.start(conn, ID, 4)
    await past_date(database, 5)
    assert await closed(conn, 5) == ()
    assert [one.outcome for one in await rounds_of(conn, ID, 5)] == [Outcome.VOID]


async def test_the_end_of_a_text_that_nobody_could_vote_for_can_still_be_asked(
    conn: Connection, database: Database
) -> None:
    await in_force(conn, WARRANT.replace("training = ", "# training = "))
    police = await Delegate("police").register(conn)
    signed = police.asked(ID, (await entry(conn)).hash, question="end", choice="no")
    async with conn.transaction():
        assert (await cast(conn, signed, demo=False)).count == pending("courts", "district-attorney", no=1)
    await past_date(database, 1)
    assert await closed(conn, demo=False) == ()
    assert ("end", "lost") in [(one.question, one.outcome) for one in await rounds_of(conn, ID, 1)]


async def test_only_what_is_open_is_closed(conn: Connection, database: Database) -> None:
    await propose(conn)
    for who in ("police", "courts"):
        await vote(conn, who, "no")
    await asks(conn, "enact")
    assert await closed(conn) == ()
    assert [one.outcome for one in await rounds_of(conn, ID, 1)] == [Outcome.LOST, Outcome.PENDING]
    await past_date(database, 1)
    assert await closed(conn) == ()
    found = await entry(conn)
    assert [one.outcome for one in found.rounds] == [Outcome.LOST, Outcome.LOST]
    assert found.events[-1].reason == "enact, round 2: yes 0, no 0, abstain 0, silent 3"


async def refused_to_ask(conn: Connection, question: str, version: int = 1) -> tuple[str, str | None]:
    before = await rounds_of(conn, ID, version)
    with pytest.raises(Refused) as caught:
        await asks(conn, question, version)
    assert await rounds_of(conn, ID, version) == before
    assert caught.value.refusal.code is Code.CONFLICT
    return caught.value.refusal.detail, caught.value.refusal.field


async def test_what_is_not_asked_and_why(conn: Connection) -> None:
    is_open = ("this question is open: it is not asked twice at once", "question")
    decided = ("this version is already decided", "version")
    nothing = ("this version is not in force, so there is nothing to end", "version")
    to_enact = ("nothing is in force that could be renewed: vote `enact`", "question")
    to_amend = ("this version changes more than the term: vote `amend`", "question")
    await propose(conn)
    assert await refused_to_ask(conn, "enact") == is_open
    assert await refused_to_ask(conn, "amend") == is_open
    assert await refused_to_ask(conn, "end") == nothing
    assert await refused_to_ask(conn, "renew") == to_enact
    for who in ("police", "courts"):
        await vote(conn, who)
    assert await refused_to_ask(conn, "enact") == decided
    async with conn.transaction():
        await life.start(conn, ID, 1)
    assert await refused_to_ask(conn, "renew") == to_enact, "it is in force itself"
    await asks(conn, "end")
    assert await refused_to_ask(conn, "end") == is_open
    await propose(conn, NARROW)
    assert await refused_to_ask(conn, "renew", 2) == to_amend
    assert await refused_to_ask(conn, "amend", 2) == is_open


async def test_what_is_asked_and_how_it_is_told(conn: Connection) -> None:
    await in_force(conn)
    end = await asks(conn, "end")
    found = await entry(conn)
    assert (end.number, end.rules, end.question, end.asked_by) == (1, 1, Question.END, "solicitor")
    assert end.closes_at - end.asked_at == timedelta(days=30)
    assert end in found.rounds
    assert found.events[-1] == Event("asked", end.asked_at, "solicitor", end.said)
    assert found.state == "in_force", "asking for the end changes no state"
    await propose(conn, longer())
    for who in ("police", "courts"):
        await vote(conn, who, "no", "renew", 2)
    again = await asks(conn, "enact", 2)
    assert (again.number, again.rules, again.question) == (2, 1, Question.RENEW)
    found = await entry(conn, 2)
    assert (found.state, found.rounds[-1]) == ("proposed", again)
    assert found.events[-1] == Event("asked", again.asked_at, "solicitor", again.said)


async def test_a_question_that_has_become_another_is_void_when_it_is_asked_again(conn: Connection) -> None:
    await in_force(conn)
    await propose(conn, NARROW)
    await propose(conn, NARROWER)
    for who in ("police", "courts"):
        await vote(conn, who, "yes", "amend", 2)
    async with conn.transaction():
        await life.start(conn, ID, 2)
    again = await asks(conn, "amend", 3)
    found = await entry(conn, 3)
    assert (again.number, again.rules, found.state) == (2, 2, "proposed")
    void, asked = found.events[-2:]
    said = "amend, round 1: what is in force has changed since it was asked"
    assert (void.what, void.by, void.reason) == ("void", "owners", said)
    assert void.at == again.asked_at == asked.at
    assert [(one.outcome, one.decided_at) for one in found.rounds] == [
        (Outcome.VOID, again.asked_at),
        (Outcome.PENDING, None),
    ]


async def test_from_its_date_on_a_question_waits_to_be_closed(conn: Connection) -> None:
    """Even where what is in force has changed: what silence meant is said first."""
    await in_force(conn)
    await propose(conn, NARROW)
    await propose(conn, NARROWER)
    for who in ("police", "courts"):
        await vote(conn, who, "yes", "amend", 2)
    async with conn.transaction():
        await life.start(conn, ID, 2)
    (open_round,) = await rounds_of(conn, ID, 3)
    tick = timedelta(microseconds=1)
    async with conn.transaction():
        row = await lock(conn, ID)
        for late in (open_round.closes_at, open_round.closes_at + tick):
            with pytest.raises(Refused) as caught:
                await ask(conn, replace(row, now=late), 3, Question.AMEND, by="solicitor")
            assert caught.value.refusal.detail == "this question is open: it is not asked twice at once"
        early = replace(row, now=open_round.closes_at - tick)
        assert (await ask(conn, early, 3, Question.AMEND, by="solicitor")).number == 2


async def test_the_end_is_asked_of_a_text_that_waits_for_its_hour(conn: Connection) -> None:
    await propose(conn)
    for who in ("police", "courts"):
        await vote(conn, who)
    assert (await entry(conn)).state == "balloted"
    asked = await asks(conn, "end")
    assert (asked.number, asked.question, asked.rules) == (1, Question.END, 1)


async def test_nothing_is_asked_from_the_end_of_the_term_on(conn: Connection) -> None:
    await propose(conn)
    for who in ("police", "courts"):
        await vote(conn, who, "no")
    ends = (await entry(conn)).ends
    async with conn.transaction():
        row = await lock(conn, ID)
        for late in (ends, ends + timedelta(microseconds=1)):
            with pytest.raises(Refused) as caught:
                await ask(conn, replace(row, now=late), 1, Question.ENACT, by="solicitor")
            refusal = caught.value.refusal
            assert (refusal.code, refusal.detail, refusal.field) == (
                Code.CONFLICT,
                "the term is over",
                "version",
            )
        last = replace(row, now=ends - timedelta(microseconds=1))
        assert (await ask(conn, last, 1, Question.ENACT, by="solicitor")).closes_at == ends


async def test_who_asks_may_name_the_date_but_not_shorten_the_days_to_speak_about_an_end(
    conn: Connection,
) -> None:
    await in_force(conn)
    tonight = await register.clock(conn) + timedelta(hours=2)
    with pytest.raises(Refused) as caught:
        await asks(conn, "end", closes=tonight)
    found = caught.value.refusal
    assert (found.code, found.field) == (Code.INVALID, "closes")
    assert found.detail == "any owner may ask for the end, so the owners have all 30 days"
    await propose(conn, NARROW)
    for who in ("police", "courts"):
        await vote(conn, who, "no", "amend", 2)
    assert (await asks(conn, "amend", 2, closes=tonight)).closes_at == tonight
