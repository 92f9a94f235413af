# SPDX-License-Identifier: Apache-2.0
"""Looking back: without the keys nothing, over an edited log nothing, of the expunged nothing."""

from __future__ import annotations

import asyncio
import json
import os
import pwd
import shutil
from pathlib import Path
from typing import Any

import psycopg
import pytest
from typer.testing import CliRunner, Result

from openpars.cli.agreement import app
from openpars.cli.say import CannotRunError
from openpars.desk.replay_part import Reader
from openpars.log.keys import KeyStore
from openpars.record import store
from openpars.record.forms import Act
from openpars.record.store import Entry
from openpars.settings import Settings
from tests import pasts

ENTRIES = 400


@pytest.fixture
def past(settings: Settings) -> pasts.Past:
    return asyncio.run(pasts.make(settings, arrests=60, entries=ENTRIES))


def text(folder: Path, **words: str) -> Path:
    changed = pasts.TEXT
    for old, new in words.values() if words else ():
        assert old in changed
        changed = changed.replace(old, new)
    path = folder / "text.toml"
    path.write_text(changed, encoding="utf-8")
    return path


def run(command: str, *options: object) -> Result:
    return CliRunner().invoke(app, [command, *map(str, options), "--json"])


def replayed(settings: Settings, file: Path, *options: object) -> Result:
    period = ("--from", "2025-01-01", "--to", "2025-03-01")
    return run("replay", file, *period, "--data-dir", settings.data_dir, *options)


def answer(result: Result) -> dict[str, Any]:
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def refused(result: Result) -> str:
    """Why it did not run. Nothing was said otherwise."""
    assert isinstance(result.exception, CannotRunError), (result.exception, result.stdout)
    assert not result.stdout
    return str(result.exception)


def test_a_past_can_be_judged(settings: Settings, past: pasts.Past, tmp_path: Path) -> None:
    total = answer(replayed(settings, text(tmp_path)))["total"]
    assert total["outcomes"]["same"] == total["disclosures"] == ENTRIES
    narrower = text(tmp_path, a=('"F1", "F2"', '"F2"'))
    found = answer(replayed(settings, narrower))
    assert [one["reason"] for one in found["lines"][0]["reasons"]] == ["row-not-granted"]
    people = {f[0][0].arrestee.person for f in past.files if f[0][0].charges[0].grade == "F1"}
    assert found["total"]["people"]["withheld"] == len(people)


def test_without_the_keys_there_is_nothing(settings: Settings, past: pasts.Past, tmp_path: Path) -> None:
    """Somebody has the database and not the secrets, or the secrets and not the person keys."""
    bare = Settings(data_dir=tmp_path / "bare")
    shutil.copytree(settings.data_dir, bare.data_dir)
    bare.keys_file.unlink()
    for rest in bare.keys_file.parent.glob("persons.sqlite*"):
        rest.unlink()
    assert "person keys" in refused(replayed(bare, text(tmp_path)))
    assert not bare.keys_file.exists()  # looking back never makes a key
    (bare.data_dir / "secrets" / "desk.json").unlink()
    for command in (
        replayed(bare, text(tmp_path)),
        replayed(bare, text(tmp_path), "--assume"),
        run("seen", pasts.AGREEMENT, "--on", "2025-01-10", "--data-dir", bare.data_dir),
    ):
        assert "desk.json" in refused(command)


def test_with_the_keys_of_another_city_nothing_opens(
    settings: Settings, past: pasts.Past, tmp_path: Path
) -> None:
    other = Settings(data_dir=tmp_path / "other")
    shutil.copytree(settings.data_dir, other.data_dir)
    for rest in other.keys_file.parent.glob("persons.sqlite*"):
        rest.unlink()
    store_ = KeyStore(other.keys_file)
    store_.persons("disclosures", ["ab" * 16])
    store_.period("disclosures", "2025-01")
    store_.close()
    found = answer(replayed(other, text(tmp_path)))
    assert found["entries_closed"] == ENTRIES
    assert found["total"]["disclosures"] == 0


@pytest.mark.parametrize(
    ("edit", "entry"),
    [
        ("UPDATE log.entry SET leaf = set_byte(leaf, 300, 65) WHERE index = 123", 123),
        ("UPDATE log.entry SET leaf = set_byte(leaf, 0, 65) WHERE index = 123", 123),
        ("UPDATE log.entry SET leaf = '[1]' WHERE index = 123", 123),
        (
            "UPDATE log.entry SET sealed = set_byte(sealed, 60, get_byte(sealed, 60) # 1) WHERE index = 321",
            321,
        ),
        ("DELETE FROM log.entry WHERE index = 77", 77),
    ],
)
def test_an_edited_log_is_not_judged(
    settings: Settings, past: pasts.Past, database: Any, tmp_path: Path, edit: str, entry: int
) -> None:
    with psycopg.connect(database.superuser_dsn) as conn:
        conn.execute(edit)
    assert f"entry {entry}" in refused(replayed(settings, text(tmp_path)))


def test_an_entry_moved_to_another_day_is_named(
    settings: Settings, past: pasts.Past, database: Any, tmp_path: Path
) -> None:
    """The row's own time stands in no hash: moved, it would take a disclosure out of a period."""
    with psycopg.connect(database.superuser_dsn) as conn:
        conn.execute("UPDATE log.entry SET at = at + interval '3 minutes' WHERE index = 200")
    assert "entry 200" in refused(replayed(settings, text(tmp_path)))


async def _expunge(settings: Settings, arrest: str) -> str:
    """Empty one file as the records officer does, and destroy its person's key."""
    secrets = pasts.load_desk(settings.data_dir)
    async with await psycopg.AsyncConnection.connect(secrets.desk_dsn) as conn, conn.transaction():
        file = await store.lock(conn, arrest)
        await store.empty(conn, file, Entry(Act.EXPUNGE, "records", None, pasts.START, None))
    keys = KeyStore(settings.keys_file)
    keys.destroy([file.arrestee.person])
    keys.close()
    return file.arrestee.person


def test_the_expunged_are_not_guessed_at(settings: Settings, past: pasts.Past, tmp_path: Path) -> None:
    gone = next(f for f in past.files if (f[0][0].charges[0].grade or "")[0] == "F")[0][0]
    narrower = text(tmp_path, a=('"F1", "F2"', '"F2"'))
    before = answer(replayed(settings, narrower))["total"]
    asyncio.run(_expunge(settings, gone.id))
    after = answer(replayed(settings, narrower))["total"]
    closed = after["outcomes"]["cannot-be-opened"]
    assert closed > 0
    assert after["disclosures"] == before["disclosures"]
    assert after["people"]["shown"] < before["people"]["shown"]
    # What is sure without opening it is said; whom it was about is not.
    whole = answer(replayed(settings, text(tmp_path, a=('["felony-warrant"]', '["something-else"]'))))[
        "total"
    ]
    assert whole["outcomes"]["refused"] == ENTRIES
    assert whole["people"]["withheld"] == after["people"]["shown"]


def test_the_expunged_do_not_come_back_by_what_if_or_by_the_day(
    settings: Settings, past: pasts.Past, database: Any, tmp_path: Path
) -> None:
    """The same bytes whether a file was expunged or never there."""

    def looked() -> list[str]:
        day = ("--on", "2025-01-06", "--data-dir", settings.data_dir)
        period = ("--from", "2025-01-01", "--to", "2025-01-31", "--data-dir", settings.data_dir)
        wider = text(tmp_path, a=('birth_date = "year"', 'birth_date = "whole", birth_country = "whole"'))
        return [
            run("seen", pasts.AGREEMENT, *day).stdout,
            run("replay", wider, "--assume", *period).stdout,
        ]

    whole = looked()
    gone = next(f for f in past.files if (f[0][0].charges[0].grade or "")[0] == "F")[0][0]
    asyncio.run(_expunge(settings, gone.id))
    expunged = looked()
    with psycopg.connect(database.superuser_dsn) as conn:
        for table in ("version", "participants"):
            conn.execute(f"DELETE FROM record.{table} WHERE arrest = %s", (gone.id,))
        conn.execute("DELETE FROM record.arrest WHERE id = %s", (gone.id,))
    assert looked() == expunged
    assert all(a != b for a, b in zip(whole, expunged, strict=True))
    for said in (*whole, *expunged):
        assert "Past" not in said
        assert gone.arrestee.person not in said
        assert gone.id not in said


def test_parts_in_processes_of_their_own_say_the_same(
    settings: Settings, past: pasts.Past, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = text(tmp_path, a=('"F1", "F2"', '"F2"'), b=("10000", "2"))
    together = replayed(settings, file).stdout
    monkeypatch.setattr("openpars.desk.replay.APART", 1)
    monkeypatch.setattr("openpars.desk.replay.LEAST", 20)
    assert replayed(settings, file).stdout == together
    assert "limit-of-searches" in together


def test_a_log_that_changed_while_it_was_read_is_not_judged(
    settings: Settings, past: pasts.Past, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever answers the readers otherwise than the check is found, whatever was answered."""
    honest = Reader.read

    async def other(self: Reader, first: int, end: int) -> Any:
        part = await honest(self, first, end)
        return type(part)(first, end, bytes(32), part.tally)

    monkeypatch.setattr(Reader, "read", other)
    assert "changed while" in refused(replayed(settings, text(tmp_path)))


def looks(settings: Settings, folder: Path) -> list[tuple[str, Result]]:
    """Each command that looks back, with the word under which it is noted."""
    file, period = text(folder), ("--from", "2025-01-01", "--to", "2025-01-31")
    place = ("--data-dir", settings.data_dir)
    return [
        ("replay", run("replay", file, *period, *place)),
        ("what-if", run("replay", file, "--assume", *period, *place)),
        ("seen", run("seen", pasts.AGREEMENT, "--on", "2025-01-06", *place)),
    ]


def test_who_looks_back_by_command_is_noted_once_a_run(
    settings: Settings, past: pasts.Past, database: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOGNAME", "somebody-else")
    monkeypatch.setenv("USER", "somebody-else")
    with psycopg.connect(database.superuser_dsn) as conn:
        conn.execute("DELETE FROM log.pending")
    for _, result in looks(settings, tmp_path):
        answer(result)
    with psycopg.connect(database.superuser_dsn) as conn:
        notes = conn.execute("SELECT kind, public, private, subjects FROM log.pending ORDER BY id").fetchall()
    assert [(kind, json.loads(public)["act"], who) for kind, public, _, who in notes] == [
        ("lookup", "replay", []),
        ("lookup", "what-if", []),
        ("lookup", "seen", []),
    ]
    for _, _, private, _ in notes:
        said = json.loads(private)
        assert said["agent"] == {
            "role": "command-line",
            "key": None,
            "user": pwd.getpwuid(os.getuid()).pw_name,
        }
        assert said["query"]["agreement"] == pasts.AGREEMENT


def test_a_look_back_that_cannot_be_noted_is_not_answered(
    settings: Settings, past: pasts.Past, database: Any, tmp_path: Path
) -> None:
    with psycopg.connect(database.superuser_dsn) as conn:
        conn.execute("REVOKE INSERT ON log.pending FROM openpars_desk")
    for _, result in looks(settings, tmp_path):
        assert "not noted" in refused(result)
