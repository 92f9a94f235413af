# SPDX-License-Identifier: Apache-2.0
"""The staff API: `/desk/…`, JSON. Each route reads one shape, does one act and answers once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from openpars.desk import charging, court, police, reading, records
from openpars.errors import Code, refuse
from openpars.web import intake, respond
from openpars.web.correction_shapes import CorrectShape
from openpars.web.intake import desk_route, done, receive
from openpars.web.shapes import (
    ArraignmentShape,
    BookingShape,
    ChargesShape,
    ChargingShape,
    ComplaintShape,
    CustodyShape,
    DispositionShape,
    DocketShape,
    InterviewShape,
    OrderShape,
    RepresentationShape,
    SetBailShape,
    Shape,
    WithdrawalShape,
    now,
    schema_of,
)

router = APIRouter(tags=["desk"])

Handler = Callable[[Request], Awaitable[Response]]

_PROBLEM = {"description": "A problem from the closed list (application/problem+json)."}


def post(path: str, shape: type[Shape], *, status: int = 200) -> Callable[[Handler], Handler]:
    """Route a POST with a JSON body of this shape; its schema goes into the OpenAPI text."""
    body: dict[str, Any] = {
        "requestBody": {"required": True, "content": {"application/json": {"schema": schema_of(shape)}}}
    }

    def add(handler: Handler) -> Handler:
        routed = desk_route(handler)
        router.add_api_route(
            path,
            routed,
            methods=["POST"],
            status_code=status,
            openapi_extra=body,
            responses={"4XX": _PROBLEM},
            response_class=Response,
        )
        return routed

    return add


def get(path: str) -> Callable[[Handler], Handler]:
    """Route a GET."""

    def add(handler: Handler) -> Handler:
        routed = desk_route(handler)
        router.add_api_route(
            path, routed, methods=["GET"], responses={"4XX": _PROBLEM}, response_class=Response
        )
        return routed

    return add


def _id(request: Request) -> str:
    return str(request.path_params["arrest"])


@post("/desk/arrests", BookingShape, status=201)
async def book(request: Request) -> Response:
    """Book an arrest."""
    received, shape = await receive(request, BookingShape)
    return done(await police.book(received.room, received.asked, shape.form()))


@post("/desk/arrests/{arrest}/charges", ChargesShape)
async def propose_charges(request: Request) -> Response:
    """Propose more charges."""
    received, shape = await receive(request, ChargesShape)
    return done(await police.propose_charges(received.room, received.asked, _id(request), shape.form()))


@post("/desk/arrests/{arrest}/charging", ChargingShape)
async def decide_charges(request: Request) -> Response:
    """Decide charges. When all are declined, the person is released by the same act."""
    received, shape = await receive(request, ChargingShape)
    return done(await charging.decide_charges(received.room, received.asked, _id(request), shape.form()))


@post("/desk/arrests/{arrest}/complaint", ComplaintShape)
async def file_complaint(request: Request) -> Response:
    """File the complaint, generated from the approved charges."""
    received, shape = await receive(request, ComplaintShape)
    return done(await charging.file_complaint(received.room, received.asked, _id(request), shape.form()))


@post("/desk/arrests/{arrest}/interview", InterviewShape)
async def interview(request: Request) -> Response:
    """Record the pretrial interview."""
    received, shape = await receive(request, InterviewShape)
    return done(await court.interview(received.room, received.asked, _id(request), shape.form()))


@post("/desk/arrests/{arrest}/arraignment", ArraignmentShape)
async def arraign(request: Request) -> Response:
    """Record the preliminary arraignment."""
    received, shape = await receive(request, ArraignmentShape)
    return done(await court.arraign(received.room, received.asked, _id(request), shape.form()))


@post("/desk/arrests/{arrest}/bail", SetBailShape)
async def set_bail(request: Request) -> Response:
    """Set bail anew, or record that it was posted."""
    received, shape = await receive(request, SetBailShape)
    form = shape.form(shape.set_at or now())
    return done(await court.set_bail(received.room, received.asked, _id(request), form))


@post("/desk/arrests/{arrest}/custody", CustodyShape)
async def change_custody(request: Request) -> Response:
    """Set the hold/release indicator."""
    received, shape = await receive(request, CustodyShape)
    return done(await police.change_custody(received.room, received.asked, _id(request), shape.form()))


@post("/desk/arrests/{arrest}/representation", RepresentationShape)
async def represent(request: Request) -> Response:
    """Record who defends."""
    received, shape = await receive(request, RepresentationShape)
    return done(await court.represent(received.room, received.asked, _id(request), shape.form()))


@post("/desk/arrests/{arrest}/disposition", DispositionShape)
async def dispose(request: Request) -> Response:
    """Record how charges ended. Whoever is cleared of all of them is released by the same act."""
    received, shape = await receive(request, DispositionShape)
    return done(await court.dispose(received.room, received.asked, _id(request), shape.form()))


@post("/desk/arrests/{arrest}/correct", CorrectShape)
async def correct(request: Request) -> Response:
    """Set right what was wrong."""
    received, shape = await receive(request, CorrectShape)
    return done(await records.correct(received.room, received.asked, _id(request), shape.form()))


@post("/desk/arrests/{arrest}/seal", OrderShape)
async def seal(request: Request) -> Response:
    """Seal the file: from the commit on no recipient sees it."""
    received, shape = await receive(request, OrderShape)
    return done(await records.seal(received.room, received.asked, _id(request), shape.form()))


@post("/desk/arrests/{arrest}/unseal", OrderShape)
async def unseal(request: Request) -> Response:
    """Open a sealed file."""
    received, shape = await receive(request, OrderShape)
    return done(await records.unseal(received.room, received.asked, _id(request), shape.form()))


@post("/desk/arrests/{arrest}/expunge", OrderShape)
async def expunge(request: Request) -> Response:
    """Expunge: content and keys are destroyed, the history's lines stay."""
    received, shape = await receive(request, OrderShape)
    return done(await records.expunge(received.room, received.asked, _id(request), shape.form()))


@post("/desk/dockets", DocketShape, status=201)
async def file_docket(request: Request) -> Response:
    """Enter or update a docket of the court's list."""
    received, shape = await receive(request, DocketShape)
    return done(await court.file_docket(received.room, received.asked, shape.form()))


@post("/desk/dockets/{docket}/withdraw", WithdrawalShape)
async def withdraw_docket(request: Request) -> Response:
    """The court's list dropped the docket early."""
    received, shape = await receive(request, WithdrawalShape)
    docket = str(request.path_params["docket"])
    return done(await court.withdraw_docket(received.room, received.asked, docket, shape.form()))


@get("/desk/queue/{queue}")
async def queue(request: Request) -> Response:
    """A desk's list, the least time left first: charging, complaint, arraignment, custody."""
    actor = await intake.who(request)
    try:
        name = reading.Queue(str(request.path_params["queue"]))
    except ValueError:
        raise refuse(Code.NOT_FOUND, f"The queues are: {', '.join(reading.Queue)}.") from None
    return respond.json(await reading.queue(intake.room_of(request), actor, name))


@get("/desk/arrests")
async def find(request: Request) -> Response:
    """Look up by dc_number, docket, otn, or last name with first name and birth date. Logged."""
    actor = await intake.who(request)
    known = ("last", "first", "birth_date", "dc_number", "docket", "otn")
    given = request.query_params.multi_items()
    for name, _ in given:
        if name not in known:
            raise refuse(Code.INVALID, f"Look up by: {', '.join(known)}.", "query")
    if len(given) != len(request.query_params):
        raise refuse(Code.INVALID, "Each of them once.", "query")
    typed = {name: request.query_params.get(name) for name in known}
    return respond.json(await reading.find(intake.room_of(request), actor, typed))


@get("/desk/arrests/{arrest}")
async def one(request: Request) -> Response:
    """One file, as the role may see it. Logged."""
    actor = await intake.who(request)
    return respond.json(await reading.one(intake.room_of(request), actor, _id(request)))


@get("/desk/arrests/{arrest}/history")
async def history(request: Request) -> Response:
    """Who did what, when it happened and when it was recorded."""
    actor = await intake.who(request)
    return respond.json(await reading.history(intake.room_of(request), actor, _id(request)))
