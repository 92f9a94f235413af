# SPDX-License-Identifier: Apache-2.0
"""When which text of an agreement was in force: its life as stretches of time. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from openpars.agreements.register import Entry


class Held(StrEnum):
    """How a version stood over a stretch."""

    IN_FORCE = "in_force"
    SUSPENDED = "suspended"


_LIVED = frozenset({"in_force", "suspended", "superseded", "ended"})


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A version that stood so from `begins` until before `ends`."""

    begins: datetime
    ends: datetime
    version: int
    held: Held


def spans(entries: Iterable[Entry]) -> tuple[Span, ...]:
    """The stretches of all versions of one agreement, in order. A version that never began has none."""
    found: list[Span] = []
    for entry in entries:
        found.extend(_of(entry))
    return tuple(sorted(found))


def _of(entry: Entry) -> list[Span]:
    started = [event.at for event in entry.events if event.what == "started"]
    if entry.state not in _LIVED or not (started or entry.reconstructed):
        return []
    begins = max(entry.begins, *started) if started else entry.begins
    replaced = [event.at for event in entry.events if event.what == "superseded"]
    ended = [entry.ended_at] if entry.ended_at is not None else []
    ends = min([entry.ends, *replaced, *ended])
    found: list[Span] = []
    held, since = Held.IN_FORCE, begins
    for event in sorted(entry.events, key=lambda one: one.at):
        now = {"suspended": Held.SUSPENDED, "resumed": Held.IN_FORCE}.get(event.what)
        if now is None or now is held or not since <= event.at < ends:
            continue
        if since < event.at:
            found.append(Span(since, event.at, entry.version, held))
        held, since = now, event.at
    if since < ends:
        found.append(Span(since, ends, entry.version, held))
    return found
