# SPDX-License-Identifier: Apache-2.0
"""Notice of the end: a date beside the state. An agreement under notice holds in every respect until then.

At the notified instant everything of the agreement ends through the ordinary fence: the door stops by its
own clock, since every reading of the register ends a version there; the worker writes the end down.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from openpars.agreements.language.term import midnight
from openpars.agreements.life import finish, standing_of, states_of
from openpars.agreements.model import Term
from openpars.agreements.register import Event, Q, lock, record, version
from openpars.db.connect import Connection
from openpars.errors import Code, Refused, refuse
from openpars.record.catalogue import instant

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_STANDING = ("in_force", "suspended")


def _wrong(why: str) -> Refused:
    return refuse(Code.INVALID, why, "effective")


def effective(asked: str | None, term: Term) -> datetime:
    """The instant at which notice ends an agreement, not included, in UTC.

    `asked`: a civil day in the agreement's zone, the last one on which it holds (`2027-08-31`), or an
    instant with an offset; None: the end of the term. Raises Refused INVALID.
    """
    if asked is None:
        return term.ends
    if _DAY.fullmatch(asked):
        try:
            day = date.fromisoformat(asked) + timedelta(days=1)
        except (ValueError, OverflowError):
            raise _wrong("there is no such day in the calendar") from None
        at = midnight(day, ZoneInfo(term.zone))
        if at is None:
            raise _wrong(
                "in the agreement's zone the clocks change at the midnight after that day, so it does not "
                "come exactly once: write the instant with its offset"
            )
        return at
    try:
        at = datetime.fromisoformat(asked)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise _wrong(
            "write the last day on which it holds (2027-08-31), or an instant with an offset "
            "(2027-09-01T00:00:00-04:00)"
        )
    try:
        return at.astimezone(UTC)
    except OverflowError:
        raise _wrong("there is no such instant in the calendar") from None


def earliest(now: datetime, term: Term) -> datetime:
    """The first instant for which notice may be given now: `notice_days` civil days later, by the wall clock.

    Where the clocks change there, the later of the two readings: the recipient never gets less than its days.
    """
    wall = now.astimezone(ZoneInfo(term.zone)) + timedelta(days=term.notice_days)
    return max(wall.replace(fold=fold).astimezone(UTC) for fold in (0, 1))


async def give(conn: Connection, agreement: str, *, by: str, reason: str, asked: str | None) -> datetime:
    """Give notice that the agreement ends at an instant. Returns it.

    Raises Refused CONFLICT when nothing is in force or notice was given before (withdraw it first),
    INVALID for an instant outside the term or sooner than the text's `notice_days`. Who will not wait
    ends the agreement at once, by vote or by the solicitor.
    """
    row = await lock(conn, agreement)
    number = standing_of(await states_of(conn, agreement), _STANDING)
    if row.notice_ends is not None:
        raise refuse(Code.CONFLICT, "notice was given before: withdraw it first", "agreement")
    term = (await version(conn, agreement, number)).term
    at = effective(asked, term)
    if at > term.ends:
        raise _wrong("that is after the end of the term, where it ends in any case")
    if at <= row.now:
        raise _wrong("that has passed")
    if at < term.ends and at < earliest(row.now, term):
        raise _wrong(f"the agreement asks for {term.notice_days} days of notice")
    await conn.execute(Q.notice, (row.now, at, agreement))
    await record(conn, agreement, number, Event("notice", row.now, by, f"to end at {instant(at)}: {reason}"))
    return at


async def withdraw(conn: Connection, agreement: str, *, by: str, reason: str) -> None:
    """Take a notice back before its instant. Raises Refused CONFLICT when there is none."""
    row = await lock(conn, agreement)
    number = standing_of(await states_of(conn, agreement), _STANDING)
    if row.notice_ends is None or row.notice_ends <= row.now:
        raise refuse(Code.CONFLICT, "no notice stands that could be withdrawn", "agreement")
    await conn.execute(Q.notice, (None, None, agreement))
    await record(conn, agreement, number, Event("notice_withdrawn", row.now, by, reason))


async def carry_out(conn: Connection, agreement: str) -> int | None:
    """End what notice was given of. Returns the new epoch; None when its instant has not come (any more)."""
    row = await lock(conn, agreement)
    if row.notice_ends is None or row.now < row.notice_ends:
        return None
    return await finish(
        conn, row, at=row.notice_ends, by="notice", reason="notice was given for this instant", notified=True
    )
