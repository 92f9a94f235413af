# SPDX-License-Identifier: Apache-2.0
"""Rounds: asking the owners a question, until when they may answer, and what their silence then means.

Proposing a text asks the first time. A question that was lost is asked again as a new round, and no ballot
of an older round counts in it. Every function MUST run with the agreement's row locked.
"""

from __future__ import annotations

from datetime import datetime

from openpars.agreements.ballots import Outcome, Question, Round, closing, question_of
from openpars.agreements.model import Agreement, Decision
from openpars.agreements.register import (
    STANDING,
    Event,
    Locked,
    Q,
    open_round,
    record,
    round_of,
    standing_text,
    version,
)
from openpars.db.connect import Connection
from openpars.errors import Code, refuse


async def rounds_of(conn: Connection, agreement: str, number: int) -> tuple[Round, ...]:
    """Every round about one version, in the order of asking."""
    rows = await (await conn.execute(Q.rounds, (agreement, number))).fetchall()
    return tuple(round_of(row) for row in rows)


def of_matter(rounds: tuple[Round, ...], question: Question) -> tuple[Round, ...]:
    """The rounds about ending, or those about coming into force."""
    return tuple(one for one in rounds if (one.question is Question.END) == (question is Question.END))


async def state_of(conn: Connection, agreement: str, number: int) -> str:
    """The state of a version that is there."""
    rows = await (await conn.execute(Q.versions_of, (agreement,))).fetchall()
    return str(next(state for one, _, state, _, _ in rows if one == number))


async def asked_now(
    conn: Connection, text: Agreement, number: int, question: Question
) -> tuple[Question, int, Decision]:
    """What the question is, as things stand: its right word, whose rules decide, and these rules.

    Raises Refused CONFLICT for a word that the texts contradict.
    """
    if question is Question.END:
        return Question.END, number, text.decision
    standing = await standing_text(conn, text.id)
    if standing is None or standing[0] == number:
        if question is Question.RENEW:
            raise refuse(Code.CONFLICT, "nothing is in force that could be renewed: vote `enact`", "question")
        return Question.ENACT, number, text.decision
    # The rules of the text in force decide about the next one: no text makes its own quorum easier.
    rules, current = standing
    found = question_of(text, current)
    if question is Question.RENEW and found is not Question.RENEW:
        raise refuse(Code.CONFLICT, "this version changes more than the term: vote `amend`", "question")
    return found, rules, current.decision


async def ask(
    conn: Connection, row: Locked, number: int, question: Question, *, by: str, closes: datetime | None = None
) -> Round:
    """Open the next round of a question.

    Raises Refused NOT_FOUND, INVALID (`closes`), CONFLICT when it is open, carried, or has nothing to ask.
    """
    text = (await version(conn, row.id, number)).agreement
    state = await state_of(conn, row.id, number)
    found, rules, decision = await asked_now(conn, text, number, question)
    before = of_matter(await rounds_of(conn, row.id, number), question)
    last = before[-1] if before else None
    if last is not None and last.outcome is Outcome.PENDING:
        if row.now >= last.closes_at or (last.question, last.rules) == (found, rules):
            raise refuse(Code.CONFLICT, "this question is open: it is not asked twice at once", "question")
        # What it was asked beside has changed meanwhile: nobody answered the question that it is now.
        await decide(conn, last, Outcome.VOID, row.now, "what is in force has changed since it was asked")
    elif question is Question.END:
        if state not in (*STANDING, "balloted"):
            raise refuse(Code.CONFLICT, "this version is not in force, so there is nothing to end", "version")
    elif state != "rejected":
        raise refuse(Code.CONFLICT, "this version is already decided", "version")
    if text.term.ends <= row.now:
        raise refuse(Code.CONFLICT, "the term is over", "version")
    until = closing(decision, found, asked_at=row.now, ends=text.term.ends, wanted=closes)
    opened = Round(row.id, number, found, len(before) + 1, rules, by, row.now, until)
    await open_round(conn, opened)
    await record(conn, row.id, number, Event("asked", row.now, by, opened.said))
    if found is not Question.END:
        await conn.execute(Q.set_state, ("proposed", row.id, number))
    return opened


async def decide(conn: Connection, asked: Round, outcome: Outcome, at: datetime, said: str) -> None:
    """Keep how a round came out, and record it."""
    await conn.execute(
        Q.decide_round,
        {
            "outcome": outcome.value,
            "at": at,
            "agreement": asked.agreement,
            "version": asked.version,
            "end": asked.question is Question.END,
            "number": asked.number,
        },
    )
    reason = f"{asked.question.value}, round {asked.number}: {said}"
    await record(conn, asked.agreement, asked.version, Event(outcome.value, at, "owners", reason))
