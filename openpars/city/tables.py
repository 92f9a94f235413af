# SPDX-License-Identifier: Apache-2.0
"""The tables the city is drawn from: `data/*`, read once.

`measured.json` and `offences.csv` hold aggregates of public statistics; `invented.json` holds what
no source says and was made up; `data/README.md` names the sources and their terms.
"""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from openpars.city.draw import Weighted

BUCKETS = (
    ("le10k", 0, 10_000),
    ("le25k", 10_000, 25_000),
    ("le100k", 25_000, 100_000),
    ("gt100k", 100_000, None),
)
"""Monetary bail in the court's buckets: name, above (dollars), up to."""


@dataclass(frozen=True, slots=True)
class Offence:
    """One lead charge: its share among dockets, its usual grades, and the bail that followed.

    `bail` draws `ror`, `unsecured`, `nonmonetary`, `denied` or a bucket of BUCKETS. `companions`
    are the statutes usually charged beside it, each with its chance. `victim` and `crime_witness`
    are the chances that the file names one.
    """

    statute: str
    text: str
    group: str
    grades: Weighted[str | None]
    dockets: int
    bail: Weighted[str] | None
    victim: float
    crime_witness: float
    companions: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class Names:
    """The name lists. Names are drawn apart from race and origin: here a name says nothing about either."""

    surnames: Weighted[str]
    first: dict[str, Weighted[str]]
    nicknames: dict[str, str]


@dataclass(frozen=True, slots=True)
class Tables:
    """Everything the generator reads. `measured` and `invented` are the two JSON files as they are."""

    measured: dict[str, Any]
    invented: dict[str, Any]
    names: Names
    leads: Weighted[Offence]
    offences: dict[str, Offence]
    amounts: dict[str, Weighted[int]]
    districts: Weighted[str]
    ages: Weighted[int]
    zips: Weighted[str | None]
    races: Weighted[str]
    countries: Weighted[str]


def _text(name: str) -> str:
    return files("openpars.city").joinpath("data", name).read_text(encoding="utf-8")


def _rows(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(_text(name).splitlines()))


def _grades(text: str) -> Weighted[str | None]:
    pairs: list[tuple[str | None, float]] = []
    for part in text.split():
        grade, _, weight = part.partition(":")
        pairs.append((None if grade == "-" else grade, float(weight or 1)))
    return Weighted(pairs)


def _companions(text: str) -> tuple[tuple[str, float], ...]:
    return tuple(
        (part.rpartition(":")[0], float(part.rpartition(":")[2])) for part in text.split(";") if part
    )


def _offence(row: dict[str, str]) -> Offence:
    kinds = ("ror", "unsecured", "nonmonetary", "denied", *(name for name, _, _ in BUCKETS))
    bail = [(kind, float(row[kind])) for kind in kinds]
    return Offence(
        statute=row["statute"],
        text=row["text"],
        group=row["group"],
        grades=_grades(row["grades"]),
        dockets=int(row["dockets"]),
        bail=Weighted(bail) if any(share for _, share in bail) else None,
        victim=float(row["victim"]),
        crime_witness=float(row["crime_witness"]),
        companions=_companions(row["companions"]),
    )


def _amounts(measured: dict[str, Any]) -> dict[str, Weighted[int]]:
    tables = {"unsecured": Weighted((amount, n) for amount, n in measured["unsecured_amounts"])}
    for name, above, up_to in BUCKETS:
        tables[name] = Weighted(
            (amount, n) for amount, n in measured["monetary_amounts"] if above < amount <= (up_to or amount)
        )
    return tables


def _names() -> Names:
    rows = _rows("first_names.csv")
    return Names(
        surnames=Weighted((row["surname"], float(row["weight"])) for row in _rows("surnames.csv")),
        first={
            sex: Weighted((row["first_name"], float(row["weight"])) for row in rows if row["sex"] == sex)
            for sex in ("F", "M")
        },
        nicknames={row["first_name"]: row["nickname"] for row in _rows("nicknames.csv")},
    )


@cache
def tables() -> Tables:
    """All tables, read and checked at the first use."""
    measured: dict[str, Any] = json.loads(_text("measured.json"))
    invented: dict[str, Any] = json.loads(_text("invented.json"))
    offences = [_offence(row) for row in _rows("offences.csv")]
    return Tables(
        measured=measured,
        invented=invented,
        names=_names(),
        leads=Weighted((offence, offence.dockets) for offence in offences if offence.dockets),
        offences={offence.statute: offence for offence in reversed(offences)},
        amounts=_amounts(measured),
        # Canonical form: a district has no leading zero.
        districts=Weighted((d.lstrip("0"), share) for d, share in measured["district_share"].items()),
        ages=Weighted((age, n) for age, n in measured["age_counts"]),
        zips=Weighted((code, n) for code, n in measured["zip_counts"]),
        races=Weighted(invented["race_share"].items()),
        countries=Weighted(invented["birth_country_share"].items()),
    )
