# SPDX-License-Identifier: Apache-2.0
"""What is open at the instant notice was given for, who tries to move it, and a worker that is killed."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.attacks.conftest import code
from tests.attacks.test_killed import driver, frozen
from tests.conftest import CityProcess, RunningCity
from tests.driver import Driver, agreement_text, instant, unique

Connect = Callable[[str], psycopg.Connection[Any]]


def agree(drive: Driver, *, notice_days: int = 0, seconds: float = 3600) -> tuple[str, str]:
    """An agreement that may be ended by notice of so many days."""
    agreement, purpose = unique("a"), unique("p")
    text = agreement_text(agreement, purpose=purpose, seconds=seconds)
    drive.enact(text.replace("notice_days = 30", f"notice_days = {notice_days}"))
    return agreement, purpose


def give(drive: Driver, agreement: str, seconds: float) -> None:
    body = {"reason": "the owners decided", "effective": instant(seconds)}
    drive.done("solicitor", "POST", f"/agreements/{agreement}/notice", body)


def watch(drive: Driver, purpose: str) -> None:
    asked = {"purpose": purpose, "case_number": "CASE-1", "criteria": {"charge_grade": ["F1"]}}
    drive.done("fbi", "POST", "/v1/subscriptions", asked)


def test_at_the_notified_instant_stream_cursor_and_search_end(drive: Driver, stolen_login: Connect) -> None:
    agreement, purpose = agree(drive)
    watch(drive, purpose)
    _, form = drive.book()
    conn = stolen_login(agreement)
    conn.autocommit = False
    cursor = conn.cursor("held")
    cursor.execute(f'SELECT * FROM "share_{agreement}"."v1_{purpose}", generate_series(1, 100000)')
    assert cursor.fetchone() is not None
    with drive.feed("fbi", agreement=agreement) as feed:
        over = time.monotonic() + 4  # the instant is counted from a moment later than this
        give(drive, agreement, 4)
        assert len(drive.records("fbi", purpose, drive.find(form))) == 1, "under notice it holds"
        drive.book()
        last, seen = feed.next()["type"], 0
        while last != "org.openpars.agreement.ended":
            seen, last = seen + 1, feed.next()["type"]
        assert time.monotonic() >= over
        assert feed.closed.wait(10)
        drive.book()
        assert feed.rest(0.3) == []
    assert seen >= 1
    assert code(drive.search("fbi", purpose, drive.find(form))) == "agreement-ended"
    with pytest.raises(psycopg.Error):  # the worker cuts the backend; what was fetched was fetched before
        fetch_for(cursor, seconds=5)
    with pytest.raises(psycopg.OperationalError):
        stolen_login(agreement)
    (version,) = drive.done("solicitor", "GET", f"/agreements/{agreement}")["versions"]
    assert [e["what"] for e in version["events"] if e["what"] != "warning"][-2:] == ["notice", "ended"]


def fetch_for(cursor: psycopg.ServerCursor[Any], *, seconds: float) -> None:
    """Read on, a little at a time."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        cursor.fetchmany(100)
        time.sleep(0.05)


def test_the_doors_own_clock_ends_it_though_the_worker_sleeps(
    start_city: Callable[..., CityProcess], city_directory: Path
) -> None:
    running = start_city(city_directory, "--demo", "--arrests", "20")
    running.ready()
    drive = driver(running)
    agreement, purpose = agree(drive)
    watch(drive, purpose)
    _, form = drive.book()
    with drive.feed("fbi", agreement=agreement) as feed, frozen(running, "worker"):
        give(drive, agreement, 1.0)
        while feed.next()["type"] != "org.openpars.agreement.ended":
            pass
        assert feed.closed.wait(10)
        assert code(drive.search("fbi", purpose, drive.find(form))) == "agreement-ended"
        (version,) = drive.done("solicitor", "GET", f"/agreements/{agreement}")["versions"]
        assert version["state"] == "ended"
        secrets = json.loads((running.directory / "secrets" / "desk.json").read_text(encoding="utf-8"))
        with psycopg.connect(secrets["owner_dsn"]) as conn:
            past = conn.execute(
                "SELECT bool_and(rolvaliduntil <= clock_timestamp()) FROM pg_roles"
                " WHERE rolname LIKE 'openpars\\_s\\_%%'"
                " AND rolvaliduntil < clock_timestamp() + interval '1 day'"
            ).fetchone()
        assert past == (True,), "the server itself refuses the login after the notified instant"


def test_notice_nobody_rang_for_is_obeyed_at_once(drive: Driver, city: RunningCity) -> None:
    """The door's copy of the register is old: the transaction that logs an answer asks again."""
    secrets = json.loads((city.data_dir / "secrets" / "desk.json").read_text(encoding="utf-8"))
    for _ in range(3):
        agreement, purpose = agree(drive)
        _, form = drive.book()
        assert len(drive.records("fbi", purpose, drive.find(form))) == 1
        with psycopg.connect(secrets["desk_dsn"], autocommit=True) as conn:
            conn.execute(
                "UPDATE agreements.agreement"
                " SET notice_at = clock_timestamp(), notice_ends = clock_timestamp() WHERE id = %s",
                (agreement,),
            )
        assert drive.search("fbi", purpose, drive.find(form)).status_code == 403


def test_nobody_but_the_solicitor_gives_or_takes_back_notice(drive: Driver) -> None:
    agreement, _ = agree(drive)
    for path in ("notice", "withdraw-notice"):
        for who in ("police", "courts", "auditor", "records"):
            answer = drive.call(who, "POST", f"/agreements/{agreement}/{path}", {"reason": "x"})
            assert answer.status_code == 403
        for outsider in ("fbi", "ice", None):
            answer = drive.call(outsider, "POST", f"/agreements/{agreement}/{path}", {"reason": "x"})
            assert answer.status_code == 401


@pytest.mark.parametrize(
    "effective",
    [
        "2027-02-30",
        "soon",
        "2027-01-31T00:00:00",
        instant(-5),
        "x" * 900,
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
    ],
)
def test_a_wrong_instant_is_refused_by_its_field_and_not_repeated(drive: Driver, effective: str) -> None:
    agreement, _ = agree(drive)
    answer = drive.call(
        "solicitor", "POST", f"/agreements/{agreement}/notice", {"reason": "x", "effective": effective}
    )
    assert (answer.status_code, answer.json()["field"]) == (422, "effective")
    assert effective not in answer.text
    (version,) = drive.done("solicitor", "GET", f"/agreements/{agreement}")["versions"]
    assert version["notice_at"] is None


def test_a_worker_killed_around_a_warning_records_it_exactly_once(
    start_city: Callable[..., CityProcess], city_directory: Path
) -> None:
    running = start_city(city_directory, "--demo", "--arrests", "20")
    running.ready()
    drive = driver(running)
    agreement, purpose = unique("a"), unique("p")
    text = agreement_text(agreement, purpose=purpose, seconds=30 * 86_400 + 8)
    drive.enact(text.replace('zone = "America/New_York"', 'zone = "UTC"'))
    for _ in range(4):  # across the instant of its warning of 30 days
        with contextlib.suppress(ProcessLookupError):  # the next one is not there yet
            os.kill(running.pids()["worker"], signal.SIGKILL)
        time.sleep(2.3)
    until = time.monotonic() + 30
    while time.monotonic() < until:
        (version,) = drive.done("solicitor", "GET", f"/agreements/{agreement}")["versions"]
        said = sorted(e["reason"] for e in version["events"] if e["what"] == "warning")
        if len(said) >= 2 and _leaves(running, agreement) >= 2:
            break
        time.sleep(0.2)
    # It began nearer than 60 days to its end, and 30 days before it the clock came.
    assert said == ["30 days before the end", "60 days before the end"]
    time.sleep(1.5)  # as often as the worker looks
    (version,) = drive.done("solicitor", "GET", f"/agreements/{agreement}")["versions"]
    assert sum(e["what"] == "warning" for e in version["events"]) == 2
    assert _leaves(running, agreement) == 2


def _leaves(running: CityProcess, agreement: str) -> int:
    """Warnings of the agreement in the acts tree."""
    secrets = json.loads((running.directory / "secrets" / "desk.json").read_text(encoding="utf-8"))
    with psycopg.connect(secrets["desk_dsn"]) as conn:
        rows = conn.execute("SELECT leaf FROM log.entry WHERE tree = 'acts'").fetchall()
    found = [json.loads(bytes(row[0])) for row in rows]
    return sum(
        one["public"].get("event") == "warning" and one["public"].get("agreement") == agreement
        for one in found
    )
