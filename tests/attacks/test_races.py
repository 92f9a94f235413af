# SPDX-License-Identifier: Apache-2.0
"""Acts that race: a seal with a charging decision, changes of one record with each other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg

from tests.driver import Driver

Connect = Callable[[str], psycopg.Connection[Any]]

RACES = 200


def subscribe(drive: Driver, purpose: str) -> str:
    made = drive.done(
        "fbi",
        "POST",
        "/v1/subscriptions",
        {"purpose": purpose, "case_number": "CASE-1", "criteria": {"charge_grade": ["F1"]}},
    )
    return str(made["id"])


def race(drive: Driver, pool: ThreadPoolExecutor) -> dict[str, Any]:
    """One file, sealed while its charge is being approved."""
    arrest, form = drive.book()
    seal = pool.submit(
        drive.call,
        "records",
        "POST",
        f"/desk/arrests/{arrest}/seal",
        {"order": "2026-7", "reason": "order of court"},
    )
    decide = pool.submit(
        drive.call,
        "district-attorney",
        "POST",
        f"/desk/arrests/{arrest}/charging",
        {"decisions": [{"charge": 1, "decision": "approved"}]},
    )
    assert seal.result().status_code == 200, seal.result().text
    assert decide.result().status_code in {200, 409}, decide.result().text
    return form


def test_no_sealed_row_survives_in_a_share_or_a_feed(drive: Driver, stolen_login: Connect) -> None:
    agreement, purpose = drive.agree(when='charge_grade = ["F1"], charge_stage = ["approved"]')
    subscription = subscribe(drive, purpose)
    with drive.feed("fbi", subscription=subscription) as feed:
        with ThreadPoolExecutor(8) as acts, ThreadPoolExecutor(4) as runs:
            forms = list(runs.map(lambda _: race(drive, acts), range(RACES)))
        events = feed.rest(2.0)
    with stolen_login(agreement) as conn:
        stored = repr(conn.execute(f'SELECT body FROM "share_{agreement}"."v1_{purpose}"').fetchall())
    assert "name" in stored  # others' rows are there: the share was not simply empty
    assert [form for form in forms if form["arrestee"]["name"]["last"] in stored] == []
    for form in forms[::20]:
        assert drive.records("fbi", purpose, drive.find(form)) == []
    last: dict[str, str] = {}
    for event in events:
        last[event["data"]["id"]] = event["type"].rsplit(".", 1)[1]
    assert set(last.values()) <= {"withdrawn"}


NEXT = {
    None: {"appeared"},
    "appeared": {"changed", "withdrawn"},
    "changed": {"changed", "withdrawn"},
    "withdrawn": {"appeared"},
}


def test_no_change_overtakes_an_earlier_one_of_its_record(drive: Driver, city: Any) -> None:
    """Sealed and unsealed from many sides at once, behind a transaction that stays open."""
    _, purpose = drive.agree()
    subscription = subscribe(drive, purpose)
    arrests = [drive.book() for _ in range(4)]

    def shake(number: int) -> None:
        arrest, _ = arrests[number % len(arrests)]
        act = "seal" if number % 2 else "unseal"
        drive.call(
            "records",
            "POST",
            f"/desk/arrests/{arrest}/{act}",
            {"order": "2026-8", "reason": "order of court"},
        )

    with drive.feed("fbi", subscription=subscription) as feed:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(shake, range(160)))
        for arrest, _ in arrests:
            drive.call(
                "records", "POST", f"/desk/arrests/{arrest}/unseal", {"order": "2026-8", "reason": "order"}
            )
        events = feed.rest(2.0)
    told: dict[str, list[str]] = defaultdict(list)
    for event in events:
        told[event["data"]["id"]].append(event["type"].rsplit(".", 1)[1])
    for kinds in told.values():
        before: str | None = kinds[0] if kinds[0] == "withdrawn" else None
        for kind in kinds[1 if before else 0 :]:
            assert kind in NEXT[before], kinds
            before = kind
        assert before != "withdrawn", kinds
    for _, form in arrests:
        assert len(drive.records("fbi", purpose, drive.find(form))) == 1
