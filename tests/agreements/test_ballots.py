# SPDX-License-Identifier: Apache-2.0
"""Counting: the reported readings of the rule, silence, replacement, expiry, and any order of arrival."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import permutations, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openpars.agreements.ballots import Ballot, Choice, Outcome, Question, count, statement
from openpars.agreements.model import Decision, Silence
from tests.agreements.worlds import NOON, OWNERS

YES, NO, ABSTAIN = Choice
LATER = NOON + timedelta(days=1)
TEXT = "ab" * 32


def decision(rule: str, silence: Silence = Silence.LAPSE) -> Decision:
    return Decision(OWNERS, rule, rule, rule, rule, silence)


def ballot(
    who: str, choice: Choice, *, minutes: int = 0, question: Question = Question.RENEW, days: int = 30
) -> Ballot:
    at = NOON + timedelta(minutes=minutes)
    return Ballot(who, "ice-pars", 2, TEXT, question, choice, at + timedelta(days=days), at)


def outcome(
    rule: str, choices: dict[str, Choice], *, closed: bool = False, silence: Silence = Silence.LAPSE
) -> Outcome:
    ballots = [ballot(who, choice) for who, choice in choices.items()]
    return count(decision(rule, silence), Question.RENEW, ballots, at=LATER, closed=closed).outcome


def test_2010_three_to_nothing() -> None:
    for rule in ("2 of 3", "3 of 3", "consensus"):
        assert outcome(rule, dict.fromkeys(OWNERS, YES)) is Outcome.CARRIED


def test_2018_no_no_abstain_ends_under_every_reading() -> None:
    cast = {"district-attorney": NO, "police": NO, "courts": ABSTAIN}
    for rule in ("1 of 3", "2 of 3", "3 of 3", "consensus"):
        assert outcome(rule, cast) is Outcome.LOST


@pytest.mark.parametrize(
    ("rule", "cast", "lapse", "goes_on"),
    [
        # One no and two silent: here the readings part.
        ("2 of 3", {"police": NO}, Outcome.LOST, Outcome.CARRIED),
        ("consensus", {"police": NO}, Outcome.LOST, Outcome.LOST),
        ("3 of 3", {"police": NO}, Outcome.LOST, Outcome.LOST),
        ("2 of 3", {"police": YES, "courts": NO, "district-attorney": ABSTAIN}, Outcome.LOST, Outcome.LOST),
        (
            "1 of 3",
            {"police": YES, "courts": NO, "district-attorney": ABSTAIN},
            Outcome.CARRIED,
            Outcome.CARRIED,
        ),
        ("2 of 3", {}, Outcome.LOST, Outcome.CARRIED),
        ("consensus", {}, Outcome.LOST, Outcome.CARRIED),
        ("consensus", {"police": YES, "courts": ABSTAIN}, Outcome.LOST, Outcome.CARRIED),
    ],
)
def test_what_silence_means_when_the_question_closes(
    rule: str, cast: dict[str, Choice], lapse: Outcome, goes_on: Outcome
) -> None:
    assert outcome(rule, cast, closed=True, silence=Silence.LAPSE) is lapse
    assert outcome(rule, cast, closed=True, silence=Silence.CONTINUE) is goes_on


def test_silence_never_enacts_and_never_ends() -> None:
    for question in (Question.ENACT, Question.END, Question.AMEND):
        result = count(decision("2 of 3", Silence.CONTINUE), question, [], at=LATER, closed=True)
        assert result.outcome is Outcome.LOST


def test_pending_while_it_can_still_turn_out_either_way() -> None:
    assert outcome("2 of 3", {"police": YES}) is Outcome.PENDING
    assert outcome("2 of 3", {"police": YES, "courts": NO}) is Outcome.PENDING
    assert outcome("2 of 3", {"police": ABSTAIN, "courts": NO}) is Outcome.LOST
    assert outcome("consensus", {"police": YES, "courts": YES}) is Outcome.PENDING


def test_the_last_word_counts_until_the_outcome_is_decided() -> None:
    changed = [ballot("police", YES), ballot("police", NO, minutes=1), ballot("courts", YES, minutes=2)]
    assert count(decision("2 of 3"), Question.RENEW, changed, at=LATER).outcome is Outcome.PENDING
    too_late = [ballot("police", YES), ballot("courts", YES, minutes=1), ballot("police", NO, minutes=2)]
    result = count(decision("2 of 3"), Question.RENEW, too_late, at=LATER)
    assert (result.outcome, result.decided_at) == (Outcome.CARRIED, NOON + timedelta(minutes=1))


def test_what_does_not_count() -> None:
    stranger = ballot("mayor", YES)
    other_question = ballot("courts", YES, question=Question.END)
    expired = replace(ballot("district-attorney", YES), expires=NOON + timedelta(minutes=1))
    later = ballot("police", YES, minutes=5)
    result = count(decision("2 of 3"), Question.RENEW, [stranger, other_question, expired, later], at=LATER)
    assert (result.outcome, result.yes, result.silent) == (
        Outcome.PENDING,
        1,
        ("courts", "district-attorney"),
    )
    assert count(decision("1 of 3"), Question.RENEW, [later], at=NOON).yes == 0


def test_every_order_of_arrival_gives_one_outcome() -> None:
    for rule, silence, closed in product(("1 of 3", "2 of 3", "3 of 3", "consensus"), Silence, (True, False)):
        for cast in product((*Choice, None), repeat=3):
            given_choices = [
                (who, choice) for who, choice in zip(OWNERS, cast, strict=True) if choice is not None
            ]
            seen = set()
            for order in permutations(given_choices):
                ballots = [ballot(who, choice, minutes=minute) for minute, (who, choice) in enumerate(order)]
                result = count(decision(rule, silence), Question.RENEW, ballots, at=LATER, closed=closed)
                seen.add(result.outcome)
            assert len(seen) == 1, (rule, silence, closed, cast)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(OWNERS), st.sampled_from(Choice), st.integers(0, 5)), max_size=8),
    st.sampled_from(["1 of 3", "2 of 3", "3 of 3", "consensus"]),
    st.randoms(use_true_random=False),
)
def test_the_order_of_the_list_does_not_matter(
    cast: list[tuple[str, Choice, int]], rule: str, random: object
) -> None:
    ballots = [ballot(who, choice, minutes=minute) for who, choice, minute in cast]
    shuffled = list(ballots)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    results = {count(decision(rule), Question.RENEW, one, at=LATER).outcome for one in (ballots, shuffled)}
    assert len(results) == 1


def test_the_statement_names_everything_that_gives_a_ballot_its_effect() -> None:
    one = ballot("police", YES)
    others = [
        replace(one, stakeholder="courts"),
        replace(one, agreement="x"),
        replace(one, version=3),
        replace(one, hash="cd" * 32),
        replace(one, question=Question.END),
        replace(one, choice=NO),
        replace(one, expires=LATER),
    ]
    assert len({statement(ballot) for ballot in (one, *others)}) == 8
    assert statement(replace(one, at=LATER, signature="x")) == statement(one)
