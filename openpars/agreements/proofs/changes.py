# SPDX-License-Identifier: Apache-2.0
"""A difference between two texts in plain words of a language, and as JSON: every item with its witness."""

from __future__ import annotations

from openpars.agreements.language.plain import conditions, purposes
from openpars.agreements.language.words import Words
from openpars.agreements.model import Grant, Term, Version
from openpars.agreements.proofs.atoms import Atom, Kind
from openpars.agreements.proofs.difference import Change, Difference, Item
from openpars.agreements.proofs.words import at_precision, example_json, example_lines, labels, places
from openpars.record.catalogue import JSON


def sentence(item: Item, version: Version, say: Words) -> str:
    """One item in plain words. `version` is the one that tells it."""
    match item.change:
        case Change.TERM:
            return _span(item, version.term, say)
        case Change.PURPOSE:
            given = [grant for grant in version.agreement.grants if item.purpose in grant.purposes]
            told = "; ".join(_grant(version, grant, say) for grant in given)
            return say("difference.purpose", purpose=purposes([item.purpose or ""], say), told=told)
        case Change.PEOPLE:
            grant = next(one for one in version.agreement.grants if one.number == item.grant)
            return say(
                "difference.people",
                number=grant.number,
                purposes=purposes(grant.purposes, say),
                told=_grant(version, grant, say),
            )
        case Change.VISIBLE | Change.FINDABLE:
            return _atom(item.atom or Atom(Kind.ROW), say)
        case Change.PERMITTED:
            return "" if item.clause is None else item.clause.said(say)


def _span(item: Item, term: Term, say: Words) -> str:
    if item.since is None or item.until is None:
        return ""
    since, until = (say.moment(at, term.zone) for at in (item.since, item.until))
    return say("difference.term", since=since, until=until)


def _grant(version: Version, grant: Grant, say: Words) -> str:
    """A grant in one sentence, by the words of the plain text."""
    only = conditions(grant, version.term.zone, say) if grant.purposes else ()
    told = {
        "people": say(f"people.{grant.about.value}"),
        "shown": say.join([at_precision(name, precision, say) for name, precision in grant.show]),
        "conditions": say.join(only),
        "keys": "; ".join(labels(fields, say) for fields in grant.find_by),
    }
    key = "difference.grant" + ("_only" if only else "") + ("_found" if grant.find_by else "")
    return say(key, **told)


def _atom(atom: Atom, say: Words) -> str:
    return say(f"atom.{atom.kind.value}", **places(atom, say, shown=atom.precision is not None))


def text(found: Difference, say: Words) -> str:
    """The whole difference in plain words."""
    old, new = found.old, found.new
    between = {"old": old.agreement.id, "new": new.agreement.id}
    lines = [say("difference.between", **between, old_hash=old.hash[:12], new_hash=new.hash[:12]), ""]
    lines += _half("added", found.added, new, say) or [say("difference.none_added")]
    lines += ["", *(_half("removed", found.removed, old, say) or [say("difference.none_removed")])]
    if found.otherwise:
        lines += ["", say("difference.otherwise")]
        lines += [f"  {one.said(say)}" for one in found.otherwise]
    return "\n".join(lines)


def _half(side: str, items: tuple[Item, ...], version: Version, say: Words) -> list[str]:
    lines: list[str] = []
    for change in Change:
        mine = [item for item in items if item.change is change]
        if mine:
            lines.append(say(f"{side}.{change.value}"))
        for item in mine:
            lines.append(say("difference.item", says=sentence(item, version, say)))
            if item.witness is not None:
                example = example_lines(item.witness.case, item.witness.told, version.term.zone, say)
                lines += [f"      {line}" for line in example]
    return lines


def as_json(found: Difference, say: Words) -> dict[str, JSON]:
    """The whole difference as JSON; what is in words is in those."""
    return {
        "old": {"id": found.old.agreement.id, "hash": found.old.hash},
        "new": {"id": found.new.agreement.id, "hash": found.new.hash},
        "anything_new": bool(found.added),
        "added": [_item(item, found.new, say) for item in found.added],
        "removed": [_item(item, found.old, say) for item in found.removed],
        "otherwise": [one.said(say) for one in found.otherwise],
    }


def _item(item: Item, version: Version, say: Words) -> JSON:
    atom, witness = item.atom, item.witness
    told: JSON = None
    if atom is not None and item.change in {Change.VISIBLE, Change.FINDABLE}:
        told = {"kind": atom.kind.value, "names": [*atom.names], "precision": atom.precision}
    shown = None if witness is None else example_json(witness.case, witness.told, version.term.zone, say)
    return {
        "change": item.change.value,
        "says": sentence(item, version, say),
        "told": told,
        "grant": item.grant,
        "purpose": item.purpose,
        "witness": shown,
    }


def spoken(found: Difference, say: Words) -> dict[str, JSON]:
    """Only what is in words, in the members of `as_json`: what a page in another language needs beside it."""
    return {
        "added": [_spoken(item, found.new, say) for item in found.added],
        "removed": [_spoken(item, found.old, say) for item in found.removed],
        "otherwise": [one.said(say) for one in found.otherwise],
    }


def _spoken(item: Item, version: Version, say: Words) -> JSON:
    shown: JSON = None
    if item.witness is not None:
        lines = example_lines(item.witness.case, item.witness.told, version.term.zone, say)
        shown = {"text": "\n".join(lines)}
    return {"change": item.change.value, "says": sentence(item, version, say), "witness": shown}
