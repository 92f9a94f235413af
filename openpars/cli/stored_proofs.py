# SPDX-License-Identifier: Apache-2.0
"""`openpars agreement prove --stored`: what stands in a city's register without an answer."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import NoReturn

import psycopg
import typer

from openpars.agreements import certified
from openpars.agreements.proofs.solve import installed
from openpars.agreements.register import BrokenText
from openpars.cli.place import settings_for
from openpars.cli.say import CannotRunError, Exit, give_json, say
from openpars.db.connect import Pool, pool
from openpars.settings import MissingSecret, Settings, load_desk

NO_SOLVER = "the solver is not installed: install OpenPARS with its extra `proofs` (it brings z3-solver)"


def prove(data_dir: Path | None, seconds: float, *, as_json: bool) -> NoReturn:
    """Try once more whatever is not answered, say what came of it, and end the command."""
    if not installed():
        raise CannotRunError(NO_SOLVER)
    settings = settings_for(data_dir=data_dir)
    try:
        tried = asyncio.run(_prove(settings, seconds, quiet=as_json))
    except (OSError, psycopg.Error, MissingSecret) as problem:
        raise CannotRunError(f"The register cannot be read or written: {problem}") from None
    whole = all(ok for _, ok in tried)
    if as_json:
        rows = [{"agreement": one.agreement, "version": one.version, "answered": ok} for one, ok in tried]
        give_json({"ok": whole, "tried": rows})
    else:
        say(f"{len(tried)} versions tried: {'all answered.' if whole else 'something stayed unanswered.'}")
    raise typer.Exit(Exit.FINE if whole else Exit.FOUND)


async def _prove(settings: Settings, seconds: float, *, quiet: bool) -> list[tuple[certified.Wanted, bool]]:
    tried: list[tuple[certified.Wanted, bool]] = []
    async with pool(load_desk(settings.data_dir).desk_dsn, name="prove") as desk:
        async with desk.connection() as conn:
            wanted = await certified.wanted(conn, again=True)
        for place, one in enumerate(wanted, start=1):
            if not quiet:
                say(f"{place} of {len(wanted)}: {one.agreement} version {one.version}")
            ok = await _one(desk, one, seconds)
            tried.append((one, ok))
    return tried


async def _one(desk: Pool, one: certified.Wanted, seconds: float) -> bool:
    try:
        await certified.prove(desk, one, seconds)
    except BrokenText:
        say(f"{one.agreement} version {one.version}: its stored text does not have its hash")
        return False
    async with desk.connection() as conn:
        left = await certified.wanted(conn, again=True)
    return all((other.agreement, other.version) != (one.agreement, one.version) for other in left)
