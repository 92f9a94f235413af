# SPDX-License-Identifier: Apache-2.0
"""A difference between two texts in plain words, and as JSON: every item with its witness."""

from __future__ import annotations

from collections.abc import Mapping

from openpars.agreements.language.plain import join, moment, sections
from openpars.agreements.model import Grant, Term, Version
from openpars.agreements.proofs.atoms import Atom, Kind
from openpars.agreements.proofs.difference import Change, Difference, Item
from openpars.agreements.proofs.words import at_precision, example_json, example_lines, labels, people
from openpars.record.catalogue import CRITERIA, FIELDS, JSON

_ADDED = {
    Change.TERM: "New: in force",
    Change.PURPOSE: "New: purposes",
    Change.PEOPLE: "New: people of whom nothing was told",
    Change.VISIBLE: "New: shown",
    Change.FINDABLE: "New: findable",
    Change.PERMITTED: "New: permitted",
}
_REMOVED = {
    Change.TERM: "No longer: in force",
    Change.PURPOSE: "No longer: purposes",
    Change.PEOPLE: "No longer: people of whom nothing is told any more",
    Change.VISIBLE: "No longer: shown",
    Change.FINDABLE: "No longer: findable",
    Change.PERMITTED: "No longer: permitted",
}


def sentence(item: Item, version: Version) -> str:
    """One item in plain words. `version` is the one that tells it."""
    match item.change:
        case Change.TERM:
            return _span(item, version.term)
        case Change.PURPOSE:
            given = [grant for grant in version.agreement.grants if item.purpose in grant.purposes]
            told = "; ".join(_grant(version, grant) for grant in given)
            return f"the purpose {item.purpose}, for which is told: {told}"
        case Change.PEOPLE:
            grant = next(one for one in version.agreement.grants if one.number == item.grant)
            return f"grant {grant.number}, for {join(list(grant.purposes))}: {_grant(version, grant)}"
        case Change.VISIBLE | Change.FINDABLE:
            return _atom(item.atom or Atom(Kind.ROW))
        case Change.PERMITTED:
            return item.clause or ""


def _span(item: Item, term: Term) -> str:
    if item.since is None or item.until is None:
        return ""
    return f"from {moment(item.since, term.zone)} until {moment(item.until, term.zone)}"


def _grant(version: Version, grant: Grant) -> str:
    """A grant in one sentence, by the words of the plain text."""
    section = next(one for one in sections(version) if one.id == f"grant-{grant.number}")
    shown = join([at_precision(name, precision) for name, precision in grant.show])
    only = f", only if {join(list(section.points))}" if section.points else ""
    keys = "; ".join(labels(fields) for fields in grant.find_by)
    found = f"; found by {keys}" if keys else ""
    return f"{people(grant.about.value)}{only}: {shown}{found}"


_ATOMS = {
    Kind.SHOW: "{told}",
    Kind.SEARCH: "a search by {fields}",
    Kind.WATCH: "a watch by {fields}",
    Kind.CRITERIA: "alerts by {criteria}, about people whom nobody named",
    Kind.EVERYBODY: "alerts about everybody",
    Kind.EXPORT: "an export of every row",
    Kind.FETCH: "a record by its id",
    Kind.BULK: "{told}, by whoever receives every row: it can be sorted and searched at home",
    Kind.ROW: "a row",
    Kind.IMPLIED: "{told}, by a condition",
}


def _atom(atom: Atom) -> str:
    fields = labels(name for name in atom.names if name in FIELDS)
    criteria = join([CRITERIA[name].label for name in atom.names if name in CRITERIA])
    told = at_precision(atom.names[0], atom.precision) if atom.precision is not None else ""
    return _ATOMS[atom.kind].format(told=told, fields=fields, criteria=criteria)


def text(found: Difference) -> str:
    """The whole difference in plain words."""
    old, new = found.old, found.new
    lines = [f"From {old.agreement.id} ({old.hash[:12]}) to {new.agreement.id} ({new.hash[:12]})", ""]
    lines += _half(_ADDED, found.added, new) or ["Nothing is newly visible, findable or permitted."]
    lines += ["", *(_half(_REMOVED, found.removed, old) or ["Nothing is taken away."])]
    if found.otherwise:
        lines += ["", "Worded differently, with no effect on what is told:"]
        lines += [f"  {one}" for one in found.otherwise]
    return "\n".join(lines)


def _half(titles: Mapping[Change, str], items: tuple[Item, ...], version: Version) -> list[str]:
    lines: list[str] = []
    for change, heading in titles.items():
        mine = [item for item in items if item.change is change]
        if mine:
            lines.append(f"{heading}")
        for item in mine:
            lines.append(f"  * {sentence(item, version)}")
            if item.witness is not None:
                example = example_lines(item.witness.case, item.witness.told, version.term.zone)
                lines += [f"      {line}" for line in example]
    return lines


def as_json(found: Difference) -> dict[str, JSON]:
    """The whole difference as JSON."""
    return {
        "old": {"id": found.old.agreement.id, "hash": found.old.hash},
        "new": {"id": found.new.agreement.id, "hash": found.new.hash},
        "anything_new": bool(found.added),
        "added": [_item(item, found.new) for item in found.added],
        "removed": [_item(item, found.old) for item in found.removed],
        "otherwise": [*found.otherwise],
    }


def _item(item: Item, version: Version) -> JSON:
    atom, witness = item.atom, item.witness
    told: JSON = None
    if atom is not None and item.change in {Change.VISIBLE, Change.FINDABLE}:
        told = {"kind": atom.kind.value, "names": [*atom.names], "precision": atom.precision}
    shown = None if witness is None else example_json(witness.case, witness.told, version.term.zone)
    return {
        "change": item.change.value,
        "says": sentence(item, version),
        "told": told,
        "grant": item.grant,
        "purpose": item.purpose,
        "witness": shown,
    }
