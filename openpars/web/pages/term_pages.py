# SPDX-License-Identifier: Apache-2.0
"""The owners' desk for agreements: how near each end is, what stops, what to do; notice is given here."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from openpars.accounts.keys import StaffRole
from openpars.agreements import register
from openpars.agreements.letters.correspondence import Letter
from openpars.agreements.register import Entry
from openpars.desk import impact, letters, solicitor
from openpars.desk.room import Actor, Room
from openpars.desk.solicitor import SOLICITOR, STAKEHOLDERS
from openpars.errors import Code, Refused, refuse
from openpars.record import values
from openpars.shares import enact
from openpars.web import intake
from openpars.web.pages import public_pages, term_views, times, view
from openpars.web.pages.desk_pages import carried_out, frame_of, typed_of
from openpars.web.pages.public_views import Versions
from openpars.web.pages.term_views import Stops
from openpars.web.pages.typed import Typed

router = APIRouter(route_class=view.PageRoute, include_in_schema=False)


async def known(room: Room, actor: Actor) -> tuple[tuple[Entry, ...], Versions, tuple[Letter, ...]]:
    """The register, its texts read, and every letter. Raises Refused for a role that reads no letters."""
    found = await letters.of(room, actor)
    async with room.pool.connection() as conn:
        entries = await register.register(conn)
        return entries, await public_pages.parsed(conn, entries), found


@router.get("/desk/agreements")
async def overview(request: Request) -> Response:
    """Every agreement that stands or is coming, the nearest end first."""
    actor, now = await intake.who(request), datetime.now(UTC)
    entries, versions, found = await known(intake.room_of(request), actor)
    return view.respond(
        "terms.html",
        frame_of(request, actor),
        terms=term_views.terms(entries, versions, found, now),
        solicitor=actor.role is StaffRole.SOLICITOR,
    )


@router.get("/desk/agreements/{agreement}")
async def one(request: Request, agreement: str) -> Response:
    """One agreement: its end, what to do next, what stops, its letters."""
    actor = await intake.who(request)
    return await _page(request, actor, agreement, Typed({}, times.CITY_ZONE))


async def _page(request: Request, actor: Actor, agreement: str, typed: Typed) -> Response:
    room, now = intake.room_of(request), datetime.now(UTC)
    entries, versions, found = await known(room, actor)
    term = term_views.term(agreement, entries, versions, found, now)
    if term is None:
        raise refuse(Code.NOT_FOUND, "No version of this agreement stands or is coming.")
    async with room.pool.connection() as conn:
        filling = [one for one in await enact.filled(conn) if one.agreement == agreement and one.files]
    coming = [one.version for one in entries if one.agreement == agreement and one.state == "proposed"]
    return view.respond(
        "term.html",
        frame_of(request, actor),
        status=422 if typed.problems else 200,
        a=term,
        filling=filling,
        stops=await stops(room, actor, agreement, coming),
        letters=term_views.rows([one for one in found if one.agreement == agreement], now),
        solicitor=actor.role is StaffRole.SOLICITOR,
        may_stop=actor.role in STAKEHOLDERS | SOLICITOR,
        values=typed.fields,
        errors=tuple(typed.problems),
    )


async def stops(room: Room, actor: Actor, agreement: str, coming: Sequence[int]) -> tuple[Stops, ...]:
    """What stops by the end, and by each of the versions `coming`. Case numbers for insiders only."""
    found = []
    for by in (None, *coming):
        try:
            made = await impact.impact(room, agreement, by=by)
        except Refused as refused:
            if refused.refusal.code is not Code.CONFLICT:
                raise
            continue  # nothing of it stands, so nothing stops
        shown = term_views.stops(made)
        cases = shown.cases if actor.role in impact.INSIDERS else ()
        found.append(Stops(shown.title, shown.points, cases))
    return tuple(found)


@router.post("/desk/agreements/{agreement}/notice")
async def notice(request: Request, agreement: str) -> Response:
    """Give notice of the end."""
    actor, typed = await intake.who(request), await typed_of(request)
    day = typed.read("effective", values.day)
    reason = typed.text("reason")
    if reason is None:
        typed.wrong("reason", "Say why; the reason is published.")
    if typed.problems or reason is None:
        return await _page(request, actor, agreement, typed)
    effective = None if day is None else day.isoformat()
    act = partial(solicitor.give_notice, agreement=agreement, reason=reason, effective=effective)
    if not await carried_out(request, actor, typed, "notice", act):
        return await _page(request, actor, agreement, typed)
    return view.go(f"/desk/agreements/{agreement}")


@router.post("/desk/agreements/{agreement}/withdraw-notice")
async def withdraw(request: Request, agreement: str) -> Response:
    """Take a notice back."""
    actor, typed = await intake.who(request), await typed_of(request)
    reason = typed.text("reason")
    if reason is None:
        typed.wrong("reason", "Say why; the reason is published.")
        return await _page(request, actor, agreement, typed)
    act = partial(solicitor.withdraw_notice, agreement=agreement, reason=reason)
    if not await carried_out(request, actor, typed, "withdraw_notice", act):
        return await _page(request, actor, agreement, typed)
    return view.go(f"/desk/agreements/{agreement}")
