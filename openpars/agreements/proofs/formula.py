# SPDX-License-Identifier: Apache-2.0
"""Formulas as values: written as SMT-LIB 2 for solvers, evaluated in Python for the cross-check.

A formula is a truth value, a whole number, a symbol, or a tuple whose first member is an operator. Both
readings go by the same value, so that what is compared with `project` is what a solver was asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias

Formula: TypeAlias = "bool | int | str | tuple[Formula, ...]"
World: TypeAlias = "Mapping[str, bool | int | str]"
"""A value for every variable. A member of an enumeration is its own symbol."""


def both(*parts: Formula) -> Formula:
    """All of them; true when there are none."""
    kept = [part for part in parts if part is not True]
    if any(part is False for part in kept):
        return False
    return kept[0] if len(kept) == 1 else ("and", *kept) if kept else True


def either(*parts: Formula) -> Formula:
    """At least one of them; false when there are none."""
    kept = list(dict.fromkeys(part for part in parts if part is not False))
    if any(part is True for part in kept):
        return True
    return kept[0] if len(kept) == 1 else ("or", *kept) if kept else False


def no(part: Formula) -> Formula:
    """Its opposite."""
    return (not part) if isinstance(part, bool) else ("not", part)


def one_of(variable: str, members: Iterable[str]) -> Formula:
    """The variable is one of these members of its enumeration."""
    return either(*(("=", variable, member) for member in members))


def smt(formula: Formula) -> str:
    """The formula as an SMT-LIB 2 term."""
    if isinstance(formula, bool):
        return "true" if formula else "false"
    if isinstance(formula, int):
        return str(formula) if formula >= 0 else f"(- {-formula})"
    if isinstance(formula, str):
        return formula
    return "(" + " ".join(smt(part) for part in formula) + ")"


def _numbers(parts: list[bool | int | str]) -> list[int]:
    if any(isinstance(part, str) for part in parts):
        raise TypeError("a number was expected")
    return [int(part) for part in parts]


_COMPARED: Mapping[str, Callable[[int, int], bool]] = {
    "<": lambda one, other: one < other,
    "<=": lambda one, other: one <= other,
}


class Truth:
    """Evaluates formulas in one world. `defined` are the formulas behind names; each is worked out once."""

    def __init__(self, world: World, defined: Mapping[str, Formula]) -> None:
        self._world = world
        self._defined = defined
        self._found: dict[str, bool | int | str] = {}

    def holds(self, formula: Formula) -> bool:
        """Whether it is true here."""
        return self._value(formula) is True

    def _value(self, formula: Formula) -> bool | int | str:
        if isinstance(formula, str):
            return self._named(formula)
        if not isinstance(formula, tuple):
            return formula
        operator, *rest = formula
        match operator:
            case "and":
                return all(self._value(part) is True for part in rest)
            case "or":
                return any(self._value(part) is True for part in rest)
            case "not":
                return self._value(rest[0]) is not True
            case "=":
                return self._value(rest[0]) == self._value(rest[1])
            case "+":
                return sum(_numbers([self._value(part) for part in rest]))
            case "<" | "<=":
                one, other = _numbers([self._value(part) for part in rest])
                return _COMPARED[operator](one, other)
            case _:
                raise ValueError("there is no such operator")

    def _named(self, name: str) -> bool | int | str:
        if name in self._world:
            return self._world[name]
        if name not in self._defined:
            return name
        if name not in self._found:
            self._found[name] = self._value(self._defined[name])
        return self._found[name]
