# SPDX-License-Identifier: Apache-2.0
"""The editor of agreements: a text, its faults as it is typed, its plain English, and five files through it.

Everybody may try (`/public/editor`); the solicitor's (`/desk/editor`) can propose, as a program does.
Checking keeps nothing: the text is read, answered and forgotten. It costs the process no more than its pace.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import time
from collections.abc import Mapping
from datetime import UTC, datetime

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from openpars.accounts.keys import StaffRole
from openpars.agreements import register
from openpars.city import agreed
from openpars.db.connect import Pool
from openpars.desk import solicitor
from openpars.desk.room import Actor, Asked
from openpars.desk.transact import note_refusal
from openpars.errors import Code, Refused, refuse
from openpars.record.vault import held
from openpars.web import intake, strangers
from openpars.web.pace import Pace
from openpars.web.pages import view
from openpars.web.pages.desk_pages import NAV
from openpars.web.pages.editor_views import Checked, checked
from openpars.web.pages.view import Frame
from openpars.web.pages.words import Words

router = APIRouter(route_class=view.PageRoute, include_in_schema=False)

SAMPLES = ("ice-felony-warrant", "defender-representation", "ice-pars-2010", "ice-pars-2008")
"""Texts that ship, to begin with; every text of the register can be begun with, too."""

_WAITING = 8  # checks in the queue; whoever comes then is asked to come again


class _Bench:
    """One check at a time for each audience, in a thread: the desks never wait for a stranger's text."""

    def __init__(self, *, share: float, burst: float) -> None:
        self._pace = Pace(share=share, burst=burst)
        self._turn = asyncio.Semaphore(1)
        self._waiting = 0

    async def check(self, fields: Mapping[str, str], lang: str) -> Checked:
        """The answer. Raises Refused LIMIT_REACHED when this page has had its share of the process."""
        if self._waiting >= _WAITING or not self._pace.may(time.monotonic()):
            raise refuse(Code.LIMIT_REACHED, "Many texts are being checked. Try again in a few seconds.")
        self._waiting += 1
        try:
            async with self._turn:
                answer, cost = await asyncio.to_thread(_timed, fields, Words(lang))
                self._pace.spend(cost)
                return answer
        finally:
            self._waiting -= 1


def _timed(fields: Mapping[str, str], words: Words) -> tuple[Checked, float]:
    """The answer, and the seconds of a processor that it took."""
    began = time.thread_time()
    answer = checked(fields, datetime.now(UTC), words)
    return answer, time.thread_time() - began


_PUBLIC, _DESK = _Bench(share=0.2, burst=2.0), _Bench(share=0.5, burst=5.0)


async def _tried(request: Request, fields: Mapping[str, str], lang: str) -> Checked:
    """A stranger's text checked; this page has a pace of its own, and other readers do not wait for it."""
    strangers.step_aside(request)
    return await _PUBLIC.check(fields, lang)


def _public_frame(request: Request) -> Frame:
    return view.frame(request, lang=view.language(request), translated=True)


async def _solicitor(request: Request) -> tuple[Actor, Frame]:
    """The solicitor and their frame. Raises Refused: nobody else has this desk."""
    actor = await intake.who(request)
    if actor.role is not StaffRole.SOLICITOR:
        raise refuse(Code.FORBIDDEN, "This is the solicitor's. Everybody can try a text at /public/editor.")
    desk, nav = NAV[actor.role]
    return actor, view.frame(request, desk=desk, nav=nav, sign_out="/desk/sign-out")


async def _begun(request: Request) -> tuple[str, str]:
    """The text to begin with and its name: of the register, or one that ships, or none."""
    asked = request.query_params.get("from", "")
    if asked in SAMPLES:
        return agreed.text(asked), asked
    name, _, number = asked.rpartition("/")
    pool: Pool = request.app.state.pool
    if name and number.isascii() and number.isdecimal():
        async with pool.connection() as conn:
            for entry in await register.register(conn):
                if entry.agreement == name and str(entry.version) == number:
                    return entry.text, asked
    return "", ""


async def _choices(request: Request) -> tuple[str, ...]:
    pool: Pool = request.app.state.pool
    async with pool.connection() as conn:
        return tuple(f"{entry.agreement}/{entry.version}" for entry in await register.register(conn))


async def _page(
    request: Request, page: Frame, base: str, answer: Checked, *, status: int = 200, **more: object
) -> Response:
    values: dict[str, object] = {"begun": "", "refused": None, "nonce": secrets.token_urlsafe(16), **more}
    return view.respond(
        "editor.html",
        page,
        status=status,
        keep_language=base.startswith("/public"),
        base=base,
        c=answer,
        samples=SAMPLES,
        choices=await _choices(request),
        **values,
    )


# ---------------------------------------------------------------------- for everybody


@router.get("/public/editor")
async def public_editor(request: Request) -> Response:
    """The editor to try out: empty, or begun with a text of the register or one that ships."""
    text, begun = await _begun(request)
    page = _public_frame(request)
    answer = await _tried(request, {"text": text}, page.lang)
    return await _page(request, page, "/public/editor", answer, begun=begun)


@router.post("/public/editor")
async def public_check(request: Request) -> Response:
    """Check a text without JavaScript: the same page, with what was found."""
    page = _public_frame(request)
    answer = await _tried(request, view.single(await view.form(request)), page.lang)
    return await _page(request, page, "/public/editor", answer)


@router.post("/public/editor/checked")
async def public_checked(request: Request) -> Response:
    """Check a text as it is typed: only what stands beside it."""
    page = _public_frame(request)
    answer = await _tried(request, view.single(await view.form(request)), page.lang)
    return view.respond("editor_checked.html", page, c=answer)


# ---------------------------------------------------------------------- for the solicitor


@router.get("/desk/editor")
async def desk_editor(request: Request) -> Response:
    """The solicitor's editor."""
    _, page = await _solicitor(request)
    text, begun = await _begun(request)
    return await _page(
        request, page, "/desk/editor", await _DESK.check({"text": text}, page.lang), begun=begun
    )


@router.post("/desk/editor")
async def desk_check(request: Request) -> Response:
    """Check a text without JavaScript."""
    _, page = await _solicitor(request)
    answer = await _DESK.check(view.single(await view.form(request)), page.lang)
    return await _page(request, page, "/desk/editor", answer)


@router.post("/desk/editor/checked")
async def desk_checked(request: Request) -> Response:
    """Check a text as it is typed."""
    _, page = await _solicitor(request)
    answer = await _DESK.check(view.single(await view.form(request)), page.lang)
    return view.respond("editor_checked.html", page, c=answer)


@router.post("/desk/editor/propose")
async def propose(request: Request) -> Response:
    """Propose the text, as by `POST /agreements`; what is refused is said, and what was typed is kept."""
    actor, page = await _solicitor(request)
    fields = view.single(await view.form(request))
    text = fields.get("text", "").replace("\r\n", "\n").encode("utf-8", "surrogatepass")
    mark = held().mark("request", hashlib.sha256(b"POST /desk/editor/propose " + text).hexdigest())
    asked = Asked(actor, fields.get("idempotency") or None, mark, None)
    try:
        made = await solicitor.propose(intake.room_of(request), asked, text)
    except Refused as problem:
        await note_refusal(intake.room_of(request), actor, "propose", problem.refusal)
        answer = await _DESK.check(fields, page.lang)
        return await _page(
            request, page, "/desk/editor", answer, status=problem.refusal.status, refused=problem.refusal
        )
    return view.go(f"/public/agreements/{made.body['id']}?version={made.body['version']}")
