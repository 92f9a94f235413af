# SPDX-License-Identifier: Apache-2.0
"""What the city has switched of its bars, as the register and the acts tree tell it together.

Each switch is a row and a leaf, written in one transaction. Whoever can write into the table can put a row
in, change one or take one away; nothing that widens is believed on a row alone. So a bar goes off only by a
row that the log bears out, and is on by either of the two.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime

import orjson

from openpars.agreements.bars import Switched
from openpars.db.connect import Connection
from openpars.db.sql import load
from openpars.log.leaf import canonical
from openpars.record.catalogue import instant

Q = load(__package__)

ALWAYS = datetime.min.replace(tzinfo=UTC)
"""From when a bar holds of which nobody can say any more when it was switched on: from its own first day."""


@dataclass(frozen=True, slots=True)
class Switch:
    """One act as it is remembered. `logged`: whether the acts log, or its queue, says the same."""

    id: int
    provider: str
    bar: str
    on: bool
    at: datetime
    by: str
    reason: str
    logged: bool


@dataclass(frozen=True, slots=True)
class Gone:
    """What the log tells of an act whose row is gone, or is not what was logged."""

    id: int
    provider: str
    bar: str
    on: bool


@dataclass(frozen=True, slots=True)
class Switches:
    """Every act about bars, oldest first, each held against the log; and those that only the log tells of."""

    acts: tuple[Switch, ...]
    gone: tuple[Gone, ...]

    @property
    def sound(self) -> bool:
        """Whether register and log say the same."""
        return not self.gone and all(one.logged for one in self.acts)

    def heeded(self, provider: str) -> tuple[Switched, ...]:
        """What holds, oldest first: where register and log do not agree, what narrows."""
        told: list[tuple[int, Switched]] = [
            (one.id, Switched(one.bar, one.on, one.at if one.logged else ALWAYS))
            for one in self.acts
            if one.provider == provider and (one.logged or one.on)
        ]
        told += [
            (one.id, Switched(one.bar, one.on, ALWAYS))
            for one in self.gone
            if one.provider == provider and one.on
        ]
        return tuple(switched for _, switched in sorted(told, key=lambda one: one[0]))


async def switches(conn: Connection) -> Switches:
    """All of it, at one instant: rows that were put there, and leaves whose row somebody took away."""
    kept: list[tuple[int, str, str, bool, datetime, str, str]] = []
    told: dict[str, Gone] = {}
    for *row, leaf in await (await conn.execute(Q.switches)).fetchall():
        if leaf is None:
            kept.append(tuple(row))
        elif (said := _told(leaf)) is not None:
            told[said[0]] = said[1]
    names = [switch_digest(row) for row in kept]
    acts = tuple(Switch(*row, logged=name in told) for name, row in zip(names, kept, strict=True))
    return Switches(acts, tuple(one for name, one in told.items() if name not in names))


def _told(leaf: bytes) -> tuple[str, Gone] | None:
    """What a leaf says, by its digest; None for what only looks like one, which must not stop an act."""
    try:
        said = orjson.loads(leaf)
        public = said.get("public", said)
        number, on = int(public["switch"]), public["event"] != "off"
        return str(public["digest"]), Gone(number, str(public["provider"]), str(public["bar"]), on)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


async def switched_bars(conn: Connection, provider: str) -> tuple[Switched, ...]:
    """What the city has switched and is heeded, oldest first."""
    return (await switches(conn)).heeded(provider)


def switch_digest(row: tuple[int, str, str, bool, datetime, str, str]) -> str:
    """SHA-256 (hex) of all that is kept of one act: who moves its instant has moved the bar, too."""
    number, provider, bar, on, at, by, reason = row
    parts = (number, provider, bar, "on" if on else "off", instant(at), by, reason)
    return hashlib.sha256(canonical(parts)).hexdigest()
