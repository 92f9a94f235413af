# SPDX-License-Identifier: Apache-2.0
"""The synthetic city: only invented people, always the same, never where a real file could not stand."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from openpars.city.generate import generate
from openpars.city.people import ssn
from openpars.city.tables import tables
from openpars.record import catalogue, rules
from openpars.record.file import Arrestee, ArrestFile, Custody, Disposition, Role
from openpars.record.forms import Act
from openpars.record.pack import pack

NOW = datetime(2026, 11, 22, 1, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def lives():
    return list(generate(arrests=3_000, now=NOW))


def digest(lives) -> str:
    found = hashlib.sha256()
    for life in lives:
        found.update(repr(life).encode())
    return found.hexdigest()


def test_the_same_seed_number_and_end_give_the_same_bytes():
    first = digest(generate(seed=7, arrests=200, now=NOW))
    assert first == digest(generate(seed=7, arrests=200, now=NOW))
    assert first != digest(generate(seed=8, arrests=200, now=NOW))
    assert first != digest(generate(seed=7, arrests=200, now=NOW - timedelta(hours=5)))


@pytest.mark.parametrize("arrests", [0, 1, 5, 60])
def test_a_small_city_is_a_city_too(arrests):
    assert len(list(generate(arrests=arrests, now=NOW))) == arrests


def test_now_needs_a_zone_and_the_number_a_bound():
    with pytest.raises(ValueError, match="zone"):
        list(generate(arrests=1, now=datetime(2026, 1, 1)))  # noqa: DTZ001
    with pytest.raises(ValueError, match="arrests"):
        list(generate(arrests=-1, now=NOW))


def test_no_social_security_number_is_in_a_range_that_was_ever_given_out(lives):
    numbers = {life[-1].file.arrestee.ssn for life in lives} - {None}
    assert len(numbers) > 1_000
    for number in numbers:
        area, group, serial = int(number[:3]), int(number[3:5]), int(number[5:])
        assert 900 <= area <= 999
        assert 1 <= group <= 49
        assert serial >= 1


def test_a_social_security_number_is_one_persons():
    assert len({ssn(number) for number in range(100_000)}) == 100_000
    assert all(len(ssn(number)) == 9 for number in (0, 1, 48_995_099))


def test_every_name_is_from_the_lists(lives):
    names = tables().names
    first = {name for table in names.first.values() for name in table.items}
    surnames = set(names.surnames.items)
    spelt: dict[str, set[tuple[str, str]]] = {}
    for life in lives:
        file = life[-1].file
        spelt.setdefault(file.arrestee.person, set()).add((file.arrestee.name.last, file.arrestee.name.first))
        for participant in file.participants:
            assert participant.name.last in surnames
            assert participant.name.first in first
    for variants in spelt.values():
        # A person is written down once from the lists; a second spelling is a slip of the same name.
        assert any(last in surnames and given in first for last, given in variants)
        assert len(variants) <= 2
    assert 0.05 < sum(len(v) == 2 for v in spelt.values()) / sum(_repeats(lives)) < 0.16


def _repeats(lives):
    persons = Counter(life[-1].file.arrestee.person for life in lives)
    return [n > 1 for n in persons.values()]


def test_there_is_no_immigration_or_citizenship_status(lives):
    for value in (ArrestFile, Arrestee):
        names = " ".join(field.name for field in fields(value))
        assert not any(word in names for word in ("immigra", "citizen", "alien", "status", "visa"))
    city = pack("philadelphia")
    texts = set()
    for life in lives:
        for version in life:
            file = version.file
            texts |= {charge.reason for charge in file.charges} | {charge.text for charge in file.charges}
            if file.interview:
                texts.add(file.interview.notes)
            if file.bail:
                texts |= {file.bail.reasons, file.bail.ability_to_pay}
    assert len(texts) > 50
    assert not [text for text in texts if text and city.names_status(text)]


def test_every_version_is_one_that_a_desk_could_have_made(lives):
    for life in lives:
        assert life[0].act is Act.BOOK
        for number, version in enumerate(life, start=1):
            assert version.file.version == number
            assert version.happened_at <= NOW
        for before, after in pairwise(life):
            assert before.happened_at <= after.happened_at
            assert rules.allows(before.file, after.act)
            assert before.file.id == after.file.id


def test_identifiers_are_unique_and_persons_keep_theirs(lives):
    files = [life[-1].file for life in lives]
    for field in ("id", "dc_number", "otn", "docket"):
        values = [getattr(file, field) for file in files if getattr(file, field) is not None]
        assert len(values) == len(set(values)), field
    by_person: dict[str, set[tuple[object, ...]]] = {}
    for file in files:
        who = file.arrestee
        by_person.setdefault(who.person, set()).add(
            (who.ssn, who.sid, who.ppn, who.birth_date, who.birth_country)
        )
    assert all(len(found) == 1 for found in by_person.values())
    assert len({next(iter(found))[2] for found in by_person.values()}) == len(by_person)


def test_dockets_run_in_the_order_of_filing(lives):
    files = [life[-1].file for life in lives if life[-1].file.docket]
    files.sort(key=lambda file: file.filed_at)
    numbers = [file.docket[-4:] + file.docket[9:16] for file in files]
    assert numbers == sorted(numbers)


@pytest.mark.parametrize("hours", [0, 5, 10, 15, 20])
def test_no_queue_is_empty_and_its_clocks_run(hours):
    now = NOW + timedelta(hours=hours)
    city = pack("philadelphia")
    queues: Counter[rules.State] = Counter()
    for life in generate(arrests=1_000, now=now):
        file = life[-1].file
        if file.custody is not Custody.HELD:
            continue
        queues[rules.step(file)] += 1
        if file.arraignment is None:
            clock = rules.clocks(file, now, city)[0]
            assert clock.name == "custody"
            assert clock.seconds_left > 0
    assert 12 <= queues[rules.State.CHARGES_PROPOSED] <= 70
    assert 8 <= queues[rules.State.COMPLAINT_FILED] <= 60


def test_nobody_is_arrested_while_still_in_jail_for_the_last_arrest(lives):
    last: dict[str, ArrestFile] = {}
    again = 0
    for life in lives:
        person = life[0].file.arrestee.person
        if person in last:
            again += 1
            assert last[person].custody is Custody.RELEASED
        last[person] = life[-1].file
    assert again > 100


def test_there_are_children_victims_and_crime_witnesses_to_be_kept_in(lives):
    files = [life[-1].file for life in lives]
    roles = Counter(p.role for file in files for p in file.participants)
    assert roles[Role.VICTIM] > 500
    assert roles[Role.CRIME_WITNESS] > 100
    ages = [catalogue.age_at_arrest(file) for file in files]
    assert 5 < sum(age < 18 for age in ages) < 80


def test_every_code_is_in_the_citys_own_tables():
    city = pack("philadelphia")
    data = tables()
    for offence in data.offences.values():
        statute = city.statute(offence.statute)
        assert statute is not None
        assert statute.code == offence.statute
        assert offence.text in (statute.text, *statute.other_texts)
        assert all(grade is None or grade in city.grades for grade in offence.grades.items)
        assert all(companion in data.offences for companion, _ in offence.companions)
    assert set(data.countries.items) <= city.countries
    assert set(data.races.items) <= city.races


def test_particulars_and_endings_are_in_the_city(lives):
    files = [life[-1].file for life in lives]
    for attribute in ("ethnicity", "birth_place", "address", "interpreter", "consular_notice"):
        values = Counter(getattr(file.arrestee, attribute) for file in files)
        assert values[None] > 100, attribute  # unknown is common, as in any real record
        assert len(values) >= 3, attribute
    city = pack("philadelphia")
    words = {text for file in files for text in (file.arrestee.birth_place, file.arrestee.address) if text}
    assert not [text for text in words if city.names_status(text)]
    ends = Counter(charge.disposition for file in files for charge in file.charges)
    assert set(ends) == {None, *Disposition}
    assert 0.05 < 1 - ends[None] / ends.total() < 0.9
    for file in files:
        if rules.cleared(file):
            assert file.custody is Custody.RELEASED
