# SPDX-License-Identifier: Apache-2.0
"""Files and change streams as acts in time, so that the feeds of recipients flow. Pure.

The order is the court's: a docket appears when it was filed (or when the file before had ended, if
the court published it late), everything else when it was seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from openpars.feeds.changes import Change
from openpars.feeds.filings import FilingsFile
from openpars.feeds.sequence import (
    Act,
    Marker,
    Memory,
    Plan,
    Standing,
    in_order,
    observe,
    plan,
    remember,
)

SILENCE = timedelta(hours=12)
"""A longer silence is skipped: nobody waits for the summer between two files."""


@dataclass(frozen=True, slots=True)
class Moment:
    """One act at its time; or the end of a file (`act` None), when the file is remembered as read."""

    at: datetime
    act: Act | None
    file: FilingsFile | None = None
    planned: Plan | None = None


def schedule(
    memory: Memory, files: Sequence[FilingsFile], changes: Sequence[Change], marker: Marker
) -> list[Moment]:
    """Every moment, in order. `memory` is what was remembered before the first file."""
    moments: list[Moment] = []
    waiting = list(changes)
    for file in in_order(files):
        end = file.window.last_filed
        early = [change for change in waiting if change.seen_at <= end]
        waiting = waiting[len(early) :]
        memory, seen = _observed(memory, early, marker)
        moments.extend(seen)
        planned = plan(memory, file, marker)
        moments.extend(_of_file(planned, file, memory))
        memory = remember(memory, file, planned)
    moments.extend(_observed(memory, waiting, marker)[1])
    return sorted(moments, key=lambda moment: moment.at)


def _of_file(planned: Plan, file: FilingsFile, memory: Memory) -> list[Moment]:
    end = file.window.last_filed
    previous, _ = memory.around(file.window)
    since = previous.last_filed if previous is not None else file.window.first_filed
    moments = [Moment(min(max(act.at, since), max(end, since)), act) for act in planned.acts]
    return [*moments, Moment(max(end, since), None, file, planned)]


def _observed(memory: Memory, changes: Sequence[Change], marker: Marker) -> tuple[Memory, list[Moment]]:
    """Changes of dockets we know; the stream alone cannot make a file, since it has no names.

    What is older than what is known of a docket, by file or by stream, would turn its clock back.
    """
    dockets = dict(memory.dockets)
    moments = []
    for change in changes:
        key = marker.docket(change.docket)
        seen = dockets.get(key)
        if seen is None or seen.standing is Standing.WITHDRAWN:
            continue
        if change.seen_at <= seen.said_at or memory.covered(seen, change.seen_at):
            continue
        docket = change.as_docket(seen.filed_at)
        marks = marker.marks(docket, says_custody=True)
        act = observe(seen, key, docket, marks, as_of=change.seen_at)
        if act is not None:
            act = replace(act, seen=replace(act.seen, standing=seen.standing))
            dockets[key] = act.seen
            moments.append(Moment(change.seen_at, act))
    return replace(memory, dockets=dockets), moments


def pause(before: datetime | None, at: datetime, *, speed: float) -> float:
    """Seconds to wait before a moment, at `speed` seconds of the court per second of ours."""
    if before is None or at - before > SILENCE:
        return 0.0
    return max((at - before).total_seconds(), 0.0) / speed
