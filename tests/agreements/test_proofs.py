# SPDX-License-Identifier: Apache-2.0
"""What is proved is true of `project`: formulas against runs, counterexamples against the door's rules."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from random import Random

import pytest

from openpars.agreements.bars import version_of
from openpars.agreements.language.text import read
from openpars.agreements.model import Agreement, Bar, BarKind, Grant, Version, Way, When
from openpars.agreements.proofs.abstract import worlds
from openpars.agreements.proofs.asked import Ask, reduced
from openpars.agreements.proofs.atoms import Atom, Kind, all_atoms
from openpars.agreements.proofs.encode import SHARED, Encoding
from openpars.agreements.proofs.exposure import Case, expose
from openpars.agreements.proofs.formula import Formula, Truth
from openpars.agreements.proofs.invented import EMPTY, FULL
from openpars.agreements.proofs.properties import DEFAULT, UnknownProperty
from openpars.agreements.proofs.proving import Verdict, settle, version_to_prove
from openpars.agreements.proofs.standard import asked
from openpars.agreements.proofs.vocabulary import Vocabulary, vocabulary
from openpars.record.catalogue import ARRESTEE, CRITERIA, FIELDS, value_at
from openpars.record.file import Charge, Name, Participant, Role, Seal, Stage
from tests.agreements.worlds import NOON, PURPOSES, a_file, a_grant

EXAMPLES = Path(__file__).parents[2] / "examples" / "agreements"
SHIELD = datetime(2010, 7, 16, 4, tzinfo=UTC)


def example(name: str) -> Version:
    agreement = read((EXAMPLES / f"{name}.toml").read_bytes()).agreement
    assert agreement is not None
    return version_of(agreement)


WARRANT = example("ice-felony-warrant")
OLD = example("ice-pars-2008")


def with_grants(*grants: Grant) -> Version:
    numbered = tuple(replace(grant, number=place) for place, grant in enumerate(grants, start=1))
    return version_of(replace(WARRANT.agreement, grants=numbered))


def result(name: str, version: Version, other: Version | None = None) -> Verdict:
    return settle(asked(name, version, other))


# ---------------------------------------------------------------------- formulas against `project`


def encoded(version: Version) -> tuple[Vocabulary, dict[str, Formula], list[tuple[Atom, Formula]]]:
    words, encoding = vocabulary([version.agreement]), Encoding(version)
    formulas = [(atom, encoding.told([atom], words.known)) for atom in all_atoms(version.agreement.grants)]
    return words, {**SHARED, **encoding.definitions}, formulas


def disagreements(
    version: Version,
    case: Case,
    purposes: tuple[str, ...],
    said_by: tuple[Vocabulary, dict[str, Formula], list[tuple[Atom, Formula]]] | None = None,
) -> list[tuple[object, ...]]:
    """Where what the formulas say is told differs from what running the agreement tells."""
    words, definitions, formulas = said_by or encoded(version)
    exposure = expose(version, case)
    slots = [ARRESTEE, *(f"{p.role.value}:{p.number}" for p in case.file.participants)]
    found: list[tuple[object, ...]] = []
    for purpose, slot in product(purposes, slots):
        truths = [Truth(world, definitions) for world in worlds(case, words, purpose, slot)]
        for atom, formula in formulas:
            said = any(truth.holds(formula) for truth in truths)
            if said != exposure.tells(atom, purpose, slot):
                found.append((atom, purpose, slot, said))
    return found


def random_version(rng: Random) -> Version:
    grants = [a_grant(rng, place + 1) for place in range(rng.randint(1, 3))]
    other = rng.choice(list(Role))
    if other is not Role.ARRESTEE:
        fields = tuple((n, p) for n, p in grants[0].show if other in FIELDS[n].roles) or (("name", "whole"),)
        alert = tuple(n for n in grants[0].alert_by if other in FIELDS[CRITERIA[n].field].roles)
        grants[0] = replace(grants[0], about=other, show=fields, find_by=(("name",),), alert_by=alert)
    few = [replace(g, purposes=tuple(sorted(rng.sample(PURPOSES, rng.randint(1, 3))))) for g in grants]
    recipient = rng.choice(["ice", "defender", "somebody"])
    begins = rng.choice([datetime(2005, 1, 1, tzinfo=UTC)] * 3 + [NOON - timedelta(days=5)])
    ends = rng.choice([NOON + timedelta(days=5)] * 4 + [NOON - timedelta(hours=1)])
    term = replace(WARRANT.term, begins=begins, ends=ends, from_day=None, through_day=None)
    version = version_of(replace(WARRANT.agreement, grants=tuple(few), recipient=recipient, term=term))
    if rng.random() < 0.5:
        at = NOON - timedelta(days=rng.randrange(4))
        kind = rng.choice(list(BarKind))
        bar = Bar(
            "b", "B", kind, "-", "law", "I", begins=rng.choice([None, at]), ends=rng.choice([None, NOON])
        )
        roles, states = (Role.VICTIM, Role.ARRESTEE), (Seal.SEALED,)
        version = replace(version, bars=(*version.bars, replace(bar, roles=roles, states=states)))
    return version


def random_case(rng: Random) -> Case:
    file = a_file(rng)
    seal = rng.choice([Seal.OPEN] * 9 + [Seal.SEALED])
    people = tuple(
        replace(one, birth_date=rng.choice([None, datetime(2015, 1, 1, tzinfo=UTC).date(), NOON.date()]))
        for one in file.participants
    )
    made = rng.choice(
        [NOON, NOON, NOON, NOON, SHIELD - timedelta(days=1), NOON - timedelta(days=rng.randrange(70))]
    )
    at = rng.choice([made, made, made + timedelta(days=rng.randrange(60)), made - timedelta(days=1)])
    return Case(replace(file, seal=seal, participants=people), made, at)


CASES = 500


def test_formulas_say_what_project_does_in_random_worlds() -> None:
    telling = 0
    for seed in range(CASES):
        rng = Random(seed)  # noqa: S311
        version, case = random_version(rng), random_case(rng)
        assert disagreements(version, case, PURPOSES) == [], f"seed {seed}"
        telling += bool(expose(version, case).told)
    assert telling > CASES // 10


def test_atoms_asked_together_are_told_if_one_of_them_is() -> None:
    """Together, and told with the help of some grants only: what those tell, or lead to, and nothing else."""
    told = 0
    for seed in range(CASES // 2):
        rng = Random(seed)  # noqa: S311
        version, case = random_version(rng), random_case(rng)
        words, encoding = vocabulary([version.agreement]), Encoding(version)
        some = frozenset(g.number for g in version.agreement.grants if rng.random() < 0.5)
        rest = reduced(version, frozenset(g.number for g in version.agreement.grants) - some)
        atoms = all_atoms(version.agreement.grants)
        without, only = Encoding(rest, tag="rest."), Encoding(reduced(version, some), tag="some.")
        definitions = {**SHARED, **encoding.definitions, **without.definitions, **only.definitions}
        bulk = [atom for atom in atoms if atom.kind is Kind.BULK]
        asked_for = [*rng.sample(atoms, min(len(atoms), 5)), *rng.sample(bulk, min(len(bulk), 5))]
        for world in worlds(case, words, PURPOSES[0], ARRESTEE):
            truth = Truth(world, definitions)
            single = [truth.holds(encoding.told([atom], words.known)) for atom in atoms]
            assert truth.holds(encoding.told(atoms, words.known)) == any(single), f"seed {seed}"
            for atom in asked_for:
                whole = truth.holds(encoding.told([atom], words.known))
                part = truth.holds(encoding.told([atom], words.known, among=some))
                left = truth.holds(without.told([atom], words.known))
                # Told by a part is told by the whole; what the others do not tell, this part must.
                assert part <= whole <= (part or left), f"seed {seed}: {atom}"
                if atom.kind is not Kind.BULK:
                    assert part == truth.holds(only.told([atom], words.known)), f"seed {seed}: {atom}"
                told += whole
    assert told > CASES // 10


def test_formulas_say_what_project_does_in_every_small_world() -> None:
    """Every value of every condition, on either side of every instant, for the shipped texts."""
    for name in ("ice-felony-warrant", "ice-pars-2008", "defender-representation"):
        version = example(name)
        term = version.term
        formulas = encoded(version)
        instants = [term.begins, term.ends, SHIELD, term.begins - timedelta(microseconds=1)]
        grades, stages = ("F1", "M1", None), (Stage.APPROVED, Stage.PROPOSED)
        for at, arrested, represented, seal in product(
            instants,
            (timedelta(days=30), timedelta(days=29), None),
            ("defender", None),
            (Seal.OPEN, Seal.SEALED),
        ):
            for grade, stage, age in product(grades, stages, (17, 18, None)):
                file = replace(
                    EMPTY,
                    arrested_at=None if arrested is None else at - arrested,
                    represented=represented,
                    seal=seal,
                    arrestee=replace(EMPTY.arrestee, age_stated=age, birth_country="DOM"),
                    charges=(Charge(1, None, "x", grade, stage=stage), Charge(2, None, "y", "S")),
                    participants=(Participant(1, Role.VICTIM, Name("V", "V")),),
                )
                assert disagreements(version, Case(file, at, at), version.agreement.purposes, formulas) == []


def test_the_full_file_says_something_about_every_field() -> None:
    """A field nobody invents a value for could never be in a counterexample."""
    for field in FIELDS.values():
        for precision in field.precisions:
            shown = value_at(field.name, precision.name, FULL, ARRESTEE, FULL.charges)
            assert shown is not None, field.name


# ---------------------------------------------------------------------- the shipped texts

PROVED = {
    "defender-representation": set(DEFAULT),
    "ice-felony-warrant": set(DEFAULT),
    "ice-pars-2008": set(DEFAULT) - {"no-victims-or-witnesses", "no-sweep-by-origin"},
    "ice-pars-2010": set(DEFAULT) - {"no-sweep-by-origin"},
}


@pytest.mark.parametrize("name", PROVED)
def test_the_default_set_of_the_shipped_texts(name: str) -> None:
    version = example(name)
    assert {one for one in DEFAULT if result(one, version).proved} == PROVED[name]


def test_the_victim_of_2008_is_an_invented_person_before_the_shield() -> None:
    found = result("no-victims-or-witnesses", OLD).counterexample
    assert found is not None
    assert found.case.at < SHIELD
    assert found.told.slot.partition(":")[0] in {"victim", "crime_witness"}
    assert [step.way for step in found.told.steps] == [Ask.SEARCH]
    assert found.told.rows[0].slot == found.told.slot


def test_the_counterexample_cannot_lose_a_part() -> None:
    found = result("no-sweep-by-origin", OLD).counterexample
    assert found is not None
    person = found.case.file.arrestee
    assert (person.birth_country, person.ssn, person.zip, found.case.file.charges) == ("DOM", None, None, ())
    assert found.told.steps[0].criteria == {"birth_country": ("DOM",)}


# ---------------------------------------------------------------------- each property can fail and can hold

NARROW = WARRANT.agreement.grants[0]
OPEN_GRANT = replace(NARROW, when=When())

BROKEN: list[tuple[str, tuple[Grant, ...]]] = [
    ("origin-hidden", (replace(NARROW, show=(("birth_country", "whole"),)),)),
    ("origin-hidden", (replace(NARROW, show=(("ssn", "whole"),)),)),
    ("no-sweep-by-origin", (replace(NARROW, find_by=(("birth_country", "name"),)),)),
    ("no-sweep-by-origin", (replace(NARROW, alert_by=("birth_country",)),)),
    ("no-sweep-by-origin", (replace(NARROW, show=(("birth_country", "whole"),)),)),
    ("no-sweep-by:race", (replace(NARROW, show=(("zip", "whole"),)),)),
    ("only-charged", (OPEN_GRANT,)),
    ("only-charged", (replace(NARROW, when=When((("charge_stage", ("proposed", "approved")),))),)),
    ("only-convicted", (NARROW,)),
    ("no-finer-than:birth_date=month", (NARROW,)),  # the key confirms the whole date
    ("no-finer-than:ssn=none", (NARROW,)),
    ("no-bulk", (NARROW,)),
]


@pytest.mark.parametrize(("name", "grants"), BROKEN)
def test_a_property_that_does_not_hold_is_refuted(name: str, grants: tuple[Grant, ...]) -> None:
    found = result(name, with_grants(*grants)).counterexample
    assert found is not None
    assert found.told.steps
    assert found.told.rows


HELD: list[tuple[str, tuple[Grant, ...]]] = [
    ("origin-hidden", (NARROW,)),
    ("no-sweep-by-origin", (replace(NARROW, show=(("birth_country", "whole"),), alert_by=()),)),
    ("no-sweep-by:race", (replace(NARROW, show=(("zip", "prefix3"),)),)),
    ("only-charged", (NARROW,)),
    ("no-finer-than:ssn=last4", (NARROW,)),
    ("no-finer-than:birth_date=year", (replace(NARROW, find_by=(("sid",),)),)),
    ("no-bulk", (replace(NARROW, alert_by=()),)),
    ("bar:juveniles", (OPEN_GRANT,)),
]


@pytest.mark.parametrize(("name", "grants"), HELD)
def test_a_property_that_holds_is_proved(name: str, grants: tuple[Grant, ...]) -> None:
    assert result(name, with_grants(*grants)).proved


def test_a_sweep_across_two_grants_is_found() -> None:
    """Ids are the same in every share: one grant tells of everybody, another answers by id what it shows."""
    everybody = replace(NARROW, show=(("docket", "whole"),), purposes=("statistics",), find_by=())
    by_number = replace(
        OPEN_GRANT,
        show=(("birth_country", "whole"),),
        find_by=(("docket",),),
        alert_by=(),
        ways=frozenset({Way.SEARCH}),
    )
    found = result("no-sweep-by-origin", with_grants(everybody, by_number)).counterexample
    assert found is not None
    assert found.told.atom == Atom(Kind.BULK, ("birth_country",), "whole")
    assert [step.way for step in found.told.steps] == [Ask.CRITERIA, Ask.FETCH]
    assert result("no-sweep-by-origin", with_grants(by_number)).proved


def test_who_leads_to_a_grant_helps_to_tell_what_it_shows() -> None:
    everybody = replace(NARROW, show=(("docket", "whole"),), find_by=())
    shown = replace(OPEN_GRANT, show=(("birth_country", "whole"),), find_by=(("docket",),), alert_by=())
    version = with_grants(everybody, replace(shown, ways=frozenset({Way.SEARCH})))
    words, atom = vocabulary([version.agreement]), Atom(Kind.BULK, ("birth_country",), "whole")
    for number in (1, 2):
        assert Encoding(version).told([atom], words.known, among=frozenset({number})) is not False


def test_subsets() -> None:
    narrower = with_grants(replace(NARROW, show=(("name", "initials"),), alert_by=("district",)))
    assert result("subset-of:x", narrower, WARRANT).proved
    found = result("subset-of:x", WARRANT, narrower).counterexample
    assert found is not None
    later = replace(WARRANT.agreement, term=replace(WARRANT.term, ends=WARRANT.term.ends + timedelta(days=1)))
    assert not result("subset-of:x", version_of(later), WARRANT).proved
    assert result("timeless-subset-of:x", version_of(later), WARRANT).proved


def test_bars_are_what_proves_it() -> None:
    """Without its bars the same text is refuted: the proof rests on them, and on when they hold."""
    bare = replace(WARRANT, bars=())
    assert not result("no-juveniles", bare).proved
    late = tuple(replace(bar, begins=WARRANT.term.begins + timedelta(days=3)) for bar in WARRANT.bars)
    found = result("no-juveniles", replace(WARRANT, bars=late)).counterexample
    assert found is not None
    assert found.case.at < WARRANT.term.begins + timedelta(days=3)
    assert result("bars-respected", replace(WARRANT, bars=late)).proved


def test_a_bar_that_is_off_can_be_asked_about() -> None:
    found = result("bar:ordinances-2026", WARRANT).counterexample
    assert found is not None
    assert found.case.at >= datetime(2026, 5, 7, 4, tzinfo=UTC)


def test_a_text_without_a_pack_is_proved_under_no_bars() -> None:
    nowhere = version_to_prove(replace(WARRANT.agreement, provider="nowhere"))
    assert nowhere.bars == ()
    assert not result("no-juveniles", nowhere).proved


@pytest.mark.parametrize(
    "name", ["no-victims", "no-finer-than:ssn=first3", "no-finer-than:x=y", "bar:none", "subset-of:"]
)
def test_an_unknown_property_is_refused(name: str) -> None:
    with pytest.raises(UnknownProperty):
        asked(name, WARRANT)


def test_the_same_question_is_the_same_text() -> None:
    first, second = (asked("no-juveniles", example("ice-felony-warrant")).text for _ in range(2))
    assert first == second
    comments: Agreement = replace(WARRANT.agreement, title="another title")
    assert asked("no-juveniles", version_of(comments)).text == first
