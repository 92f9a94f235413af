# SPDX-License-Identifier: Apache-2.0
"""How charges end: an outcome is the court's, belongs to one charge, and frees whoever is cleared of all."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from openpars.errors import Code
from openpars.record import acts, codec, disposing, rules
from openpars.record.file import ArrestFile, BailType, Custody, Disposition, Name, Stage
from openpars.record.forms import (
    ArraignmentHeld,
    ChargingDecisions,
    ComplaintFiled,
    CourtDocket,
    CustodyChange,
    Decision,
    Outcome,
    Outcomes,
)
from tests.record.test_acts import ARREST, NOW, PACK, PERSON, SETTING, arraigned, booked, complained, refused


def ended(file: ArrestFile, *words: Any) -> ArrestFile:
    told = tuple(Outcome(number, word, NOW) for number, word in enumerate(words, start=1))
    return disposing.dispose(file, Outcomes(told, NOW), SETTING)


def two_charges() -> ArrestFile:
    both = ChargingDecisions((Decision(1, "approved"), Decision(2, "approved")), NOW)
    file = acts.decide_charges(booked(), both, SETTING)
    file = acts.file_complaint(file, ComplaintFiled(NOW), SETTING)
    return acts.arraign(file, ArraignmentHeld(NOW, True), SETTING)


def test_an_outcome_is_of_one_charge_and_unknown_until_it_is_told() -> None:
    before = two_charges()
    assert [charge.disposition for charge in before.charges] == [None, None]
    after = ended(before, "convicted")
    assert [charge.disposition for charge in after.charges] == [Disposition.CONVICTED, None]
    assert after.charges[0].disposed_at == NOW
    assert after.version == before.version + 1


def test_who_is_cleared_of_every_charge_is_free_by_the_same_act() -> None:
    held = two_charges()
    assert held.custody is Custody.HELD
    assert ended(held, "acquitted").custody is Custody.HELD  # one charge is still open
    assert ended(held, "acquitted", "convicted").custody is Custody.HELD
    free = ended(held, "dismissed", "withdrawn")
    assert (free.custody, free.custody_at, free.custody_place) == (Custody.RELEASED, NOW, None)
    for custody in (Custody.HELD, Custody.COMMITTED):
        with refused(Code.CONFLICT, "custody"):
            acts.change_custody(free, CustodyChange(custody, NOW), SETTING)


def test_nobody_is_committed_again_after_an_acquittal_that_came_while_committed() -> None:
    jailed = acts.change_custody(arraigned(), CustodyChange(Custody.COMMITTED, NOW, "CFCF"), SETTING)
    free = ended(jailed, "acquitted")
    assert free.custody is Custody.RELEASED
    with refused(Code.CONFLICT, "custody"):
        acts.change_custody(free, CustodyChange(Custody.COMMITTED, NOW), SETTING)


def test_a_charge_that_never_came_before_the_court_has_no_outcome() -> None:
    file = arraigned()  # its second charge was declined
    assert file.charges[1].stage is Stage.DECLINED
    with refused(Code.INVALID, "dispositions.1.charge"):
        ended(file, "convicted", "dismissed")
    assert ended(file, "diverted").custody is Custody.RELEASED  # the declined one does not count


def test_an_outcome_comes_after_the_complaint() -> None:
    with refused(Code.CONFLICT, None):
        ended(booked(), "withdrawn")
    assert ended(complained(), "withdrawn").custody is Custody.RELEASED


def test_what_is_vacated_is_unknown_again() -> None:
    convicted = ended(arraigned(), "convicted")
    again = ended(convicted, "vacated")
    assert (again.charges[0].disposition, again.charges[0].disposed_at) == (None, None)
    with refused(Code.INVALID, "dispositions.0.disposition"):
        ended(again, "vacated")


@pytest.mark.parametrize(
    ("outcomes", "field"),
    [
        ((), "dispositions"),
        ((Outcome(9, "convicted", NOW),), "dispositions.0.charge"),
        ((Outcome(1, "convicted", NOW), Outcome(1, "acquitted", NOW)), "dispositions.1.charge"),
        ((Outcome(1, "convicted", NOW + timedelta(hours=1)),), "dispositions.0.disposed_at"),
        ((Outcome(1, "convicted", NOW - timedelta(days=9)),), "dispositions.0.disposed_at"),
    ],
)
def test_outcomes_that_are_not_right_name_the_field(outcomes: tuple[Outcome, ...], field: str) -> None:
    with refused(Code.INVALID, field):
        disposing.dispose(arraigned(), Outcomes(outcomes, NOW), SETTING)


def test_no_hearing_is_due_once_every_charge_has_ended() -> None:
    file = arraigned(BailType.ROR)
    assert [clock.name for clock in rules.clocks(file, NOW, PACK)] == ["preliminary_hearing"]
    assert rules.clocks(ended(file, "convicted"), NOW, PACK) == ()


def listed(*charges: str) -> CourtDocket:
    return CourtDocket("MC-51-CR-0012345-2026", Name("Doe", "Ana"), NOW, charges=charges)


def test_a_docket_that_is_listed_again_keeps_the_outcomes_of_its_charges() -> None:
    file = acts.file_docket(None, listed("Simple Assault", "Robbery"), SETTING, arrest=ARREST, person=PERSON)
    file = ended(file, "convicted", "withdrawn")
    assert acts.file_docket(file, listed("Simple Assault", "Robbery"), SETTING, arrest="", person="") is file
    other = acts.file_docket(file, listed("Simple Assault", "Theft"), SETTING, arrest="", person="")
    assert [charge.disposition for charge in other.charges] == [Disposition.CONVICTED, None]


def test_an_outcome_is_stored_and_read_back() -> None:
    file = ended(arraigned(), "convicted")
    stored = codec.encode(file)
    assert codec.decode(stored) == file
    assert codec.decode(stored) != replace(file, charges=arraigned().charges)
