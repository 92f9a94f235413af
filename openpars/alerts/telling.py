# SPDX-License-Identifier: Apache-2.0
"""Telling of changed records of one share together: read, match, go through the door, store, send.

However many records: one trip reads their rows, one asks who hears of them and what was told before, one
batch of the log takes their leaves, one statement stores what was told. What was told of each is its own:
a record that moved meanwhile is looked at again, and one that cannot be told is set apart.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from openpars.accounts import keys as accounts
from openpars.accounts.keys import RecipientKey
from openpars.alerts import match
from openpars.alerts.asked import Asked, Place
from openpars.alerts.post import Post, Posted
from openpars.alerts.story import Feed, Group, Story
from openpars.disclosure.gate import AMENDED, MOVED, Gate
from openpars.disclosure.register import Right
from openpars.disclosure.request import Why
from openpars.errors import Code, Refused, refuse
from openpars.log.beside import Beside
from openpars.log.draft import Receipt
from openpars.shares.tables import Share

TRIES = 8


@dataclass(slots=True)
class _Outcome:
    """What the log said to a batch of groups."""

    logged: list[tuple[Group, Receipt]]
    again: list[UUID]
    revoked: list[Group]
    stale: bool = False
    problem: BaseException | None = None


class Telling:
    """Tells of records. Everybody who tells of one holds its turn meanwhile."""

    def __init__(self, *, gate: Gate, asked: Asked, post: Post) -> None:
        self._gate = gate
        self._asked = asked
        self._post = post
        self._feed = Feed()

    def begin(self, newest: int) -> None:
        """The newest position of the feed that is stored."""
        self._feed.newest = newest

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
            groups, known = await self._news(right, left, rows)
            left = await self._remember_and_send(right, groups, known)
            if not left:
                return
        raise refuse(Code.LOG_UNAVAILABLE, "A record changes faster than it can be told.")

    async def _read(self, place: Place, records: Sequence[UUID]) -> tuple[Right, match.Rows]:
        """The records as they stand. Raises Refused when the agreement is not in force: the changes wait."""
        right = self._asked.right(place)
        if right is not None:
            pool = await self._gate.pools.of(place.agreement)
            # A feed whose key is revoked hears nothing more.
            rows, _ = await asyncio.gather(
                match.read_rows(pool, right.share, records, self._gate.keys),
                self._post.stop_revoked(right.standing.recipient),
            )
            return right, rows
        standing = self._gate.register.standing(place.agreement, self._gate.clock.now())
        if standing is None:
            raise refuse(Code.AGREEMENT_ENDED, "The agreement is not in force.")
        version = self._gate.register.version(standing)
        if place.purpose in version.agreement.purposes:
            raise refuse(Code.LOG_UNAVAILABLE, "The share is not there yet.")
        # The version in force has this purpose no more: all that was told under it is withdrawn.
        gone = Share(standing.agreement, standing.version, place.purpose, ())
        return Right(standing, version, gone), {}

    async def _news(
        self, right: Right, records: Sequence[UUID], rows: match.Rows
    ) -> tuple[list[Group], match.Known]:
        async with self._gate.pool.connection() as conn:
            heard, known = await match.look(conn, right.share, records, rows, self._asked.live(right))
        groups = [
            Group(record, group)
            for record in records
            for group in match.by_organisation(
                match.news(
                    right.version,
                    right.share,
                    record,
                    heard=heard.get(record, ()),
                    known=known.get(record, {}),
                    keys=self._gate.keys,
                )
            )
        ]
        return groups, known

    # ------------------------------------------------------------------ through the door

    async def _remember_and_send(
        self, right: Right, groups: Sequence[Group], known: match.Known
    ) -> list[UUID]:
        """Log, store and send; the records that changed meanwhile and must be looked at again."""
        again: list[UUID] = []
        while groups:
            story = Story(right, known, feed=self._feed, streams=self._post.streams)
            try:
                outcome = await self._remember_all(right, groups, story)
                for group, receipt in outcome.logged:
                    await self._send(right, story, group, receipt)
                    del story.said[group]
            finally:
                # Nobody knows whether these are committed, and then they count as told. Their readers resume.
                self._post.cut(right, story.said)
                story.over()
            if outcome.problem is not None:
                raise outcome.problem
            if outcome.stale:
                # What is in force now decides; if nothing is, the changes wait until something is.
                await self._gate.register.reload()
            again.extend(outcome.again)
            groups = await self._without_revoked(outcome.revoked, again)
        return list(dict.fromkeys(again))

    async def _send(self, right: Right, story: Story, group: Group, receipt: Receipt) -> None:
        said = story.said[group]
        # Others are told at the same time. A reader that leaves now resumes before all that may not be sent
        # yet, and before what of this very batch comes after this.
        resume = min(max(one.last for one in said), self._feed.before(story))
        await self._post.send(right, [Posted(one, receipt.text, receipt.at) for one in said], resume=resume)

    async def _remember_all(self, right: Right, groups: Sequence[Group], story: Story) -> _Outcome:
        """A leaf for each group, all in one batch of the log."""
        said = await asyncio.gather(
            *(self._remember(right, one, Beside(one, story.write)) for one in groups), return_exceptions=True
        )
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

    async def _remember(self, right: Right, group: Group, beside: Beside) -> Receipt:
        first = group.news[0].listeners[0]
        kinds = sorted({one.kind for one in group.news})
        return await self._gate.remember(
            RecipientKey(first.key, right.standing.recipient, first.organisation),
            right,
            Why(right.standing.agreement, right.share.purpose, first.case_number),
            rows=tuple(dict.fromkeys(row for one in group.news for row in one.rows)),
            user=None,
            use_day=None,
            private={"detail": [[who.name, one.kind] for one in group.news for who in one.listeners]},
            kind="alert",
            way="alert",
            public={"event": kinds[0] if len(kinds) == 1 else "several"},
            beside=beside,
        )

    async def _without_revoked(self, groups: Sequence[Group], again: list[UUID]) -> list[Group]:
        """Somebody's key was revoked: tell the others."""
        if not groups:
            return []
        keys = sorted({who.key for group in groups for one in group.news for who in one.listeners})
        async with self._gate.pool.connection() as conn:
            live = await accounts.live_recipient_keys(conn, keys)
        left = []
        for group in groups:
            if all(who.key in live for one in group.news for who in one.listeners):
                again.append(group.record)
                continue
            news = [
                replace(one, listeners=tuple(who for who in one.listeners if who.key in live))
                for one in group.news
            ]
            if any(one.listeners for one in news):
                left.append(Group(group.record, tuple(one for one in news if one.listeners)))
        return left
