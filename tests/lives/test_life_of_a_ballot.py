# SPDX-License-Identifier: Apache-2.0
"""The life of a ballot, by the command line, in a running city: a key, its register, a vote, its check."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from openpars.cli import app
from openpars.cli.key_file import read
from openpars.cli.say import CannotRunError
from tests.conftest import RunningCity
from tests.driver import Driver, agreement_text, unique


def run(*words: object, status: int = 0) -> Any:
    """A command's JSON; its exit status must be `status`."""
    ran = CliRunner().invoke(app, [str(word) for word in words])
    assert ran.exit_code == status, (words, ran.output, ran.exception)
    return json.loads(ran.stdout)


def key_of(drive: Driver, city: RunningCity, folder: Path, role: str, *more: object) -> Path:
    """A fresh key of a role, registered."""
    file = folder / f"{unique()}.key"
    run("ballot-key", "new", file, "--label", f"{role} delegate", "--json")
    run(
        "ballot-key", "register", file, "--as", role, "--key", drive.key(role), "--data-dir", city.data_dir,
        *more, "--json",
    )  # fmt: skip
    return file


@pytest.fixture
def text(tmp_path: Path) -> Path:
    file = tmp_path / "agreement.toml"
    file.write_text(agreement_text(unique("b"), purpose=unique("p")))
    return file


def test_the_life_of_a_ballot(drive: Driver, city: RunningCity, tmp_path: Path, text: Path) -> None:
    here = ("--data-dir", city.data_dir, "--json")
    made = run("agreement", "propose", text, *here)
    agreement = made["id"]
    police = key_of(drive, city, tmp_path, "police")
    assert stat.S_IMODE(police.stat().st_mode) == 0o600

    def vote(role: str, key: Path, choice: str, *more: object, status: int = 0) -> Any:
        return run(
            "agreement", "ballot", agreement, "enact", choice, "--version", 1, "--as", role,
            "--sign-with", key, "--yes", *more, *here, status=status,
        )  # fmt: skip

    first = vote("police", police, "yes", "--text", text)
    assert (first["signed"], first["round"], first["counts"]["yes"]) == (True, 1, 1)
    # Another text in the voter's hands: nothing is signed.
    other = tmp_path / "other.toml"
    other.write_text(text.read_text(encoding="utf-8").replace('ssn = "last4", ', ""))
    assert "error" in vote("police", police, "no", "--text", other, status=1)
    assert "not the one you were told" in vote("police", police, "no", "--hash", "ab" * 32, status=1)["error"]
    # The police's key at the courts' desk.
    wrong = vote("courts", police, "yes", status=1)
    assert (wrong["status"], wrong["field"]) == (422, "key")
    # The owners of the second key: the first vouches for it.
    refused = tmp_path / "deputy.key"
    run("ballot-key", "new", refused, "--label", "a deputy", "--json")
    again = run("ballot-key", "register", refused, "--as", "police", *here, status=1)
    assert again["field"] == "endorsed_by"
    deputy = run("ballot-key", "register", refused, "--as", "police", "--endorse-with", police, *here)
    replaced = vote("police", refused, "abstain")
    assert (replaced["replaced"], replaced["counts"]["abstain"]) == (True, 1)
    gone = run("ballot-key", "revoke", deputy["id"], "--reason", "left the office", "--as", "police", *here)
    assert gone["revoked_at"]
    assert vote("police", refused, "yes", status=1)["field"] == "key"
    listed = {one["id"]: one for one in run("ballot-key", "list", *here)["keys"]}
    assert listed[deputy["id"]]["good"]
    assert listed[deputy["id"]]["revoked_why"] == "left the office"
    # The public register has what anybody needs to check the vote.
    (version,) = drive.done(None, "GET", f"/agreements/{agreement}")["versions"]
    assert "question: enact\nround: 1\nstakeholder: police\n" in version["ballots"][0]["statement"]
    assert [one["signed"] for one in version["ballots"]] == [True, True]
    assert version["rounds"][0]["outcome"] == "pending"
    report = run("agreement", "verify", "--data-dir", city.data_dir, "--json")
    assert report["findings"] == []
    for one in run("ballot-key", "list", *here)["keys"]:
        if one["revoked_at"] is None:
            run("ballot-key", "revoke", one["id"], "--reason", "end", "--as", one["stakeholder"], *here)


def test_a_question_is_asked_again(drive: Driver, city: RunningCity, text: Path) -> None:
    here = ("--data-dir", city.data_dir, "--json")
    made = run("agreement", "propose", text, *here)
    for role in ("police", "courts"):
        run("agreement", "ballot", made["id"], "enact", "no", "--version", 1, "--as", role, *here)
    assert run("agreement", "ask", made["id"], "enact", "--version", 1, *here)["round"] == 2
    assert run("agreement", "ask", made["id"], "enact", "--version", 1, *here, status=1)["status"] == 409
    assert drive.call("police", "POST", f"/agreements/{made['id']}/rounds", {
        "version": 1, "question": "enact"
    }).status_code == 403  # fmt: skip


def test_a_key_file_and_its_passphrase(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "mine.key"
    monkeypatch.setenv("OPENPARS_KEY_PASSPHRASE", "correct horse")
    made = run("ballot-key", "new", file, "--label", "me", "--passphrase", "--json")
    assert run("ballot-key", "show", file, "--json")["public_key"] == made["public_key"]
    for wrong in (None, "battery staple"):
        with pytest.raises(CannotRunError):
            read(file, wrong)
    before = file.read_bytes()
    again = CliRunner().invoke(app, ["ballot-key", "new", str(file), "--label", "me"])
    assert isinstance(again.exception, CannotRunError)
    assert file.read_bytes() == before
    file.chmod(0o640)
    with pytest.raises(CannotRunError, match="Others may read"):
        read(file, "correct horse")


def test_a_key_file_that_tells_of_another_key(tmp_path: Path) -> None:
    mine, other = tmp_path / "mine.key", tmp_path / "other.key"
    for file in (mine, other):
        run("ballot-key", "new", file, "--label", "me", "--json")
    head = mine.read_text(encoding="utf-8").partition("-----BEGIN")[0]
    forged = head + "-----BEGIN" + other.read_text(encoding="utf-8").partition("-----BEGIN")[2]
    mine.write_text(forged)
    with pytest.raises(CannotRunError, match="another key"):
        read(mine, None)
