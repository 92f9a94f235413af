# SPDX-License-Identifier: Apache-2.0
"""`disclose()`: one function of numbered steps, and the only way out.

    1  who asks                       the caller has authenticated the key
    2  why                            purpose, case number
    3  by what right                  the version in force at this instant
    4  within what limits             granted keys, searches a day
    5  read the share                 as that agreement's own login
    6  remember                       the leaf is durable and inside a signed checkpoint, in a
                                      transaction that checks key, fence, clock and rows once more
    7  answer, with a receipt         only if the fence has not moved since step 3

A refusal is logged like an answer. What cannot be logged is not disclosed.
"""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import orjson
import psycopg
from psycopg.rows import TupleRow

from openpars.accounts.keys import RecipientKey
from openpars.agreements.model import Version
from openpars.db.connect import Connection, Pool
from openpars.db.sql import load
from openpars.disclosure import checks
from openpars.disclosure.clock import Clock, ClockFault
from openpars.disclosure.pools import AgreementPools
from openpars.disclosure.reading import Reader, Row
from openpars.disclosure.register import Register, Right, is_live
from openpars.disclosure.request import JSON, Fetch, Search, Why
from openpars.errors import Code, Refusal, Refused, refuse
from openpars.log.beside import Beside
from openpars.log.draft import Apart, Draft, Receipt
from openpars.log.writer import Writer
from openpars.record import catalogue
from openpars.shares.keys import ShareKeys
from openpars.shares.tables import Share

Q = load(__package__)

TRIES = 4  # how often a row may change under a reader before it is told to try again


@dataclass(frozen=True, slots=True)
class Guard:
    """What must still hold in the transaction that logs an answer."""

    key: UUID
    right: Right
    rows: tuple[Row, ...]
    use_day: date | None


@dataclass(frozen=True, slots=True)
class Record:
    """One person as the recipient is shown it: public id (hex) and the granted fields, encoded once."""

    id: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """Records and the receipt that covers them."""

    records: tuple[Record, ...]
    receipt: str
    right: Right

    def encoded(self) -> bytes:
        """The body of `POST /v1/search`."""
        return b'{"records":[%b],"receipt":%b,"next":null}' % (
            b",".join(record.body for record in self.records),
            orjson.dumps(self.receipt),
        )


class _Moved(Exception):
    """A row changed between reading and remembering: read again."""


class Gate:
    """Everything `disclose` needs, owned by the one process that serves recipients."""

    def __init__(
        self, *, pool: Pool, pools: AgreementPools, register: Register, clock: Clock, keys: ShareKeys
    ) -> None:
        self.pool = pool
        self.pools = pools
        self.register = register
        self.clock = clock
        self.keys = keys
        self.reader = Reader(pools, keys)
        self.writer: Writer | None = None
        self.partner_access = True
        self._used: dict[tuple[str, UUID, date], int] = {}

    # ------------------------------------------------------------------ the door

    async def disclose(
        self, who: RecipientKey, asked: Search | Fetch, *, user: str | None = None
    ) -> Answer | Refusal:
        """The numbered steps. Every outcome is a leaf, or nothing leaves."""
        try:
            for _ in range(TRIES):
                with contextlib.suppress(_Moved):
                    return await self._disclose(who, asked, user)
            return unavailable()
        except Refused as refused:
            if refused.refusal.code is Code.LOG_UNAVAILABLE:
                return refused.refusal
            return await self.remember_refusal(who, asked.why, refused.refusal, user=user, way="search")
        except (ClockFault, psycopg.Error):
            # Fail closed. The text of a database error never leaves: it may print a row.
            return unavailable()

    async def _disclose(self, who: RecipientKey, asked: Search | Fetch, user: str | None) -> Answer:
        # (2) why, (3) by what right
        right = await self.right(who, asked.why)
        _raise(checks.case_number(right.version, asked.why))
        # (4) within what limits
        key = None
        if isinstance(asked, Search):
            key = _raise_or(checks.key(right.version, asked.why.purpose, "search", asked.find))
        day = checks.civil_day(right.version, self.clock.now())
        await self.spend(right.version, who.id, day)
        try:
            # (5) read the share
            if isinstance(asked, Search):
                assert key is not None  # noqa: S101
                cap = right.version.agreement.limits.results_per_search
                limit = min(asked.limit or cap, cap)
                found = await self._find(right.share, key, limit=limit)
            else:
                found = await self.reader.by_id(right.share, asked.id)
            # (6) remember
            receipt = await self.remember(
                who, right, asked.why, rows=found, user=user, use_day=day, private=_asked(asked)
            )
        except Refused as refused:
            self.unspend(right.version, who.id, day)
            if refused.refusal in (AMENDED, ENDED):
                # Our copy of the register was old. What is in force now, or why nothing is, decides.
                await self.register.reload()
            if refused.refusal in (MOVED, AMENDED, ENDED):
                raise _Moved from None
            raise
        except psycopg.Error:
            self.unspend(right.version, who.id, day)
            # Perhaps its login was shut this moment, because it is over: then that is the answer.
            await self.register.reload()
            standing = self.register.standing(right.standing.agreement, self.clock.now())
            if standing is None or standing.version != right.standing.version:
                raise _Moved from None
            raise
        # (7) answer, only if the fence has not moved
        self.still(right)
        if isinstance(asked, Fetch) and not found:
            raise refuse(Code.NOT_FOUND, "There is no such record for you.")
        return Answer(merged(right.version, found), receipt.text, right)

    # ------------------------------------------------------------------ steps

    async def right(self, who: RecipientKey, why: Why) -> Right:
        """Step 3. A no is looked up once more before it is given, so that a new agreement works at once."""
        if not self.partner_access:
            raise refuse(
                Code.NO_AGREEMENT, "This server may not serve partners: its database needs an update."
            )
        if self.clock.age() > 1.0:
            await self.read_clock()
        right = self.register.right(who, why, self.clock.now())
        if isinstance(right, Refusal):
            await self.register.reload()
            right = self.register.right(who, why, self.clock.now())
        if isinstance(right, Refusal):
            raise Refused(right)
        return right

    async def read_clock(self) -> None:
        """Take a fresh reading of the database's clock."""
        async with self.pool.connection() as conn:
            since = self.clock.latest()
            row = await (await conn.execute(Q.clock)).fetchone()
        if row is not None:
            self.clock.observe(row[0], since=since)

    async def spend(self, version: Version, key: UUID, day: date) -> None:
        """Count a search before it is made, so that a burst in parallel cannot pass the limit.

        Counted by key: a recipient names its own users, and could name a new one for each search.
        """
        place = (version.agreement.id, key, day)
        if place not in self._used:
            async with self.pool.connection() as conn:
                row = await (await conn.execute(Q.used, (key, day, version.agreement.id))).fetchone()
            self._used.setdefault(place, int(row[0]) if row is not None else 0)
        limit = version.agreement.limits.searches_per_user_per_day
        if self._used[place] >= limit:
            raise refuse(Code.LIMIT_REACHED, "The agreement's number of searches for today is used up.")
        self._used[place] += 1

    def unspend(self, version: Version, key: UUID, day: date) -> None:
        """A search that was counted and then not made."""
        self._used[(version.agreement.id, key, day)] -= 1

    async def _find(self, share: Share, key: checks.Key, *, limit: int) -> tuple[Row, ...]:
        wanted = self.keys.search(share.agreement, key.combination, key.values)
        # A person may stand in several grants' rows: read enough, then cut by person.
        rows = await self.reader.find(share, key.combination, wanted, limit=limit * 4)
        people = set(list(dict.fromkeys(row.id for row in rows))[:limit])
        return tuple(row for row in rows if row.id in people)

    async def remember(
        self,
        who: RecipientKey,
        right: Right,
        why: Why,
        *,
        rows: tuple[Row, ...],
        user: str | None,
        use_day: date | None,
        private: dict[str, JSON],
        kind: str = "answer",
        way: str = "search",
        public: dict[str, JSON] | None = None,
        beside: Beside | None = None,
    ) -> Receipt:
        """Step 6. Returns when the leaf is durable and inside a signed checkpoint."""
        draft = Draft(
            kind=kind,
            public={
                "agreement": right.standing.agreement,
                "version": right.standing.version,
                "purpose": why.purpose,
                "way": way,
                **(public or {}),
            },
            private={
                "agent": [who.recipient, str(who.id), user, who.organisation],
                "why": [why.purpose, why.case_number],
                "rows": [[row.id, row.grant, row.file_version] for row in rows],
                "shown": [*sorted({row.grant for row in rows})],
                **private,
            },
            subjects=tuple(dict.fromkeys(row.subject for row in rows if row.subject)),
            guard=Guard(who.id, right, rows, use_day),
            beside=beside,
        )
        return await self._append(draft)

    async def remember_refusal(
        self, who: RecipientKey, why: Why | None, refusal: Refusal, *, user: str | None, way: str
    ) -> Refusal:
        """Log a refusal; if it cannot be logged, say only that."""
        asked = why.agreement if why is not None else None
        # A leaf is public for ever: an agreement's name goes in only if there is such an agreement.
        known = any(s.agreement == asked for s in self.register.standings)
        draft = Draft(
            kind="refusal",
            public={"agreement": asked if known else None, "way": way, "code": str(refusal.code)},
            private={
                "agent": [who.recipient, str(who.id), user, who.organisation],
                "why": [why.purpose, why.case_number] if why is not None else None,
                "find_by": refusal.field,
            },
        )
        try:
            await self._append(draft)
        except (Refused, psycopg.Error, ClockFault):
            return unavailable()
        return refusal

    async def _append(self, draft: Draft) -> Receipt:
        if self.writer is None:
            raise Refused(unavailable())
        self.clock.now()  # with a clock that cannot be trusted nothing is logged, so nothing leaves
        return await self.writer.append(draft)

    def still(self, right: Right) -> None:
        """Step 7: the fence has not moved. Raises Refused."""
        now = self.clock.now()
        standing = self.register.standing(right.standing.agreement, now)
        if standing is None or standing.epoch != right.standing.epoch or not is_live(right.standing, now):
            raise refuse(Code.AGREEMENT_ENDED, "The agreement has ended.")

    # ------------------------------------------------------------------ inside the log transaction

    async def admit(self, conn: Connection, drafts: Sequence[Draft]) -> list[Refusal | None]:
        """Check again, inside the transaction that logs: clock, key, fence, rows. One verdict a draft.

        For all askers of a batch, in the trip to the server that the writer has begun. A search is counted
        here even if it is then refused because something moved: a limit may be reached early, never late.
        """
        guards = [draft.guard if isinstance(draft.guard, Guard) else None for draft in drafts]
        since = self.clock.latest()
        try:
            row, moved = await _read_again(conn, guards)
        except psycopg.ProgrammingError:
            # The table of one share is gone, in the middle of its end. The others need not suffer for it.
            raise Apart(_by_share(guards), ENDED) from None
        assert row is not None  # noqa: S101
        self.clock.observe(row[0], since=since)
        try:
            now = self.clock.now()
        except ClockFault:
            return [unavailable() for _ in drafts]
        keys = frozenset(row[1])
        fences = {name: (epoch, number) for name, epoch, number in zip(*row[2:5], strict=True)}
        return [
            None
            if guard is None
            else _verdict(guard, now=now, keys=keys, fences=fences, moved=place in moved)
            for place, guard in enumerate(guards)
        ]


MOVED = Refusal(Code.CONFLICT, "The record changed while it was being read.")
ENDED = Refusal(Code.AGREEMENT_ENDED, "The agreement has ended.")
AMENDED = Refusal(Code.CONFLICT, "The agreement was amended while the record was being read.")


async def _read_again(conn: Connection, guards: Sequence[Guard | None]) -> tuple[TupleRow | None, set[int]]:
    """What every answer depends on, and the places of those whose rows have moved. In one trip."""
    rechecked = await conn.execute(Q.recheck, _recheck([guard for guard in guards if guard is not None]))
    cursors = [
        (whose, await conn.execute(share.moved(), arrays(rows)))
        for share, (whose, rows) in _relied_on(guards).items()
    ]
    row = await rechecked.fetchone()
    return row, {whose[found[0] - 1] for whose, cursor in cursors for found in await cursor.fetchall()}


def _by_share(guards: Sequence[Guard | None]) -> list[list[int]]:
    """The places of all drafts, by the share that they rest on; those that rest on none are together."""
    places: dict[Share | None, list[int]] = defaultdict(list)
    for place, guard in enumerate(guards):
        places[guard.right.share if guard is not None and guard.rows else None].append(place)
    return list(places.values())


def _verdict(
    guard: Guard,
    *,
    now: datetime,
    keys: frozenset[UUID],
    fences: dict[str, tuple[int, int | None]],
    moved: bool,
) -> Refusal | None:
    right = guard.right
    if guard.key not in keys:
        return Refusal(Code.UNAUTHENTICATED, "This key is no longer in force.")
    epoch, number = fences.get(right.standing.agreement, (None, None))
    if number is None or epoch != right.standing.epoch or not is_live(right.standing, now):
        return ENDED
    if number != right.standing.version:
        # What was read by the version before may be more than is granted now.
        return AMENDED
    return MOVED if moved else None


def _recheck(guards: list[Guard]) -> dict[str, object]:
    used = [guard for guard in guards if guard.use_day is not None]
    return {
        "keys": sorted({guard.key for guard in guards}),
        "agreements": sorted({guard.right.standing.agreement for guard in guards}),
        "used": [guard.right.standing.agreement for guard in used],
        "users": [guard.key for guard in used],
        "days": [guard.use_day for guard in used],
    }


def _relied_on(guards: Sequence[Guard | None]) -> dict[Share, tuple[list[int], list[Row]]]:
    """By share, every row that any answer rests on, and beside it the place of that answer's guard."""
    found: dict[Share, tuple[list[int], list[Row]]] = defaultdict(lambda: ([], []))
    for place, guard in enumerate(guards):
        if guard is not None and guard.rows:
            whose, rows = found[guard.right.share]
            whose.extend([place] * len(guard.rows))
            rows.extend(guard.rows)
    return found


def arrays(rows: Sequence[Row]) -> tuple[str, str, str]:
    """Ids, grants and versions as array literals: hex digits and numbers, so there is nothing to escape."""
    return (
        f"{{{','.join([row.id for row in rows])}}}",
        f"{{{','.join([str(row.grant) for row in rows])}}}",
        f"{{{','.join([str(row.file_version) for row in rows])}}}",
    )


def merged(version: Version, rows: tuple[Row, ...]) -> tuple[Record, ...]:
    """One record per person. Where several grants show a field, the finer precision is shown."""
    people: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        people[row.id].append(row)
    return tuple(Record(person, merge(version, found)) for person, found in people.items())


def merge(version: Version, rows: list[Row]) -> bytes:
    """The JSON object of one person. Nearly always one row, whose text is used as it stands."""
    head = b'{"id":"%b"' % rows[0].id.encode()
    if len(rows) == 1:
        body = rows[0].body.encode()
        return head + (b"," + body[1:] if body != b"{}" else b"}")
    shown: dict[str, tuple[int, JSON]] = {}
    for row in rows:
        precisions = dict(version.agreement.grants[row.grant - 1].show)
        for field, value in orjson.loads(row.body).items():
            rank = catalogue.FIELDS[field].rank(precisions[field])
            if field not in shown or rank > shown[field][0]:
                shown[field] = (rank, value)
    body = orjson.dumps({field: value for field, (_, value) in shown.items()})
    return head + (b"," + body[1:] if body != b"{}" else b"}")


def _asked(asked: Search | Fetch) -> dict[str, JSON]:
    if isinstance(asked, Fetch):
        return {"find_by": "id", "query": asked.id.hex}
    return {
        "find_by": sorted(asked.find),
        "query": orjson.dumps(asked.find, option=orjson.OPT_SORT_KEYS).decode(),
    }


def _raise(refusal: Refusal | None) -> None:
    if refusal is not None:
        raise Refused(refusal)


def _raise_or(found: checks.Key | Refusal) -> checks.Key:
    if isinstance(found, Refusal):
        raise Refused(found)
    return found


def unavailable() -> Refusal:
    """The one answer to everything that keeps the log from being written."""
    return Refusal(
        Code.LOG_UNAVAILABLE, "Nothing can be logged now, so nothing is disclosed. Try again shortly."
    )
