# SPDX-License-Identifier: Apache-2.0
"""Reading a stored tree back and checking all of it, as the writer does before it writes."""

from __future__ import annotations

from binascii import b2a_base64
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256

import orjson

from openpars.db.connect import Connection
from openpars.db.sql import load
from openpars.log.draft import JSON
from openpars.log.leaf import body_hash
from openpars.log.merkle import Tree
from openpars.log.note import Checkpoint, Malformed, Verifier, open_checkpoint

Q = load(__package__)

_SCHEMA_KIND = b'","kind":"schema","'
_FETCH = 2000


class LogDamaged(Exception):
    """The stored log is not what was signed. `index` is the first entry that cannot be right.

    `last` is the last entry it might be instead, where only a range can be told.
    """

    def __init__(self, tree: str, index: int, what: str, last: int | None = None) -> None:
        self.tree, self.index, self.what, self.last = tree, index, what, index if last is None else last
        where = f"entry {index}" if self.last == index else f"entry {index} or a later one up to {self.last}"
        super().__init__(f"the {tree} log is damaged at {where}: {what}")


@dataclass(slots=True)
class Stored:
    """A whole tree, checked. `schema` is the last one it logged."""

    tree: Tree = field(default_factory=Tree)
    schema: dict[str, JSON] | None = None
    last_at: datetime | None = None
    head: Checkpoint | None = None


async def read(conn: Connection, tree: str, verifier: Verifier) -> Stored:
    """Recompute every leaf hash, every body hash and the root, and compare with the last signed checkpoint.

    MUST run in a transaction of its own. Raises LogDamaged.
    """
    found = Stored()
    await extend(conn, tree, verifier, found)
    return found


async def extend(conn: Connection, tree: str, verifier: Verifier, found: Stored) -> None:
    """Read what was stored after `found`, check it and take it over. Raises LogDamaged."""
    known = found.tree.size
    async with conn.cursor(name="log_scan", binary=True) as scan:
        await scan.execute(Q.all_entries, {"tree": tree, "first": known})
        while rows := await scan.fetchmany(_FETCH):
            _take(tree, found, rows)
    await _check_root(conn, tree, verifier, found)
    await _check_subtrees(conn, tree, found.tree, known)
    cursor = await conn.execute(Q.last_time, {"tree": tree})
    row = await cursor.fetchone()
    found.last_at = None if row is None else row[0]


def _take(tree: str, found: Stored, rows: list[tuple[int, bytes, bytes, bytes]]) -> None:
    """Rows in the order of their index: the leaf, and the hashes of the leaf and of the body as stored."""
    append, expected = found.tree.append, found.tree.size
    for index, leaf, leaf_hash, stored_body in rows:
        if index != expected:
            raise LogDamaged(tree, expected, "the entry is missing")
        if sha256(b"\x00" + leaf).digest() != leaf_hash:
            raise LogDamaged(tree, index, "the leaf does not have the hash that is stored with it")
        if b2a_base64(stored_body, newline=False) != body_hash(leaf):
            raise LogDamaged(tree, index, "the sealed body is not the one in the leaf")
        if leaf[53:72] == _SCHEMA_KIND:
            found.schema = orjson.loads(leaf)["public"]["schema"]
        append(leaf_hash)
        expected += 1


async def _check_root(conn: Connection, tree: str, verifier: Verifier, found: Stored) -> None:
    size = found.tree.size
    cursor = await conn.execute(Q.checkpoint, {"tree": tree})
    row = await cursor.fetchone()
    if row is None:
        if size:
            raise LogDamaged(tree, 0, "no checkpoint covers it")
        return
    try:
        head = open_checkpoint(row[0], verifier)
    except Malformed as problem:
        raise LogDamaged(tree, max(size - 1, 0), f"the last checkpoint is not valid: {problem}") from None
    if head.size < size:
        raise LogDamaged(tree, head.size, "no checkpoint covers it", size - 1)
    if head.size > size:
        raise LogDamaged(tree, size, "the entry is missing", head.size - 1)
    if head.root != found.tree.root():
        raise await _first_wrong(conn, tree, verifier, found.tree)
    found.head = head


async def _first_wrong(conn: Connection, tree: str, verifier: Verifier, held: Tree) -> LogDamaged:
    """Leaves and hashes agree with each other and not with the signed root: find the batch it began in."""
    cursor = await conn.execute(Q.checkpoints_between, {"tree": tree, "after": 0, "upto": held.size})
    good = 0
    async for size, note in cursor:
        try:
            signed = open_checkpoint(note, verifier)
        except Malformed:
            continue
        if signed.size == size and signed.root != held.root(size):
            return LogDamaged(tree, good, "the entry is not the one that was signed", size - 1)
        good = size
    return LogDamaged(tree, good, "the entry is not the one that was signed", held.size - 1)


async def _check_subtrees(conn: Connection, tree: str, held: Tree, known: int) -> None:
    for level in range(1, 8):
        first, end = known >> 8 * level, held.size >> 8 * level
        cursor = await conn.execute(Q.subtrees, {"tree": tree, "level": level, "first": first, "end": end})
        rows = {index: hash_ async for index, hash_ in cursor}
        for index in range(first, end):
            if rows.get(index) != held.node(8 * level, index):
                begin = index << 8 * level
                what = f"a stored hash of level {level} is not that of its entries"
                raise LogDamaged(tree, begin, what, begin + (1 << 8 * level) - 1)


async def last_logged(conn: Connection, tree: str) -> datetime | None:
    """The exact time of the last entry, for the clock rule `max(database clock, last logged time)`."""
    cursor = await conn.execute(Q.last_time, {"tree": tree})
    row = await cursor.fetchone()
    return None if row is None else row[0]


@dataclass(frozen=True, slots=True)
class Noted:
    """An entry about an agreement: its kind and public part. `index` None: it still waits for its tree."""

    index: int | None
    kind: str
    public: dict[str, JSON]


async def about_agreements(conn: Connection) -> tuple[Noted, ...]:
    """Every entry of the acts tree about agreements, ballots and ballot keys, without checking the tree.

    For deciding what to believe of a row: whoever wants the tree itself checked reads all of it (`read`).
    """
    found = []
    for index, leaf, kind, public in await (await conn.execute(Q.agreement_leaves)).fetchall():
        entry = {"kind": kind, "public": orjson.loads(public)} if leaf is None else orjson.loads(leaf)
        found.append(Noted(index, entry["kind"], entry["public"]))
    return tuple(found)


async def digests_of(conn: Connection, event: str) -> frozenset[str]:
    """The digests that leaves about this one event of agreements carry, without checking the tree."""
    found = set()
    words = {"event": f'"event":"{event}"'.encode()}
    for leaf, public in await (await conn.execute(Q.agreement_leaves_of, words)).fetchall():
        said = orjson.loads(public) if leaf is None else orjson.loads(leaf)["public"]
        if said.get("event") == event and isinstance(said.get("digest"), str):
            found.add(said["digest"])
    return frozenset(found)
