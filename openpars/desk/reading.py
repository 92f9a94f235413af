# SPDX-License-Identifier: Apache-2.0
"""Staff reading their own record: queues, files, histories, look-ups.

Who opens a file or looks a person up is noted in the acts log, in the transaction that reads. A desk's
own queue is not: it is on the wall of the room.
"""

from __future__ import annotations

from enum import StrEnum

from openpars.db.connect import Connection
from openpars.desk import view
from openpars.desk.room import HISTORIANS, READERS, Actor, Room, among
from openpars.desk.transact import agent
from openpars.errors import Code, refuse
from openpars.log import pending
from openpars.log.draft import JSON, Draft
from openpars.record import lookup, past, store, values
from openpars.record.checks import read
from openpars.record.file import ArrestFile
from openpars.record.lookup import Wanted
from openpars.record.names import key
from openpars.record.rules import State


class Queue(StrEnum):
    """The desks' lists."""

    CHARGING = "charging"
    COMPLAINT = "complaint"
    ARRAIGNMENT = "arraignment"
    CUSTODY = "custody"


_STEPS = {
    Queue.CHARGING: State.CHARGES_PROPOSED,
    Queue.COMPLAINT: State.CHARGING_DECIDED,
    Queue.ARRAIGNMENT: State.COMPLAINT_FILED,
}


async def queue(room: Room, actor: Actor, name: Queue, limit: int = lookup.LIMIT) -> dict[str, object]:
    """The files that wait at one desk, the least time left first. Raises Refused FORBIDDEN."""
    among(actor, READERS)
    async with room.pool.connection() as conn:
        if name is Queue.CUSTODY:
            files = await lookup.queue_held(conn, limit=limit)
        else:
            files = await lookup.queue(conn, _STEPS[name], limit=limit)
    setting = room.setting()
    return {
        "queue": name.value,
        "at": view.time(setting.now),
        "arrests": [view.summary(file, setting) for file in files],
    }


async def one(room: Room, actor: Actor, arrest: str) -> dict[str, object]:
    """One file, as the role may see it. Raises Refused FORBIDDEN, NOT_FOUND."""
    among(actor, READERS)
    async with room.pool.connection() as conn, conn.transaction():
        file = await store.current(conn, arrest)
        await _note(room, actor, "view", [file], {}, conn)
    room.bell.ring("pending")
    return view.whole(file, actor.role, room.setting())


async def history(room: Room, actor: Actor, arrest: str) -> dict[str, object]:
    """Who did what and when; no content, so the auditor reads it too."""
    among(actor, HISTORIANS)
    async with room.pool.connection() as conn:
        lines = await store.history(conn, arrest)
    return {
        "versions": [
            {
                "version": line.version,
                "act": line.act,
                "by": line.by_role,
                "user": line.by_user,
                "happened_at": view.time(line.happened_at),
                "recorded_at": view.time(line.recorded_at),
                "emptied": line.emptied,
            }
            for line in lines
        ]
    }


async def corrections(room: Room, actor: Actor, arrest: str) -> dict[int, tuple[tuple[str, ...], str | None]]:
    """By version: what each correction changed, as far as the role may see it, and why it was made.

    Without values: they stand in the versions. Raises Refused FORBIDDEN.
    """
    among(actor, READERS)
    async with room.pool.connection() as conn:
        made = await store.corrections(conn, arrest)
        wanted = [(arrest, number) for version, _ in made for number in (version - 1, version)]
        files = await past.versions(conn, wanted)
    setting, found = room.setting(), dict[int, tuple[tuple[str, ...], str | None]]()
    for version, reason in made:
        before, after = files.get((arrest, version - 1)), files.get((arrest, version))
        if before is not None and after is not None:
            parts = view.changed(*(view.whole(one, actor.role, setting) for one in (before, after)))
            found[version] = (parts, reason)
    return found


async def find(room: Room, actor: Actor, typed: dict[str, str | None]) -> dict[str, object]:
    """Look up by number, or by last name with more. Raises Refused INVALID without either."""
    among(actor, READERS)
    wanted = _wanted(typed)
    query: dict[str, JSON] = {name: value for name, value in typed.items() if value is not None}
    async with room.pool.connection() as conn, conn.transaction():
        files = await lookup.find(conn, wanted)
        await _note(room, actor, "lookup", files, query, conn)
    room.bell.ring("pending")
    setting = room.setting()
    return {"arrests": [view.summary(file, setting) for file in files]}


def _wanted(typed: dict[str, str | None]) -> Wanted:
    wanted = Wanted(
        last=read(values.name_part, typed.get("last"), "last"),
        first=read(values.name_part, typed.get("first"), "first"),
        birth_date=read(values.day, typed.get("birth_date"), "birth_date"),
        dc_number=read(values.dc_number, typed.get("dc_number"), "dc_number"),
        docket=read(values.docket, typed.get("docket"), "docket"),
        otn=read(values.otn, typed.get("otn"), "otn"),
    )
    if not (wanted.dc_number or wanted.docket or wanted.otn or (wanted.last and key(wanted.last))):
        raise refuse(Code.INVALID, "Look up by dc_number, docket, otn or last name.", "last")
    return wanted


async def _note(
    room: Room, actor: Actor, act: str, files: list[ArrestFile], query: dict[str, JSON], conn: Connection
) -> None:
    subjects = tuple(sorted({file.arrestee.person for file in files if file.arrestee.person}))
    private: dict[str, JSON] = {
        "agent": agent(actor),
        "at": room.setting().now.isoformat(),
        "query": query,
        "file": [file.id for file in files],
    }
    await pending.note(conn, Draft("lookup", {"act": act}, private, subjects))
