# SPDX-License-Identifier: Apache-2.0
"""What `check` says: by what people could be selected, and for how long a grant holds nobody.

Attack: an agreement lets its recipient sweep by origin without saying so, by another word for it.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openpars.agreements.bars import version_of
from openpars.agreements.check import check
from openpars.agreements.emptied import Span, days, never, spans
from openpars.agreements.findable import told_by
from openpars.agreements.language.canonical import canonical
from openpars.agreements.language.faults import Severity
from openpars.agreements.model import Agreement, Bar, BarKind, Grant, Term, Way, When
from openpars.agreements.project import project
from openpars.record.catalogue import CRITERIA, FIELDS
from openpars.record.file import ArrestFile, Role
from tests.agreements.test_project import WARRANT
from tests.agreements.worlds import PURPOSES, agreements, files, moments

TELLING = [
    (name, precision.name)
    for name, field in FIELDS.items()
    for precision in field.precisions
    if told_by(name, precision.name)
]
BULK = {
    "export": {"ways": frozenset({Way.SEARCH, Way.EXPORT})},
    "alert_all": {"ways": frozenset({Way.SEARCH, Way.ALERT}), "alert_all": True},
    "criteria": {"ways": frozenset({Way.SEARCH, Way.ALERT}), "alert_by": ("charge_grade",)},
}
QUIET = replace(
    WARRANT.agreement.grants[0],
    show=(("docket", "whole"),),
    find_by=(("docket",),),
    alert_by=(),
    ways=frozenset({Way.SEARCH}),
)


def found(*grants: Grant) -> list[tuple[Severity, str]]:
    numbered = tuple(replace(grant, number=n) for n, grant in enumerate(grants, start=1))
    reading = check(canonical(replace(WARRANT.agreement, grants=numbered)))
    assert reading.agreement is not None, reading.faults
    return [(fault.severity, fault.message) for fault in reading.faults]


def refusals(*grants: Grant) -> list[str]:
    return [message for severity, message in found(*grants) if severity is Severity.REFUSED]


def warnings(*grants: Grant) -> list[str]:
    return [message for severity, message in found(*grants) if severity is Severity.WARNING]


def test_what_tells_where_somebody_was_born() -> None:
    assert {name for name, precision in TELLING if "birth_country" in told_by(name, precision)} == {
        *("birth_country", "birth_place", "interpreter", "consular_notice", "ssn"),
    }
    # Whether a number is recorded at all is a hint: many people born abroad have none.
    present = FIELDS["ssn"].precisions[0]
    assert (present.name, present.hints_at) == ("present", ("birth_country",))


@pytest.mark.parametrize("way", BULK)
@pytest.mark.parametrize(("field", "precision"), TELLING)
def test_what_tells_is_refused_in_every_bulk_way(field: str, precision: str, way: str) -> None:
    shown = replace(QUIET, show=(("docket", "whole"), (field, precision)))
    assert refusals(shown) == []  # shown to whoever found the person
    bulk = replace(shown, **BULK[way])
    (message,) = refusals(bulk)
    assert message.startswith(FIELDS[field].label)
    if FIELDS[field].key:
        openly = replace(bulk, find_by=(("docket", field),))
        assert refusals(openly) == []
        assert any("sort them all by " + FIELDS[field].label in one for one in warnings(openly))
    else:
        assert "No key can be made of it" in message


@pytest.mark.parametrize(("field", "precision"), TELLING)
def test_what_tells_is_refused_behind_the_ids_of_another_grants_bulk_way(field: str, precision: str) -> None:
    shown = replace(QUIET, show=(("docket", "whole"), (field, precision)))
    bulk = replace(QUIET, **BULK["criteria"])
    assert len(refusals(shown, bulk)) == 1
    watched = replace(shown, ways=frozenset({Way.ALERT}))
    assert len(refusals(watched, bulk)) == 1


@pytest.mark.parametrize("name", CRITERIA)
def test_criteria_that_tell_are_refused_unless_a_key_says_so(name: str) -> None:
    criterion = CRITERIA[name]
    asked = replace(QUIET, ways=frozenset({Way.SEARCH, Way.ALERT}), alert_by=(name,))
    telling = bool(told_by(criterion.field, criterion.precision))
    assert bool(refusals(asked)) == telling
    if telling and FIELDS[criterion.field].key:
        openly = replace(asked, find_by=(("docket", criterion.field),))
        assert refusals(openly) == []
        assert any("select people by" in one for one in warnings(openly))


def test_hints_are_warned_of_wherever_people_are_taken_in_by_them() -> None:
    asked = replace(QUIET, ways=frozenset({Way.SEARCH, Way.ALERT}), alert_by=("district",))
    assert any("a subscription by police district" in one for one in warnings(asked))
    placed = replace(QUIET, when=When((("zip_prefix", ("191",)),)))
    assert any("a condition on area of residence" in one for one in warnings(placed))
    present = replace(QUIET, show=(("ssn", "present"),), **BULK["criteria"])
    assert refusals(present) == []
    assert any("Social Security number hints at country of birth" in one for one in warnings(present))


def test_a_key_that_confirms_what_tells_is_warned_of() -> None:
    for field in ("birth_country", "interpreter", "race", "ethnicity", "zip"):
        asked = replace(QUIET, find_by=(("docket", field),))
        assert any(f"docket + {field}" in one or f"{field}" in one for one in warnings(asked)), field
    assert not [one for one in warnings(replace(QUIET, find_by=(("ssn",),))) if "the key" in one]


# ------------------------------------------------------------------ grants that hold nobody


def bar(begins: datetime | None, ends: datetime | None, kind: BarKind = BarKind.EVERYTHING) -> Bar:
    return Bar("b", "B", kind, "-", "law", "I", begins, ends, roles=(Role.VICTIM,))


TERM = Term(datetime(2026, 1, 1, 5, tzinfo=UTC), datetime(2027, 1, 1, 5, tzinfo=UTC), "America/New_York")
MARCH, JUNE = datetime(2026, 3, 1, 5, tzinfo=UTC), datetime(2026, 6, 1, 4, tzinfo=UTC)


@pytest.mark.parametrize(
    ("bars", "said"),
    [
        ((), []),
        ((bar(None, None),), ["for its whole term"]),
        ((bar(MARCH, None),), ["from 2026-03-01 on"]),
        ((bar(None, JUNE),), ["through 2026-05-31"]),
        ((bar(MARCH, JUNE),), ["from 2026-03-01 on through 2026-05-31"]),
        ((bar(None, MARCH), bar(JUNE, None)), ["through 2026-02-28", "from 2026-06-01 on"]),
        # Neither covers the term; both together do.
        ((bar(None, JUNE), bar(MARCH, None)), ["for its whole term"]),
        ((bar(JUNE, None), bar(None, JUNE)), ["for its whole term"]),
        ((bar(MARCH + timedelta(hours=7), None),), ["from 2026-03-01 07:00:00 on"]),
        ((bar(None, None, BarKind.ROLE),), []),
        ((bar(None, TERM.begins),), []),
        ((bar(TERM.ends, None),), []),
    ],
)
def test_for_which_days_bars_empty_a_grant(bars: tuple[Bar, ...], said: list[str]) -> None:
    assert [days(span, TERM) for span in spans(QUIET, TERM, bars)] == said


def test_a_bar_against_a_role_empties_that_roles_grants() -> None:
    victims = replace(QUIET, about=Role.VICTIM, show=(("name", "whole"),), find_by=(("dc_number",),))
    assert spans(victims, TERM, (bar(MARCH, None, BarKind.ROLE),)) == (
        Span(MARCH, TERM.ends, (bar(MARCH, None, BarKind.ROLE),)),
    )
    (message,) = refusals(victims)
    assert message.startswith("a bar empties this grant for its whole term: Victims and witnesses")


@pytest.mark.parametrize(
    ("when", "name"),
    [
        (When((), None, date(2027, 9, 1)), "arrested_from"),
        (When((), 30, None, date(2025, 11, 29)), "arrested_through"),
        (When((("charge_stage", ("proposed",)), ("charge_outcome", ("convicted",)))), "charge_outcome"),
    ],
)
def test_conditions_that_nothing_meets(when: When, name: str) -> None:
    assert [one for one, _ in never(replace(QUIET, when=when), WARRANT.term)] == [name]
    assert any("nobody can be in this grant" in one for one in warnings(replace(QUIET, when=when)))


@pytest.mark.parametrize(
    "when",
    [
        When((), None, date(2027, 8, 31)),
        When((), 30, None, date(2025, 12, 2)),
        When((("charge_stage", ("proposed", "approved")), ("charge_outcome", ("convicted",)))),
    ],
)
def test_conditions_that_something_may_meet(when: When) -> None:
    assert list(never(replace(QUIET, when=when), WARRANT.term)) == []


@settings(max_examples=40, deadline=None)
@given(agreements(), files(), st.sampled_from(PURPOSES), moments)
def test_a_grant_that_is_said_to_hold_nobody_holds_nobody(
    agreement: Agreement, file: ArrestFile, purpose: str, at: datetime
) -> None:
    version = version_of(agreement)
    inside = max(version.term.begins, min(at, version.term.ends - timedelta(microseconds=1)))
    if file.arrested_at is not None:
        # Nobody is arrested later than now: only such a one could be in a grant from after the term on.
        file = replace(file, arrested_at=min(file.arrested_at, inside))
    shown = {row.grant for row in project(version, purpose, file, inside)}
    for grant in agreement.grants:
        emptied = any(s.begins <= inside < s.ends for s in spans(grant, version.term, version.bars))
        impossible = [name for name, _ in never(grant, version.term) if name != "charge_outcome"]
        if emptied or impossible:
            assert grant.number not in shown
