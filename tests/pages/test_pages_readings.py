# SPDX-License-Identifier: Apache-2.0
"""The register says where the sources disagree about a rule, and a picture shows what follows from it."""

from __future__ import annotations

from datetime import date
from itertools import pairwise

import httpx
import pytest

from openpars.web.pages.scenario_views import Picture, scenario
from openpars.web.pages.words import LANGUAGES, Words
from tests.conftest import RunningCity

YEARS = "/public/scenario/philadelphia-2008-2018"


@pytest.mark.parametrize(("lang", "title"), [("en", "the sources disagree"), ("es", "no coinciden")])
def test_the_disputed_rule_is_shown_where_it_is_disputed(city: RunningCity, lang: str, title: str) -> None:
    pages = {
        name: httpx.get(f"{city.base_url}/public/agreements/{name}", params={"lang": lang}).text
        for name in ("ice-pars", "ice-felony-warrant")
    }
    assert title in pages["ice-pars"]
    assert YEARS in pages["ice-pars"]
    assert title not in pages["ice-felony-warrant"]


def test_the_ten_years_are_a_public_page(city: RunningCity) -> None:
    assert YEARS in httpx.get(city.base_url).text
    both = httpx.get(city.base_url + YEARS)
    assert both.status_code == 200
    assert "2,557" in both.text
    asked = httpx.get(city.base_url + YEARS, params={"shield": '2009"><svg onload=alert(1)>'})
    assert asked.status_code == 200
    assert "<svg onload" not in asked.text


def lengths(picture: Picture, basis: str) -> dict[str, tuple[date, date]]:
    lane = next(lane for lane in picture.lanes if lane.basis == basis)
    return {bar.kind: (bar.first, bar.last) for bar in lane.bars}


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_bars_are_the_times_that_the_sources_give(lang: str) -> None:
    whole, disputed = (date(2008, 9, 1), date(2018, 8, 31)), (date(2009, 9, 1), date(2010, 7, 15))
    view = scenario(None, Words(lang))
    for picture in (view.wide, view.tall):
        for basis in ("as-reported", "two-to-end", "consensus"):
            found = lengths(picture, basis)
            assert found["arrestees"] == whole
            assert found["others"] == (date(2008, 9, 1), date(2009, 8, 31))
            assert found["disputed"] == disputed
            assert "beyond" not in found
        found = lengths(picture, "two-to-continue")
        assert found["arrestees"] == (date(2008, 9, 1), date(2011, 8, 31))
        assert found["beyond"] == (date(2011, 9, 1), date(2018, 8, 31))


@pytest.mark.parametrize(("shield", "last"), [("2009", date(2009, 8, 31)), ("2010", date(2010, 7, 15))])
def test_one_reading_of_the_shield_has_nothing_disputed(shield: str, last: date) -> None:
    found = lengths(scenario(shield, Words("en")).wide, "as-reported")
    assert found["others"] == (date(2008, 9, 1), last)
    assert "disputed" not in found


def test_bars_stand_where_their_days_are_and_no_mark_covers_another() -> None:
    view = scenario(None, Words("en"))
    for picture in (view.wide, view.tall):
        years = dict(picture.years)
        for lane in picture.lanes:
            for bar in lane.bars:
                assert years[bar.first.year] <= bar.at < years[bar.first.year + 1]
                assert bar.at + bar.length <= picture.stop
        circles = [mark.circle for mark in picture.marks]
        assert all(after - before >= 23 for before, after in pairwise(circles))
        assert all(picture.start <= circle <= picture.stop for circle in circles)
