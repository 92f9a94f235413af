# SPDX-License-Identifier: Apache-2.0
"""What a filling copies in is, to the last byte, what an act would have written."""

from __future__ import annotations

import struct
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from openpars.agreements.project import project
from openpars.shares import packed
from openpars.shares.enact import shares_of
from openpars.shares.fill import fill
from openpars.shares.keep import Keeper
from openpars.shares.rows import table_row
from tests.shares.registered import PURPOSES, registered

COLUMNS: tuple[tuple[str, packed.Pack, st.SearchStrategy[Any]], ...] = (
    ("uuid", packed.uuid, st.uuids()),
    ("int", packed.int4, st.integers(-(2**31), 2**31 - 1)),
    ("bigint", packed.int8, st.integers(-(2**63), 2**63 - 1)),
    ("boolean", packed.boolean, st.booleans()),
    ("text", packed.text, st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))),
    ("text[]", packed.words, st.lists(st.sampled_from(["search", "alert", "", "NULL", '{"']), max_size=4)),
    ("bytea", packed.bytea, st.none() | st.binary(max_size=40)),
    (
        "timestamptz",
        packed.instant,
        st.datetimes(datetime(1900, 1, 1), datetime(9999, 12, 30), timezones=st.just(UTC)),  # noqa: DTZ001
    ),
)


@pytest.fixture
def conn(database: Any) -> Any:
    with psycopg.connect(database.owner_dsn, autocommit=True) as found:
        names = ", ".join(f"c{n} {name}" for n, (name, _, _) in enumerate(COLUMNS))
        found.execute(f"CREATE TABLE public.packed (n int, {names})")
        yield found


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(*(values for _, _, values in COLUMNS)), max_size=5))
def test_the_server_reads_back_what_was_packed(conn: Any, rows: list[tuple[Any, ...]]) -> None:
    conn.execute("TRUNCATE public.packed")
    columns = (packed.int4, *(pack for _, pack, _ in COLUMNS))
    with conn.cursor().copy("COPY public.packed FROM STDIN (FORMAT BINARY)") as copy:
        copy.write(packed.rows([(n, *row) for n, row in enumerate(rows)], columns))
    found = conn.execute("SELECT * FROM public.packed ORDER BY n").fetchall()
    assert [row[1:] for row in found] == rows


def test_what_does_not_fit_is_not_bent() -> None:
    for pack, value in ((packed.int4, 2**31), (packed.int8, 2**63)):
        with pytest.raises((struct.error, OverflowError)):
            pack(value)
    with pytest.raises(ValueError, match="zip"):
        packed.rows([(1, 2)], (packed.int4,))


async def test_a_filled_row_is_the_row_an_act_writes(database: Any) -> None:
    async with registered(database, 60) as city:
        written = await fill(city.desk, city.agreement, 1, city.keys)
        assert written == len(PURPOSES) * len(city.files)
        assert await city.missing() == set()
        assert (await city.share())[0] == "live"
        by_id = {one.id: one for one in city.files}
        ids = {
            row[0]: (by_id[str(row[1])], row[2])
            for row in await city.ask("SELECT id, arrest, slot FROM shares.identity")
        }
        for share in shares_of(city.version):
            for stands in await city.rows(share.purpose):
                file, slot = ids[stands[0]]
                (row,) = (
                    one
                    for one in project(city.version, share.purpose, file, datetime.now(UTC))
                    if one.slot == slot
                )
                wanted = list(table_row(share, file, row, row_id=stands[0], keys=city.keys))
                found = list(stands)
                wanted[7], found[7] = row.criteria, {name: tuple(v) for name, v in found[7].items()}
                # Sealed anew each time: compared opened.
                assert city.keys.subject(city.agreement, UUID(str(found[0])).hex, found.pop(8)) == row.subject
                del wanted[8]
                assert found == wanted
        # An act that changes nothing finds nothing to change: digests and ids are the same as well.
        keeper = Keeper(city.keys)
        async with city.desk.connection() as conn:
            for file in city.files:
                assert not await keeper.refresh(conn, file, file)
