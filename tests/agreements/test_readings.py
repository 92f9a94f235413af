# SPDX-License-Identifier: Apache-2.0
"""The readings of the disputed rule, over all 64 ways in which three owners can answer."""

from __future__ import annotations

from itertools import product

import pytest

from openpars.agreements.ballots import Choice
from openpars.agreements.votes.readings import (
    CASES,
    RULES,
    Answers,
    Fate,
    RuleReading,
    agreed,
    every_answer,
    fate,
    fates,
)
from openpars.web.pages.words import LANGUAGES, Words

OWNERS = ("police", "district-attorney", "courts")
YES, NO, ABSTAIN = Choice
ALL = [dict(zip(OWNERS, said, strict=True)) for said in product((YES, NO, ABSTAIN, None), repeat=3)]
GOES_ON, ENDS = Fate.CONTINUES, Fate.ENDS


def by_the_sources(reading: RuleReading, answers: Answers) -> Fate:
    """The sources' sentences, counted by hand: shares nothing with `ballots.count`."""
    said = list(answers.values())
    goes_on = {
        # "at least two of the three would have to vote in favor of continuing"
        RuleReading.TWO_TO_CONTINUE: said.count(YES) >= 2,
        # "two of three had to vote to end it"
        RuleReading.TWO_TO_END: said.count(NO) < 2,
        # "consensus among the three": nobody objects, and not all of them stand aside
        RuleReading.CONSENSUS: NO not in said and said != [ABSTAIN, ABSTAIN, ABSTAIN],
    }
    return GOES_ON if goes_on[reading] else ENDS


@pytest.mark.parametrize("reading", RuleReading)
def test_each_reading_over_every_answer(reading: RuleReading) -> None:
    assert len(ALL) == 64
    for answers in ALL:
        assert fate(reading, answers) is by_the_sources(reading, answers), answers


def test_every_answer_is_every_answer() -> None:
    made = list(every_answer(OWNERS))
    assert len(made) == 64
    assert all(one in ALL for one in made)
    assert all(one in made for one in ALL)


def test_who_said_it_makes_no_difference() -> None:
    for answers in ALL:
        turned = dict(zip(OWNERS, [*answers.values()][1:] + [*answers.values()][:1], strict=True))
        assert fates(answers) == fates(turned)


def test_three_to_nothing_continues_and_two_noes_end_it_under_every_reading() -> None:
    assert agreed(dict.fromkeys(OWNERS, YES)) is GOES_ON
    cast = {"district-attorney": NO, "police": NO, "courts": ABSTAIN}  # July 2018
    assert agreed(cast) is ENDS
    assert agreed({**cast, "courts": None}) is ENDS


def test_where_the_readings_part() -> None:
    one_no = {"district-attorney": NO, "police": None, "courts": None}
    split = {"district-attorney": YES, "police": NO, "courts": ABSTAIN}
    for answers in (one_no, split):
        assert list(fates(answers).values()) == [ENDS, GOES_ON, ENDS]
        assert agreed(answers) is None


def test_a_renewal_without_ballots_needs_a_reading_other_than_the_first() -> None:
    """2011 to 2017: "agreed without formal votes". Two of three to continue cannot explain that."""
    silent: dict[str, Choice | None] = dict.fromkeys(OWNERS)
    assert list(fates(silent).values()) == [ENDS, GOES_ON, GOES_ON]


def test_how_often_they_agree() -> None:
    agreeing = [answers for answers in ALL if len({by_the_sources(r, answers) for r in RuleReading}) == 1]
    assert [answers for answers in ALL if agreed(answers) is not None] == agreeing


def test_the_cases_shown_are_those_told() -> None:
    shown = {one.id: dict(one.answers) for one in CASES}
    assert shown["2010"] == dict.fromkeys(OWNERS, YES)
    assert shown["no-ballots"] == dict.fromkeys(OWNERS)
    assert shown["2018"] == {"district-attorney": NO, "police": NO, "courts": ABSTAIN}
    assert [one.id for one in CASES if one.told] == ["2010", "no-ballots", "2018"]
    assert all(agreed(dict(one.answers)) is None for one in CASES if not one.told)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_each_reading_and_case_has_its_words(lang: str) -> None:
    words = Words(lang)
    for reading, rule in RULES.items():
        assert rule.sources
        assert all(words(f"reading.{reading}.{part}") for part in ("name", "rule", "silence", "abstain"))
    for fate_word in Fate:
        assert words(f"fate.{fate_word}")
    for case in CASES:
        assert words(f"case.{case.id}.who")
        assert words(f"case.{case.id}.when")
