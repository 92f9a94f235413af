# SPDX-License-Identifier: Apache-2.0
"""Grants that hold nobody: for how long a bar empties them, and those whose conditions nothing can meet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from openpars.agreements.model import Bar, BarKind, Grant, Term
from openpars.record.file import Role, Stage
from openpars.record.rules import BEFORE_COURT


@dataclass(frozen=True, slots=True)
class Span:
    """A time inside the term in which a grant holds nobody, and the bars that see to it."""

    begins: datetime
    ends: datetime
    bars: tuple[Bar, ...]


def spans(grant: Grant, term: Term, bars: Sequence[Bar]) -> tuple[Span, ...]:
    """When bars empty the grant, in order and without a gap inside: what two bars cover together is one."""
    found: list[Span] = []
    for bar in sorted(bars, key=lambda one: one.begins or term.begins):
        if not _empties(bar, grant.about):
            continue
        begins, ends = max(bar.begins or term.begins, term.begins), min(bar.ends or term.ends, term.ends)
        if begins >= ends:
            continue
        last = found[-1] if found else None
        if last is not None and begins <= last.ends:
            found[-1] = Span(last.begins, max(ends, last.ends), (*last.bars, bar))
        else:
            found.append(Span(begins, ends, (bar,)))
    return tuple(found)


def _empties(bar: Bar, about: Role) -> bool:
    return bar.kind is BarKind.EVERYTHING or (bar.kind is BarKind.ROLE and about in bar.roles)


def days(span: Span, term: Term) -> str:
    """The span in civil days of the term's zone; a time of day where it is not midnight."""
    whole_start, whole_end = span.begins <= term.begins, span.ends >= term.ends
    if whole_start and whole_end:
        return "for its whole term"
    words = [] if whole_start else [f"from {_first(span.begins, term.zone)} on"]
    if not whole_end:
        words.append(f"through {_last(span.ends, term.zone)}")
    return " ".join(words)


def _first(at: datetime, zone: str) -> str:
    local = at.astimezone(ZoneInfo(zone))
    return f"{local:%Y-%m-%d}" + ("" if _midnight(local) else f" {local:%H:%M:%S}")


def _last(at: datetime, zone: str) -> str:
    """The last day of a span that ends at an instant which is not in it."""
    local = at.astimezone(ZoneInfo(zone))
    return f"{local - timedelta(days=1):%Y-%m-%d}" if _midnight(local) else f"{local:%Y-%m-%d %H:%M:%S}"


def _midnight(local: datetime) -> bool:
    return (local.hour, local.minute, local.second, local.microsecond) == (0, 0, 0, 0)


def never(grant: Grant, term: Term) -> Iterator[tuple[str, str]]:
    """Why no file can ever meet the grant's conditions: the condition's name, and the reason."""
    when, zone = grant.when, ZoneInfo(term.zone)
    last_day = (term.ends - timedelta(microseconds=1)).astimezone(zone).date()
    if when.arrested_from is not None and when.arrested_from > last_day:
        yield "arrested_from", "the first day of arrest lies after the term: nobody can be in this grant"
    if when.arrested_through is not None and when.arrested_within_days is not None:
        # An arrest at the last moment of the last day is gone so many days of 24 hours later.
        gone = when.arrested_through + timedelta(days=when.arrested_within_days + 1)
        if gone < term.begins.astimezone(zone).date():
            yield (
                "arrested_through",
                "every arrest of these days is too old when the term begins: nobody can be in this grant",
            )
    conditions = dict(when.isin)
    stages = [Stage(stage) for stage in conditions.get("charge_stage", ())]
    if "charge_outcome" in conditions and stages and not BEFORE_COURT.intersection(stages):
        yield "charge_outcome", "a charge of these stages has no outcome: nobody can be in this grant"
