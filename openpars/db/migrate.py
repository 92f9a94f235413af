# SPDX-License-Identifier: Apache-2.0
"""Create the roles, the database and the schemas. Runs at every start; does what is missing.

There is no numbered migration yet: those begin with the first release. A database made by another
version is refused with a sentence instead of being half changed.
"""

from __future__ import annotations

import hashlib
from importlib.resources import files

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from openpars.settings import DatabaseLogins

OWNER, DESK, DOOR = "openpars_owner", "openpars_desk", "openpars_door"

SCHEMAS = ("log", "record", "accounts", "agreements", "shares", "disclosure", "alerts", "desk", "feeds")
"""Packages that keep tables, in rank order. The schema has the package's name."""


class SchemaMismatch(Exception):
    """The database was made by another version of OpenPARS."""


def _text(schema: str) -> str:
    return files("openpars").joinpath(schema, "schema.sql").read_text(encoding="utf-8")


def fingerprint() -> str:
    """SHA-256 over every schema file: one value names the whole layout."""
    digest = hashlib.sha256()
    for schema in SCHEMAS:
        digest.update(_text(schema).encode())
    return digest.hexdigest()


async def bootstrap(admin_dsn: str, logins: DatabaseLogins) -> None:
    """As an administrator of the server: the three logins and the database. Idempotent.

    The administrator's own connection is used here and nowhere else.
    """
    async with await psycopg.AsyncConnection.connect(admin_dsn, autocommit=True) as conn:
        for role, dsn, extra in (
            (OWNER, logins.owner, "CREATEROLE"),
            (DESK, logins.desk, ""),
            (DOOR, logins.door, ""),
        ):
            await _ensure_role(conn, role, str(conninfo_to_dict(dsn)["password"]), extra)
        # The owner ends a recipient's running statements at the fence: see shares.fence.
        await conn.execute("GRANT pg_signal_backend TO openpars_owner")
        name = str(conninfo_to_dict(logins.owner)["dbname"])
        cursor = await conn.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,))
        if await cursor.fetchone() is None:
            # A superuser may give a database to any role; elsewhere the administrator joins it first.
            await conn.execute("GRANT openpars_owner TO CURRENT_USER")
            await conn.execute(
                sql.SQL("CREATE DATABASE {} OWNER openpars_owner TEMPLATE template0").format(
                    sql.Identifier(name)
                )
            )
        await conn.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(name)))
        await conn.execute(
            sql.SQL("GRANT CONNECT ON DATABASE {} TO openpars_desk, openpars_door").format(
                sql.Identifier(name)
            )
        )
    await _lock_down(with_database(admin_dsn, name))


async def _lock_down(admin_dsn: str) -> None:
    """Close the server's own catalogue to recipients' logins. Only a superuser can."""
    text = files("openpars").joinpath("db", "lockdown.sql").read_text(encoding="utf-8")
    async with await psycopg.AsyncConnection.connect(admin_dsn) as conn:
        row = await (
            await conn.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
        ).fetchone()
        if row is not None and row[0]:
            await conn.execute(text.encode())


async def _ensure_role(
    conn: psycopg.AsyncConnection[tuple[object, ...]], role: str, password: str, extra: str
) -> None:
    cursor = await conn.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,))
    verb = "ALTER" if await cursor.fetchone() is not None else "CREATE"
    await conn.execute(
        sql.SQL("{} ROLE {} LOGIN NOSUPERUSER NOCREATEDB {} PASSWORD {}").format(
            sql.SQL("ALTER" if verb == "ALTER" else "CREATE"),
            sql.Identifier(role),
            sql.SQL("CREATEROLE" if extra == "CREATEROLE" else "NOCREATEROLE"),
            sql.Literal(password),
        )
    )


async def migrate(owner_dsn: str) -> None:
    """As the owner: every schema of every package, in one transaction. Idempotent.

    Raises SchemaMismatch when the database holds another version's layout.
    """
    wanted = fingerprint()
    async with await psycopg.AsyncConnection.connect(owner_dsn) as conn:
        cursor = await conn.execute("SELECT to_regclass('public.openpars_layout')")
        row = await cursor.fetchone()
        if row is not None and row[0] is not None:
            cursor = await conn.execute("SELECT fingerprint FROM public.openpars_layout")
            found = await cursor.fetchone()
            if found is None or found[0] != wanted:
                raise SchemaMismatch
            return
        await conn.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
        for schema in SCHEMAS:
            await conn.execute(_text(schema).encode())
        await conn.execute("CREATE TABLE public.openpars_layout (fingerprint text NOT NULL)")
        await conn.execute("INSERT INTO public.openpars_layout VALUES (%s)", (wanted,))


def with_database(dsn: str, name: str) -> str:
    """The same login on another database."""
    return make_conninfo(dsn, dbname=name)
