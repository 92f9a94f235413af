# SPDX-License-Identifier: Apache-2.0
"""Load the demo city: its people, its keys, its agreements.

Everything that must come together comes in one transaction; the agreements follow by the path every
agreement takes. Whatever is killed when: the next call finds its place, and a finished demo is left
as it is.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from openpars.accounts.keys import Issued, StaffRole, create_recipient, create_staff
from openpars.agreements import life, register
from openpars.agreements.ballots import Choice, Question
from openpars.agreements.votes import ballot_box, voting
from openpars.city import agreed
from openpars.city.days import ZONE
from openpars.city.generate import generate
from openpars.city.lives import Life
from openpars.db.connect import Connection, Pool, pool
from openpars.db.sql import load
from openpars.log.draft import JSON, Draft
from openpars.log.keys import KeyStore
from openpars.log.pending import note
from openpars.record import vault
from openpars.record.bulk import bulk_insert
from openpars.record.file import ArrestFile
from openpars.record.store import Entry
from openpars.settings import Settings, load_city, load_desk, write_private
from openpars.shares import enact, fence, fill
from openpars.shares.keys import ShareKeys

Q = load(__package__)

BATCH = 250
"""Lives copied in at once: some megabytes."""

Progress = Callable[[str, int, int], None]
"""Told what is being done, how much of it is done, and out of how much."""


class NotADemo(Exception):
    """The data directory is a real city's. Nothing invented is ever put into it."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the keys are written before the commit, and where they stand after it."""

    coming: Path
    standing: Path


async def load_demo(settings: Settings, *, arrests: int, progress: Progress) -> None:
    """Load `arrests` arrests that end now, with keys and agreements. Does nothing to a loaded demo.

    MUST run while no other process of the city does. Raises NotADemo, MissingSecret.
    """
    secrets = load_desk(settings.data_dir)
    if not load_city(settings.data_dir).demo:
        raise NotADemo
    vault.hold(secrets.record_key)
    place = _Place(settings.data_dir / "secrets" / "demo-keys.json", settings.data_dir / "demo-keys.json")
    async with AsyncExitStack() as stack:
        desk = await stack.enter_async_context(pool(secrets.desk_dsn, max_size=2, name="demo"))
        owner = await stack.enter_async_context(pool(secrets.owner_dsn, max_size=2, name="demo owner"))
        store = KeyStore(settings.keys_file)
        stack.callback(store.close)
        await _people(desk, place, store, arrests=arrests, progress=progress)
        async with owner.connection() as conn:
            # Without it the first questions would be planned for empty tables.
            await conn.execute(Q.analyze)
        for name in agreed.IN_FORCE:
            await _in_force(name, desk, owner, ShareKeys(secrets.share_key), progress=progress)


async def _people(desk: Pool, place: _Place, store: KeyStore, *, arrests: int, progress: Progress) -> None:
    """The record, the keys and the history, in one transaction; then the keys file takes its name."""
    async with desk.connection() as conn, conn.transaction():
        loaded = await (await conn.execute(Q.loaded)).fetchone()
        if loaded is None:
            versions = await _record(conn, store, arrests=arrests, progress=progress)
            for past in agreed.past():
                await register.enter_history(conn, past.text, past.events, by="history")
            write_private(place.coming, await _keys(conn))
            await note(conn, _entry(arrests, versions))
    # Written before the commit and named after it: a key that works is always in one of the two.
    if place.coming.exists():
        os.replace(place.coming, place.standing)


async def _record(conn: Connection, store: KeyStore, *, arrests: int, progress: Progress) -> int:
    lives = generate(arrests=arrests, now=datetime.now(UTC))
    versions = done = 0
    progress("arrests", 0, arrests)
    for batch in _batches(lives):
        # Elsewhere a person's log key is made when the booking's note reaches the acts tree.
        store.persons("acts", {one[-1].file.arrestee.person for one in batch})
        versions += await bulk_insert(conn, [_history(life_of_one) for life_of_one in batch])
        await conn.execute(Q.plan_again)
        done += len(batch)
        progress("arrests", done, arrests)
    return versions


def _batches(lives: Iterator[Life]) -> Iterator[list[Life]]:
    while batch := list(islice(lives, BATCH)):
        yield batch


def _history(one: Life) -> list[tuple[ArrestFile, Entry]]:
    # Recorded as it happened: so the past of the demo can be asked for, too.
    return [
        (
            version.file,
            Entry(version.act, version.by_role, None, version.happened_at, recorded_at=version.happened_at),
        )
        for version in one
    ]


async def _keys(conn: Connection) -> dict[str, Any]:
    """One key and one sign-in link for each desk and each recipient."""
    issued: dict[str, Issued] = {}
    for role in StaffRole:
        issued[role.value] = await create_staff(conn, role, label="demo", with_link=True)
    outside: dict[str, Issued] = {}
    for recipient, name in agreed.RECIPIENTS.items():
        outside[recipient] = await create_recipient(conn, recipient, name=name, label="demo", with_link=True)
    under: dict[str, dict[str, str]] = {}
    for recipient, organisation in agreed.ORGANISATIONS:
        name = agreed.RECIPIENTS[recipient]
        one = await create_recipient(conn, recipient, name=name, label="demo", organisation=organisation)
        under.setdefault(recipient, {})[organisation] = one.token
    return {
        "keys": {
            **{name: one.token for name, one in issued.items()},
            "recipients": {name: one.token for name, one in outside.items()},
        },
        "organisations": under,
        "links": {
            **{name: one.link for name, one in issued.items()},
            "recipients": {name: one.link for name, one in outside.items()},
        },
    }


def _entry(arrests: int, versions: int) -> Draft:
    """One entry for the whole load: the acts in it never happened."""
    private: dict[str, JSON] = {"agent": "demo", "arrests": arrests, "versions": versions}
    return Draft("act", public={"act": "demo-loaded"}, private=private)


async def _in_force(name: str, desk: Pool, owner: Pool, keys: ShareKeys, *, progress: Progress) -> None:
    """Propose, vote, enact, fill, start: each step only if it is still to be done."""
    async with desk.connection() as conn, conn.transaction():
        standing = next((s for s in await register.standings(conn) if s.agreement == name), None)
        if standing is None:
            today = datetime.now(ZONE).date()
            await register.propose(conn, agreed.for_a_year(name, today=today), "solicitor", demo=True)
            await _vote(conn, name)
        elif standing.state != "balloted":
            return
        version = await register.version(conn, name, 1)
    progress(name, 0, 1)
    async with owner.connection() as conn, conn.transaction():
        await enact.register(conn, version, keys)
    await fill.fill(desk, name, 1, keys)
    async with desk.connection() as conn, conn.transaction():
        await life.start(conn, name, 1)
        await fence.begin(owner, name, 1)
    progress(name, 1, 1)


async def _vote(conn: Connection, name: str) -> None:
    """The owners' ballots, unsigned: they exist in demo mode only, and are labelled so wherever shown."""
    for stakeholder, choice in agreed.BALLOTS[name]:
        asked = ballot_box.Asked(name, 1, stakeholder, Question.ENACT, Choice(choice))
        await voting.cast(conn, asked, demo=True)
