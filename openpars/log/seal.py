# SPDX-License-Identifier: Apache-2.0
"""Sealing an entry: keyed commitments and an encrypted body. Pure.

Every entry has a fresh 32-byte salt and two secrets derived from it (HKDF-Extract, RFC 5869):

    period = HMAC(salt, "period" || the period's key)
    person = HMAC(salt, "person" || the keys of all its subjects)     the period's key where it has none

From each comes one key per field (HKDF-Expand, one block) for the commitment HMAC(key, canonical value),
and one for AES-256-GCM over that part of the body. Destroying one subject's key therefore takes the
body *and* every way to confirm a guess, while the leaf, all proofs and all checkpoints stay as they are.
All subjects' keys are needed, not any one: a query names everybody it found, so one key left would
leave the others to read. What must outlive an expungement (who asked, why, by which keys, how many)
is of class `period`.
"""

from __future__ import annotations

import hmac
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from openpars.log.draft import JSON
from openpars.log.leaf import LABEL, PERIOD, canonical
from openpars.log.note import Malformed

VERSION = b"\x01"
SALT = 32
_NONCE = bytes(12)  # Each AES key is derived from a fresh salt and used once, so one nonce will do.


@dataclass(frozen=True, slots=True)
class Key:
    """A person's or a period's key, as derived for one tree. `slot` is its place in the key store."""

    slot: int
    wrap: bytes
    label: bytes


def derive(secret: bytes, slot: int, tree: str) -> Key:
    """The working keys of a stored 32-byte secret. Trees get different ones, so nobody joins them."""
    return Key(
        slot,
        hmac.digest(secret, b"openpars/wrap/v1/" + tree.encode(), "sha256"),
        hmac.digest(secret, b"openpars/label/v1/" + tree.encode(), "sha256"),
    )


def label(key: Key, count: int) -> bytes:
    """The label of a person's `count`-th entry, from 0: HMAC(K_label, "seen" || count), 16 bytes of it.

    The person can compute every label and so check that the list of who saw the record is complete.
    """
    return hmac.digest(key.label, b"seen" + count.to_bytes(8, "big"), "sha256")[:LABEL]


@dataclass(frozen=True, slots=True)
class Sealed:
    """`commitments` go into the leaf, `body` beside it."""

    commitments: dict[str, bytes]
    body: bytes


def _expand(secret: bytes, purpose: bytes) -> bytes:
    return hmac.digest(secret, purpose + b"\x01", "sha256")


def _lasting(salt: bytes, period: Key) -> bytes:
    return hmac.digest(salt, b"period" + period.wrap, "sha256")


def _personal(salt: bytes, period: Key, persons: Sequence[Key]) -> bytes:
    chain = b"".join(key.wrap for key in persons) or period.wrap
    return hmac.digest(salt, b"person" + chain, "sha256")


def _secrets(salt: bytes, period: Key, persons: Sequence[Key]) -> tuple[bytes, bytes]:
    return _lasting(salt, period), _personal(salt, period, persons)


def seal(
    private: Mapping[str, JSON],
    classes: Mapping[str, str],
    *,
    month: str,
    period: Key,
    persons: Sequence[Key],
) -> Sealed:
    """Commit to every field of `classes` (null where `private` has none) and encrypt them all.

    Names that `classes` does not have go into its `detail`. `month` (`2026-11`) names the period key.
    Raises Malformed for a value that has no canonical form.
    """
    values: dict[str, JSON] = {name: private.get(name) for name in classes}
    extra = {name: value for name, value in private.items() if name not in classes}
    if extra:
        values["detail"] = {**extra, "detail": values.get("detail")}
    salt = os.urandom(SALT)
    by_period, by_person = _secrets(salt, period, persons)
    commitments: dict[str, bytes] = {}
    parts: tuple[list[bytes], list[bytes]] = ([], [])
    for name, kind in classes.items():
        raw = canonical(values[name])
        lasting = kind == PERIOD
        key = _expand(by_period if lasting else by_person, b"commit/" + name.encode())
        commitments[name] = hmac.digest(key, raw, "sha256")
        parts[not lasting].append(b'"' + name.encode() + b'":' + raw)
    slots = b'"subjects":' + orjson.dumps([key.slot for key in persons])
    header = VERSION + month.encode("ascii") + salt
    first = _encrypt(by_period, b"{" + b",".join([*parts[0], slots]) + b"}", header)
    second = _encrypt(by_person, b"{" + b",".join(parts[1]) + b"}", header)
    return Sealed(commitments, header + len(first).to_bytes(4, "big") + first + second)


def _encrypt(secret: bytes, plain: bytes, header: bytes) -> bytes:
    return AESGCM(_expand(secret, b"body")).encrypt(_NONCE, plain, header)


def _decrypt(secret: bytes, cipher: bytes, header: bytes) -> dict[str, JSON]:
    try:
        plain = AESGCM(_expand(secret, b"body")).decrypt(_NONCE, cipher, header)
    except InvalidTag:
        raise Malformed("the body does not open with this key") from None
    found: dict[str, JSON] = orjson.loads(plain)
    return found


@dataclass(frozen=True, slots=True)
class Body:
    """A sealed body taken apart. Open the period part first: it names the persons' key slots."""

    month: str
    header: bytes
    first: bytes
    second: bytes

    @property
    def salt(self) -> bytes:
        """The entry's 32 random bytes."""
        return self.header[-SALT:]


def split(body: bytes) -> Body:
    """Take a sealed body apart. Raises Malformed."""
    size = 8 + SALT
    begin = size + 4
    end = begin + int.from_bytes(body[size:begin], "big")
    if body[:1] != VERSION or len(body) < end:
        raise Malformed("not a sealed body")
    return Body(body[1:8].decode("ascii", "replace"), body[:size], body[begin:end], body[end:])


def open_period(body: Body, period: Key) -> tuple[dict[str, JSON], list[int]]:
    """The lasting fields, and the key slots of the subjects. Raises Malformed with the wrong key."""
    found = _decrypt(_lasting(body.salt, period), body.first, body.header)
    slots = found.pop("subjects")
    return found, [slot for slot in slots if isinstance(slot, int)] if isinstance(slots, list) else []


def open_person(body: Body, period: Key, persons: Sequence[Key]) -> dict[str, JSON]:
    """The fields that die with a person's key. `persons` MUST be all of the slots, in their order."""
    return _decrypt(_personal(body.salt, period, persons), body.second, body.header)


def opening_key(body: Body, name: str, kind: str, *, period: Key, persons: Sequence[Key]) -> bytes:
    """The one key that opens one field's commitment to an inspector, and nothing else of the entry."""
    by_period, by_person = _secrets(body.salt, period, persons)
    return _expand(by_period if kind == PERIOD else by_person, b"commit/" + name.encode())


def opens(commitment: bytes, key: bytes, value: object) -> bool:
    """Whether `value` is what was committed to."""
    return len(key) == 32 and hmac.compare_digest(hmac.digest(key, canonical(value), "sha256"), commitment)
