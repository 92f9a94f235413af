# SPDX-License-Identifier: Apache-2.0
"""Whoever has not shown a key that holds is a stranger, and goes by a lane: the public never slows a desk.

A stranger is one until the handler has found its key or session in force (`auth` says so, by `met`); for some
minutes afterwards its requests go straight in. That is a help and no authority: each of them is authenticated
by its handler all the same. Until then nothing of a stranger's may hold anything up: its body is read before
its turn, and its answer is sent after it.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from http.cookies import CookieError, SimpleCookie
from typing import Protocol

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from openpars.accounts.keys import digest
from openpars.errors import Code, Refusal, Refused
from openpars.web import respond
from openpars.web.lane import Lane, Visit, metered

# What stands in a request's scope for its handler.
VISIT = "openpars.visit"
MET = "openpars.met"
ADDRESS = "openpars.address"

SAYS = b"openpars-met"
"""By which the desks tell the door whether a key holds; the door hands it on to nobody."""

BODY = 256 * 1024  # bytes a stranger may send: no address takes more of one who is not signed in
WITHIN = 60.0  # seconds from the first byte to the last
WHOLE = 4_000_000  # bytes of an answer that are kept while it is made; more is sent as it comes
PAUSE = 1.0  # seconds before whoever came too often is told so
PAUSED = 2000  # who are told so at a time; all others at once
RETRY_AFTER = "5"  # seconds

MET_FOR = 900.0  # seconds since a key was last found in force
MOST = 10_000  # keys remembered

BUSY = Refusal(Code.LIMIT_REACHED, "Too much is asked for at this moment. Try again in a few seconds.")


class Met(Protocol):
    """Takes a handler's word on the key of its request."""

    def __call__(self, *, found: bool) -> None:
        """Whether it holds."""


class LaneOf(Protocol):
    """Names the lane of a stranger's request."""

    def __call__(self, path: str, *, shows_key: bool) -> str:
        """By the address asked for, and whether a key was sent along."""


class Acquaintances:
    """Keys and sessions found in force in the last minutes, by hash. Whoever is not here is a stranger."""

    def __init__(self) -> None:
        self._met: OrderedDict[bytes, float] = OrderedDict()

    def knows(self, credential: bytes) -> bool:
        """Whether it was found in force lately."""
        return self._met.get(credential, 0.0) > time.monotonic()

    def meet(self, credential: bytes) -> None:
        """It has just been found in force."""
        self._met[credential] = time.monotonic() + MET_FOR
        self._met.move_to_end(credential)
        while len(self._met) > MOST:
            self._met.popitem(last=False)

    def forget(self, credential: bytes) -> None:
        """It has just been found not to be."""
        self._met.pop(credential, None)


def credential(scope: Scope, cookie: str) -> bytes | None:
    """The hash of the key or session a request carries, whether it holds or not."""
    token = session = None
    for name, value in scope["headers"]:
        if name == b"authorization":
            token = value.decode("latin-1").partition(" ")[2].strip()
        elif name == b"cookie" and cookie.encode() in value:
            session = _cookie(value.decode("latin-1"), cookie) or session
    found = token or session
    return digest(found) if found else None


def _cookie(header: str, name: str) -> str | None:
    try:
        found = SimpleCookie(header).get(name)
    except CookieError:
        return None
    return found.value if found is not None else None


def met(request: Request, *, found: bool) -> None:
    """A handler has read this request's key: it holds, and its bearer is no stranger; or it does not."""
    answer: Met | None = request.scope.get(MET)
    if answer is not None:
        answer(found=found)


def step_aside(request: Request) -> None:
    """A handler goes to wait for something: others may have the turn."""
    visit: Visit | None = request.scope.get(VISIT)
    if visit is not None:
        visit.step_aside()


class Strangers:
    """The middleware."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        lane_of: LaneOf,
        address_of: Callable[[Scope], str],
        cookie: str,
        page: bytes,
    ) -> None:
        """`page`: what a reader sees who came too often, in every language. The lanes themselves, by name,
        are in the application's state: `lanes`."""
        self._app = app
        self._lane_of, self._address_of = lane_of, address_of
        self._cookie, self._page = cookie, page
        self._acquaintances = Acquaintances()
        self._paused = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        shown = credential(scope, self._cookie)
        address = self._address_of(scope)
        scope[ADDRESS] = address
        known = shown is not None and self._acquaintances.knows(shown)
        lanes: Mapping[str, Lane] = scope["app"].state.lanes
        lane = lanes[self._lane_of(scope["path"], shows_key=shown is not None)]
        visit = None if known else lane.come(address)

        answer = _Answer(self._acquaintances, shown, visit, send)
        scope[MET] = answer.met
        if visit is not None:
            await self._visited(scope, receive, answer, visit)
        elif known or await self._later(shown):
            await self._app(scope, receive, answer)
        else:
            await self._busy(scope)(scope, receive, send)

    async def _visited(self, scope: Scope, receive: Receive, answer: _Answer, visit: Visit) -> None:
        try:
            async with asyncio.timeout(WITHIN) as limit:
                visit.on_leave = lambda: limit.reschedule(None)
                try:
                    await self._served(scope, receive, answer, visit)
                finally:
                    visit.on_leave = None
        except TimeoutError:
            raise respond.Unforeseen from None
        finally:
            visit.leave()

    async def _served(self, scope: Scope, receive: Receive, answer: _Answer, visit: Visit) -> None:
        try:
            body = await respond.body(Request(scope, receive), BODY)
        except Refused as refused:
            await respond.problem(refused.refusal)(scope, receive, answer)
            await answer.rest()
            return
        if await visit.turn():
            scope[VISIT] = visit
            await metered(self._handled(scope, _again(body, receive), answer), visit.spend)
        else:
            await self._busy(scope)(scope, receive, answer)
        await answer.rest()

    async def _handled(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)

    async def _later(self, shown: bytes | None) -> bool:
        """Whoever came too often waits, so that asking again at once gains nothing. Whether its key is known
        by then: of many who come at once with one key, the first has shown it for all."""
        if self._paused < PAUSED:
            self._paused += 1
            try:
                await asyncio.sleep(PAUSE)
            finally:
                self._paused -= 1
        return shown is not None and self._acquaintances.knows(shown)

    def _busy(self, scope: Scope) -> Response:
        reads = any(name == b"accept" and b"text/html" in value for name, value in scope["headers"])
        answer = HTMLResponse(self._page, BUSY.status) if reads else respond.problem(BUSY)
        answer.headers["retry-after"] = RETRY_AFTER
        return answer


def _again(body: bytes, receive: Receive) -> Receive:
    """The body that was read, once more; then whatever comes."""
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


class _Answer:
    """An answer in the making: a stranger's is sent when the turn is given back, so that a slow reader keeps
    nobody waiting; anybody else's as it comes."""

    def __init__(self, friends: Acquaintances, shown: bytes | None, visit: Visit | None, send: Send) -> None:
        self._friends, self._shown, self._visit, self._send = friends, shown, visit, send
        self._held: bool | None = None
        self._messages: list[Message] = []
        self._size = 0

    def met(self, *, found: bool) -> None:
        """The key that was shown holds, or does not."""
        if self._shown is None:
            return
        self._held = found
        if not found:
            self._friends.forget(self._shown)
            return
        self._friends.meet(self._shown)
        if self._visit is not None:
            self._visit.leave()

    async def __call__(self, message: Message) -> None:
        """ASGI's send."""
        if message["type"] == "http.response.start" and self._held is not None:
            message["headers"] = [*message.get("headers", ()), (SAYS, b"1" if self._held else b"0")]
        if self._visit is None:
            await self._send(message)
            return
        self._messages.append(message)
        self._size += len(message.get("body", b""))
        if self._visit.left or self._size > WHOLE:
            await self.rest()

    async def rest(self) -> None:
        """Send what is there."""
        if self._visit is not None:
            self._visit.step_aside()
        messages, self._messages = self._messages, []
        self._size = 0
        for message in messages:
            await self._send(message)
