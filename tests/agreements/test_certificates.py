# SPDX-License-Identifier: Apache-2.0
"""Certificates are what was solved: another solver gives the same answers to the same text."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import cvc5
import psycopg
import pytest
import pytest_asyncio

from openpars.agreements import certified, register
from openpars.agreements.model import Version
from openpars.agreements.proofs import certificate as certificates_of
from openpars.agreements.proofs import solve
from openpars.agreements.proofs.certificate import Certificate, certificates, unanswered
from openpars.agreements.proofs.proving import version_to_prove
from openpars.agreements.proofs.solve import NoSolver
from openpars.db.connect import Connection
from tests.agreements.test_proofs import EXAMPLES, PROVED, WARRANT, example
from tests.conftest import Database


@pytest_asyncio.fixture
async def conn(database: Database) -> AsyncIterator[Connection]:
    """The desk's login, autocommitting."""
    async with await psycopg.AsyncConnection.connect(database.desk_dsn, autocommit=True) as connection:
        yield connection


async def propose(conn: Connection) -> register.Proposed:
    async with conn.transaction():
        text = TEXT.replace("2027-08-31", "2199-08-31")
        return await register.propose(conn, text, "solicitor", demo=True)


TEXT = (EXAMPLES / "ice-felony-warrant.toml").read_text()


def asked_again(text: str) -> str:
    """What cvc5 answers to a certificate."""
    solver = cvc5.Solver()
    parser = cvc5.InputParser(solver)
    parser.setStringInput(cvc5.InputLanguage.SMT_LIB_2_6, text, "certificate")
    symbols, said = parser.getSymbolManager(), ""
    while not (command := parser.nextCommand()).isNull():
        said += command.invoke(solver, symbols)
    return said.strip()


@pytest.mark.parametrize("name", PROVED)
def test_another_solver_gives_the_same_answers(name: str) -> None:
    made = certificates(example(name))
    assert {one.name for one in made if one.answer == "unsat"} == PROVED[name]
    assert [asked_again(one.text) for one in made] == [one.answer for one in made]


def test_another_solver_refutes_what_is_changed() -> None:
    """The certificate has teeth: without the bar that is in it, it says otherwise."""
    (juveniles,) = [one for one in certificates(WARRANT) if one.name == "no-juveniles"]
    assert juveniles.answer == "unsat"
    assert asked_again(juveniles.text.replace("() Bool person.child)", "() Bool false)")) == "sat"


def test_a_certificate_says_what_it_is_about() -> None:
    for one in certificates(WARRANT):
        assert WARRANT.hash in one.text
        assert one.bars in one.text
        assert certificates_of.catalogue_hash() in one.text


def test_without_a_solver_there_is_a_certificate_and_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise NoSolver

    asked = certificates(WARRANT)
    monkeypatch.setattr(solve, "_z3", missing)
    made = certificates(WARRANT)
    assert [one.answer for one in made] == [None] * 6
    assert [one.text for one in made] == [one.text for one in asked]
    assert made == unanswered(version_to_prove(WARRANT.agreement))


async def test_certificates_are_kept_with_a_proposed_version(conn: Connection) -> None:
    made = await propose(conn)
    kept = await certified.of_agreement(conn, made.id)
    assert {(one.version, one.answer) for one in kept} == {(1, "unsat")}
    text = await certified.text_of(conn, made.id, 1, "no-juveniles")
    assert text is not None
    assert made.hash in text
    assert await certified.text_of(conn, made.id, 1, "no-such") is None


async def test_a_solver_that_does_not_answer_keeps_no_text_out(
    conn: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(certified, "PATIENCE", 0.0)
    made = await propose(conn)
    kept = await certified.of_agreement(conn, made.id)
    assert [one.answer for one in kept] == [None] * 6
    assert made.state == "proposed"


async def test_who_proposes_locks_nobody_out_while_a_solver_is_asked(
    conn: Connection, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a suspension waits for whoever proposes a text that is hard to prove."""
    await propose(conn)
    asked, answer = threading.Event(), threading.Event()

    def slow(version: Version) -> tuple[Certificate, ...]:
        asked.set()
        answer.wait(30)
        return unanswered(version)

    monkeypatch.setattr(certified, "certificates", slow)
    text = TEXT.replace("2027-08-31", "2199-08-31").replace(
        "searches_per_user_per_day = 50", "searches_per_user_per_day = 51"
    )
    async with await psycopg.AsyncConnection.connect(database.desk_dsn) as other:
        proposing = asyncio.create_task(register.propose(other, text, "solicitor", demo=True))
        assert await asyncio.to_thread(asked.wait, 30)
        async with conn.transaction():
            row = await conn.execute("SELECT epoch FROM agreements.agreement FOR UPDATE NOWAIT")
            assert await row.fetchone() == (1,)
            await conn.execute("SELECT nothing FROM agreements.bar_gate FOR UPDATE NOWAIT")
        answer.set()
        assert (await proposing).version == 2


async def test_nobody_changes_a_certificate(conn: Connection) -> None:
    await propose(conn)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        await conn.execute("UPDATE agreements.certificate SET answer = 'sat'")


def test_the_command_writes_what_another_solver_reads(tmp_path: Path) -> None:
    text = EXAMPLES / "ice-pars-2008.toml"
    ran = subprocess.run(
        [
            sys.executable,
            "-m",
            "openpars.cli",
            "agreement",
            "prove",
            str(text),
            "--certificate",
            str(tmp_path),
        ],
        capture_output=True,
        check=False,
    )
    assert ran.returncode == 1
    (folder,) = tmp_path.iterdir()
    assert asked_again((folder / "no-victims-or-witnesses.smt2").read_text()) == "sat"
    assert asked_again((folder / "no-juveniles.smt2").read_text()) == "unsat"
    assert '"answer": "sat"' in (folder / "manifest.json").read_text()
