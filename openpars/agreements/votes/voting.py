# SPDX-License-Identifier: Apache-2.0
"""Taking ballots. The server stores, checks and counts them; it never makes one.

A ballot is for one text (its hash), one question, one round and a time, signed with a delegate's own key. In
demo mode it may come unsigned under a stakeholder's demo key; it then stays labelled so for ever. Every
count checks every ballot again: who can write a row into the table has not voted by it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

from openpars.agreements.ballots import (
    Ballot,
    Count,
    Outcome,
    Question,
    Round,
    answers,
    ballot_digest,
    believed,
    count,
    good_keys,
    statement,
)
from openpars.agreements.life import finish
from openpars.agreements.model import Decision
from openpars.agreements.register import Locked, Q, ballot_of, lock, version
from openpars.agreements.votes.ballot_box import (
    Asked,
    checked,
    in_round,
    may_carry,
    needs_key,
    open_round_of,
    open_to_votes,
    overdue,
    takes_place,
    told,
    verified,
)
from openpars.agreements.votes.ballot_keys import keys_of, logged
from openpars.agreements.votes.rounds import ask, asked_now, decide, of_matter, rounds_of, state_of
from openpars.db.connect import Connection
from openpars.errors import Code, Refused, refuse
from openpars.log.draft import JSON, Draft
from openpars.log.pending import note


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
    open_to_votes(await state_of(conn, asked.agreement, asked.version), asked.question)
    question, rules, decision = await asked_now(conn, wanted.agreement, asked.version, asked.question)
    if asked.stakeholder not in decision.stakeholders:
        raise refuse(Code.FORBIDDEN, "only the agreement's stakeholders vote")
    standing = await _round(conn, row, asked, question, rules)
    ballot = checked(asked, standing, wanted.hash, row.now, demo=demo)
    if needs_key(ballot, demo=demo):
        verified(ballot, good_keys(await keys_of(conn, row.provider), await logged(conn)))
    may_carry(wanted, question, row.now, demo=demo)
    replaced = await _store(conn, ballot)
    result = await _count(conn, row, standing, decision, at=row.now, demo=demo, closed=False)
    effect = await _effect(conn, row, standing, result)
    state = await state_of(conn, asked.agreement, asked.version)
    return Cast(state, result, ballot.signature is not None, effect, standing.number, replaced)


async def _round(conn: Connection, row: Locked, asked: Asked, question: Question, rules: int) -> Round:
    """The open round. Any owner's ballot to end asks that question, where nobody has."""
    standing = open_round_of(of_matter(await rounds_of(conn, row.id, asked.version), question))
    if standing is None:
        standing = await ask(conn, row, asked.version, question, by=asked.stakeholder)
    in_round(asked, standing, question, rules, row.now)
    return standing


async def _store(conn: Connection, ballot: Ballot) -> bool:
    """Keep and note the ballot. Returns whether it takes an earlier one's place."""
    # The agreement's row is locked, so nobody can cast the same statement between the look and the insert.
    name = hashlib.sha256(statement(ballot).encode()).hexdigest()
    if await (await conn.execute(Q.known_statement, (name,))).fetchone() is not None:
        raise refuse(Code.CONFLICT, "this ballot was cast before: another needs another expiry", "expires")
    rows = await (await conn.execute(Q.ballots, (ballot.agreement, ballot.version))).fetchall()
    replaced = takes_place(ballot, [ballot_of(row) for row in rows])
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
    closed: bool,
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
    if result.decided_at is None:
        return None
    said = told(result)
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
    if not overdue(asked, state, row.now):
        return None
    decision = await _silenced(conn, row, asked, state, demo=demo)
    if decision is None:
        at = min(row.now, asked.closes_at)
        await decide(conn, asked, Outcome.VOID, at, "what it was asked about is over or has changed")
        if state == "proposed":
            await conn.execute(Q.set_state, ("rejected", asked.agreement, asked.version))
        return None
    result = await _count(conn, row, asked, decision, at=asked.closes_at, demo=demo, closed=True)
    return await _effect(conn, row, asked, result)


async def _silenced(
    conn: Connection, row: Locked, asked: Round, state: str, *, demo: bool
) -> Decision | None:
    """The rules by which silence answers. None: the question is over or another now."""
    wanted = await version(conn, asked.agreement, asked.version)
    try:
        open_to_votes(state, asked.question)
        may_carry(wanted, asked.question, row.now, demo=demo)
        question, rules, decision = await asked_now(conn, wanted.agreement, asked.version, asked.question)
    except Refused:
        return None
    return decision if (question, rules) == (asked.question, asked.rules) else None
