# SPDX-License-Identifier: Apache-2.0
"""A real PostgreSQL with the log's schema alone: the log knows nothing of the packages above it."""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from openpars.db import embedded
from openpars.log.keys import KeyStore
from openpars.log.note import Signer

LOGINS = ("openpars_owner", "openpars_desk", "openpars_door")
ORIGIN = "log.openpars.invalid/test"


@dataclass(frozen=True, slots=True)
class Database:
    """One empty database with the log's tables, and its logins. `superuser_dsn` is a superuser's."""

    owner_dsn: str
    desk_dsn: str
    door_dsn: str
    superuser_dsn: str


@pytest.fixture(scope="session")
def server() -> Iterator[tuple[str, dict[str, str]]]:
    place = Path(tempfile.mkdtemp(prefix="pars-", dir="/tmp"))
    cluster = embedded.prepare(place, os.environ)
    process = asyncio.run(embedded.start(cluster, {**embedded.DURABLE, "log_statement": "none"}))
    passwords = {login: secrets.token_hex(8) for login in LOGINS}
    with psycopg.connect(cluster.admin_dsn, autocommit=True) as conn:
        for login, password in passwords.items():
            conn.execute(
                sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(
                    sql.Identifier(login), sql.Literal(password)
                )
            )
        conn.execute("GRANT pg_signal_backend TO openpars_owner")
    yield cluster.admin_dsn, passwords
    embedded.stop_now(process)
    embedded.remove(place)
    shutil.rmtree(place, ignore_errors=True)


@pytest.fixture
def database(server: tuple[str, dict[str, str]]) -> Iterator[Database]:
    admin, passwords = server
    name = f"t{secrets.token_hex(6)}"
    with psycopg.connect(admin, autocommit=True) as conn:
        conn.execute(sql.SQL("CREATE DATABASE {} OWNER openpars_owner").format(sql.Identifier(name)))
    dsns = {
        login: make_conninfo(admin, user=login, password=passwords[login], dbname=name) for login in LOGINS
    }
    with psycopg.connect(dsns["openpars_owner"]) as conn:
        conn.execute(files("openpars.log").joinpath("schema.sql").read_bytes())
    yield Database(
        owner_dsn=dsns["openpars_owner"],
        desk_dsn=dsns["openpars_desk"],
        door_dsn=dsns["openpars_door"],
        superuser_dsn=make_conninfo(admin, dbname=name),
    )
    with psycopg.connect(admin, autocommit=True) as conn:
        conn.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def keys(tmp_path: Path) -> Iterator[KeyStore]:
    store = KeyStore(tmp_path / "keys" / "persons.sqlite")
    yield store
    store.close()


@pytest.fixture
def signer() -> Signer:
    return Signer(ORIGIN, bytes(range(32)))
