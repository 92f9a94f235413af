# SPDX-License-Identifier: Apache-2.0
"""`project` is the grants less the bars: equal to a naive restatement, for random agreements and files."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openpars.agreements.bars import version_of
from openpars.agreements.model import Agreement, Bar, BarKind, Version, When
from openpars.agreements.project import ShareRow, project
from openpars.record.catalogue import CRITERIA, FIELDS, value_at
from openpars.record.file import ArrestFile, Bail, BailType, ConsularNotice, Custody, Disposition, Role, Seal
from tests.agreements.oracle import may_see
from tests.agreements.test_project import ANA, WARRANT
from tests.agreements.worlds import NOON, PURPOSES, a_file, a_grant, agreements, files, moments


def seen(rows: tuple[ShareRow, ...]) -> list[dict[str, object]]:
    return [
        {
            "slot": row.slot,
            "grant": row.grant,
            "body": dict(row.body),
            "keys": dict(row.keys),
            "criteria": dict(row.criteria),
        }
        for row in rows
    ]


@settings(max_examples=100, deadline=None)
@given(agreements().map(version_of), files(), st.sampled_from(PURPOSES), moments)
def test_project_is_the_grants_less_the_bars(
    version: Version, file: ArrestFile, purpose: str, at: datetime
) -> None:
    inside = max(version.term.begins, min(at, version.term.ends - timedelta(microseconds=1)))
    for when in (at, inside):
        assert seen(project(version, purpose, file, when)) == may_see(version, purpose, file, when)


MORE_BARS = (
    (),
    (Bar("all", "All", BarKind.EVERYTHING, "-", "law", "I", begins=NOON - timedelta(days=9)),),
    (Bar("past", "Past", BarKind.EVERYTHING, "-", "law", "I", ends=NOON),),
)


def test_project_is_the_grants_less_the_bars_in_thousands_of_worlds() -> None:
    rows = known = 0
    for seed in range(2000):
        rng = Random(seed)  # noqa: S311
        grants = tuple(a_grant(rng, number + 1) for number in range(rng.randint(1, 3)))
        version = version_of(replace(WARRANT.agreement, grants=grants))
        version = replace(version, bars=version.bars + rng.choice(MORE_BARS))
        file, at = a_file(rng), NOON - timedelta(hours=rng.randrange(24 * 40))
        found = project(version, "statistics", file, at)
        assert seen(found) == may_see(version, "statistics", file, at), f"seed {seed}"
        rows += len(found)
        known += sum(len(row.body) for row in found)
    assert rows > 700  # most worlds say something
    assert known > 3500


@pytest.mark.parametrize("name", [name for name, one in CRITERIA.items() if one.condition])
def test_unknown_never_matches(name: str) -> None:
    """A condition that lists every value there is still takes nobody in of whom nothing is known."""
    values = CRITERIA[name].values or tuple(str(n) for n in range(1000))
    grant = replace(WARRANT.agreement.grants[0], when=When(((name, values),)))
    version = replace(WARRANT, agreement=replace(WARRANT.agreement, grants=(grant,)))
    unknown = replace(
        ANA,
        arrestee=replace(ANA.arrestee, zip=None),
        charges=tuple(replace(c, grade=None, decided_grade=None, disposition=None) for c in ANA.charges),
        bail=None,
        custody=None,
        district=None,
        represented=None,
    )
    if name == "charge_stage":
        unknown = replace(unknown, charges=())  # a charge always has a stage: unknown is to have no charge
    assert project(version, "felony-warrant", unknown, NOON) == ()


@pytest.mark.parametrize("name", ["arrested_within_days", "arrested_from", "arrested_through"])
def test_an_unknown_time_of_arrest_never_matches(name: str) -> None:
    value: object = {"arrested_from": date(1900, 1, 1), "arrested_through": date(2200, 1, 1)}.get(
        name, 36_500
    )
    when = replace(When(), **{name: value})
    grant = replace(WARRANT.agreement.grants[0], when=when)
    version = replace(WARRANT, agreement=replace(WARRANT.agreement, grants=(grant,)))
    assert project(version, "felony-warrant", ANA, NOON)
    unknown = replace(ANA, arrested_at=None, filed_at=NOON)
    assert project(version, "felony-warrant", unknown, NOON) == ()


def on_days(zone: str, first: date | None, last: date | None) -> Version:
    grant = replace(WARRANT.agreement.grants[0], when=When((), None, first, last))
    term = replace(WARRANT.agreement.term, zone=zone)
    agreement: Agreement = replace(WARRANT.agreement, grants=(grant,), term=term)
    return replace(WARRANT, agreement=agreement)


@pytest.mark.parametrize(
    ("zone", "first", "last", "inside"),
    [
        # 04:59:59 UTC on 20 November is still the 19th in Philadelphia, and the 20th by UTC.
        ("America/New_York", date(2026, 11, 19), date(2026, 11, 19), True),
        ("America/New_York", date(2026, 11, 20), None, False),
        ("America/New_York", None, date(2026, 11, 18), False),
        ("UTC", date(2026, 11, 20), date(2026, 11, 20), True),
        ("UTC", None, date(2026, 11, 19), False),
        ("America/New_York", None, date(2026, 11, 19), True),
        ("America/New_York", date(2026, 11, 19), None, True),
    ],
)
def test_days_of_arrest_are_civil_days_of_the_terms_zone(
    zone: str, first: date | None, last: date | None, *, inside: bool
) -> None:
    file = replace(ANA, arrested_at=datetime(2026, 11, 20, 4, 59, 59, tzinfo=UTC))
    assert bool(project(on_days(zone, first, last), "felony-warrant", file, NOON)) == inside


def test_only_the_convicted_charge_is_shown_to_who_may_see_convictions() -> None:
    when = When((("charge_outcome", ("convicted",)),))
    show = (("charges", "text"), ("charge_outcome", "whole"))
    grant = replace(WARRANT.agreement.grants[0], when=when, show=show)
    version = replace(WARRANT, agreement=replace(WARRANT.agreement, grants=(grant,)))
    assert project(version, "felony-warrant", ANA, NOON) == ()  # no outcome yet
    first, second, third = ANA.charges
    file = replace(
        ANA,
        charges=(
            replace(first, disposition=Disposition.CONVICTED),
            replace(second, disposition=Disposition.ACQUITTED),
            third,
        ),
    )
    (row,) = project(version, "felony-warrant", file, NOON)
    assert row.body == {"charges": ["Aggravated Assault"], "charge_outcome": ["convicted"]}


def test_the_oracle_knows_every_field_and_criterion() -> None:
    """A new field must be said twice: with everything shown, both say something about every one of them."""
    rng = Random(7)  # noqa: S311
    told: set[str] = set()
    for _ in range(200):
        file = a_file(rng)
        show = tuple((name, rng.choice(field.precisions).name) for name, field in FIELDS.items())
        grant = replace(
            WARRANT.agreement.grants[0], when=When(), show=show, find_by=(), alert_by=tuple(CRITERIA)
        )
        version = version_of(replace(WARRANT.agreement, grants=(grant,)))
        for row in may_see(version, "felony-warrant", file, NOON):
            told |= set(row["body"]) | {f"by {name}" for name in row["criteria"]}
    assert told == set(FIELDS) | {f"by {name}" for name in CRITERIA}


@pytest.mark.parametrize("seal", [seal for seal in Seal if seal is not Seal.OPEN])
def test_a_file_that_is_not_open_gives_nothing_bars_or_no_bars(seal: Seal) -> None:
    bare = replace(WARRANT, bars=())
    assert project(bare, "felony-warrant", ANA, NOON)
    assert project(bare, "felony-warrant", replace(ANA, seal=seal), NOON) == ()


@pytest.mark.parametrize("field", [name for name, one in FIELDS.items() if one.roles == {Role.ARRESTEE}])
def test_what_is_the_arrestees_is_never_read_for_a_victim(field: str) -> None:
    """The parser refuses such a grant; one that were there would show nothing."""
    whole = replace(
        ANA,
        arrestee=replace(
            ANA.arrestee,
            ethnicity="H",
            birth_place="Santo Domingo",
            interpreter="spa",
            consular_notice=ConsularNotice.MADE,
            ssn="900123456",
            sid="12345678",
            ppn="1234567",
            zip="19134",
            address="1 Invented St",
        ),
        otn="N 123456-7",
        docket="MC-51-CR-0012345-2026",
        filed_at=NOON,
        custody=Custody.HELD,
        custody_place="CFCF",
        next_date=NOON,
        represented="defender",
        bail=Bail(BailType.MONETARY, 5000, 10, set_at=NOON),
        charges=tuple(replace(one, disposition=Disposition.CONVICTED) for one in ANA.charges),
    )
    for precision in FIELDS[field].precisions:
        assert value_at(field, precision.name, whole, "arrestee", whole.charges) is not None
        assert value_at(field, precision.name, whole, "victim:1", whole.charges) is None
