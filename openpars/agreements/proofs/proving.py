# SPDX-License-Identifier: Apache-2.0
"""Proving properties of an agreement: each is proved, or refuted by the smallest invented case.

The solver is asked whether any file, request and instant breaks the property. If none does, it is proved. If
one does, its word is not taken: an invented file is made of it, `project` is run on that, the requests are
answered by the door's rules, and only what then still breaks the property is reported.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from openpars.agreements.bars import bars_for, narrowed, packs
from openpars.agreements.language.canonical import digest
from openpars.agreements.model import Agreement, Bar, Version
from openpars.agreements.project import ShareRow
from openpars.agreements.proofs.asked import Step, confirmed, reduced, requests
from openpars.agreements.proofs.atoms import Atom, Kind, all_atoms
from openpars.agreements.proofs.encode import SHARED, Encoding
from openpars.agreements.proofs.exposure import Case, Exposure, expose, heard
from openpars.agreements.proofs.formula import Formula, both, either, no, smt
from openpars.agreements.proofs.properties import Property, Saying
from openpars.agreements.proofs.solve import Asker, declared, defined
from openpars.agreements.proofs.vocabulary import FIRST, LAST, Vocabulary, vocabulary
from openpars.agreements.proofs.witness import fuller, invent, shrunk


class Unconfirmed(Exception):
    """The solver found a case and `project` does not. One of them is wrong: nothing is reported."""


@dataclass(frozen=True, slots=True)
class Told:
    """An atom told of one person, by these requests; `rows` are what they bring. No steps: the row is in
    the share, and no request reaches it."""

    atom: Atom
    purpose: str
    slot: str
    steps: tuple[Step, ...]
    rows: tuple[ShareRow, ...]


@dataclass(frozen=True, slots=True)
class Counterexample:
    """An invented case that breaks a property, and what is told in it."""

    case: Case
    told: Told


@dataclass(frozen=True, slots=True)
class Verdict:
    """`counterexample` None: proved. `text`: what the solver was asked, in SMT-LIB 2; `unsat` proves it."""

    name: str
    says: Saying
    text: str
    counterexample: Counterexample | None

    @property
    def proved(self) -> bool:
        """Whether it was proved."""
        return self.counterexample is None


@dataclass(frozen=True, slots=True)
class Question:
    """A property of one version as a text for solvers, and the test by which a found case is judged."""

    name: str
    says: Saying
    text: str
    words: Vocabulary
    version: Version
    found: Callable[[Version, Case], Told | None]


def version_to_prove(agreement: Agreement, number: int = 1) -> Version:
    """The agreement under its bars; under none where its provider has no pack, which proves the least."""
    known = agreement.provider in packs()
    bars = bars_for(agreement.provider, agreement.recipient) if known else ()
    return narrowed(Version(agreement, number, digest(agreement), bars))


def pack_bars(agreement: Agreement) -> tuple[Bar, ...]:
    """Every bar of the provider's pack, those the city may switch, too."""
    pack = packs().get(agreement.provider)
    return tuple(bar for bar, _ in (*pack.bars, *pack.switchable)) if pack is not None else ()


class Written:
    """A vocabulary with definitions, each put into words once for all questions that rest on it."""

    def __init__(self, words: Vocabulary, definitions: Mapping[str, Formula]) -> None:
        self.words = words
        self._head = tuple(declared(words))
        self._formulas = definitions
        self._lines: dict[str, tuple[str, frozenset[str]]] = {}

    def _line(self, name: str) -> tuple[str, frozenset[str]]:
        """A definition in words, and the names of those it rests on."""
        if name not in self._lines:
            formula = self._formulas[name]
            self._lines[name] = defined(name, formula), self._named(formula)
        return self._lines[name]

    def _named(self, formula: Formula) -> frozenset[str]:
        found: set[str] = set()
        left: list[Formula] = [formula]
        while left:
            part = left.pop()
            if isinstance(part, tuple):
                left.extend(part)
            elif isinstance(part, str) and part in self._formulas:
                found.add(part)
        return frozenset(found)

    def lines(self, asserted: Iterable[Formula]) -> list[str]:
        """These formulas asserted, after the definitions that they rest on and no others."""
        every = tuple(asserted)
        seen: set[str] = set()
        left = [name for one in every for name in self._named(one)]
        while left:
            name = left.pop()
            if name not in seen:
                seen.add(name)
                left.extend(self._line(name)[1])
        kept = (self._line(name)[0] for name in self._formulas if name in seen)
        return [*self._head, *kept, *(f"(assert {smt(one)})" for one in every)]

    def text(self, question: Formula) -> str:
        """The whole text for a solver: satisfiable exactly if something breaks the property."""
        return "\n".join([*self.lines([question]), "(check-sat)", ""])


@lru_cache(maxsize=1)
def _encoded(version: Version) -> tuple[Encoding, Written]:
    encoding = Encoding(version)
    return encoding, Written(vocabulary([version.agreement]), {**SHARED} | dict(encoding.definitions))


def question(asked: Property, version: Version) -> Question:
    """The property of this version as a question."""
    encoding, written = _encoded(version)
    words, bad = written.words, sorted(asked.atoms(version), key=striking)
    # Whatever is told is told while the version stands; said apart, it is where a solver begins.
    text = written.text(both("standing", asked.where(version), encoding.told(bad, words.known)))

    def found(tried: Version, case: Case) -> Told | None:
        # With fewer grants there are fewer of these atoms and no others.
        return breaking(asked, bad, tried, case)

    return Question(asked.name, asked.says, text, words, version, found)


def subset_question(name: str, says: Saying, version: Version, other: Version, *, timeless: bool) -> Question:
    """Whether the version tells something that the other does not tell at the same instant."""
    words = vocabulary([version.agreement, other.agreement])
    mine, theirs = Encoding(version), Encoding(other, tag="other.", timeless=timeless)
    atoms = tuple(atom for atom in all_atoms(version.agreement.grants) if atom.kind is not Kind.IMPLIED)
    more = either(*(both(mine.told([a], words.known), no(theirs.told([a], words.known))) for a in atoms))
    definitions = {**SHARED} | dict(mine.definitions) | dict(theirs.definitions)
    text = Written(words, definitions).text(both(("=", "made", "at"), more))

    def found(tried: Version, case: Case) -> Told | None:
        return beyond(tried, forever(other) if timeless else other, case)

    return Question(name, says, text, words, version, found)


def forever(version: Version) -> Version:
    """The version as if its term had neither beginning nor end."""
    whole = replace(version.term, begins=FIRST, ends=LAST)
    return replace(version, agreement=replace(version.agreement, term=whole))


def breaking(asked: Property, bad: Sequence[Atom], version: Version, case: Case) -> Told | None:
    """What the case tells that the property forbids, by `project` and the door's rules alone.

    `bad`: the atoms that are forbidden, what shows most first.
    """
    exposure = expose(version, case)
    for purpose, slot in exposure.told:
        if asked.breaks(version, case, slot):
            for atom in bad:
                if exposure.tells(atom, purpose, slot):
                    return telling(version, case, exposure, atom, (purpose, slot))
    return None


_ORDER = (
    Kind.ROW, Kind.CRITERIA, Kind.EVERYBODY, Kind.BULK, Kind.EXPORT, Kind.SEARCH, Kind.WATCH, Kind.SHOW,
    Kind.FETCH, Kind.IMPLIED,
)  # fmt: skip


def striking(atom: Atom) -> int:
    """The order in which atoms are chosen to show what is wrong: what shows most comes first."""
    return _ORDER.index(atom.kind)


def beyond(version: Version, other: Version, case: Case) -> Told | None:
    """What the version tells in this case and the other does not."""
    mine, theirs = expose(version, case), expose(other, case)
    atoms = sorted(all_atoms(version.agreement.grants), key=striking)
    for purpose, slot in mine.told:
        for atom in atoms:
            more = mine.tells(atom, purpose, slot) and not theirs.tells(atom, purpose, slot)
            if more and atom.kind is not Kind.IMPLIED:
                return telling(version, case, mine, atom, (purpose, slot))
    return None


def telling(version: Version, case: Case, exposure: Exposure, atom: Atom, place: tuple[str, str]) -> Told:
    """The atom with the plainest requests that bring it. `exposure`: of this case. `place`: purpose, slot."""
    purpose, slot = place
    for steps in requests(exposure, version, atom, purpose, slot):
        rows = confirmed(version, case, steps, atom, slot)
        if rows:
            return Told(atom, purpose, slot, steps, rows)
    return Told(atom, purpose, slot, (), tuple(row for row in exposure.rows[purpose] if row.slot == slot))


def settle(asked: Question) -> Verdict:
    """Ask the solver. Raises NoSolver, Undecided, Unconfirmed."""
    world = Asker(asked.words, asked.text).ask()
    if world is None:
        return Verdict(asked.name, asked.says, asked.text, None)
    case = invent(world, named=_named(asked.version.agreement))
    return Verdict(asked.name, asked.says, asked.text, smallest(asked.version, case, asked.found))


def _named(agreement: Agreement) -> tuple[str, ...]:
    return tuple(v for grant in agreement.grants for _, values in grant.when.isin for v in values)


def smallest(version: Version, case: Case, found: Callable[[Version, Case], Told | None]) -> Counterexample:
    """The smallest case in which something is still found, judged under the whole version at the end."""
    # The solver leaves out what it need not say, keys too: in a fuller file more is told, and by requests.
    tries = ((one, found(version, one)) for one in (fuller(case), case))
    start = [(one, told) for one, told in tries if told is not None]
    if not start:
        raise Unconfirmed
    case, first = max(start, key=lambda pair: bool(pair[1].steps))
    few = _fewest(version, case, found, first)

    def still(tried: Case) -> bool:
        told = found(few, tried)
        return told is not None and told.atom == first.atom and bool(told.steps) >= bool(first.steps)

    small = shrunk(case, few, still)
    told = found(few, small)
    if told is None or (found(version, small) is None):
        raise Unconfirmed
    # The requests are answered under the whole version, not under the few grants that suffice.
    rows = confirmed(version, small, told.steps, told.atom, told.slot) if told.steps else told.rows
    if not rows:
        raise Unconfirmed
    return Counterexample(small, replace(told, rows=rows))


def _fewest(
    version: Version, case: Case, found: Callable[[Version, Case], Told | None], first: Told
) -> Version:
    """As few grants as show it: one, or one and another that leads to it; else all that give rows."""
    rows = [row for served in expose(version, case).rows.values() for row in served if row.slot == first.slot]
    giving = list(dict.fromkeys(row.grant for row in first.rows))[:3]
    leading = list(dict.fromkeys(row.grant for row in rows if heard(row)))[:3]
    tries = (
        *(frozenset({one}) for one in giving),
        *(frozenset({one, lead}) for lead in leading for one in giving),
    )
    for some in tries:
        small = reduced(version, some)
        told = found(small, case)
        if told is not None and told.atom == first.atom and bool(told.steps) >= bool(first.steps):
            return small
    return reduced(version, frozenset(row.grant for row in rows))
