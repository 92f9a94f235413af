# SPDX-License-Identifier: Apache-2.0
"""Why nothing is there: a reason exactly where `project` gives nothing, and each reason is the true one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openpars.agreements.bars import version_of
from openpars.agreements.language.text import read
from openpars.agreements.model import Agreement, Version, When
from openpars.agreements.project import project
from openpars.agreements.reasons import Because, reasons
from openpars.city.examples import examples
from openpars.record.file import ArrestFile
from tests.agreements.worlds import PURPOSES, agreements, files, moments

AGREEMENTS = Path(__file__).parents[2] / "examples" / "agreements"
AT = datetime(2026, 11, 26, 15, tzinfo=UTC)
FILES = {one.id: one.file for one in examples(AT)}


def version(name: str = "ice-felony-warrant") -> Version:
    agreement = read((AGREEMENTS / f"{name}.toml").read_text(encoding="utf-8")).agreement
    assert agreement is not None
    return version_of(agreement)


def slots(file: ArrestFile) -> list[str]:
    return ["arrestee", *(f"{p.role.value}:{p.number}" for p in file.participants)]


@settings(max_examples=300, deadline=None)
@given(agreements(), files(), st.sampled_from(PURPOSES), moments)
def test_a_reason_exactly_where_nothing_is(
    agreement: Agreement, file: ArrestFile, purpose: str, at: datetime
) -> None:
    made = version_of(agreement)
    there = {row.slot for row in project(made, purpose, file, at)}
    for slot in slots(file):
        found = reasons(made, purpose, file, slot, at)
        assert bool(found) is (slot not in there)
        assert len(set(found)) == len(found)


@settings(max_examples=200, deadline=None)
@given(agreements(), files(), st.sampled_from(PURPOSES))
def test_without_what_is_named_the_person_is_there(
    agreement: Agreement, file: ArrestFile, purpose: str
) -> None:
    """Take away every named bar and condition, and the person appears: nothing else was in the way."""
    made = version_of(agreement)
    at = made.term.begins
    for slot in slots(file):
        found = reasons(made, purpose, file, slot, at)
        kinds = {one.because for one in found}
        if not kinds or not kinds <= {Because.BAR, Because.CONDITION, Because.TOGETHER}:
            continue
        named = {one.bar for one in found if one.because is Because.BAR}
        bare = replace(
            made,
            agreement=replace(
                agreement, grants=tuple(replace(grant, when=When()) for grant in agreement.grants)
            ),
            bars=tuple(bar for bar in made.bars if bar not in named),
        )
        assert slot in {row.slot for row in project(bare, purpose, file, at)}


@pytest.mark.parametrize(
    ("file", "slot", "because", "about"),
    [
        ("misdemeanor", "arrestee", Because.CONDITION, "charge_grade"),
        ("juvenile", "arrestee", Because.BAR, "juveniles"),
        ("sealed", "arrestee", Because.SEAL, None),
        ("born-abroad", "victim:1", Because.ROLE, None),
        ("born-abroad", "crime_witness:2", Because.ROLE, None),
    ],
)
def test_the_five_files_under_the_felony_warrant(
    file: str, slot: str, because: Because, about: str | None
) -> None:
    found = reasons(version(), "felony-warrant", FILES[file], slot, AT)
    assert [one.because for one in found] == [because]
    assert (found[0].condition or (found[0].bar.id if found[0].bar else None)) == about


def test_time_purpose_and_age() -> None:
    felony, made = FILES["felony"], version()

    def why(purpose: str, at: datetime) -> list[tuple[Because, str | None]]:
        return [(one.because, one.condition) for one in reasons(made, purpose, felony, "arrestee", at)]

    assert why("felony-warrant", AT) == []
    assert why("felony-warrant", datetime(2025, 12, 31, tzinfo=UTC)) == [(Because.NOT_YET, None)]
    assert why("felony-warrant", made.term.ends) == [(Because.OVER, None)]
    assert why("parking", AT) == [(Because.PURPOSE, None)]
    assert why("felony-warrant", AT + timedelta(days=27)) == [(Because.CONDITION, "arrested_within_days")]


def test_conditions_that_no_one_charge_meets() -> None:
    made = version()
    grant = made.agreement.grants[0]
    apart = When(isin=(("charge_grade", ("M2",)), ("charge_stage", ("approved",))))
    asked = replace(made, agreement=replace(made.agreement, grants=(replace(grant, when=apart),)))
    # The felony file has an M2 that was declined, and an F1 that was approved.
    found = reasons(asked, "felony-warrant", FILES["felony"], "arrestee", AT)
    assert [one.because for one in found] == [Because.TOGETHER]


def test_the_victim_behind_the_bar_of_2010() -> None:
    at = datetime(2010, 8, 1, tzinfo=UTC)
    file = next(one.file for one in examples(at) if one.id == "born-abroad")
    found = reasons(version("ice-pars-2008"), "immigration-enforcement", file, "victim:1", at)
    assert [one.bar.id for one in found if one.bar] == ["victims-and-witnesses"]
