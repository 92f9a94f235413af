# SPDX-License-Identifier: Apache-2.0
"""One act, one transaction. The life of a booking, from the desk to the log:

1. may this role do this act?
2. the same request again? then the same answer
3. lock the file, read it, compare the version the form was made from
4. the pure act: the next version, or a refusal that undoes everything
5. write the version
6. bring the shares in line, in the same transaction: what shrinks, shrinks with its cause
7. note the act for the acts tree
8. commit, then ring the bell
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

import orjson
import psycopg

from openpars.db.connect import Connection, in_few_trips
from openpars.db.sql import load
from openpars.desk.room import Actor, Asked, Room, may
from openpars.errors import Code, Refusal, refuse
from openpars.log import pending
from openpars.log.draft import JSON, Draft
from openpars.record import identity, store
from openpars.record.checks import Setting
from openpars.record.file import ArrestFile
from openpars.record.forms import Act
from openpars.record.rules import state
from openpars.record.store import Entry

Q = load(__package__)

TRIES = 4


@dataclass(frozen=True, slots=True)
class Answer:
    """What the desk is told: an HTTP status and a JSON object without a name in it."""

    status: int
    body: dict[str, object]


@dataclass(frozen=True, slots=True)
class Done:
    """An act about to be written: what it was, when it happened, and on what it rests."""

    act: Act
    at: datetime
    note: dict[str, str] | None = None


def answer(file: ArrestFile, status: int = 200) -> Answer:
    """Where the file stands now."""
    return Answer(
        status,
        {
            "id": file.id,
            "version": file.version,
            "state": state(file).value,
            "custody": file.custody.value if file.custody is not None else None,
        },
    )


async def once(room: Room, asked: Asked, work: Callable[[Connection], Awaitable[Answer]]) -> Answer:
    """Run `work` in one transaction; a request that was answered before gets that answer again.

    Raises Refused; then nothing was written. A deadlock is the database's way to say: again.
    """
    for left in range(TRIES - 1, -1, -1):
        try:
            async with room.pool.connection() as conn, in_few_trips(conn):
                earlier = await _claim(conn, room, asked)
                if earlier is not None:
                    return earlier
                made = await work(conn)
                await _remember(conn, room, asked, made)
        except (psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure):
            if not left:
                raise
            await asyncio.sleep(0.02 * (TRIES - left))
        else:
            room.bell.ring("change", "pending")
            return made
    raise AssertionError("unreachable")


def _slot(room: Room, asked: Asked) -> dict[str, object]:
    return {
        "jurisdiction": room.pack.jurisdiction,
        "key": asked.actor.key,
        "idempotency_key": asked.idempotency_key,
        "request": asked.request,
    }


async def _claim(conn: Connection, room: Room, asked: Asked) -> Answer | None:
    if asked.idempotency_key is None:
        return None
    slot = _slot(room, asked)
    if await (await conn.execute(Q.claim, slot)).fetchone() is not None:
        return None
    row = await (await conn.execute(Q.answered, slot)).fetchone()
    if row is None or row[0] != asked.request or row[1] is None:
        raise refuse(Code.CONFLICT, "This key was used for another request.", "Idempotency-Key")
    return Answer(row[1], orjson.loads(row[2]))


async def _remember(conn: Connection, room: Room, asked: Asked, made: Answer) -> None:
    if asked.idempotency_key is not None:
        given = {"status": made.status, "answer": orjson.dumps(made.body)}
        await conn.execute(Q.remember, {**_slot(room, asked), **given})


async def act_on(
    room: Room,
    asked: Asked,
    arrest: str,
    done: Done,
    change: Callable[[ArrestFile, Setting], ArrestFile],
) -> Answer:
    """One act on a file that is there. `change` is the pure act (`record.acts`)."""
    may(asked.actor, done.act)

    async def work(conn: Connection) -> Answer:
        before = await store.lock(conn, arrest)
        unchanged(before, asked)
        after = change(before, room.setting())
        await keep(conn, room, asked.actor, before, after, done=done)
        return answer(after)

    return await once(room, asked, work)


def unchanged(file: ArrestFile, asked: Asked) -> None:
    """Raises Refused CONFLICT when the form was made from an older version."""
    if asked.expected is not None and asked.expected != file.version:
        raise refuse(Code.CONFLICT, "The file has changed since you read it. Read it again.", "If-Match")


async def keep(
    conn: Connection, room: Room, actor: Actor, before: ArrestFile | None, after: ArrestFile, *, done: Done
) -> None:
    """Steps 5 to 7: the version, the shares, the note."""
    if before is not None and (before.otn, before.docket) != (after.otn, after.docket):
        await identity.numbers_free(conn, after, same_incident=True)
    entry = Entry(done.act, actor.role.value, actor.user, done.at, note=done.note)
    await store.write(conn, before, after, entry)
    if before is not None and (before.arrestee.ssn, before.arrestee.sid) != (
        after.arrestee.ssn,
        after.arrestee.sid,
    ):
        await identity.learn(conn, after)
    await room.keeper.refresh(conn, before, after)
    await note(conn, actor, after, done)


async def note(conn: Connection, actor: Actor, file: ArrestFile, done: Done) -> None:
    """The act's entry for the acts tree: who, when, on which file; no name and no content."""
    said = done.note or {}
    private: dict[str, JSON] = {
        "agent": agent(actor),
        "at": done.at.isoformat(),
        "why": said.get("order"),
        "file": file.id,
        # Free text may speak of the person, so it goes where it dies with the person's key.
        "reason": said.get("reason"),
    }
    subjects = (file.arrestee.person,) if file.arrestee.person else ()
    await pending.note(conn, Draft("act", {"act": done.act.value}, private, subjects))


def agent(actor: Actor) -> dict[str, JSON]:
    """Who acted, for the log's sealed part."""
    return {"role": actor.role.value, "key": str(actor.key), "user": actor.user}


async def note_refusal(room: Room, actor: Actor, asked_for: str, refusal: Refusal) -> None:
    """A refused request leaves a note too: what was asked for, code and field; never a value."""
    private: dict[str, JSON] = {
        "agent": agent(actor),
        "at": room.setting().now.isoformat(),
        "asked_for": asked_for,
        "code": refusal.code.value,
        "field": refusal.field,
    }
    async with room.pool.connection() as conn, conn.transaction():
        await pending.note(conn, Draft("act", {"act": "refusal"}, private))
    room.bell.ring("pending")
