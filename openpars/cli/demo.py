# SPDX-License-Identifier: Apache-2.0
"""`openpars demo`: the keys of a demo city, a clean start for one, and a scenario that needs no city."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Annotated, Any

import psycopg
import typer
from psycopg import sql

from openpars.city.scenario import Shield
from openpars.cli import place, scenario
from openpars.cli.place import DATABASE
from openpars.cli.say import CannotRunError, give, give_json, say
from openpars.cli.supervise import end_leftovers
from openpars.settings import City

app = typer.Typer()

STAFF = ("police", "district-attorney", "courts", "solicitor", "auditor", "records")
RECIPIENTS = ("ice", "fbi", "defender")


@app.command()
def demo(
    data_dir: Annotated[
        Path | None, typer.Option(help="Where the demo lives. [default: ./var]", show_default=False)
    ] = None,
    database_url: Annotated[
        str | None, typer.Option(help="With --reset: the server, if the demo was started with one.")
    ] = None,
    reset: Annotated[bool, typer.Option("--reset", help="Delete the demo.")] = False,
    name: Annotated[
        str | None,
        typer.Option("--scenario", help="Live a story day by day, without a city: philadelphia-2008-2018."),
    ] = None,
    rule: Annotated[
        str | None,
        typer.Option(
            help="With --scenario: show one reading of the rule (as-reported, two-to-continue, two-to-end, "
            "consensus)."
        ),
    ] = None,
    shield: Annotated[
        Shield | None, typer.Option(help="With --scenario: show one reading of when the shield came.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False,
) -> None:
    """Show a demo city's address and keys, delete it with --reset, or live a --scenario.

    A scenario is computed offline by the code that makes real shares, for every day under every reading of
    what the sources tell. Exit status 0 if every check of rights holds, 1 if one does not; what the history
    shows about a reading is reported, and is no failure. The JSON is explained in docs/scenario.md.
    """
    if name is not None:
        if reset:
            raise CannotRunError("--reset deletes a city, and a scenario has none: use one of the two.")
        scenario.run(name, rule=rule, shield=shield, as_json=as_json)
    if rule is not None or shield is not None:
        raise CannotRunError("--rule and --shield belong to --scenario.")
    settings = place.settings_for(data_dir=data_dir, database_url=database_url)
    directory = settings.data_dir
    city = place.city_of(directory)
    if city is not None and not city.demo:
        raise CannotRunError(f"The city in {directory} is not a demo.")
    if reset:
        _reset(directory, settings.database_url)
        if as_json:
            give_json({"reset": True})
        else:
            say("The demo is deleted. `openpars up --demo` makes it anew.")
        return
    if city is None or not (directory / "demo-keys.json").exists():
        raise CannotRunError(f"There is no demo in {directory}: make one with `openpars up --demo`.")
    if as_json:
        organisations = _read(directory).get("organisations", {})
        give_json({"base_url": city.base_url, "keys": keys_of(directory), "organisations": organisations})
    else:
        give(city.base_url)
        print_links(directory, city)


def keys_of(data_dir: Path) -> dict[str, Any]:
    """The demo's bearer keys: one a desk, and one a recipient under `recipients`."""
    return _part(data_dir, "keys")


def print_links(data_dir: Path, city: City) -> None:
    """One sign-in link for each role of a demo, on stdout."""
    links = _part(data_dir, "links")
    named = {
        **{role: links[role] for role in STAFF},
        **{name: links["recipients"][name] for name in RECIPIENTS},
    }
    give("Sign in as")
    for name, link in named.items():
        give(f"  {name:<18} {city.base_url}/sign-in/{link}")


async def forget(admin_dsn: str) -> None:
    """Delete a demo's database and its agreements' logins from a server. Only for demos."""
    async with await psycopg.AsyncConnection.connect(admin_dsn, autocommit=True) as conn:
        await conn.execute(
            sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(DATABASE))
        )
        found = await conn.execute("SELECT rolname FROM pg_roles WHERE rolname LIKE 'openpars\\_s\\_%'")
        for (role,) in await found.fetchall():
            await conn.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))


def _part(data_dir: Path, name: str) -> dict[str, Any]:
    try:
        found = _read(data_dir)[name]
        return {
            **{role: found[role] for role in STAFF},
            "recipients": {recipient: found["recipients"][recipient] for recipient in RECIPIENTS},
        }
    except (KeyError, TypeError):
        raise _not_whole() from None


def _read(data_dir: Path) -> dict[str, Any]:
    """The keys' file: `keys`, `links`, and by recipient the keys of `organisations` under it."""
    try:
        found = json.loads((data_dir / "demo-keys.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise _not_whole() from None
    if not isinstance(found, dict):
        raise _not_whole()
    return found


def _not_whole() -> CannotRunError:
    return CannotRunError(
        "The demo's keys are not whole: delete it with `openpars demo --reset`, then start it anew."
    )


def _reset(data_dir: Path, database_url: str | None) -> None:
    if not data_dir.exists():
        return
    os.umask(0o077)
    place.open_directory(data_dir)
    with place.locked(data_dir):
        asyncio.run(_delete(data_dir, database_url))


async def _delete(data_dir: Path, database_url: str | None) -> None:
    await end_leftovers(data_dir / "run", ("serve", str(data_dir)))
    if place.embedded_here(data_dir) or place.city_of(data_dir) is None:
        place.wipe(data_dir)
        return
    if database_url is None:
        raise CannotRunError("This demo's database is on another server: name it with --database-url.")
    try:
        await forget(database_url)
    except psycopg.Error as problem:
        raise CannotRunError(f"The database server refused ({type(problem).__name__}).") from None
    place.wipe(data_dir)
