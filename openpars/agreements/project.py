# SPDX-License-Identifier: Apache-2.0
"""The one function that makes every share: what of one arrest file one recipient may see.

Pure: no I/O, no clock, no SQL. Deny by default: a row is there because a grant says so in a term that
covers the instant, about a person no bar takes out, in a file that is open. Whatever is not in the
rows that come out of here is not in the share, and cannot be read, searched, sorted by, counted or timed.

`at` is the instant the answer is for. Outside the term it is (). Filling a share before its term begins
passes `at=term.begins`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from openpars.agreements.bars import begins_next, concerning
from openpars.agreements.model import Bar, Grant, Version, Way, When
from openpars.record.catalogue import (
    ARRESTEE,
    CRITERIA,
    JSON,
    charge_value,
    criterion_values,
    key_strings,
    slots,
    value_at,
)
from openpars.record.file import ArrestFile, Charge, Seal


@dataclass(frozen=True, slots=True)
class ShareRow:
    """One person of one file under one grant.

    `slot`: `arrestee`, `victim:1`, … `subject`: the person's id, "" for others than the arrestee.
    `body`: the granted fields at the granted precision; unknown ones are absent. `keys`: by combination
    of `find_by`, the canonical values in the combination's order; a combination with an unknown field is
    absent. `criteria`: the values of the `alert_by` criteria. `until`: the instant at which the row leaves
    by the mere passing of time; it MUST NOT be served at or after it.
    """

    slot: str
    subject: str
    grant: int
    body: Mapping[str, JSON]
    keys: Mapping[tuple[str, ...], tuple[str, ...]]
    criteria: Mapping[str, tuple[str, ...]]
    ways: frozenset[str]
    alert_all: bool
    until: datetime


def project(version: Version, purpose: str, file: ArrestFile, at: datetime) -> tuple[ShareRow, ...]:
    """The rows this version grants for this purpose from this file at this instant; none, mostly."""
    # (1) A file that is not open gives nothing to anybody, bars or no bars.
    if file.seal is not Seal.OPEN:
        return ()
    # (2) Outside the term nothing is granted.
    if not version.term.covers(at):
        return ()
    rows: list[ShareRow] = []
    for grant in version.agreement.grants:
        # (3) A grant serves the purposes it names.
        if purpose not in grant.purposes:
            continue
        # (4) Its conditions on the file hold, and on at least one charge where they are about charges.
        charges = _charges(grant.when, file)
        if charges is None or not _holds(grant, file, at, version.term.zone):
            continue
        for slot in slots(file, grant.about):
            # (5) No bar takes the person out.
            bars = concerning(version.bars, file, slot)
            if not any(bar.holds(at) for bar in bars):
                leaves = _leaves(version, grant, file, bars, at)
                rows.append(_row(grant, file, slot, charges=charges, until=leaves))
    return tuple(rows)


def _charges(when: When, file: ArrestFile) -> tuple[Charge, ...] | None:
    """The charges that may be seen: those that meet every condition about charges. None: no charge does."""
    conditions = [(name, values) for name, values in when.isin if CRITERIA[name].of_charge]
    if not conditions:
        return file.charges
    return (
        tuple(c for c in file.charges if all(charge_value(name, c) in values for name, values in conditions))
        or None
    )


def _holds(grant: Grant, file: ArrestFile, at: datetime, zone: str) -> bool:
    """Whether the conditions about the file hold. Unknown never matches."""
    for name, values in grant.when.isin:
        if not CRITERIA[name].of_charge and not set(values).intersection(
            criterion_values(name, file, ARRESTEE, ())
        ):
            return False
    if not _on_days(grant.when, file, zone):
        return False
    leaves = _ages_out(grant.when, file)
    return grant.when.arrested_within_days is None or (leaves is not None and at < leaves)


def _on_days(when: When, file: ArrestFile, zone: str) -> bool:
    """Whether the arrest was on one of the civil days the grant speaks of."""
    if when.arrested_from is None and when.arrested_through is None:
        return True
    if file.arrested_at is None:
        return False
    day = file.arrested_at.astimezone(ZoneInfo(zone)).date()
    return (when.arrested_from or day) <= day <= (when.arrested_through or day)


def _ages_out(when: When, file: ArrestFile) -> datetime | None:
    if when.arrested_within_days is None or file.arrested_at is None:
        return None
    return file.arrested_at + timedelta(days=when.arrested_within_days)


def _leaves(
    version: Version, grant: Grant, file: ArrestFile, bars: tuple[Bar, ...], at: datetime
) -> datetime:
    """When the row goes by the mere passing of time. `bars`: those that will take the person out."""
    leaving = (version.term.ends, _ages_out(grant.when, file), begins_next(bars, at))
    return min([one for one in leaving if one is not None])


def _row(
    grant: Grant, file: ArrestFile, slot: str, *, charges: tuple[Charge, ...], until: datetime
) -> ShareRow:
    body = {name: value_at(name, precision, file, slot, charges) for name, precision in grant.show}
    keys = {}
    for combination in grant.find_by:
        parts = [key_strings(name, file, slot) for name in combination]
        known = [part for part in parts if part is not None]
        if len(known) == len(combination):
            keys[combination] = tuple([text for part in known for text in part])
    criteria = {name: criterion_values(name, file, slot, charges) for name in grant.alert_by}
    return ShareRow(
        slot=slot,
        subject=file.arrestee.person if slot == ARRESTEE else "",
        grant=grant.number,
        body={name: value for name, value in body.items() if value is not None},
        keys=keys,
        criteria={name: values for name, values in criteria.items() if values},
        ways=_words(grant.ways),
        alert_all=grant.alert_all,
        until=until,
    )


@lru_cache(maxsize=64)
def _words(ways: frozenset[Way]) -> frozenset[str]:
    return frozenset(way.value for way in ways)
