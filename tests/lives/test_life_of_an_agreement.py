# SPDX-License-Identifier: Apache-2.0
"""The life of an agreement by the command line: what stops, notice, a letter, its answer, the whole file."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pypdf
from typer.testing import CliRunner

from openpars.cli import agreement as agreements
from openpars.cli import letter as letters
from tests.conftest import RunningCity
from tests.driver import Driver


def later(days: int) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).date().isoformat()


def run(app: Any, city: RunningCity, *words: str, status: int = 0) -> Any:
    """The JSON of one command, and nothing else on stdout."""
    found = CliRunner().invoke(app, [*words, "--data-dir", str(city.data_dir), "--json"])
    assert found.exit_code == status, found.output
    return json.loads(found.stdout)


def said(app: Any, city: RunningCity, *words: str, status: int = 0) -> str:
    found = CliRunner().invoke(app, [*words, "--data-dir", str(city.data_dir)])
    assert found.exit_code == status, found.output
    return found.output


def test_the_end_of_an_agreement(drive: Driver, city: RunningCity, tmp_path: Path) -> None:
    agreement, purpose = drive.agree(seconds=200 * 86_400)
    asked = {"purpose": purpose, "case_number": "CASE-7", "criteria": {"charge_grade": ["F1"]}}
    drive.done("fbi", "POST", "/v1/subscriptions", asked)
    # (1) what would stop, before anybody decides
    stops = run(agreements.app, city, "impact", agreement)
    assert (stops["case_numbers"], stops["subscriptions"]["criteria"]) == (["CASE-7"], 1)
    assert "CASE-7" in said(agreements.app, city, "impact", agreement)
    assert "case_numbers" not in run(agreements.app, city, "impact", agreement, "--as", "auditor")
    run(agreements.app, city, "impact", agreement, "--version", "9", status=1)
    # (2) an inquiry, served, without an answer so far
    drafted = run(
        letters.app, city, "draft", agreement, "inquiry", "--text", "Which keys?", "--clause", "limits",
        "--deadline", later(20),
    )  # fmt: skip
    assert (drafted["number"], drafted["standing"]) == (1, "drafted")
    run(letters.app, city, "serve", agreement, "1", "--how", "hand", "--proof", "signed for")
    assert run(letters.app, city, "list", agreement, "--overdue")["letters"] == []
    assert "No letter is overdue." in said(letters.app, city, "list", agreement, "--overdue")
    # (3) notice: no sooner than the text's days, then it stands
    refused = run(
        agreements.app, city, "notice", agreement, "--reason", "x", "--effective", later(3), status=1
    )
    assert refused["field"] == "effective"
    given = run(agreements.app, city, "notice", agreement, "--reason", "the owners", "--effective", later(60))
    assert given["state"] == "notice_given"
    run(letters.app, city, "draft", agreement, "notice")
    # (4) the answer came; the whole of it is one document
    run(letters.app, city, "reply", agreement, "1", "--who", "Director", "--summary", "By name only.")
    out = tmp_path / "all.pdf"
    assert run(letters.app, city, "pdf", agreement, "--out", str(out))["bytes"] == out.stat().st_size
    text = " ".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(out.read_bytes())).pages)
    for wanted in ("Which keys?", "By name only.", "signed for", "Notice of the end"):
        assert wanted in text
    said(letters.app, city, "pdf", agreement, "1", "--out", str(out))
    run(letters.app, city, "publish", agreement, "1")
    run(letters.app, city, "discard", agreement, "2")
    assert [one["standing"] for one in run(letters.app, city, "list", agreement)["letters"]] == [
        "replied",
        "discarded",
    ]
    run(agreements.app, city, "withdraw-notice", agreement, "--reason", "they wrote back")
    # (5) the register tells all of it, and nothing of what the letters say
    (version,) = drive.done("solicitor", "GET", f"/agreements/{agreement}")["versions"]
    what = [event["what"] for event in version["events"] if event["what"] != "warning"]
    assert what[-5:] == ["letter_served", "notice", "letter_replied", "letter_published", "notice_withdrawn"]
    assert "Which keys?" not in json.dumps(version)


def test_what_cannot_run_says_so(city: RunningCity, tmp_path: Path) -> None:
    nowhere = CliRunner().invoke(letters.app, ["list", "x", "--data-dir", str(tmp_path / "none"), "--json"])
    assert (nowhere.exit_code, "error" in json.loads(nowhere.stdout)) == (2, True)
    missing = CliRunner().invoke(
        letters.app,
        [
            "draft",
            "x",
            "breach",
            "--text-file",
            str(tmp_path / "none"),
            "--data-dir",
            str(city.data_dir),
            "--json",
        ],
    )
    assert missing.exit_code == 2
    run(letters.app, city, "list", "no-such", status=1)
