# SPDX-License-Identifier: Apache-2.0
"""One row's cells made into values, or the reason why they cannot be. Pure.

Strict on purpose: a docket number, dates, money and the words for bail must be what they should
be, or the row goes to quarantine (or to the next arrangement of `mend`). A name, an age or an
address may be unusable without losing the row: the value is then None and the repair is counted.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from zoneinfo import ZoneInfo

from openpars.feeds.columns import Cells, Column
from openpars.record.file import BailType, Name

ZONE = ZoneInfo("America/New_York")

DOCKET = re.compile(r"[A-Z]{2}-[0-9]{2}-[A-Z]{2}-[0-9]{7}-[0-9]{4}")
MAX_TEXT = 1000  # characters in one cell once its white space is folded

_SLASHED = re.compile(
    r"(\d{1,2})/(\d{1,2})/(\d{4}) (\d{1,2}):(\d{2})(?::(\d{2}))?(?: ?([AaPp])[Mm])?", re.ASCII
)
_DASHED = re.compile(r"(\d{4})-(\d{2})-(\d{2})[ T](\d{2}):(\d{2})(?::(\d{2})(?:\.0+)?)?", re.ASCII)
_MONEY = re.compile(r"(-?)\$?(-?)(\d{1,3}(?:,\d{3})+|\d{1,12})(?:\.(\d{1,2}))?", re.ASCII)
_TYPED_START = re.compile(r"[A-Z]{2}-[0-9]|[-($]*[0-9]")
_ZIP = re.compile(r"\b(\d{5})(?:-\d{4})?$", re.ASCII)
_SUFFIXES = {"jr": "Jr", "sr": "Sr", "ii": "II", "iii": "III", "iv": "IV", "v": "V"}
_HALF_DAY = timedelta(hours=12)
_TOP_AGE = 120


class Status(StrEnum):
    """State of the bail, in the court's words."""

    SET = "Set"
    POSTED = "Posted"
    PARTIAL = "Partial Posting"
    DENIED = "Denied"
    FORFEITED = "Forfeited"
    REVOKED = "Revoked"


TYPES = {
    "Monetary": BailType.MONETARY,
    "Unsecured": BailType.UNSECURED,
    "ROR": BailType.ROR,
    "Nonmonetary": BailType.NONMONETARY,
    "Nominal": BailType.NOMINAL,
}
"""Bail types in the court's words."""

_TYPE_WORDS = {re.sub("[^a-z]", "", word.lower()): word for word in TYPES}
_STATUS_WORDS = {re.sub("[^a-z]", "", status.lower()): status for status in Status}


class Repair(StrEnum):
    """Everything that may be mended in a row. Each is counted and reported."""

    DENIED_SHIFTED = "bail denied: cells shifted back by one column"
    NAME_SHIFTED = "no name: cells shifted back by one column"
    NAME_AND_DENIED_SHIFTED = "no name and bail denied: cells shifted back"
    CELL_MISSING = "one cell missing: its place found"
    CELL_SPLIT = "one cell cut at a comma: joined again"
    BLANK_CELLS_CUT = "blank cells at the end cut off"
    BAIL_TIME_LOST_PM = "bail time before the filing: its PM put back"
    BAIL_TIME_UNEXPLAINED = "bail time before the filing also with PM: not used"
    AGE_NOT_A_NUMBER = "age is not a number: unknown"
    AGE_IMPLAUSIBLE = "age above 120: unknown"
    NAME_MISSING = "no name: unknown"
    CENTS_CUT = "cents of an amount cut off"


@dataclass(frozen=True, slots=True)
class ListedBail:
    """Bail as the file lists it, in the court's words. Amounts in cents; negative outstanding = posted.

    `at` is the bail time with a lost PM put back; None when the file gives none that can be true.
    """

    word: str
    status: Status | None
    amount: int | None
    outstanding: int | None
    at: datetime | None

    @property
    def type(self) -> BailType | None:
        """The bail type of the record; a blank word is `denied` when the status says so, else unknown."""
        if self.status is Status.DENIED:
            return BailType.DENIED
        return TYPES.get(self.word)


@dataclass(frozen=True, slots=True)
class Listed:
    """One row as values. None is what the file does not say."""

    docket: str
    filed_at: datetime
    name: Name | None
    age: int | None
    zip: str | None
    charge: str | None
    representative: str
    represented: str | None
    bail: ListedBail
    custody_place: str | None


@dataclass(frozen=True, slots=True)
class Reading:
    """A row that makes sense. `flaws` counts what had to be left unknown: fewer is the better reading."""

    listed: Listed
    repairs: tuple[Repair, ...]
    flaws: int


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A row that makes no sense, and why. The reason names the column, never the value."""

    reason: str


class _BadError(Exception):
    """A cell that is not what its column holds."""


def read_cells(cells: Cells) -> Reading | Unreadable:
    """Read one row under one arrangement of its cells."""
    try:
        return _read(cells)
    except _BadError as bad:
        return Unreadable(str(bad))


def _read(cells: Cells) -> Reading:
    for column, cell in cells.items():
        _clean(cell, column)
    docket = cells[Column.DOCKET]
    if DOCKET.fullmatch(docket) is None:
        raise _BadError("docket_number is not a docket number like MC-51-CR-0000000-2020")
    filed_at = _instant(cells[Column.FILED], Column.FILED)
    if filed_at is None:
        raise _BadError("filing_date is blank")
    address, charge, representative, place = (
        _text(cells.get(column, ""), column)
        for column in (Column.ADDRESS, Column.CHARGE, Column.REPRESENTED, Column.CUSTODY)
    )
    bail, repairs = _bail(cells, filed_at)
    name = _name(cells[Column.NAME])
    age = _age(cells[Column.AGE])
    if name is None:
        repairs.append(Repair.NAME_MISSING)
    if age is None:
        repairs.append(Repair.AGE_IMPLAUSIBLE if cells[Column.AGE].isdigit() else Repair.AGE_NOT_A_NUMBER)
    listed = Listed(
        docket=docket,
        filed_at=filed_at,
        name=name,
        age=age,
        zip=found[1] if (found := _ZIP.search(address)) else None,
        charge=charge or None,
        representative=representative,
        represented=represented(representative),
        bail=bail,
        custody_place=place or None,
    )
    whole_name = name is not None and bool(name.first)
    flaws = sum((not whole_name, age is None, not address, not charge, not bail.word and bail.type is None))
    return Reading(listed, tuple(repairs), flaws)


def _clean(cell: str, column: Column) -> None:
    if len(cell) > MAX_TEXT:
        raise _BadError(f"{column} has more than {MAX_TEXT} characters")
    if not cell.isprintable():
        for letter in cell:
            if unicodedata.category(letter) in {"Cc", "Cs", "Co", "Cn"}:
                raise _BadError(f"{column} holds a control character")


def _typed(cell: str) -> bool:
    """Whether a cell is plainly a docket number, a time or money: it cannot stand where text should."""
    if _TYPED_START.match(cell) is None:
        return False
    return any(shape.fullmatch(cell) for shape in (DOCKET, _SLASHED, _DASHED)) or _cents(cell) is not None


def _text(cell: str, column: Column) -> str:
    if cell and _typed(cell):
        raise _BadError(f"{column} should be text")
    return cell


def _instant(cell: str, column: Column) -> datetime | None:
    """A civil time in Philadelphia, or None when blank."""
    if not cell:
        return None
    if found := _SLASHED.fullmatch(cell):
        month, day, year, hour, minute, second = (int(part or 0) for part in found.groups()[:6])
        if found[7] is not None:
            if not 1 <= hour <= 12:
                raise _BadError(f"{column} is not a time that exists")
            hour = hour % 12 + (12 if found[7] in "Pp" else 0)
    elif found := _DASHED.fullmatch(cell):
        year, month, day, hour, minute, second = (int(part or 0) for part in found.groups()[:6])
    else:
        raise _BadError(f"{column} is not a time like 2020-08-04 08:52:00 or 8/4/2020 8:52:00 AM")
    try:
        instant = datetime(year, month, day, hour, minute, second, tzinfo=ZONE)
    except ValueError:
        raise _BadError(f"{column} is not a time that exists") from None
    if not 1900 <= year <= 2199:
        raise _BadError(f"{column} is not in this or the last century")
    return instant


def _cents(cell: str) -> int | None:
    """Cents of `$10,000.00`, `($1,000.00)`, `25000.0`, `-100.0`; None when it is not money."""
    inner, sign = cell, 1
    if cell.startswith("(") and cell.endswith(")"):
        inner, sign = cell[1:-1], -1
    found = _MONEY.fullmatch(inner)
    if found is None or (found[1] and found[2]) or (sign < 0 and (found[1] or found[2])):
        return None
    if found[1] or found[2]:
        sign = -1
    return sign * int(Decimal(found[3].replace(",", "") + "." + (found[4] or "0")) * 100)


def _money(cell: str, column: Column) -> int | None:
    if not cell:
        return None
    cents = _cents(cell)
    if cents is None:
        raise _BadError(f"{column} is not money like $10,000.00 or 10000.0")
    return cents


def day(cell: str) -> date | None:
    """A calendar day like 2020-08-04, or None when it is none."""
    try:
        return date.fromisoformat(cell) if len(cell) == 10 else None
    except ValueError:
        return None


def read_bail(*, word: str, status: str, amount: str, outstanding: str) -> ListedBail | Unreadable:
    """A state of bail without a time."""
    try:
        return _state(word, status, amount, outstanding)
    except _BadError as bad:
        return Unreadable(str(bad))


def _state(word: str, status: str, amount: str, outstanding: str) -> ListedBail:
    known = _word(status, _STATUS_WORDS, Column.STATUS)
    bail = ListedBail(
        word=_word(word, _TYPE_WORDS, Column.TYPE) or "",
        status=None if known is None else Status(known),
        amount=_money(amount, Column.AMOUNT),
        outstanding=_money(outstanding, Column.OUTSTANDING),
        at=None,
    )
    if bail.amount is not None and bail.amount < 0:
        raise _BadError("bail_amount is negative")
    return bail


def _bail(cells: Cells, filed_at: datetime) -> tuple[ListedBail, list[Repair]]:
    bail = _state(cells[Column.TYPE], cells[Column.STATUS], cells[Column.AMOUNT], cells[Column.OUTSTANDING])
    stated = _instant(cells[Column.BAIL_DATE], Column.BAIL_DATE)
    at, repairs = _bail_time(stated, filed_at)
    if bail.amount is not None and bail.amount % 100:
        repairs.append(Repair.CENTS_CUT)
    return replace(bail, at=at), repairs


def _bail_time(stated: datetime | None, filed_at: datetime) -> tuple[datetime | None, list[Repair]]:
    """Put a lost PM back. Bail follows the filing; a morning time before it lost its PM."""
    if stated is None or stated >= filed_at:
        return stated, []
    later = stated + _HALF_DAY  # civil arithmetic: same date, same clock, other half of the day
    if stated.hour < 12 and later >= filed_at:
        return later, [Repair.BAIL_TIME_LOST_PM]
    return None, [Repair.BAIL_TIME_UNEXPLAINED]


def _word(cell: str, words: dict[str, str] | dict[str, Status], column: Column) -> str | None:
    if not cell:
        return None
    found = words.get(re.sub("[^a-z]", "", cell.lower()))
    if found is None:
        raise _BadError(f"{column} is none of {', '.join(str(word) for word in words.values())}")
    return found


def represented(text: str) -> str | None:
    """`defender`, `private` or `none`; None when unknown.

    The prosecutor alone says nothing about the defence. A blank is what the later files write where
    the early ones wrote `None`: the court lists nobody.
    """
    plain = text.lower()
    if "district attorney" in plain:
        return None
    if plain in {"", "none"}:
        return "none"
    return "defender" if "defender association" in plain else "private"


def _age(cell: str) -> int | None:
    digits = cell.isascii() and cell.isdigit() and len(cell) <= 3
    return int(cell) if digits and int(cell) <= _TOP_AGE else None


def _name(cell: str) -> Name | None:
    """`Last, First Middle Suffix` as a Name; None when blank or a number. One word is a last name."""
    if not any(letter.isalpha() for letter in cell) or _typed(cell):
        return None
    last, _, rest = cell.partition(",")
    lasts, firsts = last.split(), rest.replace(",", " ").split()
    suffix = _suffix(firsts) or _suffix(lasts)
    return Name(
        last=" ".join(lasts),
        first=firsts[0] if firsts else "",
        middle=" ".join(firsts[1:]) or None,
        suffix=suffix,
    )


def _suffix(parts: list[str]) -> str | None:
    """Take the suffix off the end of a list of words, never its only word. `V.` is a middle initial."""
    if len(parts) < 2:
        return None
    plain = parts[-1].rstrip(".").lower()
    if plain not in _SUFFIXES or parts[-1].lower() == "v.":
        return None
    parts.pop()
    return _SUFFIXES[plain]
