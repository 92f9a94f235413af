# SPDX-License-Identifier: Apache-2.0
"""A connection for which it is later, so that a test of what a term's end does need not wait for one.

What is tested asks the server's `clock_timestamp()` and nothing else. A schema before the server's own
answers with an instant that is ahead. Real clocks are waited for in `tests/attacks` and `tests/lives`.
"""

from __future__ import annotations

from datetime import timedelta

import psycopg

from openpars.db.connect import Connection
from tests.conftest import Database

CLOCK = """
CREATE SCHEMA ahead;
GRANT USAGE ON SCHEMA ahead TO PUBLIC;
CREATE FUNCTION ahead.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE AS
    $$ SELECT pg_catalog.clock_timestamp() + current_setting('ahead.by')::interval $$
"""


async def go_ahead(conn: Connection, database: Database, by: timedelta) -> None:
    """From now on it is later by this much for this connection. Goes once for each database."""
    async with await psycopg.AsyncConnection.connect(database.superuser_dsn, autocommit=True) as superuser:
        await superuser.execute(CLOCK)
    await conn.execute("SELECT set_config('ahead.by', %s, false)", (f"{by.total_seconds()} seconds",))
    await conn.execute("SET search_path = ahead, pg_catalog")
