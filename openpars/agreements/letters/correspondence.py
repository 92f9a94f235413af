# SPDX-License-Identifier: Apache-2.0
"""The register of correspondence: drafted, served, answered or overdue.

A letter is never changed: its content stands in the database with its hash, and what becomes of it is a step
beside it. Every step is an event of the register and a leaf of the acts tree, in the caller's transaction.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from openpars.agreements.letters import wording
from openpars.agreements.letters.wording import Facts, LetterKind, Service, Written
from openpars.agreements.register import BrokenText, Event, Locked, Q, lock, record, version
from openpars.db.connect import Connection
from openpars.errors import Code, refuse
from openpars.log.draft import JSON
from openpars.record.checks import need
from openpars.record.values import free_text

WORDS_LIMIT = 4_000
WHO_LIMIT = 200
# What a letter is about: what stands, else what stood last.
_ABOUT = ("in_force", "suspended", "balloted", "ended", "superseded")


class LetterStanding(StrEnum):
    """What has become of a letter. `overdue` is computed from its deadline, never stored."""

    DRAFTED = "drafted"
    SERVED = "served"
    OVERDUE = "overdue"
    REPLIED = "replied"
    DISCARDED = "discarded"


@dataclass(frozen=True, slots=True)
class Step:
    """What became of a letter on a civil day. `words`: the proof of service, or the answer in short."""

    step: str
    day: date
    how: str | None
    who: str | None
    words: str | None
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Letter:
    """One letter as it stands in the register."""

    agreement: str
    number: int
    version: int
    kind: LetterKind
    content: str
    hash: str
    deadline: date | None
    written_by: str
    written_at: datetime
    steps: tuple[Step, ...]

    @property
    def value(self) -> dict[str, JSON]:
        """The content as an object. Raises BrokenText when it does not have its hash."""
        if wording.fingerprint(self.content) != self.hash:
            raise BrokenText
        found: dict[str, JSON] = orjson.loads(self.content)
        return found

    @property
    def zone(self) -> str:
        """The agreement's zone when it was written."""
        return str(orjson.loads(self.content)["zone"])

    def step(self, name: str) -> Step | None:
        """The step of that name, if it was taken."""
        return next((one for one in self.steps if one.step == name), None)

    def standing(self, now: datetime) -> LetterStanding:
        """What has become of it by now."""
        if self.step("discarded") is not None:
            return LetterStanding.DISCARDED
        if self.step("replied") is not None:
            return LetterStanding.REPLIED
        if self.step("served") is None:
            return LetterStanding.DRAFTED
        late = wording.deadline_passed(self.deadline, now, self.zone)
        return LetterStanding.OVERDUE if late else LetterStanding.SERVED


async def draft(conn: Connection, agreement: str, written: Written, *, by: str) -> Letter:
    """Write a letter about the version that stands. Raises Refused."""
    row = await lock(conn, agreement)
    number, ends = await _about(conn, row)
    wanted = await version(conn, agreement, number)
    zone = ZoneInfo(wanted.term.zone)
    next_number = await (await conn.execute(Q.next_letter, (agreement,))).fetchone()
    name = await (await conn.execute(Q.recipient_name, (row.recipient,))).fetchone()
    content = wording.compose(
        wanted,
        written,
        Facts(
            number=int(next_number[0]) if next_number else 1,
            recipient=str(name[0]) if name else wording.named(row.recipient),
            today=row.now.astimezone(zone).date(),
            ends=ends if row.notice_ends is None else min(ends, row.notice_ends),
            notice_at=row.notice_at,
            notice_ends=row.notice_ends,
        ),
    )
    text = wording.encoded(content)
    made = Letter(
        agreement,
        int(str(content["letter"])),
        number,
        written.kind,
        text,
        wording.fingerprint(text),
        written.deadline,
        by,
        row.now,
        (),
    )
    await conn.execute(
        Q.new_letter,
        (agreement, made.number, number, made.kind.value, text, made.hash, made.deadline, by, row.now),
    )
    await _told(conn, made, "letter_drafted", row.now, by, "")
    return made


async def _about(conn: Connection, row: Locked) -> tuple[int, datetime]:
    rows = await (await conn.execute(Q.versions_of, (row.id,))).fetchall()
    known = [
        (_ABOUT.index(state), -number, number, ends) for number, _, state, _, ends in rows if state in _ABOUT
    ]
    if not known:
        raise refuse(Code.CONFLICT, "Nothing of this agreement was ever in force.", "agreement")
    _, _, number, ends = min(known)
    return number, ends


async def serve(
    conn: Connection, agreement: str, number: int, *, day: date | None, how: Service, proof: str, by: str
) -> Letter:
    """Record that a letter was served: on which day, how, and by what this can be shown. Raises Refused."""
    row, letter, today = await _open(conn, agreement, number)
    if letter.step("served") is not None:
        raise refuse(Code.CONFLICT, "This letter was served before.", "number")
    on = _day(day, today, since=letter.written_at.astimezone(ZoneInfo(letter.zone)).date())
    if letter.deadline is not None and letter.deadline <= on:
        raise refuse(
            Code.CONFLICT, "Its deadline leaves no day for an answer: discard it and write another.", "on"
        )
    words = _words(proof, "proof", "Say by what the service can be shown.")
    return await _take(conn, row, letter, Step("served", on, how.value, None, words, by, row.now))


async def reply(
    conn: Connection, agreement: str, number: int, *, day: date | None, who: str, summary: str, by: str
) -> Letter:
    """Record the recipient's answer to a served letter: when, by whom, and what it says. Raises Refused."""
    row, letter, today = await _open(conn, agreement, number)
    served = letter.step("served")
    if served is None:
        raise refuse(Code.CONFLICT, "This letter was not served yet.", "number")
    if letter.step("replied") is not None:
        raise refuse(Code.CONFLICT, "Its answer is on record already.", "number")
    name = need(lambda typed: free_text(typed, WHO_LIMIT), who, "who")
    if not name:
        raise refuse(Code.INVALID, "Say who answered.", "who")
    words = _words(summary, "summary", "Say in short what the answer is.")
    on = _day(day, today, since=served.day)
    return await _take(conn, row, letter, Step("replied", on, None, name, words, by, row.now))


async def discard(conn: Connection, agreement: str, number: int, *, by: str) -> Letter:
    """Take back a letter that was not served. It stays in the register. Raises Refused."""
    row, letter, today = await _open(conn, agreement, number)
    if letter.step("served") is not None:
        raise refuse(Code.CONFLICT, "A letter that was served cannot be taken back.", "number")
    return await _take(conn, row, letter, Step("discarded", today, None, None, None, by, row.now))


async def publish(conn: Connection, agreement: str, number: int, *, by: str) -> Letter:
    """Make the whole text of a served letter public, for good. Raises Refused."""
    row, letter, today = await _open(conn, agreement, number)
    if letter.step("served") is None:
        raise refuse(Code.CONFLICT, "Only a letter that was served can be made public.", "number")
    if letter.step("published") is not None:
        raise refuse(Code.CONFLICT, "This letter is public already.", "number")
    return await _take(conn, row, letter, Step("published", today, None, None, None, by, row.now))


async def of(conn: Connection, agreement: str | None = None) -> tuple[Letter, ...]:
    """Every letter of one agreement, or of all, in order."""
    wanted = {"agreement": agreement}
    steps: dict[tuple[str, int], list[Step]] = defaultdict(list)
    for name, number, *rest in await (await conn.execute(Q.letter_steps, wanted)).fetchall():
        steps[name, number].append(Step(*rest))
    rows = await (await conn.execute(Q.letters, wanted)).fetchall()
    return tuple(_letter(row, tuple(steps[row[0], row[1]])) for row in rows)


def _letter(row: Sequence[Any], steps: tuple[Step, ...]) -> Letter:
    agreement, number, about, kind, content, digest, deadline, by, at = row
    return Letter(agreement, number, about, LetterKind(kind), content, digest, deadline, by, at, steps)


async def one(conn: Connection, agreement: str, number: int) -> Letter:
    """One letter. Raises Refused NOT_FOUND."""
    found = next((letter for letter in await of(conn, agreement) if letter.number == number), None)
    if found is None:
        raise refuse(Code.NOT_FOUND, "There is no such letter.", "number")
    return found


async def _open(conn: Connection, agreement: str, number: int) -> tuple[Locked, Letter, date]:
    row = await lock(conn, agreement)
    letter = await one(conn, agreement, number)
    if letter.step("discarded") is not None:
        raise refuse(Code.CONFLICT, "This letter was discarded.", "number")
    return row, letter, row.now.astimezone(ZoneInfo(letter.zone)).date()


def _day(day: date | None, today: date, *, since: date) -> date:
    on = day or today
    if not since <= on <= today:
        raise refuse(
            Code.INVALID, "A day that has come, and not before the letter was written or served.", "on"
        )
    return on


def _words(typed: str, field: str, missing: str) -> str:
    words = need(lambda text: free_text(text, WORDS_LIMIT), typed, field)
    if not words:
        raise refuse(Code.INVALID, missing, field)
    return words


async def _take(conn: Connection, row: Locked, letter: Letter, step: Step) -> Letter:
    await conn.execute(
        Q.new_letter_step,
        (
            letter.agreement,
            letter.number,
            step.step,
            step.day,
            step.how,
            step.who,
            step.words,
            step.by,
            step.at,
        ),
    )
    # Days and kinds only: who answered, and what, is not the public's.
    said = f", by {step.how}" if step.how else ""
    said += f", on {step.day.isoformat()}" if step.step in {"served", "replied"} else ""
    if step.step == "served" and letter.deadline is not None:
        said += f", answer asked for by {letter.deadline.isoformat()}"
    await _told(conn, letter, f"letter_{step.step}", row.now, step.by, said)
    return replace(letter, steps=(*letter.steps, step))


async def _told(conn: Connection, letter: Letter, what: str, at: datetime, by: str, said: str) -> None:
    reason = f"letter {letter.number}, {letter.kind.value}{said}"
    event = Event(what, at, by, reason)
    await record(conn, letter.agreement, letter.version, event, text_hash=letter.hash)
