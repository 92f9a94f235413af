# SPDX-License-Identifier: Apache-2.0
"""Cases, requests and atoms in plain words of a language, and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from enum import Enum
from typing import Any

from openpars.agreements.language.plain import purposes
from openpars.agreements.language.words import Words
from openpars.agreements.project import ShareRow
from openpars.agreements.proofs.asked import CASE_NUMBER, Ask, Step
from openpars.agreements.proofs.atoms import SHOWN, Atom
from openpars.agreements.proofs.exposure import Case
from openpars.agreements.proofs.proving import Told
from openpars.record.catalogue import CRITERIA, FIELDS, JSON, instant
from openpars.record.file import ArrestFile

# Where a value of one part of a file is a word of another's list.
_LISTED = {
    "stage": "charge_stage",
    "disposition": "charge_outcome",
    "outcome": "charge_outcome",
    "type": "bail_type",
    "grade": "charge_grade",
    "decided_grade": "charge_grade",
}


def as_json(value: object) -> JSON:
    """A value of the record as JSON, without what is unknown or as usual."""
    if is_dataclass(value) and not isinstance(value, type):
        kept = {one.name: getattr(value, one.name) for one in fields(value)}
        return {name: as_json(part) for name, part in kept.items() if part not in (None, ())}
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, datetime):
        return instant(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, tuple | list):
        return [as_json(one) for one in value]
    return value if isinstance(value, str | int | bool) else None


def step_json(step: Step) -> JSON:
    """One request as JSON, in the members of the API."""
    found: dict[str, JSON] = {"way": step.way.value, "purpose": step.purpose, "case_number": CASE_NUMBER}
    if step.find is not None:
        found["find"] = {name: _sent(value) for name, value in step.find.items()}
    if step.criteria is not None:
        found["criteria"] = {name: [*values] for name, values in step.criteria.items()}
    return found


def _sent(value: object) -> JSON:
    if isinstance(value, dict):
        return {str(name): str(part) for name, part in value.items()}
    return value if isinstance(value, str | int) else None


def row_json(row: ShareRow) -> JSON:
    """What a recipient is shown of a row."""
    return {name: row.body[name] for name in row.body}


def labels(names: Iterable[str], say: Words) -> str:
    """Fields by their labels."""
    return say.join([say.field(name) for name in names])


def at_precision(field: str, precision: str | None, say: Words) -> str:
    """A field, with how finely it is told where there is a choice."""
    known = FIELDS[field]
    found = known.precision(precision or "")
    if found is None or len(known.precisions) == 1:
        return say.field(field)
    return say.precisely(field, found.name)


def person(slot: str, say: Words) -> str:
    """Who a slot is."""
    return say(f"person.{slot.partition(':')[0]}")


def sentence(atom: Atom, slot: str, say: Words) -> str:
    """What is told, as a sentence without its full stop."""
    return say(
        f"tells.{atom.kind.value}", who=person(slot, say), **places(atom, say, shown=atom.kind in SHOWN)
    )


def places(atom: Atom, say: Words, *, shown: bool) -> dict[str, str]:
    """What fills the places of a sentence about an atom. `shown`: whether it is about one field."""
    return {
        "fields": labels((name for name in atom.names if name in FIELDS), say),
        "criteria": say.join([say.criterion(name) for name in atom.names if name in CRITERIA]),
        "told": at_precision(atom.names[0], atom.precision, say) if shown else "",
    }


def file_lines(file: ArrestFile, zone: str, say: Words) -> list[str]:
    """An invented file, line by line: only what it says."""
    person = file.arrestee
    lines = [say("example.file", seal=say.value("seal", file.seal.value))]
    named = f"{person.name.first} {person.name.last}"
    lines.append(say("example.arrested", name=named, more=_said(person, zone, say, "person", "name")))
    for one in file.participants:
        who = {"role": say(f"role.{one.role.value}"), "name": f"{one.name.first} {one.name.last}"}
        if one.birth_date is None:
            lines.append(say("example.participant", **who))
        else:
            lines.append(
                say(
                    "example.participant_born",
                    **who,
                    day=_text("birth_date", as_json(one.birth_date), zone, say),
                )
            )
    for charge in file.charges:
        told = {
            "text": charge.text,
            "stage": say.value("charge_stage", charge.stage.value),
            "more": _said(charge, zone, say, *_CHARGE),
        }
        grade = charge.effective_grade
        if grade:
            lines.append(say("example.charge_graded", **told, grade=say.value("charge_grade", grade)))
        else:
            lines.append(say("example.charge", **told))
    left = {"id", "version", "arrestee", "participants", "charges", "seal", "jurisdiction"}
    for name, value in _known(file, left):
        lines.append(say("example.line", part=say(f"part.{name}"), value=_text(name, value, zone, say)))
    return lines


_CHARGE = ("number", "statute", "text", "grade", "decided_grade", "stage", "counts")


def _known(value: Any, left: set[str]) -> list[tuple[str, JSON]]:
    found = as_json(value)
    return [(n, v) for n, v in found.items() if n not in left] if isinstance(found, dict) else []


def _said(value: Any, zone: str, say: Words, *left: str) -> str:
    return "".join(
        say("example.and", part=say(f"part.{name}"), value=_text(name, one, zone, say))
        for name, one in _known(value, set(left))
    )


def _text(name: str, value: JSON, zone: str, say: Words) -> str:
    """A value of the part of that name."""
    if isinstance(value, dict):
        parts = ((part, one) for part, one in value.items() if one is not None)
        return ", ".join(
            say("example.value", part=say(f"part.{part}"), value=_text(part, one, zone, say))
            for part, one in parts
        )
    if isinstance(value, list):
        return ", ".join(_text(name, one, zone, say) for one in value)
    if isinstance(value, bool):
        return say("value.yes.true" if value else "value.yes.false")
    return say.when(say.value(_LISTED.get(name, name), str(value)), zone)


def step_lines(steps: tuple[Step, ...], zone: str, say: Words) -> list[str]:
    """The requests, one line each."""
    return [
        say("example.request", number=number, step=_step(step, zone, say))
        for number, step in enumerate(steps, start=1)
    ]


def _step(step: Step, zone: str, say: Words) -> str:
    purpose = purposes([step.purpose], say)
    match step.way:
        case Ask.SEARCH | Ask.WATCH:
            return say(f"step.{step.way.value}", purpose=purpose, find=_find(step.find or {}, zone, say))
        case Ask.CRITERIA:
            wanted = "; ".join(_wanted(name, values, say) for name, values in (step.criteria or {}).items())
            return say("step.criteria", purpose=purpose, criteria=wanted)
        case Ask.EVERYBODY | Ask.EXPORT | Ask.FETCH:
            return say(f"step.{step.way.value}", purpose=purpose)


def _wanted(name: str, values: Iterable[str], say: Words) -> str:
    told = say.join([say.value(name, one) for one in values], "or")
    return say("step.find", field=say.criterion(name), value=told)


def _find(find: Mapping[str, object], zone: str, say: Words) -> str:
    parts = []
    for name, value in find.items():
        shown = (
            " ".join(str(one) for one in reversed(value.values())) if isinstance(value, dict) else str(value)
        )
        parts.append(say("step.find", field=say.field(name), value=_text(name, shown, zone, say)))
    return say.join(parts)


def case_lines(case: Case, zone: str, say: Words) -> list[str]:
    """The file and the instants of a case."""
    lines = file_lines(case.file, zone, say)
    if case.made != case.at:
        lines.append(say("example.made", at=say.moment(case.made, zone)))
    lines.append(say("example.asked", at=say.moment(case.at, zone)))
    return lines


def example_lines(case: Case, told: Told, zone: str, say: Words) -> list[str]:
    """A case with what is asked in it and what comes, in plain words."""
    lines = [say("example.tells", sentence=sentence(told.atom, told.slot, say)), *case_lines(case, zone, say)]
    if not told.steps:
        return [*lines, say("example.unreached", purpose=purposes([told.purpose], say))]
    lines += [say("example.requests"), *step_lines(told.steps, zone, say)]
    shown = "; ".join(_told(name, value, zone, say) for row in told.rows for name, value in row.body.items())
    who = person(told.slot, say)
    if not shown:
        return [*lines, say("example.answered_nothing", who=who)]
    return [*lines, say("example.answered", who=who, shown=shown)]


def _told(name: str, value: JSON, zone: str, say: Words) -> str:
    """A field of an answer with its value."""
    parts = isinstance(value, dict) or (
        isinstance(value, list) and any(isinstance(one, dict) for one in value)
    )
    key = "example.told_parts" if parts else "example.told"
    return say(key, field=say.field(name), value=_text(name, value, zone, say))


def example_json(case: Case, told: Told, zone: str, say: Words) -> dict[str, JSON]:
    """A case as JSON: the file, the instants, the requests, the answer; `tells` and `text` in words."""
    return {
        "invented": True,
        "tells": sentence(told.atom, told.slot, say),
        "atom": {"kind": told.atom.kind.value, "names": [*told.atom.names], "precision": told.atom.precision},
        "purpose": told.purpose,
        "slot": told.slot,
        "row_made_at": instant(case.made),
        "asked_at": instant(case.at),
        "file": as_json(case.file),
        "requests": [step_json(step) for step in told.steps],
        "answer": [row_json(row) for row in told.rows],
        "text": "\n".join(example_lines(case, told, zone, say)),
    }
