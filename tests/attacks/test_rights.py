# SPDX-License-Identifier: Apache-2.0
"""Who may change, delete or take away what, table by table as the server's own catalogue lists them.

A new table is in nobody's list, so whoever makes one must say here what may be done to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import psycopg
import pytest

from openpars.settings import load_desk
from tests.conftest import Database, RunningCity
from tests.driver import Driver

Rights = Mapping[str, Mapping[str, str]]

KEPT = "INSERT"
"""Only ever added: ballots, events, proofs, letters, entries of the log."""

DESK: Rights = {
    "accounts": {
        "recipient": KEPT,
        "recipient_key": "INSERT UPDATE(revoked_at)",
        "staff_key": "INSERT UPDATE(revoked_at)",
        "staff_session": "INSERT UPDATE(seen_at) DELETE",
    },
    "agreements": {
        "agreement": "INSERT UPDATE(epoch,notice_at,notice_ends,suspended_by)",
        "ballot": KEPT,
        "ballot_key": "INSERT UPDATE(revoked_at,revoked_by,revoked_why)",
        "bar_gate": "UPDATE(*)",
        "certificate": KEPT,
        "event": KEPT,
        "letter": KEPT,
        "letter_step": KEPT,
        "proof": KEPT,
        "round": "INSERT UPDATE(decided_at,outcome)",
        "version": "INSERT UPDATE(ended_at,state)",
        "warning": KEPT,
    },
    "desk": {"answered": "INSERT UPDATE(*) DELETE"},
    "feeds": {"docket": "INSERT UPDATE(*)", "snapshot": "INSERT UPDATE(*)"},
    "log": {
        "checkpoint": KEPT,
        "entry": KEPT,
        "label": KEPT,
        "pending": "INSERT DELETE",
        "subtree": KEPT,
    },
    "record": {
        "arrest": "INSERT UPDATE(*)",
        "doomed_person": "INSERT DELETE",
        "interview": "INSERT DELETE",
        "participants": "INSERT DELETE",
        "person": "INSERT UPDATE(*) DELETE",
        "retired": KEPT,
        "version": "INSERT UPDATE(body,interview_version,note,participants_version,ssn)",
    },
    "shares": {
        "change": KEPT,
        "gate": "INSERT UPDATE(*) DELETE",
        "identity": "INSERT UPDATE(*) DELETE",
        "kept": "INSERT UPDATE(*) DELETE",
        "share": "UPDATE(files,filled,reached,state)",
    },
}
DOOR: Rights = {
    "accounts": {"recipient_session": "INSERT UPDATE(seen_at) DELETE"},
    "alerts": {
        "event": "INSERT UPDATE(sent)",
        "feed": "INSERT DELETE",
        "subscription": "INSERT UPDATE(ended_at)",
        "told": "INSERT UPDATE(subscriptions) DELETE",
        "watch": "INSERT DELETE",
    },
    "disclosure": {"use": KEPT},
    "log": {"checkpoint": KEPT, "entry": KEPT, "label": KEPT, "subtree": KEPT},
    "shares": {"change": "DELETE"},
}

TABLES = """
SELECT n.nspname, c.relname, c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname !~ '^(pg_|information_schema$)'
ORDER BY 1, 2
"""


def held(conn: psycopg.Connection[Any], login: str, table: int) -> str:
    """The rights of a login on a table, reading aside, as they are written above."""
    columns = conn.execute(
        "SELECT attname, has_column_privilege(%(login)s::name, attrelid, attnum, 'UPDATE'),"
        " has_column_privilege(%(login)s::name, attrelid, attnum, 'INSERT') FROM pg_attribute"
        " WHERE attrelid = %(table)s AND attnum > 0 AND NOT attisdropped ORDER BY attname",
        {"login": login, "table": table},
    ).fetchall()
    updated = [name for name, update, _ in columns if update]
    words = ["INSERT"] if any(insert for _, _, insert in columns) else []
    if updated:
        words.append(f"UPDATE({'*' if len(updated) == len(columns) else ','.join(updated)})")
    for right in ("DELETE", "TRUNCATE", "REFERENCES", "TRIGGER"):
        row = conn.execute("SELECT has_table_privilege(%s::name, %s::oid, %s)", (login, table, right))
        if row.fetchone() == (True,):
            words.append(right)
    return " ".join(words)


@pytest.mark.parametrize(("login", "may"), [("openpars_desk", DESK), ("openpars_door", DOOR)])
def test_no_process_may_change_more_than_is_said_here(database: Database, login: str, may: Rights) -> None:
    with psycopg.connect(database.superuser_dsn) as conn:
        tables = conn.execute(TABLES).fetchall()
        found = {f"{schema}.{name}": held(conn, login, oid) for schema, name, oid in tables}
    said = {f"{schema}.{name}": rights for schema, rest in may.items() for name, rights in rest.items()}
    assert said.keys() <= found.keys()
    assert found == {name: said.get(name, "") for name in found}


def test_no_process_is_more_than_its_own_login(database: Database) -> None:
    """No attribute, no membership and no ownership gives what no GRANT does."""
    with psycopg.connect(database.superuser_dsn) as conn:
        rows = conn.execute(
            "SELECT rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls,"
            " EXISTS (SELECT FROM pg_auth_members m WHERE m.member = r.oid),"
            " EXISTS (SELECT FROM pg_class c WHERE c.relowner = r.oid),"
            " EXISTS (SELECT FROM pg_namespace n WHERE n.nspowner = r.oid)"
            " OR EXISTS (SELECT FROM pg_namespace n WHERE n.nspname <> 'pg_temp'"
            "            AND has_schema_privilege(r.oid, n.oid, 'CREATE'))"
            " FROM pg_roles r WHERE rolname IN ('openpars_desk', 'openpars_door')"
        ).fetchall()
    assert rows == [(False,) * 8] * 2


def test_no_ballot_key_letter_or_proof_is_changed_by_whoever_has_the_desks_login(
    city: RunningCity, drive: Driver
) -> None:
    """The same asked of a running city, with statements as an attacker would send them."""
    drive.agree()
    with psycopg.connect(load_desk(city.data_dir).desk_dsn, autocommit=True) as conn:
        for statement in (
            "UPDATE agreements.ballot SET choice = 'no'",
            "DELETE FROM agreements.ballot",
            "UPDATE agreements.ballot_key SET public_key = decode(repeat('00', 32), 'hex')",
            "DELETE FROM agreements.ballot_key",
            "UPDATE agreements.round SET closes_at = clock_timestamp() + interval '1 year'",
            "DELETE FROM agreements.round",
            "UPDATE agreements.letter SET content = '{}'",
            "DELETE FROM agreements.letter_step",
            "UPDATE agreements.proof SET manifest = '{}'",
            "UPDATE agreements.certificate SET answer = 'unsat'",
            "UPDATE agreements.bar_switch SET turned_on = false",
            "UPDATE agreements.warning SET days = 1",
            "UPDATE agreements.version SET ends = ends + interval '1 year'",
            "UPDATE agreements.event SET reason = 'x'",
            "UPDATE accounts.staff_key SET role = 'courts'",
            "UPDATE accounts.recipient_key SET recipient = 'ice'",
            "UPDATE log.entry SET leaf = ''",
            "TRUNCATE log.pending",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                conn.execute(statement)


def test_in_a_share_the_door_writes_nothing_and_reads_no_content(city: RunningCity, drive: Driver) -> None:
    """Every share table there is; and each agreement's login has none but its own."""
    drive.agree()
    drive.agree(recipient="ice")
    with psycopg.connect(load_desk(city.data_dir).owner_dsn) as conn:
        shares = [row for row in conn.execute(TABLES).fetchall() if row[0].startswith("share_")]
        assert len(shares) >= 2
        logins = [
            name
            for (name,) in conn.execute(
                "SELECT rolname FROM pg_roles WHERE rolname LIKE %s", ("openpars\\_s\\_%",)
            )
        ]
        for schema, _, oid in shares:
            assert held(conn, "openpars_door", oid) == ""
            readers = [one for one in logins if readable(conn, one, oid)]
            assert len(readers) <= 1, schema
            for login in logins:
                assert held(conn, login, oid) == ""
            assert readable(conn, "openpars_door", oid) == ["file_version", "grant_no", "id", "until"]


def readable(conn: psycopg.Connection[Any], login: str, table: int) -> list[str]:
    """The columns that a login may read."""
    return [
        name
        for (name,) in conn.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = %s AND attnum > 0 AND NOT attisdropped"
            " AND has_column_privilege(%s::name, attrelid, attnum, 'SELECT') ORDER BY attname",
            (table, login),
        )
    ]
