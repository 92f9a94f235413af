# SPDX-License-Identifier: Apache-2.0
"""The last stretch: what was decided and logged becomes bytes on open streams, while that is still right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from openpars.accounts import keys as accounts
from openpars.agreements.register import Standing
from openpars.alerts.envelope import Envelope, Resume, Seals, encode_ended
from openpars.alerts.match import News
from openpars.alerts.streams import Item, Party, Stream, Streams
from openpars.disclosure.clock import ClockFault
from openpars.disclosure.gate import Gate
from openpars.disclosure.register import Right


@dataclass(frozen=True, slots=True)
class Posted:
    """One event of one subscription at its place in the feed, and the receipt that covers it."""

    news: News
    position: int
    receipt: str
    at: datetime


class Post:
    """Knows the open streams, and how an event is sealed and worded."""

    def __init__(self, *, gate: Gate, seals: Seals, source: str) -> None:
        self._gate = gate
        self._seals = seals
        self._source = f"https://{source}"
        self.streams = Streams()

    # ------------------------------------------------------------------ sending

    def send(self, right: Right, posted: Sequence[Posted], *, resume: int) -> None:
        """Put events of one record on every stream that wants them; a reader resumes after `resume`.

        A stream narrowed to one subscription gets one event of a record, so that all such streams can resume
        after the last of these events: their place is sealed once. Nothing is worded that nobody hears.
        """
        standing = right.standing
        envelopes: dict[tuple[str, bytes], Envelope] = {}
        places: dict[tuple[str | None, int], str] = {}
        last = max((one.position for one in posted), default=0)
        for one in posted:
            subscription, organisation = one.news.listener.subscription, one.news.listener.organisation
            whose = (standing.recipient, organisation)
            items: dict[int, Item] = {}
            for stream in self.streams.hearing(whose, standing.agreement, subscription):
                place = min(one.position if stream.subscription is None else last, resume)
                if place not in items:
                    if (organisation, place) not in places:
                        places[organisation, place] = self.resume(whose, place)
                    key = (one.news.kind, one.news.record)
                    if key not in envelopes:
                        envelopes[key] = self._envelope(right, one)
                    event_id = self._seals.event_id(subscription, one.position)
                    frame = envelopes[key].frame(
                        subscription, event_id=event_id, resume=places[organisation, place]
                    )
                    items[place] = Item(standing.agreement, standing.epoch, one.position, frame)
                stream.put(items[place])

    def replay(self, stream: Stream, right: Right, one: Posted) -> None:
        """Put one past event on one stream again."""
        subscription, whose = one.news.listener.subscription, (stream.recipient, stream.who.organisation)
        frame = self._envelope(right, one).frame(
            subscription,
            event_id=self._seals.event_id(subscription, one.position),
            resume=self.resume(whose, one.position),
        )
        stream.replay(Item(right.standing.agreement, right.standing.epoch, one.position, frame))

    def _envelope(self, right: Right, one: Posted) -> Envelope:
        return Envelope(
            one.news.kind,
            one.news.record,
            agreement=right.standing.agreement,
            purpose=right.share.purpose,
            source=self._source,
            receipt=one.receipt,
            at=one.at,
        )

    def _epochs(self, whose: Party) -> tuple[tuple[str, int], ...]:
        held = self._gate.register.in_force(*whose, self._gate.clock.now())
        return tuple((standing.agreement, standing.epoch) for standing in held)

    def resume(self, whose: Party, position: int) -> str:
        """A sealed place in the feed."""
        return self._seals.seal(Resume(whose[0], position, self._epochs(whose)))

    def opened(self, recipient: str, text: str) -> Resume:
        """A place that was sealed here. Raises Refused INVALID for anything else, or another's."""
        return self._seals.open_for(recipient, text)

    # ------------------------------------------------------------------ ending

    def alive(self, stream: Stream, item: Item) -> bool:
        """Asked at the last moment before an item's bytes leave."""
        register = self._gate.register
        try:
            standing = register.standing(item.agreement, self._gate.clock.now())
        except ClockFault:
            return False
        if standing is None or standing.epoch != item.epoch:
            return False
        # An amendment may have dropped the organisation while this waited in its queue.
        return register.version(standing).agreement.admits(stream.who.organisation)

    async def stop_revoked(self, recipient: str | None = None) -> None:
        """Stop the feeds that were opened with a key that has been revoked since."""
        keys = self.streams.keys(recipient)
        if keys:
            async with self._gate.pool.connection() as conn:
                live = await accounts.live_recipient_keys(conn, sorted(keys))
            self.streams.keep_only(live, keys)

    def say_ended(self, standing: Standing, *, at: datetime, suspended: bool) -> None:
        """Say the last word on every feed of the agreement, whichever organisation's, and close what has
        nothing left."""
        for stream in self.streams.of(standing.recipient):
            self._say_ended(stream, standing, at=at, suspended=suspended)

    def say_dropped(self, standing: Standing, organisations: frozenset[str], *, at: datetime) -> None:
        """An amendment names these organisations no more: for them, and for nobody else, it has ended."""
        for stream in self.streams.of(standing.recipient):
            if stream.who.organisation in organisations:
                self._say_ended(stream, standing, at=at, suspended=False)

    def _say_ended(self, stream: Stream, standing: Standing, *, at: datetime, suspended: bool) -> None:
        if not stream.wants(standing.agreement, None):
            return
        whose = (stream.recipient, stream.who.organisation)
        in_force = self._gate.register.in_force(*whose, self._gate.clock.now())
        others = any(other.agreement != standing.agreement for other in in_force)
        last = not others or stream.agreement is not None
        if suspended and not last:
            return
        frame = b"" if suspended else self._last_word(standing, whose, at)
        stream.put(Item(standing.agreement, standing.epoch, 0, frame, ended=True, last=last))

    def _last_word(self, standing: Standing, whose: Party, at: datetime) -> bytes:
        return encode_ended(
            standing.agreement,
            at=at,
            event_id=self._seals.ended_id(standing.agreement, standing.epoch),
            source=self._source,
            resume=self.resume(whose, 0),
        )
