# SPDX-License-Identifier: Apache-2.0
"""A file as stored: a JSON body, and beside it the compartments that are never in it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

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
    """The file again. MUST give back exactly what `encode` was given."""
    body: dict[str, Any] = orjson.loads(stored.body)
    body["arrestee"] = _arrestee(body["arrestee"], stored.ssn)
    body["participants"] = tuple(_participant(one) for one in orjson.loads(stored.participants))
    body["charges"] = tuple(_charge(one) for one in body["charges"])
    body["interview"] = _interview(orjson.loads(stored.interview)) if stored.interview is not None else None
    body["arraignment"] = _arraignment(body["arraignment"]) if body["arraignment"] is not None else None
    body["bail"] = _bail(body["bail"]) if body["bail"] is not None else None
    body["custody"] = Custody(body["custody"]) if body["custody"] is not None else None
    body["seal"] = Seal(body["seal"])
    for name in ("filed_at", "arrested_at", "complaint_at", "custody_at", "next_date"):
        body[name] = _time(body.get(name))
    return ArrestFile(**body)


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text is not None else None


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text is not None else None


def _arrestee(body: dict[str, Any], ssn: str | None) -> Arrestee:
    body["name"] = Name(**body["name"])
    body["birth_date"] = _day(body["birth_date"])
    body["ssn"] = ssn
    notice = body.get("consular_notice")
    body["consular_notice"] = ConsularNotice(notice) if notice is not None else None
    return Arrestee(**body)


def _participant(body: dict[str, Any]) -> Participant:
    return Participant(body["number"], Role(body["role"]), Name(**body["name"]), _day(body["birth_date"]))


def _charge(body: dict[str, Any]) -> Charge:
    body["stage"] = Stage(body["stage"])
    body["decided_at"] = _time(body["decided_at"])
    outcome = body.get("disposition")
    body["disposition"] = Disposition(outcome) if outcome is not None else None
    body["disposed_at"] = _time(body.get("disposed_at"))
    return Charge(**body)


def _interview(body: dict[str, Any]) -> Interview:
    return Interview(datetime.fromisoformat(body["held_at"]), body["notes"])


def _arraignment(body: dict[str, Any]) -> PreliminaryArraignment:
    body["held_at"] = datetime.fromisoformat(body["held_at"])
    return PreliminaryArraignment(**body)


def _bail(body: dict[str, Any]) -> Bail:
    body["type"] = BailType(body["type"]) if body["type"] is not None else None
    body["set_at"] = _time(body["set_at"])
    return Bail(**body)
