# SPDX-License-Identifier: Apache-2.0
"""The records officer's page for a correction: the file as a form, a review, then the act."""

from __future__ import annotations

import re
import secrets
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from openpars.desk import reading, records
from openpars.desk.room import Actor, may
from openpars.errors import Code, Refused, refuse
from openpars.record.forms import Act
from openpars.web import intake
from openpars.web.pages import correction_forms, desk_views, times, view
from openpars.web.pages.correction_forms import Corrected
from openpars.web.pages.desk_pages import STALE, asked_of, frame_of, noted, typed_of
from openpars.web.pages.models import Problem
from openpars.web.pages.typed import Typed

router = APIRouter(route_class=view.PageRoute, include_in_schema=False)

_CHARGE = re.compile(r"charges\.(\d+)\.(\w+)")


async def _file(request: Request, arrest: str) -> tuple[Actor, dict[str, Any]]:
    actor = await intake.who(request)
    may(actor, Act.CORRECT)
    whole: Any = await reading.one(intake.room_of(request), actor, arrest)
    if whole["state"] in {"expunged", "withdrawn"}:
        raise refuse(Code.CONFLICT, "Nothing of this file can be corrected any more.")
    return actor, whole


@router.get("/desk/file/{arrest}/correct")
async def form(request: Request, arrest: str) -> Response:
    """The file as a form."""
    actor, whole = await _file(request, arrest)
    fields = {**correction_forms.standing(whole), "version": str(whole["version"])}
    return _form(request, actor, whole, Typed(fields, times.CITY_ZONE))


def _form(request: Request, actor: Actor, whole: dict[str, Any], typed: Typed) -> Response:
    return view.respond(
        "correct.html",
        frame_of(request, actor),
        status=422 if typed.problems else 200,
        file=desk_views.file(whole, datetime.now(UTC)),
        values={"idempotency": secrets.token_urlsafe(16), "version": "", **typed.fields},
        errors=tuple(typed.problems),
        sexes=desk_views.SEXES,
        races=desk_views.RACES,
        ethnicities=desk_views.ETHNICITIES,
        interpreters=desk_views.INTERPRETERS,
        notices=desk_views.NOTICES,
        grades=desk_views.GRADES,
    )


@router.post("/desk/file/{arrest}/correct")
async def correct(request: Request, arrest: str) -> Response:
    """`step`: *review* shows what would change, *edit* goes back to the form, *send* records it.

    What was typed is held against the file as it stands: of a form made from an older version it would seem
    that the other's correction was to be taken back. So that is told before anything is reviewed.
    """
    actor, whole = await _file(request, arrest)
    typed = await typed_of(request)
    room, now = intake.room_of(request), datetime.now(UTC)
    found = correction_forms.corrected(typed, whole, room.pack, now)
    step = typed.text("step")
    if step == "edit":
        typed.problems.clear()
    if typed.text("version") != str(whole["version"]) and (found is None or step != "send"):
        typed.problems[:] = [Problem("", STALE)]
        return _form(request, actor, whole, typed)
    if found is None or step not in {"review", "send"}:
        return _form(request, actor, whole, typed)
    if step == "review":
        return view.respond(
            "correct_review.html",
            frame_of(request, actor),
            file=desk_views.file(whole, now),
            changes=found.changes,
            reason=typed.text("reason"),
            values=typed.fields,
        )
    try:
        await records.correct(room, asked_of(request, actor, typed), arrest, found.form)
    except Refused as refused:
        told = await noted(request, actor, "correct", refused.refusal, typed)
        typed.problems.append(_at_its_charge(told, refused.refusal.field or "", found))
        return _form(request, actor, whole, typed)
    return view.go(f"/desk/file/{arrest}?done=correction")


def _at_its_charge(told: Problem, field: str, found: Corrected) -> Problem:
    """A refusal about the n-th corrected charge, at that charge's own row."""
    place = _CHARGE.fullmatch(field)
    if place is None or int(place[1]) >= len(found.charges):
        return told
    return replace(told, field=f"charge-{found.charges[int(place[1])]}-{place[2]}")
