# SPDX-License-Identifier: Apache-2.0
"""Keep every share true to the record, inside the transaction of the act that changes it.

The caller holds the arrest file's lock. Whatever the act was, the rows that `project` gives now are
compared with the rows that stand, and only the difference is written: a file in no share costs two
small reads.
"""

from __future__ import annotations

import logging
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from psycopg import AsyncRawCursor
from psycopg.rows import TupleRow

from openpars.agreements import register
from openpars.agreements.bars import narrowed
from openpars.agreements.model import Version
from openpars.agreements.project import ShareRow, project
from openpars.db.connect import Connection
from openpars.db.literals import columns, text, texts
from openpars.db.sql import load
from openpars.record.file import ArrestFile
from openpars.shares.keys import ShareKeys
from openpars.shares.rows import digest, kept_row, table_row
from openpars.shares.tables import Share
from openpars.shares.writes import putting, removing

Q = load(__package__)

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class OpenShare:
    """A share that must be kept, with the version it is compiled from."""

    share: Share
    version: Version


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a row stands: share, person, grant."""

    share: Share
    slot: str
    grant: int


@dataclass(frozen=True, slots=True)
class _Kept:
    id: UUID
    digest: bytes


@dataclass(frozen=True, slots=True)
class _Seen:
    """What one look at the database tells before an act's shares are brought in line."""

    shares: tuple[OpenShare, ...]
    clock: datetime
    kept: dict[_Place, _Kept]
    ids: dict[tuple[str, str], UUID]


@dataclass(frozen=True, slots=True)
class _Put:
    """A row to be written."""

    place: _Place
    id: UUID
    row: ShareRow


class Keeper:
    """Keeps the shares. One per process; it remembers versions, which change only with the bars above them.

    However many shares there are, an act makes four trips to the server for all of them, or three.
    """

    def __init__(self, keys: ShareKeys) -> None:
        self._keys = keys
        self._open: dict[tuple[str, int, str], OpenShare] = {}
        self._switched: str | None = None

    async def open_shares(self, conn: Connection) -> tuple[tuple[OpenShare, ...], datetime]:
        """Every share not closed, and the database's clock. Holds the gate until the transaction ends."""
        async with conn.pipeline():
            await conn.execute(Q.hold_gate)
            # Each statement of a pipeline has its own snapshot: this sees what the gate was waited for.
            looked = await conn.execute(Q.look)
        return await self._opened(conn, await looked.fetchone())

    async def _opened(
        self, conn: Connection, looked: TupleRow | None
    ) -> tuple[tuple[OpenShare, ...], datetime]:
        assert looked is not None  # noqa: S101
        clock, opened, switched = looked
        if switched != self._switched:
            # What was remembered was under other bars. Who switches one waits for the gate, held here.
            self._open.clear()
            self._switched = switched
        return await self._readable(conn, orjson.loads(opened or "[]")), clock

    async def _readable(self, conn: Connection, rows: list[list[Any]]) -> tuple[OpenShare, ...]:
        """The shares whose text is the one that was voted on.

        One that was rewritten behind the register grants nothing at the door. It must not keep an act from
        being recorded: stopping arraignments harms people.
        """
        found = []
        for row in rows:
            try:
                found.append(await self._known(conn, *row))
            except register.BrokenText:
                logger.critical("agreement %s, version %d: its text was rewritten", row[0], row[1])
        return tuple(found)

    async def _known(
        self, conn: Connection, agreement: str, number: int, purpose: str, combinations: list[str]
    ) -> OpenShare:
        key = (agreement, number, purpose)
        known = self._open.get(key)
        if known is None:
            version = narrowed(await register.version(conn, agreement, number))
            known = OpenShare(Share(agreement, number, purpose, tuple(combinations)), version)
            self._open[key] = known
        return known

    async def refresh(self, conn: Connection, before: ArrestFile | None, after: ArrestFile | None) -> bool:
        """Bring every share in line with `after` (None: the file is gone). True when one changed.

        MUST run in the act's transaction, under the file's lock, after the new version is written.
        """
        file = after if after is not None else before
        if file is None:
            return False
        seen = await self._look(conn, UUID(file.id), is_new=before is None)
        wanted: dict[_Place, ShareRow] = {}
        for one in seen.shares:
            if after is not None:
                for row in projected(one, after, seen.clock):
                    wanted[_Place(one.share, row.slot, row.grant)] = row
        dropped: list[tuple[_Place, UUID]] = []
        for place, old in seen.kept.items():
            same = wanted.get(place)
            if same is None or old.digest != digest(place.share, same, self._keys):
                dropped.append((place, old.id))
            else:
                # An act that does not touch the row is silent: silence leaks nothing.
                del wanted[place]
        ids = seen.ids.copy()
        puts = []
        for place, row in wanted.items():
            who = (place.share.agreement, place.slot)
            if who not in ids:
                ids[who] = UUID(bytes=secrets.token_bytes(16))
            puts.append(_Put(place, ids[who], row))
        if not dropped and not puts:
            return False
        fresh = {who: found for who, found in ids.items() if who not in seen.ids}
        await self._write(conn, file, dropped=dropped, puts=puts, fresh=fresh)
        return True

    async def _look(self, conn: Connection, arrest: UUID, *, is_new: bool) -> _Seen:
        kept_rows: list[TupleRow] = []
        ids: list[TupleRow] = []
        async with conn.pipeline():
            await conn.execute(Q.hold_gate)
            # Each statement of a pipeline has its own snapshot: these see what the gate was waited for.
            looked = await conn.execute(Q.look)
            if not is_new:
                # A file that this very transaction makes stands nowhere yet.
                kept = await conn.execute(Q.kept_rows, (arrest,))
                identities = await conn.execute(Q.identities, (arrest,))
                kept_rows, ids = await kept.fetchall(), await identities.fetchall()
        shares, clock = await self._opened(conn, await looked.fetchone())
        by_name = {(s.share.agreement, s.share.version, s.share.purpose): s.share for s in shares}
        found: dict[_Place, _Kept] = {}
        for agreement, version, purpose, slot, grant, row_id, standing in kept_rows:
            share = by_name.get((agreement, version, purpose))
            if share is not None:
                found[_Place(share, slot, grant)] = _Kept(row_id, standing)
        return _Seen(shares, clock, found, {(row[0], row[1]): row[2] for row in ids})

    async def _write(
        self,
        conn: Connection,
        file: ArrestFile,
        *,
        dropped: list[tuple[_Place, UUID]],
        puts: list[_Put],
        fresh: dict[tuple[str, str], UUID],
    ) -> None:
        arrest = text(UUID(file.id))
        gone = [(p.share.agreement, p.share.version, p.share.purpose, p.slot, p.grant) for p, _ in dropped]
        kept = [kept_row(put.place.share, put.row, row_id=put.id, keys=self._keys) for put in puts]
        new = [(agreement, slot, public) for (agreement, slot), public in fresh.items()]
        touched = {(place.share.agreement, place.share.purpose, row_id) for place, row_id in dropped}
        touched |= {(put.place.share.agreement, put.place.share.purpose, put.id) for put in puts}
        if dropped:
            places = [one for place, row_id in dropped for one in texts((row_id, place.grant))]
            await AsyncRawCursor(conn).execute(
                removing(tuple(place.share for place, _ in dropped)), [*places, arrest, *columns(gone, 5)]
            )
        rows = [
            one
            for put in puts
            for one in texts(table_row(put.place.share, file, put.row, row_id=put.id, keys=self._keys))
        ]
        await AsyncRawCursor(conn).execute(
            putting(tuple(put.place.share for put in puts)),
            [*rows, arrest, *columns(new, 3), *columns(sorted(touched), 3), *columns(kept, 8)],
        )


def projected(one: OpenShare, file: ArrestFile, clock: datetime) -> tuple[ShareRow, ...]:
    """The rows of one share. Before its term begins a share is filled as of its first instant."""
    at = max(clock, one.version.agreement.term.begins)
    return project(one.version, one.share.purpose, file, at)
