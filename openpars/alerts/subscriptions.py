# SPDX-License-Identifier: Apache-2.0
"""Standing requests: a watch by granted keys, or criteria over the fields a grant names in `alert_by`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias
from uuid import UUID, uuid4

import orjson

from openpars.accounts.keys import RecipientKey
from openpars.agreements.model import Version
from openpars.db.connect import Connection
from openpars.db.sql import load
from openpars.disclosure import checks
from openpars.disclosure.register import Right
from openpars.disclosure.request import JSON, Subscribe
from openpars.errors import Code, Refusal, Refused, refuse
from openpars.shares.keys import ShareKeys

Q = load(__package__)

_FIELD = re.compile(r"[a-z][a-z_]{0,39}\Z")


Criteria: TypeAlias = "tuple[tuple[str, tuple[str, ...]], ...]"
"""Fields, and the values of each that are asked for."""


@dataclass(frozen=True, slots=True)
class Listener:
    """Whoever is told under one subscription. `name`: its id, as events and leaves have it."""

    name: str
    recipient: str
    organisation: str | None
    key: UUID
    case_number: str | None


@dataclass(frozen=True, slots=True)
class Subscription:
    """A standing request as matching needs it. `criteria` None: a watch by keys."""

    id: UUID
    recipient: str
    organisation: str | None
    key: UUID
    agreement: str
    purpose: str
    case_number: str | None
    criteria: Criteria | None
    expires: datetime

    @property
    def listener(self) -> Listener:
        """Who is told under it."""
        return Listener(str(self.id), self.recipient, self.organisation, self.key, self.case_number)


@dataclass(frozen=True, slots=True)
class Created:
    """A new subscription, and for a watch the hash it watches."""

    subscription: Subscription
    watch: bytes | None


def expiry(asked: str | None, until: datetime, now: datetime) -> datetime:
    """When the subscription ends: as asked, never after the agreement. Raises Refused INVALID."""
    if asked is None:
        return until
    try:
        at = datetime.fromisoformat(asked)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise refuse(Code.INVALID, "An instant with an offset, such as 2026-11-22T08:00:00-05:00.", "expires")
    if at <= now:
        raise refuse(Code.INVALID, "The subscription would already be over.", "expires")
    return min(at, until)


def criteria_allowed(version: Version, purpose: str, criteria: dict[str, tuple[str, ...]]) -> Refusal | None:
    """Criteria use only fields that one grant of the purpose lists in `alert_by`.

    Empty criteria would take in everybody: only where a grant says `alert_all`.
    """
    grants = checks.grants_for(version, purpose, "alert")
    if not criteria:
        if any(grant.alert_all for grant in grants):
            return None
        return Refusal(Code.KEY_NOT_PERMITTED, "Your agreement grants no alerts about everybody.", "criteria")
    for field in criteria:
        if not any(field in grant.alert_by for grant in grants):
            return Refusal(
                Code.KEY_NOT_PERMITTED,
                "Your agreement does not allow alerts by this.",
                f"criteria.{field}" if _FIELD.match(field) else "criteria",
            )
    if not any(set(criteria) <= set(grant.alert_by) for grant in grants):
        return Refusal(Code.KEY_NOT_PERMITTED, "No one grant allows these criteria together.", "criteria")
    return None


def judge(who: RecipientKey, right: Right, asked: Subscribe, *, keys: ShareKeys, now: datetime) -> Created:
    """The subscription that `right` allows. Raises Refused. Nothing is stored yet."""
    refusal = checks.case_number(right.version, asked.why)
    if refusal is not None:
        raise Refused(refusal)
    watch = None
    if asked.find is not None:
        key = checks.key(right.version, asked.why.purpose, "alert", asked.find)
        if isinstance(key, Refusal):
            raise Refused(key)
        watch = keys.search(right.standing.agreement, key.combination, key.values)
    else:
        assert asked.criteria is not None  # noqa: S101  (the parser takes exactly one)
        refusal = criteria_allowed(right.version, asked.why.purpose, asked.criteria)
        refusal = refusal or checks.criteria_known(asked.criteria)
        if refusal is not None:
            raise Refused(refusal)
    made = Subscription(
        id=uuid4(),
        recipient=who.recipient,
        organisation=who.organisation,
        key=who.id,
        agreement=right.standing.agreement,
        purpose=asked.why.purpose,
        case_number=asked.why.case_number,
        criteria=None if asked.criteria is None else tuple(sorted(asked.criteria.items())),
        expires=expiry(asked.expires, right.standing.until, now),
    )
    return Created(made, watch)


async def store(conn: Connection, made: Subscription, watch: bytes | None) -> None:
    """Keep a subscription. The caller commits and answers a watch."""
    await conn.execute(
        Q.new_subscription,
        (
            made.id,
            made.recipient,
            made.organisation,
            made.key,
            made.agreement,
            made.purpose,
            made.case_number,
            None if made.criteria is None else orjson.dumps(dict(made.criteria)).decode(),
            made.expires,
        ),
    )
    if watch is not None:
        await conn.execute(Q.new_watch, (made.agreement, watch, made.id))


async def by_criteria(conn: Connection) -> tuple[Subscription, ...]:
    """Every live subscription by criteria."""
    rows = await (await conn.execute(Q.by_criteria)).fetchall()
    return tuple(Subscription(r[0], r[1], r[2], r[3], r[4], r[5], r[6], _criteria(r[7]), r[8]) for r in rows)


def _criteria(stored: dict[str, list[str]]) -> Criteria:
    return tuple(sorted((field, tuple(values)) for field, values in stored.items()))


def matches(criteria: Criteria, row: dict[str, JSON], *, alert_all: bool) -> bool:
    """Whether a row's own criteria meet a subscription's: every field, any of its values."""
    if not criteria:
        return alert_all
    return all(not set(values).isdisjoint(row.get(field, ())) for field, values in criteria)
