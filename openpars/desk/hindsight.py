# SPDX-License-Identifier: Apache-2.0
"""What a recipient could have seen: a text over the record's history, for a day or for a period.

No log is needed and none is read. What was expunged is in no version any more, and so in no count.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from openpars.agreements import register, timeline
from openpars.agreements.model import Version
from openpars.agreements.register import BrokenText
from openpars.agreements.replay.sight import Holding, Seen, Sights, barred_of, compared, seen
from openpars.agreements.timeline import Held, Span
from openpars.db.connect import Connection
from openpars.record import past

Tell = Callable[[int, int], None]
EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class Life:
    """An agreement's stretches, with the texts that stood in them. A rewritten text is absent."""

    recipient: str
    spans: tuple[Span, ...]
    versions: dict[int, Version]

    def holdings(self) -> list[Holding]:
        """The stretches in which something could be seen at all."""
        return [
            Holding(self.versions[span.version], span.begins, span.ends)
            for span in self.spans
            if span.held is Held.IN_FORCE and span.version in self.versions
        ]


async def life_of(conn: Connection, agreement: str) -> Life | None:
    """The whole life of one agreement, history entered here included; None when there is no such one."""
    entries = [one for one in await register.register(conn) if one.agreement == agreement]
    if not entries:
        return None
    versions = {}
    for entry in entries:
        try:
            versions[entry.version] = await register.version(conn, agreement, entry.version)
        except BrokenText:
            continue
    return Life(entries[0].recipient, timeline.spans(entries), versions)


async def what_if(
    conn: Connection,
    a: Sequence[Holding],
    b: Sequence[Holding],
    *,
    since: datetime,
    until: datetime,
    zone: ZoneInfo,
    tell: Tell,
) -> dict[str, object]:
    """What could have been seen under A and under B in [since, until), and the difference day by day."""
    first = since.astimezone(zone).date()
    last = (until - timedelta(microseconds=1)).astimezone(zone).date()
    sights = (Sights(first, last, zone), Sights(first, last, zone))
    done, count = 0, await past.count(conn)
    async for looked, stood in past.stood_between(conn, since, until):
        for one in stood:
            begins, ends = max(one.begins, since), min(one.ends or until, until)
            for side, holdings in zip(sights, (a, b), strict=True):
                for holding in holdings:
                    side.add(holding.version, seen(holding, one.file, begins, ends))
        done += looked
        tell(done, count)
    return compared(*sights)


@dataclass(slots=True)
class _Count:
    people: set[str] = field(default_factory=set)
    grants: defaultdict[int, set[str]] = field(default_factory=lambda: defaultdict(set))
    barred: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    examples: dict[str, bytes] = field(default_factory=dict)

    def add(self, one: Seen) -> None:
        if one.begins >= one.ends:
            return
        self.people.add(one.who)
        self.grants[one.row.grant].add(one.who)
        # The first by the random id: the same ones every time, and chosen by nobody.
        self.examples[one.who] = orjson.dumps(one.row.body)
        if len(self.examples) > EXAMPLES:
            del self.examples[max(self.examples)]


async def seen_on(
    conn: Connection,
    life: Life,
    *,
    since: datetime,
    until: datetime,
    tell: Tell,
    wide: Sights | None = None,
) -> list[dict[str, Any]]:
    """Each stretch of the agreement in [since, until): the text, and per purpose who was within reach.

    `examples` are bodies of rows as the recipient could have seen them, by person; who may read them is
    decided by the caller. Empty when no version stood. `wide` is filled with its own, longer period.
    """
    held = [span for span in life.spans if span.begins < until and since < span.ends]
    counts: dict[tuple[Span, str], _Count] = defaultdict(_Count)
    holdings = {
        span: Holding(life.versions[span.version], max(span.begins, since), min(span.ends, until))
        for span in held
        if span.held is Held.IN_FORCE and span.version in life.versions
    }
    begins, ends = (since, until) if wide is None else (min(since, wide.begins), max(until, wide.ends))
    done, count = 0, await past.count(conn)
    if holdings or wide is not None:
        async for looked, stood in past.stood_between(conn, begins, ends):
            for one in stood:
                for span, holding in holdings.items():
                    _look(counts, span, holding, one)
                if wide is not None:
                    _widen(wide, life.holdings(), one)
                await asyncio.sleep(0)
            done += looked
            tell(done, count)
    return [_told(life, span, counts, since=since, until=until) for span in held]


def _look(counts: dict[tuple[Span, str], _Count], span: Span, holding: Holding, one: past.Stood) -> None:
    ends = holding.ends if one.ends is None else one.ends
    for found in seen(holding, one.file, one.begins, ends):
        counts[span, found.purpose].add(found)
    for purpose, bar, who in barred_of(holding, one.file, max(holding.begins, one.begins)):
        counts[span, purpose].barred[bar].add(who)


def _widen(wide: Sights, holdings: Sequence[Holding], one: past.Stood) -> None:
    begins, ends = max(one.begins, wide.begins), min(one.ends or wide.ends, wide.ends)
    for holding in holdings:
        wide.add(holding.version, seen(holding, one.file, begins, ends))


def _told(
    life: Life,
    span: Span,
    counts: dict[tuple[Span, str], _Count],
    *,
    since: datetime,
    until: datetime,
) -> dict[str, Any]:
    version = life.versions.get(span.version)
    shown = version if span.held is Held.IN_FORCE else None
    return {
        "version": span.version,
        "hash": None if version is None else version.hash,
        "state": span.held.value if version is not None else "rewritten",
        "from": max(span.begins, since).isoformat(),
        "until": min(span.ends, until).isoformat(),
        "purposes": [_purpose(shown, purpose, counts[span, purpose]) for purpose in shown.agreement.purposes]
        if shown is not None
        else [],
    }


def _purpose(version: Version, purpose: str, count: _Count) -> dict[str, Any]:
    return {
        "purpose": purpose,
        "people": len(count.people),
        "grants": [
            {
                "grant": grant.number,
                "about": grant.about.value,
                "people": len(count.grants[grant.number]),
                "show": dict(grant.show),
                "find_by": [list(fields) for fields in grant.find_by],
                "alert_by": list(grant.alert_by),
                "alert_all": grant.alert_all,
                "ways": sorted(way.value for way in grant.ways),
            }
            for grant in version.agreement.grants
            if purpose in grant.purposes
        ],
        "barred": [{"bar": bar, "people": len(who)} for bar, who in sorted(count.barred.items())],
        "examples": {who: orjson.loads(body) for who, body in sorted(count.examples.items())},
    }
