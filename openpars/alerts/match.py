# SPDX-License-Identifier: Apache-2.0
"""Who hears of one changed row, judged on the share alone: never on the record behind it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias
from uuid import UUID

from psycopg.rows import TupleRow

from openpars.agreements.model import Version
from openpars.alerts.subscriptions import Subscription, matches
from openpars.db.connect import Connection, Pool
from openpars.db.sql import load
from openpars.disclosure.gate import merge
from openpars.disclosure.reading import Row
from openpars.disclosure.request import JSON
from openpars.shares.keys import ShareKeys
from openpars.shares.tables import Share

Q = load(__package__)


@dataclass(frozen=True, slots=True)
class AlertRow:
    """A row of a share with what matching needs."""

    row: Row
    criteria: dict[str, JSON]
    alert_all: bool
    hashes: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Listener:
    """A subscription with the rows it may hear of (none: the row left what it asked for)."""

    subscription: UUID
    recipient: str
    organisation: str | None
    key: UUID
    case_number: str | None
    rows: tuple[Row, ...]


Rows: TypeAlias = "Mapping[UUID, tuple[AlertRow, ...]]"
"""The rows of changed records by public id. A record without any may be missing."""

Heard: TypeAlias = "dict[UUID, dict[UUID, Listener]]"
"""By public id, every subscription that may hear of it."""

Known: TypeAlias = "dict[UUID, dict[UUID, Told]]"
"""By public id, every subscription that was told of it and not yet told its end."""


async def read_rows(pool: Pool, share: Share, records: Sequence[UUID], keys: ShareKeys) -> Rows:
    """The rows of public ids as they stand now, read as the agreement's own login."""
    async with pool.connection() as conn:
        found = await (await conn.execute(share.for_alert(), (list(records),))).fetchall()
    rows: dict[UUID, list[AlertRow]] = defaultdict(list)
    for record, r in ((r[0], r[1:]) for r in found):
        rows[record].append(
            AlertRow(
                Row(record.hex, r[0], r[1], r[2], keys.subject(share.agreement, record.hex, r[5])),
                r[3],
                r[4],
                tuple(value for value in r[6:] if value is not None),
            )
        )
    return {record: tuple(mine) for record, mine in rows.items()}


async def look(
    conn: Connection, share: Share, records: Sequence[UUID], rows: Rows, criteria: Iterable[Subscription]
) -> tuple[Heard, Known]:
    """Who may hear of the records now, and who was told of them before: one trip for all.

    Watches: one index look-up whatever their number. Criteria: one pass over the agreement's own.
    """
    hashes = {value for mine in rows.values() for one in mine for value in one.hashes}
    async with conn.pipeline():
        watchers = None
        if hashes:
            watchers = await conn.execute(Q.watchers, (share.agreement, list(hashes), share.purpose))
        told = await conn.execute(Q.told, (list(records), share.agreement, share.purpose))
        watches = [] if watchers is None else await watchers.fetchall()
        known: Known = defaultdict(dict)
        for r in await told.fetchall():
            known[r[0]][r[1]] = Told(r[1], bytes(r[2]), *r[3:])
    heard: Heard = defaultdict(dict)
    _by_watch(heard, rows, watches)
    _by_criteria(heard, rows, criteria)
    return heard, known


def _by_watch(heard: Heard, rows: Rows, watches: Sequence[TupleRow]) -> None:
    watched: dict[UUID, set[bytes]] = defaultdict(set)
    about: dict[UUID, tuple[str, str | None, UUID, str | None]] = {}
    for value, subscription, *whose in watches:
        watched[subscription].add(bytes(value))
        about[subscription] = (whose[0], whose[1], whose[2], whose[3])
    for subscription, values in watched.items():
        for record, mine in rows.items():
            met = tuple(dict.fromkeys(one.row for one in mine if not values.isdisjoint(one.hashes)))
            if met:
                heard[record][subscription] = Listener(subscription, *about[subscription], met)


def _by_criteria(heard: Heard, rows: Rows, criteria: Iterable[Subscription]) -> None:
    alike: dict[object, list[Subscription]] = defaultdict(list)  # many ask for the same: judged once
    for standing in criteria:
        alike[standing.criteria].append(standing)
    for many in alike.values():
        asked = many[0].criteria
        assert asked is not None  # noqa: S101
        for record, mine in rows.items():
            met = tuple(
                dict.fromkeys(
                    one.row for one in mine if matches(asked, one.criteria, alert_all=one.alert_all)
                )
            )
            if met:
                for s in many:
                    heard[record][s.id] = Listener(
                        s.id, s.recipient, s.organisation, s.key, s.case_number, met
                    )


@dataclass(frozen=True, slots=True)
class Told:
    """What a subscription was last told of the record."""

    subscription: UUID
    digest: bytes
    recipient: str
    organisation: str | None
    key: UUID
    case_number: str | None


@dataclass(frozen=True, slots=True)
class News:
    """What one subscription is to be told. `digest` None: withdrawn."""

    listener: Listener
    kind: str
    record: bytes
    digest: bytes | None


def news(
    version: Version,
    share: Share,
    record: UUID,
    *,
    heard: dict[UUID, Listener],
    known: dict[UUID, Told],
    keys: ShareKeys,
) -> tuple[News, ...]:
    """The difference between what subscriptions were told and what stands now. Nothing new: nothing told.

    An organisation that this version does not name is told nothing, not even that a record is withdrawn.
    """
    admits = version.agreement.admits
    heard = {one: listener for one, listener in heard.items() if admits(listener.organisation)}
    known = {one: before for one, before in known.items() if admits(before.organisation)}
    found: list[News] = []
    bodies: dict[tuple[Row, ...], tuple[bytes, bytes]] = {}
    for subscription, listener in heard.items():
        if listener.rows not in bodies:
            body = merge(version, list(listener.rows))
            bodies[listener.rows] = (body, keys.digest(share.agreement, body))
        body, digest = bodies[listener.rows]
        before = known.get(subscription)
        if before is None:
            found.append(News(listener, "appeared", body, digest))
        elif before.digest != digest:
            found.append(News(listener, "changed", body, digest))
    gone = b'{"id":"%b"}' % record.hex.encode()
    for subscription, before in known.items():
        if subscription not in heard:
            whom = (before.recipient, before.organisation, before.key, before.case_number)
            left = Listener(subscription, *whom, ())
            found.append(News(left, "withdrawn", gone, None))
    return tuple(found)


def by_organisation(found: tuple[News, ...]) -> tuple[tuple[News, ...], ...]:
    """The same news, apart by the organisation that is told."""
    groups: dict[str | None, list[News]] = {}
    for one in found:
        groups.setdefault(one.listener.organisation, []).append(one)
    return tuple(tuple(group) for group in groups.values())
