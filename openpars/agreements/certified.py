# SPDX-License-Identifier: Apache-2.0
"""Proofs kept with the version they are about: certificates, and what it changes of the version before.

Nothing waits for them. A text is proposed; the worker then proves it beside everything else, within a bounded
time, and keeps what came of it as an attempt. Without a solver the certificates are kept unanswered, and when
there is one the worker tries again. Attempts are only ever added, and the last one counts.

Each attempt has a manifest with a hash of every part; the manifest's hash is a leaf of the acts tree, so that
`openpars agreement verify` can name what somebody swapped.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from psycopg.rows import TupleRow

from openpars.agreements import register
from openpars.agreements.language.words import ENGLISH, LANGUAGES, SPOKEN
from openpars.agreements.model import Version
from openpars.agreements.proofs import changes
from openpars.agreements.proofs.certificate import Certificate, certificates
from openpars.agreements.proofs.difference import difference
from openpars.agreements.proofs.proving import Unconfirmed, version_to_prove
from openpars.agreements.proofs.solve import NoSolver, Undecided, installed, name_and_version, within
from openpars.db.connect import Connection, Pool
from openpars.db.sql import load
from openpars.log import leaf
from openpars.log.draft import Draft
from openpars.log.pending import note
from openpars.log.stored import digests_of
from openpars.record.catalogue import JSON, instant

Q = load(__package__)

PATIENCE = 20.0
"""Seconds for one attempt of the worker: all certificates of a text, and what it changes."""

PROVED = "proved"
"""The event in the leaf of an attempt."""

DIFFERENCE = "difference"


@dataclass(frozen=True, slots=True)
class Kept:
    """A certificate of one version. `answer`: `unsat` proved, `sat` refuted, None not answered here.

    `sound`: it is as it was made and logged. Where it is not, its answer MUST NOT be told as one.
    """

    agreement: str
    version: int
    name: str
    says: str
    answer: str | None
    solver: str | None
    made_at: datetime
    sound: bool


@dataclass(frozen=True, slots=True)
class Wanted:
    """A version to prove, after so many attempts."""

    agreement: str
    version: int
    attempts: int


@dataclass(frozen=True, slots=True)
class Made:
    """What came of one attempt. `difference`: JSON, None where there is nothing before or no answer."""

    certificates: tuple[Certificate, ...]
    difference: str | None
    solver: str | None


@dataclass(frozen=True, slots=True)
class Part:
    """A certificate as it stands in its table, its text as a SHA-256 (hex)."""

    name: str
    says: str
    text: str
    bars: str
    catalogue: str
    answer: str | None
    solver: str | None


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt as it is kept. `before`: the version compared with. `parts`: hashes by name, as they stand
    in the tables now; `manifest`: as they were when it was made. `logged`: the acts tree knows it so."""

    agreement: str
    version: int
    attempt: int
    before: int | None
    difference: str | None
    solver: str | None
    manifest: str
    made_at: datetime
    parts: Mapping[str, str]
    certificates: tuple[Part, ...]
    logged: bool

    @property
    def digest(self) -> str:
        """What its leaf carries."""
        return hashlib.sha256(self.manifest.encode()).hexdigest()

    @property
    def told(self) -> Mapping[str, JSON] | None:
        """The difference (see `proofs.changes`), None where there is none or it is not as it was made.

        `spoken` in it has the words of every other language, made and hashed with it.
        """
        if self.difference is None or not self.sound(DIFFERENCE):
            return None
        told: dict[str, JSON] = json.loads(self.difference)
        return told

    def sound(self, part: str) -> bool:
        """Whether this part is what was made then and logged."""
        return self.logged and not {"manifest", part} & set(swapped(self))


async def wanted(conn: Connection, *, again: bool) -> tuple[Wanted, ...]:
    """The versions to prove: those never tried and, where there is a solver, those tried without one.

    `again`: also those of which something stayed unanswered, for want of time.
    """
    here = installed()
    rows = await (await conn.execute(Q.unproved)).fetchall()
    return tuple(
        Wanted(agreement, number, attempts)
        for agreement, number, attempts, solver, whole in rows
        if attempts == 0 or (here and (solver is None or (again and not whole)))
    )


async def texts(conn: Connection, one: Wanted) -> tuple[Version, tuple[int, Version] | None]:
    """The version, and the one before it. Raises BrokenText."""
    row = await (await conn.execute(Q.version_before, (one.agreement, one.version))).fetchone()
    found = (await register.version(conn, one.agreement, one.version)).agreement
    if row is None:
        return version_to_prove(found), None
    before = (await register.version(conn, one.agreement, row[0])).agreement
    return version_to_prove(found), (row[0], version_to_prove(before))


def make(version: Version, before: Version | None, seconds: float) -> Made:
    """Prove and compare, within so many seconds for all of it. Runs long: not in a server's loop."""
    with within(seconds):
        made = certificates(version)
        return Made(made, _compared(before, version), name_and_version() if installed() else None)


def _compared(before: Version | None, version: Version) -> str | None:
    if before is None:
        return None
    try:
        found = difference(before, version)
    except (NoSolver, Undecided, Unconfirmed):
        return None
    others = {lang: changes.spoken(found, SPOKEN[lang]) for lang in LANGUAGES if lang != ENGLISH.lang}
    return json.dumps({**changes.as_json(found, ENGLISH), "spoken": others}, ensure_ascii=False)


def _hash(*parts: str | int | None) -> str:
    return hashlib.sha256(leaf.canonical(parts)).hexdigest()


def _part(one: Part) -> str:
    return _hash(one.says, one.text, one.bars, one.catalogue, one.answer, one.solver)


def _made(one: Certificate) -> Part:
    text = hashlib.sha256(one.text.encode()).hexdigest()
    return Part(one.name, one.says, text, one.bars, one.catalogue, one.answer, one.solver)


def _manifest(said: Mapping[str, JSON], parts: Mapping[str, str]) -> str:
    return leaf.canonical({**said, "parts": dict(parts)}).decode()


def _parts(made: Sequence[Part], told: str | None) -> dict[str, str]:
    """The hash of each part, by the property's name; of the difference by that word."""
    return {**{one.name: _part(one) for one in made}, DIFFERENCE: _hash(told)}


async def keep(conn: Connection, one: Wanted, before: int | None, made: Made) -> bool:
    """Keep an attempt and note it for the log, in the caller's transaction. False: another was first."""
    at, number = await register.clock(conn), one.attempts + 1
    said = _about(one.agreement, one.version, number, before, made.solver, at)
    manifest = _manifest(said, _parts([_made(each) for each in made.certificates], made.difference))
    place = {"agreement": one.agreement, "version": one.version, "attempt": number}
    row = {**place, "before": before, "difference": made.difference, "solver": made.solver}
    if await (await conn.execute(Q.new_proof, {**row, "manifest": manifest, "at": at})).fetchone() is None:
        return False
    for each in made.certificates:
        await conn.execute(Q.new_certificate, {**place, **asdict(each)})
    entry = Draft(
        "agreement",
        public={
            "agreement": one.agreement,
            "version": one.version,
            "event": PROVED,
            "hash": None,
            "digest": hashlib.sha256(manifest.encode()).hexdigest(),
        },
        private={"agent": "openpars", "at": at.isoformat(), "why": None},
    )
    await note(conn, entry)
    return True


def _about(
    agreement: str, version: int, attempt: int, before: int | None, solver: str | None, at: datetime
) -> dict[str, JSON]:
    # What a manifest says beside its parts.
    return {
        "agreement": agreement,
        "version": version,
        "attempt": attempt,
        "before": before,
        "solver": solver,
        "at": instant(at),
    }


async def prove(pool: Pool, one: Wanted, seconds: float) -> bool:
    """Make one attempt and keep it. No transaction is open while the solver thinks. Raises BrokenText."""
    async with pool.connection() as conn:
        version, before = await texts(conn, one)
    made = await asyncio.to_thread(make, version, None if before is None else before[1], seconds)
    async with pool.connection() as conn, conn.transaction():
        return await keep(conn, one, None if before is None else before[0], made)


async def of_agreement(conn: Connection, agreement: str, number: int | None = None) -> tuple[Kept, ...]:
    """The certificates of every version of an agreement, or of one, each as of its last attempt."""
    found = await _attempts(conn, agreement=agreement, version=number, last=True)
    return tuple(
        Kept(
            one.agreement,
            one.version,
            part.name,
            part.says,
            part.answer,
            part.solver,
            one.made_at,
            one.sound(part.name),
        )
        for one in found
        for part in one.certificates
    )


async def text_of(conn: Connection, agreement: str, number: int, name: str) -> str | None:
    """The SMT-LIB 2 text of one certificate; None where there is none, or it is not the one that was made."""
    found = await last(conn, agreement, number)
    if found is None or not found.sound(name):
        return None
    row = await (await conn.execute(Q.certificate_text, (agreement, number, name))).fetchone()
    return None if row is None else str(row[0])


async def last(conn: Connection, agreement: str, number: int) -> Attempt | None:
    """The last attempt about a version; None: none was made yet."""
    found = await _attempts(conn, agreement=agreement, version=number, last=True)
    return found[0] if found else None


async def attempts(conn: Connection) -> tuple[Attempt, ...]:
    """Every attempt there was."""
    return await _attempts(conn, agreement=None, version=None, last=False)


async def _attempts(
    conn: Connection, *, agreement: str | None, version: int | None, last: bool
) -> tuple[Attempt, ...]:
    wanted = {"agreement": agreement, "version": version, "last": last}
    rows = await (await conn.execute(Q.proofs, wanted)).fetchall()
    places = dict(zip(("agreements", "versions", "attempts"), _columns(rows), strict=True))
    held: dict[tuple[str, int, int], list[Part]] = {}
    for one in await (await conn.execute(Q.certificates, places)).fetchall():
        held.setdefault(tuple(one[:3]), []).append(Part(*one[3:]))
    logged = await digests_of(conn, PROVED)
    return tuple(_attempt(row, tuple(held.get(tuple(row[:3]), ())), logged) for row in rows)


def _columns(rows: Sequence[TupleRow]) -> tuple[list[object], ...]:
    return tuple([row[place] for row in rows] for place in range(3))


def _attempt(row: TupleRow, certificates: tuple[Part, ...], logged: Collection[str]) -> Attempt:
    agreement, version, attempt, before, told, solver, manifest, made_at = row
    known = hashlib.sha256(manifest.encode()).hexdigest() in logged
    parts = _parts(certificates, told)
    return Attempt(
        agreement,
        version,
        attempt,
        before,
        told,
        solver,
        manifest,
        made_at,
        parts,
        certificates,
        logged=known,
    )


def swapped(one: Attempt) -> tuple[str, ...]:
    """The parts of an attempt that are not what its manifest says; "manifest" where that is not its own."""
    try:
        said = json.loads(one.manifest)
        parts = dict(said["parts"])
    except (ValueError, KeyError, TypeError):
        return ("manifest",)
    own = _about(one.agreement, one.version, one.attempt, one.before, one.solver, one.made_at)
    names = sorted(name for name in {*parts, *one.parts} if parts.get(name) != one.parts.get(name))
    return (*(("manifest",) if {**own, "parts": parts} != said else ()), *names)
