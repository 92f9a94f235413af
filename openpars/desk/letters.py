# SPDX-License-Identifier: Apache-2.0
"""Letters at the desk: the solicitor writes, serves and files; the owners and the auditor read."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime

from openpars.accounts.keys import StaffRole
from openpars.agreements.letters import correspondence, filed, typeset
from openpars.agreements.letters.correspondence import Letter
from openpars.agreements.letters.wording import Service, Written
from openpars.agreements.register import standings
from openpars.db.connect import Connection
from openpars.desk.room import Actor, Asked, Room, among
from openpars.desk.solicitor import SOLICITOR, STAKEHOLDERS
from openpars.desk.transact import Answer, once
from openpars.errors import Code, refuse

READERS = STAKEHOLDERS | SOLICITOR | {StaffRole.AUDITOR}


async def draft(room: Room, asked: Asked, agreement: str, written: Written) -> Answer:
    """Write a letter. Where letters can be set it is set at once, so that it cannot fail later."""

    async def work(conn: Connection) -> Letter:
        made = await correspondence.draft(conn, agreement, written, by=asked.actor.role.value)
        if typeset.ready():
            await asyncio.to_thread(typeset.letter, made.value, made.hash)
        return made

    return await _did(room, asked, work, status=201)


async def serve(
    room: Room, asked: Asked, agreement: str, number: int, *, day: date | None, how: Service, proof: str
) -> Answer:
    """Record the service of a letter."""
    by = asked.actor.role.value
    return await _did(
        room,
        asked,
        lambda conn: correspondence.serve(conn, agreement, number, day=day, how=how, proof=proof, by=by),
    )


async def reply(
    room: Room, asked: Asked, agreement: str, number: int, *, day: date | None, who: str, summary: str
) -> Answer:
    """Record the answer to a letter."""
    by = asked.actor.role.value
    return await _did(
        room,
        asked,
        lambda conn: correspondence.reply(conn, agreement, number, day=day, who=who, summary=summary, by=by),
    )


async def discard(room: Room, asked: Asked, agreement: str, number: int) -> Answer:
    """Take back a letter that was not served."""
    by = asked.actor.role.value
    return await _did(room, asked, lambda conn: correspondence.discard(conn, agreement, number, by=by))


async def publish(room: Room, asked: Asked, agreement: str, number: int) -> Answer:
    """Make the text of a served letter public."""
    by = asked.actor.role.value
    return await _did(room, asked, lambda conn: correspondence.publish(conn, agreement, number, by=by))


async def _did(
    room: Room, asked: Asked, work: Callable[[Connection], Awaitable[Letter]], *, status: int = 200
) -> Answer:
    among(asked.actor, SOLICITOR)

    async def answered(conn: Connection) -> Answer:
        made = await work(conn)
        return Answer(status, {"agreement": made.agreement, **filed.public_facts(made, datetime.now(UTC))})

    return await once(room, asked, answered)


async def of(room: Room, actor: Actor, agreement: str | None = None) -> tuple[Letter, ...]:
    """The letters of one agreement, or of all. Raises Refused NOT_FOUND when there is no such agreement."""
    among(actor, READERS)
    return await _of(room, agreement)


async def _of(room: Room, agreement: str | None) -> tuple[Letter, ...]:
    async with room.pool.connection() as conn:
        if agreement is not None and agreement not in {s.agreement for s in await standings(conn)}:
            raise refuse(Code.NOT_FOUND, "There is no such agreement.")
        return await correspondence.of(conn, agreement)


async def known(room: Room, agreement: str) -> tuple[Letter, ...]:
    """The letters the public knows of: those that were served."""
    return tuple(one for one in await _of(room, agreement) if filed.is_public(one))


async def one(room: Room, actor: Actor | None, agreement: str, number: int) -> Letter:
    """One letter with its text: for the city's readers, or for anybody once it is public. Raises Refused.

    What is not public and what does not exist are the same to a stranger.
    """
    if actor is not None:
        among(actor, READERS)
    found = next((one for one in await _of(room, agreement) if one.number == number), None)
    if found is None or (actor is None and found.step("published") is None):
        raise refuse(Code.NOT_FOUND, "There is no such letter.")
    return found


async def pdf(room: Room, actor: Actor | None, agreement: str, number: int) -> bytes:
    """One letter as PDF."""
    found = await one(room, actor, agreement, number)
    return await asyncio.to_thread(typeset.letter, found.value, found.hash)


async def whole_file(room: Room, actor: Actor, agreement: str) -> bytes:
    """The whole correspondence of an agreement as one PDF."""
    found = await of(room, actor, agreement)
    return await asyncio.to_thread(filed.document, agreement, found, datetime.now(UTC))
