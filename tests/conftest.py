# SPDX-License-Identifier: Apache-2.0
"""A real PostgreSQL for every test that wants one, and one whole running city for the session.

- `database`: a fresh database of your own, cloned from a migrated template in a few milliseconds.
- `settings`: a data directory with secrets for that database, as a city's processes find it.
- `city`: a demo city with all its processes, started once; never change it so that another test fails.

`OPENPARS_TEST_DATABASE_URL` (an administrator's) runs `database` on another server. Never name a
server in use: the roles belong to the whole server, and their passwords are replaced.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from openpars.db import embedded, migrate
from openpars.settings import City, DatabaseLogins, Settings, create_secrets, save_city
from tests.driver import Driver

# Tests that check durability make a cluster of their own; all others need not wait for the disk.
IN_A_HURRY = {**embedded.DURABLE, "fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}
CITY_WITHIN = 180.0


@dataclass(frozen=True, slots=True)
class Template:
    """A migrated database that nobody connects to, and the administrator who copies it."""

    name: str
    superuser_dsn: str
    logins: DatabaseLogins


@dataclass(frozen=True, slots=True)
class Database:
    """One test's own database, by login."""

    name: str
    owner_dsn: str
    desk_dsn: str
    door_dsn: str
    superuser_dsn: str


@dataclass(frozen=True, slots=True)
class RunningCity:
    """A demo city and its keys, as `openpars demo --json` prints them."""

    base_url: str
    keys: dict[str, Any]
    data_dir: Path
    pid: int


@pytest.fixture(scope="session")
def superuser_dsn() -> Iterator[str]:
    """An administrator's connection to the server of this session."""
    given = os.environ.get("OPENPARS_TEST_DATABASE_URL")
    if given:
        yield given
        return
    with short_directory() as directory:
        cluster = embedded.prepare(directory, os.environ)
        server = asyncio.run(embedded.start(cluster, IN_A_HURRY))
        try:
            yield cluster.admin_dsn
        finally:
            asyncio.run(embedded.stop(server))
            embedded.remove(directory)


@pytest.fixture(scope="session")
def template(superuser_dsn: str) -> Iterator[Template]:
    """The template database, migrated once."""
    name = f"openpars_template_{secrets.token_hex(4)}"

    def login(role: str) -> str:
        return make_conninfo(superuser_dsn, user=role, password=secrets.token_hex(16), dbname=name)

    logins = DatabaseLogins(owner=login(migrate.OWNER), desk=login(migrate.DESK), door=login(migrate.DOOR))
    asyncio.run(migrate.bootstrap(superuser_dsn, logins))
    asyncio.run(migrate.migrate(logins.owner))
    yield Template(name, superuser_dsn, logins)
    with psycopg.connect(superuser_dsn, autocommit=True) as conn:
        _drop(conn, name)


@pytest.fixture(scope="session")
def administrator(template: Template) -> Iterator[psycopg.Connection[Any]]:
    """One connection that makes and drops the tests' databases."""
    with psycopg.connect(template.superuser_dsn, autocommit=True) as conn:
        yield conn


@pytest.fixture
def database(template: Template, administrator: psycopg.Connection[Any]) -> Iterator[Database]:
    """A database of this test's own."""
    name = f"openpars_test_{secrets.token_hex(6)}"
    here = sql.Identifier(name)
    before = _agreement_logins(administrator)
    administrator.execute(
        sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {} STRATEGY file_copy").format(
            here, sql.Identifier(migrate.OWNER), sql.Identifier(template.name)
        )
    )
    # Rights on a database are not copied with it.
    administrator.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(here))
    administrator.execute(
        sql.SQL("GRANT CONNECT ON DATABASE {} TO {}, {}").format(
            here, sql.Identifier(migrate.DESK), sql.Identifier(migrate.DOOR)
        )
    )
    yield Database(
        name=name,
        owner_dsn=migrate.with_database(template.logins.owner, name),
        desk_dsn=migrate.with_database(template.logins.desk, name),
        door_dsn=migrate.with_database(template.logins.door, name),
        superuser_dsn=migrate.with_database(template.superuser_dsn, name),
    )
    _drop(administrator, name)
    for role in _agreement_logins(administrator) - before:
        administrator.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))


@pytest.fixture
def settings(database: Database, tmp_path: Path) -> Settings:
    """A city's data directory on this test's database: its secrets and its `city.json`."""
    data_dir = tmp_path / "city"
    create_secrets(
        data_dir, DatabaseLogins(owner=database.owner_dsn, desk=database.desk_dsn, door=database.door_dsn)
    )
    (data_dir / "run").mkdir(mode=0o700)
    (data_dir / "keys").mkdir(mode=0o700)
    save_city(data_dir, City(base_url="http://127.0.0.1:8080", demo=True))
    return Settings(data_dir=data_dir)


class CityProcess:
    """`openpars up` on a data directory and a free port, in a process group of its own.

    `program` is the Python to run it with, `environment` what it finds, `user` whom it runs as; all
    ours unless told.
    """

    def __init__(
        self,
        directory: Path,
        *options: str,
        program: str = sys.executable,
        environment: Mapping[str, str] | None = None,
        user: int | None = None,
    ) -> None:
        self.directory = directory
        self._output = tempfile.TemporaryFile()  # noqa: SIM115  (lives as long as the process)
        self.process = subprocess.Popen(
            [program, "-P", "-m", "openpars.cli", "up", "--data-dir", directory, *_free_port(options)],
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=self._output,
            process_group=0,
            cwd=directory,
            env={**os.environ, **(environment or {})},
            user=user,
            group=user,
            extra_groups=None if user is None else [],
        )

    def said(self) -> str:
        """What it has said so far."""
        return os.pread(self._output.fileno(), 1_000_000, 0).decode()

    def ready(self) -> str:
        """Its address, once it answers there. Fails the test with what it said otherwise."""
        until = time.monotonic() + CITY_WITHIN
        while time.monotonic() < until:
            if self.process.poll() is not None:
                pytest.fail(f"the city ended with {self.process.returncode}:\n{self.said()}")
            if "OpenPARS is up" in self.said():
                return self.base_url()
            time.sleep(0.02)
        self.stop()
        pytest.fail(f"the city did not come up in {CITY_WITHIN:.0f} s:\n{self.said()}")

    def base_url(self) -> str:
        """Its address, as it stands in `city.json`."""
        found: str = json.loads((self.directory / "city.json").read_text(encoding="utf-8"))["base_url"]
        return found

    def pids(self) -> dict[str, int]:
        """Its processes by name, the supervisor included."""
        found: dict[str, int] = json.loads(
            (self.directory / "run" / "processes.json").read_text(encoding="utf-8")
        )
        return found

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal if it still runs; its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            return self.process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise


@pytest.fixture(scope="session")
def city() -> Iterator[RunningCity]:
    """A demo city of 200 arrests with all its processes, on a free port."""
    with demo_city() as running:
        yield running


@contextlib.contextmanager
def demo_city() -> Iterator[RunningCity]:
    """Start one and stop it."""
    with short_directory() as directory:
        running = CityProcess(directory, "--demo", "--arrests", "200")
        try:
            base_url = running.ready()
            keys = json.loads((directory / "demo-keys.json").read_text(encoding="utf-8"))["keys"]
            yield RunningCity(base_url, keys, directory, running.process.pid)
        finally:
            running.stop()
            embedded.remove(directory)


@pytest.fixture
def drive(city: RunningCity) -> Iterator[Driver]:
    """Drives the session's city; what it enacts ends with the test."""
    driver = Driver(city.base_url, city.keys)
    yield driver
    driver.leave()


@pytest.fixture
def start_city() -> Iterator[Callable[..., CityProcess]]:
    """Starts cities that a test may do anything to: `start_city(directory, "--demo", ...)`."""
    started: list[CityProcess] = []

    def start(directory: Path, *options: str, **how: Any) -> CityProcess:
        started.append(CityProcess(directory, *options, **how))
        return started[-1]

    yield start
    for running in started:
        running.stop()


@pytest.fixture
def city_directory() -> Iterator[Path]:
    """An empty data directory with a short path."""
    with short_directory() as directory:
        yield directory
        embedded.remove(directory)


def _free_port(options: Sequence[str]) -> tuple[str, ...]:
    return tuple(options) if "--port" in options else ("--port", "0", *options)


@contextlib.contextmanager
def short_directory() -> Iterator[Path]:
    """A temporary directory with a short path (sockets) that the server's account can pass through."""
    directory = Path(tempfile.mkdtemp(prefix="op-"))
    directory.chmod(0o711)
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _drop(conn: psycopg.Connection[Any], name: str) -> None:
    conn.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def _agreement_logins(conn: psycopg.Connection[Any]) -> set[str]:
    return {
        row[0] for row in conn.execute("SELECT rolname FROM pg_roles WHERE rolname LIKE 'openpars\\_s\\_%'")
    }
