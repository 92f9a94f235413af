# SPDX-License-Identifier: Apache-2.0
"""Bars: what stands above every ballot. Read from the jurisdiction packs; applied by `project`."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from importlib.resources import files
from typing import Any
from zoneinfo import ZoneInfo

from openpars.agreements.language.canonical import digest
from openpars.agreements.language.term import midnight
from openpars.agreements.model import Agreement, Bar, BarKind, Grant, Version, Way
from openpars.record.catalogue import ARRESTEE, CRITERIA, FIELDS, age_at_arrest, reveals, zone_of
from openpars.record.file import ArrestFile, Role, Seal

ADULT = 18  # years; 42 Pa.C.S. § 6302
FAR = datetime.max.replace(tzinfo=UTC)
UNLISTED = "unlisted"  # the class of a recipient the pack does not know: every bar applies


@dataclass(frozen=True, slots=True)
class Pack:
    """A jurisdiction's parties and bars, each bar with the classes it binds.

    `bars` always hold; `switchable` ones hold while the city has switched them on.
    """

    jurisdiction: str
    provider: str
    stakeholders: tuple[str, ...]
    recipients: Mapping[str, str]
    bars: tuple[tuple[Bar, frozenset[str]], ...]
    switchable: tuple[tuple[Bar, frozenset[str]], ...] = ()


@dataclass(frozen=True, slots=True)
class Switched:
    """One act of the city: a bar switched on or off, and when."""

    bar: str
    on: bool
    at: datetime


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
    bars = [(read_bar(one, zone), frozenset(one["classes"])) for one in rules["bar"]]
    return Pack(
        parties["jurisdiction"],
        parties["provider"],
        tuple(sorted(parties["stakeholders"])),
        parties["recipients"],
        tuple((bar, classes) for bar, classes in bars if not bar.switchable),
        tuple((bar, classes) for bar, classes in bars if bar.switchable),
    )


def read_bar(values: dict[str, Any], zone: ZoneInfo) -> Bar:
    """One bar from a pack's table. Raises KeyError or ValueError: a pack is code, not input."""
    fields = tuple(values.get("fields", ()))
    if not set(fields) <= FIELDS.keys() or (fields and "until" in values):
        raise ValueError("a bar names fields of the catalogue, and holds them back without an end")
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
        fields=fields,
        label=values.get("label"),
        switchable=values.get("switchable", False),
    )


def _day(day: date | None, zone: ZoneInfo, *, plus: int) -> datetime | None:
    if day is None:
        return None
    at = midnight(day + timedelta(days=plus), zone)
    if at is None:
        raise ValueError("a bar begins or ends at a midnight that is not exactly one instant")
    return at


def binds(pack: Pack, recipient: str, classes: frozenset[str]) -> bool:
    """Whether a bar for these classes stands above agreements with this recipient."""
    kind = pack.recipients.get(recipient, UNLISTED)
    return kind == UNLISTED or "*" in classes or kind in classes


def bars_for(provider: str, recipient: str, switched: Sequence[Switched] = ()) -> tuple[Bar, ...]:
    """The bars above an agreement of these two. Raises KeyError for a provider without a pack.

    `switched`: what the city has switched, oldest first. A switchable bar holds from being switched on, and
    no earlier than its own beginning, until it is switched off; one about fields whenever it is on.
    """
    pack = packs()[provider]
    found = [bar for bar, classes in pack.bars if binds(pack, recipient, classes)]
    for bar, classes in pack.switchable:
        if binds(pack, recipient, classes):
            found.extend(_periods(bar, [one for one in switched if one.bar == bar.id]))
    return tuple(found)


def _periods(bar: Bar, switched: list[Switched]) -> Iterator[Bar]:
    since: datetime | None = None
    for one in switched:
        if one.on:
            # Switched on twice, of which the city itself knows nothing: it holds from the earlier.
            since = one.at if since is None else min(since, one.at)
        elif since is not None:
            # A bar about fields narrows what is shown now; what it narrowed once it narrows no more.
            if bar.kind is not BarKind.FIELDS:
                yield _period(bar, since, one.at)
            since = None
    if since is not None:
        yield _period(bar, since, FAR)


def _period(bar: Bar, since: datetime, until: datetime) -> Bar:
    ends = min(bar.ends or FAR, until)
    return replace(bar, begins=max(bar.begins or since, since), ends=None if ends == FAR else ends)


def is_on(bar: str, switched: Sequence[Switched]) -> bool:
    """Whether the city's last act about this bar switched it on."""
    return next((one.on for one in reversed(switched) if one.bar == bar), False)


def narrowed(version: Version) -> Version:
    """The version as bars about fields leave it: what they hold back is neither shown, found, asked nor told.

    Such a bar holds as soon as it stands above the version. Numbers of grants stay, so that a row names the
    grant that people voted on; a grant with nothing left serves no purpose any more.
    """
    barred_fields = frozenset(name for bar in version.bars for name in bar.fields)
    if not barred_fields:
        return version
    grants = tuple(_narrow(grant, barred_fields) for grant in version.agreement.grants)
    return replace(version, agreement=replace(version.agreement, grants=grants))


def _narrow(grant: Grant, barred_fields: frozenset[str]) -> Grant:
    def free(name: str, precision: str | None = None) -> bool:
        # A field that gives a barred one away, in whole or in part, is as good as it. A key tells it whole.
        return reveals(name, precision or FIELDS[name].precisions[-1].name).isdisjoint(barred_fields)

    def free_criterion(name: str) -> bool:
        return free(CRITERIA[name].field, CRITERIA[name].precision)

    show = tuple((name, precision) for name, precision in grant.show if free(name, precision))
    find_by = tuple(fields for fields in grant.find_by if all(free(name) for name in fields))
    alert_by = tuple(name for name in grant.alert_by if free_criterion(name))
    usable = {
        Way.SEARCH: bool(find_by),
        Way.ALERT: bool(find_by or alert_by or grant.alert_all),
        Way.EXPORT: True,
    }
    ways = frozenset(way for way in grant.ways if usable[way])
    # Whoever gets a row is told that its conditions hold.
    quiet = all(free_criterion(name) for name, _ in grant.when.isin) and (
        not grant.when.by_day or free("arrested_at", "day")
    )
    purposes = grant.purposes if show and ways and quiet else ()
    return replace(grant, show=show, find_by=find_by, alert_by=alert_by, ways=ways, purposes=purposes)


def emptied(version: Version, grant: Grant, begins: datetime) -> Bar | None:
    """The bar that takes everything a grant gives from `begins` to the end of the term, or None."""
    ends = version.term.ends
    for bar in version.bars:
        whole = (bar.begins is None or bar.begins <= begins) and (bar.ends is None or bar.ends >= ends)
        takes_all = bar.kind is BarKind.EVERYTHING or (bar.kind is BarKind.ROLE and grant.about in bar.roles)
        if whole and takes_all:
            return bar
    left = narrowed(version).agreement.grants[grant.number - 1]
    if grant.purposes and not left.purposes:
        return next(bar for bar in version.bars if bar.fields)
    return None


def voided(version: Version, at: datetime) -> Bar | None:
    """The bar that leaves nothing of a version from an instant on, whatever anybody votes, or None."""
    begins = max(at, version.term.begins)
    taken = [emptied(version, grant, begins) for grant in version.agreement.grants]
    return taken[0] if None not in taken else None


def version_of(agreement: Agreement, number: int = 1) -> Version:
    """The agreement as a version: its hash, and the bars of its provider's pack. `number` 0: not proposed.

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
        case BarKind.FIELDS:
            return False  # it takes fields out of every row, and nobody: see `narrowed`
        case BarKind.COMPARTMENT:
            return False  # the catalogue has no field for a compartment: there is nothing to take out


def concerning(bars: tuple[Bar, ...], file: ArrestFile, slot: str) -> tuple[Bar, ...]:
    """The bars that take this person of this file out while they hold, in their order."""
    return tuple([bar for bar in bars if concerns(bar, file, slot)])


def barred(bars: tuple[Bar, ...], file: ArrestFile, slot: str, at: datetime) -> Bar | None:
    """The first bar that takes this person out at that instant, or None."""
    return next((bar for bar in bars if bar.holds(at) and concerns(bar, file, slot)), None)


def begins_next(concerned: tuple[Bar, ...], at: datetime) -> datetime | None:
    """The first later instant at which one of these bars begins, or None."""
    begins = [bar.begins for bar in concerned if bar.begins is not None and bar.begins > at]
    return min(begins, default=None)


def next_bar(bars: tuple[Bar, ...], file: ArrestFile, slot: str, at: datetime) -> datetime | None:
    """The first later instant at which a bar begins to take this person out, or None."""
    return begins_next(concerning(bars, file, slot), at)
