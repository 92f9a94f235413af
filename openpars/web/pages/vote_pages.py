# SPDX-License-Identifier: Apache-2.0
"""The owners' desk for votes: what is asked, what it says, until when, who has spoken, and how to vote."""

from __future__ import annotations

from functools import partial

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from openpars.agreements import certified, register
from openpars.agreements.ballots import Choice, Question
from openpars.agreements.language.words import ENGLISH
from openpars.agreements.register import Entry
from openpars.desk import solicitor
from openpars.desk.room import Actor, among
from openpars.desk.solicitor import SOLICITOR, STAKEHOLDERS
from openpars.errors import Code, refuse
from openpars.web import intake
from openpars.web.pages import agreement_views, public_pages, times, view, vote_views
from openpars.web.pages.desk_pages import carried_out, frame_of, typed_of
from openpars.web.pages.typed import Typed
from openpars.web.pages.vote_views import VoteView

router = APIRouter(route_class=view.PageRoute, include_in_schema=False)


async def _open(request: Request) -> tuple[VoteView, ...]:
    room = intake.room_of(request)
    async with room.pool.connection() as conn:
        entries: tuple[Entry, ...] = await register.register(conn)
        versions = await public_pages.parsed(conn, entries)
        return vote_views.open_votes(entries, versions, await public_pages.belief(conn, demo=room.demo))


@router.get("/desk/votes")
async def overview(request: Request) -> Response:
    """Every open question, the one that closes first on top."""
    actor = await intake.who(request)
    among(actor, STAKEHOLDERS | SOLICITOR)
    return view.respond(
        "votes.html", frame_of(request, actor), votes=await _open(request), mine=actor.role.value
    )


@router.get("/desk/votes/{agreement}/{number}/{question}")
async def one(request: Request, agreement: str, number: str, question: str) -> Response:
    """One question: the text in plain English, who has voted, and how to vote."""
    actor = await intake.who(request)
    among(actor, STAKEHOLDERS | SOLICITOR)
    return await _page(request, actor, (agreement, number, question), Typed({}, times.CITY_ZONE))


async def _asked(request: Request, asked: tuple[str, str, str]) -> VoteView | None:
    for one in await _open(request):
        if (one.agreement, str(one.version), one.question) == asked:
            return one
    return None


async def _page(request: Request, actor: Actor, asked: tuple[str, str, str], typed: Typed) -> Response:
    found = await _asked(request, asked)
    if found is None:
        raise refuse(Code.NOT_FOUND, "This question is not open. The public register says how it came out.")
    return view.respond(
        "vote.html",
        frame_of(request, actor),
        plain_changes=await _changes(request, found),
        status=422 if typed.problems else 200,
        v=found,
        mine=actor.role.value,
        votes=actor.role in STAKEHOLDERS,
        errors=tuple(typed.problems),
    )


async def _changes(request: Request, found: VoteView) -> agreement_views.PlainChanges | None:
    """What a yes would change. Whether an agreement shall end is no question about a change of its text."""
    if found.question == Question.END:
        return None
    async with intake.room_of(request).pool.connection() as conn:
        attempt = await certified.last(conn, found.agreement, found.version)
    return agreement_views.plain_changes(attempt, found.beside, ENGLISH.lang)


@router.post("/desk/votes/{agreement}/{number}/{question}")
async def vote(request: Request, agreement: str, number: str, question: str) -> Response:
    """An unsigned ballot, in a demonstration: outside it this is refused as everywhere."""
    actor = await intake.who(request)
    typed = await typed_of(request)
    choice = typed.text("choice")
    found = await _asked(request, (agreement, number, question))
    if found is None or choice not in set(Choice):
        return await _page(request, actor, (agreement, number, question), typed)
    act = partial(
        solicitor.ballot,
        agreement=agreement,
        version=found.version,
        question=Question(question),
        choice=Choice(choice),
        # The text that was on the page: another one meanwhile is another question.
        hash=typed.text("hash"),
        expires=None,
        signature=None,
        round=found.round if typed.text("round") == str(found.round) else 0,
        key=None,
    )
    if not await carried_out(request, actor, typed, "ballot", act):
        return await _page(request, actor, (agreement, number, question), typed)
    return view.go("/desk/votes")
