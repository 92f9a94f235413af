# SPDX-License-Identifier: Apache-2.0
"""The last stretch: what was decided and logged becomes bytes on open streams, while that is still right."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from openpars.accounts import keys as accounts
from openpars.agreements.register import Standing
from openpars.alerts.envelope import Envelope, Resume, Seals, encode_ended
from openpars.alerts.story import Group, Said
from openpars.alerts.streams import Item, Party, Stream, Streams
from openpars.disclosure.clock import ClockFault
from openpars.disclosure.gate import Gate
from openpars.disclosure.register import Right

AT_ONCE = 50  # events sent before anybody else has a turn, and before it is asked again whether they may be


@dataclass(frozen=True, slots=True)
class Posted:
    """News at its places in the feed, and the receipt that covers it."""

    said: Said
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

    async def send(self, right: Right, posted: Sequence[Posted], *, resume: int) -> None:
        """Put the events of one record for one organisation on every stream that wants them; a reader resumes
        after `resume`.

        A stream narrowed to one subscription gets one event of a record, so that all such streams can resume
        after the last of these events: their place is sealed once. Nothing is worded that nobody hears.
        """
        for one in posted:
            await self._send(right, one, resume=resume, last=max(one.said.last for one in posted))

    async def _send(self, right: Right, one: Posted, *, resume: int, last: int) -> None:
        standing, news, organisation = right.standing, one.said.news, one.said.news.organisation
        whose = (standing.recipient, organisation)
        hearing = self.streams.hearing(whose, standing.agreement)
        envelope = self._envelope(right, one)
        places: dict[int, str] = {}
        for number, listener in enumerate(news.listeners):
            if number % AT_ONCE == 0:
                await asyncio.sleep(0)
                in_force = self._in_force(standing.agreement, standing.epoch, organisation)
            position = one.said.first + number
            frames: dict[int, bytes] = {}
            for stream in hearing(listener.name):
                place = min(position if stream.subscription is None else last, resume)
                if place not in places:
                    places[place] = self.resume(whose, place)
                if place not in frames:
                    event_id = self._seals.event_id(listener.name, position)
                    frames[place] = envelope.frame(listener.name, event_id=event_id, resume=places[place])
                if not (in_force and stream.send(frames[place])):
                    stream.put(Item(standing.agreement, standing.epoch, position, frames[place]))

    def replay(self, stream: Stream, right: Right, one: Posted) -> None:
        """Put one past event on one stream again."""
        (listener,), position = one.said.news.listeners, one.said.first
        frame = self._envelope(right, one).frame(
            listener.name,
            event_id=self._seals.event_id(listener.name, position),
            resume=self.resume((stream.recipient, stream.who.organisation), position),
        )
        stream.replay(Item(right.standing.agreement, right.standing.epoch, position, frame))

    def _envelope(self, right: Right, one: Posted) -> Envelope:
        return Envelope(
            one.said.news.kind,
            one.said.news.record,
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

    def cut(self, right: Right, said: Mapping[Group, Sequence[Said]]) -> None:
        """Stop every feed that was to hear of these: it is not known whether they stand in the log."""
        standing = right.standing
        for one in (one for many in said.values() for one in many):
            hearing = self.streams.hearing((standing.recipient, one.news.organisation), standing.agreement)
            for listener in one.news.listeners:
                for stream in hearing(listener.name):
                    stream.stop()

    # ------------------------------------------------------------------ ending

    def alive(self, stream: Stream, item: Item) -> bool:
        """Asked at the last moment before an item's bytes leave."""
        return self._in_force(item.agreement, item.epoch, stream.who.organisation)

    def _in_force(self, agreement: str, epoch: int, organisation: str | None) -> bool:
        register = self._gate.register
        try:
            standing = register.standing(agreement, self._gate.clock.now())
        except ClockFault:
            return False
        if standing is None or standing.epoch != epoch:
            return False
        # An amendment may have dropped the organisation while this waited in its queue.
        return register.version(standing).agreement.admits(organisation)

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
