# SPDX-License-Identifier: Apache-2.0
"""What a recipient can be told about one person, cut into atoms.

Properties say which atoms must never be told, and a difference between two texts is a set of atoms. Both
ways of finding them use this one vocabulary: `exposure` runs `project`, `encode` writes formulas.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from openpars.agreements.model import Grant, Way
from openpars.record.catalogue import CRITERIA, FIELDS


class Kind(StrEnum):
    """What is told. All but BULK hold for one purpose.

    ROW the person is in the share. SHOW a field, at least this finely. SEARCH, WATCH a hit confirms the
    whole value of every field of a key. CRITERIA a subscription by these criteria hears of the person.
    EVERYBODY alerts without criteria. EXPORT every row at once. FETCH by the record's id. IMPLIED a
    condition of the grant: who gets the row knows that it holds. BULK a field comes, at least this
    finely, to somebody who named nobody.
    """

    ROW = "row"
    SHOW = "show"
    SEARCH = "search"
    WATCH = "watch"
    CRITERIA = "criteria"
    EVERYBODY = "everybody"
    EXPORT = "export"
    FETCH = "fetch"
    IMPLIED = "implied"
    BULK = "bulk"


SHOWN = frozenset({Kind.SHOW, Kind.BULK, Kind.IMPLIED})


@dataclass(frozen=True, slots=True)
class Atom:
    """`names`: the field, the key's fields or the criteria. `precision`: of SHOW, BULK and IMPLIED."""

    kind: Kind
    names: tuple[str, ...] = ()
    precision: str | None = None

    @property
    def told(self) -> tuple[tuple[str, str], ...]:
        """The fields this gives away, each at a precision. A key gives its whole value."""
        match self.kind:
            case Kind.SHOW | Kind.BULK | Kind.IMPLIED:
                return ((self.names[0], self.precision or finest(self.names[0])),)
            case Kind.SEARCH | Kind.WATCH:
                return tuple((name, finest(name)) for name in self.names)
            case Kind.CRITERIA:
                return tuple((CRITERIA[name].field, CRITERIA[name].precision) for name in self.names)
            case Kind.ROW | Kind.EVERYBODY | Kind.EXPORT | Kind.FETCH:
                return ()


def finest(field: str) -> str:
    """The finest precision of a field."""
    return FIELDS[field].precisions[-1].name


@cache
def coarser(field: str, precision: str) -> tuple[str, ...]:
    """This precision and every coarser one: whoever is shown one is shown them all."""
    return tuple(one.name for one in FIELDS[field].precisions[: FIELDS[field].rank(precision) + 1])


def hears(grant: Grant) -> bool:
    """Whether somebody who named nobody hears of a row of this grant, if its criteria are known."""
    alerts = Way.ALERT in grant.ways and (grant.alert_all or bool(grant.alert_by))
    return bool(grant.purposes) and (Way.EXPORT in grant.ways or alerts)


def follows(grant: Grant) -> bool:
    """Whether a row of this grant comes to whoever has met the person through another grant's bulk way.

    The record's id is the same in every share of the agreement, so a search grant answers by it. A watch
    needs a key; that its values are known by then is taken as given: nothing keeps them apart.
    """
    watched = Way.ALERT in grant.ways and bool(grant.find_by)
    return bool(grant.purposes) and (Way.SEARCH in grant.ways or watched)


def criteria_sets(names: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """What subscriptions can ask of one grant: each criterion, and all of them together.

    Who can ask for all can ask for any part, so nothing is missed by leaving out the sizes between.
    """
    yield from dict.fromkeys([*((name,) for name in names), *([names] if names else [])])


def grant_atoms(grant: Grant) -> Iterator[Atom]:
    """Every atom that a row of this grant can tell, BULK apart. One that a bar left without purpose: none."""
    if not grant.purposes:
        return
    yield Atom(Kind.ROW)
    for name, precision in grant.show:
        yield from (Atom(Kind.SHOW, (name,), one) for one in coarser(name, precision))
    for name, _ in grant.when.isin:
        yield from (
            Atom(Kind.IMPLIED, (CRITERIA[name].field,), one)
            for one in coarser(CRITERIA[name].field, CRITERIA[name].precision)
        )
    if Way.SEARCH in grant.ways:
        yield Atom(Kind.FETCH)
        yield from (Atom(Kind.SEARCH, fields) for fields in grant.find_by)
    if Way.ALERT in grant.ways:
        yield from (Atom(Kind.WATCH, fields) for fields in grant.find_by)
        yield from (Atom(Kind.CRITERIA, names) for names in criteria_sets(grant.alert_by))
        if grant.alert_all:
            yield Atom(Kind.EVERYBODY)
    if Way.EXPORT in grant.ways:
        yield Atom(Kind.EXPORT)


def bulk_atoms(grants: Iterable[Grant]) -> Iterator[Atom]:
    """Every BULK atom of grants together. None where no grant has a bulk way."""
    every = tuple(grants)
    if not any(hears(grant) for grant in every):
        return
    for grant in every:
        if hears(grant) or follows(grant):
            for name, precision in grant.show:
                yield from (Atom(Kind.BULK, (name,), one) for one in coarser(name, precision))


def all_atoms(grants: Iterable[Grant]) -> tuple[Atom, ...]:
    """Every atom that grants together can tell, once each, in a fixed order."""
    every = tuple(grants)
    found = dict.fromkeys(atom for grant in every for atom in grant_atoms(grant))
    return tuple(found | dict.fromkeys(bulk_atoms(every)))
