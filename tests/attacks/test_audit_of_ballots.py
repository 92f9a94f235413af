# SPDX-License-Identifier: Apache-2.0
"""`openpars agreement verify` names what a superuser wrote, changed or deleted behind everybody's back."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
import pytest_asyncio
from typer.testing import CliRunner

from openpars.agreements import certified, life, notice, register
from openpars.agreements.ballots import Choice, Question
from openpars.agreements.letters import correspondence
from openpars.agreements.letters.wording import LetterKind, Written
from openpars.agreements.votes.ballot_box import Asked
from openpars.agreements.votes.voting import cast
from openpars.cli import app
from openpars.db.connect import Connection, pool
from openpars.log import pending
from openpars.log.keys import KeyStore
from openpars.log.note import Signer
from openpars.log.writer import Writer
from openpars.settings import City, Settings, load_desk, save_city
from tests.agreements.delegates import Delegate
from tests.agreements.standing import WARRANT
from tests.attacks.test_forged_ballots import ID, ballot, insert, insert_key, revoke
from tests.conftest import Database


async def into_the_tree(settings: Settings) -> None:
    """What the worker does: every note becomes an entry of the acts tree."""
    secrets = load_desk(settings.data_dir)
    store = KeyStore(settings.keys_file)
    signer = Signer("openpars.invalid/city/acts", bytes.fromhex(secrets.acts_key))
    async with (
        pool(secrets.desk_dsn, max_size=2) as desk,
        Writer(
            secrets.desk_dsn,
            tree="acts",
            signer=signer,
            keys=store,
            admit=pending.admit,
            head_file=settings.data_dir / "keys" / "acts.head",
        ) as writer,
        desk.connection() as conn,
    ):
        while await pending.drain(conn, writer):
            pass
    store.close()


@pytest_asyncio.fixture
async def voted(settings: Settings, database: Database) -> AsyncIterator[Connection]:
    """A city outside demo mode: two delegates, one revoked key, an agreement in force; all in the tree."""
    save_city(settings.data_dir, City(base_url="http://127.0.0.1:1", demo=False))
    async with await psycopg.AsyncConnection.connect(database.desk_dsn, autocommit=True) as conn:
        async with conn.transaction():
            text_hash = (await register.propose(conn, WARRANT, "solicitor", demo=False)).hash
        police, courts = await Delegate("police").register(conn), await Delegate("courts").register(conn)
        lost = await Delegate("police", "lost").register(conn, police)
        await revoke(conn, lost)
        for delegate in (police, courts):
            async with conn.transaction():
                await cast(conn, delegate.asked(ID, text_hash), demo=False)
        async with conn.transaction():
            await life.start(conn, ID, 1)
        async with pool(database.desk_dsn, max_size=2) as desk:
            for one in await certified.wanted(conn, again=False):
                await certified.prove(desk, one, 60.0)
        await into_the_tree(settings)
        yield conn


def verify(data_dir: Path) -> tuple[int, Any]:
    ran = CliRunner().invoke(app, ["agreement", "verify", "--data-dir", str(data_dir), "--json"])
    return ran.exit_code, json.loads(ran.stdout)


async def found(settings: Settings) -> list[str]:
    """What the command finds; it runs in its own loop, so in a thread."""

    status, report = await asyncio.to_thread(verify, settings.data_dir)
    assert status == (1 if report["findings"] else 0)
    return [f"{one['where']} {one['what']}" for one in report["findings"]]


async def test_a_city_in_order(voted: Connection, settings: Settings) -> None:
    assert await found(settings) == []


async def test_a_vote_that_waits_for_the_tree_is_no_finding(voted: Connection, settings: Settings) -> None:
    async with voted.transaction():
        await cast(voted, Asked(ID, 1, "courts", Question.END, Choice.YES), demo=True)
    (only,) = await found(settings)
    assert "end yes, round 1" in only
    assert "is not signed" in only, "outside demo mode an unsigned row is a finding, logged or not"


async def test_a_ballot_by_insert(voted: Connection, settings: Settings, database: Database) -> None:
    (entry,) = await register.register(voted)
    async with await psycopg.AsyncConnection.connect(database.superuser_dsn, autocommit=True) as superuser:
        await insert(superuser, ballot("district-attorney", entry.hash))
    (only,) = await found(settings)
    assert f"{ID} version 1: the ballot of district-attorney (enact yes, round 1" in only
    assert "never was logged" in only


async def test_a_ballot_key_by_insert(voted: Connection, settings: Settings, database: Database) -> None:
    forger = Delegate("district-attorney", "nobody")
    async with await psycopg.AsyncConnection.connect(database.superuser_dsn, autocommit=True) as superuser:
        await insert_key(superuser, forger)
    (only,) = await found(settings)
    assert only.startswith(f"the ballot key of district-attorney (nobody, {forger.id[:16]})")


async def test_a_letter_that_was_not_served_is_in_order_and_missed(
    voted: Connection, settings: Settings, database: Database
) -> None:
    by = datetime.now(UTC).date() + timedelta(days=30)
    asked = Written(LetterKind.INQUIRY, "How was it used?", deadline=by)
    async with voted.transaction():
        await correspondence.draft(voted, ID, asked, by="solicitor")
        await correspondence.discard(voted, ID, 1, by="solicitor")
    await into_the_tree(settings)
    assert await found(settings) == []
    (entry,) = await register.register(voted)
    assert not any(event.what.startswith("letter") for event in entry.events), "nobody else's business"
    async with await psycopg.AsyncConnection.connect(database.superuser_dsn, autocommit=True) as superuser:
        await superuser.execute("DELETE FROM agreements.event WHERE what = 'letter_discarded'")
    (only,) = await found(settings)
    assert f"tells of the step `letter_discarded` of {ID} version 1, which is gone" in only


EDITS = {
    "a ballot is deleted": (
        "DELETE FROM agreements.ballot WHERE stakeholder = 'courts'",
        "tells of the ballot of courts on ice-felony-warrant version 1 (enact yes, round 1)",
    ),
    "a choice is changed": (
        "UPDATE agreements.ballot SET choice = 'no' WHERE stakeholder = 'courts'",
        "the ballot of courts (enact no, round 1",
    ),
    "a hash is changed": (
        "UPDATE agreements.ballot SET hash = repeat('ab', 32) WHERE stakeholder = 'police'",
        "the ballot of police (enact yes, round 1",
    ),
    "a signature is changed": (
        "UPDATE agreements.ballot SET signature = repeat('A', 86) || '==' WHERE stakeholder = 'police'",
        "the ballot of police (enact yes, round 1",
    ),
    "the time of a ballot is changed": (
        "UPDATE agreements.ballot SET at = at - interval '1 minute' WHERE stakeholder = 'police'",
        "the ballot of police (enact yes, round 1",
    ),
    "an outcome is changed": (
        "UPDATE agreements.round SET outcome = 'lost'",
        "enact, round 1 came out `lost`; its ballots give `carried`",
    ),
    "a date is moved": (
        "UPDATE agreements.round SET closes_at = closes_at + interval '1 day'",
        "enact, round 1 was never asked so",
    ),
    "the vote is moved under other rules": (
        (
            "INSERT INTO agreements.version SELECT agreement, 2, text, canonical, hash, 'proposed', begins,"
            " ends, ended_at, reconstructed, proposed_by, proposed_at FROM agreements.version;"
            "UPDATE agreements.round SET rules = 2"
        ),
        "enact, round 1 was never asked so",
    ),
    "a revocation is taken away": (
        "UPDATE agreements.ballot_key SET revoked_at = NULL",
        "was revoked, and somebody took the revocation away",
    ),
    "a key is revoked": (
        "UPDATE agreements.ballot_key SET revoked_at = clock_timestamp() WHERE stakeholder = 'courts'",
        "is revoked in the table, and the log does not say so",
    ),
    "a key is deleted": (
        "DELETE FROM agreements.ballot_key WHERE label = 'lost'",
        "ballot-key-registered of police",
    ),
    "a step is invented": (
        (
            "INSERT INTO agreements.event (agreement, version, what, at, by) SELECT agreement, number,"
            " 'ended', clock_timestamp(), 'owners' FROM agreements.version"
        ),
        "the step `ended`",
    ),
    "a step is deleted": (
        "DELETE FROM agreements.event WHERE what = 'started'",
        "the step `started` of ice-felony-warrant version 1",
    ),
    "a state is changed": (
        "UPDATE agreements.version SET state = 'suspended'",
        "its state is `suspended`, and what happened to it leaves it `in_force`",
    ),
    "a text is exchanged": (
        "UPDATE agreements.version SET hash = repeat('cd', 32)",
        "its text is not the one that was proposed",
    ),
    "the recipient is another": (
        "UPDATE agreements.agreement SET recipient = 'fbi'",
        "ice-felony-warrant version 1 is entered for other parties than its text names",
    ),
    "the term is longer": (
        "UPDATE agreements.version SET ends = ends + interval '1 year'",
        "ice-felony-warrant version 1 is entered for another term than its text has",
    ),
    "the text that people read says something else": (
        "UPDATE agreements.version SET text = replace(text, 'felony-warrant', 'traffic')",
        "ice-felony-warrant version 1 shows a text that is not the one that was voted on",
    ),
    "a notice is invented": (
        (
            "UPDATE agreements.agreement SET notice_at = clock_timestamp(),"
            " notice_ends = clock_timestamp() + interval '1 day'"
        ),
        "ice-felony-warrant stands under another notice of its end than was given",
    ),
    "a certificate is swapped": (
        "UPDATE agreements.certificate SET text = '(assert false)' WHERE property = 'no-juveniles'",
        "version 1 its certificate `no-juveniles` (attempt 1) is not what was made then",
    ),
    "an answer is swapped": (
        "UPDATE agreements.certificate SET answer = 'sat' WHERE property = 'bars-respected'",
        "version 1 its certificate `bars-respected` (attempt 1) is not what was made then",
    ),
    "a certificate is deleted": (
        "DELETE FROM agreements.certificate WHERE property = 'no-juveniles'",
        "version 1 its certificate `no-juveniles` (attempt 1) is not what was made then",
    ),
    "a difference is swapped": (
        "UPDATE agreements.proof SET before = 1, difference = '{}'",
        "version 1 what it is said to change (attempt 1) is not what was made then",
    ),
    "a manifest is swapped": (
        "UPDATE agreements.proof SET manifest = replace(manifest, 'z3', 'z4')",
        "version 1 what is proved about it (attempt 1) was never logged so",
    ),
    "a solver is swapped": (
        "UPDATE agreements.proof SET solver = 'another'",
        "version 1 what was recorded with its proofs (attempt 1) is not what was made then",
    ),
    "an attempt is invented": (
        (
            "INSERT INTO agreements.proof SELECT agreement, version, 2, before, difference, solver,"
            " replace(manifest, '\"attempt\":1', '\"attempt\":2'), made_at FROM agreements.proof"
        ),
        "version 1 what is proved about it (attempt 2) was never logged so",
    ),
    "an attempt is deleted": (
        "WITH gone AS (DELETE FROM agreements.certificate) DELETE FROM agreements.proof",
        "tells of what was proved about ice-felony-warrant version 1, which is gone from the table",
    ),
    "a comment is written into a text": (
        "UPDATE agreements.version SET text = '# Nothing is shared with anybody.' || chr(10) || text",
        "the step `proposed`",
    ),
    "the tree is edited": (
        (
            "UPDATE log.entry SET leaf = convert_to(replace(convert_from(leaf, 'UTF8'), '\"choice\":\"yes\"',"
            " '\"choice\":\"no\"'), 'UTF8')"
        ),
        "the acts log is damaged at entry",
    ),
}


async def test_a_notice_or_a_suspension_that_is_moved(
    voted: Connection, settings: Settings, database: Database
) -> None:
    async with voted.transaction():
        at = await notice.give(voted, ID, by="solicitor", reason="the owners decided: it is over", asked=None)
        await life.suspend(voted, ID, by="police", reason="x")
    assert await found(settings) == []
    async with await psycopg.AsyncConnection.connect(database.superuser_dsn, autocommit=True) as superuser:
        await superuser.execute(
            "UPDATE agreements.agreement SET suspended_by = 'solicitor', notice_ends = %s",
            (at + timedelta(days=1),),
        )
    said = await found(settings)
    assert any("stands under another notice" in one for one in said), said
    assert any("is suspended in the name of another" in one for one in said), said


@pytest.mark.parametrize("edit", EDITS)
async def test_what_a_superuser_edits_is_named(
    voted: Connection, settings: Settings, database: Database, edit: str
) -> None:
    statement, expected = EDITS[edit]
    async with await psycopg.AsyncConnection.connect(database.superuser_dsn, autocommit=True) as superuser:
        await superuser.execute(statement)  # type: ignore[call-overload]
    said = await found(settings)
    assert any(expected in one for one in said), said
