# SPDX-License-Identifier: Apache-2.0
"""From daily files to acts: what is new, what changed, what was withdrawn. Pure.

Each file is a rolling week and carries no date of its own: what it covers is read from its filing
times (`Window`). A docket that is no longer listed although it was filed after the newer file's
first filing was withdrawn; one filed before has merely aged out, which is no act; across a missing
file nothing is said.

`Memory` is what is remembered between files. It holds keyed hashes only (`Marker`): a second copy
of names and bail outside the record would survive an expungement.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from openpars.feeds.filings import Docket, FilingsFile, Window
from openpars.record import names

MISSING_DAY = timedelta(hours=30)
"""Two files of consecutive days end at most this far apart, unless their weeks also begin a day apart."""

DOUBT_LEAST, DOUBT_SHARE = 50, 0.3
"""A file that drops as many dockets as this, and this share of its week, was cut off on its way."""


class Kind(StrEnum):
    """What a file makes happen to a docket."""

    NEW = "new docket"
    BAIL = "bail changed"
    CUSTODY = "custody changed"
    REPRESENTATION = "representation changed"
    CORRECTION = "name or ZIP corrected"
    WITHDRAWN = "withdrawn"
    RETURNED = "listed again"


class Standing(StrEnum):
    """Where a docket stands in our memory of the files."""

    LISTED = "listed"
    AGED = "aged"  # left the rolling week
    WITHDRAWN = "withdrawn"
    UNKNOWN = "unknown"  # left across a missing file: nothing can be said


@dataclass(frozen=True, slots=True)
class Marks:
    """Keyed hashes of what a docket was last seen to say; blank where the file said nothing."""

    name: str
    zip: str
    bail: str
    represented: str
    custody: str


@dataclass(frozen=True, slots=True)
class Seen:
    """One docket in memory. `said_at` is when its marks were last found changed."""

    filed_at: datetime
    standing: Standing
    marks: Marks
    said_at: datetime


@dataclass(frozen=True, slots=True)
class Memory:
    """What the files so far have said. `windows` are theirs, oldest first."""

    windows: tuple[Window, ...] = ()
    dockets: Mapping[str, Seen] = field(default_factory=dict)
    digests: frozenset[str] = frozenset()

    def around(self, window: Window) -> tuple[Window | None, Window | None]:
        """The nearest known windows before and after this one."""
        moment = _moment(window)
        older = [known for known in self.windows if _moment(known) <= moment]
        newer = [known for known in self.windows if _moment(known) > moment]
        return (older[-1] if older else None), (newer[0] if newer else None)

    def covered(self, seen: Seen, at: datetime) -> bool:
        """Whether a file of `at` or later has spoken of this docket: it knows better."""
        return any(
            known.first_filed <= seen.filed_at <= known.last_filed and at <= known.last_filed
            for known in self.windows
        )


@dataclass(frozen=True, slots=True)
class Act:
    """One thing to do at the court's desk, and what to remember once it is done.

    `kinds` says what changed, all of it at once: one docket, one file, one act, so that a recipient
    hears of it once. `key` is the docket in memory, `number` its number, `docket` what the file says
    now. A withdrawn docket is in no file: `docket` is None, and `number` too, since memory keeps none.
    `at` is when it happened, as near as the file tells.
    """

    kinds: tuple[Kind, ...]
    key: str
    number: str | None
    docket: Docket | None
    at: datetime
    seen: Seen


@dataclass(frozen=True, slots=True)
class Plan:
    """What one file makes happen. `quiet` is remembered without an act (aged out, unknown).

    `superseded` counts dockets of a file of which a newer one is known: they would turn the clock back.
    `doubtful` counts dockets not withdrawn because the file seems to have been cut off.
    """

    acts: tuple[Act, ...] = ()
    quiet: Mapping[str, Seen] = field(default_factory=dict)
    aged: int = 0
    unknown: int = 0
    superseded: int = 0
    doubtful: int = 0
    known_file: bool = False


class Marker:
    """Keyed hashes, so that memory tells nothing about people. One key per city."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def mark(self, *parts: object) -> str:
        """128 bits over the parts, hex; the parts are framed, so that they cannot run into each other."""
        text = "\x1f".join(str(part) for part in parts)
        return hmac.digest(self._key, text.encode(), "sha256")[:16].hex()

    def docket(self, number: str) -> str:
        """The key of a docket in memory."""
        return self.mark("docket", number)

    def marks(self, docket: Docket, *, says_custody: bool) -> Marks:
        """The marks of what a docket says now."""
        listed, bail = docket.listed, docket.listed.bail
        name = listed.name
        return Marks(
            name="" if name is None else self.mark("name", *_name_key(docket)),
            zip="" if listed.zip is None else self.mark("zip", listed.zip),
            bail=self.mark("bail", bail.word, bail.status, bail.amount),
            represented="" if docket.represented is None else self.mark("represented", docket.represented),
            custody=self._custody(listed.custody_place) if says_custody else "",
        )

    def _custody(self, place: str | None) -> str:
        return OUT if place is None else self.mark("custody", place)


def _name_key(docket: Docket) -> tuple[str, ...]:
    """A name spelt in other capitals or with other accents is the same name."""
    name = docket.listed.name
    if name is None:
        return ()
    return tuple(names.key(part or "") for part in (name.last, name.first, name.middle, name.suffix))


OUT = "out"
"""The mark of a docket whose custody cell is blank: nowhere in custody, as the file tells it."""


def in_order(files: Sequence[FilingsFile]) -> list[FilingsFile]:
    """Files by what they contain, oldest first; the same bytes twice are kept once."""
    return by_time({file.digest: file for file in reversed(files)}.values())


def by_time(files: Iterable[FilingsFile]) -> list[FilingsFile]:
    """Files by what they contain, oldest first."""
    return sorted(files, key=lambda file: (*_moment(file.window), file.name))


def _moment(window: Window) -> tuple[datetime, datetime, datetime]:
    return window.last_filed, window.first_filed, window.last_bail or window.first_filed


def overlap(older: Window, newer: Window) -> bool:
    """Whether the two weeks meet."""
    return newer.first_filed <= older.last_filed


def consecutive(older: Window, newer: Window) -> bool:
    """Whether no daily file is missing between the two.

    Both ends must have moved by more than a day to make a gap: a quiet night moves one end only.
    """
    begun = newer.first_filed.date() - older.first_filed.date()
    ended = newer.last_filed - older.last_filed
    return overlap(older, newer) and (begun <= timedelta(days=1) or ended <= MISSING_DAY)


def plan(memory: Memory, file: FilingsFile, marker: Marker) -> Plan:
    """What this file makes happen, after what is remembered. The same file again: nothing."""
    if file.digest in memory.digests:
        return Plan(known_file=True)
    previous, following = memory.around(file.window)
    if following is not None and overlap(file.window, following):
        return _older(memory, following, file, marker)
    listed = {marker.docket(number): docket for number, docket in file.dockets.items()}
    acts: list[Act] = []
    for key, docket in listed.items():
        marks = marker.marks(docket, says_custody=file.says_custody)
        act = observe(memory.dockets.get(key), key, docket, marks, as_of=file.window.last_filed)
        if act is not None:
            acts.append(act)
    return _leavers(memory, previous, file, set(listed), acts)


def observe(seen: Seen | None, key: str, docket: Docket, marks: Marks, *, as_of: datetime) -> Act | None:
    """The act that brings a docket from what was seen to what is said now; None when nothing is new."""
    listed = docket.listed
    if seen is None:
        first = Seen(listed.filed_at, Standing.LISTED, marks, as_of)
        return Act((Kind.NEW,), key, listed.docket, docket, listed.filed_at, first)
    kinds = [Kind.RETURNED] if seen.standing is Standing.WITHDRAWN else []
    changed: dict[str, str] = {}
    for aspect, kind in _ASPECTS.items():
        old, new = getattr(seen.marks, aspect), getattr(marks, aspect)
        if not new or new == old or (new == OUT and not old):
            continue  # what the file does not say is no change, nor is it news to be nowhere in custody
        changed[aspect] = new
        if kind not in kinds:
            kinds.append(kind)
    if not kinds:
        return None
    now = Seen(seen.filed_at, Standing.LISTED, replace(seen.marks, **changed), as_of)
    return Act(tuple(kinds), key, listed.docket, docket, _when(kinds, docket, as_of), now)


_ASPECTS = {
    "name": Kind.CORRECTION,
    "zip": Kind.CORRECTION,
    "bail": Kind.BAIL,
    "represented": Kind.REPRESENTATION,
    "custody": Kind.CUSTODY,
}


def _when(kinds: list[Kind], docket: Docket, as_of: datetime) -> datetime:
    """A bail order has a time of its own, a posting has not: then it is the file's."""
    at = docket.listed.bail.at
    if kinds == [Kind.BAIL] and at is not None and as_of - timedelta(days=1) < at <= as_of:
        return at
    return as_of


def _leavers(
    memory: Memory, previous: Window | None, file: FilingsFile, listed: set[str], acts: list[Act]
) -> Plan:
    first, as_of = file.window.first_filed, file.window.last_filed
    week = {
        key: seen
        for key, seen in memory.dockets.items()
        if seen.standing is Standing.LISTED and seen.filed_at <= as_of
    }
    left = {key: seen for key, seen in week.items() if key not in listed}
    early = {key: seen for key, seen in left.items() if seen.filed_at >= first}
    quiet = {key: replace(seen, standing=Standing.AGED) for key, seen in left.items() if key not in early}
    # Dockets that came back into the week they had left need no act; they are simply listed.
    for key in listed:
        seen = memory.dockets.get(key)
        if seen is not None and seen.standing in (Standing.AGED, Standing.UNKNOWN):
            quiet[key] = replace(seen, standing=Standing.LISTED)
    aged = len(left) - len(early)
    if previous is not None and not consecutive(previous, file.window):
        quiet |= {key: replace(seen, standing=Standing.UNKNOWN) for key, seen in early.items()}
        return Plan(tuple(acts), quiet, aged=aged, unknown=len(early))
    still = sum(seen.filed_at >= first for seen in week.values())
    if len(early) >= DOUBT_LEAST and len(early) > DOUBT_SHARE * still:
        return Plan(tuple(acts), quiet, aged=aged, doubtful=len(early))
    acts.extend(
        Act((Kind.WITHDRAWN,), key, None, None, as_of, replace(seen, standing=Standing.WITHDRAWN))
        for key, seen in early.items()
    )
    return Plan(tuple(acts), quiet, aged=aged)


def _older(memory: Memory, following: Window, file: FilingsFile, marker: Marker) -> Plan:
    """A file whose next day is known already: it may add dockets of its own past, and undo nothing.

    A docket filed inside the following week and not listed there was withdrawn since: it is not filed.
    """
    acts: list[Act] = []
    superseded = 0
    for number, docket in file.dockets.items():
        key = marker.docket(number)
        filed_at = docket.listed.filed_at
        if key in memory.dockets or filed_at >= following.first_filed:
            superseded += 1
            continue
        marks = marker.marks(docket, says_custody=file.says_custody)
        seen = Seen(filed_at, Standing.AGED, marks, file.window.last_filed)
        acts.append(Act((Kind.NEW,), key, number, docket, filed_at, seen))
    return Plan(tuple(acts), superseded=superseded)


def remember(memory: Memory, file: FilingsFile, planned: Plan) -> Memory:
    """Memory after every act of the plan is done."""
    dockets = dict(memory.dockets) | dict(planned.quiet)
    for act in planned.acts:
        dockets[act.key] = act.seen
    windows = sorted({*memory.windows, file.window}, key=_moment)
    return Memory(tuple(windows), dockets, memory.digests | {file.digest})
