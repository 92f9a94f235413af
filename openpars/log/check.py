# SPDX-License-Identifier: Apache-2.0
"""Check a published log, from wherever its files can be read. Pure.

It says the same as `verify/openpars_verify.py`, which shares no code with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import orjson

from openpars.log.leaf import Kind, fits, removed, schema_hash
from openpars.log.merkle import Tree, leaf_hash
from openpars.log.note import Checkpoint, Malformed, Verifier, open_checkpoint
from openpars.log.tiles import MAX_LEVEL, WIDTH, Tile, published, unbundle

Read = Callable[[str], bytes | None]
"""Gives a published file's bytes for its path (`checkpoint`, `tile/0/000`), None when it is not there."""


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One thing that is wrong: at `index`, or at one entry up to `last` where only a range can be told.

    Both are -1 for what is wrong with the log and not with an entry, such as a signature.
    """

    index: int
    last: int
    what: str


@dataclass(slots=True)
class Report:
    """What a check found. All is well when `findings` is empty."""

    head: Checkpoint | None = None
    checkpoints: int = 0
    schemas: list[int] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def add(self, index: int, last: int, what: str) -> None:
        """Note a finding."""
        self.findings.append(Finding(index, last, what))

    @property
    def first_bad(self) -> tuple[int, int] | None:
        """The range in which the first bad entry lies; mostly of that one entry."""
        return first_bad(self.findings)


def first_bad(findings: Iterable[Finding]) -> tuple[int, int] | None:
    """The narrowest range that the findings give for the first bad entry; None when no entry is bad."""
    placed = [item for item in findings if item.index >= 0]
    if not placed:
        return None
    end = min(item.last for item in placed)
    return max(item.index for item in placed if item.index <= end), end


def check(read: Read, verifier: Verifier, *, tell: Callable[[int, int], None]) -> Report | None:
    """Check a whole log; None when there is none. `tell(done, all)` hears of progress in entries."""
    report = Report()
    note = read("checkpoint")
    if note is None:
        return None
    try:
        report.head = open_checkpoint(note, verifier)
    except Malformed as problem:
        report.add(-1, -1, f"the checkpoint cannot be accepted: {problem}")
        return report
    tree = _entries(read, report, report.head.size, tell)
    _upper_tiles(read, report, tree)
    _roots(read, report, tree, verifier)
    return report


def _entries(read: Read, report: Report, size: int, tell: Callable[[int, int], None]) -> Tree:
    tree, schema = Tree(), _Schema(report)
    for begin in range(0, size, WIDTH):
        width = min(WIDTH, size - begin)
        raw = read(Tile(None, begin // WIDTH, width).path())
        listed = read(Tile(0, begin // WIDTH, width).path()) or b""
        try:
            entries = unbundle(raw or b"")
        except Malformed:
            entries = []
        if len(entries) != width or len(listed) != 32 * width:
            report.add(begin, begin + width - 1, "the entries or their hashes are not published whole")
        for at in range(width):
            hashed = listed[32 * at : 32 * at + 32]
            if at < len(entries):
                if hashed and leaf_hash(entries[at]) != hashed:
                    report.add(begin + at, begin + at, "the entry does not have its published hash")
                hashed = leaf_hash(entries[at])
                schema.take(begin + at, entries[at])
            tree.append(hashed if len(hashed) == 32 else bytes(32))
        tell(begin + width, size)
    return tree


class _Schema:
    """The schema in force, entry by entry."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._schema: Mapping[str, Kind] | None = None

    def take(self, index: int, entry: bytes) -> None:
        """Check an entry against the last schema before it."""
        if entry[53:72] != b'","kind":"schema","':
            if self._schema is None or not fits(entry, self._schema):
                self._report.add(index, index, "the entry does not have the fields of the log's schema")
            return
        try:
            public = orjson.loads(entry)["public"]
            new: Mapping[str, Kind] = public["schema"]
            good = fits(entry, new) and schema_hash(new) == public["hash"]
        except (ValueError, KeyError, TypeError):
            good = False
        if not good:
            self._report.add(index, index, "the schema cannot be read")
            return
        gone = ", ".join(removed(self._schema or {}, new))
        if gone:
            self._report.add(index, index, f"from here on the log says less: {gone}")
        self._schema = new
        self._report.schemas.append(index)


def _upper_tiles(read: Read, report: Report, tree: Tree) -> None:
    for tile in published(tree.size, entries=False):
        level = tile.level or 0
        if not 1 <= level <= MAX_LEVEL:
            continue
        raw = read(tile.path()) or b""
        first = tile.index * WIDTH
        if len(raw) != 32 * tile.width:
            report.add(first << 8 * level, tree.size - 1, f"a tile of level {level} is not published whole")
        for at in range(tile.width):
            if raw[32 * at : 32 * at + 32] != tree.node(8 * level, first + at):
                begin = (first + at) << 8 * level
                what = f"the entries do not give the published hash of level {level}"
                report.add(begin, begin + (1 << 8 * level) - 1, what)


def _roots(read: Read, report: Report, tree: Tree, verifier: Verifier) -> None:
    heads: list[Checkpoint] = []
    try:
        heads = [open_checkpoint(note, verifier) for note in orjson.loads(read("checkpoints") or b"[]")]
    except (ValueError, TypeError, AttributeError) as problem:
        report.add(-1, -1, f"an earlier checkpoint cannot be accepted: {type(problem).__name__}")
    report.checkpoints = len(heads)
    if report.head is not None:
        heads.append(report.head)
    good = 0
    for head in sorted(heads, key=lambda item: item.size):
        if head.size > tree.size:
            report.add(tree.size, head.size - 1, "the log is shorter than an earlier checkpoint")
        elif tree.root(head.size) != head.root:
            report.add(
                good, max(head.size - 1, 0), f"the entries do not give the root signed at {head.size} entries"
            )
            return
        else:
            good = head.size
