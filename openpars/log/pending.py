# SPDX-License-Identifier: Apache-2.0
"""Staff acts on their way into the acts tree.

An act notes its entry in its own transaction, so no act is ever without one; the worker's writer moves
the notes into the tree. Moving is one transaction too: `admit` takes the note away in the transaction
that brings the entry, so a note becomes exactly one entry whatever is killed when.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import orjson

from openpars.db.connect import Connection
from openpars.db.sql import load
from openpars.errors import Code, Refusal, Refused
from openpars.log.draft import Draft
from openpars.log.leaf import canonical, check_public
from openpars.log.writer import Writer

Q = load(__package__)

ACTS = "acts"


async def note(conn: Connection, draft: Draft) -> None:
    """Note an entry for the acts tree inside the caller's transaction.

    Raises NotInSchema or Malformed for a wrong draft, so that the mistake fails the act and not the worker.
    """
    check_public(ACTS, draft.kind, draft.public)
    await conn.execute(
        Q.note_pending,
        {
            "kind": draft.kind,
            "public": canonical(dict(draft.public)),
            "private": canonical(dict(draft.private)),
            "subjects": list(draft.subjects),
        },
    )


async def admit(conn: Connection, drafts: Sequence[Draft]) -> list[Refusal | None]:
    """For the acts tree's writer: a note that somebody else already moved is not moved again."""
    ids = [draft.guard for draft in drafts if isinstance(draft.guard, int)]
    cursor = await conn.execute(Q.take_pending, {"ids": ids})
    taken = {row[0] for row in await cursor.fetchall()}
    gone = Refusal(Code.CONFLICT, "This note is already in the log.")
    return [gone if isinstance(draft.guard, int) and draft.guard not in taken else None for draft in drafts]


async def drain(conn: Connection, writer: Writer, *, limit: int = 200) -> int:
    """Move up to `limit` notes into the acts tree; returns how many arrived. `writer` MUST use `admit`.

    Raises Refused with `log-unavailable` when none could be moved because the log cannot be written.
    """
    cursor = await conn.execute(Q.pending, {"limit": limit})
    rows = await cursor.fetchall()
    await conn.commit()
    drafts = [
        Draft(
            kind,
            public=orjson.loads(public),
            private={"at": at.isoformat(), **orjson.loads(private)},
            subjects=tuple(subjects),
            guard=number,
        )
        for number, at, kind, public, private, subjects in rows
    ]
    results = await asyncio.gather(*(writer.append(draft) for draft in drafts), return_exceptions=True)
    problems = [result for result in results if isinstance(result, BaseException)]
    for problem in problems:
        unavailable = isinstance(problem, Refused) and problem.refusal.code is Code.LOG_UNAVAILABLE
        if not isinstance(problem, Refused) or (unavailable and len(problems) == len(results)):
            raise problem
    return len(results) - len(problems)
