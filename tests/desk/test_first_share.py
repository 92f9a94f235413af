# SPDX-License-Identifier: Apache-2.0
"""What moves while an agreement's first share is filled is news to nobody; later it always is."""

from __future__ import annotations

import asyncio
from typing import Any

from openpars.worker import Worker
from tests.desk.conftest import Desk
from tests.desk.test_agreements import proposed, text


async def queued(desk: Desk) -> int:
    async with desk.room.pool.connection() as conn:
        row = await (await conn.execute("SELECT count(*) FROM shares.change")).fetchone()
    return int(row[0]) if row else -1


async def approve(desk: Desk, arrest: str) -> None:
    decided = {"decisions": [{"charge": 1, "decision": "approved"}]}
    answer = await desk.post("district-attorney", f"/desk/arrests/{arrest}/charging", decided)
    assert answer.status_code == 200, answer.text


def worker(desk: Desk) -> Worker:
    room, nothing_else = desk.room, None  # it writes no tree here
    return Worker(
        owner=room.owner, desk=room.pool, keys=room.share_keys, writer=nothing_else,
        ring=room.bell, key_store=room.key_store, demo=True,
    )  # fmt: skip


async def voted(desk: Desk, number: int, question: str) -> asyncio.Task[Any]:
    """Two yes: the second one's answer waits until the version is in force."""
    ballot = {"version": number, "question": question, "choice": "yes"}
    first = await desk.post("police", "/agreements/ice-felony/ballots", ballot)
    assert first.status_code == 200, first.text
    second = asyncio.create_task(desk.post("courts", "/agreements/ice-felony/ballots", ballot))
    while True:
        async with desk.room.pool.connection() as conn:
            known = await conn.execute("SELECT 1 FROM shares.share WHERE version = %s", (number,))
            if await known.fetchone() is not None:
                return second
        await asyncio.sleep(0.02)


async def test_what_moved_while_the_first_share_was_filled_is_not_told_as_new(the_desk: Desk) -> None:
    early, late = await the_desk.booked(), await the_desk.booked(1)
    await proposed(the_desk)
    second = await voted(the_desk, 1, "enact")
    await worker(the_desk).fill()
    await approve(the_desk, early)
    assert await queued(the_desk) == 1, "the share had moved before anybody could ask"
    await worker(the_desk).agreements()
    assert (await second).json()["state"] == "in_force"
    assert await queued(the_desk) == 0
    # from now on it is news: neither a suspension that is lifted nor an amendment forgets it
    await approve(the_desk, late)
    assert await queued(the_desk) == 1
    await the_desk.post("courts", "/agreements/ice-felony/suspend", {"reason": "audit"})
    await the_desk.post("courts", "/agreements/ice-felony/resume", {"reason": "done"})
    await worker(the_desk).agreements()
    assert await queued(the_desk) == 1
    changed = text().replace(b"results_per_search = 20", b"results_per_search = 10")
    answer = await the_desk.post("solicitor", "/agreements", changed, content_type="application/toml")
    assert answer.status_code == 201, answer.text
    second = await voted(the_desk, 2, "amend")
    await worker(the_desk).fill()
    await worker(the_desk).agreements()
    assert (await second).json()["state"] == "in_force"
    assert await queued(the_desk) >= 1
