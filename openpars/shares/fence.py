# SPDX-License-Identifier: Apache-2.0
"""What a raw connection can read: opened when a version starts, shut at a suspension, gone at the end.

The caller has already committed a suspension or an end (it moves the epoch): from that instant the
door answers no. What follows here takes away what the agreement's own login could still read.
"""

from __future__ import annotations

from psycopg import sql

from openpars.agreements import register
from openpars.db.connect import Connection, Pool
from openpars.db.sql import load
from openpars.shares.tables import Share, role_name, schema_name

Q = load(__package__)


async def close(owner: Pool, agreement: str) -> None:
    """Cut the login off, end its backends, then drop its shares. Idempotent.

    Does nothing while a version stands or awaits its hour: whoever repeats the request that ended an earlier
    one must not take the shares of what was voted since. Two transactions: the cut does not wait for acts;
    the drop waits for those that are writing a share.
    """
    async with owner.connection() as conn, conn.transaction():
        if await _stands(conn, agreement):
            return
        await conn.execute(Q.begin_cut)
        role = await _login(conn, agreement)
        if role is not None:
            await conn.execute(sql.SQL("ALTER ROLE {} NOLOGIN").format(sql.Identifier(role)))
    async with owner.connection() as conn, conn.transaction():
        if await _stands(conn, agreement):
            return
        await conn.execute(Q.begin_cut)
        role = await _login(conn, agreement)
        if role is not None:
            # A statement that runs now would go on reading for as long as it likes.
            await conn.execute(Q.end_backends, (role,))
        await conn.execute(Q.close_gate)
        await conn.execute(
            sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(schema_name(agreement)))
        )
        await conn.execute(Q.mark_closed, (agreement,))
        await conn.execute(Q.forget_kept, (agreement,))
        await conn.execute(Q.forget_changes, (agreement,))
        if role is not None:
            await conn.execute(
                sql.SQL("REVOKE CONNECT ON DATABASE {} FROM {}").format(
                    sql.Identifier(conn.info.dbname), sql.Identifier(role)
                )
            )
            await conn.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))


async def _stands(conn: Connection, agreement: str) -> bool:
    """Whether anything of it has a share by right. Locks its row: until the commit nothing starts."""
    await register.lock(conn, agreement)
    return any(
        one.agreement == agreement and one.state in {"balloted", *register.STANDING}
        for one in await register.standings(conn)
    )


async def let_in(owner: Pool, agreement: str, version: int) -> None:
    """Give the login the shares of the version that starts or goes on, until the end of its term.

    MUST be called while the agreement's row is locked by what starts or resumes it, before its commit:
    so that nobody is refused afterwards, and `settle` cannot find the one without the other.
    """
    async with owner.connection() as conn, conn.transaction():
        await conn.execute(Q.begin_cut)
        role = await _login(conn, agreement)
        if role is not None:
            await _let_in(conn, role, agreement, version)


async def begin(owner: Pool, agreement: str, version: int) -> None:
    """`let_in` for a version that starts, under the same conditions; a suspension that is lifted is no start.

    What an agreement's first share was told while it was filled is forgotten: nobody could ask under it yet,
    so it is news to nobody, and would be told as *appeared* to whoever subscribes first.
    """
    await let_in(owner, agreement, version)
    async with owner.connection() as conn:
        await conn.execute(Q.forget_filling, {"agreement": agreement, "version": version})


async def _let_in(conn: Connection, role: str, agreement: str, version: int) -> None:
    until = next(
        s.until for s in await register.standings(conn) if (s.agreement, s.version) == (agreement, version)
    )
    for row in await (await conn.execute(Q.version_shares, (agreement, version))).fetchall():
        share = Share(row[0], row[1], row[2], tuple(row[3]))
        # SELECT and nothing else, ever: a login that may write can be made to leak through upserts.
        await conn.execute(sql.SQL("GRANT SELECT ON {} TO {}").format(share.table, sql.Identifier(role)))
    # The server itself refuses the password after the term, should nobody be there to shut the login.
    await conn.execute(
        sql.SQL("ALTER ROLE {} LOGIN VALID UNTIL {}").format(
            sql.Identifier(role), sql.Literal(until.isoformat())
        )
    )


async def settle(owner: Pool, agreement: str) -> None:
    """Bring the login in line with the agreement: open while a version is in force, else shut and cut."""
    async with owner.connection() as conn, conn.transaction():
        await register.lock(conn, agreement)
        standings = await register.standings(conn)
        number = next(
            (s.version for s in standings if s.agreement == agreement and s.state == "in_force"), None
        )
        await conn.execute(Q.begin_cut)
        role = await _login(conn, agreement)
        if role is None:
            return
        if number is not None:
            await _let_in(conn, role, agreement, number)
            return
        await conn.execute(sql.SQL("ALTER ROLE {} NOLOGIN").format(sql.Identifier(role)))
    async with owner.connection() as conn:
        # After the commit, so that none of them comes back.
        await conn.execute(Q.end_backends, (role,))


async def unsettled(owner: Pool) -> tuple[str, ...]:
    """The agreements whose login is not as their state says: whatever was killed in between."""
    async with owner.connection() as conn:
        known = {row[0] for row in await (await conn.execute(Q.unclosed)).fetchall()}
        standings = await register.standings(conn)
        names = {role_name(conn.info.dbname, agreement): agreement for agreement in known}
        rows = await (await conn.execute(Q.logins, (list(names),))).fetchall()
    until = {s.agreement: s.until for s in standings if s.state == "in_force"}
    # Open until when it ends, which notice may have moved; else shut.
    return tuple(
        names[name]
        for name, may, valid in rows
        if may != (names[name] in until) or (may and valid != until[names[name]])
    )


async def _login(conn: Connection, agreement: str) -> str | None:
    name = role_name(conn.info.dbname, agreement)
    known = await (await conn.execute(Q.role_exists, (name,))).fetchone()
    return None if known is None else name


async def empty(conn: Connection, agreement: str) -> None:
    """Take every row out of an agreement's shares, to be filled anew: a bar above it has changed.

    MUST run in the transaction that switches the bar, as the owner. It waits until no act is writing a share:
    what one commits a moment later would stand there as the old bars allowed it. Acts wait meanwhile.
    """
    await conn.execute(Q.close_gate)
    for row in await (await conn.execute(Q.open_shares_of, (agreement,))).fetchall():
        share = Share(row[0], row[1], row[2], tuple(row[3]))
        await conn.execute(share.clear())
    await conn.execute(Q.forget_kept, (agreement,))
    await conn.execute(Q.mark_emptied, (agreement,))


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
