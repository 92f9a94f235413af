# SPDX-License-Identifier: Apache-2.0
"""What stops, told before the vote: it is what really stops, and it tells nobody more than they may know."""

from __future__ import annotations

import json
import time
from typing import Any

import psycopg
import pytest

from openpars.desk.impact import rounded
from tests.conftest import RunningCity
from tests.driver import Driver, agreement_text, unique


def subscribe(drive: Driver, purpose: str, case: str, **how: Any) -> None:
    drive.done("fbi", "POST", "/v1/subscriptions", {"purpose": purpose, "case_number": case, **how})


def impact(drive: Driver, agreement: str, who: str | None = "solicitor", **query: int) -> dict[str, Any]:
    answer = drive.call(who, "GET", f"/agreements/{agreement}/impact", params=query)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def propose(drive: Driver, text: str) -> int:
    headers = {"Content-Type": "application/toml"}
    return int(drive.done("solicitor", "POST", "/agreements", content=text, headers=headers)["version"])


def people(city: RunningCity, agreement: str) -> set[str]:
    """The ids of everybody in the share, as the database has them."""
    secrets = json.loads((city.data_dir / "secrets" / "desk.json").read_text(encoding="utf-8"))
    with psycopg.connect(secrets["owner_dsn"]) as conn:
        rows = conn.execute(
            "SELECT DISTINCT id FROM shares.kept WHERE agreement = %s", (agreement,)
        ).fetchall()
    return {str(row[0]) for row in rows}


def test_an_end_stops_all_of_it_and_nothing_of_another(drive: Driver, city: RunningCity) -> None:
    agreement, purpose = drive.agree()
    other, elsewhere = drive.agree()
    _, form = drive.book()
    subscribe(drive, purpose, "CASE-B", criteria={"charge_grade": ["F1"]})
    subscribe(drive, purpose, "CASE-A", find=drive.find(form))
    subscribe(drive, purpose, "CASE-A", criteria={"district": ["24"]})
    subscribe(drive, elsewhere, "CASE-OTHER", criteria={"charge_grade": ["F1"]})
    drive.records("fbi", purpose, drive.find(form))
    with drive.feed("fbi", agreement=agreement), drive.feed("fbi"):
        until = time.monotonic() + 10
        while (found := impact(drive, agreement))["feeds"] < 2 and time.monotonic() < until:
            time.sleep(0.1)
    assert found["feeds"] == 2
    assert found["subscriptions"] == {"watches": 1, "criteria": 2}
    assert (found["cases"], found["case_numbers"]) == (2, ["CASE-A", "CASE-B"])
    share, there = found["share"], len(people(city, agreement))
    assert (share["people"], share["kept_people"]) == (there, 0)
    assert share["rows"] >= there
    assert found["keys"]["active"] == 1
    assert found["keys"]["left_with_nothing"] == 0, "the recipient holds another agreement"
    assert impact(drive, other)["case_numbers"] == ["CASE-OTHER"]
    again = impact(drive, agreement)
    assert {**again, "at": "", "feeds": 0} == {**found, "at": "", "feeds": 0}
    drive.done("solicitor", "POST", f"/agreements/{agreement}/end", {"reason": "over"})
    answer = drive.call("solicitor", "GET", f"/agreements/{agreement}/impact")
    assert answer.status_code == 409


def test_case_numbers_are_for_owners_and_the_solicitor_only(drive: Driver) -> None:
    agreement, purpose = drive.agree()
    subscribe(drive, purpose, "SECRET-CASE", criteria={"charge_grade": ["F1"]})
    version = propose(drive, agreement_text(agreement, purpose=purpose, seconds=7200))
    for query in ({}, {"version": version}):
        for who in ("police", "district-attorney", "courts", "solicitor"):
            assert "case_numbers" in impact(drive, agreement, who, **query)
        for who in ("auditor", "records", None):
            answer = drive.call(who, "GET", f"/agreements/{agreement}/impact", params=query)
            assert answer.status_code == 200
            assert "SECRET-CASE" not in answer.text
            assert "case_numbers" not in answer.json()
        for who in (
            "fbi",
            "ice",
            "defender",
        ):  # a recipient's key is no key here, for its own agreement either
            assert drive.call(who, "GET", f"/agreements/{agreement}/impact", params=query).status_code == 401
    # What the owners were told is not what the next stranger is told.
    assert "case_numbers" not in impact(drive, agreement, None, version=version)


def test_what_another_version_takes_away_is_what_really_leaves(drive: Driver, city: RunningCity) -> None:
    agreement, purpose = drive.agree()
    dropped = unique("p")
    for grade in ("F1", "F2", "F3"):
        drive.book(charges=[{"statute": "18 § 2702 §§ A1", "grade": grade, "counts": 1}])
    subscribe(drive, purpose, "CASE-1", criteria={"charge_grade": ["F1"]})
    before = people(city, agreement)
    narrower = agreement_text(agreement, purpose=purpose, seconds=7200, when='charge_grade = ["F1"]')
    version = propose(drive, narrower)
    other = propose(drive, agreement_text(agreement, purpose=dropped, seconds=7200))
    found = impact(drive, agreement, version=version)
    assert found["subscriptions"] == {"watches": 0, "criteria": 0}, "its purpose goes on"
    assert (found["keys"]["all"], found["feeds"]) == (0, 0)
    gone = impact(drive, agreement, version=other)
    assert (gone["subscriptions"]["criteria"], gone["case_numbers"]) == (1, ["CASE-1"])
    strange = impact(drive, agreement, None, version=version)
    assert strange["share"] == {name: rounded(count) for name, count in found["share"].items()}
    assert (strange["rounded_down"], found["rounded_down"]) == (True, False)
    for who in ("police", "courts"):
        ballot = {"version": version, "question": "amend", "choice": "yes"}
        drive.done(who, "POST", f"/agreements/{agreement}/ballots", ballot)
    until = time.monotonic() + 10
    while len(people(city, agreement) & before) != found["share"]["kept_people"] and time.monotonic() < until:
        time.sleep(0.1)
    after = people(city, agreement)
    assert len(before & after) == found["share"]["kept_people"]
    assert len(before - after) == found["share"]["people"] >= 2


def test_a_stranger_cannot_watch_a_count_move(drive: Driver) -> None:
    """Who could would see an arrest enter the share, and a sealed file leave it."""
    agreement, purpose = drive.agree()
    before, exact = impact(drive, agreement, None), impact(drive, agreement)
    arrests = [drive.book()[0] for _ in range(12)]
    subscribe(drive, purpose, "CASE-1", criteria={"charge_grade": ["F1"]})
    assert impact(drive, agreement)["share"]["people"] == exact["share"]["people"] + len(arrests)
    after = impact(drive, agreement, None)
    assert after == before
    assert "cases" not in after
    assert all(count % 10 == 0 for count in after["share"].values())


@pytest.mark.parametrize(
    ("count", "told"),
    [(0, 0), (9, 0), (10, 10), (99, 90), (100, 100), (987, 900), (1_999, 1_000), (20_500, 20_000)],
)
def test_what_a_stranger_is_told_is_rounded_down(count: int, told: int) -> None:
    assert rounded(count) == told


@pytest.mark.parametrize("version", ["0", "99", "1", "x", "-1", "1e9", "9" * 40, "²"])
def test_a_version_that_does_not_await_its_hour_is_refused(drive: Driver, version: str) -> None:
    agreement, _ = drive.agree()
    answer = drive.call("solicitor", "GET", f"/agreements/{agreement}/impact", params={"version": version})
    assert answer.status_code in {409, 422}
    assert answer.json()["field"] == "version"
    assert drive.call("solicitor", "GET", "/agreements/no-such/impact").status_code == 404


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT criteria FROM alerts.subscription",
        "SELECT key FROM alerts.subscription",
        "SELECT * FROM alerts.watch",
        "SELECT * FROM alerts.told",
        "SELECT * FROM alerts.event",
        "UPDATE alerts.subscription SET ended_at = NULL",
    ],
)
def test_the_desk_cannot_read_for_whom_a_recipient_asks(city: RunningCity, statement: str) -> None:
    secrets = json.loads((city.data_dir / "secrets" / "desk.json").read_text(encoding="utf-8"))
    with psycopg.connect(secrets["desk_dsn"]) as conn, pytest.raises(psycopg.errors.InsufficientPrivilege):
        conn.execute(statement)  # type: ignore[call-overload]
