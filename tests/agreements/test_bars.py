# SPDX-License-Identifier: Apache-2.0
"""Bars as values: when they hold, what they leave of a version, and when they leave nothing."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openpars.agreements.bars import (
    Switched,
    barred,
    bars_for,
    concerns,
    emptied,
    is_on,
    narrowed,
    next_bar,
    packs,
    read_bar,
    version_of,
    voided,
)
from openpars.agreements.check import check
from openpars.agreements.language.canonical import digest
from openpars.agreements.language.faults import Severity
from openpars.agreements.language.plain import markdown
from openpars.agreements.language.text import read
from openpars.agreements.language.words import ENGLISH
from openpars.agreements.model import Agreement, Bar, BarKind, Grant, Version, Way, When
from openpars.record.catalogue import CRITERIA, FIELDS
from openpars.record.file import Arrestee, ArrestFile, Name, Participant, Role, Seal
from tests.agreements.worlds import agreements

CITY, LABEL = "city-of-philadelphia", "introduced text seen, enacted text not seen"
ORDINANCES, INFORMATION = "ordinances-2026", "protected-information-2026"
WARRANT = (Path(__file__).parents[2] / "examples" / "agreements" / "ice-felony-warrant.toml").read_text(
    encoding="utf-8"
)
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
    text = markdown(left, ENGLISH)
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


def test_the_packs_bars_are_what_the_pack_says() -> None:
    packs.cache_clear()  # read anew, whatever was read before
    pack = packs()[CITY]
    assert (pack.jurisdiction, pack.provider) == ("philadelphia", CITY)
    assert pack.stakeholders == ("courts", "district-attorney", "police")
    assert (pack.recipients["ice"], pack.recipients["defender"]) == ("federal-immigration", "defense")
    found = {bar.id: (bar, classes) for bar, classes in pack.bars}
    assert list(found) == ["victims-and-witnesses", "juveniles", "bail-interview", "sealed-and-expunged"]
    assert {classes for _, classes in found.values()} == {frozenset({"*"})}
    shield, interview, sealed = (
        found[name][0] for name in ("victims-and-witnesses", "bail-interview", "sealed-and-expunged")
    )
    assert (shield.kind, shield.roles) == (BarKind.ROLE, (Role.VICTIM, Role.CRIME_WITNESS))
    assert (shield.begins, shield.ends) == (datetime(2010, 7, 16, 4, tzinfo=UTC), None)
    assert shield.title == "Victims and witnesses of a crime are never shared"
    assert (shield.standing, shield.checked, shield.label, shield.switchable) == (
        "practice",
        "source",
        None,
        False,
    )
    assert (interview.kind, interview.compartments) == (BarKind.COMPARTMENT, ("interview",))
    assert sealed.states == (Seal.SEALED, Seal.EXPUNGED, Seal.WITHDRAWN)
    ((ordinances, against), (information, _)) = pack.switchable
    assert (ordinances.id, against) == (ORDINANCES, {"federal-immigration"})
    assert (ordinances.switchable, ordinances.label, ordinances.fields) == (True, LABEL, ())
    assert (information.id, len(information.fields)) == (INFORMATION, 7)


BAR = {"id": "b", "title": "t", "kind": "fields", "citation": "c", "standing": "law", "checked": "I"}
PHILADELPHIA = ZoneInfo("America/New_York")


def test_what_a_pack_does_not_say_of_a_bar_is_empty() -> None:
    plain = read_bar(BAR, PHILADELPHIA)
    assert plain == Bar("b", "t", BarKind.FIELDS, "c", "law", "I")
    said = {
        "roles": ["victim"],
        "states": ["sealed"],
        "compartments": ["interview"],
        "label": "l",
        "switchable": True,
    }
    assert read_bar({**BAR, **said}, PHILADELPHIA) == replace(
        plain,
        roles=(Role.VICTIM,),
        states=(Seal.SEALED,),
        compartments=("interview",),
        label="l",
        switchable=True,
    )
    assert plain.switchable is False


def test_a_bar_of_a_pack_is_read_strictly() -> None:
    dated = read_bar({**BAR, "from": date(2026, 3, 8), "until": date(2026, 11, 1)}, PHILADELPHIA)
    assert (dated.begins, dated.ends) == (
        datetime(2026, 3, 8, 5, tzinfo=UTC),
        datetime(2026, 11, 2, 5, tzinfo=UTC),
    )
    assert read_bar({**BAR, "fields": ["ssn"], "from": date(2026, 3, 8)}, PHILADELPHIA).fields == ("ssn",)
    strict = "^a bar names fields of the catalogue, and holds them back without an end$"
    with pytest.raises(ValueError, match=strict):
        read_bar({**BAR, "fields": ["ssn", "snn"]}, PHILADELPHIA)
    with pytest.raises(ValueError, match=strict):
        read_bar({**BAR, "fields": ["ssn"], "until": date(2026, 11, 1)}, PHILADELPHIA)
    twice = "^a bar begins or ends at a midnight that is not exactly one instant$"
    with pytest.raises(ValueError, match=twice):
        read_bar({**BAR, "from": date(2010, 10, 31)}, ZoneInfo("America/Havana"))
    for missing in BAR:
        with pytest.raises(KeyError):
            read_bar({key: value for key, value in BAR.items() if key != missing}, PHILADELPHIA)


def test_the_citys_last_act_about_a_bar_counts() -> None:
    on, off = Switched("one", on=True, at=ON), Switched("one", on=False, at=OFF)
    other = Switched("other", on=True, at=OFF)
    assert [
        is_on("one", acts) for acts in ((), (on,), (on, off), (off, on), (on, other), (on, off, other))
    ] == [
        *(False, True, False, True, True, False),
    ]


def test_periods_of_a_switched_bar_are_its_own_and_the_citys() -> None:
    def periods(*switched: Switched) -> list[tuple[datetime | None, datetime | None]]:
        return [(bar.begins, bar.ends) for bar in bars_for(CITY, "ice", switched) if bar.switchable]

    on, off = Switched(ORDINANCES, on=True, at=ON), Switched(ORDINANCES, on=False, at=OFF)
    again = Switched(ORDINANCES, on=True, at=OFF + timedelta(days=1))
    assert periods(on) == [(ON, None)]
    before = Switched(ORDINANCES, on=False, at=ON - timedelta(days=5))
    # It ends with the act that follows, not with the one before it, which was a switching off, too.
    assert periods(before, on, off, again) == [(ON, OFF), (again.at, None)]
    # Switched on twice it holds from the first time, and in whichever order they stand.
    assert periods(on, replace(on, at=OFF)) == periods(replace(on, at=OFF), on) == [(ON, None)]
    fields, gone = Switched(INFORMATION, on=True, at=ON), Switched(INFORMATION, on=False, at=OFF)
    # What was held back once is not held back any more; what is held back again, is.
    assert periods(fields, gone) == []
    assert periods(fields, gone, replace(fields, at=again.at)) == [(again.at, None)]
    assert periods(on, fields, off) == [(ON, OFF), (ON, None)]


TERM = warrant().term
GRANT = warrant().agreement.grants[0]
TICK = timedelta(microseconds=1)


def a_bar(kind: BarKind = BarKind.EVERYTHING, **changed: Any) -> Bar:
    return replace(Bar("x", "x", kind, "x", "law", "I"), **changed)


@pytest.mark.parametrize(
    ("bar", "takes"),
    [
        (a_bar(), True),
        (a_bar(begins=ON, ends=TERM.ends), True),
        (a_bar(begins=ON + TICK), False),
        (a_bar(ends=TERM.ends - TICK), False),
        (a_bar(BarKind.ROLE, roles=(Role.VICTIM, Role.ARRESTEE)), True),
        (a_bar(BarKind.ROLE, roles=(Role.VICTIM,)), False),
        (a_bar(BarKind.JUVENILE), False),
        (a_bar(BarKind.SEAL, roles=(Role.ARRESTEE,)), False),
        (a_bar(BarKind.FIELDS, fields=("charge_grade",)), True),
        (a_bar(BarKind.FIELDS, fields=("sid",)), False),
    ],
)
def test_a_bar_that_takes_all_a_grant_gives(bar: Bar, takes: bool) -> None:
    other = a_bar(BarKind.JUVENILE, id="other")
    version = replace(warrant(), bars=(other, bar))
    assert emptied(version, GRANT, ON) == (bar if takes else None)
    assert voided(version, ON) == (bar if takes else None)


def test_a_version_is_void_only_when_every_grant_is() -> None:
    victims = replace(GRANT, number=2, about=Role.VICTIM)
    whole = warrant()
    both = replace(whole, agreement=replace(whole.agreement, grants=(GRANT, victims)))
    shield, everything = a_bar(BarKind.ROLE, roles=(Role.VICTIM,)), a_bar(id="all")
    assert voided(replace(both, bars=(shield,)), ON) is None
    turned = replace(both, agreement=replace(both.agreement, grants=(replace(victims, number=1), GRANT)))
    assert voided(replace(turned, bars=(shield,)), ON) is None
    assert voided(replace(both, bars=(shield, everything)), ON) == everything
    # From an instant before the term, the term counts.
    late = a_bar(begins=TERM.begins)
    assert voided(replace(whole, bars=(late,)), TERM.begins - timedelta(days=9)) == late
    # Of two grants, the one that asks for the barred field goes, and the other stays.
    quiet = replace(GRANT, number=2, when=When())
    pair = replace(whole, agreement=replace(whole.agreement, grants=(GRANT, quiet)))
    grades = a_bar(BarKind.FIELDS, fields=("charge_grade",))
    assert [emptied(replace(pair, bars=(grades,)), one, ON) for one in (GRANT, quiet)] == [grades, None]
    idle = replace(GRANT, purposes=())
    assert emptied(replace(whole, agreement=replace(whole.agreement, grants=(idle,))), idle, ON) is None


@pytest.mark.parametrize(
    ("changed", "fields", "left"),
    [
        ({"find_by": (("sid",),), "alert_by": ()}, ("sid",), frozenset()),
        ({"find_by": (("sid",),), "alert_by": ("district",)}, ("sid",), {Way.ALERT}),
        ({"find_by": (("sid",),), "alert_by": (), "alert_all": True}, ("sid",), {Way.ALERT}),
        ({"find_by": (("docket",),), "alert_by": ()}, ("sid",), {Way.SEARCH, Way.ALERT}),
        ({"find_by": (), "ways": frozenset(Way)}, ("district",), {Way.ALERT, Way.EXPORT}),
        ({"find_by": (), "alert_by": (), "ways": frozenset(Way)}, ("sid",), {Way.EXPORT}),
    ],
)
def test_a_way_goes_when_nothing_is_left_to_go_by(changed: dict[str, Any], fields: Any, left: Any) -> None:
    whole = warrant()
    grant = replace(GRANT, when=When(), **changed)
    agreement = replace(whole.agreement, grants=(grant,))
    version = replace(whole, agreement=agreement, bars=(a_bar(BarKind.FIELDS, fields=fields),))
    (found,) = narrowed(version).agreement.grants
    assert found.ways == left
    assert found.purposes == (grant.purposes if left else ())
    assert found.show == grant.show


def left_by(fields: tuple[str, ...], **changed: Any) -> Grant:
    """What a bar about these fields leaves of the grant."""
    whole = warrant()
    grant = replace(GRANT, **{"when": When(), **changed})
    agreement = replace(whole.agreement, grants=(grant,))
    (found,) = narrowed(
        replace(whole, agreement=agreement, bars=(a_bar(BarKind.FIELDS, fields=fields),))
    ).agreement.grants
    return found


def test_each_part_of_a_grant_loses_what_is_barred_and_nothing_else() -> None:
    keys = (("name", "birth_date"), ("sid",), ("docket",))
    alerts = ("district", "charge_grade")
    left = left_by(("sid", "district"), find_by=keys, alert_by=alerts)
    assert left.find_by == (("name", "birth_date"), ("docket",))
    assert left.alert_by == ("charge_grade",)
    assert left_by(("birth_date",), find_by=keys, alert_by=alerts).find_by == (("sid",), ("docket",))


def test_what_a_coarse_precision_does_not_give_away_stays() -> None:
    """The first digits of a number tell where it was given out, and a whole ZIP code tells about race."""
    for precision, stays in (("last4", True), ("whole", False)):
        shown = (("docket", "whole"), ("ssn", precision))
        assert (("ssn", precision) in left_by(("birth_country",), show=shown).show) is stays
    for name, stays in (("zip_prefix", True), ("district", True)):
        assert (left_by(("race",), alert_by=(name,)).alert_by == (name,)) is stays
    assert left_by(("zip",), alert_by=("zip_prefix",)).alert_by == ()
    asked = When(isin=(("zip_prefix", ("191",)),))
    assert [bool(left_by((field,), when=asked).purposes) for field in ("race", "zip")] == [True, False]


def test_a_condition_by_day_tells_the_day() -> None:
    for when in (When(arrested_within_days=30), When(arrested_from=date(2026, 9, 1))):
        assert left_by(("arrested_at",), when=when).purposes == ()
        assert left_by(("sid",), when=when).purposes == GRANT.purposes
    assert left_by(("arrested_at",), when=When()).purposes == GRANT.purposes


def test_a_bar_may_name_every_field() -> None:
    assert read_bar({**BAR, "fields": list(FIELDS)}, PHILADELPHIA).fields == tuple(FIELDS)


def test_whom_a_bar_concerns_and_from_when() -> None:
    born, old = date(2009, 1, 1), date(1980, 1, 1)
    name = Name("Roe", "Vi")
    people = (Participant(1, Role.VICTIM, name, born), Participant(2, Role.VICTIM, name, old))
    file = ArrestFile("f", 1, Arrestee("p", name, birth_date=old), arrested_at=ON, participants=people)
    slots = ("arrestee", "victim:1", "victim:2")

    def concerned(bar: Bar, of: ArrestFile = file) -> list[bool]:
        return [concerns(bar, of, slot) for slot in slots]

    assert concerned(a_bar(BarKind.ROLE, roles=(Role.ARRESTEE,))) == [True, False, False]
    assert concerned(a_bar(BarKind.ROLE, roles=(Role.VICTIM,))) == [False, True, True]
    assert concerned(a_bar(BarKind.JUVENILE)) == [False, True, False]
    for childs in (date(2008, 9, 2), None):
        of = replace(file, arrestee=replace(file.arrestee, birth_date=childs))
        assert concerned(a_bar(BarKind.JUVENILE), of) == [True, True, True]
    of_age = replace(file, arrestee=replace(file.arrestee, birth_date=date(2008, 8, 31)))
    assert concerned(a_bar(BarKind.JUVENILE), of_age)[0] is False
    # Others named in the file, too: of age on the day they are 18, and not on the day before.
    birthdays = (date(2008, 8, 31), date(2008, 9, 1))
    both = tuple(replace(one, birth_date=day) for one, day in zip(people, birthdays, strict=True))
    assert concerned(a_bar(BarKind.JUVENILE), replace(file, participants=both)) == [False, False, True]
    sealed = a_bar(BarKind.SEAL, states=(Seal.SEALED,))
    assert (concerned(sealed), concerned(sealed, replace(file, seal=Seal.SEALED))) == (
        [False] * 3,
        [True] * 3,
    )
    assert concerned(a_bar()) == [True] * 3
    assert concerned(a_bar(BarKind.FIELDS, fields=("name",))) == [False] * 3
    assert concerned(a_bar(BarKind.COMPARTMENT, compartments=("interview",))) == [False] * 3

    late, later = a_bar(begins=OFF), a_bar(begins=OFF + TICK)
    always, others = a_bar(BarKind.JUVENILE), a_bar(BarKind.ROLE, roles=(Role.VICTIM,), begins=ON + TICK)
    bars = (always, later, late, others)
    assert [next_bar(bars, file, "arrestee", at) for at in (ON, OFF - TICK, OFF, OFF + TICK)] == [
        *(OFF, OFF, OFF + TICK, None),
    ]
    assert next_bar(bars, file, "victim:2", ON) == ON + TICK
    assert [barred(bars, file, "arrestee", at) for at in (OFF - TICK, OFF, OFF + TICK)] == [None, late, later]
    assert barred(bars, file, "victim:1", ON) == always


def test_a_version_is_the_text_its_number_its_hash_and_its_providers_bars() -> None:
    agreement = warrant().agreement
    assert version_of(agreement) == Version(agreement, 1, digest(agreement), bars_for(CITY, "ice"))
    assert version_of(agreement, 7).number == 7
    with pytest.raises(KeyError):
        version_of(replace(agreement, provider="another-city"))
    with pytest.raises(KeyError):
        bars_for("another-city", "ice")
