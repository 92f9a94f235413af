# SPDX-License-Identifier: Apache-2.0
"""Requests by which an atom is told, and what the door answers to them: the rules of the door, on rows.

The door itself stands above this package and reads shares from a database; `tests/agreements` holds the two
against each other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from openpars.agreements.model import Version, Way
from openpars.agreements.project import ShareRow
from openpars.agreements.proofs.atoms import SHOWN, Atom, Kind
from openpars.agreements.proofs.exposure import Case, Exposure, heard, served
from openpars.record.catalogue import CRITERIA, FIELDS
from openpars.record.names import parse_key_value

CASE_NUMBER = "INVENTED-1"


class Ask(StrEnum):
    """What can be asked. FETCH: the record whose id came with the step before."""

    SEARCH = "search"
    WATCH = "watch"
    CRITERIA = "criteria"
    EVERYBODY = "everybody"
    EXPORT = "export"
    FETCH = "fetch"


@dataclass(frozen=True, slots=True)
class Step:
    """One request. `find` holds the values of a key as they are sent."""

    way: Ask
    purpose: str
    find: Mapping[str, object] | None = None
    criteria: Mapping[str, tuple[str, ...]] | None = None


def values_of(combination: tuple[str, ...], strings: tuple[str, ...]) -> dict[str, object]:
    """What to send to find a row by a key: the key's strings, field by field."""
    rest = list(strings)
    found: dict[str, object] = {}
    for field in combination:
        if field == "name":
            found[field] = {"last": rest.pop(0), "first": rest.pop(0)}
        else:
            text = rest.pop(0)
            found[field] = int(text) if field == "age" else text
    return found


def _by_keys(purpose: str, row: ShareRow, *ways: Ask) -> Iterator[Step]:
    """Steps that find the row by its keys, the shortest key first."""
    for way in ways:
        granted = Way.SEARCH if way is Ask.SEARCH else Way.ALERT
        if granted.value in row.ways:
            for fields in sorted(row.keys, key=len):
                yield Step(way, purpose, find=values_of(fields, row.keys[fields]))


def _unnamed(purpose: str, row: ShareRow) -> Iterator[Step]:
    """Steps that bring the row to somebody who names nobody."""
    if Way.ALERT.value in row.ways and row.criteria:
        yield Step(Ask.CRITERIA, purpose, criteria=dict(row.criteria))
    if Way.ALERT.value in row.ways and row.alert_all:
        yield Step(Ask.EVERYBODY, purpose, criteria={})
    if Way.EXPORT.value in row.ways:
        yield Step(Ask.EXPORT, purpose)


def requests(
    exposure: Exposure, version: Version, atom: Atom, purpose: str, slot: str
) -> Iterator[tuple[Step, ...]]:
    """The ways to be told the atom, the plainest first. BULK: whatever the purpose."""
    rows = [(p, row) for p, found in exposure.rows.items() for row in found if row.slot == slot]
    first = tuple(step for p, row in rows if heard(row) for step in _unnamed(p, row))
    for p, row in rows:
        if atom.kind is Kind.BULK:
            yield from _in_bulk(p, row, first) if _row_tells(version, row, atom) else ()
        elif p == purpose:
            yield from _asking(version, atom, p, row, first)


def _in_bulk(purpose: str, row: ShareRow, first: tuple[Step, ...]) -> Iterator[tuple[Step, ...]]:
    yield from ((step,) for step in _unnamed(purpose, row))
    yield from ((step, Step(Ask.FETCH, purpose)) for step in first)
    yield from ((step, watch) for step in first for watch in _by_keys(purpose, row, Ask.WATCH))


def _asking(
    version: Version, atom: Atom, purpose: str, row: ShareRow, first: tuple[Step, ...]
) -> Iterator[tuple[Step, ...]]:
    match atom.kind:
        case Kind.SEARCH | Kind.WATCH:
            if atom.names in row.keys:
                yield (Step(Ask(atom.kind), purpose, find=values_of(atom.names, row.keys[atom.names])),)
        case Kind.CRITERIA:
            if set(atom.names) <= set(row.criteria):
                yield (Step(Ask.CRITERIA, purpose, criteria={one: row.criteria[one] for one in atom.names}),)
        case Kind.EVERYBODY | Kind.EXPORT:
            yield (Step(Ask(atom.kind), purpose, criteria={} if atom.kind is Kind.EVERYBODY else None),)
        case Kind.FETCH:
            met = (*_by_keys(purpose, row, Ask.SEARCH), *first)
            yield from ((step, Step(Ask.FETCH, purpose)) for step in met)
        case _:
            if _row_tells(version, row, atom):
                yield from ((step,) for step in _by_keys(purpose, row, Ask.SEARCH, Ask.WATCH))
                yield from ((step,) for step in _unnamed(purpose, row))
                yield from ((step, Step(Ask.FETCH, purpose)) for step in first)


def received(version: Version, case: Case, steps: tuple[Step, ...]) -> tuple[ShareRow, ...]:
    """The rows that the last of these requests brings."""
    rows: tuple[ShareRow, ...] = ()
    for step in steps:
        met = {row.slot for row in rows}
        rows = tuple(row for row in served(version, step.purpose, case) if _answers(version, step, row, met))
    return rows


def _answers(version: Version, step: Step, row: ShareRow, met: set[str]) -> bool:
    alert = Way.ALERT.value in row.ways
    match step.way:
        case Ask.SEARCH:
            return Way.SEARCH.value in row.ways and _hit(version, step, row, Way.SEARCH)
        case Ask.WATCH:
            return alert and _hit(version, step, row, Way.ALERT)
        case Ask.CRITERIA:
            asked = step.criteria or {}
            granted = _grants(version, step.purpose, Way.ALERT)
            allowed = any(set(asked) <= set(version.agreement.grants[place].alert_by) for place in granted)
            return allowed and alert and all(set(row.criteria.get(n, ())) & set(v) for n, v in asked.items())
        case Ask.EVERYBODY:
            return alert and row.alert_all
        case Ask.EXPORT:
            return Way.EXPORT.value in row.ways
        case Ask.FETCH:
            return Way.SEARCH.value in row.ways and row.slot in met


def _grants(version: Version, purpose: str, way: Way) -> list[int]:
    grants = version.agreement.grants
    return [place for place, one in enumerate(grants) if purpose in one.purposes and way in one.ways]


def _hit(version: Version, step: Step, row: ShareRow, way: Way) -> bool:
    """The key is granted, exactly; and the values as sent make the strings by which the row is found."""
    find = step.find or {}
    granted = (version.agreement.grants[place].find_by for place in _grants(version, step.purpose, way))
    fitting = next((fields for found in granted for fields in found if set(fields) == set(find)), None)
    if fitting is None:
        return False
    sent = tuple(part for field in fitting for part in parse_key_value(field, find[field]))
    return row.keys.get(fitting) == sent


def _row_tells(version: Version, row: ShareRow, atom: Atom) -> bool:
    if atom.kind not in SHOWN:
        return True
    grant = next(one for one in version.agreement.grants if one.number == row.grant)
    (field,), wanted = atom.names, atom.precision or ""
    if atom.kind is Kind.IMPLIED:
        return any(CRITERIA[name].field == field for name, _ in grant.when.isin)
    shown = dict(grant.show).get(field)
    return field in row.body and shown is not None and FIELDS[field].rank(shown) >= FIELDS[field].rank(wanted)


def confirmed(
    version: Version, case: Case, steps: tuple[Step, ...], atom: Atom, slot: str
) -> tuple[ShareRow, ...]:
    """The rows by which these requests tell the atom of that person; none if they do not."""
    rows = received(version, case, steps)
    return tuple(row for row in rows if row.slot == slot and _row_tells(version, row, atom))


def reduced(version: Version, numbers: frozenset[int]) -> Version:
    """The version with these grants alone. What it tells, the whole tells, too: grants add up."""
    grants = tuple(grant for grant in version.agreement.grants if grant.number in numbers)
    return replace(version, agreement=replace(version.agreement, grants=grants))
