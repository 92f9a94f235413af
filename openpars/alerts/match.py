# SPDX-License-Identifier: Apache-2.0
"""Who hears of one changed row, judged on the share alone: never on the record behind it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias
from uuid import UUID

from psycopg.rows import TupleRow

from openpars.agreements.model import Version
from openpars.alerts.asked import Asking
from openpars.alerts.subscriptions import Listener, matches
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
class Heard:
    """Listeners of one organisation with the rows that they may hear of."""

    organisation: str | None
    rows: tuple[Row, ...]
    listeners: tuple[Listener, ...]


@dataclass(frozen=True, slots=True)
class Told:
    """What a subscription was last told of a record."""

    listener: Listener
    digest: bytes


Rows: TypeAlias = "Mapping[UUID, tuple[AlertRow, ...]]"
"""The rows of changed records by public id. A record without any may be missing."""

HeardOf: TypeAlias = "dict[UUID, list[Heard]]"
"""By public id, every subscription that may hear of it, each once."""

Known: TypeAlias = "dict[UUID, dict[str, Told]]"
"""By public id, every subscription that was told of it and not yet told its end. Others are missing."""


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
    conn: Connection,
    share: Share,
    records: Sequence[UUID],
    rows: Rows,
    criteria: Mapping[Asking, tuple[Listener, ...]],
) -> tuple[HeardOf, Known]:
    """Who may hear of the records now, and who was told of them before: one trip for all.

    Watches: one index look-up whatever their number. Criteria: one pass over the agreement's own.
    """
    hashes = {value for mine in rows.values() for one in mine for value in one.hashes}
    async with conn.pipeline():
        watchers = None
        if hashes:
            watchers = await conn.execute(Q.watchers, (share.agreement, list(hashes), share.purpose))
        told = await conn.execute(Q.told, (share.agreement, share.purpose, list(records)))
        watches = [] if watchers is None else await watchers.fetchall()
        known: Known = defaultdict(dict)
        for record, digest, *whose in await told.fetchall():
            known[record][whose[0]] = Told(Listener(*whose), bytes(digest))
    heard: HeardOf = defaultdict(list)
    _by_watch(heard, rows, watches)
    _by_criteria(heard, rows, criteria)
    return heard, known


def _by_watch(heard: HeardOf, rows: Rows, watches: Sequence[TupleRow]) -> None:
    watching: dict[bytes, list[Listener]] = defaultdict(list)
    for value, *whose in watches:
        watching[bytes(value)].append(Listener(*whose))
    for record, mine in rows.items() if watching else ():
        met: dict[Listener, dict[Row, None]] = defaultdict(dict)
        for one in mine:
            for value in one.hashes:
                for listener in watching.get(value, ()):
                    met[listener][one.row] = None
        alike: dict[tuple[str | None, tuple[Row, ...]], list[Listener]] = defaultdict(list)
        for listener, found in met.items():
            alike[listener.organisation, tuple(found)].append(listener)
        heard[record].extend(Heard(*what, tuple(many)) for what, many in alike.items())


def _by_criteria(heard: HeardOf, rows: Rows, criteria: Mapping[Asking, tuple[Listener, ...]]) -> None:
    for (organisation, asked), listeners in criteria.items():
        for record, mine in rows.items() if listeners else ():
            met = tuple(
                dict.fromkeys(
                    one.row for one in mine if matches(asked, one.criteria, alert_all=one.alert_all)
                )
            )
            if met:
                heard[record].append(Heard(organisation, met, listeners))


@dataclass(frozen=True, slots=True)
class News:
    """What listeners of one organisation are to be told alike. `digest` None: withdrawn, and no rows."""

    organisation: str | None
    kind: str
    record: bytes
    digest: bytes | None
    rows: tuple[Row, ...]
    listeners: tuple[Listener, ...]


def news(
    version: Version,
    share: Share,
    record: UUID,
    *,
    heard: Sequence[Heard],
    known: Mapping[str, Told],
    keys: ShareKeys,
) -> tuple[News, ...]:
    """The difference between what subscriptions were told and what stands now. Nothing new: nothing told.

    An organisation that this version does not name is told nothing, not even that a record is withdrawn.
    """
    admits = version.agreement.admits
    heard = [one for one in heard if admits(one.organisation)]
    found: list[News] = []
    bodies: dict[tuple[Row, ...], tuple[bytes, bytes]] = {}
    for one in heard:
        if one.rows not in bodies:
            body = merge(version, list(one.rows))
            bodies[one.rows] = (body, keys.digest(share.agreement, body))
        body, digest = bodies[one.rows]
        for kind, listeners in _apart(one.listeners, known, digest):
            if listeners:
                found.append(News(one.organisation, kind, body, digest, one.rows, listeners))
    admitted = {name: told for name, told in known.items() if admits(told.listener.organisation)}
    found.extend(_withdrawn(record, heard, admitted))
    return tuple(found)


def _apart(
    listeners: tuple[Listener, ...], known: Mapping[str, Told], digest: bytes
) -> tuple[tuple[str, tuple[Listener, ...]], ...]:
    """To whom something appeared, and for whom it changed. Nearly always it is new to all."""
    if not known:
        return (("appeared", listeners),)
    before = {one: known.get(one.name) for one in listeners}
    return (
        ("appeared", tuple(one for one, told in before.items() if told is None)),
        ("changed", tuple(one for one, told in before.items() if told and told.digest != digest)),
    )


def _withdrawn(record: UUID, heard: Sequence[Heard], known: Mapping[str, Told]) -> list[News]:
    if not known:
        return []
    hearing = {listener.name for one in heard for listener in one.listeners}
    left: dict[str | None, list[Listener]] = defaultdict(list)
    for name, told in known.items():
        if name not in hearing:
            left[told.listener.organisation].append(told.listener)
    gone = b'{"id":"%b"}' % record.hex.encode()
    return [News(whose, "withdrawn", gone, None, (), tuple(many)) for whose, many in left.items()]


def by_organisation(found: tuple[News, ...]) -> tuple[tuple[News, ...], ...]:
    """The same news, apart by the organisation that is told."""
    groups: dict[str | None, list[News]] = {}
    for one in found:
        groups.setdefault(one.organisation, []).append(one)
    return tuple(tuple(group) for group in groups.values())
