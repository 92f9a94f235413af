# SPDX-License-Identifier: Apache-2.0
"""What people type, read strictly: trimmed, checked, in one canonical form.

Every function returns the canonical value or raises ValueError with a plain sentence that says what
would be right and repeats nothing of what was sent. Reading a canonical value gives it back.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

from openpars.record.names import key, parse_date

NAME_LIMIT = 100
ADDRESS_LIMIT = 200
TEXT_LIMIT = 2_000
NOTES_LIMIT = 20_000

# Signs that turn the direction of text: a name with them reads otherwise than it is.
_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_UNSEEN = frozenset({"Cc", "Cs", "Cn", "Co", "Zl", "Zp"})

_ISO_TIME = re.compile(
    r"(\d{4}-\d{2}-\d{2})[Tt ](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,6}))?)?(?: ?(Z|z|[+-]\d{2}:?\d{2}))?",
    re.ASCII,
)
_US_TIME = re.compile(
    r"(\d{1,2}/\d{1,2}/\d{4}),? (\d{1,2}):(\d{2})(?::(\d{2}))?(?: ?([AaPp])\.?[Mm]\.?)?", re.ASCII
)


def name_part(typed: str) -> str:
    """One part of a name, letters as they were typed; at most 100 characters, at least one letter."""
    text = typed.strip()
    if len(text) > NAME_LIMIT:
        raise ValueError(f"A name has at most {NAME_LIMIT} characters.")
    if _has_unseen(text):
        raise ValueError("A name has no line breaks and no control characters.")
    if not key(text):
        # Nothing comparable left: nobody could ever find this person.
        raise ValueError("A name has at least one letter.")
    return text


def free_text(typed: str, limit: int = TEXT_LIMIT) -> str:
    """A sentence or more; line breaks and tabs are kept, other control characters refused."""
    text = typed.strip().replace("\r\n", "\n")
    if len(text) > limit:
        raise ValueError(f"At most {limit} characters.")
    if _has_unseen(text.replace("\n", "").replace("\t", "")):
        raise ValueError("No control characters and no signs that turn the direction of text.")
    return text


def _has_unseen(text: str) -> bool:
    return any(c in _BIDI or unicodedata.category(c) in _UNSEEN for c in text)


def day(typed: str) -> date:
    """A civil date: `1990-03-04`, `3/4/1990` (month first) or `4 March 1990`, between 1880 and 2200."""
    found = parse_date(typed) if len(typed) <= 40 else None
    if found is None:
        raise ValueError("Write a date that exists, such as 3/4/1990 (month first) or 1990-03-04.")
    return found


def instant(typed: str, zone: ZoneInfo) -> datetime:
    """A moment, in UTC. Without an offset it is the city's own time, if that names one moment only."""
    text = typed.strip() if len(typed) <= 64 else ""
    iso, american = _ISO_TIME.fullmatch(text), _US_TIME.fullmatch(text)
    if iso is not None:
        day_text, hour, minute, second, fraction, offset = iso.groups()
        half = None
    elif american is not None:
        day_text, hour, minute, second, half = american.groups()
        fraction = offset = None
    else:
        raise ValueError("A time is written like 2026-11-21T20:14:00-05:00.")
    on = day(day_text)
    hours = _hour(int(hour), half)
    if hours > 23 or int(minute) > 59 or int(second or 0) > 59:
        raise ValueError("There is no such time of day.")
    local = datetime(on.year, on.month, on.day, hours, int(minute), int(second or 0), tzinfo=UTC)
    local += timedelta(microseconds=int((fraction or "0").ljust(6, "0")))
    return _aware(local.replace(tzinfo=None), offset, zone)


def start_of_day(on: date, zone: ZoneInfo) -> datetime:
    """The first moment of a civil day in the city, in UTC."""
    return datetime(on.year, on.month, on.day, tzinfo=zone).astimezone(UTC)


def end_of_day(on: date, zone: ZoneInfo) -> datetime:
    """The first moment after a civil day in the city, in UTC."""
    return start_of_day(on + timedelta(days=1), zone)


def _hour(hour: int, half: str | None) -> int:
    if half is None:
        return hour
    if not 1 <= hour <= 12:
        raise ValueError("There is no such time of day.")
    return hour % 12 + (12 if half.lower() == "p" else 0)


def _aware(local: datetime, offset: str | None, zone: ZoneInfo) -> datetime:
    if offset in {"Z", "z"}:
        return local.replace(tzinfo=UTC)
    if offset is not None:
        sign = -1 if offset[0] == "-" else 1
        minutes = int(offset[1:3]) * 60 + int(offset[-2:])
        if minutes > 14 * 60 or int(offset[-2:]) > 59:
            raise ValueError("An offset from UTC has at most 14 hours.")
        return local.replace(tzinfo=timezone(sign * timedelta(minutes=minutes))).astimezone(UTC)
    first, second = local.replace(tzinfo=zone, fold=0), local.replace(tzinfo=zone, fold=1)
    if first.utcoffset() != second.utcoffset():
        # The hour the clocks change: it happens twice, or never. Guessing would move a custody clock.
        raise ValueError("The clocks change in this hour: add the offset, such as -05:00 or -04:00.")
    return first.astimezone(UTC)


def dc_number(typed: str) -> str:
    """District control number: 8 to 14 digits; spaces and hyphens between them are dropped."""
    return _digits(typed, 8, 14, "A DC number has 8 to 14 digits.")


def otn(typed: str) -> str:
    """Offence tracking number in the form `X 123456-7` (shape only: its check digit is not public)."""
    found = re.fullmatch(r"([A-Za-z]) ?(\d{6})-?(\d)", typed.strip(), re.ASCII)
    if found is None:
        raise ValueError("An OTN is a letter, six digits, a hyphen and a digit: X 123456-7.")
    return f"{found[1].upper()} {found[2]}-{found[3]}"


def docket(typed: str) -> str:
    """A court docket number such as `MC-51-CR-0012345-2023`."""
    text = typed.strip().upper()
    if not re.fullmatch(r"(?:(?:MC|CP)-\d{2}|MJ-\d{5})-[A-Z]{2}-\d{7}-\d{4}", text, re.ASCII):
        raise ValueError("A docket number is written like MC-51-CR-0012345-2023.")
    return text


def ssn(typed: str) -> str:
    """Nine digits, typed with or without hyphens."""
    found = re.fullmatch(r"(\d{3})[- ]?(\d{2})[- ]?(\d{4})", typed.strip(), re.ASCII)
    if found is None:
        raise ValueError("A social security number has nine digits, with or without hyphens.")
    return "".join(found.groups())


def sid(typed: str) -> str:
    """State identification number: 5 to 16 digits and hyphens."""
    text = typed.strip()
    if not re.fullmatch(r"\d[\d-]{3,14}\d", text, re.ASCII):
        raise ValueError("A SID has 5 to 16 digits and hyphens.")
    return text


def ppn(typed: str) -> str:
    """Police photo number: 4 to 10 digits."""
    return _digits(typed, 4, 10, "A police photo number has 4 to 10 digits.")


def zip_code(typed: str) -> str:
    """Five digits; the four digits after a hyphen are dropped."""
    found = re.fullmatch(r"(\d{5})(?:-\d{4})?", typed.strip(), re.ASCII)
    if found is None:
        raise ValueError("A ZIP code has five digits.")
    return found[1]


def district(typed: str) -> str:
    """A police district, 1 to 99, without leading zeros."""
    text = _digits(typed, 1, 2, "A police district is a number from 1 to 99.").lstrip("0")
    if not text:
        raise ValueError("A police district is a number from 1 to 99.")
    return text


def user(typed: str) -> str:
    """Who acted, as the program that asks says it: at most 100 characters."""
    return free_text(typed, 100)


def _digits(typed: str, least: int, most: int, sentence: str) -> str:
    text = re.sub(r"[ -]", "", typed.strip())
    if not re.fullmatch(r"\d+", text, re.ASCII) or not least <= len(text) <= most:
        raise ValueError(sentence)
    return text
