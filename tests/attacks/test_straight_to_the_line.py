# SPDX-License-Identifier: Apache-2.0
"""Events that go straight to a feed's connection: never past an end, never past what came before them, and
never lost without a word."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from openpars.accounts.keys import RecipientKey
from openpars.alerts.envelope import Seals
from openpars.alerts.match import News
from openpars.alerts.post import AT_ONCE, Post, Posted
from openpars.alerts.story import Said
from openpars.alerts.streams import Item, Stream, frames
from openpars.alerts.subscriptions import Listener
from openpars.settings import load_desk
from tests.conftest import RunningCity
from tests.driver import Driver


class Wire:
    """A line that takes everything."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []

    def send(self, frame: bytes) -> bool:
        self.frames.append(frame)
        return True


def open_stream(wire: Wire, key: RecipientKey, subscription: str | None = None) -> Stream:
    """A feed that has been told what it missed and has nothing before it."""
    stream = Stream(key, None, subscription)
    stream.caught_up()
    stream.line = wire
    return stream


async def test_an_end_in_the_middle_of_a_thousand_feeds_is_the_end() -> None:
    key = RecipientKey(uuid4(), "fbi", None)
    standing: Any = SimpleNamespace(agreement="a", epoch=1, recipient="fbi")
    in_force: list[Any] = [standing]
    text = SimpleNamespace(agreement=SimpleNamespace(admits=lambda _organisation: True))
    register = SimpleNamespace(
        standing=lambda *_: in_force[0], version=lambda _standing: text, in_force=lambda *_: (standing,)
    )
    gate: Any = SimpleNamespace(register=register, clock=SimpleNamespace(now=lambda: None))
    post = Post(gate=gate, seals=Seals("00" * 32), source="city.invalid")
    wire = Wire()
    listeners = tuple(Listener(str(uuid4()), "fbi", None, key.id, None) for _ in range(3 * AT_ONCE))
    streams = [open_stream(wire, key, one.name) for one in listeners]
    for stream in streams:
        post.streams.open(stream)
    right: Any = SimpleNamespace(standing=standing, share=SimpleNamespace(purpose="p"))
    news = News(None, "appeared", b'{"id":"%b"}' % UUID(int=1).hex.encode(), b"d", (), listeners)

    async def end() -> None:
        while not wire.frames:
            await asyncio.sleep(0)
        in_force[0] = None

    posted = [Posted(Said(news, 1), "receipt", datetime.now(UTC))]
    await asyncio.gather(post.send(right, posted, resume=10_000), end())
    assert len(wire.frames) == AT_ONCE
    # What was not sent waits, and is not sent from there either.
    (item,) = [streams[-1].queue.get_nowait()]
    assert item is not None
    assert not post.alive(streams[-1], item)


async def test_nothing_overtakes_what_waits_or_is_on_its_way() -> None:
    wire = Wire()
    stream = Stream(RecipientKey(uuid4(), "fbi", None), None, None)
    assert not stream.send(b"nothing has been said yet")
    async with aclosing(frames(stream, alive=lambda *_: True, line=wire)) as body:
        assert await anext(body) == b": connected\n\n"
        stream.caught_up()
        following = asyncio.ensure_future(anext(body))
        await asyncio.sleep(0)
        assert stream.send(b"1")
        stream.put(Item("a", 1, 2, b"2"))
        assert not stream.send(b"before 2, which waits")
        assert await following == b"2"
        assert not stream.send(b"before 2, which is on its way")
        following = asyncio.ensure_future(anext(body))
        await asyncio.sleep(0)
        assert stream.send(b"3")
        stream.stop()
        assert not stream.send(b"after its key was revoked")
        with pytest.raises(StopAsyncIteration):
            await following
    assert wire.frames == [b"1", b"3"]


def owner(city: RunningCity) -> psycopg.Connection[Any]:
    return psycopg.connect(load_desk(city.data_dir).owner_dsn, autocommit=True)


def subscribed(drive: Driver, purpose: str) -> dict[str, Any]:
    asked = {"purpose": purpose, "case_number": "CASE-1", "criteria": {"charge_grade": ["F1"]}}
    made: dict[str, Any] = drive.done("fbi", "POST", "/v1/subscriptions", asked)
    return made


def test_a_feed_is_cut_when_nobody_knows_whether_it_was_told(drive: Driver, city: RunningCity) -> None:
    """The transaction that was to keep an alert fails at its last statement."""
    _, purpose = drive.agree()
    made = subscribed(drive, purpose)
    with drive.feed("fbi", subscription=made["id"]) as feed:
        drive.book()
        place, first = feed.next_with_id(20)
        # The log waits three seconds for a lock, and no longer.
        with owner(city) as holder, holder.transaction():
            holder.execute("LOCK TABLE alerts.event IN ACCESS EXCLUSIVE MODE")
            _, form = drive.book()
            assert feed.closed.wait(10)
    with drive.feed("fbi", place, subscription=made["id"]) as feed:
        told = feed.next(20)
    assert told["data"]["name"]["last"] == form["arrestee"]["name"]["last"]
    assert told["id"] != first["id"]
