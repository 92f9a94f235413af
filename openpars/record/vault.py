# SPDX-License-Identifier: Apache-2.0
"""Social security numbers at rest: encrypted in the application, found by a keyed blind index.

The record key is a fact of the process, as its database login is: `hold` is called once at the start
of a process that may read the record, and never in the one that serves recipients. A plain hash of an
SSN would be no protection at all: all of them can be tried in minutes.
"""

from __future__ import annotations

import hmac
import os
from dataclasses import dataclass

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE = 12


class NoRecordKey(Exception):
    """This process does not hold the record key. It must not touch the record."""


@dataclass(frozen=True, slots=True)
class Vault:
    """The keys derived from the record key, one for each use."""

    _cipher: AESGCM
    _index: bytes
    _marks: bytes

    def encrypt(self, ssn: str, jurisdiction: str, arrest: str) -> bytes:
        """Nonce and ciphertext, bound to the arrest: moved to another row it does not open."""
        nonce = os.urandom(_NONCE)
        return nonce + self._cipher.encrypt(nonce, ssn.encode(), _bound(jurisdiction, arrest))

    def decrypt(self, sealed: bytes, jurisdiction: str, arrest: str) -> str:
        """The nine digits. Raises cryptography's InvalidTag when the row was tampered with."""
        return self._cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], _bound(jurisdiction, arrest)).decode()

    def blind_index(self, ssn: str, jurisdiction: str) -> bytes:
        """Equal for equal SSNs, and nothing to anybody without the key."""
        return hmac.digest(self._index, f"{jurisdiction}:{ssn}".encode(), "sha256")

    def mark(self, kind: str, value: str) -> bytes:
        """A keyed mark of a number or a request: can be compared, not read and not guessed."""
        return hmac.digest(self._marks, f"{kind}:{value}".encode(), "sha256")


def _bound(jurisdiction: str, arrest: str) -> bytes:
    return f"{jurisdiction}:{arrest}".encode()


def vault(record_key: str) -> Vault:
    """From the record key, 32 bytes as hex."""
    secret = bytes.fromhex(record_key)
    if len(secret) != 32:
        raise NoRecordKey("the record key has 32 bytes")
    return Vault(
        AESGCM(hmac.digest(secret, b"openpars/record/ssn/v1", "sha256")),
        hmac.digest(secret, b"openpars/record/ssn-index/v1", "sha256"),
        hmac.digest(secret, b"openpars/record/mark/v1", "sha256"),
    )


_held: list[Vault] = []


def hold(record_key: str) -> None:
    """Give this process the record key. Called at the start of the desk, the worker and the importers."""
    _held[:] = [vault(record_key)]


def held() -> Vault:
    """This process's vault. Raises NoRecordKey."""
    if not _held:
        raise NoRecordKey("call record.vault.hold() first")
    return _held[0]
