# SPDX-License-Identifier: Apache-2.0
"""The door's last looks, one by one: each alone must hold, whatever the others do."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

import psycopg
import pytest
from psycopg import sql

from openpars.accounts.keys import RecipientKey
from openpars.agreements.register import Standing
from openpars.alerts.envelope import Resume, Seals
from openpars.alerts.post import Post
from openpars.alerts.streams import Item, Stream, frames
from openpars.disclosure.gate import AMENDED, ENDED, MOVED, Gate, Guard, _relied_on, _verdict, arrays
from openpars.disclosure.reading import Row
from openpars.disclosure.register import Right
from openpars.errors import Code, Refused
from openpars.shares.tables import Share
from tests.driver import Driver, agreement_text, unique

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
KEY, ID = UUID(int=1), UUID(int=2)
STANDING = Standing("a", 1, "fbi", "in_force", NOW - timedelta(days=1), NOW + timedelta(days=1), 7, "0" * 64)
SHARE = Share("a", 1, "p", ("docket",))
RIGHT = Right(STANDING, cast("Any", None), SHARE)
NAMES_ERO = SimpleNamespace(
    agreement=SimpleNamespace(admits=lambda organisation: organisation in (None, "ero"))
)
ROW = Row(ID.hex, 1, 3, "{}", "")
ALL_WELL: dict[str, Any] = {
    "now": NOW,
    "keys": frozenset({KEY}),
    "fences": {"a": (7, 1)},
    "moved": False,
}


def verdict(**changed: Any) -> Any:
    return _verdict(Guard(KEY, RIGHT, (ROW,), None), **{**ALL_WELL, **changed})


def test_when_all_is_well_the_answer_is_logged() -> None:
    assert verdict() is None


@pytest.mark.parametrize(
    ("changed", "refusal"),
    [
        ({"fences": {"a": (8, 1)}}, ENDED),  # suspended and resumed meanwhile
        ({"fences": {"a": (7, None)}}, ENDED),  # nothing in force
        ({"fences": {}}, ENDED),
        ({"now": STANDING.until}, ENDED),
        ({"now": STANDING.begins - timedelta(microseconds=1)}, ENDED),
        ({"fences": {"a": (7, 2)}}, AMENDED),
        ({"moved": True}, MOVED),
    ],
)
def test_one_thing_that_moved_is_enough(changed: dict[str, Any], refusal: Any) -> None:
    assert verdict(**changed) is refusal


def test_a_revoked_key_is_enough() -> None:
    assert verdict(keys=frozenset()).code is Code.UNAUTHENTICATED


async def test_a_row_that_does_not_stand_as_it_was_read_is_found(database: Any) -> None:
    """Gone, of another version, of another grant, over by time: each is told apart from one that stands."""
    share = Share("guarded", 1, "p", ("docket",))
    stands, over, gone = (UUID(int=n).hex for n in (1, 2, 3))
    async with await psycopg.AsyncConnection.connect(database.owner_dsn) as conn:
        await conn.execute("CREATE SCHEMA share_guarded")
        await conn.execute(share.create())
        for record, until in ((stands, NOW + timedelta(days=9_000)), (over, NOW - timedelta(days=9_000))):
            row = (record, 1, 3, until, ["search"], False, "{}", "{}", None, b"k")
            values = sql.SQL(", ").join(sql.Placeholder() * len(row))
            await conn.execute(sql.SQL("INSERT INTO {} VALUES ({})").format(share.table, values), row)
        read = [
            Row(stands, 1, 3, "{}", ""),
            Row(stands, 1, 4, "{}", ""),
            Row(stands, 2, 3, "{}", ""),
            Row(over, 1, 3, "{}", ""),
            Row(gone, 1, 3, "{}", ""),
        ]
        found = await (await conn.execute(share.moved(), arrays(read))).fetchall()
    assert {row[0] for row in found} == {2, 3, 4, 5}


def test_a_row_that_moved_is_counted_against_the_answers_that_rest_on_it_and_no_other() -> None:
    other = Right(STANDING, cast("Any", None), replace(SHARE, version=2))
    rows = (ROW, Row(UUID(int=3).hex, 1, 3, "{}", ""))
    guards = [
        None,
        Guard(KEY, RIGHT, rows, None),
        Guard(KEY, other, (ROW,), None),
        Guard(KEY, RIGHT, (), None),
    ]
    found = _relied_on([*guards, Guard(KEY, RIGHT, (ROW,), None)])
    assert found == {SHARE: ([1, 1, 4], [*rows, ROW]), other.share: ([2], [ROW])}


@pytest.mark.parametrize(
    ("standing", "now"),
    [(None, NOW), (replace(STANDING, epoch=8), NOW), (STANDING, STANDING.until)],
)
def test_after_the_log_the_fence_is_asked_once_more(standing: Standing | None, now: datetime) -> None:
    gate = SimpleNamespace(
        clock=SimpleNamespace(now=lambda: now), register=SimpleNamespace(standing=lambda *_: standing)
    )
    with pytest.raises(Refused):
        Gate.still(cast("Gate", gate), RIGHT)


def test_a_way_is_granted_with_its_own_fields_only(drive: Driver) -> None:
    """Two grants of one purpose: what may be alerted on is not searched, and the other way round."""
    agreement, purpose = unique("a"), unique("p")
    first = agreement_text(agreement, purpose=purpose, show='name = "whole"', alert_by="[]")
    first = first.replace('ways = ["search", "alert"]', 'ways = ["search"]').replace("alert_by = []\n", "")
    second = f"""[[grant]]
about = "arrestee"
purposes = ["{purpose}"]
when = {{ charge_grade = ["F1"] }}
show = {{ ssn = "last4" }}
find_by = [["name", "birth_date"]]
ways = ["alert"]

[limits]"""
    drive.enact(first.replace("[limits]", second))
    _, form = drive.book()
    (record,) = drive.records("fbi", purpose, drive.find(form))
    asked = {"purpose": purpose, "case_number": "CASE-1"}
    by_id = drive.call("fbi", "GET", f"/v1/records/{record['id']}", params=asked).json()["records"][0]
    for shown in (record, by_id):
        assert "ssn" not in shown
        assert "name" in shown
    made = drive.done("fbi", "POST", "/v1/subscriptions", {**asked, "find": drive.find(form)})
    with drive.feed("fbi", subscription=made["id"]) as feed:
        told = feed.next()["data"]
    assert "name" not in told
    assert "ssn" in told


@pytest.mark.parametrize(
    ("standing", "sent"), [(STANDING, True), (replace(STANDING, epoch=8), False), (None, False)]
)
async def test_what_waits_in_a_queue_is_sent_only_while_its_fence_stands(
    standing: Standing | None, sent: bool
) -> None:
    gate = SimpleNamespace(
        clock=SimpleNamespace(now=lambda: NOW),
        register=SimpleNamespace(standing=lambda *_: standing, version=lambda _: NAMES_ERO),
    )
    post = Post.__new__(Post)
    post._gate = cast("Gate", gate)
    stream = Stream(RecipientKey(KEY, "fbi", None), None, None)
    stream.caught_up()
    stream.put(Item("a", 7, 1, b"a record"))
    stream.put(Item("a", 7, 0, b"", ended=True, last=True))
    alive = partial(Post.alive, post)
    assert (b"a record" in [frame async for frame in frames(stream, alive=alive, line=None)]) is sent


@pytest.mark.parametrize(("organisation", "sent"), [(None, True), ("ero", True), ("hsi", False)])
async def test_what_waits_in_a_queue_is_not_sent_to_an_organisation_dropped_meanwhile(
    organisation: str | None, sent: bool
) -> None:
    gate = SimpleNamespace(
        clock=SimpleNamespace(now=lambda: NOW),
        register=SimpleNamespace(standing=lambda *_: STANDING, version=lambda _: NAMES_ERO),
    )
    post = Post.__new__(Post)
    post._gate = cast("Gate", gate)
    alive = partial(Post.alive, post)
    stream = Stream(RecipientKey(KEY, "fbi", organisation), None, None)
    assert alive(stream, Item("a", 7, 1, b"a record")) is sent


async def test_a_stopped_feed_sends_nothing_of_what_waits() -> None:
    stream = Stream(RecipientKey(KEY, "fbi", None), None, None)
    stream.caught_up()
    stream.put(Item("a", 7, 1, b"a record"))
    stream.stop()
    assert b"a record" not in [frame async for frame in frames(stream, alive=lambda *_: True, line=None)]


def test_a_place_in_a_feed_does_not_tell_by_its_length_how_many_alerts_there_are() -> None:
    seals = Seals("11" * 32)
    lengths = {len(seals.seal(Resume("fbi", position, (("a", 1),)))) for position in (1, 99, 10**12)}
    assert len(lengths) == 1


def test_what_a_feed_missed_and_what_it_is_then_sent_is_told_once() -> None:
    """An event stored just before a feed opens is among what was missed, and is sent to it a moment later."""
    stream = Stream(RecipientKey(KEY, "fbi", None), None, None)
    missed, new, ended = (Item("a", 1, position, b"") for position in (7, 8, 0))
    for item in (missed, new, ended):
        stream.put(item)
    stream.replay(missed)
    stream.caught_up()
    stream.put(Item("a", 1, 9, b""))
    told = [stream.queue.get_nowait() for _ in range(stream.queue.qsize())]
    assert [item.position for item in told if item is not None] == [7, 8, 0, 9]
