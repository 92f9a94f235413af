# SPDX-License-Identifier: Apache-2.0
"""The properties that can be asked by name. Each says which atoms must never be told, and about whom.

A property is written twice: as a formula for the solver, and as a plain test of an invented case, so that a
counterexample is judged without the formula.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from typing import TypeAlias

from openpars.agreements.bars import child, concerns
from openpars.agreements.language.plain import bar_said
from openpars.agreements.language.words import Words
from openpars.agreements.model import Bar, BarKind, Version
from openpars.agreements.proofs.atoms import Atom, Kind, all_atoms
from openpars.agreements.proofs.encode import PERSON_CHILD, concerned, covers, holds
from openpars.agreements.proofs.exposure import Case
from openpars.agreements.proofs.formula import Formula, both, either, no, one_of
from openpars.agreements.proofs.vocabulary import member
from openpars.record.catalogue import (
    ARRESTEE,
    CRITERIA,
    FIELDS,
    age_at_arrest,
    charge_value,
    gives_away,
    reveals,
)
from openpars.record.file import Role, Seal, Stage

ORIGIN = "birth_country"
NOTHING = "none"  # `no-finer-than:FIELD=none`: never told at all
CHARGED = (Stage.APPROVED, Stage.CHANGED, Stage.FILED)
OUTCOME, CONVICTED = "charge_outcome", "convicted"
_FINDABLE = frozenset({Kind.SEARCH, Kind.WATCH, Kind.CRITERIA, Kind.IMPLIED, Kind.BULK})


Saying: TypeAlias = Callable[[Words], str]
"""What is said, once a language is chosen."""


class UnknownProperty(Exception):
    """There is no property of that name. The message says which there are."""


@dataclass(frozen=True, slots=True)
class Property:
    """`atoms` and `where`: none of these atoms is ever told in such a case. `breaks`: is this such a case?

    `says` completes "proved: …" in plain words of a language.
    """

    name: str
    says: Saying
    atoms: Callable[[Version], tuple[Atom, ...]]
    where: Callable[[Version], Formula]
    breaks: Callable[[Version, Case, str], bool]


def _rows(_: Version) -> tuple[Atom, ...]:
    return (Atom(Kind.ROW),)


def _always(*_: object) -> bool:
    return True


def _victim(_: Version, __: Case, slot: str) -> bool:
    return slot != ARRESTEE


def _juvenile(_: Version, case: Case, slot: str) -> bool:
    age = age_at_arrest(case.file, slot)
    return child(case.file) or (slot != ARRESTEE and age is not None and age < 18)


def _closed(_: Version, case: Case, __: str) -> bool:
    return case.file.seal is not Seal.OPEN


def _outside(version: Version, case: Case, _: str) -> bool:
    return not version.term.covers(case.at)


def _barred(version: Version, case: Case, slot: str) -> bool:
    return any(bar.holds(case.at) and concerns(bar, case.file, slot) for bar in version.bars)


def _uncharged(_: Version, case: Case, __: str) -> bool:
    return not any(charge.stage in CHARGED for charge in case.file.charges)


def _unconvicted(_: Version, case: Case, __: str) -> bool:
    if OUTCOME not in CRITERIA:
        return True
    return not any(charge_value(OUTCOME, charge) == CONVICTED for charge in case.file.charges)


def _convicted(_: Version) -> Formula:
    # A record without outcomes cannot say of anybody that he was convicted.
    if OUTCOME not in CRITERIA:
        return True
    return no(both("charge", ("=", OUTCOME, member(OUTCOME, CONVICTED))))


_OTHERS = [member("role", role.value) for role in Role if role is not Role.ARRESTEE]
_STAGES = [member("charge_stage", stage.value) for stage in CHARGED]


def _telling(secret: str, kinds: frozenset[Kind]) -> Callable[[Version], tuple[Atom, ...]]:
    def atoms(version: Version) -> tuple[Atom, ...]:
        return tuple(
            atom
            for atom in all_atoms(version.agreement.grants)
            if atom.kind in kinds
            and any(secret in gives_away(*told) for told in atom.told)
            # Who may ask by several criteria may ask by each of them.
            and (atom.kind is not Kind.CRITERIA or len(atom.names) == 1)
        )

    return atoms


def _nowhere(_: Version) -> Formula:
    return True


def _by_name(name: str) -> Saying:
    return lambda say: say(f"property.{name}")


def _of_field(key: str, field: str) -> Saying:
    return lambda say: say(f"property.{key}", field=say.field(field))


def _sweep(name: str, secret: str) -> Property:
    return Property(name, _of_field("sweep", secret), _telling(secret, _FINDABLE), _nowhere, _always)


def _about(
    name: str,
    atoms: Callable[[Version], tuple[Atom, ...]],
    where: Callable[[Version], Formula],
    breaks: Callable[[Version, Case, str], bool],
) -> Property:
    """A property whose name alone says which sentence tells it."""
    return Property(name, _by_name(name), atoms, where, breaks)


@cache
def _fixed() -> Mapping[str, Property]:
    made = (
        _about("no-victims-or-witnesses", _rows, lambda _: one_of("role", _OTHERS), _victim),
        _about("no-juveniles", _rows, lambda _: PERSON_CHILD, _juvenile),
        _about(
            "no-sealed-or-expunged",
            _rows,
            lambda _: no(("=", "seal", member("seal", Seal.OPEN.value))),
            _closed,
        ),
        _about("nothing-outside-term", _rows, lambda version: no(covers(version.term, "at")), _outside),
        _sweep("no-sweep-by-origin", ORIGIN),
        _about(
            "bars-respected",
            _rows,
            lambda version: either(*(both(holds(bar, "at"), concerned(bar)) for bar in version.bars)),
            _barred,
        ),
        Property(
            "origin-hidden",
            _of_field("origin-hidden", ORIGIN),
            _telling(ORIGIN, frozenset(Kind)),
            _nowhere,
            _always,
        ),
        _about(
            "only-charged",
            _rows,
            lambda _: no(both("charge", one_of("charge_stage", _STAGES))),
            _uncharged,
        ),
        _about("only-convicted", _rows, _convicted, _unconvicted),
        _about(
            "no-bulk",
            lambda version: tuple(a for a in all_atoms(version.agreement.grants) if a.kind in _BULK),
            _nowhere,
            _always,
        ),
    )
    return {one.name: one for one in made}


_BULK = frozenset({Kind.CRITERIA, Kind.EVERYBODY, Kind.EXPORT})

DEFAULT = (
    "no-victims-or-witnesses",
    "no-juveniles",
    "no-sealed-or-expunged",
    "nothing-outside-term",
    "no-sweep-by-origin",
    "bars-respected",
)
"""What `prove` asks when nothing is named."""

WITH_WORD = {
    "no-sweep-by:FIELD": "the same as no-sweep-by-origin, for any field",
    "no-finer-than:FIELD=PRECISION": (
        "the field is never told more finely than that, by what is shown, by a key (which confirms the whole "
        "value), a criterion or a condition; `none` for not at all"
    ),
    "bar:ID": "the bar of that name is respected, as if it were switched on",
    "subset-of:FILE": "nothing is told that the other agreement does not tell at the same instant",
    "timeless-subset-of:FILE": "the same, as if the other agreement's term never ended",
}
"""Properties that take a word after a colon."""


def fixed() -> Iterable[Property]:
    """The properties that take no word."""
    return _fixed().values()


def named(name: str, bars: Iterable[Bar]) -> Property:
    """The property of that name. `bars`: every bar of the pack, whether it is on or not.

    Raises UnknownProperty. Those about another file are not found here: see `proving`.
    """
    if name in _fixed():
        return _fixed()[name]
    kind, _, word = name.partition(":")
    if kind == "no-finer-than":
        return _no_finer(name, word)
    if kind == "no-sweep-by" and word in FIELDS:
        return _sweep(name, word)
    if kind == "bar":
        return _one_bar(name, word, tuple(bars))
    known = [*_fixed(), *WITH_WORD]
    close = get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f" Did you mean {close[0]}?" if close else ""
    raise UnknownProperty(f"There is no such property.{hint} Known are: {', '.join(known)}.")


def _no_finer(name: str, word: str) -> Property:
    field, _, precision = word.partition("=")
    if field not in FIELDS:
        raise UnknownProperty("Write no-finer-than:FIELD=PRECISION with a field of the catalogue.")
    allowed = [NOTHING, *(one.name for one in FIELDS[field].precisions)]
    if precision not in allowed:
        raise UnknownProperty(f"{field} is told as one of: {', '.join(allowed)}.")
    limit = allowed.index(precision)

    def atoms(version: Version) -> tuple[Atom, ...]:
        return tuple(
            atom
            for atom in all_atoms(version.agreement.grants)
            if any(one == field and allowed.index(shown) > limit for one, shown in atom.told)
        )

    def says(say: Words) -> str:
        if precision == NOTHING:
            return say("property.never-told", field=say.field(field))
        return say("property.no-finer", field=say.field(field), precision=say.how(field, precision))

    return Property(name, says, atoms, _nowhere, _always)


def _held_back(bar: Bar) -> Callable[[Version], tuple[Atom, ...]]:
    """What a bar about fields holds back: whatever tells one of them, in whatever way."""

    def against(atom: Atom) -> bool:
        return any(not reveals(*pair).isdisjoint(bar.fields) for pair in atom.told)

    return lambda version: tuple(one for one in all_atoms(version.agreement.grants) if against(one))


def _of_bar(key: str, bar: Bar) -> Saying:
    return lambda say: say(f"property.{key}", title=bar_said(bar, "title", say))


def _one_bar(name: str, word: str, bars: tuple[Bar, ...]) -> Property:
    found = next((bar for bar in bars if bar.id == word), None)
    if found is None:
        raise UnknownProperty(f"There is no such bar. Known are: {', '.join(bar.id for bar in bars)}.")
    bar = found
    if bar.kind is BarKind.FIELDS:
        return Property(name, _of_bar("bar-fields", bar), _held_back(bar), _nowhere, _always)
    return Property(
        name,
        _of_bar("bar-rows", bar),
        _rows,
        lambda _: both(holds(bar, "at"), concerned(bar)),
        lambda _, case, slot: bar.holds(case.at) and concerns(bar, case.file, slot),
    )
