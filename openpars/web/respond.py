# SPDX-License-Identifier: Apache-2.0
"""Answers over HTTP: encoded once, problems from the closed list, headers that keep foreign content out."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import orjson
import psycopg
from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from openpars.errors import Code, Refusal, Refused, refuse

logger = logging.getLogger(__name__)

MEDIA_JSON = "application/json"
MEDIA_PROBLEM = "application/problem+json"

HEADERS: Mapping[str, str] = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self';"
        " connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}


_ALWAYS = [
    (name.encode(), value.encode()) for name, value in {**HEADERS, "cache-control": "no-store"}.items()
]


class Unforeseen(Exception):
    """Something broke after an answer had begun: the connection is cut. Says nothing of what it was."""


class SecurityHeaders:
    """Adds the headers to every answer; answers about people are never stored by a cache.

    The outermost of ours: what nobody foresaw is answered from the closed list too, and only its kind and
    place are written down. Its own text, and the server's traceback of it, may hold a name.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        if "\0" in scope["path"]:
            # No name of anything has it, and the database's driver would stumble over it.
            scope = {**scope, "path": "/\N{REPLACEMENT CHARACTER}"}

        begun = False

        async def with_headers(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                given = list(message.get("headers", ()))
                there = {name.lower() for name, _ in given}
                message["headers"] = given + [header for header in _ALWAYS if header[0] not in there]
            await send(message)

        try:
            await self._app(scope, receive, with_headers)
        except ClientDisconnect:
            return  # whoever asked has gone, and nobody is left to answer
        except Exception as error:  # noqa: BLE001  (whatever it is, its text stops here)
            logger.error("unforeseen: %s at %s", type(error).__name__, _place(error))  # noqa: TRY400
        else:
            return
        if begun:
            raise Unforeseen from None
        await problem(UNFORESEEN)(scope, receive, with_headers)


UNFORESEEN = Refusal(Code.LOG_UNAVAILABLE, "This could not be carried out. Try again shortly.")


def _place(error: BaseException) -> str:
    """Where an error was raised: file and line, which tell of our code and of nobody's data."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return "nowhere" if trace is None else f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"


Handler = Callable[[Request], Awaitable[Response]]


class Straight(FastAPI):
    """Hands a busy address straight to its handler: the framework's layers in between cost more than the
    handler's own work. Everything else goes on as it came, and errors are answered from the same list."""

    def go_straight(
        self,
        busy: Mapping[tuple[str, str], Handler],
        beneath: Mapping[tuple[str, str], Handler],
        *,
        behind: Callable[[ASGIApp], ASGIApp],
    ) -> None:
        """`busy`: handlers by method and path. `beneath`: by method and the first part of a path, for all
        that follows it. `behind`: what every request passes first, these among them."""
        self._busy = {place: _alone(handler) for place, handler in busy.items()}
        self._beneath = {place: _alone(handler) for place, handler in beneath.items()}
        self._front = SecurityHeaders(behind(self._routed))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] == "http":
            scope["app"] = self
            await self._front(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)

    async def _routed(self, scope: Scope, receive: Receive, send: Send) -> None:
        method, path = scope["method"], scope["path"]
        first = path[: path.find("/", 1) + 1]
        handler = self._busy.get((method, path)) or self._beneath.get((method, first)) or super().__call__
        await handler(scope, receive, send)


def _alone(handler: Handler) -> ASGIApp:
    """A handler as an application of its own."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            answer = await handler(request)
        except Refused as error:
            answer = await on_refused(request, error)
        except psycopg.Error as error:
            answer = await on_database(request, error)
        await answer(scope, receive, send)

    return application


def json(content: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Encode once with orjson."""
    return Response(orjson.dumps(content), status, headers, MEDIA_JSON)


def problem(refusal: Refusal) -> Response:
    """RFC 9457. Nothing but the closed list reaches the body."""
    headers = {"www-authenticate": "Bearer"} if refusal.code is Code.UNAUTHENTICATED else None
    return Response(orjson.dumps(refusal.body()), refusal.status, headers, MEDIA_PROBLEM)


BODY_WITHIN = 30.0  # seconds


async def body(request: Request, limit: int) -> bytes:
    """The request's body, at most `limit` bytes in `BODY_WITHIN`; more is refused before it is read."""
    received = bytearray()
    try:
        async with asyncio.timeout(BODY_WITHIN):
            async for chunk in request.stream():
                received += chunk
                if len(received) > limit:
                    raise refuse(Code.INVALID, f"The request is larger than {limit // 1024} kB.")
    except TimeoutError:
        raise refuse(Code.INVALID, "The request did not come in time.") from None
    return bytes(received)


async def on_refused(_: Request, error: Exception) -> Response:
    """Every `Refused` that was not answered nearer to its cause."""
    assert isinstance(error, Refused)  # noqa: S101
    return problem(error.refusal)


async def on_http(_: Request, error: Exception) -> Response:
    """No such page, or not that method: the same answer, whatever was asked for."""
    assert isinstance(error, HTTPException)  # noqa: S101
    if error.status_code == 404:
        return problem(Refusal(Code.NOT_FOUND, "There is nothing at this address."))
    return problem(Refusal(Code.INVALID, "This address does not answer to that method."))


async def on_database(_: Request, error: Exception) -> Response:
    """A database error's own text may print a row: it stops here. Its class and code do not."""
    logger.error("database: %s %s", type(error).__name__, getattr(error, "sqlstate", None))
    return problem(
        Refusal(Code.LOG_UNAVAILABLE, "The database does not answer. Nothing was changed. Try again shortly.")
    )


def answer_errors(app: FastAPI) -> None:
    """The closed list as this application's only errors."""
    handlers: dict[type[Exception], Callable[[Request, Exception], Awaitable[Response]]] = {
        Refused: on_refused,
        HTTPException: on_http,
        psycopg.Error: on_database,
    }
    for kind, handler in handlers.items():
        app.add_exception_handler(kind, handler)
