# SPDX-License-Identifier: Apache-2.0
"""Strangers who ask without pause, never finish asking, or never read the answer: no desk waits for them."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from openpars.settings import Settings
from openpars.web import door_app, lane, respond, strangers, wire
from openpars.web.lane import Lane, Width
from openpars.web.strangers import Strangers
from tests.attacks.conftest import code
from tests.conftest import RunningCity
from tests.driver import unique

PAGE = b"<p>busy</p>"
WIDE = Width(share=0.5, burst=5.0, each_share=0.5, each_burst=5.0, inside=8, each_inside=4)
SMALL = Width(share=0.5, burst=5.0, each_share=0.0001, each_burst=0.01, inside=8, each_inside=4)


class House:
    """A small application behind the lanes: what is at its addresses, and who is being served."""

    def __init__(self, width: Width) -> None:
        self.inside = 0
        self.most = 0
        self.go_on = asyncio.Event()
        self.valid = {"good"}
        self.state = SimpleNamespace(lanes={"readers": Lane(width), "keys": Lane(width)})
        self.app = Strangers(
            self._serve,
            lane_of=lambda _, *, shows_key: "keys" if shows_key else "readers",
            address_of=lambda scope: str(scope["client"][0]),
            cookie="openpars_session",
            page=PAGE,
        )

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        key = request.headers.get("authorization", "").removeprefix("Bearer ")
        if key:
            await asyncio.sleep(0.01)  # as long as it takes to look it up
            strangers.met(request, found=key in self.valid)
        self.inside += 1
        self.most = max(self.most, self.inside)
        try:
            await self._answer(scope["path"], request)(scope, receive, send)
        finally:
            self.inside -= 1

    def _answer(self, path: str, request: Request) -> Callable[[Scope, Receive, Send], Awaitable[None]]:
        async def waits(scope: Scope, receive: Receive, send: Send) -> None:
            await self.go_on.wait()
            await PlainTextResponse("waited")(scope, receive, send)

        async def works(scope: Scope, receive: Receive, send: Send) -> None:
            sum(range(2_000_000))
            await PlainTextResponse("worked")(scope, receive, send)

        async def without_end() -> Any:
            yield "first"
            await self.go_on.wait()
            yield "last"

        async def echo(scope: Scope, receive: Receive, send: Send) -> None:
            await PlainTextResponse(await request.body())(scope, receive, send)

        return {
            "/waits": waits,
            "/works": works,
            "/echo": echo,
            "/stream": StreamingResponse(without_end()),
        }.get(path, PlainTextResponse("here"))


class Ask:
    """One request, in the test's hands: what it sends, and whether it reads."""

    def __init__(
        self, house: House, path: str = "/", *, address: str = "a", key: str | None = None, html: bool = False
    ) -> None:
        headers = [(b"authorization", b"Bearer " + key.encode())] if key else []
        if html:
            headers.append((b"accept", b"text/html"))
        scope = {
            "type": "http", "method": "POST", "path": path, "raw_path": path.encode(), "query_string": b"",
            "headers": headers, "client": (address, 1), "app": house,
        }  # fmt: skip
        self.body: asyncio.Queue[Message] = asyncio.Queue()
        self.reads = asyncio.Event()
        self.reads.set()
        self.sent: list[Message] = []
        self.begun = asyncio.Event()
        self.task = asyncio.create_task(house.app(scope, self.body.get, self._take))

    async def _take(self, message: Message) -> None:
        self.sent.append(message)
        self.begun.set()
        await self.reads.wait()

    def whole(self, content: bytes = b"") -> Ask:
        """Send all of the body."""
        self.body.put_nowait({"type": "http.request", "body": content, "more_body": False})
        return self

    async def status(self) -> int:
        """The status, once it has been answered to the end."""
        await self.task
        return int(self.sent[0]["status"])

    def text(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.sent[1:])


@pytest.fixture(autouse=True)
def short_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is sent away is told so at once, and who waits for a turn waits shorter."""
    monkeypatch.setattr(strangers, "PAUSE", 0.0)
    monkeypatch.setattr(lane, "WAIT", 0.3)


async def settled() -> None:
    """Every task has done what it can do by itself."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_one_stranger_is_served_at_a_time() -> None:
    house = House(WIDE)
    asked = [Ask(house, "/waits", address=one).whole() for one in "abc"]
    await settled()
    assert house.inside == 1
    house.go_on.set()
    assert [await one.status() for one in asked] == [200, 200, 200]
    assert house.most == 1


async def test_too_many_of_one_address_are_sent_away_and_another_address_is_not() -> None:
    house = House(WIDE)
    held = [Ask(house, "/") for _ in range(4)]
    away = Ask(house, "/").whole()
    assert await away.status() == 429
    assert dict(away.sent[0]["headers"])[b"retry-after"]
    assert b"limit-reached" in away.text()
    page = Ask(house, "/", html=True).whole()
    assert (await page.status(), page.text()) == (429, PAGE)
    assert await Ask(house, "/", address="b").whole().status() == 200
    for one in held:
        assert await one.whole().status() == 200
    assert await Ask(house, "/").whole().status() == 200


async def test_too_many_of_many_addresses_are_sent_away() -> None:
    house = House(WIDE)
    held = [Ask(house, "/", address=str(number)) for number in range(8)]
    await settled()
    assert await Ask(house, "/", address="late").whole().status() == 429
    for one in held:
        await one.whole().task


async def test_a_body_that_never_ends_has_no_turn() -> None:
    house = House(WIDE)
    slow = Ask(house, "/echo", address="slow")
    slow.body.put_nowait({"type": "http.request", "body": b"half", "more_body": True})
    await settled()
    assert await Ask(house, "/", address="b").whole().status() == 200
    await slow.whole(b"other").task
    assert slow.text() == b"halfother"


async def test_a_body_too_large_for_a_stranger_is_refused_unread() -> None:
    house = House(WIDE)
    large = Ask(house, "/echo").whole(b"x" * (strangers.BODY + 1))
    assert await large.status() == 422
    assert house.most == 0


async def test_who_never_reads_has_no_turn_either() -> None:
    house = House(WIDE)
    slow = Ask(house, "/", address="slow")
    slow.reads.clear()
    slow.whole()
    await slow.begun.wait()
    assert await Ask(house, "/", address="b").whole().status() == 200
    slow.reads.set()
    assert await slow.status() == 200


async def test_who_never_finishes_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strangers, "WITHIN", 0.05)
    house = House(WIDE)
    slow = Ask(house, "/", address="slow")
    slow.reads.clear()
    slow.whole()
    with pytest.raises(Exception):  # noqa: B017, PT011  (the connection is cut)
        await slow.task
    assert await Ask(house, "/", address="slow").whole().status() == 200


async def test_work_is_paid_for_by_the_address_that_asked() -> None:
    house = House(SMALL)
    assert await Ask(house, "/works").whole().status() == 200
    assert (
        await Ask(house, "/").whole().status() == 429
    )  # it owes minutes, and no turn is waited for that long
    assert await Ask(house, "/", address="b").whole().status() == 200


async def test_work_is_paid_for_by_all_together() -> None:
    house = House(Width(share=0.0001, burst=0.01, each_share=0.5, each_burst=5.0))
    assert await Ask(house, "/works").whole().status() == 200
    assert await Ask(house, "/", address="b").whole().status() == 429


async def test_a_key_in_force_passes_a_full_lane() -> None:
    house = House(SMALL)
    assert await Ask(house, "/", key="good").whole().status() == 200
    held = [Ask(house, "/", address=str(number), key="bad") for number in range(8)]
    await settled()
    assert await Ask(house, "/", key="other").whole().status() == 429
    assert await Ask(house, "/works", key="good").whole().status() == 200
    assert await Ask(house, "/works", key="good").whole().status() == 200
    for one in held:
        await one.whole().task


async def test_readers_keep_no_new_key_out() -> None:
    house = House(WIDE)
    held = [Ask(house, "/waits", address=str(number)).whole() for number in range(8)]
    await settled()
    assert await Ask(house, "/", key="good").whole().status() == 200
    house.go_on.set()
    await asyncio.gather(*(one.task for one in held))


async def test_a_guessed_key_is_no_key() -> None:
    house = House(SMALL)
    assert await Ask(house, "/works", key="guess").whole().status() == 200
    assert [await Ask(house, "/", key=f"guess {n}").whole().status() for n in range(3)] == [429] * 3


async def test_a_key_that_holds_no_more_is_a_strangers() -> None:
    house = House(SMALL)
    assert await Ask(house, "/", key="good").whole().status() == 200
    house.valid.clear()
    assert await Ask(house, "/works", key="good").whole().status() == 200
    assert await Ask(house, "/works", key="good").whole().status() == 200
    assert await Ask(house, "/", key="good").whole().status() == 429


async def test_many_who_come_at_once_with_one_key_are_let_in_by_the_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(strangers, "PAUSE", 0.2)
    house = House(WIDE)
    asked = [Ask(house, "/", key="good").whole() for _ in range(20)]
    assert {await one.status() for one in asked} == {200}


async def test_the_first_stream_of_a_key_keeps_nobody_waiting_and_is_not_cut(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(strangers, "WITHIN", 0.05)
    house = House(WIDE)
    stream = Ask(house, "/stream", key="good").whole()
    await stream.begun.wait()
    assert await Ask(house, "/", key="bad").whole().status() == 200
    await asyncio.sleep(0.1)
    house.go_on.set()
    await stream.task
    assert stream.text() == b"firstlast"


# ---------------------------------------------------------------------- on a running city


@contextmanager
def connection(city: RunningCity, sent: bytes) -> Iterator[socket.socket]:
    """A connection on which this was sent."""
    host, _, port = city.base_url.rpartition("/")[2].partition(":")
    with socket.create_connection((host, int(port)), timeout=wire.WITHIN - 3) as line:
        line.sendall(sent)
        yield line


def answered(line: socket.socket) -> bytes:
    """All that comes until the other side hangs up."""
    received = b""
    while chunk := line.recv(65536):
        received += chunk
    return received


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"y" * (wire.HEAD + 1000),
        b"GET /" + b"y" * (wire.HEAD + 1000),
        b"GET / HTTP/1.1\r\n" + b"".join(b"X%d: y\r\n" % n for n in range(wire.FIELDS + 9)),
        b"GET / HTTP/1.1\r\n" + b"X: yyyyyyyyyyyyyyyyyyyy\r\n" * 2000,
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + b"X: yyyyyyyyyyyyyyyyyyyy\r\n" * 2000,
    ],
    ids=["one long header", "a long address", "many headers", "headers without end", "trailers without end"],
)
def test_a_head_without_end_is_hung_up_on(city: RunningCity, head: bytes) -> None:
    # By its size, before its time is over. Reset: hung up while we were still sending.
    with connection(city, head) as line, contextlib.suppress(ConnectionResetError):
        assert b"400 Bad Request" in answered(line)


def test_bodies_that_never_come_keep_no_desk_waiting(city: RunningCity) -> None:
    head = b"POST /public/editor HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n"
    form = b"Content-Type: application/x-www-form-urlencoded\r\n\r\n"
    with ExitStack() as held, httpx.Client(base_url=city.base_url, timeout=60) as client:
        lines = [held.enter_context(connection(city, head + form)) for _ in range(16)]
        away = client.get("/public/agreements")
        assert (away.status_code, code(away)) == (429, "limit-reached")
        page = client.get("/public/agreements", headers={"accept": "text/html"})
        assert "Too much is asked for" in page.text
        assert "se pide demasiado" in page.text
        key = {"authorization": f"Bearer {city.keys['district-attorney']}"}
        assert client.get("/desk/queue/charging", headers=key).status_code == 200
        guess = client.get("/desk/queue/charging", headers={"authorization": f"Bearer {unique()}"})
        assert guess.status_code == 401
        for line in lines:
            line.close()
    with httpx.Client(base_url=city.base_url, timeout=60) as client:
        while client.get("/public/agreements").status_code == 429:
            pass


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/v1/search"), ("GET", "/v1/alerts"), ("GET", "/v1/agreement"), ("POST", "/desk/arrests")],
)
async def test_no_address_of_the_door_is_asked_past_the_lanes(method: str, path: str) -> None:
    """The door's busiest addresses go past the framework's layers, and a guess at a key costs most there."""
    door = door_app.create_app(Settings(data_dir=Path("nowhere")))
    closed = Width(share=0.1, burst=0.1, each_share=0.1, each_burst=0.1, inside=0)
    door.state.lanes = {name: Lane(closed) for name in ("log", "keys", "handed on", "keys handed on")}
    door.state.trusted = ()
    async with httpx.AsyncClient(transport=httpx.ASGITransport(door), base_url="http://city.invalid") as http:
        answer = await http.request(method, path, headers={"authorization": "Bearer op_fbi_guessed"})
    assert (answer.status_code, code(answer)) == (429, "limit-reached")
    assert answer.headers["retry-after"] == "5"
    assert respond.HEADERS.items() <= dict(answer.headers).items()
