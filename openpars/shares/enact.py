# SPDX-License-Identifier: Apache-2.0
"""Make a version's shares: their tables, their login, their place in the register. `fill` fills them.

Registering takes the gate EXCLUSIVE, so it waits out every act that began earlier, and every act
that begins later sees the new share and keeps it.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from psycopg import sql

from openpars.agreements.model import Version
from openpars.db.connect import Connection, Pool
from openpars.db.sql import load
from openpars.shares.keys import ShareKeys
from openpars.shares.tables import Share, role_name, schema_name

Q = load(__package__)


def shares_of(version: Version) -> tuple[Share, ...]:
    """One share per purpose; its combinations are those of every grant that lists the purpose."""
    grants = version.agreement.grants
    found = []
    for purpose in sorted({purpose for grant in grants for purpose in grant.purposes}):
        combinations: dict[str, None] = {}
        for grant in grants:
            if purpose in grant.purposes:
                for fields in grant.find_by:
                    combinations["+".join(fields)] = None
        found.append(Share(version.agreement.id, version.number, purpose, tuple(combinations)))
    return tuple(found)


async def enact(owner: Pool, version: Version, keys: ShareKeys) -> None:
    """Register the version's shares in a transaction of its own. The worker fills them: ring `fence`."""
    async with owner.connection() as conn, conn.transaction():
        await register(conn, version, keys)


async def wait_live(pool: Pool, agreement: str, number: int, *, seconds: float) -> bool:
    """Wait until every share of the version is live; False when that takes longer."""
    for _ in range(max(1, int(seconds / 0.02))):
        async with pool.connection() as conn:
            row = await (await conn.execute(Q.all_live, (agreement, number))).fetchone()
        if row is not None and row[0]:
            return True
        await asyncio.sleep(0.02)
    return False


@dataclass(frozen=True, slots=True)
class Filled:
    """How far the shares of a version are filled: `done` of `files` files; 0 of 0 while they wait."""

    agreement: str
    version: int
    done: int
    files: int

    @property
    def percent(self) -> int:
        """Whole percents, and never 100. For the public, who is not told how many files there are."""
        return min(99, 100 * self.done // self.files) if self.files else 0


async def filled(conn: Connection) -> tuple[Filled, ...]:
    """Every version whose shares are being filled, or wait for it."""
    return tuple(Filled(*row) for row in await (await conn.execute(Q.filled)).fetchall())


async def register(conn: Connection, version: Version, keys: ShareKeys) -> None:
    """As the owner, in one transaction: schema, tables, login, rights. Does nothing when already done."""
    agreement = version.agreement.id
    await conn.execute(Q.close_gate)
    if await (await conn.execute(Q.known_share, (agreement, version.number))).fetchone() is not None:
        return
    schema = sql.Identifier(schema_name(agreement))
    await conn.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(schema))
    role = await _ensure_login(conn, agreement, keys)
    await conn.execute(
        sql.SQL("GRANT USAGE ON SCHEMA {} TO {}, openpars_desk, openpars_door").format(schema, role)
    )
    for share in shares_of(version):
        await conn.execute(share.create())
        await conn.execute(
            sql.SQL("GRANT SELECT, INSERT, UPDATE, DELETE ON {} TO openpars_desk").format(share.table)
        )
        # The door rechecks what stands, never what it says: content is read as the agreement's login.
        await conn.execute(
            sql.SQL("GRANT SELECT (id, grant_no, file_version, until) ON {} TO openpars_door").format(
                share.table
            )
        )
        await conn.execute(
            Q.register_share, (agreement, version.number, share.purpose, list(share.combinations))
        )


async def _ensure_login(conn: Connection, agreement: str, keys: ShareKeys) -> sql.Identifier:
    name = role_name(conn.info.dbname, agreement)
    role = sql.Identifier(name)
    known = await (await conn.execute(Q.role_exists, (name,))).fetchone()
    if known is None:
        await conn.execute(
            sql.SQL(
                # It opens when a version starts, and so do the tables: see `fence.begin`.
                "CREATE ROLE {} NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOINHERIT"
                " CONNECTION LIMIT 20 PASSWORD {}"
            ).format(role, sql.Literal(keys.password(agreement, name)))
        )
    for setting in (
        "default_transaction_read_only = on",
        "statement_timeout = '5s'",
        "idle_in_transaction_session_timeout = '5s'",
    ):
        await conn.execute(sql.SQL("ALTER ROLE {} SET ").format(role) + sql.SQL(setting))
    await conn.execute(
        sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(sql.Identifier(conn.info.dbname), role)
    )
    return role
