# SPDX-License-Identifier: Apache-2.0
"""Taking ballots. The server stores, checks and counts them; it never makes one.

A ballot is for one text (its hash), one question, one round and a time, signed with a delegate's own key. In
demo mode it may come unsigned under a stakeholder's demo key; it then stays labelled so for ever. Every
count checks every ballot again: who can write a row into the table has not voted by it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from openpars.agreements.ballot_keys import keys_of, logged
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
    ballot_digest,
    believed,
    count,
    good_keys,
    signed,
    statement,
)
from openpars.agreements.bars import voided
from openpars.agreements.check import missing_topics
from openpars.agreements.life import finish
from openpars.agreements.model import Decision, Version
from openpars.agreements.register import STANDING, Locked, Q, ballot_of, lock, version
from openpars.agreements.rounds import ask, asked_now, decide, of_matter, rounds_of, state_of
from openpars.db.connect import Connection
from openpars.errors import Code, Refused, refuse
from openpars.log.draft import JSON, Draft
from openpars.log.pending import note

_OVER = ("ended", "superseded")
DEMO_LIFE = timedelta(days=30)  # how long a demo ballot without an expiry counts


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


@dataclass(frozen=True, slots=True)
class Cast:
    """What a ballot changed. `state` is the version's state now, `signed` whether the ballot was.

    `replaced`: this stakeholder had voted in this round before, and the new ballot takes that one's place.
    `effect`: "enact" when the version is now to be filled and, at its hour, started; "end" when the
    agreement has just ended and its shares are to be closed; None otherwise.
    """

    state: str
    count: Count
    signed: bool
    effect: str | None
    round: int
    replaced: bool

    def counts(self) -> dict[str, int]:
        """The numbers, as the API gives them."""
        return {
            "yes": self.count.yes,
            "no": self.count.no,
            "abstain": self.count.abstain,
            "silent": len(self.count.silent),
        }


async def cast(conn: Connection, asked: Asked, *, demo: bool) -> Cast:
    """Take one ballot, count, and give the outcome its effect in the same transaction.

    Raises Refused: NOT_FOUND; FORBIDDEN for somebody who is no stakeholder; INVALID for another hash, a
    wrong key, signature or expiry; CONFLICT for a ballot cast before, a round that is over, or a matter
    decided before.
    """
    row = await lock(conn, asked.agreement)
    wanted = await version(conn, asked.agreement, asked.version)
    _open_to_votes(await state_of(conn, asked.agreement, asked.version), asked.question)
    question, rules, decision = await asked_now(conn, wanted.agreement, asked.version, asked.question)
    if asked.stakeholder not in decision.stakeholders:
        raise refuse(Code.FORBIDDEN, "only the agreement's stakeholders vote")
    standing = await _round(conn, row, asked, question, rules)
    ballot = _checked(asked, standing, wanted.hash, row.now, demo=demo)
    if ballot.signature is not None or ballot.key is not None or not demo:
        await _verify(conn, row, ballot)
    _may_carry(wanted, question, row.now, demo=demo)
    replaced = await _store(conn, ballot)
    result = await _count(conn, row, standing, decision, at=row.now, demo=demo)
    effect = await _effect(conn, row, standing, result)
    state = await state_of(conn, asked.agreement, asked.version)
    return Cast(state, result, ballot.signature is not None, effect, standing.number, replaced)


def _may_carry(wanted: Version, question: Question, now: datetime, *, demo: bool) -> None:
    if question is Question.END:
        return
    # It may have been proposed before the bar was switched on, or while the city was a demo.
    bar = voided(wanted, now)
    if bar is not None:
        raise refuse(Code.CONFLICT, f"no vote can make this text share anything: {bar.cited}", "version")
    if not demo and (missing := missing_topics(wanted.agreement)):
        raise refuse(Code.CONFLICT, f"[cjis] of this text does not cover: {', '.join(missing)}", "version")


def _open_to_votes(state: str, question: Question) -> None:
    if question is Question.END and state not in (*STANDING, "balloted"):
        raise refuse(Code.CONFLICT, "this version is not in force, so there is nothing to end", "version")
    if question is not Question.END and state != "proposed":
        raise refuse(Code.CONFLICT, "this version is already decided", "version")


async def _round(conn: Connection, row: Locked, asked: Asked, question: Question, rules: int) -> Round:
    """The open round. Any owner's ballot to end asks that question, where nobody has."""
    known = of_matter(await rounds_of(conn, row.id, asked.version), question)
    standing = known[-1] if known and known[-1].outcome is Outcome.PENDING else None
    if standing is None:
        standing = await ask(conn, row, asked.version, question, by=asked.stakeholder)
    if asked.round is not None and asked.round != standing.number:
        raise refuse(Code.CONFLICT, "this ballot is of another round than the one that is open", "round")
    if row.now >= standing.closes_at:
        raise refuse(Code.CONFLICT, "this round is closed: who was silent has been silent", "round")
    if (standing.question, standing.rules) != (question, rules):
        raise refuse(
            Code.CONFLICT,
            "what is in force has changed since this was asked: it must be asked again",
            "question",
        )
    return standing


def _checked(asked: Asked, standing: Round, text_hash: str, now: datetime, *, demo: bool) -> Ballot:
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


async def _verify(conn: Connection, row: Locked, ballot: Ballot) -> None:
    if ballot.signature is None:
        raise refuse(Code.INVALID, "a ballot must be signed with the stakeholder's own key", "signature")
    if ballot.key is None:
        raise refuse(Code.INVALID, "name the key it is signed with: `key` is its fingerprint", "signature")
    good = good_keys(await keys_of(conn, row.provider), await logged(conn))
    key = good.get(ballot.key)
    problem = _key_problem(key, ballot)
    if problem is not None:
        raise problem
    if key is None or not signed(key.public_key, ballot.signature, statement(ballot)):
        raise refuse(Code.INVALID, "the signature is not this key's over this statement", "signature")


def _key_problem(key: BallotKey | None, ballot: Ballot) -> Refused | None:
    if key is None:
        return refuse(Code.INVALID, "no such ballot key is registered", "key")
    if key.stakeholder != ballot.stakeholder:
        return refuse(Code.INVALID, "this is the key of another stakeholder", "key")
    if not key.holds(ballot.at):
        return refuse(Code.INVALID, "this key is revoked", "key")
    return None


async def _store(conn: Connection, ballot: Ballot) -> bool:
    """Keep and note the ballot. Returns whether it takes an earlier one's place."""
    # The agreement's row is locked, so nobody can cast the same statement between the look and the insert.
    name = hashlib.sha256(statement(ballot).encode()).hexdigest()
    if await (await conn.execute(Q.known_statement, (name,))).fetchone() is not None:
        raise refuse(Code.CONFLICT, "this ballot was cast before: another needs another expiry", "expires")
    rows = await (await conn.execute(Q.ballots, (ballot.agreement, ballot.version))).fetchall()
    before = (answers(ballot_of(row), ballot.question) for row in rows)
    replaced = any(
        one is not None and (one.stakeholder, one.round) == (ballot.stakeholder, ballot.round)
        for one in before
    )
    values: dict[str, JSON] = {
        "agreement": ballot.agreement,
        "version": ballot.version,
        "question": ballot.question.value,
        "choice": ballot.choice.value,
        "stakeholder": ballot.stakeholder,
        "hash": ballot.hash,
        "round": ballot.round,
        "key": ballot.key,
    }
    kept = {"expires": ballot.expires, "signature": ballot.signature, "statement": name, "at": ballot.at}
    await conn.execute(Q.new_ballot, {**values, **kept})
    private: dict[str, JSON] = {
        "agent": ballot.stakeholder,
        "at": ballot.at.isoformat(),
        "signature": ballot.signature or "unsigned",
    }
    await note(conn, Draft("ballot", public={**values, "digest": ballot_digest(ballot)}, private=private))
    return replaced


async def _count(
    conn: Connection,
    row: Locked,
    asked: Round,
    decision: Decision,
    *,
    at: datetime,
    demo: bool,
    closed: bool = False,
) -> Count:
    rows = await (await conn.execute(Q.ballots, (asked.agreement, asked.version))).fetchall()
    said_by_log = await logged(conn)
    trusted = believed(
        [ballot_of(one) for one in rows],
        good_keys(await keys_of(conn, row.provider), said_by_log),
        said_by_log,
        provider=row.provider,
        text_hash=(await version(conn, asked.agreement, asked.version)).hash,
        demo=demo,
    )
    same = [one for one in (answers(ballot, asked.question) for ballot in trusted) if one is not None]
    return count(decision, asked.question, same, at=at, closed=closed, round=asked.number)


async def _effect(conn: Connection, row: Locked, asked: Round, result: Count) -> str | None:
    """Give a decided round its effect."""
    if result.outcome is Outcome.PENDING or result.decided_at is None:
        return None
    said = f"yes {result.yes}, no {result.no}, abstain {result.abstain}, silent {len(result.silent)}"
    await decide(conn, asked, result.outcome, result.decided_at, said)
    carried = result.outcome is Outcome.CARRIED
    if asked.question is Question.END:
        if not carried:
            return None
        reason = f"{asked.question.value}, round {asked.number}: {said}"
        await finish(conn, row, at=row.now, by="owners", reason=reason)
        return "end"
    state = "balloted" if carried else "rejected"
    await conn.execute(Q.set_state, (state, asked.agreement, asked.version))
    return "enact" if carried else None


async def close(conn: Connection, agreement: str, number: int, *, demo: bool) -> tuple[str, ...]:
    """Close what is past its date: silence takes its stated meaning, at the instant of closing. What was
    asked about a version that is over is void at once.

    For the worker, which acts on a list that may be a moment old. Returns the effects; see `Cast`.
    """
    row = await lock(conn, agreement)
    rounds = await rounds_of(conn, agreement, number)
    still_open = [one for one in rounds if one.outcome is Outcome.PENDING]
    effects = [await _close(conn, row, asked, demo=demo) for asked in still_open]
    return tuple(effect for effect in effects if effect is not None)


async def _close(conn: Connection, row: Locked, asked: Round, *, demo: bool) -> str | None:
    state = await state_of(conn, asked.agreement, asked.version)
    if row.now < asked.closes_at and state not in _OVER:
        return None
    wanted = await version(conn, asked.agreement, asked.version)
    text = wanted.agreement
    try:
        _open_to_votes(state, asked.question)
        _may_carry(wanted, asked.question, row.now, demo=demo)
        question, rules, decision = await asked_now(conn, text, asked.version, asked.question)
    except Refused:
        question, rules, decision = asked.question, 0, text.decision
    if (question, rules) != (asked.question, asked.rules):
        # Silence does not answer what is not the question any more.
        at = min(row.now, asked.closes_at)
        await decide(conn, asked, Outcome.VOID, at, "what it was asked about is over or has changed")
        if state == "proposed":
            await conn.execute(Q.set_state, ("rejected", asked.agreement, asked.version))
        return None
    result = await _count(conn, row, asked, decision, at=asked.closes_at, demo=demo, closed=True)
    return await _effect(conn, row, asked, result)
