# SPDX-License-Identifier: Apache-2.0
"""A reader who was away for a long time: it must hear of everything, in as many goes as it takes."""

from __future__ import annotations

import json
import queue
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import CityProcess
from tests.driver import Driver

MISSED = 620


@pytest.mark.parametrize("resumed", [True, False])
def test_nothing_is_skipped_however_much_was_missed(
    start_city: Callable[..., CityProcess], city_directory: Path, resumed: bool
) -> None:
    # A city of its own: so many bookings would fill the desks' queues of the one that others use.
    base_url = start_city(city_directory, "--demo", "--arrests", "20").ready()
    keys = json.loads((city_directory / "demo-keys.json").read_text(encoding="utf-8"))["keys"]
    drive = Driver(base_url, keys)
    _, purpose = drive.agree()
    made: dict[str, Any] = drive.done(
        "fbi",
        "POST",
        "/v1/subscriptions",
        {"purpose": purpose, "case_number": "CASE-1", "criteria": {"charge_grade": ["F1"]}},
    )
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: drive.book(), range(MISSED)))
    told: set[str] = set()
    place = made["position"] if resumed else None
    booked = MISSED
    for _ in range(4):
        with drive.feed("fbi", place, subscription=made["id"]) as feed:
            # Something new on top: whoever takes that for their place must not lose what was before it.
            drive.book()
            booked += 1
            while True:
                try:
                    place, event = feed.next_with_id(2)
                except queue.Empty:
                    break
                told.add(event["data"]["id"])
            if not feed.closed.is_set():
                break  # it has caught up: what it has not told by now it will never tell
    assert len(told) == booked
