# SPDX-License-Identifier: Apache-2.0
"""From a change of a share to the streams: claim, have it told, forget.

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
from uuid import UUID

import orjson
import psycopg

from openpars.accounts.keys import RecipientKey
from openpars.agreements.register import Standing
from openpars.alerts import dropped, subscriptions
from openpars.alerts.asked import Asked, Place
from openpars.alerts.envelope import Seals
from openpars.alerts.missed import Missed
from openpars.alerts.post import Post
from openpars.alerts.streams import Stream
from openpars.alerts.subscriptions import Created, Subscription
from openpars.alerts.telling import Telling
from openpars.db import bell
from openpars.db.sql import load
from openpars.disclosure import checks
from openpars.disclosure.clock import ClockFault
from openpars.disclosure.gate import Gate
from openpars.disclosure.register import Right, is_live
from openpars.disclosure.request import Subscribe
from openpars.errors import Refused
from openpars.log.draft import Draft
from openpars.shares.tables import Share

Q = load(__package__)

logger = logging.getLogger(__name__)

TAKEN = 200  # changes taken from the queue at a time
PATIENCE = (0.25, 5.0)  # seconds until a change that could not be told is tried again: at first, at most


class Dispatcher:
    """Everything about alerts in the process that serves recipients."""

    def __init__(self, *, gate: Gate, dsn: str, seals: Seals, source: str) -> None:
        self._gate = gate
        self._dsn = dsn
        # Positions of changes that wait: when to try again, and how long to wait after that.
        self._later: dict[int, tuple[float, float]] = {}
        self._asked = Asked(gate)
        self.post = Post(gate=gate, seals=seals, source=source)
        self._telling = Telling(gate=gate, asked=self._asked, post=self.post)
        self._missed = Missed(gate=gate, asked=self._asked, post=self.post)

    # ------------------------------------------------------------------ running

    async def load(self) -> None:
        """Read the criteria and the place; MUST be called before `run`."""
        await self.end_dropped()
        async with self._gate.pool.connection() as conn:
            await conn.execute(Q.end_outlived)
            for found in await subscriptions.by_criteria(conn):
                self._asked.remember(found)
            self._asked.heard_of.update(await (await conn.execute(Q.asked_about)).fetchall())
            row = await (await conn.execute(Q.position)).fetchone()
            self._telling.begin(0 if row is None else int(row[0]))

    async def run(self) -> None:
        """Dispatch at every ring and at least twice a second, until cancelled."""
        async for _ in bell.hear(self._dsn, ("change",), poll_seconds=0.5):
            try:
                # Whatever comes after the look at the queue rings after its commit.
                while await self.step() == TAKEN:
                    pass
            except (psycopg.Error, Refused, ClockFault):
                # Nothing is forgotten: the queue still holds what was not told.
                logger.warning("alerts wait: the database, the log or the clock is not available")
                await asyncio.sleep(0.2)
            except Exception as problem:  # noqa: BLE001  (whatever it is, alerts must go on)
                logger.error("alerts wait: %s", type(problem).__name__)  # noqa: TRY400  (may hold a row)
                await asyncio.sleep(0.2)

    async def step(self) -> int:
        """Dispatch one batch of changes; returns how many. Those of one share are told together."""
        now = self._gate.clock.now()
        live = sorted({s.agreement for s in self._gate.register.standings if is_live(s, now)})
        waiting = [position for position, (at, _) in self._later.items() if at > time.monotonic()]
        async with self._gate.pool.connection() as conn:
            rows = await (await conn.execute(Q.changes, (live, waiting, TAKEN))).fetchall()
        if not rows:
            return 0
        records: dict[Place, dict[UUID, None]] = {}
        for _, agreement, purpose, record in rows:
            # Nobody ever asked to be told of this share: there is nothing to look at.
            if (agreement, purpose) in self._asked.heard_of:
                records.setdefault(Place(agreement, purpose), {})[record] = None
        results = await asyncio.gather(
            *(self._telling.tell(place, tuple(mine)) for place, mine in records.items())
        )
        failed = {
            (*place, record): problem
            for place, result in zip(records, results, strict=True)
            for record, problem in result.items()
        }
        done = [row[0] for row in rows if row[1:] not in failed]
        async with self._gate.pool.connection() as conn:
            await conn.execute(Q.forget_changes, (done,))
        for position, *change in rows:
            self._settle(position, failed.get(tuple(change)))
        return len(rows)

    def _settle(self, position: int, problem: Exception | None) -> None:
        """A change that could not be told waits, longer each time; one that was told waits no more."""
        if problem is None:
            self._later.pop(position, None)
            return
        wait = self._later.get(position, (0.0, PATIENCE[0]))[1]
        self._later[position] = (time.monotonic() + wait, min(2 * wait, PATIENCE[1]))
        logger.warning("a change waits %g s to be told: %s", wait, type(problem).__name__)

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
        self._asked.heard_of.add((made.agreement, made.purpose))
        async with self._gate.pool.connection() as conn, conn.transaction():
            row = await (await conn.execute(Q.position)).fetchone()
            await subscriptions.store(conn, made, created.watch)
        if made.criteria is not None:
            self._asked.remember(made)
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
        records = await self._watched(right.share, created.watch)
        if records:
            place = Place(right.standing.agreement, right.share.purpose)
            for problem in (await self._telling.tell(place, records)).values():
                raise problem

    async def _watched(self, share: Share, watch: bytes) -> list[UUID]:
        pool = await self._gate.pools.of(share.agreement)
        found: dict[str, None] = {}
        async with pool.connection() as conn:
            for combination in share.combinations:
                rows = await (
                    await conn.execute(share.find(combination), ([watch], [100], "alert"))
                ).fetchall()
                found.update((row[0], None) for row in rows)
        return [UUID(hex=record) for record in found]

    async def open(self, stream: Stream, last_event_id: str | None) -> None:
        """Open a feed: see `Missed.open`. Raises Refused."""
        await self._missed.open(stream, last_event_id)

    # ------------------------------------------------------------------ ending

    async def forget(self, agreement: str) -> None:
        """Nothing of an ended agreement's standing requests is kept."""
        self._asked.forget(agreement)
        async with self._gate.pool.connection() as conn, conn.transaction():
            await conn.execute(Q.forget_watches, (agreement,))
            await conn.execute(Q.forget_all_told, (agreement,))
            await conn.execute(Q.end_subscriptions, (agreement,))

    async def end_dropped(self) -> None:
        """End what organisations asked for that an amendment names no more."""
        async with self._gate.pool.connection() as conn, conn.transaction():
            gone = await dropped.end_dropped(conn)
        self._asked.drop(gone)

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
