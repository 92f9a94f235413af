# SPDX-License-Identifier: Apache-2.0
"""Several records are told together, and between reading them and logging them the world moves on.

The table of what was told is held, so that the dispatcher stands exactly there: it has read the rows and has
not logged them yet.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg

from openpars.settings import load_desk
from tests.attacks.test_revoked_key import revoke, second_key
from tests.conftest import RunningCity
from tests.driver import Driver

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
    records = []
    with drive.feed("fbi", agreement=agreement) as feed:
        for _ in range(3):
            _, form = drive.book()
            records.append(drive.records("fbi", purpose, drive.find(form))[0]["id"])
            feed.next(20)
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


def end(city: RunningCity, agreement: str) -> None:
    mine = Driver(city.base_url, city.keys)
    mine.done("solicitor", "POST", f"/agreements/{agreement}/end", {"reason": "the owners decided"})
