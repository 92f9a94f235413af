# SPDX-License-Identifier: Apache-2.0
"""The recipients' HTTP API, `/v1`. Every route goes through the door; none can read the record."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from openpars.accounts.keys import RecipientKey
from openpars.agreements.language import plain
from openpars.agreements.language.words import ENGLISH
from openpars.agreements.register import Standing
from openpars.alerts.dispatch import Dispatcher
from openpars.alerts.streams import Stream, frames
from openpars.disclosure import request as asks
from openpars.disclosure.gate import Gate
from openpars.disclosure.request import Fetch, Search, Why
from openpars.errors import Code, Refusal, Refused, refuse
from openpars.strict_json import BODY_LIMIT
from openpars.web import auth, line, respond

router = APIRouter(tags=["recipients"])

_TEXT: dict[str, Any] = {"type": "string"}
_WHY: dict[str, Any] = {"agreement": _TEXT, "purpose": _TEXT, "case_number": _TEXT}
_FIND: dict[str, Any] = {"type": "object", "description": "One granted key, whole, by field name."}


def _takes(required: list[str], **members: dict[str, Any]) -> dict[str, Any]:
    schema = {
        "type": "object",
        "additionalProperties": False,
        "required": required,
        "properties": {**_WHY, **members},
    }
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def _asks(required: list[str], *names: str) -> dict[str, Any]:
    return {
        "parameters": [
            {"name": name, "in": "query", "required": name in required, "schema": _TEXT} for name in names
        ]
    }


_SEARCH = _takes(["purpose", "find"], find=_FIND, limit={"type": "integer", "minimum": 1})
_SUBSCRIBE = _takes(
    ["purpose"], find=_FIND, criteria={"type": "object"}, expires={"type": "string", "format": "date-time"}
)


def _gate(request: Request) -> Gate:
    gate: Gate = request.app.state.gate
    return gate


def _dispatcher(request: Request) -> Dispatcher:
    dispatcher: Dispatcher = request.app.state.dispatcher
    return dispatcher


async def _refused(
    request: Request, who: RecipientKey, refusal: Refusal, *, way: str, why: Why | None = None
) -> Response:
    """Log a refusal that was found before the door's own steps, and answer it."""
    return respond.problem(
        await _gate(request).remember_refusal(who, why, refusal, user=auth.acting_user(request), way=way)
    )


@router.post("/v1/search", openapi_extra=_SEARCH)
async def search(request: Request) -> Response:
    """Search by the keys your agreement grants; at most its number of results, with a receipt."""
    who = await auth.recipient(request)
    try:
        asked = asks.search(await respond.body(request, BODY_LIMIT))
    except Refused as refused:
        return await _refused(request, who, refused.refusal, way="search")
    return await _disclose(request, who, asked)


@router.get("/v1/records/{record}", openapi_extra=_asks(["purpose"], *_WHY))
async def record(request: Request, record: str) -> Response:
    """One record you were shown before, by its id, as it stands now."""
    who = await auth.recipient(request)
    try:
        asked = asks.fetch(record, dict(request.query_params))
    except Refused as refused:
        return await _refused(request, who, refused.refusal, way="record")
    return await _disclose(request, who, asked)


async def _disclose(request: Request, who: RecipientKey, asked: Search | Fetch) -> Response:
    answer = await _gate(request).disclose(who, asked, user=auth.acting_user(request))
    if isinstance(answer, Refusal):
        return respond.problem(answer)
    return Response(answer.encoded(), media_type=respond.MEDIA_JSON)


@router.get("/v1/agreement")
async def agreement(request: Request) -> Response:
    """What you hold: every agreement of yours in force, its text in plain words, and when it ends."""
    who = await auth.recipient(request, fresh=True)
    gate = _gate(request)
    try:
        held = await _held(gate, who, None)
    except Refused as refused:
        return await _refused(request, who, refused.refusal, way="agreement")
    return respond.json(
        {
            "agreements": [
                {
                    "id": standing.agreement,
                    "version": standing.version,
                    "hash": standing.hash,
                    "from": standing.begins,
                    "until": standing.until,
                    "purposes": gate.register.version(standing).agreement.purposes,
                    "text": plain.markdown(gate.register.version(standing), ENGLISH),
                }
                for standing in held
            ]
        }
    )


@router.post("/v1/subscriptions", status_code=201, openapi_extra=_SUBSCRIBE)
async def subscribe(request: Request) -> Response:
    """Ask to be told: a watch by granted keys, or criteria your grant names. Ends with the agreement."""
    who = await auth.recipient(request)
    asked = None
    try:
        asked = asks.subscribe(await respond.body(request, BODY_LIMIT))
        made, position = await _dispatcher(request).subscribe(who, asked, user=auth.acting_user(request))
    except Refused as refused:
        why = asked.why if asked is not None else None
        return await _refused(request, who, refused.refusal, way="alert", why=why)
    return respond.json(
        {"id": str(made.id), "position": position, "agreement": made.agreement, "expires": made.expires}, 201
    )


@router.get("/v1/alerts", openapi_extra=_asks([], "agreement", "subscription"))
async def alerts(request: Request) -> Response:
    """Your feed as Server-Sent Events. `Last-Event-ID` resumes; `agreement.ended` is the last event."""
    who = await auth.recipient(request, fresh=True)
    gate, dispatcher = _gate(request), _dispatcher(request)
    try:
        stream = _stream(who, dict(request.query_params))
        await _held(gate, who, stream.agreement)
        await dispatcher.open(stream, request.headers.get("last-event-id") or None)
    except Refused as refused:
        return await _refused(request, who, refused.refusal, way="alert")

    async def body() -> AsyncIterator[bytes]:
        try:
            async for frame in frames(stream, alive=dispatcher.post.alive, line=line.of(request.scope)):
                yield frame
        finally:
            dispatcher.post.streams.close(stream)

    return StreamingResponse(body(), media_type="text/event-stream", headers={"x-accel-buffering": "no"})


def _stream(who: RecipientKey, query: dict[str, str]) -> Stream:
    for name in query:
        if name not in {"agreement", "subscription"}:
            raise refuse(Code.INVALID, "A feed can be narrowed by agreement or subscription.")
    subscription = None
    if "subscription" in query:
        try:
            subscription = str(UUID(query["subscription"]))
        except ValueError:
            raise refuse(Code.INVALID, "The id of one of your subscriptions.", "subscription") from None
    return Stream(who, query.get("agreement"), subscription)


async def _held(gate: Gate, who: RecipientKey, agreement: str | None) -> tuple[Standing, ...]:
    """The recipient's agreements in force, all or the one named. Raises Refused with why there is none."""
    if not gate.partner_access:
        raise refuse(Code.NO_AGREEMENT, "This server may not serve partners: its database needs an update.")
    await gate.read_clock()
    await gate.register.reload()
    now = gate.clock.now()
    in_force = gate.register.in_force(who.recipient, who.organisation, now)
    held = tuple(standing for standing in in_force if agreement in (None, standing.agreement))
    if held:
        return held
    mine = [s for s in gate.register.of(who.recipient, who.organisation) if agreement in (None, s.agreement)]
    if any(s.state == "suspended" for s in mine):
        raise refuse(Code.AGREEMENT_SUSPENDED, "The agreement is suspended.")
    if any(s.state == "ended" or now >= s.until for s in mine):
        raise refuse(Code.AGREEMENT_ENDED, "The agreement has ended.")
    raise refuse(Code.NO_AGREEMENT, "You hold no agreement in force.")
