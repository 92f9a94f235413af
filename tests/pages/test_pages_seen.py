# SPDX-License-Identifier: Apache-2.0
"""What could be seen on a day: the page, and who gets what from it."""

from __future__ import annotations

import json
import os
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx
import psycopg
import pytest

from openpars.settings import load_desk
from tests.conftest import RunningCity
from tests.driver import Driver
from tests.pages.browser import Browser
from tests.pages.test_pages_city import sound

ZONE = ZoneInfo("America/New_York")
ADDRESS = "/desk/seen"


def day(days: int = 0) -> str:
    """A day as people type it."""
    return (datetime.now(ZONE) + timedelta(days=days)).strftime("%m/%d/%Y")


@pytest.fixture
def links(city: RunningCity) -> dict[str, str]:
    found = json.loads((city.data_dir / "demo-keys.json").read_text(encoding="utf-8"))["links"]
    return {k: v for k, v in found.items() if isinstance(v, str)}


def page(city: RunningCity, links: dict[str, str], role: str, **query: str) -> httpx.Response:
    with httpx.Client(base_url=city.base_url, timeout=60, follow_redirects=True) as client:
        client.get(f"/sign-in/{links[role]}")
        return client.get(ADDRESS, params=query)


def kept(chromium: Browser, name: str) -> None:
    """A picture of the page for whoever looks at it, where `OPENPARS_SHOTS` names a folder."""
    folder = os.environ.get("OPENPARS_SHOTS")
    if folder:
        for width in (1280, 390):
            chromium.set_width(width)
            chromium.whole_page(Path(folder, f"{name}-{width}.png"))
        chromium.set_width(1280)


@pytest.mark.browser
def test_the_auditor_asks_by_keyboard(
    chromium: Browser, city: RunningCity, links: dict[str, str], drive: Driver
) -> None:
    arrest, form = drive.book()
    drive.approve(arrest)
    chromium.get(f"{city.base_url}/sign-in/{links['auditor']}")
    chromium.get(city.base_url + ADDRESS)
    assert "Choose an agreement and a day" in chromium.text()
    sound(chromium)
    chromium.fill("day", "32/32/2026")
    chromium.submit()
    assert [
        e.get_attribute("hash") for e in chromium.driver.find_elements("css selector", ".op-errors a")
    ] == [
        "#day",
        "#agreement",
    ]
    sound(chromium)
    chromium.choose("agreement", "ice-felony-warrant")
    chromium.fill("day", day())
    chromium.submit()
    said = chromium.text()
    assert "felony-warrant" in said
    assert "within reach" in said
    assert "This role sees numbers" in said
    assert form["arrestee"]["name"]["last"] not in chromium.driver.page_source
    sound(chromium)
    kept(chromium, "seen-auditor")
    chromium.get(f"{city.base_url}{ADDRESS}?agreement=ice-felony-warrant&day={day(-800)}")
    assert "Nothing could be seen" in chromium.text()
    sound(chromium)
    chromium.get(f"{city.base_url}/sign-in/{links['police']}")
    chromium.get(f"{city.base_url}{ADDRESS}?agreement=ice-felony-warrant&day={day()}")
    chromium.driver.find_element("css selector", "summary").click()
    sound(chromium)
    kept(chromium, "seen-police")


def test_history_is_asked_for_like_the_present(city: RunningCity, links: dict[str, str]) -> None:
    answer = page(city, links, "auditor", agreement="ice-pars", day="3/3/2009")
    assert answer.status_code == 200
    assert "version 1" in answer.text
    assert "immigration-enforcement" in answer.text


def test_who_sees_what(city: RunningCity, links: dict[str, str], drive: Driver) -> None:
    agreement, _ = drive.agree(show='name = "whole", ssn = "whole"', find_by='[["ssn"]]', alert_by="[]")
    _, form = drive.book()
    number = form["arrestee"]["ssn"]
    asked = {"agreement": agreement, "day": day()}
    # the auditor and the solicitor: numbers and nobody
    for role in ("auditor", "solicitor"):
        answer = page(city, links, role, **asked)
        assert answer.status_code == 200
        assert "within reach" in answer.text
        assert "op-seen__examples" not in answer.text
    # owners: five rows, and of them no more than their desk shows
    police, attorney = (page(city, links, role, **asked).text for role in ("police", "district-attorney"))
    assert police.count("Social Security number</dt>") > 0
    assert attorney.count("<dt>name</dt>") == police.count("<dt>name</dt>") > 0
    assert "Social Security number</dt>" not in attorney
    assert police.count("<dt>name</dt>") <= 5
    # nobody else: not the records officer, not a recipient's key, not the public
    assert page(city, links, "records", **asked).status_code == 403
    with httpx.Client(base_url=city.base_url) as client:
        assert client.get(ADDRESS, params=asked).status_code in {302, 303, 401, 403}
        headers = {"Authorization": f"Bearer {drive.key('fbi')}"}
        refused = client.get(ADDRESS, params=asked, headers=headers)
        assert refused.status_code in {401, 403}
        assert number not in refused.text
    public = drive.call(None, "GET", f"/public/agreements/{agreement}").text
    assert form["arrestee"]["name"]["last"] not in public


def noted(city: RunningCity) -> int:
    """How many such look-ups the acts log holds, or is about to."""
    count = (
        "SELECT (SELECT count(*) FROM log.pending WHERE public = convert_to('{\"act\":\"seen\"}', 'UTF8')) +"
        " (SELECT count(*) FROM log.entry WHERE tree = 'acts'"
        ' AND position(convert_to(\'"public":{"act":"seen"}\', \'UTF8\') IN leaf) > 0)'
    )
    with psycopg.connect(load_desk(city.data_dir).desk_dsn) as conn:
        row = conn.execute(count).fetchone()
    assert row is not None
    return int(row[0])


def test_asking_is_noted(city: RunningCity, links: dict[str, str]) -> None:
    before = noted(city)
    page(city, links, "auditor", agreement="ice-felony-warrant", day=day())
    assert noted(city) == before + 1
