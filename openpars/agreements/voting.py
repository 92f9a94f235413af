# SPDX-License-Identifier: Apache-2.0
"""Taking ballots. The server stores and counts them; it never makes one.

A ballot is for one text (its hash), one question and a time, signed with the stakeholder's own key. In
demo mode it may come unsigned under a stakeholder's demo key; it then stays labelled so for ever.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from openpars.agreements.ballots import Ballot, Choice, Count, Outcome, Question, count, statement
from openpars.agreements.check import missing_topics
from openpars.agreements.life import finish
from openpars.agreements.model import Agreement, Decision
from openpars.agreements.register import Event, Locked, Q, ballot_of, lock, record, version
from openpars.db.connect import Connection
from openpars.errors import Code, refuse
from openpars.log.draft import JSON, Draft
from openpars.log.pending import note

DEMO_LIFE = timedelta(days=30)  # how long a demo ballot without an expiry counts
LONGEST_LIFE = timedelta(days=366)
_STANDING = ("in_force", "suspended")


@dataclass(frozen=True, slots=True)
class Asked:
    """A ballot as it arrived. `stakeholder` is who signed in, never what the request says."""

    agreement: str
    version: int
    stakeholder: str
    question: Question
    choice: Choice
    hash: str | None = None
    expires: datetime | None = None
    signature: str | None = None


@dataclass(frozen=True, slots=True)
class Cast:
    """What a ballot changed. `state` is the version's state now, `signed` whether the ballot was.

    `effect`: "enact" when the version is now to be filled and, at its hour, started; "end" when the
    agreement has just ended and its shares are to be closed; None otherwise.
    """

    state: str
    count: Count
    signed: bool
    effect: str | None

    def counts(self) -> dict[str, int]:
        """The numbers, as the API gives them."""
        return {
            "yes": self.count.yes,
            "no": self.count.no,
            "abstain": self.count.abstain,
            "silent": len(self.count.silent),
        }


@dataclass(frozen=True, slots=True)
class _Matter:
    """What is being decided: the question that the text makes it, and whose rules decide it."""

    question: Question
    decision: Decision
    state: str


async def cast(conn: Connection, asked: Asked, *, demo: bool) -> Cast:
    """Take one ballot, count, and give the outcome its effect in the same transaction.

    Raises Refused: NOT_FOUND; FORBIDDEN for somebody who is no stakeholder; INVALID for another hash, a
    wrong signature or expiry; CONFLICT for a ballot cast before or a matter decided before.
    """
    row = await lock(conn, asked.agreement)
    wanted = await version(conn, asked.agreement, asked.version)
    matter = await _matter(conn, asked, wanted.agreement)
    ballot = _checked(asked, wanted.hash, row.now, demo=demo)
    if asked.stakeholder not in matter.decision.stakeholders:
        raise refuse(Code.FORBIDDEN, "only the agreement's stakeholders vote")
    if ballot.signature is not None or not demo:
        await _verify(conn, row, ballot)
    # It may have been proposed while the city was a demo.
    if not demo and matter.question is not Question.END and (missing := missing_topics(wanted.agreement)):
        raise refuse(Code.CONFLICT, f"[cjis] of this text does not cover: {', '.join(missing)}", "version")
    await _store(conn, ballot)
    result = await _count(conn, asked, matter, row.now)
    return await _effect(conn, row, asked, matter, result=result, signed=ballot.signature is not None)


async def _matter(conn: Connection, asked: Asked, text: Agreement) -> _Matter:
    rows = await (await conn.execute(Q.versions_of, (asked.agreement,))).fetchall()
    states = {number: state for number, _, state, _, _ in rows}
    state = states[asked.version]
    if asked.question is Question.END:
        if state not in (*_STANDING, "balloted"):
            raise refuse(Code.CONFLICT, "this version is not in force, so there is nothing to end", "version")
        return _Matter(Question.END, text.decision, state)
    if state != "proposed":
        raise refuse(Code.CONFLICT, "this version is already decided", "version")
    standing = next((number for number, one in states.items() if one in _STANDING), None)
    if standing is None:
        if asked.question is Question.RENEW:
            raise refuse(Code.CONFLICT, "nothing is in force that could be renewed: vote `enact`", "question")
        return _Matter(Question.ENACT, text.decision, state)
    # The rules of the text in force decide about the next one: no text makes its own quorum easier.
    current = (await version(conn, asked.agreement, standing)).agreement
    renews = replace(text, term=current.term) == current
    if asked.question is Question.RENEW and not renews:
        raise refuse(Code.CONFLICT, "this version changes more than the term: vote `amend`", "question")
    return _Matter(Question.RENEW if renews else Question.AMEND, current.decision, state)


def _checked(asked: Asked, text_hash: str, now: datetime, *, demo: bool) -> Ballot:
    if asked.hash != text_hash and not (demo and asked.hash is None):
        raise refuse(
            Code.INVALID, "the ballot is not for this text: `hash` must be the version's hash", "hash"
        )
    expires = asked.expires
    if expires is None and demo:
        expires = now + DEMO_LIFE
    if expires is None or expires.tzinfo is None or not now < expires <= now + LONGEST_LIFE:
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
    )


async def _verify(conn: Connection, row: Locked, ballot: Ballot) -> None:
    wrong = refuse(Code.INVALID, "the signature is not this stakeholder's over this statement", "signature")
    if ballot.signature is None:
        raise refuse(Code.INVALID, "a ballot must be signed with the stakeholder's own key", "signature")
    try:
        signature = base64.b64decode(ballot.signature.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeError):
        raise wrong from None
    keys = await (await conn.execute(Q.stakeholder_keys, (row.provider, ballot.stakeholder))).fetchall()
    if not any(_signed(bytes(key[0]), signature, statement(ballot).encode()) for key in keys):
        raise wrong


def _signed(key: bytes, signature: bytes, message: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


async def _store(conn: Connection, ballot: Ballot) -> None:
    # The agreement's row is locked, so nobody can cast the same statement between the look and the insert.
    name = hashlib.sha256(statement(ballot).encode()).hexdigest()
    if await (await conn.execute(Q.known_statement, (name,))).fetchone() is not None:
        raise refuse(Code.CONFLICT, "this ballot was cast before: another needs another expiry", "expires")
    await conn.execute(
        Q.new_ballot,
        {
            "agreement": ballot.agreement,
            "version": ballot.version,
            "stakeholder": ballot.stakeholder,
            "question": ballot.question.value,
            "choice": ballot.choice.value,
            "hash": ballot.hash,
            "expires": ballot.expires,
            "signature": ballot.signature,
            "statement": name,
            "at": ballot.at,
        },
    )
    public: dict[str, JSON] = {
        "agreement": ballot.agreement,
        "version": ballot.version,
        "question": ballot.question.value,
        "choice": ballot.choice.value,
        "stakeholder": ballot.stakeholder,
        "hash": ballot.hash,
    }
    private: dict[str, JSON] = {
        "agent": ballot.stakeholder,
        "at": ballot.at.isoformat(),
        "signature": ballot.signature or "unsigned",
    }
    await note(conn, Draft("ballot", public=public, private=private))


async def _count(conn: Connection, asked: Asked, matter: _Matter, now: datetime) -> Count:
    rows = await (await conn.execute(Q.ballots, (asked.agreement, asked.version))).fetchall()
    ballots = [ballot_of(row) for row in rows]
    # A yes to enacting, renewing or amending is a yes to this text coming into force: which of the three
    # it is depends on the texts, and so does the rule. Voters cannot choose the easier rule by the word.
    same = [
        replace(ballot, question=matter.question)
        for ballot in ballots
        if (ballot.question is Question.END) == (matter.question is Question.END)
    ]
    return count(matter.decision, matter.question, same, at=now)


async def _effect(
    conn: Connection, row: Locked, asked: Asked, matter: _Matter, *, result: Count, signed: bool
) -> Cast:
    if result.outcome is Outcome.PENDING:
        return Cast(matter.state, result, signed, None)
    carried = result.outcome is Outcome.CARRIED
    said = f"{matter.question.value}: yes {result.yes}, no {result.no}, abstain {result.abstain}"
    event = Event("carried" if carried else "lost", row.now, "owners", said)
    await record(conn, asked.agreement, asked.version, event)
    if matter.question is Question.END:
        if not carried:
            return Cast(matter.state, result, signed, None)
        await finish(conn, row, at=row.now, by="owners", reason=said)
        return Cast("ended", result, signed, "end")
    state = "balloted" if carried else "rejected"
    await conn.execute(Q.set_state, (state, asked.agreement, asked.version))
    return Cast(state, result, signed, "enact" if carried else None)


async def add_stakeholder_key(conn: Connection, provider: str, stakeholder: str, public_key: bytes) -> None:
    """Register the Ed25519 public key (32 bytes) with which an owner signs its ballots."""
    if len(public_key) != 32:
        raise refuse(Code.INVALID, "an Ed25519 public key has 32 bytes", "public_key")
    await conn.execute(Q.new_stakeholder_key, (provider, stakeholder, public_key))
