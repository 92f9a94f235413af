# SPDX-License-Identifier: Apache-2.0
"""What is open when an agreement ends: streams, cursors, connections, resume ids."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from psycopg import sql

from openpars.settings import load_desk
from openpars.shares.tables import role_name
from tests.attacks.conftest import code
from tests.attacks.test_killed import driver
from tests.conftest import CityProcess, RunningCity
from tests.driver import Driver, agreement_text, instant, unique

Connect = Callable[[str], psycopg.Connection[Any]]


def end(drive: Driver, agreement: str) -> None:
    drive.done("solicitor", "POST", f"/agreements/{agreement}/end", {"reason": "the owners decided"})


def test_lines_that_were_cut_are_not_the_end_of_whoever_asks_next(drive: Driver, city: RunningCity) -> None:
    """An end cuts an agreement's lines. One that is voted again at once is not answered by the old ones."""
    agreement, purpose = drive.agree()
    _, form = drive.book()
    find = drive.find(form)
    with ThreadPoolExecutor(4) as many:
        assert all(many.map(lambda _: drive.records("fbi", purpose, find), range(12)))
    with psycopg.connect(load_desk(city.data_dir).owner_dsn, autocommit=True) as conn:
        role = role_name(conn.info.dbname, agreement)
        statement = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = %s"
        row = conn.execute(statement, (role,)).fetchone()
        assert row is not None
        assert row[0] > 0
    assert len(drive.records("fbi", purpose, find)) == 1


def test_an_open_stream_says_so_and_closes_and_its_place_is_worth_nothing(drive: Driver) -> None:
    agreement, purpose = drive.agree()
    made = drive.done(
        "fbi",
        "POST",
        "/v1/subscriptions",
        {"purpose": purpose, "case_number": "CASE-1", "criteria": {"charge_grade": ["F1"]}},
    )
    with drive.feed("fbi", agreement=agreement) as feed:
        drive.book()
        place, _ = feed.next_with_id()
        end(drive, agreement)
        assert feed.next()["type"] == "org.openpars.agreement.ended"
        assert feed.closed.wait(10)
        drive.book()
        assert feed.rest(0.3) == []
    for last in (place, made["position"]):
        answer = drive.call(
            "fbi", "GET", "/v1/alerts", headers={"Last-Event-ID": last}, params={"agreement": agreement}
        )
        assert answer.status_code == 403


def test_an_open_cursor_and_a_running_statement_are_cut(drive: Driver, stolen_login: Connect) -> None:
    agreement, purpose = drive.agree()
    drive.book()
    table = f'"share_{agreement}"."v1_{purpose}"'
    conn = stolen_login(agreement)
    conn.autocommit = False
    cursor = conn.cursor("held")
    cursor.execute(f"SELECT * FROM {table}, generate_series(1, 100000)")
    assert cursor.fetchone() is not None
    end(drive, agreement)
    with pytest.raises(psycopg.Error):
        cursor.fetchall()
    with pytest.raises(psycopg.OperationalError):
        stolen_login(agreement)


def test_after_the_end_nothing_answers_and_others_are_untouched(drive: Driver) -> None:
    agreement, purpose = drive.agree(recipient="fbi")
    _, kept = drive.agree(recipient="ice")
    _, form = drive.book()
    (record,) = drive.records("fbi", purpose, drive.find(form))
    end(drive, agreement)
    asked = {"purpose": purpose, "case_number": "CASE-1"}
    assert code(drive.search("fbi", purpose, drive.find(form))) == "agreement-ended"
    assert drive.call("fbi", "GET", f"/v1/records/{record['id']}", params=asked).status_code == 403
    assert (
        drive.call(
            "fbi", "POST", "/v1/subscriptions", {**asked, "criteria": {"district": ["24"]}}
        ).status_code
        == 403
    )
    assert len(drive.records("ice", kept, drive.find(form))) == 1


def test_searches_racing_with_the_end_never_answer_after_it(drive: Driver) -> None:
    agreement, purpose = drive.agree()
    _, form = drive.book()
    late: list[float] = []
    with httpx.Client(base_url=drive.http.base_url, timeout=10) as client:
        headers = {"Authorization": f"Bearer {drive.key('fbi')}"}
        body = {"purpose": purpose, "case_number": "CASE-1", "find": drive.find(form)}
        import threading

        ended = threading.Event()
        answers: list[tuple[float, int]] = []

        def ask() -> None:
            while not ended.is_set() or time.monotonic() < ended_at[0] + 0.6:
                answer = client.post("/v1/search", json=body, headers=headers)
                answers.append((time.monotonic(), answer.status_code))

        ended_at = [float("inf")]
        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        time.sleep(0.3)
        end(drive, agreement)
        ended_at[0] = time.monotonic()
        ended.set()
        for thread in threads:
            thread.join()
    assert any(status == 200 for _, status in answers)
    late = [at - ended_at[0] for at, status in answers if status == 200 and at > ended_at[0] + 0.25]
    assert late == []


def test_a_login_that_was_shut_by_the_end_is_answered_as_the_end(
    start_city: Callable[..., CityProcess], city_directory: Path
) -> None:
    """The door's copy of the register is a moment old, and reading as the agreement's login fails."""
    running = start_city(city_directory, "--demo", "--arrests", "20")
    running.ready()
    drive = driver(running)
    secrets = json.loads((running.directory / "secrets" / "desk.json").read_text(encoding="utf-8"))
    agreement, purpose = drive.agree()
    _, form = drive.book()
    assert len(drive.records("fbi", purpose, drive.find(form))) == 1
    with psycopg.connect(secrets["owner_dsn"], autocommit=True) as owner:
        role = sql.Identifier(role_name(owner.info.dbname, agreement))
        owner.execute(sql.SQL("ALTER ROLE {} NOLOGIN").format(role))
        owner.execute(
            "UPDATE agreements.version SET state = 'ended', ended_at = clock_timestamp()"
            " WHERE agreement = %s",
            (agreement,),
        )
        owner.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s",
            (role_name(owner.info.dbname, agreement),),
        )
    assert code(drive.search("fbi", purpose, drive.find(form))) == "agreement-ended"


def test_a_resume_id_of_another_recipient_is_refused(drive: Driver) -> None:
    _, mine = drive.agree(recipient="fbi")
    _, theirs = drive.agree(recipient="ice")
    made = drive.done(
        "ice",
        "POST",
        "/v1/subscriptions",
        {"purpose": theirs, "case_number": "CASE-1", "criteria": {"district": ["24"]}},
    )
    drive.done(
        "fbi",
        "POST",
        "/v1/subscriptions",
        {"purpose": mine, "case_number": "CASE-1", "criteria": {"district": ["24"]}},
    )
    for forged in (made["position"], made["position"][:-2] + "AA", "1", "AAAA", "x" * 500):
        answer = drive.call("fbi", "GET", "/v1/alerts", headers={"Last-Event-ID": forged})
        assert (answer.status_code, code(answer)) == (422, "invalid")


def test_a_repeated_end_takes_nothing_that_was_voted_since(drive: Driver) -> None:
    """Whoever ended it once keeps the request, waits for the owners to agree anew, and sends it again."""
    agreement, purpose = drive.agree()
    _, form = drive.book()
    by_lawyer, by_owner = ({"Idempotency-Key": unique("k")} for _ in range(2))
    path, reason = f"/agreements/{agreement}/end", {"reason": "once"}
    drive.done("solicitor", "POST", path, reason, headers=by_lawyer)
    drive.enact(agreement_text(agreement, purpose=purpose))
    vote = {"version": 2, "question": "end", "choice": "yes"}
    ballots = f"/agreements/{agreement}/ballots"
    drive.done("police", "POST", ballots, vote)
    assert drive.done("courts", "POST", ballots, vote, headers=by_owner)["state"] == "ended"
    drive.enact(agreement_text(agreement, purpose=purpose))
    assert drive.call("solicitor", "POST", path, reason, headers=by_lawyer).status_code == 200
    assert drive.call("courts", "POST", ballots, vote, headers=by_owner).status_code == 200
    assert len(drive.records("fbi", purpose, drive.find(form))) == 1


def test_a_ballot_sent_again_after_the_end_makes_no_share(
    drive: Driver, stolen_login: Connect, city: RunningCity
) -> None:
    agreement = unique("a")
    toml = {"Content-Type": "application/toml"}
    text = agreement_text(agreement, purpose=unique("p"))
    drive.done("solicitor", "POST", "/agreements", content=text, headers=toml)
    vote, ballots = {"version": 1, "question": "enact", "choice": "yes"}, f"/agreements/{agreement}/ballots"
    drive.done("police", "POST", ballots, vote)
    again = {"Idempotency-Key": unique("k")}
    assert drive.done("courts", "POST", ballots, vote, headers=again)["state"] == "in_force"
    end(drive, agreement)
    assert drive.call("courts", "POST", ballots, vote, headers=again).json()["state"] == "ended"
    with pytest.raises(psycopg.OperationalError):
        stolen_login(agreement)
    with psycopg.connect(load_desk(city.data_dir).owner_dsn) as conn:
        found = conn.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", (f"share_{agreement}",))
        assert found.fetchall() == []


def test_a_retry_key_belongs_to_its_query_too(drive: Driver) -> None:
    text = agreement_text(unique("a"), purpose=unique("p"))
    headers = {"Content-Type": "application/toml", "Idempotency-Key": unique("k")}
    first = drive.call("solicitor", "POST", "/agreements", content=text, headers=headers)
    assert first.status_code == 201
    other = drive.call(
        "solicitor", "POST", "/agreements", content=text, headers=headers, params={"closes": instant(600)}
    )
    assert (other.status_code, code(other)) == (409, "conflict")
