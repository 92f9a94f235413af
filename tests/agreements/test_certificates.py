# SPDX-License-Identifier: Apache-2.0
"""Certificates are what was solved: another solver gives the same answers to the same text."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import cvc5
import psycopg
import pytest
import pytest_asyncio
from typer.testing import CliRunner

from openpars.agreements import certified, register
from openpars.agreements.model import Version
from openpars.agreements.proofs import certificate as certificates_of
from openpars.agreements.proofs import solve
from openpars.agreements.proofs.certificate import Certificate, certificates, unanswered
from openpars.agreements.proofs.proving import version_to_prove
from openpars.agreements.proofs.solve import NoSolver
from openpars.cli import app
from openpars.cli.say import CannotRunError
from openpars.db.connect import Connection, pool
from openpars.settings import Settings
from openpars.web.pages.agreement_views import plain_changes
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


TEXT = (EXAMPLES / "ice-felony-warrant.toml").read_text(encoding="utf-8")


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


async def tried(conn: Connection, database: Database, seconds: float = 60.0) -> list[certified.Wanted]:
    """What the worker does once: every version that wants an attempt gets one."""
    wanted = await certified.wanted(conn, again=False)
    async with pool(database.desk_dsn, max_size=2) as desk:
        for one in wanted:
            assert await certified.prove(desk, one, seconds)
    return list(wanted)


async def test_a_proposed_version_is_proved_once(conn: Connection, database: Database) -> None:
    made = await propose(conn)
    assert await certified.of_agreement(conn, made.id) == ()
    (one,) = await tried(conn, database)
    assert (one.agreement, one.version, one.attempts) == (made.id, 1, 0)
    kept = await certified.of_agreement(conn, made.id)
    assert {(c.version, c.answer) for c in kept} == {(1, "unsat")}
    assert len(kept) == 6
    text = await certified.text_of(conn, made.id, 1, "no-juveniles")
    assert text is not None
    assert made.hash in text
    assert await certified.text_of(conn, made.id, 1, "no-such") is None
    assert await tried(conn, database) == []


async def test_what_changed_is_kept_with_its_witnesses(conn: Connection, database: Database) -> None:
    made = await propose(conn)
    async with conn.transaction():
        wider = TEXT.replace("2027-08-31", "2199-08-31").replace(
            'birth_date = "year"', 'birth_date = "month"'
        )
        await register.propose(conn, wider, "solicitor", demo=True)
    await tried(conn, database)
    first, second = [await certified.last(conn, made.id, number) for number in (1, 2)]
    assert first is not None
    assert second is not None
    assert (first.before, first.told, second.before) == (None, None, 1)
    assert second.told is not None
    added = {item["change"]: item for item in second.told["added"]}
    assert set(added) == {"visible", "findable"}
    assert added["visible"]["says"].startswith("date of birth")
    assert "invented file" in added["visible"]["witness"]["text"]
    assert second.told["removed"] == []
    shown = {lang: plain_changes(second, 1, lang) for lang in ("en", "es", "fr")}
    assert [one and (one.standing, one.lang) for one in shown.values()] == [
        ("made", "en"),
        ("made", "es"),
        ("made", "en"),
    ]
    groups = {lang: one and [(g.kind, len(g.items)) for g in one.added] for lang, one in shown.items()}
    assert groups["en"] == groups["es"]
    assert "expediente inventado: abierto" in json.dumps(second.told["spoken"])


async def test_who_proves_locks_nobody_out_while_a_solver_is_asked(
    conn: Connection, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a suspension waits for a text that is hard to prove."""
    made = await propose(conn)
    began, answer = threading.Event(), threading.Event()

    def slow(version: Version) -> tuple[Certificate, ...]:
        began.set()
        answer.wait(30)
        return unanswered(version)

    monkeypatch.setattr(certified, "certificates", slow)
    proving = asyncio.create_task(tried(conn, database))
    assert await asyncio.to_thread(began.wait, 30)
    async with await psycopg.AsyncConnection.connect(database.desk_dsn) as other:
        row = await other.execute("SELECT epoch FROM agreements.agreement FOR UPDATE NOWAIT")
        assert await row.fetchone() == (1,)
        await other.execute("SELECT nothing FROM agreements.bar_gate FOR UPDATE NOWAIT")
    answer.set()
    await proving
    assert len(await certified.of_agreement(conn, made.id)) == 6


async def test_without_a_solver_an_attempt_waits_for_one(
    conn: Connection, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing() -> None:
        raise NoSolver

    made = await propose(conn)
    with monkeypatch.context() as without:
        without.setattr(solve, "_z3", missing)
        await tried(conn, database)
        assert await tried(conn, database) == [], "without a solver nothing is tried again"
    assert [one.answer for one in await certified.of_agreement(conn, made.id)] == [None] * 6
    (again,) = await tried(conn, database)
    assert again.attempts == 1
    assert {one.answer for one in await certified.of_agreement(conn, made.id)} == {"unsat"}
    everything = await certified.attempts(conn)
    assert [(one.attempt, one.solver is None) for one in everything] == [(1, True), (2, False)]
    assert [certified.swapped(one) for one in everything] == [(), ()]


async def test_what_takes_too_long_is_tried_again_only_when_asked(
    conn: Connection, database: Database
) -> None:
    made = await propose(conn)
    await tried(conn, database, seconds=0.0)
    assert [one.answer for one in await certified.of_agreement(conn, made.id)] == [None] * 6
    assert await certified.wanted(conn, again=False) == ()
    (one,) = await certified.wanted(conn, again=True)
    async with pool(database.desk_dsn, max_size=2) as desk:
        assert await certified.prove(desk, one, 60.0)
        assert not await certified.prove(desk, one, 60.0), "two that try at once make one attempt"
    assert {c.answer for c in await certified.of_agreement(conn, made.id)} == {"unsat"}
    assert await certified.wanted(conn, again=True) == ()


def run(*words: object) -> tuple[int, dict[str, Any]]:
    ran = CliRunner().invoke(app, ["agreement", "prove", *map(str, words), "--json"])
    return (2, {}) if isinstance(ran.exception, CannotRunError) else (ran.exit_code, json.loads(ran.stdout))


async def test_the_command_answers_what_was_left_open(
    conn: Connection, database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await propose(conn)
    await tried(conn, database, seconds=0.0)
    here = ("--stored", "--data-dir", settings.data_dir)
    status, said = await asyncio.to_thread(run, *here)
    row = {"agreement": made.id, "version": 1, "answered": True}
    assert (status, said) == (0, {"ok": True, "tried": [row]})
    assert {one.answer for one in await certified.of_agreement(conn, made.id)} == {"unsat"}
    assert await asyncio.to_thread(run, *here) == (0, {"ok": True, "tried": []})
    assert run(*here, EXAMPLES / "ice-pars-2008.toml")[0] == 2
    assert run()[0] == 2

    def missing() -> None:
        raise NoSolver

    monkeypatch.setattr(solve, "_z3", missing)
    assert run(*here)[0] == 2


@pytest.mark.parametrize("table", ["certificate", "proof"])
async def test_nobody_changes_what_was_proved(conn: Connection, database: Database, table: str) -> None:
    await propose(conn)
    await tried(conn, database)
    for statement in ("UPDATE agreements.{} SET solver = 'x'", "DELETE FROM agreements.{}"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await conn.execute(statement.format(table))  # type: ignore[arg-type]


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
    assert asked_again((folder / "no-victims-or-witnesses.smt2").read_text(encoding="utf-8")) == "sat"
    assert asked_again((folder / "no-juveniles.smt2").read_text(encoding="utf-8")) == "unsat"
    assert '"answer": "sat"' in (folder / "manifest.json").read_text(encoding="utf-8")
