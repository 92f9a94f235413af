# SPDX-License-Identifier: Apache-2.0
"""One row that can never be told must not keep anybody else from being told."""

from __future__ import annotations

import json
from typing import Any

import psycopg
import pytest

from tests.conftest import RunningCity
from tests.driver import Driver


def owner(city: RunningCity) -> psycopg.Connection[Any]:
    """Whoever spoils rows behind everybody's back."""
    secrets = json.loads((city.data_dir / "secrets" / "desk.json").read_text(encoding="utf-8"))
    return psycopg.connect(secrets["owner_dsn"])


SPOILED = {
    "a person's reference does not open": "UPDATE {} SET subject = '\\x00'",
    "a body is no JSON": "UPDATE {} SET body = 'x', criteria = '[1]'",
}


@pytest.mark.parametrize("how", SPOILED)
def test_what_cannot_be_told_holds_up_no_other(drive: Driver, city: RunningCity, how: str) -> None:
    agreement, purpose = drive.agree()
    made = drive.done(
        "fbi",
        "POST",
        "/v1/subscriptions",
        {"purpose": purpose, "case_number": "CASE-1", "criteria": {"charge_grade": ["F1"]}},
    )
    table = f'"share_{agreement}"."v1_{purpose}"'
    with drive.feed("fbi", subscription=made["id"]) as feed:
        drive.book()
        spoiled = feed.next()["data"]["id"]
        with owner(city) as conn:
            conn.execute(f"{SPOILED[how].format(table)} WHERE id = %s", (spoiled,))
            # More than the dispatcher takes at a time, all of them in front.
            conn.execute(
                "INSERT INTO shares.change (agreement, purpose, id)"
                " SELECT %s, %s, %s FROM generate_series(1, 300)",
                (agreement, purpose, spoiled),
            )
        for _ in range(3):
            drive.book()
            told = [feed.next(10)["data"]["id"]]
            assert told != [spoiled]


@pytest.mark.parametrize("how", SPOILED)
def test_what_is_told_together_is_told_apart_when_one_cannot_be(
    drive: Driver, city: RunningCity, how: str
) -> None:
    agreement, purpose = drive.agree()
    made = drive.done(
        "fbi",
        "POST",
        "/v1/subscriptions",
        {"purpose": purpose, "case_number": "CASE-1", "criteria": {"charge_grade": ["F1"]}},
    )
    table = f'"share_{agreement}"."v1_{purpose}"'
    with drive.feed("fbi", subscription=made["id"]) as feed:
        drive.book()
        spoiled = feed.next()["data"]["id"]
        drive.book()
        good = feed.next()["data"]["id"]
        with owner(city) as conn:
            conn.execute(f"{SPOILED[how].format(table)} WHERE id = %s", (spoiled,))
            # As if nobody had been told of either, and both in one commit: they are taken together.
            conn.execute("DELETE FROM alerts.told WHERE id = ANY (%s)", ([spoiled, good],))
            for record in (spoiled, good):
                conn.execute(
                    "INSERT INTO shares.change (agreement, purpose, id) VALUES (%s, %s, %s)",
                    (agreement, purpose, record),
                )
        event = feed.next(20)
        assert (event["type"], event["data"]["id"]) == ("org.openpars.share.appeared", good)
