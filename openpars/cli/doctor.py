# SPDX-License-Identifier: Apache-2.0
"""`openpars doctor`: what is right on this machine, and what to do about the rest."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import os
import platform
import shutil
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import psycopg
import typer

from openpars.cli import place
from openpars.cli.say import CannotRunError, Exit, give_json
from openpars.db import embedded, floor, privilege
from openpars.db.privilege import ServerUnusableError
from openpars.settings import MissingSecret, Settings, load_desk

app = typer.Typer()

NEEDED_PYTHON = (3, 11)
NEEDED_DISK = 2 * 10**9  # bytes: a demo of 200,000 arrests and its log, with room


class Verdict(StrEnum):
    """What a check found."""

    RIGHT = "right"
    NOTE = "note"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at. `advice` says what to do; None when there is nothing to do."""

    name: str
    verdict: Verdict
    found: str
    advice: str | None = None


@app.command()
def doctor(
    data_dir: Annotated[
        Path | None, typer.Option(help="The city's data directory. [default: ./var]", show_default=False)
    ] = None,
    database_url: Annotated[str | None, typer.Option(help="Another server to look at.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False,
) -> None:
    """Check this machine and this city. Exit status 1 when something is wrong."""
    settings = place.settings_for(data_dir=data_dir, database_url=database_url)
    checks = list(examine(settings))
    if as_json:
        give_json({"checks": [asdict(check) for check in checks]})
    else:
        for check in checks:
            print(f"{check.verdict:<6} {check.name}: {check.found}")
            if check.advice is not None:
                print(f"       {check.advice}")
    if any(check.verdict is Verdict.WRONG for check in checks):
        raise typer.Exit(Exit.FOUND)


def examine(settings: Settings) -> Iterator[Check]:
    """Every check in turn. None of them changes anything."""
    yield python(sys.version_info[:2])
    yield programs()
    yield server(settings)
    yield port(settings)
    yield private_files(settings.data_dir)
    yield disk(settings.data_dir)
    yield solver()


def python(version: tuple[int, ...]) -> Check:
    """Whether this Python is new enough."""
    found = f"{platform.python_implementation()} {'.'.join(map(str, version))}"
    if version >= NEEDED_PYTHON:
        return Check("Python", Verdict.RIGHT, found)
    return Check("Python", Verdict.WRONG, found, "OpenPARS needs Python 3.11 or newer.")


def programs() -> Check:
    """Whether there is a server we can run, and as whom."""
    try:
        found = embedded.find(os.environ)
        account = privilege.server_account(os.environ)
    except ServerUnusableError as problem:
        return Check(
            "embedded server",
            Verdict.WRONG,
            str(problem),
            "Or give a server with `openpars up --database-url`.",
        )
    whom = "as yourself" if account is None else f"as the user [{account.name}], since you are root"
    return Check(
        "embedded server",
        Verdict.RIGHT,
        f"PostgreSQL {_dotted(found.version)} from {found.source}, run {whom}",
    )


def server(settings: Settings) -> Check:
    """The city's server against the floor of versions that may serve recipients."""
    version = _running_version(settings)
    where = "the city's server"
    if version is None:
        if settings.database_url is not None:
            return Check(
                "server version", Verdict.WRONG, "the server does not answer", "Check --database-url."
            )
        with contextlib.suppress(ServerUnusableError):
            version, where = embedded.find(os.environ).version, "the embedded server, not running"
    if version is None:
        return Check("server version", Verdict.NOTE, "no server to look at")
    wrong = floor.sentence(version)
    if wrong is None:
        return Check("server version", Verdict.RIGHT, f"PostgreSQL {_dotted(version)} ({where})")
    with contextlib.suppress(CannotRunError):
        city = place.city_of(settings.data_dir)
        if city is not None and not city.demo:
            return Check("server version", Verdict.WRONG, wrong, "Until then recipients are refused.")
    return Check("server version", Verdict.NOTE, wrong, "Good for a demo, which says so on every page.")


def port(settings: Settings) -> Check:
    """Whether the port is free, or ours."""
    with contextlib.suppress(CannotRunError):
        city = place.city_of(settings.data_dir)
        if city is not None and place.runs(settings.data_dir):
            return Check("port", Verdict.RIGHT, f"a city is running at {city.base_url}")
    try:
        place.bind_port(settings.port).close()
    except CannotRunError as problem:
        return Check("port", Verdict.WRONG, str(problem))
    return Check("port", Verdict.RIGHT, f"{settings.port} is free")


def private_files(data_dir: Path) -> Check:
    """Whether the secrets are readable by their owner alone."""
    if not (data_dir / "secrets").is_dir():
        return Check("secrets", Verdict.NOTE, f"no city in {data_dir} yet")
    private = [*(data_dir / "secrets").iterdir(), *(data_dir / "keys").glob("*"), data_dir / "demo-keys.json"]
    looked = [path for path in private if path.exists()]
    loose = [path for path in looked if path.stat().st_mode & 0o077 and not _shut(path.parent)]
    if loose:
        names = " ".join(str(path) for path in loose)
        return Check("secrets", Verdict.WRONG, "others may read them", f"chmod 600 {names}")
    return Check("secrets", Verdict.RIGHT, f"{len(looked)} files, readable by their owner alone")


def disk(data_dir: Path) -> Check:
    """Whether there is room."""
    there = next(path for path in (data_dir, *data_dir.parents) if path.exists())
    free = shutil.disk_usage(there).free
    found = f"{free / 10**9:.1f} GB free at {there}"
    if free >= NEEDED_DISK:
        return Check("disk", Verdict.RIGHT, found)
    return Check("disk", Verdict.WRONG, found, f"A city wants {NEEDED_DISK / 10**9:.0f} GB to begin with.")


def solver() -> Check:
    """Whether the SMT solver is there, which `openpars agreement prove` needs."""
    if importlib.util.find_spec("z3") is not None:
        return Check("SMT solver", Verdict.RIGHT, "z3 is installed")
    return Check(
        "SMT solver",
        Verdict.NOTE,
        "z3 is not installed",
        "`openpars agreement prove` needs it: pip install z3-solver",
    )


def _shut(directory: Path) -> bool:
    return not directory.stat().st_mode & 0o077


def _dotted(version: tuple[int, int]) -> str:
    return f"{version[0]}.{version[1]}"


def _running_version(settings: Settings) -> tuple[int, int] | None:
    dsn = settings.database_url
    if dsn is None:
        try:
            dsn = load_desk(settings.data_dir).desk_dsn
        except (MissingSecret, OSError, ValueError, TypeError):
            return None
    try:
        return asyncio.run(_version(dsn))
    except psycopg.Error:
        return None


async def _version(dsn: str) -> tuple[int, int]:
    async with await psycopg.AsyncConnection.connect(dsn, connect_timeout=5) as conn:
        return floor.version_of(conn.info.server_version)
