# SPDX-License-Identifier: Apache-2.0
"""What a feed missed, told when it opens: each event asked of the door again, with what stands now."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from openpars.accounts.keys import RecipientKey
from openpars.alerts import match
from openpars.alerts.asked import Asked, Place
from openpars.alerts.match import News
from openpars.alerts.post import Post, Posted
from openpars.alerts.story import Said
from openpars.alerts.streams import QUEUE, Stream
from openpars.alerts.subscriptions import Listener
from openpars.alerts.telling import TRIES
from openpars.db.sql import load
from openpars.disclosure.gate import AMENDED, MOVED, Gate, merge
from openpars.disclosure.reading import Row
from openpars.disclosure.register import Right
from openpars.disclosure.request import Why
from openpars.errors import Code, Refused, refuse

Q = load(__package__)

REPLAYED = QUEUE // 2  # missed events for one stream; then it closes, and its reader resumes


class Missed:
    """Opens feeds."""

    def __init__(self, *, gate: Gate, asked: Asked, post: Post) -> None:
        self._gate = gate
        self._asked = asked
        self._post = post

    async def open(self, stream: Stream, last_event_id: str | None) -> None:
        """Open a stream: first what it missed, each asked of the door again, then what happens.

        Without `Last-Event-ID` it begins with what nobody was there to hear. Raises Refused.
        """
        whose = (stream.recipient, stream.who.organisation)
        held = self._gate.register.in_force(*whose, self._gate.clock.now())
        after: int | None = None
        if last_event_id is not None:
            resume = self._post.opened(stream.recipient, last_event_id)
            live = {(s.agreement, s.epoch) for s in held}
            if not live.intersection(resume.epochs):
                raise refuse(Code.AGREEMENT_ENDED, "The agreement this feed belonged to has ended.")
            after = resume.position
        self._post.streams.open(stream)
        try:
            await self._replay(stream, after)
        except BaseException:
            self._post.streams.close(stream)
            raise

    async def _replay(self, stream: Stream, after: int | None) -> None:
        """Everything missed, in its order and before anything new, as much as a queue holds."""
        query = Q.events_unsent if after is None else Q.events_after
        last = after or 0
        while True:
            async with self._gate.pool.connection() as conn:
                whose = (stream.recipient, stream.who.organisation)
                asked = (*whose, last) if after is None else (*whose, last, last)
                rows = await (await conn.execute(query, asked)).fetchall()
            if not rows:
                stream.caught_up()
                return
            if stream.queue.qsize() >= REPLAYED:
                stream.finish()
                return
            await self._replay_some(stream, rows)
            last = rows[-1][0]

    async def _replay_some(self, stream: Stream, rows: Iterable[tuple[Any, ...]]) -> None:
        sent = []
        for position, agreement, epoch, subscription, record, kind, purpose, case_number, key in rows:
            if not stream.wants(agreement, subscription):
                continue
            listener = Listener(subscription, stream.recipient, stream.who.organisation, key, case_number)
            place = Place(agreement, purpose)
            async with self._asked.in_turn(place, (record,)):
                await self._again(stream, place, record, listener, epoch=epoch, kind=kind, position=position)
            sent.append(position)
        if sent:
            async with self._gate.pool.connection() as conn:
                await conn.execute(Q.mark_sent, (sent,))

    async def _again(
        self,
        stream: Stream,
        place: Place,
        record: UUID,
        listener: Listener,
        *,
        epoch: int,
        kind: str,
        position: int,
    ) -> None:
        """Tell one past event again: with what stands now, under a decision and a leaf of its own."""
        for _ in range(TRIES):
            right = self._asked.right(place)
            if right is None or right.standing.epoch != epoch:
                return
            if not right.version.agreement.admits(listener.organisation):
                return
            try:
                await self._again_once(stream, right, listener, record=record, kind=kind, position=position)
            except Refused as refused:
                if refused.refusal is AMENDED or refused.refusal.code is Code.AGREEMENT_ENDED:
                    await self._gate.register.reload()
                elif refused.refusal.code is Code.UNAUTHENTICATED:
                    return  # the key that asked for this is revoked; what others asked for goes on
                elif refused.refusal is not MOVED:
                    raise
            else:
                return
        raise refuse(Code.LOG_UNAVAILABLE, "A record changes faster than it can be told.")

    async def _again_once(
        self, stream: Stream, right: Right, listener: Listener, *, record: UUID, kind: str, position: int
    ) -> None:
        rows: tuple[Row, ...] = ()
        body = b'{"id":"%b"}' % record.hex.encode()
        if kind != "withdrawn":
            found = await match.read_rows(
                await self._gate.pools.of(right.standing.agreement), right.share, (record,), self._gate.keys
            )
            async with self._gate.pool.connection() as conn:
                heard, _ = await match.look(conn, right.share, (record,), found, self._asked.live(right))
            mine = [one for one in heard.get(record, ()) if listener in one.listeners]
            if not mine:
                return  # it has left since; its withdrawal follows
            rows = mine[0].rows
            body = merge(right.version, list(rows))
        receipt = await self._gate.remember(
            RecipientKey(listener.key, stream.recipient, listener.organisation),
            right,
            Why(right.standing.agreement, right.share.purpose, listener.case_number),
            rows=rows,
            user=None,
            use_day=None,
            private={"detail": [[listener.name, kind]]},
            kind="alert",
            way="alert",
            public={"event": kind},
        )
        told = News(listener.organisation, kind, body, None, rows, (listener,))
        self._post.replay(stream, right, Posted(Said(told, position), receipt.text, receipt.at))
