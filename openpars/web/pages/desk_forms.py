# SPDX-License-Identifier: Apache-2.0
"""From the pages' forms to the acts' forms, and from an act's refusal back to the field it means."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Literal, cast, get_args

from openpars.errors import Refusal
from openpars.record import values
from openpars.record.countries import countries
from openpars.record.file import BailType, Name, Role
from openpars.record.forms import (
    ArraignmentHeld,
    ArresteeForm,
    BailForm,
    Booking,
    ChargeForm,
    ChargingDecisions,
    Decision,
    Outcome,
    Outcomes,
    ParticipantForm,
)
from openpars.record.pack import Pack
from openpars.web.pages.models import ChargeView, Problem
from openpars.web.pages.typed import Typed, country, likely, statute

ROWS = 20  # charges, or other persons, that one page takes

_PLACES = {
    "arrestee.name.last": "last",
    "arrestee.name.first": "first",
    "arrestee.name.middle": "middle",
    "arrestee.name.suffix": "suffix",
    "arrested_at": "arrested_date",
    "held_at": "held_date",
    "bail.type": "bail_type",
    "bail.amount": "amount",
    "bail.percent": "percent",
    "bail.ability_to_pay": "ability_to_pay",
    "bail.reasons": "reasons",
}
_ROW = re.compile(r"(charges|participants|decisions|dispositions)\.(\d+)(?:\.(.+))?")


def rows(typed: Typed, kind: str, *parts: str) -> list[int]:
    """The numbers of the rows in which something was typed."""
    return [n for n in range(1, ROWS + 1) if any(typed.text(f"{kind}-{n}-{part}") for part in parts)]


def booking(typed: Typed, pack: Pack) -> Booking | None:
    """A booking, or None with the problems noted."""
    at = typed.instant("arrested_date", "arrested_time", missing="Write the time of arrest, such as 2014.")
    number = typed.read("dc_number", values.dc_number, missing="A DC number has 8 to 14 digits.")
    arrestee = _arrestee(typed)
    district = typed.read("district", values.district)
    charges = _charges(typed, pack)
    others = _participants(typed)
    if typed.problems or at is None or number is None or arrestee is None:
        return None
    return Booking(
        dc_number=number,
        arrested_at=at,
        arrestee=arrestee,
        district=district,
        participants=others,
        charges=charges,
        same_incident=typed.text("same_incident") == "yes",
    )


def _arrestee(typed: Typed) -> ArresteeForm | None:
    last = typed.read("last", values.name_part, missing="Write the last name.")
    first = typed.read("first", values.name_part, missing="Write the first name.")
    born: date | None = typed.read(
        "birth_date",
        values.day,
        missing="Write the date of birth as month/day/year, such as 3/4/1990.",
    )
    more = {
        "middle": typed.read("middle", values.name_part),
        "suffix": typed.read("suffix", values.name_part),
        "ssn": typed.read("ssn", values.ssn),
        "zip": typed.read("zip", values.zip_code),
        "birth_place": typed.read("birth_place", values.free_text),
        "address": typed.read("address", values.free_text),
        "birth_country": typed.read("birth_country", lambda text: country(countries(), text)),
    }
    if last is None or first is None or born is None:
        return None
    return ArresteeForm(
        name=Name(last, first, more["middle"], more["suffix"]),
        birth_date=born,
        sex=typed.text("sex"),
        race=typed.text("race"),
        birth_country=more["birth_country"],
        ssn=more["ssn"],
        zip=more["zip"],
        ethnicity=typed.text("ethnicity"),
        birth_place=more["birth_place"],
        address=more["address"],
        interpreter=typed.text("interpreter"),
        consular_notice=typed.text("consular_notice"),
    )


def _charges(typed: Typed, pack: Pack) -> tuple[ChargeForm, ...]:
    found = []
    used = rows(typed, "charge", "statute", "grade")
    if not used:
        typed.wrong("charge-1-statute", "Propose at least one charge.")
    for n in used:
        place = f"charge-{n}-statute"
        words = typed.text(place)
        if words is None:
            typed.wrong(place, "Say which statute, or clear the grade of this row.")
            continue
        meant = statute(pack, words)
        if meant is None:
            close = likely(pack, words)
            hint = " or ".join(f"{one.code} ({one.text})" for one in close)
            typed.wrong(
                place,
                f"Which one? {hint}" if hint else "No statute fits. Type its number, such as 2702 A1.",
            )
            continue
        counts = typed.number(f"charge-{n}-counts", "Counts are a whole number, 1 or more.")
        found.append(ChargeForm(meant.code, typed.text(f"charge-{n}-grade"), 1 if counts is None else counts))
    return tuple(found)


def _participants(typed: Typed) -> tuple[ParticipantForm, ...]:
    found = []
    for n in rows(typed, "person", "role", "last", "first"):
        role = typed.text(f"person-{n}-role")
        if role not in {Role.VICTIM, Role.CRIME_WITNESS}:
            typed.wrong(f"person-{n}-role", "Say whether this is a victim or a witness.")
        last = typed.read(f"person-{n}-last", values.name_part, missing="Write the last name.")
        first = typed.read(f"person-{n}-first", values.name_part, missing="Write the first name.")
        if role in {Role.VICTIM, Role.CRIME_WITNESS} and last is not None and first is not None:
            found.append(ParticipantForm(Role(role), Name(last, first)))
    return tuple(found)


def decisions(typed: Typed, charges: tuple[ChargeView, ...], now: datetime) -> ChargingDecisions | None:
    """A decision for each charge that was still proposed, or None with the problems noted."""
    found = []
    for charge in charges:
        if charge.stage != "proposed":
            continue
        place = f"charge-{charge.number}"
        chosen = typed.text(f"{place}-decision")
        grade, reason = typed.text(f"{place}-grade"), typed.text(f"{place}-reason")
        if chosen not in {"approved", "changed", "declined"}:
            typed.wrong(f"{place}-decision", f"Decide charge {charge.number}: approve, change or decline.")
        elif chosen == "changed" and grade is None:
            typed.wrong(f"{place}-grade", f"Choose the new grade of charge {charge.number}.")
        elif chosen == "declined" and reason is None:
            typed.wrong(f"{place}-reason", f"Say why charge {charge.number} is declined.")
        else:
            word = cast("Literal['approved', 'changed', 'declined']", chosen)
            found.append(
                Decision(
                    charge.number,
                    word,
                    grade=grade if word == "changed" else None,
                    reason=reason if word == "declined" else None,
                )
            )
    return None if typed.problems else ChargingDecisions(tuple(found), now)


def arraignment(typed: Typed) -> ArraignmentHeld | None:
    """A preliminary arraignment, or None with the problems noted."""
    at = typed.instant("held_date", "held_time", missing="Write the time of the hearing, such as 0415.")
    magistrate = typed.read("magistrate", values.name_part, missing="Write the magistrate's name.")
    cause = typed.text("probable_cause")
    if cause not in {"yes", "no"}:
        typed.wrong("probable_cause", "Say whether probable cause was found.")
    given = _bail(typed, at, needed=cause == "yes")
    following = typed.instant("next_date", "next_time")
    if typed.problems or at is None:
        return None
    return ArraignmentHeld(
        held_at=at,
        probable_cause=cause == "yes",
        magistrate=magistrate,
        rights_given=typed.text("rights_given") == "yes",
        bail=given,
        next_date=following,
    )


def _bail(typed: Typed, at: datetime | None, *, needed: bool) -> BailForm | None:
    kind = typed.text("bail_type")
    if kind not in {one.value for one in BailType}:
        if needed:
            typed.wrong("bail_type", "Choose the type of bail.")
        return None
    amount = percent = None
    if kind in {"monetary", "nominal", "unsecured"}:
        amount = typed.number("amount", "The amount is in whole dollars, such as 25000.")
    if kind == "monetary":
        percent = typed.number("percent", "The deposit is a whole number of percent, such as 10.")
        if amount is None:
            typed.wrong("amount", "Monetary bail has an amount in whole dollars.")
        if typed.text("ability_to_pay") is None:
            typed.wrong("ability_to_pay", "Monetary bail needs a word on the ability to pay (Rule 528).")
    if kind == "denied" and typed.text("reasons") is None:
        typed.wrong("reasons", "A refusal of bail has its reasons in writing (Rule 520).")
    if at is None:
        return None
    return BailForm(
        type=BailType(kind),
        at=at,
        amount=amount,
        percent=percent,
        ability_to_pay=typed.text("ability_to_pay") if kind == "monetary" else None,
        reasons=typed.text("reasons"),
    )


Word = Literal["convicted", "acquitted", "dismissed", "withdrawn", "diverted", "vacated"]
_OUTCOMES = get_args(Word)


def outcomes(typed: Typed) -> Outcomes | None:
    """The outcomes that were chosen, all of one moment, or None with the problems noted."""
    at = typed.instant("disposed_date", "disposed_time", missing="Write the time, such as 1030.")
    found = []
    for n in _with_outcome(typed):
        chosen = typed.text(f"charge-{n}-disposition")
        if chosen not in _OUTCOMES:
            typed.wrong(f"charge-{n}-disposition", "Choose one of the outcomes.")
        elif at is not None:
            found.append(Outcome(n, cast("Word", chosen), at))
    if not found and not typed.problems:
        typed.wrong("", "Choose the outcome of at least one charge.")
    return None if typed.problems or at is None else Outcomes(tuple(found), at)


def _with_outcome(typed: Typed) -> list[int]:
    return [n for n in range(1, 101) if typed.text(f"charge-{n}-disposition")]


def told(refusal: Refusal, typed: Typed) -> Problem:
    """An act's refusal at the field of the page that it means; without a field, at the top."""
    return Problem(place(refusal.field or "", typed), refusal.detail)


def place(field: str, typed: Typed) -> str:
    """The page's name for a place in an act's form."""
    found = _ROW.fullmatch(field)
    if found is not None:
        return _row_place(found[1], int(found[2]), found[3] or "", typed)
    if field in _PLACES:
        return _PLACES[field]
    name = field.rpartition(".")[2]
    return name if name in typed.fields else ""


def _row_place(kind: str, index: int, part: str, typed: Typed) -> str:
    if kind == "decisions":
        used = [n for n in range(1, 101) if typed.text(f"charge-{n}-decision")]
        return f"charge-{used[index]}-{part or 'decision'}" if index < len(used) else ""
    if kind == "dispositions":
        used = _with_outcome(typed)
        if part == "disposed_at":
            return "disposed_date"
        return f"charge-{used[index]}-disposition" if index < len(used) else ""
    if kind == "charges":
        used, stem, part = rows(typed, "charge", "statute", "grade"), "charge", part or "statute"
    else:
        used, stem = rows(typed, "person", "role", "last", "first"), "person"
        part = part.rpartition(".")[2] or "last"
    return f"{stem}-{used[index]}-{part}" if index < len(used) else ""
