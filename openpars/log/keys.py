# SPDX-License-Identifier: Apache-2.0
"""The person keys: a small SQLite file of their own.

They are not in Postgres, because its write-ahead log and its backups forget nothing, and a key that
cannot be destroyed cannot expunge. Here a key sits in a row of fixed size that never moves: rows are
only appended, and destroying one overwrites its 32 bytes in place and truncates the write-ahead log.
(What a flash disk or a copy-on-write file system keeps of overwritten blocks is beyond this file.)
"""

from __future__ import annotations

import os
import secrets
import sqlite3
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path

from openpars.log.seal import Key, derive

SECRET = 32
CACHE = 50_000
_DESTROYED = bytes(SECRET)
_CHUNK = 500

_SCHEMA = """
CREATE TABLE IF NOT EXISTS key (slot INTEGER PRIMARY KEY, secret BLOB NOT NULL CHECK (length(secret) = 32));
CREATE TABLE IF NOT EXISTS owner (id TEXT PRIMARY KEY, slot INTEGER NOT NULL UNIQUE) WITHOUT ROWID;
"""


class KeyDestroyed(LookupError):
    """The key is gone, and with it what it sealed."""


class KeyStore:
    """Person and period keys. Safe for threads; several processes may open the same file.

    Every commit waits for the disk: a key that was used and then lost to a power cut would take
    entries with it.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        self._lock = threading.RLock()
        self._conn = sqlite3.connect(path, timeout=10, isolation_level=None, check_same_thread=False)
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "secure_delete = ON"):
            self._conn.execute(f"PRAGMA {pragma}")
        self._conn.executescript(_SCHEMA)
        self._cache: dict[tuple[str, str], Key] = {}
        self._version = self._data_version()
        self._destroyed = self._destructions()

    def close(self) -> None:
        """Close the file. The last one to close it folds the write-ahead log away."""
        with self._lock:
            self._cache.clear()
            self._conn.close()

    def persons(self, tree: str, ids: Iterable[str]) -> dict[str, Key]:
        """The keys of many persons, made where missing, in one commit. `ids` are hex person-key ids."""
        wanted = set(ids)
        if any(not name or ":" in name for name in wanted):
            raise ValueError("not a person-key id")
        return self._get(tree, wanted)

    def period(self, tree: str, month: str) -> Key:
        """The key of a month (`2026-11`), made if missing."""
        name = f"period:{month}"
        return self._get(tree, {name})[name]

    def known(self, tree: str, ids: Iterable[str], month: str) -> tuple[dict[str, Key], Key] | None:
        """Both of the above out of memory alone, or None when the file has to be asked."""
        with self._lock:
            self._forget_if_changed()
            try:
                return {name: self._cache[tree, name] for name in ids}, self._cache[tree, f"period:{month}"]
            except KeyError:
                return None

    def at_slots(self, tree: str, slots: Sequence[int]) -> list[Key]:
        """The keys a sealed body names. Raises KeyDestroyed when one of them is gone."""
        with self._lock:
            found: list[Key] = []
            for slot in slots:
                row = self._conn.execute("SELECT secret FROM key WHERE slot = ?", (slot,)).fetchone()
                if row is None or row[0] == _DESTROYED:
                    raise KeyDestroyed
                found.append(derive(row[0], slot, tree))
            return found

    def find(self, tree: str, person: str) -> Key | None:
        """A person's key, or None when there is none (any more)."""
        with self._lock:
            row = self._select({person}).get(person)
            return None if row is None else derive(row[1], row[0], tree)

    def destroy(self, ids: Iterable[str]) -> int:
        """Overwrite these persons' keys for good; returns how many there were.

        A person seen again afterwards gets a new key that has nothing to do with the old one.
        """
        return self._destroy(set(ids))

    def destroy_period(self, month: str) -> int:
        """The same for a month's key, at the end of its retention."""
        return self._destroy({f"period:{month}"})

    def _destroy(self, names: set[str]) -> int:
        with self._lock:
            slots = [slot for slot, _ in self._select(names).values()]
            self._conn.execute("BEGIN IMMEDIATE")
            try:
                erase = "UPDATE key SET secret = zeroblob(32) WHERE slot = ?"
                self._conn.executemany(erase, [(slot,) for slot in slots])
                self._conn.executemany("DELETE FROM owner WHERE id = ?", [(name,) for name in names])
                # Counted in the same commit: how another process learns that its memory is out of date.
                self._conn.execute(f"PRAGMA user_version = {(self._destructions() + 1) % 2**31}")
                self._conn.execute("COMMIT")
            except BaseException:
                self._conn.execute("ROLLBACK")
                raise
            self._cache.clear()
            # Until the log is folded into the file and cut to nothing, it still holds the old page.
            busy = self._conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
            if busy:
                raise sqlite3.OperationalError("the write-ahead log of the keys is in use: destroy again")
            return len(slots)

    def _get(self, tree: str, names: set[str]) -> dict[str, Key]:
        with self._lock:
            self._forget_if_changed()
            missing = {name for name in names if (tree, name) not in self._cache}
            if missing:
                rows = self._select(missing)
                if len(rows) < len(missing):
                    self._create(sorted(missing - rows.keys()))
                    rows = self._select(missing)
                if len(self._cache) + len(rows) > CACHE:
                    self._cache.clear()
                    rows = self._select(names)
                for name, (slot, secret) in rows.items():
                    self._cache[tree, name] = derive(secret, slot, tree)
            return {name: self._cache[tree, name] for name in names}

    def _select(self, names: set[str]) -> dict[str, tuple[int, bytes]]:
        found: dict[str, tuple[int, bytes]] = {}
        listed = list(names)
        for at in range(0, len(listed), _CHUNK):
            part = listed[at : at + _CHUNK]
            marks = ",".join("?" * len(part))
            rows = self._conn.execute(
                f"SELECT id, slot, secret FROM owner JOIN key USING (slot) WHERE id IN ({marks})",  # noqa: S608
                part,
            )
            found.update((name, (slot, secret)) for name, slot, secret in rows)
        return found

    def _create(self, names: list[str]) -> None:
        # Another process may be making the same key: whoever comes second finds the first one's.
        self._conn.execute("BEGIN IMMEDIATE")
        try:
            for name in names:
                if self._conn.execute("SELECT 1 FROM owner WHERE id = ?", (name,)).fetchone() is None:
                    secret = secrets.token_bytes(SECRET)
                    made = self._conn.execute("INSERT INTO key (secret) VALUES (?)", (secret,))
                    self._conn.execute("INSERT INTO owner (id, slot) VALUES (?, ?)", (name, made.lastrowid))
            self._conn.execute("COMMIT")
        except BaseException:
            self._conn.execute("ROLLBACK")
            raise

    def _data_version(self) -> int:
        return int(self._conn.execute("PRAGMA data_version").fetchone()[0])

    def _destructions(self) -> int:
        return int(self._conn.execute("PRAGMA user_version").fetchone()[0])

    def _forget_if_changed(self) -> None:
        # Another process wrote. Mostly it made a key for somebody just booked; it may have destroyed one
        # that is still in our memory.
        version = self._data_version()
        if version == self._version:
            return
        self._version = version
        destroyed = self._destructions()
        if destroyed != self._destroyed:
            self._destroyed = destroyed
            self._cache.clear()
