# SPDX-License-Identifier: Apache-2.0
"""The ballot box: which ballot goes in, and what the owners are told of a count. Pure.

`ballots` says which of the ballots that are in there count; what is refused here is never kept.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from openpars.agreements.ballots import (
    LONGEST,
    Ballot,
    BallotKey,
    Choice,
    Count,
    Outcome,
    Question,
    Round,
    answers,
    signed,
    statement,
)
from openpars.agreements.bars import voided
from openpars.agreements.check import missing_topics
from openpars.agreements.model import Version
from openpars.agreements.register import STANDING
from openpars.errors import Code, refuse

DEMO_LIFE = timedelta(days=30)  # how long a demo ballot without an expiry counts
_OVER = ("ended", "superseded")


@dataclass(frozen=True, slots=True)
class Asked:
    """A ballot as it arrived. `stakeholder` is who signed in, never what the request says.

    `round` None: the one that is open, which is said so only by an unsigned ballot. `key`: the fingerprint
    of the key it is signed with.
    """

    agreement: str
    version: int
    stakeholder: str
    question: Question
    choice: Choice
    hash: str | None = None
    expires: datetime | None = None
    signature: str | None = None
    round: int | None = None
    key: str | None = None


def open_to_votes(state: str, question: Question) -> None:
    """Whether a version in this state can be voted on. Raises Refused CONFLICT."""
    if question is Question.END and state not in (*STANDING, "balloted"):
        raise refuse(Code.CONFLICT, "this version is not in force, so there is nothing to end", "version")
    if question is not Question.END and state != "proposed":
        raise refuse(Code.CONFLICT, "this version is already decided", "version")


def may_carry(wanted: Version, question: Question, now: datetime, *, demo: bool) -> None:
    """Whether a vote could put this text into force. Raises Refused CONFLICT."""
    if question is Question.END:
        return
    # It may have been proposed before the bar was switched on, or while the city was a demo.
    bar = voided(wanted, now)
    if bar is not None:
        raise refuse(Code.CONFLICT, f"no vote can make this text share anything: {bar.cited}", "version")
    if not demo and (missing := missing_topics(wanted.agreement)):
        raise refuse(Code.CONFLICT, f"[cjis] of this text does not cover: {', '.join(missing)}", "version")


def open_round_of(rounds: tuple[Round, ...]) -> Round | None:
    """The round that is still open among those about one matter, oldest first: only the last can be."""
    last = rounds[-1] if rounds else None
    return last if last is not None and last.outcome is Outcome.PENDING else None


def overdue(asked: Round, state: str, now: datetime) -> bool:
    """Whether an open round is to be closed: its date has come, or the version it is about is over."""
    return now >= asked.closes_at or state in _OVER


def in_round(asked: Asked, standing: Round, question: Question, rules: int, now: datetime) -> None:
    """Whether the ballot answers what that round asks, in time. Raises Refused CONFLICT.

    `question`, `rules`: what the question is as things stand, and the version whose rules decide.
    """
    if asked.round is not None and asked.round != standing.number:
        raise refuse(Code.CONFLICT, "this ballot is of another round than the one that is open", "round")
    if now >= standing.closes_at:
        raise refuse(Code.CONFLICT, "this round is closed: who was silent has been silent", "round")
    if (standing.question, standing.rules) != (question, rules):
        why = "what is in force has changed since this was asked: it must be asked again"
        raise refuse(Code.CONFLICT, why, "question")


def checked(asked: Asked, standing: Round, text_hash: str, now: datetime, *, demo: bool) -> Ballot:
    """The ballot as it would be kept. Raises Refused INVALID: `hash`, `round`, `expires`.

    Only in demo mode may it leave out the hash, the round and the expiry.
    """
    if asked.hash != text_hash and not (demo and asked.hash is None):
        raise refuse(
            Code.INVALID, "the ballot is not for this text: `hash` must be the version's hash", "hash"
        )
    if asked.round is None and not demo:
        raise refuse(Code.INVALID, "a signed ballot names its round", "round")
    expires = asked.expires
    if expires is None and demo:
        expires = now + DEMO_LIFE
    if expires is None or expires.tzinfo is None or not now < expires <= now + LONGEST:
        raise refuse(
            Code.INVALID, "`expires` must be an instant with an offset, within the next year", "expires"
        )
    return Ballot(
        asked.stakeholder,
        asked.agreement,
        asked.version,
        text_hash,
        asked.question,
        asked.choice,
        expires,
        now,
        asked.signature,
        standing.number,
        asked.key,
    )


def needs_key(ballot: Ballot, *, demo: bool) -> bool:
    """Whether its signature is to be verified: always, but for a demo's ballot that claims none."""
    return ballot.signature is not None or ballot.key is not None or not demo


def verified(ballot: Ballot, good: dict[str, BallotKey]) -> None:
    """Whether a key of its stakeholder that holds has signed it. Raises Refused INVALID.

    `good`: the provider's keys to be believed, by fingerprint.
    """
    if ballot.signature is None:
        raise refuse(Code.INVALID, "a ballot must be signed with the stakeholder's own key", "signature")
    if ballot.key is None:
        raise refuse(Code.INVALID, "name the key it is signed with: `key` is its fingerprint", "signature")
    key = good.get(ballot.key)
    if key is None:
        raise refuse(Code.INVALID, "no such ballot key is registered", "key")
    if key.stakeholder != ballot.stakeholder:
        raise refuse(Code.INVALID, "this is the key of another stakeholder", "key")
    if not key.holds(ballot.at):
        raise refuse(Code.INVALID, "this key is revoked", "key")
    if not signed(key.public_key, ballot.signature, statement(ballot)):
        raise refuse(Code.INVALID, "the signature is not this key's over this statement", "signature")


def takes_place(ballot: Ballot, before: Iterable[Ballot]) -> bool:
    """Whether its stakeholder has answered in this round before: the new ballot takes that one's place."""
    return any(
        answers(one, ballot.question) is not None
        and (one.stakeholder, one.round) == (ballot.stakeholder, ballot.round)
        for one in before
    )


def told(result: Count) -> str:
    """A count in words, as the event of a decided round tells it."""
    return f"yes {result.yes}, no {result.no}, abstain {result.abstain}, silent {len(result.silent)}"
