# SPDX-License-Identifier: Apache-2.0
"""From a solver's world to an invented arrest file, and from there to the smallest one.

Nothing that comes out of here is the solver's word: every step down keeps only what running `project`
still shows, and what remains cannot lose another part.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import date, timedelta
from functools import cache
from typing import Any, TypeAlias, TypeVar, cast

from openpars.agreements.model import Version
from openpars.agreements.proofs import invented
from openpars.agreements.proofs.exposure import Case
from openpars.agreements.proofs.formula import World
from openpars.agreements.proofs.vocabulary import OTHER, UNKNOWN, conditions, instant_of, member_value
from openpars.record.catalogue import ARRESTEE, CRITERIA, FIELDS, Criterion, criterion_values, zone_of
from openpars.record.file import Arrestee, ArrestFile, BailType, Charge, Participant, Role, Seal

Still: TypeAlias = Callable[[Case], bool]

# Where a condition's value stands in a charge, if not under the criterion's own name.
_REST = {"zip_prefix": "34"}  # what makes the value of a condition a whole value
_OF_CHARGE = {"charge_grade": "grade", "charge_stage": "stage", "charge_outcome": "disposition"}


T = TypeVar("T")


def with_values(value: T, changes: Mapping[str, Any]) -> T:
    """`value` with these attributes changed; the names come from the value's own type."""
    changed: T = cast(Any, replace)(value, **changes)
    return changed


def invent(world: World, *, named: tuple[str, ...] = ()) -> Case:
    """A file that is as this world says. `named` are district numbers and the like that texts mention."""
    made, at = (instant_of(int(world[name])) for name in ("made", "at"))
    arrested = instant_of(int(world["arrested_at"])) if world["arrested_at.known"] else None
    known = {name for name in FIELDS if world.get(f"known.{name}")}
    file = replace(invented.EMPTY, arrested_at=arrested, seal=Seal(_value(world, "seal")))
    file = with_values(file, _attributes(ArrestFile, known) | {"arrestee": _filled(invented.PERSON, known)})
    for name in conditions():
        if not CRITERIA[name].of_charge:
            file = _with(file, name, _value(world, name), named)
    if world["charge"]:
        file = replace(file, charges=(_charge(world),))
    return Case(_with_person(file, world, known), made, at)


def _value(world: World, variable: str) -> str:
    return member_value(str(world[variable]))


def _attributes(of: type, known: set[str]) -> dict[str, Any]:
    names = {one.name for one in invented.optional(of)} & known
    return {name: invented.value_for(of, name) for name in names if name != "birth_date"}


def _filled(person: Arrestee, known: set[str]) -> Arrestee:
    return with_values(person, _attributes(Arrestee, known))


def _with(file: ArrestFile, name: str, value: str, named: tuple[str, ...]) -> ArrestFile:
    """The file with the value of one condition about it."""
    if value == UNKNOWN:
        return file
    if name == "bail_type":
        return replace(file, bail=invented.bail(BailType(value)))
    attribute = CRITERIA[name].field
    if value == "_" + OTHER:
        value = _another(CRITERIA[name], named)
    value += _REST.get(name, "")
    if attribute in _names(ArrestFile):
        return with_values(file, {attribute: _typed(ArrestFile, attribute, value)})
    person = with_values(file.arrestee, {attribute: _typed(Arrestee, attribute, value)})
    return replace(file, arrestee=person)


def _another(criterion: Criterion, named: tuple[str, ...]) -> str:
    """A value that no text names. Where all are named, one of another shape, which is nobody's."""
    usual = criterion_values(criterion.name, invented.FULL, ARRESTEE, invented.FULL.charges)
    texts = (*usual, *(text for number in range(1, 1000) for text in (str(number), f"{number:03}")))
    return next((text for text in texts if criterion.fits(text) and text not in named), "0000")


def _typed(of: type, attribute: str, value: str) -> object:
    """A value as the record holds it: a member of its enumeration where it has one."""
    kind: Callable[[str], object] = type(invented.value_for(of, attribute))
    return kind(value)


def _names(of: type) -> set[str]:
    return {one.name for one in invented.optional(of)}


def _charge(world: World) -> Charge:
    values: dict[str, Any] = {}
    for name in conditions():
        if CRITERIA[name].of_charge and (value := _value(world, name)) != UNKNOWN:
            attribute = _OF_CHARGE[name]
            whole = getattr(invented.FULL.charges[0], attribute)
            values[attribute] = type(whole)(value)
    return invented.charge(**values)


def _born(years: int, day: date) -> date:
    """A birth date that makes exactly so many years on that day."""
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return day.replace(year=day.year - years, day=28)


def _with_person(file: ArrestFile, world: World, known: set[str]) -> ArrestFile:
    """The file with the ages the world says, and with a victim or witness if the world is about one."""
    role, when = Role(_value(world, "role")), file.arrested_at or file.filed_at
    day = (when or invented.DAY).astimezone(zone_of(file.jurisdiction)).date()
    arrestee = file.arrestee
    if world["age.known"]:
        years = int(world["age"])
        dated = when is not None and ("birth_date" in known or role is not Role.ARRESTEE)
        arrestee = (
            replace(arrestee, birth_date=_born(years, day)) if dated else replace(arrestee, age_stated=years)
        )
    elif "birth_date" in known and role is Role.ARRESTEE:
        arrestee = replace(arrestee, birth_date=_born(36, day))
    file = replace(file, arrestee=arrestee)
    if role is Role.ARRESTEE:
        return file
    years = int(world["person.age"]) if world["person.age.known"] else 36
    born = _born(years, day) if "birth_date" in known else None
    person = next(one for one in invented.PARTICIPANTS if one.role is role)
    return replace(file, participants=(Participant(1, role, person.name, born),))


def fuller(case: Case) -> Case:
    """The same case with everything said that nobody asked for; people are as old as before."""
    file, person = case.file, case.file.arrestee
    told = {one: value for one in _names(Arrestee) if (value := getattr(person, one)) is not None}
    more = {**{one: invented.value_for(Arrestee, one) for one in _names(Arrestee)}, **told}
    if file.arrested_at is None and file.filed_at is None:
        file = replace(file, filed_at=case.made)
    day = (file.arrested_at or file.filed_at or case.made).astimezone(zone_of(file.jurisdiction)).date()
    if person.birth_date is None:
        more["birth_date"] = None if person.age_stated is None else _born(person.age_stated, day)
    said = {one for one in _names(ArrestFile) if getattr(file, one) is not None}
    rest = {one: invented.value_for(ArrestFile, one) for one in _names(ArrestFile) - said}
    people = tuple(replace(one, birth_date=one.birth_date or _born(36, day)) for one in file.participants)
    return replace(
        case, file=replace(file, **{**rest, "participants": people}, arrestee=replace(person, **more))
    )


def shrunk(case: Case, version: Version, still: Still) -> Case:
    """The smallest case that `still` is one: no part can be left out, no instant is odder than it must be."""
    before = None
    while before != case:
        before = case
        for cut in _cuts():
            smaller = cut(case)
            if smaller != case and still(smaller):
                case = smaller
    return next((plainer for plainer in _plainer(case, version) if still(plainer)), case)


@cache
def _cuts() -> tuple[Callable[[Case], Case], ...]:
    """Every way to leave out one part. A case that does not have the part comes back as it was."""
    return (
        lambda case: replace(case, made=case.at),
        lambda case: replace(case, at=case.made),
        *(_cut_of_file(one.name, one.default) for one in invented.optional(ArrestFile)),
        *(_cut_of_person(one.name, one.default) for one in invented.optional(Arrestee)),
        *(_cut_of_charges(one.name, one.default) for one in invented.optional(Charge)),
        _cut_of_charges("grade", None),
        _cut_of_participants("birth_date", None),
    )


def _cut_of_file(name: str, value: object) -> Callable[[Case], Case]:
    return lambda case: replace(case, file=with_values(case.file, {name: value}))


def _cut_of_person(name: str, value: object) -> Callable[[Case], Case]:
    def cut(case: Case) -> Case:
        return replace(case, file=replace(case.file, arrestee=with_values(case.file.arrestee, {name: value})))

    return cut


def _cut_of_charges(name: str, value: object) -> Callable[[Case], Case]:
    def cut(case: Case) -> Case:
        charges = tuple(with_values(one, {name: value}) for one in case.file.charges)
        return replace(case, file=replace(case.file, charges=charges))

    return cut


def _cut_of_participants(name: str, value: object) -> Callable[[Case], Case]:
    def cut(case: Case) -> Case:
        people = tuple(with_values(one, {name: value}) for one in case.file.participants)
        return replace(case, file=replace(case.file, participants=people))

    return cut


def _plainer(case: Case, version: Version) -> Iterator[Case]:
    """The same file on a plainer day: arrested a day before it is asked about, in the city's morning."""
    begins = version.term.begins
    for at in (begins + timedelta(days=10, hours=10), begins + timedelta(hours=10), begins, case.at):
        for arrested in dict.fromkeys(
            (at - timedelta(days=1), at - timedelta(hours=1), case.file.arrested_at)
        ):
            moved = replace(case.file, arrested_at=arrested if case.file.arrested_at else None)
            yield replace(
                case, file=_aged(case.file, moved), made=at if case.made == case.at else case.made, at=at
            )


def _aged(before: ArrestFile, file: ArrestFile) -> ArrestFile:
    """Everybody as old as before, now that the arrest is on another day."""
    first, second = before.arrested_at, file.arrested_at
    if first is None or second is None:
        return file
    zone = zone_of(file.jurisdiction)
    day, then = second.astimezone(zone).date(), first.astimezone(zone).date()

    def moved(born: date | None) -> date | None:
        if born is None:
            return None
        years = then.year - born.year - ((then.month, then.day) < (born.month, born.day))
        return _born(36, day) if years > 18 else _born(years, day)

    people = tuple(replace(one, birth_date=moved(one.birth_date)) for one in file.participants)
    return replace(
        file,
        participants=people,
        arrestee=replace(file.arrestee, birth_date=moved(file.arrestee.birth_date)),
    )
