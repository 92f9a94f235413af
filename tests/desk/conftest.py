# SPDX-License-Identifier: Apache-2.0
"""The staff API on a real database, in this process: one key for each role."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from openpars.accounts import keys
from openpars.accounts.keys import StaffRole
from openpars.db.bell import Bell
from openpars.db.connect import Pool, pool
from openpars.desk.room import Actor, Room
from openpars.log.keys import KeyStore
from openpars.record import vault
from openpars.record.file import HOME
from openpars.record.pack import pack
from openpars.settings import City
from openpars.shares.keep import Keeper
from openpars.shares.keys import ShareKeys
from openpars.web import agreements, ballot_keys, desk, respond

SHARE_KEY = "22" * 32

BOOKING: dict[str, Any] = {
    "dc_number": "2624012345",
    "arrested_at": "2026-11-20T20:14:00-05:00",
    "district": "24",
    "arrestee": {
        "name": {"last": "Doe", "first": "Ana", "middle": None, "suffix": None},
        "birth_date": "1990-03-04",
        "sex": "F",
        "race": "W",
        "birth_country": "DOM",
        "ssn": "900-12-3456",
    },
    "participants": [
        {"role": "victim", "name": {"last": "Roe", "first": "Vic"}},
        {"role": "crime_witness", "name": {"last": "Poe", "first": "Wit"}},
    ],
    "charges": [{"statute": "18 § 2702 §§ A1", "grade": "F1", "counts": 1}],
    "same_incident": False,
}


def booking(number: int = 0, **changes: Any) -> dict[str, Any]:
    """A right booking; `number` gives it a DC number and an SSN of its own."""
    made = {**BOOKING, "dc_number": f"{2624012345 + number}", **changes}
    if number and "arrestee" not in changes:
        made["arrestee"] = {**BOOKING["arrestee"], "ssn": f"900-{1 + number % 49:02d}-{number % 10000:04d}"}
    return made


@dataclass
class Desk:
    """A client for each role, and the room behind them."""

    room: Room
    http: httpx.AsyncClient
    tokens: dict[str, str] = field(default_factory=dict)

    async def post(self, role: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        """POST as a role; header names with underscores."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        sent["authorization"] = f"Bearer {self.tokens[role]}"
        if isinstance(body, bytes):
            sent.setdefault("content-type", "application/json")
            return await self.http.post(path, content=body, headers=sent)
        return await self.http.post(path, json={} if body is None else body, headers=sent)

    async def get(self, role: str, path: str) -> httpx.Response:
        """GET as a role."""
        return await self.http.get(path, headers={"authorization": f"Bearer {self.tokens[role]}"})

    async def booked(self, number: int = 0, **changes: Any) -> str:
        """Book an arrest; its id."""
        answer = await self.post("police", "/desk/arrests", booking(number, **changes))
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    async def noted(self) -> list[tuple[Any, ...]]:
        """The notes that wait for the acts tree: kind, public, private, subjects."""
        async with self.room.pool.connection() as conn:
            cursor = await conn.execute("SELECT kind, public, private, subjects FROM log.pending ORDER BY id")
            return await cursor.fetchall()

    def actor(self, role: StaffRole) -> Actor:
        """An actor for calls below HTTP."""
        return Actor(role, next(iter(self._ids.values())), None)

    _ids: dict[str, Any] = field(default_factory=dict)


@pytest.fixture
async def the_desk(database: Any, tmp_path: Path) -> AsyncIterator[Desk]:
    """The desks of a city on this test's own database."""
    vault.hold("11" * 32)
    async with AsyncExitStack() as stack:
        staff: Pool = await stack.enter_async_context(pool(database.desk_dsn, max_size=6))
        owner: Pool = await stack.enter_async_context(pool(database.owner_dsn, max_size=2))
        bell = await stack.enter_async_context(Bell(database.desk_dsn))
        store = KeyStore(tmp_path / "persons.sqlite")
        stack.callback(store.close)
        app = FastAPI()
        respond.answer_errors(app)
        app.include_router(desk.router)
        app.include_router(agreements.router)
        app.include_router(ballot_keys.router)
        share_keys = ShareKeys(SHARE_KEY)
        app.state.pool, app.state.owner, app.state.bell, app.state.key_store = staff, owner, bell, store
        app.state.share_keys, app.state.keeper = share_keys, Keeper(share_keys)
        app.state.city = City(base_url="http://test", demo=True)
        room = Room(staff, owner, app.state.keeper, share_keys, bell, store, pack(HOME), demo=True)
        transport = httpx.ASGITransport(app=app)
        http = await stack.enter_async_context(httpx.AsyncClient(transport=transport, base_url="http://test"))
        made = Desk(room, http)
        async with staff.connection() as conn:
            for role in StaffRole:
                issued = await keys.create_staff(conn, role, label="test")
                made.tokens[role.value] = issued.token
                made._ids[role.value] = issued.key
        yield made
