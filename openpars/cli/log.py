# SPDX-License-Identifier: Apache-2.0
"""`openpars log`: check the log, and copy it for others to check."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import httpx
import psycopg
import typer

from openpars.cli.place import settings_for
from openpars.cli.say import CannotRunError, Exit, give_json, say
from openpars.log import mirror, stored
from openpars.log.check import Read, Report, check
from openpars.log.note import Malformed, Signer, Verifier, encode
from openpars.settings import MissingSecret, Settings, load_city, load_desk, load_door

app = typer.Typer(
    add_completion=False, help="Check the log, and copy it for others to check.", no_args_is_help=True
)

DATA_DIR = typer.Option(help="The city's data directory.")
DATABASE_URL = typer.Option(help="The city's database, when it is not the embedded one.")
JSON = typer.Option("--json", help="Print JSON and nothing else.")
KEY = typer.Option(help="The log's verifier key (name+hash+base64), or a file with it.")


class TreeName(StrEnum):
    """Which log."""

    DISCLOSURES = "disclosures"
    ACTS = "acts"


TREE = typer.Option(help="The public log of disclosures, or the city's own log of acts.")


@app.callback()
def _log() -> None:
    """Check the log, and copy it for others to check."""


@app.command()
def verify(
    target: Annotated[
        str | None, typer.Argument(help="The log's address, or a folder with a copy. Neither: the database.")
    ] = None,
    data_dir: Annotated[Path | None, DATA_DIR] = None,
    database_url: Annotated[str | None, DATABASE_URL] = None,
    tree: Annotated[TreeName, TREE] = TreeName.DISCLOSURES,
    key: Annotated[str | None, KEY] = None,
    json: Annotated[bool, JSON] = False,
) -> None:
    """Check every entry, hash and signature of a log; name the first bad entry.

    Exit status 0: all is well. 1: something was found. 2: it could not run. Whoever does not trust this
    city uses `verify/openpars_verify.py`, which does the same and shares no code with it.
    """
    settings = settings_for(data_dir=data_dir, database_url=database_url)
    try:
        if target is None:
            found = asyncio.run(_verify_database(settings, tree, key))
        else:
            found = _verify_published(target, settings, tree, key)
    except (OSError, httpx.HTTPError, psycopg.Error, MissingSecret) as problem:
        raise CannotRunError(f"The log cannot be read: {problem}") from None
    if json:
        give_json(found)
    else:
        for sentence in _sentences(found):
            say(sentence)
    raise typer.Exit(Exit.FINE if found["ok"] else Exit.FOUND)


@app.command()
def export(
    folder: Annotated[Path, typer.Argument(help="Where to write the copy.")],
    data_dir: Annotated[Path | None, DATA_DIR] = None,
    database_url: Annotated[str | None, DATABASE_URL] = None,
    tree: Annotated[TreeName, TREE] = TreeName.DISCLOSURES,
    json: Annotated[bool, JSON] = False,
) -> None:
    """Copy the published files of a log (C2SP tlog-tiles) into a folder, for anyone to keep and verify."""
    settings = settings_for(data_dir=data_dir, database_url=database_url)
    try:
        size = asyncio.run(_export(settings, tree, folder))
    except (OSError, psycopg.Error, MissingSecret, Malformed) as problem:
        raise CannotRunError(f"The log cannot be copied: {problem}") from None
    if json:
        give_json({"folder": str(folder), "size": size})
    else:
        say(f"{size:,} entries are in {folder}.")


@app.command("key")
def show_key(
    data_dir: Annotated[Path | None, DATA_DIR] = None,
    tree: Annotated[TreeName, TREE] = TreeName.DISCLOSURES,
) -> None:
    """Print the log's verifier key, to be handed to whoever checks the log."""
    try:
        print(own_key(settings_for(data_dir=data_dir), tree))
    except MissingSecret as problem:
        raise CannotRunError(str(problem)) from None


def own_key(settings: Settings, tree: TreeName) -> Verifier:
    """The verifier of one of the trees, from the secrets. Raises MissingSecret."""
    city = load_city(settings.data_dir)
    if tree is TreeName.ACTS:
        seed = load_desk(settings.data_dir).acts_key
    else:
        seed = load_door(settings.data_dir).disclosures_key
    return Signer(f"{city.origin}/{tree}", bytes.fromhex(seed)).verifier


def _given_key(key: str) -> Verifier:
    try:
        return Verifier.parse(key if "+" in key else Path(key).read_text(encoding="utf-8").strip())
    except Malformed as problem:
        raise CannotRunError(f"--key is not a verifier key: {problem}.") from None


def _dsn(settings: Settings, tree: TreeName) -> str:
    if settings.database_url is not None:
        return settings.database_url
    if tree is TreeName.ACTS:
        return load_desk(settings.data_dir).desk_dsn
    return load_door(settings.data_dir).door_dsn


async def _verify_database(settings: Settings, tree: TreeName, key: str | None) -> dict[str, Any]:
    verifier = own_key(settings, tree) if key is None else _given_key(key)
    async with await psycopg.AsyncConnection.connect(_dsn(settings, tree)) as conn:
        try:
            found = await stored.read(conn, tree.value, verifier)
        except stored.LogDamaged as damage:
            finding = {"index": damage.index, "last": damage.last, "what": damage.what}
            return {
                "ok": False,
                "origin": verifier.name,
                "first_bad": damage.index,
                "first_bad_last": damage.last,
                "findings": [finding],
            }
    return {
        "ok": True,
        "origin": verifier.name,
        "size": found.tree.size,
        "root": encode(found.tree.root()),
        "first_bad": None,
        "findings": [],
    }


def _verify_published(target: str, settings: Settings, tree: TreeName, key: str | None) -> dict[str, Any]:
    with httpx.Client(timeout=60) if target.startswith(("http://", "https://")) else nullcontext() as client:
        read = _folder(Path(target)) if client is None else _site(client, target)
        verifier = _trusted_key(read, settings, tree, key)
        report = check(read, verifier, tell=_teller("entries checked"))
    if report is None:
        raise CannotRunError("There is no log: no `checkpoint` is published there.")
    return _as_json(report)


def _trusted_key(read: Read, settings: Settings, tree: TreeName, key: str | None) -> Verifier:
    if key is not None:
        return _given_key(key)
    try:
        return own_key(settings, tree)
    except MissingSecret:
        published = read("key")
    if published is None:
        raise CannotRunError("Whose log is it? Give its verifier key with --key.")
    say("The key was taken from the log itself: compare it with one you got elsewhere, or give --key.")
    return _given_key(published.decode("utf-8", "replace").strip())


def _folder(folder: Path) -> Read:
    def read(path: str) -> bytes | None:
        try:
            return (folder / path).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None

    if not folder.is_dir():
        raise CannotRunError(f"{folder} is not a folder.")
    return read


def _site(client: httpx.Client, target: str) -> Read:
    base = target.rstrip("/")
    if client.get(f"{base}/checkpoint").status_code == httpx.codes.NOT_FOUND:
        base = f"{base}/log"

    def read(path: str) -> bytes | None:
        answer = client.get(f"{base}/{path}")
        if answer.status_code == httpx.codes.NOT_FOUND:
            return None
        return answer.raise_for_status().content

    return read


def _as_json(report: Report) -> dict[str, Any]:
    head = report.head
    return {
        "ok": not report.findings,
        "origin": None if head is None else head.origin,
        "size": None if head is None else head.size,
        "root": None if head is None else encode(head.root),
        "checkpoints": report.checkpoints,
        "schemas": report.schemas,
        "first_bad": None if report.first_bad is None else report.first_bad[0],
        "first_bad_last": None if report.first_bad is None else report.first_bad[1],
        "findings": [asdict(item) for item in sorted(set(report.findings))[:20]],
    }


def _sentences(found: dict[str, Any]) -> list[str]:
    if found["ok"]:
        return [f"{found['origin']}: all {found['size']:,} entries are as they were signed."]
    said = []
    for item in found["findings"]:
        more = "" if item["last"] == item["index"] else f" to {item['last']}"
        where = "the log" if item["index"] < 0 else f"entry {item['index']}{more}"
        said.append(f"{where}: {item['what']}")
    if found["first_bad"] is None:
        return [*said, "The log is NOT in order."]
    first, last = found["first_bad"], found["first_bad_last"]
    where = f"entry {first}" if first == last else f"one of entries {first} to {last}"
    return [*said, f"The log is NOT in order. The first bad entry is {where}."]


def _teller(what: str) -> Callable[[int, int], None]:
    began = spoke = time.monotonic()

    def tell(done: int, count: int) -> None:
        nonlocal spoke
        now = time.monotonic()
        if now - began > 2 and now - spoke > 1:
            spoke = now
            say(f"{done:,} of {count:,} {what}")

    return tell


async def _export(settings: Settings, tree: TreeName, folder: Path) -> int:
    verifier = own_key(settings, tree)
    async with await psycopg.AsyncConnection.connect(_dsn(settings, tree)) as conn:
        return await mirror.export(conn, tree.value, folder, verifier, tell=_teller("files written"))
