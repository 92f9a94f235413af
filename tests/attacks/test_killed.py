# SPDX-License-Identifier: Apache-2.0
"""Processes killed or frozen at a bad moment: nothing is lost, and nothing lives on that has ended."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from openpars.shares.keys import ShareKeys
from openpars.shares.tables import role_name
from tests.conftest import CityProcess
from tests.driver import Driver, agreement_text, instant, unique


@pytest.fixture
def running(start_city: Callable[..., CityProcess], city_directory: Path) -> CityProcess:
    """A city of this test's own."""
    found = start_city(city_directory, "--demo", "--arrests", "20")
    found.ready()
    return found


def driver(running: CityProcess, *, at_the_desk: bool = False) -> Driver:
    """Drives it through the door, or past it: straight to the desks."""
    keys = json.loads((running.directory / "demo-keys.json").read_text(encoding="utf-8"))["keys"]
    found = Driver(running.base_url(), keys)
    if at_the_desk:
        transport = httpx.HTTPTransport(uds=str(running.directory / "run" / "desk.sock"))
        found.http = httpx.Client(base_url="http://desk", transport=transport, timeout=30)
    return found


@contextlib.contextmanager
def frozen(running: CityProcess, name: str) -> Iterator[int]:
    """A process that does nothing for a while."""
    pid = running.pids()[name]
    os.kill(pid, signal.SIGSTOP)
    try:
        yield pid
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


def subscribe(drive: Driver, purpose: str) -> dict[str, Any]:
    made: dict[str, Any] = drive.done(
        "fbi",
        "POST",
        "/v1/subscriptions",
        {"purpose": purpose, "case_number": "CASE-1", "criteria": {"charge_grade": ["F1"]}},
    )
    return made


def again(drive: Driver, seconds: float = 20) -> None:
    """Until the door answers."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with contextlib.suppress(httpx.HTTPError):
            if drive.http.get("/log/checkpoint").status_code == 200:
                return
        time.sleep(0.1)
    pytest.fail("the door did not come back")


def test_a_door_killed_again_and_again_tells_everything(running: CityProcess) -> None:
    drive, desk = driver(running), driver(running, at_the_desk=True)
    _, purpose = drive.agree()
    made = subscribe(drive, purpose)
    booked = 0
    stop = threading.Event()

    def book() -> None:
        nonlocal booked
        while not stop.is_set():
            desk.book()
            booked += 1

    police = threading.Thread(target=book)
    police.start()
    for _ in range(3):
        time.sleep(0.7)
        os.kill(running.pids()["door"], signal.SIGKILL)
        time.sleep(0.5)
        again(drive)
    stop.set()
    police.join()
    told: set[str] = set()
    place = made["position"]
    for _ in range(20):
        with drive.feed("fbi", place, subscription=made["id"]) as feed:
            with contextlib.suppress(queue.Empty):
                while True:
                    place, event = feed.next_with_id(2)
                    told.add(event["data"]["id"])
            if not feed.closed.is_set():
                break
    assert len(told) == booked


def test_an_end_nobody_was_there_for_is_an_end_for_subscriptions(running: CityProcess) -> None:
    """The door sleeps through the end of version 1 and the start of version 2. What version 1 allowed to
    be asked for is over: nobody is told under version 2 what they did not ask for under it."""
    drive, desk = driver(running), driver(running, at_the_desk=True)
    agreement, purpose = drive.agree()
    old = subscribe(drive, purpose)
    with frozen(running, "door") as door:
        desk.done("solicitor", "POST", f"/agreements/{agreement}/end", {"reason": "over"})
        text = agreement_text(agreement, purpose=purpose, seconds=7200)
        made = desk.done(
            "solicitor", "POST", "/agreements", content=text, headers={"Content-Type": "application/toml"}
        )
        ballot = {"version": made["version"], "question": "enact", "choice": "yes"}
        desk.done("police", "POST", f"/agreements/{agreement}/ballots", ballot)
        assert desk.done("courts", "POST", f"/agreements/{agreement}/ballots", ballot)["state"] == "in_force"
        os.kill(door, signal.SIGKILL)
    again(drive)
    new = subscribe(drive, purpose)
    with drive.feed("fbi") as feed:
        drive.book()
        subscriptions = {event["data"]["why"]["subscription"] for event in feed.rest(1.5)}
    assert subscriptions == {new["id"]}
    assert old["id"] not in subscriptions


def test_the_server_refuses_the_login_after_the_term_though_the_worker_sleeps(running: CityProcess) -> None:
    drive = driver(running)
    agreement, purpose = unique("a"), unique("p")
    drive.enact(agreement_text(agreement, purpose=purpose, seconds=3))
    secrets = json.loads((running.directory / "secrets" / "door.json").read_text(encoding="utf-8"))
    database = str(conninfo_to_dict(secrets["door_dsn"])["dbname"])
    role = role_name(database, agreement)
    dsn = make_conninfo(
        secrets["door_dsn"],
        user=role,
        password=ShareKeys(secrets["share_key"]).password(agreement, role),
    )
    psycopg.connect(dsn).close()
    with frozen(running, "worker"):
        time.sleep(3.2)
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(dsn)


def test_a_suspension_killed_half_way_is_carried_out_by_the_worker(running: CityProcess) -> None:
    """The desk dies after the commit and before the login is cut."""
    drive = driver(running)
    agreement, _ = drive.agree()
    secrets = json.loads((running.directory / "secrets" / "desk.json").read_text(encoding="utf-8"))
    with psycopg.connect(secrets["owner_dsn"]) as conn:
        conn.execute("UPDATE agreements.version SET state = 'suspended' WHERE agreement = %s", (agreement,))
        conn.execute(
            "UPDATE agreements.agreement SET epoch = epoch + 1, suspended_by = 'police' WHERE id = %s",
            (agreement,),
        )
    until = time.monotonic() + 3
    while time.monotonic() < until:
        with psycopg.connect(secrets["owner_dsn"]) as conn:
            row = conn.execute(
                "SELECT rolcanlogin FROM pg_roles WHERE rolname = %s",
                (role_name(conn.info.dbname, agreement),),
            ).fetchone()
        if row == (False,):
            return
        time.sleep(0.1)
    pytest.fail(f"the login still opens at {instant()}")


def test_a_row_that_left_by_time_is_not_served_though_nobody_swept_it(running: CityProcess) -> None:
    drive = driver(running)
    _, purpose = drive.agree(when="arrested_within_days = 1")
    _, form = drive.book(arrested_at=instant(-86_400 + 4))
    (record,) = drive.records("fbi", purpose, drive.find(form))
    asked = {"purpose": purpose, "case_number": "CASE-1"}
    with frozen(running, "worker"):
        time.sleep(4.2)
        assert drive.records("fbi", purpose, drive.find(form)) == []
        assert drive.call("fbi", "GET", f"/v1/records/{record['id']}", params=asked).status_code == 404
