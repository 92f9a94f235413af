# SPDX-License-Identifier: Apache-2.0
"""`openpars import filings`: the court's daily files, as they are."""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import psycopg
import typer
from psycopg.conninfo import conninfo_to_dict
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table

from openpars.cli.place import login_at, settings_for
from openpars.cli.say import CannotRunError, Exit, give_json, say
from openpars.db.migrate import DESK, OWNER
from openpars.feeds import quarantine
from openpars.feeds.act import Done, Importer, ImportRunningError, open_importer
from openpars.feeds.changes import Change, parse_changes
from openpars.feeds.filings import FileRefused, FilingsFile, parse
from openpars.feeds.filings_report import Figures, Report, report
from openpars.feeds.sequence import in_order
from openpars.feeds.table import MAX_FILE, Broken
from openpars.settings import DeskSecrets, MissingSecret, Settings, load_city, load_desk

PATIENCE = 2.0
"""Seconds after which a progress bar is worth showing."""

WIDE = 110

app = typer.Typer(add_completion=False, help="Take in what other systems send.", no_args_is_help=True)


@dataclass(frozen=True, slots=True)
class Live:
    """How a replay runs: seconds of the court per second of ours, and for how long at most."""

    speed: float
    seconds: float | None
    changes: tuple[Change, ...]


@app.callback()
def _import() -> None:
    """Take in what other systems send."""


@app.command()
def filings(
    files: Annotated[list[Path], typer.Argument(help="The court's daily files, in any order.")],
    data_dir: Annotated[Path | None, typer.Option(help="The running city's data directory.")] = None,
    database_url: Annotated[
        str | None, typer.Option(help="The city's database, where it is not the one its directory names.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False,
    quarantine_dir: Annotated[
        Path | None,
        typer.Option("--quarantine", help="Where lines that cannot be understood go. [DATA_DIR/quarantine]"),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")
    ] = False,
    live: Annotated[bool, typer.Option("--live", help="Replay the files as acts in time.")] = False,
    speed: Annotated[float, typer.Option(help="With --live: seconds of the court per second.")] = 3600.0,
    changes: Annotated[
        Path | None, typer.Option(help="With --live: a stream of bail and custody changes (CSV).")
    ] = None,
    seconds: Annotated[
        float | None, typer.Option("--for", help="With --live: stop after so many seconds.")
    ] = None,
) -> None:
    """Read the court's daily files; with a city, do what they say at its court's desk.

    Exit status 0: every line understood. 1: a file was refused (then nothing is changed), or lines
    went to quarantine, or the desk refused something. 2: it could not run.
    """
    city = _city(data_dir, database_url)
    _check(live=live, city=city, speed=speed, seconds=seconds, changes=changes, dry_run=dry_run)
    try:
        read = _read(files)
        stream, bad = _read_changes(changes)
    except FileRefused as refused:
        say(f"{refused}. Nothing was changed.")
        if as_json:
            give_json({"error": str(refused)})
        raise typer.Exit(Exit.FOUND) from None
    found = report(read)
    kept = _quarantine(read, bad, quarantine_dir, city)
    done: Done | None = None
    if city is None:
        say("No city was given (--data-dir or --database-url): the files are read and reported only.")
    else:
        plan = Live(speed, seconds, stream) if live else None
        done = _act(city, read, dry_run=dry_run, live=plan)
    _print(found, done, as_json=as_json, dry_run=dry_run)
    if kept or (done is not None and done.refused):
        raise typer.Exit(Exit.FOUND)


def _city(data_dir: Path | None, database_url: str | None) -> Settings | None:
    if data_dir is None and database_url is None:
        return None
    return settings_for(data_dir=data_dir, database_url=database_url)


def _check(
    *,
    live: bool,
    city: Settings | None,
    speed: float,
    seconds: float | None,
    changes: Path | None,
    dry_run: bool,
) -> None:
    if live and city is None:
        raise CannotRunError("--live needs a running city: give --data-dir.")
    if live and dry_run:
        raise CannotRunError("Give --live or --dry-run, not both.")
    if not live and (changes is not None or seconds is not None):
        raise CannotRunError("--changes and --for go with --live.")
    if not 0 < speed < float("inf") or not 0 < (seconds or 1.0) < float("inf"):
        raise CannotRunError("--speed and --for are numbers above zero.")


def _read(paths: Sequence[Path]) -> list[FilingsFile]:
    names = _names(paths)
    found: list[FilingsFile] = []
    with _Bar() as bar:
        for path, name in zip(paths, names, strict=True):
            bar.update("reading", len(found), len(paths))
            found.append(parse(_bytes(path), name))
    return found


def _names(paths: Sequence[Path]) -> list[str]:
    """File names; with as much of the path as it takes to tell files of the same name apart."""
    names = [path.name for path in paths]
    for place, path in enumerate(paths):
        depth = 1
        while sum(_tail(other, depth) == _tail(path, depth) for other in set(paths)) > 1 and depth < 20:
            depth += 1
        names[place] = _tail(path, depth)
    return names


def _tail(path: Path, depth: int) -> str:
    return "/".join(path.absolute().parts[-depth:])


def _bytes(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_FILE:
            raise FileRefused(path.name, None, f"more than {MAX_FILE // 1024 // 1024} MiB")
        return path.read_bytes()
    except OSError as problem:
        raise CannotRunError(f"{path} cannot be read: {problem.strerror}.") from None


def _read_changes(path: Path | None) -> tuple[tuple[Change, ...], dict[str, tuple[Broken, ...]]]:
    if path is None:
        return (), {}
    found, broken = parse_changes(_bytes(path), path.name)
    return found, {path.name: broken}


def _quarantine(
    files: Sequence[FilingsFile],
    more: dict[str, tuple[Broken, ...]],
    directory: Path | None,
    city: Settings | None,
) -> int:
    """Keep what could not be understood; returns how many lines that were."""
    broken = {file.name: file.quarantine for file in files} | more
    for file in files:
        for warning in file.warnings:
            say(f"{file.name}: {warning}.")
    if directory is None and city is not None:
        directory = city.data_dir / "quarantine"
    for name, lines in broken.items():
        if lines:
            first = f"the first, line {lines[0].line}: {lines[0].reason}"
            say(f"{name}: {len(lines)} rows could not be understood; {first}.")
        try:
            path = quarantine.write(directory, name.replace("/", "_"), lines) if directory else None
        except OSError as problem:
            raise CannotRunError(f"{directory} cannot take the quarantine: {problem.strerror}.") from None
        if path is not None:
            say(f"They are kept in {path}.")
    return sum(map(len, broken.values()))


def _act(city: Settings, files: Sequence[FilingsFile], *, dry_run: bool, live: Live | None) -> Done:
    try:
        return asyncio.run(_acting(city, files, dry_run=dry_run, live=live))
    except MissingSecret as problem:
        raise CannotRunError(str(problem)) from None
    except ImportRunningError:
        raise CannotRunError("Another import is running on this city: let it end first.") from None
    except psycopg.errors.UndefinedTable:
        raise CannotRunError(
            "This city's database has no place for feeds: it is of another version."
        ) from None
    except psycopg.OperationalError:
        raise CannotRunError(
            "The city's database does not answer: start it with `openpars up` first."
        ) from None
    except KeyboardInterrupt:
        say("Stopped. What was done is kept; the same command goes on where it stopped.")
        raise typer.Exit(Exit.FINE) from None


async def _acting(city: Settings, files: Sequence[FilingsFile], *, dry_run: bool, live: Live | None) -> Done:
    secrets, demo = _secrets(city)
    async with open_importer(secrets, city.keys_file, demo=demo) as importer:
        if live is not None:
            return await importer.replay(
                files, live.changes, speed=live.speed, seconds=live.seconds, tell=say
            )
        if dry_run:
            return await importer.look(files)
        return await _importing(importer, files)


def _secrets(city: Settings) -> tuple[DeskSecrets, bool]:
    """The desk's secrets of this city, with its logins at the server that was named, if one was."""
    secrets = load_desk(city.data_dir)
    if city.database_url is not None:
        login = login_at(city.database_url)
        secrets = replace(
            secrets,
            desk_dsn=login(DESK, str(conninfo_to_dict(secrets.desk_dsn)["password"])),
            owner_dsn=login(OWNER, str(conninfo_to_dict(secrets.owner_dsn)["password"])),
        )
    return secrets, load_city(city.data_dir).demo


async def _importing(importer: Importer, files: Sequence[FilingsFile]) -> Done:
    done = Done()
    with _Bar() as bar:
        for file in in_order(files):
            done += await importer.file(file, functools.partial(bar.update, file.name))
    return done


class _Bar:
    """A progress bar on stderr: only where somebody looks, and only for what takes its time."""

    def __init__(self) -> None:
        console = Console(stderr=True)
        self._since = time.monotonic()
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> _Bar:
        return self

    def __exit__(self, *exc: object) -> None:
        self._progress.stop()

    def update(self, what: str, done: int, of: int) -> None:
        """How far `what` has come."""
        if time.monotonic() - self._since > PATIENCE:
            self._progress.start()
        if what not in self._tasks:
            self._tasks[what] = self._progress.add_task(what, total=of)
        self._progress.update(self._tasks[what], completed=done, total=of)


def _print(found: Report, done: Done | None, *, as_json: bool, dry_run: bool) -> None:
    if as_json:
        result: dict[str, object] = dict(found.as_json())
        if done is not None:
            result["city"] = done.as_json() | {"dry_run": dry_run}
        give_json(result)
        return
    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDE)  # a file or a pipe has no width to keep to
    console.print(_table("Daily files, oldest first", found.per_file, _PER_FILE))
    if found.pairs:
        console.print(_table("From one file to the next", found.pairs, _PER_PAIR))
    for name, figures in found.per_file.items():
        repairs = figures["repairs"]
        if isinstance(repairs, dict) and repairs:
            print(f"{name}: mended " + "; ".join(f"{count} x {repair}" for repair, count in repairs.items()))
    if done is not None:
        print(("Would be done: " if dry_run else "Done: ") + done.sentence())
        for refusal in done.refused:
            say(f"Not done: {refusal}")


_PER_FILE = {
    "rows": "rows",
    "dockets": "dockets",
    "duplicate_rows": "twice",
    "dockets_with_two_representatives": "2 repr",
    "denied_rows_with_columns_shifted": "shifted",
    "bail_time_before_filing_time": "no PM",
    "monetary_total": "bail $",
    "quarantined": "unread",
}
_PER_PAIR = {
    "new": "new",
    "gone": "withdrawn",
    "aged_out": "aged out",
    "bail_changed": "bail changed",
    "left_unknown": "unknown",
}


def _table(title: str, rows: dict[str, Figures], shown: dict[str, str]) -> Table:
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column("", overflow="fold")
    for heading in shown.values():
        table.add_column(heading, justify="right", no_wrap=True)
    for name, figures in rows.items():
        table.add_row(name, *(f"{figures[key]:,.0f}" for key in shown))
    return table
