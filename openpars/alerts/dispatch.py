# SPDX-License-Identifier: Apache-2.0
"""From a change of a share to the streams: claim, match, go through the door, tell.

One dispatcher runs, in the process that serves recipients. It takes changes from the queue in the
order of their positions and forgets each only after what came of it is stored, so a crash repeats
and never loses. Several changes of one record are told as one, with what stands now: nothing old,
and nothing sealed meanwhile, can be told.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import psycopg

from openpars.accounts import keys as accounts
from openpars.accounts.keys import RecipientKey
from openpars.agreements.register import Standing
from openpars.alerts import match, subscriptions
from openpars.alerts.envelope import Notice, Resume, Seals, encode, encode_ended
from openpars.alerts.match import Listener, News
from openpars.alerts.streams import Item, Stream, Streams
from openpars.alerts.subscriptions import Created, Subscription
from openpars.db import bell
from openpars.db.sql import load
from openpars.disclosure.clock import ClockFault
from openpars.disclosure.gate import MOVED, Gate, Row
from openpars.disclosure.register import Right
from openpars.disclosure.request import Subscribe, Why
from openpars.errors import Code, Refused, refuse
from openpars.log.draft import Draft
from openpars.shares.tables import Share

Q = load(__package__)

logger = logging.getLogger(__name__)

TRIES = 8


@dataclass(frozen=True, slots=True)
class _Change:
    agreement: str
    purpose: str
    id: UUID


class Dispatcher:
    """Everything about alerts in the process that serves recipients."""

    def __init__(self, *, gate: Gate, dsn: str, seals: Seals, source: str) -> None:
        self._gate = gate
        self._dsn = dsn
        self._seals = seals
        self._source = source
        self._criteria: dict[tuple[str, str], dict[UUID, Subscription]] = {}
        self.streams = Streams()

    # ------------------------------------------------------------------ running

    async def load(self) -> None:
        """Read the criteria; MUST be called before `run`."""
        async with self._gate.pool.connection() as conn:
            for found in await subscriptions.by_criteria(conn):
                self._remember_criteria(found)

    async def run(self) -> None:
        """Dispatch at every ring and at least twice a second, until cancelled."""
        async for _ in bell.hear(self._dsn, ("change",), poll_seconds=0.5):
            try:
                while await self.step():
                    pass
            except (psycopg.Error, Refused, ClockFault):
                # Nothing is forgotten: the queue still holds what was not told.
                logger.warning("alerts wait: the database, the log or the clock is not available")
                await asyncio.sleep(0.2)

    async def step(self) -> int:
        """Dispatch one batch of changes; returns how many. Different records go side by side."""
        async with self._gate.pool.connection() as conn:
            rows = await (await conn.execute(Q.changes)).fetchall()
        if not rows:
            return 0
        changes = dict.fromkeys(_Change(r[1], r[2], r[3]) for r in rows)
        results = await asyncio.gather(*(self._tell(change) for change in changes), return_exceptions=True)
        failed = {
            change
            for change, result in zip(changes, results, strict=True)
            if isinstance(result, BaseException)
        }
        done = [r[0] for r in rows if _Change(r[1], r[2], r[3]) not in failed]
        async with self._gate.pool.connection() as conn:
            await conn.execute(Q.forget_changes, (done,))
        for result in results:
            if isinstance(result, BaseException):
                raise result
        return len(rows)

    # ------------------------------------------------------------------ telling

    async def _tell(self, change: _Change) -> None:
        for _ in range(TRIES):
            right = self._right(change.agreement, change.purpose)
            if right is None:
                return
            rows = await match.read_rows(
                await self._gate.pools.of(change.agreement), right.share, change.id, self._gate.keys
            )
            found = await self._news(right, change, rows)
            if not found or await self._remember_and_send(right, change.id, found):
                return
        raise refuse(Code.LOG_UNAVAILABLE, "A record changes faster than it can be told.")

    def _right(self, agreement: str, purpose: str) -> Right | None:
        standing = self._gate.register.standing(agreement, self._gate.clock.now())
        if standing is None:
            return None
        share = self._gate.register.share(standing, purpose)
        return None if share is None else Right(standing, self._gate.register.version(standing), share)

    async def _news(
        self, right: Right, change: _Change, rows: tuple[match.AlertRow, ...]
    ) -> tuple[News, ...]:
        criteria = self._live_criteria(right)
        async with self._gate.pool.connection() as conn:
            heard = await match.listeners(conn, right.share, rows, criteria)
            known = await match.told(conn, right.share, change.id)
        return match.news(
            right.version, right.share, change.id, heard=heard, known=known, keys=self._gate.keys
        )

    def _live_criteria(self, right: Right) -> Iterable[Subscription]:
        now = self._gate.clock.now()
        mine = self._criteria.get((right.standing.agreement, right.share.purpose), {})
        return [found for found in mine.values() if found.expires > now]

    async def _remember_and_send(self, right: Right, record: UUID, found: tuple[News, ...]) -> bool:
        """False when the record changed meanwhile: look again."""
        first = found[0].listener
        rows: tuple[Row, ...] = tuple(dict.fromkeys(row for one in found for row in one.listener.rows))
        kinds = sorted({one.kind for one in found})
        try:
            receipt = await self._gate.remember(
                RecipientKey(first.key, right.standing.recipient),
                right,
                Why(right.standing.agreement, right.share.purpose, first.case_number),
                rows=rows,
                user=None,
                use_day=None,
                private={"detail": [[str(one.listener.subscription), one.kind] for one in found]},
                kind="alert",
                way="alert",
                public={"event": kinds[0] if len(kinds) == 1 else "several"},
            )
        except Refused as refused:
            if refused.refusal is MOVED:
                return False
            if refused.refusal.code is Code.AGREEMENT_ENDED:
                return True
            if refused.refusal.code is Code.UNAUTHENTICATED:
                return await self._without_revoked(right, record, found)
            raise
        positions = await self._store(right, record, found)
        for one, position in zip(found, positions, strict=True):
            self._send(right, one, position=position, receipt=receipt.text, at=receipt.at)
        return True

    async def _without_revoked(self, right: Right, record: UUID, found: tuple[News, ...]) -> bool:
        """Somebody's key was revoked: tell the others."""
        async with self._gate.pool.connection() as conn:
            live = await accounts.live_recipient_keys(conn, sorted({one.listener.key for one in found}))
        left = tuple(one for one in found if one.listener.key in live)
        return not left or (len(left) < len(found) and await self._remember_and_send(right, record, left))

    async def _store(self, right: Right, record: UUID, found: tuple[News, ...]) -> list[int]:
        standing = right.standing
        positions = []
        async with self._gate.pool.connection() as conn, conn.transaction(), conn.pipeline():
            cursors = []
            for one in found:
                subscription = one.listener.subscription
                await conn.execute(Q.forget_told, (record, subscription))
                if one.digest is not None:
                    await conn.execute(Q.tell, (subscription, record, one.digest))
                sent = self.streams.listening(standing.recipient, standing.agreement, subscription)
                cursors.append(
                    await conn.execute(
                        Q.new_event,
                        (
                            standing.recipient,
                            standing.agreement,
                            standing.epoch,
                            subscription,
                            record,
                            one.kind,
                            sent,
                        ),
                    )
                )
            for cursor in cursors:
                row = await cursor.fetchone()
                assert row is not None  # noqa: S101
                positions.append(int(row[0]))
        return positions

    def _send(self, right: Right, one: News, *, position: int, receipt: str, at: datetime) -> None:
        standing = right.standing
        notice = Notice(
            agreement=standing.agreement,
            epoch=standing.epoch,
            purpose=right.share.purpose,
            subscription=one.listener.subscription,
            kind=one.kind,
            record=one.record,
            position=position,
            receipt=receipt,
            at=at,
        )
        item = self._item(standing.recipient, notice)
        self.streams.send(standing.recipient, notice.subscription, item)

    def _item(self, recipient: str, notice: Notice) -> Item:
        frame = encode(
            notice,
            event_id=self._seals.event_id(notice.subscription, notice.position),
            source=f"https://{self._source}",
            resume=self._resume(recipient, notice.position),
        )
        return Item(notice.agreement, notice.epoch, notice.position, frame)

    def _resume(self, recipient: str, position: int) -> str:
        held = self._gate.register.in_force(recipient, self._gate.clock.now())
        return self._seals.seal(Resume(recipient, position, tuple((s.agreement, s.epoch) for s in held)))

    # ------------------------------------------------------------------ subscribing

    async def subscribe(self, who: RecipientKey, asked: Subscribe) -> tuple[Subscription, str]:
        """A new subscription and the position its feed begins at. Raises Refused.

        A watch by keys answers at once with the current row, through the door.
        """
        right = await self._gate.right(who, asked.why)
        now = self._gate.clock.now()
        async with self._gate.pool.connection() as conn, conn.transaction():
            row = await (await conn.execute(Q.position)).fetchone()
            created = await subscriptions.create(conn, who, right, asked, keys=self._gate.keys, now=now)
        made = created.subscription
        if made.criteria is not None:
            self._remember_criteria(made)
        await self._answer_watch(right, created)
        return made, self._resume(who.recipient, 0 if row is None else int(row[0]))

    async def _answer_watch(self, right: Right, created: Created) -> None:
        if created.watch is None:
            return
        for record in await self._watched(right.share, created.watch):
            await self._tell(_Change(right.standing.agreement, right.share.purpose, record))

    async def _watched(self, share: Share, watch: bytes) -> list[UUID]:
        pool = await self._gate.pools.of(share.agreement)
        found: dict[UUID, None] = {}
        async with pool.connection() as conn:
            for combination in share.combinations:
                rows = await (await conn.execute(share.find(combination), (watch, "alert", 100))).fetchall()
                found.update((row[0], None) for row in rows)
        return list(found)

    def _remember_criteria(self, made: Subscription) -> None:
        self._criteria.setdefault((made.agreement, made.purpose), {})[made.id] = made

    # ------------------------------------------------------------------ streaming

    async def open(self, stream: Stream, last_event_id: str | None) -> None:
        """Open a stream: first what it missed, each asked of the door again, then what happens.

        Without `Last-Event-ID` it begins with what nobody was there to hear. Raises Refused.
        """
        held = self._gate.register.in_force(stream.recipient, self._gate.clock.now())
        after: int | None = None
        if last_event_id is not None:
            resume = self._seals.open(last_event_id)
            if resume.recipient != stream.recipient:
                raise refuse(Code.INVALID, "This is not a position of your feed.", "Last-Event-ID")
            live = {(s.agreement, s.epoch) for s in held}
            if not live.intersection(resume.epochs):
                raise refuse(Code.AGREEMENT_ENDED, "The agreement this feed belonged to has ended.")
            after = resume.position
        self.streams.open(stream)
        try:
            await self._replay(stream, after)
        except BaseException:
            self.streams.close(stream)
            raise

    async def _replay(self, stream: Stream, after: int | None) -> None:
        async with self._gate.pool.connection() as conn:
            if after is None:
                rows = await (await conn.execute(Q.events_unsent, (stream.recipient,))).fetchall()
            else:
                rows = await (await conn.execute(Q.events_after, (stream.recipient, after))).fetchall()
        sent = []
        for position, agreement, epoch, subscription, record, kind, purpose, case_number, key in rows:
            if not stream.wants(agreement, subscription):
                continue
            listener = Listener(subscription, stream.recipient, key, case_number, ())
            right = self._right(agreement, purpose)
            if right is not None and right.standing.epoch == epoch:
                await self._again(stream, right, listener, record=record, kind=kind, position=position)
            sent.append(position)
        if sent:
            async with self._gate.pool.connection() as conn:
                await conn.execute(Q.mark_sent, (sent,))

    async def _again(
        self, stream: Stream, right: Right, listener: Listener, *, record: UUID, kind: str, position: int
    ) -> None:
        """Tell one past event again: with what stands now, under a decision and a leaf of its own."""
        rows: tuple[Row, ...] = ()
        body = b'{"id":"%b"}' % record.hex.encode()
        if kind != "withdrawn":
            found = await match.read_rows(
                await self._gate.pools.of(right.standing.agreement), right.share, record, self._gate.keys
            )
            async with self._gate.pool.connection() as conn:
                heard = await match.listeners(conn, right.share, found, self._live_criteria(right))
            if listener.subscription not in heard:
                return  # it has left since; its withdrawal follows
            rows = heard[listener.subscription].rows
            one = match.news(
                right.version,
                right.share,
                record,
                heard={listener.subscription: heard[listener.subscription]},
                known={},
                keys=self._gate.keys,
            )
            body = one[0].record
        receipt = await self._gate.remember(
            RecipientKey(listener.key, stream.recipient),
            right,
            Why(right.standing.agreement, right.share.purpose, listener.case_number),
            rows=rows,
            user=None,
            use_day=None,
            private={"detail": [[str(listener.subscription), kind]]},
            kind="alert",
            way="alert",
            public={"event": kind},
        )
        notice = Notice(
            right.standing.agreement,
            right.standing.epoch,
            right.share.purpose,
            listener.subscription,
            kind,
            body,
            position,
            receipt.text,
            receipt.at,
        )
        stream.put(self._item(stream.recipient, notice))

    # ------------------------------------------------------------------ ending

    def alive(self, item: Item) -> bool:
        """Asked at the last moment before an item's bytes leave."""
        try:
            standing = self._gate.register.standing(item.agreement, self._gate.clock.now())
        except ClockFault:
            return False
        return standing is not None and standing.epoch == item.epoch

    def say_ended(self, standing: Standing, *, suspended: bool) -> None:
        """Say the last word on every feed of the agreement and close what has nothing left."""
        others = [
            s
            for s in self._gate.register.in_force(standing.recipient, self._gate.clock.now())
            if s.agreement != standing.agreement
        ]
        for stream in self.streams.of(standing.recipient):
            if not stream.wants(standing.agreement, None):
                continue
            last = not others or stream.agreement is not None
            if suspended:
                if last:
                    stream.put(Item(standing.agreement, standing.epoch, 0, b"", ended=True, last=True))
                continue
            stream.put(
                Item(
                    standing.agreement,
                    standing.epoch,
                    0,
                    encode_ended(
                        standing.agreement,
                        at=standing.until,
                        event_id=self._seals.event_id(UUID(int=0), standing.epoch),
                        source=f"https://{self._source}",
                        resume=self._resume(standing.recipient, 0),
                    ),
                    ended=True,
                    last=last,
                )
            )

    async def forget(self, agreement: str) -> None:
        """Nothing of an ended agreement's standing requests is kept."""
        for key in [key for key in self._criteria if key[0] == agreement]:
            del self._criteria[key]
        async with self._gate.pool.connection() as conn, conn.transaction():
            await conn.execute(Q.forget_watches, (agreement,))
            await conn.execute(Q.forget_all_told, (agreement,))
            await conn.execute(Q.end_subscriptions, (agreement,))

    async def log_end(self, standing: Standing) -> None:
        """The end itself is an entry of the public tree."""
        if self._gate.writer is not None:
            await self._gate.writer.append(
                Draft(
                    kind="agreement",
                    public={
                        "agreement": standing.agreement,
                        "version": standing.version,
                        "event": "ended",
                        "hash": standing.hash,
                    },
                )
            )
