# SPDX-License-Identifier: Apache-2.0
"""The closed catalogue: every field an agreement can name, and how to read it from an arrest file.

What is not in this list cannot be shared under any agreement: the pretrial interview, the reasons
and the ability to pay behind a bail, the reason of a charging decision, the magistrate, who
acted and when, the person's internal id. Adding a field here is a decision about every future
agreement; it needs a meaning, a sensitivity and an honest word about what it gives away besides.

Pure: values in, values out.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import cache
from typing import TypeAlias
from zoneinfo import ZoneInfo

from openpars.record.fields import CRITERIA, FIELDS, ORDER, Criterion, Field, Precision, Sensitivity
from openpars.record.file import ArrestFile, Charge, Name, Participant, Role
from openpars.record.names import district_key, identifier_key, key
from openpars.record.pack import pack
from openpars.record.rules import State, step

__all__ = [
    "ARRESTEE",
    "CRITERIA",
    "FIELDS",
    "JSON",
    "ORDER",
    "Criterion",
    "Field",
    "Precision",
    "Sensitivity",
    "age_at_arrest",
    "charge_value",
    "criterion_values",
    "instant",
    "key_strings",
    "participant",
    "slots",
    "state_of",
    "value_at",
    "zone_of",
]

JSON: TypeAlias = "dict[str, JSON] | list[JSON] | str | int | bool | None"

ARRESTEE = "arrestee"  # the slot of the person arrested; participants are `victim:1`, `crime_witness:2`


def zone_of(jurisdiction: str) -> ZoneInfo:
    """The civil time zone of a jurisdiction."""
    return pack(jurisdiction).zone


def participant(file: ArrestFile, slot: str) -> Participant | None:
    """The victim or crime witness in that slot, or None."""
    return next((p for p in file.participants if f"{p.role.value}:{p.number}" == slot), None)


def slots(file: ArrestFile, role: Role) -> tuple[str, ...]:
    """The slots of the file's persons in that role."""
    if role is Role.ARRESTEE:
        return (ARRESTEE,)
    return tuple(f"{p.role.value}:{p.number}" for p in file.participants if p.role is role)


def age_at_arrest(file: ArrestFile, slot: str = ARRESTEE) -> int | None:
    """Age in whole years on the civil day of arrest or filing; the stated age without a birth date."""
    person = file.arrestee if slot == ARRESTEE else participant(file, slot)
    when = file.arrested_at or file.filed_at
    if person is None:
        return None
    if person.birth_date is not None and when is not None:
        day = when.astimezone(zone_of(file.jurisdiction)).date()
        born = person.birth_date
        return day.year - born.year - ((day.month, day.day) < (born.month, born.day))
    return file.arrestee.age_stated if slot == ARRESTEE and person.birth_date is None else None


def state_of(file: ArrestFile) -> str:
    """How far the file has come, as one word; custody is a field of its own and does not ride along."""
    reached = step(file)
    return State.ARRAIGNED.value if reached in {State.RELEASED, State.COMMITTED} else reached.value


def instant(at: datetime) -> str:
    """An instant as text: UTC, with `Z`."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


Reader: TypeAlias = Callable[[ArrestFile, str, tuple[Charge, ...]], JSON]


def _name_of(file: ArrestFile, slot: str) -> Name | None:
    if slot == ARRESTEE:
        return file.arrestee.name
    person = participant(file, slot)
    return None if person is None else person.name


def _name(file: ArrestFile, slot: str, _: tuple[Charge, ...]) -> JSON:
    name = _name_of(file, slot)
    if name is None:
        return None
    return {"last": name.last, "first": name.first, "middle": name.middle, "suffix": name.suffix}


def _initials(file: ArrestFile, slot: str, _: tuple[Charge, ...]) -> JSON:
    name = _name_of(file, slot)
    letters = [part.strip()[:1].upper() for part in (name.first, name.last)] if name else []
    return " ".join(f"{letter}." for letter in letters if letter) or None


def _born(file: ArrestFile, slot: str) -> date | None:
    person = file.arrestee if slot == ARRESTEE else participant(file, slot)
    return None if person is None else person.birth_date


def _birth(length: int) -> Reader:
    def read(file: ArrestFile, slot: str, _: tuple[Charge, ...]) -> JSON:
        born = _born(file, slot)
        return None if born is None else born.isoformat()[:length]

    return read


def _of_arrestee(attribute: str) -> Reader:
    def read(file: ArrestFile, _: str, __: tuple[Charge, ...]) -> JSON:
        value = getattr(file.arrestee, attribute)
        return str(value) if isinstance(value, str) and value else None

    return read


def _of_file(attribute: str) -> Reader:
    def read(file: ArrestFile, _: str, __: tuple[Charge, ...]) -> JSON:
        value = getattr(file, attribute)
        return str(value) if value else None

    return read


def _time(attribute: str) -> Reader:
    def read(file: ArrestFile, _: str, __: tuple[Charge, ...]) -> JSON:
        at = getattr(file, attribute)
        return instant(at) if isinstance(at, datetime) else None

    return read


def _day(attribute: str) -> Reader:
    def read(file: ArrestFile, _: str, __: tuple[Charge, ...]) -> JSON:
        at = getattr(file, attribute)
        return (
            at.astimezone(zone_of(file.jurisdiction)).date().isoformat() if isinstance(at, datetime) else None
        )

    return read


def _ssn(file: ArrestFile, _: str, __: tuple[Charge, ...]) -> JSON:
    number = file.arrestee.ssn
    return f"{number[:3]}-{number[3:5]}-{number[5:]}" if number and len(number) == 9 else None


def _last4(file: ArrestFile, _: str, __: tuple[Charge, ...]) -> JSON:
    number = file.arrestee.ssn
    return number[5:] if number and len(number) == 9 else None


def _present(file: ArrestFile, slot: str, charges: tuple[Charge, ...]) -> JSON:
    # True or absent, never false: "none was given" and "nobody asked" are one thing.
    return True if _ssn(file, slot, charges) is not None else None


def _charges(_: ArrestFile, __: str, charges: tuple[Charge, ...]) -> JSON:
    return [
        {
            "statute": c.statute,
            "text": c.text,
            "grade": c.effective_grade,
            "counts": c.counts,
            "stage": c.stage.value,
        }
        for c in charges
    ] or None


def _charge_values(read: Callable[[Charge], str | None]) -> Reader:
    def values(_: ArrestFile, __: str, charges: tuple[Charge, ...]) -> JSON:
        found: list[JSON] = [*sorted({value for c in charges if (value := read(c)) is not None})]
        return found or None

    return values


def _bail(file: ArrestFile, _: str, __: tuple[Charge, ...]) -> JSON:
    bail = file.bail
    if bail is None or bail.type is None:
        return None
    return {"type": bail.type.value, "amount": bail.amount, "percent": bail.percent, "posted": bail.posted}


def _bail_type(file: ArrestFile, _: str, __: tuple[Charge, ...]) -> JSON:
    return None if file.bail is None or file.bail.type is None else file.bail.type.value


_READERS: dict[tuple[str, str], Reader] = {
    ("name", "whole"): _name,
    ("name", "initials"): _initials,
    ("birth_date", "whole"): _birth(10),
    ("birth_date", "month"): _birth(7),
    ("birth_date", "year"): _birth(4),
    ("age", "whole"): lambda file, slot, _: age_at_arrest(file, slot),
    ("sex", "whole"): _of_arrestee("sex"),
    ("race", "whole"): _of_arrestee("race"),
    ("ethnicity", "whole"): _of_arrestee("ethnicity"),
    ("birth_country", "whole"): _of_arrestee("birth_country"),
    ("birth_place", "whole"): _of_arrestee("birth_place"),
    ("interpreter", "whole"): _of_arrestee("interpreter"),
    ("consular_notice", "whole"): _of_arrestee("consular_notice"),
    ("address", "whole"): _of_arrestee("address"),
    ("ssn", "whole"): _ssn,
    ("ssn", "last4"): _last4,
    ("ssn", "present"): _present,
    ("sid", "whole"): _of_arrestee("sid"),
    ("ppn", "whole"): _of_arrestee("ppn"),
    ("zip", "whole"): _of_arrestee("zip"),
    ("zip", "prefix3"): lambda file, _, __: file.arrestee.zip[:3] if file.arrestee.zip else None,
    ("dc_number", "whole"): _of_file("dc_number"),
    ("otn", "whole"): _of_file("otn"),
    ("docket", "whole"): _of_file("docket"),
    ("district", "whole"): _of_file("district"),
    ("arrested_at", "whole"): _time("arrested_at"),
    ("arrested_at", "day"): _day("arrested_at"),
    ("filed_at", "whole"): _time("filed_at"),
    ("filed_at", "day"): _day("filed_at"),
    ("charges", "whole"): _charges,
    ("charges", "text"): lambda _, __, charges: [c.text for c in charges] or None,
    ("charges", "count"): lambda _, __, charges: len(charges) or None,
    ("charge_grade", "whole"): _charge_values(lambda c: c.effective_grade),
    ("charge_stage", "whole"): _charge_values(lambda c: c.stage.value),
    ("charge_outcome", "whole"): _charge_values(lambda c: charge_value("charge_outcome", c)),
    ("bail", "whole"): _bail,
    ("bail", "type"): _bail_type,
    ("custody", "whole"): _of_file("custody"),
    ("custody_place", "whole"): _of_file("custody_place"),
    ("next_date", "whole"): _time("next_date"),
    ("next_date", "day"): _day("next_date"),
    ("represented", "whole"): _of_file("represented"),
    ("state", "whole"): lambda file, _, __: state_of(file),
}


def value_at(field: str, precision: str, file: ArrestFile, slot: str, charges: tuple[Charge, ...]) -> JSON:
    """The value of one field at one precision, as the JSON a recipient gets; None when unknown.

    `charges` are the charges that may be seen: those that meet the grant's conditions, all of them on
    the same charge. Raises KeyError for a field or precision outside the catalogue.
    """
    # What is recorded about the arrestee is nobody else's, though a victim stands in the same file.
    if slot.partition(":")[0] not in FIELDS[field].roles:
        return None
    return _READERS[field, precision](file, slot, charges)


def key_strings(field: str, file: ArrestFile, slot: str) -> tuple[str, ...] | None:
    """The canonical strings by which a person is found; None when unknown, and unknown is never granted.

    Equal to what `names.parse_key_value` makes of the same value as typed. A key is the whole value
    whatever precision is shown.
    """
    if field == "name":
        name = _name_of(file, slot)
        parts = (key(name.last), key(name.first)) if name else ("", "")
        return parts if all(parts) else None
    precision = "day" if field == "arrested_at" else "whole"
    value = value_at(field, precision, file, slot, ())
    if value is None:
        return None
    text = str(value)
    if field in {"birth_date", "arrested_at", "age"}:
        return (text,)
    text = district_key(text) if field == "district" else identifier_key(text)
    return (text,) if text else None


def criterion_values(name: str, file: ArrestFile, slot: str, charges: tuple[Charge, ...]) -> tuple[str, ...]:
    """The values of one criterion, sorted; empty when unknown, and unknown never matches."""
    criterion = CRITERIA[name]
    value = value_at(criterion.field, criterion.precision, file, slot, charges)
    if isinstance(value, list):
        return tuple(str(one) for one in value)
    if value is None:
        return ()
    return (district_key(str(value)) if name == "district" else str(value),)


def charge_value(name: str, charge: Charge) -> str | None:
    """The value of one criterion about charges, on this charge; None when unknown."""
    if name == "charge_grade":
        return charge.effective_grade
    if name == "charge_outcome":
        return charge.disposition.value if charge.disposition is not None else None
    return charge.stage.value


@cache
def gives_away(field: str, precision: str) -> frozenset[str]:
    """The fields that can be told from this one at this precision: itself, and whatever it is a proxy for."""
    found, left = {field}, [(field, precision)]
    while left:
        name, shown = left.pop()
        for one in FIELDS[name].precisions[: FIELDS[name].rank(shown) + 1]:
            for other in one.proxy_for:
                if other not in found:
                    found.add(other)
                    left.append((other, FIELDS[other].precisions[-1].name))
    return frozenset(found)


@cache
def reveals(field: str, precision: str) -> frozenset[str]:
    """The fields of which somebody who is told this one learns something: what a bar on them holds back, too.

    Beside what it gives away, that is what it contains, and the field of which it is a part: whoever is found
    by the grade of a charge has been told about the charges.
    """
    known = FIELDS[field]
    inside = {name for one in known.precisions[: known.rank(precision) + 1] for name in one.contains}
    whole = {known.part_of} if known.part_of is not None else set()
    return gives_away(field, precision) | inside | whole
