# SPDX-License-Identifier: Apache-2.0
"""Signed notes and checkpoints: c2sp.org/signed-note and c2sp.org/tlog-checkpoint. Pure.

Ed25519 only (signature type 0x01). Parsing is strict: what would be written differently by our own
formatter is refused, because two spellings of one signed text are two things to argue about.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

MAX_NOTE = 64 * 1024
MAX_SIGNATURES = 100
ED25519 = b"\x01"
_DASH = "\N{EM DASH} "
_CONTROL = re.compile("[\x00-\x09\x0b-\x1f]")
_DECIMAL = re.compile("0|[1-9][0-9]{0,18}")


class Malformed(ValueError):
    """A signed text is not of its form, or not signed by the key asked for. One error for all of them."""


def encode(raw: bytes) -> str:
    """Standard base64 (RFC 4648 section 4)."""
    return binascii.b2a_base64(raw, newline=False).decode("ascii")


def decode(text: str, size: int | None = None) -> bytes:
    """Standard base64, in its one canonical spelling, of `size` bytes if given. Raises Malformed."""
    try:
        raw = binascii.a2b_base64(text.encode("ascii"), strict_mode=True)
    except ValueError:
        raise Malformed("not base64") from None
    if encode(raw) != text or (size is not None and len(raw) != size):
        raise Malformed("not base64 of the right length")
    return raw


def number(text: str) -> int:
    """An ASCII decimal with no leading zeroes. Raises Malformed: `int()` would take `٤٢` and `4_2`."""
    if not _DECIMAL.fullmatch(text):
        raise Malformed("not a decimal number")
    return int(text)


def _check_name(name: str) -> str:
    if not name or "+" in name or any(letter.isspace() for letter in name) or _CONTROL.search(name):
        raise Malformed("not a key name")
    return name


def _key_id(name: str, public: bytes) -> bytes:
    return sha256(name.encode() + b"\n" + ED25519 + public).digest()[:4]


class Verifier:
    """A key that notes are checked with. `vkey` is its text: `name+hash+base64`."""

    __slots__ = ("_public", "key_id", "name", "vkey")

    def __init__(self, name: str, public: bytes) -> None:
        self.name = _check_name(name)
        self.key_id = _key_id(name, public)
        self.vkey = f"{name}+{self.key_id.hex()}+{encode(ED25519 + public)}"
        self._public = Ed25519PublicKey.from_public_bytes(public)

    @classmethod
    def parse(cls, vkey: str) -> Verifier:
        """Read `name+hash+base64`. Raises Malformed, also when the hash is not the key's."""
        pieces = vkey.split("+", 2)
        if len(vkey) > MAX_NOTE or len(pieces) != 3:
            raise Malformed("not a verifier key")
        material = decode(pieces[2], 33)
        if material[:1] != ED25519:
            raise Malformed("not an Ed25519 verifier key")
        found = cls(pieces[0], material[1:])
        if found.vkey != vkey:
            raise Malformed("the verifier key does not match its own hash")
        return found

    def __str__(self) -> str:
        return self.vkey

    def valid(self, signature: bytes, text: bytes) -> bool:
        """Whether `signature` (64 bytes) is this key's over `text`."""
        try:
            self._public.verify(signature, text)
        except InvalidSignature:
            return False
        return True


class Signer:
    """A log's signing key. MUST be held by one process only: two signers can fork a log."""

    __slots__ = ("_private", "verifier")

    def __init__(self, name: str, seed: bytes) -> None:
        self._private = Ed25519PrivateKey.from_private_bytes(seed)
        self.verifier = Verifier(name, self._private.public_key().public_bytes_raw())

    @property
    def name(self) -> str:
        """Key name; for a log also its origin."""
        return self.verifier.name

    def sign(self, text: str) -> str:
        """`text` (ends in a newline) as a note with this key's signature."""
        if not text.endswith("\n") or _CONTROL.search(text):
            raise Malformed("not a note text")
        signature = self.verifier.key_id + self._private.sign(text.encode())
        return f"{text}\n{_DASH}{self.name} {encode(signature)}\n"


def open_note(note: str | bytes, verifiers: Sequence[Verifier]) -> str:
    """The text of a note that at least one of `verifiers` signed and none signed wrongly.

    Raises Malformed. Signatures by unknown keys are ignored, as the specification asks.
    """
    text, lines = _split(note)
    good = False
    for line in lines:
        name, key_id, signature = _signature(line)
        for verifier in verifiers:
            if (name, key_id) != (verifier.name, verifier.key_id):
                continue
            if not verifier.valid(signature, text.encode()):
                raise Malformed("a signature does not verify")
            good = True
    if not good:
        raise Malformed("no signature by a known key")
    return text


def _split(note: str | bytes) -> tuple[str, list[str]]:
    try:
        whole = note if isinstance(note, str) else note.decode("utf-8")
    except UnicodeDecodeError:
        raise Malformed("a note is UTF-8") from None
    if len(whole) > MAX_NOTE or _CONTROL.search(whole):
        raise Malformed("too long, or has control characters")
    cut = whole.rfind("\n\n")
    if cut < 0 or not whole.endswith("\n"):
        raise Malformed("not a signed note")
    lines = whole[cut + 2 :].split("\n")[:-1]
    if not 1 <= len(lines) <= MAX_SIGNATURES:
        raise Malformed("no signature lines, or too many")
    return whole[: cut + 1], lines


def _signature(line: str) -> tuple[str, bytes, bytes]:
    pieces = line.removeprefix(_DASH).split(" ")
    if not line.startswith(_DASH) or len(pieces) != 2:
        raise Malformed("not a signature line")
    raw = decode(pieces[1])
    if len(raw) < 5:
        raise Malformed("a signature is too short")
    return _check_name(pieces[0]), raw[:4], raw[4:]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The head of a log: how many entries, and the root over them (32 bytes)."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        """The three lines that are signed."""
        return f"{self.origin}\n{self.size}\n{encode(self.root)}\n"


def parse_checkpoint(text: str) -> Checkpoint:
    """Read a note's text as a checkpoint. Raises Malformed; extension lines are refused, since no monitor
    can audit them."""
    lines = text.split("\n")
    if len(lines) != 4 or lines[3] or not lines[0]:
        raise Malformed("not a checkpoint of three lines")
    return Checkpoint(lines[0], number(lines[1]), decode(lines[2], 32))


def open_checkpoint(note: str | bytes, verifier: Verifier) -> Checkpoint:
    """The checkpoint in a note signed by a log's own key, whose name MUST be the origin."""
    found = parse_checkpoint(open_note(note, (verifier,)))
    if found.origin != verifier.name:
        raise Malformed("the checkpoint is of another log")
    return found
