# SPDX-License-Identifier: Apache-2.0
"""What bars do to a text before a vote: those that hold, and those that the city could switch on."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import UTC, datetime

from openpars.agreements.bars import Switched, bars_for, binds, narrowed, packs
from openpars.agreements.emptied import days, spans
from openpars.agreements.language.canonical import digest
from openpars.agreements.language.faults import Severity
from openpars.agreements.model import Agreement, Bar, BarKind, Grant, Version

Foreseen = Iterator[tuple[Severity, str, Grant]]


def barred(agreement: Agreement, switched_on: Collection[str]) -> Foreseen:
    """What is taken from each grant, as if the city had switched these bars on from their own first day."""
    always = datetime.min.replace(tzinfo=UTC)
    switched = [Switched(bar, on=True, at=always) for bar in switched_on]
    bars = bars_for(agreement.provider, agreement.recipient, switched)
    left = narrowed(Version(agreement, 1, digest(agreement), bars)).agreement.grants
    term = agreement.term
    for grant in agreement.grants:
        for span in spans(grant, term, bars):
            whole = span.begins <= term.begins and span.ends >= term.ends
            cited = "; ".join(bar.cited for bar in span.bars)
            message = f"a bar empties this grant {days(span, term)}: {cited}"
            yield Severity.REFUSED if whole else Severity.WARNING, message, grant
        if left[grant.number - 1] != grant:
            yield _taken(grant, left[grant.number - 1], next(bar for bar in bars if bar.fields))


def _taken(grant: Grant, left: Grant, bar: Bar) -> tuple[Severity, str, Grant]:
    if not left.purposes:
        return Severity.REFUSED, f"a bar leaves nothing of this grant: {bar.cited}", grant
    parts = [
        ("shown: ", [name for name, _ in grant.show if name not in dict(left.show)]),
        ("found by: ", [" + ".join(key) for key in grant.find_by if key not in left.find_by]),
        ("alerted by: ", [name for name in grant.alert_by if name not in left.alert_by]),
    ]
    gone = "; ".join(f"no more {word}{', '.join(names)}" for word, names in parts if names)
    return Severity.WARNING, f"a bar narrows this grant, {gone}: {bar.cited}", grant


def switchable(agreement: Agreement, switched_on: Collection[str]) -> Iterator[str]:
    """What the city could switch on, so that nobody votes without knowing."""
    pack = packs()[agreement.provider]
    for bar, classes in pack.switchable:
        if bar.id in switched_on or not binds(pack, agreement.recipient, classes):
            continue
        found = list(barred(agreement, (*switched_on, bar.id)))
        if found != list(barred(agreement, switched_on)):
            nothing = bar.kind is BarKind.EVERYTHING or any(one[0] is Severity.REFUSED for one in found)
            what = "would leave nothing of it" if nothing else "would narrow it"
            yield f"a bar that the city can switch on {what} (`--bar {bar.id}`): {bar.cited}"
