# SPDX-License-Identifier: Apache-2.0
"""Whole histories at once, for a city that is loaded before it opens."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TypeAlias
from uuid import UUID

from openpars.db.connect import Connection
from openpars.db.sql import load
from openpars.record import codec
from openpars.record.file import ArrestFile
from openpars.record.store import Entry, columns, version_row
from openpars.record.vault import held

Q = load(__package__, "bulk.sql")

History: TypeAlias = "Sequence[tuple[ArrestFile, Entry]]"
"""A file's versions from 1, without a gap, each with its act; `recorded_at` given and rising."""


async def bulk_insert(conn: Connection, histories: Iterable[History]) -> int:
    """Copy whole files in, with all their versions; returns how many versions.

    The files MUST be new, and so MUST their numbers. It writes the record alone: shares are filled
    from it afterwards (`shares.enact.fill`), and nothing is noted in the acts log.
    """
    wanted = [history for history in histories if history]
    await _persons(conn, wanted)
    await _arrests(conn, wanted)
    return await _versions(conn, wanted)


async def _persons(conn: Connection, histories: list[History]) -> None:
    persons: dict[tuple[str, UUID], tuple[str | None, bytes | None]] = {}
    for history in histories:
        file = history[-1][0]
        who = file.arrestee
        if not who.person:
            continue
        index = held().blind_index(who.ssn, file.jurisdiction) if who.ssn is not None else None
        known = persons.get((file.jurisdiction, UUID(who.person)), (None, None))
        persons[(file.jurisdiction, UUID(who.person))] = (known[0] or who.sid, known[1] or index)
    await conn.execute(
        Q.add_persons,
        {
            "jurisdictions": [jurisdiction for jurisdiction, _ in persons],
            "ids": [person for _, person in persons],
            "sids": [sid for sid, _ in persons.values()],
            "indexes": [index for _, index in persons.values()],
        },
    )


async def _arrests(conn: Connection, histories: list[History]) -> None:
    incidents: Counter[tuple[str, str]] = Counter()
    async with conn.cursor().copy(Q.copy_arrests) as copy:
        for history in histories:
            file = history[-1][0]
            row = columns(file)
            number = None
            if file.dc_number is not None:
                incidents[(file.jurisdiction, file.dc_number)] += 1
                number = incidents[(file.jurisdiction, file.dc_number)]
            await copy.write_row((*row.values(), number))


async def _versions(conn: Connection, histories: list[History]) -> int:
    participants: list[tuple[object, ...]] = []
    interviews: list[tuple[object, ...]] = []
    count = 0
    async with conn.cursor().copy(Q.copy_versions) as copy:
        for history in histories:
            before: ArrestFile | None = None
            people = talked = None
            for file, entry in history:
                stored = codec.encode(file)
                place = (file.jurisdiction, UUID(file.id), file.version)
                if file.participants != (before.participants if before is not None else ()):
                    people = file.version
                    participants.append((*place, stored.participants))
                if stored.interview is not None and (before is None or before.interview != file.interview):
                    talked = file.version
                    interviews.append((*place, stored.interview))
                await copy.write_row((*version_row(file, stored, entry).values(), people, talked))
                before = file
                count += 1
    for statement, rows in ((Q.copy_participants, participants), (Q.copy_interviews, interviews)):
        async with conn.cursor().copy(statement) as copy:
            for row in rows:
                await copy.write_row(row)
    return count
