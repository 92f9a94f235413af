# SPDX-License-Identifier: Apache-2.0
"""Who leaves for another version is counted without reading files, and is what `project` says of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID, uuid5

import pytest
import pytest_asyncio

from openpars.agreements.bars import narrowed, version_of
from openpars.agreements.model import Agreement, Bar, BarKind, Grant, Term, Version, When
from openpars.agreements.project import project
from openpars.db.connect import Pool, pool
from openpars.desk.leaving import Leaving, alike, leaving
from openpars.record import vault
from openpars.record.bulk import bulk_insert
from openpars.record.file import ArrestFile, Role, Seal
from openpars.record.forms import Act
from openpars.record.store import Entry
from tests.agreements.test_bars import warrant
from tests.agreements.worlds import NOON, a_file, a_grant
from tests.conftest import Database

DAY, TICK = timedelta(days=1), timedelta(microseconds=1)
ID = "leaving"
LATER = NOON + 20 * DAY


@pytest_asyncio.fixture
async def desk(database: Database) -> AsyncIterator[Pool]:
    vault.hold("11" * 32)
    async with pool(database.desk_dsn, max_size=2, name="test") as found:
        yield found


def files(rng: Random, count: int) -> list[ArrestFile]:
    """Open files but for a few, each of its own people; some aged exactly, some by a moment more."""
    found = []
    for number in range(count):
        file = replace(a_file(rng), version=1, id=str(uuid5(UUID(int=7), str(number))))
        if rng.random() < 0.5:
            age = timedelta(days=rng.choice([10, 30])) - rng.choice([TICK, timedelta(0), -TICK])
            file = replace(file, arrested_at=rng.choice([NOON, LATER]) - age)
        found.append(file if rng.random() < 0.95 else replace(file, seal=Seal.SEALED))
    return found


def a_version(
    grants: Sequence[Grant],
    *,
    begins: datetime,
    ends: datetime,
    number: int = 1,
    zone: str = "America/New_York",
) -> Version:
    text = warrant().agreement
    numbered = tuple(replace(one, number=place + 1) for place, one in enumerate(grants))
    changed: Agreement = replace(text, id=ID, grants=numbered, term=Term(begins, ends, zone, None, None, 30))
    return replace(version_of(changed), number=number)


def grants(rng: Random, count: int) -> list[Grant]:
    """Of few kinds, so that two versions often ask the same, and one version twice."""
    first_day = When(arrested_from=(NOON - 30 * DAY).date())
    days = [When(arrested_within_days=10), When(arrested_within_days=30), first_day]
    whens = (When(), *days, a_grant(rng, 1).when)
    return [
        replace(
            a_grant(rng, 1),
            when=rng.choice(whens),
            about=rng.choice([Role.ARRESTEE, Role.ARRESTEE, Role.VICTIM]),
            purposes=tuple(sorted(rng.sample(["p", "q", "r"], rng.randint(1, 2)))),
        )
        for _ in range(count)
    ]


def changed(rng: Random, old: list[Grant]) -> list[Grant]:
    """What an amendment makes of grants: dropped, doubled, turned, shown otherwise, asked otherwise."""
    new = [replace(one, show=a_grant(rng, 1).show, find_by=(("docket",),)) for one in old]
    what = rng.randrange(5)
    if what == 0:
        new = new[1:] or new
    elif what == 1:
        new += new[:1]
    elif what == 2:
        new.reverse()
    elif what == 3:
        new[0] = replace(new[0], when=grants(rng, 1)[0].when)
    return new


async def kept(desk: Pool, standing: Version, among: Sequence[ArrestFile]) -> Counter[tuple[str, str, str]]:
    """Store what is kept of these files' rows, as shares do; how many for each person and purpose."""
    rows: list[tuple[Any, ...]] = [
        (UUID(file.id), ID, standing.number, purpose, row.slot, row.grant, row.until)
        for file in among
        for purpose in standing.agreement.purposes
        for row in project(standing, purpose, file, NOON)
    ]
    async with desk.connection() as conn, conn.cursor() as cursor:
        await conn.execute("DELETE FROM shares.kept")
        await cursor.executemany(
            "INSERT INTO shares.kept (arrest, agreement, version, purpose, slot, grant_no, until, id, digest)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, gen_random_uuid(), '')",
            rows,
        )
    return Counter((str(row[0]), row[3], row[4]) for row in rows)


def said_by_project(
    had: Counter[tuple[str, str, str]], wanted: Version, among: Sequence[ArrestFile]
) -> Leaving:
    """The same by projecting every file."""
    at = max(NOON, wanted.term.begins)
    have = Counter(
        (file.id, purpose, row.slot)
        for file in among
        for purpose in wanted.agreement.purposes
        for row in project(wanted, purpose, file, at)
    )
    stays: Counter[tuple[str, str]] = Counter()
    for arrest, purpose, slot in had:
        stays[arrest, slot] += have[arrest, purpose, slot]
    kept_people = sum(count > 0 for count in stays.values())
    return Leaving(
        sum(max(0, count - have[place]) for place, count in had.items()),
        len(stays) - kept_people,
        kept_people,
    )


async def asked(desk: Pool, standing: Version, wanted: Version) -> Leaving:
    async with desk.connection() as conn, conn.transaction():
        await conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        return await leaving(conn, standing, wanted, NOON)


BEGINS = (NOON - DAY, NOON + DAY, LATER - TICK, LATER, LATER + TICK, NOON + 40 * DAY)


async def test_it_is_what_project_says_of_every_file(desk: Pool) -> None:
    rng = Random(20261126)  # noqa: S311
    among = files(rng, 100)
    async with desk.connection() as conn, conn.transaction():
        await bulk_insert(conn, [[(one, Entry(Act.BOOK, "police", None, NOON, NOON))] for one in among])
    certain = mixed = 0
    for _ in range(100):
        standing = a_version(grants(rng, rng.randint(1, 3)), begins=NOON - 90 * DAY, ends=LATER)
        bars = rng.choice([(), (), standing.bars, (a_bar(rng),)])
        standing = replace(standing, bars=bars)
        begins = rng.choice(BEGINS)
        new = changed(rng, list(standing.agreement.grants))
        zone = rng.choice(["America/New_York", "America/New_York", "Asia/Kolkata"])
        wanted = a_version(new, begins=begins, ends=begins + 400 * DAY, number=2, zone=zone)
        wanted = replace(wanted, bars=rng.choice([bars, bars, bars, (), (a_bar(rng),)]))
        had = await kept(desk, standing, among)
        expected = said_by_project(had, wanted, among)
        assert await asked(desk, standing, wanted) == expected
        found = alike(standing, wanted, NOON, max(NOON, begins))
        certain += not found.asked
        mixed += bool(found.asked) and found.asked != set(standing.agreement.purposes)
    assert (certain > 15, mixed > 3) == (True, True), (certain, mixed)


def a_bar(rng: Random) -> Bar:
    """Everything is barred for a while: over, coming before the next version, or after it has begun."""
    begins = NOON + rng.choice([-30, 5, 60]) * DAY
    return Bar(
        "x", "x", BarKind.EVERYTHING, "x", "law", "I", begins=begins, ends=begins + rng.choice([9, 29]) * DAY
    )


def test_what_the_kept_rows_alone_can_tell() -> None:
    one = replace(a_grant(Random(5), 1), when=When(), purposes=("p",))  # noqa: S311
    days = replace(one, when=When(arrested_from=NOON.date()), purposes=("q",))
    aging = replace(one, when=When(arrested_within_days=9), purposes=("r",))
    old = a_version([one, days, aging], begins=NOON - DAY, ends=LATER)

    def asked_of(wanted: Version, *, at: datetime = NOON, of: Version = old) -> set[str]:
        return set(alike(of, wanted, NOON, at).asked)

    assert asked_of(old) == set()
    assert alike(old, old, NOON, NOON).dated == {("r", 3)}
    # Another zone has other days, and matters to no other condition.
    elsewhere = a_version([one, days, aging], begins=NOON - DAY, ends=LATER, zone="Asia/Kolkata")
    assert asked_of(elsewhere) == {"q", "r"}
    everything = Bar("x", "x", BarKind.EVERYTHING, "x", "law", "I", begins=NOON + DAY, ends=NOON + 2 * DAY)
    barred = replace(old, bars=(everything,))
    assert asked_of(barred) == asked_of(old, of=barred) == {"p", "q", "r"}
    found = [asked_of(barred, of=barred, at=NOON + DAY + part) for part in (-TICK, timedelta(0), TICK)]
    assert found == [set(), {"p", "q", "r"}, {"p", "q", "r"}]
    over = replace(everything, begins=None, ends=NOON)
    assert asked_of(replace(old, bars=(over,)), of=replace(old, bars=(over,)), at=NOON + DAY) == set()
    # Nobody stands in what is over.
    for at, number in ((LATER - TICK, 3), (LATER, 0)):
        assert len(alike(old, old, NOON, at).weights) == number
    assert asked_of(a_version([days], begins=NOON - DAY, ends=LATER), at=LATER) == set()


@pytest.mark.parametrize("begins", [NOON - DAY, LATER])
async def test_where_no_condition_changes_no_file_is_read(desk: Pool, begins: datetime) -> None:
    """There is none in the record that could be."""
    rng = Random(5)  # noqa: S311
    among = files(rng, 60)
    one = replace(a_grant(rng, 1), when=When(), purposes=("p",))
    old = a_version([one, replace(one, purposes=("q",))], begins=NOON - DAY, ends=LATER)
    had = await kept(desk, old, among)
    renewed = a_version(old.agreement.grants, begins=begins, ends=LATER + 400 * DAY, number=2)
    assert await asked(desk, old, renewed) == said_by_project(had, renewed, among)
    narrower = replace(one, show=(("name", "whole"),), find_by=(), alert_by=())
    fewer = a_version([narrower], begins=begins, ends=LATER + 400 * DAY, number=2)
    found = await asked(desk, old, fewer)
    assert found == said_by_project(had, fewer, among)
    assert (found.rows, found.kept) == (sum(had.values()) // 2, sum(had.values()) // 2)


async def test_a_row_that_is_over_and_not_swept_yet_stays_nowhere(desk: Pool) -> None:
    one = replace(a_grant(Random(5), 1), when=When(), purposes=("p",))  # noqa: S311
    old = a_version([one], begins=NOON - DAY, ends=LATER)
    await kept(desk, old, files(Random(5), 40))  # noqa: S311
    async with desk.connection() as conn:
        await conn.execute("UPDATE shares.kept SET until = %s", (NOON,))
    found = await asked(desk, old, replace(old, number=2))
    assert (found.rows > 10, found.people, found.kept) == (True, found.rows, 0)


async def test_what_a_bar_about_fields_leaves_nothing_of_stays_nowhere(desk: Pool) -> None:
    """The next version would ask for the state of custody, and a bar holds that back."""
    one = replace(a_grant(Random(5), 1), when=When(), purposes=("p",), show=(("name", "whole"),))  # noqa: S311
    bar = Bar("x", "x", BarKind.FIELDS, "x", "law", "I", fields=("custody",))
    old = a_version([one], begins=NOON - DAY, ends=LATER)
    asks = replace(one, when=When((("custody", ("held", "released")),)))
    wanted = narrowed(replace(a_version([asks], begins=NOON - DAY, ends=LATER, number=2), bars=(bar,)))
    had = await kept(desk, old, files(Random(5), 40))  # noqa: S311
    assert await asked(desk, replace(old, bars=(bar,)), wanted) == Leaving(sum(had.values()), len(had), 0)
