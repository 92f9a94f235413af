# SPDX-License-Identifier: Apache-2.0
"""Rows in the binary form of PostgreSQL's COPY, as a share is filled with them.

It costs half of what values one by one cost, here and at the server. Each value goes with its length, so
that nothing in it can end a field or a row. The form: PostgreSQL's manual, COPY, "Binary Format".
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, TypeAlias
from uuid import UUID

Pack: TypeAlias = Callable[[Any], bytes]

_BEGIN = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
_END = b"\xff\xff"
_NULL = b"\xff\xff\xff\xff"
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_TEXT_OID = 25

_fields = struct.Struct("!h").pack
_length = struct.Struct("!i").pack
_int4 = struct.Struct("!ii").pack
_int8 = struct.Struct("!iq").pack


def uuid(value: UUID) -> bytes:
    """A `uuid`."""
    return b"\x00\x00\x00\x10" + value.bytes


def int4(value: int) -> bytes:
    """An `int`. Raises struct.error beyond 32 bits."""
    return _int4(4, value)


def int8(value: int) -> bytes:
    """A `bigint`. Raises struct.error beyond 64 bits."""
    return _int8(8, value)


def boolean(value: bool) -> bytes:  # noqa: FBT001  (a column)
    """A `boolean`."""
    return b"\x00\x00\x00\x01\x01" if value else b"\x00\x00\x00\x01\x00"


def text(value: str) -> bytes:
    """A `text`."""
    encoded = value.encode()
    return _length(len(encoded)) + encoded


def jsonb(value: str) -> bytes:
    """A `jsonb`, from JSON as text."""
    encoded = value.encode()
    return _length(len(encoded) + 1) + b"\x01" + encoded


def bytea(value: bytes | None) -> bytes:
    """A `bytea`, or null."""
    return _NULL if value is None else _length(len(value)) + value


def instant(value: datetime) -> bytes:
    """A `timestamptz`."""
    since = value - _EPOCH
    return _int8(8, (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds)


def words(value: Sequence[str]) -> bytes:
    """A `text[]`."""
    return _words(tuple(value))


@lru_cache(maxsize=64)
def _words(value: tuple[str, ...]) -> bytes:
    shape = (1, 0, _TEXT_OID, len(value), 1) if value else (0, 0, _TEXT_OID)
    return bytea(struct.pack(f"!{len(shape)}i", *shape) + b"".join([text(one) for one in value]))


def rows(values: Iterable[Sequence[Any]], columns: Sequence[Pack]) -> bytes:
    """Everything one COPY takes. `columns`: how each value of a row is packed, in the table's order."""
    count = _fields(len(columns))
    packed = [_BEGIN]
    for row in values:
        packed.append(count)
        packed.extend([pack(value) for pack, value in zip(columns, row, strict=True)])
    packed.append(_END)
    return b"".join(packed)
