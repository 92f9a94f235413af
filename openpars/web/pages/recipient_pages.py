# SPDX-License-Identifier: Apache-2.0
"""The recipient's pages, served by the door: search, live feed, agreement.

They go through `disclose()` like the API and offer only what the agreement grants. This process
cannot read the record.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from typing import Any

import orjson
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from openpars.accounts import keys
from openpars.accounts.keys import RecipientKey
from openpars.agreements.register import Standing
from openpars.alerts import subscriptions
from openpars.alerts.dispatch import Dispatcher
from openpars.disclosure import request as asks
from openpars.disclosure.gate import Answer, Gate
from openpars.errors import Code, Refusal, Refused, refuse
from openpars.record.catalogue import FIELDS
from openpars.record.names import parse_date
from openpars.web import auth
from openpars.web.auth import COOKIE
from openpars.web.pages import recipient_views as views
from openpars.web.pages import view
from openpars.web.pages.models import KeyChoice, MyAgreement, PastAgreement, Problem
from openpars.web.pages.view import Frame, Link
from openpars.web.pages.words import Words

router = APIRouter(route_class=view.PageRoute, include_in_schema=False)

# The session's cookie goes to these addresses only, so that a desk's can stand beside it.
PATHS = ("/recipient", "/v1")
NAV = (
    Link("/recipient", "Search"),
    Link("/recipient/feed", "Live feed"),
    Link("/recipient/agreement", "Agreement"),
)
_WORDS = Words("en")
_OVER = frozenset({Code.AGREEMENT_ENDED, Code.AGREEMENT_SUSPENDED, Code.NO_AGREEMENT})


def _gate(request: Request) -> Gate:
    gate: Gate = request.app.state.gate
    return gate


def _frame(request: Request, who: RecipientKey) -> Frame:
    name = _WORDS.maybe(f"party.{who.recipient}", who.recipient)
    return view.frame(request, desk=name, nav=NAV, sign_out="/recipient/sign-out")


async def _held(request: Request, who: RecipientKey) -> tuple[Standing, ...]:
    """What this recipient holds at this instant, freshly read."""
    gate = _gate(request)
    if not gate.partner_access:
        return ()
    await gate.read_clock()
    await gate.register.reload()
    return gate.register.in_force(who.recipient, who.organisation, gate.clock.now())


def _chosen(held: tuple[Standing, ...], wanted: str | None) -> Standing:
    return next((s for s in held if s.agreement == wanted), held[0])


def _mine(request: Request, standing: Standing, purpose: str | None) -> MyAgreement:
    return views.mine(standing, _gate(request).register.version(standing), purpose, _WORDS)


def _over(request: Request, who: RecipientKey, *, status: int = 200) -> Response:
    """The plain page of a recipient that holds nothing now."""
    gate, now = _gate(request), _gate(request).clock.now()
    past = gate.register.of(who.recipient, who.organisation)
    latest = {s.agreement: s for s in sorted(past, key=lambda s: s.version)}
    links = tuple(
        PastAgreement(
            id=s.agreement,
            state="ended" if s.state == "in_force" and now >= s.until else s.state,
            ends=s.until,
            href=f"/public/agreements/{s.agreement}",
        )
        for s in latest.values()
    )
    coming = any(s.state in {"balloted", "in_force"} and now < s.begins for s in past)
    if not gate.partner_access:
        title, text = "Outside agencies are shut out", "The city's database server needs an update first."
    elif any(s.state == "suspended" for s in latest.values()):
        title, text = "Your agreement is suspended", "Nothing is answered until the city resumes it."
    elif coming:
        title, text = "Your agreement has not begun", "Nothing is answered before its first instant."
    elif links:
        title, text = "Your agreement is over", "It ended. From that instant on, nothing is answered."
    else:
        title, text = "You hold no agreement", "No agreement with you is in force, so nothing can be asked."
    page = _frame(request, who)
    return view.respond("recipient_over.html", page, status=status, title=title, text=text, ended=links)


# ------------------------------------------------------------------ in and out


@router.get("/recipient/sign-in/{link}")
async def sign_in(request: Request, link: str) -> Response:
    """A demonstration's sign-in link of an outside agency."""
    if not request.app.state.city.demo:
        raise refuse(Code.NOT_FOUND, "Sign-in links exist in a demonstration only.")
    async with request.app.state.pool.connection() as conn:
        found = await keys.recipient_by_link(conn, link)
        if found is None:
            raise refuse(Code.UNAUTHENTICATED, "This sign-in link is not in force.")
        token = await keys.start_recipient_session(conn, found.id)
    response = view.go("/recipient")
    view.set_session(request, response, token, COOKIE, PATHS)
    return response


@router.post("/recipient/sign-out")
async def sign_out(request: Request) -> Response:
    """End the session, here and at the server."""
    await auth.recipient(request)  # also refuses a form that another site sent
    token = request.cookies.get(COOKIE)
    if token is not None:
        async with request.app.state.pool.connection() as conn:
            await keys.end_recipient_session(conn, token)
    response = view.go("/sign-in")
    view.end_session(response, COOKIE, PATHS)
    return response


# ------------------------------------------------------------------ search


def _search_page(
    request: Request,
    who: RecipientKey,
    held: tuple[Standing, ...],
    mine: MyAgreement,
    *,
    by: int,
    values: dict[str, str],
    errors: tuple[Problem, ...] = (),
    answer: Answer | None = None,
) -> Response:
    receipt = answer.receipt if answer is not None else ""
    chosen = mine.keys[by] if by < len(mine.keys) else mine.keys[0] if mine.keys else KeyChoice(0, "", ())
    return view.respond(
        "recipient_search.html",
        _frame(request, who),
        status=422 if errors else 200,
        mine=mine,
        others=tuple(s.agreement for s in held if s.agreement != mine.id),
        by=chosen,
        values={"purpose": mine.purpose, **values},
        errors=errors,
        labels={name: views.label(name) for name in FIELDS},
        purpose_options=tuple((p.code, p.label) for p in mine.purposes),
        searched=answer is not None,
        records=tuple(views.record(one) for one in answer.records) if answer is not None else (),
        receipt=receipt,
        receipt_href="data:application/octet-stream;base64," + b64encode(receipt.encode()).decode(),
    )


@router.get("/recipient")
async def search_form(request: Request) -> Response:
    """The search, offering granted purposes and keys only; without an agreement, that it is over."""
    who = await auth.recipient(request)
    held = await _held(request, who)
    if not held:
        return _over(request, who)
    query = request.query_params
    mine = _mine(request, _chosen(held, query.get("agreement")), query.get("purpose"))
    return _search_page(request, who, held, mine, by=_place(query.get("by")), values={})


def _place(text: str | None) -> int:
    return int(text) if text is not None and text.isascii() and text.isdecimal() and len(text) < 4 else 0


def _find(fields: dict[str, str], by: KeyChoice) -> dict[str, Any]:
    """The granted combination as `POST /v1/search` takes it; dates as people type them are put in order."""
    found: dict[str, Any] = {}
    for name in by.fields:
        if name == "name":
            found[name] = {part: fields.get(f"find-{part}", "").strip() for part in ("last", "first")}
            continue
        typed = fields.get(f"find-{name}", "").strip()
        day = parse_date(typed) if name in {"birth_date", "arrested_at"} and len(typed) <= 40 else None
        found[name] = day.isoformat() if day is not None else typed
    return found


@router.post("/recipient/search")
async def search(request: Request) -> Response:
    """One search through the door. A refusal is logged there, and shown at its field here."""
    who = await auth.recipient(request)
    fields = view.single(await view.form(request))
    held = await _held(request, who)
    if not held:
        # Asked without a right: the door refuses it and logs that it was asked.
        gone = Refusal(Code.NO_AGREEMENT, "You hold no agreement in force.")
        await _gate(request).remember_refusal(who, None, gone, user=None, way="search")
        return _over(request, who, status=403)
    mine = _mine(request, _chosen(held, fields.get("agreement")), fields.get("purpose"))
    by = _place(fields.get("by"))
    find = _find(fields, mine.keys[by]) if by < len(mine.keys) else {}
    asked = {
        "agreement": mine.id,
        "purpose": fields.get("purpose", ""),
        "case_number": fields.get("case_number", "").strip() or None,
        "find": find,
    }
    answer = await _ask(request, who, asked)
    if isinstance(answer, Answer):
        return _search_page(request, who, held, mine, by=by, values=fields, answer=answer)
    if answer.code in _OVER:
        return _over(request, who, status=403)
    errors = _missing(answer, fields) or (
        Problem(_field(answer.field or "", fields), _sentence(answer.detail)),
    )
    return _search_page(request, who, held, mine, by=by, values=fields, errors=errors)


def _missing(refused: Refusal, fields: dict[str, str]) -> tuple[Problem, ...]:
    """Every part of the key that was left empty, where that is what was refused."""
    if refused.code is not Code.INVALID or not (refused.field or "").startswith("find"):
        return ()
    empty = [name for name, typed in fields.items() if name.startswith("find-") and not typed.strip()]
    return tuple(Problem(name, f"Write the {_part(name.removeprefix('find-'))}.") for name in empty)


def _part(name: str) -> str:
    """A part of a key in words."""
    return f"{name} name" if name in {"last", "first"} else views.label(name).lower()


def _sentence(detail: str) -> str:
    """A refusal's words as a sentence: the API begins some of them small."""
    return detail[:1].upper() + detail[1:] + ("" if detail.endswith((".", "?")) else ".")


async def _ask(request: Request, who: RecipientKey, asked: dict[str, Any]) -> Answer | Refusal:
    gate = _gate(request)
    try:
        parsed = asks.search(orjson.dumps(asked))
    except Refused as refused:
        return await gate.remember_refusal(who, None, refused.refusal, user=None, way="search")
    return await gate.disclose(who, parsed)


def _field(place: str, fields: dict[str, str]) -> str:
    """Where on the page a refusal's field is."""
    name = place.removeprefix("find.")
    if place.startswith("find.name"):
        return "find-first" if name.endswith("first") else "find-last"
    if f"find-{name}" in fields:
        return f"find-{name}"
    return name if name in {"purpose", "case_number"} else ""


# ------------------------------------------------------------------ live feed


async def _feed_page(
    request: Request,
    who: RecipientKey,
    standing: Standing,
    *,
    values: dict[str, Any],
    chosen: dict[str, tuple[str, ...]] | None = None,
    errors: tuple[Problem, ...] = (),
) -> Response:
    gate = _gate(request)
    version = gate.register.version(standing)
    mine = views.mine(standing, version, values.get("purpose"), _WORDS)
    async with gate.pool.connection() as conn:
        all_of_them = await subscriptions.by_criteria(conn)
    return view.respond(
        "recipient_feed.html",
        _frame(request, who),
        status=422 if errors else 200,
        mine=mine,
        subscriptions=tuple(
            _subscription(one.purpose, one.case_number, dict(one.criteria or ()))
            for one in all_of_them
            if (one.recipient, one.organisation) == (who.recipient, who.organisation)
            and one.agreement == mine.id
        ),
        criteria=views.criteria(version, mine.purpose),
        purpose_options=tuple((p.code, p.label) for p in mine.purposes),
        values={"purpose": mine.purpose, **values},
        chosen=chosen or {},
        errors=errors,
    )


def _subscription(purpose: str, case: str | None, criteria: dict[str, tuple[str, ...]]) -> str:
    words = [f"{views.label(name)}: {', '.join(given)}" for name, given in criteria.items()]
    return "; ".join([views.purpose_words(purpose), *([f"case {case}"] if case else []), *words])


@router.get("/recipient/feed")
async def feed(request: Request) -> Response:
    """The live feed, and the subscriptions it lives on."""
    who = await auth.recipient(request)
    held = await _held(request, who)
    if not held:
        return _over(request, who)
    query = request.query_params
    standing = _chosen(held, query.get("agreement"))
    return await _feed_page(request, who, standing, values={"purpose": query.get("purpose")})


@router.post("/recipient/feed")
async def subscribe(request: Request) -> Response:
    """Subscribe by criteria the agreement names; anything else is refused and logged."""
    who = await auth.recipient(request)
    fields = await view.form(request)
    held = await _held(request, who)
    if not held:
        gone = Refusal(Code.NO_AGREEMENT, "You hold no agreement in force.")
        await _gate(request).remember_refusal(who, None, gone, user=None, way="alert")
        return _over(request, who, status=403)
    one = view.single(fields)
    standing = _chosen(held, one.get("agreement"))
    criteria = {
        name.removeprefix("criteria-"): [value.strip() for value in values if value.strip()]
        for name, values in fields.items()
        if name.startswith("criteria-")
    }
    asked = {
        "agreement": standing.agreement,
        "purpose": one.get("purpose", ""),
        "case_number": one.get("case_number", "").strip() or None,
        "criteria": {name: values for name, values in criteria.items() if values},
    }
    refusal = await _subscribe(request, who, asked)
    if refusal is None:
        return view.go(f"/recipient/feed?agreement={standing.agreement}")
    if refusal.code in _OVER:
        return _over(request, who, status=403)
    chosen = {name: tuple(given) for name, given in fields.items() if name.startswith("criteria-")}
    version = _gate(request).register.version(standing)
    known = [f"criteria-{name}" for name, _, _ in views.criteria(version, one.get("purpose", ""))]
    errors = _unfit(refusal, known if not asked["criteria"] else [])
    return await _feed_page(request, who, standing, values=one, chosen=chosen, errors=errors)


def _unfit(refusal: Refusal, empty: Sequence[str]) -> tuple[Problem, ...]:
    """What to mend in a subscription. `empty`: the criteria, where none was chosen."""
    name = refusal.field or ""
    place = name if name in {"purpose", "case_number"} else name.replace("criteria.", "criteria-")
    found = [] if place == "criteria" and empty else [Problem(place, _sentence(refusal.detail))]
    if empty or place == "criteria":
        found.append(Problem(empty[0] if empty else "", "Choose at least one thing to be told about."))
    return tuple(found)


async def _subscribe(request: Request, who: RecipientKey, asked: dict[str, Any]) -> Refusal | None:
    dispatcher: Dispatcher = request.app.state.dispatcher
    parsed = None
    try:
        parsed = asks.subscribe(orjson.dumps(asked))
        await dispatcher.subscribe(who, parsed)
    except Refused as refused:
        why = parsed.why if parsed is not None else None
        return await _gate(request).remember_refusal(who, why, refused.refusal, user=None, way="alert")
    return None


# ------------------------------------------------------------------ the agreement


@router.get("/recipient/agreement")
async def agreement(request: Request) -> Response:
    """What the agreement says, and how long it still holds."""
    who = await auth.recipient(request)
    held = await _held(request, who)
    if not held:
        return _over(request, who)
    standing = _chosen(held, request.query_params.get("agreement"))
    return view.respond("recipient_agreement.html", _frame(request, who), mine=_mine(request, standing, None))
