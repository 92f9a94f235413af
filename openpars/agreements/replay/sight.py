# SPDX-License-Identifier: Apache-2.0
"""What a recipient could have seen in a period: `project` over the record's history. Pure.

It says what was within reach, not what was looked at: who could be found or told of at some moment, by a
granted key or way. People are told apart by the city's own ids, and only their number is ever told.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from openpars.agreements.bars import barred
from openpars.agreements.model import Version
from openpars.agreements.project import ShareRow, project
from openpars.agreements.replay.judge import edges
from openpars.record.file import ArrestFile, Role, Seal


@dataclass(frozen=True, slots=True)
class Holding:
    """A text in force from `begins` until before `ends`."""

    version: Version
    begins: datetime
    ends: datetime


@dataclass(frozen=True, slots=True)
class Seen:
    """One person within reach for one purpose by one grant, from `begins` until before `ends`."""

    who: str
    purpose: str
    row: ShareRow
    begins: datetime
    ends: datetime


def who_is(file: ArrestFile, slot: str) -> str:
    """The person in a place of a file: the city's own id, or the place itself for victims and witnesses."""
    return file.arrestee.person if slot == Role.ARRESTEE else f"{file.id}/{slot}"


def seen(holding: Holding, file: ArrestFile, begins: datetime, ends: datetime) -> Iterator[Seen]:
    """What the text gave of one version of a file while both stood."""
    begins, ends = max(begins, holding.begins), min(ends, holding.ends)
    if file.seal is not Seal.OPEN or begins >= ends:
        return
    version = holding.version
    cuts = [begins, *(at for at in edges(version) if begins < at < ends), ends]
    for since, until in pairwise(cuts):
        for purpose in version.agreement.purposes:
            for row in project(version, purpose, file, since):
                yield Seen(who_is(file, row.slot), purpose, row, since, min(until, row.until))


def barred_of(holding: Holding, file: ArrestFile, at: datetime) -> Iterator[tuple[str, str, str]]:
    """Purpose, bar and person, for everybody whom a grant would show at that instant and a bar does not."""
    if file.seal is not Seal.OPEN or not holding.begins <= at < holding.ends:
        return
    bare = replace(holding.version, bars=())
    for purpose in bare.agreement.purposes:
        for row in project(bare, purpose, file, at):
            bar = barred(holding.version.bars, file, row.slot, at)
            if bar is not None:
                yield purpose, bar.id, who_is(file, row.slot)


@dataclass(slots=True)
class Sights:
    """Everybody within reach under one text, counted. `days`: a bit for each day of the period."""

    first: date
    last: date
    zone: ZoneInfo
    days: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    fields: defaultdict[tuple[str, str], set[str]] = field(default_factory=lambda: defaultdict(set))
    roles: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    purposes: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def add(self, version: Version, found: Iterable[Seen]) -> None:
        """Count what `seen` gave under this version."""
        for one in found:
            if one.begins >= one.ends:
                continue
            last = (one.ends - timedelta(microseconds=1)).astimezone(self.zone).date()
            begin = max((one.begins.astimezone(self.zone).date() - self.first).days, 0)
            end = min((last - self.first).days, (self.last - self.first).days)
            self.days[one.who] |= ((1 << (end - begin + 1)) - 1) << begin
            self.roles[one.row.slot.partition(":")[0]].add(one.who)
            self.purposes[one.purpose].add(one.who)
            for name, precision in version.agreement.grants[one.row.grant - 1].show:
                if name in one.row.body:
                    self.fields[name, precision].add(one.who)

    @property
    def begins(self) -> datetime:
        """The first instant of the period."""
        return datetime.combine(self.first, datetime.min.time(), tzinfo=self.zone)

    @property
    def ends(self) -> datetime:
        """The first instant after it."""
        return datetime.combine(self.last + timedelta(days=1), datetime.min.time(), tzinfo=self.zone)

    def daily(self) -> list[int]:
        """How many people on each day."""
        return daily(self.days.values(), (self.last - self.first).days + 1)


def daily(masks: Iterable[int], count: int) -> list[int]:
    """How often each bit is set."""
    steps = [0] * (count + 1)
    for mask, number in Counter(masks).items():
        place, left = 0, mask
        while left:
            skip = (left & -left).bit_length() - 1
            place, left = place + skip, left >> skip
            run = (~left & (left + 1)).bit_length() - 1
            steps[place] += number
            steps[place + run] -= number
            place, left = place + run, left >> run
    found, height = [], 0
    for step in steps[:-1]:
        height += step
        found.append(height)
    return found


def compared(a: Sights, b: Sights) -> dict[str, object]:
    """Two texts over one period, side by side: numbers alone, in a fixed order."""
    count = (a.last - a.first).days + 1
    everybody = sorted(a.days.keys() | b.days.keys())
    masks = [(a.days.get(who, 0), b.days.get(who, 0)) for who in everybody]
    only_a = daily([x & ~y for x, y in masks], count)
    only_b = daily([y & ~x for x, y in masks], count)
    return {
        "a": _side(a),
        "b": _side(b),
        "only_a": {
            "people": sum(not y for _, y in masks),
            "on_some_day": sum(bool(x & ~y) for x, y in masks),
        },
        "only_b": {
            "people": sum(not x for x, _ in masks),
            "on_some_day": sum(bool(y & ~x) for x, y in masks),
        },
        "fields": [
            {
                "field": name,
                "precision": precision,
                "a": _size(a, name, precision),
                "b": _size(b, name, precision),
            }
            for name, precision in sorted(a.fields.keys() | b.fields.keys())
        ],
        "days": [
            {"day": (a.first + timedelta(days=n)).isoformat(), "a": x, "b": y, "only_a": p, "only_b": q}
            for n, (x, y, p, q) in enumerate(zip(a.daily(), b.daily(), only_a, only_b, strict=True))
        ],
    }


def _size(sights: Sights, name: str, precision: str) -> int:
    return len(sights.fields.get((name, precision), ()))


def _side(sights: Sights) -> dict[str, object]:
    return {
        "people": len(sights.days),
        "by_role": {role: len(found) for role, found in sorted(sights.roles.items())},
        "by_purpose": {purpose: len(found) for purpose, found in sorted(sights.purposes.items())},
    }
