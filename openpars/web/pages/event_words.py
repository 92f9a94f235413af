# SPDX-License-Identifier: Apache-2.0
"""The steps of an agreement's life in the reader's words.

A step is kept as it was logged ("enact, round 1: yes 2, no 0, abstain 1, silent 0"). What the machine wrote
is told here in words and in city time; what a person wrote stays as it is.
"""

from __future__ import annotations

import re
from datetime import datetime

from openpars.agreements.register import Event
from openpars.web.pages import times
from openpars.web.pages.models import EventView
from openpars.web.pages.words import Words

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
_WARNED = re.compile(r"(?P<days>\d+) days before the end")


def view(event: Event, words: Words) -> EventView:
    """One step as the register's page shows it."""
    machine, own = _said(event.reason or "", words)
    by = words.maybe(f"by.{event.by}", words.maybe(f"signin.{event.by}", event.by))
    return EventView(event.what, event.at, by, machine, own)


def _said(reason: str, words: Words) -> tuple[str, str]:
    """What the machine wrote, in the page's language; what a person wrote, as it was written."""
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
        question, choice = words(f"question.{found['question']}"), words(f"choice.{found['choice']}")
        return f"{question}: {choice}", (found["more"] or "").strip()
    if found := _NOTICE.fullmatch(reason):
        return words("event_said.notice", at=_at(found["at"], words)), found["reason"]
    if found := _WARNED.fullmatch(reason):
        return words("event_said.warned", days=found["days"]), ""
    return "", reason


def _at(instant: str, words: Words) -> str:
    return times.local(datetime.fromisoformat(instant), words.lang)
