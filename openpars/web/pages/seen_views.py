# SPDX-License-Identifier: Apache-2.0
"""What a recipient could have seen on a day, as the template reads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from openpars.agreements.bars import packs
from openpars.desk.looking_back import Look
from openpars.record.catalogue import FIELDS
from openpars.record.fields import CRITERIA

BARS_AT_MOST = 60
ABOUT = {"arrestee": "people arrested", "victim": "victims", "crime_witness": "crime witnesses"}
WAYS = {"search": "search", "alert": "alerts", "export": "export"}
STATES = {
    "suspended": "Suspended: nothing could be seen.",
    "rewritten": "The stored text is not the one that was voted on: it grants nothing.",
}


@dataclass(frozen=True, slots=True)
class GrantView:
    """One grant, in words."""

    number: int
    about: str
    people: int
    show: tuple[str, ...]
    keys: tuple[str, ...]
    ways: str
    alerts: str


@dataclass(frozen=True, slots=True)
class PurposeView:
    """One purpose: how many people, by which grants, whom bars kept out, and rows if they may be read."""

    purpose: str
    people: int
    grants: tuple[GrantView, ...]
    barred: tuple[tuple[str, int], ...]
    examples: tuple[tuple[tuple[str, str], ...], ...]


@dataclass(frozen=True, slots=True)
class StretchView:
    """One text that stood, from when until when."""

    version: int
    hash: str
    begins: datetime
    ends: datetime
    state: str | None
    purposes: tuple[PurposeView, ...]


@dataclass(frozen=True, slots=True)
class Column:
    """One bar of the picture: the most people on any day of it."""

    first: date
    last: date
    people: int
    x: float
    height: float
    chosen: bool


@dataclass(frozen=True, slots=True)
class PictureView:
    """The counts over the agreement's life."""

    columns: tuple[Column, ...]
    width: float
    most: int
    each: int


def stretches(look: Look) -> tuple[StretchView, ...]:
    """Every text that stood on the day."""
    return tuple(
        StretchView(
            one["version"],
            one["hash"] or "",
            datetime.fromisoformat(one["from"]),
            datetime.fromisoformat(one["until"]),
            STATES.get(one["state"]),
            tuple(_purpose(purpose) for purpose in one["purposes"]),
        )
        for one in look.stretches
    )


def _purpose(found: Mapping[str, Any]) -> PurposeView:
    titles = {bar.id: bar.title for pack in packs().values() for bar, _ in (*pack.bars, *pack.switchable)}
    return PurposeView(
        found["purpose"],
        found["people"],
        tuple(_grant(one) for one in found["grants"]),
        tuple((titles.get(one["bar"], one["bar"]), one["people"]) for one in found["barred"]),
        tuple(
            tuple((FIELDS[name].label, plain(value)) for name, value in row.items())
            for row in found["examples"]
        ),
    )


def _grant(one: Mapping[str, Any]) -> GrantView:
    shown = []
    for name, precision in one["show"].items():
        field = FIELDS[name]
        found = field.precision(precision)
        whole = len(field.precisions) == 1 or found is None
        shown.append(field.label if whole or found is None else f"{field.label} ({found.meaning})")
    keys = tuple(" and ".join(FIELDS[name].label for name in fields) for fields in one["find_by"])
    alerts = "about everybody" if one["alert_all"] else ", ".join(CRITERIA[n].label for n in one["alert_by"])
    return GrantView(
        one["grant"],
        ABOUT[one["about"]],
        one["people"],
        tuple(shown),
        keys,
        ", ".join(WAYS[way] for way in one["ways"]),
        alerts,
    )


def plain(value: object) -> str:
    """A granted value as words: lists and objects by what they hold."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {plain(one)}" for name, one in value.items() if one is not None)
    if isinstance(value, list | tuple):
        return "; ".join(plain(one) for one in value)
    return str(value)


def picture(look: Look, chosen: date) -> PictureView | None:
    """At most sixty bars over the life so far; None when nothing ever stood."""
    if look.first is None or not look.daily:
        return None
    each = -(-len(look.daily) // BARS_AT_MOST)
    parts = [look.daily[place : place + each] for place in range(0, len(look.daily), each)]
    most = max(map(max, parts))
    return PictureView(
        tuple(
            _column(look.first, n, part, each=each, most=most, chosen=chosen) for n, part in enumerate(parts)
        ),
        max(len(parts), 20) * 10,  # a life of a day is not one wide block
        most,
        each,
    )


def _column(first: date, n: int, part: Sequence[int], *, each: int, most: int, chosen: date) -> Column:
    begin = first + timedelta(days=n * each)
    end = begin + timedelta(days=len(part) - 1)
    height = round(100 * max(part) / most, 1) if most else 0
    return Column(begin, end, max(part), n * 10, height, begin <= chosen <= end)
