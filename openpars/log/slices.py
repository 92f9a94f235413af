# SPDX-License-Identifier: Apache-2.0
"""Stretches of a stored tree, for who reads it back in parts.

A part is checked by itself (leaf against body) and tells the hash of the leaves it used, so that whoever
has checked the whole tree can tell that every part was of that tree.
"""

from __future__ import annotations

from binascii import b2a_base64
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import date, datetime
from hashlib import sha256

from openpars.db.connect import Connection
from openpars.db.sql import load
from openpars.log.leaf import body_hash
from openpars.log.merkle import Tree, leaf_hash
from openpars.log.stored import LogDamaged

Q = load(__package__, "slices.sql")

_FETCH = 2000
_SUBSCRIBED = b'"event":"subscribed"'


@dataclass(frozen=True, slots=True)
class Entry:
    """One stored entry: the leaf, the sealed body, and the time its row gives."""

    index: int
    leaf: bytes
    sealed: bytes
    at: datetime


@dataclass(frozen=True, slots=True)
class Day:
    """The entries [first, end) of one civil day."""

    day: date
    first: int
    end: int


@dataclass(slots=True)
class Used:
    """The hash of all leaves read, in their order."""

    digest: bytes = field(default=b"")

    def take(self, entry: Entry, tree: str) -> None:
        """Check one entry against its body, and remember its leaf. Raises LogDamaged."""
        if b2a_base64(sha256(entry.sealed).digest(), newline=False) != body_hash(entry.leaf):
            raise LogDamaged(tree, entry.index, "the sealed body is not the one in the leaf")
        self.digest = sha256(self.digest + leaf_hash(entry.leaf)).digest()

    def of(self, tree: Tree, first: int, end: int) -> bool:
        """Whether these were the leaves [first, end) of a tree that was checked."""
        digest = b""
        for index in range(first, end):
            digest = sha256(digest + tree.node(0, index)).digest()
        return digest == self.digest


async def days(conn: Connection, tree: str, zone: str, *, since: datetime, until: datetime) -> list[Day]:
    """The civil days of a zone that have entries, in order."""
    values = {"tree": tree, "zone": zone, "since": since, "until": until}
    return [Day(*row) for row in await (await conn.execute(Q.days, values)).fetchall()]


async def entries(conn: Connection, tree: str, first: int, end: int) -> AsyncIterator[list[Entry]]:
    """The entries [first, end), a few thousand at a time. Raises LogDamaged when one is missing."""
    expected = first
    async with conn.cursor(name="log_slice", binary=True) as scan:
        await scan.execute(Q.slice, {"tree": tree, "first": first, "end": end})
        while rows := await scan.fetchmany(_FETCH):
            if rows[-1][0] != expected + len(rows) - 1:
                there = {row[0] for row in rows}
                missing = next(index for index in range(expected, end) if index not in there)
                raise LogDamaged(tree, missing, "the entry is missing")
            expected += len(rows)
            yield [Entry(*row) for row in rows]
    if expected != end:
        raise LogDamaged(tree, expected, "the entry is missing", end - 1)


async def subscribed(conn: Connection, tree: str, end: int) -> list[Entry]:
    """The entries of all subscriptions before `end`."""
    values = {"tree": tree, "end": end, "word": _SUBSCRIBED}
    rows = await (await conn.execute(Q.with_word, values, binary=True)).fetchall()
    return [Entry(*row) for row in rows]
