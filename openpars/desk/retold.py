# SPDX-License-Identifier: Apache-2.0
"""From an opened entry of the disclosures tree to what `agreements.replay` judges. Pure.

Every shape is read strictly: an entry that is not as this program writes it counts as one that cannot be
opened, and is never guessed at.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

import orjson

from openpars.agreements.replay.judge import Disclosed, Kind, Person, Wish
from openpars.agreements.replay.refusals import RefusedOnce
from openpars.log.opened import Opened

Whose: TypeAlias = Mapping[str, tuple[str, str]]
Public: TypeAlias = Mapping[str, Any]
SUBSCRIBED = "subscribed"
NOBODY = ("", "")


class Unreadable(Exception):
    """The entry opens, and what is in it is not what this program writes."""


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of an entry: public ids in the order shown, each with its version and its grants."""

    people: tuple[tuple[str, int, tuple[int, ...]], ...]


def rows(opened: Opened) -> Rows | None:
    """Whom an entry showed; None where that cannot be opened. Raises Unreadable."""
    if opened.personal is None:
        return None
    found: dict[tuple[str, int], list[int]] = {}
    try:
        listed: Any = opened.personal.get("rows") or []
        for record, grant, version in listed:
            found.setdefault((str(record), int(version)), []).append(int(grant))
    except (TypeError, ValueError):
        raise Unreadable from None
    return Rows(tuple((record, version, tuple(grants)) for (record, version), grants in found.items()))


def logged_at(opened: Opened) -> datetime:
    """The exact time that was sealed. Raises Unreadable."""
    try:
        return datetime.fromisoformat(str((opened.lasting or {})["logged_at"]))
    except (KeyError, ValueError):
        raise Unreadable from None


def wish(opened: Opened) -> tuple[str, Wish] | None:
    """The subscription an entry made, and what it listens for; None where that cannot be opened."""
    if opened.personal is None:
        return None
    try:
        detail: Any = opened.personal["detail"]
        # An alert has no `query` of its own: what its kind does not list is folded into `detail`.
        asked = orjson.loads(str(detail["query"]))
        return str(detail["subscription"]), _wish(asked)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise Unreadable from None


def _wish(asked: Mapping[str, Any]) -> Wish:
    # Criteria are lists of values, keys never are: the parser of requests takes exactly one of the two.
    if all(isinstance(value, list) for value in asked.values()):
        return Wish(None, tuple(sorted((name, tuple(map(str, values))) for name, values in asked.items())))
    return Wish(tuple(sorted(name for name, value in asked.items() if value is not None)), None)


def disclosed(
    *,
    index: int,
    kind: str,
    public: Public,
    recipient: str,
    at: datetime,
    opened: Opened,
    found: Rows | None,
    whose: Whose,
    wishes: Mapping[str, Wish],
) -> Disclosed:
    """An answer or an alert; `at` is its `logged_at`, `found` are its `rows`. Raises Unreadable."""
    lasting: Any = opened.lasting or {}
    try:
        _, key, organisation = _agent(lasting)
        why = lasting["why"]
        names, given, what = _asked(kind, public, lasting, opened)
        return Disclosed(
            index=index,
            kind=what,
            recipient=recipient,
            organisation=organisation,
            agreement=public["agreement"],
            version=public["version"],
            purpose=public["purpose"],
            way=public["way"],
            at=at,
            key=key,
            case_number=why[1] is not None,
            names=names,
            given=given,
            wishes=_wishes(what, opened, wishes),
            people=None if found is None else _people(found, whose),
        )
    except (KeyError, TypeError, ValueError, IndexError):
        raise Unreadable from None


def _agent(lasting: Mapping[str, Any]) -> tuple[str, str, str | None]:
    """Recipient, key, organisation. Entries from before there were organisations have none."""
    recipient, key, _, *rest = lasting["agent"]
    organisation = rest[0] if rest else None
    return str(recipient), str(key), None if organisation is None else str(organisation)


def _asked(
    kind: str, public: Public, lasting: Mapping[str, Any], opened: Opened
) -> tuple[tuple[str, ...], tuple[str, ...] | None, Kind]:
    if kind == "alert":
        return (), (), Kind.SUBSCRIPTION if public["event"] == SUBSCRIBED else Kind.ALERT
    names = lasting["find_by"]
    if names == "id":
        return (), (), Kind.RECORD
    given = None
    if opened.personal is not None:
        query = orjson.loads(str(opened.personal["query"]))
        given = tuple(sorted(name for name, value in query.items() if value is not None))
    return tuple(names), given, Kind.SEARCH


def _wishes(what: Kind, opened: Opened, known: Mapping[str, Wish]) -> tuple[Wish | None, ...]:
    if what is Kind.SUBSCRIPTION:
        made = wish(opened)
        return (None if made is None else made[1],)
    if what is not Kind.ALERT or opened.personal is None:
        return ()
    detail: Any = opened.personal["detail"]
    told = {str(subscription) for subscription, _ in detail}
    found = {known.get(subscription) for subscription in told}
    return tuple(sorted(found, key=repr))


def _people(found: Rows, whose: Whose) -> tuple[Person, ...]:
    return tuple(
        # An id that nobody has any more keeps its place, with no file behind it.
        Person(arrest, version, slot, grants)
        for record, version, grants in found.people
        for arrest, slot in (whose.get(record, NOBODY),)
    )


def refusal(*, index: int, public: Public, at: datetime, opened: Opened) -> RefusedOnce:
    """A refusal; `at` is its `logged_at`. Raises Unreadable."""
    lasting: Any = opened.lasting or {}
    try:
        recipient, key, organisation = _agent(lasting)
        why = lasting["why"]
        field = lasting["find_by"]
        return RefusedOnce(
            index=index,
            recipient=recipient,
            organisation=organisation,
            way=public["way"],
            code=public["code"],
            at=at,
            purpose=None if why is None else why[0],
            key=key,
            case_number=why is not None and why[1] is not None,
            field=None if field is None else str(field),
        )
    except (KeyError, TypeError, ValueError, IndexError):
        raise Unreadable from None
