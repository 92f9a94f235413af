# SPDX-License-Identifier: Apache-2.0
"""Replay: one past disclosure, judged by another text. Pure.

The log says what was asked, by what, and which rows of which file version were shown; the record's history
gives that version back. So the same two questions the door asked then can be asked of any text now: would
it have answered, and what would have been in the answer. Nothing is guessed: what the log or the record
does not hold any more is an outcome of its own.

A row leaves by the mere passing of time at its `until`, and comes by it only where a bar or the term ends or
begins. The shares rest on that too. So one projection is good for a whole stretch between such instants.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import NamedTuple, Protocol, TypeAlias
from zoneinfo import ZoneInfo

from openpars.agreements.bars import barred
from openpars.agreements.model import Grant, Term, Version, Way
from openpars.agreements.project import ShareRow, project
from openpars.record.catalogue import FIELDS, JSON
from openpars.record.file import ArrestFile, Role

FIRST, LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2300, 1, 1, tzinfo=UTC)
PART = "part"
"""A precision of its own in what is counted: the field is shown as before, with less in it."""


class Why(StrEnum):
    """Why a text would not have given what was given."""

    OTHER_RECIPIENT = "other-recipient"
    ORGANISATION = "organisation-not-admitted"
    OUTSIDE_TERM = "outside-term"
    PURPOSE = "purpose-not-granted"
    WAY = "way-not-granted"
    CASE_NUMBER = "case-number-missing"
    KEY = "key-not-granted"
    CRITERIA = "criteria-not-granted"
    SEARCHES = "limit-of-searches"
    RESULTS = "limit-of-results"
    ROLE = "role-not-granted"
    ROW = "row-not-granted"
    BARRED = "barred"


Reason: TypeAlias = tuple[Why, str]
"""A `Why` and what it names: the bar's id, else nothing."""


class Kind(StrEnum):
    """What was done: a search by keys, a record by its id, a subscription, an alert about a record."""

    SEARCH = "search"
    RECORD = "record"
    SUBSCRIPTION = "subscription"
    ALERT = "alert"


class Outcome(StrEnum):
    """What would have become of a past disclosure."""

    SAME = "same"
    POORER = "poorer"
    FEWER = "fewer"
    EMPTY = "empty"
    REFUSED = "refused"
    UNOPENED = "cannot-be-opened"
    UNREBUILT = "cannot-be-rebuilt"


@dataclass(frozen=True, slots=True)
class Wish:
    """What a subscription listens for: granted keys, or criteria with their values; one of them."""

    keys: tuple[str, ...] | None
    criteria: tuple[tuple[str, tuple[str, ...]], ...] | None


class Person(NamedTuple):
    """One person shown: which version of which file, in which place of it, by which grants.

    A tuple, since a million of them are made and looked up.
    """

    arrest: str
    version: int
    slot: str
    grants: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Disclosed:
    """One entry of the log, opened. `names` are the fields sent, `given` those that had a value.

    `given` and `people` are None where the person part cannot be opened; `wishes` has None for a
    subscription whose own entry is not there to be read.
    """

    index: int
    kind: Kind
    recipient: str
    organisation: str | None
    agreement: str
    version: int
    purpose: str
    way: str
    at: datetime
    key: str
    case_number: bool
    names: tuple[str, ...] = ()
    given: tuple[str, ...] | None = ()
    wishes: tuple[Wish | None, ...] = ()
    people: tuple[Person, ...] | None = ()


class Request(Protocol):
    """What of a request step 3 of the door looks at."""

    @property
    def recipient(self) -> str:
        """Who asked."""
        ...

    @property
    def organisation(self) -> str | None:
        """Which organisation of the recipient's tree; None: the recipient itself."""
        ...

    @property
    def purpose(self) -> str | None:
        """What for."""
        ...

    @property
    def at(self) -> datetime:
        """When."""
        ...


Change: TypeAlias = tuple[str, str, str]
"""A field, how it was shown, how it would have been; an empty word where it was or would be not shown."""


@dataclass(frozen=True, slots=True)
class Fate:
    """What would have become of one person's place in an answer, from `since` to before `until`."""

    who: str
    reason: Reason | None
    poorer: tuple[Change, ...]
    richer: tuple[Change, ...]
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Verdict:
    """A past disclosure under the other text. `fates` in the order in which people were shown."""

    outcome: Outcome
    reason: Reason | None
    fates: tuple[Fate, ...]


_Key: TypeAlias = tuple[object, ...]
Files: TypeAlias = Mapping[tuple[str, int], ArrestFile | None]
"""Files by arrest and version; None where the version was emptied."""


def as_if_in_force(version: Version, begins: datetime, ends: datetime) -> Version:
    """The same text in force from one instant to another, whatever its own term says."""
    old = version.term
    term = Term(begins, ends, old.zone, notice_days=old.notice_days)
    return replace(version, agreement=replace(version.agreement, term=term))


def _timeless(version: Version) -> Version:
    """The same grants without term, bars and ages: what a row that was there at some time looked like."""
    grants = tuple(
        replace(grant, when=replace(grant.when, arrested_within_days=None))
        for grant in version.agreement.grants
    )
    bare = replace(version, agreement=replace(version.agreement, grants=grants), bars=())
    return as_if_in_force(bare, FIRST, LAST)


def edges(version: Version) -> list[datetime]:
    """The instants at which rows may come by the passing of time: the term's, and every bar's."""
    found = {version.term.begins, version.term.ends}
    for bar in version.bars:
        found.update(at for at in (bar.begins, bar.ends) if at is not None)
    return sorted(found)


class Judge:
    """Judges past disclosures by one text. `olds` are the versions that answered then, by id and number.

    It remembers what it found for each file version, so a file that was shown a thousand times is
    projected once. Limits are counted in the order of the calls: entries of one civil day MUST come to
    one judge in the log's order.
    """

    def __init__(self, version: Version, olds: Iterable[Version]) -> None:
        self.version = version
        self._zone = ZoneInfo(version.term.zone)
        self._olds = {(old.agreement.id, old.number): _timeless(old) for old in olds}
        self._edges = edges(version)
        self._unbarred = replace(version, bars=())
        self._fates: defaultdict[_Key, defaultdict[Person, list[Fate]]]
        self._fates = defaultdict(lambda: defaultdict(list))
        self._grants: dict[tuple[str, str], tuple[Grant, ...]] = {}
        self._asked: dict[_Key, Reason | None] = {}
        self._spent: Counter[tuple[str, date]] = Counter()
        self.searched: Counter[tuple[str, date]] = Counter()

    # ------------------------------------------------------------------ what the door would have said

    def grants(self, purpose: str, way: str) -> tuple[Grant, ...]:
        """The grants that list the purpose and the way."""
        place = (purpose, way)
        if place not in self._grants:
            self._grants[place] = tuple(
                g for g in self.version.agreement.grants if purpose in g.purposes and Way(way) in g.ways
            )
        return self._grants[place]

    def frame(self, one: Disclosed) -> Reason | None:
        """Why the door would have refused the whole request; None when it would not.

        Undecided names (`given` None) are judged as far as names alone decide, as the door does.
        """
        reason = self.right(one)
        if reason is not None:
            return reason
        wishes = one.wishes if one.kind is Kind.SUBSCRIPTION else ()
        place = (one.kind, one.purpose, one.way, one.case_number, one.names, one.given, wishes)
        if place not in self._asked:
            self._asked[place] = self._ask(one)
        return self._asked[place]

    def _ask(self, one: Disclosed) -> Reason | None:
        """Step 4 of the door, which looks at nothing but what is asked: way, case number, keys, criteria."""
        grants = self.grants(one.purpose, one.way)
        if not grants:
            return Why.WAY, ""
        if self.version.agreement.duties.case_number_required and not one.case_number:
            return Why.CASE_NUMBER, ""
        if one.kind is Kind.SEARCH and not self._finds(grants, one):
            return Why.KEY, ""
        if one.kind is Kind.SUBSCRIPTION and one.wishes and one.wishes[0] is not None:
            return self._subscribes(grants, one.wishes[0])
        return None

    def right(self, one: Request) -> Reason | None:
        """Step 3 of the door: parties, term, purpose."""
        if one.recipient != self.version.agreement.recipient:
            return Why.OTHER_RECIPIENT, ""
        if not self.version.agreement.admits(one.organisation):
            return Why.ORGANISATION, ""
        if not self.version.term.covers(one.at):
            return Why.OUTSIDE_TERM, ""
        if one.purpose not in self.version.agreement.purposes:
            return Why.PURPOSE, ""
        return None

    def _finds(self, grants: Sequence[Grant], one: Disclosed) -> bool:
        combinations = [fields for grant in grants for fields in grant.find_by]
        if not set(one.names) <= {field for fields in combinations for field in fields}:
            return False
        return one.given is None or any(set(fields) == set(one.given) for fields in combinations)

    def _subscribes(self, grants: Sequence[Grant], wish: Wish) -> Reason | None:
        if wish.keys is not None:
            asked = set(wish.keys)
            return None if any(asked == set(f) for g in grants for f in g.find_by) else (Why.KEY, "")
        names = {name for name, _ in wish.criteria or ()}
        allowed = any(names <= set(g.alert_by) for g in grants) if names else any(g.alert_all for g in grants)
        return None if allowed else (Why.CRITERIA, "")

    def _over(self, one: Disclosed) -> bool:
        """Count a search as the door does: before it is made, by key and civil day."""
        watch = one.kind is Kind.SUBSCRIPTION and any(w and w.keys is not None for w in one.wishes)
        if one.kind not in {Kind.SEARCH, Kind.RECORD} and not watch:
            return False
        place = self._day(one)
        if self._spent[place] >= self.version.agreement.limits.searches_per_user_per_day:
            return True
        self._spent[place] += 1
        return False

    def count(self, one: Disclosed) -> None:
        """A search before the period, on its first civil day: it counts towards the day's limit."""
        if self.frame(one) is None:
            self._over(one)

    # ------------------------------------------------------------------ verdicts

    def missing(self, one: Disclosed) -> set[tuple[str, int]]:
        """The file versions that `judge` will need for this entry and does not know yet."""
        known = self._fates[self._manner(one)]
        return {(p.arrest, p.version) for p in one.people or () if _then(known[p], one.at) is None}

    def judge(self, one: Disclosed, files: Files) -> Verdict:
        """The verdict on one entry. `files` MUST hold what `missing` named."""
        if one.kind in {Kind.SEARCH, Kind.RECORD}:
            self.searched[self._day(one)] += 1
        reason = self.frame(one)
        if reason is None and self._over(one):
            reason = (Why.SEARCHES, "")
        known = self._fates[self._manner(one)]
        found = [self._fate(one, person, known[person], files) for person in one.people or ()]
        fates = [fate for fate in found if fate is not None]
        if reason is not None:
            return Verdict(Outcome.REFUSED, reason, tuple(replace(f, reason=reason) for f in fates))
        if one.people is None or None in one.wishes:
            return Verdict(Outcome.UNOPENED, None, ())
        fates = self._cut(fates) if one.way == Way.SEARCH else fates
        return Verdict(_outcome(fates, lost=len(found) - len(fates)), None, tuple(fates))

    def _cut(self, fates: list[Fate]) -> list[Fate]:
        """People past the limit of results, in the order in which they were shown."""
        left = self.version.agreement.limits.results_per_search
        cut = []
        for fate in fates:
            if fate.reason is None:
                left -= 1
            over = fate.reason is None and left < 0
            cut.append(replace(fate, reason=(Why.RESULTS, "")) if over else fate)
        return cut

    def _day(self, one: Disclosed) -> tuple[str, date]:
        return one.key, one.at.astimezone(self._zone).date()

    def _manner(self, one: Disclosed) -> _Key:
        """What of a disclosure decides the fate of a person in it."""
        wanted: object = one.wishes if one.kind is Kind.ALERT else one.given
        return one.version, one.purpose, one.kind, wanted, bisect_right(self._edges, one.at)

    def _fate(self, one: Disclosed, person: Person, known: list[Fate], files: Files) -> Fate | None:
        fate = _then(known, one.at)
        if fate is None:
            file = files.get((person.arrest, person.version))
            old = self._olds.get((one.agreement, one.version))
            if file is None or old is None:
                return None
            fate = self._make(one, person, file, old)
            if fate is not None:
                known.append(fate)
        return fate

    def _make(self, one: Disclosed, person: Person, file: ArrestFile, old: Version) -> Fate | None:
        shown = [
            row
            for row in project(old, one.purpose, file, FIRST)
            if row.slot == person.slot and row.grant in person.grants
        ]
        if len(shown) != len(person.grants):
            return None  # the grant does not give this row from this version of the file: not to be rebuilt
        who = file.arrestee.person if person.slot == Role.ARRESTEE else f"{person.arrest}/{person.slot}"
        stretch = bisect_right(self._edges, one.at)
        since = self._edges[stretch - 1] if stretch else FIRST
        until = self._edges[stretch] if stretch < len(self._edges) else LAST
        rows = [r for r in project(self.version, one.purpose, file, since) if r.slot == person.slot]
        since = max([since, *(row.until for row in rows if row.until <= one.at)])
        until = min([until, *(row.until for row in rows if row.until > one.at)])
        rows = [row for row in rows if row.until > one.at]
        fit = [row for row in rows if _fits(row, one)]
        if not fit:
            reason = self._why_no_row(one, person, file, rows)
            return Fate(who, reason, (), (), since, until)
        poorer, richer = _compare(_merge(old, shown), _merge(self.version, fit))
        return Fate(who, None, poorer, richer, since, until)

    def _why_no_row(
        self, one: Disclosed, person: Person, file: ArrestFile, rows: Sequence[ShareRow]
    ) -> Reason:
        if any(one.way in row.ways for row in rows):
            by_criteria = one.kind is Kind.ALERT and not any(w and w.keys is not None for w in one.wishes)
            return (Why.CRITERIA if by_criteria else Why.KEY), ""
        bar = barred(self.version.bars, file, person.slot, one.at)
        if bar is not None and any(
            row.slot == person.slot and _fits(row, one)
            for row in project(self._unbarred, one.purpose, file, one.at)
        ):
            return Why.BARRED, bar.id
        role = person.slot.partition(":")[0]
        if not any(grant.about.value == role for grant in self.grants(one.purpose, one.way)):
            return Why.ROLE, ""
        return Why.ROW, ""


def _then(known: Sequence[Fate], at: datetime) -> Fate | None:
    for fate in known:
        if fate.since <= at < fate.until:
            return fate
    return None


def _fits(row: ShareRow, one: Disclosed) -> bool:
    """Whether the door would have given this row for what was asked."""
    if one.way not in row.ways:
        return False
    if one.kind is Kind.SEARCH:
        return one.given is not None and any(set(fields) == set(one.given) for fields in row.keys)
    if one.kind is Kind.ALERT:
        return any(_meets(row, wish) for wish in one.wishes if wish is not None)
    return True


def _meets(row: ShareRow, wish: Wish) -> bool:
    if wish.keys is not None:
        # The key's value is the file's, whatever the text: who was found by it once is found by it again.
        return any(set(fields) == set(wish.keys) for fields in row.keys)
    if not wish.criteria:
        return row.alert_all
    return all(not set(values).isdisjoint(row.criteria.get(name, ())) for name, values in wish.criteria)


Shown: TypeAlias = dict[str, tuple[int, str, JSON]]


def _merge(version: Version, rows: Sequence[ShareRow]) -> Shown:
    """The fields one person is shown by, at the finest precision that any of the rows gives."""
    found: Shown = {}
    for row in rows:
        for field, precision in version.agreement.grants[row.grant - 1].show:
            if field not in row.body:
                continue
            rank = FIELDS[field].rank(precision)
            if field not in found or rank > found[field][0]:
                found[field] = (rank, precision, row.body[field])
    return found


def _compare(was: Shown, now: Shown) -> tuple[tuple[Change, ...], tuple[Change, ...]]:
    poorer: list[Change] = []
    richer: list[Change] = []
    for field, (rank, precision, value) in was.items():
        if field not in now:
            poorer.append((field, precision, ""))
        elif now[field][0] != rank:
            (poorer if now[field][0] < rank else richer).append((field, precision, now[field][1]))
        elif now[field][2] != value:
            old, new = value, now[field][2]
            kept = isinstance(old, list) and isinstance(new, list) and all(one in new for one in old)
            (richer if kept else poorer).append((field, precision, PART))
    richer.extend((field, "", found[1]) for field, found in now.items() if field not in was)
    return tuple(poorer), tuple(richer)


def _outcome(fates: Sequence[Fate], *, lost: int) -> Outcome:
    if lost:
        return Outcome.UNREBUILT
    gone = sum(fate.reason is not None for fate in fates)
    if fates and gone == len(fates):
        return Outcome.EMPTY
    if gone:
        return Outcome.FEWER
    return Outcome.POORER if any(fate.poorer for fate in fates) else Outcome.SAME
