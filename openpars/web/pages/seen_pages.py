# SPDX-License-Identifier: Apache-2.0
"""What could this recipient see on that day? For the auditor, the solicitor and the owners of the record."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import date, datetime, timedelta

import psycopg
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from openpars.agreements.language.term import midnight
from openpars.desk import looking_back
from openpars.desk.looking_back import Look
from openpars.desk.room import Actor
from openpars.errors import Refused
from openpars.record import values
from openpars.web import intake
from openpars.web.pages import seen_views, times, view
from openpars.web.pages.desk_pages import frame_of
from openpars.web.pages.typed import Typed
from openpars.web.pages.view import Frame

router = APIRouter(route_class=view.PageRoute, include_in_schema=False)

PATIENCE = 1.0  # seconds after which a page begins to say how far it is
_PLACE = "<!-- found -->"


@router.get("/desk/seen")
async def seen(request: Request) -> Response:
    """The question, and the answer once an agreement and a day are given."""
    actor = await intake.who(request)
    room = intake.room_of(request)
    known = await looking_back.agreements(room, actor)
    typed = Typed(dict(request.query_params.items()), times.CITY_ZONE)
    day = None
    if request.query_params:
        missing = "Write the day as month/day/year, such as 11/21/2026."
        day = typed.read("day", values.day, missing=missing)
        if typed.text("agreement") not in {name for name, _ in known}:
            typed.wrong("agreement", "Choose an agreement from the list.")
    bounds = None if day is None else _bounds(day)
    if day is not None and bounds is None:
        typed.wrong("day", "There is no such day here.")
    page = frame_of(request, actor)
    whole = view.html(
        "seen.html",
        page,
        errors=tuple(typed.problems),
        values=typed.fields,
        agreements=[(name, f"{name} ({recipient})") for name, recipient in known],
        asked=day is not None and not typed.problems,
    )
    before, _, after = whole.partition(_PLACE)
    if day is None or bounds is None or typed.problems:
        return _page(before + after, 422 if typed.problems else 200)
    return await _answer(request, actor, page, typed.text("agreement") or "", day, bounds, before, after)


def _bounds(day: date) -> tuple[datetime, datetime] | None:
    begins = midnight(day, times.CITY_ZONE)
    ends = midnight(day + timedelta(days=1), times.CITY_ZONE)
    return None if begins is None or ends is None else (begins, ends)


def _page(text: str, status: int = 200) -> Response:
    return Response(text, status, view.HEADERS, "text/html")


async def _answer(
    request: Request,
    actor: Actor,
    page: Frame,
    agreement: str,
    day: date,
    bounds: tuple[datetime, datetime],
    before: str,
    after: str,
) -> Response:
    """The answer in the page. One that takes longer tells how far it is, without a script."""
    progress = [0, 0]

    def tell(done: int, count: int) -> None:
        progress[:] = done, count

    looking = asyncio.create_task(
        looking_back.look(
            intake.room_of(request), actor, agreement, since=bounds[0], until=bounds[1], tell=tell
        )
    )
    done, _ = await asyncio.wait({looking}, timeout=PATIENCE)
    if done:
        return _page(before + _found(page, await looking, day) + after)

    async def pieces() -> AsyncIterator[str]:
        yield before
        try:
            while not looking.done():
                yield view.html("seen_progress.html", page, done=progress[0], count=progress[1])
                await asyncio.wait({looking}, timeout=PATIENCE)
            yield _outcome(page, looking, day)
        finally:
            looking.cancel()
        yield after

    return StreamingResponse(pieces(), headers=view.HEADERS, media_type="text/html")


def _outcome(page: Frame, looking: asyncio.Task[Look], day: date) -> str:
    try:
        return _found(page, looking.result(), day)
    except (Refused, psycopg.Error) as problem:
        refusal = problem.refusal if isinstance(problem, Refused) else None
        return view.html("seen_failed.html", page, refusal=refusal)


def _found(page: Frame, look: Look, day: date) -> str:
    return view.html(
        "seen_found.html",
        page,
        look=look,
        day=day,
        stretches=seen_views.stretches(look),
        picture=seen_views.picture(look, day),
    )
