# SPDX-License-Identifier: Apache-2.0
"""What a tired officer types, and what comes of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openpars.record.countries import countries
from openpars.record.pack import pack
from openpars.web.pages import desk_forms, times
from openpars.web.pages.typed import Typed, clock_time, country, statute

PACK = pack("philadelphia")
FIELDS = {
    "dc_number": "2624012345",
    "district": "24",
    "arrested_date": "11/21/2025",
    "arrested_time": "2014",
    "last": "Doe",
    "first": "Ana",
    "birth_date": "3/4/1990",
    "charge-1-statute": "2702 a1",
    "charge-3-statute": "18 § 2701 §§ A1",
    "charge-3-counts": "2",
}


def typed(**changes: str) -> Typed:
    return Typed({**FIELDS, **changes}, times.CITY_ZONE)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("2014", "20:14"),
        ("20:14", "20:14"),
        ("8:14 PM", "20:14"),
        ("8:14p", "20:14"),
        ("814 p.m.", "20:14"),
        ("8 pm", "20:00"),
        ("12:05 am", "00:05"),
        ("0005", "00:05"),
        ("1:30 AM EDT", "01:30-04:00"),
    ],
)
def test_times_as_people_write_them(text: str, meant: str) -> None:
    assert clock_time(text) == meant


@pytest.mark.parametrize("text", ["8", "25:00", "2460", "13 pm", "٢٠١٤", "noon", "-1", "99999"])
def test_a_time_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"time|There is no"):
        clock_time(text)


def test_a_booking_as_typed() -> None:
    form = desk_forms.booking(typed(birth_country="dominican republic", ssn="900-12-3456"), PACK)
    assert form is not None
    assert form.arrested_at == datetime(2025, 11, 22, 1, 14, tzinfo=UTC)
    assert [(c.statute, c.counts) for c in form.charges] == [("18 § 2702 §§ A1", 1), ("18 § 2701 §§ A1", 2)]
    assert (form.arrestee.birth_country, form.arrestee.ssn) == ("DOM", "900123456")


def test_everything_wrong_is_told_at_once() -> None:
    form = typed(
        dc_number="12", birth_date="2/30/1990", last=" ", arrested_time="26:00", **{"person-2-first": "Jo"}
    )
    assert desk_forms.booking(form, PACK) is None
    assert [p.field for p in form.problems] == [
        "arrested_time", "dc_number", "last", "birth_date", "person-2-role", "person-2-last",
    ]  # fmt: skip


def test_a_refusal_finds_its_row_among_empty_ones() -> None:
    form = typed(**{"person-4-last": "Roe", "person-4-first": "Jo", "person-4-role": "victim"})
    assert desk_forms.place("charges.1.grade", form) == "charge-3-grade"
    assert desk_forms.place("participants.0.name.last", form) == "person-4-last"
    assert desk_forms.place("arrestee.name.last", form) == "last"
    assert desk_forms.place("something.new", form) == ""


@pytest.mark.parametrize("text", ["2702 A1", "18 2702 a1", "18 § 2702 §§ A1", "18 Pa.C.S. § 2702(a)(1)"])
def test_a_statute_in_any_spelling(text: str) -> None:
    found = statute(PACK, text)
    assert found is not None
    assert found.code == "18 § 2702 §§ A1"


def test_a_statute_that_is_not_clear_asks_back() -> None:
    form = typed(**{"charge-1-statute": "aggravated assault"})
    assert desk_forms.booking(form, PACK) is None
    assert form.problems[0].field == "charge-1-statute"
    assert form.problems[0].text.startswith("Which one? 18 §")


def test_countries_by_name_and_by_letters() -> None:
    names = countries()
    assert country(names, "mex") == country(names, "Mexico") == "MEX"
    with pytest.raises(ValueError, match="country"):
        country(names, "Atlantis")


@given(st.text(max_size=30))
def test_nothing_typed_breaks_the_page(text: str) -> None:
    fields = dict.fromkeys((*FIELDS, "ssn", "zip", "birth_country", "person-1-role", "charge-2-grade"), text)
    desk_forms.booking(Typed(fields, times.CITY_ZONE), PACK)
    desk_forms.arraignment(
        Typed(dict.fromkeys(("held_date", "held_time", "bail_type", "amount"), text), times.CITY_ZONE)
    )


@pytest.mark.parametrize(
    ("length", "said"),
    [
        (timedelta(seconds=4), "4 s"),
        (timedelta(minutes=12, seconds=3), "12 min 3 s"),
        (timedelta(hours=31, minutes=12), "31 h 12 min"),
        (timedelta(hours=48), "48 h"),
        (timedelta(days=12, hours=4), "12 days 4 h"),
        (timedelta(days=365, hours=2), "365 days"),
        (timedelta(days=3003), "8 years"),
        (-timedelta(hours=1, minutes=12), "1 h 12 min"),
    ],
)
def test_lengths_of_time(length: timedelta, said: str) -> None:
    assert times.span(length) == said


def test_the_zone_is_always_named() -> None:
    assert times.local(datetime(2018, 9, 1, 4, tzinfo=UTC)) == "Sep 1, 2018, 12:00 AM EDT"
    assert (
        times.local(datetime(2026, 11, 22, 1, 14, tzinfo=UTC), "es")
        == "21 de noviembre de 2026, 8:14 p.\N{NO-BREAK SPACE}m. EST"
    )


def test_outcomes_as_chosen() -> None:
    at = {"disposed_date": "11/21/2025", "disposed_time": "1030"}
    form = desk_forms.outcomes(Typed({**at, "charge-2-disposition": "withdrawn"}, times.CITY_ZONE))
    assert form is not None
    assert [(one.charge, one.disposition) for one in form.dispositions] == [(2, "withdrawn")]
    assert form.at == datetime(2025, 11, 21, 15, 30, tzinfo=UTC)
    for wrong, field in (
        ({}, ""),
        ({"charge-2-disposition": "guilty"}, "charge-2-disposition"),
        ({"charge-2-disposition": "convicted", "disposed_time": ""}, "disposed_time"),
    ):
        empty = Typed({**at, **wrong}, times.CITY_ZONE)
        assert desk_forms.outcomes(empty) is None
        assert [problem.field for problem in empty.problems] == [field]
    several = Typed({"charge-3-disposition": "convicted"}, times.CITY_ZONE)
    assert desk_forms.place("dispositions.0.charge", several) == "charge-3-disposition"
    assert desk_forms.place("dispositions.0.disposed_at", several) == "disposed_date"
