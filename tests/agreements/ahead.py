# SPDX-License-Identifier: Apache-2.0
"""A connection for which it is later, so that a test of what a term's end does need not wait for one.

What is tested asks the server's `clock_timestamp()` and nothing else. A schema before the server's own
answers with an instant that is ahead. Real clocks are waited for in `tests/attacks` and `tests/lives`.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import psycopg

from openpars.db.connect import Connection
from tests.conftest import Database

CLOCK = """
CREATE SCHEMA IF NOT EXISTS ahead;
GRANT USAGE ON SCHEMA ahead TO PUBLIC;
CREATE OR REPLACE FUNCTION ahead.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE AS $$
    SELECT coalesce(nullif(current_setting('ahead.at', true), '')::timestamptz,
                    pg_catalog.clock_timestamp() + current_setting('ahead.by', true)::interval)
$$
"""


async def go_ahead(conn: Connection, database: Database, by: timedelta) -> None:
    """From now on it is later by this much for this connection."""
    await _set(conn, database, "ahead.by", f"{by.total_seconds()} seconds")


async def stop_at(conn: Connection, database: Database, at: datetime) -> None:
    """From now on it is exactly this instant for this connection."""
    await _set(conn, database, "ahead.at", at.isoformat())


async def _set(conn: Connection, database: Database, name: str, value: str) -> None:
    async with await psycopg.AsyncConnection.connect(database.superuser_dsn, autocommit=True) as superuser:
        await superuser.execute(CLOCK)
    await conn.execute("SELECT set_config(%s, %s, false)", (name, value))
    await conn.execute("SET search_path = ahead, pg_catalog")
