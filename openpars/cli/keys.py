# SPDX-License-Identifier: Apache-2.0
"""`openpars keys`: the keys of a city, of which the first must come from the command line."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import psycopg
import typer

from openpars.accounts import keys
from openpars.accounts.keys import Issued, StaffRole
from openpars.cli.place import settings_for
from openpars.cli.say import CannotRunError, give_json, say
from openpars.settings import MissingSecret, load_desk

app = typer.Typer(
    add_completion=False,
    help="Make keys for the desks of a city and for outside agencies.",
    no_args_is_help=True,
)


class Role(StrEnum):
    """Whose key: a desk of the city, or an outside agency."""

    POLICE = "police"
    DISTRICT_ATTORNEY = "district-attorney"
    COURTS = "courts"
    SOLICITOR = "solicitor"
    AUDITOR = "auditor"
    RECORDS = "records"
    RECIPIENT = "recipient"


@app.callback()
def _keys() -> None:
    """Make keys for the desks of a city and for outside agencies."""


@app.command()
def add(
    role: Annotated[Role, typer.Option(help="Whose key: a desk of the city, or `recipient`.")],
    recipient: Annotated[
        str | None, typer.Option(help="With --role recipient: the agency's id, such as `ice`.")
    ] = None,
    organisation: Annotated[
        str | None,
        typer.Option(
            help="With --role recipient: the organisation of the agency's tree that the key is for, as an "
            "agreement names it. Without it the key is the agency's own."
        ),
    ] = None,
    name: Annotated[str | None, typer.Option(help="With --role recipient: the agency's full name.")] = None,
    label: Annotated[
        str, typer.Option(help="What this key is for, in your words.")
    ] = "made on the command line",
    data_dir: Annotated[Path | None, typer.Option(help="The city's data directory.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False,
) -> None:
    """Make a key and print it once. The city must be running."""
    settings = settings_for(data_dir=data_dir)
    if (role is Role.RECIPIENT) != (recipient is not None):
        raise CannotRunError("Give --recipient ID together with --role recipient, and only then.")
    if organisation is not None and recipient is None:
        raise CannotRunError("An organisation is one of a recipient's: give --recipient ID, too.")
    wanted = _Wanted(role, recipient, organisation, name, label)
    try:
        issued = asyncio.run(_add(load_desk(settings.data_dir).desk_dsn, wanted))
    except MissingSecret as problem:
        raise CannotRunError(str(problem)) from None
    except psycopg.errors.CheckViolation:
        raise CannotRunError(
            "The id of a recipient or organisation is lower-case letters, digits and hyphens, such as `ice`."
        ) from None
    except psycopg.OperationalError:
        raise CannotRunError(
            "The city's database does not answer: start the city with `openpars up` first."
        ) from None
    if json:
        give_json(
            {
                "role": str(role),
                "recipient": recipient,
                "organisation": organisation,
                "id": str(issued.key),
                "key": issued.token,
            }
        )
        return
    say("This key is shown once. Keep it as you would a password:")
    print(issued.token)


@dataclass(frozen=True, slots=True)
class _Wanted:
    role: Role
    recipient: str | None
    organisation: str | None
    name: str | None
    label: str


async def _add(dsn: str, wanted: _Wanted) -> Issued:
    async with await psycopg.AsyncConnection.connect(dsn) as conn:
        if wanted.recipient is None:
            return await keys.create_staff(conn, StaffRole(wanted.role.value), label=wanted.label)
        return await keys.create_recipient(
            conn,
            wanted.recipient,
            name=wanted.name or wanted.recipient,
            label=wanted.label,
            organisation=wanted.organisation,
        )
