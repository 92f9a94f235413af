# SPDX-License-Identifier: Apache-2.0
"""The whole correspondence of an agreement as one document, and what anybody may know of it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from openpars.agreements.letters import typeset
from openpars.agreements.letters.correspondence import Letter, LetterStanding
from openpars.agreements.letters.wording import TITLES, long_day, named
from openpars.log.draft import JSON

_STANDINGS = {
    LetterStanding.DRAFTED: "draft, not served",
    LetterStanding.SERVED: "served",
    LetterStanding.OVERDUE: "no answer, overdue",
    LetterStanding.REPLIED: "answered",
    LetterStanding.DISCARDED: "discarded, never served",
}


def public_facts(letter: Letter, now: datetime) -> dict[str, JSON]:
    """What anybody may know of a served letter: its kind, its days and what became of it. No free text."""
    served, replied = letter.step("served"), letter.step("replied")
    return {
        "number": letter.number,
        "kind": letter.kind.value,
        "version": letter.version,
        "hash": letter.hash,
        "served_on": served.day.isoformat() if served else None,
        "deadline": letter.deadline.isoformat() if letter.deadline else None,
        "replied_on": replied.day.isoformat() if replied else None,
        "standing": letter.standing(now).value,
        "late": bool(replied and letter.deadline and replied.day > letter.deadline),
        "public": letter.step("published") is not None,
    }


def is_public(letter: Letter) -> bool:
    """Whether the public knows that there is such a letter."""
    return letter.step("served") is not None


def whole(letter: Letter, now: datetime) -> dict[str, JSON]:
    """Everything about a letter, for the city's own readers."""
    steps: list[JSON] = [
        {
            "step": one.step,
            "on": one.day.isoformat(),
            "how": one.how,
            "who": one.who,
            "words": one.words,
            "by": one.by,
            "recorded_at": one.at.isoformat(),
        }
        for one in letter.steps
    ]
    return {
        **public_facts(letter, now),
        "written_by": letter.written_by,
        "written_at": letter.written_at.isoformat(),
        "steps": steps,
        "content": letter.value,
    }


def document(agreement: str, letters: Sequence[Letter], now: datetime) -> bytes:
    """One PDF: an index, then every letter with what became of it. Raises Refused as `typeset` does.

    Dated by its last step, so the bytes are the same until something happens or a deadline passes.
    """
    last = max(
        (
            at.astimezone(ZoneInfo(one.zone))
            for one in letters
            for at in (one.written_at, *(s.at for s in one.steps))
        ),
        default=now,
    ).date()
    title = f"Correspondence of the agreement {agreement}"
    head: dict[str, JSON] = {
        "title": title,
        "author": named("city-of-philadelphia") if not letters else str(letters[0].value["from"]),
        "dated": last.isoformat(),
        "foot": title,
        "lead": f"Every letter of this agreement's register, {len(letters)} in all, as of {long_day(last)}.",
    }
    return typeset.file(head, [_one(letter, now) for letter in letters])


def _one(letter: Letter, now: datetime) -> dict[str, JSON]:
    served = letter.step("served")
    return {
        "content": letter.value,
        "hash": letter.hash,
        "served": long_day(served.day) if served else "—",
        "deadline": long_day(letter.deadline) if letter.deadline else "—",
        "standing": _STANDINGS[letter.standing(now)],
        "record": [list(row) for row in record(letter)],
    }


def record(letter: Letter) -> tuple[tuple[str, str], ...]:
    """What became of a letter, in words: pairs of a heading and a text."""
    day = letter.written_at.astimezone(ZoneInfo(letter.zone)).date()
    rows = [("Written", f"{long_day(day)}, {TITLES[letter.kind].lower()}")]
    served, replied = letter.step("served"), letter.step("replied")
    if served is not None:
        rows += [("Served", f"{long_day(served.day)}, by {served.how}"), ("Proof", served.words or "")]
    if letter.deadline is not None:
        rows.append(("Answer asked for by", long_day(letter.deadline)))
    if replied is not None:
        rows += [("Answered", f"{long_day(replied.day)}, {replied.who}"), ("In short", replied.words or "")]
    if letter.step("published") is not None:
        rows.append(("Public", "The whole text was made public."))
    discarded = letter.step("discarded")
    if discarded is not None:
        rows.append(("Discarded", f"{long_day(discarded.day)}, never served"))
    return tuple(rows)
