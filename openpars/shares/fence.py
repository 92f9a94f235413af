# SPDX-License-Identifier: Apache-2.0
"""The end of an agreement's shares: login, running statements, tables, feed.

The caller has already committed the end (`agreements.register.end` moves the epoch): from that
instant the door answers no. What follows here takes away what a raw connection could still read.
"""

from __future__ import annotations

from psycopg import sql

from openpars.db.connect import Pool
from openpars.db.sql import load
from openpars.shares.tables import Share, role_name, schema_name

Q = load(__package__)


async def close(owner: Pool, agreement: str) -> None:
    """Cut the login off, end its backends, then drop its shares. Idempotent.

    Two transactions: the cut waits for nobody; the drop waits for acts that are writing a share.
    """
    role = ""
    async with owner.connection() as conn, conn.transaction():
        name = role_name(conn.info.dbname, agreement)
        known = await (await conn.execute(Q.role_exists, (name,))).fetchone()
        if known is not None:
            role = name
            await conn.execute(sql.SQL("ALTER ROLE {} NOLOGIN").format(sql.Identifier(role)))
    async with owner.connection() as conn, conn.transaction():
        if role:
            # A statement that runs now would go on reading for as long as it likes.
            await conn.execute(Q.end_backends, (role,))
        await conn.execute(Q.close_gate)
        await conn.execute(
            sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(schema_name(agreement)))
        )
        await conn.execute(Q.mark_closed, (agreement,))
        await conn.execute(Q.forget_kept, (agreement,))
        await conn.execute(Q.forget_changes, (agreement,))
        if role:
            await conn.execute(
                sql.SQL("REVOKE CONNECT ON DATABASE {} FROM {}").format(
                    sql.Identifier(conn.info.dbname), sql.Identifier(role)
                )
            )
            await conn.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))


async def retire(owner: Pool, agreement: str, version: int) -> None:
    """After an amendment has started: drop the shares of the version before it. Idempotent.

    The feed belongs to the agreement, so it goes on, and tells the difference.
    """
    async with owner.connection() as conn, conn.transaction():
        await conn.execute(Q.close_gate)
        rows = await (await conn.execute(Q.version_shares, (agreement, version))).fetchall()
        await conn.execute(Q.announce_all, (agreement,))
        for row in rows:
            share = Share(row[0], row[1], row[2], tuple(row[3]))
            await conn.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(share.table))
        await conn.execute(Q.forget_kept_version, (agreement, version))
        await conn.execute(Q.mark_version_closed, (agreement, version))
