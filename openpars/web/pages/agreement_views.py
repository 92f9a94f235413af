# SPDX-License-Identifier: Apache-2.0
"""What the public page of an agreement tells besides its text: letters, changes, what would stop. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from openpars.agreements.certified import DIFFERENCE, Attempt, Kept
from openpars.agreements.language.canonical import canonical
from openpars.agreements.language.words import ENGLISH
from openpars.agreements.letters import filed
from openpars.agreements.letters.correspondence import Letter
from openpars.agreements.proofs.properties import fixed
from openpars.agreements.register import Entry
from openpars.desk.impact import Impact
from openpars.record.catalogue import JSON
from openpars.web.pages.public_views import Versions
from openpars.web.pages.words import Words


@dataclass(frozen=True, slots=True)
class PublicLetter:
    """A letter as a public fact. `href`: its text, once it is public; "" until then."""

    number: int
    kind: str
    served: date | None
    deadline: date | None
    replied: date | None
    standing: str
    late: bool
    href: str


@dataclass(frozen=True, slots=True)
class Change:
    """One line of the canonical text: taken out, put in, or standing around a change."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Changes:
    """What a version changes of the one before it. `lines` empty: nothing but comments."""

    before: int
    lines: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Counts:
    """What would stop, in round numbers: what anybody may know."""

    people: int
    subscriptions: int
    keys: int
    feeds: int


@dataclass(frozen=True, slots=True)
class Said:
    """One thing that is told newly, or no more. `example`: an invented file and request, line by line."""

    says: str
    example: str


@dataclass(frozen=True, slots=True)
class Group:
    """Things of one kind. `kind`: see `proofs.difference.Change`."""

    kind: str
    items: tuple[Said, ...]


@dataclass(frozen=True, slots=True)
class PlainChanges:
    """What a version changes of the one before it, in plain words.

    `standing`: made, waiting (nobody tried yet), unsolved (no solver answered, or not in time), or swapped
    (it is not what was made and logged). `lang`: of what is said and of the examples.
    """

    before: int
    standing: str
    added: tuple[Group, ...] = ()
    removed: tuple[Group, ...] = ()
    otherwise: tuple[str, ...] = ()
    lang: str = ENGLISH.lang


@dataclass(frozen=True, slots=True)
class Certified:
    """A certificate as the page shows it. `lang`: of `says`. Not `sound`: its answer is not told."""

    agreement: str
    version: int
    name: str
    says: str
    lang: str
    answer: str | None
    sound: bool


def certificates(kept: Sequence[Kept], words: Words) -> tuple[Certified, ...]:
    """The certificates in the reader's language; one whose sentence is not ours any more, as it is kept."""
    known = {one.name: one.says for one in fixed()}
    made = []
    for one in kept:
        says = known.get(one.name)
        ours = says is not None and says(ENGLISH) == one.says
        said, lang = (says(words), words.lang) if says is not None and ours else (one.says, ENGLISH.lang)
        made.append(Certified(one.agreement, one.version, one.name, said, lang, one.answer, one.sound))
    return tuple(made)


def plain_changes(found: Attempt | None, before: int | None, lang: str) -> PlainChanges | None:
    """The last attempt to say what a version changes. `before`: the version it will be compared with, as
    long as nobody tried; None, as the answer: there is none."""
    if found is None:
        return None if before is None else PlainChanges(before, "waiting")
    compared = found.before or before
    if compared is None:
        return None
    if not found.sound(DIFFERENCE):
        return PlainChanges(compared, "swapped")
    if found.before is None:
        return None
    told = found.told
    if told is None:
        return PlainChanges(found.before, "unsolved")
    spoken = told.get("spoken")
    here = spoken.get(lang) if isinstance(spoken, dict) else None
    said, spoke = (here, lang) if isinstance(here, dict) else (told, ENGLISH.lang)
    return PlainChanges(
        found.before,
        "made",
        _groups(said.get("added")),
        _groups(said.get("removed")),
        tuple(str(one) for one in _list(said.get("otherwise"))),
        spoke,
    )


def _list(value: JSON) -> list[JSON]:
    return value if isinstance(value, list) else []


def _groups(value: JSON) -> tuple[Group, ...]:
    items: dict[str, list[Said]] = {}
    for one in _list(value):
        if isinstance(one, dict):
            witness = one.get("witness")
            example = str(witness.get("text", "")) if isinstance(witness, dict) else ""
            items.setdefault(str(one.get("change")), []).append(Said(str(one.get("says")), example))
    return tuple(Group(kind, tuple(said)) for kind, said in items.items())


def letters(found: Sequence[Letter], now: datetime) -> tuple[PublicLetter, ...]:
    """The letters that were served, the newest first."""
    return tuple(
        PublicLetter(
            number=one.number,
            kind=one.kind.value,
            served=served.day if (served := one.step("served")) else None,
            deadline=one.deadline,
            replied=replied.day if (replied := one.step("replied")) else None,
            standing=one.standing(now).value,
            late=bool(filed.public_facts(one, now)["late"]),
            href=f"/public/agreements/{one.agreement}/letters/{one.number}" if one.step("published") else "",
        )
        for one in sorted(found, key=lambda one: -one.number)
        if filed.is_public(one)
    )


def changes(entries: Sequence[Entry], chosen: int, versions: Versions) -> Changes | None:
    """The lines of the canonical text that a version changes of the last one before it that was not lost.

    None for a first version, or where one of the two texts was rewritten.
    """
    earlier = [one for one in entries if one.version < chosen and one.state != "rejected"]
    if not earlier:
        return None
    before = max(earlier, key=lambda one: one.version)
    old, new = (versions.get((before.agreement, number)) for number in (before.version, chosen))
    if old is None or new is None:
        return None
    lines = difflib.unified_diff(
        canonical(old.agreement).splitlines(), canonical(new.agreement).splitlines(), lineterm="", n=1
    )
    kinds = {"-": "out", "+": "in", "@": "gap"}
    return Changes(
        before.version,
        tuple(
            Change(kinds.get(line[:1], "same"), "" if line.startswith("@") else line[1:])
            for line in lines
            if not line.startswith(("---", "+++"))
        ),
    )


def counts(impact: Impact) -> Counts:
    """For the public, from `desk.impact.Remembered`."""
    found = impact.stopped
    return Counts(found.people, found.watches + found.criteria, found.keys, found.feeds)
