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
from uuid import UUID

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
        self._event = hmac.new(raw, b"openpars/event", hashlib.sha256).digest()

    def seal(self, resume: Resume) -> str:
        """The `id:` of an event, and the `position` of a new subscription."""
        nonce = secrets.token_bytes(12)
        plain = orjson.dumps([resume.recipient, resume.position, resume.epochs])
        return urlsafe_b64encode(nonce + self._aead.encrypt(nonce, plain, b"resume")).rstrip(b"=").decode()

    def open(self, text: str) -> Resume:
        """Raises Refused INVALID for anything this city did not seal."""
        try:
            raw = urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
            plain = self._aead.decrypt(raw[:12], raw[12:], b"resume")
        except (Base64Error, UnicodeEncodeError, InvalidTag, ValueError):
            raise refuse(Code.INVALID, "This is not a position of your feed.", "Last-Event-ID") from None
        recipient, position, epochs = orjson.loads(plain)
        return Resume(recipient, position, tuple((name, epoch) for name, epoch in epochs))

    def event_id(self, subscription: UUID, position: int) -> str:
        """The event's id: the same at every repeat."""
        message = subscription.bytes + position.to_bytes(8, "big")
        return hmac.new(self._event, message, hashlib.sha256).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Notice:
    """One alert for one subscription. `record` is a JSON object, `{"id": …}` alone if withdrawn."""

    agreement: str
    epoch: int
    purpose: str
    subscription: UUID
    kind: str
    record: bytes
    position: int
    receipt: str
    at: datetime


def encode(notice: Notice, *, event_id: str, source: str, resume: str) -> bytes:
    """The bytes of one Server-Sent Event."""
    why = orjson.dumps(
        {"subscription": str(notice.subscription), "agreement": notice.agreement, "purpose": notice.purpose}
    )
    data = notice.record[:-1] + b',"why":' + why + b"}"
    return _frame(
        resume,
        _cloud_event(
            event_id,
            f"{TYPE}share.{notice.kind}",
            source=source,
            at=notice.at,
            receipt=notice.receipt,
            data=data,
        ),
    )


def encode_ended(agreement: str, *, at: datetime, event_id: str, source: str, resume: str) -> bytes:
    """The last event of an agreement's feed."""
    data = orjson.dumps({"why": {"agreement": agreement}})
    return _frame(
        resume,
        _cloud_event(event_id, f"{TYPE}agreement.ended", source=source, at=at, receipt=None, data=data),
    )


def _cloud_event(
    event_id: str, kind: str, *, source: str, at: datetime, receipt: str | None, data: bytes
) -> bytes:
    head: dict[str, object] = {
        "specversion": "1.0",
        "id": event_id,
        "source": source,
        "type": kind,
        "time": at,
        "datacontenttype": "application/json",
    }
    if receipt is not None:
        head["receipt"] = receipt
    return orjson.dumps(head)[:-1] + b',"data":' + data + b"}"


def _frame(resume: str, data: bytes) -> bytes:
    return b"id: " + resume.encode() + b"\ndata: " + data + b"\n\n"
