# SPDX-License-Identifier: Apache-2.0
"""`openpars log verify` and `openpars log export`, and the stand-alone verifier on what they leave."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest
from typer.testing import CliRunner

from openpars.cli.log import app
from openpars.log.keys import KeyStore
from openpars.log.note import Signer
from openpars.log.writer import Draft, Writer
from openpars.settings import Settings, load_city, load_door

VERIFIER = Path(__file__).parents[2] / "verify" / "openpars_verify.py"


def _signer(settings: Settings) -> Signer:
    seed = bytes.fromhex(load_door(settings.data_dir).disclosures_key)
    return Signer(f"{load_city(settings.data_dir).origin}/disclosures", seed)


async def _fill(settings: Settings, count: int) -> None:
    keys = KeyStore(settings.keys_file)
    public = {"agreement": "ice-pars", "version": 1, "purpose": "felony-warrant", "way": "search"}
    dsn = load_door(settings.data_dir).door_dsn
    async with Writer(dsn, tree="disclosures", signer=_signer(settings), keys=keys) as log:
        for _ in range(3):
            await asyncio.gather(*(log.append(Draft("answer", public=public)) for _ in range(count // 3)))
    keys.close()


def _run(*arguments: object) -> tuple[int, dict[str, Any]]:
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    return done.exit_code, json.loads(done.stdout) if done.stdout.strip() else {}


@pytest.fixture
def city(settings: Settings) -> Settings:
    asyncio.run(_fill(settings, 300))
    return settings


def test_verify_and_export(city: Settings, database: Any, tmp_path: Path) -> None:
    here = ("--data-dir", city.data_dir, "--json")
    status, found = _run("verify", *here)
    assert (status, found["ok"], found["size"]) == (0, True, 301)
    folder = tmp_path / "mirror"
    assert _run("export", folder, *here)[1]["size"] == 301
    status, found = _run("verify", folder, *here)
    assert (status, found["size"], found["checkpoints"] >= 4) == (0, 301, True)
    command = [
        sys.executable,
        "-I",
        str(VERIFIER),
        str(folder),
        "--json",
        "--key",
        _signer(city).verifier.vkey,
    ]
    assert subprocess.run(command, capture_output=True).returncode == 0
    # A superuser edits a row: the database, and what is published from it, tell which.
    with psycopg.connect(database.superuser_dsn) as conn:
        conn.execute("UPDATE log.entry SET leaf = set_byte(leaf, 70, 65) WHERE index = 123")
    status, found = _run("verify", *here)
    assert (status, found["first_bad"]) == (1, 123)
    assert _run("export", tmp_path / "second", *here)[0] == 0
    status, found = _run("verify", tmp_path / "second", *here)
    assert (status, found["first_bad"], found["first_bad_last"]) == (1, 123, 123)
    command[3] = str(tmp_path / "second")
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, json.loads(done.stdout)["first_bad"]) == (1, 123)
    # The copy that was made before is as good as it was.
    assert _run("verify", folder, *here)[0] == 0


def test_could_not_run(city: Settings, tmp_path: Path) -> None:
    for arguments in (
        ("verify", tmp_path / "nowhere"),
        ("verify", tmp_path),
        ("verify", "http://127.0.0.1:9/"),
        ("verify", tmp_path, "--key", "a+b+c"),
        ("verify", "--database-url", "host=/nowhere"),
    ):
        done = CliRunner().invoke(app, [str(item) for item in (*arguments, "--data-dir", city.data_dir)])
        assert type(done.exception).__name__ == "CannotRunError", arguments
    (tmp_path / "other" / "run").mkdir(parents=True)
    done = CliRunner().invoke(app, ["verify", "--data-dir", str(tmp_path / "other")])
    assert type(done.exception).__name__ == "CannotRunError"
