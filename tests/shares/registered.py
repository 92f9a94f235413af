# SPDX-License-Identifier: Apache-2.0
"""A record of invented files on a test's own database, and a voted agreement whose shares are registered."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

from openpars.agreements import register
from openpars.agreements.bars import narrowed
from openpars.agreements.model import Version
from openpars.db.connect import Pool, pool
from openpars.record import vault
from openpars.record.bulk import bulk_insert
from openpars.record.file import Arrestee, ArrestFile, Charge, Name, Participant, Role, Stage
from openpars.record.forms import Act
from openpars.record.store import Entry
from openpars.shares import enact
from openpars.shares.keys import ShareKeys
from tests.driver import agreement_text

PURPOSES = ("first", "second")
NASTY = ("Doe", "O'Neill", 'Back\\slash "quoted"', "Tab\tLine\nEnd", "Peña-Łukasz", "𝒟𝑜𝑒", "\\N", "{a,b}")


@dataclass
class Registered:
    """Files in the record, in the order of their ids, and the agreement over them."""

    desk: Pool
    owner: Pool
    files: list[ArrestFile]
    agreement: str
    version: Version
    keys: ShareKeys

    async def rows(self, purpose: str) -> list[tuple[Any, ...]]:
        """Every row of the share, as it stands."""
        return await self.ask(f'SELECT * FROM "share_{self.agreement}"."v1_{purpose}" ORDER BY id')

    async def ask(self, question: str) -> list[tuple[Any, ...]]:
        """As the owner."""
        async with self.owner.connection() as conn:
            return await (await conn.execute(question)).fetchall()  # type: ignore[call-overload,no-any-return]

    async def missing(self) -> set[str]:
        """Files that should stand in every share and do not."""
        rows = await self.ask("SELECT arrest, purpose FROM shares.kept")
        found = {(str(row[0]), row[1]) for row in rows}
        return {one.id for one in self.files if any((one.id, p) not in found for p in PURPOSES)}

    async def share(self) -> tuple[Any, ...]:
        """State, round, the place reached, and how many files that is of how many."""
        rows = await self.ask("SELECT state, round, reached::text, filled, files FROM shares.share")
        assert len(set(rows)) == 1, "the shares of a version are filled together"
        return rows[0]


def invented(number: int) -> ArrestFile:
    """A file that every grant takes, with what a format might stumble over."""
    name = Name(NASTY[number % len(NASTY)], "Ana", None if number % 2 else "M.")
    return ArrestFile(
        id=str(uuid4()),
        version=1,
        arrestee=Arrestee(
            person=uuid4().hex,
            name=name,
            birth_date=date(1950 + number % 40, 1, 1 + number % 28),
            sex="F",
            ssn="900123456" if number % 3 else None,
        ),
        dc_number=f"26{number:08d}",
        arrested_at=datetime.now(UTC) - timedelta(hours=30, microseconds=number),
        district="24",
        participants=(Participant(1, Role.VICTIM, Name("Roe", "Vic")),) if number % 4 == 0 else (),
        charges=(
            Charge(1, "18 § 2702 §§ A1", "Assault \\ battery", "F1", stage=Stage.APPROVED),
            *((Charge(2, None, 'A "text"', "F2"),) if number % 5 == 0 else ()),
        ),
    )


@asynccontextmanager
async def registered(database: Any, count: int) -> AsyncIterator[Registered]:
    """`count` files, and an agreement of two purposes whose shares wait to be filled."""
    vault.hold("11" * 32)
    keys = ShareKeys("22" * 32)
    files = sorted((invented(number) for number in range(count)), key=lambda one: one.id)
    now = datetime.now(UTC)
    agreement = "filled"
    text = agreement_text(agreement, purpose=PURPOSES[0], when="arrested_within_days = 30").replace(
        f'purposes = ["{PURPOSES[0]}"]', f"purposes = {list(PURPOSES)}"
    )
    async with (
        pool(database.desk_dsn, max_size=6) as desk,
        pool(database.owner_dsn, max_size=3) as owner,
    ):
        async with desk.connection() as conn, conn.transaction():
            await bulk_insert(conn, ([(one, Entry(Act.BOOK, "police", None, now, now))] for one in files))
            await register.propose(conn, text, "solicitor", demo=True)
        async with owner.connection() as conn, conn.transaction():
            await conn.execute("UPDATE agreements.version SET state = 'balloted'")
            version = await register.version(conn, agreement, 1)
            await enact.register(conn, version, keys)
        yield Registered(desk, owner, files, agreement, narrowed(version), keys)
