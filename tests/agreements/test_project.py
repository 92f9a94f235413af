# SPDX-License-Identifier: Apache-2.0
"""`project` is the wall: nothing outside a grant, nobody behind a bar, no trace of what is not granted."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openpars.agreements.bars import ADULT, bars_for, child, packs, version_of
from openpars.agreements.language.text import read
from openpars.agreements.model import Agreement, Bar, BarKind, Grant, Version, Way, When
from openpars.agreements.project import ShareRow, project
from openpars.record.catalogue import CRITERIA, FIELDS, age_at_arrest, key_strings
from openpars.record.file import (
    Arrestee,
    ArrestFile,
    Bail,
    BailType,
    Charge,
    Interview,
    Name,
    Participant,
    Role,
    Seal,
    Stage,
)
from openpars.record.names import parse_key_value
from tests.agreements.worlds import NOON, PURPOSES, a_file, a_grant, agreements, files, moments, words

EXAMPLES = Path(__file__).parents[2] / "examples" / "agreements"


def example(name: str) -> Version:
    agreement = read((EXAMPLES / f"{name}.toml").read_text(encoding="utf-8")).agreement
    assert agreement is not None
    return version_of(agreement)


WARRANT = example("ice-felony-warrant")
ANA = ArrestFile(
    id="00000000-0000-4000-8000-000000000001",
    version=3,
    arrestee=Arrestee(
        person="ab" * 16,
        name=Name("Doe", "Ana"),
        birth_date=date(1990, 3, 4),
        birth_country="DOM",
        ssn="900123456",
        sid="12345678",
        race="W",
        sex="F",
    ),
    dc_number="2624012345",
    arrested_at=NOON - timedelta(days=2),
    district="24",
    participants=(
        Participant(1, Role.VICTIM, Name("Roe", "Vi")),
        Participant(2, Role.CRIME_WITNESS, Name("Poe", "Wi")),
    ),
    charges=(
        Charge(1, "18 § 2702 §§ A1", "Aggravated Assault", "F1", stage=Stage.APPROVED),
        Charge(2, "18 § 2701", "Simple Assault", "M2", stage=Stage.APPROVED),
        Charge(3, "18 § 3701", "Robbery", "F1", stage=Stage.DECLINED, reason="no evidence"),
    ),
    bail=Bail(BailType.MONETARY, 25000, 10, ability_to_pay="works", reasons="flight"),
    interview=Interview(NOON, "private"),
)


def test_the_row_of_one_arrest() -> None:
    (row,) = project(WARRANT, "felony-warrant", ANA, NOON)
    assert row.body == {
        "name": {"last": "Doe", "first": "Ana", "middle": None, "suffix": None},
        "birth_date": "1990",
        "ssn": "3456",
        "charges": [
            {
                "statute": "18 § 2702 §§ A1",
                "text": "Aggravated Assault",
                "grade": "F1",
                "counts": 1,
                "stage": "approved",
            }
        ],
        "bail": {"type": "monetary", "amount": 25000, "percent": 10, "posted": False},
    }
    assert row.keys == {("name", "birth_date"): ("doe", "ana", "1990-03-04"), ("sid",): ("12345678",)}
    assert row.criteria == {"charge_grade": ("F1",), "district": ("24",)}
    assert (row.slot, row.subject, row.grant, row.ways) == ("arrestee", "ab" * 16, 1, {"search", "alert"})
    assert row.until == ANA.arrested_at + timedelta(days=30)  # type: ignore[operator]


def test_only_inside_the_term_and_for_its_purpose() -> None:
    term = WARRANT.term
    assert project(WARRANT, "statistics", ANA, NOON) == ()
    assert project(WARRANT, "felony-warrant", ANA, term.ends) == ()
    assert project(WARRANT, "felony-warrant", ANA, term.begins - timedelta(microseconds=1)) == ()
    early = replace(ANA, arrested_at=term.begins - timedelta(days=1))
    assert project(WARRANT, "felony-warrant", early, term.begins)


def test_each_grant_of_the_purpose_counts_whatever_stands_before_it() -> None:
    (grant,) = WARRANT.agreement.grants
    other = replace(grant, purposes=("statistics",))
    nobody = replace(grant, number=2, when=When((("district", ("1",)),)))
    everybody = replace(grant, number=3, alert_all=True, ways=frozenset({Way.ALERT}))
    several = replace(WARRANT.agreement, grants=(other, nobody, everybody, replace(grant, number=4)))
    rows = project(replace(WARRANT, agreement=several), "felony-warrant", ANA, NOON)
    assert [(row.grant, row.alert_all, row.ways) for row in rows] == [
        (3, True, {"alert"}),
        (4, False, {"search", "alert"}),
    ]


def test_a_row_leaves_at_its_until_and_not_before() -> None:
    (row,) = project(WARRANT, "felony-warrant", ANA, NOON)
    assert project(WARRANT, "felony-warrant", ANA, row.until - timedelta(microseconds=1)) == (row,)
    assert project(WARRANT, "felony-warrant", ANA, row.until) == ()


@pytest.mark.parametrize("seal", [Seal.SEALED, Seal.EXPUNGED, Seal.WITHDRAWN])
def test_a_closed_file_gives_nothing_even_without_bars(seal: Seal) -> None:
    assert project(replace(WARRANT, bars=()), "felony-warrant", replace(ANA, seal=seal), NOON) == ()


def test_all_conditions_on_one_charge() -> None:
    split = (replace(ANA.charges[0], stage=Stage.PROPOSED), ANA.charges[1])
    assert project(WARRANT, "felony-warrant", replace(ANA, charges=split), NOON) == ()


def test_unknown_never_matches() -> None:
    assert project(WARRANT, "felony-warrant", replace(ANA, arrested_at=None, filed_at=NOON), NOON) == ()
    ungraded = (replace(ANA.charges[0], grade=None),)
    assert project(WARRANT, "felony-warrant", replace(ANA, charges=ungraded), NOON) == ()
    defender = example("defender-representation")
    assert project(defender, "representation", ANA, NOON) == ()
    assert project(defender, "representation", replace(ANA, represented="defender"), NOON)


def aged(days: int) -> ArrestFile:
    """Arrested so many days after the eighteenth birthday, shortly after midnight in the city."""
    born = date(2008, 11, 20)
    at = datetime(2026, 11, 20, 5, 1, tzinfo=UTC) + timedelta(days=days)
    return replace(ANA, arrestee=replace(ANA.arrestee, birth_date=born), arrested_at=at)


def test_children_are_barred_up_to_their_birthday_in_the_city() -> None:
    assert project(WARRANT, "felony-warrant", aged(-1), NOON) == ()
    assert project(WARRANT, "felony-warrant", aged(0), NOON)
    still_the_day_before = replace(aged(0), arrested_at=datetime(2026, 11, 20, 4, 59, tzinfo=UTC))
    assert project(WARRANT, "felony-warrant", still_the_day_before, NOON) == ()


def test_an_unknown_age_is_barred_and_a_stated_one_counts() -> None:
    unknown = replace(ANA, arrestee=replace(ANA.arrestee, birth_date=None))
    assert project(WARRANT, "felony-warrant", unknown, NOON) == ()
    for age, rows in ((17, 0), (18, 1)):
        stated = replace(unknown, arrestee=replace(unknown.arrestee, age_stated=age))
        assert len(project(WARRANT, "felony-warrant", stated, NOON)) == rows


def test_a_key_with_an_unknown_field_is_not_there() -> None:
    stated = replace(ANA, arrestee=replace(ANA.arrestee, birth_date=None, age_stated=36))
    (row,) = project(WARRANT, "felony-warrant", stated, NOON)
    assert set(row.keys) == {("sid",)}
    assert "birth_date" not in row.body


def test_the_shield_begins_on_its_day() -> None:
    old = example("ice-pars-2008")
    shield = next(bar.begins for bar in old.bars if bar.kind is BarKind.ROLE)
    assert shield == datetime(2010, 7, 16, 4, tzinfo=UTC)
    file = replace(
        ANA,
        arrested_at=datetime(2010, 7, 1, tzinfo=UTC),
        arrestee=replace(ANA.arrestee, birth_date=date(1970, 1, 1)),
    )
    before = project(old, "immigration-enforcement", file, shield - timedelta(microseconds=1))
    assert {row.slot: row.until for row in before} == {
        "arrestee": old.term.ends,
        "victim:1": shield,
        "crime_witness:2": shield,
    }
    assert [row.subject for row in before] == ["ab" * 16, "", ""]
    assert [row.slot for row in project(old, "immigration-enforcement", file, shield)] == ["arrestee"]


def test_a_known_child_among_victims_is_barred_before_the_shield() -> None:
    old = example("ice-pars-2008")
    at = datetime(2009, 6, 1, tzinfo=UTC)
    victims = (
        Participant(1, Role.VICTIM, Name("Roe", "Vi"), date(2000, 1, 1)),
        Participant(2, Role.VICTIM, Name("Roe", "Old"), date(1950, 1, 1)),
    )
    file = replace(ANA, arrested_at=at, participants=victims)
    assert [row.slot for row in project(old, "immigration-enforcement", file, at)] == ["arrestee", "victim:2"]


def test_a_recipient_nobody_listed_stands_under_every_bar() -> None:
    everything = Bar("all", "All", BarKind.EVERYTHING, "-", "law", "I")
    pack = packs()["city-of-philadelphia"]
    assert {bar for bar, _ in pack.bars} == set(bars_for("city-of-philadelphia", "nobody-knows"))
    assert project(replace(WARRANT, bars=(everything,)), "felony-warrant", ANA, NOON) == ()


def versions() -> st.SearchStrategy[Version]:
    return agreements().map(version_of)


@settings(max_examples=60, deadline=None)
@given(versions(), files(), st.sampled_from(PURPOSES), moments)
def test_rows_are_within_the_grants_and_bars(
    version: Version, file: ArrestFile, purpose: str, at: datetime
) -> None:
    rows = project(version, purpose, file, at)
    if not version.term.covers(at) or file.seal is not Seal.OPEN or child(file):
        assert rows == ()
    for row in rows:
        within(version.agreement.grants[row.grant - 1], row, purpose)
        assert row.slot == "arrestee" or at < datetime(2010, 7, 16, 4, tzinfo=UTC)
        assert at < row.until <= version.term.ends
        leaves_at_until(version, purpose, file, row)


def within(grant: Grant, row: ShareRow, purpose: str) -> None:
    assert purpose in grant.purposes
    assert set(row.body) <= {name for name, _ in grant.show}
    assert all(value is not None for value in row.body.values())
    assert set(row.keys) <= set(grant.find_by)
    assert set(row.criteria) <= set(grant.alert_by)
    assert row.ways == {way.value for way in grant.ways}
    assert row.slot.split(":")[0] == grant.about.value


def leaves_at_until(version: Version, purpose: str, file: ArrestFile, row: ShareRow) -> None:
    """The row stays exactly as it is until its `until`, and is gone from then on."""
    last = row.until - timedelta(microseconds=1)
    assert row in project(version, purpose, file, last)
    places = {(one.slot, one.grant) for one in project(version, purpose, file, row.until)}
    assert (row.slot, row.grant) not in places


# The attributes of a file, by the fields of the catalogue that can show any of it.
PERSONAL = (
    *("name", "sex", "race", "ethnicity", "birth_country", "birth_place", "interpreter", "consular_notice"),
    *("ssn", "sid", "ppn", "zip", "address"),
)
OF_FILE = {
    "dc_number": {"dc_number"},
    "otn": {"otn"},
    "docket": {"docket"},
    "district": {"district"},
    "custody_place": {"custody_place"},
    "next_date": {"next_date"},
    "represented": {"represented"},
    "arrested_at": {"arrested_at", "age", "state"},
    "filed_at": {"filed_at", "age"},
    "custody": {"custody", "state"},
    "charges": {"charges", "charge_grade", "charge_stage", "charge_outcome", "state"},
    "complaint_at": {"state"},
    "arraignment": {"state"},
}


def granted(version: Version, purpose: str) -> set[str]:
    """Every field that any grant of the purpose shows, searches, alerts or decides by."""
    named: set[str] = set()
    for grant in version.agreement.grants:
        if purpose in grant.purposes:
            named |= {name for name, _ in grant.show} | {name for fields in grant.find_by for name in fields}
            named |= {
                CRITERIA[name].field for name in (*grant.alert_by, *(one for one, _ in grant.when.isin))
            }
            named |= {"arrested_at"} if times(grant.when) else set()
    return named


def times(when: When) -> bool:
    return (when.arrested_within_days, when.arrested_from, when.arrested_through) != (None, None, None)


def other_world(version: Version, purpose: str, file: ArrestFile, other: ArrestFile) -> ArrestFile:
    """The same file as far as the agreement goes; everything that is not granted comes from another one."""
    named = granted(version, purpose)
    world = replace(
        file,
        arrestee=other_person(named, file.arrestee, other.arrestee),
        interview=other.interview,
        version=other.version,
        participants=other.participants,
        bail=unseen_of_bail(file.bail, other.bail, shown="bail" in named),
    )
    for attribute, fields in OF_FILE.items():
        if not named & fields:
            world = replace(world, **{attribute: getattr(other, attribute)})
    # Whether somebody is a child decides by law, not by grant: it is part of what the bar says.
    if child(world) != child(file):
        person = replace(
            world.arrestee, birth_date=file.arrestee.birth_date, age_stated=file.arrestee.age_stated
        )
        world = replace(world, arrested_at=file.arrested_at, filed_at=file.filed_at, arrestee=person)
    return world


def other_person(named: set[str], person: Arrestee, another: Arrestee) -> Arrestee:
    person = replace(person, person=another.person)
    for attribute in PERSONAL:
        if attribute not in named:
            person = replace(person, **{attribute: getattr(another, attribute)})
    if not named & {"birth_date", "age"}:
        person = replace(person, birth_date=another.birth_date, age_stated=another.age_stated)
    return person


def unseen_of_bail(bail: Bail | None, other: Bail | None, *, shown: bool) -> Bail | None:
    if not shown:
        return other
    return None if bail is None else replace(bail, ability_to_pay="said otherwise", reasons="other reasons")


PAIRS = 4000


def test_two_worlds_that_differ_only_in_what_is_not_granted() -> None:
    agreement = WARRANT.agreement
    telling = different = 0
    for seed in range(PAIRS):
        rng = Random(seed)  # noqa: S311
        grants = tuple(a_grant(rng, number + 1) for number in range(rng.randint(1, 3)))
        version = version_of(replace(agreement, grants=grants))
        file, other = a_file(rng), a_file(rng)
        world = other_world(version, "statistics", file, other)
        rows = project(version, "statistics", file, NOON)
        assert replaced(rows) == replaced(project(version, "statistics", world, NOON)), f"seed {seed}"
        telling += bool(rows)
        different += world != file
    # The property says something: most worlds had rows, and hardly two were the same.
    assert telling > PAIRS // 4
    assert different > PAIRS * 0.99


def replaced(rows: tuple[ShareRow, ...]) -> tuple[ShareRow, ...]:
    """The rows as a recipient's share holds them: whose they are is kept for the log, not shown."""
    return tuple(replace(row, subject="") for row in rows)


COARSER: list[tuple[str, str, Arrestee]] = [
    ("birth_date", "year", replace(ANA.arrestee, birth_date=date(1990, 11, 30))),
    ("birth_date", "month", replace(ANA.arrestee, birth_date=date(1990, 3, 31))),
    ("ssn", "last4", replace(ANA.arrestee, ssn="000413456")),
    ("ssn", "present", replace(ANA.arrestee, ssn="000414321")),
    ("name", "initials", replace(ANA.arrestee, name=Name("Dyer", "Alma", "B."))),
]


@pytest.mark.parametrize(("field", "precision", "person"), COARSER)
def test_two_worlds_that_differ_below_the_granted_precision(
    field: str, precision: str, person: Arrestee
) -> None:
    grant = replace(WARRANT.agreement.grants[0], show=((field, precision),), find_by=(), alert_by=())
    version = replace(WARRANT, agreement=replace(WARRANT.agreement, grants=(grant,)))
    rows = project(version, "felony-warrant", ANA, NOON)
    assert rows
    assert rows == project(version, "felony-warrant", replace(ANA, arrestee=person), NOON)


@settings(max_examples=100, deadline=None)
@given(words, st.sampled_from(["M1", "S", None]), st.sampled_from(Stage))
def test_two_worlds_that_differ_in_charges_that_do_not_qualify(
    text: str, grade: str | None, stage: Stage
) -> None:
    hidden = Charge(7, None, text, grade, 4, stage, reason=text)
    more = replace(ANA, charges=(hidden, *ANA.charges, hidden))
    assert project(WARRANT, "felony-warrant", more, NOON) == project(WARRANT, "felony-warrant", ANA, NOON)


def test_the_two_worlds_test_can_see_a_leak() -> None:
    """The property has teeth: where the field is granted, the worlds do differ."""
    shown: Agreement = replace(
        WARRANT.agreement,
        grants=(replace(WARRANT.agreement.grants[0], show=(("birth_country", "whole"),), when=When()),),
    )
    version = version_of(shown)
    elsewhere = replace(ANA, arrestee=replace(ANA.arrestee, birth_country="USA"))
    assert project(version, "felony-warrant", ANA, NOON) != project(
        version, "felony-warrant", elsewhere, NOON
    )


@settings(max_examples=100, deadline=None)
@given(files())
def test_what_is_typed_finds_what_is_kept(file: ArrestFile) -> None:
    person = file.arrestee
    typed: dict[str, object] = {
        "name": {"last": person.name.last.upper(), "first": f" {person.name.first} "},
        "birth_date": person.birth_date.strftime("%-m/%-d/%Y") if person.birth_date else None,
        "ssn": f"{person.ssn[:3]}-{person.ssn[3:5]}-{person.ssn[5:]}" if person.ssn else None,
        "sid": person.sid,
        "ppn": person.ppn,
        "zip": person.zip,
        "birth_country": person.birth_country.lower() if person.birth_country else None,
        "docket": file.docket.lower() if file.docket else None,
        "otn": "n1234567" if file.otn else None,
        "dc_number": file.dc_number,
        "district": file.district.zfill(2) if file.district else None,
        "age": age_at_arrest(file),
    }
    for field, value in typed.items():
        kept = key_strings(field, file, "arrestee")
        if value is None or kept is None:
            assert value is None or field == "name"
        else:
            assert parse_key_value(field, value) == kept, field


def test_every_field_can_be_read_at_every_precision() -> None:
    for field in FIELDS.values():
        for precision in field.precisions:
            show = ((field.name, precision.name),)
            grant = replace(WARRANT.agreement.grants[0], show=show, when=When(), find_by=(), alert_by=())
            (row,) = project(
                replace(WARRANT, agreement=replace(WARRANT.agreement, grants=(grant,))),
                "felony-warrant",
                ANA,
                NOON,
            )
            assert "private" not in str(row)
            assert "flight" not in str(row)
    assert ADULT == 18
