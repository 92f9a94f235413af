# SPDX-License-Identifier: Apache-2.0
"""Bars as values: when they hold, what they leave of a version, and when they leave nothing."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openpars.agreements.bars import Switched, bars_for, narrowed, packs, version_of, voided
from openpars.agreements.check import check
from openpars.agreements.faults import Severity
from openpars.agreements.model import Agreement, Bar, BarKind, Version
from openpars.agreements.plain import markdown
from openpars.agreements.text import read
from openpars.record.catalogue import CRITERIA, FIELDS
from tests.agreements.worlds import agreements

CITY, LABEL = "city-of-philadelphia", "introduced text seen, enacted text not seen"
ORDINANCES, INFORMATION = "ordinances-2026", "protected-information-2026"
WARRANT = (Path(__file__).parents[2] / "examples" / "agreements" / "ice-felony-warrant.toml").read_text()
ON, OFF = datetime(2026, 9, 1, tzinfo=UTC), datetime(2026, 10, 1, tzinfo=UTC)


def warrant(*switched: Switched) -> Version:
    agreement = read(WARRANT).agreement
    assert agreement is not None
    return replace(version_of(agreement), bars=bars_for(CITY, "ice", switched))


@settings(max_examples=100, deadline=None)
@given(agreements(), st.sets(st.sampled_from(sorted(FIELDS)), min_size=1, max_size=8))
def test_what_a_bar_about_fields_holds_back_is_in_no_grant(agreement: Agreement, fields: set[str]) -> None:
    bar = Bar("x", "x", BarKind.FIELDS, "x", "law", "I", fields=tuple(sorted(fields)))
    whole = version_of(agreement)
    left = narrowed(replace(whole, bars=(*whole.bars, bar)))
    assert left.hash == whole.hash
    for grant, old in zip(left.agreement.grants, agreement.grants, strict=True):
        assert grant.number == old.number
        assert (set(grant.purposes) <= set(old.purposes), grant.ways <= old.ways) == (True, True)
        if not grant.purposes:
            continue
        for name, precision in grant.show:
            shown = FIELDS[name].precision(precision)
            assert name not in fields
            assert shown is None or fields.isdisjoint(shown.proxy_for)
        assert all(fields.isdisjoint(key) for key in grant.find_by)
        told = [*grant.alert_by, *(name for name, _ in grant.when.isin)]
        assert all(CRITERIA[name].field not in fields for name in told)
        # It only takes away.
        assert set(grant.show) <= set(old.show)
        assert set(grant.find_by) <= set(old.find_by)
        assert set(grant.alert_by) <= set(old.alert_by)


@pytest.mark.parametrize(
    ("show", "when", "barred", "left"),
    [
        ('ssn = "last4"', 'charge_grade = ["F1"]', "ssn", False),
        ('name = "whole"', 'custody = ["held"]', "custody", False),
        ('name = "whole", interpreter = "whole"', 'charge_grade = ["F1"]', "birth_country", True),
    ],
)
def test_what_gives_a_barred_field_away_goes_with_it(show: str, when: str, barred: str, left: bool) -> None:
    text = re.sub(
        r"show = \{.*\}", f"show = {{ {show} }}", re.sub(r"when = \{.*\}", f"when = {{ {when} }}", WARRANT)
    )
    agreement = read(text).agreement
    assert agreement is not None
    bar = Bar("x", "x", BarKind.FIELDS, "x", "law", "I", fields=(barred,))
    (grant,) = narrowed(replace(version_of(agreement), bars=(bar,))).agreement.grants
    assert bool(grant.purposes) is left
    proxies = {
        name
        for name, precision in agreement.grants[0].show
        if barred in getattr(FIELDS[name].precision(precision), "proxy_for", ())
    }
    assert proxies.isdisjoint(dict(grant.show))


def test_a_switched_bar_holds_from_its_instant_and_not_before_its_own_first_day() -> None:
    def holding(*switched: Switched, at: datetime) -> set[str]:
        return {bar.id for bar in bars_for(CITY, "ice", switched) if bar.holds(at)}

    on, off = Switched(ORDINANCES, on=True, at=ON), Switched(ORDINANCES, on=False, at=OFF)
    tick = timedelta(microseconds=1)
    assert ORDINANCES not in holding(at=ON)
    assert [ORDINANCES in holding(on, at=at) for at in (ON - tick, ON, OFF)] == [False, True, True]
    assert [ORDINANCES in holding(on, off, at=at) for at in (ON, OFF - tick, OFF)] == [True, True, False]
    again = Switched(ORDINANCES, on=True, at=OFF + timedelta(days=1))
    assert ORDINANCES in holding(on, off, again, at=again.at)
    early = Switched(ORDINANCES, on=True, at=datetime(2026, 1, 1, tzinfo=UTC))
    first_day = datetime(2026, 5, 7, 4, tzinfo=UTC)
    assert [ORDINANCES in holding(early, at=at) for at in (first_day - tick, first_day)] == [False, True]
    for other in ("fbi", "defender"):
        assert ORDINANCES not in {bar.id for bar in bars_for(CITY, other, (on,))}
    assert ORDINANCES in {bar.id for bar in bars_for(CITY, "nobody-knows", (on,))}


def test_which_version_a_bar_makes_void() -> None:
    on = Switched(ORDINANCES, on=True, at=ON)
    assert voided(warrant(), ON) is None
    bar = voided(warrant(on), ON)
    assert bar is not None
    assert (bar.id, LABEL in bar.cited) == (ORDINANCES, True)
    assert voided(warrant(Switched(INFORMATION, on=True, at=ON)), ON) is None
    assert voided(warrant(on, Switched(ORDINANCES, on=False, at=OFF)), OFF) is None


def test_the_plain_text_says_what_is_left_and_whose_law_took_the_rest() -> None:
    left = narrowed(warrant(Switched(INFORMATION, on=True, at=ON)))
    text = markdown(left)
    shown = next(line for line in text.splitlines() if line.startswith("Shown: "))
    assert "Social Security" not in shown
    assert "Introduced text seen, enacted text not seen." in text
    assert left.hash == warrant().hash


@pytest.mark.parametrize("bar", [ORDINANCES, INFORMATION])
def test_check_tells_of_what_could_be_switched_on_and_judges_as_if_it_were(bar: str) -> None:
    plain = [fault for fault in check(WARRANT).faults if f"--bar {bar}" in fault.message]
    assert [(one.severity, LABEL in one.message) for one in plain] == [(Severity.WARNING, True)]
    later = WARRANT.replace("from = 2026-01-01", "from = 2026-06-01")
    judged = check(later, switched_on=(bar,))
    severity = Severity.REFUSED if bar == ORDINANCES else Severity.WARNING
    assert severity in {
        fault.severity for fault in judged.faults if "7862148" in fault.message or "21-3600" in fault.message
    }


def test_every_bar_of_a_pack_cites_and_only_unread_law_is_switchable() -> None:
    for pack in packs().values():
        for bar, classes in (*pack.bars, *pack.switchable):
            assert bar.citation
            assert classes
        for bar, _ in pack.switchable:
            assert (bar.label, bar.checked) == (LABEL, "I")
