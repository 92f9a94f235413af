# SPDX-License-Identifier: Apache-2.0
"""The steps of an agreement's life in the reader's words.

A step is kept as it was logged ("enact, round 1: yes 2, no 0, abstain 1, silent 0"). What the machine wrote,
and what ships with the program as history, is told here in words and in city time; what a person wrote stays
as it is.
"""

from __future__ import annotations

import re
from datetime import date, datetime

from openpars.agreements.register import Event
from openpars.web.pages import times
from openpars.web.pages.models import EventView
from openpars.web.pages.words import CATALOGUE, WRITTEN, Words

_ASKED = re.compile(
    r"(?P<question>enact|renew|end|amend), round (?P<round>\d+), by the rules of version (?P<rules>\d+), "
    r"until (?P<at>\S+)"
)
_COUNTED = re.compile(
    r"(?P<question>enact|renew|end|amend), round (?P<round>\d+): yes (?P<yes>\d+), no (?P<no>\d+), "
    r"abstain (?P<abstain>\d+), silent (?P<silent>\d+)"
)
_REPORTED = re.compile(r"(?P<question>enact|renew|end|amend): (?P<choice>yes|no|abstain)(?P<more> \(.+\))?")
_NOTICE = re.compile(r"to end at (?P<at>\d{4}-\d\d-\d\dT\S+Z): (?P<reason>.+)", re.DOTALL)
_LETTER = re.compile(
    r"letter (?P<number>\d+), (?P<kind>[a-z]+)(?:, by (?P<how>[a-z_-]+))?(?:, on (?P<on>\d{4}-\d\d-\d\d))?"
    r"(?:, answer asked for by (?P<due>\d{4}-\d\d-\d\d))?"
)
_WARNED = re.compile(r"(?P<days>\d+) days before the end")


def _cited(bar: str, words: Words) -> str:
    """A bar as `Bar.cited` has it, in the page's language."""
    told = {part: words.maybe(f"bar.{bar}.{part}", "") for part in ("title", "citation", "label")}
    return words("event_said.barred_labelled" if told["label"] else "event_said.barred", **told)


_BARRED = {
    _cited(bar, Words("en")): bar
    for bar in (
        key.split(".")[1] for key in CATALOGUE["en"] if key.startswith("bar.") and key.endswith(".title")
    )
}


def view(event: Event, words: Words) -> EventView:
    """One step as the register's page shows it."""
    machine, own = _said(event.reason or "", words)
    by = words.maybe(f"by.{event.by}", words.maybe(f"signin.{event.by}", event.by))
    return EventView(event.what, event.at, by, machine, own)


def _said(reason: str, words: Words) -> tuple[str, str]:
    """What the machine wrote, in the page's language; what a person wrote, as it was written."""
    if reason in WRITTEN:
        return words(WRITTEN[reason]), ""
    if found := _ASKED.fullmatch(reason):
        until = _at(found["at"], words)
        question = words(f"question.{found['question']}")
        return words(
            "event_said.asked", question=question, round=found["round"], rules=found["rules"], until=until
        ), ""
    if found := _COUNTED.fullmatch(reason):
        counted = {**found.groupdict(), "question": words(f"question.{found['question']}")}
        return words("event_said.counted", **counted), ""
    if found := _REPORTED.fullmatch(reason):
        return _reported(found, words)
    if found := _NOTICE.fullmatch(reason):
        return words("event_said.notice", at=_at(found["at"], words)), found["reason"]
    if found := _WARNED.fullmatch(reason):
        return words("event_said.warned", days=found["days"]), ""
    if found := _LETTER.fullmatch(reason):
        return _letter(found, words), ""
    return _barred(reason, words)


def _reported(found: re.Match[str], words: Words) -> tuple[str, str]:
    question, choice = words(f"question.{found['question']}"), words(f"choice.{found['choice']}")
    more = (found["more"] or "").strip()
    said = f"{question}: {choice}"
    return (f"{said} {words(WRITTEN[more])}", "") if more in WRITTEN else (said, more)


def _letter(found: re.Match[str], words: Words) -> str:
    kind = words.maybe(f"letter.kind.{found['kind']}", found["kind"])
    said = [words("event_said.letter", number=found["number"], kind=kind)]
    if found["how"]:
        said.append(words.maybe(f"letter.by.{found['how']}", f"{found['how']}."))
    if found["on"]:
        said.append(words("event_said.letter_on", day=_day(found["on"], words)))
    if found["due"]:
        said.append(words("event_said.letter_due", day=_day(found["due"], words)))
    return " ".join(said)


def _barred(reason: str, words: Words) -> tuple[str, str]:
    """A bar in the page's language, and why the city switched it."""
    for cited, bar in _BARRED.items():
        if reason.startswith(f"{cited}: "):
            return _cited(bar, words), reason.removeprefix(f"{cited}: ")
    return "", reason


def _day(day: str, words: Words) -> str:
    return times.day(date.fromisoformat(day), words.lang)


def _at(instant: str, words: Words) -> str:
    return times.local(datetime.fromisoformat(instant), words.lang)
