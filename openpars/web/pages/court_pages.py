# SPDX-License-Identifier: Apache-2.0
"""The courts' pages: the preliminary arraignment, and how charges end."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from openpars.desk import court
from openpars.desk.room import Actor
from openpars.web import intake
from openpars.web.pages import desk_forms, desk_views, times, view
from openpars.web.pages.desk_pages import carried_out, file_of, frame_of, typed_of
from openpars.web.pages.typed import Typed

router = APIRouter(route_class=view.PageRoute, include_in_schema=False)


@router.get("/desk/court/{arrest}")
async def arraignment_form(request: Request, arrest: str) -> Response:
    """The preliminary arraignment; the time of the hearing begins at now."""
    actor = await intake.who(request)
    now = datetime.now(times.CITY_ZONE)
    fields = {"held_date": f"{now:%m/%d/%Y}", "held_time": f"{now:%H%M}"}
    return await _arraignment_page(request, actor, arrest, Typed(fields, times.CITY_ZONE))


async def _arraignment_page(request: Request, actor: Actor, arrest: str, typed: Typed) -> Response:
    return view.respond(
        "arraign.html",
        frame_of(request, actor),
        status=422 if typed.problems else 200,
        file=await file_of(request, actor, arrest),
        errors=tuple(typed.problems),
        values=typed.fields,
        bail_types=desk_views.BAIL_TYPES,
    )


@router.post("/desk/court/{arrest}")
async def arraign(request: Request, arrest: str) -> Response:
    """Record the preliminary arraignment."""
    actor = await intake.who(request)
    typed = await typed_of(request)
    form = desk_forms.arraignment(typed)
    if form is None:
        return await _arraignment_page(request, actor, arrest, typed)
    if not await carried_out(
        request, actor, typed, "arraign", partial(court.arraign, arrest=arrest, form=form)
    ):
        return await _arraignment_page(request, actor, arrest, typed)
    return view.go(f"/desk/file/{arrest}?done=arraignment")


@router.get("/desk/court/{arrest}/outcomes")
async def outcomes_form(request: Request, arrest: str) -> Response:
    """How each charge ended; the time begins at now."""
    actor = await intake.who(request)
    now = datetime.now(times.CITY_ZONE)
    fields = {"disposed_date": f"{now:%m/%d/%Y}", "disposed_time": f"{now:%H%M}"}
    return await _outcomes_page(request, actor, arrest, Typed(fields, times.CITY_ZONE))


async def _outcomes_page(request: Request, actor: Actor, arrest: str, typed: Typed) -> Response:
    return view.respond(
        "outcomes.html",
        frame_of(request, actor),
        status=422 if typed.problems else 200,
        file=await file_of(request, actor, arrest),
        errors=tuple(typed.problems),
        values=typed.fields,
        outcomes=desk_views.OUTCOMES,
    )


@router.post("/desk/court/{arrest}/outcomes")
async def dispose(request: Request, arrest: str) -> Response:
    """Record how charges ended."""
    actor = await intake.who(request)
    typed = await typed_of(request)
    form = desk_forms.outcomes(typed)
    if form is None:
        return await _outcomes_page(request, actor, arrest, typed)
    if not await carried_out(
        request, actor, typed, "dispose", partial(court.dispose, arrest=arrest, form=form)
    ):
        return await _outcomes_page(request, actor, arrest, typed)
    return view.go(f"/desk/file/{arrest}?done=outcomes")
