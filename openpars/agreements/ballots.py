# SPDX-License-Identifier: Apache-2.0
"""Ballots: what is signed, which of them are to be believed, and how they are counted. Pure.

Sources disagree whether two of three had to vote to continue, or two of three to end, or whether
consensus carried the agreement on; so the rule stands in the agreement, and silence has a stated meaning.

Nothing here trusts the table that ballots are kept in: who may write there can write a row. A ballot
counts because a delegate's key signed it, and the key because its owner's keys vouch for it. The same
ballots and keys give the same outcome in any order, for whoever counts them again.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from openpars.agreements.model import Agreement, Decision, Silence
from openpars.errors import Code, refuse
from openpars.log.leaf import canonical
from openpars.record.catalogue import instant

LONGEST = timedelta(days=366)
"""For how long a ballot may count, and a question stay open, at most."""


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
    """What the ballots decided. `void`: the question fell away before they did."""

    PENDING = "pending"
    CARRIED = "carried"
    LOST = "lost"
    VOID = "void"


class Doubt(StrEnum):
    """Why a ballot that stands in the table does not count, the gravest reason first."""

    NOT_LOGGED = "not_logged"
    UNSIGNED = "unsigned"
    UNKNOWN_KEY = "unknown_key"
    OTHER_BODY = "other_body"
    BAD_SIGNATURE = "bad_signature"
    REVOKED_KEY = "revoked_key"
    OTHER_TEXT = "other_text"


@dataclass(frozen=True, slots=True)
class Ballot:
    """One stakeholder's answer to one question about one text.

    `round`: which asking of the question, from 1. `signature`: base64, and `key` the fingerprint of the
    key it was made with; both None for an unsigned ballot, which exists in demo mode only.
    """

    stakeholder: str
    agreement: str
    version: int
    hash: str
    question: Question
    choice: Choice
    expires: datetime
    at: datetime
    signature: str | None = None
    round: int = 1
    key: str | None = None


@dataclass(frozen=True, slots=True)
class BallotKey:
    """The public half of a delegate's key. `id`: its fingerprint, SHA-256 in hex.

    `proof` is the key's own signature over its registration, so that nobody registers a key he does not
    hold. `endorsed_by` and `endorsement`: the key of the same stakeholder that vouches for this one;
    both None for the first key of a stakeholder.
    """

    id: str
    provider: str
    stakeholder: str
    label: str
    public_key: bytes
    proof: str
    endorsed_by: str | None
    endorsement: str | None
    since: datetime
    revoked_at: datetime | None = None
    revoked_by: str | None = None
    revoked_why: str | None = None

    def holds(self, at: datetime) -> bool:
        """Whether the key is registered and not revoked at that instant."""
        return self.since <= at and (self.revoked_at is None or at < self.revoked_at)


@dataclass(frozen=True, slots=True)
class Logged:
    """What the acts tree says: the digests of its ballots and keys, and which keys it says are revoked."""

    digests: frozenset[str]
    revoked: frozenset[str]


@dataclass(frozen=True, slots=True)
class Count:
    """The result: the outcome, how many of each choice, who is silent, and when it was decided."""

    outcome: Outcome
    yes: int
    no: int
    abstain: int
    silent: tuple[str, ...]
    decided_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Round:
    """One asking of one question about one text, and until when the owners may answer.

    `rules`: the version whose rules decide. `number`: which asking, from 1. Whether a text comes into force
    is one matter, by whichever word; whether it ends is another, with rounds of its own.
    """

    agreement: str
    version: int
    question: Question
    number: int
    rules: int
    asked_by: str
    asked_at: datetime
    closes_at: datetime
    outcome: Outcome = Outcome.PENDING
    decided_at: datetime | None = None

    @property
    def said(self) -> str:
        """The round as its event tells it: by whose rules too, so that nobody moves it under easier ones."""
        rules = f"by the rules of version {self.rules}"
        return f"{self.question.value}, round {self.number}, {rules}, until {instant(self.closes_at)}"


def question_of(text: Agreement, standing: Agreement | None) -> Question:
    """What bringing a text into force means beside the text that is in force, if any.

    The texts say it, not who proposes: else a change could be voted through as a renewal.
    """
    if standing is None:
        return Question.ENACT
    return Question.RENEW if replace(text, term=standing.term) == standing else Question.AMEND


def closing(
    decision: Decision, question: Question, *, asked_at: datetime, ends: datetime, wanted: datetime | None
) -> datetime:
    """When a round closes: after the days that the rules give, or as wanted; at `ends` at the latest.

    Where silence carries (a renewal under `continue`) the owners have all their days: else who asks could
    ask at night and close before morning. So they have where the end is asked: any owner may ask that, and
    one who asked it again and again for a second would leave no round for the others' signed ballots.
    Raises Refused INVALID.
    """
    usual = asked_at + timedelta(days=decision.days_to_vote)
    if wanted is None:
        return min(usual, ends)
    if wanted.tzinfo is None or not asked_at < wanted <= asked_at + LONGEST:
        raise refuse(
            Code.INVALID, "`closes` must be an instant with an offset, within the next year", "closes"
        )
    carries = question is Question.RENEW and decision.silence is Silence.CONTINUE
    if wanted < min(usual, ends) and (carries or question is Question.END):
        why = "silence would renew this agreement" if carries else "any owner may ask for the end"
        raise refuse(Code.INVALID, f"{why}, so the owners have all {decision.days_to_vote} days", "closes")
    return min(wanted, ends)


def statement(ballot: Ballot) -> str:
    """What the stakeholder signs: every word that gives the ballot its effect, one to a line."""
    lines = (
        "OpenPARS ballot v1",
        f"agreement: {ballot.agreement}",
        f"version: {ballot.version}",
        f"hash: {ballot.hash}",
        f"question: {ballot.question.value}",
        f"round: {ballot.round}",
        f"stakeholder: {ballot.stakeholder}",
        f"key: {ballot.key or 'unsigned'}",
        f"choice: {ballot.choice.value}",
        f"expires: {instant(ballot.expires)}",
    )
    return "\n".join(lines) + "\n"


def key_statement(*, provider: str, stakeholder: str, label: str, public_key: bytes) -> str:
    """What a new key signs about itself, and what the key that vouches for it signs, too."""
    lines = (
        "OpenPARS ballot key v1",
        f"provider: {provider}",
        f"stakeholder: {stakeholder}",
        f"label: {label}",
        f"public key: {public_text(public_key)}",
    )
    return "\n".join(lines) + "\n"


def fingerprint(public_key: bytes) -> str:
    """SHA-256 of the 32 bytes, in hex: how a key is named."""
    return hashlib.sha256(public_key).hexdigest()


def public_text(public_key: bytes) -> str:
    """The public half as people copy it."""
    return "ed25519:" + base64.b64encode(public_key).decode()


def public_bytes(text: str) -> bytes | None:
    """The public half from `public_text`; None for anything else."""
    kind, _, encoded = text.partition(":")
    raw = _base64(encoded)
    return raw if kind == "ed25519" and raw is not None and len(raw) == 32 else None


def _base64(text: str) -> bytes | None:
    try:
        return base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeError):
        return None


# For these points anybody can make a signature that verifies: the library lets them pass (RFC 8032, 5.1.7).
# Without the sign bit, and in every way a small point can be written: 2**255 - 19 is one more name of 0.
_SMALL_ORDER = frozenset(
    bytes.fromhex(point)
    for point in (
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    )
)


def _anybodys(public_key: bytes) -> bool:
    return bytes((*public_key[:-1], public_key[-1] & 0x7F)) in _SMALL_ORDER


def signed(public_key: bytes, signature: str | None, message: str) -> bool:
    """Whether `signature` (base64) is this key's over the message."""
    raw = None if signature is None else _base64(signature)
    if raw is None or not public_key or _anybodys(public_key):
        return False
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(raw, message.encode())
    except (InvalidSignature, ValueError):
        return False
    return True


def ballot_digest(ballot: Ballot) -> str:
    """SHA-256 (hex) of all that is kept of a ballot: what its leaf in the acts tree carries."""
    return _digest(statement(ballot), instant(ballot.at), ballot.signature)


def key_digest(key: BallotKey) -> str:
    """The same of a key as it was registered; a revocation has a digest of its own."""
    said = key_statement(
        provider=key.provider, stakeholder=key.stakeholder, label=key.label, public_key=key.public_key
    )
    return _digest(said, instant(key.since), key.proof, key.endorsed_by, key.endorsement)


def revocation_digest(key: BallotKey) -> str:
    """The same of a revocation. `key` MUST be revoked."""
    at = None if key.revoked_at is None else instant(key.revoked_at)
    return _digest("revoked", key.id, at, key.revoked_by, key.revoked_why)


def _digest(*parts: str | None) -> str:
    # A JSON list (RFC 8785): no part can pass for the end of another, and anybody can write it again.
    return hashlib.sha256(canonical(parts)).hexdigest()


def good_keys(keys: Iterable[BallotKey], logged: Logged) -> dict[str, BallotKey]:
    """The keys to be believed, by fingerprint. A row alone makes no voter.

    A key is good when the log has it, it has signed for itself, and a good key of the same stakeholder
    that held then vouches for it; or when no key of that stakeholder held then: the founding one. A key
    that the log says is revoked and the table does not is not good at all: somebody took the revocation
    away, and nobody knows when it was.
    """
    found: dict[str, BallotKey] = {}
    for key in sorted(keys, key=lambda one: (one.since, one.id)):
        undone = key.id in logged.revoked and key.revoked_at is None
        if not undone and key_digest(key) in logged.digests and _vouched(key, found.values()):
            found[key.id] = key
    return found


def _vouched(key: BallotKey, before: Iterable[BallotKey]) -> bool:
    said = key_statement(
        provider=key.provider, stakeholder=key.stakeholder, label=key.label, public_key=key.public_key
    )
    if key.id != fingerprint(key.public_key) or not signed(key.public_key, key.proof, said):
        return False
    own = [
        one
        for one in before
        if (one.provider, one.stakeholder) == (key.provider, key.stakeholder) and one.holds(key.since)
    ]
    if not own:
        return key.endorsed_by is None
    return any(one.id == key.endorsed_by and signed(one.public_key, key.endorsement, said) for one in own)


def doubt(
    ballot: Ballot,
    keys: Mapping[str, BallotKey],
    logged: Logged,
    *,
    provider: str,
    text_hash: str,
    demo: bool,
) -> Doubt | None:
    """Why this ballot does not count, or None. `keys`: those of `good_keys`; `text_hash`: of its version.

    Expiry, round and replacement are not doubts: `count` judges them at an instant.
    """
    if ballot_digest(ballot) not in logged.digests:
        return Doubt.NOT_LOGGED
    if ballot.hash != text_hash:
        return Doubt.OTHER_TEXT
    if ballot.signature is None and ballot.key is None:
        return None if demo else Doubt.UNSIGNED
    key = keys.get(ballot.key or "")
    if key is None:
        return Doubt.UNKNOWN_KEY
    if (key.provider, key.stakeholder) != (provider, ballot.stakeholder):
        return Doubt.OTHER_BODY
    if not signed(key.public_key, ballot.signature, statement(ballot)):
        return Doubt.BAD_SIGNATURE
    return None if key.holds(ballot.at) else Doubt.REVOKED_KEY


def believed(
    ballots: Iterable[Ballot],
    keys: Mapping[str, BallotKey],
    logged: Logged,
    *,
    provider: str,
    text_hash: str,
    demo: bool,
) -> tuple[Ballot, ...]:
    """The ballots to be counted. From the instant its key is revoked a ballot counts no more.

    What was decided before stays decided: `count` sees each instant as it was.
    """
    found = []
    for ballot in ballots:
        if doubt(ballot, keys, logged, provider=provider, text_hash=text_hash, demo=demo) is None:
            key = keys.get(ballot.key or "")
            ends = ballot.expires if key is None or key.revoked_at is None else key.revoked_at
            found.append(replace(ballot, expires=min(ballot.expires, ends)))
    return tuple(found)


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


def answers(ballot: Ballot, question: Question) -> Ballot | None:
    """The ballot as an answer to the question asked, or None when it answers another.

    A yes to enacting, renewing or amending is a yes to this text coming into force: which of the three it
    is depends on the texts, and so does the rule. Voters cannot choose the easier rule by the word.
    """
    if (ballot.question is Question.END) != (question is Question.END):
        return None
    return replace(ballot, question=question)


def count(
    decision: Decision,
    question: Question,
    ballots: Iterable[Ballot],
    *,
    at: datetime,
    closed: bool = False,
    round: int = 1,
) -> Count:
    """Count the ballots that came by `at`. `closed`: nobody else will vote, so silence takes its meaning.

    One ballot of each stakeholder counts, the latest before the outcome is decided; what is decided stays
    decided. A ballot of somebody else, on another question, of another round, or past its expiry does not
    count.
    """
    valid = [
        b
        for b in ballots
        if b.stakeholder in decision.stakeholders
        and b.question is question
        and b.round == round
        and b.at <= at
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
