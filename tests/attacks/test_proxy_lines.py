# SPDX-License-Identifier: Apache-2.0
"""Answers made to confuse the door's proxy: one visitor's must never be taken for the next one's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request
from starlette.types import Message

from openpars.web.desk_line import DeskGone
from openpars.web.proxy import DeskProxy

OK = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b"

Answered = tuple[int, list[tuple[bytes, bytes]], bytes]


class Desk:
    """A desk that answers as it is told, and remembers what it was asked."""

    def __init__(self, answer: Callable[[int, bytes], bytes]) -> None:
        self._answer = answer
        self.asked: list[bytes] = []
        self.connections = 0

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        self.connections += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = head.partition(b"content-length: ")[2].partition(b"\r")[0] or b"0"
                self.asked.append(head + await reader.readexactly(int(length)))
                answer = self._answer(len(self.asked), head)
                writer.write(answer)
                await writer.drain()
                if answer.endswith(b"half"):
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()


@asynccontextmanager
async def proxied(tmp_path: Path, desk: Desk) -> AsyncIterator[DeskProxy]:
    """The proxy before it."""
    server = await asyncio.start_unix_server(desk, str(tmp_path / "desk"))
    proxy = DeskProxy(tmp_path / "desk")
    try:
        yield proxy
    finally:
        await proxy.close()
        server.close()


async def ask(
    proxy: DeskProxy,
    method: str = "GET",
    path: bytes = b"/desk/x",
    headers: tuple[tuple[bytes, bytes], ...] = (),
    body: bytes = b"",
) -> Answered:
    """One request through the proxy: status, headers and body of its answer."""
    given = iter([{"type": "http.request", "body": body, "more_body": False}])
    sent: list[Message] = []

    async def receive() -> Message:
        try:
            return next(given)
        except StopIteration:
            await asyncio.Event().wait()
            raise

    async def send(message: Message) -> None:
        sent.append(message)

    scope: dict[str, Any] = {
        "type": "http", "method": method, "path": path.decode("latin-1"), "raw_path": path,
        "query_string": b"", "headers": list(headers),
    }  # fmt: skip
    answer = await proxy(Request(scope, receive))
    await answer(scope, receive, send)
    content = b"".join(message.get("body", b"") for message in sent[1:])
    return sent[0]["status"], sent[0]["headers"], content


async def test_an_answer_nobody_asked_for_is_nobodys(tmp_path: Path) -> None:
    desk = Desk(lambda number, _: OK % (1, b"%d" % number) + OK % (6, b"stolen"))
    async with proxied(tmp_path, desk) as proxy:
        assert [(await ask(proxy))[2] for _ in range(3)] == [b"1", b"2", b"3"]
    assert desk.connections == 3


async def test_what_comes_between_two_requests_is_nobodys(tmp_path: Path) -> None:
    lines: list[asyncio.StreamWriter] = []

    async def desk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lines.append(writer)
        name = b"%d" % len(lines)
        while await reader.readuntil(b"\r\n\r\n"):
            writer.write(OK % (1, name))

    server = await asyncio.start_unix_server(desk, str(tmp_path / "desk"))
    proxy = DeskProxy(tmp_path / "desk")
    assert [(await ask(proxy))[2] for _ in range(2)] == [b"1", b"1"]
    lines[0].write(OK % (6, b"stolen"))
    await asyncio.sleep(0.1)  # until it is there: from then on the line is nobody's
    assert (await ask(proxy))[2] == b"2"
    await proxy.close()
    server.close()


async def test_an_answer_without_a_body_takes_none_from_the_next(tmp_path: Path) -> None:
    desk = Desk(lambda number, head: OK % (1, b"" if head.startswith(b"HEAD") else b"%d" % number))
    async with proxied(tmp_path, desk) as proxy:
        status, headers, body = await ask(proxy, "HEAD")
        assert (status, (b"content-length", b"1") in headers, body) == (200, True, b"")
        assert (await ask(proxy))[2] == b"2"


@pytest.mark.parametrize("length", [b"content-length: 100000\r\n", b"transfer-encoding: chunked\r\n"])
async def test_half_an_answer_does_not_pass_for_all(tmp_path: Path, length: bytes) -> None:
    chunk = b"4\r\nhalf" if length.startswith(b"transfer") else b"half"
    desk = Desk(lambda _, __: b"HTTP/1.1 200 OK\r\n" + length + b"\r\n" + chunk)
    async with proxied(tmp_path, desk) as proxy:
        with pytest.raises(DeskGone):
            await ask(proxy)


async def test_one_visitors_cookie_is_not_the_nexts(tmp_path: Path) -> None:
    desk = Desk(lambda _, __: b"HTTP/1.1 200 OK\r\nset-cookie: s=1\r\ncontent-length: 0\r\n\r\n")
    async with proxied(tmp_path, desk) as proxy:
        assert (b"set-cookie", b"s=1") in (await ask(proxy))[1]
        await ask(proxy)
    assert b"cookie" not in desk.asked[1]
    assert desk.connections == 1


@pytest.mark.parametrize(
    ("path", "header"),
    [
        (b"/desk/x HTTP/1.1\r\nx: y\r\n\r\nGET /desk/y", (b"a", b"b")),
        (b"http://elsewhere/desk/x", (b"a", b"b")),
        (b"/desk/x", (b"a", b"b\r\nauthorization: Bearer other")),
        (b"/desk/x", (b"a: b\r\nauthorization", b"Bearer other")),
        (b"/desk/x", (b"a", b"b\x00")),
    ],
)
async def test_no_part_of_a_request_begins_another(
    tmp_path: Path, path: bytes, header: tuple[bytes, bytes]
) -> None:
    desk = Desk(lambda _, __: OK % (2, b"ok"))
    async with proxied(tmp_path, desk) as proxy:
        assert (await ask(proxy, path=path, headers=(header,)))[0] == 404
    assert not desk.asked


async def test_the_body_read_is_the_body_handed_on(tmp_path: Path) -> None:
    desk = Desk(lambda _, __: OK % (2, b"ok"))
    lies = ((b"content-length", b"3"), (b"transfer-encoding", b"chunked"), (b"expect", b"100-continue"))
    async with proxied(tmp_path, desk) as proxy:
        assert (await ask(proxy, "POST", headers=lies, body=b"0123456789"))[0] == 200
    assert desk.asked == [
        b"POST /desk/x HTTP/1.1\r\nopenpars-client: -\r\ncontent-length: 10\r\n\r\n0123456789"
    ]


async def test_a_long_answer_comes_whole_and_in_its_order(tmp_path: Path) -> None:
    long = b"".join(b"%08d" % number for number in range(200_000))
    desk = Desk(lambda _, __: OK % (len(long), long))
    async with proxied(tmp_path, desk) as proxy:
        assert (await ask(proxy))[2] == long
        assert (await ask(proxy))[2] == long
    assert desk.connections == 1
