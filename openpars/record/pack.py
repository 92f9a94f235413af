# SPDX-License-Identifier: Apache-2.0
"""A jurisdiction pack: a city's rules, charge codes and words as values, read from package data.

A second city is a second folder under `openpars/jurisdictions`, not new code.
"""

from __future__ import annotations

import csv
import io
import re
import tomllib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo

LABELS = frozenset({"confirmed", "K", "I"})
LEVELS = ("advisory", "breach")
STARTS = frozenset({"arrest", "release", "arraignment"})


class BrokenPack(Exception):
    """A jurisdiction pack does not say what it must. Stops the start: rules are never guessed."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the clock table. Exactly one of `hours` and `days` is given.

    `since` and `through` are the civil dates on which the rule holds, both inclusive.
    """

    name: str
    starts: str
    level: str
    citation: str
    label: str
    since: date
    through: date | None
    hours: int | None
    days: int | None
    custody: str | None

    def holds_on(self, day: date) -> bool:
        """Whether the rule is in force on a civil date."""
        return self.since <= day and (self.through is None or day <= self.through)


@dataclass(frozen=True, slots=True)
class Statute:
    """A charge code as the courts write it (`18 § 2702 §§ A1`) and the texts seen beside it."""

    code: str
    text: str
    other_texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pack:
    """Everything the record needs to know about a city."""

    jurisdiction: str
    name: str
    zone: ZoneInfo
    rules: tuple[Rule, ...]
    grades: frozenset[str]
    sexes: frozenset[str]
    races: frozenset[str]
    ethnicities: frozenset[str]
    countries: frozenset[str]
    statutes: Mapping[str, Statute]
    _by_key: Mapping[tuple[str, str, str], str]
    _screen: re.Pattern[str]

    def statute(self, typed: str) -> Statute | None:
        """The code somebody typed, in any of the usual spellings; None when there is no such code."""
        exact = self.statutes.get(" ".join(typed.split()))
        if exact is not None:
            return exact
        key = statute_key(typed)
        code = self._by_key.get(key) if key is not None else None
        return self.statutes[code] if code is not None else None

    def nearest_statute(self, typed: str) -> Statute | None:
        """A code of the same title that looks like what was typed; taken from the table, never echoed."""
        key = statute_key(typed)
        if key is None:
            return None
        same_title = {" ".join(k): code for k, code in self._by_key.items() if k[0] == key[0]}
        close = get_close_matches(" ".join(key), same_title, n=1, cutoff=0.6)
        return self.statutes[same_title[close[0]]] if close else None

    def names_status(self, text: str) -> bool:
        """Whether a free text speaks of somebody's immigration or citizenship status."""
        return self._screen.search(_plain(text)) is not None


_PARTS = re.compile(
    r"^(?P<title>[0-9]{1,2}|[A-Z]{2})"
    r" (?P<section>[0-9][0-9A-Z.\-]*)"
    r"(?: (?P<part>[0-9A-Z.\- ]+))?$"
)


def statute_key(typed: str) -> tuple[str, str, str] | None:
    """`(title, section, part)` of a charge code in any usual spelling, or None.

    `18 2702 A1`, `18 § 2702 §§ A1`, `18 Pa.C.S. § 2702(a)(1)` and `18:2702:a1` are the same code. The
    asterisks by which CPCMS marks a penalty tier are not part of the key.
    """
    if len(typed) > 64 or not typed.isprintable():
        return None
    text = typed.upper().replace("*", "")
    text = re.sub(r"PA\.? ?C\.? ?S\.?(?: ?A\.?)?|SECTION|SEC\.", " ", text)
    text = re.sub(r"\)\s*\(", "", text)  # (a)(1) is one part: A1
    text = re.sub(r"[§():/,]+", " ", text)
    found = _PARTS.match(" ".join(text.split()))
    if found is None:
        return None
    return found["title"], found["section"].rstrip("."), (found["part"] or "").replace(" ", "")


def _plain(text: str) -> str:
    """For matching only: compatibility letters, no case, no marks that do not show, single spaces."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    # Plain letters, nearly always: nothing that does not show is among them, and this runs for each text.
    shown = folded if folded.isascii() else "".join(c for c in folded if unicodedata.category(c) != "Cf")
    return " ".join(re.sub(r"[^\w]+", " ", shown).split())


@cache
def pack(jurisdiction: str) -> Pack:
    """Read a pack. Raises BrokenPack; the answer is kept, since packs change with the release only."""
    try:
        folder = files(f"openpars.jurisdictions.{jurisdiction}")
        table = tomllib.loads(folder.joinpath("rules.toml").read_text(encoding="utf-8"))
        statutes = _statutes(folder.joinpath("statutes.csv").read_text(encoding="utf-8"))
        countries = files("openpars.record").joinpath("countries.csv").read_text(encoding="utf-8")
        return Pack(
            jurisdiction=table["pack"]["jurisdiction"],
            name=table["pack"]["name"],
            zone=ZoneInfo(table["pack"]["zone"]),
            rules=tuple(_rule(row) for row in table["clock"]),
            grades=frozenset(table["codes"]["grades"]),
            sexes=frozenset(table["codes"]["sexes"]),
            races=frozenset(table["codes"]["races"]),
            ethnicities=frozenset(table["codes"]["ethnicities"]),
            countries=frozenset(row["code"] for row in csv.DictReader(io.StringIO(countries))),
            statutes=statutes,
            _by_key=_keys(statutes),
            _screen=_screen(table["screen"]["words"]),
        )
    except (KeyError, TypeError, ModuleNotFoundError, FileNotFoundError, tomllib.TOMLDecodeError) as problem:
        raise BrokenPack(f"the pack [{jurisdiction}] cannot be read: {problem!r}") from problem


def _rule(row: dict[str, object]) -> Rule:
    known = {"name", "starts", "level", "citation", "label", "from", "through", "hours", "days", "custody"}
    hours, days, since, through = row.get("hours"), row.get("days"), row["from"], row.get("through")
    right = (
        set(row) <= known
        and row["starts"] in STARTS
        and row["level"] in LEVELS
        and row["label"] in LABELS
        and row.get("custody") in {None, "held", "free"}
        and (hours is None) != (days is None)
        and isinstance(since, date)
        and (through is None or isinstance(through, date))
    )
    if not right or not isinstance(since, date) or not (through is None or isinstance(through, date)):
        raise BrokenPack(f"the clock row [{row.get('name')}] from [{since}] is not whole")
    return Rule(
        name=str(row["name"]),
        starts=str(row["starts"]),
        level=str(row["level"]),
        citation=str(row["citation"]),
        label=str(row["label"]),
        since=since,
        through=through,
        hours=hours if isinstance(hours, int) else None,
        days=days if isinstance(days, int) else None,
        custody=str(row["custody"]) if "custody" in row else None,
    )


def _statutes(text: str) -> dict[str, Statute]:
    texts: dict[str, list[str]] = {}
    for row in csv.DictReader(io.StringIO(text)):
        texts.setdefault(row["code"], []).append(row["text"])
    return {code: Statute(code, found[0], tuple(found[1:])) for code, found in texts.items()}


def _keys(statutes: Mapping[str, Statute]) -> dict[tuple[str, str, str], str]:
    keys: dict[tuple[str, str, str], str] = {}
    # Shortest first: the plain code wins over its starred tiers where both exist.
    for code in sorted(statutes, key=lambda code: (len(code), code)):
        key = statute_key(code)
        if key is None:
            raise BrokenPack(f"the charge code [{code}] has no shape we know")
        keys.setdefault(key, code)
    return keys


def _screen(words: list[str]) -> re.Pattern[str]:
    phrases = sorted({_plain(word) for word in words}, key=len, reverse=True)
    return re.compile(r"(?<!\w)(?:" + "|".join(re.escape(p) for p in phrases) + r")(?!\w)")
