# SPDX-License-Identifier: Apache-2.0
"""How names, dates and numbers are made comparable, and how a search request's keys are read.

Two sides meet here: what the record holds (`key`, `identifier_key`) and what somebody types
(`parse_key_value`). Both end in the same canonical strings, or a person is missed. The canonical
strings are for matching only; what was written down is kept as it was.

A refusal names `find.<field>` and what would be right. It never repeats what was sent.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from datetime import date

from openpars.errors import Code, Refused, refuse

NAME_LIMIT = 100  # characters in one part of a name, as typed
KEY_LIMIT = 40  # characters in any other key, as typed

# Letters that Unicode does not decompose, and letters that look like nothing at all: a name padded
# with an invisible letter must not become another name.
_LETTERS = str.maketrans(
    {
        "ø": "o",
        "ł": "l",
        "đ": "d",
        "ð": "d",
        "þ": "th",
        "æ": "ae",
        "œ": "oe",
        "\u0131": "i",  # dotless i
        "ħ": "h",
        "ŧ": "t",
        "\u115f": "",
        "\u1160": "",
        "\u3164": "",
        "\uffa0": "",
    }
)

_NOT_ALNUM = {code: None for code in range(128) if not chr(code).isalnum()}

_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            ("january", "jan"),
            ("february", "feb"),
            ("march", "mar"),
            ("april", "apr"),
            ("may",),
            ("june", "jun"),
            ("july", "jul"),
            ("august", "aug"),
            ("september", "sep", "sept"),
            ("october", "oct"),
            ("november", "nov"),
            ("december", "dec"),
        ),
        start=1,
    )
    for name in names
}

_ISO = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})\Z")
_AMERICAN = re.compile(r"([0-9]{1,2})/([0-9]{1,2})/([0-9]{4})\Z")
_DAY_MONTH = re.compile(r"([0-9]{1,2}) ([A-Za-z]{3,9})\.? ([0-9]{4})\Z")
_MONTH_DAY = re.compile(r"([A-Za-z]{3,9})\.? ([0-9]{1,2}),? ([0-9]{4})\Z")


def key(text: str) -> str:
    """The comparable form of one part of a name; empty when nothing comparable is left.

    Case, accents, apostrophes, hyphens, spaces, dots and characters without width do not count:
    `O'Neill-Peña` and `ONEILL PENA` are one key.
    """
    if text.isascii():
        # The same at a tenth of the cost, and most names are: none of its letters is changed below.
        return text.lower().translate(_NOT_ALNUM)
    plain = unicodedata.normalize("NFKD", text).casefold().translate(_LETTERS)
    plain = unicodedata.normalize("NFKD", plain)
    return "".join(c for c in plain if unicodedata.category(c)[0] in "LN")


def identifier_key(text: str) -> str:
    """The comparable form of an identifier: capital letters and digits, nothing between them."""
    if text.isascii():
        return text.upper().translate(_NOT_ALNUM)
    return "".join(c for c in text.upper() if c.isascii() and c.isalnum())


def district_key(text: str) -> str:
    """A police district without leading zeros."""
    return text.strip().lstrip("0")


def _invalid(field: str, right: str) -> Refused:
    return refuse(Code.INVALID, right, f"find.{field}")


def _text(field: str, value: object, limit: int, right: str) -> str:
    """A clean, short string, or a refusal. Checked before anything is normalised."""
    if not isinstance(value, str) or not value.strip() or len(value) > limit:
        raise _invalid(field, right)
    if any(unicodedata.category(c) in {"Cc", "Cs", "Co", "Cn"} for c in value):
        raise _invalid(field, f"{right}, without control characters")
    return value.strip()


_UNSEARCHED = {"middle", "suffix"}  # parts of a name that nobody is found by: null or absent


def _name(field: str, value: object) -> tuple[str, ...]:
    right = 'write {"last": "…", "first": "…"} and nothing else, each at most 100 characters'
    if not isinstance(value, dict) or set(value) - _UNSEARCHED != {"last", "first"}:
        raise _invalid(field, right)
    if any(value.get(part) is not None for part in _UNSEARCHED):
        raise _invalid(field, right)
    parts = []
    for part in ("last", "first"):
        comparable = key(_text(f"{field}.{part}", value[part], NAME_LIMIT, "a name of letters"))
        if not comparable:
            raise _invalid(f"{field}.{part}", "a name of letters")
        parts.append(comparable)
    return tuple(parts)


def _parts_of_date(text: str) -> tuple[int, int, int] | None:
    if found := _ISO.match(text):
        return int(found[1]), int(found[2]), int(found[3])
    if found := _AMERICAN.match(text):
        return int(found[3]), int(found[1]), int(found[2])
    if found := _DAY_MONTH.match(text):
        return int(found[3]), _MONTHS.get(found[2].lower(), 0), int(found[1])
    if found := _MONTH_DAY.match(text):
        return int(found[3]), _MONTHS.get(found[1].lower(), 0), int(found[2])
    return None


def parse_date(text: str) -> date | None:
    """A calendar date as people type it: 1990-03-04, 3/4/1990 (month first), 4 March 1990.

    None for anything else: two-digit years, day-first numbers and dates that do not exist are not guessed.
    """
    parts = _parts_of_date(" ".join(text.split()))
    if parts is None or not 1880 <= parts[0] <= 2200:
        return None
    try:
        return date(*parts)
    except ValueError:
        return None


def _date(field: str, value: object) -> tuple[str, ...]:
    right = "write a date that exists as YYYY-MM-DD (or 3/4/1990, month first, or 4 March 1990)"
    parsed = parse_date(_text(field, value, KEY_LIMIT, right))
    if parsed is None:
        raise _invalid(field, right)
    return (parsed.isoformat(),)


def _pattern(
    pattern: str, right: str, canonical: Callable[[str], str]
) -> Callable[[str, object], tuple[str, ...]]:
    compiled = re.compile(pattern)

    def read(field: str, value: object) -> tuple[str, ...]:
        text = _text(field, value, KEY_LIMIT, right).upper()
        if not text.isascii() or compiled.fullmatch(text) is None:
            raise _invalid(field, right)
        return (canonical(text),)

    return read


def _zip(text: str) -> str:
    return text[:5]


def _age(field: str, value: object) -> tuple[str, ...]:
    right = "write an age in whole years, 0 to 120"
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 120:
        raise _invalid(field, right)
    return (str(value),)


_READERS: dict[str, Callable[[str, object], tuple[str, ...]]] = {
    "name": _name,
    "birth_date": _date,
    "arrested_at": _date,
    "age": _age,
    "docket": _pattern(
        r"(MC|CP|MJ)-?[0-9]{2,5}-?[A-Z]{2}-?[0-9]{7}-?[0-9]{4}",
        "write a docket as MC-51-CR-0012345-2026",
        identifier_key,
    ),
    "sid": _pattern(
        r"[0-9][0-9-]{3,14}[0-9]",
        "write a state identification number: digits, hyphens allowed",
        identifier_key,
    ),
    "ppn": _pattern(r"[0-9]{4,10}", "write a police photo number: 4 to 10 digits", identifier_key),
    "otn": _pattern(
        r"[A-Z] ?[0-9]{5,9}(-?[0-9])?", "write an offense tracking number as T 123456-7", identifier_key
    ),
    "dc_number": _pattern(
        r"[0-9][0-9 -]{6,14}[0-9]", "write a DC number: digits only, as 2624012345", identifier_key
    ),
    "ssn": _pattern(
        r"[0-9]{3}[- ]?[0-9]{2}[- ]?[0-9]{4}", "write nine digits, as 900-12-3456", identifier_key
    ),
    "zip": _pattern(r"[0-9]{5}(-[0-9]{4})?", "write five digits", _zip),
    "district": _pattern(r"0?[1-9][0-9]?", "write a police district, as 24", district_key),
    "birth_country": _pattern(
        r"[A-Z]{3}", "write a country as three letters (ISO 3166-1 alpha-3)", identifier_key
    ),
    "ethnicity": _pattern(r"[A-Z]", "write one letter", identifier_key),
    "interpreter": _pattern(
        r"[A-Z]{3,5}", "write a language as three letters (ISO 639-3), or none", identifier_key
    ),
    "sex": _pattern(r"[A-Z]", "write one letter", identifier_key),
    "race": _pattern(r"[A-Z]", "write one letter", identifier_key),
}


def parse_key_value(field: str, value: object) -> tuple[str, ...]:
    """The canonical key strings of one field of a search; equal to `catalogue.key_strings` of a match.

    Raises `Refused` INVALID naming `find.<field>` when the value cannot be a value of that field, or
    when the field can never be a key.
    """
    reader = _READERS.get(field)
    if reader is None:
        # The caller's own word for the field is not repeated: it may be a value put in the wrong place.
        raise refuse(Code.INVALID, f"search by one of: {', '.join(sorted(_READERS))}", "find")
    return reader(field, value)
