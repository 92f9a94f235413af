# SPDX-License-Identifier: Apache-2.0
"""Organisations under one recipient: by name only, cut alone or all at once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from datetime import UTC
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from openpars.accounts.keys import RecipientKey, create_recipient
from openpars.alerts.envelope import Seals
from openpars.alerts.post import Post
from openpars.alerts.streams import Item, Stream
from openpars.log.keys import KeyStore
from openpars.log.seal import open_period, split
from openpars.settings import load_desk
from tests.attacks.conftest import code
from tests.attacks.test_amended import amend
from tests.conftest import RunningCity
from tests.driver import Driver, agreement_text, unique

MakeKey = Callable[[str, str | None], str]


@pytest.fixture
def drive(city: RunningCity) -> Iterator[Driver]:
    """The session's city; keys that a test makes are its own."""
    driver = Driver(city.base_url, {**city.keys})
    yield driver
    driver.leave()


@pytest.fixture
def key(drive: Driver, city: RunningCity) -> MakeKey:
    """Makes a key of an organisation of a recipient; `drive` then acts as the name it returns."""
    dsn = load_desk(city.data_dir).desk_dsn

    async def make(recipient: str, organisation: str | None) -> str:
        async with await psycopg.AsyncConnection.connect(dsn) as conn:
            name = f"{recipient}/{organisation}/{unique()}"
            issued = await create_recipient(
                conn, recipient, name=recipient, label="test", organisation=organisation
            )
            drive.keys[name] = issued.token
            return name

    return lambda recipient, organisation: asyncio.run(make(recipient, organisation))


def subscribe(drive: Driver, who: str, purpose: str) -> Any:
    return drive.call(
        who,
        "POST",
        "/v1/subscriptions",
        {"purpose": purpose, "case_number": "CASE-1", "criteria": {"charge_grade": ["F1"]}},
    )


def test_a_named_organisation_is_answered_and_one_that_is_not_named_is_refused_everywhere(
    drive: Driver, key: MakeKey
) -> None:
    _, purpose = drive.agree(organisations=(("hq", "fbi"), ("squad", "hq")))
    _, form = drive.book()
    (record,) = drive.records(key("fbi", "squad"), purpose, drive.find(form))
    assert len(drive.records("fbi", purpose, drive.find(form))) == 1
    other = key("fbi", "squad-2")
    asked = {"purpose": purpose, "case_number": "CASE-1"}
    # Each before the next is asked: a feed that opens does not end.
    for ask in (
        lambda: drive.search(other, purpose, drive.find(form)),
        lambda: drive.call(other, "GET", f"/v1/records/{record['id']}", params=asked),
        lambda: drive.call(other, "GET", "/v1/agreement"),
        lambda: subscribe(drive, other, purpose),
        lambda: drive.call(other, "GET", "/v1/alerts"),
    ):
        answer = ask()
        assert (answer.status_code, code(answer)) == (403, "no-agreement")


def test_an_agreement_that_names_none_grants_its_recipient_itself_only(drive: Driver, key: MakeKey) -> None:
    _, purpose = drive.agree()
    _, form = drive.book()
    assert len(drive.records(key("fbi", None), purpose, drive.find(form))) == 1
    assert code(drive.search(key("fbi", "nowhere"), purpose, drive.find(form))) == "no-agreement"


def test_an_organisation_of_another_recipient_with_the_same_id_is_a_stranger(
    drive: Driver, key: MakeKey
) -> None:
    _, purpose = drive.agree(recipient="fbi", organisations=(("field-office", "fbi"),))
    _, form = drive.book()
    assert code(drive.search(key("ice", "field-office"), purpose, drive.find(form))) != "not-found"
    assert drive.search(key("ice", "field-office"), purpose, drive.find(form)).status_code == 403
    assert len(drive.records(key("fbi", "field-office"), purpose, drive.find(form))) == 1


def test_a_smuggled_organisation_makes_no_difference(drive: Driver, key: MakeKey) -> None:
    """The organisation is a fact of the key. A header is not read, a member is refused."""
    _, purpose = drive.agree(organisations=(("hq", "fbi"),))
    _, form = drive.book()
    other = key("fbi", unique("s"))
    for header in ("OpenPARS-Organisation", "Organisation", "X-Organisation"):
        body = {"purpose": purpose, "case_number": "CASE-1", "find": drive.find(form)}
        answer = drive.call(other, "POST", "/v1/search", body, headers={header: "hq"})
        assert (answer.status_code, code(answer)) == (403, "no-agreement")
    for member in ("organisation", "organisations"):
        for who in (other, key("fbi", "hq")):
            answer = drive.search(who, purpose, drive.find(form), **{member: "hq"})
            assert (answer.status_code, code(answer)) == (422, "invalid")
    answer = drive.call(other, "GET", "/v1/alerts", params={"organisation": "hq"})
    assert answer.status_code in {403, 422}


def test_an_organisation_hears_only_what_it_asked_for_itself(drive: Driver, key: MakeKey) -> None:
    """Two organisations of one recipient under one agreement, and the recipient beside them."""
    agreement, purpose = drive.agree(organisations=(("hq", "fbi"), ("squad", "fbi")))
    hq, squad = key("fbi", "hq"), key("fbi", "squad")
    made = subscribe(drive, hq, purpose).json()
    with (
        drive.feed(squad, agreement=agreement) as theirs,
        drive.feed(squad, subscription=made["id"]) as narrowed,
        drive.feed("fbi", agreement=agreement) as above,
        drive.feed(hq, agreement=agreement) as mine,
    ):
        drive.book()
        assert mine.next()["data"]["why"]["subscription"] == made["id"]
        assert (theirs.rest(0.3), narrowed.rest(0.1), above.rest(0.1)) == ([], [], [])
    # Nor by resuming from a place that another organisation was given.
    with drive.feed(squad, last_event_id=made["position"], agreement=agreement) as again:
        assert again.rest(0.5) == []


def test_an_amendment_cuts_the_organisation_it_drops_and_nobody_else(drive: Driver, key: MakeKey) -> None:
    name = unique("s")
    agreement, purpose = drive.agree(organisations=(("hq", "fbi"), (name, "fbi")))
    hq, squad = key("fbi", "hq"), key("fbi", name)
    for who in (hq, squad, "fbi"):
        assert subscribe(drive, who, purpose).status_code == 201
    with (
        drive.feed(squad, agreement=agreement) as dropped,
        drive.feed(hq, agreement=agreement) as kept,
        drive.feed("fbi", agreement=agreement) as above,
    ):
        _, form = drive.book()
        for feed in (dropped, kept, above):
            assert feed.next()["type"] == "org.openpars.share.appeared"
        text = agreement_text(agreement, purpose=purpose, organisations=(("hq", "fbi"),))
        assert amend(drive, agreement, text)["state"] == "in_force"
        answer = drive.search(squad, purpose, drive.find(form))
        assert (answer.status_code, code(answer)) == (403, "no-agreement")
        assert dropped.next()["type"] == "org.openpars.agreement.ended"
        assert dropped.closed.wait(5)
        drive.book()
        for feed in (kept, above):
            assert feed.next()["type"] == "org.openpars.share.appeared"
        assert dropped.rest(0.2) == []
    assert len(drive.records(hq, purpose, drive.find(form))) == 1
    assert code(drive.call(squad, "GET", "/v1/alerts")) == "no-agreement"
    # Named again, it begins anew: what it had asked for before does not come back.
    both = agreement_text(agreement, purpose=purpose, organisations=(("hq", "fbi"), (name, "fbi")))
    assert amend(drive, agreement, both)["state"] == "in_force"
    with drive.feed(squad, agreement=agreement) as again:
        drive.book()
        assert again.rest(0.5) == []


@pytest.mark.parametrize("how", ["suspend", "end"])
def test_one_end_or_suspension_cuts_the_whole_tree(drive: Driver, key: MakeKey, how: str) -> None:
    agreement, purpose = drive.agree(organisations=(("hq", "fbi"), ("squad", "hq")))
    tree = ("fbi", key("fbi", "hq"), key("fbi", "squad"))
    _, form = drive.book()
    for who in tree:
        assert subscribe(drive, who, purpose).status_code == 201
    with (
        drive.feed(tree[0], agreement=agreement) as one,
        drive.feed(tree[1], agreement=agreement) as two,
        drive.feed(tree[2], agreement=agreement) as three,
    ):
        drive.done("solicitor", "POST", f"/agreements/{agreement}/{how}", {"reason": "the city decided"})
        for who in tree:
            answer = drive.search(who, purpose, drive.find(form))
            assert code(answer) == ("agreement-suspended" if how == "suspend" else "agreement-ended")
            assert drive.call(who, "GET", "/v1/alerts", params={"agreement": agreement}).status_code == 403
        for feed in (one, two, three):
            assert feed.closed.wait(5)
        drive.book()
        for feed in (one, two, three):
            kinds = {event["type"] for event in feed.rest(0.1)}
            assert kinds <= {"org.openpars.agreement.ended"}


def test_the_sealed_part_of_an_entry_says_which_organisation(
    drive: Driver, key: MakeKey, city: RunningCity
) -> None:
    _, purpose = drive.agree(organisations=(("hq", "fbi"),))
    _, form = drive.book()
    hq = key("fbi", "hq")
    assert len(drive.records(hq, purpose, drive.find(form))) == 1
    assert drive.search(key("fbi", "squad"), purpose, drive.find(form)).status_code == 403
    store = KeyStore(city.data_dir / "keys" / "persons.sqlite")
    found: dict[str, Any] = {}
    with psycopg.connect(load_desk(city.data_dir).owner_dsn) as conn:
        rows = conn.execute(
            "SELECT leaf, sealed, at FROM log.entry WHERE tree = 'disclosures' ORDER BY index DESC LIMIT 2"
        ).fetchall()
    for leaf, body, at in rows:
        period = store.period("disclosures", f"{at.astimezone(UTC):%Y-%m}")
        found[json.loads(leaf)["kind"]] = open_period(split(body), period)[0]["agent"]
    store.close()
    assert (found["answer"][0], found["answer"][3]) == ("fbi", "hq")
    assert (found["refusal"][0], found["refusal"][3]) == ("fbi", "squad")


def test_no_desk_moves_a_key_to_another_organisation(city: RunningCity) -> None:
    with psycopg.connect(load_desk(city.data_dir).desk_dsn) as conn:
        for column in ("organisation", "recipient", "token_hash"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege), conn.transaction():
                conn.execute(f"UPDATE accounts.recipient_key SET {column} = {column}")


def test_what_waits_in_a_queue_is_not_sent_to_an_organisation_dropped_since() -> None:
    """The fence may not have looked yet: the last question before the bytes leave is asked of the text."""
    admits: list[bool] = [True]
    text = SimpleNamespace(agreement=SimpleNamespace(admits=lambda _organisation: admits[0]))
    register = SimpleNamespace(standing=lambda *_: SimpleNamespace(epoch=1), version=lambda _standing: text)
    gate: Any = SimpleNamespace(register=register, clock=SimpleNamespace(now=lambda: None))
    post = Post(gate=gate, seals=Seals("00" * 32), source="city.invalid")
    stream = Stream(RecipientKey(uuid4(), "fbi", "squad"), None, None)
    item = Item("a", 1, 1, b"")
    assert post.alive(stream, item)
    admits[0] = False
    assert not post.alive(stream, item)
