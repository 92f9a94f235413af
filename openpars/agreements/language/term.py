# SPDX-License-Identifier: Apache-2.0
"""The term: civil dates and a zone, or instants with an offset, made into two UTC instants.

The date is computed here and nowhere else. In 2010 a city announced the wrong end of this very
agreement because the date was kept in people's heads.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from openpars.agreements.language.faults import nearest
from openpars.agreements.language.reader import Table
from openpars.agreements.model import Term

FIRST_YEAR, LAST_YEAR = 1970, 2200
_ZONE = re.compile(r"UTC|[A-Z][A-Za-z_]+(?:/[A-Z][A-Za-z0-9_+-]+){1,2}")
_KEYS = ("from", "through", "until", "zone", "notice_days")


def midnight(day: date, zone: ZoneInfo) -> datetime | None:
    """The UTC instant at which a civil day begins; None when a clock change makes it not exactly one.

    A midnight that does not exist or comes twice is refused, not chosen: the text must say which instant.
    """
    first = datetime.combine(day, time(), tzinfo=zone)
    second = first.replace(fold=1)
    if first.utcoffset() != second.utcoffset():
        return None
    return first.astimezone(UTC)


def read_term(table: Table) -> Term | None:
    """Read `[term]`; every fault goes to the table's list, and None comes back if one was found."""
    table.only(_KEYS)
    zone = _zone(table)
    begins, from_day = _begin(table, zone)
    ends, through_day = _end(table, zone)
    if begins is not None and ends is not None and ends <= begins:
        table.fault("the agreement ends before it begins: the end must be later than `from`", _end_key(table))
        return None
    notice = table.integer("notice_days", low=0, high=3650, default=0)
    if begins is None or ends is None or zone is None:
        return None
    return Term(begins, ends, zone.key, from_day, through_day, notice)


def _end_key(table: Table) -> str:
    return "through" if "through" in table.values else "until"


def _zone(table: Table) -> ZoneInfo | None:
    if "zone" not in table.values:
        civil = [k for k in ("from", "through") if _is_day(table.values.get(k))]
        if civil:
            table.fault('a civil date needs its zone: add zone = "America/New_York"', civil[0])
            return None
        return ZoneInfo("UTC")
    name = table.string("zone")
    if name is None:
        return None
    try:
        if _ZONE.fullmatch(name):
            return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        pass
    table.fault(
        "this is not a time zone: write one of the IANA list", "zone", nearest(name, available_timezones())
    )
    return None


def _is_day(value: object) -> bool:
    return isinstance(value, date) and not isinstance(value, datetime)


def _begin(table: Table, zone: ZoneInfo | None) -> tuple[datetime | None, date | None]:
    if "from" not in table.values:
        table.fault("`from` is missing: the day or instant the agreement begins", None)
        return None, None
    value = table.values["from"]
    if _is_day(value):
        return _day(table, "from", zone, plus=0)
    return _instant(table, "from"), None


def _end(table: Table, zone: ZoneInfo | None) -> tuple[datetime | None, date | None]:
    both = [key for key in ("through", "until") if key in table.values]
    if len(both) != 1:
        what = (
            "`through` and `until` both say when it ends: keep one"
            if both
            else "the end is missing: `through` or `until`"
        )
        table.fault(what, "until")
        return None, None
    if both == ["through"]:
        if not _is_day(table.values["through"]):
            table.fault(
                "`through` is a civil date, the last day included: write 2027-08-31, or use `until`",
                "through",
            )
            return None, None
        return _day(table, "through", zone, plus=1)
    if _is_day(table.values["until"]):
        table.fault(
            "`until` is an instant with an offset, itself not included: write 2027-09-01T00:00:00-04:00, or "
            "`through` with the last day",
            "until",
        )
        return None, None
    return _instant(table, "until"), None


def _day(table: Table, key: str, zone: ZoneInfo | None, *, plus: int) -> tuple[datetime | None, date | None]:
    value = table.values[key]
    if not isinstance(value, date) or not FIRST_YEAR <= value.year <= LAST_YEAR:
        table.fault(f"the year must be {FIRST_YEAR} to {LAST_YEAR}", key)
        return None, None
    if zone is None:
        return None, None
    at = midnight(value + timedelta(days=plus), zone)
    if at is None:
        table.fault(
            "in this zone the clocks change at that midnight, so it does not come exactly once: write the "
            "instant with its offset",
            key,
        )
        return None, None
    return at, value


def _instant(table: Table, key: str) -> datetime | None:
    value = table.values[key]
    if not isinstance(value, datetime):
        table.fault(
            "write a civil date (2026-01-01, with `zone`) or an instant with an offset "
            "(2026-01-01T00:00:00-05:00), both without quotes",
            key,
        )
        return None
    if value.tzinfo is None:
        table.fault(
            "a date and time without an offset is no instant: add the offset (2026-01-01T00:00:00-05:00, or "
            "Z), or write the civil date alone",
            key,
        )
        return None
    if not FIRST_YEAR < value.year < LAST_YEAR:
        table.fault(f"the year must be {FIRST_YEAR} to {LAST_YEAR}", key)
        return None
    return value.astimezone(UTC)
