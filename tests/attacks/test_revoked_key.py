# SPDX-License-Identifier: Apache-2.0
"""A stolen key is revoked while its thief listens."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import psycopg

from tests.conftest import RunningCity
from tests.driver import Driver


def second_key(city: RunningCity) -> dict[str, Any]:
    """Another key of the same agency."""
    command = "keys add --role recipient --recipient fbi --json --data-dir"
    made = subprocess.run(
        [sys.executable, "-m", "openpars.cli", *command.split(), str(city.data_dir)],
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(made.stdout)
    return found


def revoke(city: RunningCity, key: str) -> None:
    """As the city does it: no more than the row."""
    secrets = json.loads((city.data_dir / "secrets" / "desk.json").read_text(encoding="utf-8"))
    with psycopg.connect(secrets["desk_dsn"]) as conn:
        conn.execute("UPDATE accounts.recipient_key SET revoked_at = clock_timestamp() WHERE id = %s", (key,))


def test_an_open_stream_of_a_revoked_key_hears_nothing_more(drive: Driver, city: RunningCity) -> None:
    _, purpose = drive.agree()
    stolen = second_key(city)
    thief = Driver(city.base_url, {"recipients": {"thief": stolen["key"]}})
    made = drive.done(
        "fbi",
        "POST",
        "/v1/subscriptions",
        {"purpose": purpose, "case_number": "CASE-1", "criteria": {"charge_grade": ["F1"]}},
    )
    with thief.feed("thief", subscription=made["id"]) as feed:
        drive.book()
        feed.next()
        revoke(city, stolen["id"])
        drive.book()
        assert feed.rest(1.5) == []
        assert feed.closed.wait(10)


def test_a_revoked_key_opens_no_stream_and_reads_no_agreement(drive: Driver, city: RunningCity) -> None:
    drive.agree()
    stolen = second_key(city)
    thief = Driver(city.base_url, {"recipients": {"thief": stolen["key"]}})
    assert thief.call("thief", "GET", "/v1/agreement").status_code == 200
    revoke(city, stolen["id"])
    assert thief.call("thief", "GET", "/v1/agreement").status_code == 401
    assert thief.call("thief", "GET", "/v1/alerts", headers={"Last-Event-ID": "x"}).status_code == 401


def test_a_search_by_a_revoked_key_is_refused_though_the_door_remembers_the_key(
    drive: Driver, city: RunningCity
) -> None:
    _, purpose = drive.agree()
    _, form = drive.book()
    stolen = second_key(city)
    thief = Driver(city.base_url, {"recipients": {"thief": stolen["key"]}})
    assert len(thief.records("thief", purpose, drive.find(form))) == 1
    revoke(city, stolen["id"])
    answer = thief.search("thief", purpose, drive.find(form))
    assert answer.status_code == 401
    asked = {"purpose": purpose, "case_number": "CASE-1", "criteria": {"district": ["24"]}}
    assert thief.call("thief", "POST", "/v1/subscriptions", asked).status_code == 401
