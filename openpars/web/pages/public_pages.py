# SPDX-License-Identifier: Apache-2.0
"""What anybody may read: the front page, the register of agreements, the log; and the way in to a desk."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response

import openpars
from openpars.accounts import keys
from openpars.agreements import certified, register
from openpars.agreements.model import Version
from openpars.agreements.register import BrokenText, Entry
from openpars.agreements.votes import ballot_keys
from openpars.db.connect import Connection, Pool
from openpars.desk import letters, owners
from openpars.errors import Code, Refused, refuse
from openpars.log import serve
from openpars.shares import enact
from openpars.web import intake
from openpars.web.auth import COOKIE
from openpars.web.pages import agreement_views, life_picture, scenario_views, view
from openpars.web.pages import public_views as views
from openpars.web.pages.agreement_views import Counts
from openpars.web.pages.models import DemoDesk
from openpars.web.pages.view import Frame
from openpars.web.pages.vote_views import Belief
from openpars.web.pages.words import Words

router = APIRouter(route_class=view.PageRoute, include_in_schema=False)

VERIFIER = Path(openpars.__file__).parent.parent / "verify" / "openpars_verify.py"
_COMING = frozenset({"draft", "proposed", "balloted"})
_IN_FORCE = frozenset({"in_force", "notice_given", "suspended"})
_ASSETS = view.Assets()


def _pool(request: Request) -> Pool:
    pool: Pool = request.app.state.pool
    return pool


def _frame(request: Request) -> Frame:
    return view.frame(request, lang=view.language(request), translated=True)


async def parsed(conn: Connection, entries: tuple[Entry, ...]) -> dict[tuple[str, int], Version | None]:
    """Every version's text as a value; None where the stored text does not have its hash."""
    found: dict[tuple[str, int], Version | None] = {}
    for entry in entries:
        try:
            found[entry.agreement, entry.version] = await register.version(
                conn, entry.agreement, entry.version
            )
        except BrokenText:
            found[entry.agreement, entry.version] = None
    return found


async def belief(conn: Connection, *, demo: bool) -> Belief:
    """By what the ballots of this city are judged, now."""
    keys = await ballot_keys.keys_of(conn, owners.provider())
    return Belief(keys, await ballot_keys.logged(conn), demo)


@router.get("/static/{path:path}")
async def static(request: Request, path: str) -> Response:
    """Our own files; nothing on any page comes from another host."""
    return await _ASSETS.get_response(path, request.scope)


@router.get("/")
async def front(request: Request) -> Response:
    """What this is, the picture of one arrest's way, and where to go."""
    page = _frame(request)
    async with _pool(request).connection() as conn:
        standings = await register.standings(conn)
        note = await serve.checkpoint(conn, "disclosures")
    in_force = [s for s in standings if s.state == "in_force" and s.begins <= page.now < s.until]
    return view.respond(
        "public_front.html",
        page,
        keep_language=True,
        in_force=len(in_force),
        log_size=views.tree(note).size,
    )


@router.get("/public/agreements")
async def agreements(request: Request) -> Response:
    """The register: every agreement, in force first."""
    page = _frame(request)
    async with _pool(request).connection() as conn:
        entries = await register.register(conn)
        versions = await parsed(conn, entries)
        filling = await enact.filled(conn)
    cards = views.cards(entries, versions, page.now, Words(page.lang))
    return view.respond(
        "register.html",
        page,
        keep_language=True,
        filling={(one.agreement, one.version): one.percent for one in filling},
        in_force=tuple(c for c in cards if c.state in _IN_FORCE),
        coming=tuple(c for c in cards if c.state in _COMING),
        past=tuple(c for c in cards if c.state not in _IN_FORCE | _COMING),
    )


@router.get("/public/agreements/{agreement}/{number}.toml")
async def source(request: Request, agreement: str, number: str) -> Response:
    """A version's text exactly as it was proposed."""
    entry = next((e for e in await _entries(request, agreement) if str(e.version) == number), None)
    if entry is None:
        raise refuse(Code.NOT_FOUND, "There is no such agreement in the register.")
    return PlainTextResponse(
        entry.text,
        media_type="application/toml",
        headers={"Content-Disposition": f'attachment; filename="{entry.agreement}.{entry.version}.toml"'},
    )


@router.get("/public/agreements/{agreement}")
async def one_agreement(request: Request, agreement: str) -> Response:
    """One agreement: its generated text, ballots, life, versions, and the file itself."""
    page = _frame(request)
    entries = await _entries(request, agreement)
    async with _pool(request).connection() as conn:
        versions = await parsed(conn, entries)
        judged = await belief(conn, demo=request.app.state.city.demo)
        filling = await enact.filled(conn)
    # Read by hand: a framework's own refusal would repeat what was sent.
    number = next((e.version for e in entries if str(e.version) == request.query_params.get("version")), None)
    found = (
        views.agreement(entries, number, versions, page.now, Words(page.lang), belief=judged)
        if entries
        else None
    )
    if found is None:
        raise refuse(Code.NOT_FOUND, "There is no such agreement in the register.")
    room = intake.room_of(request)
    ordered = sorted(entries, key=lambda entry: entry.version)
    return view.respond(
        "agreement.html",
        page,
        keep_language=True,
        a=found,
        filling={(one.agreement, one.version): one.percent for one in filling},
        readings=views.readings(agreement),
        pictures=life_picture.pictures(
            ordered, [views.shown_state(entry, page.now) for entry in ordered], page.now, Words(page.lang)
        ),
        letters=agreement_views.letters(await letters.known(room, agreement), page.now),
        changes=agreement_views.changes(entries, found.card.version, versions),
        plain_changes=await plain_changes(request, entries, found.card.version, page.lang),
        stops=await _stops(request, agreement),
        certificates=agreement_views.certificates(
            await _certificates(request, agreement, found.card.version), Words(page.lang)
        ),
    )


async def plain_changes(
    request: Request, entries: Sequence[Entry], number: int, lang: str
) -> agreement_views.PlainChanges | None:
    """What a version changes of the one before it, as it was worked out when it was proved."""
    agreement = entries[0].agreement
    async with request.app.state.pool.connection() as conn:
        attempt = await certified.last(conn, agreement, number)
    earlier = [one.version for one in entries if one.version < number and one.state != "rejected"]
    return agreement_views.plain_changes(attempt, max(earlier, default=None), lang)


async def _certificates(request: Request, agreement: str, number: int) -> tuple[certified.Kept, ...]:
    """What a solver was asked about the version that is shown."""
    async with request.app.state.pool.connection() as conn:
        return await certified.of_agreement(conn, agreement, number)


async def _stops(request: Request, agreement: str) -> Counts | None:
    """What would stop, for the public; None where nothing is in force."""
    try:
        made = await request.app.state.impacts(intake.room_of(request), agreement, None)
    except Refused as refused:
        if refused.refusal.code is Code.CONFLICT:
            return None
        raise
    return agreement_views.counts(made)


@router.get("/public/agreements/{agreement}/letters/{number}")
async def public_letter(request: Request, agreement: str, number: str) -> Response:
    """The text of a letter that the solicitor made public."""
    page = _frame(request)
    if not number.isascii() or not number.isdecimal() or len(number) > 9:
        raise refuse(Code.NOT_FOUND, "There is no such letter.")
    found = await letters.one(intake.room_of(request), None, agreement, int(number))
    return view.respond("public_letter.html", page, keep_language=True, letter=found.value, hash=found.hash)


async def _entries(request: Request, agreement: str) -> tuple[Entry, ...]:
    async with _pool(request).connection() as conn:
        return tuple(e for e in await register.register(conn) if e.agreement == agreement)


@router.get("/public/scenario/philadelphia-2008-2018")
async def scenario(request: Request) -> Response:
    """The ten years of the agreement with ICE as one picture, under each reading of what the sources tell."""
    page = _frame(request)
    # Read by hand: anything but a known reading of the shield means both.
    asked = request.query_params.get("shield")
    shield = asked if asked in scenario_views.shields() else None
    found = scenario_views.scenario(shield, Words(page.lang))
    return view.respond("scenario.html", page, keep_language=True, s=found, shields=scenario_views.shields())


@router.get("/public/log")
async def log(request: Request) -> Response:
    """The newest checkpoint of the public tree, and how to check the whole log."""
    async with _pool(request).connection() as conn:
        note = await serve.checkpoint(conn, "disclosures")
    base = request.app.state.city.base_url
    return view.respond(
        "log.html",
        _frame(request),
        keep_language=True,
        tree=views.tree(note),
        first_command=f"curl -O {base}/public/openpars_verify.py",
        second_command=f'python openpars_verify.py {base}/log --key "$(curl -s {base}/log/key)"',
    )


@router.get("/public/openpars_verify.py")
async def verifier() -> Response:
    """The stand-alone verifier, one file."""
    if not VERIFIER.is_file():
        raise refuse(Code.NOT_FOUND, "The verifier comes with the source code of OpenPARS.")
    return FileResponse(VERIFIER, media_type="text/x-python", filename=VERIFIER.name)


@router.get("/sign-in")
async def sign_in(request: Request) -> Response:
    """The demonstration's desks; in a real city this page only says whom to ask."""
    page = _frame(request)
    words = Words(page.lang)
    links = _demo_links(request) if page.demo else {}
    outside = links.pop("recipients", {})
    staff = tuple(DemoDesk(role, role, "", f"/sign-in/{link}") for role, link in links.items())
    agencies = tuple(
        DemoDesk(name, words.maybe(f"party.{name}", name), "", f"/sign-in/{link}")
        for name, link in outside.items()
    )
    return view.respond("sign_in.html", page, keep_language=True, staff=staff, outside=agencies)


def _demo_links(request: Request) -> dict[str, dict[str, str]]:
    """The sign-in links of a demonstration: its people are invented, so its doors may stand open."""
    folder = getattr(request.app.state, "data_dir", None)
    file = folder / "demo-keys.json" if isinstance(folder, Path) else None
    if file is None or not file.is_file():
        return {}
    found = json.loads(file.read_text(encoding="utf-8")).get("links", {})
    return found if isinstance(found, dict) else {}


@router.get("/sign-in/{link}")
async def sign_in_by_link(request: Request, link: str) -> Response:
    """A demonstration's sign-in link: a staff session starts here, a recipient's at the door."""
    if not request.app.state.city.demo:
        raise refuse(Code.NOT_FOUND, "Sign-in links exist in a demonstration only.")
    async with _pool(request).connection() as conn:
        found = await keys.staff_by_link(conn, link)
        if found is not None:
            token = await keys.start_staff_session(conn, found.id)
            response = view.go("/desk")
            # Only the desks' addresses get this cookie: a recipient's session can stand beside it.
            view.set_session(request, response, token, COOKIE, ("/desk",))
            return response
        agency = await keys.recipient_by_link(conn, link)
    if agency is None:
        raise refuse(Code.UNAUTHENTICATED, "This sign-in link is not in force.")
    return view.go(f"/recipient/sign-in/{link}")
