# SPDX-License-Identifier: Apache-2.0
"""The court's daily file of new criminal filings: bytes in, listings and quarantined lines out. Pure.

Every record of the file ends up in exactly one of two places: `FilingsFile.listings` (understood,
with the repairs it needed) or `FilingsFile.quarantine` (not understood, with the reason).
Times in the file are civil times of America/New_York. What a file does not say is None.
The rules and their figures are explained in docs/filings.md.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from openpars.feeds.columns import Column, recognise
from openpars.feeds.mend import arrangements
from openpars.feeds.table import Broken, FileRefused, Record, Table, read
from openpars.feeds.values import DOCKET, Listed, Repair, Unreadable, read_cells

__all__ = ["Docket", "FileRefused", "FilingsFile", "Listing", "Window", "parse"]

_DOCKET_ANYWHERE = re.compile(rf"(?<![0-9A-Za-z]){DOCKET.pattern}(?![0-9A-Za-z])")


@dataclass(frozen=True, slots=True)
class Listing:
    """One understood row. `line` is its first line in the file; `same` is equal for identical rows.

    `shown` holds the cells of the row as they stood under their headings, before any repair.
    """

    line: int
    listed: Listed
    repairs: tuple[Repair, ...]
    shown: Mapping[Column, str]
    same: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Docket:
    """What one file says of one docket: its first row, and everybody who represents it.

    `represented` is `defender`, `private`, `none`, or None when the file does not say: one row may
    name the Defender and another the District Attorney's office. `line` is that of its first row.
    """

    listed: Listed
    represented: str | None
    representatives: tuple[str, ...]
    line: int


@dataclass(frozen=True, slots=True)
class Window:
    """What a file covers, read from what it holds: first and last filing, and last bail order."""

    first_filed: datetime
    last_filed: datetime
    last_bail: datetime | None


@dataclass(frozen=True, slots=True)
class FilingsFile:
    """One file, read. `rows` = listings + quarantined. `digest` is SHA-256 of its bytes."""

    name: str
    digest: str
    columns: tuple[Column | None, ...]
    listings: tuple[Listing, ...]
    quarantine: tuple[Broken, ...]
    dockets: Mapping[str, Docket]
    window: Window
    says_custody: bool
    repairs: Mapping[Repair, int]
    warnings: tuple[str, ...]

    @property
    def rows(self) -> int:
        """Records in the file, understood or not."""
        return len(self.listings) + len(self.quarantine)


def parse(data: bytes, name: str) -> FilingsFile:
    """Read one daily file.

    Raises FileRefused when it is no such file: empty, no or wrong headings, headings only, hostile,
    or not one row understood.
    """
    table = read(data, name, _DOCKET_ANYWHERE)
    columns, warnings = recognise(table.header, file=name)
    listings, quarantine = _rows(table, columns)
    if not listings and not quarantine:
        raise FileRefused(name, 1, "there are headings and no rows")
    if not listings:
        first = quarantine[0]
        detail = f"not one of {len(quarantine)} rows can be understood; {first.reason}"
        raise FileRefused(name, first.line, detail)
    if table.foreign_lines:
        warnings += (f"{table.foreign_lines} lines are not UTF-8 and were read as Windows-1252",)
    return FilingsFile(
        name=name,
        digest=hashlib.sha256(data).hexdigest(),
        columns=columns,
        listings=tuple(listings),
        quarantine=tuple(sorted(quarantine, key=lambda broken: broken.line)),
        dockets=_dockets(listings),
        window=_window(listings),
        says_custody=Column.CUSTODY in columns,
        repairs=Counter(repair for listing in listings for repair in listing.repairs),
        warnings=warnings,
    )


def _rows(table: Table, columns: tuple[Column | None, ...]) -> tuple[list[Listing], list[Broken]]:
    listings: list[Listing] = []
    quarantine: list[Broken] = list(table.broken)
    for record in table.records:
        cells = tuple(" ".join(cell.split()) for cell in record.cells)
        if not any(cells) and len(cells) < len(columns):
            continue  # a line of blanks is no row
        row = _row(record, cells, columns)
        if isinstance(row, Listing):
            listings.append(row)
        else:
            quarantine.append(row)
    return listings, quarantine


def _row(record: Record, cells: tuple[str, ...], columns: tuple[Column | None, ...]) -> Listing | Broken:
    """Try the row as it stands, then each way its cells may have moved; the simplest that fits wins."""
    best: list[tuple[int, Listed, tuple[Repair, ...]]] = []
    reason = ""
    for moved, repair in arrangements(cells, columns):
        found = read_cells(moved)
        if isinstance(found, Unreadable):
            reason = reason or found.reason
            continue
        repairs = (() if repair is None else (repair,)) + found.repairs
        best.append((found.flaws, found.listed, repairs))
        if repair is None and found.flaws == 0:
            break
    if not best:
        return Broken(record.line, reason or _width(cells, columns), record.raw)
    fewest = min(flaws for flaws, _, _ in best)
    fits = [(listed, repairs) for flaws, listed, repairs in best if flaws == fewest]
    if any(listed != fits[0][0] for listed, _ in fits[1:]):
        return Broken(record.line, "its cells can be read in more than one way", record.raw)
    shown = {column: cell for column, cell in zip(columns, cells, strict=False) if column is not None}
    same = tuple(shown.get(column, "") for column in Column)
    return Listing(record.line, fits[0][0], fits[0][1], shown, same)


def _width(cells: tuple[str, ...], columns: tuple[Column | None, ...]) -> str:
    return f"the row has {len(cells)} cells and the heading {len(columns)}"


def _dockets(listings: list[Listing]) -> dict[str, Docket]:
    """Each docket as first listed, with all its representatives."""
    found: dict[str, Docket] = {}
    for listing in listings:
        listed = listing.listed
        known = found.get(listed.docket)
        if known is None:
            found[listed.docket] = Docket(listed, listed.represented, (listed.representative,), listing.line)
        elif listed.representative not in known.representatives:
            found[listed.docket] = replace(
                known,
                represented=_together(known.represented, listed.represented),
                representatives=(*known.representatives, listed.representative),
            )
    return found


def _together(one: str | None, other: str | None) -> str | None:
    """The defence of a docket with two rows: the Defender before private counsel before nobody."""
    for word in ("defender", "private", "none"):
        if word in (one, other):
            return word
    return None


def _window(listings: list[Listing]) -> Window:
    filed = [listing.listed.filed_at for listing in listings]
    bail = [listing.listed.bail.at for listing in listings if listing.listed.bail.at is not None]
    return Window(min(filed), max(filed), max(bail, default=None))
