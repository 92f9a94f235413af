# SPDX-License-Identifier: Apache-2.0
"""Replaying the log of disclosures under another text: reading it back with the city's own keys.

The whole tree is checked while its parts are judged, and nothing is told of a tree that is not as it was
signed. Parts are whole civil days, since limits count by day, and go to processes of their own where there
are many. Whoever lacks the desk's login, the record key or the person keys gets nothing at all.
"""

from __future__ import annotations

import asyncio
import gc
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from multiprocessing import get_context
from zoneinfo import ZoneInfo

import orjson
import psycopg

from openpars.agreements import register
from openpars.agreements.model import Version
from openpars.agreements.register import BrokenText
from openpars.agreements.replay.judge import Wish
from openpars.agreements.replay.tally import Tally
from openpars.db.connect import Connection
from openpars.desk import retold
from openpars.desk.replay_part import TREE, Access, Part, Reader, Task
from openpars.desk.retold import Unreadable
from openpars.log import slices, stored
from openpars.log.note import Malformed, Verifier
from openpars.log.opened import Ring
from openpars.log.slices import Day, Used
from openpars.log.stored import LogDamaged

APART, LEAST = 20_000, 2_000
"""Entries from which processes of their own are worth their start; the least in one part."""

Tell = Callable[[int, int], None]
"""Hears how many entries of how many are done."""


class Nothing(Exception):
    """There is no such agreement in the register, or no text of it that can be obeyed."""


async def replay(
    access: Access,
    verifier: Verifier,
    version: Version,
    *,
    of: str,
    since: datetime,
    until: datetime,
    tell: Tell,
) -> Tally:
    """What `version` would have made of what was disclosed under agreement `of` in [since, until).

    Raises LogDamaged, NoKeys, Nothing, or the driver's error. Equal logs and records give equal tallies.
    """
    ring = Ring(access.keys, TREE)
    async with await psycopg.AsyncConnection.connect(access.dsn) as conn:
        olds, recipient = await _olds(conn, of)
        begin = _midnight(since, version.term.zone)
        found = await slices.days(conn, TREE, version.term.zone, since=begin, until=until)
        wishes = await _wishes(conn, ring, of, max((day.end for day in found), default=0))
        await conn.rollback()
        task = Task(access, version, olds, of, recipient, since, until, wishes)
        ranges = _ranges(found)
        parts, whole = await asyncio.gather(_run(task, ranges, ring, tell), _whole(access.dsn, verifier))
    tally = Tally()
    for part in parts:
        if not Used(part.used).of(whole.tree, part.first, part.end):
            raise LogDamaged(TREE, part.first, "the log changed while it was read", part.end - 1)
        tally.merge(part.tally)
    return tally


async def _whole(dsn: str, verifier: Verifier) -> stored.Stored:
    async with await psycopg.AsyncConnection.connect(dsn) as conn:
        return await stored.read(conn, TREE, verifier)


async def _olds(conn: Connection, of: str) -> tuple[tuple[Version, ...], str]:
    """Every version of the agreement, and its recipient. Raises Nothing."""
    standings = [one for one in await register.standings(conn) if one.agreement == of]
    if not standings:
        raise Nothing
    found = []
    for one in standings:
        try:
            found.append(await register.version(conn, of, one.version))
        except BrokenText:
            # What was shown by a text that was rewritten since cannot be rebuilt, and is counted so.
            continue
    return tuple(found), standings[0].recipient


async def _wishes(conn: Connection, ring: Ring, of: str, end: int) -> dict[str, Wish]:
    found: dict[str, Wish] = {}
    for entry in await slices.subscribed(conn, TREE, end):
        if orjson.loads(entry.leaf)["public"].get("agreement") != of:
            continue
        try:
            made = retold.wish(ring.open(entry.sealed))
        except (Unreadable, Malformed):
            continue
        if made is not None:
            found[made[0]] = made[1]
    return found


def _midnight(at: datetime, zone: str) -> datetime:
    """The beginning of the instant's civil day: a limit counts from there."""
    local = at.astimezone(ZoneInfo(zone))
    return datetime.combine(local.date(), datetime.min.time(), tzinfo=ZoneInfo(zone)).astimezone(UTC)


def _ranges(found: Sequence[Day]) -> list[tuple[int, int]]:
    """Whole days, joined to parts large enough to be worth it and small enough to share out."""
    size = max(LEAST, sum(day.end - day.first for day in found) // 32)
    ranges: list[tuple[int, int]] = []
    for day in found:
        if ranges and ranges[-1][1] == day.first and ranges[-1][1] - ranges[-1][0] < size:
            ranges[-1] = (ranges[-1][0], day.end)
        else:
            ranges.append((day.first, day.end))
    return ranges


async def _run(task: Task, ranges: Sequence[tuple[int, int]], ring: Ring, tell: Tell) -> list[Part]:
    count = sum(end - first for first, end in ranges)
    parts: list[Part] = []
    done = 0
    if count < APART:
        reader = Reader(task, ring)
        for first, end in ranges:
            parts.append(await reader.read(first, end))
            done += end - first
            tell(done, count)
        return parts
    loop = asyncio.get_running_loop()
    with ProcessPoolExecutor(
        max_workers=os.cpu_count() or 1,
        mp_context=get_context("spawn"),
        initializer=_begin,
        initargs=(task,),
    ) as pool:
        waiting = [loop.run_in_executor(pool, _part, first, end) for first, end in ranges]
        try:
            for ready in asyncio.as_completed(waiting):
                parts.append(await ready)
                done += parts[-1].end - parts[-1].first
                tell(done, count)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return sorted(parts, key=lambda part: part.first)


class _Held:
    """The reader of a process that judges parts."""

    reader: Reader | None = None


def _begin(task: Task) -> None:
    # Nothing here refers in circles, and looking for circles among ever more counted people took a fifth of
    # the time. The process ends with the replay.
    gc.disable()
    _Held.reader = Reader(task, Ring(task.access.keys, TREE))


def _part(first: int, end: int) -> Part:
    assert _Held.reader is not None  # noqa: S101
    return asyncio.run(_Held.reader.read(first, end))
