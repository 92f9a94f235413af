# SPDX-License-Identifier: Apache-2.0
"""Hands everything that is not a recipient's to the desk process, over its Unix socket.

For one address in a trial or a demo. In production a web server in front may route `/v1`, `/log` and
`/recipient` to the door and the rest to the desk, and this is not used.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path

import httpx
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from openpars.errors import Code, Refusal
from openpars.strict_json import BODY_LIMIT
from openpars.web import respond

# RFC 9110, 7.6.1: these belong to one connection.
HOP = {
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
}


def _address(request: Request) -> httpx.URL:
    """The address exactly as it was asked for. Never by `request.url`: the Host header is part of that."""
    path: bytes = request.scope["raw_path"].partition(b"?")[0]
    query: bytes = request.scope["query_string"]
    return httpx.URL("http://desk", raw_path=path + (b"?" + query if query else b""))


class DeskProxy:
    """A client of the desk process."""

    def __init__(self, socket: Path) -> None:
        self._client = httpx.AsyncClient(
            transport=httpx.AsyncHTTPTransport(uds=str(socket), limits=httpx.Limits(max_connections=200)),
            base_url="http://desk",
            timeout=httpx.Timeout(60.0, read=None),
            follow_redirects=False,
            trust_env=False,
            # A client keeps cookies by default, and would hand one visitor's session to the next.
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def __call__(self, request: Request) -> Response:
        """Pass one request on and its answer back, both as they come."""
        try:
            content = await respond.body(request, BODY_LIMIT)
            headers = [
                (name, value)
                for name, value in request.headers.raw
                if name.decode("latin-1") not in HOP | {"content-length"}
            ]
            outgoing = self._client.build_request(
                request.method,
                _address(request),
                headers=headers,
                content=content,
            )
            answer = await self._client.send(outgoing, stream=True)
        except httpx.InvalidURL:
            return respond.problem(Refusal(Code.NOT_FOUND, "There is nothing at this address."))
        except httpx.TransportError:
            return respond.problem(
                Refusal(Code.LOG_UNAVAILABLE, "The desks are starting or do not answer. Try again shortly.")
            )
        passed = [
            (name, value) for name, value in answer.headers.raw if name.lower().decode("latin-1") not in HOP
        ]

        async def stream() -> AsyncIterator[bytes]:
            try:
                async for chunk in answer.aiter_raw():
                    yield chunk
            finally:
                await answer.aclose()

        response = StreamingResponse(stream(), answer.status_code)
        response.raw_headers = passed
        return response
