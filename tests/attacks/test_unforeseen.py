# SPDX-License-Identifier: Apache-2.0
"""What nobody foresaw: an error whose text holds a name reaches neither the caller nor any log."""

from __future__ import annotations

import logging

import httpx
import pytest
from fastapi import FastAPI
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from openpars.web import respond
from tests.attacks.conftest import code
from tests.driver import Driver

NAME = "Doe, Ana"


async def _breaks(_: Request) -> Response:
    raise ValueError(NAME)


async def _breaks_later(_: Request) -> Response:
    async def body() -> object:
        yield b"begun"
        raise ValueError(NAME)

    return StreamingResponse(body())  # type: ignore[arg-type]


def application() -> FastAPI:
    app = respond.Straight(openapi_url=None, docs_url=None, redoc_url=None)
    app.go_straight(busy={("GET", "/straight"): _breaks}, beneath={}, behind=lambda inner: inner)
    app.add_middleware(respond.SecurityHeaders)
    respond.answer_errors(app)
    app.add_api_route("/route", _breaks, response_model=None)
    app.add_api_route("/later", _breaks_later, response_model=None)
    return app


def client() -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(application()), base_url="http://city.invalid")


@pytest.mark.parametrize("path", ["/straight", "/route"])
async def test_it_is_answered_from_the_closed_list(path: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        async with client() as http:
            answer = await http.get(path)
    assert (answer.status_code, code(answer)) == (503, "log-unavailable")
    assert respond.HEADERS.items() <= dict(answer.headers).items()
    assert answer.headers["cache-control"] == "no-store"
    assert NAME not in answer.text + caplog.text
    assert "unforeseen: ValueError at test_unforeseen.py:" in caplog.text


async def test_after_an_answer_has_begun_the_connection_is_cut_without_a_word(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with pytest.raises(respond.Unforeseen) as caught:
        async with client() as http:
            await http.get("/later")
    # The server prints what it gets, and the cause of it where that is not suppressed.
    assert (str(caught.value), caught.value.__suppress_context__) == ("", True)
    assert NAME not in caplog.text


async def test_who_has_gone_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    async def gone(scope: Scope, receive: Receive, send: Send) -> None:
        raise ClientDisconnect

    async def nothing() -> Message:
        return {"type": "http.disconnect"}

    async def sent(message: Message) -> None:
        raise AssertionError(message)

    await respond.SecurityHeaders(gone)({"type": "http", "method": "GET", "path": "/"}, nothing, sent)
    assert caplog.records == []


@pytest.mark.parametrize(
    "path",
    [
        "/agreements/%00/certificates",
        "/agreements/a/certificates/1/%00",
        "/agreements/%00/letters",
        "/desk/arrests/%00",
        "/v1/records/%00",
        "/%00",
    ],
)
def test_a_name_that_cannot_be_is_not_found(drive: Driver, path: str) -> None:
    """And it is no trouble of the database's, as it would be said to whoever watches over it."""
    answer = drive.call("solicitor", "GET", path)
    assert (answer.status_code, code(answer)) == (404, "not-found")
