# SPDX-License-Identifier: Apache-2.0
"""What people type at a desk, read field by field: everything wrong is told at once, and nothing is lost.

The acts check once more (`record.acts`); this only makes their forms, and finds the field to point at.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TypeVar
from zoneinfo import ZoneInfo

from openpars.record import values
from openpars.record.pack import Pack, Statute
from openpars.web.pages.models import Problem

T = TypeVar("T")

_TIME = re.compile(
    r"(\d{1,2})(?::?(\d{2}))?(?::\d{2})? ?(?:([ap])\.?(?:m\.?)?)? ?(est|edt)?", re.ASCII | re.IGNORECASE
)
_OFFSETS = {"est": "-05:00", "edt": "-04:00", None: ""}


class Typed:
    """One form as it came, and what is wrong with it so far."""

    def __init__(self, fields: Mapping[str, str], zone: ZoneInfo) -> None:
        self.fields = fields
        self.zone = zone
        self.problems: list[Problem] = []

    def text(self, name: str) -> str | None:
        """What was typed, trimmed; None for nothing."""
        return self.fields.get(name, "").strip() or None

    def wrong(self, name: str, sentence: str) -> None:
        """Note a problem at a field, once for each field."""
        if all(problem.field != name for problem in self.problems):
            self.problems.append(Problem(name, sentence))

    def read(self, name: str, parse: Callable[[str], T], *, missing: str | None = None) -> T | None:
        """`parse` of a field. `missing`: the sentence for an empty one; None when it may be empty."""
        typed = self.text(name)
        if typed is None:
            if missing is not None:
                self.wrong(name, missing)
            return None
        try:
            return parse(typed)
        except ValueError as problem:
            self.wrong(name, str(problem))
            return None

    def number(self, name: str, sentence: str) -> int | None:
        """A whole number in plain digits; commas and a dollar sign are taken as meant."""
        typed = self.text(name)
        if typed is None:
            return None
        plain = typed.replace(",", "").removeprefix("$").strip()
        if not re.fullmatch(r"\d{1,12}", plain, re.ASCII):
            self.wrong(name, sentence)
            return None
        return int(plain)

    def instant(self, day: str, time: str, *, missing: str | None = None) -> datetime | None:
        """A date field and a time field as one moment in the city's zone."""
        on = self.read(
            day, values.day, missing=missing and "Write the date as month/day/year, such as 11/21/2026."
        )
        at = self.read(time, clock_time, missing=missing)
        if on is None or at is None:
            if (on is None) != (at is None) and missing is None:
                empty = day if on is None else time
                self.wrong(empty, "Write both the date and the time, or neither.")
            return None
        try:
            return values.instant(f"{on.isoformat()}T{at}", self.zone)
        except ValueError as problem:
            self.wrong(
                time,
                "The clocks change in this hour: add EDT or EST."
                if "clocks change" in str(problem)
                else str(problem),
            )
            return None


def clock_time(typed: str) -> str:
    """`HH:MM` with an offset if one was typed, from `2014`, `20:14`, `8:14 PM`, `8p`, `1:30 AM EDT`."""
    found = _TIME.fullmatch(" ".join(typed.split()))
    sentence = "Write the time as 2014 or 8:14 PM."
    if found is None:
        raise ValueError(sentence)
    hour_text, minute_text, half, zone = found.groups()
    if minute_text is None and half is None:
        raise ValueError(sentence)  # `8` alone: morning or evening?
    hour, minute = int(hour_text), int(minute_text or 0)
    if half is not None:
        if not 1 <= hour <= 12:
            raise ValueError(sentence)
        hour = hour % 12 + (12 if half.lower() == "p" else 0)
    if hour > 23 or minute > 59:
        raise ValueError("There is no such time of day. " + sentence)
    return f"{hour:02d}:{minute:02d}{_OFFSETS[zone.lower() if zone else None]}"


def statute(pack: Pack, typed: str) -> Statute | None:
    """The one statute that is meant: by its code in any spelling, without its title, or by its words."""
    found = pack.statute(typed) or pack.statute(f"18 {typed}")
    if found is not None:
        return found
    words = typed.casefold().split()
    exact = [s for s in pack.statutes.values() if s.text.casefold() == " ".join(words)]
    fitting = exact or [s for s in pack.statutes.values() if all(w in s.text.casefold() for w in words)]
    return fitting[0] if len(fitting) == 1 else None


def likely(pack: Pack, typed: str, most: int = 3) -> list[Statute]:
    """Statutes somebody may have meant, for the error's sentence."""
    words = typed.casefold().split()
    by_words = [s for s in pack.statutes.values() if words and all(w in s.text.casefold() for w in words)]
    near = pack.nearest_statute(typed) or pack.nearest_statute(f"18 {typed}")
    return ([near] if near is not None and not by_words else by_words)[:most]


def country(countries: Mapping[str, str], typed: str) -> str:
    """A country's three letters, from its letters or its name. Raises ValueError."""
    code = typed.strip().upper()
    if code in countries:
        return code
    plain = typed.casefold().strip()
    names = {name.casefold().split(" (")[0]: code for code, name in countries.items()}
    if plain in names:
        return names[plain]
    starting = (
        sorted({code for name, code in names.items() if name.startswith(plain)}) if len(plain) > 3 else []
    )
    if len(starting) == 1:
        return starting[0]
    raise ValueError("Write the country's name or its three letters, such as Mexico or MEX.")
