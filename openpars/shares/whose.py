# SPDX-License-Identifier: Apache-2.0
"""Whose public ids these are: the way back from what a recipient was shown to the file."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from openpars.db.connect import Connection
from openpars.db.sql import load

Q = load(__package__)


async def whose(conn: Connection, ids: Iterable[UUID]) -> dict[str, tuple[str, str]]:
    """The arrest and the place in it of each id, by its hex; ids that nobody has are absent."""
    rows = await (await conn.execute(Q.whose, (list(ids),))).fetchall()
    return {row[0].hex: (str(row[1]), row[2]) for row in rows}
