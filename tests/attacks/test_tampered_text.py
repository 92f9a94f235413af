# SPDX-License-Identifier: Apache-2.0
"""A superuser rewrites an agreement in the table: it grants nothing, and stops nobody's arraignment."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg

from tests.conftest import CityProcess
from tests.driver import Driver


def restart(running: CityProcess, *names: str) -> None:
    """Kill processes; the supervisor starts them again, with nothing remembered."""
    before = running.pids()
    for name in names:
        os.kill(before[name], signal.SIGKILL)
    until = time.monotonic() + 30
    while time.monotonic() < until:
        now = running.pids()
        if all(now.get(name) not in (None, before[name]) for name in names):
            return
        time.sleep(0.05)
    raise AssertionError("the processes did not come back")


def test_a_rewritten_text_grants_nothing_and_stops_nobody(
    start_city: Callable[..., CityProcess], city_directory: Path
) -> None:
    running = start_city(city_directory, "--demo", "--arrests", "20")
    base_url = running.ready()
    keys: dict[str, Any] = json.loads((city_directory / "demo-keys.json").read_text(encoding="utf-8"))["keys"]
    drive = Driver(base_url, keys)
    broken, purpose = drive.agree(recipient="fbi")
    _, sound = drive.agree(recipient="ice")
    secrets = json.loads((city_directory / "secrets" / "desk.json").read_text(encoding="utf-8"))
    with psycopg.connect(secrets["owner_dsn"]) as conn:
        rewritten = (
            "UPDATE agreements.version SET text = replace(text, 'year', 'whole'),"
            " canonical = replace(canonical, 'year', 'whole') WHERE agreement = %s"
        )
        assert conn.execute(rewritten, (broken,)).rowcount == 1
    restart(running, "desk", "door", "worker")
    _, form = drive.book()
    answer = drive.search("fbi", purpose, drive.find(form))
    assert answer.status_code == 403, answer.text
    assert len(drive.records("ice", sound, drive.find(form))) == 1
