# SPDX-License-Identifier: Apache-2.0
"""`openpars agreement replay --assume` and `openpars agreement seen`: what was within reach."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, NoReturn
from zoneinfo import ZoneInfo

import psycopg
import typer

from openpars.agreements.model import Version
from openpars.agreements.replay.sight import Holding
from openpars.cli.past import Tell, access, instant_of, noted, progress
from openpars.cli.place import settings_for
from openpars.cli.say import CannotRunError, Exit, give, give_json
from openpars.desk import hindsight
from openpars.log.draft import JSON
from openpars.record import vault
from openpars.settings import Settings


def what_if(
    settings: Settings,
    version: Version,
    other: Version | None,
    *,
    of: str,
    period: tuple[datetime, datetime],
    json: bool,
) -> NoReturn:
    """Compare what could have been seen, print it, and end: 0 no difference, 1 a difference."""
    begins, ends = period
    with progress("arrests looked at", quiet=json) as tell:
        found = _run(_compare(settings, version, other, of=of, period=period, tell=tell))
    whole: dict[str, Any] = {
        "b_text": {"agreement": version.agreement.id, "hash": version.hash},
        "a_text": None if other is None else {"agreement": other.agreement.id, "hash": other.hash},
        "of": of,
        "from": begins.isoformat(),
        "to": ends.isoformat(),
        **found,
    }
    if json:
        give_json(whole)
    else:
        for line in _compared(whole):
            give(line)
    same = not (found["only_a"]["on_some_day"] or found["only_b"]["on_some_day"])
    fields = all(one["a"] == one["b"] for one in found["fields"])
    raise typer.Exit(Exit.FINE if same and fields else Exit.FOUND)


def _run(work: Any) -> Any:
    try:
        return asyncio.run(work)
    except (psycopg.Error, OSError) as problem:
        raise CannotRunError(
            f"The city's database cannot be read, or the look not noted: {type(problem).__name__}."
        ) from None


async def _compare(
    settings: Settings,
    version: Version,
    other: Version | None,
    *,
    of: str,
    period: tuple[datetime, datetime],
    tell: Tell,
) -> dict[str, object]:
    key = access(settings)
    vault.hold(key.record_key)
    begins, ends = period
    b = [Holding(version, begins, ends)]
    asked: dict[str, JSON] = {"agreement": of, "from": begins.isoformat(), "until": ends.isoformat()}
    texts: dict[str, JSON] = {"text": version.hash, "against": None if other is None else other.hash}
    await noted(key, "what-if", asked | texts)
    async with await psycopg.AsyncConnection.connect(key.dsn) as conn:
        if other is not None:
            a = [Holding(other, begins, ends)]
        else:
            life = await hindsight.life_of(conn, of)
            if life is None:
                raise CannotRunError(f"There is no agreement `{of}` in this city's register: give --against.")
            a = life.holdings()
        zone = ZoneInfo(version.term.zone)
        return await hindsight.what_if(conn, a, b, since=begins, until=ends, zone=zone, tell=tell)


def _compared(found: dict[str, Any]) -> list[str]:
    a, b = found["a"], found["b"]
    named = (
        "what stood in the register" if found["a_text"] is None else f"text {found['a_text']['hash'][:12]}"
    )
    said = [
        f"{found['from']} to {found['to']}, over the record's history. Could have been seen, not: was seen.",
        f"A ({named}): {a['people']:,} people",
        f"B (text {found['b_text']['hash'][:12]}): {b['people']:,} people",
        f"only under A: {found['only_a']['people']:,} people; only under B: {found['only_b']['people']:,}",
    ]
    said += [
        f"  {role}: A {a['by_role'].get(role, 0):,}, B {b['by_role'].get(role, 0):,}"
        for role in sorted(a["by_role"].keys() | b["by_role"].keys())
    ]
    said += [
        f"  {one['field']} ({one['precision']}): A {one['a']:,} people, B {one['b']:,}"
        for one in found["fields"]
        if one["a"] != one["b"]
    ]
    return (
        said
        + ["", "day, A, B, only A, only B"]
        + [
            f"{day['day']} {day['a']:>8,} {day['b']:>8,} {day['only_a']:>8,} {day['only_b']:>8,}"
            for day in found["days"]
        ]
    )


def seen(
    agreement: Annotated[str, typer.Argument(help="The agreement's id.", show_default=False)],
    on: Annotated[str, typer.Option(help="A day, or an instant with its offset.", show_default=False)],
    data_dir: Annotated[Path | None, typer.Option(help="The city's data directory.")] = None,
    database_url: Annotated[
        str | None, typer.Option(help="The city's database, when it is not the embedded one.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False,
) -> None:
    """Say what the recipient of an agreement could have seen on a day, or at an instant.

    Counts people per purpose and grant, with the fields, precisions, keys and ways, by the text that stood
    then, history entered here included. Prints numbers, never anybody. Exit status 0: something was within
    reach. 1: nothing was, and why. 2: it could not run. Asking is noted in the acts log, as at the desks.
    """
    settings = settings_for(data_dir=data_dir, database_url=database_url)
    since, until = day_of(on)
    with progress("arrests looked at", quiet=json) as tell:
        spans = _run(_seen(settings, agreement, since=since, until=until, tell=tell))
    for span in spans:
        for purpose in span["purposes"]:
            del purpose["examples"]  # rows are shown at the desks, where the look-up is noted
    found = {
        "agreement": agreement,
        "from": since.isoformat(),
        "until": until.isoformat(),
        "stretches": spans,
    }
    if json:
        give_json(found)
    else:
        for line in _told(found):
            give(line)
    people = sum(purpose["people"] for span in spans for purpose in span["purposes"])
    raise typer.Exit(Exit.FINE if people else Exit.FOUND)


def day_of(typed: str) -> tuple[datetime, datetime]:
    """The civil day, or the one instant, as typed. Raises CannotRunError."""
    since = instant_of(typed, end=False)
    until = instant_of(typed, end=True)
    return since, until if until > since else since + timedelta(microseconds=1)


async def _seen(
    settings: Settings, agreement: str, *, since: datetime, until: datetime, tell: Tell
) -> list[dict[str, Any]]:
    key = access(settings)
    vault.hold(key.record_key)
    query: dict[str, JSON] = {
        "agreement": agreement,
        "from": since.isoformat(),
        "until": until.isoformat(),
    }
    await noted(key, "seen", query)
    async with await psycopg.AsyncConnection.connect(key.dsn) as conn:
        life = await hindsight.life_of(conn, agreement)
        if life is None:
            raise CannotRunError(f"There is no agreement `{agreement}` in this city's register.")
        return await hindsight.seen_on(conn, life, since=since, until=until, tell=tell)


def _told(found: dict[str, Any]) -> list[str]:
    if not found["stretches"]:
        return [f"{found['agreement']}: no text was in force. Nothing could be seen."]
    said = []
    for span in found["stretches"]:
        said.append(f"{span['from']} to {span['until']}: version {span['version']}, {span['state']}")
        for purpose in span["purposes"]:
            said.append(f"  {purpose['purpose']}: {purpose['people']:,} people")
            for grant in purpose["grants"]:
                shown = ", ".join(f"{name} ({precision})" for name, precision in grant["show"].items())
                keys = "; ".join(" and ".join(fields) for fields in grant["find_by"]) or "no key"
                said.append(
                    f"    grant {grant['grant']}, about the {grant['about']}: {grant['people']:,} people"
                )
                said.append(f"      shown {shown}; found by {keys}; {', '.join(grant['ways'])}")
            said += [f"    kept out by the bar {one['bar']}: {one['people']:,}" for one in purpose["barred"]]
    return said
