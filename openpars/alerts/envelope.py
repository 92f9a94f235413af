# SPDX-License-Identifier: Apache-2.0
"""How an alert looks on the wire: CloudEvents 1.0 JSON in a Server-Sent Event, with a sealed resume id."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from dataclasses import dataclass
from datetime import datetime

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from openpars.errors import Code, refuse

TYPE = "org.openpars."


@dataclass(frozen=True, slots=True)
class Resume:
    """Where a stream stands: whose it is, up to which position, under which agreements at which epoch."""

    recipient: str
    position: int
    epochs: tuple[tuple[str, int], ...]


class Seals:
    """Seals resume ids and makes stable event ids. `key`: 32 bytes as hex.

    A resume id is opaque: a bare number would tell how many alerts others get, and could be guessed.
    """

    def __init__(self, key: str) -> None:
        raw = bytes.fromhex(key)
        self._aead = AESGCM(hmac.new(raw, b"openpars/resume", hashlib.sha256).digest())
        event = hmac.new(raw, b"openpars/event", hashlib.sha256).digest()
        # A keyed hash begun once and copied: an HMAC for each event costs four times as much.
        self._event = hashlib.blake2b(key=event, digest_size=16)

    def seal(self, resume: Resume) -> str:
        """The `id:` of an event, and the `position` of a new subscription."""
        nonce = secrets.token_bytes(12)
        # Of one length whatever the position: else the length would tell how many alerts there are.
        plain = orjson.dumps([resume.recipient, f"{resume.position:019d}", resume.epochs])
        return urlsafe_b64encode(nonce + self._aead.encrypt(nonce, plain, b"resume")).rstrip(b"=").decode()

    def open(self, text: str) -> Resume:
        """Raises Refused INVALID for anything this city did not seal."""
        try:
            raw = urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
            plain = self._aead.decrypt(raw[:12], raw[12:], b"resume")
        except (Base64Error, UnicodeEncodeError, InvalidTag, ValueError):
            raise refuse(Code.INVALID, "This is not a position of your feed.", "Last-Event-ID") from None
        recipient, position, epochs = orjson.loads(plain)
        return Resume(recipient, int(position), tuple((name, epoch) for name, epoch in epochs))

    def open_for(self, recipient: str, text: str) -> Resume:
        """The same, and it must be this recipient's."""
        resume = self.open(text)
        if resume.recipient != recipient:
            raise refuse(Code.INVALID, "This is not a position of your feed.", "Last-Event-ID")
        return resume

    def event_id(self, subscription: str, position: int) -> str:
        """The event's id: the same at every repeat."""
        return self._id(f"{subscription} {position}")

    def ended_id(self, agreement: str, epoch: int) -> str:
        """The id of the event that says an agreement's end: its own, and the same at every repeat."""
        return self._id(f"ended {agreement} {epoch}")

    def _id(self, what: str) -> str:
        begun = self._event.copy()
        begun.update(what.encode())
        return begun.hexdigest()


class Envelope:
    """One event of one record, for all its subscriptions: only their own names differ.

    `record` is a JSON object, `{"id": …}` alone if withdrawn.
    """

    def __init__(
        self,
        kind: str,
        record: bytes,
        *,
        agreement: str,
        purpose: str,
        source: str,
        receipt: str,
        at: datetime,
    ) -> None:
        head = _head(f"{TYPE}share.{kind}", source=source, at=at, receipt=receipt)
        self._middle = (head + b',"data":' + record[:-1] + b',"why":{"subscription":"').decode()
        self._tail = '",' + orjson.dumps({"agreement": agreement, "purpose": purpose})[1:].decode() + "}}"

    def frame(self, subscription: str, *, event_id: str, resume: str) -> bytes:
        """The bytes of one Server-Sent Event."""
        return _frame(resume, event_id, f"{self._middle}{subscription}{self._tail}")


def encode_ended(agreement: str, *, at: datetime, event_id: str, source: str, resume: str) -> bytes:
    """The last event of an agreement's feed."""
    head = _head(f"{TYPE}agreement.ended", source=source, at=at, receipt=None)
    data = b',"data":' + orjson.dumps({"why": {"agreement": agreement}}) + b"}"
    return _frame(resume, event_id, (head + data).decode())


def _head(kind: str, *, source: str, at: datetime, receipt: str | None) -> bytes:
    """A CloudEvent up to its data, without the opening brace and its id."""
    head: dict[str, object] = {
        "specversion": "1.0",
        "source": source,
        "type": kind,
        "time": at,
        "datacontenttype": "application/json",
    }
    if receipt is not None:
        head["receipt"] = receipt
    return orjson.dumps(head)[1:-1]


def _frame(resume: str, event_id: str, rest: str) -> bytes:
    return f'id: {resume}\ndata: {{"id":"{event_id}",{rest}\n\n'.encode()
