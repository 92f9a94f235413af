# SPDX-License-Identifier: Apache-2.0
"""The schemas as a whole: they build, and each login has exactly the rights it needs."""

from __future__ import annotations

import psycopg
import pytest

from tests.conftest import Database

READS_NOTHING = ("record", "desk", "feeds")


def test_the_door_has_no_right_on_anything_of_the_record(database: Database) -> None:
    with psycopg.connect(database.superuser_dsn) as conn:
        rows = conn.execute(
            "SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE n.nspname = ANY (%s) AND c.relkind IN ('r', 'p', 'v', 'm', 'S')",
            (list(READS_NOTHING),),
        ).fetchall()
        assert rows
        for schema, table in rows:
            for right in ("SELECT", "INSERT", "UPDATE", "DELETE"):
                held = conn.execute(
                    "SELECT has_table_privilege('openpars_door', %s, %s) OR has_any_column_privilege("
                    "'openpars_door', %s, CASE WHEN %s = 'DELETE' THEN 'SELECT' ELSE %s END)",
                    (f"{schema}.{table}", right, f"{schema}.{table}", right, right),
                ).fetchone()
                assert held == (False,), (schema, table, right)


def test_no_login_may_change_or_delete_the_log(database: Database) -> None:
    with psycopg.connect(database.superuser_dsn) as conn:
        for login in ("openpars_desk", "openpars_door"):
            for table in ("log.entry", "log.checkpoint", "log.subtree"):
                for right in ("UPDATE", "DELETE", "TRUNCATE"):
                    held = conn.execute(
                        "SELECT has_table_privilege(%s, %s, %s)", (login, table, right)
                    ).fetchone()
                    assert held == (False,), (login, table, right)


def test_each_process_reads_and_writes_its_own_tree_of_the_log(database: Database) -> None:
    insert = (
        "INSERT INTO log.entry (tree, index, leaf, leaf_hash, sealed, at) VALUES (%s, 0, '', %s, '', now())"
    )
    with psycopg.connect(database.owner_dsn, autocommit=True) as conn:
        conn.execute(insert, ("acts", bytes(32)))
    with psycopg.connect(database.door_dsn, autocommit=True) as conn:
        assert conn.execute("SELECT count(*) FROM log.entry").fetchone() == (0,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            conn.execute(insert.replace("0,", "1,", 1), ("acts", bytes(32)))
        conn.execute(insert, ("disclosures", bytes(32)))
    with psycopg.connect(database.desk_dsn, autocommit=True) as conn:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            conn.execute(insert.replace("0,", "1,", 1), ("disclosures", bytes(32)))
        assert conn.execute("SELECT count(*) FROM log.entry").fetchone() == (2,)
