# SPDX-License-Identifier: Apache-2.0
"""The ways in which cells of a row may have moved, as explicit rules. Pure; it judges nothing.

`arrangements` offers each candidate; `values.read_cells` says whether its cells make sense. The
order of cells is that of the early files (`columns.ORDER`), since the court's page had that order
whatever the file's columns are now.
"""

from __future__ import annotations

from collections.abc import Iterator

from openpars.feeds.columns import ORDER, Cells, Column
from openpars.feeds.values import Repair

Columns = tuple[Column | None, ...]


def arrangements(cells: tuple[str, ...], columns: Columns) -> Iterator[tuple[Cells, Repair | None]]:
    """Every way to read a row, the plainest first. None as repair: the row as it stands."""
    surplus = len(cells) - len(columns)
    if surplus == 0:
        yield from _shifted(cells, columns)
    elif surplus == -1:
        yield from _one_missing(cells, columns)
    elif surplus == -2:
        # Bail denied and no name: both cells are gone.
        yield from _one_missing((*cells, ""), columns)
    elif surplus > 0 and not any(cells[len(columns) :]):
        yield _under(cells[: len(columns)], columns), Repair.BLANK_CELLS_CUT
    elif surplus == 1:
        yield from _one_split(cells, columns)


def _under(cells: tuple[str, ...], columns: Columns) -> Cells:
    return {column: cell for column, cell in zip(columns, cells, strict=True) if column is not None}


def _shifted(cells: tuple[str, ...], columns: Columns) -> Iterator[tuple[Cells, Repair | None]]:
    plain = _under(cells, columns)
    yield plain, None
    # In the early files the cell of a bail type that does not exist was left out, and so was an
    # empty name: everything behind it stands one column too far left, and the last cell is blank.
    for order in (ORDER, (*ORDER, Column.CUSTODY)) if Column.CUSTODY in plain else (ORDER,):
        if plain[order[-1]]:
            continue
        nameless = _right(plain, order, Column.NAME)
        yield _right(plain, order, Column.TYPE), Repair.DENIED_SHIFTED
        yield nameless, Repair.NAME_SHIFTED
        if not plain[order[-2]]:
            yield _right(nameless, order, Column.TYPE), Repair.NAME_AND_DENIED_SHIFTED


def _right(cells: Cells, order: tuple[Column, ...], first: Column) -> Cells:
    """Move the cells from `first` on one column to the right; `first` becomes blank."""
    moved = dict(cells)
    chain = order[order.index(first) :]
    for column, before in zip(chain[1:], chain, strict=False):
        moved[column] = cells[before]
    moved[first] = ""
    return moved


def _one_missing(cells: tuple[str, ...], columns: Columns) -> Iterator[tuple[Cells, Repair | None]]:
    for place in range(len(columns)):
        whole = (*cells[:place], "", *cells[place:])
        yield _under(whole, columns), Repair.CELL_MISSING
    for moved, repair in _shifted((*cells, ""), columns):
        if repair is not None:
            yield moved, repair


def _one_split(cells: tuple[str, ...], columns: Columns) -> Iterator[tuple[Cells, Repair | None]]:
    """A comma without quotation marks cut one cell in two: join each pair of neighbours in turn."""
    for place in range(len(columns)):
        joined = f"{cells[place]}, {cells[place + 1]}"
        whole = (*cells[:place], joined, *cells[place + 2 :])
        yield _under(whole, columns), Repair.CELL_SPLIT
