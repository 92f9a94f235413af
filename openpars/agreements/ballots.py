# SPDX-License-Identifier: Apache-2.0
"""Counting ballots by a rule that is data. Pure: the same ballots give the same outcome in any order.

Sources disagree whether two of three had to vote to continue, or two of three to end, or whether
consensus carried the agreement on; so the rule stands in the agreement, and silence has a stated meaning.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from openpars.agreements.model import Decision, Silence
from openpars.record.catalogue import instant


class Question(StrEnum):
    """What a ballot answers. `renew` and `amend` are about a new version, `end` about the one in force."""

    ENACT = "enact"
    RENEW = "renew"
    END = "end"
    AMEND = "amend"


class Choice(StrEnum):
    """What a stakeholder says."""

    YES = "yes"
    NO = "no"
    ABSTAIN = "abstain"


class Outcome(StrEnum):
    """What the ballots decided so far."""

    PENDING = "pending"
    CARRIED = "carried"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Ballot:
    """One stakeholder's answer to one question about one text. `signature`: base64, None in demo mode."""

    stakeholder: str
    agreement: str
    version: int
    hash: str
    question: Question
    choice: Choice
    expires: datetime
    at: datetime
    signature: str | None = None


@dataclass(frozen=True, slots=True)
class Count:
    """The result: the outcome, how many of each choice, who is silent, and when it was decided."""

    outcome: Outcome
    yes: int
    no: int
    abstain: int
    silent: tuple[str, ...]
    decided_at: datetime | None = None


def statement(ballot: Ballot) -> str:
    """What the stakeholder signs: every word that gives the ballot its effect, one to a line."""
    lines = (
        "OpenPARS ballot v1",
        f"agreement: {ballot.agreement}",
        f"version: {ballot.version}",
        f"hash: {ballot.hash}",
        f"question: {ballot.question.value}",
        f"stakeholder: {ballot.stakeholder}",
        f"choice: {ballot.choice.value}",
        f"expires: {instant(ballot.expires)}",
    )
    return "\n".join(lines) + "\n"


def rule_for(decision: Decision, question: Question) -> str:
    """The rule by which a question is decided."""
    match question:
        case Question.ENACT:
            return decision.enact
        case Question.RENEW:
            return decision.renew
        case Question.END:
            return decision.end
        case Question.AMEND:
            return decision.amend


def count(
    decision: Decision, question: Question, ballots: Iterable[Ballot], *, at: datetime, closed: bool = False
) -> Count:
    """Count the ballots that came by `at`. `closed`: nobody else will vote, so silence takes its meaning.

    One ballot of each stakeholder counts, the latest before the outcome is decided; what is decided stays
    decided. A ballot of somebody else, on another question, or past its expiry does not count.
    """
    valid = [
        b for b in ballots if b.stakeholder in decision.stakeholders and b.question is question and b.at <= at
    ]
    # By time, then by content: never by the order in which they were handed over.
    valid.sort(key=lambda b: (b.at, b.stakeholder, b.choice.value, b.expires))
    standing: dict[str, Ballot] = {}
    moments = sorted({b.at for b in valid})
    for moment in moments:
        standing |= {b.stakeholder: b for b in valid if b.at == moment}
        result = _tally(decision, question, _live(standing, moment), closed=False)
        if result.outcome is not Outcome.PENDING:
            return _dated(result, moment)
    result = _tally(decision, question, _live(standing, at), closed=closed)
    return result if result.outcome is Outcome.PENDING else _dated(result, at)


def _dated(result: Count, moment: datetime) -> Count:
    return Count(result.outcome, result.yes, result.no, result.abstain, result.silent, moment)


def _live(standing: dict[str, Ballot], moment: datetime) -> dict[str, Choice]:
    return {who: ballot.choice for who, ballot in standing.items() if moment < ballot.expires}


def _tally(decision: Decision, question: Question, cast: dict[str, Choice], *, closed: bool) -> Count:
    choices = list(cast.values())
    yes, no, abstain = (choices.count(choice) for choice in (Choice.YES, Choice.NO, Choice.ABSTAIN))
    silent = tuple(who for who in decision.stakeholders if who not in cast)
    outcome = _outcome(
        rule_for(decision, question), len(decision.stakeholders), yes=yes, no=no, waiting=len(silent)
    )
    if closed and outcome is Outcome.PENDING:
        # "continue" means that things go on as they are: silence is a yes to renewing and a no to all else.
        goes_on = decision.silence is Silence.CONTINUE and question is Question.RENEW
        yes_then, no_then = (yes + len(silent), no) if goes_on else (yes, no + len(silent))
        outcome = _outcome(
            rule_for(decision, question), len(decision.stakeholders), yes=yes_then, no=no_then, waiting=0
        )
    return Count(outcome, yes, no, abstain, silent)


def _outcome(rule: str, stakeholders: int, *, yes: int, no: int, waiting: int) -> Outcome:
    """`waiting`: may still speak. Consensus: nobody says no, somebody says yes, all have spoken."""
    if rule == "consensus":
        if no:
            return Outcome.LOST
        if waiting:
            return Outcome.PENDING
        return Outcome.CARRIED if yes else Outcome.LOST
    needed = int(rule.split(" of ", 1)[0])
    if yes >= needed:
        return Outcome.CARRIED
    # Silent owners can still make the number; owners who said no or abstained have spoken.
    return Outcome.PENDING if stakeholders and yes + waiting >= needed else Outcome.LOST
