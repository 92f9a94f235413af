# SPDX-License-Identifier: Apache-2.0
"""Philadelphia and ICE, 2008 to 2018: what the sources tell, as values, and what follows for the agreement.

A *course* is one way in which the ten years can have gone: the rule of the vote read in one way, or nothing
asked but what was reported, and the shield in 2009 or in 2010. Every course is made of the same two
reconstructed texts; what differs is which year's term there is, and the day the bar of the shield begins.
Nothing here is in force, and nothing here touches a city.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Any

from openpars.agreements.ballots import Choice
from openpars.agreements.bars import version_of
from openpars.agreements.language.term import midnight
from openpars.agreements.language.text import read
from openpars.agreements.model import Bar, Version
from openpars.agreements.votes.readings import Fate, RuleReading, Source, fate
from openpars.city import agreed
from openpars.city.days import ZONE

NAME = "philadelphia-2008-2018"
REPORTED = "as-reported"
"""The course in which access simply went on as the sources say it did, whatever the rule."""


class Shield(StrEnum):
    """When victims and witnesses went out of reach: the year one source gives, and the year of the others."""

    Y2009 = "2009"
    Y2010 = "2010"


class Told(StrEnum):
    """What the sources say about a renewal: its ballots, that there were none, or only that it happened."""

    BALLOTS = "ballots"
    WITHOUT = "without"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Course:
    """One way to read the ten years. `rule` None: as reported."""

    rule: RuleReading | None
    shield: Shield

    @property
    def basis(self) -> str:
        """The rule's name, or `as-reported`."""
        return REPORTED if self.rule is None else self.rule.value


@dataclass(frozen=True, slots=True)
class Renewal:
    """The question of going on after the term that ends in `year`. `answers`: None is silence."""

    year: int
    told: Told
    answers: Mapping[str, Choice | None]
    sources: tuple[str, ...]

    def fate(self, rule: RuleReading | None) -> Fate:
        """What follows under a reading of the rule. Where the how is not told, it is what was reported."""
        if self.told is Told.UNKNOWN or (rule is None and self.told is Told.WITHOUT):
            return Fate.CONTINUES
        # As reported and with ballots: both known ballots have one outcome under every reading.
        return fate(rule or RuleReading.TWO_TO_CONTINUE, self.answers)


@dataclass(frozen=True, slots=True)
class Happening:
    """Something the sources tell, on its civil day. `says`: a sentence in each language."""

    id: str
    day: date
    says: Mapping[str, str]
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Story:
    """The whole of `data/philadelphia-2008-2018.toml`. `shields`: None is the pack's own date of the bar."""

    first_day: date
    last_day: date
    signed: date
    amended: date
    year_ends: tuple[int, int]
    purpose: str
    before: str
    after: str
    shield_bar: str
    shields: Mapping[Shield, date | None]
    shield_sources: Mapping[Shield, tuple[str, ...]]
    renewals: tuple[Renewal, ...]
    happenings: tuple[Happening, ...]
    sources: Mapping[str, Source]


@cache
def story() -> Story:
    """What is told. Raises KeyError or ValueError when the data is broken: it ships with the package."""
    text = files("openpars.city").joinpath("data", f"{NAME}.toml").read_text(encoding="utf-8")
    found = tomllib.loads(text)
    head = found["scenario"]
    sources = {key: Source(one["name"], one["day"], one.get("url")) for key, one in found["sources"].items()}
    month, day = (int(part) for part in head["year_ends"].split("-"))
    return Story(
        first_day=head["first_day"],
        last_day=head["last_day"],
        signed=head["signed"],
        amended=head["amended"],
        year_ends=(month, day),
        purpose=head["purpose"],
        before=head["before"],
        after=head["after"],
        shield_bar=head["shield_bar"],
        shields={Shield(one["id"]): one.get("day") for one in found["shield"]},
        shield_sources={Shield(one["id"]): tuple(one["sources"]) for one in found["shield"]},
        renewals=tuple(sorted(_renewals(found["renewal"]), key=lambda one: one.year)),
        happenings=tuple(
            Happening(one["id"], one["day"], {"en": one["en"], "es": one["es"]}, tuple(one["sources"]))
            for one in found["event"]
        ),
        sources=sources,
    )


def _renewals(rows: list[dict[str, Any]]) -> Iterator[Renewal]:
    owners = ("district-attorney", "police", "courts")
    for row in rows:
        said = row.get("answers", {})
        answers = {owner: Choice(said[owner]) if owner in said else None for owner in owners}
        for year in row.get("years", [row.get("year")]):
            yield Renewal(year, Told(row["told"]), answers, tuple(row["sources"]))


COURSES: tuple[Course, ...] = tuple(
    Course(rule, shield) for rule in (None, *RuleReading) for shield in Shield
)
"""Every course, as reported first."""


@dataclass(frozen=True, slots=True)
class Period:
    """One version of the agreement in a course: a text, its civil days, and the shield above it."""

    text: str
    from_day: date
    through_day: date
    shield: Shield
    version: Version


@cache
def periods(course: Course) -> tuple[Period, ...]:
    """The versions of a course in order: a term for every year gone on with, the text changed by the ballot.

    The shield is no change of the text but the bar, which begins on its day: under the shield of 2009 it
    stands for ten months above a text that still grants victims and witnesses.
    """
    told = story()
    cut = told.amended
    found = []
    for begins, through in _terms(told, course.rule):
        if begins < cut:
            last = min(through, cut - timedelta(days=1))
            found.append(_period(told.before, begins, last, course.shield))
        if through >= cut:
            found.append(_period(told.after, max(begins, cut), through, course.shield))
    return tuple(found)


def _terms(told: Story, rule: RuleReading | None) -> Iterator[tuple[date, date]]:
    begins = told.signed
    for renewal in told.renewals:
        through = date(renewal.year, *told.year_ends)
        yield begins, through
        if renewal.fate(rule) is Fate.ENDS:
            return
        begins = through + timedelta(days=1)


def shield_day(shield: Shield) -> date:
    """The civil day on which the shield begins, by the story's data or by the pack's bar."""
    day = story().shields[shield]
    if day is not None:
        return day
    begins = _shield_bar(_read(story().before)).begins
    if begins is None:
        raise ValueError("the pack's bar has no beginning: the shield has no day")
    return begins.astimezone(ZONE).date()


def _shield_bar(version: Version) -> Bar:
    return next(bar for bar in version.bars if bar.id == story().shield_bar)


@cache
def _read(name: str) -> Version:
    return _version(agreed.text(name))


def _version(text: str) -> Version:
    agreement = read(text).agreement
    if agreement is None:
        raise ValueError("a text of the scenario is not an agreement")
    return version_of(agreement)


@cache
def _period(text: str, begins: date, through: date, shield: Shield) -> Period:
    version = _version(agreed.with_term(agreed.text(text), begins=begins, through=through))
    starts = start_of(shield_day(shield))
    bars = tuple(replace(bar, begins=starts) if bar.id == story().shield_bar else bar for bar in version.bars)
    return Period(text, begins, through, shield, replace(version, bars=bars))


def start_of(day: date) -> datetime:
    """The instant at which a civil day begins in the city's zone."""
    at = midnight(day, ZONE)
    if at is None:
        raise ValueError("this midnight is not exactly one instant")
    return at
