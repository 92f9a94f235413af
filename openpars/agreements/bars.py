# SPDX-License-Identifier: Apache-2.0
"""Bars: what stands above every ballot. Read from the jurisdiction packs; applied by `project`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from importlib.resources import files
from typing import Any
from zoneinfo import ZoneInfo

from openpars.agreements.canonical import digest
from openpars.agreements.model import Agreement, Bar, BarKind, Version
from openpars.agreements.term import midnight
from openpars.record.catalogue import ARRESTEE, age_at_arrest, zone_of
from openpars.record.file import ArrestFile, Role, Seal

ADULT = 18  # years; 42 Pa.C.S. § 6302
UNLISTED = "unlisted"  # the class of a recipient the pack does not know: every bar applies


@dataclass(frozen=True, slots=True)
class Pack:
    """A jurisdiction's parties and bars. `bars` pairs each bar that is on with the classes it binds."""

    jurisdiction: str
    provider: str
    stakeholders: tuple[str, ...]
    recipients: Mapping[str, str]
    bars: tuple[tuple[Bar, frozenset[str]], ...]


@lru_cache(maxsize=1)
def packs() -> Mapping[str, Pack]:
    """Every pack that ships, by the name of its provider."""
    found = {}
    for folder in sorted(files("openpars.jurisdictions").iterdir(), key=lambda one: one.name):
        if folder.joinpath("parties.toml").is_file():
            parties = tomllib.loads(folder.joinpath("parties.toml").read_text("utf-8"))
            rules = tomllib.loads(folder.joinpath("bars.toml").read_text("utf-8"))
            pack = _pack(parties, rules)
            found[pack.provider] = pack
    return found


def _pack(parties: dict[str, Any], rules: dict[str, Any]) -> Pack:
    zone = zone_of(parties["jurisdiction"])
    return Pack(
        parties["jurisdiction"],
        parties["provider"],
        tuple(sorted(parties["stakeholders"])),
        parties["recipients"],
        tuple(
            (read_bar(one, zone), frozenset(one["classes"])) for one in rules["bar"] if one.get("on", True)
        ),
    )


def read_bar(values: dict[str, Any], zone: ZoneInfo) -> Bar:
    """One bar from a pack's table. Raises KeyError or ValueError: a pack is code, not input."""
    return Bar(
        id=values["id"],
        title=values["title"],
        kind=BarKind(values["kind"]),
        citation=values["citation"],
        standing=values["standing"],
        checked=values["checked"],
        begins=_day(values.get("from"), zone, plus=0),
        ends=_day(values.get("until"), zone, plus=1),
        roles=tuple(Role(role) for role in values.get("roles", ())),
        states=tuple(Seal(state) for state in values.get("states", ())),
        compartments=tuple(values.get("compartments", ())),
    )


def _day(day: date | None, zone: ZoneInfo, *, plus: int) -> datetime | None:
    if day is None:
        return None
    at = midnight(day + timedelta(days=plus), zone)
    if at is None:
        raise ValueError("a bar begins or ends at a midnight that is not exactly one instant")
    return at


def bars_for(provider: str, recipient: str) -> tuple[Bar, ...]:
    """The bars above an agreement of these two. Raises KeyError for a provider without a pack."""
    pack = packs()[provider]
    kind = pack.recipients.get(recipient, UNLISTED)
    return tuple(bar for bar, classes in pack.bars if kind == UNLISTED or "*" in classes or kind in classes)


def version_of(agreement: Agreement, number: int = 1) -> Version:
    """The agreement as a version: its hash, and the bars of its provider's pack.

    Raises KeyError for a provider without a pack: without its bars nothing may be shared.
    """
    return Version(agreement, number, digest(agreement), bars_for(agreement.provider, agreement.recipient))


def child(file: ArrestFile) -> bool:
    """Whether the file is a child's: under 18 on the day of arrest, or of unknown age.

    Unknown counts as a child: the harm of showing one is not undone by a later birth date.
    """
    age = age_at_arrest(file)
    return age is None or age < ADULT


def _child_in_slot(file: ArrestFile, slot: str) -> bool:
    age = None if slot == ARRESTEE else age_at_arrest(file, slot)
    return child(file) or (age is not None and age < ADULT)


def concerns(bar: Bar, file: ArrestFile, slot: str) -> bool:
    """Whether the bar, while it holds, takes this person of this file out. Independent of time."""
    match bar.kind:
        case BarKind.ROLE:
            return any(slot == role.value or slot.startswith(f"{role.value}:") for role in bar.roles)
        case BarKind.JUVENILE:
            return _child_in_slot(file, slot)
        case BarKind.SEAL:
            return file.seal in bar.states
        case BarKind.EVERYTHING:
            return True
        case BarKind.COMPARTMENT:
            return False  # the catalogue has no field for a compartment: there is nothing to take out


def barred(bars: tuple[Bar, ...], file: ArrestFile, slot: str, at: datetime) -> Bar | None:
    """The first bar that takes this person out at that instant, or None."""
    return next((bar for bar in bars if bar.holds(at) and concerns(bar, file, slot)), None)


def next_bar(bars: tuple[Bar, ...], file: ArrestFile, slot: str, at: datetime) -> datetime | None:
    """The first later instant at which a bar begins to take this person out, or None."""
    begins = (bar.begins for bar in bars if concerns(bar, file, slot))
    return min((one for one in begins if one is not None and one > at), default=None)
