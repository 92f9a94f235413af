# SPDX-License-Identifier: Apache-2.0
"""A file as stored: a JSON body, and beside it the compartments that are never in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from datetime import date, datetime
from operator import itemgetter
from typing import Any, TypeVar

import orjson

from openpars.record.file import (
    Arrestee,
    ArrestFile,
    Bail,
    BailType,
    Charge,
    ConsularNotice,
    Custody,
    Disposition,
    Interview,
    Name,
    Participant,
    PreliminaryArraignment,
    Role,
    Seal,
    Stage,
)

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Stored:
    """One version as it lies in the tables. `ssn` is the plain number: the store encrypts it."""

    body: str
    participants: str
    interview: str | None
    ssn: str | None


def encode(file: ArrestFile) -> Stored:
    """Split a file into its body and its compartments."""
    bare = replace(file, participants=(), interview=None, arrestee=replace(file.arrestee, ssn=None))
    return Stored(
        body=_text(bare),
        participants=_text(file.participants),
        interview=_text(file.interview) if file.interview is not None else None,
        ssn=file.arrestee.ssn,
    )


def _text(value: object) -> str:
    return orjson.dumps(value).decode()


def decode(stored: Stored) -> ArrestFile:
    """The file again. MUST give back exactly what `encode` was given. Filling a share reads every file."""
    body: dict[str, Any] = orjson.loads(stored.body)
    body["arrestee"] = _arrestee(body["arrestee"], stored.ssn)
    people = stored.participants
    body["participants"] = (
        () if people == "[]" else tuple([_participant(one) for one in orjson.loads(people)])
    )
    body["charges"] = tuple([_charge_of(one) for one in body["charges"]])
    body["seal"] = Seal(body["seal"])
    body["interview"] = _interview(orjson.loads(stored.interview)) if stored.interview is not None else None
    # What a file does not say is None on both sides.
    for name, read in _PARTS:
        if (said := body.get(name)) is not None:
            body[name] = read(said)
    return _file(body)


def _maker(kind: type[_T]) -> Callable[[dict[str, Any]], _T]:
    """`kind(**body)` at half its cost: names out of JSON are compared with a call's letter by letter."""
    names = tuple(one.name for one in fields(kind))  # type: ignore[arg-type]
    values = itemgetter(*names)

    def make(body: dict[str, Any]) -> _T:
        # One name too few takes its default, one too many is a fault: as in any call.
        return kind(*values(body)) if len(body) == len(names) else kind(**body)

    return make


_file, _person, _charge, _name = _maker(ArrestFile), _maker(Arrestee), _maker(Charge), _maker(Name)


def _arrestee(body: dict[str, Any], ssn: str | None) -> Arrestee:
    body["name"] = _name(body["name"])
    body["ssn"] = ssn
    if (born := body["birth_date"]) is not None:
        body["birth_date"] = date.fromisoformat(born)
    if (notice := body.get("consular_notice")) is not None:
        body["consular_notice"] = ConsularNotice(notice)
    return _person(body)


def _participant(body: dict[str, Any]) -> Participant:
    born = body["birth_date"]
    day = date.fromisoformat(born) if born is not None else None
    return Participant(body["number"], Role(body["role"]), _name(body["name"]), day)


def _charge_of(body: dict[str, Any]) -> Charge:
    body["stage"] = Stage(body["stage"])
    if (decided := body["decided_at"]) is not None:
        body["decided_at"] = datetime.fromisoformat(decided)
    if (outcome := body.get("disposition")) is not None:
        body["disposition"] = Disposition(outcome)
    if (disposed := body.get("disposed_at")) is not None:
        body["disposed_at"] = datetime.fromisoformat(disposed)
    return _charge(body)


def _interview(body: dict[str, Any]) -> Interview:
    return Interview(datetime.fromisoformat(body["held_at"]), body["notes"])


def _arraignment(body: dict[str, Any]) -> PreliminaryArraignment:
    body["held_at"] = datetime.fromisoformat(body["held_at"])
    return PreliminaryArraignment(**body)


def _bail(body: dict[str, Any]) -> Bail:
    if (kind := body["type"]) is not None:
        body["type"] = BailType(kind)
    if (at := body["set_at"]) is not None:
        body["set_at"] = datetime.fromisoformat(at)
    return Bail(**body)


_PARTS: tuple[tuple[str, Callable[[Any], object]], ...] = (
    ("arraignment", _arraignment),
    ("bail", _bail),
    ("custody", Custody),
    *((name, datetime.fromisoformat) for name in ("filed_at", "arrested_at", "complaint_at")),
    *((name, datetime.fromisoformat) for name in ("custody_at", "next_date")),
)
