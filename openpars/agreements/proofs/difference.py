# SPDX-License-Identifier: Apache-2.0
"""What one text tells that another does not: everything, each with a witness.

Every atom that the second text can tell is a claim: "in some case this is new". The solver is asked for a
case in which any claim left is true; the case is made into an invented file; `project` is run under both
texts; the claims that hold there are settled; and so on until the solver says that no case is left. So
nothing is missed that the formulas know of, and nothing is reported that a run does not show.

Terms are compared on their own. Beside that, texts are compared as if the first one went on: else everything
would be new on the first day of every renewal, and nothing could be read from it.

One charge stands for all here, too. Somebody with several charges may be known under the first text by one
and new under the second by another: then the second text's grant stands among those that tell of new people,
since somebody with that other charge alone is new altogether, and what the grant tells is said there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from openpars.agreements.model import Grant, Term, Version
from openpars.agreements.project import ShareRow
from openpars.agreements.proofs.asked import reduced, requests
from openpars.agreements.proofs.atoms import Atom, Kind, bulk_atoms, grant_atoms, hears
from openpars.agreements.proofs.clauses import Clause, otherwise, permitted
from openpars.agreements.proofs.encode import SHARED, Encoding, gives
from openpars.agreements.proofs.exposure import Case, Exposure, expose, heard, row_atoms
from openpars.agreements.proofs.formula import Formula, both, either, no
from openpars.agreements.proofs.proving import (
    Counterexample,
    Unconfirmed,
    Written,
    forever,
    striking,
    telling,
)
from openpars.agreements.proofs.solve import Asker, time_left
from openpars.agreements.proofs.vocabulary import member, micros, vocabulary
from openpars.agreements.proofs.witness import fuller, invent, shrunk
from openpars.record.catalogue import FIELDS, gives_away


class Change(StrEnum):
    """What an item is about, in the order of reading."""

    TERM = "term"
    PURPOSE = "purpose"
    PEOPLE = "people"
    VISIBLE = "visible"
    FINDABLE = "findable"
    PERMITTED = "permitted"


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that is new. `grant`: of PEOPLE, by number. `purpose`: of PURPOSE. `since`, `until`: of TERM.

    `witness` None: nothing is told by it in any case (a clause about limits, a purpose that no file meets).
    """

    change: Change
    atom: Atom | None = None
    grant: int | None = None
    purpose: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    clause: Clause | None = None
    witness: Counterexample | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """`added`: what the new text tells and the old does not; `removed`: the other way round.

    `otherwise`: what is worded differently and tells nothing.
    """

    old: Version
    new: Version
    added: tuple[Item, ...]
    removed: tuple[Item, ...]
    otherwise: tuple[Clause, ...]


@dataclass(frozen=True, slots=True)
class _Claim:
    """Something that may be new: a grant's people, an atom told of people who were seen before, a purpose,
    or anything at all between two instants."""

    change: Change
    atom: Atom = Atom(Kind.ROW)  # noqa: RUF009  (frozen)
    grant: int | None = None
    purpose: str | None = None
    since: datetime | None = None
    until: datetime | None = None


def difference(old: Version, new: Version) -> Difference:
    """Everything that differs. Raises NoSolver, Undecided, Unconfirmed."""
    said = tuple(otherwise(old.agreement, new.agreement))
    return Difference(old, new, gained(old, new), gained(new, old), said)


def gained(before: Version, after: Version) -> tuple[Item, ...]:
    """What `after` tells and `before` does not."""
    claims = tuple(_claims(before, after))
    found = _Compared(before, after).settled(claims)
    items = [
        Item(c.change, c.atom, c.grant, c.purpose, c.since, c.until, witness=found.get(c))
        for c in claims
        if c in found or c.change in {Change.TERM, Change.PURPOSE}
    ]
    clauses = [Item(Change.PERMITTED, clause=one) for one in permitted(before.agreement, after.agreement)]
    return tuple(sorted(_finest(items), key=_place)) + tuple(clauses)


def _place(item: Item) -> tuple[int, int]:
    return list(Change).index(item.change), striking(item.atom or Atom(Kind.ROW))


def _finest(items: list[Item]) -> Iterator[Item]:
    """Of one field only the finest that is new: who is shown it is shown the coarser ones."""
    best: dict[tuple[Kind, str], int] = {}
    for item in items:
        if item.atom is not None and item.atom.precision is not None:
            place = item.atom.kind, item.atom.names[0]
            best[place] = max(_rank(item.atom), best.get(place, 0))
    for item in items:
        atom = item.atom
        coarse = (
            atom is not None and atom.precision is not None and _rank(atom) < best[atom.kind, atom.names[0]]
        )
        if not coarse:
            yield item


def _rank(atom: Atom) -> int:
    return FIELDS[atom.names[0]].rank(atom.precision or "")


def _claims(before: Version, after: Version) -> Iterator[_Claim]:
    yield from (_Claim(Change.TERM, since=a, until=b) for a, b in _longer(before.term, after.term))
    old, new = before.agreement, after.agreement
    yield from (_Claim(Change.PURPOSE, purpose=p) for p in new.purposes if p not in old.purposes)
    fresh = _without_twin(before, after)
    yield from (_Claim(Change.PEOPLE, grant=grant.number) for grant in fresh)
    # What only grants give that stand alike in both texts cannot be new.
    atoms = dict.fromkeys(atom for grant in fresh for atom in grant_atoms(grant))
    for atom in (*atoms, *dict.fromkeys(_in_bulk(new.grants, fresh))):
        if atom.kind in {Kind.ROW, Kind.IMPLIED}:
            continue
        yield _Claim(Change.VISIBLE if atom.kind is Kind.SHOW else Change.FINDABLE, atom)


def _in_bulk(grants: tuple[Grant, ...], fresh: tuple[Grant, ...]) -> Iterator[Atom]:
    """What may newly come in bulk: what new grants show; everything, if one of them tells of everybody."""
    if any(hears(grant) for grant in fresh):
        yield from bulk_atoms(grants)
    elif any(hears(grant) for grant in grants):
        yield from bulk_atoms((*fresh, *(replace(one, show=()) for one in grants if hears(one))))


def _longer(before: Term, after: Term) -> Iterator[tuple[datetime, datetime]]:
    """The spans of the second term that are not in the first."""
    if after.begins < before.begins:
        yield after.begins, min(after.ends, before.begins)
    if after.ends > before.ends:
        yield max(after.begins, before.ends), after.ends


def _without_twin(before: Version, after: Version) -> tuple[Grant, ...]:
    """The grants of the second text that do not stand in the first, word for word, under the same bars."""
    if before.bars != after.bars or before.term.zone != after.term.zone:
        return after.agreement.grants
    known = {replace(grant, number=0) for grant in before.agreement.grants}
    return tuple(grant for grant in after.agreement.grants if replace(grant, number=0) not in known)


class _Compared:
    """Two versions, to be asked in which cases a claim is true."""

    def __init__(self, before: Version, after: Version) -> None:
        self._after = after
        self._before = forever(before)
        self._shared = set(before.agreement.purposes) & set(after.agreement.purposes)
        self._words = vocabulary([before.agreement, after.agreement])
        self._old = Encoding(before, tag="old.", timeless=True)
        self._new = Encoding(after, tag="new.")
        self._grants = {grant.number: grant for grant in after.agreement.grants}
        self._fresh = frozenset(grant.number for grant in _without_twin(before, after))

    def settled(self, claims: tuple[_Claim, ...]) -> dict[_Claim, Counterexample]:
        """The claims that are true in some case, each with its smallest. Raises Unconfirmed."""
        left = {f"claim.{place}": claim for place, claim in enumerate(claims)}
        if not left:
            return {}
        asker = Asker(self._words, self._text(left))
        found: dict[_Claim, Counterexample] = {}
        while left:
            world = asker.ask(left)
            if world is None:
                break
            case = invent(world, named=self._named())
            # The solver leaves out what it need not say: in a fuller file more claims are true at once.
            tries = [
                (one, expose(self._after, one), expose(self._before, one)) for one in (fuller(case), case)
            ]
            shown = {}
            for name, claim in left.items():
                start = next(
                    (one for one, mine, theirs in tries if self._true(claim, one, mine, theirs)), None
                )
                if start is not None:
                    shown[name] = start
            if not shown:
                raise Unconfirmed
            for name, start in shown.items():
                time_left()
                claim = left.pop(name)
                found[claim] = self._smallest(claim, start)
        return found

    def _named(self) -> tuple[str, ...]:
        grants = (*self._old.version.agreement.grants, *self._new.version.agreement.grants)
        return tuple(value for grant in grants for _, values in grant.when.isin for value in values)

    # ------------------------------------------------------------------ formulas

    def _text(self, claims: dict[str, _Claim]) -> str:
        row, known = [Atom(Kind.ROW)], self._words.known
        definitions = {
            **SHARED,
            **self._old.definitions,
            **self._new.definitions,
            "new.served": self._new.told(row, known),
            "old.seen": self._old.told(row, known),
            "old.ever": self._old.told(row, known, whatever=True),
        }
        asked = {name: ("=>", name, self._formula(claim)) for name, claim in claims.items()}
        lines = Written(self._words, definitions).lines(asked.values())
        consts = (f"(declare-const {name} Bool)" for name in claims)
        return "\n".join([*lines[:1], *consts, *lines[1:], "(assert (= made at))", ""])

    def _formula(self, claim: _Claim) -> Formula:
        known = self._words.known
        if claim.since is not None and claim.until is not None:
            return both("new.served", ("<=", micros(claim.since), "at"), ("<", "at", micros(claim.until)))
        if claim.purpose is not None:
            return both("new.served", ("=", "purpose", member("purpose", claim.purpose)))
        shared = either(*(("=", "purpose", member("purpose", one)) for one in sorted(self._shared)))
        if claim.grant is not None:
            fresh = either(both(shared, no("old.seen")), no("old.ever"))
            return both(self._new.served(self._grants[claim.grant]), fresh)
        # What a grant tells that stands alike in the first text, that text tells, too, as long as it goes on.
        atom = claim.atom
        new = self._new.told([atom], known, among=self._fresh)
        if atom.kind is Kind.BULK:
            return both(new, no(self._old.told([atom], known)), True if _guarded(atom) else "old.ever")
        same = both(shared, "old.seen", no(self._old.told([atom], known)))
        other = both("old.ever", no(self._old.told([atom], known, whatever=True)))
        return both(new, either(same, other))

    # ------------------------------------------------------------------ runs

    def _true(self, claim: _Claim, case: Case, mine: Exposure, theirs: Exposure) -> tuple[str, str] | None:
        """The purpose and slot of which the claim is true in this case, by running both texts."""
        for purpose, slot in mine.told:
            if self._new_here(claim, case, mine, theirs, (purpose, slot)):
                return purpose, slot
        return None

    def _new_here(
        self, claim: _Claim, case: Case, mine: Exposure, theirs: Exposure, place: tuple[str, str]
    ) -> bool:
        purpose, slot = place
        if claim.since is not None and claim.until is not None:
            return claim.since <= case.at < claim.until
        if claim.purpose is not None:
            return claim.purpose == purpose
        shared, seen = purpose in self._shared, place in theirs.told
        if claim.grant is not None:
            given = any(row.slot == slot and row.grant == claim.grant for row in mine.rows[purpose])
            return given and ((shared and not seen) or not theirs.sees(slot))
        atom = claim.atom
        if not mine.tells(atom, purpose, slot):
            return False
        if atom.kind is Kind.BULK:
            return not theirs.tells(atom, purpose, slot) and (_guarded(atom) or theirs.sees(slot))
        same = shared and seen and not theirs.tells(atom, purpose, slot)
        return same or (theirs.sees(slot) and not theirs.whatever(atom, slot))

    def _smallest(self, claim: _Claim, case: Case) -> Counterexample:
        mine, theirs = expose(self._after, case), expose(self._before, case)
        place = self._true(claim, case, mine, theirs)
        if place is None:
            raise Unconfirmed
        few = self._few(claim, mine, place)
        # Fewer grants of the first text, too; then what is found must still hold against all of them.
        for before in (self._able(claim, theirs, place), self._before):
            small = self._shrunk(claim, case, few, before)
            if small is not None:
                whole = expose(self._after, small)
                place = self._true(claim, small, whole, expose(self._before, small))
                if place is not None:
                    return Counterexample(small, telling(self._after, small, whole, claim.atom, place))
        raise Unconfirmed

    def _shrunk(self, claim: _Claim, case: Case, few: Version, before: Version) -> Case | None:
        reachable = False

        def place(tried: Case) -> tuple[Exposure, tuple[str, str] | None]:
            mine = expose(few, tried)
            return mine, self._true(claim, tried, mine, expose(before, tried)) if mine.told else None

        def still(tried: Case) -> bool:
            mine, there = place(tried)
            return there is not None and (not reachable or self._asked(claim, few, mine, there))

        mine, there = place(case)
        if there is None:
            return None
        reachable = self._asked(claim, few, mine, there)
        return shrunk(case, few, still)

    def _asked(self, claim: _Claim, version: Version, mine: Exposure, place: tuple[str, str]) -> bool:
        """Whether a request brings it. What is a request itself needs no other."""
        if claim.atom.kind not in {Kind.ROW, Kind.SHOW}:
            return True
        return next(requests(mine, version, claim.atom, *place), None) is not None

    def _few(self, claim: _Claim, mine: Exposure, place: tuple[str, str]) -> Version:
        """As few grants of the second text as show it: a large text is not run for every step down."""
        purpose, slot = place
        if claim.grant is not None:
            return reduced(self._after, frozenset({claim.grant}))
        rows = [row for found in mine.rows.values() for row in found if row.slot == slot]
        if claim.atom.kind is Kind.BULK:
            shows = Atom(Kind.SHOW, claim.atom.names, claim.atom.precision)
            giving = [row for row in rows if shows in row_atoms(self._grants[row.grant], row)]
            straight = [row for row in giving if heard(row)]
            first = straight[:1] or [*(row for row in rows if heard(row))][:1] + giving[:1]
            return reduced(self._after, frozenset(row.grant for row in first))
        for row in mine.rows[purpose]:
            if row.slot == slot and self._gives(row, claim.atom):
                return reduced(self._after, frozenset({row.grant}))
        return reduced(self._after, frozenset(row.grant for row in rows))

    def _gives(self, row: ShareRow, atom: Atom) -> bool:
        """Whether this row alone tells it. Criteria without alerts among the ways tell nothing."""
        told = set(row_atoms(self._grants[row.grant], row))
        wider = (set(atom.names) <= set(one.names) for one in told if one.kind is Kind.CRITERIA)
        return any(wider) if atom.kind is Kind.CRITERIA else atom in told

    def _able(self, claim: _Claim, theirs: Exposure, place: tuple[str, str]) -> Version:
        """The grants of the first text that could tell it, and one that tells of the person at all."""
        purpose, slot = place
        known, atom = self._words.known, claim.atom
        if claim.change not in {Change.VISIBLE, Change.FINDABLE}:
            return self._before
        could = replace(atom, kind=Kind.SHOW) if atom.kind is Kind.BULK else atom
        able = {g.number for g in self._before.agreement.grants if gives(g, could, known) is not False}
        seeing = [row for p in (purpose, *theirs.rows) for row in theirs.rows.get(p, ()) if row.slot == slot]
        hearing = [row for row in seeing if heard(row)] if atom.kind is Kind.BULK else []
        return reduced(self._before, frozenset(able | {row.grant for row in (*seeing[:1], *hearing[:1])}))


def _guarded(atom: Atom) -> bool:
    """Whether the atom gives away something that nobody may be selected by."""
    return any(FIELDS[name].protected for told in atom.told for name in gives_away(*told))
