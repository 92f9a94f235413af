# SPDX-License-Identifier: Apache-2.0
"""The ten years, lived: compared with what the sources tell, written down here by hand."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest

from openpars.agreements.ballots import Choice
from openpars.agreements.bars import packs
from openpars.agreements.project import project
from openpars.agreements.votes.readings import CASES, RuleReading
from openpars.city.daily import Lived, Sight, Span, Years, live
from openpars.city.examples import examples
from openpars.city.scenario import COURSES, Course, Shield, Told, periods, shield_day, start_of, story
from openpars.city.scenario_checks import VOTED, Kind, check
from openpars.city.scenario_result import kept, result, written
from openpars.record.catalogue import age_at_arrest
from openpars.record.file import Seal
from openpars.web.pages.words import LANGUAGES, Words

TICK = timedelta(microseconds=1)
# Midnight in Philadelphia, in UTC: all of these days are in summer time, four hours behind.
SIGNED = datetime(2008, 9, 1, 4, tzinfo=UTC)
SHIELDS = {
    Shield.Y2009: datetime(2009, 9, 1, 4, tzinfo=UTC),
    Shield.Y2010: datetime(2010, 7, 16, 4, tzinfo=UTC),
}
OVER = datetime(2018, 9, 1, 4, tzinfo=UTC)
LAPSED = datetime(2011, 9, 1, 4, tzinfo=UTC)  # under "two to continue": one year after the 3-0, no ballots
ARRESTEES = {("felony", "arrestee"), ("misdemeanor", "arrestee"), ("born-abroad", "arrestee")}
OTHERS = {("born-abroad", "victim:1"), ("born-abroad", "crime_witness:2")}


@pytest.fixture(scope="module")
def years() -> Years:
    return live(COURSES, lambda done, total: None)


def who(lived: Lived, at: datetime) -> set[tuple[str, str]]:
    return {(sight.example, sight.slot) for sight in lived.at(at)}


def of(years: Years, rule: RuleReading | None, shield: Shield) -> Lived:
    return next(one for one in years.lived if one.course == Course(rule, shield))


def test_every_day_of_eleven_years_is_looked_at(years: Years) -> None:
    assert years.days == (date(2019, 1, 1) - date(2008, 1, 1)).days == 4018
    for lived in years.lived:
        spans = lived.spans
        assert spans[0].begins == datetime(2008, 1, 1, 5, tzinfo=UTC)
        assert spans[-1].ends == datetime(2019, 1, 1, 5, tzinfo=UTC)
        assert all(one.ends == after.begins for one, after in pairwise(spans))


@pytest.mark.parametrize("shield", Shield)
@pytest.mark.parametrize("rule", [None, *RuleReading])
def test_what_was_visible_on_every_day(years: Years, rule: RuleReading | None, shield: Shield) -> None:
    over = LAPSED if rule is RuleReading.TWO_TO_CONTINUE else OVER
    lived = of(years, rule, shield)
    assert lived.changes == (SIGNED, SHIELDS[shield], over)
    for number in range(4018):
        noon = datetime(2008, 1, 1, 17, tzinfo=UTC) + timedelta(days=number)
        expected = set[tuple[str, str]]()
        if SIGNED <= noon < over:
            expected = ARRESTEES | (OTHERS if noon < SHIELDS[shield] else set())
        assert who(lived, noon) == expected, noon


@pytest.mark.parametrize("shield", Shield)
@pytest.mark.parametrize("rule", [None, RuleReading.TWO_TO_END, RuleReading.CONSENSUS])
def test_the_last_second_is_in_and_the_next_is_out(
    years: Years, rule: RuleReading | None, shield: Shield
) -> None:
    lived = of(years, rule, shield)
    assert who(lived, datetime(2018, 9, 1, 3, 59, 59, 999999, tzinfo=UTC)) == ARRESTEES
    assert who(lived, OVER) == set()


def test_what_ice_saw_and_how_it_looked(years: Years) -> None:
    """Reported: name, country of origin, Social Security number, charges, bail; searched by country daily."""
    for lived in years.lived:
        for sight in lived.at(SIGNED):
            if sight.slot == "arrestee":
                assert {"name", "birth_country", "ssn", "charges", "bail"} <= dict(sight.fields).keys()
                assert sight.findable_by_origin
            else:
                assert "birth_country" not in dict(sight.fields)


def test_victims_are_shielded_by_the_bar_alone_in_the_reading_of_2009() -> None:
    """For ten months the text still grants them. Without its bar the version would show them."""
    shielded = next(p for p in periods(Course(None, Shield.Y2009)) if p.from_day == date(2009, 9, 1))
    assert shielded.text == "ice-pars-2008"
    assert shielded.through_day == date(2010, 7, 15)
    at = datetime(2010, 1, 15, 12, tzinfo=UTC)
    file = next(one.file for one in examples(SIGNED - timedelta(days=12)) if one.id == "born-abroad")

    def slots(version: object) -> set[str]:
        return {row.slot for row in project(version, "immigration-enforcement", file, at)}  # type: ignore[arg-type]

    assert slots(shielded.version) == {"arrestee"}
    assert slots(replace(shielded.version, bars=())) == {"arrestee", "victim:1", "crime_witness:2"}


def test_the_shield_of_2010_is_the_day_of_the_packs_own_bar() -> None:
    assert story().shields[Shield.Y2010] is None
    assert shield_day(Shield.Y2010) == date(2010, 7, 16)
    bar = next(bar for bar, _ in packs()["city-of-philadelphia"].bars if bar.id == "victims-and-witnesses")
    assert bar.begins == SHIELDS[Shield.Y2010]


def test_the_examples_are_what_they_are_named() -> None:
    found = {one.id: one.file for one in examples(datetime(2008, 8, 20, tzinfo=UTC))}
    ages = {name: age_at_arrest(file) for name, file in found.items()}
    assert ages["juvenile"] == 16
    assert all(age is not None and age >= 18 for name, age in ages.items() if name != "juvenile")
    assert [name for name, file in found.items() if file.seal is not Seal.OPEN] == ["sealed"]
    assert [name for name, file in found.items() if file.arrestee.birth_country != "USA"] == ["born-abroad"]
    assert [p.role.value for p in found["born-abroad"].participants] == ["victim", "crime_witness"]
    numbers = [file.arrestee.ssn for file in found.values() if file.arrestee.ssn]
    assert all(n.startswith("9") and 1 <= int(n[3:5]) <= 49 for n in numbers)


def test_the_renewals_are_those_told() -> None:
    told = {one.year: one for one in story().renewals}
    assert sorted(told) == list(range(2009, 2019))
    assert [year for year, one in told.items() if one.told is Told.WITHOUT] == list(range(2011, 2018))
    assert set(told[2010].answers.values()) == {Choice.YES}
    assert told[2018].answers == {
        "district-attorney": Choice.NO,
        "police": Choice.NO,
        "courts": Choice.ABSTAIN,
    }
    shown = {case.id: dict(case.answers) for case in CASES}
    assert shown["2010"] == told[2010].answers
    assert shown["2018"] == told[2018].answers


def test_the_announced_expiry_was_a_mistake_under_every_reading(years: Years) -> None:
    for lived in years.lived:
        first = datetime(2010, 7, 1, 4, tzinfo=UTC)
        assert who(lived, first - TICK) == who(lived, first) == who(lived, first + timedelta(days=1)) != set()


def test_every_check_of_rights_holds_and_history_says_where_it_does_not(years: Years) -> None:
    found = result(years)
    assert found["ok"]
    for course in found["courses"]:
        failing = {one["id"]: one["failing"] for one in course["checks"] if not one["holds"]}
        through = "2011-08-31" if course["rule"] == "two-to-continue" else "2018-08-31"
        swept = failing.pop("no-sweep-by-origin")
        assert [(one["from"], one["through"]) for one in swept] == [("2008-09-01", through)]
        if course["rule"] == "two-to-continue":
            # Seven years, two of them leap years: 2,557 days.
            assert failing.pop("every-year-as-the-rule-asks") == [
                {"from": "2011-09-01", "through": "2018-08-31", "days": 7 * 365 + 2}
            ]
        assert failing == {}


def _with_state(lived: Lived, at: datetime, sights: tuple[Sight, ...]) -> Lived:
    """The same course, but for one microsecond something else was visible."""
    spans = []
    for span in lived.spans:
        if span.begins <= at < span.ends:
            spans += [
                Span(span.begins, at, span.state),
                Span(at, at + TICK, sights),
                Span(at + TICK, span.ends, span.state),
            ]
        else:
            spans.append(span)
    return Lived(lived.course, tuple(one for one in spans if one.begins < one.ends))


@pytest.mark.parametrize(
    ("at", "example", "slot", "broken"),
    [
        (SIGNED - TICK, "felony", "arrestee", {"nothing-before-signed", "origin-changes-no-field"}),
        (OVER, "felony", "arrestee",
         {"nothing-after-end", "last-instant-in-next-out", "origin-changes-no-field"}),
        (datetime(2015, 5, 5, 5, tzinfo=UTC), "born-abroad", "victim:1", {"victims-never-after-shield"}),
        (datetime(2009, 1, 1, tzinfo=UTC), "juvenile", "arrestee",
         {"juveniles-never", "victims-until-shield"}),
        (datetime(2017, 1, 1, tzinfo=UTC), "sealed", "arrestee", {"sealed-never"}),
        (datetime(2010, 7, 1, 4, tzinfo=UTC), None, None,
         {"announced-expiry-changes-nothing", "in-force-without-gap", "victims-until-shield"}),
        (datetime(2011, 6, 23, 4, tzinfo=UTC), None, None,
         {"council-changes-nothing", "in-force-without-gap"}),
        (datetime(2018, 7, 27, 4, tzinfo=UTC) - TICK, None, None,
         {"notice-changes-nothing", "in-force-without-gap"}),
    ],
)  # fmt: skip
def test_one_microsecond_too_much_or_too_little_is_found(
    years: Years, at: datetime, example: str | None, slot: str | None, broken: set[str]
) -> None:
    lived = of(years, None, Shield.Y2010)
    seen = () if example is None or slot is None else (Sight(example, slot, (("name", "whole"),), (), ()),)
    if example == "born-abroad":
        seen = (*lived.at(at), *seen)
    wrong = _with_state(lived, at, seen)
    found = {c.id for c in check(wrong, lived) if not c.holds and c.kind is Kind.RIGHTS}
    assert found == broken
    others = tuple(wrong if one is lived else one for one in years.lived)
    assert not result(Years(others, years.days, years.decisions))["ok"]


def test_access_beyond_the_rule_is_only_found_under_the_first_reading(years: Years) -> None:
    for lived in years.lived:
        if lived.course.rule is not None:
            found = {c.id: c for c in check(lived, of(years, None, lived.course.shield))}
            assert found[VOTED].holds is (lived.course.rule is not RuleReading.TWO_TO_CONTINUE)


def test_what_is_kept_for_the_page_is_what_the_code_says_today(years: Years) -> None:
    """Renewed by `openpars demo --scenario philadelphia-2008-2018 --json`, into the file of that name."""
    assert written(result(years)) == written(kept())


def test_starts_of_days_follow_the_citys_clock() -> None:
    assert start_of(date(2009, 3, 9)) - start_of(date(2009, 3, 8)) == timedelta(hours=23)
    assert start_of(date(2009, 11, 2)) - start_of(date(2009, 11, 1)) == timedelta(hours=25)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_everything_told_has_its_words(lang: str, years: Years) -> None:
    words = Words(lang)
    for lived in years.lived:
        assert words(f"course.{lived.course.basis}")
        for one in check(lived, lived):
            assert words(f"holds.{one.id}")
    for told in Told:
        assert words(f"told.{told}")
    for one in story().happenings:
        assert one.says[lang]
        assert all(name in story().sources for name in one.sources)


def openpars(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "openpars.cli", "demo", *arguments],
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_the_command_prints_json_and_nothing_else() -> None:
    ran = openpars(
        "--scenario", "philadelphia-2008-2018", "--rule", "consensus", "--shield", "2010", "--json"
    )
    assert ran.returncode == 0
    found = json.loads(ran.stdout)
    assert found == {
        **kept(),
        "courses": [c for c in kept()["courses"] if (c["rule"], c["shield"]) == ("consensus", "2010")],
    }


@pytest.mark.parametrize(
    "arguments",
    [
        ("--scenario", "chicago-1968"),
        ("--scenario", "philadelphia-2008-2018", "--rule", "one-to-rule"),
        ("--scenario", "philadelphia-2008-2018", "--shield", "2011"),
        ("--scenario", "philadelphia-2008-2018", "--reset"),
        ("--rule", "consensus"),
        ("--shield", "2009"),
    ],
)
def test_what_cannot_be_run_says_so(arguments: tuple[str, ...]) -> None:
    ran = openpars(*arguments)
    assert ran.returncode == 2
    assert "Traceback" not in ran.stderr
    assert ran.stdout == ""
