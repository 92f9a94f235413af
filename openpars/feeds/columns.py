# SPDX-License-Identifier: Apache-2.0
"""The columns of the court's daily file, under every heading the court has used.

Three headings are known: Title Case, snake_case in any order, and snake_case with `in_custody`.
A file is recognised by its headings alone, never by its name.
"""

from __future__ import annotations

import difflib
import re
from enum import StrEnum

from openpars.feeds.table import FileRefused

Cells = dict["Column", str]


class Column(StrEnum):
    """What a column holds. The order is that of the early files: cells that moved, moved in this order."""

    NAME = "defendant_name"
    AGE = "age"
    ADDRESS = "address"
    DOCKET = "docket_number"
    FILED = "filing_date"
    CHARGE = "charge"
    REPRESENTED = "represented"
    STATUS = "bail_status"
    BAIL_DATE = "bail_date"
    TYPE = "bail_type"
    AMOUNT = "bail_amount"
    OUTSTANDING = "outstanding_bail_amount"
    CUSTODY = "in_custody"


ORDER = tuple(column for column in Column if column is not Column.CUSTODY)
"""The twelve columns every file has."""

_HEADINGS = {str(column): column for column in Column} | {"outstanding_bail_amt": Column.OUTSTANDING}

_NEAR = 0.75  # how alike a heading must be to count as a misspelling; `in_custdy` is 0.95, `comment` 0.4


def recognise(header: tuple[str, ...], *, file: str) -> tuple[tuple[Column | None, ...], tuple[str, ...]]:
    """Which column stands where (None: a column we do not know), and warnings about those not read.

    Raises FileRefused naming the place and the nearest right word. It never repeats a cell: a file
    without headings has a person's record in its first line.
    """
    words = [re.sub(r"[^a-z0-9]+", "_", cell.strip().lower()).strip("_") for cell in header]
    found = tuple(_HEADINGS.get(word) for word in words)
    known = [column for column in found if column is not None]
    if len(known) < 3:
        raise FileRefused(file, 1, _no_header(header))
    for twice in known:
        if known.count(twice) > 1:
            raise FileRefused(file, 1, f"the column {twice} stands there twice")
    missing = [column for column in ORDER if column not in known]
    free = [heading for heading, column in _HEADINGS.items() if column not in known]
    warnings: list[str] = []
    for place, (word, column) in enumerate(zip(words, found, strict=True), start=1):
        if column is not None:
            continue
        if near := difflib.get_close_matches(word, free, 1, _NEAR):
            detail = f"column {place} has an unknown heading; the nearest right word is {near[0]}"
            raise FileRefused(file, 1, detail)
        warnings.append(f"column {place} has a heading we do not know; it is not read")
    if missing:
        raise FileRefused(file, 1, f"the column {', '.join(missing)} is missing")
    return found, tuple(warnings)


def _no_header(header: tuple[str, ...]) -> str:
    if len(header) == 1 and "docket" in header[0].lower() and any(sign in header[0] for sign in ";\t|"):
        return "cells must be separated by commas"
    return f"this is not a line of headings; it should name {', '.join(ORDER)} (in_custody may follow)"
