# SPDX-License-Identifier: Apache-2.0
"""Agreements at the desk: the solicitor proposes and ends; the three owners vote, and each may suspend.

The register decides what a ballot does. What follows here is making and closing the shares: an end is
committed and rung first, so that nothing goes out while its shares are taken away.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from openpars.accounts.keys import StaffRole
from openpars.agreements import life, notice, register
from openpars.agreements.ballots import Choice, Question
from openpars.agreements.votes import ballot_box, voting
from openpars.db.connect import Connection
from openpars.desk.room import Actor, Asked, Room, among, published
from openpars.desk.transact import Answer, once
from openpars.errors import Code, refuse
from openpars.shares import enact, fence

STAKEHOLDERS = frozenset({StaffRole.POLICE, StaffRole.DISTRICT_ATTORNEY, StaffRole.COURTS})
SOLICITOR = frozenset({StaffRole.SOLICITOR})

PATIENCE = 20.0
"""Seconds a ballot waits for the version it carried to be in force. The worker goes on in any case."""


async def propose(room: Room, asked: Asked, text: bytes, *, closes: datetime | None = None) -> Answer:
    """Enter a text as the next version of its agreement. Raises Refused with line and what was meant.

    `closes`: by when the owners must have spoken; None: after the days that the rules give.
    """
    among(asked.actor, SOLICITOR)

    async def work(conn: Connection) -> Answer:
        made = await register.propose(conn, text, _by(asked.actor), demo=room.demo, closes=closes)
        return Answer(201, {"id": made.id, "version": made.version, "hash": made.hash, "state": made.state})

    return await once(room, asked, work)


async def ballot(
    room: Room,
    asked: Asked,
    agreement: str,
    *,
    version: int,
    question: Question,
    choice: Choice,
    hash: str | None,
    expires: datetime | None,
    signature: str | None,
    round: int | None,
    key: str | None,
) -> Answer:
    """One owner's ballot: the role that signed in decides whose it is, never the request."""
    among(asked.actor, STAKEHOLDERS)
    cast = ballot_box.Asked(
        agreement=agreement,
        version=version,
        stakeholder=asked.actor.role.value,
        question=question,
        choice=choice,
        hash=hash,
        expires=expires,
        signature=signature,
        round=round,
        key=key,
    )

    async def work(conn: Connection) -> Answer:
        result = await voting.cast(conn, cast, demo=room.demo)
        body: dict[str, object] = {
            "state": result.state,
            "counts": result.counts(),
            "signed": result.signed,
            "round": result.round,
            "replaced": result.replaced,
            "effect": result.effect,
        }
        return Answer(200, body)

    made = await once(room, asked, work)
    effect = made.body.pop("effect")
    if effect == "end":
        await _close(room, agreement)
    if effect == "enact":
        made.body["state"] = await _enact(room, agreement, version)
    return made


async def end(room: Room, asked: Asked, agreement: str, reason: str) -> Answer:
    """End an agreement now: nothing leaves after the commit, then its shares and its login are gone."""
    among(asked.actor, SOLICITOR)

    async def work(conn: Connection) -> Answer:
        epoch = await life.end(conn, agreement, by=_by(asked.actor), reason=published(reason))
        return Answer(200, {"id": agreement, "state": "ended", "epoch": epoch})

    made = await once(room, asked, work)
    await _close(room, agreement)
    return made


async def suspend(room: Room, asked: Asked, agreement: str, reason: str) -> Answer:
    """Stop an agreement at once; one owner is enough."""
    among(asked.actor, STAKEHOLDERS | SOLICITOR)

    async def work(conn: Connection) -> Answer:
        epoch = await life.suspend(conn, agreement, by=_by(asked.actor), reason=published(reason))
        return Answer(200, {"id": agreement, "state": "suspended", "epoch": epoch})

    made = await once(room, asked, work)
    room.bell.ring("fence", "change")
    await fence.settle(room.owner, agreement)
    return made


async def resume(room: Room, asked: Asked, agreement: str, reason: str) -> Answer:
    """Lift a suspension: only who suspended may."""
    among(asked.actor, STAKEHOLDERS | SOLICITOR)

    async def work(conn: Connection) -> Answer:
        version = await life.resume(conn, agreement, by=_by(asked.actor), reason=published(reason))
        await fence.let_in(room.owner, agreement, version)
        return Answer(200, {"id": agreement, "state": "in_force"})

    made = await once(room, asked, work)
    room.bell.ring("fence", "change")
    return made


async def give_notice(
    room: Room, asked: Asked, agreement: str, reason: str, *, effective: str | None = None
) -> Answer:
    """Give notice of the end at an instant, or at the end of the term. See `agreements.notice`."""
    among(asked.actor, SOLICITOR)

    async def work(conn: Connection) -> Answer:
        at = await notice.give(
            conn, agreement, by=_by(asked.actor), reason=published(reason), asked=effective
        )
        return Answer(200, {"id": agreement, "state": "notice_given", "ends": at.isoformat()})

    return await _renotified(room, agreement, await once(room, asked, work))


async def withdraw_notice(room: Room, asked: Asked, agreement: str, reason: str) -> Answer:
    """Take a notice back before its instant."""
    among(asked.actor, SOLICITOR)

    async def work(conn: Connection) -> Answer:
        await notice.withdraw(conn, agreement, by=_by(asked.actor), reason=published(reason))
        return Answer(200, {"id": agreement, "state": "in_force"})

    return await _renotified(room, agreement, await once(room, asked, work))


async def _renotified(room: Room, agreement: str, made: Answer) -> Answer:
    # The door learns the new end; the server itself refuses the login after it.
    room.bell.ring("fence")
    await fence.settle(room.owner, agreement)
    return made


def _by(actor: Actor) -> str:
    return actor.role.value


async def _close(room: Room, agreement: str) -> None:
    # The fence first: the door cuts streams and answers while the tables are still being dropped.
    room.bell.ring("fence", "change")
    await fence.close(room.owner, agreement)
    room.bell.ring("fence", "change")


async def _enact(room: Room, agreement: str, number: int) -> str:
    """Register the version's shares; the worker fills them and starts the term. Returns the state reached."""
    async with room.pool.connection() as conn:
        version = await register.version(conn, agreement, number)
    await enact.enact(room.owner, version, room.share_keys)
    room.bell.ring("fence")
    if version.agreement.term.begins > datetime.now(UTC):
        return "balloted"
    until = asyncio.get_running_loop().time() + PATIENCE
    while True:
        found = await _state(room, agreement, number)
        if found != "balloted" or asyncio.get_running_loop().time() > until:
            return found
        await asyncio.sleep(0.02)


async def _state(room: Room, agreement: str, number: int) -> str:
    async with room.pool.connection() as conn:
        standings = await register.standings(conn)
    for standing in standings:
        if (standing.agreement, standing.version) == (agreement, number):
            return standing.state
    raise refuse(Code.NOT_FOUND, "There is no such version.", "version")
