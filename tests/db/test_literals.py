# SPDX-License-Identifier: Apache-2.0
"""Values as text: the server reads what was meant, whatever the names look like."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import psycopg
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from openpars.db.literals import columns, text
from tests.conftest import Database

AT = datetime(2026, 11, 26, 17, 30, 0, 123456, tzinfo=UTC)
ID = UUID("00112233-4455-6677-8899-aabbccddeeff")

COLUMNS = [
    ("uuid", ID),
    ("int", -3),
    ("bigint", 2**40),
    ("timestamptz", AT),
    ("boolean", True),
    ("boolean", False),
    ("bytea", b"\x00\\\"'\xff"),
    ("text", 'a "quoted" \\ and {braced}, NULL'),
    ("text[]", ["search", "alert"]),
    ("text[]", []),
]


@pytest.mark.parametrize(("kind", "value"), COLUMNS, ids=[f"{kind} {value!r:.12}" for kind, value in COLUMNS])
async def test_a_value_arrives_as_it_was_sent(database: Database, kind: str, value: object) -> None:
    async with await psycopg.AsyncConnection.connect(database.owner_dsn) as conn:
        cursor = psycopg.AsyncRawCursor(conn)
        await cursor.execute(f"SELECT $1::{kind}".encode(), [text(value)])
        assert await cursor.fetchone() == (value,)
        if not isinstance(value, list):
            await cursor.execute(f"SELECT $1::{kind}[]".encode(), columns([(value,), (None,), (value,)], 1))
            assert await cursor.fetchone() == ([value, None, value],)


NAMES = st.lists(st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"])), max_size=5)


# Nothing is written, so one database serves every example.
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(NAMES)
@example(["null", "NULL", '"', "\\", "{}", ",", "", " x "])
def test_names_in_an_array_are_names(database: Database, names: list[str]) -> None:
    with psycopg.connect(database.owner_dsn) as conn:
        cursor = psycopg.RawCursor(conn)
        cursor.execute("SELECT $1::text[]", columns([(name,) for name in names], 1))
        assert cursor.fetchone() == (names,)


def test_what_no_column_holds_is_refused() -> None:
    with pytest.raises(KeyError):
        text(1.5)
