# SPDX-License-Identifier: Apache-2.0
"""What stops if an agreement ends, or if another version takes its place: told before anybody votes.

Counted from the database in one snapshot, so the same state gives the same answer. What the desk may not
read it does not count: never by which keys or criteria somebody is watched. Case numbers and exact counts
are for the owners and the solicitor. Everybody else gets round numbers, an hour old: whoever could watch a
count move by one would see an arrest enter a share, or a sealed file leave it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from openpars.accounts.keys import StaffRole
from openpars.agreements import register
from openpars.agreements.bars import narrowed
from openpars.agreements.model import Version, Way
from openpars.agreements.register import Standing
from openpars.db.connect import Connection
from openpars.db.sql import load
from openpars.desk.leaving import Leaving, leaving
from openpars.desk.room import Room
from openpars.errors import Code, refuse

Q = load(__package__)

INSIDERS = frozenset({StaffRole.POLICE, StaffRole.DISTRICT_ATTORNEY, StaffRole.COURTS, StaffRole.SOLICITOR})
"""Who may know under which case numbers a recipient asks."""

FRESH = 3600.0  # seconds a stranger's answer stays the same


@dataclass(frozen=True, slots=True)
class Stopped:
    """What stops, counted. `people` and `rows` leave the share; `kept_people` stay in it.

    `keys`: the recipient's keys that lose this agreement; of them `idle_keys` are left with none at all, and
    `active_keys` searched under it in the last 30 days. `cases` are sorted and distinct.
    """

    watches: int
    criteria: int
    feeds: int
    keys: int
    active_keys: int
    idle_keys: int
    organisations: tuple[str, ...]
    cases: tuple[str, ...]
    rows: int
    people: int
    kept_people: int


@dataclass(frozen=True, slots=True)
class Impact:
    """What stops if `version` of an agreement ends (`by` None), or gives way to version `by`."""

    agreement: str
    recipient: str
    version: int
    by: int | None
    at: datetime
    stopped: Stopped

    def told(self, *, insider: bool) -> dict[str, object]:
        """For the API. Case numbers for insiders only; see `Remembered` for the others' round numbers."""
        found = self.stopped
        told: dict[str, object] = {
            "id": self.agreement,
            "recipient": self.recipient,
            "version": self.version,
            "replaced_by": self.by,
            "at": self.at.isoformat(),
            "subscriptions": {"watches": found.watches, "criteria": found.criteria},
            "feeds": found.feeds,
            "keys": {"all": found.keys, "active": found.active_keys, "left_with_nothing": found.idle_keys},
            "organisations": list(found.organisations),
            "share": {"rows": found.rows, "people": found.people, "kept_people": found.kept_people},
            "rounded_down": not insider,
        }
        return told | ({"cases": len(found.cases), "case_numbers": list(found.cases)} if insider else {})


@dataclass(frozen=True, slots=True)
class _Subscription:
    organisation: str | None
    purpose: str
    case: str | None
    by_keys: bool


def rounded(count: int) -> int:
    """Rounded down to tens below a hundred, to hundreds below a thousand, and so on."""
    step = 10
    while step * 10 <= count:
        step *= 10
    return count // step * step


def coarse(stopped: Stopped) -> Stopped:
    """What a stranger may know of what stops: round numbers, no case, no activity."""
    return Stopped(
        watches=rounded(stopped.watches),
        criteria=rounded(stopped.criteria),
        feeds=rounded(stopped.feeds),
        keys=stopped.keys,
        active_keys=0,
        idle_keys=stopped.idle_keys,
        organisations=stopped.organisations,
        cases=(),
        rows=rounded(stopped.rows),
        people=rounded(stopped.people),
        kept_people=rounded(stopped.kept_people),
    )


class Remembered:
    """Impacts for strangers: one at a time, round, and the same for an hour: nothing can be watched."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, int | None], tuple[float, Impact]] = {}
        self._turn = asyncio.Lock()

    async def __call__(self, room: Room, agreement: str, by: int | None) -> Impact:
        """As `impact`, coarse and at most `FRESH` seconds old."""
        async with room.pool.connection() as conn:
            standing, _ = await _standing(conn, agreement, await register.clock(conn))
        async with self._turn:
            made, found = self._known.get((agreement, by), (-FRESH, None))
            if found is None or time.monotonic() - made > FRESH or found.version != standing.version:
                exact = await impact(room, agreement, by=by)
                found = replace(exact, stopped=coarse(exact.stopped))
                # What cannot be in force is refused above, so the names kept here are few.
                self._known[agreement, by] = (time.monotonic(), found)
            return found


async def impact(room: Room, agreement: str, *, by: int | None) -> Impact:
    """What stops. Raises Refused NOT_FOUND, CONFLICT when nothing stands or `by` does not await its hour.

    Cost: a few look-ups for an end; for another version see `leaving`.
    """
    async with room.pool.connection() as conn, conn.transaction():
        await conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        now = await register.clock(conn)
        standing, others = await _standing(conn, agreement, now)
        wanted = None if by is None else await _next(conn, agreement, by)
        subscriptions = [
            _Subscription(*row)
            for row in await (await conn.execute(Q.impact_subscriptions, (agreement,))).fetchall()
        ]
        stops = [one for one in subscriptions if wanted is None or not _goes_on(wanted, one)]
        feeds = await (await conn.execute(Q.impact_feeds, (standing.recipient, agreement))).fetchone()
        keys = await _keys(conn, standing, wanted)
        gone = await _gone(conn, standing, wanted, now)
        return Impact(
            agreement,
            standing.recipient,
            standing.version,
            by,
            now,
            Stopped(
                watches=sum(one.by_keys for one in stops),
                criteria=sum(not one.by_keys for one in stops),
                feeds=int(feeds[0]) if feeds is not None and wanted is None else 0,
                keys=len(keys),
                active_keys=sum(active for _, active in keys),
                idle_keys=0 if others else len(keys),
                organisations=_organisations(stops, keys),
                cases=tuple(sorted({one.case for one in stops if one.case})),
                rows=gone.rows,
                people=gone.people,
                kept_people=gone.kept,
            ),
        )


async def _standing(conn: Connection, agreement: str, now: datetime) -> tuple[Standing, bool]:
    """The version that stands, and whether its recipient holds another agreement besides."""
    known = await register.standings(conn)
    if agreement not in {one.agreement for one in known}:
        raise refuse(Code.NOT_FOUND, "There is no such agreement.")
    live = [one for one in known if one.state in {"in_force", "suspended"} and now < one.until]
    standing = next((one for one in live if one.agreement == agreement), None)
    if standing is None:
        raise refuse(
            Code.CONFLICT, "Nothing of this agreement is in force, so nothing would stop.", "agreement"
        )
    others = any(one.recipient == standing.recipient and one.agreement != agreement for one in live)
    return standing, others


async def _next(conn: Connection, agreement: str, number: int) -> Version:
    waiting = {
        (one.agreement, one.version)
        for one in await register.standings(conn)
        if one.state in {"proposed", "balloted"}
    }
    if (agreement, number) not in waiting:
        raise refuse(Code.CONFLICT, "A version that is proposed and not in force yet.", "version")
    return await register.version(conn, agreement, number)


def _goes_on(version: Version, one: _Subscription) -> bool:
    """Whether a version would still serve a standing request: by its purpose, its kind and its organisation.

    By which keys or criteria it asks the desk cannot know: where only they change, it counts as served.
    """
    if not version.agreement.admits(one.organisation):
        return False
    grants = [g for g in version.agreement.grants if one.purpose in g.purposes and Way.ALERT in g.ways]
    return any(grant.find_by if one.by_keys else grant.alert_by or grant.alert_all for grant in grants)


async def _keys(
    conn: Connection, standing: Standing, wanted: Version | None
) -> list[tuple[str | None, bool]]:
    """The keys that lose the agreement: their organisation, and whether they searched under it lately."""
    values = {"agreement": standing.agreement, "recipient": standing.recipient}
    rows = await (await conn.execute(Q.impact_keys, values)).fetchall()
    current = await register.version(conn, standing.agreement, standing.version)
    return [
        (organisation, active)
        for _, organisation, active in rows
        if current.agreement.admits(organisation)
        and (wanted is None or not wanted.agreement.admits(organisation))
    ]


def _organisations(
    stops: Sequence[_Subscription], keys: Sequence[tuple[str | None, bool]]
) -> tuple[str, ...]:
    named = {one.organisation for one in stops} | {organisation for organisation, _ in keys}
    return tuple(sorted(one for one in named if one is not None))


async def _gone(conn: Connection, standing: Standing, wanted: Version | None, now: datetime) -> Leaving:
    if wanted is None:
        place = (standing.agreement, standing.version)
        all_of_it = await (await conn.execute(Q.impact_share, place)).fetchone()
        return Leaving(int(all_of_it[0]), int(all_of_it[1]), 0) if all_of_it is not None else Leaving(0, 0, 0)
    current = await register.version(conn, standing.agreement, standing.version)
    return await leaving(conn, narrowed(current), narrowed(wanted), now)
