# SPDX-License-Identifier: Apache-2.0
"""Telling of changed records of one share together: read, match, go through the door, store, send.

However many records: one trip reads their rows, one asks who hears of them and what was told before, one
batch of the log takes their leaves, one statement stores what was told. What was told of each is its own:
a record that moved meanwhile is looked at again, and one that cannot be told is set apart.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from openpars.accounts import keys as accounts
from openpars.accounts.keys import RecipientKey
from openpars.alerts import match
from openpars.alerts.asked import Asked, Place
from openpars.alerts.match import News
from openpars.alerts.post import Post, Posted
from openpars.db.literals import array
from openpars.db.sql import load
from openpars.disclosure.gate import AMENDED, MOVED, Gate
from openpars.disclosure.reading import Row
from openpars.disclosure.register import Right
from openpars.disclosure.request import Why
from openpars.errors import Code, Refused, refuse
from openpars.log.draft import Receipt
from openpars.shares.tables import Share

Q = load(__package__)

TRIES = 8


@dataclass(frozen=True, slots=True)
class _Group:
    """What one organisation is told of one record: one leaf, so that whose each disclosure was stays seen."""

    record: UUID
    news: tuple[News, ...]

    @property
    def organisation(self) -> str | None:
        return self.news[0].listener.organisation


@dataclass(slots=True)
class _Outcome:
    """What the log said to a batch of groups."""

    logged: list[tuple[_Group, Receipt]]
    again: list[UUID]
    revoked: list[_Group]
    stale: bool = False
    problem: BaseException | None = None


class Telling:
    """Tells of records. Everybody who tells of one holds its turn meanwhile."""

    def __init__(self, *, gate: Gate, asked: Asked, post: Post) -> None:
        self._gate = gate
        self._asked = asked
        self._post = post
        self._newest = 0
        # Stores that have not ended: the newest position when each began. All of theirs come after it.
        self._storing: dict[object, int] = {}

    def begin(self, newest: int) -> None:
        """The newest position of the feed that is stored."""
        self._newest = newest

    async def tell(self, place: Place, records: Sequence[UUID]) -> dict[UUID, Exception]:
        """Tell of records of one share. Returns those that could not be told, each with its reason."""
        try:
            async with self._asked.in_turn(place, records):
                await self._tell(place, records)
        except Exception as problem:  # noqa: BLE001  (whatever it is, the caller lets that record wait)
            if len(records) == 1:
                return {records[0]: problem}
        else:
            return {}
        # One of them cannot be told: each by itself, so that it holds up no other. What was told is silent.
        alone = await asyncio.gather(*(self.tell(place, (record,)) for record in records))
        return {record: problem for one in alone for record, problem in one.items()}

    async def _tell(self, place: Place, records: Sequence[UUID]) -> None:
        left = records
        for _ in range(TRIES):
            right, rows = await self._read(place, left)
            groups = await self._news(right, left, rows)
            left = await self._remember_and_send(right, groups)
            if not left:
                return
        raise refuse(Code.LOG_UNAVAILABLE, "A record changes faster than it can be told.")

    async def _read(self, place: Place, records: Sequence[UUID]) -> tuple[Right, match.Rows]:
        """The records as they stand. Raises Refused when the agreement is not in force: the changes wait."""
        right = self._asked.right(place)
        if right is not None:
            pool = await self._gate.pools.of(place.agreement)
            return right, await match.read_rows(pool, right.share, records, self._gate.keys)
        standing = self._gate.register.standing(place.agreement, self._gate.clock.now())
        if standing is None:
            raise refuse(Code.AGREEMENT_ENDED, "The agreement is not in force.")
        version = self._gate.register.version(standing)
        if place.purpose in version.agreement.purposes:
            raise refuse(Code.LOG_UNAVAILABLE, "The share is not there yet.")
        # The version in force has this purpose no more: all that was told under it is withdrawn.
        gone = Share(standing.agreement, standing.version, place.purpose, ())
        return Right(standing, version, gone), {}

    async def _news(self, right: Right, records: Sequence[UUID], rows: match.Rows) -> list[_Group]:
        async with self._gate.pool.connection() as conn:
            heard, known = await match.look(conn, right.share, records, rows, self._asked.live(right))
        return [
            _Group(record, group)
            for record in records
            for group in match.by_organisation(
                match.news(
                    right.version,
                    right.share,
                    record,
                    heard=heard.get(record, {}),
                    known=known.get(record, {}),
                    keys=self._gate.keys,
                )
            )
        ]

    # ------------------------------------------------------------------ through the door

    async def _remember_and_send(self, right: Right, groups: Sequence[_Group]) -> list[UUID]:
        """Log, store and send; the records that changed meanwhile and must be looked at again."""
        again: list[UUID] = []
        while groups:
            outcome = await self._remember_all(right, groups)
            if outcome.logged:
                await self._store_and_send(right, outcome.logged)
            if outcome.problem is not None:
                raise outcome.problem
            if outcome.stale:
                # What is in force now decides; if nothing is, the changes wait until something is.
                await self._gate.register.reload()
            again.extend(outcome.again)
            groups = await self._without_revoked(outcome.revoked, again)
        return list(dict.fromkeys(again))

    async def _remember_all(self, right: Right, groups: Sequence[_Group]) -> _Outcome:
        """A leaf for each group, all in one batch of the log."""
        said = await asyncio.gather(*(self._remember(right, one) for one in groups), return_exceptions=True)
        outcome = _Outcome([], [], [])
        for group, result in zip(groups, said, strict=True):
            if isinstance(result, Receipt):
                outcome.logged.append((group, result))
            elif not isinstance(result, Refused):
                outcome.problem = result
            elif result.refusal is MOVED:
                outcome.again.append(group.record)
            elif result.refusal is AMENDED or result.refusal.code is Code.AGREEMENT_ENDED:
                outcome.again.append(group.record)
                outcome.stale = True
            elif result.refusal.code is Code.UNAUTHENTICATED:
                outcome.revoked.append(group)
            else:
                outcome.problem = result
        return outcome

    async def _remember(self, right: Right, group: _Group) -> Receipt:
        first = group.news[0].listener
        rows: tuple[Row, ...] = tuple(dict.fromkeys(row for one in group.news for row in one.listener.rows))
        kinds = sorted({one.kind for one in group.news})
        return await self._gate.remember(
            RecipientKey(first.key, right.standing.recipient, first.organisation),
            right,
            Why(right.standing.agreement, right.share.purpose, first.case_number),
            rows=rows,
            user=None,
            use_day=None,
            private={"detail": [[str(one.listener.subscription), one.kind] for one in group.news]},
            kind="alert",
            way="alert",
            public={"event": kinds[0] if len(kinds) == 1 else "several"},
        )

    async def _without_revoked(self, groups: Sequence[_Group], again: list[UUID]) -> list[_Group]:
        """Somebody's key was revoked: tell the others."""
        if not groups:
            return []
        keys = sorted({one.listener.key for group in groups for one in group.news})
        async with self._gate.pool.connection() as conn:
            live = await accounts.live_recipient_keys(conn, keys)
        left = []
        for group in groups:
            news = tuple(one for one in group.news if one.listener.key in live)
            if len(news) == len(group.news):
                again.append(group.record)
            elif news:
                left.append(_Group(group.record, news))
        return left

    # ------------------------------------------------------------------ storing

    async def _store_and_send(self, right: Right, logged: Sequence[tuple[_Group, Receipt]]) -> None:
        mine = object()
        self._storing[mine] = self._newest
        try:
            positions = await self._store(right, [group for group, _ in logged])
        finally:
            del self._storing[mine]
        self._newest = max(self._newest, *positions)
        places = iter(positions)
        for group, receipt in logged:
            posted = [Posted(one, next(places), receipt.text, receipt.at) for one in group.news]
            # Stores end in any order. A reader that leaves now resumes before the first that has not ended,
            # and before what of this very batch is not sent yet.
            last = max(one.position for one in posted)
            self._post.send(right, posted, resume=min(self._storing.values(), default=last))

    async def _store(self, right: Right, groups: Sequence[_Group]) -> list[int]:
        """What was told and to whom, in one trip whatever their number; the positions in order."""
        standing = right.standing
        await self._post.stop_revoked(standing.recipient)
        found = [(group.record, one) for group in groups for one in group.news]
        told = [(record, one) for record, one in found if one.digest is not None]
        left = [(record, one) for record, one in found if one.digest is None]
        what = {
            "recipient": standing.recipient,
            "agreement": standing.agreement,
            "epoch": standing.epoch,
            "gone": array([record for record, _ in left]),
            "left": array([one.listener.subscription for _, one in left]),
            "stand": array([record for record, _ in told]),
            "told": array([one.listener.subscription for _, one in told]),
            "digests": array([one.digest for _, one in told]),
            "records": array([record for record, _ in found]),
            "whom": array([one.listener.subscription for _, one in found]),
            "kinds": array([one.kind for _, one in found]),
            "heard": array([self._heard(right, one) for _, one in found]),
        }
        async with self._gate.pool.connection() as conn:
            return [int(row[0]) for row in await (await conn.execute(Q.tell, what)).fetchall()]

    def _heard(self, right: Right, one: News) -> bool:
        whose = (right.standing.recipient, one.listener.organisation)
        return self._post.streams.listening(whose, right.standing.agreement, one.listener.subscription)
