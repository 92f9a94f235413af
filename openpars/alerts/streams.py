# SPDX-License-Identifier: Apache-2.0
"""Open feeds. Each has a bounded queue of its own, so that a slow reader delays nobody.

A stream whose queue is full is closed, never thinned: its reader resumes by the last id it saw.
What waits in a queue is sent only if its agreement is still in force at that instant.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from uuid import UUID

QUEUE = 2_000
HEARTBEAT = 15.0


@dataclass(frozen=True, slots=True)
class Item:
    """Encoded bytes waiting to be sent, under which agreement and epoch. `last`: close after it."""

    agreement: str
    epoch: int
    position: int
    frame: bytes
    ended: bool = False
    last: bool = False


@dataclass(eq=False, slots=True)
class Stream:
    """One open feed of one recipient, of all its subscriptions or of one."""

    recipient: str
    key: UUID
    agreement: str | None
    subscription: UUID | None
    queue: asyncio.Queue[Item | None] = field(default_factory=lambda: asyncio.Queue(QUEUE))
    broken: bool = False

    def wants(self, agreement: str, subscription: UUID | None) -> bool:
        """Whether an item belongs on this stream."""
        if self.agreement is not None and agreement != self.agreement:
            return False
        return self.subscription is None or subscription is None or subscription == self.subscription

    def put(self, item: Item) -> bool:
        """False when the reader is too slow; the stream is then closed."""
        try:
            self.queue.put_nowait(item)
        except asyncio.QueueFull:
            self.broken = True
            return False
        return True


class Streams:
    """All open streams of this process."""

    def __init__(self) -> None:
        self._open: dict[str, set[Stream]] = defaultdict(set)

    def open(self, stream: Stream) -> None:
        """From now on the stream is sent what happens."""
        self._open[stream.recipient].add(stream)

    def close(self, stream: Stream) -> None:
        """The reader has gone."""
        self._open[stream.recipient].discard(stream)

    def of(self, recipient: str) -> tuple[Stream, ...]:
        """The open streams of one recipient."""
        return tuple(self._open.get(recipient, ()))

    def listening(self, recipient: str, agreement: str, subscription: UUID) -> bool:
        """Whether anybody would hear this now."""
        return any(not s.broken and s.wants(agreement, subscription) for s in self._open.get(recipient, ()))

    def send(self, recipient: str, subscription: UUID, item: Item) -> None:
        """Put one item on every stream that wants it."""
        for stream in self._open.get(recipient, ()):
            if stream.wants(item.agreement, subscription):
                stream.put(item)

    def count(self) -> int:
        """How many are open."""
        return sum(len(streams) for streams in self._open.values())


async def frames(
    stream: Stream, *, alive: Callable[[Item], bool], heartbeat: float = HEARTBEAT
) -> AsyncIterator[bytes]:
    """The bytes of a stream until it ends. `alive(item)` is asked at the last moment before sending."""
    yield b": connected\n\n"
    while not stream.broken:
        try:
            item = await asyncio.wait_for(stream.queue.get(), heartbeat)
        except TimeoutError:
            yield b": still here\n\n"
            continue
        if item is None:
            return
        if item.ended or alive(item):
            yield item.frame
        if item.last:
            return
