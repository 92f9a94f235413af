# SPDX-License-Identifier: Apache-2.0
"""`openpars up`: a whole city on this machine, from nothing, until Ctrl-C."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Annotated

import psycopg
import typer

from openpars.cli import place
from openpars.cli.demo import forget, print_links
from openpars.cli.place import DATABASE, HOST
from openpars.cli.say import CannotRunError, give, say
from openpars.cli.supervise import GaveUpError, Part, Supervisor, end_leftovers, spawn_child
from openpars.db import embedded, floor, migrate
from openpars.db.embedded import ServerStartError
from openpars.db.privilege import ServerUnusableError
from openpars.settings import City, DatabaseLogins, Settings, save_city
from openpars.web import address

app = typer.Typer()

READY_WITHIN = 60.0
PROGRESS_EVERY = 5.0
DEMO_LOADER = "openpars.city.load"  # loaded by name: only a demo's first start pays for it
DEMO_WARNING = "Demonstration: every person and every event here is invented."


@dataclass(frozen=True, slots=True)
class Wish:
    """What was asked for on the command line. `settings.data_dir` is absolute."""

    settings: Settings
    demo: bool
    arrests: int
    trusted_proxies: tuple[str, ...] | None
    public_share: float | None


@dataclass(frozen=True, slots=True)
class Database:
    """The server of this start. `admin` is used for the roles and the database, and for nothing else."""

    admin: str
    login: Callable[[str, str], str]


@app.command()
def up(
    data_dir: Annotated[
        Path | None, typer.Option(help="Where the city lives. [default: ./var]", show_default=False)
    ] = None,
    database_url: Annotated[
        str | None,
        typer.Option(
            help="An administrator's connection to a PostgreSQL server, instead of the embedded one."
        ),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(help="The port on 127.0.0.1; 0 takes a free one. [default: 8080]", show_default=False),
    ] = None,
    demo: Annotated[bool, typer.Option("--demo", help="Load the demo city of invented people.")] = False,
    arrests: Annotated[int, typer.Option(min=1, help="How many arrests a new demo city has.")] = 2000,
    trusted_proxy: Annotated[
        list[str] | None,
        typer.Option(
            help="A web server in front, as an address or a network, whose X-Forwarded-For is believed. "
            "May be repeated. Kept for later starts; `none` takes all back.",
            show_default=False,
        ),
    ] = None,
    public_share: Annotated[
        float | None,
        typer.Option(
            min=0.01,
            max=0.5,
            help="How much of one core all who are not signed in may have of the desks together. "
            "Kept for later starts. [default: 0.25]",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Start a city on this machine and keep it running until Ctrl-C."""
    os.umask(0o077)
    settings = place.settings_for(data_dir=data_dir, database_url=database_url, port=port)
    place.open_directory(settings.data_dir)
    wish = Wish(settings, demo, arrests, _proxies(trusted_proxy), public_share)
    try:
        with place.locked(settings.data_dir):
            asyncio.run(until_told(wish))
    except (ServerUnusableError, ServerStartError, GaveUpError) as problem:
        raise CannotRunError(str(problem)) from None


async def until_told(wish: Wish) -> None:
    """Bring the city up and keep it up until SIGINT, SIGTERM or SIGHUP; then end all of it in order."""
    task = asyncio.current_task()
    told = asyncio.Event()

    def stop() -> None:
        if task is not None and not told.is_set():
            told.set()
            say("Stopping.")
            task.cancel()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if number is not signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:  # nohup
            loop.add_signal_handler(number, stop)
    supervisor = Supervisor(wish.settings.data_dir / "run", say)
    with contextlib.ExitStack() as held:
        try:
            await bring_up(wish, supervisor, held)
            # Something on the way may have swallowed the cancelling. What was told to end never stays up.
            if not told.is_set():
                await supervisor.watch()
        except asyncio.CancelledError:
            if not told.is_set():
                raise
        finally:
            told.set()
            await supervisor.stop()


async def bring_up(wish: Wish, supervisor: Supervisor, held: contextlib.ExitStack) -> None:
    """Every step from a data directory to an address that answers. `held` keeps the sockets open."""
    began = time.monotonic()
    data_dir, marker = wish.settings.data_dir, wish.settings.data_dir / "loading"
    known = place.city_of(data_dir)
    cut_short = marker.exists() and known is None
    _fits(wish, known)
    # (1) what a killed supervisor left behind
    await end_leftovers(data_dir / "run", ("serve", str(data_dir)))
    # (2) the port, before anything that takes long
    public = held.enter_context(place.bind_port(wish.settings.port))
    # (3) the database server; a first start that was cut short before (5) is begun again
    if cut_short:
        say("An earlier first start was cut short. Beginning again.")
        place.wipe(data_dir)
        known = None
    database = await _server(wish, supervisor, begin_again=cut_short)
    # (4) secrets, logins, tables
    if known is None:
        marker.touch(mode=0o600)
    logins = await _tables(data_dir, database, first_start=known is None)
    # (5) what this city is
    city = _city(wish, known, public.getsockname()[1], await _version(logins.owner))
    save_city(data_dir, city)
    # (6) the demo's people; a load that was cut short goes on where it was
    if marker.exists():
        if city.demo:
            await _load_demo(wish)
        marker.unlink()
    # (7) its processes
    desk = held.enter_context(place.listen_desk(wish.settings.desk_socket))
    held.callback(wish.settings.desk_socket.unlink, missing_ok=True)
    place.listen_public(public)
    await _processes(data_dir, supervisor, public=public.fileno(), desk=desk.fileno())
    await _answers(supervisor, city.base_url)
    _announce(city, data_dir, time.monotonic() - began)


def _proxies(given: list[str] | None) -> tuple[str, ...] | None:
    """What is to be kept; None when nothing was said. Raises CannotRunError."""
    if given is None:
        return None
    if given == ["none"]:
        return ()
    try:
        return tuple(str(one) for one in address.networks(given))
    except ValueError:
        raise CannotRunError(
            "--trusted-proxy is an address or a network, such as 10.0.0.5 or 10.0.0.0/28, and not everybody."
        ) from None


def _fits(wish: Wish, known: City | None) -> None:
    data_dir = wish.settings.data_dir
    if known is None:
        return
    if wish.demo and not known.demo:
        raise CannotRunError(
            f"The city in {data_dir} is not a demo, and nothing invented is put into it. "
            "Choose another --data-dir."
        )
    if place.embedded_here(data_dir) and wish.settings.database_url is not None:
        raise CannotRunError(
            f"This city's database is in {data_dir / 'pg'}: start it without --database-url."
        )
    if not place.embedded_here(data_dir) and wish.settings.database_url is None:
        raise CannotRunError("This city's database is on another server: name it with --database-url.")


async def _server(wish: Wish, supervisor: Supervisor, *, begin_again: bool) -> Database:
    url = wish.settings.database_url
    if url is not None:
        if begin_again:
            await forget(url)
        return Database(url, place.login_at(url))
    data_dir = wish.settings.data_dir
    if not place.embedded_here(data_dir):
        say("Making a database.")
    cluster = embedded.prepare(data_dir, os.environ)
    await supervisor.start(
        Part(
            name="postgres",
            start=partial(embedded.start, cluster, embedded.DURABLE),
            stop_signal=signal.SIGINT,
            patience=10.0,
            tier=0,
        )
    )

    def login(user: str, password: str) -> str:
        return embedded.login_dsn(cluster.socket_dir, user=user, password=password, dbname=DATABASE)

    return Database(cluster.admin_dsn, login)


async def _tables(data_dir: Path, database: Database, *, first_start: bool) -> DatabaseLogins:
    logins = place.secrets_for(data_dir, database.login, first_start=first_start)
    try:
        await migrate.bootstrap(database.admin, logins)
        await migrate.migrate(logins.owner)
    except migrate.SchemaMismatch:
        raise CannotRunError(
            "This city's database was made by another version of OpenPARS. "
            "Start it with that version; a demo can be made anew with `openpars demo --reset`."
        ) from None
    except psycopg.OperationalError as problem:
        # Without the driver's text: it may quote the URL.
        raise CannotRunError(f"The database server does not let us in ({type(problem).__name__}).") from None
    return logins


async def _version(dsn: str) -> tuple[int, int]:
    async with await psycopg.AsyncConnection.connect(dsn) as conn:
        return floor.version_of(conn.info.server_version)


def _city(wish: Wish, known: City | None, port: int, version: tuple[int, int]) -> City:
    city = known or City(base_url="", demo=wish.demo)
    if wish.trusted_proxies is not None:
        city = replace(city, trusted_proxies=wish.trusted_proxies or None)
    if wish.public_share is not None:
        city = replace(city, public_share=wish.public_share)
    partner_access, warning = access(version, demo=city.demo)
    if warning is not None and not city.demo:
        say(f"WARNING: {warning}")
    return replace(city, base_url=f"http://{HOST}:{port}", partner_access=partner_access, warning=warning)


def access(version: tuple[int, int], *, demo: bool) -> tuple[bool, str | None]:
    """(whether recipients are served, what every page warns of) on a server of this version.

    Below the floor a real city serves no recipient; a demo does, and says so on every page.
    """
    wrong = floor.sentence(version)
    if wrong is None or demo:
        return True, wrong
    return False, f"{wrong} Until then recipients are refused."


async def _load_demo(wish: Wish) -> None:
    say(f"Loading the demo city: {wish.arrests} arrests of invented people.")
    load_demo = importlib.import_module(DEMO_LOADER).load_demo
    await load_demo(wish.settings, arrests=wish.arrests, progress=_Progress())


class _Progress:
    """Says how far a long step is, every few seconds."""

    def __init__(self) -> None:
        self._due = time.monotonic() + PROGRESS_EVERY

    def __call__(self, what: str, done: int, total: int) -> None:
        if time.monotonic() >= self._due and done < total:
            self._due = time.monotonic() + PROGRESS_EVERY
            say(f"  {what}: {done} of {total}")


async def _processes(data_dir: Path, supervisor: Supervisor, *, public: int, desk: int) -> None:
    for name, listening in (("worker", None), ("desk", desk), ("door", public)):
        argv = [sys.executable, "-P", "-m", "openpars.cli", "serve", name]
        argv += ["--data-dir", str(data_dir)]
        if listening is not None:
            argv += ["--listen-fd", str(listening)]
        keep_open = () if listening is None else (listening,)
        await supervisor.start(Part(name=name, start=partial(spawn_child, argv, keep_open=keep_open)))


async def _answers(supervisor: Supervisor, base_url: str) -> None:
    host, _, port = base_url.rpartition("/")[2].partition(":")
    until = time.monotonic() + READY_WITHIN
    while time.monotonic() < until:
        supervisor.check()
        with contextlib.suppress(OSError, asyncio.TimeoutError):
            # Not `wait_for`: it swallows a Ctrl-C that comes with the answer (Python 3.11).
            async with asyncio.timeout(2.0):
                if await _status(host, int(port)) < 500:
                    return
        await asyncio.sleep(0.05)
    raise CannotRunError(f"{base_url} does not answer.")


async def _status(host: str, port: int) -> int:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(f"GET / HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n".encode())
        line = await reader.readline()
    finally:
        writer.close()
    parts = line.split()
    return int(parts[1]) if len(parts) > 1 and parts[1].isdigit() else 599


def _announce(city: City, data_dir: Path, took: float) -> None:
    give(f"\nOpenPARS is up at {city.base_url} ({took:.1f} s).")
    if city.demo:
        give(DEMO_WARNING)
        print_links(data_dir, city)
    else:
        give("Make a key with `openpars keys add --role ROLE`.")
    give("Ctrl-C ends it.")
