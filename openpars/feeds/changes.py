# SPDX-License-Identifier: Apache-2.0
"""A stream of changes of bail, defence and custody, in the order in which they were seen. Pure.

Its columns: docket_pseudo (or docket_number), seen_on, bail_type, bail_status, bail_amount,
outstanding_bail, represented, in_custody. It gives days and no times, no names and no charges.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time

from openpars.feeds.filings import Docket
from openpars.feeds.table import Broken, FileRefused, Record, read
from openpars.feeds.values import (
    DOCKET,
    ZONE,
    Listed,
    ListedBail,
    Unreadable,
    day,
    read_bail,
    represented,
)

COLUMNS = (
    "seen_on",
    "bail_type",
    "bail_status",
    "bail_amount",
    "outstanding_bail",
    "represented",
    "in_custody",
)

SEEN_AT = time(18, 0)
"""The stream gives a day; the court's list of that day is out by then."""


@dataclass(frozen=True, slots=True)
class Change:
    """What was seen of one docket on one day."""

    docket: str
    seen_at: datetime
    bail: ListedBail
    representative: str
    custody_place: str | None
    line: int

    def as_docket(self, filed_at: datetime) -> Docket:
        """The change as a listing that says nothing of name, age, ZIP and charge."""
        listed = Listed(
            docket=self.docket,
            filed_at=filed_at,
            name=None,
            age=None,
            zip=None,
            charge=None,
            representative=self.representative,
            represented=represented(self.representative),
            bail=self.bail,
            custody_place=self.custody_place,
        )
        return Docket(listed, listed.represented, (self.representative,), self.line)


def parse_changes(data: bytes, name: str) -> tuple[tuple[Change, ...], tuple[Broken, ...]]:
    """Changes in order of time, and lines that cannot be understood. Raises FileRefused."""
    table = read(data, name, DOCKET)
    columns = [cell.strip().lower() for cell in table.header]
    number = next((word for word in ("docket_pseudo", "docket_number") if word in columns), None)
    missing = [word for word in COLUMNS if word not in columns]
    if number is None or missing:
        raise FileRefused(name, 1, f"a change stream has the columns docket_number, {', '.join(COLUMNS)}")
    found: list[Change] = []
    broken = list(table.broken)
    for record in table.records:
        if len(record.cells) != len(columns):
            broken.append(Broken(record.line, f"the row has {len(record.cells)} cells", record.raw))
            continue
        change = _change(record, columns, number)
        if isinstance(change, Change):
            found.append(change)
        else:
            broken.append(change)
    return tuple(sorted(found, key=lambda change: change.seen_at)), tuple(broken)


def _change(record: Record, columns: list[str], number: str) -> Change | Broken:
    cells = {word: " ".join(cell.split()) for word, cell in zip(columns, record.cells, strict=True)}
    seen_on = day(cells["seen_on"])
    if DOCKET.fullmatch(cells[number]) is None or seen_on is None:
        return Broken(record.line, "no docket number, or no day like 2020-08-04", record.raw)
    bail = read_bail(
        word=cells["bail_type"],
        status=cells["bail_status"],
        amount=cells["bail_amount"],
        outstanding=cells["outstanding_bail"],
    )
    if isinstance(bail, Unreadable):
        return Broken(record.line, bail.reason, record.raw)
    return Change(
        docket=cells[number],
        seen_at=datetime.combine(seen_on, SEEN_AT, tzinfo=ZONE),
        bail=bail,
        representative=cells["represented"],
        custody_place=cells["in_custody"] or None,
        line=record.line,
    )
