# SPDX-License-Identifier: Apache-2.0
"""Fill a version's shares from every arrest file, beside the acts that change them.

A batch locks its files and then the gate, as every act does, so that an act and a batch never miss each
other: whoever comes second sees what the first has done. A file that already stands in a share is left
as its act made it. The place that was reached is committed with the rows before it: a filling that was
killed goes on from there. Two hands fill side by side, one working while the server works for the other.
"""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import LiteralString, TypeAlias
from uuid import UUID

from openpars.agreements.project import ShareRow
from openpars.db.connect import Connection, Pool
from openpars.db.literals import array
from openpars.db.sql import load
from openpars.record import store
from openpars.record.file import ArrestFile
from openpars.shares import packed
from openpars.shares.keep import Keeper, OpenShare, projected
from openpars.shares.keys import ShareKeys
from openpars.shares.rows import kept_row, table_row

Q = load(__package__)

BATCH = 500  # files, locked for some 50 ms
HANDS = 2

Progress: TypeAlias = Callable[[int], None]

_TABLE = (
    *(packed.uuid, packed.int4, packed.int8, packed.instant, packed.words, packed.boolean),
    *(packed.text, packed.jsonb, packed.bytea),
)
_KEPT = (
    *(packed.uuid, packed.text, packed.int4, packed.text, packed.text, packed.int4),
    *(packed.uuid, packed.bytea, packed.instant),
)
_IDENTITY = (packed.text, packed.uuid, packed.text, packed.uuid)


async def fill(
    pool: Pool, agreement: str, version: int, keys: ShareKeys, *, progress: Progress | None = None
) -> int:
    """Fill the version's shares; then they are live. Returns how many rows were written.

    Does nothing for shares that are not filling. Leaves them filling, to be begun again, when they were
    emptied or closed meanwhile. `progress` hears how many files are done. Takes a connection for each hand.
    """
    filling = Filling(pool, agreement, version, keys, progress)
    return await filling.run()


@dataclass(slots=True)
class _Taken:
    """A batch that a hand has locked: its last file, how many, and whether it is committed."""

    last: str
    files: int
    done: bool = False


@dataclass(frozen=True, slots=True)
class _Found:
    """A row that a file gives."""

    arrest: UUID
    file: ArrestFile
    row: ShareRow


class _Over(Exception):
    """The shares were emptied or closed: what this batch holds belongs to nothing that stands."""


class Filling:
    """One pass over all files for one version."""

    def __init__(
        self, pool: Pool, agreement: str, version: int, keys: ShareKeys, progress: Progress | None
    ) -> None:
        self._pool = pool
        self._of = (agreement, version)
        self._keys = keys
        self._keeper = Keeper(keys)
        self._progress = progress
        self._round = 0
        self._written = 0
        # Batches in the order of their files, up to those that hands are at.
        self._taken: deque[_Taken] = deque()
        self._last = self._reached = store.BEFORE_ALL
        self._files = 0
        self._taking = asyncio.Lock()
        self._at_end = False

    async def run(self) -> int:
        """See `fill`."""
        if not await self._begin():
            return 0
        try:
            async with asyncio.TaskGroup() as hands:
                for _ in range(HANDS):
                    hands.create_task(self._hand())
        except ExceptionGroup as several:
            _, failed = several.split(_Over)
            if failed is not None:
                raise failed.exceptions[0] from None
            return self._written
        # The batches' commits do not wait for the disk; this one does, and the log it writes is one: it holds
        # them all. Should the server die before, their tail is lost with the place they had reached.
        async with self._pool.connection() as conn:
            await conn.execute(Q.mark_live, (*self._of, self._round))
        return self._written

    async def _begin(self) -> bool:
        async with self._pool.connection() as conn, conn.transaction():
            row = await (await conn.execute(Q.reached, self._of)).fetchone()
            if row is None:
                return False
            self._round, reached, self._files, counted = row
            self._last = self._reached = reached or store.BEFORE_ALL
            if counted is None:
                await conn.execute(Q.count_files, (await store.count(conn), *self._of, self._round))
        return True

    async def _hand(self) -> None:
        while not self._at_end:
            async with AsyncExitStack() as stack:
                # One hand at a time takes the next files, and holds nothing while it waits for its turn.
                async with self._taking:
                    conn = await stack.enter_async_context(self._pool.connection())
                    await stack.enter_async_context(conn.transaction())
                    await conn.execute(Q.commit_later)
                    arrests = await store.lock_next(conn, after=self._last, limit=BATCH)
                    if not arrests:
                        self._at_end = True
                        return
                    taken = _Taken(arrests[-1], len(arrests))
                    self._taken.append(taken)
                    self._last = taken.last
                written = await self._batch(conn, arrests)
                await self._reach(conn, taken)
            self._done(taken)
            self._written += written

    async def _batch(self, conn: Connection, arrests: list[str]) -> int:
        files = await store.many(conn, arrests)
        # Files first and the gate second, as every act does: in the other order they could deadlock.
        open_shares, clock = await self._keeper.open_shares(conn)
        mine = [one for one in open_shares if (one.share.agreement, one.share.version) == self._of]
        if not mine:
            raise _Over
        found = [
            (one, [_Found(UUID(file.id), file, row) for file in files for row in projected(one, file, clock)])
            for one in mine
        ]
        wanted = {row.arrest for _, rows in found for row in rows}
        if not wanted:
            return 0
        standing = await self._standing(conn, wanted)
        left = [
            (one, [row for row in rows if (one.share.purpose, row.arrest) not in standing])
            for one, rows in found
        ]
        return await self._copy(conn, [(one, rows) for one, rows in left if rows])

    async def _standing(self, conn: Connection, arrests: set[UUID]) -> set[tuple[str, UUID]]:
        cursor = await conn.execute(Q.standing_arrests, (array(arrests), *self._of))
        return set(await cursor.fetchall())

    async def _copy(self, conn: Connection, found: list[tuple[OpenShare, list[_Found]]]) -> int:
        if not found:
            return 0
        ids = await self._identities(conn, [row for _, rows in found for row in rows])
        kept = []
        for one, rows in found:
            share, made = one.share, []
            for each in rows:
                row_id = ids[each.arrest, each.row.slot]
                made.append(table_row(share, each.file, each.row, row_id=row_id, keys=self._keys))
                kept.append((each.arrest, *kept_row(share, each.row, row_id=row_id, keys=self._keys)))
            columns = _TABLE + (packed.bytea,) * len(share.combinations)
            await _write(conn, share.copy(), made, columns)
        await _write(conn, Q.copy_kept, kept, _KEPT)
        return len(kept)

    async def _identities(self, conn: Connection, rows: list[_Found]) -> dict[tuple[UUID, str], UUID]:
        wanted = {(found.arrest, found.row.slot) for found in rows}
        arrests = array({arrest for arrest, _ in wanted})
        known = await conn.execute(Q.identities_in, (self._of[0], arrests))
        ids = {(row[0], row[1]): row[2] for row in await known.fetchall()}
        fresh = [place for place in wanted if place not in ids]
        drawn = os.urandom(16 * len(fresh))
        new = {place: UUID(bytes=drawn[16 * n : 16 * n + 16]) for n, place in enumerate(fresh)}
        if new:
            made = [(self._of[0], arrest, slot, public) for (arrest, slot), public in new.items()]
            await _write(conn, Q.copy_identity, made, _IDENTITY)
        return ids | new

    async def _reach(self, conn: Connection, mine: _Taken) -> None:
        """Commit with a batch how far everything is filled. Raises _Over when it is another round by now.

        Under the gate, which who empties or closes a share waits for.
        """
        last, files = self._reached, self._files
        for taken in self._taken:
            if not taken.done and taken is not mine:
                break
            last, files = taken.last, files + taken.files
        moved = await conn.execute(Q.reach, (last, files, *self._of, self._round))
        if moved.rowcount == 0:
            raise _Over

    def _done(self, mine: _Taken) -> None:
        mine.done = True
        while self._taken and self._taken[0].done:
            first = self._taken.popleft()
            self._reached, self._files = first.last, self._files + first.files
        if self._progress is not None:
            self._progress(self._files)


async def _write(
    conn: Connection,
    statement: bytes | LiteralString,
    rows: Sequence[tuple[object, ...]],
    columns: tuple[packed.Pack, ...],
) -> None:
    async with conn.cursor().copy(statement) as copy:
        await copy.write(packed.rows(rows, columns))
