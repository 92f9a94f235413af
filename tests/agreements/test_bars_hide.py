# SPDX-License-Identifier: Apache-2.0
"""A bar about fields hides them, shown or told by a key, a criterion, a condition, or in part."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from openpars.agreements.bars import Switched, bars_for, narrowed, version_of
from openpars.agreements.language.text import read
from openpars.agreements.model import Agreement, Bar, BarKind, Version, When
from openpars.agreements.project import project
from openpars.record.catalogue import CRITERIA, FIELDS
from openpars.record.file import ArrestFile, Bail, BailType, Charge, Custody, Stage
from tests.agreements.worlds import NOON, a_file, values_of

WARRANT = (Path(__file__).parents[2] / "examples" / "agreements" / "ice-felony-warrant.toml").read_text(
    encoding="utf-8"
)
PURPOSE = "felony-warrant"


def charges_of(file: ArrestFile) -> ArrestFile:
    other = Charge(9, "18 § 3929", "Retail Theft", "M1", 1, Stage.APPROVED)
    return replace(file, charges=(other,))


def outcomes_of(file: ArrestFile) -> ArrestFile:
    return replace(file, charges=tuple(replace(one, disposition=None) for one in file.charges))


def of_arrestee(**changed: Any) -> Callable[[ArrestFile], ArrestFile]:
    return lambda file: replace(file, arrestee=replace(file.arrestee, **changed))


CHANGES: dict[str, Callable[[ArrestFile], ArrestFile]] = {
    "charges": charges_of,
    "charge_outcome": outcomes_of,
    "birth_date": of_arrestee(birth_date=date(1971, 2, 3), age_stated=None),
    "birth_place": of_arrestee(birth_place="Elsewhere"),
    "interpreter": of_arrestee(interpreter="ase"),
    "consular_notice": of_arrestee(consular_notice=None),
    "ssn": of_arrestee(ssn="900019999"),
    "zip": of_arrestee(zip="19199"),
    "address": of_arrestee(address="9 Other St"),
    "race": of_arrestee(race="Q"),
    "custody": lambda file: replace(file, custody=Custody.HELD),
    "custody_place": lambda file: replace(file, custody_place="Elsewhere"),
    "docket": lambda file: replace(file, docket="MC-51-CR-7777777-2026"),
    "district": lambda file: replace(file, district="77"),
    "represented": lambda file: replace(file, represented="private"),
    "bail": lambda file: replace(file, bail=Bail(BailType.DENIED)),
}


def telling(rng: Random) -> Version:
    """A version that tells all it can, of whoever meets at most one condition."""
    (grant, *_) = version_of(agreement_of(WARRANT)).agreement.grants
    conditions = [name for name, one in CRITERIA.items() if one.condition]
    isin = tuple((name, values_of(CRITERIA[name])) for name in rng.sample(conditions, rng.randrange(2)))
    fullest = replace(
        grant,
        when=When(isin, arrested_within_days=rng.choice((None, 30))),
        show=tuple((name, rng.choice(field.precisions).name) for name, field in FIELDS.items()),
        find_by=tuple((name,) for name, field in FIELDS.items() if field.key),
        alert_by=tuple(CRITERIA),
    )
    return version_of(replace(agreement_of(WARRANT), grants=(fullest,)))


@pytest.mark.parametrize("barred", CHANGES)
def test_nothing_that_is_told_depends_on_what_a_bar_holds_back(barred: str) -> None:
    """Two files that differ in nothing else look alike: shown, by keys, criteria and conditions."""
    rng = Random(11)  # noqa: S311
    bar = Bar("x", "x", BarKind.FIELDS, "x", "law", "I", fields=(barred,))
    apart = 0
    for _ in range(150):
        version, file = replace(telling(rng), bars=()), a_file(rng)
        other = CHANGES[barred](file)
        left = narrowed(replace(version, bars=(bar,)))
        assert project(left, PURPOSE, file, NOON) == project(left, PURPOSE, other, NOON)
        apart += project(version, PURPOSE, file, NOON) != project(version, PURPOSE, other, NOON)
    assert apart > 15, "without the bar they are told apart"


@pytest.mark.parametrize(
    "dates",
    [
        {"begins": NOON + timedelta(days=900)},
        {"ends": NOON - timedelta(days=900)},
        {"begins": NOON - timedelta(days=2), "ends": NOON - timedelta(days=1)},
    ],
)
def test_the_dates_of_a_bar_about_fields_open_no_gap(dates: dict[str, datetime]) -> None:
    """It stands above the version, so it holds back: before its first day, after a last one, in between."""
    rng = Random(12)  # noqa: S311
    always = Bar("x", "x", BarKind.FIELDS, "x", "law", "I", fields=("ssn", "birth_date", "charges"))
    dated, shown = replace(always, **dates), 0  # type: ignore[arg-type]
    for _ in range(40):
        version, file = replace(telling(rng), bars=()), a_file(rng)
        left = narrowed(replace(version, bars=(dated,)))
        assert left.agreement == narrowed(replace(version, bars=(always,))).agreement
        for row in project(left, PURPOSE, file, NOON):
            assert {"ssn", "birth_date", "charges"}.isdisjoint(row.body)
        shown += any("ssn" in row.body for row in project(version, PURPOSE, file, NOON))
    assert shown > 3, "without the bar it is shown"


def test_a_switch_that_says_off_takes_a_bar_about_fields_away_and_leaves_no_piece_of_it() -> None:
    """A period of it that is over would go on holding back: it has an end that nobody reads."""
    on = Switched("protected-information-2026", on=True, at=NOON - timedelta(days=3))
    off = replace(on, on=False, at=NOON - timedelta(days=1))
    early = replace(on, at=datetime(2000, 1, 1, tzinfo=UTC))
    for switched, there in (((on,), True), ((early,), True), ((on, off), False), ((early, off), False)):
        found = [bar for bar in bars_for("city-of-philadelphia", "ice", switched) if bar.fields]
        assert [bar.ends for bar in found] == [None] * there


def agreement_of(text: str) -> Agreement:
    found = read(text).agreement
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("barred", "when", "alert_by", "find_by", "left"),
    [
        ("charges", 'charge_grade = ["F1"]', "[]", '[["sid"]]', False),
        ("charges", 'charge_outcome = ["convicted"]', "[]", '[["sid"]]', False),
        ("charges", 'district = ["24"]', '["charge_grade"]', '[["sid"]]', True),
        ("charge_grade", 'charge_stage = ["approved"]', '["charge_grade"]', '[["sid"]]', True),
        ("arrested_at", "arrested_within_days = 30", "[]", '[["sid"]]', False),
        ("birth_country", 'district = ["24"]', '["interpreter"]', '[["sid", "interpreter"]]', False),
        ("birth_date", 'district = ["24"]', "[]", '[["name", "age"]]', False),
    ],
)
def test_a_condition_a_key_and_a_criterion_tell_as_much_as_what_is_shown(
    barred: str, when: str, alert_by: str, find_by: str, left: bool
) -> None:
    text = re.sub(r"when = \{.*\}", f"when = {{ {when} }}", WARRANT)
    text = re.sub(
        r"alert_by = .*", f"alert_by = {alert_by}", re.sub(r"find_by = .*", f"find_by = {find_by}", text)
    )
    agreement = agreement_of(re.sub(r"show = \{.*\}", 'show = { sid = "whole" }', text))
    bar = Bar("x", "x", BarKind.FIELDS, "x", "law", "I", fields=(barred,))
    (grant,) = narrowed(replace(version_of(agreement), bars=(bar,))).agreement.grants
    assert bool(grant.purposes) is left
    assert "charge_grade" not in grant.alert_by
