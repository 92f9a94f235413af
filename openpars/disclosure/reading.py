# SPDX-License-Identifier: Apache-2.0
"""Reading a share, step 5 of the door: as the agreement's own login, which can see nothing else.

Whoever asks while one reading is under way is answered by the next, together with all who waited: a trip
to the server costs more than twenty rows. Only questions of one agreement ever travel together.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from uuid import UUID

import psycopg
from psycopg.rows import TupleRow
from psycopg_pool import PoolClosed, PoolTimeout

from openpars.disclosure.pools import AgreementPools
from openpars.shares.keys import ShareKeys
from openpars.shares.tables import Share

TRIES = 4  # how often a line may be cut under a reader before it is told so
TOGETHER = 64  # questions in one trip


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a share as read in step 5. `id`: the public id as 32 hex digits. `body`: JSON text of the
    granted fields."""

    id: str
    grant: int
    file_version: int
    body: str
    subject: str


@dataclass(slots=True)
class _Question:
    hash: bytes
    limit: int
    found: asyncio.Future[list[TupleRow]]


class Reader:
    """Reads shares for searches, and for nothing else: alerts have their own way."""

    def __init__(self, pools: AgreementPools, keys: ShareKeys) -> None:
        self._pools = pools
        self._keys = keys
        self._waiting: dict[tuple[Share, str], list[_Question]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def find(self, share: Share, combination: str, hash_: bytes, *, limit: int) -> tuple[Row, ...]:
        """At most `limit` rows of a keyed hash, by id and grant. Raises the driver's error."""
        question = _Question(hash_, limit, asyncio.get_running_loop().create_future())
        place = (share, combination)
        if place in self._waiting:
            self._waiting[place].append(question)
        else:
            self._waiting[place] = [question]
            task = asyncio.create_task(self._answer(place))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return self._rows(share, sorted(await question.found))

    async def by_id(self, share: Share, record: UUID) -> tuple[Row, ...]:
        """The rows of one public id. Raises the driver's error."""
        return self._rows(share, await self._read(share.agreement, share.by_id(), (record, "search")))

    def _rows(self, share: Share, found: list[TupleRow]) -> tuple[Row, ...]:
        return tuple(
            Row(row[0], row[1], row[2], row[3], self._keys.subject(share.agreement, row[0], row[4]))
            for row in found
        )

    async def _answer(self, place: tuple[Share, str]) -> None:
        """Answer all questions of one place, until nobody waits."""
        await asyncio.sleep(0)  # whoever asks in this same moment comes along
        try:
            while self._waiting[place]:
                asked, self._waiting[place] = self._waiting[place][:TOGETHER], self._waiting[place][TOGETHER:]
                await self._answer_some(place, asked)
        finally:
            # Cut off in the middle: nobody waits for an answer that never comes, and who comes begins anew.
            for question in self._waiting.pop(place):
                question.found.cancel()

    async def _answer_some(self, place: tuple[Share, str], asked: list[_Question]) -> None:
        try:
            answers = await self._together(place, asked)
        except BaseException as problem:
            for question in asked:
                if not question.found.done():
                    question.found.set_exception(problem)
            if not isinstance(problem, Exception):
                raise
        else:
            for question, rows in zip(asked, answers, strict=True):
                if not question.found.done():
                    question.found.set_result(rows)

    async def _together(self, place: tuple[Share, str], asked: list[_Question]) -> list[list[TupleRow]]:
        share, combination = place
        hashes, limits = [question.hash for question in asked], [question.limit for question in asked]
        answers: list[list[TupleRow]] = [[] for _ in asked]
        for row in await self._read(share.agreement, share.find(combination), (hashes, limits, "search")):
            answers[row[5] - 1].append(row)
        return answers

    async def _read(self, agreement: str, statement: bytes, parameters: tuple[object, ...]) -> list[TupleRow]:
        # An end cuts its lines and closes their pool. Whoever asks under an agreement that was voted again
        # a moment later gets a new line, and not the end of the old one.
        for left in range(TRIES - 1, -1, -1):
            pool = await self._pools.of(agreement)
            try:
                async with pool.connection() as conn:
                    return await (await conn.execute(statement, parameters, binary=True)).fetchall()
            except psycopg.OperationalError as problem:
                # Without a state it was the line that failed, and not what was asked.
                cut = isinstance(problem, psycopg.errors.AdminShutdown) or problem.sqlstate is None
                if not cut or not left or isinstance(problem, PoolTimeout):
                    raise
                with contextlib.suppress(PoolClosed):
                    await pool.check()  # the others were cut with it
        raise AssertionError("unreachable")
