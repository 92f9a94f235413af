# SPDX-License-Identifier: Apache-2.0
"""The desks: lists, police, District Attorney. Every act goes through `openpars.desk`, as by the API."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from openpars.accounts import keys
from openpars.accounts.keys import StaffRole
from openpars.desk import charging, police, reading
from openpars.desk.reading import Queue
from openpars.desk.room import MAY, Actor, Asked, Room
from openpars.desk.transact import note_refusal
from openpars.errors import Code, Refusal, Refused
from openpars.record.countries import countries
from openpars.record.forms import Act, ComplaintFiled
from openpars.record.vault import held
from openpars.web import intake
from openpars.web.auth import COOKIE
from openpars.web.pages import desk_forms, desk_views, times, view
from openpars.web.pages.models import FileView, Problem
from openpars.web.pages.typed import Typed
from openpars.web.pages.view import Frame, Link

router = APIRouter(route_class=view.PageRoute, include_in_schema=False)

_BOOK, _HELD = Link("/desk/police/book", "Book an arrest"), Link("/desk/police", "Custody list")
_CHARGE, _COMPLAIN = Link("/desk/charging", "Charging queue"), Link("/desk/complaints", "Complaints to file")
_ARRAIGN = Link("/desk/court", "Arraignment list")
_LOOKUP = Link("/desk/lookup", "Look up a file")
_SEEN = Link("/desk/seen", "What could be seen")
_REGISTER, _LOG = Link("/public/agreements", "Public register"), Link("/public/log", "The log")
_VOTES = Link("/desk/votes", "Votes")
_TERMS, _LETTERS = Link("/desk/agreements", "Agreements"), Link("/desk/letters", "Letters")
_EDITOR = Link("/desk/editor", "Write an agreement")

NAV: Mapping[StaffRole, tuple[str, tuple[Link, ...]]] = {
    StaffRole.POLICE: ("Police desk", (_BOOK, _HELD, _LOOKUP, _TERMS, _VOTES, _SEEN)),
    StaffRole.DISTRICT_ATTORNEY: (
        "District Attorney",
        (_CHARGE, _COMPLAIN, _LOOKUP, _TERMS, _VOTES, _SEEN),
    ),
    StaffRole.COURTS: ("Arraignment court", (_ARRAIGN, _HELD, _LOOKUP, _TERMS, _VOTES, _SEEN)),
    StaffRole.SOLICITOR: ("City Solicitor", (_TERMS, _VOTES, _EDITOR, _LETTERS, _SEEN, _REGISTER, _LOG)),
    StaffRole.AUDITOR: ("Auditor", (_SEEN, _REGISTER, _LOG, _TERMS, _LETTERS)),
    StaffRole.RECORDS: ("Records officer", (_LOOKUP, _HELD, _REGISTER, _LOG)),
}
_LEADS: Mapping[StaffRole, str] = {
    StaffRole.AUDITOR: "You read and check; nothing can be changed from here.",
    StaffRole.RECORDS: "Look up a file to read or correct it. Sealing and expunging are done by program.",
}
"""Roles whose first page is a page of links, and what stands above them."""
STALE = "Somebody changed this file since you opened it. Open it again, then decide."
_VERSION = re.compile(r"[1-9][0-9]{0,8}", re.ASCII)
_NO_VERSION = 0  # versions of a file begin with 1
_SHOWN = 100  # rows of a list; the rest waits behind more urgent ones

_LISTS: Mapping[Queue, dict[str, str]] = {
    Queue.CHARGING: {
        "title": "Charging queue",
        "lead": "Arrests whose proposed charges wait for a decision.",
        "noun": "arrests wait",
        "noun_one": "arrest waits",
        "act": "Decide",
        "href": "/desk/charging/{id}",
        "empty_title": "No charge waits for a decision",
        "empty_text": "A new arrest shows here by itself the moment police book it.",
    },
    Queue.COMPLAINT: {
        "title": "Complaints to file",
        "lead": "Charges are decided; the complaint is not yet filed with the court.",
        "noun": "complaints wait",
        "noun_one": "complaint waits",
        "act": "File",
        "href": "/desk/charging/{id}/complaint",
        "empty_title": "Every decided arrest has its complaint",
        "empty_text": "Decide charges in the charging queue; the complaint comes next.",
    },
    Queue.ARRAIGNMENT: {
        "title": "Arraignment list",
        "lead": "Complaints filed, ready for the preliminary arraignment.",
        "noun": "persons wait",
        "noun_one": "person waits",
        "act": "Arraign",
        "href": "/desk/court/{id}",
        "empty_title": "Nobody waits for arraignment",
        "empty_text": "A person shows here by itself once the District Attorney has filed the complaint.",
    },
    Queue.CUSTODY: {
        "title": "Custody list",
        "lead": "Everyone held, and until when. Who leaves this list is free to go: their file says why.",
        "noun": "persons are held",
        "noun_one": "person is held",
        "act": "Open",
        "href": "/desk/file/{id}",
        "empty_title": "Nobody is held",
        "empty_text": "Book an arrest, and the person shows here.",
    },
}
_PATHS: Mapping[str, Queue] = {
    "/desk/charging": Queue.CHARGING,
    "/desk/complaints": Queue.COMPLAINT,
    "/desk/court": Queue.ARRAIGNMENT,
    "/desk/police": Queue.CUSTODY,
}


def frame_of(request: Request, actor: Actor) -> Frame:
    """What stands around a page of this role."""
    desk, nav = NAV[actor.role]
    return view.frame(request, desk=desk, nav=nav, sign_out="/desk/sign-out")


# ------------------------------------------------------------------ in and out


@router.get("/desk")
async def home(request: Request) -> Response:
    """Each role's first page: its work, where it has a page of its own."""
    actor = await intake.who(request)
    first = NAV[actor.role][1][0].href
    lead = _LEADS.get(actor.role)
    if lead is None:
        return view.go(first)
    texts = {
        _REGISTER: "Every text, vote and end, as the public sees it.",
        _SEEN: "For any day of an agreement: how many people, by which fields and keys.",
        _LOG: "What left, what was refused, and how to check it.",
        _VOTES: "What the owners are asked, until when, and who has spoken.",
        _TERMS: "How near each agreement is to its end, and what would stop.",
        _LETTERS: "What the city wrote to recipients, and what became of it.",
        _LOOKUP: "Any file, by a number or a name: also of people who are no longer held.",
        _HELD: "Everyone held; open a file and its history from there.",
    }
    return view.respond(
        "desk_home.html",
        frame_of(request, actor),
        lead=lead,
        links=tuple((link, texts[link]) for link in NAV[actor.role][1]),
    )


@router.post("/desk/sign-out")
async def sign_out(request: Request) -> Response:
    """End the session, here and at the server."""
    await intake.who(request)  # also refuses a form that another site sent
    token = request.cookies.get(COOKIE)
    if token is not None:
        async with intake.room_of(request).pool.connection() as conn:
            await keys.end_staff_session(conn, token)
    response = view.go("/sign-in")
    view.end_session(response, COOKIE, ("/desk",))
    return response


# ------------------------------------------------------------------ lists


async def _list(request: Request, name: Queue, poll: str) -> dict[str, Any]:
    actor = await intake.who(request)
    found = await reading.queue(intake.room_of(request), actor, name)
    now, words = datetime.now(UTC), _LISTS[name]
    arrests: Any = found["arrests"]
    rows = tuple(desk_views.row(one, now, words["href"]) for one in arrests)[:_SHOWN]
    # The stamp changes when anything shown does, the passing minutes included.
    shown = [(row.id, row.clock.text, row.top_charge, row.top_grade, row.state) for row in rows]
    stamp = hashlib.sha256(repr((shown, len(arrests))).encode()).hexdigest()[:16]
    return {
        **words,
        "caption": words["title"],
        "rows": rows,
        "total": len(arrests),
        "stamp": stamp,
        "poll": poll,
        "gone": "No longer held" if name is Queue.CUSTODY else "",
        "page": frame_of(request, actor),
    }


def _add_list(path: str, name: Queue) -> None:
    """A list's page, and the fragment by which it renews itself."""

    async def page(request: Request) -> Response:
        values = await _list(request, name, f"{path}/rows")
        return view.respond("queue.html", values.pop("page"), **values)

    async def rows(request: Request) -> Response:
        values = await _list(request, name, f"{path}/rows")
        if request.query_params.get("seen") == values["stamp"]:
            return Response(status_code=204, headers=view.HEADERS)
        return view.respond("queue_rows.html", values.pop("page"), **values)

    router.add_api_route(path, page, methods=["GET"], name=f"{name} list")
    router.add_api_route(f"{path}/rows", rows, methods=["GET"], name=f"{name} rows")


for _path, _name in _PATHS.items():
    _add_list(_path, _name)


# ------------------------------------------------------------------ helpers of the forms


async def file_of(request: Request, actor: Actor, arrest: str) -> FileView:
    """A file as the role may see it. Raises Refused."""
    whole = await reading.one(intake.room_of(request), actor, arrest)
    return desk_views.file(whole, datetime.now(UTC))


async def typed_of(request: Request) -> Typed:
    """A form as it came."""
    return Typed(view.single(await view.form(request)), times.CITY_ZONE)


def asked_of(request: Request, actor: Actor, typed: Typed) -> Asked:
    """Guarded like a program's request: a second click gets the first answer, a stale form is refused.

    So is one about a file that does not say of which version it was made: all of ours do.
    """
    whole = f"{request.method} {request.url.path} {sorted(typed.fields.items())!r}"
    mark = held().mark("request", hashlib.sha256(whole.encode("utf-8", "surrogatepass")).hexdigest())
    version = typed.text("version")
    return Asked(
        actor,
        typed.text("idempotency"),
        mark,
        int(version) if version is not None and _VERSION.fullmatch(version) else _NO_VERSION,
    )


async def noted(request: Request, actor: Actor, what: str, refusal: Refusal, typed: Typed) -> Problem:
    """A refused act leaves a note in the acts log, and a sentence at its field."""
    if refusal.status < 500:
        await note_refusal(intake.room_of(request), actor, what, refusal)
    if refusal.code is Code.CONFLICT and refusal.field == "If-Match":
        return Problem("", STALE)
    return desk_forms.told(refusal, typed)


async def carried_out(
    request: Request, actor: Actor, typed: Typed, what: str, act: Callable[[Room, Asked], Awaitable[object]]
) -> bool:
    """Do an act with a form. False: it was refused, which is noted, and told at its field."""
    try:
        await act(intake.room_of(request), asked_of(request, actor, typed))
    except Refused as refused:
        typed.problems.append(await noted(request, actor, what, refused.refusal, typed))
        return False
    return True


# ------------------------------------------------------------------ police


def _booking_page(
    page: Frame, typed: Typed, *, more: str | None = None, same_incident: bool = False
) -> Response:
    """The booking form with everything typed so far; at least two charge rows, one row for a person."""
    charge = max(desk_forms.rows(typed, "charge", "statute", "grade"), default=0)
    person = max(desk_forms.rows(typed, "person", "role", "last", "first"), default=0)
    return view.respond(
        "police_book.html",
        page,
        status=422 if typed.problems else 200,
        values=typed.fields,
        errors=tuple(typed.problems),
        charge_rows=min(max(charge + (more == "charge"), 2), desk_forms.ROWS),
        person_rows=min(max(person + (more == "person"), 1), desk_forms.ROWS),
        grades=desk_views.GRADES,
        sexes=desk_views.SEXES,
        races=desk_views.RACES,
        ethnicities=desk_views.ETHNICITIES,
        interpreters=desk_views.INTERPRETERS,
        notices=desk_views.NOTICES,
        idempotency=typed.text("idempotency") or secrets.token_urlsafe(16),
        same_incident=same_incident,
    )


@router.get("/desk/police/book")
async def booking(request: Request) -> Response:
    """The booking form; the time of arrest begins at now."""
    actor = await intake.who(request)
    now = datetime.now(times.CITY_ZONE)
    fields = {"arrested_date": f"{now:%m/%d/%Y}", "arrested_time": f"{now:%H%M}"}
    return _booking_page(frame_of(request, actor), Typed(fields, times.CITY_ZONE))


@router.post("/desk/police/book")
async def book(request: Request) -> Response:
    """Book an arrest; or say what to mend, with everything typed kept."""
    actor = await intake.who(request)
    page, typed = frame_of(request, actor), await typed_of(request)
    more = typed.text("more")
    if more is not None:
        return _booking_page(page, typed, more=more)
    room = intake.room_of(request)
    form = desk_forms.booking(typed, room.pack)
    if form is None:
        return _booking_page(page, typed)
    try:
        made = await police.book(room, asked_of(request, actor, typed), form)
    except Refused as refused:
        known = refused.refusal.code is Code.CONFLICT and refused.refusal.field == "dc_number"
        typed.problems.append(await noted(request, actor, "book", refused.refusal, typed))
        return _booking_page(page, typed, same_incident=known)
    return view.go(f"/desk/police/booked/{made.body['id']}")


@router.get("/desk/police/booked/{arrest}")
async def booked(request: Request, arrest: str) -> Response:
    """What happens next, with the clock."""
    actor = await intake.who(request)
    return view.respond(
        "police_booked.html", frame_of(request, actor), file=await file_of(request, actor, arrest)
    )


@router.get("/desk/police/statutes")
async def statutes(request: Request) -> Response:
    """The statute table for the look-up of the booking form: pairs of code and words."""
    await intake.who(request)
    table = intake.room_of(request).pack.statutes.values()
    return JSONResponse(
        [(one.code, one.text) for one in table],
        headers={**view.HEADERS, "cache-control": "private, max-age=3600"},
    )


@router.get("/desk/police/countries")
async def country_names(request: Request) -> Response:
    """Names of countries for the look-up of the booking form."""
    await intake.who(request)
    return JSONResponse(
        list(countries().items()),
        headers={**view.HEADERS, "cache-control": "private, max-age=3600"},
    )


# ------------------------------------------------------------------ District Attorney


@router.get("/desk/charging/{arrest}")
async def charging_form(request: Request, arrest: str) -> Response:
    """Decide each proposed charge."""
    actor = await intake.who(request)
    return await _charging_page(request, actor, arrest, Typed({}, times.CITY_ZONE))


async def _charging_page(request: Request, actor: Actor, arrest: str, typed: Typed) -> Response:
    file = await file_of(request, actor, arrest)
    if not any(charge.stage == "proposed" for charge in file.charges):
        return view.go(f"/desk/charging/{arrest}/complaint")
    return view.respond(
        "charging.html",
        frame_of(request, actor),
        status=422 if typed.problems else 200,
        file=file,
        errors=tuple(typed.problems),
        values=typed.fields,
        grades=desk_views.GRADES,
    )


@router.post("/desk/charging/{arrest}")
async def decide(request: Request, arrest: str) -> Response:
    """Record the decision on every proposed charge."""
    actor = await intake.who(request)
    typed = await typed_of(request)
    file = await file_of(request, actor, arrest)
    form = desk_forms.decisions(typed, file.charges, datetime.now(UTC))
    if form is None:
        return await _charging_page(request, actor, arrest, typed)
    act = partial(charging.decide_charges, arrest=arrest, form=form)
    if not await carried_out(request, actor, typed, "decide_charges", act):
        return await _charging_page(request, actor, arrest, typed)
    return view.go(f"/desk/charging/{arrest}/complaint")


@router.get("/desk/charging/{arrest}/complaint")
async def complaint_form(request: Request, arrest: str) -> Response:
    """The complaint as it will be filed; or that every charge is declined."""
    actor = await intake.who(request)
    return await _complaint_page(request, actor, arrest, Typed({}, times.CITY_ZONE))


async def _complaint_page(request: Request, actor: Actor, arrest: str, typed: Typed) -> Response:
    return view.respond(
        "complaint.html",
        frame_of(request, actor),
        status=422 if typed.problems else 200,
        file=await file_of(request, actor, arrest),
        errors=tuple(typed.problems),
    )


@router.post("/desk/charging/{arrest}/complaint")
async def file_complaint(request: Request, arrest: str) -> Response:
    """File the complaint."""
    actor = await intake.who(request)
    typed = await typed_of(request)
    act = partial(charging.file_complaint, arrest=arrest, form=ComplaintFiled(at=datetime.now(UTC)))
    if not await carried_out(request, actor, typed, "file_complaint", act):
        return await _complaint_page(request, actor, arrest, typed)
    return view.go(f"/desk/file/{arrest}?done=complaint")


# ------------------------------------------------------------------ a file

_DONE = {
    "complaint": "The complaint is filed. The court's arraignment list shows it now.",
    "arraignment": "The arraignment is on record. The custody list follows it.",
    "correction": "The correction is on record. The old version stays in the history.",
    "outcomes": "The outcomes are on record. Every share that may show them follows.",
}
_NEXT: Mapping[StaffRole, Mapping[str, tuple[str, str]]] = {
    StaffRole.DISTRICT_ATTORNEY: {
        "Charges proposed": ("/desk/charging/{id}", "Decide the charges"),
        "Charges decided": ("/desk/charging/{id}/complaint", "File the complaint"),
    },
    StaffRole.COURTS: {
        "Complaint filed": ("/desk/court/{id}", "Arraign"),
        "Arraigned": ("/desk/court/{id}/outcomes", "Record outcomes"),
        "Arraigned and released": ("/desk/court/{id}/outcomes", "Record outcomes"),
        "Arraigned and committed": ("/desk/court/{id}/outcomes", "Record outcomes"),
        "Known from the court's list": ("/desk/court/{id}/outcomes", "Record outcomes"),
    },
}


@router.get("/desk/file/{arrest}")
async def one_file(request: Request, arrest: str) -> Response:
    """A file as the role may see it, with its history. Who opened it is noted in the acts log."""
    actor = await intake.who(request)
    room = intake.room_of(request)
    file = await file_of(request, actor, arrest)
    history: Any = (await reading.history(room, actor, arrest))["versions"]
    href, text = _NEXT.get(actor.role, {}).get(file.state, ("", ""))
    return view.respond(
        "file.html",
        frame_of(request, actor),
        file=file,
        history=desk_views.history(history, await reading.corrections(room, actor, arrest)),
        corrects=actor.role in MAY[Act.CORRECT] and file.state not in {"Expunged", "Withdrawn by the court"},
        done=_DONE.get(request.query_params.get("done", ""), ""),
        next_href=href.format(id=file.id),
        next_text=text,
    )
