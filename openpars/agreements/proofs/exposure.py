# SPDX-License-Identifier: Apache-2.0
"""What one arrest file tells under a version, found by running `project` on it: no formula in here.

The rules of the door are applied to the rows: exact keys, criteria of one grant, the record's id.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from openpars.agreements.model import Grant, Version, Way
from openpars.agreements.project import ShareRow, project
from openpars.agreements.proofs.atoms import Atom, Kind, coarser, criteria_sets, follows
from openpars.record.catalogue import CRITERIA
from openpars.record.file import ArrestFile


@dataclass(frozen=True, slots=True)
class Case:
    """A file and two instants: when its rows were made, and when they are asked for."""

    file: ArrestFile
    made: datetime
    at: datetime


@dataclass(frozen=True, slots=True)
class Exposure:
    """What is told: `told` by purpose and slot, `bulk` by slot. `rows` are what is served, by purpose."""

    told: Mapping[tuple[str, str], frozenset[Atom]]
    bulk: Mapping[str, frozenset[Atom]]
    rows: Mapping[str, tuple[ShareRow, ...]]

    def whatever(self, atom: Atom, slot: str) -> bool:
        """Whether the atom is told for any purpose."""
        return any(self.tells(atom, purpose, slot) for purpose, one in self.told if one == slot)

    def sees(self, slot: str) -> bool:
        """Whether anything is told of the person, for any purpose."""
        return any(one == slot for _, one in self.told)

    def tells(self, atom: Atom, purpose: str, slot: str) -> bool:
        """Whether the atom is told. A subscription may name any part of the criteria of one grant."""
        if atom.kind is Kind.BULK:
            return atom in self.bulk.get(slot, ())
        told = self.told.get((purpose, slot), frozenset())
        if atom.kind is not Kind.CRITERIA:
            return atom in told
        return any(one.kind is Kind.CRITERIA and set(atom.names) <= set(one.names) for one in told)


def served(version: Version, purpose: str, case: Case) -> tuple[ShareRow, ...]:
    """The rows that are in the share, and that the door still serves."""
    if case.at < case.made:
        return ()
    return tuple(row for row in project(version, purpose, case.file, case.made) if case.at < row.until)


def expose(version: Version, case: Case) -> Exposure:
    """Everything the version tells in this case, whatever the purpose."""
    grants = {grant.number: grant for grant in version.agreement.grants}
    rows = {purpose: served(version, purpose, case) for purpose in version.agreement.purposes}
    told: dict[tuple[str, str], set[Atom]] = defaultdict(set)
    for purpose, found in rows.items():
        for row in found:
            told[purpose, row.slot].update(row_atoms(grants[row.grant], row))
    every = [row for found in rows.values() for row in found]
    bulk = {
        slot: frozenset(_bulk(grants, [r for r in every if r.slot == slot]))
        for slot in {r.slot for r in every}
    }
    return Exposure({place: frozenset(atoms) for place, atoms in told.items()}, bulk, rows)


def row_atoms(grant: Grant, row: ShareRow) -> Iterator[Atom]:
    """Every atom this row tells, BULK apart."""
    yield Atom(Kind.ROW)
    yield from _body(Kind.SHOW, grant, row)
    for name, _ in grant.when.isin:
        criterion = CRITERIA[name]
        for precision in coarser(criterion.field, criterion.precision):
            yield Atom(Kind.IMPLIED, (criterion.field,), precision)
    if Way.SEARCH.value in row.ways:
        yield Atom(Kind.FETCH)
        yield from (Atom(Kind.SEARCH, fields) for fields in row.keys)
    if Way.ALERT.value in row.ways:
        yield from (Atom(Kind.WATCH, fields) for fields in row.keys)
        known = tuple(name for name in grant.alert_by if name in row.criteria)
        yield from (Atom(Kind.CRITERIA, names) for names in criteria_sets(known))
        if row.alert_all:
            yield Atom(Kind.EVERYBODY)
    if Way.EXPORT.value in row.ways:
        yield Atom(Kind.EXPORT)


def _body(kind: Kind, grant: Grant, row: ShareRow) -> Iterator[Atom]:
    for name, precision in grant.show:
        if name in row.body:
            yield from (Atom(kind, (name,), one) for one in coarser(name, precision))


def heard(row: ShareRow) -> bool:
    """Whether somebody who named nobody hears of this row."""
    alerts = Way.ALERT.value in row.ways and (row.alert_all or bool(row.criteria))
    return alerts or Way.EXPORT.value in row.ways


def _bulk(grants: Mapping[int, Grant], rows: list[ShareRow]) -> Iterator[Atom]:
    """The fields of one person that come to somebody who named nobody: straight, or by the record's id."""
    met = any(heard(row) for row in rows)
    for row in rows:
        if heard(row) or (met and follows(grants[row.grant])):
            yield from _body(Kind.BULK, grants[row.grant], row)
