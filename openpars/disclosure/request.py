# SPDX-License-Identifier: Apache-2.0
"""What a recipient may ask, parsed strictly. A member nobody knows is refused, never ignored:
an ignored filter is how an answer comes to hold more than its asker was told."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, TypeAlias
from uuid import UUID

from openpars.errors import Code, refuse
from openpars.strict_json import read_object, shown

JSON: TypeAlias = Any

MAX_LIMIT = 1_000
_ID = re.compile(r"[0-9a-f]{32}\Z")
_NAME = re.compile(r"[a-z][a-z0-9-]{0,62}\Z")
_VALUE = re.compile(r"[^\x00-\x1f\x7f]{1,100}\Z")
_CASE = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ./:#-]{2,59}\Z")


@dataclass(frozen=True, slots=True)
class Why:
    """What travels with every request: which agreement, what for, which case."""

    agreement: str | None
    purpose: str
    case_number: str | None


@dataclass(frozen=True, slots=True)
class Search:
    """`find` holds the values as sent, by field name; what they mean is decided under the agreement."""

    why: Why
    find: dict[str, JSON]
    limit: int | None


@dataclass(frozen=True, slots=True)
class Fetch:
    """One record by the public id it was shown under."""

    why: Why
    id: UUID


@dataclass(frozen=True, slots=True)
class Subscribe:
    """A standing request: either `find` (a watch by granted keys) or `criteria`."""

    why: Why
    find: dict[str, JSON] | None
    criteria: dict[str, tuple[str, ...]] | None
    expires: str | None


def _only(found: dict[str, JSON], *known: str) -> None:
    for name in found:
        if name not in known:
            raise refuse(
                Code.INVALID,
                f"This member is not known here. Known are: {', '.join(known)}.",
                shown(name),
            )


def _text(found: dict[str, JSON], name: str, pattern: re.Pattern[str], say: str) -> str | None:
    value = found.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or not pattern.match(value.strip()):
        raise refuse(Code.INVALID, say, name)
    return value.strip()


def why(found: dict[str, JSON]) -> Why:
    """The three members every request has."""
    purpose = _text(found, "purpose", _NAME, "The purpose is a code from your agreement.")
    if purpose is None:
        raise refuse(Code.INVALID, "Say what for: a purpose code from your agreement.", "purpose")
    return Why(
        agreement=_text(found, "agreement", _NAME, "The agreement is an id such as `agency-system`."),
        purpose=purpose,
        case_number=_text(
            found, "case_number", _CASE, "A case number has 3 to 60 letters, digits and . / : # - signs."
        ),
    )


def _members(found: dict[str, JSON], name: str) -> dict[str, JSON]:
    value = found.get(name)
    if not isinstance(value, dict) or not value:
        raise refuse(Code.INVALID, "This is an object with at least one granted key.", name)
    return value


def search(body: bytes) -> Search:
    """`POST /v1/search`. Raises Refused INVALID naming the member."""
    found = read_object(body)
    _only(found, "agreement", "purpose", "case_number", "find", "limit")
    limit = found.get("limit")
    if limit is not None and (type(limit) is not int or not 1 <= limit <= MAX_LIMIT):
        raise refuse(Code.INVALID, f"The limit is a whole number from 1 to {MAX_LIMIT}.", "limit")
    return Search(why(found), _members(found, "find"), limit)


def record_id(text: str) -> UUID:
    """A public id. A malformed one is answered like one that does not exist."""
    if not _ID.match(text):
        raise refuse(Code.NOT_FOUND, "There is no such record for you.")
    return UUID(hex=text)


def fetch(record: str, query: dict[str, JSON]) -> Fetch:
    """`GET /v1/records/{id}?purpose=…&case_number=…`."""
    _only(query, "agreement", "purpose", "case_number")
    asked = why(query)
    return Fetch(asked, record_id(record))


def subscribe(body: bytes) -> Subscribe:
    """`POST /v1/subscriptions`: exactly one of `find` and `criteria`."""
    found = read_object(body)
    _only(found, "agreement", "purpose", "case_number", "find", "criteria", "expires")
    if (found.get("find") is None) == (found.get("criteria") is None):
        raise refuse(Code.INVALID, "Send either `find` or `criteria`.", "find")
    expires = found.get("expires")
    if expires is not None and not isinstance(expires, str):
        raise refuse(Code.INVALID, "An instant such as 2026-11-22T08:00:00-05:00.", "expires")
    criteria = None
    if found.get("criteria") is not None:
        criteria = {name: _values(name, value) for name, value in _criteria(found).items()}
    return Subscribe(
        why(found), None if found.get("find") is None else _members(found, "find"), criteria, expires
    )


def _criteria(found: dict[str, JSON]) -> dict[str, JSON]:
    value = found["criteria"]
    if not isinstance(value, dict) or len(value) > 20:
        raise refuse(
            Code.INVALID, "Criteria are an object of fields, each with a list of values.", "criteria"
        )
    return value


def _values(name: str, value: JSON) -> tuple[str, ...]:
    values = value if isinstance(value, list) else [value]
    if not values or len(values) > 100 or not all(isinstance(v, str) and _VALUE.match(v) for v in values):
        raise refuse(Code.INVALID, "A list of at most 100 values.", f"criteria.{shown(name)}")
    return tuple(values)
