# SPDX-License-Identifier: Apache-2.0
"""A correction at the desk: the file as a form, and what of the form was changed. Pure.

The form comes filled with what stands. Only what was typed otherwise is corrected; what was emptied becomes
unknown, where the record allows that. Victims and witnesses are corrected by program.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from openpars.record import values
from openpars.record.countries import countries
from openpars.record.forms import (
    CLEARABLE,
    ArresteeCorrection,
    ChargeCorrection,
    Correction,
    NameCorrection,
)
from openpars.record.pack import Pack
from openpars.web.pages import desk_views, times
from openpars.web.pages.typed import Typed, country, likely, statute

Json = Mapping[str, Any]
EMPTY = "not recorded"


@dataclass(frozen=True, slots=True)
class Part:
    """One field of the form: its name there, its words, its place in a correction, and how it is read."""

    name: str
    label: str
    place: str
    read: Callable[[str], object]
    words: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that is corrected, in words."""

    label: str
    was: str
    becomes: str


@dataclass(frozen=True, slots=True)
class Corrected:
    """What was typed, as the act's form and in words. `charges`: the numbers in the order of the form."""

    form: Correction
    changes: tuple[Change, ...]
    charges: tuple[int, ...]


def _plain(text: str) -> str:
    return text


PARTS = (
    Part("last", "Last name", "arrestee.name.last", values.name_part),
    Part("first", "First name", "arrestee.name.first", values.name_part),
    Part("middle", "Middle name", "arrestee.name.middle", values.name_part),
    Part("suffix", "Suffix", "arrestee.name.suffix", values.name_part),
    Part("birth_date", "Date of birth", "arrestee.birth_date", values.day),
    Part("sex", "Sex", "arrestee.sex", _plain, desk_views.SEXES),
    Part("race", "Race", "arrestee.race", _plain, desk_views.RACES),
    Part("ethnicity", "Ethnicity", "arrestee.ethnicity", _plain, desk_views.ETHNICITIES),
    Part("ssn", "SSN", "arrestee.ssn", values.ssn),
    Part("sid", "SID", "arrestee.sid", values.sid),
    Part("ppn", "Photo number", "arrestee.ppn", values.ppn),
    Part("birth_country", "Country of birth", "arrestee.birth_country", lambda t: country(countries(), t)),
    Part("birth_place", "Place of birth", "arrestee.birth_place", values.free_text),
    Part("address", "Home address", "arrestee.address", values.free_text),
    Part("zip", "ZIP code", "arrestee.zip", values.zip_code),
    Part("interpreter", "Interpreter", "arrestee.interpreter", _plain, desk_views.INTERPRETERS),
    Part("consular_notice", "Consular notice", "arrestee.consular_notice", _plain, desk_views.NOTICES),
    Part("district", "Police district", "district", values.district),
    Part("otn", "OTN", "otn", values.otn),
    Part("docket", "Docket", "docket", values.docket),
)


def standing(whole: Json) -> dict[str, str]:
    """The file as the form shows it. `whole`: from `desk.view.whole`."""
    found = {part.name: _shown(part, _at(whole, part.place)) for part in PARTS}
    for name in ("arrested", "next"):
        at = desk_views.instant(whole["arrested_at" if name == "arrested" else "next_date"])
        local = at.astimezone(times.CITY_ZONE) if at is not None else None
        found[f"{name}_date"] = f"{local:%m/%d/%Y}" if local is not None else ""
        found[f"{name}_time"] = f"{local:%H%M}" if local is not None else ""
    for one in whole["charges"]:
        place = f"charge-{one['number']}"
        found[f"{place}-statute"] = one["statute"] or ""
        found[f"{place}-grade"] = one["effective_grade"] or ""
        found[f"{place}-counts"] = str(one["counts"])
    return found


def _at(whole: Json, place: str) -> object:
    found: Any = whole
    for part in place.split("."):
        found = found[part]
    return found


def _shown(part: Part, value: object) -> str:
    if value is None:
        return ""
    text = str(value)
    if part.name == "birth_date":
        return f"{date.fromisoformat(text):%m/%d/%Y}"
    return countries().get(text, text) if part.name == "birth_country" else text


def corrected(typed: Typed, whole: Json, pack: Pack, now: datetime) -> Corrected | None:
    """What was changed, or None with the problems noted."""
    before = standing(whole)
    taken = _Taken(typed, before)
    for part in PARTS:
        taken.part(part)
    arrested_at = taken.instant("arrested", "Time of arrest", clearable=False)
    next_date = taken.instant("next", "Next date", clearable=True)
    charges = tuple(one for number in _numbers(whole) if (one := taken.charge(number, pack)) is not None)
    if not taken.changes and not typed.problems:
        typed.wrong("", "Nothing is changed yet. Change what is wrong, then go on.")
    reason = typed.text("reason")
    if reason is None:
        typed.wrong("reason", "Say why. The reason stays with this version of the file.")
    if typed.problems:
        return None
    form = Correction(
        reason=reason,
        at=now,
        arrestee=_person(taken.read),
        charges=charges,
        arrested_at=arrested_at,
        district=taken.read.get("district"),
        otn=taken.read.get("otn"),
        docket=taken.read.get("docket"),
        next_date=next_date,
        clear=tuple(taken.clear),
    )
    return Corrected(form, tuple(taken.changes), tuple(one.charge for one in charges))


def _numbers(whole: Json) -> list[int]:
    return [one["number"] for one in whole["charges"]]


def _person(read: Mapping[str, Any]) -> ArresteeCorrection | None:
    named = {part: read.get(part) for part in ("last", "first", "middle", "suffix")}
    rest = {part.name: read[part.name] for part in PARTS if part.place.count(".") == 1 and part.name in read}
    if not rest and not any(named.values()):
        return None
    return ArresteeCorrection(name=NameCorrection(**named) if any(named.values()) else None, **rest)


class _Taken:
    """Goes through the form field by field, and keeps what differs from what stands."""

    def __init__(self, typed: Typed, before: Mapping[str, str]) -> None:
        self._typed = typed
        self._before = before
        self.read: dict[str, Any] = {}
        self.clear: list[str] = []
        self.changes: list[Change] = []

    def _same(self, name: str) -> bool:
        return (self._typed.text(name) or "") == self._before[name]

    def part(self, part: Part) -> None:
        """One field of the person or the case."""
        if self._same(part.name):
            return
        words = dict(part.words)
        was = self._before[part.name]
        told = words.get(was, was) or EMPTY
        typed = self._typed.text(part.name)
        if typed is None:
            if part.place not in CLEARABLE:
                self._typed.wrong(part.name, "This cannot be left empty.")
                return
            self.clear.append(part.place)
            self.changes.append(Change(part.label, told, EMPTY))
            return
        value = self._typed.read(part.name, part.read)
        if value is not None:
            self.read[part.name] = value
            self.changes.append(Change(part.label, told, words.get(typed, typed)))

    def instant(self, name: str, label: str, *, clearable: bool) -> datetime | None:
        """A date and a time together."""
        day, time = f"{name}_date", f"{name}_time"
        if self._same(day) and self._same(time):
            return None
        was = " ".join(filter(None, (self._before[day], self._before[time]))) or EMPTY
        if self._typed.text(day) is None and self._typed.text(time) is None:
            if clearable:
                self.clear.append("next_date")
                self.changes.append(Change(label, was, EMPTY))
            else:
                self._typed.wrong(day, "This cannot be left empty.")
            return None
        at = self._typed.instant(day, time)
        if at is not None:
            self.changes.append(Change(label, was, times.local(at)))
        return at

    def charge(self, number: int, pack: Pack) -> ChargeCorrection | None:
        """One charge: its statute, its grade, its counts."""
        place = f"charge-{number}"
        code = None if self._same(f"{place}-statute") else self._statute(f"{place}-statute", pack)
        grade = None if self._same(f"{place}-grade") else self._needed(f"{place}-grade")
        counts = None
        if not self._same(f"{place}-counts") and self._needed(f"{place}-counts") is not None:
            counts = self._typed.number(f"{place}-counts", "Counts are a whole number, 1 or more.")
        for part, value in (("statute", code), ("grade", grade), ("counts", counts)):
            if value is not None:
                was = self._before[f"{place}-{part}"] or EMPTY
                self.changes.append(Change(f"Charge {number}, {part}", was, str(value)))
        if code is None and grade is None and counts is None:
            return None
        return ChargeCorrection(number, code, grade, counts)

    def _needed(self, name: str) -> str | None:
        typed = self._typed.text(name)
        if typed is None:
            self._typed.wrong(name, "This cannot be left empty.")
        return typed

    def _statute(self, name: str, pack: Pack) -> str | None:
        typed = self._needed(name)
        if typed is None:
            return None
        meant = statute(pack, typed)
        if meant is None:
            hint = " or ".join(f"{one.code} ({one.text})" for one in likely(pack, typed))
            self._typed.wrong(
                name, f"Which one? {hint}" if hint else "No statute fits. Type its number, such as 2702 A1."
            )
            return None
        return meant.code
