# SPDX-License-Identifier: Apache-2.0
"""Letters over HTTP: `/agreements/{id}/letters`. What was served is public; what it says is the city's."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from openpars.agreements.letters import filed
from openpars.agreements.letters.wording import LetterKind, Service, Written
from openpars.desk import letters
from openpars.desk.room import Actor
from openpars.errors import Code, refuse
from openpars.web import intake, respond
from openpars.web.agreement_shapes import LetterShape, ReplyShape, ServeShape
from openpars.web.intake import desk_route, done, receive
from openpars.web.shapes import NothingShape, Shape, schema_of

router = APIRouter(tags=["letters"])

PDF = "application/pdf"


def _json(shape: type[Shape]) -> dict[str, Any]:
    return {"requestBody": {"content": {"application/json": {"schema": schema_of(shape)}}}}


def _id(request: Request) -> str:
    return str(request.path_params["agreement"])


def _number(request: Request) -> int:
    given = str(request.path_params["number"])
    if not given.isascii() or not given.isdecimal() or len(given) > 9:
        raise refuse(Code.NOT_FOUND, "There is no such letter.")
    return int(given)


async def reader(request: Request) -> Actor | None:
    """Who reads: a member of staff, or None for anybody. A key that is not staff's is refused."""
    if "authorization" not in request.headers:
        return None
    return await intake.who(request)


def pdf(content: bytes, name: str) -> Response:
    """A PDF under a file name of ours."""
    headers = {"content-disposition": f'inline; filename="{name}"'}
    return Response(content, media_type=PDF, headers=headers)


@router.get("/agreements/{agreement}/letters", response_class=Response)
@desk_route
async def listing(request: Request) -> Response:
    """The letters of an agreement: for anybody that they were served, and when; for staff all of it."""
    actor, room, now = await reader(request), intake.room_of(request), datetime.now(UTC)
    if actor is None:
        found = [filed.public_facts(one, now) for one in await letters.known(room, _id(request))]
    else:
        found = [filed.whole(one, now) for one in await letters.of(room, actor, _id(request))]
    return respond.json({"id": _id(request), "letters": found})


@router.post(
    "/agreements/{agreement}/letters",
    status_code=201,
    response_class=Response,
    openapi_extra=_json(LetterShape),
)
@desk_route
async def draft(request: Request) -> Response:
    """Write a letter: parties, term, clause and rule come from the agreement."""
    received, shape = await receive(request, LetterShape)
    written = Written(LetterKind(shape.kind), shape.text, shape.clause, shape.deadline, shape.to)
    return done(await letters.draft(received.room, received.asked, _id(request), written))


@router.get("/agreements/{agreement}/letters/{number}.pdf", response_class=Response)
@desk_route
async def as_pdf(request: Request) -> Response:
    """One letter as PDF: for staff, and for anybody once it is public."""
    actor, number = await reader(request), _number(request)
    made = await letters.pdf(intake.room_of(request), actor, _id(request), number)
    return pdf(made, f"{_id(request)}-letter-{number}.pdf")


@router.get("/agreements/{agreement}/letters/{number}", response_class=Response)
@desk_route
async def one(request: Request) -> Response:
    """One letter with its text: for staff, and for anybody once it is public."""
    actor, now = await reader(request), datetime.now(UTC)
    found = await letters.one(intake.room_of(request), actor, _id(request), _number(request))
    if actor is None:
        return respond.json({**filed.public_facts(found, now), "content": found.value})
    return respond.json(filed.whole(found, now))


@router.get("/agreements/{agreement}/correspondence.pdf", response_class=Response)
@desk_route
async def correspondence(request: Request) -> Response:
    """The whole correspondence of an agreement in one document with an index."""
    made = await letters.whole_file(intake.room_of(request), await intake.who(request), _id(request))
    return pdf(made, f"{_id(request)}-correspondence.pdf")


@router.post(
    "/agreements/{agreement}/letters/{number}/serve", response_class=Response, openapi_extra=_json(ServeShape)
)
@desk_route
async def serve(request: Request) -> Response:
    """Record that a letter was served, and by what this can be shown."""
    received, shape = await receive(request, ServeShape)
    return done(
        await letters.serve(
            received.room,
            received.asked,
            _id(request),
            _number(request),
            day=shape.on,
            how=Service(shape.how),
            proof=shape.proof,
        )
    )


@router.post(
    "/agreements/{agreement}/letters/{number}/reply", response_class=Response, openapi_extra=_json(ReplyShape)
)
@desk_route
async def reply(request: Request) -> Response:
    """Record the recipient's answer."""
    received, shape = await receive(request, ReplyShape)
    return done(
        await letters.reply(
            received.room,
            received.asked,
            _id(request),
            _number(request),
            day=shape.on,
            who=shape.who,
            summary=shape.summary,
        )
    )


@router.post(
    "/agreements/{agreement}/letters/{number}/discard",
    response_class=Response,
    openapi_extra=_json(NothingShape),
)
@desk_route
async def discard(request: Request) -> Response:
    """Take back a letter that was not served."""
    received, _ = await receive(request, NothingShape)
    return done(await letters.discard(received.room, received.asked, _id(request), _number(request)))


@router.post(
    "/agreements/{agreement}/letters/{number}/publish",
    response_class=Response,
    openapi_extra=_json(NothingShape),
)
@desk_route
async def publish(request: Request) -> Response:
    """Make the whole text of a served letter public, for good."""
    received, _ = await receive(request, NothingShape)
    return done(await letters.publish(received.room, received.asked, _id(request), _number(request)))
