# SPDX-License-Identifier: Apache-2.0
"""What a replay found, counted: numbers, and never anybody. Pure.

People are told apart by the city's own ids while counting, and only how many there were comes out. Tallies
of parts of a log add up to the tally of the whole, in any order.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from openpars.agreements.replay.judge import Change, Disclosed, Outcome, Reason, Verdict
from openpars.agreements.replay.refusals import Prospect, RefusedOnce

JSON: TypeAlias = "dict[str, JSON] | list[JSON] | str | int | bool | None"
Line: TypeAlias = tuple[str, str, str, str]
"""Recipient, agreement, purpose, way."""


@dataclass(slots=True)
class Count:
    """How many disclosures, and which people."""

    disclosures: int = 0
    people: set[str] = field(default_factory=set)

    def add(self, who: set[str]) -> None:
        """One more disclosure with these people."""
        self.disclosures += 1
        self.people |= who

    def merge(self, other: Count) -> None:
        """Add another part's count."""
        self.disclosures += other.disclosures
        self.people |= other.people


@dataclass(slots=True)
class Tallied:
    """One line: one way of one purpose of one agreement."""

    outcomes: Counter[Outcome] = field(default_factory=Counter)
    shown: set[str] = field(default_factory=set)
    withheld: set[str] = field(default_factory=set)
    poorer: set[str] = field(default_factory=set)
    reasons: defaultdict[Reason, Count] = field(default_factory=lambda: defaultdict(Count))
    less: defaultdict[Change, Count] = field(default_factory=lambda: defaultdict(Count))
    more: defaultdict[Change, Count] = field(default_factory=lambda: defaultdict(Count))

    def add(self, verdict: Verdict) -> None:
        """Count one verdict."""
        self.outcomes[verdict.outcome] += 1
        reasons: defaultdict[Reason, set[str]] = defaultdict(set)
        changes: defaultdict[tuple[bool, Change], set[str]] = defaultdict(set)
        for fate in verdict.fates:
            self.shown.add(fate.who)
            if fate.reason is not None:
                reasons[fate.reason].add(fate.who)
                self.withheld.add(fate.who)
                continue
            if fate.poorer:
                self.poorer.add(fate.who)
            for change in fate.poorer:
                changes[True, change].add(fate.who)
            for change in fate.richer:
                changes[False, change].add(fate.who)
        if verdict.reason is not None:
            reasons[verdict.reason] |= set()
        for reason, who in reasons.items():
            self.reasons[reason].add(who)
        for (lost, change), who in changes.items():
            (self.less if lost else self.more)[change].add(who)

    def merge(self, other: Tallied) -> None:
        """Add another part."""
        self.outcomes += other.outcomes
        self.shown |= other.shown
        self.withheld |= other.withheld
        self.poorer |= other.poorer
        for mine, theirs in ((self.less, other.less), (self.more, other.more)):
            for change, count in theirs.items():
                mine[change].merge(count)
        for reason, count in other.reasons.items():
            self.reasons[reason].merge(count)

    def json(self) -> dict[str, JSON]:
        """Numbers alone, in a fixed order."""
        return {
            "disclosures": sum(self.outcomes.values()),
            "outcomes": {one.value: self.outcomes[one] for one in Outcome},
            "people": {
                "shown": len(self.shown),
                "withheld": len(self.withheld),
                "poorer": len(self.poorer - self.withheld),
            },
            "reasons": [
                {"reason": why.value, "bar": bar or None, **_counted(count)}
                for (why, bar), count in sorted(self.reasons.items())
            ],
            "poorer_fields": _changes(self.less),
            "richer_fields": _changes(self.more),
        }


def _counted(count: Count) -> dict[str, JSON]:
    return {"disclosures": count.disclosures, "people": len(count.people)}


def _changes(found: Mapping[Change, Count]) -> list[JSON]:
    return [
        {"field": name, "shown": was or None, "would_show": now or None, **_counted(count)}
        for (name, was, now), count in sorted(found.items())
    ]


@dataclass(slots=True)
class Tally:
    """A whole replay, or a part of one."""

    lines: defaultdict[Line, Tallied] = field(default_factory=lambda: defaultdict(Tallied))
    refusals: Counter[tuple[str, str, Prospect]] = field(default_factory=Counter)
    closed: int = 0
    """Entries of which nothing opens: their month's key is gone."""

    def add(self, one: Disclosed, verdict: Verdict) -> None:
        """Count one disclosure."""
        self.lines[one.recipient, one.agreement, one.purpose, one.way].add(verdict)

    def add_refusal(self, one: RefusedOnce, found: Prospect) -> None:
        """Count one refusal."""
        self.refusals[one.recipient, one.code, found] += 1

    def merge(self, other: Tally) -> None:
        """Add another part of the same log."""
        for line, found in other.lines.items():
            self.lines[line].merge(found)
        self.refusals += other.refusals
        self.closed += other.closed

    def total(self) -> Tallied:
        """All lines as one: people who stand in several are counted once."""
        whole = Tallied()
        for found in self.lines.values():
            whole.merge(found)
        return whole

    def json(self) -> dict[str, JSON]:
        """Numbers alone, in a fixed order: equal logs and records give equal bytes."""
        refusals: defaultdict[tuple[str, str], dict[Prospect, int]] = defaultdict(dict)
        for (recipient, code, found), number in self.refusals.items():
            refusals[recipient, code][found] = number
        return {
            "total": self.total().json(),
            "lines": [
                {
                    "recipient": line[0],
                    "agreement": line[1],
                    "purpose": line[2],
                    "way": line[3],
                    **found.json(),
                }
                for line, found in sorted(self.lines.items())
            ],
            "refusals": [
                {"recipient": recipient, "code": code, **{one.value: counts.get(one, 0) for one in Prospect}}
                for (recipient, code), counts in sorted(refusals.items())
            ],
            "entries_closed": self.closed,
        }
