# SPDX-License-Identifier: Apache-2.0
"""The District Attorney's charging desk: decisions and the complaint."""

from __future__ import annotations

from openpars.desk.room import Asked, Room
from openpars.desk.transact import Answer, Done, act_on
from openpars.record import acts
from openpars.record.forms import Act, ChargingDecisions, ComplaintFiled


async def decide_charges(room: Room, asked: Asked, arrest: str, form: ChargingDecisions) -> Answer:
    """Decide charges; when all are declined the person is free by the same commit."""
    done = Done(Act.DECIDE_CHARGES, form.at)
    return await act_on(room, asked, arrest, done, lambda f, s: acts.decide_charges(f, form, s))


async def file_complaint(room: Room, asked: Asked, arrest: str, form: ComplaintFiled) -> Answer:
    """File the complaint, generated from the approved charges (`desk.view.complaint`)."""
    done = Done(Act.FILE_COMPLAINT, form.at)
    return await act_on(room, asked, arrest, done, lambda f, s: acts.file_complaint(f, form, s))
