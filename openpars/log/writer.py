# SPDX-License-Identifier: Apache-2.0
"""The one that writes a tree: batches of entries, one transaction and one signed checkpoint each.

The life of an entry:
 1. `append` checks the draft's names and puts it into the queue;
 2. when the last batch is done, everything in the queue becomes the next one: one commit serves many
    askers, and nobody waits for a clock;
 3. in a transaction on the session that holds the tree's lock, and in one trip to the server: the clock
    and the stored head are read and compared with the tree in memory, and `admit` rechecks what the
    callers rely on;
 4. entries are sealed, hashed, and the new root is signed;
 5. entries, labels, subtree hashes and the checkpoint are written and committed, in a second trip;
 6. only then does the tree in memory grow, and each caller get its receipt.

Whatever the database does instead, the callers are refused with `log-unavailable`, and the next batch
starts by finding out what is really stored.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import psycopg

from openpars.db.connect import Connection, in_few_trips
from openpars.errors import Code, Refusal, Refused, refuse
from openpars.log import beside, stored
from openpars.log import leaf as leaves
from openpars.log.draft import Apart, Draft, Receipt
from openpars.log.head import HeadFile
from openpars.log.keys import KeyStore
from openpars.log.merkle import leaf_hash
from openpars.log.note import Checkpoint, Malformed, Signer
from openpars.log.proof import Proof
from openpars.log.seal import Key, label, seal
from openpars.log.stored import LogDamaged, Q, Stored
from openpars.log.tiles import MAX_ENTRY, new_subtrees

__all__ = ["Admit", "Draft", "LogDamaged", "Receipt", "SchemaThinned", "Writer", "WriterBusy"]

logger = logging.getLogger(__name__)

Admit = Callable[[Connection, Sequence[Draft]], Awaitable[Sequence[Refusal | None]]]
"""Called inside the batch's transaction: None for a draft to write, a refusal for one to leave out. May
raise `Apart`.

The connection is in a pipeline: statements sent before the first answer is read share one trip."""

MAX_BATCH = 256
BATCH_SECONDS = 10.0
APPEND_SECONDS = 25.0
CLOCK_SLACK = timedelta(seconds=5)
_LOCK_TRIES = 25
_COUNTS = 200_000
_PROBE = 8
_SESSION = (
    "-c synchronous_commit=on -c statement_timeout=5000 -c lock_timeout=3000 "
    "-c idle_in_transaction_session_timeout=15000"
)


class WriterBusy(Exception):
    """Another process writes this tree. Two writers could fork a log, so this one does not start."""


class SchemaThinned(Exception):
    """This program would log less than the log's own schema says. It does not start."""


def _unavailable() -> Refused:
    detail = "The log cannot be written just now. Nothing was disclosed; try again."
    return refuse(Code.LOG_UNAVAILABLE, detail)


def _boot_seconds() -> float:
    """A clock that nobody can set and that counts sleep where the system has one."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class _Nothing(Exception):
    """Nobody of a batch is left: it is rolled back."""


@dataclass(slots=True)
class _Waiting:
    draft: Draft
    public: dict[str, Any]
    done: asyncio.Future[Receipt]


@dataclass(slots=True)
class _Batch:
    """What one transaction writes."""

    at: datetime
    first: int
    items: list[_Waiting] = field(default_factory=list)
    leaves: list[bytes] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    labels: list[bytes] = field(default_factory=list)
    counts: dict[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Written:
    """What is written beside a batch's entries. `texts`: the receipts."""

    hashes: list[bytes]
    head: Checkpoint
    note: str
    texts: list[str]
    subtrees: dict[str, list[Any]]


class Writer:
    """Writes one tree. `async with Writer(...) as writer`, one for each tree in the whole city.

    `admit` is described at `Admit`. `head_file` keeps the last signed head outside the database, so
    that a database put back to an earlier day does not pass for the log.
    """

    def __init__(
        self,
        dsn: str,
        *,
        tree: str,
        signer: Signer,
        keys: KeyStore,
        admit: Admit | None = None,
        head_file: Path | None = None,
    ) -> None:
        self._dsn, self._name, self._signer, self._keys, self._admit = dsn, tree, signer, keys, admit
        self._head_file = None if head_file is None else HeadFile(head_file)
        self._held = Stored()
        self._counts: dict[int, int] = {}
        self._conn: Connection | None = None
        self._queue: list[_Waiting] = []
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._anchor: tuple[datetime, float] | None = None
        self._month = ""

    async def __aenter__(self) -> Writer:
        await self.start()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

    @property
    def size(self) -> int:
        """Entries committed."""
        return self._held.tree.size

    @property
    def last_at(self) -> datetime | None:
        """Exact time of the last entry."""
        return self._held.last_at

    @property
    def head(self) -> Checkpoint | None:
        """The last signed head."""
        return self._held.head

    async def start(self) -> None:
        """Take the lock, check the whole stored log, log the schema if it is new.

        Raises WriterBusy, LogDamaged, SchemaThinned, or the driver's error.
        """
        try:
            self._conn = await self._connect()
            self._held = await stored.read(self._conn, self._name, self._signer.verifier)
            await self._conn.commit()
            if self._head_file is not None:
                self._head_file.check(self._name, self._held.tree)
            self._task = asyncio.create_task(self._run(), name=f"log-{self._name}")
            await self._log_schema()
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Stop. Whoever still waits is refused."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        for item in self._queue:
            _fail(item, _unavailable())
        self._queue.clear()
        await self._drop_connection()

    async def append(self, draft: Draft) -> Receipt:
        """Log a draft. Returns once it is committed and inside a signed checkpoint.

        Raises Refused (by `admit`, or `log-unavailable`), NotInSchema or Malformed for a wrong draft.
        """
        if draft.kind == "schema":
            raise leaves.NotInSchema("the schema is logged by the writer alone")
        return await self._append(draft)

    async def _append(self, draft: Draft) -> Receipt:
        public = leaves.check_public(self._name, draft.kind, draft.public)
        if len(set(draft.subjects)) != len(draft.subjects) or len(draft.subjects) > leaves.MAX_LABELS:
            raise leaves.NotInSchema("a subject is named twice, or there are too many")
        if self._task is None or self._task.done():
            raise _unavailable()
        item = _Waiting(draft, public, asyncio.get_running_loop().create_future())
        self._queue.append(item)
        self._wake.set()
        try:
            async with asyncio.timeout(APPEND_SECONDS):
                return await item.done
        except TimeoutError:
            raise _unavailable() from None

    async def _log_schema(self) -> None:
        now, was = dict(leaves.SCHEMAS[self._name]), self._held.schema
        if was == now:
            return
        gone = leaves.removed(was or {}, now)
        if gone:
            raise SchemaThinned(f"the {self._name} log's schema has more: {', '.join(gone)}")
        await self._append(Draft("schema", public=leaves.schema_public(self._name)))

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            taken, self._queue = self._queue[:MAX_BATCH], self._queue[MAX_BATCH:]
            if not self._queue:
                self._wake.clear()
            items = [item for item in taken if not item.done.done()]
            if not items:
                continue
            await self._together(items)

    async def _together(self, items: list[_Waiting]) -> None:
        """One batch; or several, if some of it would take the others along."""
        try:
            async with asyncio.timeout(BATCH_SECONDS):
                await self._batch(items)
        except Apart as apart:
            if len(apart.groups) == 1:
                await self._failed(items, Refused(apart.refusal))
                return
            await self._roll_back()
            for places in apart.groups:
                await self._together([items[place] for place in places])
        except BaseException as problem:
            await self._failed(items, problem)
            if isinstance(problem, asyncio.CancelledError):
                raise

    async def _failed(self, items: list[_Waiting], problem: BaseException) -> None:
        """Refuse everybody. After a fault the session goes too: what is stored, only a new one can tell."""
        if isinstance(problem, Refused):
            logger.warning("log %s: a batch was refused", self._name)
        elif isinstance(problem, LogDamaged):
            logger.critical("%s", problem)
        else:
            known = isinstance(problem, psycopg.Error | OSError | TimeoutError | WriterBusy)
            logger.error("log %s: a batch failed: %s", self._name, type(problem).__name__, exc_info=not known)
        for item in items:
            _fail(item, problem if isinstance(problem, Refused) else _unavailable())
        await (self._roll_back() if isinstance(problem, Refused) else self._drop_connection())

    async def _roll_back(self) -> None:
        if self._conn is not None:
            with contextlib.suppress(psycopg.Error, OSError):
                await self._conn.rollback()
                return
        await self._drop_connection()

    async def _batch(self, items: list[_Waiting]) -> None:
        conn = await self._session()
        keys = await self._load_keys(items)
        with contextlib.suppress(_Nothing):
            async with in_few_trips(conn):
                at, refusals = await self._begin(conn, keys, [item.draft for item in items])
                batch = _Batch(at, self.size)
                for item, refusal in zip(items, refusals, strict=True):
                    if refusal is not None:
                        _fail(item, Refused(refusal))
                    else:
                        self._seal(batch, item, keys)
                if not batch.items:
                    raise _Nothing
                written = self._signed(batch)
                await self._write(conn, batch, written)
            self._grow(batch, written)

    async def _load_keys(self, items: list[_Waiting]) -> dict[str, Key]:
        """Every subject's key and the month's (under the empty name), made where missing."""
        wanted = {subject for item in items for subject in item.draft.subjects}
        month = datetime.now(UTC).strftime("%Y-%m")
        known = self._keys.known(self._name, wanted, month)
        if known is None:
            # This waits for a disk, so not on the loop.
            persons = await asyncio.to_thread(self._keys.persons, self._name, wanted)
            known = persons, await asyncio.to_thread(self._keys.period, self._name, month)
        self._month = month
        return {**known[0], "": known[1]}

    async def _begin(
        self, conn: Connection, keys: dict[str, Key], drafts: list[Draft]
    ) -> tuple[datetime, Sequence[Refusal | None]]:
        """Open the transaction, see that nobody else wrote, tell the time, and have the drafts rechecked."""
        refusals: Sequence[Refusal | None] = [None] * len(drafts)
        asked = {key.slot: key for name, key in keys.items() if name and key.slot not in self._counts}
        probes = {label(key, count): key.slot for key in asked.values() for count in range(_PROBE)}
        head = await conn.execute(Q.head, {"tree": self._name})
        used = None
        if probes:
            used = await conn.execute(Q.labels_used, {"tree": self._name, "labels": list(probes)})
        if self._admit is not None:
            refusals = await self._admit(conn, drafts)
        row = await head.fetchone()
        taken = set() if used is None else {found[0] for found in await used.fetchall()}
        if row is None:
            raise _unavailable()
        self._compare(row[1], row[2], row[4])
        for key in asked.values():
            self._counts[key.slot] = await self._count(conn, key, taken)
        return self._now(row[0]), refusals

    async def _count(self, conn: Connection, key: Key, taken: set[bytes]) -> int:
        """How many labels of this key are in use: they have no gaps, so the first free one tells."""
        begin, width, found = 0, _PROBE, taken
        while True:
            for count in range(begin, begin + width):
                if label(key, count) not in found:
                    return count
            begin, width = begin + width, width * 8
            wanted = [label(key, count) for count in range(begin, begin + width)]
            cursor = await conn.execute(Q.labels_used, {"tree": self._name, "labels": wanted})
            found = {row[0] for row in await cursor.fetchall()}

    def _compare(self, index: int | None, last_hash: bytes | None, signed: int | None) -> None:
        """The lock is ours, so a stored head that is not ours was put there by somebody else."""
        size = 0 if index is None else index + 1
        if size != self.size or (signed or 0) != self.size:
            first = min(size, signed or 0, self.size)
            raise LogDamaged(self._name, first, "the stored log is not what was written")
        if last_hash is not None and last_hash != self._held.tree.node(0, size - 1):
            raise LogDamaged(self._name, size - 1, "the stored entry is not what was written")

    def _now(self, clock: datetime) -> datetime:
        """Never before the last entry; refused after a jump, so that a leap is never logged.

        One logged leap forward would end every agreement for good, and a step back would lengthen them.
        """
        if self._anchor is None:
            self._anchor = (clock, _boot_seconds())
        expected = self._anchor[0] + timedelta(seconds=_boot_seconds() - self._anchor[1])
        last = self._held.last_at
        if clock > expected + CLOCK_SLACK or (last is not None and clock < last - CLOCK_SLACK):
            logger.critical("log %s: the database's clock jumped: closed until it is right", self._name)
            raise _unavailable()
        return clock if last is None else max(clock, last)

    def _seal(self, batch: _Batch, item: _Waiting, keys: dict[str, Key]) -> None:
        draft = item.draft
        persons = [keys[subject] for subject in draft.subjects]
        classes = leaves.fields(self._name, draft.kind)[1]
        private = {**draft.private, "logged_at": batch.at.isoformat()} if classes else draft.private
        try:
            sealed = seal(private, classes, month=self._month, period=keys[""], persons=persons)
        except Malformed as problem:
            _fail(item, problem)
            return
        labels = []
        counts = {}
        for key in persons:
            count = batch.counts.get(key.slot, self._counts[key.slot])
            labels.append(label(key, count))
            counts[key.slot] = count + 1
        leaf = leaves.build(
            kind=draft.kind, public=item.public, commitments=sealed.commitments, labels=labels,
            body=sealed.body, at=batch.at,
        )  # fmt: skip
        if len(leaf) > MAX_ENTRY:
            _fail(item, Malformed("the leaf is too long"))
            return
        batch.labels.append(b"".join(labels))
        batch.counts.update(counts)
        batch.leaves.append(leaf)
        batch.bodies.append(sealed.body)
        batch.items.append(item)

    def _signed(self, batch: _Batch) -> _Written:
        """What goes beside the entries. The tree in memory is never ahead of the committed one."""
        hashes = [leaf_hash(leaf) for leaf in batch.leaves]
        tree, size = self._held.tree, batch.first + len(hashes)
        tree.extend(hashes)
        try:
            head = Checkpoint(self._signer.name, size, tree.root())
            note = self._signer.sign(head.text())
            texts = [
                Proof(index, tuple(tree.inclusion_proof(index, size)), note).text()
                for index in range(batch.first, size)
            ]
            return _Written(hashes, head, note, texts, new_subtrees(tree, batch.first))
        finally:
            tree.truncate(batch.first)

    async def _write(self, conn: Connection, batch: _Batch, written: _Written) -> None:
        await conn.execute(
            Q.add_batch,
            {
                "tree": self._name, "first": batch.first, "at": batch.at, "size": written.head.size,
                "note": written.note, "leaves": batch.leaves, "hashes": written.hashes,
                "sealed": batch.bodies, "labels": batch.labels,
            },
        )  # fmt: skip
        if written.subtrees["levels"]:
            await conn.execute(Q.add_subtrees, {"tree": self._name, **written.subtrees})
        await beside.write_all(conn, [item.draft.beside for item in batch.items])

    def _grow(self, batch: _Batch, written: _Written) -> None:
        """What is committed now stands in memory too, and everybody gets a receipt."""
        self._held.tree.extend(written.hashes)
        self._held.last_at, self._held.head = batch.at, written.head
        if len(self._counts) > _COUNTS:
            self._counts.clear()
        self._counts.update(batch.counts)
        if self._head_file is not None:
            self._head_file.write(written.head)
        for number, item in enumerate(batch.items):
            if not item.done.done():
                receipt = Receipt(batch.first + number, written.texts[number], batch.leaves[number], batch.at)
                item.done.set_result(receipt)

    async def _session(self) -> Connection:
        """The session that holds the lock; after a failure a new one, and the truth about what is stored."""
        if self._conn is None or self._conn.closed:
            self._counts.clear()
            conn = await self._connect()
            try:
                # Rows may be there whose commit was never confirmed to us. Nobody got a receipt for them.
                await stored.extend(conn, self._name, self._signer.verifier, self._held)
                await conn.rollback()
            except BaseException:
                await conn.close()
                raise
            self._conn = conn
        return self._conn

    async def _connect(self) -> Connection:
        conn = await psycopg.AsyncConnection.connect(
            self._dsn,
            options=_SESSION,
            prepare_threshold=1,
            connect_timeout=3,
            application_name=f"log-{self._name}",
        )
        try:
            digest = sha256(b"openpars/log/" + self._name.encode()).digest()
            key = int.from_bytes(digest[:8], "big", signed=True)
            for _ in range(_LOCK_TRIES):
                row = await (await conn.execute(Q.try_lock, {"key": key})).fetchone()
                await conn.commit()
                if row is not None and row[0]:
                    return conn
                # A session that was killed a moment ago may not have gone yet.
                await asyncio.sleep(0.2)
        except BaseException:
            await conn.close()
            raise
        await conn.close()
        raise WriterBusy(f"another process writes the {self._name} log")

    async def _drop_connection(self) -> None:
        conn, self._conn = self._conn, None
        if conn is not None:
            with contextlib.suppress(psycopg.Error, OSError, TimeoutError):
                await conn.close()


def _fail(item: _Waiting, problem: BaseException) -> None:
    if not item.done.done():
        item.done.set_exception(problem)
