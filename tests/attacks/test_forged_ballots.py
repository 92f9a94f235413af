# SPDX-License-Identifier: Apache-2.0
"""Ballots that nobody cast, and ballots that were cast for something else: refused, and none counted.

Where a superuser writes into the tables behind the program's back, the next count must not believe it.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
import pytest_asyncio

from openpars.agreements import register
from openpars.agreements.ballots import (
    Ballot,
    Choice,
    Question,
    ballot_digest,
    good_keys,
    public_text,
    statement,
)
from openpars.agreements.votes.ballot_box import Asked
from openpars.agreements.votes.ballot_keys import keys_of, logged, register_key, revoke_key
from openpars.agreements.votes.voting import Cast, cast
from openpars.db.connect import Connection
from openpars.errors import Code, Refused
from openpars.log.draft import JSON, Draft
from openpars.log.pending import note
from tests.agreements.delegates import PROVIDER, Delegate
from tests.agreements.standing import WARRANT
from tests.conftest import Database

ID = "ice-felony-warrant"


@pytest_asyncio.fixture
async def conn(database: Database) -> AsyncIterator[Connection]:
    async with await psycopg.AsyncConnection.connect(database.desk_dsn, autocommit=True) as connection:
        yield connection


@pytest_asyncio.fixture
async def superuser(database: Database) -> AsyncIterator[Connection]:
    async with await psycopg.AsyncConnection.connect(database.superuser_dsn, autocommit=True) as connection:
        yield connection


@pytest_asyncio.fixture
async def text_hash(conn: Connection) -> str:
    async with conn.transaction():
        return (await register.propose(conn, WARRANT, "solicitor", demo=True)).hash


async def voted(conn: Connection, asked: Asked, *, demo: bool = False) -> Cast:
    async with conn.transaction():
        return await cast(conn, asked, demo=demo)


async def refused(conn: Connection, asked: Asked) -> tuple[Code, str | None]:
    """The refusal; nothing may be stored by it."""
    before = len((await register.register(conn))[0].ballots)
    with pytest.raises(Refused) as caught:
        await voted(conn, asked)
    assert len((await register.register(conn))[0].ballots) == before
    return caught.value.refusal.code, caught.value.refusal.field


async def revoke(conn: Connection, delegate: Delegate) -> None:
    async with conn.transaction():
        await revoke_key(
            conn, delegate.id, provider=PROVIDER, stakeholder=delegate.stakeholder, reason="lost"
        )


async def insert(superuser: Connection, ballot: Ballot) -> None:
    """A row in the table of ballots, as whoever owns the database can write it."""
    await superuser.execute(
        "INSERT INTO agreements.ballot (agreement, version, stakeholder, question, choice, hash, round,"
        " expires, signature, key, statement, at) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (
            ballot.agreement,
            ballot.version,
            ballot.stakeholder,
            ballot.question.value,
            ballot.choice.value,
            ballot.hash,
            ballot.round,
            ballot.expires,
            ballot.signature,
            ballot.key,
            hashlib.sha256(statement(ballot).encode()).hexdigest(),
            ballot.at,
        ),
    )


async def insert_key(superuser: Connection, delegate: Delegate, endorser: Delegate | None = None) -> None:
    new = delegate.new(endorser)
    await superuser.execute(
        "INSERT INTO agreements.ballot_key (id, provider, stakeholder, label, public_key, proof, endorsed_by,"
        " endorsement, since) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, clock_timestamp())",
        (
            delegate.id,
            PROVIDER,
            delegate.stakeholder,
            delegate.label,
            delegate.public,
            new.proof,
            new.endorsed_by,
            new.endorsement,
        ),
    )


def ballot(who: str, text_hash: str, choice: str = "yes") -> Ballot:
    now = datetime.now(UTC)
    expires, at = now + timedelta(days=7), now - timedelta(seconds=1)
    return Ballot(who, ID, 1, text_hash, Question.ENACT, Choice(choice), expires, at)


# ------------------------------------------------------------------ what arrives at the desk


async def test_a_ballot_replayed(conn: Connection, text_hash: str) -> None:
    asked = (await Delegate("police").register(conn)).asked(ID, text_hash)
    await voted(conn, asked)
    assert await refused(conn, asked) == (Code.CONFLICT, "expires")


async def test_a_ballot_for_another_text(conn: Connection, text_hash: str) -> None:
    police = await Delegate("police").register(conn)
    assert await refused(conn, police.asked(ID, "ab" * 32)) == (Code.INVALID, "hash")
    other = police.asked("another-agreement", text_hash)
    assert await refused(conn, replace(other, agreement=ID)) == (Code.INVALID, "signature")


async def test_a_ballot_by_another_body(conn: Connection, text_hash: str) -> None:
    """The police's key under the District Attorney's name, at the District Attorney's desk."""
    police = await Delegate("police").register(conn)
    await Delegate("district-attorney").register(conn)
    forged = police.asked(ID, text_hash, stakeholder="district-attorney")
    assert await refused(conn, forged) == (Code.INVALID, "key")
    real = police.asked(ID, text_hash)
    assert await refused(conn, replace(real, stakeholder="district-attorney")) == (Code.INVALID, "key")


async def test_an_expired_ballot(conn: Connection, text_hash: str) -> None:
    police = await Delegate("police").register(conn)
    past = datetime.now(UTC) - timedelta(seconds=1)
    assert await refused(conn, police.asked(ID, text_hash, expires=past)) == (Code.INVALID, "expires")


async def test_a_ballot_of_a_round_past_or_to_come(conn: Connection, text_hash: str) -> None:
    police = await Delegate("police").register(conn)
    assert await refused(conn, police.asked(ID, text_hash, round=2)) == (Code.CONFLICT, "round")
    assert await refused(conn, police.asked(ID, text_hash, round=0)) == (Code.CONFLICT, "round")


@pytest.mark.parametrize(
    "change",
    [
        {"choice": Choice.NO},
        {"question": Question.AMEND},
        {"expires": None},
        {"signature": "A" * 86 + "=="},
        {"signature": "not base64"},
    ],
)
async def test_a_signature_over_another_statement(
    conn: Connection, text_hash: str, change: dict[str, Any]
) -> None:
    asked = (await Delegate("police").register(conn)).asked(ID, text_hash)
    if "expires" in change:
        change = {"expires": asked.expires + timedelta(seconds=1)}  # type: ignore[operator]
    assert await refused(conn, replace(asked, **change)) == (Code.INVALID, "signature")


async def test_a_wrong_key(conn: Connection, text_hash: str) -> None:
    police, stranger = await Delegate("police").register(conn), Delegate("police")
    assert await refused(conn, stranger.asked(ID, text_hash)) == (Code.INVALID, "key")
    mixed = replace(stranger.asked(ID, text_hash), key=police.id)
    assert await refused(conn, mixed) == (Code.INVALID, "signature")
    assert await refused(conn, replace(police.asked(ID, text_hash), key=None)) == (Code.INVALID, "signature")


async def test_an_unsigned_ballot_outside_demo_mode(conn: Connection, text_hash: str) -> None:
    await Delegate("police").register(conn)
    until = datetime.now(UTC) + timedelta(days=1)
    bare = Asked(ID, 1, "police", Question.ENACT, Choice.YES, text_hash, until, None, 1)
    assert await refused(conn, bare) == (Code.INVALID, "signature")


async def test_a_revoked_key_stops_at_once_and_takes_its_ballot_along(
    conn: Connection, text_hash: str
) -> None:
    chief = await Delegate("police", "the Commissioner").register(conn)
    deputy = await Delegate("police", "a deputy").register(conn, chief)
    courts = await Delegate("courts").register(conn)
    await voted(conn, deputy.asked(ID, text_hash))
    await revoke(conn, deputy)
    again = deputy.asked(ID, text_hash, choice="no")
    assert await refused(conn, again) == (Code.INVALID, "key")
    second = await voted(conn, courts.asked(ID, text_hash))
    assert second.counts() == {"yes": 1, "no": 0, "abstain": 0, "silent": 2}
    assert second.effect is None
    assert (await voted(conn, chief.asked(ID, text_hash))).effect == "enact"


async def test_a_revocation_does_not_undo_what_was_decided(conn: Connection, text_hash: str) -> None:
    police, courts = await Delegate("police").register(conn), await Delegate("courts").register(conn)
    await voted(conn, police.asked(ID, text_hash))
    assert (await voted(conn, courts.asked(ID, text_hash))).effect == "enact"
    await revoke(conn, police)
    assert (await register.standings(conn))[0].state == "balloted"


async def test_twice_and_the_later_counts(conn: Connection, text_hash: str) -> None:
    police, courts = await Delegate("police").register(conn), await Delegate("courts").register(conn)
    await voted(conn, police.asked(ID, text_hash))
    changed = await voted(conn, police.asked(ID, text_hash, choice="no"))
    assert changed.replaced
    assert changed.counts() == {"yes": 0, "no": 1, "abstain": 0, "silent": 2}
    assert (await voted(conn, courts.asked(ID, text_hash))).effect is None


async def test_three_at_once_decide_once(database: Database, conn: Connection, text_hash: str) -> None:
    owners = [await Delegate(who).register(conn) for who in ("police", "courts", "district-attorney")]

    async def one(delegate: Delegate) -> str | None:
        async with await psycopg.AsyncConnection.connect(database.desk_dsn) as own:
            try:
                return (await cast(own, delegate.asked(ID, text_hash), demo=False)).effect
            except Refused as problem:
                await own.rollback()
                return problem.refusal.code.value

    effects = await asyncio.gather(*(one(delegate) for delegate in owners))
    assert sorted(effects, key=str) == sorted([None, "conflict", "enact"], key=str)
    (entry,) = await register.register(conn)
    assert [event.what for event in entry.events] == ["proposed", "carried"]


# ------------------------------------------------------------------ who becomes a voter


async def test_the_second_key_needs_one_that_holds(conn: Connection, text_hash: str) -> None:
    founder, intruder = await Delegate("police").register(conn), Delegate("police", "intruder")
    courts = await Delegate("courts").register(conn)
    for endorser, field in ((None, "endorsed_by"), (intruder, "endorsed_by"), (courts, "endorsed_by")):
        with pytest.raises(Refused) as caught:
            await intruder.register(conn, endorser)
        assert (caught.value.refusal.code, caught.value.refusal.field) == (Code.INVALID, field)
    borrowed = replace(intruder.new(founder), endorsement=founder.sign("something else"))
    with pytest.raises(Refused) as caught:
        await register_key(conn, borrowed, provider=PROVIDER, stakeholder="police")
    assert caught.value.refusal.field == "endorsement"
    await revoke(conn, founder)
    with pytest.raises(Refused):
        await intruder.register(conn, founder)
    assert len(await keys_of(conn, PROVIDER)) == 2


async def test_nobody_registers_a_key_he_does_not_hold(conn: Connection) -> None:
    owner, thief = Delegate("police"), Delegate("courts")
    stolen = replace(thief.new(), public_key=public_text(owner.public))
    with pytest.raises(Refused) as caught:
        await register_key(conn, stolen, provider=PROVIDER, stakeholder="courts")
    assert caught.value.refusal.field == "proof"
    # The proof names its stakeholder: the same file cannot be handed in by another.
    with pytest.raises(Refused):
        await register_key(conn, owner.new(), provider=PROVIDER, stakeholder="courts")


async def test_a_key_for_which_anybody_can_sign(conn: Connection) -> None:
    """Small order: this signature verifies under this key for a good part of all messages."""
    weak = (1).to_bytes(32, "little")
    zero = "AQ" + "A" * 84 + "=="
    with pytest.raises(Refused) as caught:
        await register_key(
            conn,
            replace(Delegate("police").new(), public_key=public_text(weak), proof=zero),
            provider=PROVIDER,
            stakeholder="police",
        )
    assert caught.value.refusal.field == "proof"


async def test_only_its_owner_revokes_a_key_and_a_revoked_key_never_comes_back(conn: Connection) -> None:
    police = await Delegate("police").register(conn)
    with pytest.raises(Refused) as caught:
        await revoke_key(conn, police.id, provider=PROVIDER, stakeholder="courts", reason="x")
    assert caught.value.refusal.code is Code.NOT_FOUND
    await revoke(conn, police)
    for again in (revoke(conn, police), police.register(conn)):
        with pytest.raises(Refused) as caught:
            await again
        assert caught.value.refusal.code is Code.CONFLICT


async def test_two_first_keys_at_once_found_once(database: Database) -> None:
    async def one(delegate: Delegate) -> bool:
        async with await psycopg.AsyncConnection.connect(database.desk_dsn) as own:
            try:
                await delegate.register(own)
            except Refused:
                return False
            return True

    assert sorted(await asyncio.gather(*(one(Delegate("police")) for _ in range(3)))) == [False, False, True]


# ------------------------------------------------------------------ a superuser at the tables


async def test_a_ballot_inserted_by_a_superuser_is_not_counted(
    conn: Connection, superuser: Connection, text_hash: str
) -> None:
    courts = await Delegate("courts").register(conn)
    stranger = Delegate("police")
    await insert(superuser, ballot("police", text_hash))
    await insert(superuser, stranger.signed(ballot("district-attorney", text_hash)))
    counted = await voted(conn, courts.asked(ID, text_hash))
    assert counted.counts() == {"yes": 1, "no": 0, "abstain": 0, "silent": 2}


async def test_nor_in_demo_mode_where_no_leaf_tells_of_it(
    conn: Connection, superuser: Connection, text_hash: str
) -> None:
    await insert(superuser, ballot("police", text_hash))
    counted = await voted(conn, Asked(ID, 1, "courts", Question.ENACT, Choice.YES), demo=True)
    assert counted.counts()["yes"] == 1


async def test_a_note_in_the_log_does_not_make_a_forged_ballot_count(
    conn: Connection, superuser: Connection, text_hash: str
) -> None:
    """He forges the leaf, too: outside demo mode there is still no signature."""
    courts = await Delegate("courts").register(conn)
    forged = Delegate("police").signed(ballot("police", text_hash))
    for one in (forged, ballot("district-attorney", text_hash)):
        await insert(superuser, one)
        public: dict[str, JSON] = {
            "agreement": ID,
            "version": 1,
            "question": "enact",
            "choice": "yes",
            "stakeholder": one.stakeholder,
            "digest": ballot_digest(one),
        }
        await note(superuser, Draft("ballot", public=public))
    assert (await voted(conn, courts.asked(ID, text_hash))).counts()["yes"] == 1


async def test_a_choice_changed_by_a_superuser_is_not_counted(
    conn: Connection, superuser: Connection, text_hash: str
) -> None:
    police, courts = await Delegate("police").register(conn), await Delegate("courts").register(conn)
    await voted(conn, police.asked(ID, text_hash, choice="no"))
    await superuser.execute("UPDATE agreements.ballot SET choice = 'yes'")
    counted = await voted(conn, courts.asked(ID, text_hash))
    assert counted.counts() == {"yes": 1, "no": 0, "abstain": 0, "silent": 2}


@pytest.mark.parametrize("founded", [False, True])
async def test_a_key_inserted_by_a_superuser_makes_no_voter(
    conn: Connection, superuser: Connection, text_hash: str, founded: bool
) -> None:
    if founded:
        await Delegate("police").register(conn)
    forger, courts = Delegate("police"), await Delegate("courts").register(conn)
    await insert_key(superuser, forger)
    assert await refused(conn, forger.asked(ID, text_hash)) == (Code.INVALID, "key")
    await insert(superuser, forger.signed(ballot("police", text_hash)))
    assert (await voted(conn, courts.asked(ID, text_hash))).counts()["yes"] == 1
    assert forger.id not in good_keys(await keys_of(conn, PROVIDER), await logged(conn))


async def test_a_revocation_taken_away_by_a_superuser(
    conn: Connection, superuser: Connection, text_hash: str
) -> None:
    police = await Delegate("police").register(conn)
    await revoke(conn, police)
    await superuser.execute("UPDATE agreements.ballot_key SET revoked_at = NULL")
    assert await refused(conn, police.asked(ID, text_hash)) == (Code.INVALID, "key")


@pytest.mark.parametrize(
    "attempt",
    [
        "UPDATE agreements.ballot_key SET label = 'x'",
        "UPDATE agreements.ballot_key SET public_key = sha256('x')",
        "DELETE FROM agreements.ballot_key",
        "UPDATE agreements.round SET closes_at = closes_at + interval '1 day'",
        "UPDATE agreements.ballot SET signature = NULL",
        "DELETE FROM agreements.round",
    ],
)
async def test_the_desks_login_rewrites_none_of_it(conn: Connection, text_hash: str, attempt: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        await conn.execute(attempt)  # type: ignore[call-overload]
