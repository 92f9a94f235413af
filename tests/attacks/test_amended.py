# SPDX-License-Identifier: Apache-2.0
"""An amendment takes something away. From its first instant nobody is answered by the text before it."""

from __future__ import annotations

import json
import time
from typing import Any

import psycopg

from tests.conftest import RunningCity
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
    drive: Driver, city: RunningCity
) -> None:
    """The bell is lost: the door's own copy of the register still says version 1."""
    agreement, purpose = drive.agree(show='name = "whole", birth_date = "year"')
    _, form = drive.book()
    assert "birth_date" in drive.records("fbi", purpose, drive.find(form))[0]
    text = agreement_text(agreement, purpose=purpose, show='name = "whole"', seconds=7200)
    later = [f"from = {instant(3600)}" if line.startswith("from = ") else line for line in text.splitlines()]
    amend(drive, agreement, "\n".join(later))
    time.sleep(0.5)
    secrets = json.loads((city.data_dir / "secrets" / "desk.json").read_text(encoding="utf-8"))
    drive.search("fbi", purpose, drive.find(form))
    with psycopg.connect(secrets["owner_dsn"]) as conn:
        conn.execute(
            "UPDATE agreements.version SET state = 'superseded' WHERE agreement = %s AND number = 1",
            (agreement,),
        )
        conn.execute(
            "UPDATE agreements.version SET state = 'in_force', begins = clock_timestamp() - interval '1 s'"
            " WHERE agreement = %s AND number = 2",
            (agreement,),
        )
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
