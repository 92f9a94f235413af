# SPDX-License-Identifier: Apache-2.0
"""Replay, the other way: what another text would have made of a request that was refused. Pure.

A refusal's entry holds the code, who asked, for which purpose, and the name of the one field it stood on.
It never holds what was asked for: a refused query is not kept. So a text can be said to take the reason of a
refusal away; whether the door would then have found something else to refuse, nobody can tell.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from zoneinfo import ZoneInfo

from openpars.agreements.replay.judge import Judge
from openpars.errors import Code


class Prospect(StrEnum):
    """What another text would have made of a refusal, as far as the log can say."""

    LET_PAST = "reason-gone"
    STILL = "still-refused"
    NOT_BY_TEXT = "not-for-the-text"
    UNKNOWN = "log-cannot-say"


@dataclass(frozen=True, slots=True)
class RefusedOnce:
    """A refusal's entry, opened. `purpose` is None where it does not say."""

    index: int
    recipient: str
    organisation: str | None
    way: str
    code: str
    at: datetime
    purpose: str | None
    key: str
    case_number: bool
    field: str | None


def prospect(judge: Judge, one: RefusedOnce) -> Prospect:
    """Whether the text takes the reason of this refusal away."""
    code = next((code for code in Code if str(code) == one.code), None)
    decide = _BY_CODE.get(code) if code is not None else None
    if decide is None:
        return Prospect.NOT_BY_TEXT
    if one.purpose is None:
        return Prospect.UNKNOWN
    if judge.right(one) is not None:
        return Prospect.STILL
    return decide(judge, one)


def _right(_: Judge, __: RefusedOnce) -> Prospect:
    # The term and the purpose were judged already. An end before the term's is no matter of the text.
    return Prospect.LET_PAST


def _case_number(judge: Judge, one: RefusedOnce) -> Prospect:
    asked = judge.version.agreement.duties.case_number_required and not one.case_number
    return Prospect.STILL if asked else Prospect.LET_PAST


def _key(judge: Judge, one: RefusedOnce) -> Prospect:
    member, _, name = (one.field or "").partition(".")
    if not name:
        return Prospect.UNKNOWN
    grants = judge.grants(one.purpose or "", one.way)
    if member == "criteria":
        known = {field for grant in grants for field in grant.alert_by}
    else:
        known = {field for grant in grants for fields in grant.find_by for field in fields}
    return Prospect.LET_PAST if name in known else Prospect.STILL


def _limit(judge: Judge, one: RefusedOnce) -> Prospect:
    day = one.at.astimezone(ZoneInfo(judge.version.term.zone)).date()
    limit = judge.version.agreement.limits.searches_per_user_per_day
    return Prospect.LET_PAST if judge.searched[one.key, day] < limit else Prospect.STILL


_BY_CODE: Mapping[Code, Callable[[Judge, RefusedOnce], Prospect]] = MappingProxyType(
    {
        Code.NO_AGREEMENT: _right,
        Code.AGREEMENT_ENDED: _right,
        Code.PURPOSE_NOT_PERMITTED: _right,
        Code.CASE_NUMBER_REQUIRED: _case_number,
        Code.KEY_NOT_PERMITTED: _key,
        Code.LIMIT_REACHED: _limit,
    }
)
