# SPDX-License-Identifier: Apache-2.0
"""The solicitor's desk for letters: write, preview, serve, record the answer; owners and the auditor read."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from openpars.accounts.keys import StaffRole
from openpars.agreements import register
from openpars.agreements.language import plain
from openpars.agreements.language.words import ENGLISH
from openpars.agreements.letters import filed, typeset
from openpars.agreements.letters.correspondence import Letter, LetterStanding
from openpars.agreements.letters.wording import TEXT_LIMIT, TITLES, LetterKind, Service, Written
from openpars.agreements.register import Standing
from openpars.desk import letters
from openpars.desk.room import Actor, Room, among
from openpars.desk.solicitor import SOLICITOR
from openpars.errors import Code, Refused, refuse
from openpars.record import values
from openpars.web import intake
from openpars.web.letters import pdf
from openpars.web.pages import term_views, times, view
from openpars.web.pages.desk_pages import asked_of, frame_of, noted, typed_of
from openpars.web.pages.typed import Typed

router = APIRouter(route_class=view.PageRoute, include_in_schema=False)

_KINDS = tuple((kind.value, title) for kind, title in TITLES.items())
_WAYS = (
    (Service.EMAIL.value, "E-mail"),
    (Service.POST.value, "Post"),
    (Service.HAND.value, "By hand"),
    (Service.PORTAL.value, "The recipient's portal"),
)
_STANDING = ("in_force", "suspended", "balloted", "ended", "superseded")


@router.get("/desk/letters")
async def overview(request: Request) -> Response:
    """Every letter, the overdue ones first."""
    actor, now = await intake.who(request), datetime.now(UTC)
    room = intake.room_of(request)
    found = await letters.of(room, actor)
    async with room.pool.connection() as conn:
        known = await register.standings(conn)
    return view.respond(
        "letters.html",
        frame_of(request, actor),
        letters=term_views.rows(found, now),
        overdue=sum(one.standing(now) is LetterStanding.OVERDUE for one in found),
        agreements=sorted({(one.agreement, one.recipient) for one in known if one.state in _STANDING}),
        written={one.agreement for one in found},
        solicitor=actor.role is StaffRole.SOLICITOR,
        ready=typeset.ready(),
        missing=typeset.MISSING,
    )


def _number(number: str) -> int:
    if not number.isascii() or not number.isdecimal() or len(number) > 9:
        raise refuse(Code.NOT_FOUND, "There is no such letter.")
    return int(number)


async def _about(room: Room, agreement: str) -> Standing:
    """The version a new letter is about. Raises Refused NOT_FOUND."""
    async with room.pool.connection() as conn:
        known = [
            s for s in await register.standings(conn) if s.agreement == agreement and s.state in _STANDING
        ]
    if not known:
        raise refuse(Code.NOT_FOUND, "There is no such agreement, or it never stood.")
    return min(known, key=lambda one: (_STANDING.index(one.state), -one.version))


@router.get("/desk/letters/{agreement}/new")
async def new(request: Request, agreement: str) -> Response:
    """The form of a new letter."""
    actor = await intake.who(request)
    among(actor, SOLICITOR)
    kind = request.query_params.get("kind", "")
    fields = {"kind": kind if kind in set(LetterKind) else LetterKind.INQUIRY.value}
    return await _form(request, actor, agreement, Typed(fields, times.CITY_ZONE))


async def _form(request: Request, actor: Actor, agreement: str, typed: Typed) -> Response:
    room = intake.room_of(request)
    about = await _about(room, agreement)
    async with room.pool.connection() as conn:
        version = await register.version(conn, agreement, about.version)
    return view.respond(
        "letter_new.html",
        frame_of(request, actor),
        status=422 if typed.problems else 200,
        agreement=agreement,
        version=about.version,
        recipient=about.recipient,
        kinds=_KINDS,
        clauses=tuple((one.id, one.title.replace("`", "")) for one in plain.sections(version, ENGLISH)),
        limit=TEXT_LIMIT,
        values=typed.fields,
        errors=tuple(typed.problems),
        idempotency=typed.text("idempotency") or secrets.token_urlsafe(16),
    )


@router.post("/desk/letters/{agreement}/new")
async def write(request: Request, agreement: str) -> Response:
    """Write the letter; or say what to mend, with everything typed kept."""
    actor, typed = await intake.who(request), await typed_of(request)
    deadline = typed.read("deadline", values.day)
    kind = typed.text("kind")
    if kind not in set(LetterKind):
        typed.wrong("kind", "Choose what the letter is for.")
    if typed.problems or kind is None:
        return await _form(request, actor, agreement, typed)
    clause = typed.text("clause") if kind in {LetterKind.INQUIRY, LetterKind.BREACH} else None
    written = Written(LetterKind(kind), typed.text("text"), clause, deadline, typed.text("to"))
    try:
        room = intake.room_of(request)
        made = await letters.draft(room, asked_of(request, actor, typed), agreement, written)
    except Refused as refused:
        typed.problems.append(await noted(request, actor, "letter", refused.refusal, typed))
        return await _form(request, actor, agreement, typed)
    return view.go(f"/desk/letters/{agreement}/{made.body['number']}")


@router.get("/desk/letters/{agreement}/correspondence.pdf")
async def correspondence(request: Request, agreement: str) -> Response:
    """The whole correspondence as one PDF."""
    actor = await intake.who(request)
    made = await letters.whole_file(intake.room_of(request), actor, agreement)
    return pdf(made, f"{agreement}-correspondence.pdf")


@router.get("/desk/letters/{agreement}/{number}.pdf")
async def as_pdf(request: Request, agreement: str, number: str) -> Response:
    """One letter as PDF."""
    actor = await intake.who(request)
    made = await letters.pdf(intake.room_of(request), actor, agreement, _number(number))
    return pdf(made, f"{agreement}-letter-{number}.pdf")


@router.get("/desk/letters/{agreement}/{number}")
async def one(request: Request, agreement: str, number: str) -> Response:
    """A letter as it is sent, and what is to be done with it next."""
    actor = await intake.who(request)
    return await _page(request, actor, agreement, _number(number), Typed({}, times.CITY_ZONE))


async def _page(request: Request, actor: Actor, agreement: str, number: int, typed: Typed) -> Response:
    now = datetime.now(UTC)
    letter: Letter = await letters.one(intake.room_of(request), actor, agreement, number)
    content: dict[str, Any] = letter.value
    return view.respond(
        "letter.html",
        frame_of(request, actor),
        status=422 if typed.problems else 200,
        letter=content,
        hash=letter.hash,
        place=f"/desk/letters/{agreement}/{number}",
        standing=letter.standing(now).value,
        words=term_views.STANDING_WORDS[letter.standing(now)],
        served=letter.step("served") is not None,
        public=letter.step("published") is not None,
        record=filed.record(letter),
        ways=_WAYS,
        ready=typeset.ready(),
        missing=typeset.MISSING,
        solicitor=actor.role is StaffRole.SOLICITOR,
        values={"on": term_views.today(now, letter.zone), **typed.fields},
        errors=tuple(typed.problems),
    )


@router.post("/desk/letters/{agreement}/{number}/{act}")
async def step(request: Request, agreement: str, number: str, act: str) -> Response:
    """Record that a letter was served or answered, discard it, or make it public."""
    actor, typed = await intake.who(request), await typed_of(request)
    wanted, room = _number(number), intake.room_of(request)
    day = typed.read("on", values.day) if act in {"serve", "reply"} else None
    how = typed.text("how")
    if act == "serve" and how not in set(Service):
        typed.wrong("how", "Choose how it was served.")
    if typed.problems:
        return await _page(request, actor, agreement, wanted, typed)
    asked = asked_of(request, actor, typed)
    words = {name: typed.text(name) or "" for name in ("proof", "who", "summary")}
    try:
        if act == "serve" and how is not None:
            await letters.serve(
                room, asked, agreement, wanted, day=day, how=Service(how), proof=words["proof"]
            )
        elif act == "reply":
            await letters.reply(
                room, asked, agreement, wanted, day=day, who=words["who"], summary=words["summary"]
            )
        elif act == "discard":
            await letters.discard(room, asked, agreement, wanted)
        elif act == "publish":
            await letters.publish(room, asked, agreement, wanted)
        else:
            raise refuse(Code.NOT_FOUND, "There is nothing at this address.")
    except Refused as refused:
        typed.problems.append(await noted(request, actor, f"letter_{act}"[:40], refused.refusal, typed))
        return await _page(request, actor, agreement, wanted, typed)
    return view.go(f"/desk/letters/{agreement}/{wanted}")
