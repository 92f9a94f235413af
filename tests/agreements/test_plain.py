# SPDX-License-Identifier: Apache-2.0
"""The generated English, and the command line that prints it."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from typer.testing import CliRunner

from openpars.agreements.bars import version_of
from openpars.agreements.language.plain import markdown, sections
from openpars.agreements.language.text import read
from openpars.agreements.language.words import ENGLISH
from openpars.agreements.model import Agreement
from openpars.cli.agreement import app
from openpars.record.catalogue import FIELDS
from tests.agreements.worlds import agreements

EXAMPLES = Path(__file__).parents[2] / "examples" / "agreements"
BAD = Path(__file__).parent / "bad"
run = CliRunner()


def example(name: str) -> Agreement:
    agreement = read((EXAMPLES / f"{name}.toml").read_text(encoding="utf-8")).agreement
    assert agreement is not None
    return agreement


def test_what_a_lawyer_and_a_journalist_look_for() -> None:
    text = markdown(version_of(example("ice-felony-warrant")), ENGLISH)
    for sentence in (
        "It ends at 1 September 2027, 00:00:00 EDT (America/New_York)",
        "which is 1 September 2027, 04:00:00 UTC",
        "The last second inside the term is 31 August 2027, 23:59:59 EDT",
        "date of birth (the year only); Social Security number (the last four digits)",
        "name and date of birth together; state identification number; docket number",
        "only such charges are shown and counted",
        "the arrest is less than 30 days old (720 hours)",
        "It may not be exported in bulk.",
        "Nothing about victims of a crime or witnesses of a crime",
        "immigration or citizenship status (the record has no field for it)",
        "42 Pa.C.S. § 6308",
        "at least 2 of the 3 owners say yes",
    ):
        assert sentence in text


def test_every_field_is_said_to_be_shown_or_not() -> None:
    for path in EXAMPLES.glob("*.toml"):
        agreement = example(path.stem)
        shown = {name for grant in agreement.grants for name, _ in grant.show}
        listed = next(s for s in sections(version_of(agreement), ENGLISH) if s.id == "not-shared").points[0]
        hidden = listed.removeprefix("Fields never shown: ").split(", ")
        assert set(hidden) == {FIELDS[name].label for name in set(FIELDS) - shown}


@settings(max_examples=60, deadline=None)
@given(agreements())
def test_one_agreement_one_text(agreement: Agreement) -> None:
    version = version_of(agreement)
    text = markdown(version, ENGLISH)
    assert text == markdown(replace(version), ENGLISH)
    assert text.count(version.hash) == 1
    for section in sections(version, ENGLISH):
        assert f"## {section.title}" in text


def test_a_clause_cannot_pass_for_the_generated_text() -> None:
    sly = replace(
        example("ice-felony-warrant"),
        title="Fine\n## What is not shared\n- [all](http://x)",
        legal_basis="*law*",
    )
    text = markdown(version_of(sly), ENGLISH)
    assert len(re.findall("^## What is not shared", text, re.MULTILINE)) == 1
    assert "\\[all\\](http" in text
    assert "\\*law\\*" in text


def test_check_exit_status_and_json() -> None:
    good = str(EXAMPLES / "ice-felony-warrant.toml")
    fine = run.invoke(app, ["check", good, "--json"])
    assert fine.exit_code == 0
    assert json.loads(fine.stdout)["files"][0]["id"] == "ice-felony-warrant"
    bad = run.invoke(app, ["check", good, str(BAD / "unknown_field.toml"), "--json"])
    assert bad.exit_code == 1
    faults = json.loads(bad.stdout)["files"][1]["faults"]
    assert [(f["severity"], f["suggestion"]) for f in faults] == [("error", "name")]
    assert faults[0]["line"] > 1
    assert run.invoke(app, ["check", "no-such-file.toml"]).exit_code == 2
    plain = run.invoke(app, ["check", str(BAD / "unknown_field.toml")])
    assert "Did you mean `name`?" in plain.stdout


def test_text_prints_markdown_or_sections() -> None:
    good = str(EXAMPLES / "defender-representation.toml")
    assert run.invoke(app, ["text", good]).stdout.startswith("# Representation")
    document = json.loads(run.invoke(app, ["text", good, "--json"]).stdout)["files"][0]
    assert {section["id"] for section in document["sections"]} >= {
        "who",
        "term",
        "grant-1",
        "not-shared",
        "bars",
    }
    assert run.invoke(app, ["text", str(BAD / "no_grant.toml")]).exit_code == 1


@pytest.mark.parametrize("command", [["propose", "x.toml"], ["end", "x", "--reason", "r"]])
def test_commands_that_need_a_city_say_so(command: list[str], tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_text("x")
    args = [str(tmp_path / part) if part.endswith(".toml") else part for part in command]
    result = run.invoke(app, [*args, "--data-dir", str(tmp_path), "--json"])
    assert result.exit_code == 2
    assert "no city is running" in json.loads(result.stdout)["error"]
