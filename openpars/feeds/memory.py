# SPDX-License-Identifier: Apache-2.0
"""The memory of `sequence`, kept in the schema `feeds`. All of it is keyed hashes and instants."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID

from openpars.db.connect import Connection
from openpars.db.sql import load as load_queries
from openpars.feeds.filings import FilingsFile, Window
from openpars.feeds.sequence import Marks, Memory, Seen, Standing
from openpars.feeds.values import ZONE

Q = load_queries(__package__)


async def claim(conn: Connection) -> bool:
    """Whether this is the only import now; True holds until the connection ends."""
    row = await (await conn.execute(Q.only_import)).fetchone()
    return row is not None and bool(row[0])


async def load(conn: Connection, jurisdiction: str, keys: Iterable[str]) -> Memory:
    """What is remembered of the listed dockets and of those with these keys."""
    cursor = await conn.execute(Q.dockets, {"jurisdiction": jurisdiction, "keys": list(keys)})
    dockets = {
        row[0]: Seen(_civil(row[1]), Standing(row[2]), Marks(*row[4:]), _civil(row[3]))
        for row in await cursor.fetchall()
    }
    files = await (await conn.execute(Q.snapshots, (jurisdiction,))).fetchall()
    windows = (
        Window(_civil(first), _civil(last), None if bail is None else _civil(bail))
        for _, first, last, bail in files
    )
    return Memory(tuple(windows), dockets, frozenset(row[0] for row in files))


def _civil(at: datetime) -> datetime:
    """The court's own clock: days are counted by it."""
    return at.astimezone(ZONE)


async def arrest_of(conn: Connection, jurisdiction: str, key: str) -> str | None:
    """The id of the arrest file that a docket became, as uuid text."""
    row = await (await conn.execute(Q.arrest, (jurisdiction, key))).fetchone()
    return None if row is None or row[0] is None else str(row[0])


async def keep_docket(conn: Connection, jurisdiction: str, key: str, seen: Seen, arrest: str | None) -> None:
    """Remember one docket; in the same transaction as its act."""
    marks = seen.marks
    await conn.execute(
        Q.keep_docket,
        {
            "jurisdiction": jurisdiction,
            "key": key,
            "arrest": None if arrest is None else UUID(arrest),
            "filed_at": seen.filed_at,
            "standing": seen.standing,
            "said_at": seen.said_at,
            "name": marks.name,
            "zip": marks.zip,
            "bail": marks.bail,
            "represented": marks.represented,
            "custody": marks.custody,
        },
    )


async def keep_quiet(conn: Connection, jurisdiction: str, quiet: Mapping[str, Seen]) -> None:
    """Remember those that left or came back without an act."""
    for standing in Standing:
        keys = [key for key, seen in quiet.items() if seen.standing is standing]
        if keys:
            await conn.execute(
                Q.keep_standing, {"jurisdiction": jurisdiction, "standing": standing, "keys": keys}
            )


async def keep_file(conn: Connection, jurisdiction: str, file: FilingsFile) -> None:
    """Remember a file; only after every act of it is done."""
    window = file.window
    await conn.execute(
        Q.keep_snapshot,
        {
            "jurisdiction": jurisdiction,
            "digest": file.digest,
            "first_filed": window.first_filed,
            "last_filed": window.last_filed,
            "last_bail": window.last_bail,
        },
    )
