# SPDX-License-Identifier: Apache-2.0
"""The act that sets right what the record had wrong. Pure, like `record.acts`."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from openpars.errors import Code, refuse
from openpars.record import checks, values
from openpars.record.acts import born, standing
from openpars.record.checks import Setting, invalid, prose, read
from openpars.record.file import Arrestee, ArrestFile, Charge, Name
from openpars.record.forms import (
    CLEARABLE,
    Act,
    ArresteeCorrection,
    ChargeCorrection,
    Correction,
    NameCorrection,
)


def correct(file: ArrestFile, form: Correction, setting: Setting) -> ArrestFile:
    """What the record had wrong is set right; the old version stays in the history."""
    standing(file, Act.CORRECT)
    checks.past(form.at, "at", setting)
    prose(form.reason, "reason", setting)
    changed = _cleared(file, form.clear)
    arrested_at = changed.arrested_at
    if form.arrested_at is not None:
        arrested_at = checks.past(form.arrested_at, "arrested_at", setting)
        if changed.arraignment is not None and arrested_at > changed.arraignment.held_at:
            raise invalid("An arrest lies before its arraignment.", "arrested_at")
    changed = replace(
        changed,
        arrested_at=arrested_at,
        arrestee=_corrected_person(changed.arrestee, form.arrestee, arrested_at, setting),
        charges=_corrected_charges(changed.charges, form.charges, setting),
        district=read(values.district, form.district, "district") or changed.district,
        otn=read(values.otn, form.otn, "otn") or changed.otn,
        docket=read(values.docket, form.docket, "docket") or changed.docket,
        next_date=form.next_date.astimezone(UTC) if form.next_date else changed.next_date,
    )
    if form.participants is not None:
        changed = replace(
            changed, participants=checks.participants(form.participants, "participants", setting)
        )
    if changed == file:
        raise refuse(Code.INVALID, "At least one thing that changes.")
    return replace(changed, version=file.version + 1)


def _cleared(file: ArrestFile, names: tuple[str, ...]) -> ArrestFile:
    person, changes = file.arrestee, dict[str, object]()
    for place, name in enumerate(names):
        if name not in CLEARABLE:
            raise invalid(f"One of {', '.join(CLEARABLE)}.", f"clear.{place}")
        part = name.rpartition(".")[2]
        if name.startswith("arrestee.name."):
            person = replace(person, name=replace(person.name, **{part: None}))  # type: ignore[arg-type]
        elif name.startswith("arrestee."):
            person = replace(person, **{part: None})  # type: ignore[arg-type]
        else:
            changes[part] = () if name == "participants" else None
    return replace(file, arrestee=person, **changes)  # type: ignore[arg-type]


def _corrected_person(
    old: Arrestee, form: ArresteeCorrection | None, arrested_at: datetime | None, setting: Setting
) -> Arrestee:
    if form is None:
        return old if old.birth_date is None else _fits(old, arrested_at, setting)
    name = form.name or NameCorrection()
    new = replace(
        old,
        name=checks.name(
            Name(
                name.last or old.name.last,
                name.first or old.name.first,
                name.middle or old.name.middle,
                name.suffix or old.name.suffix,
            ),
            "arrestee.name",
            setting,
        ),
        birth_date=form.birth_date or old.birth_date,
        sex=checks.sex(form.sex, "arrestee.sex", setting) or old.sex,
        race=checks.race(form.race, "arrestee.race", setting) or old.race,
        birth_country=checks.country(form.birth_country, "arrestee.birth_country", setting)
        or old.birth_country,
        ssn=read(values.ssn, form.ssn, "arrestee.ssn") or old.ssn,
        sid=read(values.sid, form.sid, "arrestee.sid") or old.sid,
        ppn=read(values.ppn, form.ppn, "arrestee.ppn") or old.ppn,
        zip=read(values.zip_code, form.zip, "arrestee.zip") or old.zip,
        ethnicity=checks.ethnicity(form.ethnicity, "arrestee.ethnicity", setting) or old.ethnicity,
        birth_place=prose(form.birth_place, "arrestee.birth_place", setting, values.NAME_LIMIT)
        or old.birth_place,
        address=prose(form.address, "arrestee.address", setting, values.ADDRESS_LIMIT) or old.address,
        interpreter=checks.language(form.interpreter, "arrestee.interpreter") or old.interpreter,
        consular_notice=checks.consular_notice(form.consular_notice, "arrestee.consular_notice")
        or old.consular_notice,
    )
    return new if new.birth_date is None else _fits(new, arrested_at, setting)


def _fits(person: Arrestee, arrested_at: datetime | None, setting: Setting) -> Arrestee:
    if person.birth_date is not None:
        born(person.birth_date, arrested_at, setting)
    return person


def _corrected_charges(
    old: tuple[Charge, ...], forms: tuple[ChargeCorrection, ...], setting: Setting
) -> tuple[Charge, ...]:
    by_number = {charge.number: charge for charge in old}
    for place, form in enumerate(forms):
        where = f"charges.{place}"
        charge = by_number.get(form.charge)
        if charge is None:
            raise invalid("The number of one of the file's charges, from 1.", f"{where}.charge")
        grade = checks.grade(form.grade, f"{where}.grade", setting)
        if form.statute is not None:
            statute = checks.statute(form.statute, f"{where}.statute", setting)
            charge = replace(charge, statute=statute.code, text=statute.text)
        if grade is not None:
            # The grade that counts is the one corrected, whoever had given it.
            if charge.decided_grade is not None:
                charge = replace(charge, decided_grade=grade)
            else:
                charge = replace(charge, grade=grade)
        if form.counts is not None:
            charge = replace(charge, counts=checks.counts(form.counts, f"{where}.counts"))
        by_number[form.charge] = charge
    return tuple(by_number.values())
