# SPDX-License-Identifier: Apache-2.0
"""Which person, which numbers: an identity is never joined by name, and no number is used twice."""

from __future__ import annotations

import secrets
from datetime import date
from typing import Any, LiteralString
from uuid import UUID

from psycopg.rows import TupleRow

from openpars.db.connect import Connection
from openpars.db.sql import load
from openpars.errors import Code, refuse
from openpars.record.file import HOME, ArrestFile
from openpars.record.names import key
from openpars.record.vault import held

Q = load(__package__)


def marks_of(file: ArrestFile) -> list[bytes]:
    """The keyed marks of a file's numbers, by which they are known again after it was expunged."""
    marks = [
        held().mark(kind, number) for kind, number in (("otn", file.otn), ("docket", file.docket)) if number
    ]
    if file.dc_number is not None:
        marks.append(held().mark("dc_number", _incident_of(file)))
    return marks


def _incident_of(file: ArrestFile) -> str:
    """A DC number belongs to an incident; what is never used twice is the number with the person."""
    who = file.arrestee
    return f"{file.dc_number}/{key(who.name.last)}/{key(who.name.first)}/{who.birth_date}"


async def numbers_free(conn: Connection, file: ArrestFile, *, same_incident: bool) -> None:
    """Refuse a number another file has, or had before it was expunged. Raises Refused CONFLICT.

    Holds the DC number until the transaction ends, so that two bookings of it cannot both pass.
    """
    numbers = {
        "jurisdiction": file.jurisdiction,
        "dc_number": file.dc_number,
        "otn": file.otn,
        "docket": file.docket,
        "id": UUID(file.id),
        "marks": marks_of(file),
    }
    booking = file.version <= 1 and file.dc_number is not None
    async with conn.pipeline():
        # One round trip; still each statement in its turn, with what the one before has waited for.
        if booking:
            await hold_number(conn, "dc_number", str(file.dc_number))
            incident = await conn.execute(Q.incident, numbers)
        taken = await conn.execute(Q.number_taken, numbers)
    if booking:
        _incident_free(await incident.fetchall(), file, same_incident=same_incident)
    otn, docket, retired = await taken.fetchone() or (None, None, None)
    for field, found in (("otn", otn), ("docket", docket)):
        if found is not None:
            raise refuse(Code.CONFLICT, "This number belongs to another file.", field)
    if retired is not None:
        raise refuse(Code.CONFLICT, "This number was used before and is closed.")


def _incident_free(others: list[tuple[Any, ...]], file: ArrestFile, *, same_incident: bool) -> None:
    for _, person, last, first, birth_date in others:
        if not same_incident:
            raise refuse(
                Code.CONFLICT,
                "This DC number is known. Send same_incident true for another person of the same incident.",
                "dc_number",
            )
        who = file.arrestee
        same_name = (last, first, birth_date) == (key(who.name.last), key(who.name.first), who.birth_date)
        if same_name or (person is not None and person == UUID(who.person)):
            raise refuse(
                Code.CONFLICT, "This person's arrest in this incident is already recorded.", "dc_number"
            )


async def hold_number(conn: Connection, kind: str, number: str) -> None:
    """Two transactions that want to make something of one number wait for each other here."""
    # The key of the lock comes from a keyed mark: lock numbers are visible to every login.
    lock_key = int.from_bytes(held().mark(f"hold/{kind}", number)[:8], "big", signed=True)
    await conn.execute(Q.hold_number, {"key": lock_key})


async def identify(
    conn: Connection,
    *,
    sid: str | None,
    ssn: str | None,
    birth_date: date | None,
    last: str,
    dc_number: str | None = None,
    jurisdiction: str = HOME,
) -> str:
    """The identity behind an arrestee, as hex: by SID, or by SSN where birth date or last name agrees.

    Otherwise a new one. A name never joins two arrests, and an SSN never two of the incident `dc_number`.
    """
    index = held().blind_index(ssn, jurisdiction) if ssn is not None else None
    wanted: dict[str, object] = {
        "jurisdiction": jurisdiction,
        "sid": sid,
        "ssn_index": index,
        "birth_date": birth_date,
        "last_key": key(last),
        "dc_number": dc_number,
    }
    if sid is not None:
        row = await _held_first(conn, "sid", sid, Q.person_by_sid, wanted)
        if row is not None:
            return await _known(conn, row[0], wanted)
    if ssn is not None:
        row = await _held_first(conn, "ssn", ssn, Q.person_by_ssn, wanted)
        if row is not None:
            return await _known(conn, row[0], wanted)
    fresh = UUID(bytes=secrets.token_bytes(16))
    await conn.execute(Q.add_person, {**wanted, "id": fresh})
    return fresh.hex


async def _held_first(
    conn: Connection, kind: str, number: str, query: LiteralString, wanted: dict[str, object]
) -> TupleRow | None:
    """Hold a number, then look: one trip, and the look sees what the hold has waited for."""
    async with conn.pipeline():
        await hold_number(conn, kind, number)
        found = await conn.execute(query, wanted)
    return await found.fetchone()


async def _known(conn: Connection, person: UUID, wanted: dict[str, object]) -> str:
    await conn.execute(Q.identify_person, {**wanted, "id": person})
    return person.hex


async def learn(conn: Connection, file: ArrestFile) -> None:
    """After a correction: the identity's SID or SSN, where none was known."""
    who = file.arrestee
    index = held().blind_index(who.ssn, file.jurisdiction) if who.ssn is not None else None
    await conn.execute(
        Q.identify_person,
        {"jurisdiction": file.jurisdiction, "id": UUID(who.person), "sid": who.sid, "ssn_index": index},
    )
