# SPDX-License-Identifier: Apache-2.0
"""A correction made from an older version of a file would undo what somebody else set right since."""

from __future__ import annotations

import html
import json
import re
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import psycopg
import pytest

from openpars.settings import load_desk
from tests.conftest import RunningCity
from tests.driver import Driver

STALE = "Somebody changed this file since you opened it."
_FIELD = re.compile(r'<input type="hidden" name="([^"]*)" value="([^"]*)">')


@pytest.fixture
def officer(city: RunningCity) -> Iterator[httpx.Client]:
    """The records officer's browser."""
    links = json.loads((city.data_dir / "demo-keys.json").read_text(encoding="utf-8"))["links"]
    with httpx.Client(base_url=city.base_url, timeout=60, headers={"Origin": city.base_url}) as client:
        client.get(f"/sign-in/{links['records']}")
        yield client


def opened(officer: httpx.Client, arrest: str, **changes: str) -> dict[str, str]:
    """The correction as it stands in the review of the page, ready to be sent."""
    page = officer.get(f"/desk/file/{arrest}/correct").text
    fields = {
        name: html.unescape(value)
        for name, value in re.findall(r'name="([a-z0-9_-]+)"[^>]*? value="([^"]*)"', page)
        if name != "step"
    }
    chosen = re.findall(r'<select [^>]*name="([a-z0-9_-]+)".*?</select>', page, re.DOTALL)
    for name in chosen:
        (part,) = re.findall(rf'<select [^>]*name="{name}".*?</select>', page, re.DOTALL)
        selected = re.findall(r'<option value="([^"]*)"[^>]* selected', part)
        fields[name] = selected[0] if selected else ""
    answer = send(officer, arrest, {**fields, "reason": "typed wrong", **changes, "step": "review"})
    assert "Nothing is recorded yet." in answer.text
    return {name: html.unescape(value) for name, value in _FIELD.findall(answer.text)} | {"step": "send"}


def send(officer: httpx.Client, arrest: str, fields: dict[str, str]) -> httpx.Response:
    return officer.post(f"/desk/file/{arrest}/correct", data=fields)


def acts(drive: Driver, arrest: str) -> list[str]:
    found = drive.done("records", "GET", f"/desk/arrests/{arrest}/history")["versions"]
    return [one["act"] for one in found]


def district(drive: Driver, arrest: str) -> Any:
    return drive.done("records", "GET", f"/desk/arrests/{arrest}")["district"]


def test_what_was_reviewed_of_the_version_that_stands_is_recorded_once(
    drive: Driver, officer: httpx.Client
) -> None:
    arrest, _ = drive.book()
    reviewed = opened(officer, arrest, district="9")
    for status in (303, 422):
        assert send(officer, arrest, reviewed).status_code == status
    assert (acts(drive, arrest), district(drive, arrest)) == (["book", "correct"], "9")


@pytest.mark.parametrize("version", ["1", "", None, "0", "-2", "02", "+2", "²", "9" * 5000, "2,2"])
def test_a_form_of_another_version_or_of_none_is_refused(
    drive: Driver, officer: httpx.Client, version: str | None
) -> None:
    arrest, _ = drive.book()
    reviewed = opened(officer, arrest, zip="19147")
    drive.done("records", "POST", f"/desk/arrests/{arrest}/correct", {"reason": "first", "district": "5"})
    del reviewed["version"]
    forged = reviewed if version is None else {**reviewed, "version": version}
    for step in ("review", "send"):
        answer = send(officer, arrest, {**forged, "step": step})
        assert (answer.status_code, STALE in answer.text) == (422, True), step
    # What the other set right stands, and nothing was added.
    assert (acts(drive, arrest), district(drive, arrest)) == (["book", "correct"], "5")


def test_whoever_waited_for_the_file_while_it_changed_is_refused(
    drive: Driver, city: RunningCity, officer: httpx.Client
) -> None:
    """Both had read version 1, and the page held its form against that. The second waits for the first."""
    arrest, _ = drive.book()
    reviewed = opened(officer, arrest, district="9")
    answers: dict[str, httpx.Response] = {}

    def first() -> None:
        mine = Driver(city.base_url, city.keys)
        body = {"reason": "first", "district": "5"}
        answers["first"] = mine.call("records", "POST", f"/desk/arrests/{arrest}/correct", body)

    def second() -> None:
        answers["second"] = send(officer, arrest, reviewed)

    dsn = load_desk(city.data_dir).owner_dsn
    with psycopg.connect(dsn) as holder, psycopg.connect(dsn, autocommit=True) as conn:
        holder.execute("SELECT FROM record.arrest WHERE id = %s FOR UPDATE", (arrest,))
        (held,) = holder.execute("SELECT pg_backend_pid()").fetchone() or (0,)
        running = []
        for number, act in enumerate((first, second), start=1):
            running.append(threading.Thread(target=act))
            running[-1].start()
            until = time.monotonic() + 30
            while behind(conn, held) < number and time.monotonic() < until:
                time.sleep(0.02)
        assert behind(conn, held) == 2
        holder.rollback()
        for one in running:
            one.join()
    assert (answers["first"].status_code, answers["second"].status_code) == (200, 422)
    assert STALE in answers["second"].text
    assert (acts(drive, arrest), district(drive, arrest)) == (["book", "correct"], "5")


def behind(conn: psycopg.Connection[Any], holder: int) -> int:
    """How many wait for who holds the file, and for each other."""
    waiting = """
        WITH RECURSIVE behind (pid) AS (
            SELECT %s::int
            UNION
            SELECT a.pid FROM pg_stat_activity a JOIN behind b ON b.pid = ANY (pg_blocking_pids(a.pid)))
        SELECT count(*) - 1 FROM behind"""
    row = conn.execute(waiting, (holder,)).fetchone()
    return int(row[0]) if row is not None else 0
