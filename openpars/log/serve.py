# SPDX-License-Identifier: Apache-2.0
"""The bytes of the published log, from the database and from nowhere else.

Not from the writer's memory: a row that somebody edited has to be visible to whoever verifies. Where
a row is missing, an empty entry and a zero hash stand in its place, so that a verifier can name it.
"""

from __future__ import annotations

from typing import LiteralString

import orjson

from openpars.db.connect import Connection
from openpars.db.sql import load
from openpars.log.note import Malformed
from openpars.log.tiles import WIDTH, Tile, bundle, parse

Q = load(__package__)

CHECKPOINT_TYPE = "text/plain; charset=utf-8"
TILE_TYPE = "application/octet-stream"
CHECKPOINT_CACHE = "no-cache"
TILE_CACHE = "public, max-age=31536000, immutable"

_NO_HASH = bytes(32)


async def checkpoint(conn: Connection, tree: str) -> bytes | None:
    """`/log/checkpoint`: the newest signed note, None while the log is empty."""
    cursor = await conn.execute(Q.checkpoint, {"tree": tree})
    row = await cursor.fetchone()
    return None if row is None else str(row[0]).encode()


async def checkpoints(conn: Connection, tree: str) -> bytes:
    """`/log/checkpoints`: earlier notes as a JSON list, the last of each hour and the newest thousand."""
    cursor = await conn.execute(Q.checkpoints_every, {"tree": tree})
    notes = sorted((str(row[0]) for row in await cursor.fetchall()), key=_size)
    return orjson.dumps(notes)


def _size(note: str) -> tuple[int, str]:
    second = note.split("\n")[1:2]
    return (int(second[0]) if second and second[0].isascii() and second[0].isdecimal() else 0, note)


async def tile(conn: Connection, tree: str, path: str) -> bytes | None:
    """`/log/tile/...`, given the path from `tile/` on. None when there is no such tile (404)."""
    try:
        wanted = parse(path)
    except Malformed:
        return None
    level = wanted.level or 0
    cursor = await conn.execute(Q.checkpoint, {"tree": tree})
    row = await cursor.fetchone()
    size = 0 if row is None else _size(str(row[0]))[0]
    if level > 7 or wanted.index * WIDTH + wanted.width > size >> 8 * level:
        return None
    if wanted.level is None:
        return bundle(await _range(conn, Q.leaves, tree, wanted, missing=b""))
    if level == 0:
        return b"".join(await _range(conn, Q.leaf_hashes, tree, wanted, missing=_NO_HASH))
    return b"".join(await _range(conn, Q.subtrees, tree, wanted, missing=_NO_HASH))


async def _range(
    conn: Connection, query: LiteralString, tree: str, wanted: Tile, *, missing: bytes
) -> list[bytes]:
    first = wanted.index * WIDTH
    bounds = {"tree": tree, "level": wanted.level, "first": first, "end": first + wanted.width}
    async with conn.cursor(binary=True) as cursor:
        await cursor.execute(query, bounds)
        rows: dict[int, bytes] = {row[0]: row[1] for row in await cursor.fetchall()}
    return [rows.get(index, missing) for index in range(first, first + wanted.width)]
