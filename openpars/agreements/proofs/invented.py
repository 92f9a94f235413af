# SPDX-License-Identifier: Apache-2.0
"""Invented values for every part of an arrest file. Nobody in here exists.

Social Security numbers begin with 9 and have the middle group 01 to 49: nobody has one like that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, replace
from datetime import UTC, date, datetime
from enum import Enum
from functools import cache
from typing import Any, get_args, get_type_hints

from openpars.record.file import Arrestee, ArrestFile, Bail, BailType, Charge, Name, Participant, Role, Stage

DAY = datetime(2026, 3, 2, 15, tzinfo=UTC)
PERSON = Arrestee(person="00" * 16, name=Name("Invented", "Ana"))
EMPTY = ArrestFile(id="00000000-0000-4000-8000-000000000000", version=1, arrestee=PERSON)

_VALUES: Mapping[str, Any] = {
    "birth_date": date(1990, 3, 4),
    "age_stated": 36,
    "sex": "F",
    "race": "W",
    "birth_country": "DOM",
    "ssn": "900121234",
    "sid": "10000001",
    "ppn": "1000001",
    "zip": "19134",
    "dc_number": "2624000001",
    "otn": "N 100001-0",
    "docket": "MC-51-CR-0000001-2026",
    "district": "24",
    "custody_place": "an invented place",
    "represented": "defender",
    "ethnicity": "H",
    "birth_place": "an invented town",
    "address": "1 Invented Street",
    "interpreter": "spa",
}

PARTICIPANTS = (
    Participant(1, Role.VICTIM, Name("Invented", "Vera")),
    Participant(2, Role.CRIME_WITNESS, Name("Invented", "Wendell")),
)


def charge(**values: Any) -> Charge:
    """An invented charge with these values; what is not said is unknown."""
    made = {"number": 1, "statute": "18 § 3929", "text": "Retail Theft", "grade": None, **values}
    return Charge(**made)


def bail(kind: BailType) -> Bail:
    """An invented bail of that type."""
    return Bail(kind, amount=5000, percent=10) if kind is BailType.MONETARY else Bail(kind)


def optional(of: type) -> tuple[Field[Any], ...]:
    """The attributes that may be unknown or empty: those with a default."""
    return tuple(one for one in fields(of) if one.default is not MISSING)


@cache
def value_for(of: type, attribute: str) -> Any:
    """An invented value of one attribute of an arrestee or a file."""
    if attribute in _VALUES:
        return _VALUES[attribute]
    kinds = [one for one in _kinds(of, attribute) if isinstance(one, type)]
    for kind in kinds:
        if issubclass(kind, Enum):
            return next(iter(kind))
        if issubclass(kind, datetime):
            return DAY
        if kind is str:
            return "invented"
    return None


def _kinds(of: type, attribute: str) -> tuple[Any, ...]:
    hint = get_type_hints(of)[attribute]
    return get_args(hint) or (hint,)


def _full() -> ArrestFile:
    person = replace(PERSON, **_filled(Arrestee))
    whole = {
        name: value for name, value in _filled(ArrestFile).items() if name not in {"seal", "jurisdiction"}
    }
    charged = charge(grade="F1", stage=Stage.APPROVED, **_filled_charge())
    return replace(
        EMPTY,
        **whole,
        arrestee=person,
        charges=(charged,),
        bail=bail(BailType.MONETARY),
        participants=PARTICIPANTS,
    )


def _filled(of: type) -> dict[str, Any]:
    made = {one.name: value_for(of, one.name) for one in optional(of)}
    return {name: value for name, value in made.items() if value is not None}


def _filled_charge() -> dict[str, Any]:
    told = {"counts", "stage", "decided_grade", "reason", "decided_at"}
    made = {one.name: value_for(Charge, one.name) for one in optional(Charge) if one.name not in told}
    return {name: value for name, value in made.items() if value is not None}


FULL = _full()
"""A file in which everything is known that an agreement can name."""
