# SPDX-License-Identifier: Apache-2.0
"""c2sp.org/tlog-tiles: the paths and bytes in which a log is published. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from openpars.log.merkle import Tree
from openpars.log.note import Malformed, number

WIDTH = 256
MAX_ENTRY = 65_535
MAX_LEVEL = 7
"""256 ** 8 entries: more than a 63-bit index can count."""

_PATH = re.compile(
    r"tile/(entries|[0-9]|[1-5][0-9]|6[0-3])/((?:x[0-9]{3}/){0,6}[0-9]{3})(?:\.p/([1-9][0-9]?|1[0-9]{2}|2[0-4][0-9]|25[0-5]))?"
)


@dataclass(frozen=True, slots=True)
class Tile:
    """One published file. `level` is None for an entry bundle; `width` is 256 when the tile is full."""

    level: int | None
    index: int
    width: int = WIDTH

    def path(self) -> str:
        """`tile/<L>/<N>[.p/<W>]`, without a leading slash."""
        digits = f"{self.index:03d}"
        digits = digits.zfill((len(digits) + 2) // 3 * 3)
        groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
        name = "/".join([*(f"x{group}" for group in groups[:-1]), groups[-1]])
        suffix = "" if self.width == WIDTH else f".p/{self.width}"
        return f"tile/{'entries' if self.level is None else self.level}/{name}{suffix}"


def parse(path: str) -> Tile:
    """Read a path. Raises Malformed for every spelling but the one `path()` gives."""
    match = _PATH.fullmatch(path)
    if match is None:
        raise Malformed("not a tile path")
    level, name, width = match.groups()
    index = int(name.replace("x", "").replace("/", ""))
    tile = Tile(
        None if level == "entries" else number(level), index, WIDTH if width is None else number(width)
    )
    if tile.path() != path:
        raise Malformed("not the tile's one path")
    return tile


def published(size: int, *, entries: bool = True) -> Iterator[Tile]:
    """Every file of a tree of `size`: hash tiles of all levels, and the entry bundles."""
    levels: list[int | None] = [None] if entries else []
    levels.extend(range(MAX_LEVEL + 1))
    for level in levels:
        count = size >> 8 * (level or 0)
        for index in range(count // WIDTH):
            yield Tile(level, index)
        if count % WIDTH:
            yield Tile(level, count // WIDTH, count % WIDTH)


def bundle(entries: Sequence[bytes]) -> bytes:
    """Entries as big-endian uint16 length and bytes, one after the other."""
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)


def unbundle(raw: bytes) -> list[bytes]:
    """The entries of a bundle. Raises Malformed when it ends inside one."""
    entries, at = [], 0
    while at < len(raw):
        size = int.from_bytes(raw[at : at + 2], "big")
        at += 2 + size
        if at > len(raw):
            raise Malformed("the bundle ends inside an entry")
        entries.append(raw[at - size : at])
    return entries


def new_subtrees(tree: Tree, old: int) -> dict[str, list[Any]]:
    """The complete subtrees of 256 ** level leaves that were not complete at size `old`."""
    rows = [
        (level, index, tree.node(8 * level, index))
        for level in range(1, 8)
        for index in range(old >> 8 * level, tree.size >> 8 * level)
    ]
    return {
        "levels": [row[0] for row in rows],
        "indexes": [row[1] for row in rows],
        "hashes": [row[2] for row in rows],
    }
