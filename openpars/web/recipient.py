# SPDX-License-Identifier: Apache-2.0
"""The recipients' HTTP API, `/v1`. Every route goes through the door; none can read the record."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from openpars.accounts.keys import RecipientKey
from openpars.agreements import plain
from openpars.alerts.dispatch import Dispatcher
from openpars.alerts.streams import Stream, frames
from openpars.disclosure import request as asks
from openpars.disclosure.gate import Gate
from openpars.disclosure.request import Fetch, Search, Why
from openpars.errors import Code, Refusal, Refused, refuse
from openpars.web import auth, respond

router = APIRouter()


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


@router.post("/v1/search")
async def search(request: Request) -> Response:
    """Search by the keys your agreement grants; at most its number of results, with a receipt."""
    who = await auth.recipient(request)
    try:
        asked = asks.search(await respond.body(request, asks.MAX_BODY))
    except Refused as refused:
        return await _refused(request, who, refused.refusal, way="search")
    return await _disclose(request, who, asked)


@router.get("/v1/records/{record}")
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
    who = await auth.recipient(request)
    gate = _gate(request)
    await gate.read_clock()
    await gate.register.reload()
    held = gate.register.in_force(who.recipient, gate.clock.now())
    if not held:
        return await _refused(
            request, who, Refusal(Code.NO_AGREEMENT, "You hold no agreement in force."), way="agreement"
        )
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
                    "text": plain.markdown(gate.register.version(standing)),
                }
                for standing in held
            ]
        }
    )


@router.post("/v1/subscriptions", status_code=201)
async def subscribe(request: Request) -> Response:
    """Ask to be told: a watch by granted keys, or criteria your grant names. Ends with the agreement."""
    who = await auth.recipient(request)
    asked = None
    try:
        asked = asks.subscribe(await respond.body(request, asks.MAX_BODY))
        made, position = await _dispatcher(request).subscribe(who, asked)
    except Refused as refused:
        why = asked.why if asked is not None else None
        return await _refused(request, who, refused.refusal, way="alert", why=why)
    return respond.json(
        {"id": str(made.id), "position": position, "agreement": made.agreement, "expires": made.expires}, 201
    )


@router.get("/v1/alerts")
async def alerts(request: Request) -> Response:
    """Your feed as Server-Sent Events. `Last-Event-ID` resumes; `agreement.ended` is the last event."""
    who = await auth.recipient(request)
    gate, dispatcher = _gate(request), _dispatcher(request)
    try:
        stream = _stream(who, dict(request.query_params))
        await _must_hold(gate, who, stream.agreement)
        await dispatcher.open(stream, request.headers.get("last-event-id") or None)
    except Refused as refused:
        return await _refused(request, who, refused.refusal, way="alert")

    async def body() -> AsyncIterator[bytes]:
        try:
            async for frame in frames(stream, alive=dispatcher.alive):
                yield frame
        finally:
            dispatcher.streams.close(stream)

    return StreamingResponse(body(), media_type="text/event-stream", headers={"x-accel-buffering": "no"})


def _stream(who: RecipientKey, query: dict[str, str]) -> Stream:
    for name in query:
        if name not in {"agreement", "subscription"}:
            raise refuse(Code.INVALID, "A feed can be narrowed by agreement or subscription.")
    subscription = None
    if "subscription" in query:
        try:
            subscription = UUID(query["subscription"])
        except ValueError:
            raise refuse(Code.INVALID, "The id of one of your subscriptions.", "subscription") from None
    return Stream(who.recipient, who.id, query.get("agreement"), subscription)


async def _must_hold(gate: Gate, who: RecipientKey, agreement: str | None) -> None:
    if not gate.partner_access:
        raise refuse(Code.NO_AGREEMENT, "This server may not serve partners: its database needs an update.")
    await gate.read_clock()
    await gate.register.reload()
    now = gate.clock.now()
    held = gate.register.in_force(who.recipient, now)
    if any(agreement in (None, standing.agreement) for standing in held):
        return
    mine = [
        s
        for s in gate.register.standings
        if s.recipient == who.recipient and agreement in (None, s.agreement)
    ]
    if any(s.state == "suspended" for s in mine):
        raise refuse(Code.AGREEMENT_SUSPENDED, "The agreement is suspended.")
    if any(s.state == "ended" or now >= s.until for s in mine):
        raise refuse(Code.AGREEMENT_ENDED, "The agreement has ended.")
    raise refuse(Code.NO_AGREEMENT, "You hold no agreement in force.")
