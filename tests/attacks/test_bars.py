# SPDX-License-Identifier: Apache-2.0
"""Bars above every ballot: switched by an act of the city, in a city of this module's own."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from typer.testing import CliRunner

from openpars.cli import app
from openpars.settings import load_desk
from tests.attacks.conftest import code
from tests.conftest import RunningCity, demo_city
from tests.driver import Driver, agreement_text, unique

ORDINANCES, INFORMATION = "ordinances-2026", "protected-information-2026"
LABEL = "introduced text seen, enacted text not seen"
SHOW = 'name = "whole", birth_date = "year", ssn = "last4", custody = "whole"'
FIND_BY = '[["name", "birth_date"], ["ssn"]]'


@pytest.fixture(scope="module")
def barred_city() -> Iterator[RunningCity]:
    """A city whose bars these tests switch."""
    with demo_city() as running:
        yield running


@pytest.fixture
def drive(barred_city: RunningCity) -> Iterator[Driver]:
    """Drives it; every bar is off again after the test."""
    driver = Driver(barred_city.base_url, barred_city.keys)
    yield driver
    driver.leave()
    for bar in (ORDINANCES, INFORMATION):
        switch(driver, bar, "off")


def switch(drive: Driver, bar: str, word: str, who: str = "solicitor") -> Any:
    return drive.call(who, "POST", f"/bars/{bar}/{word}", {"reason": "the ordinance is in force"})


def switched(drive: Driver, bar: str, word: str) -> dict[str, Any]:
    answer = switch(drive, bar, word)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def owner(city: RunningCity) -> psycopg.Connection[Any]:
    return psycopg.connect(load_desk(city.data_dir).owner_dsn, autocommit=True)


def subscribed(drive: Driver, who: str, purpose: str) -> None:
    wanted = {"purpose": purpose, "case_number": "CASE-1", "criteria": {"charge_grade": ["F1"]}}
    drive.done(who, "POST", "/v1/subscriptions", wanted)


def version(drive: Driver, agreement: str) -> dict[str, Any]:
    return dict(drive.done("solicitor", "GET", f"/agreements/{agreement}")["versions"][0])


def until_live(drive: Driver, city: RunningCity, agreement: str) -> None:
    """Shares that were emptied are filled by the worker."""
    with owner(city) as conn:
        for _ in range(600):
            row = conn.execute(
                "SELECT bool_and(state = 'live') FROM shares.share WHERE agreement = %s", (agreement,)
            ).fetchone()
            if row is not None and row[0]:
                return
            time.sleep(0.05)
    pytest.fail("the share was not filled again")


def test_a_bar_ends_what_it_forbids_at_once_and_nothing_else(drive: Driver, barred_city: RunningCity) -> None:
    agreement, purpose = drive.agree(recipient="ice")
    other, untouched = drive.agree(recipient="fbi")
    waiting = unique("a")
    text = agreement_text(waiting, recipient="ice", purpose=unique("p"))
    toml = {"Content-Type": "application/toml"}
    proposed = drive.done("solicitor", "POST", "/agreements", content=text, headers=toml)
    _, form = drive.book()
    subscribed(drive, "ice", purpose)
    subscribed(drive, "fbi", untouched)
    with (
        drive.feed("ice", agreement=agreement) as feed,
        drive.feed("fbi", agreement=other) as others,
    ):
        made = switched(drive, ORDINANCES, "on")
        assert agreement in made["ended"]
        assert (made["label"], other in made["ended"]) == (LABEL, False)
        assert code(drive.search("ice", purpose, drive.find(form))) == "agreement-ended"
        kinds = [feed.next()["type"]]
        assert kinds == ["org.openpars.agreement.ended"]
        assert feed.closed.wait(5)
        drive.book()
        assert others.next()["type"] == "org.openpars.share.appeared"
    assert len(drive.records("fbi", untouched, drive.find(form))) == 1
    with owner(barred_city) as conn:
        shares = conn.execute(
            "SELECT count(*) FROM pg_namespace WHERE nspname = %s", (f"share_{agreement}",)
        ).fetchone()
        assert shares == (0,)
    found = version(drive, agreement)
    assert found["state"] == "ended"
    said = {event["what"]: event["reason"] for event in found["events"]}
    assert "ch. 21-3600" in said["barred"]
    assert LABEL in said["ended"]
    # What only awaited ballots is closed, and no ballot opens it.
    assert version(drive, waiting)["state"] == "rejected"
    ballot = {"version": proposed["version"], "question": "enact", "choice": "yes"}
    assert drive.call("police", "POST", f"/agreements/{waiting}/ballots", ballot).status_code == 409
    listed = drive.call(None, "GET", "/bars").json()
    (bar,) = [one for one in listed["bars"] if one["id"] == ORDINANCES]
    assert (bar["on"], bar["label"], bar["switched"][-1]["logged"], listed["sound"]) == (
        True,
        LABEL,
        True,
        True,
    )


def test_no_text_gets_past_a_bar_and_what_it_ended_needs_a_new_ballot(
    drive: Driver, barred_city: RunningCity
) -> None:
    agreement, purpose = drive.agree(recipient="ice")
    _, form = drive.book()
    switched(drive, ORDINANCES, "on")
    toml = {"Content-Type": "application/toml"}
    for text in (
        agreement_text(agreement, recipient="ice", purpose=purpose),
        agreement_text(unique("a"), recipient="ice", purpose=purpose),
        # "unlisted": a recipient under another name is under every bar
        agreement_text(unique("a"), recipient="ice-2", purpose=purpose),
    ):
        answer = drive.call("solicitor", "POST", "/agreements", content=text, headers=toml)
        assert (answer.status_code, code(answer)) == (422, "invalid")
        assert "ch. 21-3600" in answer.json()["detail"]
        assert LABEL in answer.json()["detail"]
    for words in ('bars = "off"\n', '[bars]\n"ordinances-2026" = "off"\n'):
        loosened = agreement_text(agreement, recipient="ice", purpose=purpose).replace(
            "[limits]", words + "[limits]"
        )
        answer = drive.call("solicitor", "POST", "/agreements", content=loosened, headers=toml)
        assert answer.status_code == 422
    switched(drive, ORDINANCES, "off")
    assert code(drive.search("ice", purpose, drive.find(form))) == "agreement-ended"
    assert version(drive, agreement)["state"] == "ended"
    drive.enact(agreement_text(agreement, recipient="ice", purpose=purpose))
    assert len(drive.records("ice", purpose, drive.find(form))) == 1


def test_a_bar_that_narrows_takes_its_fields_at_once_and_the_feed_tells_the_difference(
    drive: Driver, barred_city: RunningCity
) -> None:
    agreement, purpose = drive.agree(recipient="ice", show=SHOW, find_by=FIND_BY)
    _, kept = drive.agree(recipient="fbi", show=SHOW, find_by=FIND_BY)
    subscribed(drive, "ice", purpose)
    with drive.feed("ice", agreement=agreement) as feed:
        _, form = drive.book()
        by_number = {"ssn": form["arrestee"]["ssn"]}
        first = feed.next()
        assert {"ssn", "custody"} <= first["data"].keys()
        made = switched(drive, INFORMATION, "on")
        assert (agreement in made["remade"], agreement in made["ended"]) == (True, False)
        with owner(barred_city) as conn:
            bodies = conn.execute(f'SELECT body FROM "share_{agreement}"."v1_{purpose}"').fetchall()
            assert not [body for (body,) in bodies if "ssn" in json.loads(body)]
        until_live(drive, barred_city, agreement)
        changed = feed.next(20)
        assert changed["type"] == "org.openpars.share.changed"
        assert {"ssn", "custody"}.isdisjoint(changed["data"].keys())
        (record,) = drive.records("ice", purpose, drive.find(form))
        assert record.keys() == {"id", "name", "birth_date"}
        assert code(drive.search("ice", purpose, by_number)) == "key-not-permitted"
        assert "ssn" in drive.records("fbi", kept, by_number)[0]
        told = drive.done("ice", "GET", "/v1/agreement")["agreements"]
        assert LABEL in next(one["text"] for one in told if one["id"] == agreement).lower()
        # An act on another file grows nothing back.
        _, again = drive.book()
        assert "ssn" not in drive.records("ice", purpose, drive.find(again))[0]
        assert "narrowed" in {event["what"] for event in version(drive, agreement)["events"]}
        switched(drive, INFORMATION, "off")
        until_live(drive, barred_city, agreement)
        assert "ssn" in drive.records("ice", purpose, by_number)[0]


def test_a_text_of_which_a_narrowing_bar_leaves_nothing_is_refused(drive: Driver) -> None:
    switched(drive, INFORMATION, "on")
    for terms in (
        {"show": 'ssn = "last4"'},
        {"find_by": '[["ssn"]]', "alert_by": "[]"},
        {"when": 'custody = ["held"]'},
    ):
        text = agreement_text(unique("a"), recipient="ice", purpose=unique("p"), **terms)
        answer = drive.call(
            "solicitor", "POST", "/agreements", content=text, headers={"Content-Type": "application/toml"}
        )
        assert (answer.status_code, "7862148" in answer.text) == (422, True), terms


def test_who_may_switch_what(drive: Driver, barred_city: RunningCity) -> None:
    for who in ("police", "district-attorney", "courts", "records", "auditor"):
        assert switch(drive, ORDINANCES, "on", who).status_code == 403
    for who in ("ice", None):
        assert drive.call(who, "POST", f"/bars/{ORDINANCES}/on", {"reason": "x"}).status_code == 401
    for bar in ("victims-and-witnesses", "juveniles", "bail-interview", "sealed-and-expunged"):
        for word in ("on", "off"):
            assert switch(drive, bar, word).status_code == 403
    assert switch(drive, "no-such-bar", "on").status_code == 404
    assert switch(drive, ORDINANCES, "off").status_code == 409
    assert drive.call("solicitor", "POST", f"/bars/{ORDINANCES}/on", {}).status_code == 422
    with psycopg.connect(load_desk(barred_city.data_dir).desk_dsn) as conn:
        for statement in (
            (
                "INSERT INTO agreements.bar_switch (provider, bar, turned_on, at, by, reason)"
                " VALUES ('city-of-philadelphia', 'ordinances-2026', true, now(), 'x', 'x')"
            ),
            "UPDATE agreements.bar_switch SET turned_on = false",
            "DELETE FROM agreements.bar_switch",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege), conn.transaction():
                conn.execute(statement)


def test_a_switch_that_somebody_wrote_past_the_desk_is_told_by_the_log(
    drive: Driver, barred_city: RunningCity
) -> None:
    switched(drive, INFORMATION, "on")
    with owner(barred_city) as conn:
        (forged,) = conn.execute(
            "INSERT INTO agreements.bar_switch (provider, bar, turned_on, at, by, reason)"
            " VALUES ('city-of-philadelphia', %s, false, clock_timestamp(), 'solicitor', 'x') RETURNING id",
            (INFORMATION,),
        ).fetchone() or (0,)
        listed = drive.call(None, "GET", "/bars").json()
        (bar,) = [one for one in listed["bars"] if one["id"] == INFORMATION]
        assert ([act["logged"] for act in bar["switched"]][-2:], listed["sound"]) == ([True, False], False)
        conn.execute("DELETE FROM agreements.bar_switch WHERE id = %s", (forged,))
        assert drive.call(None, "GET", "/bars").json()["sound"]
        taken = conn.execute("DELETE FROM agreements.bar_switch WHERE bar = %s RETURNING *", (INFORMATION,))
        rows = taken.fetchall()
        found = drive.call(None, "GET", "/bars").json()
        assert (found["sound"], found["missing"] >= 1) == (False, True)
        for row in rows:
            conn.execute(
                "INSERT INTO agreements.bar_switch OVERRIDING SYSTEM VALUE"
                " VALUES (%s, %s, %s, %s, %s, %s, %s)",
                row,
            )
        assert drive.call(None, "GET", "/bars").json()["sound"]


def verified(city: RunningCity) -> list[str]:
    """What `openpars agreement verify` finds about bars."""
    command = ["agreement", "verify", "--data-dir", str(city.data_dir), "--json"]
    ran = CliRunner().invoke(app, command)
    found = [f"{one['where']} {one['what']}" for one in json.loads(ran.stdout)["findings"]]
    assert ran.exit_code == (1 if found else 0)
    return [one for one in found if one.startswith("the bar ")]


@contextmanager
def forged(city: RunningCity, statement: str) -> Iterator[None]:
    """What somebody with the owner's login does to the register of switches; put right again afterwards."""
    with owner(city) as conn:
        kept = conn.execute("SELECT * FROM agreements.bar_switch").fetchall()
        conn.execute(statement)
        try:
            yield
        finally:
            with conn.transaction():
                conn.execute("DELETE FROM agreements.bar_switch")
                for row in kept:
                    conn.execute(
                        "INSERT INTO agreements.bar_switch OVERRIDING SYSTEM VALUE"
                        " VALUES (%s, %s, %s, %s, %s, %s, %s)",
                        row,
                    )


FORGED_OFF = (
    "INSERT INTO agreements.bar_switch (provider, bar, turned_on, at, by, reason)"
    f" VALUES ('city-of-philadelphia', '{INFORMATION}', false, clock_timestamp(), 'solicitor', 'x')"
)
LAST = "WHERE id = (SELECT max(id) FROM agreements.bar_switch)"


@pytest.mark.parametrize(
    "statement",
    [
        FORGED_OFF,
        f"DELETE FROM agreements.bar_switch WHERE bar = '{INFORMATION}'",
        f"UPDATE agreements.bar_switch SET turned_on = false {LAST}",
        f"UPDATE agreements.bar_switch SET at = at + interval '1 year' {LAST}",
        f"UPDATE agreements.bar_switch SET bar = '{ORDINANCES}x' {LAST}",
        f"UPDATE agreements.bar_switch SET provider = 'x' {LAST}",
    ],
    ids=["off", "deleted", "flipped", "moved", "renamed", "elsewhere"],
)
def test_no_row_that_the_log_does_not_bear_out_widens_anything(
    drive: Driver, barred_city: RunningCity, statement: str
) -> None:
    agreement, purpose = drive.agree(recipient="ice", show=SHOW, find_by=FIND_BY)
    switched(drive, INFORMATION, "on")
    until_live(drive, barred_city, agreement)
    assert verified(barred_city) == []
    with forged(barred_city, statement):
        # An act that the keeper of the shares sees, and a share that is filled from nothing.
        _, form = drive.book()
        other, filled = drive.agree(recipient="ice", show=SHOW, find_by=FIND_BY)
        until_live(drive, barred_city, other)
        for reason in (purpose, filled):
            (record,) = drive.records("ice", reason, drive.find(form))
            assert record.keys() == {"id", "name", "birth_date"}
            assert code(drive.search("ice", reason, {"ssn": form["arrestee"]["ssn"]})) == "key-not-permitted"
        listed = drive.call(None, "GET", "/bars").json()
        (bar,) = [one for one in listed["bars"] if one["id"] == INFORMATION]
        assert (bar["on"], listed["sound"]) == (True, False)
        assert any(f"the bar {INFORMATION}" in one for one in verified(barred_city))
        # The city's own act is still the way to switch it off.
        assert switch(drive, INFORMATION, "on").status_code == 409
    assert verified(barred_city) == []


def test_a_forged_row_that_switches_a_bar_on_is_heeded_and_named(
    drive: Driver, barred_city: RunningCity
) -> None:
    _, purpose = drive.agree(recipient="ice", show=SHOW, find_by=FIND_BY)
    statement = FORGED_OFF.replace("false", "true").replace(
        "clock_timestamp()", "clock_timestamp() + interval '1 year'"
    )
    with forged(barred_city, statement):
        _, form = drive.book()
        (record,) = drive.records("ice", purpose, drive.find(form))
        assert record.keys() == {"id", "name", "birth_date"}
        (found,) = verified(barred_city)
        assert f"the bar {INFORMATION}: switched on" in found
        assert "never was logged" in found


def test_no_desk_bears_out_a_switch(barred_city: RunningCity) -> None:
    """A note on its way to the tree counts as logged, so only who switches bars may write one about bars."""
    with psycopg.connect(load_desk(barred_city.data_dir).desk_dsn) as conn:
        for kind in ("bar", "finding", "schema"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege), conn.transaction():
                conn.execute(
                    "INSERT INTO log.pending (kind, public, private, subjects) VALUES (%s, '{}', '{}', '{}')",
                    (kind,),
                )


def test_a_switch_waits_for_what_is_being_decided_under_the_old_bars(
    drive: Driver, barred_city: RunningCity
) -> None:
    """Every vote and every start holds the gate until its commit: none is decided while a bar turns."""
    done = threading.Event()

    def turn() -> None:
        switched(Driver(barred_city.base_url, barred_city.keys), INFORMATION, "on")
        done.set()

    switching = threading.Thread(target=turn)
    with psycopg.connect(load_desk(barred_city.data_dir).desk_dsn) as vote, owner(barred_city) as watch:
        vote.execute("SELECT nothing FROM agreements.bar_gate FOR SHARE")
        switching.start()
        waiting = (
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%bar_gate%'"
        )
        for _ in range(600):
            if done.is_set() or watch.execute(waiting).fetchone() != (0,):
                break
            time.sleep(0.05)
        assert not done.is_set()
    switching.join()
    assert done.is_set()


def test_a_switch_waits_for_the_act_that_was_begun_under_the_old_bars(
    drive: Driver, barred_city: RunningCity
) -> None:
    """What it commits a moment later, written as the old bars allowed, is emptied with the rest."""
    agreement, purpose = drive.agree(recipient="ice", show=SHOW, find_by=FIND_BY)
    drive.book()
    table = f'"share_{agreement}"."v1_{purpose}"'
    done = threading.Event()

    def turn() -> None:
        switched(Driver(barred_city.base_url, barred_city.keys), INFORMATION, "on")
        done.set()

    switching = threading.Thread(target=turn)
    with psycopg.connect(load_desk(barred_city.data_dir).desk_dsn) as act, owner(barred_city) as watch:
        act.execute("LOCK TABLE shares.gate IN ROW SHARE MODE")  # as every act does before it writes a share
        # A row that was projected under the old bars: one that stands, under another id.
        columns = "grant_no, file_version, until, ways, alert_all, body, criteria, subject"
        late = act.execute(
            f"INSERT INTO {table} (id, {columns})"
            f" SELECT gen_random_uuid(), {columns} FROM {table} WHERE body LIKE '%ssn%' LIMIT 1 RETURNING id"
        ).fetchone()
        assert late is not None
        switching.start()
        waiting = "SELECT count(*) FROM pg_locks WHERE relation = 'shares.gate'::regclass AND NOT granted"
        for _ in range(600):
            if done.is_set() or watch.execute(waiting).fetchone() != (0,):
                break
            time.sleep(0.05)
        act.commit()
        switching.join()
        until_live(drive, barred_city, agreement)
        bodies = watch.execute(f"SELECT body FROM {table}").fetchall()
        assert bodies
        assert not [body for (body,) in bodies if {"ssn", "custody"} & json.loads(body).keys()]
        assert watch.execute(f"SELECT count(*) FROM {table} WHERE id = %s", late).fetchone() == (0,)


@pytest.mark.parametrize(
    "change", ["at = at + interval '1 year'", "reason = 'x'", "by = 'courts'", "turned_on = NOT turned_on"]
)
def test_a_switch_that_somebody_edited_is_told_by_the_log(
    drive: Driver, barred_city: RunningCity, change: str
) -> None:
    """Moved a year ahead, a bar that was switched on holds nothing back."""
    switched(drive, INFORMATION, "on")
    with owner(barred_city) as conn:
        (number,) = conn.execute("SELECT max(id) FROM agreements.bar_switch").fetchone() or (0,)
        kept = conn.execute("SELECT * FROM agreements.bar_switch WHERE id = %s", (number,)).fetchone()
        conn.execute(f"UPDATE agreements.bar_switch SET {change} WHERE id = %s", (number,))
        listed = drive.call(None, "GET", "/bars").json()
        conn.execute("DELETE FROM agreements.bar_switch WHERE id = %s", (number,))
        conn.execute(
            "INSERT INTO agreements.bar_switch OVERRIDING SYSTEM VALUE VALUES (%s, %s, %s, %s, %s, %s, %s)",
            kept,
        )
    (bar,) = [one for one in listed["bars"] if one["id"] == INFORMATION]
    assert (bar["switched"][-1]["logged"], listed["sound"], listed["missing"]) == (False, False, 1)
    assert drive.call(None, "GET", "/bars").json()["sound"]


def test_no_barred_field_survives_a_race_of_bookings_and_a_switch(
    drive: Driver, barred_city: RunningCity
) -> None:
    agreement, purpose = drive.agree(recipient="ice", show=SHOW, find_by=FIND_BY)
    going = threading.Event()

    def book() -> None:
        mine = Driver(barred_city.base_url, barred_city.keys)
        while not going.is_set():
            mine.book()

    threads = [threading.Thread(target=book) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(6):
            time.sleep(0.1)
            switched(drive, INFORMATION, "on")
            with owner(barred_city) as conn:
                for _ in range(10):
                    bodies = conn.execute(f'SELECT body FROM "share_{agreement}"."v1_{purpose}"').fetchall()
                    assert not [body for (body,) in bodies if {"ssn", "custody"} & json.loads(body).keys()]
            switched(drive, INFORMATION, "off")
        switched(drive, INFORMATION, "on")
    finally:
        going.set()
        for thread in threads:
            thread.join()
    until_live(drive, barred_city, agreement)
    with owner(barred_city) as conn:
        table = f'"share_{agreement}"."v1_{purpose}"'
        bodies = conn.execute(f"SELECT body, k1 FROM {table}").fetchall()
        kept = conn.execute("SELECT count(*) FROM shares.kept WHERE agreement = %s", (agreement,)).fetchone()
    assert kept == (len(bodies),)
    assert len(bodies) > 10
    assert not [
        body for body, key in bodies if {"ssn", "custody"} & json.loads(body).keys() or key is not None
    ]


def test_no_agreement_starts_past_a_bar_that_is_switched_while_it_is_voted(
    drive: Driver, barred_city: RunningCity
) -> None:
    for turn in range(6):
        agreement = unique("a")
        text = agreement_text(agreement, recipient="ice", purpose=unique("p"))
        made = drive.done(
            "solicitor", "POST", "/agreements", content=text, headers={"Content-Type": "application/toml"}
        )
        ballot = {"version": made["version"], "question": "enact", "choice": "yes"}
        drive.done("police", "POST", f"/agreements/{agreement}/ballots", ballot)

        def vote(path: str = f"/agreements/{agreement}/ballots", cast: dict[str, Any] = ballot) -> None:
            Driver(barred_city.base_url, barred_city.keys).call("courts", "POST", path, cast)

        voter = threading.Thread(target=vote)
        voter.start()
        time.sleep(0.01 * turn)
        switched(drive, ORDINANCES, "on")
        voter.join()
        assert version(drive, agreement)["state"] in {"ended", "rejected"}
        with owner(barred_city) as conn:
            assert conn.execute(
                "SELECT count(*) FROM agreements.version v JOIN agreements.agreement a ON a.id = v.agreement"
                " WHERE a.recipient = 'ice' AND v.state IN ('proposed', 'balloted', 'in_force', 'suspended')"
            ).fetchone() == (0,)
        switched(drive, ORDINANCES, "off")
