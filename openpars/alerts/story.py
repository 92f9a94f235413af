# SPDX-License-Identifier: Apache-2.0
"""What is written of alerts in the very transaction that logs them: what was told, and its place in the feed.

One commit keeps the leaf, what each subscription was told and the event to resume from, so that nothing is
sent of which one of them is missing. Positions are given here, in the order of the log: one process tells,
and its log writes one batch after the other.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias
from uuid import UUID

from openpars.alerts.match import Known, News, Told
from openpars.alerts.streams import Streams
from openpars.alerts.subscriptions import Listener
from openpars.db.connect import Connection
from openpars.db.literals import columns
from openpars.db.sql import load
from openpars.disclosure.register import Right

Q = load(__package__)

Event: TypeAlias = "tuple[int, UUID, str, bool, str]"
"""The last position, the record, the kind, whether somebody listened, and the subscriptions as an array."""


@dataclass(eq=False, frozen=True, slots=True)
class Group:
    """What one organisation is told of one record: one leaf, so that whose each disclosure was stays seen."""

    record: UUID
    news: tuple[News, ...]


@dataclass(frozen=True, slots=True)
class Said:
    """News with its listeners in the order of their places, which follow each other from `first` on."""

    news: News
    first: int

    @property
    def last(self) -> int:
        """The place of the last of them."""
        return self.first + len(self.news.listeners) - 1


class Feed:
    """The positions given, and the stories that are not over. `newest`: the last position that was given."""

    def __init__(self) -> None:
        self.newest = 0
        self.stories: set[Story] = set()

    def give(self, count: int) -> int:
        """Give so many positions; returns the first."""
        first, self.newest = self.newest + 1, self.newest + count
        return first

    def before(self, mine: Story) -> int:
        """The position before all that others have been given and may not have sent yet."""
        others = [story.begun for story in self.stories if story is not mine and story.begun is not None]
        return min(others, default=self.newest + 1) - 1


class Story:
    """What is written beside the leaves of some groups, told of records of one share together."""

    def __init__(self, right: Right, known: Known, *, feed: Feed, streams: Streams) -> None:
        self._right = right
        self._known = known
        self._feed = feed
        self._streams = streams
        self.begun: int | None = None
        self.said: dict[Group, tuple[Said, ...]] = {}
        """What was written, whether or not it was committed then."""
        feed.stories.add(self)

    def over(self) -> None:
        """All that was committed has been sent."""
        self._feed.stories.discard(self)

    async def write(self, conn: Connection, groups: Sequence[Group]) -> None:
        """For `log.draft.Beside`: one statement for all these groups."""
        events: list[Event] = []
        stand: list[tuple[UUID, bytes, str]] = []
        anew: dict[UUID, None] = {}
        for group in groups:
            self.said[group] = tuple(self._place(group.record, one, events) for one in group.news)
            if group.record in self._known:
                self._told_before(group)
                anew[group.record] = None
            else:
                stand += [
                    (group.record, one.digest, _array(one.listeners)) for one in group.news if one.digest
                ]
        for record in anew:
            stand += self._stands(record)
        standing = self._right.standing
        at, records, kinds, heard, whom = columns(events, 5)
        ids, digests, told = columns(stand, 3)
        await conn.execute(
            Q.tell,
            {
                "recipient": standing.recipient,
                "agreement": standing.agreement,
                "purpose": self._right.share.purpose,
                "epoch": standing.epoch,
                "anew": list(anew),
                "stand": ids, "digests": digests, "told": told,
                "positions": at, "records": records, "kinds": kinds, "heard": heard, "whom": whom,
            },
        )  # fmt: skip

    def _place(self, record: UUID, news: News, events: list[Event]) -> Said:
        """Give each listener its place. Those that nobody hears now have an event each, to be told later."""
        standing = self._right.standing
        listening = self._streams.listening((standing.recipient, news.organisation), standing.agreement)
        heard: list[Listener] = []
        unheard: list[Listener] = []
        for listener in news.listeners:
            (heard if listening(listener.name) else unheard).append(listener)
        first = self._feed.give(len(news.listeners))
        if self.begun is None:
            self.begun = first
        if heard:
            events.append((first + len(heard) - 1, record, news.kind, True, _array(heard)))
        for position, listener in enumerate(unheard, first + len(heard)):
            events.append((position, record, news.kind, False, _array((listener,))))
        return Said(replace(news, listeners=(*heard, *unheard)), first)

    def _told_before(self, group: Group) -> None:
        mine = self._known[group.record]
        for one in group.news:
            for listener in one.listeners:
                if one.digest is None:
                    mine.pop(listener.name, None)
                else:
                    mine[listener.name] = Told(listener, one.digest)

    def _stands(self, record: UUID) -> list[tuple[UUID, bytes, str]]:
        alike: dict[bytes, list[Listener]] = defaultdict(list)
        for told in self._known[record].values():
            alike[told.digest].append(told.listener)
        return [(record, digest, _array(many)) for digest, many in alike.items()]


def _array(listeners: Sequence[Listener]) -> str:
    # Names are ids that this city made: hex digits and dashes.
    return "{" + ",".join([one.name for one in listeners]) + "}"
