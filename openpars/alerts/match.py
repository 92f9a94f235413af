# SPDX-License-Identifier: Apache-2.0
"""Who hears of one changed row, judged on the share alone: never on the record behind it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from openpars.agreements.model import Version
from openpars.alerts.subscriptions import Subscription, matches
from openpars.db.connect import Connection, Pool
from openpars.db.sql import load
from openpars.disclosure.gate import Row, merge
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


async def read_rows(pool: Pool, share: Share, record: UUID, keys: ShareKeys) -> tuple[AlertRow, ...]:
    """The rows of one public id as they stand now, read as the agreement's own login."""
    async with pool.connection() as conn:
        found = await (await conn.execute(share.for_alert(), (record,))).fetchall()
    return tuple(
        AlertRow(
            Row(record.hex, r[0], r[1], r[2], keys.subject(share.agreement, record.hex, r[5])),
            r[3],
            r[4],
            tuple(value for value in r[6:] if value is not None),
        )
        for r in found
    )


async def listeners(
    conn: Connection, share: Share, rows: tuple[AlertRow, ...], criteria: Iterable[Subscription]
) -> dict[UUID, Listener]:
    """Every subscription that meets at least one of the rows.

    Watches: one index look-up whatever their number. Criteria: one pass over the agreement's own.
    """
    heard: dict[UUID, list[Row]] = defaultdict(list)
    about: dict[UUID, tuple[str, str | None, UUID, str | None]] = {}
    hashes = {value: row for row in rows for value in row.hashes}
    if hashes:
        cursor = await conn.execute(Q.watchers, (share.agreement, list(hashes), share.purpose))
        for value, subscription, *whose in await cursor.fetchall():
            about[subscription] = (whose[0], whose[1], whose[2], whose[3])
            heard[subscription].extend(one.row for one in rows if bytes(value) in one.hashes)
    answers: dict[object, list[Row]] = {}  # many ask for the same: judged once
    for standing in criteria:
        asked = standing.criteria
        assert asked is not None  # noqa: S101
        met = answers.get(asked)
        if met is None:
            met = [one.row for one in rows if matches(asked, one.criteria, alert_all=one.alert_all)]
            answers[asked] = met
        if met:
            whom = (standing.recipient, standing.organisation, standing.key, standing.case_number)
            about[standing.id] = whom
            heard[standing.id].extend(met)
    return {
        subscription: Listener(subscription, *about[subscription], tuple(dict.fromkeys(met)))
        for subscription, met in heard.items()
    }


@dataclass(frozen=True, slots=True)
class Told:
    """What a subscription was last told of the record."""

    subscription: UUID
    digest: bytes
    recipient: str
    organisation: str | None
    key: UUID
    case_number: str | None


async def told(conn: Connection, share: Share, record: UUID) -> dict[UUID, Told]:
    """Every subscription that was told of the record and not yet told its end."""
    rows = await (await conn.execute(Q.told, (record, share.agreement, share.purpose))).fetchall()
    return {r[0]: Told(r[0], bytes(r[1]), *r[2:]) for r in rows}


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
