# SPDX-License-Identifier: Apache-2.0
"""Clocks: data from a rule table with dates, and the time that is left."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from openpars.record.file import Arrestee, ArrestFile, Charge, Custody, Name, PreliminaryArraignment, Stage
from openpars.record.pack import Rule, pack
from openpars.record.rules import clocks, due_at, missing

PACK = pack("philadelphia")
T = datetime(2026, 11, 21, 1, 14, tzinfo=UTC)
HELD = ArrestFile("x", 1, Arrestee("p", Name("D", "A")), arrested_at=T, custody=Custody.HELD, custody_at=T)


@pytest.mark.parametrize(
    ("hours", "level"),
    [
        (0, "ok"),
        (5.9, "ok"),
        (6, "advisory"),
        (13, "advisory"),
        (47.9, "advisory"),
        (48, "breach"),
        (60, "breach"),
    ],
)
def test_the_custody_clock(hours: float, level: str) -> None:
    (clock,) = clocks(HELD, T + timedelta(hours=hours), PACK)
    assert (clock.name, clock.level, clock.started_at, clock.due_at) == (
        "custody",
        level,
        T,
        T + timedelta(hours=48),
    )
    assert clock.seconds_left == int((48 - hours) * 3600)
    assert "48 hours" in clock.why


def test_it_stops_with_a_finding_or_a_release() -> None:
    found = replace(HELD, arraignment=PreliminaryArraignment(T, "Q", probable_cause=True, rights_given=True))
    assert [c.name for c in clocks(found, T, PACK)] == ["preliminary_hearing"]
    assert clocks(replace(HELD, custody=Custody.RELEASED), T, PACK)[0].name == "complaint"


def test_forty_eight_hours_are_elapsed_hours_when_the_clocks_change() -> None:
    at = datetime(2026, 10, 31, 20, 0, tzinfo=PACK.zone)  # the night on which the hour repeats
    (clock,) = clocks(
        replace(HELD, arrested_at=at), at.astimezone(UTC) + timedelta(hours=47, minutes=59), PACK
    )
    assert (clock.level, clock.seconds_left) == ("advisory", 60)


def test_days_end_with_the_citys_day() -> None:
    at = datetime(2026, 10, 30, 9, 0, tzinfo=PACK.zone)
    freed = replace(HELD, custody=Custody.RELEASED, custody_at=at)
    (clock,) = clocks(freed, at, PACK)
    assert clock.due_at.astimezone(PACK.zone) == datetime(2026, 11, 5, 0, 0, tzinfo=PACK.zone)
    declined = replace(freed, charges=(Charge(1, None, "x", None, stage=Stage.DECLINED),))
    assert clocks(declined, at, PACK) == ()


@pytest.mark.parametrize(
    ("custody", "days"), [(Custody.COMMITTED, 14), (Custody.HELD, 14), (Custody.RELEASED, 21)]
)
def test_the_hearing(custody: Custody, days: int) -> None:
    held = PreliminaryArraignment(T, "Q", probable_cause=True, rights_given=True)
    file = replace(HELD, custody=custody, arraignment=held)
    (clock,) = clocks(file, T, PACK)
    assert clock.due_at.astimezone(PACK.zone).date() == T.astimezone(PACK.zone).date() + timedelta(
        days=days + 1
    )
    assert clocks(replace(file, next_date=T + timedelta(days=10)), T, PACK) == ()
    assert clocks(replace(file, next_date=T + timedelta(days=40)), T, PACK) != ()


def test_a_rule_holds_on_its_days_only() -> None:
    old = Rule(
        "custody", "arrest", "breach", "old", "I", date(2020, 1, 1), date(2026, 11, 19), 10, None, None
    )
    new = replace(old, citation="new", since=date(2026, 11, 20), through=None, hours=20)
    changed = replace(PACK, rules=(old, new))
    (clock,) = clocks(HELD, T, changed)
    assert (clock.why, clock.due_at) == ("new", T + timedelta(hours=20))
    assert due_at(replace(HELD, arrested_at=T - timedelta(days=2)), changed) == T - timedelta(
        days=2, hours=-10
    )


def test_every_rule_has_its_citation_and_label() -> None:
    assert {rule.label for rule in PACK.rules} <= {"confirmed", "K", "I"}
    assert all(rule.citation for rule in PACK.rules)


def test_what_is_missing_is_said_and_stops_nothing() -> None:
    held = PreliminaryArraignment(T, "", probable_cause=True, rights_given=False)
    assert [one.field for one in missing(replace(HELD, arraignment=held))] == ["arraignment.rights_given"]
