# SPDX-License-Identifier: Apache-2.0
"""A city's data directory: whose turn it is, its sockets, its secrets and its database."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import shutil
import socket
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict, make_conninfo
from pydantic import ValidationError

from openpars.cli.say import CannotRunError
from openpars.db import embedded
from openpars.db.migrate import DESK, DOOR, OWNER
from openpars.settings import (
    City,
    DatabaseLogins,
    MissingSecret,
    Settings,
    create_secrets,
    load_city,
    load_desk,
    load_door,
    write_private,
)

DATABASE = "openpars"
HOST = "127.0.0.1"
BACKLOG = 2048
SOCKET_PATH_LIMIT = 107
IN_A_CITY = frozenset(
    {"run", "secrets", "keys", "pg", "pg.new", "city.json", "demo-keys.json", "loading", "quarantine"}
)
HARMLESS = frozenset({"lost+found", ".gitkeep", ".gitignore", ".DS_Store"})


def settings_for(
    *, data_dir: Path | None, database_url: str | None = None, port: int | None = None
) -> Settings:
    """What was given on the command line, over the environment, over the defaults. `data_dir` is absolute."""
    try:
        settings = Settings()
    except ValidationError as problem:
        names = ", ".join(f"OPENPARS_{str(error['loc'][0]).upper()}" for error in problem.errors())
        raise CannotRunError(f"Not a usable value in the environment: {names}.") from None
    given = {"data_dir": data_dir, "database_url": database_url, "port": port}
    told = settings.model_copy(update={name: value for name, value in given.items() if value is not None})
    return told.model_copy(update={"data_dir": told.data_dir.absolute()})


def open_directory(place: Path) -> None:
    """Make the data directory if it is not there. Raises CannotRunError when it cannot be one."""
    try:
        if not place.exists():
            place.mkdir(parents=True)
            # As root the database runs as another user, who passes through here and lists nothing.
            place.chmod(0o711 if os.geteuid() == 0 else 0o700)
        inside = {entry.name for entry in place.iterdir()}
        if inside - HARMLESS and not inside & IN_A_CITY:
            raise CannotRunError(f"{place} holds something else than a city: choose an empty --data-dir.")
        (place / "run").mkdir(mode=0o700, exist_ok=True)
    except NotADirectoryError:
        raise CannotRunError(f"{place} is not a directory.") from None
    except OSError as problem:
        raise CannotRunError(f"{place} cannot be used as a data directory: {problem.strerror}.") from None
    if len(os.fsencode(place / "run" / "desk.sock")) > SOCKET_PATH_LIMIT:
        raise CannotRunError(
            f"The path of {place} is too long for a socket in it: choose a shorter --data-dir."
        )


@contextlib.contextmanager
def locked(data_dir: Path) -> Iterator[None]:
    """Hold the data directory for this process alone. Raises CannotRunError when a city runs on it."""
    handle = os.open(data_dir / "run" / "up.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        raise CannotRunError(f"A city is already running on {data_dir}{_by_whom(data_dir)}.") from None
    try:
        yield
    finally:
        os.close(handle)


def runs(data_dir: Path) -> bool:
    """Whether a city is running on this data directory."""
    try:
        with locked(data_dir):
            return False
    except CannotRunError:
        return True
    except OSError:
        return False


def bind_port(port: int) -> socket.socket:
    """The public socket, bound and not yet listening. Port 0 takes any free one. Raises CannotRunError."""
    public = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    public.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        public.bind((HOST, port))
        with contextlib.closing(socket.socket()) as probe:
            # Two sockets may be bound alike until one listens: ask whether somebody does.
            probe.settimeout(1.0)
            if port and probe.connect_ex((HOST, port)) == 0:
                raise OSError(errno.EADDRINUSE, "in use")
    except OverflowError:
        raise CannotRunError("A port is a number from 1 to 65535.") from None
    except OSError as problem:
        public.close()
        if problem.errno == errno.EADDRINUSE:
            raise CannotRunError(
                f"Port {port} is in use by another program: end it, or choose another port with --port."
            ) from None
        raise CannotRunError(f"Port {port} cannot be opened: {problem.strerror}.") from None
    return public


def listen_public(public: socket.socket) -> None:
    """Open the public socket for callers. They wait in its queue until the door takes them."""
    try:
        public.listen(BACKLOG)
    except OSError:
        raise CannotRunError(
            f"Port {public.getsockname()[1]} was taken by another program meanwhile."
        ) from None


def listen_desk(path: Path) -> socket.socket:
    """The desk's Unix socket, listening; only its owner can connect. Replaces one left behind."""
    path.unlink(missing_ok=True)
    desk = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    desk.bind(str(path))
    path.chmod(0o600)
    desk.listen(BACKLOG)
    return desk


def embedded_here(data_dir: Path) -> bool:
    """Whether the database of this data directory is the embedded one."""
    return (data_dir / "pg").is_symlink() or (data_dir / "pg").exists()


def city_of(data_dir: Path) -> City | None:
    """`city.json`, or None when no city was started here yet."""
    if not (data_dir / "city.json").exists():
        return None
    try:
        return load_city(data_dir)
    except (MissingSecret, ValueError, TypeError):
        raise CannotRunError(f"{data_dir / 'city.json'} is not whole.") from None


def secrets_for(data_dir: Path, login: Callable[[str, str], str], *, first_start: bool) -> DatabaseLogins:
    """The city's logins, at the server as it is found today. Makes all secrets at a first start.

    `login(user, password)` gives a connection string. Raises CannotRunError when a secret of an
    existing city is missing: a new key could not read what the old one wrote.
    """
    try:
        desk, door = load_desk(data_dir), load_door(data_dir)
    except (MissingSecret, TypeError, ValueError) as problem:
        if not first_start:
            raise CannotRunError(
                f"A secret of this city is missing: {problem}. Bring it back from its copy."
            ) from None
        desk, door = create_secrets(data_dir, _logins(login, *(os.urandom(32).hex() for _ in range(3))))
    logins = _logins(login, *(_password(dsn) for dsn in (desk.owner_dsn, desk.desk_dsn, door.door_dsn)))
    if (desk.owner_dsn, desk.desk_dsn, door.door_dsn) != (logins.owner, logins.desk, logins.door):
        desk = replace(desk, owner_dsn=logins.owner, desk_dsn=logins.desk)
        door = replace(door, door_dsn=logins.door)
        write_private(data_dir / "secrets" / "desk.json", asdict(desk))
        write_private(data_dir / "secrets" / "door.json", asdict(door))
    return logins


def login_at(url: str) -> Callable[[str, str], str]:
    """For `secrets_for`: logins at the server of an administrator's URL, in the city's own database."""

    def login(user: str, password: str) -> str:
        return make_conninfo(url, user=user, password=password, dbname=DATABASE)

    return login


def wipe(data_dir: Path) -> None:
    """Delete everything a city left in its data directory. The caller MUST hold the lock."""
    embedded.remove(data_dir)
    for name in IN_A_CITY - {"run", "pg", "pg.new"}:
        path = data_dir / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def _logins(login: Callable[[str, str], str], owner: str, desk: str, door: str) -> DatabaseLogins:
    return DatabaseLogins(owner=login(OWNER, owner), desk=login(DESK, desk), door=login(DOOR, door))


def _password(dsn: str) -> str:
    return str(conninfo_to_dict(dsn)["password"])


def _by_whom(data_dir: Path) -> str:
    try:
        found = json.loads((data_dir / "run" / "processes.json").read_text(encoding="utf-8"))
        return f" (process {int(found['supervisor'])})"
    except (OSError, ValueError, KeyError, TypeError):
        return ""
