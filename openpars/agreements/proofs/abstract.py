# SPDX-License-Identifier: Apache-2.0
"""From an arrest file to the worlds that formulas speak about: what ties the formulas to `project`.

One world for each charge, and one without a charge: something is told about the file if it is told in one of
them (see `vocabulary` for why).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from openpars.agreements.proofs.exposure import Case
from openpars.agreements.proofs.formula import World
from openpars.agreements.proofs.vocabulary import OTHER, UNKNOWN, Vocabulary, conditions, member, micros
from openpars.record.catalogue import (
    CRITERIA,
    FIELDS,
    age_at_arrest,
    charge_value,
    criterion_values,
    value_at,
)
from openpars.record.file import ArrestFile, Charge


def worlds(case: Case, words: Vocabulary, purpose: str, slot: str) -> Iterator[World]:
    """The worlds of one person of a file, for a purpose."""
    fixed = _world(case, words, purpose, slot)
    for charge in (None, *case.file.charges):
        yield fixed | _charge(charge) | {"charge": charge is not None}


def _world(case: Case, words: Vocabulary, purpose: str, slot: str) -> dict[str, bool | int | str]:
    file = case.file
    age, own = age_at_arrest(file), age_at_arrest(file, slot)
    named = member("purpose", purpose)
    return {
        "purpose": named if named in words.sorts["Purpose"] else words.sorts["Purpose"][-1],
        "role": member("role", slot.partition(":")[0]),
        "seal": member("seal", file.seal.value),
        "made": micros(case.made),
        "at": micros(case.at),
        "arrested_at.known": file.arrested_at is not None,
        "arrested_at": 0 if file.arrested_at is None else micros(file.arrested_at),
        "age.known": age is not None,
        "age": age or 0,
        "person.age.known": own is not None,
        "person.age": own or 0,
        **{f"known.{name}": _is_known(name, file, slot) for name in FIELDS},
        **{name: _of_file(name, words, file) for name in conditions() if not CRITERIA[name].of_charge},
    }


def _is_known(name: str, file: ArrestFile, slot: str) -> bool:
    return value_at(name, FIELDS[name].precisions[-1].name, file, slot, file.charges) is not None


def _of_file(name: str, words: Vocabulary, file: ArrestFile) -> str:
    values = criterion_values(name, replace(file, participants=()), "arrestee", ())
    if not values:
        return member(name, UNKNOWN)
    found = member(name, values[0])
    return found if found in words.sorts[f"V.{name}"] else member(name, "_" + OTHER)


def _charge(charge: Charge | None) -> dict[str, bool | int | str]:
    found: dict[str, bool | int | str] = {}
    for name in conditions():
        if CRITERIA[name].of_charge:
            value = None if charge is None else charge_value(name, charge)
            found[name] = member(name, UNKNOWN if value is None else str(value))
    return found
