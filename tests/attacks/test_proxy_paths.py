# SPDX-License-Identifier: Apache-2.0
"""Addresses and headers made to confuse the door's proxy. Sent as raw bytes: clients tidy them up."""

from __future__ import annotations

import socket

import pytest

from tests.driver import Driver

DESK = "/desk/queue/charging"
TRICKS = [
    "//desk/queue/charging",
    "///desk/queue/charging",
    "/v1/../desk/queue/charging",
    "/v1/%2e%2e/desk/queue/charging",
    "/v1/..%2fdesk/queue/charging",
    "/v1%2f..%2fdesk%2fqueue%2fcharging",
    "/%64esk/queue/charging",
    "/./desk/queue/charging",
    "/desk/queue/charging%00",
    "/desk/queue/charging%3Fx=1",
    "/desk/queue/charging%23",
    "/desk;/queue/charging",
    "/agreements/a%00b",
    "/public/agreements/%00",
    "/desk/arrests/%00",
    "/%ff",
    "/" + "a" * 9000,
]


def raw(drive: Driver, path: str, *headers: str, method: str = "GET") -> tuple[int, bytes]:
    """One request exactly as written; status and body."""
    base = drive.http.base_url
    with socket.create_connection((base.host, base.port or 80), timeout=10) as conn:
        lines = [f"{method} {path} HTTP/1.1", *headers, "Connection: close", "", ""]
        conn.sendall("\r\n".join(lines).encode("latin-1"))
        answer = b""
        while chunk := conn.recv(65536):
            answer += chunk
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split(b" ")[1]), body


@pytest.mark.parametrize("path", TRICKS)
@pytest.mark.parametrize("who", ["fbi", None])
def test_no_spelling_of_an_address_opens_a_desk_or_breaks_the_door(
    drive: Driver, path: str, who: str | None
) -> None:
    key = [] if who is None else [f"Authorization: Bearer {drive.key(who)}"]
    status, body = raw(drive, path, "Host: x", *key)
    assert 400 <= status < 500, (status, body[:200])
    assert b"queue" not in body


@pytest.mark.parametrize("host", ["x/desk/queue/charging?", "x/desk/queue/charging#", "x@y", "x:1/desk"])
def test_the_host_header_does_not_choose_the_address(drive: Driver, host: str) -> None:
    """An auditor may not read queues, but would get 403 from one: the address asked for is another."""
    status, _ = raw(drive, "/nowhere", f"Host: {host}", f"Authorization: Bearer {drive.key('police')}")
    assert status in {400, 404}


@pytest.mark.parametrize(
    "headers",
    [
        ("X-Original-URL: " + DESK, "X-Rewrite-URL: " + DESK),
        ("X-Forwarded-For: 127.0.0.1", "X-Forwarded-User: police", "X-Real-IP: 127.0.0.1"),
        ("Connection: Authorization, close",),
        ("Transfer-Encoding: identity",),
        ("Cookie: openpars_session=x; openpars_session=y",),
    ],
)
def test_headers_do_not_make_a_recipient_staff(drive: Driver, headers: tuple[str, ...]) -> None:
    status, body = raw(drive, DESK, "Host: x", f"Authorization: Bearer {drive.key('fbi')}", *headers)
    assert 400 <= status < 500
    assert b"queue" not in body


def test_a_smuggled_second_request_is_not_carried_out(drive: Driver) -> None:
    smuggled = f"GET {DESK} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {drive.key('police')}\r\n\r\n"
    status, body = raw(
        drive,
        "/public/log",
        "Host: x",
        f"Content-Length: {len(smuggled)}",
        "Transfer-Encoding: chunked",
        method="POST",
    )
    assert status >= 400
    assert b'"queue"' not in body
