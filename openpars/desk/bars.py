# SPDX-License-Identifier: Apache-2.0
"""The solicitor switches bars: one transaction ends and narrows what a bar forbids, and logs it."""

from __future__ import annotations

from openpars.agreements import barring
from openpars.agreements.barring import Turn, Turned
from openpars.alerts import dropped
from openpars.desk.room import Actor, Room, among, published
from openpars.desk.solicitor import SOLICITOR
from openpars.errors import Code, refuse
from openpars.shares import fence


async def switch(room: Room, actor: Actor, provider: str, bar: str, *, on: bool, reason: str) -> Turned:
    """Switch a bar on or off from this instant on. Raises Refused; see `barring.turn`.

    The owner's login, since no desk may write the switches. Emptying takes the shares' gate, so every act
    that was begun under the old bars is over by then, and every later one sees the new.
    """
    among(actor, SOLICITOR)
    if not reason.strip():
        raise refuse(Code.INVALID, "Say why: the reason is published.", "reason")
    asked = Turn(provider, bar, on, actor.role.value, published(reason))
    async with room.owner.connection() as conn, conn.transaction():
        turned = await barring.turn(conn, asked)
        for agreement in turned.touched:
            await fence.empty(conn, agreement)
            await dropped.look_again(conn, agreement)
    # The fence first: streams are cut while tables are still being dropped.
    room.bell.ring("fence", "change", "pending")
    for agreement in turned.ended:
        await fence.close(room.owner, agreement)
    room.bell.ring("fence", "change")
    return turned
