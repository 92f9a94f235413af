# SPDX-License-Identifier: Apache-2.0
"""Five invented arrest files, as if recorded by a given instant: for trying out what an agreement shows.

The same five stand beside the editor of agreements and are looked at on every day of the scenario. They
come from `data/example-files.toml` and enter no record.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Any

from openpars.record.catalogue import zone_of
from openpars.record.file import (
    HOME,
    Arrestee,
    ArrestFile,
    Bail,
    BailType,
    Charge,
    Custody,
    Name,
    Participant,
    Role,
    Seal,
    Stage,
)

_BIRTHDAY_WAS = 100  # days before the arrest: nobody's age turns on the day the file is put at


@dataclass(frozen=True, slots=True)
class Example:
    """One invented file. `id` names its words on a page."""

    id: str
    file: ArrestFile


@cache
def _rows() -> tuple[dict[str, Any], ...]:
    text = files("openpars.city").joinpath("data", "example-files.toml").read_text(encoding="utf-8")
    return tuple(tomllib.loads(text)["file"])


def examples(at: datetime) -> tuple[Example, ...]:
    """The five files as they would stand at that instant: arrested some days before it."""
    return tuple(Example(row["id"], _file(number, row, at)) for number, row in enumerate(_rows(), start=1))


def _file(number: int, row: dict[str, Any], at: datetime) -> ArrestFile:
    arrested = at - timedelta(days=row["days_ago"])
    day = arrested.astimezone(zone_of(HOME)).date()
    bail = row.get("bail")
    return ArrestFile(
        id=f"00000000-0000-4000-8000-{number:012d}",
        version=1,
        arrestee=Arrestee(
            person=f"{number:032x}",
            name=Name(row["last"], row["first"]),
            birth_date=_born(day, row["age"]),
            ssn=row["ssn"].replace("-", "") if "ssn" in row else None,
            **{name: row.get(name) for name in ("sex", "race", "birth_country", "sid", "zip")},
        ),
        arrested_at=arrested,
        filed_at=arrested + timedelta(hours=14),
        complaint_at=arrested + timedelta(hours=12),
        participants=tuple(
            Participant(place, Role(one["role"]), Name(one["last"], one["first"]), _born(day, one["age"]))
            for place, one in enumerate(row.get("participants", ()), start=1)
        ),
        charges=tuple(
            Charge(place, one["statute"], one["text"], one["grade"], stage=Stage(one["stage"]))
            for place, one in enumerate(row["charges"], start=1)
        ),
        bail=None
        if bail is None
        else Bail(BailType(bail["type"]), bail.get("amount"), bail.get("percent"), set_at=arrested),
        custody=Custody(row["custody"]),
        custody_at=arrested,
        next_date=arrested + timedelta(days=21),
        seal=Seal(row.get("seal", "open")),
        dc_number=row.get("dc_number"),
        otn=row.get("otn"),
        docket=row.get("docket"),
        district=row.get("district"),
        represented=row.get("represented"),
    )


def _born(day: date, age: int) -> date:
    born = day - timedelta(days=_BIRTHDAY_WAS)
    return born.replace(year=born.year - age, day=min(born.day, 28))
