# SPDX-License-Identifier: Apache-2.0
"""The command line as a whole, `doctor`, and the keys of `make`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from openpars.cli import COMMANDS, HIDDEN, PANELS, agreement, app, doctor
from openpars.cli.agreement import Agreements
from openpars.cli.doctor import Verdict
from openpars.settings import Settings

ROOT = Path(__file__).parents[2]
runner = CliRunner()


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_explains_itself(command: str) -> None:
    found = runner.invoke(app, [command, "--help"])
    assert found.exit_code == 0, found.output
    assert "Usage:" in found.output


def test_what_is_not_for_hands_is_not_listed() -> None:
    found = runner.invoke(app, ["--help"])
    assert found.exit_code == 0
    for command in COMMANDS:
        assert (f" {command} " in found.output) is (command not in HIDDEN), command


def test_every_command_stands_under_a_heading() -> None:
    for panels, command in ((PANELS, app), (Agreements.panels, agreement.app)):
        named = {name for names in panels.values() for name in names}
        assert named == set(typer.main.get_command(command).list_commands(None)) - HIDDEN
    listed = runner.invoke(app, ["agreement", "--help"]).stdout
    assert (
        listed.index("Texts, without a city")
        < listed.index("odrl")
        < listed.index("The life of an agreement")
    )


def test_a_broken_text_is_told_in_words_and_counted(tmp_path: Path) -> None:
    text = tmp_path / "text.toml"
    text.write_text("[agreement]\nsecret words\n", encoding="utf-8")
    found = runner.invoke(app, ["agreement", "check", str(text)])
    assert found.exit_code == 1
    assert "text.toml:2: error: this is not TOML: expected '=' after a key" in found.stdout
    assert "text.toml: may not be proposed: 1 error\n" in found.stdout
    text.write_text("[agreement]\nid = 'a'\n[agreement]\n", encoding="utf-8")
    assert "may not be proposed" in runner.invoke(app, ["agreement", "check", str(text)]).stdout
    shipped = runner.invoke(app, ["agreement", "check", "examples/agreements/ice-felony-warrant.toml"])
    assert "may be proposed: 4 warnings" in shipped.stdout


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
def test_what_is_printed_is_the_same_bytes_whatever_the_locale(encoding: str) -> None:
    """A section sign ended the command where the locale had none, and was no JSON where it had another."""
    text = str(ROOT / "examples" / "agreements" / "ice-pars-2008.toml")
    for more in ([], ["--json"]):
        said = [
            subprocess.run(
                [sys.executable, "-m", "openpars.cli", "agreement", "text", *more, text],
                env={**os.environ, "PYTHONIOENCODING": one, "PYTHONUTF8": "0"},
                capture_output=True,
                check=True,
            ).stdout
            for one in (encoding, "utf-8")
        ]
        assert said[0] == said[1]
    text = runner.invoke(app, ["agreement", "text", text]).stdout
    assert "§" in text, "or this test tells nothing"


def test_an_unknown_command_is_status_2() -> None:
    assert runner.invoke(app, ["arrest"]).exit_code == 2


def test_a_process_of_a_city_loads_no_other_command() -> None:
    script = (
        "import sys, openpars.cli\n"
        "try: openpars.cli.app(['serve', '--help'])\n"
        "except SystemExit: pass\n"
        "loaded = [m for m in sys.modules if m.startswith(('openpars.cli.', 'openpars.web'))]\n"
        "print(loaded, file=sys.stderr)\n"
    )
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert found.stderr.strip().splitlines()[-1] == "['openpars.cli.say', 'openpars.cli.serve']"


def test_serve_by_hand_is_a_sentence(tmp_path: Path) -> None:
    found = subprocess.run(
        [sys.executable, "-m", "openpars.cli", "serve", "worker", "--data-dir", tmp_path],
        capture_output=True,
        text=True,
    )
    assert found.returncode == 2
    assert "start the city once with `openpars up`" in found.stderr


def test_doctor_without_a_city(tmp_path: Path) -> None:
    found = runner.invoke(app, ["doctor", "--data-dir", str(tmp_path), "--json"])
    checks = {check["name"]: check for check in json.loads(found.stdout)["checks"]}
    assert set(checks) == {
        "Python", "embedded server", "server version", "port", "secrets", "disk", "SMT solver"
    }  # fmt: skip
    assert found.exit_code == int(any(check["verdict"] == "wrong" for check in checks.values()))
    assert list(tmp_path.iterdir()) == [], "the doctor changed something"


def test_doctor_on_an_old_python() -> None:
    assert doctor.python((3, 10)).verdict is Verdict.WRONG
    assert doctor.python((3, 11)).verdict is Verdict.RIGHT


def test_doctor_sees_a_secret_that_others_may_read(settings: Settings) -> None:
    assert doctor.private_files(settings.data_dir).verdict is Verdict.RIGHT
    (settings.data_dir / "secrets").chmod(0o755)
    (settings.data_dir / "secrets" / "door.json").chmod(0o644)
    found = doctor.private_files(settings.data_dir)
    assert found.verdict is Verdict.WRONG
    assert found.advice is not None
    assert "chmod 600" in found.advice


def test_doctor_sees_the_running_server(settings: Settings) -> None:
    assert "PostgreSQL" in doctor.server(settings).found


def test_make_lists_what_it_does() -> None:
    found = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True)
    for target in ("help", "setup", "run", "demo", "test", "check", "bench", "clean"):
        assert f"make {target} " in found.stdout


def test_make_on_an_old_python_is_a_sentence(tmp_path: Path) -> None:
    old = tmp_path / "python-old"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    for name in ("Makefile", "pyproject.toml", "uv.lock"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    found = subprocess.run(["make", "setup", f"PYTHON={old}"], cwd=tmp_path, capture_output=True, text=True)
    assert found.returncode != 0
    assert "needs Python 3.11 or newer" in found.stderr
    missing = subprocess.run(
        ["make", "setup", "PYTHON=no-such-python"], cwd=tmp_path, capture_output=True, text=True
    )
    assert "There is no no-such-python" in missing.stderr


def test_the_makefile_is_short() -> None:
    assert len((ROOT / "Makefile").read_text(encoding="utf-8").splitlines()) <= 60
