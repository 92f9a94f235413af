# SPDX-License-Identifier: Apache-2.0
"""A difference between two texts misses nothing and invents nothing: against brute force, and by mutants."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from functools import cache
from itertools import product
from random import Random

import pytest

from openpars.agreements.bars import version_of
from openpars.agreements.language.words import ENGLISH
from openpars.agreements.model import Agreement, Grant, Version, Way, When
from openpars.agreements.proofs import changes
from openpars.agreements.proofs.atoms import Atom, Kind, all_atoms
from openpars.agreements.proofs.difference import Change, Item, difference, gained
from openpars.agreements.proofs.exposure import Case, Exposure, expose, row_atoms
from openpars.agreements.proofs.invented import FULL, charge
from openpars.agreements.proofs.properties import DEFAULT
from openpars.agreements.proofs.proving import forever, settle
from openpars.agreements.proofs.standard import asked
from openpars.record.catalogue import CRITERIA, FIELDS
from openpars.record.file import Role, Seal, Stage
from tests.agreements.test_proofs import EXAMPLES, WARRANT, example, with_grants
from tests.agreements.worlds import NOON

# ---------------------------------------------------------------------- brute force on a small domain

SMALL = ("name", "birth_date", "birth_country", "charges", "custody", "arrested_at")


def small_grant(rng: Random, number: int) -> Grant:
    role = rng.choice([Role.ARRESTEE, Role.ARRESTEE, Role.VICTIM])
    fields = [name for name in SMALL if role in FIELDS[name].roles]
    shown = [name for name in fields if rng.random() < 0.5] or ["name"]
    keys = [("name", "birth_date"), ("name",), ("birth_date",)]
    alerts = [
        one
        for one in ("charge_grade", "custody", "birth_country")
        if role in FIELDS[CRITERIA[one].field].roles
    ]
    isin = []
    if rng.random() < 0.4:
        isin.append(("charge_grade", tuple(rng.sample(["F1", "M1"], rng.randint(1, 2)))))
    if rng.random() < 0.3:
        isin.append(("charge_stage", ("approved",)))
    if rng.random() < 0.3:
        isin.append(("represented", ("defender",)))
    return Grant(
        number=number,
        about=role,
        purposes=tuple(sorted(rng.sample(["one", "two"], rng.randint(1, 2)))),
        when=When(tuple(isin), rng.choice([None, None, 20])),
        show=tuple((name, rng.choice(FIELDS[name].precisions).name) for name in SMALL if name in shown),
        find_by=tuple(sorted(rng.sample(keys, rng.randint(0, 2)))),
        alert_by=tuple(name for name in CRITERIA if name in rng.sample(alerts, rng.randint(0, len(alerts)))),
        ways=frozenset(rng.sample(list(Way), rng.randint(1, 3))),
        alert_all=rng.random() < 0.2,
    )


def small_version(rng: Random) -> Version:
    grants = tuple(small_grant(rng, place + 1) for place in range(rng.randint(1, 3)))
    # Without bars the domain can be small: no age is asked for, and victims are told of.
    return replace(version_of(replace(WARRANT.agreement, grants=grants)), bars=())


@cache
def domain() -> tuple[Case, ...]:
    """Every combination of what the small texts can ask about, charges in pairs, too."""
    singles = [
        charge(grade=grade, stage=stage)
        for grade, stage in product(("F1", "M1", None), (Stage.APPROVED, Stage.PROPOSED))
    ]
    charges = [(), *((one,) for one in singles), (singles[0], singles[3]), (singles[1], singles[2])]
    cases = []
    for told, days, defended, held, country, born in product(
        charges, (10, 30, None), ("defender", None), (FULL.custody, None), ("DOM", None), (True, False)
    ):
        person = replace(FULL.arrestee, birth_country=country)
        person = person if born else replace(person, birth_date=None)
        victims = tuple(replace(one, birth_date=person.birth_date) for one in FULL.participants[:1])
        arrested = None if days is None else NOON - timedelta(days=days)
        file = replace(FULL, charges=told, arrested_at=arrested, represented=defended, custody=held)
        cases.append(Case(replace(file, arrestee=person, participants=victims), NOON, NOON))
    return tuple(cases)


def news(
    before: Version, after: Version, mine: Exposure, theirs: Exposure
) -> Iterator[tuple[Atom, str, str]]:
    for purpose, slot in mine.told:
        for atom in all_atoms(after.agreement.grants):
            if atom.kind is Kind.IMPLIED or not mine.tells(atom, purpose, slot):
                continue
            if not theirs.tells(atom, purpose, slot):
                yield atom, purpose, slot


def covered(
    items: tuple[Item, ...], mine: Exposure, new: tuple[Atom, str, str], before: Version, after: Version
) -> bool:
    atom, purpose, slot = new
    if purpose not in before.agreement.purposes and any(item.purpose == purpose for item in items):
        return True
    # A grant that tells of new people says all it tells. With many charges one and the same person may be new
    # by one charge and known by another.
    people = {item.grant for item in items if item.change is Change.PEOPLE}
    rows = [
        row for p, found in mine.rows.items() for row in found if row.slot == slot and row.grant in people
    ]
    grants = {grant.number: grant for grant in after.agreement.grants}
    if any(gives(atom, list(row_atoms(grants[row.grant], row))) for row in rows):
        return True
    return any(
        item.atom is not None
        and (item.atom.kind, item.atom.names) == (atom.kind, atom.names)
        and (atom.precision is None or rank(item.atom) >= rank(atom))
        for item in items
        if item.change in {Change.VISIBLE, Change.FINDABLE}
    )


def gives(atom: Atom, told: list[Atom]) -> bool:
    if atom.kind is Kind.BULK:
        return Atom(Kind.SHOW, atom.names, atom.precision) in told
    if atom.kind is Kind.CRITERIA:
        return any(one.kind is Kind.CRITERIA and set(atom.names) <= set(one.names) for one in told)
    return atom in told


def rank(atom: Atom) -> int:
    return FIELDS[atom.names[0]].rank(atom.precision or "")


PAIRS = 20


def test_nothing_is_missed_and_nothing_invented_in_every_small_world() -> None:
    found = 0
    for seed in range(PAIRS):
        rng = Random(seed)  # noqa: S311
        before = small_version(rng)
        grants = before.agreement.grants
        after = small_version(rng) if seed % 2 else mutant(before, rng)
        items = gained(before, after)
        earlier = forever(before)
        for case in domain():
            mine, theirs = expose(after, case), expose(earlier, case)
            for new in news(before, after, mine, theirs):
                found += 1
                assert covered(items, mine, new, before, after), f"seed {seed}: {new} {grants}"
        for item in items:
            confirm(before, after, item)
    assert found > PAIRS * 10


def confirm(before: Version, after: Version, item: Item) -> None:
    """The witness shows what it says: told under one text, not under the other."""
    if item.witness is None:
        assert item.change in {Change.PERMITTED, Change.PURPOSE, Change.TERM}
        return
    told, case = item.witness.told, item.witness.case
    mine, theirs = expose(after, case), expose(before, case)
    assert mine.tells(told.atom, told.purpose, told.slot)
    anyhow = theirs.tells(told.atom, told.purpose, told.slot)
    assert not anyhow
    assert item.change is Change.TERM or not expose(forever(before), case).tells(
        told.atom, told.purpose, told.slot
    )


# ---------------------------------------------------------------------- mutants


def mutant(version: Version, rng: Random) -> Version:
    """The text with one thing changed."""
    agreement = version.agreement
    place = rng.randrange(len(agreement.grants))
    kind = rng.choice(["grant"] * 8 + ["term", "limits", "duties", "drop", "double"])
    if kind == "term":
        days = timedelta(days=rng.choice([-30, -1, 1, 30]))
        term = replace(agreement.term, ends=agreement.term.ends + days, through_day=None)
        return changed(version, replace(agreement, term=term))
    if kind == "limits":
        limits = replace(
            agreement.limits, results_per_search=agreement.limits.results_per_search + rng.choice([-1, 1])
        )
        return changed(version, replace(agreement, limits=limits))
    if kind == "duties":
        duties = replace(agreement.duties, case_number_required=not agreement.duties.case_number_required)
        return changed(version, replace(agreement, duties=duties))
    grants = list(agreement.grants)
    if kind == "drop" and len(grants) > 1:
        del grants[place]
    elif kind == "double":
        grants.append(grants[place])  # an equivalent one: grants add up
    else:
        grants[place] = mutated(grants[place], rng)
    numbered = tuple(replace(grant, number=number) for number, grant in enumerate(grants, start=1))
    return changed(version, replace(agreement, grants=numbered))


def changed(version: Version, agreement: Agreement) -> Version:
    return replace(version_of(agreement), bars=version.bars)


def mutated(grant: Grant, rng: Random) -> Grant:
    fields = [name for name, field in FIELDS.items() if grant.about in field.roles]
    shown = dict(grant.show)
    match rng.randrange(9):
        case 0:
            name = rng.choice(fields)
            shown[name] = rng.choice(FIELDS[name].precisions).name
            return replace(grant, show=tuple((one, shown[one]) for one in FIELDS if one in shown))
        case 1 if len(shown) > 1:
            del shown[rng.choice(list(shown))]
            return replace(grant, show=tuple(shown.items()))
        case 2:
            keys = [name for name in fields if FIELDS[name].key]
            key = tuple(name for name in FIELDS if name in rng.sample(keys, rng.randint(1, 2)))
            return replace(grant, find_by=tuple(sorted({*grant.find_by, key})))
        case 3 if grant.find_by:
            return replace(grant, find_by=grant.find_by[1:])
        case 4:
            alertable = [name for name, one in CRITERIA.items() if grant.about in FIELDS[one.field].roles]
            wanted = set(grant.alert_by) ^ {rng.choice(alertable)}
            return replace(grant, alert_by=tuple(name for name in CRITERIA if name in wanted))
        case 5:
            return replace(grant, ways=frozenset(set(grant.ways) ^ {rng.choice(list(Way))}) or grant.ways)
        case 6:
            return replace(grant, alert_all=not grant.alert_all)
        case 7:
            return replace(grant, when=mutated_when(grant.when, rng))
        case _:
            role = rng.choice(list(Role))
            fit = all(role in FIELDS[name].roles for name, _ in grant.show)
            return replace(grant, about=role if fit else grant.about, purposes=(*grant.purposes, "another"))


def mutated_when(when: When, rng: Random) -> When:
    if rng.random() < 0.3:
        return replace(when, arrested_within_days=rng.choice([None, 1, 29, 31]))
    named = [
        one
        for one in ("charge_grade", "charge_stage", "represented", "custody", "bail_type")
        if rng.random() < 0.5
    ]
    isin = dict(when.isin)
    for name in named[:1]:
        isin[name] = (
            tuple(v for v in CRITERIA[name].values if rng.random() < 0.5) or CRITERIA[name].values[:1]
        )
    return replace(when, isin=tuple((name, isin[name]) for name in CRITERIA if name in isin))


MUTANTS = 1000


def cases_for(version: Version) -> tuple[Case, ...]:
    """Files that the shipped texts tell of, and some at the edges of what they ask."""
    at = version.term.begins + timedelta(days=60)
    files = [
        replace(
            FULL,
            arrested_at=at - timedelta(hours=hours),
            charges=tuple(charge(grade=grade, stage=stage, disposition=None) for grade, stage in told),
            represented=represented,
        )
        for hours, told, represented in product(
            (12, 24 * 29 + 1, 24 * 45),
            ([("F1", Stage.APPROVED)], [("F", Stage.PROPOSED), ("M1", Stage.APPROVED)], []),
            ("defender", "private"),
        )
    ]
    late = Case(replace(files[0], arrested_at=version.term.ends), version.term.ends, version.term.ends)
    last = Case(files[0], version.term.ends - timedelta(hours=1), version.term.ends - timedelta(hours=1))
    return (*(Case(file, at, at) for file in files), last, late)


def test_every_mutant_changes_a_decision_or_is_reported_equivalent() -> None:
    bases = [example(path.stem) for path in sorted(EXAMPLES.glob("*.toml"))]
    pool = {base.hash: cases_for(base) for base in bases}
    seen = {base.hash: [expose(base, case) for case in pool[base.hash]] for base in bases}
    decided = reported = equivalent = 0
    for seed in range(MUTANTS):
        rng = Random(seed)  # noqa: S311
        base = rng.choice(bases)
        other = mutant(base, rng)
        if any(
            told(expose(other, c)) != told(e) for c, e in zip(pool[base.hash], seen[base.hash], strict=True)
        ):
            decided += 1
            continue
        found = difference(base, other)
        if found.added or found.removed:
            reported += 1
            for item in found.added:
                confirm(base, other, item)
            continue
        # Reported equivalent: then every property has the same answer.
        equivalent += 1
        if equivalent % 10 == 0:
            assert proved(base) == proved(other), f"seed {seed}"
    assert decided + reported + equivalent == MUTANTS
    assert decided > MUTANTS // 2
    assert reported
    assert equivalent < MUTANTS // 5


def told(exposure: Exposure) -> dict[tuple[str, str], frozenset[Atom]]:
    kept = frozenset({Kind.IMPLIED})
    return {
        place: frozenset(a for a in atoms if a.kind not in kept) for place, atoms in exposure.told.items()
    }


def proved(version: Version) -> list[bool]:
    return [settle(asked(name, version)).proved for name in DEFAULT]


# ---------------------------------------------------------------------- what it says

NARROW = WARRANT.agreement.grants[0]


def test_a_text_does_not_differ_from_itself() -> None:
    found = difference(WARRANT, WARRANT)
    assert (found.added, found.removed, found.otherwise) == ((), (), ())


def test_the_shield_takes_victims_away_and_gives_nothing_but_time() -> None:
    found = difference(example("ice-pars-2008"), example("ice-pars-2010"))
    assert [item.change for item in found.added] == [Change.TERM]
    assert [item.grant for item in found.removed if item.change is Change.PEOPLE] == [2, 3]


@pytest.mark.parametrize(
    ("grant", "change", "names"),
    [
        (replace(NARROW, show=(*NARROW.show, ("custody", "whole"))), Change.VISIBLE, ("custody",)),
        (replace(NARROW, find_by=(*NARROW.find_by, ("ppn",))), Change.FINDABLE, ("ppn",)),
        (replace(NARROW, alert_by=("birth_country",)), Change.FINDABLE, ("birth_country",)),
        (replace(NARROW, ways=frozenset(Way)), Change.FINDABLE, ()),
        (replace(NARROW, when=replace(NARROW.when, arrested_within_days=31)), Change.PEOPLE, None),
        (replace(NARROW, purposes=("another", *NARROW.purposes)), Change.PURPOSE, None),
    ],
)
def test_what_is_added_is_said(grant: Grant, change: Change, names: tuple[str, ...] | None) -> None:
    after = with_grants(grant)
    found = difference(WARRANT, after)
    mine = [item for item in found.added if item.change is change]
    assert names is None or names in [item.atom.names for item in mine if item.atom is not None]
    assert mine
    assert mine[0].witness is not None
    assert mine[0].witness.told.steps
    assert changes.sentence(mine[0], after, ENGLISH) in changes.text(found, ENGLISH)


def test_criteria_without_alerts_stand_in_nobodys_way() -> None:
    """`check` only warns of them. The grant that names them first was taken for the one that gives alerts."""
    silent = replace(NARROW, alert_by=("bail_type",), ways=frozenset({Way.SEARCH}))
    heard = replace(NARROW, alert_by=("bail_type",), ways=frozenset({Way.ALERT}))
    found = difference(WARRANT, with_grants(silent, heard))
    told = [item.atom.names for item in found.added if item.atom is not None]
    assert ("bail_type",) in told
    assert all(item.witness is not None for item in found.added)


def test_every_charge_has_a_stage() -> None:
    """A charge whose stage is unknown does not exist: to ask for any stage at all leaves nobody out."""
    ended = ("charge_outcome", ("acquitted",))
    every = ("charge_stage", tuple(stage.value for stage in Stage))
    asking, plain = (replace(NARROW, when=When(isin)) for isin in ((every, ended), (ended,)))
    assert difference(with_grants(asking), with_grants(plain)).added == ()
    assert difference(with_grants(plain), with_grants(asking)).added == ()


def test_what_only_narrows_is_not_new() -> None:
    narrower = replace(NARROW, show=NARROW.show[:2], find_by=NARROW.find_by[:1], alert_by=())
    narrower = replace(narrower, when=replace(narrower.when, arrested_within_days=7, isin=NARROW.when.isin))
    found = difference(WARRANT, with_grants(narrower))
    assert found.added == ()
    assert found.removed


def test_a_fact_spread_over_two_grants_is_not_new_where_one_gave_it() -> None:
    """What one grant gave and two give now, each for half of the people, is the same."""
    (_, stages) = NARROW.when.isin
    halves = [
        replace(NARROW, when=replace(NARROW.when, isin=(("charge_grade", one), stages)))
        for one in (("F1", "F"), ("F2", "F3"))
    ]
    found = difference(WARRANT, with_grants(*halves))
    assert (found.added, found.removed) == ((), ())


def test_limits_and_duties_are_permissions() -> None:
    looser = replace(
        WARRANT.agreement,
        limits=replace(WARRANT.agreement.limits, results_per_search=21),
        duties=replace(WARRANT.agreement.duties, case_number_required=False, report_outcome_within_days=None),
    )
    found = difference(WARRANT, version_of(looser))
    assert [item.change for item in found.added] == [Change.PERMITTED] * 3
    assert [item.change for item in difference(version_of(looser), WARRANT).added] == []


def test_a_sealed_file_is_in_no_witness() -> None:
    for item in difference(example("ice-felony-warrant"), example("ice-pars-2010")).added:
        assert item.witness is None or item.witness.case.file.seal is Seal.OPEN


def test_a_new_bulk_way_opens_what_an_old_grant_shows() -> None:
    """The grant that shows it stands in both texts; that somebody meets everybody is new."""
    narrow = WARRANT.agreement.grants[0]
    everybody = replace(narrow, show=(("docket", "whole"),), purposes=("statistics",), find_by=())
    shown = (("birth_country", "whole"),)
    quiet = replace(narrow, when=When(), show=shown, find_by=(("docket",),), alert_by=())
    quiet = replace(quiet, ways=frozenset({Way.SEARCH}))
    items = gained(with_grants(quiet), with_grants(quiet, everybody))
    assert Atom(Kind.BULK, ("birth_country",), "whole") in {item.atom for item in items}
