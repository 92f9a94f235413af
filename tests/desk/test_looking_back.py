# SPDX-License-Identifier: Apache-2.0
"""Who may look back at the desks, and that nobody does without a note, below any page."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from openpars.accounts.keys import StaffRole
from openpars.agreements import register
from openpars.agreements.register import Event
from openpars.desk import looking_back
from openpars.errors import Code, Refused
from tests import pasts
from tests.conftest import Database
from tests.desk.conftest import Desk

DAY = datetime(2025, 1, 6, 5, tzinfo=UTC)


async def look(desk: Desk, role: StaffRole) -> looking_back.Look:
    until = DAY + timedelta(days=1)
    return await looking_back.look(
        desk.room, desk.actor(role), pasts.AGREEMENT, since=DAY, until=until, tell=lambda _done, _count: None
    )


@pytest.fixture
async def looked_back(the_desk: Desk) -> Desk:
    """A desk whose register holds an agreement of the past."""
    async with the_desk.room.pool.connection() as conn, conn.transaction():
        ended = Event("ended", datetime(2026, 1, 1, 5, tzinfo=UTC), "history")
        await register.enter_history(conn, pasts.TEXT, [ended], by="history")
        await conn.execute("DELETE FROM log.pending")
    return the_desk


@pytest.mark.parametrize("role", StaffRole)
async def test_only_some_roles_look_back_and_each_look_is_noted_once(
    looked_back: Desk, role: StaffRole
) -> None:
    if role in looking_back.SEERS:
        assert await looking_back.agreements(looked_back.room, looked_back.actor(role))
        assert (await look(looked_back, role)).agreement == pasts.AGREEMENT
        ((kind, public, _, _),) = await looked_back.noted()
        assert (kind, public) == ("lookup", b'{"act":"seen"}')
        return
    with pytest.raises(Refused) as problem:
        await looking_back.agreements(looked_back.room, looked_back.actor(role))
    assert problem.value.refusal.code is Code.FORBIDDEN
    with pytest.raises(Refused) as problem:
        await look(looked_back, role)
    assert problem.value.refusal.code is Code.FORBIDDEN
    assert await looked_back.noted() == []


async def test_a_look_that_cannot_be_noted_is_not_answered(looked_back: Desk, database: Database) -> None:
    with psycopg.connect(database.superuser_dsn) as conn:
        conn.execute("REVOKE INSERT ON log.pending FROM openpars_desk")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        await look(looked_back, StaffRole.AUDITOR)
