# SPDX-License-Identifier: Apache-2.0
"""How a page is made: one Jinja environment that always escapes, and the frame around every page.

An attacker who can put text into a name must find no way to make it markup: autoescape has no
switch here, and the filters that turn text into markup are taken out of the environment. The
Content-Security-Policy is the second wall: no inline script, no inline style, nothing from outside.

The door serves the recipients' pages with this module, so it imports neither `record` nor `desk`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

import psycopg
from fastapi.routing import APIRoute
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from openpars.agreements.language.words import LANGUAGES
from openpars.errors import TITLE, Code, Refusal, Refused, refuse
from openpars.settings import City
from openpars.web.pages import times
from openpars.web.pages.words import WRITTEN, Words
from openpars.web.respond import HEADERS as SECURITY
from openpars.web.respond import body as read_body
from openpars.web.respond import on_http as respond_on_http

WEB = Path(__file__).parent.parent
STATIC = WEB / "static"
LANGUAGE_COOKIE = "openpars_lang"
FORM_LIMIT = 128 * 1024

# Pages send forms: under `no-referrer` a browser calls their origin `null`, and they would be refused.
# A shared desk: what one officer saw must not come back from the cache for the next.
HEADERS = {**SECURITY, "referrer-policy": "same-origin", "cache-control": "no-store"}

# Filters whose result counts as markup: with these gone no template can print a value unescaped.
_MARKUP_FILTERS = ("safe", "tojson", "urlize", "xmlattr", "striptags", "forceescape", "indent", "replace")


@dataclass(frozen=True, slots=True)
class Link:
    """One entry of the navigation."""

    href: str
    text: str


@dataclass(frozen=True, slots=True)
class Frame:
    """What surrounds a page: who is signed in, where they may go, what must be said on every page."""

    lang: str
    path: str
    demo: bool
    warning: str | None
    desk: str | None
    nav: tuple[Link, ...]
    sign_out: str | None
    other_language: str | None
    now: datetime


def _asset(path: str) -> str:
    return f"/static/{path}?v={_ASSET_HASH[path]}"


def _hashes() -> dict[str, str]:
    files = (p for p in STATIC.rglob("*") if p.is_file())
    return {p.relative_to(STATIC).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest()[:10] for p in files}


_ASSET_HASH = _hashes()


def pieces(text: str) -> list[tuple[bool, str]]:
    """A sentence of the generated text in pieces: `(True, …)` for what it sets in backticks."""
    plain = re.sub(r"\\([\\`*_\[\]<>#|])", lambda found: found[1] if found[1] != "`" else "\N{PRIME}", text)
    return [(bool(number % 2), piece) for number, piece in enumerate(plain.split("`")) if piece]


_QUOTE = re.compile("(\N{LEFT DOUBLE QUOTATION MARK}.*?\N{RIGHT DOUBLE QUOTATION MARK})", re.DOTALL)


def quoted(text: str) -> list[tuple[bool, str]]:
    """A piece of a sentence in parts: `(True, …)` for what stands in quotation marks, these included."""
    return [(bool(number % 2), part) for number, part in enumerate(_QUOTE.split(text)) if part]


def environment() -> Environment:
    """The one environment: always escapes, knows no way to stop, and fails on a name it does not know."""
    env = Environment(
        loader=FileSystemLoader(WEB / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for name in _MARKUP_FILTERS:
        del env.filters[name]
    env.globals["asset"] = _asset
    env.filters["pieces"] = pieces
    env.filters["quoted"] = quoted
    env.filters["utc"] = times.utc
    env.filters["machine"] = times.machine
    return env


_ENVIRONMENT = environment()


def busy() -> bytes:
    """What whoever came too often sees, in every language at once. Made once: saying no must cost nothing."""
    page = _ENVIRONMENT.get_template("busy.html").render(t={lang: Words(lang) for lang in LANGUAGES})
    return page.encode()


def language(request: Request) -> str:
    """`?lang=` first, then the cookie, then English."""
    for asked in (request.query_params.get("lang"), request.cookies.get(LANGUAGE_COOKIE)):
        if asked in LANGUAGES:
            return asked
    return "en"


def frame(
    request: Request,
    *,
    lang: str = "en",
    desk: str | None = None,
    nav: tuple[Link, ...] = (),
    sign_out: str | None = None,
    translated: bool = False,
) -> Frame:
    """The frame for this request. `translated` pages offer the other language."""
    city: City = request.app.state.city
    other = None
    if translated:
        query = {key: value for key, value in request.query_params.items() if key != "lang"}
        other = f"?{urlencode({**query, 'lang': 'es' if lang == 'en' else 'en'})}"
    return Frame(
        lang=lang,
        path=request.url.path,
        demo=city.demo,
        warning=city.warning,
        desk=desk,
        nav=nav,
        sign_out=sign_out,
        other_language=other,
        now=datetime.now(UTC),
    )


def html(template: str, page: Frame, **values: object) -> str:
    """A template filled in. Every page gets `page`, `t` (its words) and the time filters of its language."""
    filters: dict[str, Callable[..., str]] = {
        "at": lambda value, **more: times.local(value, page.lang, **more),
        "on": lambda value: times.day(value, page.lang),
        "span": lambda value: times.span(value, page.lang),
    }
    return _ENVIRONMENT.get_template(template).render(page=page, t=Words(page.lang), **filters, **values)


def respond(
    template: str, page: Frame, *, status: int = 200, keep_language: bool = False, **values: object
) -> Response:
    """The page as an answer, under the Content-Security-Policy."""
    response = HTMLResponse(html(template, page, **values), status_code=status, headers=HEADERS)
    if keep_language:
        response.set_cookie(
            LANGUAGE_COOKIE, page.lang, max_age=31_536_000, samesite="lax", httponly=True, path="/"
        )
    return response


def problem(page: Frame, refusal: Refusal) -> Response:
    """A refusal as a page: the title of its code, its sentence, and a way on."""
    words = Words(page.lang)
    title = words.maybe(f"problem.{refusal.code.value}", TITLE[refusal.code])
    told = words(WRITTEN[refusal.detail]) if refusal.detail in WRITTEN else None
    return respond("problem.html", page, status=refusal.status, title=title, told=told, refusal=refusal)


def problem_frame(request: Request) -> Frame:
    """What stands around a refusal: a signed-in reader finds the way back to where they work."""
    path = request.url.path
    if path.startswith("/desk"):
        return frame(request, desk="City desk", nav=(Link("/desk", "Back to your desk"),))
    if path.startswith("/recipient"):
        return frame(request, desk="Outside agency", nav=(Link("/recipient", "Back to your search"),))
    return frame(request, lang=language(request), translated=True)


async def on_http(request: Request, error: Exception) -> Response:
    """No such address: a page for whoever reads pages, else the closed list's answer."""
    reads = "text/html" in request.headers.get("accept", "")
    if isinstance(error, HTTPException) and error.status_code == 404 and reads:
        return problem(problem_frame(request), Refusal(Code.NOT_FOUND, "There is nothing at this address."))
    return await respond_on_http(request, error)


async def form(request: Request) -> dict[str, list[str]]:
    """An HTML form as it was sent: values by name. Raises Refused for anything else."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise refuse(Code.INVALID, "This page takes a form.")
    try:
        pairs = parse_qsl(
            (await read_body(request, FORM_LIMIT)).decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=500,
        )
    except ValueError:
        raise refuse(Code.INVALID, "The form cannot be read.") from None
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return found


def single(fields: dict[str, list[str]]) -> dict[str, str]:
    """The last value of each field: what a form without lists means."""
    return {name: values[-1] for name, values in fields.items()}


def go(path: str) -> Response:
    """See Other: after a form has been carried out, so that a reload does not send it twice."""
    return RedirectResponse(path, status_code=303, headers={"Cache-Control": "no-store"})


def set_session(request: Request, response: Response, token: str, name: str, paths: tuple[str, ...]) -> None:
    """The session cookie, sent to `paths` only; it ends with the browser, and the server ends it sooner."""
    secure = request.app.state.city.base_url.startswith("https://")
    for path in paths:
        response.set_cookie(name, token, path=path, httponly=True, samesite="lax", secure=secure)


def end_session(response: Response, name: str, paths: tuple[str, ...]) -> None:
    """Take the cookie back."""
    for path in paths:
        response.delete_cookie(name, path=path)


class PageRoute(APIRoute):
    """A route whose refusals are pages too. A refusal's own sentence is all that is shown of it."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The route's handler, with refusals turned into pages."""
        handle = super().get_route_handler()

        async def with_refusals(request: Request) -> Response:
            try:
                return await handle(request)
            except Refused as refused:
                refusal = refused.refusal
            except psycopg.Error:
                # A database error's own text may print a row: it stops here.
                refusal = Refusal(
                    Code.LOG_UNAVAILABLE,
                    "The database does not answer. Nothing was changed. Try again shortly.",
                )
            return problem(problem_frame(request), refusal)

        return with_refusals


class Assets(StaticFiles):
    """`/static`: our own files only. Their addresses carry their hash, so browsers may keep them."""

    def __init__(self) -> None:
        super().__init__(directory=STATIC, check_dir=True)

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The file, with a year to live when its address names its hash, and never sniffed."""
        response = await super().get_response(path, scope)
        versioned = b"v=" in scope.get("query_string", b"")
        response.headers["Cache-Control"] = (
            "public, max-age=31536000, immutable" if versioned else "public, max-age=300"
        )
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response
