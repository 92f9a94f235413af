# SPDX-License-Identifier: Apache-2.0
"""Make a version's shares: register them, then fill them under the files' locks.

Registering takes the gate EXCLUSIVE, so it waits out every act that began earlier, and every act
that begins later sees the new share and keeps it. Filling can then go on beside the acts, and be
killed and begun again: a file that already stands in the share is left as its act made it.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from psycopg import sql

from openpars.agreements.model import Version
from openpars.agreements.project import ShareRow
from openpars.db.connect import Connection, Pool
from openpars.db.sql import load
from openpars.record import store
from openpars.record.file import ArrestFile
from openpars.shares.keep import Keeper, OpenShare, projected
from openpars.shares.keys import ShareKeys
from openpars.shares.rows import kept_row, table_row
from openpars.shares.tables import Share, role_name, schema_name

Q = load(__package__)

BATCH = 500


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


async def fill(
    pool: Pool, version: Version, keys: ShareKeys, *, progress: Callable[[int], None] | None = None
) -> int:
    """Fill the version's shares from every arrest file; then they are live. Returns rows written.

    Cost: one pass over the files, a few milliseconds for each hundred. Locks one batch at a time.
    """
    keeper = Keeper(keys)
    after: UUID | None = None
    written = done = 0
    async with pool.connection() as conn:
        known = (version.agreement.id, version.number)
        begun = await (await conn.execute(Q.round, known)).fetchone()
    while True:
        async with pool.connection() as conn, conn.transaction():
            # Files first and the gate second, as every act does: in the other order they could deadlock.
            files = await store.lock_batch(conn, after=after, limit=BATCH)
            open_shares, clock = await keeper.open_shares(conn)
            mine = [
                one
                for one in open_shares
                if (one.share.agreement, one.share.version) == (version.agreement.id, version.number)
            ]
            if not files or not mine:
                await conn.execute(Q.mark_live, (*known, begun[0] if begun is not None else None))
                return written
            for one in mine:
                rows = [
                    _Found(UUID(file.id), file, row) for file in files for row in projected(one, file, clock)
                ]
                written += await _copy(conn, one, rows, keys)
            after = UUID(files[-1].id)
            done += len(files)
        if progress is not None:
            progress(done)


@dataclass(frozen=True, slots=True)
class _Found:
    """A row that a file gives."""

    arrest: UUID
    file: ArrestFile
    row: ShareRow


async def _copy(conn: Connection, one: OpenShare, rows: list[_Found], keys: ShareKeys) -> int:
    share = one.share
    standing = await (
        await conn.execute(
            Q.standing_arrests,
            ([found.arrest for found in rows], share.agreement, share.version, share.purpose),
        )
    ).fetchall()
    done = {row[0] for row in standing}
    rows = [found for found in rows if found.arrest not in done]
    if not rows:
        return 0
    ids = await _identities(conn, share.agreement, rows)
    async with conn.cursor().copy(sql.SQL("COPY {} FROM STDIN").format(share.table)) as copy:
        for found in rows:
            row_id = ids[found.arrest, found.row.slot]
            await copy.write_row(table_row(share, found.file, found.row, row_id=row_id, keys=keys))
    async with conn.cursor().copy(
        "COPY shares.kept (arrest, agreement, version, purpose, slot, grant_no, id, digest, until) FROM STDIN"
    ) as copy:
        for found in rows:
            row_id = ids[found.arrest, found.row.slot]
            await copy.write_row((found.arrest, *kept_row(share, found.row, row_id=row_id, keys=keys)))
    return len(rows)


async def _identities(conn: Connection, agreement: str, rows: list[_Found]) -> dict[tuple[UUID, str], UUID]:
    wanted = {(found.arrest, found.row.slot) for found in rows}
    known = await (
        await conn.execute(Q.identities_in, (agreement, sorted({arrest for arrest, _ in wanted})))
    ).fetchall()
    ids = {(row[0], row[1]): row[2] for row in known}
    fresh = [(arrest, slot) for arrest, slot in sorted(wanted) if (arrest, slot) not in ids]
    async with conn.cursor().copy("COPY shares.identity (agreement, arrest, slot, id) FROM STDIN") as copy:
        for arrest, slot in fresh:
            ids[(arrest, slot)] = UUID(bytes=secrets.token_bytes(16))
            await copy.write_row((agreement, arrest, slot, ids[(arrest, slot)]))
    return ids
