# SPDX-License-Identifier: Apache-2.0
"""Open feeds. Each has a bounded queue of its own, so that a slow reader delays nobody.

A stream whose queue is full is closed, never thinned: its reader resumes by the last id it saw.
What waits in a queue is sent only if its agreement is still in force at that instant.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias
from uuid import UUID

from openpars.accounts.keys import RecipientKey

Party: TypeAlias = "tuple[str, str | None]"
"""A recipient, and the organisation of its tree; None: the recipient itself."""

QUEUE = 2_000
HEARTBEAT = 15.0
TOGETHER = 64


class Line(Protocol):
    """The connection of an open feed, for bytes that need not wait."""

    def send(self, frame: bytes) -> bool:
        """False, and nothing done, when what was sent before has not left yet, or nobody is there."""


@dataclass(frozen=True, slots=True)
class Item:
    """Encoded bytes waiting to be sent, under which agreement and epoch. `position`: of the event, 0 of none.
    `last`: close after it."""

    agreement: str
    epoch: int
    position: int
    frame: bytes
    ended: bool = False
    last: bool = False


BEAT = Item("", 0, 0, b": still here\n\n", ended=True)


@dataclass(eq=False, slots=True)
class Stream:
    """One open feed of one organisation of a recipient, of all its subscriptions or of one."""

    who: RecipientKey
    agreement: str | None
    subscription: str | None
    queue: asyncio.Queue[Item | None] = field(default_factory=lambda: asyncio.Queue(QUEUE))
    broken: bool = False
    # What happens while it is told what it missed: that comes first. None: it has been told.
    held: list[Item] | None = field(default_factory=list)
    full: bool = False
    # Where bytes can go at once: set while nothing that came before them is on its way through the queue.
    line: Line | None = None
    replayed: set[int] = field(default_factory=set)

    @property
    def recipient(self) -> str:
        """Whose key opened it."""
        return self.who.recipient

    @property
    def key(self) -> UUID:
        """The key that opened it."""
        return self.who.id

    def caught_up(self) -> None:
        """It has been told what it missed: now what happened meanwhile, and what comes."""
        held, self.held = self.held, None
        for item in held or ():
            # What was stored just before it opened and sent just after is in both.
            if item.position not in self.replayed:
                self.put(item)
        self.replayed.clear()

    def finish(self) -> None:
        """Take nothing more, send what waits and close: the reader resumes from there."""
        self.full, self.held = True, None
        self.queue.put_nowait(None)

    def stop(self) -> None:
        """Send nothing more, not even what waits."""
        self.broken = True
        with contextlib.suppress(asyncio.QueueFull):
            self.queue.put_nowait(None)  # wakes a reader that waits

    @property
    def open(self) -> bool:
        """Whether it still takes what happens."""
        return not self.broken and not self.full

    def wants(self, agreement: str, subscription: str | None) -> bool:
        """Whether an item belongs on this stream."""
        if self.agreement is not None and agreement != self.agreement:
            return False
        return self.subscription is None or subscription is None or subscription == self.subscription

    def send(self, frame: bytes) -> bool:
        """Send at once. False, and nothing done, when it has to wait its turn: then it is for `put`.

        MUST be asked only while the frame's agreement is in force at this very instant.
        """
        if self.line is None or not self.open or self.held is not None or not self.queue.empty():
            return False
        return self.line.send(frame)

    def put(self, item: Item) -> bool:
        """False when the reader is too slow, or nothing more is taken."""
        if self.full:
            return False
        if self.held is not None:
            self.held.append(item)
            return True
        return self.replay(item)

    def replay(self, item: Item) -> bool:
        """Put something that was missed. False when the reader is too slow; the stream is then closed."""
        try:
            self.queue.put_nowait(item)
        except asyncio.QueueFull:
            self.broken = True
            return False
        if self.held is not None:
            self.replayed.add(item.position)
        return True


class Streams:
    """All open streams of this process, by recipient, and there by the subscription they are narrowed to."""

    def __init__(self) -> None:
        self._open: dict[str, dict[str | None, set[Stream]]] = defaultdict(lambda: defaultdict(set))

    def open(self, stream: Stream) -> None:
        """From now on the stream is sent what happens."""
        self._open[stream.recipient][stream.subscription].add(stream)

    def close(self, stream: Stream) -> None:
        """The reader has gone."""
        mine = self._open[stream.recipient]
        mine[stream.subscription].discard(stream)
        if not mine[stream.subscription]:
            del mine[stream.subscription]

    def of(self, recipient: str) -> tuple[Stream, ...]:
        """The open streams of one recipient."""
        return tuple(stream for group in self._open[recipient].values() for stream in group)

    def hearing(self, whose: Party, agreement: str) -> Callable[[str], Sequence[Stream]]:
        """Which open streams want what a subscription is told: asked of this for one after the other."""
        recipient, organisation = whose
        mine = self._open[recipient]

        def of(subscription: str | None) -> list[Stream]:
            # One organisation's feed never carries what another of the same recipient asked for.
            return [
                stream
                for stream in mine.get(subscription, ())
                if stream.who.organisation == organisation and stream.agreement in (None, agreement)
            ]

        everything = of(None)
        return lambda subscription: everything + of(subscription) if subscription in mine else everything

    def listening(self, whose: Party, agreement: str) -> Callable[[str], bool]:
        """Whether anybody would hear now what a subscription is told."""
        hearing = self.hearing(whose, agreement)
        return lambda subscription: any(stream.open for stream in hearing(subscription))

    def _all(self) -> Iterator[Stream]:
        for mine in self._open.values():
            for group in mine.values():
                yield from group

    def counted(self) -> Counter[tuple[str, str | None]]:
        """How many feeds are open, by recipient and the agreement they are narrowed to."""
        return Counter((stream.recipient, stream.agreement) for stream in self._all() if stream.open)

    def keys(self, recipient: str | None = None) -> frozenset[UUID]:
        """The keys that open feeds were opened with: one recipient's, or all."""
        return frozenset(stream.key for stream in (self._all() if recipient is None else self.of(recipient)))

    def keep_only(self, live: frozenset[UUID], asked: frozenset[UUID]) -> None:
        """Stop every feed whose key was `asked` about and is not `live` any more."""
        revoked = asked - live
        if revoked:
            for stream in self._all():
                if stream.key in revoked:
                    stream.stop()

    async def beat(self, seconds: float = HEARTBEAT) -> None:
        """Until cancelled: a sign of life on every stream, so that a dead connection is noticed."""
        while True:
            await asyncio.sleep(seconds)
            for stream in tuple(self._all()):
                if stream.open and stream.held is None and stream.queue.empty():
                    stream.queue.put_nowait(BEAT)


async def frames(
    stream: Stream, *, alive: Callable[[Stream, Item], bool], line: Line | None
) -> AsyncIterator[bytes]:
    """The bytes of a stream until it ends, but for what goes straight to its `line`. `alive` is asked at the
    last moment before sending.

    What waits together is sent together: a reader that fell behind catches up for less.
    """
    yield b": connected\n\n"
    closing = False
    while not closing and not stream.broken:
        # Asked for more, so all that was yielded has been sent.
        stream.line = line
        waiting = [await stream.queue.get()]
        stream.line = None
        while len(waiting) < TOGETHER and not stream.queue.empty():
            waiting.append(stream.queue.get_nowait())
        chunk = []
        for item in waiting:
            if item is None or stream.broken:
                closing = True
                break
            if item.ended or alive(stream, item):
                chunk.append(item.frame)
            if item.last:
                closing = True
                break
        if chunk and not stream.broken:
            yield b"".join(chunk)
