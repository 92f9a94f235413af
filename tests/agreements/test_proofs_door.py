# SPDX-License-Identifier: Apache-2.0
"""The rules by which a counterexample is asked for are the door's own; the command says why it cannot run."""

from __future__ import annotations

from random import Random

import pytest

from openpars.agreements.model import Version, Way
from openpars.agreements.proofs import solve
from openpars.agreements.proofs.asked import Ask, Step, received, requests, values_of
from openpars.agreements.proofs.atoms import Atom, Kind, all_atoms
from openpars.agreements.proofs.exposure import Case, expose, served
from openpars.agreements.proofs.solve import NoSolver
from openpars.alerts.subscriptions import criteria_allowed, matches
from openpars.cli.proofs import prove
from openpars.cli.say import CannotRunError
from openpars.disclosure import checks
from openpars.record.catalogue import CRITERIA, FIELDS
from tests.agreements.test_proofs import EXAMPLES, random_case, random_version
from tests.agreements.worlds import PURPOSES

WORLDS = 400


def by_the_door(version: Version, case: Case, step: Step) -> set[tuple[str, int]]:
    """Which rows the door's own checks let this request bring."""
    rows = served(version, step.purpose, case)
    if step.find is not None:
        way = "search" if step.way is Ask.SEARCH else "alert"
        key = checks.key(version, step.purpose, way, dict(step.find))
        if not isinstance(key, checks.Key):
            return set()
        found = [row for row in rows if row.keys.get(tuple(key.combination.split("+"))) == key.values]
        return {(row.slot, row.grant) for row in found if way in row.ways}
    criteria = dict(step.criteria or {})
    if criteria_allowed(version, step.purpose, criteria) is not None:
        return set()
    asked = tuple(sorted(criteria.items()))
    alerts = [row for row in rows if Way.ALERT.value in row.ways]
    told = [row for row in alerts if matches(asked, {**row.criteria}, alert_all=row.alert_all)]
    return {(row.slot, row.grant) for row in told}


def test_requests_are_answered_as_the_door_answers_them() -> None:
    asked = brought = 0
    for seed in range(WORLDS):
        rng = Random(seed)  # noqa: S311
        version, case = random_version(rng), random_case(rng)
        for step in (*steps(version, case), *guesses(rng)):
            asked += 1
            mine = {(row.slot, row.grant) for row in received(version, case, (step,))}
            assert mine == by_the_door(version, case, step), f"seed {seed}: {step}"
            brought += bool(mine)
    assert asked > brought > WORLDS // 4


def steps(version: Version, case: Case) -> list[Step]:
    exposure = expose(version, case)
    return [
        one
        for purpose, slot in exposure.told
        for atom in all_atoms(version.agreement.grants)
        if atom.kind in {Kind.SEARCH, Kind.WATCH, Kind.CRITERIA, Kind.EVERYBODY}
        for (one, *rest) in requests(exposure, version, atom, purpose, slot)
        if not rest
    ]


def guesses(rng: Random) -> list[Step]:
    """What nobody granted, mostly."""
    name = rng.choice([one for one, field in FIELDS.items() if field.key and one not in {"name", "age"}])
    find = values_of((name,), ("2026-01-01" if name in {"birth_date", "arrested_at"} else "12345678",))
    criterion = rng.choice(list(CRITERIA))
    purpose = rng.choice(PURPOSES)
    return [
        Step(Ask.CRITERIA, purpose, criteria={criterion: ("F1", "held", "24")}),
        *([Step(Ask.SEARCH, purpose, find=find)] if name in {"sid", "ppn", "birth_date"} else []),
    ]


def test_without_the_solver_the_command_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise NoSolver

    monkeypatch.setattr(solve, "_z3", missing)
    with pytest.raises(CannotRunError, match="extra `proofs`"):
        prove([EXAMPLES / "ice-felony-warrant.toml"])


def test_an_unreadable_text_is_no_proof() -> None:
    with pytest.raises(CannotRunError, match="not an agreement"):
        prove([EXAMPLES.parents[1] / "README.md"])


def test_an_atom_tells_every_field_of_a_key_whole() -> None:
    assert Atom(Kind.SEARCH, ("name", "birth_date")).told == (("name", "whole"), ("birth_date", "whole"))
