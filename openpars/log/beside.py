# SPDX-License-Identifier: Apache-2.0
"""What is written in the very transaction that logs something, so that one commit keeps both.

The log knows nothing of what it is. A statement that fails here takes the batch along, so it MUST be one that
nobody's data can make fail.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Beside:
    """`write(conn, whats)` is called once for all drafts of a batch that have the same `write`, with the
    `what` of each. The connection is in a pipeline; nothing may be read there."""

    what: Any
    write: Callable[[Any, Sequence[Any]], Awaitable[None]]


async def write_all(conn: Any, besides: Sequence[Beside | None]) -> None:
    """What the drafts of a batch want written: together for those that share a way to write it."""
    wanted = [one for one in besides if one is not None]
    for write in dict.fromkeys(one.write for one in wanted):
        await write(conn, [one.what for one in wanted if one.write == write])
