# SPDX-License-Identifier: Apache-2.0
"""An agreement that is suspended, between two terms, or not yet begun: what can its login still read,
and what is lost of what happened meanwhile?"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from tests.driver import Driver, agreement_text, instant, unique

Connect = Callable[[str], psycopg.Connection[Any]]

WITHIN = 2.0


def suspend(drive: Driver, agreement: str) -> None:
    drive.done("police", "POST", f"/agreements/{agreement}/suspend", {"reason": "an audit"})


def resume(drive: Driver, agreement: str) -> None:
    drive.done("police", "POST", f"/agreements/{agreement}/resume", {"reason": "the audit is done"})


def cannot_log_in(login: Connect, agreement: str, seconds: float = WITHIN) -> bool:
    """Whether the login is refused, now or soon."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            login(agreement).close()
        except psycopg.OperationalError:
            return True
        time.sleep(0.05)
    return False


def test_a_suspension_cuts_the_login_and_its_backends_and_lifting_it_gives_them_back(
    drive: Driver, stolen_login: Connect
) -> None:
    agreement, purpose = drive.agree()
    _, form = drive.book()
    conn = stolen_login(agreement)
    conn.autocommit = False
    cursor = conn.cursor("held")
    cursor.execute(f'SELECT * FROM "share_{agreement}"."v1_{purpose}", generate_series(1, 100000)')
    assert cursor.fetchone() is not None
    suspend(drive, agreement)
    with pytest.raises(psycopg.Error):
        cursor.fetchall()
    with pytest.raises(psycopg.OperationalError):
        stolen_login(agreement)
    resume(drive, agreement)
    assert len(drive.records("fbi", purpose, drive.find(form))) == 1


def test_a_seal_during_a_suspension_is_told_once_it_is_lifted(drive: Driver) -> None:
    """Who was told of a record must hear that it is withdrawn, whenever that happened."""
    agreement, purpose = drive.agree()
    made = drive.done(
        "fbi",
        "POST",
        "/v1/subscriptions",
        {"purpose": purpose, "case_number": "CASE-1", "criteria": {"charge_grade": ["F1"]}},
    )
    with drive.feed("fbi", subscription=made["id"]) as feed:
        arrest, _ = drive.book()
        appeared = feed.next()
        suspend(drive, agreement)
        drive.done("records", "POST", f"/desk/arrests/{arrest}/seal", {"order": "7", "reason": "court order"})
        drive.book()
        assert [e for e in feed.rest(1.0) if e["type"].startswith("org.openpars.share")] == []
    resume(drive, agreement)
    with drive.feed("fbi", subscription=made["id"]) as feed:
        told = {(e["type"].rsplit(".", 1)[1], e["data"]["id"]) for e in feed.rest(2.0)}
    assert ("withdrawn", appeared["data"]["id"]) in told
    assert len(told) == 2  # and the one booked meanwhile has appeared


def test_a_share_of_a_term_that_has_not_begun_cannot_be_read(drive: Driver, stolen_login: Connect) -> None:
    """The next version grants more, from next hour on; the login of this one must not read it now."""
    agreement, purpose = drive.agree()
    drive.book()
    wider = agreement_text(agreement, purpose=purpose, seconds=7200).replace(instant(-60)[:16], "")
    lines = [f"from = {instant(3600)}" if line.startswith("from = ") else line for line in wider.splitlines()]
    made = drive.done(
        "solicitor",
        "POST",
        "/agreements",
        content="\n".join(lines),
        headers={"Content-Type": "application/toml"},
    )
    ballot = {"version": made["version"], "question": "amend", "choice": "yes"}
    drive.done("police", "POST", f"/agreements/{agreement}/ballots", ballot)
    drive.done("courts", "POST", f"/agreements/{agreement}/ballots", ballot)
    until = time.monotonic() + WITHIN
    while time.monotonic() < until:
        with stolen_login(agreement) as conn, pytest.raises(psycopg.errors.InsufficientPrivilege):
            conn.execute(f'SELECT count(*) FROM "share_{agreement}"."v2_{purpose}"')
        time.sleep(0.2)


def test_between_two_terms_the_login_is_shut_and_the_old_share_is_gone(
    drive: Driver, stolen_login: Connect, city: Any
) -> None:
    agreement, purpose = unique("a"), unique("p")
    drive.enact(agreement_text(agreement, purpose=purpose, seconds=3))
    drive.book()
    later = [
        f"from = {instant(3600)}" if line.startswith("from = ") else line
        for line in agreement_text(agreement, purpose=purpose, seconds=7200).splitlines()
    ]
    made = drive.done(
        "solicitor",
        "POST",
        "/agreements",
        content="\n".join(later),
        headers={"Content-Type": "application/toml"},
    )
    ballot = {"version": made["version"], "question": "amend", "choice": "yes"}
    drive.done("police", "POST", f"/agreements/{agreement}/ballots", ballot)
    drive.done("courts", "POST", f"/agreements/{agreement}/ballots", ballot)
    time.sleep(3.0)
    assert cannot_log_in(stolen_login, agreement)
