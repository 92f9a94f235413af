# SPDX-License-Identifier: Apache-2.0
"""The life of a booking, told as ARCHITECTURE.md tells it: numbers there are numbers here."""

from __future__ import annotations

from tests.driver import Driver


def test_a_booking_reaches_every_desk_and_only_the_entitled_recipient(drive: Driver) -> None:
    agreement, purpose = drive.agree(
        recipient="fbi", when='charge_grade = ["F1"], charge_stage = ["approved"]'
    )
    drive.done(
        "fbi",
        "POST",
        "/v1/subscriptions",
        {"purpose": purpose, "case_number": "CASE-1", "criteria": {"charge_grade": ["F1"]}},
    )
    with (
        drive.feed("fbi", agreement=agreement) as feed,
        drive.feed("ice", agreement="ice-felony-warrant") as other,
    ):
        # (1) police book: record, shares and log in one transaction
        arrest, form = drive.book()
        # (2) a proposed charge is not an approved one: the share does not show it, so nobody hears
        assert drive.records("fbi", purpose, drive.find(form)) == []
        queue = drive.done("district-attorney", "GET", "/desk/queue/charging")
        assert arrest in {item["id"] for item in queue["arrests"]}
        # (3) the District Attorney approves: the row appears, the feed says so
        drive.approve(arrest)
        event = feed.next()
        # The demo's own people move as time passes: one who did while the share was filled is told of, too.
        while event["data"].get("name", {}).get("last") != form["arrestee"]["name"]["last"]:
            event = feed.next()
        assert event["type"] == "org.openpars.share.appeared"
        assert event["data"]["birth_date"] == "1990"
        assert "birth_country" not in event["data"]
        assert event["receipt"].startswith("c2sp.org/tlog-proof@v1")
        # (4) complaint, arraignment, bail: the row changes
        drive.done("district-attorney", "POST", f"/desk/arrests/{arrest}/complaint", {})
        drive.done(
            "courts",
            "POST",
            f"/desk/arrests/{arrest}/arraignment",
            {
                "magistrate": "Magistrate One",
                "probable_cause": True,
                "bail": {
                    "type": "monetary",
                    "amount": 25000,
                    "percent": 10,
                    "ability_to_pay": "asked",
                    "reasons": "r",
                },
            },
        )
        changed = feed.next()
        assert changed["type"] == "org.openpars.share.changed"
        assert changed["data"]["id"] == event["data"]["id"]
        assert changed["data"]["bail"]["amount"] == 25000
        # (5) sealed: withdrawn, the id alone
        drive.done(
            "records", "POST", f"/desk/arrests/{arrest}/seal", {"order": "2026-1", "reason": "order of court"}
        )
        gone = feed.next()
        assert gone["type"] == "org.openpars.share.withdrawn"
        assert set(gone["data"]) == {"id", "why"}
        assert drive.records("fbi", purpose, drive.find(form)) == []
        # (6) every act a version: who, when it happened, when it was recorded
        versions = drive.done("police", "GET", f"/desk/arrests/{arrest}/history")["versions"]
        assert [v["version"] for v in versions] == list(range(1, len(versions) + 1))
        assert [v["act"] for v in versions][:2] == ["book", "decide_charges"]
        # nobody else heard anything
        assert other.rest(0.3) == []


def test_an_event_is_silent_when_the_share_does_not_show_the_change(drive: Driver) -> None:
    agreement, purpose = drive.agree(show='name = "whole"')
    drive.done(
        "fbi",
        "POST",
        "/v1/subscriptions",
        {"purpose": purpose, "case_number": "CASE-1", "criteria": {"district": ["24"]}},
    )
    with drive.feed("fbi", agreement=agreement) as feed:
        arrest, _ = drive.book()
        assert feed.next()["type"] == "org.openpars.share.appeared"
        drive.approve(arrest)  # the stage of a charge is not granted
        assert feed.rest(0.5) == []


def test_resuming_repeats_with_the_same_event_ids_and_loses_nothing(drive: Driver) -> None:
    _, purpose = drive.agree()
    made = drive.done(
        "fbi",
        "POST",
        "/v1/subscriptions",
        {"purpose": purpose, "case_number": "CASE-1", "criteria": {"charge_grade": ["F1"]}},
    )
    query = {"subscription": made["id"]}
    with drive.feed("fbi", **query) as feed:
        drive.book()
        place, first = feed.next_with_id()
        drive.book()
        second = feed.next()
    with drive.feed("fbi", last_event_id=made["position"], **query) as feed:
        again = [feed.next(), feed.next()]
        assert [event["id"] for event in again] == [first["id"], second["id"]]
        assert again[0]["receipt"] != first["receipt"]
    with drive.feed("fbi", last_event_id=place, **query) as feed:
        assert feed.next()["id"] == second["id"]


def test_a_watch_by_keys_answers_at_once_with_the_current_row(drive: Driver) -> None:
    _, purpose = drive.agree()
    _, form = drive.book()
    made = drive.done(
        "fbi",
        "POST",
        "/v1/subscriptions",
        {"purpose": purpose, "case_number": "CASE-1", "find": drive.find(form)},
    )
    with drive.feed("fbi", subscription=made["id"]) as feed:
        event = feed.next()
        assert event["type"] == "org.openpars.share.appeared"
        assert event["data"]["why"]["subscription"] == made["id"]
