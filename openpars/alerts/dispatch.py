# SPDX-License-Identifier: Apache-2.0
"""From a change of a share to the streams: claim, match, go through the door, tell.

One dispatcher runs, in the process that serves recipients. It takes changes from the queue in the
order of their positions and forgets each only after what came of it is stored, so a crash repeats
and never loses. Several changes of one record are told as one, with what stands now: nothing old,
and nothing sealed meanwhile, can be told. A change that cannot be told waits by itself and is tried
again; it holds up no other.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID
from weakref import WeakValueDictionary

import orjson
import psycopg

from openpars.accounts import keys as accounts
from openpars.accounts.keys import RecipientKey
from openpars.agreements.register import Standing
from openpars.alerts import dropped, match, subscriptions
from openpars.alerts.envelope import Seals
from openpars.alerts.match import Listener, News
from openpars.alerts.post import Post, Posted
from openpars.alerts.streams import QUEUE, Stream
from openpars.alerts.subscriptions import Created, Subscription
from openpars.db import bell
from openpars.db.sql import load
from openpars.disclosure import checks
from openpars.disclosure.clock import ClockFault
from openpars.disclosure.gate import AMENDED, MOVED, Gate, Row
from openpars.disclosure.register import Right, is_live
from openpars.disclosure.request import Subscribe, Why
from openpars.errors import Code, Refused, refuse
from openpars.log.draft import Draft
from openpars.shares.tables import Share

Q = load(__package__)

logger = logging.getLogger(__name__)

TRIES = 8
REPLAYED = QUEUE // 2  # missed events for one stream; then it closes, and its reader resumes
PATIENCE = (0.25, 5.0)  # seconds until a change that could not be told is tried again: at first, at most


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
        self._criteria: dict[tuple[str, str], dict[UUID, Subscription]] = {}
        self._newest = 0
        # Stores that have not ended: the newest position when each began. All of theirs come after it.
        self._storing: dict[object, int] = {}
        # Positions of changes that wait: when to try again, and how long to wait after that.
        self._later: dict[int, tuple[float, float]] = {}
        self._telling: WeakValueDictionary[_Change, asyncio.Lock] = WeakValueDictionary()
        self._heard_of: set[tuple[str, str]] = set()  # agreements and purposes that anybody ever asked about
        self.post = Post(gate=gate, seals=seals, source=source)

    # ------------------------------------------------------------------ running

    async def load(self) -> None:
        """Read the criteria and the place; MUST be called before `run`."""
        await self.end_dropped()
        async with self._gate.pool.connection() as conn:
            await conn.execute(Q.end_outlived)
            for found in await subscriptions.by_criteria(conn):
                self._remember_criteria(found)
            self._heard_of.update(await (await conn.execute(Q.asked_about)).fetchall())
            row = await (await conn.execute(Q.position)).fetchone()
            self._newest = 0 if row is None else int(row[0])

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
            except Exception as problem:  # noqa: BLE001  (whatever it is, alerts must go on)
                logger.error("alerts wait: %s", type(problem).__name__)  # noqa: TRY400  (may hold a row)
                await asyncio.sleep(0.2)

    async def step(self) -> int:
        """Dispatch one batch of changes; returns how many. Different records go side by side."""
        now = self._gate.clock.now()
        live = sorted({s.agreement for s in self._gate.register.standings if is_live(s, now)})
        waiting = [position for position, (at, _) in self._later.items() if at > time.monotonic()]
        async with self._gate.pool.connection() as conn:
            rows = await (await conn.execute(Q.changes, (live, waiting))).fetchall()
        if not rows:
            return 0
        changes = dict.fromkeys(
            # Nobody ever asked to be told of this share: there is nothing to look at.
            _Change(r[1], r[2], r[3])
            for r in rows
            if (r[1], r[2]) in self._heard_of
        )
        results = await asyncio.gather(*(self._tell(change) for change in changes), return_exceptions=True)
        failed = {
            change: result
            for change, result in zip(changes, results, strict=True)
            if isinstance(result, BaseException)
        }
        places = {r[0]: _Change(r[1], r[2], r[3]) for r in rows}
        done = [position for position, change in places.items() if change not in failed]
        async with self._gate.pool.connection() as conn:
            await conn.execute(Q.forget_changes, (done,))
        for position, change in places.items():
            self._settle(position, failed.get(change))
        return len(rows)

    def _settle(self, position: int, problem: BaseException | None) -> None:
        """A change that could not be told waits, longer each time; one that was told waits no more."""
        if problem is None:
            self._later.pop(position, None)
            return
        if not isinstance(problem, Exception):
            raise problem
        wait = self._later.get(position, (0.0, PATIENCE[0]))[1]
        self._later[position] = (time.monotonic() + wait, min(2 * wait, PATIENCE[1]))
        logger.warning("a change waits %g s to be told: %s", wait, type(problem).__name__)

    # ------------------------------------------------------------------ telling

    def _in_turn(self, change: _Change) -> asyncio.Lock:
        """Held while one record is told, so that no later word about it overtakes an earlier one."""
        return self._telling.setdefault(change, asyncio.Lock())

    async def _tell(self, change: _Change) -> None:
        async with self._in_turn(change):
            for _ in range(TRIES):
                right, rows = await self._read(change)
                found = await self._news(right, change, rows)
                # One leaf for each organisation that is told: whose each disclosure was stays to be seen.
                for group in match.by_organisation(found):
                    if not await self._remember_and_send(right, change.id, group):
                        break
                else:
                    return
        raise refuse(Code.LOG_UNAVAILABLE, "A record changes faster than it can be told.")

    async def _read(self, change: _Change) -> tuple[Right, tuple[match.AlertRow, ...]]:
        """The record as it stands. Raises Refused when its agreement is not in force: the change waits."""
        right = self._right(change.agreement, change.purpose)
        if right is not None:
            pool = await self._gate.pools.of(change.agreement)
            return right, await match.read_rows(pool, right.share, change.id, self._gate.keys)
        standing = self._gate.register.standing(change.agreement, self._gate.clock.now())
        if standing is None:
            raise refuse(Code.AGREEMENT_ENDED, "The agreement is not in force.")
        version = self._gate.register.version(standing)
        if change.purpose in version.agreement.purposes:
            raise refuse(Code.LOG_UNAVAILABLE, "The share is not there yet.")
        # The version in force has this purpose no more: all that was told under it is withdrawn.
        gone = Share(standing.agreement, standing.version, change.purpose, ())
        return Right(standing, version, gone), ()

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
                RecipientKey(first.key, right.standing.recipient, first.organisation),
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
            if refused.refusal is AMENDED or refused.refusal.code is Code.AGREEMENT_ENDED:
                # What is in force now decides; if nothing is, the change waits until something is.
                await self._gate.register.reload()
                return False
            if refused.refusal.code is Code.UNAUTHENTICATED:
                return await self._without_revoked(right, record, found)
            raise
        mine = object()
        self._storing[mine] = self._newest
        try:
            positions = await self._store(right, record, found)
        finally:
            del self._storing[mine]
        self._newest = max(self._newest, *positions)
        # Stores end in any order. A reader that leaves now resumes before the first that has not ended.
        posted = [
            Posted(one, position, receipt.text, receipt.at)
            for one, position in zip(found, positions, strict=True)
        ]
        self.post.send(right, posted, resume=min(self._storing.values(), default=max(positions)))
        return True

    async def _without_revoked(self, right: Right, record: UUID, found: tuple[News, ...]) -> bool:
        """Somebody's key was revoked: tell the others."""
        async with self._gate.pool.connection() as conn:
            live = await accounts.live_recipient_keys(conn, sorted({one.listener.key for one in found}))
        left = tuple(one for one in found if one.listener.key in live)
        return not left or (len(left) < len(found) and await self._remember_and_send(right, record, left))

    async def _store(self, right: Right, record: UUID, found: tuple[News, ...]) -> list[int]:
        """What was told and to whom, in one trip whatever their number; the positions in order."""
        standing = right.standing
        await self.post.stop_revoked(standing.recipient)
        told = [one for one in found if one.digest is not None]
        whose = (standing.recipient, found[0].listener.organisation)
        whom = [one.listener.subscription for one in found]
        what = {
            "recipient": standing.recipient,
            "agreement": standing.agreement,
            "epoch": standing.epoch,
            "record": record,
            "left": [one.listener.subscription for one in found if one.digest is None],
            "told": [one.listener.subscription for one in told],
            "digests": [one.digest for one in told],
            "whom": whom,
            "kinds": [one.kind for one in found],
            "heard": [self.post.streams.listening(whose, standing.agreement, one) for one in whom],
        }
        async with self._gate.pool.connection() as conn:
            return [int(row[0]) for row in await (await conn.execute(Q.tell, what)).fetchall()]

    # ------------------------------------------------------------------ subscribing

    async def subscribe(
        self, who: RecipientKey, asked: Subscribe, *, user: str | None = None
    ) -> tuple[Subscription, str]:
        """A new subscription and the position its feed begins at. Raises Refused.

        A watch by keys answers at once with the current row, through the door. So it is a search, and
        counts as one: else the limit of searches could be got around by watching.
        """
        right = await self._gate.right(who, asked.why)
        now = self._gate.clock.now()
        created = subscriptions.judge(who, right, asked, keys=self._gate.keys, now=now)
        made = created.subscription
        await self._remember_request(who, right, asked, made, user=user)
        # Before it is stored: a change that comes in between must not pass unseen.
        self._heard_of.add((made.agreement, made.purpose))
        async with self._gate.pool.connection() as conn, conn.transaction():
            row = await (await conn.execute(Q.position)).fetchone()
            await subscriptions.store(conn, made, created.watch)
        if made.criteria is not None:
            self._remember_criteria(made)
        await self._answer_watch(right, created)
        whose = (who.recipient, who.organisation)
        return made, self.post.resume(whose, 0 if row is None else int(row[0]))

    async def _remember_request(
        self, who: RecipientKey, right: Right, asked: Subscribe, made: Subscription, *, user: str | None
    ) -> None:
        """Nobody waits for anything that the log does not know of. Key and fence are checked again there."""
        day = checks.civil_day(right.version, self._gate.clock.now()) if asked.find is not None else None
        if day is not None:
            await self._gate.spend(right.version, who.id, day)
        wanted = asked.find if asked.find is not None else asked.criteria
        try:
            await self._gate.remember(
                who,
                right,
                asked.why,
                rows=(),
                user=user,
                use_day=day,
                private={"subscription": str(made.id), "query": orjson.dumps(wanted).decode()},
                kind="alert",
                way="alert",
                public={"event": "subscribed"},
            )
        except (Refused, psycopg.Error):
            if day is not None:
                self._gate.unspend(right.version, who.id, day)
            raise

    async def _answer_watch(self, right: Right, created: Created) -> None:
        if created.watch is None:
            return
        for record in await self._watched(right.share, created.watch):
            await self._tell(_Change(right.standing.agreement, right.share.purpose, record))

    async def _watched(self, share: Share, watch: bytes) -> list[UUID]:
        pool = await self._gate.pools.of(share.agreement)
        found: dict[str, None] = {}
        async with pool.connection() as conn:
            for combination in share.combinations:
                rows = await (await conn.execute(share.find(combination), (watch, "alert", 100))).fetchall()
                found.update((row[0], None) for row in rows)
        return [UUID(hex=record) for record in found]

    def _remember_criteria(self, made: Subscription) -> None:
        self._criteria.setdefault((made.agreement, made.purpose), {})[made.id] = made

    # ------------------------------------------------------------------ streaming

    async def open(self, stream: Stream, last_event_id: str | None) -> None:
        """Open a stream: first what it missed, each asked of the door again, then what happens.

        Without `Last-Event-ID` it begins with what nobody was there to hear. Raises Refused.
        """
        whose = (stream.recipient, stream.who.organisation)
        held = self._gate.register.in_force(*whose, self._gate.clock.now())
        after: int | None = None
        if last_event_id is not None:
            resume = self.post.opened(stream.recipient, last_event_id)
            live = {(s.agreement, s.epoch) for s in held}
            if not live.intersection(resume.epochs):
                raise refuse(Code.AGREEMENT_ENDED, "The agreement this feed belonged to has ended.")
            after = resume.position
        self.post.streams.open(stream)
        try:
            await self._replay(stream, after)
        except BaseException:
            self.post.streams.close(stream)
            raise

    async def _replay(self, stream: Stream, after: int | None) -> None:
        """Everything missed, in its order and before anything new, as much as a queue holds."""
        query = Q.events_unsent if after is None else Q.events_after
        place = after or 0
        while True:
            async with self._gate.pool.connection() as conn:
                whose = (stream.recipient, stream.who.organisation)
                rows = await (await conn.execute(query, (*whose, place))).fetchall()
            if not rows:
                stream.caught_up()
                return
            if stream.queue.qsize() >= REPLAYED:
                stream.finish()
                return
            await self._replay_some(stream, rows)
            place = rows[-1][0]

    async def _replay_some(self, stream: Stream, rows: Iterable[tuple[Any, ...]]) -> None:
        sent = []
        for position, agreement, epoch, subscription, record, kind, purpose, case_number, key in rows:
            if not stream.wants(agreement, subscription):
                continue
            listener = Listener(subscription, stream.recipient, stream.who.organisation, key, case_number, ())
            change = _Change(agreement, purpose, record)
            async with self._in_turn(change):
                await self._again(stream, change, listener, epoch=epoch, kind=kind, position=position)
            sent.append(position)
        if sent:
            async with self._gate.pool.connection() as conn:
                await conn.execute(Q.mark_sent, (sent,))

    async def _again(
        self, stream: Stream, change: _Change, listener: Listener, *, epoch: int, kind: str, position: int
    ) -> None:
        """Tell one past event again: with what stands now, under a decision and a leaf of its own."""
        for _ in range(TRIES):
            right = self._right(change.agreement, change.purpose)
            if right is None or right.standing.epoch != epoch:
                return
            if not right.version.agreement.admits(listener.organisation):
                return
            try:
                await self._again_once(
                    stream, right, listener, record=change.id, kind=kind, position=position
                )
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
            RecipientKey(listener.key, stream.recipient, listener.organisation),
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
        told = News(listener, kind, body, None)
        self.post.replay(stream, right, Posted(told, position, receipt.text, receipt.at))

    # ------------------------------------------------------------------ ending

    async def forget(self, agreement: str) -> None:
        """Nothing of an ended agreement's standing requests is kept."""
        for key in [key for key in self._criteria if key[0] == agreement]:
            del self._criteria[key]
        async with self._gate.pool.connection() as conn, conn.transaction():
            await conn.execute(Q.forget_watches, (agreement,))
            await conn.execute(Q.forget_all_told, (agreement,))
            await conn.execute(Q.end_subscriptions, (agreement,))

    async def end_dropped(self) -> None:
        """End what organisations asked for that an amendment names no more."""
        async with self._gate.pool.connection() as conn, conn.transaction():
            gone = await dropped.end_dropped(conn)
        for mine in self._criteria.values():
            for subscription in gone:
                mine.pop(subscription, None)

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
