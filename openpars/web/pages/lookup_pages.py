# SPDX-License-Identifier: Apache-2.0
"""Looking up a file that stands in no list any more: by a number, or by a last name with more.

The question travels in the body of a POST: an address is kept by browsers and proxies, and a name must
not be. Each look-up is noted in the acts log by `desk.reading.find`, found or not.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from openpars.desk import reading
from openpars.desk.room import READERS, Actor, among
from openpars.errors import Refused
from openpars.record import values
from openpars.record.names import key
from openpars.web import intake
from openpars.web.pages import desk_views, times, view
from openpars.web.pages.desk_pages import frame_of, noted, typed_of
from openpars.web.pages.models import QueueRow
from openpars.web.pages.typed import Typed

router = APIRouter(route_class=view.PageRoute, include_in_schema=False)

MOST = 50
"""How many files one look-up shows at most (`record.lookup.find`)."""


@router.get("/desk/lookup")
async def form(request: Request) -> Response:
    """The question."""
    actor = await intake.who(request)
    among(actor, READERS)
    return _page(request, actor, Typed({}, times.CITY_ZONE))


@router.post("/desk/lookup")
async def found(request: Request) -> Response:
    """The files it finds, the newest first; or what to mend."""
    actor = await intake.who(request)
    among(actor, READERS)
    typed = await typed_of(request)
    asked = wanted(typed)
    if typed.problems:
        return _page(request, actor, typed)
    try:
        answer: Any = await reading.find(intake.room_of(request), actor, asked)
    except Refused as refused:
        typed.problems.append(await noted(request, actor, "lookup", refused.refusal, typed))
        return _page(request, actor, typed)
    now = datetime.now(UTC)
    rows = tuple(desk_views.row(one, now, "/desk/file/{id}") for one in answer["arrests"])
    return _page(request, actor, typed, rows)


def wanted(typed: Typed) -> dict[str, str | None]:
    """What is looked for, by the names of `desk.reading.find`. A number decides alone."""
    number = typed.read("number", _number)
    if number is not None:
        return dict([number])
    last, born = typed.text("last"), typed.read("birth_date", values.day)
    if typed.text("number") is None and not (last and key(last)):
        typed.wrong("number", "Write a number, or a last name.")
    return {
        "last": last,
        "first": typed.text("first"),
        "birth_date": None if born is None else born.isoformat(),
    }


def _number(text: str) -> tuple[str, str]:
    """Which number it is, told by its form: a docket and an OTN begin with a letter. Raises ValueError."""
    try:
        if re.match(r"(?:MC|CP|MJ)\b", text, re.IGNORECASE):
            return "docket", values.docket(text)
        if text[:1].isalpha():
            return "otn", values.otn(text)
        return "dc_number", values.dc_number(text)
    except ValueError:
        raise ValueError(
            "Write a DC number (8 to 14 digits), an OTN (X 123456-7) or a docket (MC-51-CR-0012345-2023)."
        ) from None


def _page(request: Request, actor: Actor, typed: Typed, rows: tuple[QueueRow, ...] | None = None) -> Response:
    return view.respond(
        "lookup.html",
        frame_of(request, actor),
        status=422 if typed.problems else 200,
        values=typed.fields,
        errors=tuple(typed.problems),
        rows=rows,
        most=MOST,
    )
