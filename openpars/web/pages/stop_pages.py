# SPDX-License-Identifier: Apache-2.0
"""Ending an agreement before its term, or stopping it for a while: what would stop first, then the acts."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from openpars.accounts.keys import StaffRole
from openpars.agreements.ballots import Outcome, Question, closing
from openpars.agreements.model import Version
from openpars.agreements.register import Entry
from openpars.desk import owners, solicitor
from openpars.desk.room import Actor, Asked, Room, among
from openpars.desk.solicitor import SOLICITOR, STAKEHOLDERS
from openpars.desk.transact import Answer
from openpars.errors import Code, refuse
from openpars.web import intake
from openpars.web.pages import public_views, term_views, times, view
from openpars.web.pages.desk_pages import carried_out, frame_of, typed_of
from openpars.web.pages.term_pages import known, stops
from openpars.web.pages.typed import Typed

router = APIRouter(route_class=view.PageRoute, include_in_schema=False)

Act = Callable[[Room, Asked, str, str], Awaitable[Answer]]


@router.get("/desk/agreements/{agreement}/stop")
async def form(request: Request, agreement: str) -> Response:
    """What would stop, who decides, and the acts of this role."""
    actor = await intake.who(request)
    return await _page(request, actor, agreement, Typed({}, times.CITY_ZONE))


async def _page(request: Request, actor: Actor, agreement: str, typed: Typed) -> Response:
    among(actor, STAKEHOLDERS | SOLICITOR)
    room, now = intake.room_of(request), datetime.now(UTC)
    entries, versions, letters = await known(room, actor)
    term = term_views.term(agreement, entries, versions, letters, now)
    if term is None:
        raise refuse(Code.NOT_FOUND, "No version of this agreement stands or is coming.")
    entry = next(one for one in entries if (one.agreement, one.version) == (agreement, term.version))
    version = versions.get((agreement, term.version))
    return view.respond(
        "stop.html",
        frame_of(request, actor),
        status=422 if typed.problems else 200,
        a=term,
        stops=await stops(room, actor, agreement, ()),
        question=_question(entry, version, now),
        suspended_by=entry.suspended_by,
        lifts=entry.suspended_by == actor.role.value,
        solicitor=actor.role is StaffRole.SOLICITOR,
        values=typed.fields,
        errors=tuple(typed.problems),
    )


def _question(entry: Entry, version: Version | None, now: datetime) -> dict[str, object]:
    """What the owners would be asked about the end, by which rule and until when; or what they are asked."""
    already = [one for one in entry.rounds if one.question is Question.END and one.outcome is Outcome.PENDING]
    if already:
        href = f"/desk/votes/{entry.agreement}/{entry.version}/{Question.END.value}"
        return {"open": True, "href": href, "until": already[-1].closes_at}
    ends = public_views.over_at(entry)
    if version is None or entry.state not in {"in_force", "suspended", "balloted"} or ends <= now:
        return {}
    decision = version.agreement.decision
    until = closing(decision, Question.END, asked_at=now, ends=entry.ends, wanted=None)
    return {"open": False, "rule": decision.end, "until": until, "days": decision.days_to_vote}


@router.post("/desk/agreements/{agreement}/stop/ask")
async def ask(request: Request, agreement: str) -> Response:
    """Ask the owners to end it."""
    actor, typed = await intake.who(request), await typed_of(request)
    version = typed.text("number") or ""
    if not version.isascii() or not version.isdecimal() or len(version) > 9:
        raise refuse(Code.INVALID, "This question names no version.")
    act = partial(owners.ask, agreement=agreement, version=int(version), question=Question.END, closes=None)
    if not await carried_out(request, actor, typed, "round", act):
        return await _page(request, actor, agreement, typed)
    return view.go(f"/desk/votes/{agreement}/{int(version)}/{Question.END.value}")


async def _do(request: Request, agreement: str, what: str, act: Act) -> Response:
    """An act that gives its reason, which is published."""
    actor, typed = await intake.who(request), await typed_of(request)
    reason = typed.text(f"{what}-reason")
    if reason is None:
        typed.wrong(f"{what}-reason", "Say why; the reason is published.")
        return await _page(request, actor, agreement, typed)
    if not await carried_out(request, actor, typed, what, lambda r, a: act(r, a, agreement, reason)):
        return await _page(request, actor, agreement, typed)
    # What has ended stands in the register only.
    place = f"/public/agreements/{agreement}#life" if what == "end" else f"/desk/agreements/{agreement}"
    return view.go(place)


@router.post("/desk/agreements/{agreement}/stop/suspend")
async def suspend(request: Request, agreement: str) -> Response:
    """Suspend it: any one owner may, at once."""
    return await _do(request, agreement, "suspend", solicitor.suspend)


@router.post("/desk/agreements/{agreement}/stop/resume")
async def resume(request: Request, agreement: str) -> Response:
    """Lift a suspension of one's own."""
    return await _do(request, agreement, "resume", solicitor.resume)


@router.post("/desk/agreements/{agreement}/stop/end")
async def end(request: Request, agreement: str) -> Response:
    """The solicitor ends it now."""
    return await _do(request, agreement, "end", solicitor.end)
