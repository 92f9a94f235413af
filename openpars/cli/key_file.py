# SPDX-License-Identifier: Apache-2.0
"""The file of a ballot key: a few lines that say whose it is, then the private key as PEM (PKCS #8).

Only its owner may read it (mode 600), and it may be locked with a passphrase. It never leaves the machine
of its delegate: what is registered with the city is the public half.
"""

from __future__ import annotations

import base64
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from openpars.agreements.ballots import fingerprint, public_text
from openpars.cli.say import CannotRunError

TITLE = "OpenPARS ballot key. Keep it as you would a stamp of your office: whoever has it votes with it."
_MARK = "-----BEGIN"


@dataclass(frozen=True, slots=True)
class KeyFile:
    """A ballot key in the hands of its delegate. `label`: whose it is; public, as the key's owner."""

    label: str
    private: Ed25519PrivateKey

    @property
    def public_key(self) -> bytes:
        """The 32 bytes of the public half."""
        return self.private.public_key().public_bytes_raw()

    @property
    def id(self) -> str:
        """The fingerprint."""
        return fingerprint(self.public_key)

    def sign(self, message: str) -> str:
        """Base64 of the signature."""
        return base64.b64encode(self.private.sign(message.encode())).decode()


def write(path: Path, label: str, passphrase: str | None) -> KeyFile:
    """Make a key and its file. Never writes over a file. Raises CannotRunError."""
    if not label.strip() or not label.isprintable() or len(label) > 80:
        raise CannotRunError("A label is one line of 1 to 80 characters: whose key it is.")
    made = KeyFile(label.strip(), Ed25519PrivateKey.generate())
    lock: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if passphrase:
        lock = serialization.BestAvailableEncryption(passphrase.encode())
    pem = made.private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, lock
    ).decode()
    head = f"{TITLE}\nlabel: {made.label}\npublic: {public_text(made.public_key)}\nfingerprint: {made.id}\n"
    text = f"{head}\n{pem}"
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise CannotRunError(f"{path} is there already: a key is never written over.") from None
    except OSError as problem:
        raise CannotRunError(f"{path} cannot be written: {problem.strerror}.") from None
    return made


def read(path: Path, passphrase: str | None) -> KeyFile:
    """Read a key's file. Raises CannotRunError, also when others on this machine may read it."""
    try:
        mode = path.stat().st_mode
        text = path.read_text("utf-8")
    except (OSError, UnicodeError):
        raise CannotRunError(f"{path} cannot be read.") from None
    if stat.S_IMODE(mode) & 0o077:
        raise CannotRunError(f"Others may read {path}: take it back with `chmod 600`, or make a new key.")
    head, mark, pem = text.partition(_MARK)
    label = next((line[7:] for line in head.splitlines() if line.startswith("label: ")), "")
    try:
        private = serialization.load_pem_private_key(
            (mark + pem).encode(), passphrase.encode() if passphrase else None
        )
    except TypeError:
        wrong = "needs its passphrase" if not passphrase else "has no passphrase"
        raise CannotRunError(f"{path} {wrong}.") from None
    except (ValueError, UnsupportedAlgorithm):
        raise CannotRunError(f"{path} is not a ballot key, or the passphrase is wrong.") from None
    if not isinstance(private, Ed25519PrivateKey) or not label:
        raise CannotRunError(f"{path} is not a ballot key.")
    found = KeyFile(label, private)
    # The lines above the key are for people: they must not tell of another key than the one below.
    if (
        f"\npublic: {public_text(found.public_key)}\n" not in head
        or f"\nfingerprint: {found.id}\n" not in head
    ):
        raise CannotRunError(f"{path} says that it holds another key than it does.")
    return found


def locked(path: Path) -> bool:
    """Whether the file's key needs a passphrase."""
    try:
        return "BEGIN ENCRYPTED" in path.read_text("utf-8")
    except (OSError, UnicodeError):
        return False
