# SPDX-License-Identifier: Apache-2.0
"""Everything in a share that is keyed: search hashes, the subject's reference, the login's password.

Search keys are kept as HMACs under a key that is not in the database. So a field shown only in part
(a birth year, the last four digits) can be searched by whole, and cannot be read whole by anyone who
reads the table.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from functools import lru_cache
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM


class ShareKeys:
    """The keyed operations of all shares, each separated by agreement. `key`: 32 bytes as hex."""

    def __init__(self, key: str) -> None:
        self._key = bytes.fromhex(key)
        if len(self._key) != 32:
            raise ValueError("the share key has 32 bytes")
        self._of = lru_cache(maxsize=1024)(self._derive)
        self._cipher = lru_cache(maxsize=1024)(self._subject_cipher)

    def _derive(self, use: str, agreement: str) -> bytes:
        return hmac.new(self._key, f"openpars/{use}/{agreement}".encode(), hashlib.sha256).digest()

    def _subject_cipher(self, agreement: str) -> AESGCM:
        return AESGCM(self._derive("subject", agreement))

    def search(self, agreement: str, combination: str, values: tuple[str, ...]) -> bytes:
        """The hash under which a row is found by `combination` (fields joined by '+')."""
        # Lengths are part of the message, so that ("ab", "c") and ("a", "bc") differ.
        message = combination.encode() + b"".join(
            b"\x00" + str(len(value)).encode() + b"\x00" + value.encode() for value in values
        )
        return hmac.digest(self._of("search", agreement), message, "sha256")[:20]

    def hide_subject(self, agreement: str, row: UUID, subject: str) -> bytes | None:
        """The person's log key id, sealed: two recipients who compare shares cannot join by it."""
        if not subject:
            return None
        nonce = secrets.token_bytes(12)
        sealed = self._cipher(agreement).encrypt(nonce, bytes.fromhex(subject), row.bytes)
        return nonce + sealed

    def subject(self, agreement: str, row: str, hidden: bytes | None) -> str:
        """The person's log key id as hex, or '' for a row about a victim or crime witness. `row`: hex."""
        if hidden is None:
            return ""
        plain = self._cipher(agreement).decrypt(hidden[:12], hidden[12:], bytes.fromhex(row))
        return plain.hex()

    def digest(self, agreement: str, content: bytes) -> bytes:
        """Tells whether content changed, without being the content."""
        return hmac.digest(self._of("digest", agreement), content, "sha256")[:16]

    def password(self, agreement: str, role: str) -> str:
        """The password of the agreement's own database login."""
        return hmac.new(self._of("login", agreement), role.encode(), hashlib.sha256).hexdigest()
