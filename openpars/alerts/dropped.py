# SPDX-License-Identifier: Apache-2.0
"""What was told and may stand no longer: dropped organisations, records that a bar narrows."""

from __future__ import annotations

import contextlib
from uuid import UUID

from openpars.agreements import register
from openpars.agreements.register import BrokenText
from openpars.db.connect import Connection
from openpars.db.sql import load

Q = load(__package__)


async def end_dropped(conn: Connection) -> tuple[UUID, ...]:
    """End the standing requests of organisations that a version since then does not name.

    A later version that names them again does not bring back what they asked for before. Returns the ids.
    MUST run in a transaction.
    """
    gone: list[UUID] = []
    agreements: set[str] = set()
    for organisation, agreement, number in await (await conn.execute(Q.of_organisations)).fetchall():
        # A text that was rewritten since grants nothing at the door in any case.
        with contextlib.suppress(BrokenText):
            version = await register.version(conn, agreement, number)
            if not version.agreement.admits(organisation):
                ended = await conn.execute(Q.end_of_organisation, (agreement, organisation))
                gone.extend([row[0] for row in await ended.fetchall()])
                agreements.add(agreement)
    await conn.execute(Q.forget_watches_of, (gone,))
    await conn.execute(Q.forget_told_of, {"gone": gone, "agreements": sorted(agreements)})
    return tuple(gone)


async def look_again(conn: Connection, agreement: str) -> None:
    """Have everything that was told under an agreement compared with what stands, once its shares are filled.

    As the owner, in the transaction that empties the shares.
    """
    await conn.execute(Q.look_again, (agreement,))
