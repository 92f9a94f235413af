# SPDX-License-Identifier: Apache-2.0
"""One who looks back over and over does not take the desks' connections."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest

from openpars.accounts.keys import StaffRole
from openpars.desk import hindsight, looking_back
from openpars.desk.room import Actor
from openpars.errors import Refused


async def test_looks_leave_connections_for_everybody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    held, most, go = 0, 0, asyncio.Event()

    @asynccontextmanager
    async def connection() -> AsyncIterator[Any]:
        nonlocal held, most
        held += 1
        most = max(most, held)
        try:
            yield SimpleNamespace(transaction=transaction)
        finally:
            held -= 1

    @asynccontextmanager
    async def transaction() -> AsyncIterator[None]:
        yield

    async def life_of(*_: object) -> None:
        await go.wait()

    monkeypatch.setattr(hindsight, "life_of", life_of)
    room: Any = SimpleNamespace(pool=SimpleNamespace(connection=connection))
    now = datetime.now(UTC)
    actor = Actor(StaffRole.AUDITOR, uuid4(), None)
    looks = [
        asyncio.create_task(
            looking_back.look(room, actor, "a", since=now, until=now, tell=lambda _done, _count: None)
        )
        for _ in range(12)
    ]
    for _ in range(100):
        await asyncio.sleep(0)
    assert (held, most) == (2, 2)
    go.set()
    answers = await asyncio.gather(*looks, return_exceptions=True)
    assert [type(one) for one in answers] == [Refused] * 12
    assert most == 2
