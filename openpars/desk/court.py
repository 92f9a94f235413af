# SPDX-License-Identifier: Apache-2.0
"""The courts' desk: interview, preliminary arraignment, bail, outcomes, the court's own list."""

from __future__ import annotations

from uuid import uuid4

from openpars.db.connect import Connection
from openpars.desk.room import Asked, Room, may
from openpars.desk.transact import Answer, Done, act_on, answer, keep, once, unchanged
from openpars.errors import Code, refuse
from openpars.record import acts, disposing, identity, store, values
from openpars.record.checks import need
from openpars.record.file import ArrestFile
from openpars.record.forms import (
    Act,
    ArraignmentHeld,
    BailForm,
    CourtDocket,
    InterviewHeld,
    Outcomes,
    Representation,
    Withdrawal,
)


async def interview(room: Room, asked: Asked, arrest: str, form: InterviewHeld) -> Answer:
    """Pretrial services' interview, into its own compartment."""
    done = Done(Act.INTERVIEW, form.held_at)
    return await act_on(room, asked, arrest, done, lambda f, s: acts.interview(f, form, s))


async def arraign(room: Room, asked: Asked, arrest: str, form: ArraignmentHeld) -> Answer:
    """The preliminary arraignment."""
    done = Done(Act.ARRAIGN, form.held_at)
    return await act_on(room, asked, arrest, done, lambda f, s: acts.arraign(f, form, s))


async def set_bail(room: Room, asked: Asked, arrest: str, form: BailForm) -> Answer:
    """Bail set anew, or posted."""
    done = Done(Act.SET_BAIL, form.at)
    return await act_on(room, asked, arrest, done, lambda f, s: acts.set_bail(f, form, s))


async def represent(room: Room, asked: Asked, arrest: str, form: Representation) -> Answer:
    """Who defends."""
    done = Done(Act.REPRESENT, form.at)
    return await act_on(room, asked, arrest, done, lambda f, s: acts.represent(f, form, s))


async def dispose(room: Room, asked: Asked, arrest: str, form: Outcomes) -> Answer:
    """How charges ended. Whoever is cleared of all of them is free by the same act."""
    done = Done(Act.DISPOSE, form.at)
    return await act_on(room, asked, arrest, done, lambda f, s: disposing.dispose(f, form, s))


async def file_docket(room: Room, asked: Asked, form: CourtDocket) -> Answer:
    """A docket of the court's list: a new file (201), a new version (200), or nothing new (200).

    Raises Refused CONFLICT for a docket whose file was expunged.
    """
    may(asked.actor, Act.FILE_DOCKET)

    async def work(conn: Connection) -> Answer:
        number = need(values.docket, form.docket, "docket")
        before = await store.lock_docket(conn, number)
        person = "" if before is not None else await _nobody(conn)
        after = acts.file_docket(before, form, room.setting(), arrest=str(uuid4()), person=person)
        if after is before:
            return answer(before)
        if before is None:
            await identity.numbers_free(conn, after, same_incident=True)
        await keep(conn, room, asked.actor, before, after, done=Done(Act.FILE_DOCKET, form.at))
        return answer(after, 201 if before is None else 200)

    return await once(room, asked, work)


async def _nobody(conn: Connection) -> str:
    # A list says neither SID nor SSN: a new identity, since names join nobody.
    return await identity.identify(conn, sid=None, ssn=None, birth_date=None, last="")


async def withdraw_docket(room: Room, asked: Asked, docket: str, form: Withdrawal) -> Answer:
    """The court's list dropped a docket early. Raises Refused NOT_FOUND, CONFLICT when closed already."""
    may(asked.actor, Act.WITHDRAW_DOCKET)

    async def work(conn: Connection) -> Answer:
        before = await _with_docket(conn, docket)
        unchanged(before, asked)
        after = acts.withdraw_docket(before, form, room.setting())
        await keep(conn, room, asked.actor, before, after, done=Done(Act.WITHDRAW_DOCKET, form.at))
        return answer(after)

    return await once(room, asked, work)


async def _with_docket(conn: Connection, docket: str) -> ArrestFile:
    found = await store.lock_docket(conn, need(values.docket, docket, "docket"))
    if found is None:
        raise refuse(Code.NOT_FOUND, "There is no file with this docket number.")
    return found
