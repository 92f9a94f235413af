# SPDX-License-Identifier: Apache-2.0
"""`openpars agreement verify`: every ballot, key, step, proof and switch of a bar against the acts tree."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import psycopg
import typer

from openpars.agreements import certified, register
from openpars.agreements.audit import Finding, Held, audit
from openpars.agreements.bars import packs
from openpars.agreements.model import Agreement
from openpars.agreements.register import BrokenText, Entry
from openpars.agreements.switches import switches
from openpars.agreements.votes.ballot_keys import keys_of, logged_in
from openpars.cli.place import settings_for
from openpars.cli.say import CannotRunError, Exit, give_json, say
from openpars.db.connect import Connection
from openpars.log import stored
from openpars.log.note import Malformed, Signer, Verifier
from openpars.settings import MissingSecret, Settings, load_city, load_desk


def verify(
    data_dir: Annotated[Path | None, typer.Option(help="The city's data directory.")] = None,
    key: Annotated[
        str | None,
        typer.Option(help="The acts tree's verifier key (`openpars log key --tree acts`), as you kept it."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False,
) -> None:
    """Check the acts tree, then every ballot, ballot key, step, proof and switch of a bar against it.

    Names a ballot that nobody cast, one that was deleted or changed, a key that nobody registered, an end
    that never was, a certificate or a difference that somebody swapped, a bar that somebody switched past the
    desk; and counts every decided question again from its ballots. Exit status 0: all is well, 1: something
    was found, 2: it could not run.
    """
    settings = settings_for(data_dir=data_dir)
    try:
        found, size, counted = asyncio.run(_verify(settings, key))
    except (OSError, psycopg.Error, MissingSecret, Malformed) as problem:
        raise CannotRunError(f"The register or the log cannot be read: {problem}") from None
    if json:
        give_json({"ok": not found, "findings": [asdict(one) for one in found], "entries": size, **counted})
    else:
        for one in found:
            say(f"{one.where} {one.what}")
        rest = f"{counted['proofs']} attempts to prove and {counted['switches']} switches of bars"
        against = f"{counted['steps']} steps, {rest} against {size} entries of the acts tree"
        result = "NOT in order." if found else "all is as it was logged."
        say(f"{counted['ballots']} ballots, {counted['keys']} ballot keys, {against}: {result}")
    raise typer.Exit(Exit.FOUND if found else Exit.FINE)


async def _verify(settings: Settings, key: str | None) -> tuple[list[Finding], int, dict[str, int]]:
    secrets, city = load_desk(settings.data_dir), load_city(settings.data_dir)
    own = Signer(f"{city.origin}/acts", bytes.fromhex(secrets.acts_key)).verifier
    verifier = own if key is None else Verifier.parse(key)
    async with await psycopg.AsyncConnection.connect(secrets.desk_dsn) as conn:
        # One instant for the tree and the tables: else a ballot cast between the two would look forged.
        await conn.set_isolation_level(psycopg.IsolationLevel.REPEATABLE_READ)
        found: list[Finding] = []
        size = 0
        try:
            size = (await stored.read(conn, "acts", verifier)).tree.size
        except stored.LogDamaged as damage:
            found.append(Finding("the acts tree", str(damage)))
        held = await _held(conn, demo=city.demo)
    found += audit(held, logged_in(held.leaves))
    counted = {
        "ballots": sum(len(entry.ballots) for entry in held.entries),
        "keys": len(held.keys),
        "steps": sum(len(entry.events) for entry in held.entries),
        "proofs": len(held.proofs),
        "switches": len(held.switches.acts),
    }
    return found, size, counted


async def _held(conn: Connection, *, demo: bool) -> Held:
    entries = await register.whole(conn)
    keys = [key for provider in packs() for key in await keys_of(conn, provider)]
    texts: dict[tuple[str, int], Agreement] = {}
    for entry in entries:
        text = await _text(conn, entry)
        if text is not None:
            texts[entry.agreement, entry.version] = text
    leaves, proofs = await stored.about_agreements(conn), await certified.attempts(conn)
    return Held(entries, tuple(keys), leaves, texts, demo, proofs, await switches(conn))


async def _text(conn: Connection, entry: Entry) -> Agreement | None:
    try:
        return (await register.version(conn, entry.agreement, entry.version)).agreement
    except BrokenText:
        return None
