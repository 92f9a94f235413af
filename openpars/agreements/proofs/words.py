# SPDX-License-Identifier: Apache-2.0
"""Cases, requests and atoms in plain words, and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from enum import Enum
from typing import Any

from openpars.agreements.language.plain import join, moment
from openpars.agreements.project import ShareRow
from openpars.agreements.proofs.asked import CASE_NUMBER, Ask, Step
from openpars.agreements.proofs.atoms import SHOWN, Atom, Kind
from openpars.agreements.proofs.exposure import Case
from openpars.agreements.proofs.proving import Told
from openpars.record.catalogue import ARRESTEE, CRITERIA, FIELDS, JSON, instant
from openpars.record.file import ArrestFile, Seal

_STATES = {Seal.OPEN: "open", Seal.SEALED: "sealed", Seal.EXPUNGED: "expunged", Seal.WITHDRAWN: "withdrawn"}


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


def labels(names: Iterable[str]) -> str:
    """Fields by their labels."""
    return join([FIELDS[name].label for name in names])


def at_precision(field: str, precision: str | None) -> str:
    """A field, with how finely it is told where there is a choice."""
    known = FIELDS[field]
    found = known.precision(precision or "")
    return known.label if found is None or len(known.precisions) == 1 else f"{known.label} ({found.meaning})"


def person(slot: str) -> str:
    """Who a slot is."""
    return "the person arrested" if slot == ARRESTEE else f"a {slot.partition(':')[0].replace('_', ' ')}"


def people(role: str) -> str:
    """Who a role is, of many."""
    return (
        "people arrested"
        if role == ARRESTEE
        else f"{role.replace('_', ' ')}s"
        if role != "crime_witness"
        else ("crime witnesses")
    )


_TELLS = {
    Kind.ROW: "a row about {who} is in the share",
    Kind.SHOW: "{told} of {who} is shown",
    Kind.SEARCH: "a search by {fields} finds {who}, and confirms the whole value",
    Kind.WATCH: "a watch by {fields} finds {who}, and confirms the whole value",
    Kind.CRITERIA: "alerts by {criteria} take in {who}, named or not",
    Kind.EVERYBODY: "alerts about everybody take in {who}",
    Kind.EXPORT: "an export holds {who}",
    Kind.FETCH: "{who} is answered by the record's id",
    Kind.IMPLIED: "whoever gets the row of {who} knows that the condition on {told} holds",
    Kind.BULK: "{told} of {who} comes through a bulk way, to somebody who named nobody",
}


def sentence(atom: Atom, slot: str) -> str:
    """What is told, as a sentence without its full stop."""
    fields = join([FIELDS[name].label for name in atom.names if name in FIELDS])
    criteria = join([CRITERIA[name].label for name in atom.names if name in CRITERIA])
    told = at_precision(atom.names[0], atom.precision) if atom.kind in SHOWN else ""
    return _TELLS[atom.kind].format(who=person(slot), fields=fields, criteria=criteria, told=told)


def file_lines(file: ArrestFile) -> list[str]:
    """An invented file, line by line: only what it says."""
    person = file.arrestee
    lines = [f"invented file: {_STATES[file.seal]}"]
    lines.append(
        f"  person arrested: {person.name.first} {person.name.last}{_said(person, 'person', 'name')}"
    )
    for one in file.participants:
        born = f", born {one.birth_date}" if one.birth_date else ""
        lines.append(f"  {one.role.value.replace('_', ' ')}: {one.name.first} {one.name.last}{born}")
    for charge in file.charges:
        grade = f", grade {charge.effective_grade}" if charge.effective_grade else ""
        lines.append(f"  charge: {charge.text}{grade}, {charge.stage.value}{_said(charge, *_CHARGE)}")
    left = {"id", "version", "arrestee", "participants", "charges", "seal", "jurisdiction"}
    for name, value in _known(file, left):
        lines.append(f"  {name.replace('_', ' ')}: {_text(value)}")
    return lines


_CHARGE = ("number", "statute", "text", "grade", "decided_grade", "stage", "counts")


def _known(value: Any, left: set[str]) -> list[tuple[str, JSON]]:
    found = as_json(value)
    return [(n, v) for n, v in found.items() if n not in left] if isinstance(found, dict) else []


def _said(value: Any, *left: str) -> str:
    return "".join(f", {name.replace('_', ' ')} {_text(one)}" for name, one in _known(value, set(left)))


def _text(value: JSON) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_text(one)}" for name, one in value.items() if one is not None)
    if isinstance(value, list):
        return ", ".join(_text(one) for one in value)
    return str(value)


def step_lines(steps: tuple[Step, ...]) -> list[str]:
    """The requests, one line each."""
    return [f"  {number}. {_step(step)}" for number, step in enumerate(steps, start=1)]


def _step(step: Step) -> str:
    asked = f"for {step.purpose}"
    match step.way:
        case Ask.SEARCH | Ask.WATCH:
            return f"{step.way} {asked} by {_find(step.find or {})}"
        case Ask.CRITERIA:
            wanted = "; ".join(f"{n} {' or '.join(v)}" for n, v in (step.criteria or {}).items())
            return f"subscribe {asked} to {wanted}"
        case Ask.EVERYBODY:
            return f"subscribe {asked} to everybody"
        case Ask.EXPORT:
            return f"export {asked}"
        case Ask.FETCH:
            return f"read, {asked}, the record whose id came before"


def _find(find: Mapping[str, object]) -> str:
    parts = []
    for name, value in find.items():
        shown = " ".join(str(one) for one in reversed(value.values())) if isinstance(value, dict) else value
        parts.append(f"{FIELDS[name].label} {shown}")
    return " and ".join(parts)


def case_lines(case: Case, zone: str) -> list[str]:
    """The file and the instants of a case."""
    lines = file_lines(case.file)
    if case.made != case.at:
        lines.append(f"  row made: {moment(case.made, zone)}")
    lines.append(f"  asked: {moment(case.at, zone)}")
    return lines


def example_lines(case: Case, told: Told, zone: str) -> list[str]:
    """A case with what is asked in it and what comes, in plain words."""
    lines = [f"{sentence(told.atom, told.slot)}.", *case_lines(case, zone)]
    if not told.steps:
        return [*lines, f"No request reaches it; it stands in the share for {told.purpose}."]
    lines += ["requests:", *step_lines(told.steps)]
    shown = "; ".join(
        f"{FIELDS[name].label} {_text(value)}" for row in told.rows for name, value in row.body.items()
    )
    return [*lines, f"answered, about {person(told.slot)}: {shown or 'a record without a field'}"]


def example_json(case: Case, told: Told, zone: str) -> dict[str, JSON]:
    """A case as JSON: the file, the instants, the requests, the answer."""
    return {
        "invented": True,
        "tells": sentence(told.atom, told.slot),
        "atom": {"kind": told.atom.kind.value, "names": [*told.atom.names], "precision": told.atom.precision},
        "purpose": told.purpose,
        "slot": told.slot,
        "row_made_at": instant(case.made),
        "asked_at": instant(case.at),
        "file": as_json(case.file),
        "requests": [step_json(step) for step in told.steps],
        "answer": [row_json(row) for row in told.rows],
        "text": "\n".join(example_lines(case, told, zone)),
    }
