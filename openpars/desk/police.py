# SPDX-License-Identifier: Apache-2.0
"""The police desk: booking, proposed charges, the hold/release indicator."""

from __future__ import annotations

from dataclasses import replace
from uuid import uuid4

from openpars.db.connect import Connection
from openpars.desk.room import Asked, Room, may
from openpars.desk.transact import Answer, Done, act_on, answer, keep, once
from openpars.record import acts, identity
from openpars.record.forms import Act, Booking, CustodyChange, ProposedCharges


async def book(room: Room, asked: Asked, form: Booking) -> Answer:
    """Book an arrest. Raises Refused CONFLICT for a DC number that is known, INVALID with the field."""
    may(asked.actor, Act.BOOK)

    async def work(conn: Connection) -> Answer:
        # Everything about the form is checked before anything is locked.
        drafted = acts.book(form, room.setting(), arrest=str(uuid4()), person="")
        who = drafted.arrestee
        person = await identity.identify(
            conn,
            sid=who.sid,
            ssn=who.ssn,
            birth_date=who.birth_date,
            last=who.name.last,
            dc_number=drafted.dc_number,
        )
        file = replace(drafted, arrestee=replace(who, person=person))
        await identity.numbers_free(conn, file, same_incident=form.same_incident)
        done = Done(Act.BOOK, file.arrested_at or room.setting().now)
        await keep(conn, room, asked.actor, None, file, done=done)
        return answer(file, 201)

    return await once(room, asked, work)


async def propose_charges(room: Room, asked: Asked, arrest: str, form: ProposedCharges) -> Answer:
    """Add charges before the complaint."""
    done = Done(Act.PROPOSE_CHARGES, form.at)
    return await act_on(room, asked, arrest, done, lambda f, s: acts.propose_charges(f, form, s))


async def change_custody(room: Room, asked: Asked, arrest: str, form: CustodyChange) -> Answer:
    """Set the hold/release indicator; the courts do it too."""
    done = Done(Act.CHANGE_CUSTODY, form.at, {"reason": form.reason} if form.reason else None)
    return await act_on(room, asked, arrest, done, lambda f, s: acts.change_custody(f, form, s))
