# SPDX-License-Identifier: Apache-2.0
"""Opening the sealed bodies of a stored tree, for who holds the keys: read only, and never a key made.

What cannot be opened stays closed and is told as such. A destroyed key is what an expungement is: nothing
here guesses around it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from openpars.log.draft import JSON
from openpars.log.keys import SECRET
from openpars.log.note import Malformed
from openpars.log.seal import Body, Key, derive, open_period, open_person, split

_DESTROYED = bytes(SECRET)


class NoKeys(Exception):
    """There is no key store where one was expected. Nothing can be opened, so nothing is said."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A body as far as it opens. `lasting` None: its month's key is gone or another's.

    `personal` None: the key of one of its persons is gone, and with it what was asked and shown.
    """

    lasting: Mapping[str, JSON] | None
    personal: Mapping[str, JSON] | None


class Ring:
    """All keys of one tree in memory, read once from the store's file. Closed files are not changed.

    `KeyStore` makes a key that it does not find. Whoever looks back must not: a fresh key would open nothing
    and would look like the loss of the old one. Raises NoKeys.
    """

    def __init__(self, path: Path, tree: str) -> None:
        if not path.is_file():
            raise NoKeys("there are no person keys here")
        try:
            conn = sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, timeout=10)
            try:
                rows = conn.execute("SELECT slot, secret FROM key").fetchall()
                months = conn.execute("SELECT id, slot FROM owner WHERE id LIKE 'period:%'").fetchall()
            finally:
                conn.close()
        except sqlite3.Error as problem:
            raise NoKeys("the person keys cannot be read") from problem
        self._tree = tree
        self._secrets = {slot: secret for slot, secret in rows if secret != _DESTROYED}
        self._derived: dict[int, Key] = {}
        self._months = {name.removeprefix("period:"): slot for name, slot in months}

    def _key(self, slot: int) -> Key | None:
        found = self._derived.get(slot)
        if found is None:
            secret = self._secrets.get(slot)
            if secret is None:
                return None
            found = self._derived[slot] = derive(secret, slot, self._tree)
        return found

    def open(self, sealed: bytes) -> Opened:
        """The body as far as the keys reach. Raises Malformed for what is no sealed body at all."""
        body = split(sealed)
        slot = self._months.get(body.month)
        period = None if slot is None else self._key(slot)
        if period is None:
            return Opened(None, None)
        try:
            lasting, slots = open_period(body, period)
        except Malformed:
            return Opened(None, None)
        return Opened(lasting, self._personal(body, period, slots))

    def _personal(self, body: Body, period: Key, slots: list[int]) -> Mapping[str, JSON] | None:
        keys = [key for slot in slots if (key := self._key(slot)) is not None]
        if len(keys) != len(slots):
            return None
        try:
            return open_person(body, period, keys)
        except Malformed:
            return None
