# SPDX-License-Identifier: Apache-2.0
"""The last signed head, in a file of its own beside the database.

It is written after each commit and not flushed: it survives a killed process, and after a power cut it
is at worst older than the log, which is no harm. A database that was put back to an earlier state (a
backup, a copied disk) is then shorter than its own head, and the writer does not start.
"""

from __future__ import annotations

import os
from pathlib import Path

from openpars.log.merkle import Tree
from openpars.log.note import Checkpoint, Malformed, decode, encode, number
from openpars.log.stored import LogDamaged


class HeadFile:
    """One file for one tree."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._path = path

    def write(self, head: Checkpoint) -> None:
        """Remember `head`. One write of one small block."""
        handle = os.open(self._path, os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            os.pwrite(handle, f"{head.size:020d}\n{encode(head.root)}\n".encode(), 0)
        finally:
            os.close(handle)

    def check(self, name: str, tree: Tree) -> None:
        """Raise LogDamaged when `tree` is not a later state of what was remembered."""
        try:
            size_text, root_text, rest = self._path.read_text(encoding="ascii").split("\n")
            size, root = number(size_text.lstrip("0") or "0"), decode(root_text, 32)
        except FileNotFoundError:
            return
        except (ValueError, Malformed):
            raise LogDamaged(name, 0, "the remembered head cannot be read") from None
        if size > tree.size:
            raise LogDamaged(name, tree.size, "the stored log is shorter than it has been", size - 1)
        if rest or tree.root(size) != root:
            what = "the stored log is not the one that was signed before"
            raise LogDamaged(name, 0, what, max(size - 1, 0))
