# SPDX-License-Identifier: Apache-2.0
"""Agreements over HTTP: `/agreements`. Reading the register is for everybody; the rest is for the owners."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from openpars.agreements import certified, register
from openpars.agreements.ballots import Ballot, Choice, Question, Round, statement
from openpars.agreements.odrl.writer import odrl_text
from openpars.agreements.register import Entry
from openpars.db.connect import Connection
from openpars.desk import impact, owners, solicitor
from openpars.desk.view import time
from openpars.errors import Code, refuse
from openpars.shares import enact
from openpars.web import intake, respond
from openpars.web.agreement_shapes import BallotShape, NoticeShape, ReasonShape, RoundShape
from openpars.web.intake import desk_route, done, receive
from openpars.web.shapes import Shape, schema_of

router = APIRouter(tags=["agreements"])

TOML = "application/toml"


def _json(shape: type[Shape]) -> dict[str, Any]:
    return {"requestBody": {"content": {"application/json": {"schema": schema_of(shape)}}}}


def _closes(request: Request) -> datetime | None:
    given = request.query_params.get("closes")
    if given is None:
        return None
    try:
        return datetime.fromisoformat(given)
    except ValueError:
        raise refuse(
            Code.INVALID, "an instant with an offset, as 2027-01-31T17:00:00-05:00", "closes"
        ) from None


def _id(request: Request) -> str:
    return str(request.path_params["agreement"])


@router.get("/agreements", response_class=Response)
async def listing(request: Request) -> Response:
    """The public register: every version of every agreement, with its text, ballots and life."""
    async with request.app.state.pool.connection() as conn:
        entries = await register.register(conn)
        filling = await _filling(conn)
    return respond.json({"agreements": [_entry(entry, filling) for entry in entries]})


@router.get("/agreements/{agreement}", response_class=Response)
@desk_route
async def one(request: Request) -> Response:
    """One agreement: its versions, the last one first."""
    async with request.app.state.pool.connection() as conn:
        entries = [entry for entry in await register.register(conn) if entry.agreement == _id(request)]
        filling = await _filling(conn)
    if not entries:
        raise refuse(Code.NOT_FOUND, "There is no such agreement.")
    entries.sort(key=lambda entry: -entry.version)
    versions = [_entry(entry, filling) for entry in entries]
    return respond.json({"id": entries[0].agreement, "versions": versions})


async def _filling(conn: Connection) -> dict[tuple[str, int], int]:
    return {(one.agreement, one.version): one.percent for one in await enact.filled(conn)}


@router.get("/agreements/{agreement}/certificates", response_class=Response)
@desk_route
async def all_certificates(request: Request) -> Response:
    """What was asked of a solver about each version, and what it answered: `unsat` is a proof."""
    async with request.app.state.pool.connection() as conn:
        kept = await certified.of_agreement(conn, _id(request))
    if not kept:
        raise refuse(Code.NOT_FOUND, "There are no certificates of such an agreement.")
    return respond.json({"id": _id(request), "certificates": [_certificate(one) for one in kept]})


@router.get("/agreements/{agreement}/certificates/{version}/{name}", response_class=Response)
@desk_route
async def one_certificate(request: Request) -> Response:
    """One certificate, as SMT-LIB 2 text for any solver."""
    number, name = str(request.path_params["version"]), str(request.path_params["name"])
    async with request.app.state.pool.connection() as conn:
        known = number.isascii() and number.isdigit() and len(number) < 7
        text = await certified.text_of(conn, _id(request), int(number), name) if known else None
    if text is None:
        raise refuse(Code.NOT_FOUND, "There is no such certificate.")
    return Response(text, media_type="text/plain; charset=utf-8")


def _certificate(one: certified.Kept) -> dict[str, object]:
    return {
        "version": one.version,
        "property": one.name,
        "says": one.says,
        "answer": one.answer if one.sound else None,
        "solver": one.solver,
        "sound": one.sound,
        "made_at": time(one.made_at),
        "href": f"/agreements/{one.agreement}/certificates/{one.version}/{one.name}",
    }


@router.get("/agreements/{agreement}/odrl", response_class=Response)
@desk_route
async def as_odrl(request: Request) -> Response:
    """One version as an ODRL 2.2 policy with DPV purposes: the newest, or `?version=N`."""
    wanted = request.query_params.get("version")
    async with request.app.state.pool.connection() as conn:
        numbers = [one.version for one in await register.standings(conn) if one.agreement == _id(request)]
        found = [number for number in numbers if wanted is None or str(number) == wanted]
        if not found:
            raise refuse(Code.NOT_FOUND, "There is no such version.")
        try:
            version = await register.version(conn, _id(request), max(found))
        except register.BrokenText:
            raise refuse(Code.NOT_FOUND, "There is no such version.") from None
    return Response(odrl_text(version), media_type="application/ld+json")


@router.post(
    "/agreements",
    status_code=201,
    response_class=Response,
    openapi_extra={"requestBody": {"content": {TOML: {"schema": {"type": "string"}}}}},
)
@desk_route
async def propose(request: Request) -> Response:
    """Propose a text as the next version of its agreement. The solicitor does.

    `?closes=` is the instant by which the owners must have spoken, where the rules' own days are not meant.
    """
    received, text = await intake.receive_bytes(request, TOML)
    return done(await solicitor.propose(received.room, received.asked, text, closes=_closes(request)))


@router.post("/agreements/{agreement}/ballots", response_class=Response, openapi_extra=_json(BallotShape))
@desk_route
async def ballot(request: Request) -> Response:
    """Cast a ballot: whose it is follows from the key."""
    received, shape = await receive(request, BallotShape)
    answer = await solicitor.ballot(
        received.room,
        received.asked,
        _id(request),
        version=shape.version,
        question=Question(shape.question),
        choice=Choice(shape.choice),
        hash=shape.hash,
        expires=shape.expires,
        signature=shape.signature,
        round=shape.round,
        key=shape.key,
    )
    return done(answer)


@router.post(
    "/agreements/{agreement}/rounds",
    status_code=201,
    response_class=Response,
    openapi_extra=_json(RoundShape),
)
@desk_route
async def ask(request: Request) -> Response:
    """Ask for the end of an agreement, or ask again about a text that was lost: a new round."""
    received, shape = await receive(request, RoundShape)
    answer = await owners.ask(
        received.room,
        received.asked,
        _id(request),
        version=shape.version,
        question=Question(shape.question),
        closes=shape.closes,
    )
    return done(answer)


@router.post("/agreements/{agreement}/end", response_class=Response, openapi_extra=_json(ReasonShape))
@desk_route
async def end(request: Request) -> Response:
    """End an agreement now."""
    received, shape = await receive(request, ReasonShape)
    reason = shape.reason or "ended by the city"
    return done(await solicitor.end(received.room, received.asked, _id(request), reason))


@router.post("/agreements/{agreement}/suspend", response_class=Response, openapi_extra=_json(ReasonShape))
@desk_route
async def suspend(request: Request) -> Response:
    """Suspend an agreement: any one owner may."""
    received, shape = await receive(request, ReasonShape)
    reason = shape.reason or "suspended"
    return done(await solicitor.suspend(received.room, received.asked, _id(request), reason))


@router.post("/agreements/{agreement}/resume", response_class=Response, openapi_extra=_json(ReasonShape))
@desk_route
async def resume(request: Request) -> Response:
    """Lift a suspension: only who suspended may."""
    received, shape = await receive(request, ReasonShape)
    reason = shape.reason or "resumed"
    return done(await solicitor.resume(received.room, received.asked, _id(request), reason))


@router.post("/agreements/{agreement}/notice", response_class=Response, openapi_extra=_json(NoticeShape))
@desk_route
async def notice(request: Request) -> Response:
    """Give notice: the agreement ends at that instant, no sooner than its text's days of notice."""
    received, shape = await receive(request, NoticeShape)
    reason = shape.reason or "notice given"
    return done(
        await solicitor.give_notice(
            received.room, received.asked, _id(request), reason, effective=shape.effective
        )
    )


@router.post(
    "/agreements/{agreement}/withdraw-notice", response_class=Response, openapi_extra=_json(ReasonShape)
)
@desk_route
async def withdraw_notice(request: Request) -> Response:
    """Take a notice back before its instant."""
    received, shape = await receive(request, ReasonShape)
    reason = shape.reason or "notice withdrawn"
    return done(await solicitor.withdraw_notice(received.room, received.asked, _id(request), reason))


@router.get("/agreements/{agreement}/impact", response_class=Response)
@desk_route
async def what_stops(request: Request) -> Response:
    """What stops if the agreement ends, or if `version` takes its place: counts; for owners the case numbers.

    `people` and `rows` leave the recipient's share. Who is no owner and not the solicitor gets numbers that
    are rounded down (to tens below a hundred, to hundreds below a thousand) and stay the same for an hour.
    """
    actor = await intake.who(request) if "authorization" in request.headers else None
    by = _version(request)
    insider = actor is not None and actor.role in impact.INSIDERS
    room, memory = intake.room_of(request), request.app.state.impacts
    found = await (impact.impact(room, _id(request), by=by) if insider else memory(room, _id(request), by))
    return respond.json(found.told(insider=insider))


def _version(request: Request) -> int | None:
    given = request.query_params.get("version")
    if given is None:
        return None
    if not given.isascii() or not given.isdecimal() or len(given) > 9:
        raise refuse(Code.INVALID, "The number of a version.", "version")
    return int(given)


def _entry(entry: Entry, filling: dict[tuple[str, int], int]) -> dict[str, object]:
    return {
        "id": entry.agreement,
        "version": entry.version,
        "provider": entry.provider,
        "recipient": entry.recipient,
        "state": entry.state,
        # How many percent of the record its share is filled from, while it is being filled; else null.
        "filled_percent": filling.get((entry.agreement, entry.version)),
        "hash": entry.hash,
        "begins": time(entry.begins),
        "ends": time(entry.ends),
        "ended_at": time(entry.ended_at),
        "notice_at": time(entry.notice_at),
        "notice_ends": time(entry.notice_ends),
        "suspended_by": entry.suspended_by,
        "reconstructed": entry.reconstructed,
        "text": entry.text,
        "ballots": [_ballot(one) for one in entry.ballots],
        "events": [
            {"what": one.what, "at": time(one.at), "by": one.by, "reason": one.reason} for one in entry.events
        ],
        "rounds": [_round(one) for one in entry.rounds],
    }


def _round(one: Round) -> dict[str, object]:
    return {
        "question": one.question.value,
        "round": one.number,
        "rules_of_version": one.rules,
        "asked_by": one.asked_by,
        "asked_at": time(one.asked_at),
        "closes_at": time(one.closes_at),
        "outcome": one.outcome.value,
        "decided_at": time(one.decided_at),
    }


def _ballot(one: Ballot) -> dict[str, object]:
    return {
        "stakeholder": one.stakeholder,
        "question": one.question.value,
        "choice": one.choice.value,
        "at": time(one.at),
        "expires": time(one.expires),
        "signature": one.signature,
        "signed": one.signature is not None,
        "round": one.round,
        "key": one.key,
        "hash": one.hash,
        "statement": statement(one),
    }
