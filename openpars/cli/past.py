# SPDX-License-Identifier: Apache-2.0
"""What the commands about the past share: credentials, the note that somebody asked, texts, days, a bar that
shows how far they are.
"""

from __future__ import annotations

import os
import pwd
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import psycopg
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from openpars.agreements.bars import packs, version_of
from openpars.agreements.language.term import midnight
from openpars.agreements.language.text import read
from openpars.agreements.model import Version
from openpars.cli.say import CannotRunError
from openpars.desk.replay_part import Access
from openpars.log.draft import JSON, Draft
from openpars.log.pending import note
from openpars.record.catalogue import zone_of
from openpars.record.file import HOME
from openpars.settings import MissingSecret, Settings, load_desk

Tell = Callable[[int, int], None]


def access(settings: Settings) -> Access:
    """The owner-side credentials of a data directory. Raises CannotRunError."""
    try:
        secrets = load_desk(settings.data_dir)
    except MissingSecret as problem:
        raise CannotRunError(str(problem)) from None
    dsn = settings.database_url or secrets.desk_dsn
    return Access(dsn, secrets.record_key, settings.data_dir / "keys" / "persons.sqlite")


async def noted(key: Access, act: str, query: Mapping[str, JSON]) -> None:
    """Note a look back in the acts log, before anything is read: one note a run, and without it no answer.

    It names the account of this machine that asks, since the key is the city's and not somebody's own.
    Raises psycopg.Error.
    """
    private: dict[str, JSON] = {
        "agent": {"role": "command-line", "key": None, "user": account()},
        "query": dict(query),
        "file": [],
    }
    async with await psycopg.AsyncConnection.connect(key.dsn) as conn:
        await note(conn, Draft("lookup", {"act": act}, private))


def account() -> str:
    """Whose process this is, from the system and not from the environment, which anybody can set."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"


def version_in(file: Path) -> Version:
    """The text of a file as a version, with the bars of its provider's pack. Raises CannotRunError."""
    try:
        text = file.read_bytes()
    except OSError:
        raise CannotRunError(f"{file} cannot be read.") from None
    reading = read(text, str(file))
    if reading.agreement is None or reading.agreement.provider not in packs():
        raise CannotRunError(f"{file} is not an agreement: `openpars agreement check {file}` says why.")
    return version_of(reading.agreement)


def instant_of(typed: str, *, end: bool) -> datetime:
    """A civil day in the city's zone (its beginning, or its end), or an instant with its offset."""
    zone = zone_of(HOME)
    try:
        day = date.fromisoformat(typed)
    except ValueError:
        try:
            at = datetime.fromisoformat(typed)
        except ValueError:
            at = None
        if at is None or at.tzinfo is None:
            raise CannotRunError(
                "Write a day (2026-11-01) or an instant with its offset (2026-11-01T08:00:00-04:00)."
            ) from None
        return at
    at = midnight(day + timedelta(days=end), zone)
    if at is None:
        raise CannotRunError("The clocks change at that midnight: write the instant with its offset.")
    return at


@contextmanager
def progress(what: str, *, quiet: bool) -> Iterator[Tell]:
    """A bar on stderr, where somebody looks at it."""
    if quiet:
        yield lambda _done, _count: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed:,.0f}"))
    console = Console(stderr=True)
    with Progress(*columns, TimeRemainingColumn(), console=console, transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, count: bar.update(task, completed=done, total=count)


def with_bars(version: Version, early: Sequence[str]) -> Version:
    """The version with these bars holding from the beginning. Raises CannotRunError for one it has not."""
    known = {bar.id for bar in version.bars}
    for name in early:
        if name not in known:
            raise CannotRunError(
                f"There is no bar `{name}` above this agreement: {', '.join(sorted(known))}."
            )
    bars = tuple(replace(bar, begins=None) if bar.id in early else bar for bar in version.bars)
    return replace(version, bars=bars)
