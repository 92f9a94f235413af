# SPDX-License-Identifier: Apache-2.0
"""The register on a real database: proposals, ballots, the life of an agreement, and who may change what."""

from __future__ import annotations

import asyncio
import base64
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
import pytest_asyncio

from openpars.agreements import life, register
from openpars.agreements.ballots import Choice, Question
from openpars.agreements.language.canonical import CJIS_TOPICS
from openpars.agreements.register import BrokenText, Event
from openpars.agreements.votes.ballot_box import Asked
from openpars.agreements.votes.voting import Cast, cast
from openpars.db.connect import Connection
from openpars.errors import Code, Refused
from tests.agreements.ahead import go_ahead
from tests.agreements.delegates import Delegate
from tests.agreements.standing import AS_SHIPPED, EXAMPLES, WARRANT
from tests.conftest import Database

ID = "ice-felony-warrant"


@pytest_asyncio.fixture
async def conn(database: Database) -> AsyncIterator[Connection]:
    """The desk's login, autocommitting: each call below is its own transaction unless it opens one."""
    async with await psycopg.AsyncConnection.connect(database.desk_dsn, autocommit=True) as connection:
        yield connection


async def propose(conn: Connection, text: str = WARRANT) -> register.Proposed:
    async with conn.transaction():
        return await register.propose(conn, text, "solicitor", demo=True)


async def vote(
    conn: Connection, who: str, choice: str = "yes", question: str = "enact", version: int = 1
) -> Cast:
    async with conn.transaction():
        return await cast(conn, Asked(ID, version, who, Question(question), Choice(choice)), demo=True)


async def enact(conn: Connection, text: str = WARRANT, question: str = "enact") -> int:
    version = (await propose(conn, text)).version
    await vote(conn, "police", question=question, version=version)
    await vote(conn, "courts", question=question, version=version)
    async with conn.transaction():
        await life.start(conn, ID, version)
    return version


def soon(seconds: float, *, begins: float = -60, title: str = "x") -> str:
    """The text with a term around now."""
    now = datetime.now(UTC)
    start, end = WARRANT.index("[term]"), WARRANT.index("[decision]")
    first, last = (now + timedelta(seconds=one) for one in (begins, seconds))
    term = f"[term]\nfrom = {first.isoformat()}\nuntil = {last.isoformat()}\n"
    head = WARRANT[:start].replace("Felony warrants: what ICE may ask about persons arrested", title)
    return head + term + WARRANT[end:]


async def state(conn: Connection, version: int = 1) -> str:
    return {(s.agreement, s.version): s.state for s in await register.standings(conn)}[ID, version]


async def epoch(conn: Connection) -> int:
    return (await register.fences(conn, [ID]))[ID]


async def test_from_proposal_to_force(conn: Connection) -> None:
    proposed = await propose(conn)
    assert (proposed.id, proposed.version, proposed.state) == (ID, 1, "proposed")
    assert await register.versions_in_force(conn) == ()
    first = await vote(conn, "police")
    assert (first.state, first.effect, first.signed) == ("proposed", None, False)
    second = await vote(conn, "courts")
    assert (second.state, second.effect) == ("balloted", "enact")
    assert second.counts() == {"yes": 2, "no": 0, "abstain": 0, "silent": 1}
    (due,) = await life.due(conn, await register.clock(conn))
    assert (due.agreement, due.version, due.what) == (ID, 1, "start")
    await life.start(conn, ID, 1)
    (version,) = await register.versions_in_force(conn)
    assert version.hash == proposed.hash
    assert await life.due(conn, await register.clock(conn)) == ()
    (entry,) = await register.register(conn)
    assert [event.what for event in entry.events] == ["proposed", "carried", "started"]
    assert [(b.stakeholder, b.signature) for b in entry.ballots] == [("police", None), ("courts", None)]
    kinds = await (await conn.execute("SELECT kind FROM log.pending ORDER BY id")).fetchall()
    assert [row[0] for row in kinds] == ["agreement", "ballot", "ballot", "agreement", "agreement"]


async def test_lost_ballots_end_it(conn: Connection) -> None:
    await propose(conn)
    await vote(conn, "police", "no")
    assert (await vote(conn, "courts", "abstain")).state == "rejected"
    with pytest.raises(Refused) as caught:
        await vote(conn, "district-attorney")
    assert caught.value.refusal.code is Code.CONFLICT


@pytest.mark.parametrize(
    "broken",
    ["not toml", AS_SHIPPED.replace("2027-08-31", "2025-08-31"), WARRANT.replace("name =", "naem =")],
)
async def test_a_bad_text_is_refused_and_nothing_is_stored(conn: Connection, broken: str) -> None:
    with pytest.raises(Refused) as caught:
        await propose(conn, broken)
    refusal = caught.value.refusal
    assert (refusal.code, refusal.field) == (Code.INVALID, "text")
    assert "line " in refusal.detail
    assert await register.register(conn) == ()


async def test_the_same_text_twice_and_other_parties(conn: Connection) -> None:
    await propose(conn)
    for text in ("# another comment\n" + WARRANT, WARRANT.replace('"ice"', '"fbi"')):
        with pytest.raises(Refused) as caught:
            await propose(conn, text)
        assert caught.value.refusal.code is Code.CONFLICT


@pytest.mark.parametrize("alike", ["ice-fe1ony-warrant", "lce-felony-warrant", "ice-felony-warrant-"])
async def test_an_id_that_can_be_taken_for_another_is_refused(conn: Connection, alike: str) -> None:
    await propose(conn)
    with pytest.raises(Refused) as refused:
        await propose(conn, WARRANT.replace(f'id = "{ID}"', f'id = "{alike}"'))
    assert refused.value.refusal.code is Code.CONFLICT
    assert refused.value.refusal.field == "agreement.id"
    assert len(await register.register(conn)) == 1
    await propose(conn, WARRANT.replace(f'id = "{ID}"', 'id = "ice-misdemeanor-warrant"'))


async def test_two_ids_that_look_alike_proposed_at_once_are_one(database: Database) -> None:
    async def one(name: str) -> Code | None:
        async with await psycopg.AsyncConnection.connect(database.desk_dsn) as conn:
            try:
                await propose(conn, WARRANT.replace(f'id = "{ID}"', f'id = "{name}"'))
            except Refused as refused:
                return refused.refusal.code
            return None

    said = await asyncio.gather(*(one(name) for name in ("ice-one", "lce-one", "ice-0ne")))
    assert sorted(str(code) for code in said if code) == ["conflict", "conflict"]


async def test_two_proposals_at_once_get_two_numbers(database: Database) -> None:
    async def one(title: str) -> int:
        async with await psycopg.AsyncConnection.connect(database.desk_dsn) as own:
            return (
                await register.propose(own, WARRANT.replace("Felony warrants", title), "solicitor", demo=True)
            ).version

    numbers = await asyncio.gather(*(one(f"Number {n}") for n in range(4)))
    assert sorted(numbers) == [1, 2, 3, 4]


WRONG_BALLOTS = [
    ({"stakeholder": "mayor"}, Code.FORBIDDEN, None),
    ({"hash": "ab" * 32}, Code.INVALID, "hash"),
    ({"version": 9}, Code.NOT_FOUND, "version"),
    ({"agreement": "no-such"}, Code.NOT_FOUND, "agreement"),
    ({"question": Question.END}, Code.CONFLICT, "version"),
    ({"question": Question.RENEW}, Code.CONFLICT, "question"),
    ({"expires": datetime(2020, 1, 1, tzinfo=UTC)}, Code.INVALID, "expires"),
    ({"expires": datetime(2200, 1, 1, tzinfo=UTC)}, Code.INVALID, "expires"),
    ({"expires": datetime(2027, 1, 1)}, Code.INVALID, "expires"),  # noqa: DTZ001
    ({"signature": "not base64!"}, Code.INVALID, "signature"),
    ({"signature": base64.b64encode(b"0" * 64).decode()}, Code.INVALID, "signature"),
]


@pytest.mark.parametrize(("change", "code", "field"), WRONG_BALLOTS)
async def test_a_wrong_ballot_is_refused_and_not_counted(
    conn: Connection, change: dict[str, object], code: Code, field: str | None
) -> None:
    await propose(conn)
    asked = replace(Asked(ID, 1, "police", Question.ENACT, Choice.YES), **change)  # type: ignore[arg-type]
    with pytest.raises(Refused) as caught:
        async with conn.transaction():
            await cast(conn, asked, demo=True)
    assert (caught.value.refusal.code, caught.value.refusal.field) == (code, field)
    assert (await register.register(conn))[0].ballots == ()


async def test_signed_ballots_outside_demo_mode(conn: Connection) -> None:
    proposed = await propose(conn)
    police = await Delegate("police").register(conn)
    good = police.asked(ID, proposed.hash)
    mutations: tuple[dict[str, object], ...] = (
        {"signature": None},
        {"hash": None},
        {"expires": None},
        {"choice": Choice.NO},
        {"question": Question.AMEND},
        {"stakeholder": "courts"},
        {"expires": good.expires + timedelta(seconds=1) if good.expires else None},
        {"round": None},
        {"round": 2},
        {"key": None},
        {"key": "ab" * 32},
    )
    for change in mutations:
        with pytest.raises(Refused):
            async with conn.transaction():
                await cast(conn, replace(good, **change), demo=False)  # type: ignore[arg-type]
    async with conn.transaction():
        assert (await cast(conn, good, demo=False)).signed
    with pytest.raises(Refused) as caught:  # the same ballot again, by whoever kept a copy
        async with conn.transaction():
            await cast(conn, good, demo=False)
    assert caught.value.refusal.code is Code.CONFLICT
    assert len((await register.register(conn))[0].ballots) == 1


async def test_owners_who_vote_at_once_decide_once(database: Database, conn: Connection) -> None:
    await propose(conn)

    async def one(who: str) -> str | None:
        async with await psycopg.AsyncConnection.connect(database.desk_dsn) as own:
            try:
                return (await cast(own, Asked(ID, 1, who, Question.ENACT, Choice.YES), demo=True)).effect
            except Refused as refused:
                await own.rollback()
                return refused.refusal.code.value

    effects = await asyncio.gather(*(one(who) for who in ("police", "courts", "district-attorney")))
    assert sorted(effects, key=str) == sorted([None, "conflict", "enact"], key=str)


async def test_suspend_and_resume(conn: Connection) -> None:
    await enact(conn)
    before = await epoch(conn)
    assert await life.suspend(conn, ID, by="police", reason="inquiry") == before + 1
    assert await state(conn) == "suspended"
    assert await register.versions_in_force(conn) == ()
    with pytest.raises(Refused) as caught:
        await life.resume(conn, ID, by="courts", reason="enough")
    assert caught.value.refusal.code is Code.FORBIDDEN
    await life.resume(conn, ID, by="police", reason="answered")
    assert await state(conn) == "in_force"
    assert await epoch(conn) == before + 1


async def test_an_end_by_vote(conn: Connection) -> None:
    await enact(conn)
    before = await epoch(conn)
    assert (await vote(conn, "police", question="end")).effect is None
    ended = await vote(conn, "district-attorney", question="end")
    assert (ended.state, ended.effect) == ("ended", "end")
    assert await epoch(conn) == before + 1
    (standing,) = await register.standings(conn)
    assert standing.until <= await register.clock(conn)
    with pytest.raises(Refused):
        await life.end(conn, ID, by="solicitor", reason="again")


async def test_the_term_ends_in_time(conn: Connection, database: Database) -> None:
    await enact(conn, soon(3600))
    assert len(await register.versions_in_force(conn)) == 1
    (first,) = await register.standings(conn)
    assert await life.next_due(conn, await register.clock(conn)) == first.until
    assert await life.end_of_term(conn, ID, 1) is None, "not before its end"
    await go_ahead(conn, database, timedelta(seconds=3600))
    assert await register.versions_in_force(conn) == ()
    (due,) = await life.due(conn, await register.clock(conn))
    assert (due.what, due.at) == ("end", first.until)
    before = await epoch(conn)
    assert await life.end_of_term(conn, ID, 1) == before + 1
    assert await life.end_of_term(conn, ID, 1) is None
    (standing,) = await register.standings(conn)
    assert (standing.state, standing.until) == ("ended", due.at)


async def test_a_text_whose_time_passed_unused_lapses(conn: Connection, database: Database) -> None:
    await propose(conn, soon(3600))
    await life.lapse(conn, ID, 1)
    assert await state(conn) == "proposed", "not before its time has passed"
    await go_ahead(conn, database, timedelta(seconds=3600))
    (due,) = await life.due(conn, await register.clock(conn))
    assert due.what == "lapse"
    await life.lapse(conn, ID, 1)
    assert await state(conn) == "ended"


async def test_an_amendment_takes_the_place_and_keeps_the_fence(conn: Connection) -> None:
    await enact(conn)
    before = await epoch(conn)
    amended = WARRANT.replace('"F1", "F2", "F3", "F"', '"F1"')
    assert await enact(conn, amended, "amend") == 2
    assert (await state(conn, 1), await state(conn, 2)) == ("superseded", "in_force")
    assert await epoch(conn) == before
    assert [v.number for v in await register.versions_in_force(conn)] == [2]


async def test_a_renewal_has_no_gap(conn: Connection, database: Database) -> None:
    await enact(conn, soon(3600))
    (first,) = await register.standings(conn)
    start, end = WARRANT.index("[term]"), WARRANT.index("[decision]")
    later = first.until + timedelta(days=365)
    term = f"[term]\nfrom = {first.until.isoformat()}\nuntil = {later.isoformat()}\n"
    renewed = soon(1).split("[term]")[0] + term + WARRANT[end:]
    assert start
    await propose(conn, renewed)
    for who in ("police", "courts"):
        await vote(conn, who, question="renew", version=2)
    await go_ahead(conn, database, timedelta(seconds=3600))
    assert [(d.version, d.what) for d in await life.due(conn, await register.clock(conn))] == [(2, "start")]
    assert await life.start(conn, ID, 2) == 1
    assert await life.due(conn, await register.clock(conn)) == ()


async def test_no_text_makes_its_own_quorum_easier(conn: Connection) -> None:
    await propose(conn, WARRANT.replace('"2 of 3"', '"3 of 3"'))
    for who in ("police", "courts", "district-attorney"):
        await vote(conn, who)
    async with conn.transaction():
        await life.start(conn, ID, 1)
    await propose(conn, WARRANT)
    assert (await vote(conn, "police", version=2)).state == "proposed"
    with pytest.raises(Refused) as caught:
        await vote(conn, "courts", question="renew", version=2)
    assert caught.value.refusal.field == "question"
    assert (await vote(conn, "courts", question="amend", version=2)).effect is None
    assert (await vote(conn, "district-attorney", question="amend", version=2)).effect == "enact"


@pytest.mark.parametrize("question", ["enact", "renew"])
async def test_no_text_is_let_in_by_less_than_half_of_the_owners(conn: Connection, question: str) -> None:
    """Under a new id there is no text in force whose rules would decide."""
    with pytest.raises(Refused) as caught:
        await propose(conn, WARRANT.replace(f'{question} = "2 of 3"', f'{question} = "1 of 3"'))
    assert f"`{question}` must need more than half" in caught.value.refusal.detail
    await propose(conn, WARRANT.replace('end = "2 of 3"', 'end = "1 of 3"'))


async def test_history_is_only_ever_history(conn: Connection) -> None:
    text = (EXAMPLES / "ice-pars-2008.toml").read_text(encoding="utf-8")
    signed_at = datetime(2008, 9, 1, 4, tzinfo=UTC)
    entered = await register.enter_history(conn, text, [Event("started", signed_at, "owners")], by="demo")
    assert entered.state == "ended"
    assert await register.versions_in_force(conn) == ()
    with pytest.raises(Refused):
        await life.start(conn, "ice-pars", 1)
    with pytest.raises(Refused):
        await register.enter_history(conn, WARRANT, [], by="demo")
    with pytest.raises(Refused):
        await propose(conn, text)
    (entry,) = await register.register(conn)
    assert (entry.reconstructed, entry.ended_at) == (True, datetime(2010, 9, 1, 4, tzinfo=UTC))


async def test_a_tampered_text_is_not_obeyed(conn: Connection, database: Database) -> None:
    await enact(conn)
    loosened = "UPDATE agreements.version SET canonical = replace(canonical, 'last4', 'whole')"
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        await conn.execute(loosened)
    async with await psycopg.AsyncConnection.connect(database.superuser_dsn) as superuser:
        await superuser.execute(loosened)
    with pytest.raises(BrokenText):
        await register.versions_in_force(conn)


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM agreements.ballot",
        "UPDATE agreements.ballot SET choice = 'no'",
        "DELETE FROM agreements.event",
        "UPDATE agreements.version SET ends = ends + interval '1 year'",
        "DELETE FROM agreements.version",
        "UPDATE agreements.agreement SET recipient = 'fbi'",
    ],
)
async def test_nobody_rewrites_what_was_decided(conn: Connection, statement: str) -> None:
    await enact(conn)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        await conn.execute(statement)  # type: ignore[call-overload]


async def test_the_door_only_reads(conn: Connection, database: Database) -> None:
    await enact(conn)
    async with await psycopg.AsyncConnection.connect(database.door_dsn, autocommit=True) as door:
        assert len(await register.versions_in_force(door)) == 1
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await life.suspend(door, ID, by="police", reason="no")


@pytest.mark.parametrize("topic", CJIS_TOPICS)
async def test_outside_demo_mode_no_text_without_every_cjis_topic_is_proposed(
    conn: Connection, topic: str
) -> None:
    text = re.sub(rf"^{topic} = .*\n", "", WARRANT, flags=re.MULTILINE)
    with pytest.raises(Refused) as caught:
        async with conn.transaction():
            await register.propose(conn, text, "solicitor", demo=False)
    assert caught.value.refusal.code is Code.INVALID
    assert topic in caught.value.refusal.detail
    async with conn.transaction():
        assert (await register.propose(conn, WARRANT, "solicitor", demo=False)).state == "proposed"


async def test_a_text_of_demo_days_is_not_voted_through_outside_demo_mode(conn: Connection) -> None:
    proposed = await propose(conn, re.sub(r"^training = .*\n", "", WARRANT, flags=re.MULTILINE))
    police = await Delegate("police").register(conn)
    with pytest.raises(Refused) as caught:
        async with conn.transaction():
            await cast(conn, police.asked(ID, proposed.hash), demo=False)
    assert (caught.value.refusal.code, "training" in caught.value.refusal.detail) == (Code.CONFLICT, True)
