# SPDX-License-Identifier: Apache-2.0
"""`agreements.project` as formulas: when a row of each grant is served, and what it then tells.

A row made at `made` is served at `at` if `project` made it and its `until` has not come. So a statement
about what is served speaks about `project` and about the instants at which rows leave, too.

Whatever of an agreement, a condition or a bar is not known here stops the encoding: a proof about half a
text would be a proof about another text.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, time, timedelta
from functools import cache, cached_property
from zoneinfo import ZoneInfo

from openpars.agreements.bars import ADULT
from openpars.agreements.model import Bar, BarKind, Grant, Term, Version, Way, When
from openpars.agreements.proofs.atoms import Atom, Kind, follows, grant_atoms, hears
from openpars.agreements.proofs.formula import Formula, both, either, no, one_of
from openpars.agreements.proofs.vocabulary import always_known, is_known, known_fields, member, micros
from openpars.record.catalogue import CRITERIA, FIELDS
from openpars.record.file import Role, Seal

_A_DAY = timedelta(days=1)
_DAY = 86_400_000_000  # microseconds

CHILD: Formula = either(no("age.known"), ("<", "age", ADULT))
PERSON_CHILD: Formula = either("child", both("person.age.known", ("<", "person.age", ADULT)))
OPEN: Formula = ("=", "seal", member("seal", Seal.OPEN.value))
SHARED: Mapping[str, Formula] = {"child": CHILD, "person.child": PERSON_CHILD}
"""Definitions that no agreement has a say in."""

_GRANT = {"number", "about", "purposes", "when", "show", "find_by", "alert_by", "ways", "alert_all"}
_WHEN = {"isin", "arrested_within_days", "arrested_from", "arrested_through"}
if {one.name for one in fields(Grant)} != _GRANT or {one.name for one in fields(When)} != _WHEN:
    raise TypeError("the language of agreements says more than is encoded here")


def concerned(bar: Bar) -> Formula:
    """Whether a bar, while it holds, takes the person out. As `bars.concerns`."""
    match bar.kind:
        case BarKind.ROLE:
            return one_of("role", [member("role", role.value) for role in bar.roles])
        case BarKind.JUVENILE:
            return "person.child"
        case BarKind.SEAL:
            return one_of("seal", [member("seal", state.value) for state in bar.states])
        case BarKind.EVERYTHING:
            return True
        case BarKind.COMPARTMENT | BarKind.FIELDS:
            return False  # FIELDS: what it holds back is not in the version that is encoded (`bars.narrowed`)


def holds(bar: Bar, instant: str) -> Formula:
    """Whether a bar holds at an instant. As `Bar.holds`."""
    return both(
        True if bar.begins is None else ("<=", micros(bar.begins), instant),
        True if bar.ends is None else ("<", instant, micros(bar.ends)),
    )


def covers(term: Term, instant: str) -> Formula:
    """Whether the term covers an instant. As `Term.covers`."""
    return both(("<=", micros(term.begins), instant), ("<", instant, micros(term.ends)))


@cache
def _day_reached(day: date, zone: str) -> Formula:
    """Whether the arrest was on this civil day of the zone, or later.

    Where the clocks change near midnight a day may begin twice, so there the minutes are looked at.
    """
    place = ZoneInfo(zone)
    middle = datetime.combine(day, time(), tzinfo=place).astimezone(UTC)
    before, after = middle - _A_DAY, middle + _A_DAY
    if before.astimezone(place).utcoffset() == after.astimezone(place).utcoffset():
        return ("<=", micros(middle), "arrested_at")
    spans: list[Formula] = []
    opened: datetime | None = None
    for minute in (before + timedelta(minutes=count) for count in range(2 * 24 * 60)):
        inside = minute.astimezone(place).date() >= day
        if inside and opened is None:
            opened = minute
        elif not inside and opened is not None:
            spans.append(both(("<=", micros(opened), "arrested_at"), ("<", "arrested_at", micros(minute))))
            opened = None
    return either(*spans, ("<=", micros(opened or after), "arrested_at"))


def meets(when: When, zone: str) -> Formula:
    """Whether the conditions hold, at both instants. Unknown never matches. `zone`: of civil days."""
    parts: list[Formula] = [
        one_of(name, [member(name, str(value)) for value in values]) for name, values in when.isin
    ]
    if any(CRITERIA[name].of_charge for name, _ in when.isin):
        parts.append("charge")
    if when.arrested_within_days is not None:
        # Days only run out: who is still inside at `at` was inside at `made`.
        leaves: Formula = ("+", "arrested_at", when.arrested_within_days * _DAY)
        parts += ["arrested_at.known", ("<", "made", leaves), ("<", "at", leaves)]
    if when.arrested_from is not None:
        parts += ["arrested_at.known", _day_reached(when.arrested_from, zone)]
    if when.arrested_through is not None:
        parts += ["arrested_at.known", no(_day_reached(when.arrested_through + _A_DAY, zone))]
    return both(*dict.fromkeys(parts))


@dataclass(frozen=True)
class Encoding:
    """One version as formulas. `tag` keeps the names of two versions apart.

    `timeless` leaves out the term, so that what two texts say can be compared where only one holds.
    """

    version: Version
    tag: str = ""
    timeless: bool = False

    @cached_property
    def definitions(self) -> Mapping[str, Formula]:
        """Names and the formulas behind them, each after those it needs."""
        term, bars = self.version.term, self.version.bars
        made: dict[str, Formula] = {}
        for place, bar in enumerate(bars, start=1):
            made[f"{self.tag}bar.{place}.concerns"] = concerned(bar)
        made[f"{self.tag}standing"] = both(
            OPEN,
            True if self.timeless else covers(term, "made"),
            *(no(both(holds(bar, "made"), one)) for bar, one in zip(bars, self._concerns, strict=True)),
            ("<=", "made", "at"),
            True if self.timeless else ("<", "at", micros(term.ends)),
            # The row leaves when a bar begins to take the person out.
            *(
                no(both(one, ("<", "made", micros(bar.begins)), ("<=", micros(bar.begins), "at")))
                for bar, one in zip(bars, self._concerns, strict=True)
                if bar.begins is not None
            ),
        )
        for name, (about, when) in self._cases.items():
            made[name] = both(
                f"{self.tag}standing", ("=", "role", member("role", about.value)), meets(when, term.zone)
            )
        known, grants = known_fields(), self.version.agreement.grants
        # Somebody who named nobody has met the person.
        made[f"{self.tag}met"] = either(*(both(self.people(g), heard(g, known)) for g in grants if hears(g)))
        return made

    @property
    def _concerns(self) -> tuple[str, ...]:
        return tuple(f"{self.tag}bar.{place}.concerns" for place in range(1, len(self.version.bars) + 1))

    @cached_property
    def _cases(self) -> Mapping[str, tuple[Role, When]]:
        return {name: case for case, name in self._names.items()}

    @cached_property
    def _names(self) -> Mapping[tuple[Role, When], str]:
        # Grants that speak of the same people under the same conditions share one definition.
        found: dict[tuple[Role, When], str] = {}
        for grant in self.version.agreement.grants:
            found.setdefault((grant.about, grant.when), f"{self.tag}people.{grant.number}")
        return found

    @cached_property
    def _people(self) -> Mapping[int, str]:
        return {one.number: self._names[one.about, one.when] for one in self.version.agreement.grants}

    @cached_property
    def _served(self) -> Mapping[int, Formula]:
        return {
            one.number: both(
                one_of("purpose", [member("purpose", p) for p in one.purposes]), self.people(one)
            )
            for one in self.version.agreement.grants
        }

    def people(self, grant: Grant) -> Formula:
        """Whether the person is served under the grant, for any of its purposes."""
        return self._people[grant.number]

    def served(self, grant: Grant) -> Formula:
        """Whether the person is served under the grant for `purpose`."""
        return self._served[grant.number]

    def told(
        self,
        atoms: Iterable[Atom],
        known: Mapping[str, Formula],
        *,
        whatever: bool = False,
        among: frozenset[int] | None = None,
    ) -> Formula:
        """Whether one of the atoms is told for `purpose`, or, BULK always, for `whatever` purpose.

        `among`: told with the help of one of these grants, by number; None: of any.
        """
        wanted = tuple(atoms)
        by_grant: dict[int, list[Formula]] = defaultdict(list)
        for atom in wanted:
            for grant in () if atom.kind is Kind.BULK else self._able(atom):
                if among is None or grant.number in among:
                    by_grant[grant.number].append(gives(grant, atom, known))
        served = self._people if whatever else self._served
        told = (both(served[number], either(*parts)) for number, parts in by_grant.items())
        return either(*told, self._bulk([one for one in wanted if one.kind is Kind.BULK], known, among))

    def _able(self, atom: Atom) -> Iterable[Grant]:
        """The grants that may tell the atom; for criteria all of them, since a part may be asked."""
        if atom.kind is not Kind.CRITERIA:
            return self._telling.get(atom, ())
        return [grant for grant in self.version.agreement.grants if grant.purposes]

    @cached_property
    def _telling(self) -> Mapping[Atom, list[Grant]]:
        found: dict[Atom, list[Grant]] = defaultdict(list)
        for grant in self.version.agreement.grants:
            for atom in dict.fromkeys(grant_atoms(grant)):
                found[atom].append(grant)
        return found

    def _bulk(self, atoms: list[Atom], known: Mapping[str, Formula], among: frozenset[int] | None) -> Formula:
        if not atoms:
            return False
        shows = [
            (grant, part)
            for grant in self.version.agreement.grants
            if (part := either(*(_shown(grant, atom, known) for atom in atoms))) is not False
        ]
        mine = [pair for pair in shows if among is None or pair[0].number in among]
        straight = (both(self.people(g), heard(g, known), part) for g, part in mine if hears(g))
        after = either(*(both(self.people(g), part) for g, part in mine if follows(g)))
        return either(*straight, both(f"{self.tag}met", after), self._led(shows, known, among))

    def _led(
        self, shows: list[tuple[Grant, Formula]], known: Mapping[str, Formula], among: frozenset[int] | None
    ) -> Formula:
        """Told by any grant, to somebody who has met the person by one of these."""
        if among is None:
            return False  # said already: by `met`
        leading = [g for g in self.version.agreement.grants if g.number in among and hears(g)]
        met = either(*(both(self.people(g), heard(g, known)) for g in leading))
        return both(met, either(*(both(self.people(g), part) for g, part in shows if follows(g))))


def heard(grant: Grant, known: Mapping[str, Formula]) -> Formula:
    """Whether a bulk way of the grant reaches the row: criteria that are unknown are never met."""
    if Way.EXPORT in grant.ways:
        return True
    if Way.ALERT not in grant.ways:
        return False
    return True if grant.alert_all else either(*(_criterion(name, known) for name in grant.alert_by))


def _criterion(name: str, known: Mapping[str, Formula]) -> Formula:
    criterion = CRITERIA[name]
    if always_known(criterion.field, criterion.precision):
        return True
    return is_known(name) if criterion.condition else known[criterion.field]


def _shown(grant: Grant, atom: Atom, known: Mapping[str, Formula]) -> Formula:
    (field,), wanted = atom.names, atom.precision or ""
    shown = dict(grant.show).get(field)
    if shown is None or FIELDS[field].rank(shown) < FIELDS[field].rank(wanted):
        return False
    return True if always_known(field, shown) else known[field]


def gives(grant: Grant, atom: Atom, known: Mapping[str, Formula]) -> Formula:
    """What must be known for a row of the grant to tell the atom; false where it never does."""
    match atom.kind:
        case Kind.SHOW:
            return _shown(grant, atom, known)
        case Kind.SEARCH | Kind.WATCH:
            way = Way.SEARCH if atom.kind is Kind.SEARCH else Way.ALERT
            if way not in grant.ways or atom.names not in grant.find_by:
                return False
            return both(*(known[name] for name in atom.names))
        case Kind.CRITERIA:
            if Way.ALERT not in grant.ways or not set(atom.names) <= set(grant.alert_by):
                return False
            return both(*(_criterion(name, known) for name in atom.names))
        case Kind.IMPLIED:
            return _implied(grant, atom)
        case _:
            return _open(grant, atom.kind)


def _open(grant: Grant, kind: Kind) -> bool:
    """What a row of the grant tells whatever is known of the person."""
    match kind:
        case Kind.ROW:
            return True
        case Kind.EVERYBODY:
            return Way.ALERT in grant.ways and grant.alert_all
        case Kind.EXPORT:
            return Way.EXPORT in grant.ways
        case Kind.FETCH:
            return Way.SEARCH in grant.ways
        case _:
            return False


def _implied(grant: Grant, atom: Atom) -> bool:
    (field,), wanted = atom.names, atom.precision or ""
    named = (CRITERIA[name] for name, _ in grant.when.isin)
    rank = FIELDS[field].rank
    return any(one.field == field and rank(one.precision) >= rank(wanted) for one in named)
