# SPDX-License-Identifier: Apache-2.0
"""Does at the court's desk what the files say, and remembers that it was done.

One docket, one file, one act, one transaction: the desk's own, with its version, its shares and its
note in the log. What is remembered follows in a transaction of its own. Killed in between, the next
run does the act again, and the desk answers that nothing is new: nothing is done twice, nothing lost.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from openpars.accounts.keys import StaffRole
from openpars.db.bell import Bell
from openpars.db.connect import Connection, pool
from openpars.desk import court
from openpars.desk.room import IMPORTS, Actor, Asked, Room
from openpars.errors import Code, Refused
from openpars.feeds import memory as kept
from openpars.feeds.changes import Change
from openpars.feeds.filings import FilingsFile
from openpars.feeds.listed import court_docket
from openpars.feeds.replay import Moment, pause, schedule
from openpars.feeds.sequence import Act, Kind, Marker, Memory, Plan, in_order, plan, remember
from openpars.log.keys import KeyStore
from openpars.record import store, vault
from openpars.record.file import HOME, Name
from openpars.record.forms import Withdrawal
from openpars.record.pack import pack
from openpars.settings import DeskSecrets
from openpars.shares.keep import Keeper
from openpars.shares.keys import ShareKeys

FEED = Asked(Actor(StaffRole.COURTS, IMPORTS, "the court's daily file"))

TOGETHER = 4  # acts under way at once: a commit waits for the disk, another file need not
CHUNK = 64  # acts remembered in one transaction


class ImportRunningError(Exception):
    """Another import holds this city."""


@dataclass(frozen=True, slots=True)
class Done:
    """What an import did, or would do. `refused` names file, line and what the desk said."""

    kinds: Counter[Kind] = field(default_factory=Counter)
    aged: int = 0
    unknown: int = 0
    superseded: int = 0
    doubtful: int = 0
    known_files: int = 0
    refused: tuple[str, ...] = ()

    def __add__(self, other: Done) -> Done:
        """Both together."""
        return Done(
            self.kinds + other.kinds,
            self.aged + other.aged,
            self.unknown + other.unknown,
            self.superseded + other.superseded,
            self.doubtful + other.doubtful,
            self.known_files + other.known_files,
            self.refused + other.refused,
        )

    def as_json(self) -> dict[str, object]:
        """For `--json`."""
        return {
            "acts": {str(kind): self.kinds[kind] for kind in Kind if self.kinds[kind]},
            "aged_out": self.aged,
            "left_unknown": self.unknown,
            "superseded": self.superseded,
            "doubtful": self.doubtful,
            "files_known_already": self.known_files,
            "refused": list(self.refused),
        }

    def sentence(self) -> str:
        """For people."""
        said = [f"{self.kinds[kind]} x {kind}" for kind in Kind if self.kinds[kind]] or ["nothing new"]
        for count, words in (
            (self.aged, "aged out"),
            (self.unknown, "left across a missing file, so nothing is said of them"),
            (self.superseded, "superseded by a newer file"),
            (self.doubtful, "not withdrawn, because the file seems to have been cut off"),
            (self.known_files, "files known already"),
        ):
            if count:
                said.append(f"{count} {words}")
        return "; ".join(said) + "."


@contextlib.asynccontextmanager
async def open_importer(secrets: DeskSecrets, keys_file: Path, *, demo: bool) -> AsyncIterator[Importer]:
    """An importer of one city. Raises ImportRunningError, psycopg.OperationalError."""
    vault.hold(secrets.record_key)
    rules = pack(HOME)
    share_keys = ShareKeys(secrets.share_key)
    key_store = KeyStore(keys_file)
    try:
        async with (
            await psycopg.AsyncConnection.connect(secrets.desk_dsn, autocommit=True) as claimed,
            pool(secrets.desk_dsn, max_size=TOGETHER + 1, name="import") as desk,
            Bell(secrets.desk_dsn) as bell,
        ):
            if not await kept.claim(claimed):
                raise ImportRunningError
            room = Room(
                pool=desk,
                owner=pool(secrets.owner_dsn, min_size=0),  # never opened: a docket ends no agreement
                keeper=Keeper(share_keys),
                share_keys=share_keys,
                bell=bell,
                key_store=key_store,
                pack=rules,
                demo=demo,
            )
            # A key of its own: what feeds remembers cannot be compared with any other hash of the city.
            key = hmac.digest(bytes.fromhex(secrets.record_key), b"openpars/feeds/filings", "sha256")
            yield Importer(room, Marker(key))
    finally:
        key_store.close()


@dataclass(frozen=True, slots=True)
class _Outcome:
    act: Act
    arrest: str | None
    refused: str | None


class Importer:
    """Performs files at the court's desk. Made by `open_importer`."""

    def __init__(self, room: Room, marker: Marker) -> None:
        self._room = room
        self._marker = marker
        self._jurisdiction = room.pack.jurisdiction

    async def look(self, files: Sequence[FilingsFile]) -> Done:
        """What importing the files would do; nothing is changed."""
        remembered = await self._memory(files)
        done = Done()
        for file in in_order(files):
            planned = plan(remembered, file, self._marker)
            remembered = remember(remembered, file, planned)
            done += _done(planned) + Done(Counter(kind for act in planned.acts for kind in act.kinds))
        return done

    async def file(self, file: FilingsFile, tell: Callable[[int, int], None]) -> Done:
        """Import one file. `tell(done, all)` is called as it goes. Files come oldest first."""
        planned = plan(await self._memory([file]), file, self._marker)
        done = _done(planned)
        if planned.known_file:
            return done
        async with self._room.pool.connection() as conn, conn.transaction():
            await kept.keep_quiet(conn, self._jurisdiction, planned.quiet)
        acts = planned.acts
        for start in range(0, len(acts), CHUNK):
            tell(start, len(acts))
            done += await self._chunk(acts[start : start + CHUNK], file.name)
        async with self._room.pool.connection() as conn, conn.transaction():
            await kept.keep_file(conn, self._jurisdiction, file)
        tell(len(acts), len(acts))
        return done

    async def replay(
        self,
        files: Sequence[FilingsFile],
        changes: Sequence[Change],
        *,
        speed: float,
        seconds: float | None,
        tell: Callable[[str], None],
    ) -> Done:
        """Do everything at its time, `speed` seconds of the court per second, for `seconds` at most."""
        moments = schedule(await self._memory(files, changes), files, changes, self._marker)
        until = None if seconds is None else time.monotonic() + seconds
        done, before = Done(), None
        tell(f"{len(moments)} moments at {speed:g} seconds of the court per second. Ctrl-C ends it.")
        for moment in moments:
            wait = pause(before, moment.at, speed=speed)
            if until is not None and time.monotonic() + wait > until:
                await asyncio.sleep(max(until - time.monotonic(), 0))
                break
            await asyncio.sleep(wait)
            done += await self._moment(moment)
            before = moment.at
        return done

    async def _moment(self, moment: Moment) -> Done:
        if moment.act is not None:
            return await self._chunk((moment.act,), "the replay")
        if moment.file is None or moment.planned is None or moment.planned.known_file:
            return Done()
        async with self._room.pool.connection() as conn, conn.transaction():
            await kept.keep_quiet(conn, self._jurisdiction, moment.planned.quiet)
            await kept.keep_file(conn, self._jurisdiction, moment.file)
        return _done(moment.planned)

    async def _memory(self, files: Sequence[FilingsFile], changes: Sequence[Change] = ()) -> Memory:
        numbers = {number for file in files for number in file.dockets} | {one.docket for one in changes}
        async with self._room.pool.connection() as conn:
            return await kept.load(conn, self._jurisdiction, map(self._marker.docket, numbers))

    async def _chunk(self, acts: Sequence[Act], name: str) -> Done:
        """Do some acts, a few at once, then remember them together."""
        turns = asyncio.Semaphore(TOGETHER)

        async def one(act: Act) -> _Outcome:
            async with turns:
                return await self._perform(act, name)

        outcomes = await asyncio.gather(*(one(act) for act in acts))
        async with self._room.pool.connection() as conn, conn.transaction():
            for outcome in outcomes:
                # A refused docket is remembered too: it comes again when the file says something new.
                act = outcome.act
                await kept.keep_docket(conn, self._jurisdiction, act.key, act.seen, outcome.arrest)
        return Done(
            Counter(kind for outcome in outcomes if not outcome.refused for kind in outcome.act.kinds),
            refused=tuple(outcome.refused for outcome in outcomes if outcome.refused),
        )

    async def _perform(self, act: Act, name: str) -> _Outcome:
        try:
            arrest = await (self._withdraw(act) if act.docket is None else self._file_docket(act))
        except Refused as refused:
            refusal = refused.refusal
            line = "" if act.docket is None else f", line {act.docket.line}"
            where = "" if refusal.field is None else f" ({refusal.field})"
            return _Outcome(act, None, f"{name}{line}: {refusal.detail}{where}")
        return _Outcome(act, arrest, None)

    async def _file_docket(self, act: Act) -> str:
        assert act.docket is not None  # noqa: S101
        name = act.docket.listed.name
        if name is None:
            name = await self._known_name(act.key)
        answer = await court.file_docket(self._room, FEED, court_docket(act, act.docket, name))
        return str(answer.body["id"])

    async def _known_name(self, key: str) -> Name:
        """The name on record, for a listing without one; an empty one is refused by the desk."""
        async with self._room.pool.connection() as conn:
            arrest = await kept.arrest_of(conn, self._jurisdiction, key)
            if arrest is None:
                return Name("", "")
            return (await store.current(conn, arrest)).arrestee.name

    async def _withdraw(self, act: Act) -> str | None:
        async with self._room.pool.connection() as conn:
            arrest, docket = await self._docket_of(conn, act.key)
        if docket is None:
            return arrest  # no file was made of it, or it was expunged: nothing is left to withdraw
        try:
            await court.withdraw_docket(self._room, FEED, docket, Withdrawal(act.at))
        except Refused as refused:
            if refused.refusal.code is not Code.CONFLICT:
                raise
        return arrest

    async def _docket_of(self, conn: Connection, key: str) -> tuple[str | None, str | None]:
        arrest = await kept.arrest_of(conn, self._jurisdiction, key)
        return arrest, None if arrest is None else (await store.current(conn, arrest)).docket


def _done(planned: Plan) -> Done:
    return Done(
        aged=planned.aged,
        unknown=planned.unknown,
        superseded=planned.superseded,
        doubtful=planned.doubtful,
        known_files=int(planned.known_file),
    )
