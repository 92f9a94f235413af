# SPDX-License-Identifier: Apache-2.0
"""The readings of one disputed rule of the vote: what the sources say, and what follows from each.

Whether two of three owners had to vote to go on with the agreement of 2008, or two of three to end it, or
consensus carried it on, no source settles. So none of them is chosen here: each is a value, `ballots.count`
decides by each, and whoever reads sees where they agree and where they do not. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import product

from openpars.agreements.ballots import Ballot, Choice, Outcome, Question, count
from openpars.agreements.model import Decision, Silence


class RuleReading(StrEnum):
    """A reading of the rule by which the owners went on with the agreement of 2008, or did not."""

    TWO_TO_CONTINUE = "two-to-continue"
    TWO_TO_END = "two-to-end"
    CONSENSUS = "consensus"


class Fate(StrEnum):
    """What becomes of an agreement when the question of going on with it closes."""

    CONTINUES = "continues"
    ENDS = "ends"


@dataclass(frozen=True, slots=True)
class Source:
    """Where something is told. `day`: an ISO date, a month or a year. `url` None: seen, address not kept."""

    name: str
    day: str
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """One reading as data that `ballots.count` obeys.

    `question` is what the owners are taken to answer: to renew, or to end. `quote` is the source's own
    sentence. The sources give the numbers; what silence and abstention mean is inferred from their words.
    """

    reading: RuleReading
    question: Question
    rule: str
    silence: Silence
    quote: str
    sources: tuple[Source, ...]


Answers = Mapping[str, Choice | None]
"""What each owner says about going on: yes, no, abstain, or None for silence."""

RULES: Mapping[RuleReading, Rule] = {
    rule.reading: rule
    for rule in (
        Rule(
            RuleReading.TWO_TO_CONTINUE,
            Question.RENEW,
            "2 of 3",
            Silence.LAPSE,
            "At least two of the three would have to vote in favor of continuing",
            (
                Source(
                    "Associated Press",
                    "2018-07-11",
                    "https://www.montereyherald.com/2018/07/11/philadelphia-prosecutor-says-no-to-contract-renewal-with-ice/",
                ),
                Source(
                    "Young Philly Politics",
                    "2010",
                    "http://youngphillypolitics.com/ice_access_pars_degrades_public_safety_philadelphia",
                ),
            ),
        ),
        Rule(
            RuleReading.TWO_TO_END,
            Question.END,
            "2 of 3",
            Silence.CONTINUE,
            "Two of three had to vote to end it",
            (
                Source("Associated Press", "2018-07-27"),
                Source(
                    "Associated Press, an earlier draft",
                    "2018-07",
                    "https://www.breitbart.com/news/philadelphia-prosecutor-says-no-to-contract-renewal-with-ice/",
                ),
            ),
        ),
        Rule(
            RuleReading.CONSENSUS,
            Question.RENEW,
            "consensus",
            Silence.CONTINUE,
            "Consensus among the three allowed it to continue",
            (Source("Pittsburgh Post-Gazette", "2018-07"),),
        ),
    )
}
"""Every reading, in the order in which pages show them."""


@dataclass(frozen=True, slots=True)
class Case:
    """Ballots worth showing. `id` names their words on a page; `told`: reported, else an example of ours."""

    id: str
    answers: tuple[tuple[str, Choice | None], ...]
    told: bool


def _case(name: str, da: Choice | None, police: Choice | None, courts: Choice | None, *, told: bool) -> Case:
    return Case(name, (("district-attorney", da), ("police", police), ("courts", courts)), told)


CASES: tuple[Case, ...] = (
    _case("2010", Choice.YES, Choice.YES, Choice.YES, told=True),
    _case("no-ballots", None, None, None, told=True),
    _case("2018", Choice.NO, Choice.NO, Choice.ABSTAIN, told=True),
    _case("one-no", Choice.NO, None, None, told=False),
    _case("split", Choice.YES, Choice.NO, Choice.ABSTAIN, told=False),
)
"""16 July 2010, the years 2011 to 2017 without ballots, July 2018; and two where the readings part."""

DISPUTED = frozenset({"ice-pars"})
"""Agreements whose rule the sources tell in more than one way."""

_HELD = datetime(2000, 1, 1, tzinfo=UTC)  # any instant: a closed count depends on what was said, not when


def fate(reading: RuleReading, answers: Answers) -> Fate:
    """What becomes of the agreement under one reading, when nobody else will speak.

    Under `two-to-end` the ballots answer the opposite question: a no to going on is a yes to ending.
    """
    rule = RULES[reading]
    decision = Decision(tuple(sorted(answers)), rule.rule, rule.rule, rule.rule, rule.rule, rule.silence)
    ending = rule.question is Question.END
    cast = [
        _ballot(owner, rule.question, _opposite(choice) if ending else choice)
        for owner, choice in answers.items()
        if choice is not None
    ]
    carried = count(decision, rule.question, cast, at=_HELD, closed=True).outcome is Outcome.CARRIED
    return Fate.ENDS if carried is ending else Fate.CONTINUES


def _opposite(choice: Choice) -> Choice:
    return {Choice.YES: Choice.NO, Choice.NO: Choice.YES, Choice.ABSTAIN: Choice.ABSTAIN}[choice]


def _ballot(owner: str, question: Question, choice: Choice) -> Ballot:
    return Ballot(owner, "", 1, "", question, choice, _HELD + timedelta(days=1), _HELD)


def fates(answers: Answers) -> Mapping[RuleReading, Fate]:
    """What becomes of the agreement under each reading."""
    return {reading: fate(reading, answers) for reading in RULES}


def agreed(answers: Answers) -> Fate | None:
    """What all readings say, or None where they part."""
    found = set(fates(answers).values())
    return found.pop() if len(found) == 1 else None


def every_answer(owners: tuple[str, ...]) -> Iterator[dict[str, Choice | None]]:
    """Each way in which the owners can answer: yes, no, abstain or silence, by each of them."""
    for said in product((*Choice, None), repeat=len(owners)):
        yield dict(zip(owners, said, strict=True))
