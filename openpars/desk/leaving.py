# SPDX-License-Identifier: Apache-2.0
"""Who leaves a share if another version takes its place. Counted by the database where that is certain.

Whether somebody stands in a share is decided by whom a grant is about and by its conditions, and by nothing
it shows or is found by. So where every grant of the next version asks what a grant of this one asks, its
rows are this version's rows, and only their number is asked for. Files are read and projected where a
condition changed, or where nobody can tell from the row whether it has aged by then.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from openpars.agreements.model import Grant, Version
from openpars.agreements.project import project
from openpars.db.connect import Connection
from openpars.db.sql import load
from openpars.record import store
from openpars.record.file import ArrestFile

Q = load(__package__)

BATCH = 500  # files read at once


@dataclass(frozen=True, slots=True)
class Leaving:
    """Rows that leave, people who leave, people who stay."""

    rows: int
    people: int
    kept: int

    def __add__(self, other: Leaving) -> Leaving:
        return Leaving(self.rows + other.rows, self.people + other.people, self.kept + other.kept)


@dataclass(frozen=True, slots=True)
class Alike:
    """What the rows of a version tell of those of the next.

    `weights`: by purpose and number of a grant of this version, how many grants of the next give the same
    rows. `dated`: those of them whose rows age. `asked`: the purposes of which files must be asked.
    """

    weights: Mapping[tuple[str, int], int]
    dated: frozenset[tuple[str, int]]
    asked: frozenset[str]


def alike(standing: Version, wanted: Version, now: datetime, at: datetime) -> Alike:
    """Compare two versions, each as its bars leave it, of which the second is projected for the instant `at`.

    A bar that begins or ends until then leaves nothing certain.
    """
    purposes = standing.agreement.purposes
    if not wanted.term.covers(at):
        return Alike({}, frozenset(), frozenset())
    edges = {edge for bar in (*standing.bars, *wanted.bars) for edge in (bar.begins, bar.ends)}
    if standing.bars != wanted.bars or any(edge is not None and now < edge <= at for edge in edges):
        return Alike({}, frozenset(), frozenset(purposes))
    weights: Counter[tuple[str, int]] = Counter()
    dated: set[tuple[str, int]] = set()
    asked: set[str] = set()
    for purpose in purposes:
        mine = {_whom(one, standing): one for one in reversed(_of(standing, purpose))}
        for grant in _of(wanted, purpose):
            same = mine.get(_whom(grant, wanted))
            if same is None:
                asked.add(purpose)
            else:
                weights[purpose, same.number] += 1
                if same.when.arrested_within_days is not None:
                    dated.add((purpose, same.number))
    return Alike(weights, frozenset(dated), frozenset(asked))


def _of(version: Version, purpose: str) -> list[Grant]:
    return [grant for grant in version.agreement.grants if purpose in grant.purposes]


def _whom(grant: Grant, version: Version) -> Hashable:
    """Equal for two grants exactly when the text gives the same people by them, at any instant."""
    when = grant.when
    return (
        grant.about,
        frozenset((name, frozenset(values)) for name, values in when.isin),
        replace(when, isin=()),
        version.term.zone if when.by_day else None,
    )


async def leaving(conn: Connection, standing: Version, wanted: Version, now: datetime) -> Leaving:
    """What leaves at the first instant of `wanted`. Both versions as their bars leave them.

    MUST run in one snapshot. Cost: one pass over what is kept of the share; for purposes of which a condition
    changed, one over their files.
    """
    at = max(now, wanted.term.begins)
    found = alike(standing, wanted, now, at)
    values: dict[str, object] = {
        "agreement": standing.agreement.id,
        "version": standing.number,
        "purposes": [purpose for purpose, _ in found.weights],
        "grants": [number for _, number in found.weights],
        "weights": list(found.weights.values()),
        "dated": [one in found.dated for one in found.weights],
        "now": now,
        "at": at,
        "over": standing.term.ends,
    }
    asked = set(found.asked)
    if found.dated and standing.term.ends <= at:
        asked |= {row[0] for row in await (await conn.execute(Q.impact_aging, values)).fetchall()}
    values["asked"] = sorted(asked)
    counted = await (await conn.execute(Q.impact_counted, values)).fetchone()
    assert counted is not None  # noqa: S101
    rows, people, kept, left = counted
    certain = Leaving(int(rows), int(people), int(kept))
    return certain + await _of_files(conn, wanted, at, values) if left else certain


async def _of_files(conn: Connection, wanted: Version, at: datetime, values: Mapping[str, object]) -> Leaving:
    """The same of the files that must be asked: each as it stands, projected by the next version."""
    bare = _bare(wanted)
    total = Leaving(0, 0, 0)
    async with conn.cursor(name="leaving") as cursor:
        await cursor.execute(Q.impact_rows, values)
        while rows := await cursor.fetchmany(BATCH):
            files = await store.many(conn, [row[0] for row in rows])
            stays = await asyncio.to_thread(_stays, bare, files, at)
            left = 0
            persons: dict[tuple[UUID, str], int] = defaultdict(int)
            for arrest, *places in rows:
                for purpose, slot, count in zip(*places, strict=True):
                    still = stays[arrest, purpose, slot]
                    left += max(0, count - still)
                    persons[arrest, slot] += still
            stay = sum(still > 0 for still in persons.values())
            total += Leaving(left, len(persons) - stay, stay)
    return total


def _bare(version: Version) -> Version:
    """The version without all that does not decide who stands in it: there is nothing to make a row of."""
    grants = tuple(replace(one, show=(), find_by=(), alert_by=()) for one in version.agreement.grants)
    return replace(version, agreement=replace(version.agreement, grants=grants))


def _stays(version: Version, files: Sequence[ArrestFile], at: datetime) -> Counter[tuple[UUID, str, str]]:
    """Rows that the version would give, by file, purpose and person."""
    return Counter(
        (UUID(file.id), purpose, row.slot)
        for file in files
        for purpose in version.agreement.purposes
        for row in project(version, purpose, file, at)
    )
