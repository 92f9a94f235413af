# SPDX-License-Identifier: Apache-2.0
"""No words about anybody's immigration or citizenship status enter the record, in whatever field.

Attack: staff, or a file from another system, write a status into the free text where no field is for it.
"""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import date
from typing import Any

import pytest

from openpars.errors import Code
from openpars.record import acts, correcting
from openpars.record.file import (
    Arrestee,
    ArrestFile,
    Bail,
    BailType,
    Charge,
    Custody,
    Interview,
    Name,
    Participant,
    PreliminaryArraignment,
    Role,
)
from openpars.record.forms import (
    ArraignmentHeld,
    ArresteeCorrection,
    ArresteeForm,
    BailForm,
    ChargingDecisions,
    Correction,
    CourtDocket,
    CustodyChange,
    Decision,
    InterviewHeld,
    NameCorrection,
    Order,
    ParticipantForm,
)
from tests.record.test_acts import (
    ARREST,
    NOW,
    PACK,
    PERSON,
    SETTING,
    arraigned,
    booked,
    complained,
    refused,
)

VALUES = (Arrestee, Name, Participant, Charge, Bail, PreliminaryArraignment, Interview)
SAYS = "She is undocumented"


def person(**changes: Any) -> ArresteeForm:
    return ArresteeForm(**{"name": Name("Doe", "Ana"), "birth_date": date(1990, 3, 4), **changes})


BOOKED = [
    ({"custody_place": SAYS}, "custody_place"),
    ({"arrestee": person(birth_place="Citizen of nowhere")}, "arrestee.birth_place"),
    ({"arrestee": person(address="1 Invented St, " + SAYS)}, "arrestee.address"),
    ({"arrestee": person(name=Name("Doe illegal alien", "Ana"))}, "arrestee.name.last"),
    ({"arrestee": person(name=Name("Doe", "Ana (green card)"))}, "arrestee.name.first"),
    ({"arrestee": person(name=Name("Doe", "Ana", "no visa status"))}, "arrestee.name.middle"),
    ({"arrestee": person(name=Name("Doe", "Ana", None, "Alien"))}, "arrestee.name.suffix"),
    (
        {"participants": (ParticipantForm(Role.VICTIM, Name("Roe (undocumented)", "Vi")),)},
        "participants.0.name.last",
    ),
]


@pytest.mark.parametrize(("changes", "field"), BOOKED)
def test_a_booking_with_a_status_in_it_names_the_field(changes: dict[str, Any], field: str) -> None:
    with refused(Code.INVALID, field):
        booked(**changes)


ACTS: list[tuple[Any, str]] = [
    (
        lambda: acts.decide_charges(
            booked(), ChargingDecisions((Decision(1, "declined", reason=SAYS),), NOW), SETTING
        ),
        "decisions.0.reason",
    ),
    (lambda: acts.interview(booked(), InterviewHeld(NOW, SAYS), SETTING), "notes"),
    (
        lambda: acts.arraign(complained(), ArraignmentHeld(NOW, True, magistrate="Roe, asylum"), SETTING),
        "magistrate",
    ),
    (
        lambda: acts.set_bail(arraigned(), BailForm(BailType.DENIED, NOW, reasons=SAYS), SETTING),
        "reasons",
    ),
    (
        lambda: acts.set_bail(
            arraigned(), BailForm(BailType.MONETARY, NOW, 100, ability_to_pay=SAYS), SETTING
        ),
        "ability_to_pay",
    ),
    (
        lambda: acts.change_custody(
            arraigned(), CustodyChange(Custody.COMMITTED, NOW, reason="ICE detainer"), SETTING
        ),
        "reason",
    ),
    (lambda: acts.seal(booked(), Order("1", SAYS, NOW), SETTING), "reason"),
    (lambda: acts.seal(booked(), Order("immigration hold 1", None, NOW), SETTING), "order"),
    (lambda: correcting.correct(booked(), Correction(SAYS, NOW, district="9"), SETTING), "reason"),
    (
        lambda: correcting.correct(
            booked(),
            Correction("x", NOW, arrestee=ArresteeCorrection(NameCorrection(last="Doe, an alien"))),
            SETTING,
        ),
        "arrestee.name.last",
    ),
    (
        lambda: correcting.correct(
            booked(), Correction("x", NOW, arrestee=ArresteeCorrection(birth_place=SAYS)), SETTING
        ),
        "arrestee.birth_place",
    ),
    (
        lambda: acts.file_docket(
            None, listed(name=Name("Doe", "Ana, refugee")), SETTING, arrest=ARREST, person=PERSON
        ),
        "name.first",
    ),
]


@pytest.mark.parametrize(("act", "field"), ACTS, ids=[f"{n}-{field}" for n, (_, field) in enumerate(ACTS)])
def test_an_act_with_a_status_in_it_names_the_field(act: Any, field: str) -> None:
    with refused(Code.INVALID, field):
        act()


def listed(**changes: Any) -> CourtDocket:
    return replace(CourtDocket("MC-51-CR-0012345-2026", Name("Doe", "Ana"), NOW), **changes)


def test_a_charge_whose_words_state_a_status_comes_in_without_them() -> None:
    words = "Person Not To Possess/Use Firearm - Illegal Alien"
    file = acts.file_docket(None, listed(charges=(words, "Robbery")), SETTING, arrest=ARREST, person=PERSON)
    assert [charge.text for charge in file.charges] == [acts.WITHHELD, "Robbery"]
    again = acts.file_docket(file, listed(charges=(words, "Robbery")), SETTING, arrest="", person="")
    assert again is file


def test_no_charge_of_the_citys_table_states_a_status() -> None:
    assert not [s for s in PACK.statutes.values() if any(map(PACK.names_status, (s.text, *s.other_texts)))]


def test_a_name_that_is_a_word_is_a_name() -> None:
    assert booked(arrestee=person(name=Name("Alien", "Ana"))).arrestee.name.last == "Alien"


def test_what_is_no_status_is_written_as_typed() -> None:
    file = booked(arrestee=person(birth_place=" Santo Domingo ", address="1 Invented St"))
    assert (file.arrestee.birth_place, file.arrestee.address) == ("Santo Domingo", "1 Invented St")


def test_every_free_text_of_a_file_is_one_of_these() -> None:
    """A new text in the record must be screened and get its row above; this list says which there are."""
    texts = {
        *("last", "first", "middle", "suffix", "birth_place", "address", "custody_place", "magistrate"),
        *("notes", "reason", "reasons", "ability_to_pay"),
    }
    closed = {
        *("id", "person", "jurisdiction", "statute", "text", "grade", "decided_grade", "sex", "race"),
        *("ethnicity", "birth_country", "interpreter", "ssn", "sid", "ppn", "zip"),
        *("dc_number", "otn", "docket", "district", "represented"),
    }
    found = set()
    for value in (ArrestFile, *VALUES):
        found |= {one.name for one in fields(value) if "str" in str(one.type)}
    assert found == texts | closed
