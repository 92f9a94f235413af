# SPDX-License-Identifier: Apache-2.0
"""The variables that formulas speak about: one person of one arrest file, one purpose, two instants.

`made` is when the row was made (the last time the file changed, or the share was filled), `at` when it is
served. Everything is derived from the catalogue, so a field or criterion added there is spoken about here.

**One charge is enough.** A grant's conditions hold on one and the same charge, so its row exists if some
charge meets them, and what is shown of the charges is told charge by charge. Take a file with many charges
of which something is told that must not be: it is told because of one charge. The same file with that charge
alone still tells it, since taking charges away never adds a row, a charge or a value to what any grant gives,
and a property or another text that did not excuse the larger file excuses the smaller one even less. So a
variable `charge` (is there one?) and the values of that one charge stand for all files.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache

from openpars.agreements.model import Agreement
from openpars.agreements.proofs.formula import Formula, both, either, no
from openpars.agreements.proofs.invented import EMPTY, FULL, charge
from openpars.record.catalogue import ARRESTEE, CRITERIA, FIELDS, charge_value, value_at
from openpars.record.file import Role, Seal

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
FIRST, LAST = datetime(1900, 1, 1, tzinfo=UTC), datetime(2300, 1, 1, tzinfo=UTC)
OLDEST = 300  # years; ages are between minus and plus this, which leaves out nothing a file can hold

UNKNOWN, OTHER = "unknown", "other"
_SIMPLE = re.compile(r"[A-Za-z0-9_-]+")


def micros(at: datetime) -> int:
    """An instant as whole microseconds since 1970."""
    return (at - EPOCH) // MICROSECOND


def instant_of(value: int) -> datetime:
    """The instant of so many microseconds since 1970."""
    return EPOCH + value * MICROSECOND


def member(sort: str, value: str) -> str:
    """The symbol of one member of an enumeration. A symbol tells its value back: see `member_value`."""
    return f"{sort}.{value}" if _SIMPLE.fullmatch(value) else f"{sort}.x.{value.encode().hex()}"


def member_value(symbol: str) -> str:
    """The value behind a symbol."""
    value = symbol.partition(".")[2]
    return bytes.fromhex(value[2:]).decode() if value.startswith("x.") else value


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """`sorts`: enumerations with their members. `variables`: each with its sort. `known`: when each field
    is known. `axioms`: what holds of every file there can be."""

    sorts: Mapping[str, tuple[str, ...]]
    variables: Mapping[str, str]
    known: Mapping[str, Formula]
    axioms: tuple[Formula, ...]

    def declared(self) -> Iterator[str]:
        """The declarations in SMT-LIB 2, in a fixed order."""
        for sort, members in self.sorts.items():
            yield f"(declare-datatypes (({sort} 0)) (({' '.join(f'({one})' for one in members)})))"
        for variable, sort in self.variables.items():
            yield f"(declare-const {variable} {sort})"


def vocabulary(agreements: Iterable[Agreement]) -> Vocabulary:
    """The vocabulary in which these agreements can be spoken about together."""
    texts = tuple(agreements)
    sorts: dict[str, tuple[str, ...]] = {
        "Purpose": (
            *_members("purpose", sorted({p for text in texts for p in text.purposes})),
            OTHER_PURPOSE,
        ),
        "Role": _members("role", [role.value for role in Role]),
        "Seal": _members("seal", [seal.value for seal in Seal]),
    }
    variables = {
        "purpose": "Purpose",
        "role": "Role",
        "seal": "Seal",
        "made": "Int",
        "at": "Int",
        "arrested_at.known": "Bool",
        "arrested_at": "Int",
        "age.known": "Bool",
        "age": "Int",
        "person.age.known": "Bool",
        "person.age": "Int",
        "charge": "Bool",
    }
    for name in conditions():
        sort = f"V.{name}"
        sorts[sort] = _members(name, [*_values(name, texts), UNKNOWN])
        variables[name] = sort
    known = known_fields()
    variables |= {one: "Bool" for one in known.values() if isinstance(one, str) and one.startswith("known.")}
    return Vocabulary(sorts, variables, known, tuple(_axioms(known)))


OTHER_PURPOSE = "purpose._other"  # no purpose begins with a line: this one stands for all that are not named


def _members(sort: str, values: Iterable[str]) -> tuple[str, ...]:
    return tuple(member(sort, value) for value in values)


def conditions() -> tuple[str, ...]:
    """The criteria that grants can make conditions of."""
    return tuple(name for name, criterion in CRITERIA.items() if criterion.condition)


def _values(name: str, texts: tuple[Agreement, ...]) -> list[str]:
    """Its closed values; where they are open, those that are named, and `_other` for all that are not."""
    closed = CRITERIA[name].values
    if closed:
        return [str(value) for value in closed]
    isin = (pair for text in texts for grant in text.grants for pair in grant.when.isin)
    return [*sorted({value for one, values in isin if one == name for value in values}), "_" + OTHER]


def is_known(criterion: str) -> Formula:
    """Whether a condition's value is known. One of a charge is unknown where there is no charge."""
    known = no(("=", criterion, member(criterion, UNKNOWN)))
    return both("charge", known) if CRITERIA[criterion].of_charge else known


@cache
def about_charges() -> frozenset[str]:
    """The fields that read the charges: what they show is told charge by charge."""
    return frozenset(
        name
        for name, field in FIELDS.items()
        for precision in field.precisions
        if value_at(name, precision.name, FULL, ARRESTEE, ()) is None
        and value_at(name, precision.name, FULL, ARRESTEE, FULL.charges) is not None
    )


@cache
def always_known(field: str, precision: str) -> bool:
    """Whether a field says something about every file, even one that holds nothing but a name."""
    return value_at(field, precision, EMPTY, ARRESTEE, ()) is not None


@cache
def known_fields() -> Mapping[str, Formula]:
    """When the value of each field is known."""
    return dict(_known())


def _known() -> Iterator[tuple[str, Formula]]:
    by_field = {CRITERIA[name].field: name for name in conditions()}
    for name in FIELDS:
        if name == "age":
            yield name, "person.age.known"
        elif name in by_field:
            yield name, is_known(by_field[name])
        elif name in about_charges():
            yield name, "charge"
        elif name == "arrested_at":
            yield name, "arrested_at.known"
        elif all(always_known(name, precision.name) for precision in FIELDS[name].precisions):
            yield name, True
        else:
            yield name, f"known.{name}"


def _axioms(known: Mapping[str, Formula]) -> Iterator[Formula]:
    for variable in ("made", "at", "arrested_at"):
        yield both(("<=", micros(FIRST), variable), ("<=", variable, micros(LAST)))
    for variable in ("age", "person.age"):
        yield both(("<=", -OLDEST, variable), ("<=", variable, OLDEST))
    # An age is counted from a birth date on the day of arrest or filing. Only an arrestee's may be stated.
    born, timed = known["birth_date"], either(known["arrested_at"], known["filed_at"])
    arrestee = ("=", "role", member("role", Role.ARRESTEE.value))
    same = both(("=", "person.age.known", "age.known"), ("=", "person.age", "age"))
    yield either(no(arrestee), same)
    yield either(no(arrestee), no(born), ("=", "age.known", timed))
    yield either(arrestee, ("=", "person.age.known", both(born, timed)))
    # What every charge has cannot be unknown of one: its stage.
    for name in conditions():
        if CRITERIA[name].of_charge and charge_value(name, charge()) is not None:
            yield either(no("charge"), is_known(name))
