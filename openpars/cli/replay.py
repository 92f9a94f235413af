# SPDX-License-Identifier: Apache-2.0
"""`openpars agreement replay`: what another text would have made of the past."""

from __future__ import annotations

import asyncio
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import psycopg
import typer

from openpars.agreements.model import Version
from openpars.agreements.replay.judge import as_if_in_force
from openpars.agreements.replay.tally import Tally
from openpars.cli.log import TreeName, own_key
from openpars.cli.past import Tell, access, instant_of, noted, progress, version_in, with_bars
from openpars.cli.place import settings_for
from openpars.cli.say import CannotRunError, Exit, give, give_json
from openpars.cli.what_if import what_if
from openpars.desk import replay as desk
from openpars.desk.replay import Nothing
from openpars.log.draft import JSON
from openpars.log.opened import NoKeys
from openpars.log.stored import LogDamaged
from openpars.settings import MissingSecret, Settings

SAID = (
    "Whom a wider text would have added to an answer is not in the log. `--assume` counts over the record.",
    "What a refused request asked for is not kept: a refusal can lose its reason and meet another.",
    "A record fetched by its id is judged by itself, even if the search that gave the id would not have.",
    "An agreement that ended or was suspended early did so by an act of its owners, not by its text.",
)
"""What a replay cannot say, told with every answer."""


def replay(
    file: Annotated[Path, typer.Argument(help="The text to judge the past by.", show_default=False)],
    since: Annotated[
        str, typer.Option("--from", help="First day, or an instant with its offset.", show_default=False)
    ],
    until: Annotated[
        str,
        typer.Option("--to", help="Last day, included, or an instant, not included.", show_default=False),
    ],
    instead_of: Annotated[
        str | None,
        typer.Option(help="The agreement whose disclosures are judged. Else the one the text names."),
    ] = None,
    as_if: Annotated[
        bool, typer.Option("--as-if-in-force", help="Take the text as in force for the whole period.")
    ] = False,
    assume: Annotated[
        bool,
        typer.Option(help="No log: what could have been seen under each text, over the record's history."),
    ] = False,
    against: Annotated[
        Path | None, typer.Option(help="With --assume: another text, instead of what stood in the register.")
    ] = None,
    assume_bar: Annotated[
        list[str] | None, typer.Option(help="A bar taken as holding from the beginning. May be repeated.")
    ] = None,
    data_dir: Annotated[Path | None, typer.Option(help="The city's data directory.")] = None,
    database_url: Annotated[
        str | None, typer.Option(help="The city's database, when it is not the embedded one.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False,
) -> None:
    """Judge what was disclosed in a period by another text: what would not have happened, or been poorer.

    Reads the log of disclosures with the city's own keys, checks all of it, and gives back each file as it
    was. Prints numbers, never anybody; the same log and record give the same bytes. Asking is noted in the
    acts log, and what cannot be noted is not answered. Exit status 0: nothing would have been other. 1:
    something would. 2: it could not run, or the log is not as it was signed.
    """
    settings = settings_for(data_dir=data_dir, database_url=database_url)
    version = with_bars(version_in(file), assume_bar or [])
    begins, ends = instant_of(since, end=False), instant_of(until, end=True)
    if begins >= ends:
        raise CannotRunError("The period ends before it begins.")
    if against is not None and not assume:
        raise CannotRunError("--against goes with --assume.")
    of = instead_of or version.agreement.id
    if assume:
        other = None if against is None else version_in(against)
        what_if(settings, version, other, of=of, period=(begins, ends), json=json)
    judged = as_if_in_force(version, begins, ends) if as_if else version
    try:
        with progress("entries read back", quiet=json) as tell:
            tally = asyncio.run(_replay(settings, judged, of=of, period=(begins, ends), tell=tell))
    except LogDamaged as damage:
        raise CannotRunError(f"Nothing is judged by a log that is not in order. {damage}.") from None
    except Nothing:
        raise CannotRunError(f"There is no agreement `{of}` in this city's register.") from None
    except (NoKeys, MissingSecret) as problem:
        raise CannotRunError(f"The log cannot be opened: {problem}.") from None
    except (psycopg.Error, OSError) as problem:
        raise CannotRunError(
            f"The city's database cannot be read, or the look not noted: {type(problem).__name__}."
        ) from None
    found: dict[str, Any] = {
        "text": {"agreement": version.agreement.id, "hash": version.hash},
        "of": of,
        "from": begins.isoformat(),
        "to": ends.isoformat(),
        "as_if_in_force": as_if,
        **tally.json(),
        "cannot_say": list(SAID),
    }
    if json:
        give_json(found)
    else:
        for line in sentences(found):
            give(line)
    total = found["total"]
    raise typer.Exit(Exit.FINE if total["outcomes"]["same"] == total["disclosures"] else Exit.FOUND)


async def _replay(
    settings: Settings, judged: Version, *, of: str, period: tuple[datetime, datetime], tell: Tell
) -> Tally:
    key, verifier = access(settings), own_key(settings, TreeName.DISCLOSURES)
    since, until = period
    query: dict[str, JSON] = {
        "agreement": of,
        "from": since.isoformat(),
        "until": until.isoformat(),
        "text": judged.hash,
    }
    await noted(key, "replay", query)
    return await desk.replay(key, verifier, judged, of=of, since=since, until=until, tell=tell)


_OUTCOMES = {
    "refused": "would not have happened",
    "empty": "would have shown nobody",
    "fewer": "would have shown fewer people",
    "poorer": "would have shown less about them",
    "same": "would have been the same, or more",
    "cannot-be-opened": "cannot be judged: the key of somebody in it was destroyed",
    "cannot-be-rebuilt": "cannot be judged: the file is not there any more as it was",
}


def sentences(found: dict[str, Any]) -> list[str]:
    """The same for people."""
    total = found["total"]
    text, period = found["text"], f"{found['from']} to {found['to']}"
    count, people = total["disclosures"], total["people"]["shown"]
    said = [
        f"{period}: {count:,} disclosures under {found['of']}, about {people:,} people who can be told.",
        f"Under the text {text['hash'][:12]} of {text['agreement']}:",
    ]
    said += [f"  {total['outcomes'][name]:>9,} {words}" for name, words in _OUTCOMES.items()]
    for line in found["lines"]:
        said += _line(line)
    said += [_refusal(one) for one in found["refusals"]]
    if found["entries_closed"]:
        said.append(f"{found['entries_closed']:,} entries do not open at all.")
    return [*said, "", "What this cannot say:", *(f"- {one}" for one in found["cannot_say"])]


def _refusal(one: dict[str, Any]) -> str:
    open_ = one["log-cannot-say"] + one["not-for-the-text"]
    gone, still = one["reason-gone"], one["still-refused"]
    return (
        f"refused then with {one['code']} ({one['recipient']}): {gone:,} would have lost that reason,"
        f" {still:,} not, {open_:,} nobody can tell from the log"
    )


def _line(line: dict[str, Any]) -> list[str]:
    people = line["people"]
    whose = ", ".join(line[name] for name in ("recipient", "agreement", "purpose", "way"))
    left, less = people["withheld"], people["poorer"]
    said = [
        "",
        f"{whose}: {line['disclosures']:,} disclosures about {people['shown']:,} people",
        f"  {left:,} people would have been left out of some, {less:,} shown with less",
    ]
    for one in line["reasons"]:
        bar = f" {one['bar']}" if one["bar"] else ""
        said.append(f"  {one['reason']}{bar}: {_numbers(one)}")
    for name, words in (("poorer_fields", "instead of"), ("richer_fields", "more than")):
        for one in line[name]:
            now, was = one["would_show"] or "not shown", one["shown"] or "not shown"
            said.append(f"  {one['field']} {now} {words} {was}: {_numbers(one)}")
    return said


def _numbers(one: dict[str, Any]) -> str:
    return f"{one['disclosures']:,} disclosures, {one['people']:,} people"
