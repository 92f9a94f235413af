# SPDX-License-Identifier: Apache-2.0
"""The record in Postgres: every version kept, one lock for each file.

The connection is the first argument and the caller holds the transaction. The order is always: lock
the file, read it, act, write it. Reading happens in a statement of its own after the lock, because a
statement that waited would still join the version it saw before the wait.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
import psycopg

from openpars.db.connect import Connection
from openpars.db.sql import load
from openpars.errors import Code, Refused, refuse
from openpars.record import codec, identity
from openpars.record.acts import expunged
from openpars.record.codec import Stored
from openpars.record.file import HOME, ArrestFile
from openpars.record.forms import Act
from openpars.record.names import key
from openpars.record.pack import pack
from openpars.record.rules import due_at, state, step
from openpars.record.vault import held

Q = load(__package__)

BEFORE_ALL = str(UUID(int=0))


@dataclass(frozen=True, slots=True)
class Entry:
    """Who did an act, and when. `recorded_at` None means now, by the database's clock.

    `note` is what the act rests on (the order, the reason); it goes with the version when it is emptied.
    """

    act: Act
    by_role: str
    by_user: str | None
    happened_at: datetime
    recorded_at: datetime | None = None
    note: dict[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a file's history. `emptied` when its content was expunged."""

    version: int
    act: str
    by_role: str
    by_user: str | None
    happened_at: datetime
    recorded_at: datetime
    emptied: bool


def arrest_id(text: str) -> UUID:
    """The id in an address. Raises Refused NOT_FOUND: what is no id names nothing."""
    try:
        found = UUID(text)
    except ValueError:
        raise not_found() from None
    if str(found) != text.lower():
        raise not_found()
    return found


def not_found() -> Refused:
    """There is no such arrest."""
    return refuse(Code.NOT_FOUND, "There is no such arrest.")


def file_of(row: tuple[Any, ...] | None, jurisdiction: str) -> ArrestFile:
    """From version, body, SSN, participants, interview, arrest. Raises Refused NOT_FOUND for no row."""
    if row is None:
        raise not_found()
    version, body, ssn, participants, interview, arrest = row
    if body is None:
        return expunged(str(arrest), version, jurisdiction)
    plain = held().decrypt(ssn, jurisdiction, str(arrest)) if ssn is not None else None
    return codec.decode(Stored(body, participants or "[]", interview, plain))


async def lock(conn: Connection, arrest: str, jurisdiction: str = HOME) -> ArrestFile:
    """Lock a file until the transaction ends, then read it. Raises Refused NOT_FOUND.

    An expunged file comes back empty, with `seal` EXPUNGED.
    """
    wanted = {"jurisdiction": jurisdiction, "arrest": arrest_id(arrest)}
    async with conn.pipeline():
        # In a pipeline each statement still has its own snapshot: the second sees what the wait was for.
        locked = await conn.execute(Q.lock, wanted)
        current = await conn.execute(Q.current, wanted)
    if await locked.fetchone() is None:
        raise not_found()
    return file_of(await current.fetchone(), jurisdiction)


async def lock_next(conn: Connection, *, after: str, limit: int, jurisdiction: str = HOME) -> list[str]:
    """Lock the next files by id after `after`; expunged ones are left out. Their ids; none at the end.

    Before the first file is `BEFORE_ALL`. `many` MUST read them in a statement of its own after this one.
    """
    cursor = await conn.execute(Q.lock_next, {"jurisdiction": jurisdiction, "after": after, "limit": limit})
    return [row[0] for row in await cursor.fetchall()]


async def count(conn: Connection, jurisdiction: str = HOME) -> int:
    """How many files `lock_next` would go through. Reads an index of all of them: 0.1 s for a million."""
    row = await (await conn.execute(Q.count, (jurisdiction,))).fetchone()
    return int(row[0]) if row is not None else 0


async def many(conn: Connection, arrests: Sequence[UUID | str], jurisdiction: str = HOME) -> list[ArrestFile]:
    """The current version of these files, by id."""
    if not arrests:
        return []
    # An array literal costs less than a value each.
    wanted = "{" + ",".join([str(one) for one in arrests]) + "}"
    cursor = await conn.execute(Q.many, {"jurisdiction": jurisdiction, "arrests": wanted})
    return [file_of(row, jurisdiction) for row in await cursor.fetchall()]


async def current(conn: Connection, arrest: str, jurisdiction: str = HOME) -> ArrestFile:
    """The file as it is now, without a lock. Raises Refused NOT_FOUND."""
    cursor = await conn.execute(Q.current, {"jurisdiction": jurisdiction, "arrest": arrest_id(arrest)})
    return file_of(await cursor.fetchone(), jurisdiction)


async def file_at(conn: Connection, arrest: str, at: datetime, jurisdiction: str = HOME) -> ArrestFile | None:
    """The file as it was recorded at `at`; None before it was there or once it is expunged."""
    wanted = {"jurisdiction": jurisdiction, "arrest": arrest_id(arrest), "at": at}
    row = await (await conn.execute(Q.file_at, wanted)).fetchone()
    return None if row is None or row[1] is None else file_of(row, jurisdiction)


async def history(conn: Connection, arrest: str, jurisdiction: str = HOME) -> list[Line]:
    """Who did what, when it happened and when it was recorded. Raises Refused NOT_FOUND."""
    cursor = await conn.execute(Q.history, {"jurisdiction": jurisdiction, "arrest": arrest_id(arrest)})
    lines = [Line(*row) for row in await cursor.fetchall()]
    if not lines:
        raise not_found()
    return lines


async def corrections(
    conn: Connection, arrest: str, jurisdiction: str = HOME
) -> list[tuple[int, str | None]]:
    """The versions that a correction made, with its reason; those emptied since are left out."""
    cursor = await conn.execute(Q.corrections, {"jurisdiction": jurisdiction, "arrest": arrest_id(arrest)})
    return [(row[0], row[1]) for row in await cursor.fetchall()]


def columns(file: ArrestFile) -> dict[str, object]:
    """What `record.arrest` says of a file: all derived."""
    who = file.arrestee
    return {
        "jurisdiction": file.jurisdiction,
        "id": UUID(file.id),
        "version": file.version,
        "person": UUID(who.person) if who.person else None,
        "state": state(file).value,
        "step": step(file).value,
        "custody": file.custody.value if file.custody is not None else None,
        "dc_number": file.dc_number,
        "otn": file.otn,
        "docket": file.docket,
        "last_key": key(who.name.last) or None,
        "first_key": key(who.name.first) or None,
        "birth_date": who.birth_date,
        "arrested_at": file.arrested_at,
        "due_at": due_at(file, pack(file.jurisdiction)),
    }


def version_row(file: ArrestFile, stored: Stored, entry: Entry) -> dict[str, object]:
    """What `record.version` keeps, but for the compartments."""
    return {
        "jurisdiction": file.jurisdiction,
        "arrest": UUID(file.id),
        "version": file.version,
        "act": entry.act.value,
        "by_role": entry.by_role,
        "by_user": entry.by_user,
        "happened_at": entry.happened_at,
        "recorded_at": entry.recorded_at,
        "note": orjson.dumps(entry.note).decode() if entry.note else None,
        "body": stored.body,
        "ssn": held().encrypt(stored.ssn, file.jurisdiction, file.id) if stored.ssn is not None else None,
    }


async def write(conn: Connection, before: ArrestFile | None, after: ArrestFile, entry: Entry) -> None:
    """Write the next version. `before` None: a new file. MUST be under the file's lock otherwise.

    Raises Refused CONFLICT when a number is another file's already.
    """
    row = columns(after)
    try:
        async with conn.pipeline():
            if before is None:
                moved = await conn.execute(Q.add_arrest, row)
            else:
                moved = await conn.execute(Q.move_arrest, {**row, "before": before.version})
            await _add_version(conn, before, after, entry)
    except psycopg.errors.UniqueViolation as problem:
        raise _taken(problem.diag.constraint_name) from None
    if moved.rowcount != 1:
        raise refuse(Code.CONFLICT, "Somebody else changed this file. Read it again.")


def _taken(index: str | None) -> Refused:
    # Only the index's name is read: the server's own text repeats the number.
    field = {"arrest_dc_number": "dc_number", "arrest_otn": "otn", "arrest_docket": "docket"}.get(index or "")
    return refuse(Code.CONFLICT, "This number belongs to another file.", field)


async def _add_version(conn: Connection, before: ArrestFile | None, after: ArrestFile, entry: Entry) -> None:
    stored = codec.encode(after)
    known: tuple[int | None, int | None] = (None, None)
    if before is not None and (before.participants or before.interview is not None):
        cursor = await conn.execute(
            Q.compartments,
            {"jurisdiction": before.jurisdiction, "arrest": UUID(before.id), "version": before.version},
        )
        known = await cursor.fetchone() or known
    participants, interview = known
    if after.participants != (before.participants if before is not None else ()):
        participants = after.version
        await conn.execute(Q.add_participants, _compartment(after, stored.participants))
    if stored.interview is not None and (before is None or after.interview != before.interview):
        interview = after.version
        await conn.execute(Q.add_interview, _compartment(after, stored.interview))
    await conn.execute(
        Q.add_version,
        {
            **version_row(after, stored, entry),
            "participants_version": participants,
            "interview_version": interview,
        },
    )


def _compartment(file: ArrestFile, body: str) -> dict[str, object]:
    return {
        "jurisdiction": file.jurisdiction,
        "arrest": UUID(file.id),
        "version": file.version,
        "body": body,
    }


async def empty(conn: Connection, before: ArrestFile, entry: Entry) -> ArrestFile:
    """Expunge: every version of the file loses its content; act, role and time stay.

    Returns the empty file. The person is forgotten, and the log key doomed, when this was the only arrest.
    """
    after = expunged(before.id, before.version + 1, before.jurisdiction)
    where = {"jurisdiction": before.jurisdiction, "arrest": UUID(before.id)}
    await conn.execute(Q.retire, {"jurisdiction": before.jurisdiction, "marks": identity.marks_of(before)})
    await conn.execute(Q.move_arrest, {**columns(after), "before": before.version})
    await _add_version(conn, None, after, entry)
    for statement in (Q.empty_versions, Q.empty_participants, Q.empty_interview):
        await conn.execute(statement, where)
    person = {**where, "person": UUID(before.arrestee.person)}
    await conn.execute(Q.lock_person, person)
    cursor = await conn.execute(Q.other_arrests, person)
    others = await cursor.fetchone()
    if others is not None and others[0] == 0:
        await conn.execute(Q.forget_person, person)
        await conn.execute(Q.doom_person, person)
    return after


async def lock_docket(conn: Connection, docket: str, jurisdiction: str = HOME) -> ArrestFile | None:
    """The file with this docket number, locked; None when there is none, and then nobody else makes one."""
    await identity.hold_number(conn, "docket", docket)
    row = await (await conn.execute(Q.by_docket, {"jurisdiction": jurisdiction, "docket": docket})).fetchone()
    return await lock(conn, str(row[0]), jurisdiction) if row is not None else None
