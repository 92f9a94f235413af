# SPDX-License-Identifier: Apache-2.0
"""Several records are told together, and between reading them and logging them the world moves on.

The table of what was told is held, so that the dispatcher stands exactly there: it has read the rows and has
not logged them yet.
"""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from openpars.settings import load_desk
from tests.attacks.test_amended import amend
from tests.attacks.test_revoked_key import revoke, second_key
from tests.conftest import RunningCity
from tests.driver import Driver, Feed, agreement_text, instant

F1 = {"statute": "18 § 2702 §§ A1", "grade": "F1", "counts": 1}
F2 = {**F1, "grade": "F2"}


def owner(city: RunningCity) -> psycopg.Connection[Any]:
    return psycopg.connect(load_desk(city.data_dir).owner_dsn, autocommit=True)


@contextmanager
def between(city: RunningCity, agreement: str, purpose: str, records: Sequence[str]) -> Iterator[None]:
    """These records are to be told anew, all in one batch. Inside, they are read and not yet logged."""
    with owner(city) as holder, owner(city) as conn, holder.transaction():
        holder.execute("LOCK TABLE alerts.told IN ACCESS EXCLUSIVE MODE")
        holder.execute("DELETE FROM alerts.told WHERE id = ANY (%s::uuid[])", (list(records),))
        conn.execute(
            "INSERT INTO shares.change (agreement, purpose, id) SELECT %s, %s, unnest(%s::uuid[])",
            (agreement, purpose, list(records)),
        )
        waiting = "SELECT count(*) FROM pg_locks WHERE relation = 'alerts.told'::regclass AND NOT granted"
        for _ in range(600):
            if conn.execute(waiting).fetchone() != (0,):
                break
            time.sleep(0.05)
        yield


def subscribed(drive: Driver, who: str, purpose: str, grade: str) -> str:
    asked = {"purpose": purpose, "case_number": "CASE-1", "criteria": {"charge_grade": [grade]}}
    return str(drive.done(who, "POST", "/v1/subscriptions", asked)["id"])


def booked(drive: Driver, purpose: str, feed: Feed) -> dict[str, Any]:
    """Somebody booked, found by a search and told of on the feed: what it told."""
    _, form = drive.book()
    told: dict[str, Any] = feed.next(20)["data"]
    assert [one["id"] for one in drive.records("fbi", purpose, drive.find(form))] == [told["id"]]
    return told


def logged(city: RunningCity, agreement: str) -> int:
    """How many alerts of the agreement the public tree tells of."""
    with owner(city) as conn:
        leaves = [
            json.loads(leaf)
            for (leaf,) in conn.execute("SELECT leaf FROM log.entry WHERE tree = 'disclosures'")
        ]
    return len(
        [one for one in leaves if one["kind"] == "alert" and one["public"].get("agreement") == agreement]
    )


def test_of_a_batch_only_what_still_stands_is_told_to_who_may_still_hear(
    drive: Driver, city: RunningCity
) -> None:
    agreement, purpose = drive.agree()
    stolen = second_key(city)
    thief = Driver(city.base_url, {"recipients": {"thief": stolen["key"]}})
    theirs = subscribed(thief, "thief", purpose, "F2")
    mine = subscribed(drive, "fbi", purpose, "F1")
    found: dict[str, str] = {}
    with drive.feed("fbi", agreement=agreement) as feed:
        for name, charges in {"sealed": [F1], "theirs": [F2], "both": [F1, F2], "mine": [F1]}.items():
            arrest, form = drive.book(charges=charges)
            (record,) = drive.records("fbi", purpose, drive.find(form))
            found[name] = record["id"]
            if name == "sealed":
                sealed = arrest
        feed.rest(2.0)
        with between(city, agreement, purpose, list(found.values())):
            order = {"order": "2026-1", "reason": "order of court"}
            drive.done("records", "POST", f"/desk/arrests/{sealed}/seal", order)
            revoke(city, stolen["id"])
        events = [event["data"]["id"] for event in feed.rest(4.0)]
        assert found["sealed"] not in events, "it left the share meanwhile"
        assert found["theirs"] not in events, "only a revoked key had asked for it"
        assert {found["both"], found["mine"]} <= set(events), "the others are told"
        # Nothing is stuck behind them.
        _, form = drive.book()
        assert feed.next(20)["data"]["name"]["last"] == form["arrestee"]["name"]["last"]
    assert mine != theirs


def test_of_a_batch_nothing_is_told_once_the_agreement_has_ended(drive: Driver, city: RunningCity) -> None:
    agreement, purpose = drive.agree()
    subscribed(drive, "fbi", purpose, "F1")
    with drive.feed("fbi", agreement=agreement) as feed:
        records = [booked(drive, purpose, feed)["id"] for _ in range(3)]
        before = logged(city, agreement)
        ending = threading.Thread(target=end, args=(city, agreement))
        # An act is writing, so the share is not dropped yet: only the check in the log's transaction says no.
        with owner(city) as act, act.transaction():
            act.execute("LOCK TABLE shares.gate IN ROW SHARE MODE")
            with between(city, agreement, purpose, records), owner(city) as conn:
                ending.start()
                ended = "SELECT count(*) FROM agreements.version WHERE agreement = %s AND state = 'ended'"
                for _ in range(600):
                    if conn.execute(ended, (agreement,)).fetchone() == (1,):
                        break
                    time.sleep(0.05)
            told = [event["type"] for event in feed.rest(4.0)]
        ending.join()
        assert told == ["org.openpars.agreement.ended"]
    assert logged(city, agreement) == before


def test_of_a_batch_nothing_is_told_by_the_text_before_an_amendment(drive: Driver, city: RunningCity) -> None:
    """Read under a text that shows the year of birth, which was taken out before they were logged."""
    wide, narrow = 'name = "whole", birth_date = "year"', 'name = "whole"'
    agreement, purpose = drive.agree(show=wide)
    subscribed(drive, "fbi", purpose, "F1")
    with drive.feed("fbi", agreement=agreement) as feed:
        shown = [booked(drive, purpose, feed) for _ in range(3)]
        assert all("birth_date" in one for one in shown)
        records = [one["id"] for one in shown]
        starts = instant(6)
        text = agreement_text(agreement, purpose=purpose, show=narrow, seconds=7200)
        later = [f"from = {starts}" if line.startswith("from = ") else line for line in text.splitlines()]
        assert amend(drive, agreement, "\n".join(later))["state"] == "balloted"
        before = told_under(city, agreement)
        filled = "SELECT bool_and(state = 'live') FROM shares.share WHERE agreement = %s AND version = 2"
        begun = "SELECT count(*) FROM agreements.version WHERE agreement = %s AND state = 'in_force'"
        begun += " AND number = 2"
        with owner(city) as act, owner(city) as conn:
            until_it_is(conn, filled, agreement, True)
            # An act is writing, so the share before is not dropped yet: only the version's number says no.
            with act.transaction():
                act.execute("LOCK TABLE shares.gate IN ROW SHARE MODE")
                with between(city, agreement, purpose, records):
                    until_it_is(conn, begun, agreement, 1)
                events = told_of(feed, records)
        events += feed.rest(1.0)
    assert not any("birth_date" in event["data"] for event in events)
    after = told_under(city, agreement)
    assert (after[1], after[2] >= len(records)) == (before[1], True)


def told_of(feed: Feed, records: Sequence[str]) -> list[dict[str, Any]]:
    """All that is told until each of these was told of."""
    events = []
    while not set(records) <= {event["data"]["id"] for event in events}:
        events.append(feed.next(20))
    return events


def told_under(city: RunningCity, agreement: str) -> Counter[int]:
    """How many alerts the public tree tells of, by the version they were told under."""
    with owner(city) as conn:
        leaves = conn.execute("SELECT leaf FROM log.entry WHERE tree = 'disclosures'").fetchall()
    public = [one["public"] for (leaf,) in leaves if (one := json.loads(leaf))["kind"] == "alert"]
    return Counter(one["version"] for one in public if one.get("agreement") == agreement)


def until_it_is(conn: psycopg.Connection[Any], asked: str, agreement: str, wanted: object) -> None:
    """Wait until the database says so of the agreement."""
    for _ in range(1200):
        if conn.execute(asked, (agreement,)).fetchone() == (wanted,):  # type: ignore[call-overload]
            return
        time.sleep(0.05)
    pytest.fail(f"never came true: {asked}")


def end(city: RunningCity, agreement: str) -> None:
    mine = Driver(city.base_url, city.keys)
    mine.done("solicitor", "POST", f"/agreements/{agreement}/end", {"reason": "the owners decided"})
