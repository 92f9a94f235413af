# SPDX-License-Identifier: Apache-2.0
"""A past that never was, in the real format: a record with its versions, an agreement that is over, and a log
of disclosures, sealed, hashed and signed as the writer does. The people are invented.

It is made at once instead of lived, so that a test has a past in a second and a benchmark has a million
entries. `make` is deterministic but for the keys and the ids.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

import psycopg

from openpars.agreements import register
from openpars.agreements.register import Event
from openpars.log import leaf
from openpars.log.keys import KeyStore
from openpars.log.merkle import Tree, leaf_hash
from openpars.log.note import Checkpoint, Signer
from openpars.log.seal import Key, label, seal
from openpars.record import vault
from openpars.record.bulk import bulk_insert
from openpars.record.file import Arrestee, ArrestFile, Bail, BailType, Charge, Name, Participant, Role, Stage
from openpars.record.forms import Act
from openpars.record.store import Entry
from openpars.settings import Settings, load_city, load_desk, load_door

START = datetime(2025, 1, 6, 14, tzinfo=UTC)
AGREEMENT = "past-agreement"
TEXT = """
[agreement]
id = "past-agreement"
provider = "city-of-philadelphia"
recipient = "fbi"
legal_basis = "18 Pa.C.S. ch. 91"

[term]
from = 2025-01-01
through = 2025-12-31
zone = "America/New_York"

[decision]
stakeholders = ["police", "district-attorney", "courts"]
enact = "2 of 3"
renew = "2 of 3"
end = "2 of 3"
silence = "lapse"

[[grant]]
about = "arrestee"
purposes = ["felony-warrant"]
when = { charge_grade = ["F1", "F2", "F3", "F"] }
show = { name = "whole", birth_date = "year", charges = "whole", bail = "whole" }
find_by = [["name", "birth_date"], ["docket"]]
alert_by = ["district"]
ways = ["search", "alert"]

[limits]
results_per_search = 20
searches_per_user_per_day = 10000

[duties]
case_number = "required"
"""


@dataclass(frozen=True)
class Past:
    """What `make` made: the files with their versions, and the public id of each."""

    files: list[list[tuple[ArrestFile, datetime]]]
    ids: list[UUID]
    entries: int


def signer(settings: Settings) -> Signer:
    """The signer of the tree of disclosures."""
    seed = bytes.fromhex(load_door(settings.data_dir).disclosures_key)
    return Signer(f"{load_city(settings.data_dir).origin}/disclosures", seed)


def history(dice: Random, number: int) -> list[tuple[ArrestFile, datetime]]:
    """One arrest in four versions: booked, approved, arraigned, bail posted. A day lies between them."""
    booked = START - timedelta(days=5, minutes=number % 1_000)
    victim = Participant(1, Role.VICTIM, Name(f"Victim{number}", "Vic"))
    grade = dice.choice(["F1", "F2", "F3", "F1", "M1"])
    charge = Charge(1, "18 § 2702 §§ A1", "Aggravated Assault", grade)
    file = ArrestFile(
        id=str(UUID(int=dice.getrandbits(128), version=4)),
        version=1,
        arrestee=Arrestee(
            person=UUID(int=dice.getrandbits(128), version=4).hex,
            name=Name(f"Past{number}", "Ana"),
            birth_date=date(1950, 1, 1) + timedelta(days=number % 15_000),
            birth_country=dice.choice(["USA", "DOM"]),
            ssn=f"9{number % 100:02d}{1 + number % 49:02d}{number % 10_000:04d}",
        ),
        dc_number=f"25{number:08d}",
        docket=f"MC-51-CR-{number:07d}-2025",
        arrested_at=booked,
        district=str(1 + number % 39),
        participants=(victim,) if number % 4 == 0 else (),
        charges=(charge,),
    )
    bail = Bail(BailType.MONETARY, 10_000 + number, 10)
    approved = _next(file, charges=(Charge(1, charge.statute, charge.text, grade, stage=Stage.APPROVED),))
    arraigned = _next(approved, bail=bail)
    posted = _next(arraigned, bail=Bail(BailType.MONETARY, 10_000 + number, 10, posted=True))
    return [
        (one, booked + timedelta(days=place)) for place, one in enumerate((file, approved, arraigned, posted))
    ]


def _next(file: ArrestFile, **changed: Any) -> ArrestFile:
    values = {name: getattr(file, name) for name in ArrestFile.__slots__}
    return ArrestFile(**{**values, **changed, "version": file.version + 1})


async def make(
    settings: Settings, *, arrests: int, entries: int, per_answer: int = 2, days: int = 20, seed: int = 2018
) -> Past:
    """Fill an empty city's database: record, agreement, ids, log. Every answer shows `per_answer` people."""
    dice = Random(seed)  # noqa: S311
    secrets = load_desk(settings.data_dir)
    vault.hold(secrets.record_key)
    files = [history(dice, number) for number in range(arrests)]
    ids = [UUID(int=dice.getrandbits(128), version=4) for _ in files]
    async with await psycopg.AsyncConnection.connect(secrets.desk_dsn) as conn:
        for first in range(0, len(files), 2_000):
            part = files[first : first + 2_000]
            acts = [[(f, Entry(Act.BOOK, "police", None, at, at)) for f, at in one] for one in part]
            await bulk_insert(conn, acts)
        ended = Event("ended", datetime(2026, 1, 1, 5, tzinfo=UTC), "history")
        await register.enter_history(conn, TEXT, [ended], by="history")
        columns = "(agreement, arrest, slot, id)"
        async with conn.cursor().copy(f"COPY shares.identity {columns} FROM STDIN") as copy:
            for one, public in zip(files, ids, strict=True):
                await copy.write_row((AGREEMENT, UUID(one[0][0].id), "arrestee", public))
        await conn.commit()
    await _log(settings, dice, files, ids, entries=entries, per_answer=per_answer, days=days)
    return Past(files, ids, entries)


async def _log(
    settings: Settings, dice: Random, files: Any, ids: Any, *, entries: int, per_answer: int, days: int
) -> None:
    store = KeyStore(settings.keys_file)
    keys = store.persons("disclosures", [one[0][0].arrestee.person for one in files])
    months = {}
    tree = Tree()
    felonies = [n for n, one in enumerate(files) if (one[0][0].charges[0].grade or "").startswith("F")]

    def made() -> Iterator[tuple[bytes, bytes, datetime]]:
        yield (
            leaf.build(
                kind="schema",
                public=leaf.schema_public("disclosures"),
                commitments={},
                labels=[],
                body=b"",
                at=START,
            ),
            b"",
            START,
        )
        counts: dict[int, int] = {}
        for number in range(entries):
            at = START + timedelta(seconds=number * days * 86_400 // entries)
            month = at.strftime("%Y-%m")
            if month not in months:
                months[month] = store.period("disclosures", month)
            chosen = [(files[n], ids[n]) for n in dice.sample(felonies, per_answer)]
            yield *_answer(at, month, months[month], chosen, keys, counts, number), at

    async with await psycopg.AsyncConnection.connect(load_desk(settings.data_dir).owner_dsn) as conn:
        columns = "(tree, index, leaf, leaf_hash, sealed, at)"
        async with conn.cursor().copy(f"COPY log.entry {columns} FROM STDIN") as copy:
            for index, (raw, body, at) in enumerate(made()):
                tree.append(leaf_hash(raw))
                await copy.write_row(("disclosures", index, raw, leaf_hash(raw), body, at))
        columns = "(tree, level, index, hash)"
        async with conn.cursor().copy(f"COPY log.subtree {columns} FROM STDIN") as copy:
            for level in range(1, 8):
                for index in range(tree.size >> 8 * level):
                    await copy.write_row(("disclosures", level, index, tree.node(8 * level, index)))
        mine = signer(settings)
        note = mine.sign(Checkpoint(mine.name, tree.size, tree.root()).text())
        values = ("disclosures", tree.size, note, START + timedelta(days=days))
        await conn.execute(
            "INSERT INTO log.checkpoint (tree, size, note, at) VALUES (%s, %s, %s, %s)", values
        )
        await conn.commit()
    store.close()


def _answer(
    at: datetime,
    month: str,
    period: Key,
    chosen: list[Any],
    keys: dict[str, Key],
    counts: dict[int, int],
    number: int,
) -> tuple[bytes, bytes]:
    kind = "answer"
    public = leaf.check_public(
        "disclosures",
        kind,
        {"agreement": AGREEMENT, "version": 1, "purpose": "felony-warrant", "way": "search"},
    )
    rows: list[Any] = []
    persons = []
    for versions, public_id in chosen:
        file = max((f for f, recorded in versions if recorded <= at), key=lambda f: f.version)
        rows.append([public_id.hex, 1, file.version])
        persons.append(keys[file.arrestee.person])
    private: dict[str, Any] = {
        "agent": ["fbi", f"00000000-0000-4000-8000-{number % 7:012d}", None],
        "why": ["felony-warrant", f"CASE-{number}"],
        "rows": rows,
        "shown": [1],
        "find_by": ["birth_date", "name"],
        "query": '{"birth_date":"1990-03-04","name":{"first":"Ana","last":"Past"}}',
        "logged_at": at.isoformat(),
    }
    classes = leaf.fields("disclosures", kind)[1]
    sealed = seal(private, classes, month=month, period=period, persons=persons)
    labels = []
    for key in persons:
        labels.append(label(key, counts.get(key.slot, 0)))
        counts[key.slot] = counts.get(key.slot, 0) + 1
    raw = leaf.build(
        kind=kind, public=public, commitments=sealed.commitments, labels=labels, body=sealed.body, at=at
    )
    return raw, sealed.body
