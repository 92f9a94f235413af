# SPDX-License-Identifier: Apache-2.0
"""Hands everything that is not a recipient's to the desk process, over its Unix socket.

For one address in a trial or a demo. In production a web server in front may route `/v1`, `/log` and
`/recipient` to the door and the rest to the desk, and this is not used.

It knows no cookies, follows nothing, unpacks nothing and reads no environment: what was asked is written
again from its parsed parts, so that two processes never read one request in two ways.
"""

from __future__ import annotations

import re
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from openpars.errors import Code, Refusal
from openpars.strict_json import BODY_LIMIT
from openpars.web import address, respond, strangers
from openpars.web.desk_line import DeskGone, DeskLines, Line

# RFC 9110, 7.6.1: these belong to one connection. The body has been read here whole, so its length is written
# anew, and nobody waits to be told to go on with it.
HOP = {
    b"connection",
    b"keep-alive",
    b"proxy-authenticate",
    b"proxy-authorization",
    b"te",
    b"trailer",
    b"transfer-encoding",
    b"upgrade",
}
OURS = HOP | {b"content-length", b"expect", address.HEADER}

INWARD = HOP | {strangers.SAYS}

AT_ONCE = 64 * 1024  # bytes: an answer up to this length is handed on whole

# What a request's parts may hold, whatever the server in front let through: a line end would begin another.
_TARGET = re.compile(rb"/[\x21-\x7e]*\Z")
_NAME = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+\Z")
_VALUE = re.compile(rb"[\t\x20-\x7e\x80-\xff]*\Z")


def _target(request: Request) -> bytes:
    """The address exactly as it was asked for. Never by `request.url`: the Host header is part of that."""
    path: bytes = request.scope["raw_path"].partition(b"?")[0]
    query: bytes = request.scope["query_string"]
    return path + (b"?" + query if query else b"")


def _written(request: Request, content: bytes) -> bytes | None:
    """The request as it goes to the desks. None when a part of it cannot stand in a request."""
    target = _target(request)
    headers = [(name.lower(), value) for name, value in request.headers.raw]
    if not _TARGET.match(target) or not all(
        _NAME.match(name) and _VALUE.match(value) for name, value in headers
    ):
        return None
    lines = [b"%b %b HTTP/1.1" % (request.method.encode("ascii"), target)]
    lines += [b"%b: %b" % header for header in headers if header[0] not in OURS]
    whose: str = request.scope.get(strangers.ADDRESS, address.NOBODY)
    lines.append(b"%b: %b" % (address.HEADER, whose.encode("ascii")))
    if content or request.method not in {"GET", "HEAD"}:
        lines.append(b"content-length: %d" % len(content))
    return b"\r\n".join([*lines, b"", content])


class DeskProxy:
    """A client of the desk process."""

    def __init__(self, socket: Path) -> None:
        self._lines = DeskLines(socket)

    async def close(self) -> None:
        """Close the connections."""
        self._lines.close()

    async def __call__(self, request: Request) -> Response:
        """Pass one request on and its answer back, both as they come."""
        written = _written(request, await respond.body(request, BODY_LIMIT))
        if written is None:
            return respond.problem(Refusal(Code.NOT_FOUND, "There is nothing at this address."))
        try:
            line = await self._lines.ask(written, bodiless=request.method == "HEAD")
            _met(request, line)
            return await _passed(line)
        except DeskGone:
            return respond.problem(
                Refusal(Code.LOG_UNAVAILABLE, "The desks are starting or do not answer. Try again shortly.")
            )


def _met(request: Request, line: Line) -> None:
    """What the desks say of the key that was shown."""
    for name, value in line.headers:
        if name.lower() == strangers.SAYS:
            strangers.met(request, found=value == b"1")


async def _passed(line: Line) -> Response:
    """The desks' answer: whole if it is short, else as it comes. Lets the line go in any case."""
    headers = [(name, value) for name, value in line.headers if name.lower() not in INWARD]
    response: Response
    if line.length is not None and line.length <= AT_ONCE:
        try:
            content = b"".join([chunk async for chunk in line.chunks()])
        finally:
            line.let_go()
        response = Response(content, line.status)
    else:
        response = _Streamed(line)
    response.raw_headers = headers
    return response


class _Streamed(StreamingResponse):
    """An answer handed on as it comes. Ends with the asker: nobody is worked for who has gone."""

    def __init__(self, line: Line) -> None:
        super().__init__(line.chunks(), line.status)
        self._line = line

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._line.let_go()
