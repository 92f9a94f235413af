# SPDX-License-Identifier: Apache-2.0
"""What one act writes into all shares, as one statement for what leaves and one for what comes.

A statement costs the desk more than the row in it, and an act may stand in many shares. Every value goes as
text of no stated type, so that the column decides: else each mixture of values and nulls would be a statement
of its own for the server to prepare. Texts are composed of identifiers and numbers of parameters alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import count

from psycopg import sql

from openpars.shares.tables import FIXED_COLUMNS, Share

_REMEMBERED = 512
"""As many sets of shares are remembered: acts of one city touch a few."""


@lru_cache(_REMEMBERED)
def putting(shares: tuple[Share, ...]) -> bytes:
    """Insert one row into each of these shares, then new public ids, changes and rows kept.

    Parameters: each share's columns in their order; the arrest; then as arrays agreement, slot, id of new
    public ids; agreement, purpose, id of changes; the columns of `shares.kept` after the arrest.
    """
    places = count(1)
    parts = [
        sql.SQL("w{} AS (INSERT INTO {} VALUES ({}))").format(
            sql.SQL(str(number)), share.table, _places(places, FIXED_COLUMNS + len(share.combinations))
        )
        for number, share in enumerate(shares)
    ]
    arrest = next(places)
    parts.append(
        sql.SQL(
            "fresh AS (INSERT INTO shares.identity (arrest, agreement, slot, id)"
            " SELECT {}::uuid, * FROM unnest({}::text[], {}::text[], {}::uuid[]))"
        ).format(_place(arrest), *_each(places, 3))
    )
    parts.append(
        sql.SQL(
            "announced AS (INSERT INTO shares.change (agreement, purpose, id)"
            " SELECT * FROM unnest({}::text[], {}::text[], {}::uuid[]))"
        ).format(*_each(places, 3))
    )
    return _whole(
        parts,
        sql.SQL(
            "INSERT INTO shares.kept (arrest, agreement, version, purpose, slot, grant_no, id, digest, until)"
            " SELECT {}::uuid, * FROM unnest({}::text[], {}::int[], {}::text[], {}::text[], {}::int[],"
            " {}::uuid[], {}::bytea[], {}::timestamptz[])"
        ).format(_place(arrest), *_each(places, 8)),
    )


@lru_cache(_REMEMBERED)
def removing(shares: tuple[Share, ...]) -> bytes:
    """Delete one row of each of these shares, and what is remembered of them.

    Parameters: id and grant for each share; the arrest; agreement, version, purpose, slot, grant as arrays.
    """
    places = count(1)
    parts = [
        sql.SQL("w{} AS (DELETE FROM {} WHERE id = {}::uuid AND grant_no = {}::int)").format(
            sql.SQL(str(number)), share.table, *_each(places, 2)
        )
        for number, share in enumerate(shares)
    ]
    return _whole(
        parts,
        sql.SQL(
            "DELETE FROM shares.kept k USING (SELECT {}::uuid AS arrest, * FROM"
            " unnest({}::text[], {}::int[], {}::text[], {}::text[], {}::int[])"
            " AS u (agreement, version, purpose, slot, grant_no)) AS d"
            " WHERE (k.arrest, k.agreement, k.version, k.purpose, k.slot, k.grant_no)"
            " = (d.arrest, d.agreement, d.version, d.purpose, d.slot, d.grant_no)"
        ).format(*_each(places, 6)),
    )


def _whole(parts: Sequence[sql.Composable], last: sql.Composable) -> bytes:
    return (sql.SQL("WITH ") + sql.SQL(", ").join(parts) + sql.SQL(" ") + last).as_bytes()


def _place(number: int) -> sql.SQL:
    return sql.SQL(f"${number}")


def _each(places: Iterable[int], wanted: int) -> list[sql.SQL]:
    return [_place(number) for _, number in zip(range(wanted), places, strict=False)]


def _places(places: Iterable[int], wanted: int) -> sql.Composed:
    return sql.SQL(", ").join(_each(places, wanted))
