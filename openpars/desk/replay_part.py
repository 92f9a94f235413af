# SPDX-License-Identifier: Apache-2.0
"""One part of a replay: entries read back, opened, checked, and judged in their order.

It runs in the command's own process or in one of its children, and knows nothing of the other parts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import psycopg

from openpars.agreements.model import Version
from openpars.agreements.replay.judge import Disclosed, Judge, Wish
from openpars.agreements.replay.refusals import RefusedOnce, prospect
from openpars.agreements.replay.tally import Tally
from openpars.db.connect import Connection
from openpars.desk import retold
from openpars.desk.retold import Rows, Unreadable
from openpars.log import slices
from openpars.log.leaf import hour
from openpars.log.note import Malformed
from openpars.log.opened import Opened, Ring
from openpars.log.slices import Entry, Used
from openpars.log.stored import LogDamaged
from openpars.record import past, vault
from openpars.shares.whose import whose

TREE = "disclosures"


@dataclass(frozen=True, slots=True)
class Access:
    """What opens the log and the record: the desk's login, the record key, the person keys' file."""

    dsn: str
    record_key: str
    keys: Path


@dataclass(frozen=True, slots=True)
class Task:
    """What every part of one replay knows. `of`: the agreement whose disclosures are judged."""

    access: Access
    version: Version
    olds: tuple[Version, ...]
    of: str
    recipient: str
    since: datetime
    until: datetime
    wishes: Mapping[str, Wish]


@dataclass(frozen=True, slots=True)
class Part:
    """What came of the entries [first, end)."""

    first: int
    end: int
    used: bytes
    tally: Tally


@dataclass(frozen=True, slots=True)
class _Open:
    """An entry that concerns this replay, opened. `rows` None: whom it showed cannot be opened."""

    entry: Entry
    kind: str
    public: Mapping[str, Any]
    opened: Opened
    rows: Rows | None


class Reader:
    """Reads and judges parts, one after the other; what it learned of files and ids it keeps."""

    def __init__(self, task: Task, ring: Ring) -> None:
        vault.hold(task.access.record_key)
        self._task = task
        self._ring = ring
        self._judge = Judge(task.version, task.olds)
        self._whose: dict[str, tuple[str, str]] = {}

    async def read(self, first: int, end: int) -> Part:
        """Judge the entries [first, end). They MUST be whole civil days. Raises LogDamaged."""
        used, tally = Used(), Tally()
        dsn = self._task.access.dsn
        async with (
            await psycopg.AsyncConnection.connect(dsn) as scan,
            await psycopg.AsyncConnection.connect(dsn, autocommit=True) as conn,
        ):
            async for batch in slices.entries(scan, TREE, first, end):
                for entry in batch:
                    used.take(entry, TREE)
                await self._judge_all(conn, batch, tally)
        return Part(first, end, used.digest, tally)

    async def _judge_all(self, conn: Connection, batch: list[Entry], tally: Tally) -> None:
        mine = [one for entry in batch if (one := self._open(entry, tally)) is not None]
        await self._learn(conn, mine)
        found = [told for item in mine if (told := self._retold(item, tally)) is not None]
        missing = {
            place
            for told in found
            if isinstance(told, Disclosed)
            for place in self._judge.missing(told)
            if place[0]
        }
        files = await past.versions(conn, missing) if missing else {}
        for told in found:
            early = told.at < self._task.since
            if isinstance(told, RefusedOnce):
                if not early:
                    tally.add_refusal(told, prospect(self._judge, told))
            elif early:
                self._judge.count(told)
            else:
                tally.add(told, self._judge.judge(told, files))

    def _open(self, entry: Entry, tally: Tally) -> _Open | None:
        """The entry if it is a disclosure or a refusal of this agreement. Raises LogDamaged."""
        try:
            leaf = orjson.loads(entry.leaf)
            kind, public = leaf["kind"], leaf["public"]
        except (ValueError, KeyError, TypeError):
            # Found here first: the tree is verified beside the parts, not before them.
            raise LogDamaged(TREE, entry.index, "its leaf cannot be read") from None
        if kind not in {"answer", "alert", "refusal"} or entry.at >= self._task.until:
            return None
        asked = public["agreement"]
        if asked != self._task.of and not (kind == "refusal" and asked is None):
            return None
        try:
            opened = self._ring.open(entry.sealed)
            if opened.lasting is None:
                raise Unreadable
            at = retold.logged_at(opened)
            if at != entry.at or hour(at) != leaf["time"]:
                # The row's own time is in no hash: whoever moved it would have moved a disclosure by a day.
                raise LogDamaged(TREE, entry.index, "its time is not the one that was sealed")
            return _Open(entry, kind, public, opened, retold.rows(opened))
        except (Unreadable, Malformed):
            tally.closed += entry.at >= self._task.since
            return None

    async def _learn(self, conn: Connection, mine: list[_Open]) -> None:
        wanted = {record for one in mine if one.rows is not None for record, _, _ in one.rows.people}
        wanted -= self._whose.keys()
        if wanted:
            self._whose.update(await whose(conn, [UUID(hex=record) for record in sorted(wanted)]))

    def _retold(self, one: _Open, tally: Tally) -> Disclosed | RefusedOnce | None:
        try:
            if one.kind == "refusal":
                found = retold.refusal(
                    index=one.entry.index, public=one.public, at=one.entry.at, opened=one.opened
                )
                return found if found.recipient == self._task.recipient else None
            return retold.disclosed(
                index=one.entry.index,
                kind=one.kind,
                public=one.public,
                at=one.entry.at,
                recipient=self._task.recipient,
                opened=one.opened,
                found=one.rows,
                whose=self._whose,
                wishes=self._task.wishes,
            )
        except Unreadable:
            tally.closed += one.entry.at >= self._task.since
            return None
