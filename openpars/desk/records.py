# SPDX-License-Identifier: Apache-2.0
"""The records officer: corrections, seals, expungement."""

from __future__ import annotations

import asyncio
from uuid import UUID

from openpars.db.connect import Connection, Pool
from openpars.db.sql import load
from openpars.desk.room import Asked, Room, may
from openpars.desk.transact import Answer, Done, act_on, agent, answer, once, unchanged
from openpars.log import pending
from openpars.log.draft import JSON, Draft
from openpars.log.keys import KeyStore
from openpars.record import acts, correcting, store
from openpars.record.file import HOME
from openpars.record.forms import Act, Correction, Order
from openpars.record.store import Entry

Q = load(__package__)


def _note(form: Order) -> dict[str, str]:
    return {"order": form.order, **({"reason": form.reason} if form.reason else {})}


async def correct(room: Room, asked: Asked, arrest: str, form: Correction) -> Answer:
    """Set right what was wrong; shares follow in the same commit."""
    done = Done(Act.CORRECT, form.at, {"reason": form.reason} if form.reason else {})
    return await act_on(room, asked, arrest, done, lambda f, s: correcting.correct(f, form, s))


async def seal(room: Room, asked: Asked, arrest: str, form: Order) -> Answer:
    """From the commit on no recipient sees the file."""
    done = Done(Act.SEAL, form.at, _note(form))
    return await act_on(room, asked, arrest, done, lambda f, s: acts.seal(f, form, s))


async def unseal(room: Room, asked: Asked, arrest: str, form: Order) -> Answer:
    """The file is open again."""
    done = Done(Act.UNSEAL, form.at, _note(form))
    return await act_on(room, asked, arrest, done, lambda f, s: acts.unseal(f, form, s))


async def expunge(room: Room, asked: Asked, arrest: str, form: Order) -> Answer:
    """Empty every version of the file; destroy the person's log key when there is no other arrest.

    The key lies outside the database, so it goes after the commit; what is killed in between is done by
    `destroy_keys`, which the worker calls too.
    """
    may(asked.actor, Act.EXPUNGE)

    async def work(conn: Connection) -> Answer:
        before = await store.lock(conn, arrest)
        unchanged(before, asked)
        acts.expunge(before, form, room.setting())
        entry = Entry(Act.EXPUNGE, asked.actor.role.value, asked.actor.user, form.at)
        after = await store.empty(conn, before, entry)
        await room.keeper.refresh(conn, before, None)
        # Without subjects: an entry about the person would need the key that is to be destroyed.
        private: dict[str, JSON] = {
            "agent": agent(asked.actor),
            "at": form.at.isoformat(),
            "why": form.order,
            "file": after.id,
        }
        await pending.note(conn, Draft("expungement", {"recipients": None}, private))
        return answer(after)

    made = await once(room, asked, work)
    await destroy_keys(room.pool, room.key_store)
    return made


async def destroy_keys(pool: Pool, keys: KeyStore, jurisdiction: str = HOME) -> int:
    """Destroy the log keys of expunged persons; returns how many persons are done with for good.

    While a note about one of them still waits for the acts tree, its entry would make a fresh key: the
    key is destroyed now, and again once the note is in the tree.
    """
    async with pool.connection() as conn:
        rows = await (await conn.execute(_Q_RECORD.doomed, {"jurisdiction": jurisdiction})).fetchall()
        persons = [row[0] for row in rows]
        if not persons:
            return 0
        names = [person.hex for person in persons]
        waiting = {row[0] for row in await (await conn.execute(Q.still_noted, {"persons": names})).fetchall()}
    await asyncio.to_thread(keys.destroy, names)
    done: list[UUID] = [person for person in persons if person.hex not in waiting]
    async with pool.connection() as conn, conn.transaction():
        await conn.execute(_Q_RECORD.destroyed, {"jurisdiction": jurisdiction, "persons": done})
    return len(done)


_Q_RECORD = load("openpars.record")
