# SPDX-License-Identifier: Apache-2.0
"""Asking a solver. It gets a text and nothing else: the text that is stored as the certificate."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from importlib import import_module
from typing import Any

from openpars.agreements.proofs.formula import Formula, smt
from openpars.agreements.proofs.vocabulary import Vocabulary

PATIENCE = 60.0
"""Seconds for one question, where nothing else was said."""

_until: ContextVar[float | None] = ContextVar("until", default=None)


class NoSolver(Exception):
    """The solver is not installed: it comes with the extra `proofs`."""


class Undecided(Exception):
    """The solver gave up. Nothing is proved and nothing refuted."""


@cache
def _z3() -> Any:
    try:
        return import_module("z3")
    except ImportError:
        raise NoSolver from None


def installed() -> bool:
    """Whether there is a solver here."""
    try:
        _z3()
    except NoSolver:
        return False
    return True


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Everything that is asked in here shares so many seconds; what comes after them is undecided."""
    token = _until.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _until.reset(token)


def time_left() -> float:
    """Seconds for the next question. Raises Undecided where there are none."""
    until = _until.get()
    if until is None:
        return PATIENCE
    left = until - time.monotonic()
    if left <= 0:
        raise Undecided
    return min(left, PATIENCE)


def name_and_version() -> str:
    """The solver that answers here. Raises NoSolver."""
    return f"z3 {_z3().get_version_string()}"


def declared(words: Vocabulary) -> Iterator[str]:
    """The lines before any definition: enumerations, variables, what always holds."""
    yield "(set-logic ALL)"
    yield from words.declared()
    for axiom in words.axioms:
        yield f"(assert {smt(axiom)})"


def defined(name: str, formula: Formula) -> str:
    """The line of one definition. Those it rests on stand before it."""
    return f"(define-fun {name} () Bool {smt(formula)})"


class Asker:
    """One text with its declarations, read once; questions are asked one after the other."""

    def __init__(self, words: Vocabulary, text: str) -> None:
        self._words = words
        # A context of its own: enumerations of two texts have the same names and other members.
        self._context = _z3().Context()
        self._solver = _z3().Solver(ctx=self._context)
        self._solver.from_string(text)

    def ask(self, questions: Iterable[str] | None = None) -> Mapping[str, bool | int | str] | None:
        """A world in which the text holds and at least one of these declared truths; None if there is none.

        Raises Undecided.
        """
        z3 = _z3()
        asked = () if questions is None else (z3.Or([z3.Bool(name, self._context) for name in questions]),)
        self._solver.set("timeout", max(1, int(time_left() * 1000)))
        answer = self._solver.check(*asked)
        if answer == z3.unknown:
            raise Undecided
        return None if answer == z3.unsat else self._world(self._solver.model())

    def _world(self, model: Any) -> dict[str, bool | int | str]:
        found = {one.name(): model[one] for one in model.decls()}
        world: dict[str, bool | int | str] = {}
        for variable, sort in self._words.variables.items():
            value = found.get(variable)
            if sort == "Bool":
                world[variable] = value is not None and str(value) == "True"
            elif sort == "Int":
                world[variable] = 0 if value is None else int(value.as_long())
            else:
                world[variable] = self._words.sorts[sort][0] if value is None else str(value)
        return world
