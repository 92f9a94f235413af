# SPDX-License-Identifier: Apache-2.0
"""A mirror of a published log on disk: the C2SP paths as files, for anyone to keep and verify."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from openpars.db.connect import Connection
from openpars.log import serve
from openpars.log.note import Verifier, open_checkpoint
from openpars.log.tiles import WIDTH, published


async def export(
    conn: Connection, tree: str, folder: Path, verifier: Verifier, *, tell: Callable[[int, int], None]
) -> int:
    """Write every file of a tree into `folder`; returns the tree's size. Raises Malformed, OSError.

    The checkpoint comes last, so that a mirror that was cut short still verifies as what it was before.
    Full tiles that are already there are left alone. `tell(done, all)` hears of progress in files.
    """
    note = await serve.checkpoint(conn, tree)
    if note is None:
        return 0
    head = open_checkpoint(note, verifier)
    earlier = await serve.checkpoints(conn, tree)
    tiles = list(published(head.size))
    for number, tile in enumerate(tiles):
        path = folder / tile.path()
        if tile.width < WIDTH or not path.exists():
            raw = await serve.tile(conn, tree, tile.path())
            _write(path, b"" if raw is None else raw)
        tell(number + 1, len(tiles))
    _write(folder / "checkpoints", earlier)
    _write(folder / "key", f"{verifier}\n".encode())
    _write(folder / "checkpoint", note)
    return head.size


def _write(path: Path, raw: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".new")
    temporary.write_bytes(raw)
    os.replace(temporary, path)
