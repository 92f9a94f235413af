# SPDX-License-Identifier: Apache-2.0
"""Small daily files in the three schemas the court has used, with invented names only."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, replace

TITLE = (
    "Defendant Name",
    "Age",
    "Address",
    "Docket Number",
    "Filing Date",
    "Charge",
    "Represented",
    "Bail Status",
    "Bail Date",
    "Bail Type",
    "Bail Amount",
    "Outstanding Bail Amt",
)
SNAKE = (
    "defendant_name",
    "age",
    "address",
    "docket_number",
    "filing_date",
    "charge",
    "represented",
    "bail_status",
    "bail_date",
    "bail_type",
    "bail_amount",
    "outstanding_bail_amount",
)
CUSTODY = "in_custody"


@dataclass(frozen=True)
class Row:
    """One filing; every text as the court would print it, without its white space."""

    number: int
    filed: str = "2020-08-04 09:00:00"
    name: str = "Testperson, Ana"
    age: str = "30"
    address: str = "Philadelphia, PA 19134"
    charge: str = "Manufacture, Delivery, or Possession With Intent to Manufacture or Deliver"
    represented: str = "Defender Association of Philadelphia"
    status: str = "Set"
    bail_date: str = ""
    type: str = "Monetary"
    amount: str = "25000.0"
    outstanding: str = "0.0"
    custody: str = ""

    @property
    def docket(self) -> str:
        return f"MC-51-CR-{self.number:07d}-2020"

    def cells(self) -> tuple[str, ...]:
        return (
            self.name,
            self.age,
            self.address,
            self.docket,
            self.filed,
            self.charge,
            self.represented,
            self.status,
            self.bail_date,
            self.type,
            self.amount,
            self.outstanding,
        )

    def but(self, **changes: str) -> Row:
        return replace(self, **changes)


def snake(rows: list[Row], *, custody: bool = False, order: tuple[int, ...] | None = None) -> bytes:
    """A later file: snake_case, any order of columns."""
    header = (*SNAKE, CUSTODY) if custody else SNAKE
    order = order or tuple(range(len(header)))
    lines = [header, *((*row.cells(), row.custody) if custody else row.cells() for row in rows)]
    return as_csv([tuple(line[place] for place in order) for line in lines])


def title(lines: list[tuple[str, ...]]) -> bytes:
    """An early file: Title Case, cells full of tabs and line ends."""
    return as_csv(
        [TITLE, *(tuple(_folded(place, cell) for place, cell in enumerate(line)) for line in lines)]
    )


def early(row: Row) -> tuple[str, ...]:
    """A row in the early file's words: slashed times, dollar signs, brackets for negative money."""
    cells = list(row.cells())
    year, month, day = row.filed[:10].split("-")
    hour, rest = int(row.filed[11:13]), row.filed[13:]
    half = "AM" if hour < 12 else "PM"
    cells[4] = f"{int(month)}/{int(day)}/{year} {hour % 12 or 12}{rest} {half}"
    cells[10], cells[11] = _dollars(row.amount), _dollars(row.outstanding)
    return tuple(cells)


def _dollars(cell: str) -> str:
    if not cell:
        return cell
    value = float(cell)
    return f"(${-value:,.2f})" if value < 0 else f"${value:,.2f}"


def _folded(place: int, cell: str) -> str:
    if place == 2:
        return f"\n\t\t\t\t\t\t{cell}\n                         \n                "
    if place in (3, 7, 8):
        return cell
    return f" {cell}\n                     "


def as_csv(lines: list[tuple[str, ...]], *, quoting: int = csv.QUOTE_MINIMAL) -> bytes:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n", quoting=quoting).writerows(lines)
    return out.getvalue().encode()
