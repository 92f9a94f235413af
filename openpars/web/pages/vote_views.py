# SPDX-License-Identifier: Apache-2.0
"""What the owners are asked, as the templates read it; and each ballot with what is known of it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from openpars.agreements.ballots import (
    Ballot,
    BallotKey,
    Logged,
    Outcome,
    Question,
    Round,
    answers,
    doubt,
    good_keys,
    rule_for,
)
from openpars.agreements.language import plain
from openpars.agreements.language.plain import Section
from openpars.agreements.language.words import ENGLISH
from openpars.agreements.model import Silence, Version
from openpars.agreements.register import Entry
from openpars.web.pages.models import BallotView, RoundView

ASKED: Mapping[Question, str] = {
    Question.ENACT: "Shall this text come into force?",
    Question.RENEW: "Shall this text take the place of the one in force, for another term?",
    Question.AMEND: "Shall this text take the place of the one in force, with what it changes?",
    Question.END: "Shall this agreement end?",
}


@dataclass(frozen=True, slots=True)
class Voice:
    """What one owner has said in this round; `said` empty: nothing yet."""

    who: str
    said: str
    signed: bool


@dataclass(frozen=True, slots=True)
class VoteView:
    """One open question. `beside`: the version in force, whose rules decide; None where there is none."""

    agreement: str
    version: int
    title: str
    recipient: str
    hash: str
    question: str
    asked: str
    round: int
    asked_by: str
    asked_at: datetime
    closes_at: datetime
    rule: str
    silence: str
    beside: int | None
    voices: tuple[Voice, ...]
    plain: tuple[Section, ...]
    ballots: tuple[BallotView, ...]

    @property
    def href(self) -> str:
        """Its page at the desk."""
        return f"/desk/votes/{self.agreement}/{self.version}/{self.question}"


@dataclass(frozen=True, slots=True)
class Belief:
    """By what ballots are judged: the keys as they stand, what the log says, whether this is a demo."""

    keys: tuple[BallotKey, ...]
    logged: Logged
    demo: bool


def open_votes(
    entries: Sequence[Entry], versions: Mapping[tuple[str, int], Version | None], belief: Belief
) -> tuple[VoteView, ...]:
    """Every open question, the one that closes first on top."""
    found = [
        _vote(entry, asked, version, rules, belief)
        for entry in entries
        for asked in entry.rounds
        if asked.outcome is Outcome.PENDING
        and entry.state not in {"ended", "superseded"}
        and (version := versions.get((entry.agreement, entry.version))) is not None
        and (rules := versions.get((entry.agreement, asked.rules))) is not None
    ]
    return tuple(sorted(found, key=lambda one: (one.closes_at, one.agreement)))


def _vote(entry: Entry, asked: Round, version: Version, rules: Version, belief: Belief) -> VoteView:
    decision = rules.agreement.decision
    shown = ballots(entry, belief)
    standing = [
        one
        for one in shown
        if one.round == asked.number
        and one.ending is (asked.question is Question.END)
        and one.state == "counts"
    ]
    said = {one.who: (one.choice, not one.unsigned) for one in standing}
    goes_on = decision.silence is Silence.CONTINUE and asked.question is Question.RENEW
    rule = rule_for(decision, asked.question)
    words = "nobody says no, and somebody says yes" if rule == "consensus" else f"{rule} say yes"
    return VoteView(
        entry.agreement,
        entry.version,
        version.agreement.title or entry.agreement,
        entry.recipient,
        entry.hash,
        asked.question.value,
        ASKED[asked.question],
        asked.number,
        asked.asked_by,
        asked.asked_at,
        asked.closes_at,
        f"It is carried if {words}.",
        f"An owner who has said nothing by then counts as a {'yes' if goes_on else 'no'}.",
        asked.rules if asked.rules != entry.version else None,
        tuple(Voice(who, *said.get(who, ("", False))) for who in decision.stakeholders),
        plain.sections(version, ENGLISH),
        shown,
    )


def ballots(entry: Entry, belief: Belief) -> tuple[BallotView, ...]:
    """Every ballot that stands in the table, and whether it counts: what is forged is shown as such."""
    good = good_keys(belief.keys, belief.logged)
    doubts = [
        doubt(one, good, belief.logged, provider=entry.provider, text_hash=entry.hash, demo=belief.demo)
        for one in entry.ballots
    ]
    labels = {key.id: key.label for key in belief.keys}
    found = []
    for number, (one, why) in enumerate(zip(entry.ballots, doubts, strict=True)):
        key = good.get(one.key or "")
        later = [b for b, other in zip(entry.ballots, doubts, strict=True) if other is None and b.at > one.at]
        state = "counts"
        if why is not None:
            state = why.value
        elif any(_replaces(b, one) for b in later):
            state = "replaced"
        elif key is not None and key.revoked_at is not None:
            state = "key_revoked_since"
        found.append(_shown(one, number + 1, labels.get(one.key or "", ""), state))
    return tuple(found)


def _replaces(later: Ballot, one: Ballot) -> bool:
    same = answers(later, one.question) is not None
    return same and (later.stakeholder, later.round) == (one.stakeholder, one.round)


def _shown(one: Ballot, number: int, delegate: str, state: str) -> BallotView:
    return BallotView(
        one.stakeholder,
        one.question.value,
        one.choice.value,
        one.at,
        one.signature is None,
        number=number,
        delegate=delegate,
        key=one.key or "",
        round=one.round,
        expires=one.expires,
        state=state,
        ending=one.question is Question.END,
    )


def rounds(entry: Entry) -> tuple[RoundView, ...]:
    """The questions asked about one version, in the order of asking."""
    return tuple(
        RoundView(
            one.question.value,
            one.number,
            one.asked_by,
            one.asked_at,
            one.closes_at,
            one.outcome.value,
            one.decided_at,
        )
        for one in entry.rounds
    )
