# SPDX-License-Identifier: Apache-2.0
"""An amendment takes something away. From its first instant nobody is answered by the text before it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg

from tests.attacks.test_killed import driver, frozen
from tests.conftest import CityProcess
from tests.driver import Driver, agreement_text, instant, unique


def amend(drive: Driver, agreement: str, text: str) -> dict[str, Any]:
    """Propose another text of the agreement and vote for it."""
    made: dict[str, Any] = drive.done(
        "solicitor", "POST", "/agreements", content=text, headers={"Content-Type": "application/toml"}
    )
    ballot = {"version": made["version"], "question": "amend", "choice": "yes"}
    drive.done("police", "POST", f"/agreements/{agreement}/ballots", ballot)
    return dict(drive.done("courts", "POST", f"/agreements/{agreement}/ballots", ballot))


def test_the_text_before_answers_nothing_though_the_door_has_not_heard(
    start_city: Callable[..., CityProcess], city_directory: Path
) -> None:
    """The bell is lost: the door's own copy of the register still says version 1."""
    running = start_city(city_directory, "--demo", "--arrests", "20")
    running.ready()
    drive = driver(running)
    agreement, purpose = drive.agree(show='name = "whole", birth_date = "year"')
    _, form = drive.book()
    assert "birth_date" in drive.records("fbi", purpose, drive.find(form))[0]
    begins = time.monotonic() + 8
    starts = instant(8)
    text = agreement_text(agreement, purpose=purpose, show='name = "whole"', seconds=7200)
    later = [f"from = {starts}" if line.startswith("from = ") else line for line in text.splitlines()]
    amend(drive, agreement, "\n".join(later))
    secrets = json.loads((running.directory / "secrets" / "desk.json").read_text(encoding="utf-8"))
    with frozen(running, "worker"), psycopg.connect(secrets["owner_dsn"]) as conn:
        time.sleep(max(0.0, begins - time.monotonic()) + 0.2)
        drive.search("fbi", purpose, drive.find(form))
        for number, state in ((1, "superseded"), (2, "in_force")):
            conn.execute(
                "UPDATE agreements.version SET state = %s WHERE agreement = %s AND number = %s",
                (state, agreement, number),
            )
        conn.commit()
        until = time.monotonic() + 1.5
        while time.monotonic() < until:
            assert "birth_date" not in drive.search("fbi", purpose, drive.find(form)).text


def test_what_was_told_for_a_purpose_that_is_gone_is_withdrawn(drive: Driver) -> None:
    agreement, purpose = drive.agree()
    made = drive.done(
        "fbi",
        "POST",
        "/v1/subscriptions",
        {"purpose": purpose, "case_number": "CASE-1", "criteria": {"charge_grade": ["F1"]}},
    )
    with drive.feed("fbi", subscription=made["id"]) as feed:
        drive.book()
        appeared = feed.next()["data"]["id"]
        outcome = amend(drive, agreement, agreement_text(agreement, purpose=unique("q")))
        assert outcome["state"] == "in_force"
        event = feed.next()
        assert event["type"] == "org.openpars.share.withdrawn"
        assert set(event["data"]) == {"id", "why"}
        assert event["data"]["id"] == appeared
        drive.book()
        assert feed.rest(0.5) == []
