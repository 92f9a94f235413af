# SPDX-License-Identifier: Apache-2.0
"""What the owners of the record do about their own votes: the keys of their delegates, and asking again."""

from __future__ import annotations

from datetime import datetime

from openpars.agreements.ballots import BallotKey, Logged, Question, good_keys, public_text
from openpars.agreements.bars import packs
from openpars.agreements.register import lock
from openpars.agreements.votes import ballot_keys, rounds
from openpars.agreements.votes.ballot_keys import NewKey
from openpars.db.connect import Connection
from openpars.desk.room import Asked, Room, among, published
from openpars.desk.solicitor import SOLICITOR, STAKEHOLDERS
from openpars.desk.transact import Answer, once
from openpars.desk.view import time
from openpars.record.file import HOME


def provider(jurisdiction: str = HOME) -> str:
    """Whose record this city is, as its agreements name it."""
    return next(one.provider for one in packs().values() if one.jurisdiction == jurisdiction)


async def register_key(room: Room, asked: Asked, new: NewKey) -> Answer:
    """Register a delegate's key. Whose it is follows from who signed in; nobody registers for another."""
    among(asked.actor, STAKEHOLDERS)

    async def work(conn: Connection) -> Answer:
        key = await ballot_keys.register_key(
            conn, new, provider=provider(room.pack.jurisdiction), stakeholder=asked.actor.role.value
        )
        return Answer(201, key_body(key, good=True))

    return await once(room, asked, work)


async def revoke_key(room: Room, asked: Asked, key_id: str, reason: str) -> Answer:
    """Revoke a key of one's own: from the commit on it signs nothing that counts."""
    among(asked.actor, STAKEHOLDERS)

    async def work(conn: Connection) -> Answer:
        key = await ballot_keys.revoke_key(
            conn,
            key_id,
            provider=provider(room.pack.jurisdiction),
            stakeholder=asked.actor.role.value,
            reason=published(reason),
        )
        return Answer(200, key_body(key, good=True))

    return await once(room, asked, work)


async def ask(
    room: Room, asked: Asked, agreement: str, *, version: int, question: Question, closes: datetime | None
) -> Answer:
    """Ask a question again, or ask for the end. Texts are the solicitor's to bring; the end is anybody's."""
    among(asked.actor, STAKEHOLDERS | SOLICITOR if question is Question.END else SOLICITOR)

    async def work(conn: Connection) -> Answer:
        row = await lock(conn, agreement)
        opened = await rounds.ask(conn, row, version, question, by=asked.actor.role.value, closes=closes)
        return Answer(
            201,
            {
                "id": agreement,
                "version": version,
                "question": opened.question.value,
                "round": opened.number,
                "closes_at": time(opened.closes_at),
            },
        )

    return await once(room, asked, work)


def key_body(key: BallotKey, *, good: bool) -> dict[str, object]:
    """A key as the API shows it: all of it is public. `good`: the log and its endorsement bear it out."""
    return {
        "id": key.id,
        "stakeholder": key.stakeholder,
        "label": key.label,
        "public_key": public_text(key.public_key),
        "proof": key.proof,
        "endorsed_by": key.endorsed_by,
        "endorsement": key.endorsement,
        "since": time(key.since),
        "revoked_at": time(key.revoked_at),
        "revoked_why": key.revoked_why,
        "good": good,
    }


def key_bodies(keys: tuple[BallotKey, ...], logged: Logged) -> list[dict[str, object]]:
    """Every key that stands in the table, with whether it is to be believed."""
    good = good_keys(keys, logged)
    return [key_body(key, good=key.id in good) for key in keys]
