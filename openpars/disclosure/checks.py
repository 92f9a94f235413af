# SPDX-License-Identifier: Apache-2.0
"""Steps 2 to 4 of the door as pure decisions. A refusal is a value; the caller logs it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from openpars.agreements.model import Grant, Version, Way
from openpars.disclosure.request import JSON, Why
from openpars.errors import Code, Refusal, Refused
from openpars.record import catalogue, names

_FIELD = re.compile(r"[a-z][a-z_]{0,39}\Z")


@dataclass(frozen=True, slots=True)
class Key:
    """One granted combination with its canonical values."""

    combination: str
    values: tuple[str, ...]


def grants_for(version: Version, purpose: str, way: str) -> tuple[Grant, ...]:
    """The grants that list the purpose and the way."""
    return tuple(g for g in version.agreement.grants if purpose in g.purposes and Way(way) in g.ways)


def case_number(version: Version, why: Why) -> Refusal | None:
    """Step 2: a case number where the agreement requires one."""
    if version.agreement.duties.case_number_required and why.case_number is None:
        return Refusal(
            Code.CASE_NUMBER_REQUIRED,
            "This agreement requires a case number with every request.",
            "case_number",
        )
    return None


def key(version: Version, purpose: str, way: str, find: dict[str, JSON]) -> Key | Refusal:
    """Step 4: the asked fields are exactly one granted combination. Null is absent, for a granted key.

    The names are judged before any value is looked at, so a refusal cannot depend on a value.
    """
    combinations = [fields for g in grants_for(version, purpose, way) for fields in g.find_by]
    granted = {field for fields in combinations for field in fields}
    for field in find:
        if field not in granted:
            return Refusal(
                Code.KEY_NOT_PERMITTED,
                "Your agreement does not allow searching by this.",
                f"find.{field}" if _FIELD.match(field) else "find",
            )
    given = {field for field, value in find.items() if value is not None}
    if not given:
        return Refusal(Code.INVALID, "This is an object with at least one granted key.", "find")
    fitting = next((fields for fields in combinations if set(fields) == given), None)
    if fitting is None:
        allowed = "; ".join(sorted({" and ".join(fields) for fields in combinations}))
        return Refusal(
            Code.KEY_NOT_PERMITTED,
            f"Your agreement allows these keys, each whole: {allowed}.",
            f"find.{min(given)}",
        )
    try:
        values = tuple(part for field in fitting for part in names.parse_key_value(field, find[field]))
    except Refused as refused:
        return refused.refusal
    return Key("+".join(fitting), values)


def criteria_known(criteria: dict[str, tuple[str, ...]]) -> Refusal | None:
    """Criteria that were granted ask only for values that exist: one that cannot would never be met."""
    for name, values in criteria.items():
        closed = catalogue.CRITERIA[name].values
        if closed and not set(values) <= set(closed):
            return Refusal(Code.INVALID, f"One or more of: {', '.join(closed)}.", f"criteria.{name}")
    return None


def civil_day(version: Version, now: datetime) -> date:
    """The day a limit counts in: the agreement's own zone."""
    return now.astimezone(ZoneInfo(version.agreement.term.zone)).date()
