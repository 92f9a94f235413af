# SPDX-License-Identifier: Apache-2.0
"""Keep every share true to the record, inside the transaction of the act that changes it.

The caller holds the arrest file's lock. Whatever the act was, the rows that `project` gives now are
compared with the rows that stand, and only the difference is written: a file in no share costs two
small reads.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from openpars.agreements import register
from openpars.agreements.model import Version
from openpars.agreements.project import ShareRow, project
from openpars.db.connect import Connection
from openpars.db.sql import load
from openpars.record.file import ArrestFile
from openpars.shares.keys import ShareKeys
from openpars.shares.rows import digest, kept_row, table_row
from openpars.shares.tables import Share

Q = load(__package__)


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


class Keeper:
    """Keeps the shares. One per process; it remembers versions, which never change once enacted."""

    def __init__(self, keys: ShareKeys) -> None:
        self._keys = keys
        self._versions: dict[tuple[str, int], Version] = {}

    async def open_shares(self, conn: Connection) -> tuple[tuple[OpenShare, ...], datetime]:
        """Every share not closed, and the database's clock."""
        await conn.execute(Q.hold_gate)
        rows = await (await conn.execute(Q.open_shares)).fetchall()
        found = []
        for agreement, version, purpose, combinations, _ in rows:
            share = Share(agreement, version, purpose, tuple(combinations))
            found.append(OpenShare(share, await self._version(conn, agreement, version)))
        if rows:
            return tuple(found), rows[0][4]
        clock = await (await conn.execute(Q.clock)).fetchone()
        assert clock is not None  # noqa: S101
        return (), clock[0]

    async def _version(self, conn: Connection, agreement: str, number: int) -> Version:
        known = self._versions.get((agreement, number))
        if known is None:
            known = await register.version(conn, agreement, number)
            self._versions[(agreement, number)] = known
        return known

    async def refresh(self, conn: Connection, before: ArrestFile | None, after: ArrestFile | None) -> bool:
        """Bring every share in line with `after` (None: the file is gone). True when one changed.

        MUST run in the act's transaction, under the file's lock, after the new version is written.
        """
        file = after if after is not None else before
        if file is None:
            return False
        shares, clock = await self.open_shares(conn)
        arrest = UUID(file.id)
        kept = await self._kept(conn, arrest, shares)
        wanted: dict[_Place, ShareRow] = {}
        for one in shares:
            if after is not None:
                for row in projected(one, after, clock):
                    wanted[_Place(one.share, row.slot, row.grant)] = row
        return await self._write(conn, file, kept=kept, wanted=wanted)

    async def _kept(
        self, conn: Connection, arrest: UUID, shares: tuple[OpenShare, ...]
    ) -> dict[_Place, _Kept]:
        by_name = {(s.share.agreement, s.share.version, s.share.purpose): s.share for s in shares}
        found: dict[_Place, _Kept] = {}
        rows = await (await conn.execute(Q.kept_rows, (arrest,))).fetchall()
        for agreement, version, purpose, slot, grant, row_id, standing in rows:
            share = by_name.get((agreement, version, purpose))
            if share is not None:
                found[_Place(share, slot, grant)] = _Kept(row_id, standing)
        return found

    async def _write(
        self,
        conn: Connection,
        file: ArrestFile,
        *,
        kept: dict[_Place, _Kept],
        wanted: dict[_Place, ShareRow],
    ) -> bool:
        arrest = UUID(file.id)
        touched: set[tuple[str, str, UUID]] = set()
        for place, old in kept.items():
            row = wanted.get(place)
            if row is None or old.digest != digest(place.share, row, self._keys):
                await self._drop(conn, arrest, place, old)
                touched.add((place.share.agreement, place.share.purpose, old.id))
            else:
                # An act that does not touch the row is silent: silence leaks nothing.
                del wanted[place]
        for place, row in wanted.items():
            row_id = await self._identity(conn, arrest, place)
            await self._put(conn, file, place, row_id=row_id, row=row)
            touched.add((place.share.agreement, place.share.purpose, row_id))
        for agreement, purpose, row_id in sorted(touched):
            await conn.execute(Q.announce, (agreement, purpose, row_id))
        return bool(touched)

    async def _drop(self, conn: Connection, arrest: UUID, place: _Place, old: _Kept) -> None:
        await conn.execute(place.share.remove(), (old.id, place.grant))
        share = place.share
        await conn.execute(
            Q.drop_kept, (arrest, share.agreement, share.version, share.purpose, place.slot, place.grant)
        )

    async def _identity(self, conn: Connection, arrest: UUID, place: _Place) -> UUID:
        agreement = place.share.agreement
        found = await (await conn.execute(Q.identity, (agreement, arrest, place.slot))).fetchone()
        if found is not None:
            return UUID(str(found[0]))
        fresh = UUID(bytes=secrets.token_bytes(16))
        await conn.execute(Q.new_identity, (agreement, arrest, place.slot, fresh))
        return fresh

    async def _put(
        self, conn: Connection, file: ArrestFile, place: _Place, *, row_id: UUID, row: ShareRow
    ) -> None:
        share = place.share
        await conn.execute(share.write(), table_row(share, file, row, row_id=row_id, keys=self._keys))
        await conn.execute(Q.keep, kept_row(share, UUID(file.id), row, row_id=row_id, keys=self._keys))


def projected(one: OpenShare, file: ArrestFile, clock: datetime) -> tuple[ShareRow, ...]:
    """The rows of one share. Before its term begins a share is filled as of its first instant."""
    at = max(clock, one.version.agreement.term.begins)
    return project(one.version, one.share.purpose, file, at)
