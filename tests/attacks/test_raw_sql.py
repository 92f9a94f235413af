# SPDX-License-Identifier: Apache-2.0
"""Somebody has an agreement's own database login and a prompt: what can they read beyond its share?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from tests.conftest import RunningCity
from tests.driver import Driver

Connect = Callable[[str], psycopg.Connection[Any]]

HOSTILE = [
    "SELECT * FROM record.arrest",
    "SELECT body FROM record.version",
    "SELECT * FROM record.participants",
    "SELECT * FROM record.person",
    "SELECT * FROM accounts.recipient_key",
    "SELECT * FROM accounts.staff_key",
    "SELECT * FROM log.entry",
    "SELECT sealed FROM log.entry",
    "SELECT * FROM log.pending",
    "SELECT * FROM shares.identity",
    "SELECT * FROM shares.kept",
    "SELECT * FROM shares.change",
    "SELECT * FROM shares.share",
    "SELECT * FROM alerts.subscription",
    "SELECT * FROM disclosure.use",
    "SELECT * FROM agreements.agreement",
    "SELECT * FROM feeds.docket",
    "SELECT * FROM desk.answer",
    "SET ROLE openpars_owner",
    "SET ROLE openpars_desk",
    "SET SESSION AUTHORIZATION openpars_desk",
    "CREATE TABLE public.mine (x int)",
    "CREATE TEMP TABLE mine (x int)",
    "CREATE SCHEMA mine",
    "CREATE FUNCTION public.f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "COPY (SELECT 1) TO PROGRAM 'true'",
    "COPY (SELECT 1) TO '/tmp/openpars-attack'",
    "SELECT pg_read_file('/etc/hostname')",
    "SELECT lo_import('/etc/hostname')",
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'openpars_desk'",
    "ALTER ROLE CURRENT_USER CREATEROLE",
    "GRANT openpars_desk TO CURRENT_USER",
    "CREATE EXTENSION dblink",
    "LOCK TABLE shares.gate IN ACCESS EXCLUSIVE MODE",
    "DROP SCHEMA shares CASCADE",
    "VACUUM record.arrest",
    "CHECKPOINT",
]


@pytest.fixture(scope="module")
def standing(city: RunningCity) -> Iterator[str]:
    """One agreement for all statements of this file, with at least one row in its share."""
    driver = Driver(city.base_url, city.keys)
    agreement, _ = driver.agree()
    driver.book()
    yield agreement
    driver.leave()


@pytest.mark.parametrize("statement", HOSTILE)
def test_a_hostile_statement_gives_nothing(standing: str, stolen_login: Connect, statement: str) -> None:
    with stolen_login(standing) as conn, pytest.raises(psycopg.Error):
        conn.execute(statement)


def test_it_reads_its_own_share_and_nothing_can_be_written(drive: Driver, stolen_login: Connect) -> None:
    agreement, purpose = drive.agree()
    drive.book()
    table = f'"share_{agreement}"."v1_{purpose}"'
    with stolen_login(agreement) as conn:
        conn.execute("SET default_transaction_read_only = off")  # the setting is a help, not the wall
        assert conn.execute(f"SELECT count(*) FROM {table}").fetchone() != (0,)
        for statement in (
            f"DELETE FROM {table}",
            f"UPDATE {table} SET body = '{{}}'",
            f"INSERT INTO {table} TABLE {table} ON CONFLICT (id, grant_no) DO UPDATE SET until = null",
            f"TRUNCATE {table}",
            f"ALTER TABLE {table} ADD COLUMN x int",
            f"CREATE INDEX ON {table} (body)",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                conn.execute(statement)


def test_it_cannot_read_another_agreements_share(drive: Driver, stolen_login: Connect) -> None:
    mine, _ = drive.agree(recipient="fbi")
    other, purpose = drive.agree(recipient="ice")
    drive.book()
    with stolen_login(mine) as conn, pytest.raises(psycopg.errors.InsufficientPrivilege):
        conn.execute(f'SELECT * FROM "share_{other}"."v1_{purpose}"')


def test_its_share_holds_no_column_that_was_not_granted(drive: Driver, stolen_login: Connect) -> None:
    agreement, purpose = drive.agree(show='name = "whole", birth_date = "year"')
    arrest, form = drive.book()
    with stolen_login(agreement) as conn:
        rows = conn.execute(f'SELECT * FROM "share_{agreement}"."v1_{purpose}"').fetchall()
    text = repr(rows)
    assert form["arrestee"]["name"]["last"] in text
    for hidden in (
        form["arrestee"]["ssn"],
        form["arrestee"]["ssn"].replace("-", ""),
        "1990-03-04",
        "DOM",
        form["dc_number"],
        arrest,
    ):
        assert hidden not in text


def test_nobody_is_told_anything_by_listening(drive: Driver, standing: str, stolen_login: Connect) -> None:
    with stolen_login(standing) as conn:
        for channel in ("openpars_change", "openpars_fence", "openpars_pending"):
            conn.execute(f"LISTEN {channel}")
        drive.book()
        heard = [note.payload for note in conn.notifies(timeout=1.0)]
    assert set(heard) <= {""}


@pytest.mark.parametrize(
    "oracle",
    [
        "SELECT reltuples FROM pg_class WHERE relname = 'arrest'",
        "SELECT n_tup_ins FROM pg_stat_all_tables WHERE relname = 'arrest'",
        "SELECT last_value FROM pg_sequences",
        "SELECT pg_current_wal_lsn()",
        "SELECT pg_current_xact_id()",
        "SELECT pg_relation_size('record.arrest')",
        "SELECT pg_database_size(current_database())",
        "SELECT pg_advisory_lock(1)",
        "SELECT query FROM pg_stat_activity",
    ],
)
def test_the_catalogue_tells_nothing_about_the_record(
    standing: str, stolen_login: Connect, oracle: str
) -> None:
    with stolen_login(standing) as conn:
        try:
            rows = conn.execute(oracle).fetchall()
        except psycopg.Error:
            return
    assert all(row[0] in (None, "", "<insufficient privilege>") for row in rows), rows
