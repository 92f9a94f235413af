# SPDX-License-Identifier: Apache-2.0
"""What stands beside the editor of agreements: the faults, the plain text, five files through it.

Pure. What people type comes back as text only; the messages about it repeat nothing of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from openpars.agreements.bars import packs, version_of
from openpars.agreements.check import check, enactable
from openpars.agreements.language import plain
from openpars.agreements.language.canonical import digest
from openpars.agreements.language.faults import Fault
from openpars.agreements.language.plain import Section
from openpars.agreements.model import Agreement, Version
from openpars.agreements.project import ShareRow, project
from openpars.agreements.reasons import Because, Reason, reasons
from openpars.city.examples import Example, examples
from openpars.record.catalogue import ARRESTEE, CRITERIA, FIELDS
from openpars.record.file import ArrestFile
from openpars.web.pages import field_words
from openpars.web.pages.models import Fact
from openpars.web.pages.words import Words

TEXT_LIMIT = 32 * 1024  # bytes; the longest text that ships has under 4
SHOWN_FAULTS = 50
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class FaultView:
    """One fault, and the line it is in as it was typed."""

    line: int
    severity: str
    message: str
    suggestion: str | None
    source: str


@dataclass(frozen=True, slots=True)
class PersonSeen:
    """One person of an example file. `why` filled: nothing is there, for these reasons."""

    slot: str
    facts: tuple[Fact, ...]
    charges: tuple[str, ...]
    find_by: tuple[str, ...]
    alert_by: tuple[str, ...]
    alert_all: bool
    export: bool
    why: tuple[ReasonView, ...]


@dataclass(frozen=True, slots=True)
class ReasonView:
    """A reason: a word of `Because`, and what it is about in words (a condition, a bar's title)."""

    because: str
    about: str


@dataclass(frozen=True, slots=True)
class ExampleSeen:
    """One example file as the recipient would see it."""

    id: str
    persons: tuple[PersonSeen, ...]


@dataclass(frozen=True, slots=True)
class Checked:
    """The whole answer. `day` and `clock` are where the files are looked at, in the agreement's zone.

    `fits`: whether what was typed for them could be read.
    """

    text: str
    fine: bool
    readable: bool
    hash: str | None
    faults: tuple[FaultView, ...]
    more_faults: int
    plain: tuple[Section, ...]
    purposes: tuple[str, ...]
    purpose: str | None
    day: str
    clock: str
    fits: bool
    at: datetime | None
    seen: tuple[ExampleSeen, ...]


def checked(fields: Mapping[str, str], now: datetime, words: Words) -> Checked:
    """Check a text, and look at the example files through it. `fields`: text, purpose, day, clock.

    Faults are told in English, whatever the reader's language.
    """
    text = fields.get("text", "").replace("\r\n", "\n")
    if len(text.encode("utf-8", "surrogatepass")) > TEXT_LIMIT:
        return _unread(text, too_long=True)
    if not text.strip():
        return _unread(text, too_long=False)
    reading = check(text)
    faults = tuple(_fault(one, text.split("\n")) for one in reading.faults[:SHOWN_FAULTS])
    more = max(0, len(reading.faults) - SHOWN_FAULTS)
    agreement = reading.agreement
    if agreement is None or agreement.provider not in packs():
        return _answer(text, faults, more)
    version = version_of(agreement, 0)
    purposes = agreement.purposes
    asked = fields.get("purpose", "")
    purpose = asked if asked in purposes else purposes[0]
    at, fits = _when(agreement, fields, now)
    local = at.astimezone(ZoneInfo(agreement.term.zone))
    return Checked(
        text=text,
        fine=enactable(reading),
        readable=True,
        hash=digest(agreement),
        faults=faults,
        more_faults=more,
        plain=plain.sections(version, words),
        purposes=purposes,
        purpose=purpose,
        day=local.date().isoformat(),
        clock=local.strftime("%H:%M"),
        fits=fits,
        at=at,
        seen=tuple(_example(version, purpose, one, at, words) for one in examples(at)),
    )


def _unread(text: str, *, too_long: bool) -> Checked:
    message = f"the text is longer than {TEXT_LIMIT // 1024} KiB: check it with `openpars agreement check`"
    return _answer(
        text if not too_long else "", (FaultView(1, "error", message, None, ""),) if too_long else (), 0
    )


def _answer(text: str, faults: tuple[FaultView, ...], more: int) -> Checked:
    """The answer about a text through which nothing can be looked at."""
    return Checked(
        text, fine=False, readable=False, hash=None, faults=faults, more_faults=more, plain=(), purposes=(),
        purpose=None, day="", clock="", fits=True, at=None, seen=(),
    )  # fmt: skip


def _fault(one: Fault, lines: list[str]) -> FaultView:
    source = lines[one.line - 1] if 0 < one.line <= len(lines) else ""
    return FaultView(one.line, one.severity.value, one.message, one.suggestion, source.strip()[:120])


def _when(agreement: Agreement, fields: Mapping[str, str], now: datetime) -> tuple[datetime, bool]:
    """When the files are looked at: as typed, else now, else the nearest minute of the term."""
    term = agreement.term
    usual = min(max(now, term.begins), term.ends - _MINUTE)
    day, clock = fields.get("day", "").strip(), fields.get("clock", "").strip()
    if not day and not clock:
        return usual, True
    zone = ZoneInfo(term.zone)
    try:
        local = usual.astimezone(zone)
        there = datetime.combine(
            date.fromisoformat(day) if day else local.date(),
            time.fromisoformat(clock) if clock else local.time(),
            tzinfo=zone,
        )
        if not 1971 <= there.year <= 2199 or time.fromisoformat(clock or "00:00").tzinfo is not None:
            return usual, False
        return there.astimezone(UTC), True
    except ValueError:
        return usual, False


# ---------------------------------------------------------------------- the five files


def _example(version: Version, purpose: str, example: Example, at: datetime, words: Words) -> ExampleSeen:
    rows = project(version, purpose, example.file, at)
    return ExampleSeen(
        example.id,
        tuple(
            _person(
                tuple(r for r in rows if r.slot == slot),
                ()
                if any(r.slot == slot for r in rows)
                else reasons(version, purpose, example.file, slot, at),
                slot,
                words,
            )
            for slot in _slots(example.file)
        ),
    )


def _slots(file: ArrestFile) -> Iterator[str]:
    yield ARRESTEE
    yield from (f"{one.role.value}:{one.number}" for one in file.participants)


def _person(rows: tuple[ShareRow, ...], why: tuple[Reason, ...], slot: str, words: Words) -> PersonSeen:
    body = {name: given for row in rows for name, given in row.body.items()}
    keys = dict.fromkeys(keys for row in rows if "search" in row.ways for keys in row.keys)
    alerts = dict.fromkeys(name for row in rows if "alert" in row.ways for name in row.criteria)
    return PersonSeen(
        slot=slot.partition(":")[0],
        facts=tuple(
            Fact(field_words.label(name, words), _value(name, body[name], words))
            for name in FIELDS
            if name in body and name != "charges"
        ),
        charges=_charges(body.get("charges"), words),
        find_by=tuple(" + ".join(words.field(name) for name in one) for one in keys),
        alert_by=tuple(words.criterion(name) for name in alerts),
        alert_all=any(row.alert_all for row in rows),
        export=any("export" in row.ways for row in rows),
        # Grants of a kind give one reason in words.
        why=tuple(dict.fromkeys(_reason(one, words) for one in why)),
    )


def _value(name: str, given: object, words: Words) -> str:
    if name == "name" and isinstance(given, dict):
        return " ".join(str(part) for part in (given["first"], given["last"]) if part)
    return field_words.value(name, given, words)


def _charges(given: object, words: Words) -> tuple[str, ...]:
    if not isinstance(given, list):
        return () if given is None else (str(given),)
    return tuple(field_words.charge(one, words) for one in given)


def _reason(one: Reason, words: Words) -> ReasonView:
    about = ""
    if one.because is Because.BAR and one.bar is not None:
        about = plain.bar_said(one.bar, "title", words)
    elif one.condition is not None:
        known = one.condition in CRITERIA
        about = words.criterion(one.condition) if known else words(f"reason.{one.condition}")
    return ReasonView(one.because.value, about)
