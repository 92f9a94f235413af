# SPDX-License-Identifier: Apache-2.0
"""The figures of the daily files and of consecutive days. Pure.

Every figure but `rows`, `duplicate_rows` and `denied_rows_with_columns_shifted` counts dockets as
first listed. Figures of dirt (`bail_time_before_filing_time`, `non_numeric_age`,
`missing_name_or_numeric`) count it as it stood in the file, before any repair.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

from openpars.feeds.columns import Column
from openpars.feeds.filings import Docket, FilingsFile, Listing
from openpars.feeds.sequence import by_time, consecutive, in_order, overlap
from openpars.feeds.values import Repair, Status

Figure: TypeAlias = int | float | str | bool | dict[str, int] | list[dict[str, int | str]]
Figures: TypeAlias = dict[str, Figure]

_SHIFTED = {Repair.DENIED_SHIFTED, Repair.NAME_AND_DENIED_SHIFTED}
_LATE = {Repair.BAIL_TIME_LOST_PM, Repair.BAIL_TIME_UNEXPLAINED}


@dataclass(frozen=True, slots=True)
class Report:
    """What an import found. Keys of `pairs` are `older name -> newer name`."""

    per_file: dict[str, Figures]
    pairs: dict[str, Figures]

    def as_json(self) -> dict[str, dict[str, Figures]]:
        """The shape that `openpars import filings --json` prints."""
        return {"per_file": self.per_file, "pairs": self.pairs}


def report(files: Sequence[FilingsFile]) -> Report:
    """Figures of every file, and of every two that follow each other; files come in any order.

    Two files whose weeks do not meet are no pair: nothing can be said of what lay between.
    """
    ordered = in_order(files)
    pairs = {
        f"{older.name} -> {newer.name}": pair(older, newer)
        for older, newer in pairwise(ordered)
        if overlap(older.window, newer.window)
    }
    return Report({file.name: figures(file) for file in by_time(files)}, pairs)


def figures(file: FilingsFile) -> Figures:
    """The figures of one file."""
    dockets = file.dockets.values()
    first = _first_listings(file)
    listings = file.listings
    return {
        "rows": file.rows,
        "dockets": len(file.dockets),
        "duplicate_rows": len(listings) - len({listing.same for listing in listings}),
        "dockets_with_two_representatives": sum(len(docket.representatives) > 1 for docket in dockets),
        "bail_type": dict(Counter(_type_word(docket) for docket in dockets)),
        "bail_status": dict(Counter(str(docket.listed.bail.status or "") for docket in dockets)),
        "denied_rows_with_columns_shifted": sum(not _SHIFTED.isdisjoint(row.repairs) for row in listings),
        "bail_time_before_filing_time": sum(not _LATE.isdisjoint(row.repairs) for row in first),
        "monetary_total": _monetary_total(file),
        "non_numeric_age": sum(not row.shown.get(Column.AGE, "").isdigit() for row in first),
        "missing_name_or_numeric": sum(_no_name(row.shown.get(Column.NAME, "")) for row in first),
        "lead_charges": len({docket.listed.charge for docket in dockets if docket.listed.charge}),
        "quarantined": len(file.quarantine),
        "quarantine": [{"line": line.line, "reason": line.reason} for line in file.quarantine],
        "repairs": {str(repair): file.repairs[repair] for repair in Repair if repair in file.repairs},
    }


def pair(older: FilingsFile, newer: FilingsFile) -> Figures:
    """What changed from one file to the next.

    `gone`: left although filed after the newer file's first filing. Across a missing file nothing
    can be said to be gone: `gone` is 0, `gap` is true and `left_unknown` counts those that left.
    """
    before, after = older.dockets, newer.dockets
    left = [docket for number, docket in before.items() if number not in after]
    early = sum(docket.listed.filed_at >= newer.window.first_filed for docket in left)
    whole = consecutive(older.window, newer.window)
    return {
        "new": sum(number not in before for number in after),
        "gone": early if whole else 0,
        "aged_out": len(left) - early,
        "bail_changed": sum(
            number in after and bail_state(docket) != bail_state(after[number])
            for number, docket in before.items()
        ),
        "gap": not whole,
        "left_unknown": 0 if whole else early,
    }


def bail_state(docket: Docket) -> tuple[str, Status | None, int | None]:
    """What counts as a change of bail: its type, status or amount. The bail time alone does not."""
    bail = docket.listed.bail
    return bail.word, bail.status, bail.amount


def _first_listings(file: FilingsFile) -> list[Listing]:
    known: set[str] = set()
    found = []
    for listing in file.listings:
        if listing.listed.docket not in known:
            known.add(listing.listed.docket)
            found.append(listing)
    return found


def _type_word(docket: Docket) -> str:
    bail = docket.listed.bail
    return "(denied)" if bail.status is Status.DENIED and not bail.word else bail.word


def _monetary_total(file: FilingsFile) -> float:
    """Dollars of monetary bail, each docket once."""
    bails = (docket.listed.bail for docket in file.dockets.values())
    return sum(bail.amount or 0 for bail in bails if bail.word == "Monetary") / 100


def _no_name(cell: str) -> bool:
    """Whether the cell under the name holds none: blank, or a number (an age that moved there)."""
    return not cell or cell.isdigit()
