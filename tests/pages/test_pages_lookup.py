# SPDX-License-Identifier: Apache-2.0
"""Finding one file among many: a long list made shorter, and a look-up of who is in no list any more."""

from __future__ import annotations

import json
import secrets

import httpx
import psycopg
import pytest
from selenium.webdriver.common.keys import Keys

from openpars.settings import load_desk
from tests.conftest import RunningCity
from tests.driver import Driver
from tests.pages.browser import Browser
from tests.pages.test_pages_city import sound

SHOWN = (
    "return [...document.querySelectorAll('#queue [id^=row-]')]"
    ".filter(row => row.offsetHeight).map(row => row.dataset.name)"
)
COUNT = "return document.getElementById('filter-count').textContent"


@pytest.fixture
def links(city: RunningCity) -> dict[str, str]:
    found = json.loads((city.data_dir / "demo-keys.json").read_text(encoding="utf-8"))["links"]
    return {k: v for k, v in found.items() if isinstance(v, str)}


def named(drive: Driver, last: str, district: str) -> str:
    """Somebody booked by this name in this district; their file."""
    arrest, _ = drive.book(
        arrestee={"name": {"last": last, "first": "Ana"}, "birth_date": "1990-03-04"}, district=district
    )
    return arrest


@pytest.mark.browser
def test_a_long_list_is_made_shorter_and_goes_on_renewing_itself(
    chromium: Browser, city: RunningCity, links: dict[str, str], drive: Driver
) -> None:
    mark = "q" + secrets.token_hex(3)  # a word of digits alone is looked for in DC numbers
    named(drive, f"Núñez-{mark}", "7")
    named(drive, f"Nunez-{mark}", "39")
    chromium.get(f"{city.base_url}/sign-in/{links['district-attorney']}")
    everybody = len(chromium.run(SHOWN))
    assert everybody > 2
    field = chromium.driver.find_element("id", "filter")
    field.send_keys("nunez " + mark)
    assert sorted(chromium.run(SHOWN)) == [f"Nunez-{mark}, Ana", f"Núñez-{mark}, Ana"]
    assert chromium.run(COUNT).startswith(f"2 of {everybody} shown.")
    assert chromium.run("return document.getElementById('filter-count').getAttribute('role')") == "status"
    field.send_keys(" district 07")
    assert chromium.run(SHOWN) == [f"Núñez-{mark}, Ana"]
    sound(chromium)
    # The list renews itself: who does not fit stays out of sight, who fits comes in; the typing goes on.
    named(drive, f"Other-{mark}", "7")
    named(drive, f"Nunez-{mark}-Roe", "7")
    chromium.until(f"return document.body.innerText.includes('Nunez-{mark}-Roe')", seconds=10)
    assert sorted(chromium.run(SHOWN)) == [f"Nunez-{mark}-Roe, Ana", f"Núñez-{mark}, Ana"]
    assert chromium.run("return document.activeElement.id") == "filter"
    field.send_keys("x")
    assert chromium.run(SHOWN) == []
    assert chromium.run(COUNT).startswith("None of the ")
    chromium.press(Keys.ESCAPE)
    assert len(chromium.run(SHOWN)) >= everybody
    assert chromium.run(COUNT) == ""


@pytest.mark.browser
def test_the_court_finds_who_is_in_no_list(
    chromium: Browser, city: RunningCity, links: dict[str, str], drive: Driver
) -> None:
    last = f"Roe-{secrets.token_hex(3)}"
    arrest = named(drive, last, "24")
    drive.approve(arrest)
    drive.done("district-attorney", "POST", f"/desk/arrests/{arrest}/complaint", {})
    hearing = {"magistrate": "Example", "probable_cause": True, "bail": {"type": "ror"}, "rights_given": True}
    drive.done("courts", "POST", f"/desk/arrests/{arrest}/arraignment", hearing)
    chromium.get(f"{city.base_url}/sign-in/{links['courts']}")
    assert last not in chromium.text()
    chromium.follow("Look up a file")
    sound(chromium)
    chromium.fill("number", "12 34")
    chromium.press(Keys.ENTER)
    chromium.until("return document.title.startsWith('Mend')")
    assert "Write a DC number (8 to 14 digits), an OTN" in chromium.text()
    sound(chromium)
    chromium.fill("number", "")
    chromium.fill("last", last.upper())
    chromium.press(Keys.ENTER)
    chromium.until("return document.getElementById('found') !== null")
    assert "1 file found" in chromium.text()
    assert chromium.driver.current_url.endswith("/desk/lookup"), "no name stands in an address"
    assert chromium.run("return document.activeElement.id") == "found"
    sound(chromium)
    chromium.follow(last)
    chromium.follow("Record outcomes")
    assert last in chromium.text()


def test_a_look_up_is_for_readers_and_always_noted(city: RunningCity, links: dict[str, str]) -> None:
    noted = (
        "SELECT (SELECT count(*) FROM log.pending"
        " WHERE public = convert_to('{\"act\":\"lookup\"}', 'UTF8')) +"
        " (SELECT count(*) FROM log.entry WHERE tree = 'acts'"
        ' AND position(convert_to(\'"public":{"act":"lookup"}\', \'UTF8\') IN leaf) > 0)'
    )
    dsn = load_desk(city.data_dir).desk_dsn
    with psycopg.connect(dsn) as conn, httpx.Client(base_url=city.base_url) as client:

        def count() -> int:
            row = conn.execute(noted).fetchone()
            conn.rollback()
            assert row is not None
            return int(row[0])

        def ask(role: str, **form: str) -> int:
            client.get(f"/sign-in/{links[role]}")
            headers = {"Origin": city.base_url, "Sec-Fetch-Site": "same-origin"}
            return client.post("/desk/lookup", data=form, headers=headers).status_code

        before = count()
        for role in ("auditor", "solicitor"):
            assert ask(role, last="Smith") == 403
        assert ask("courts", number="1") == 422
        assert count() == before
        assert ask("courts", last="Nobody-of-this-name") == 200
        assert count() == before + 1, "a look-up that finds nothing is noted too"


def test_what_was_entered_as_history_is_said_to_be_reported(city: RunningCity) -> None:
    english = httpx.get(f"{city.base_url}/public/agreements/ice-pars").text
    assert "No ballot has been cast" not in english
    assert "no key and no signature verifies it" in english
    assert "A ballot was cast" not in english
    spanish = httpx.get(f"{city.base_url}/public/agreements/ice-pars?lang=es").text
    assert "Nadie ha votado" not in spanish
    assert "Un voto, según las fuentes" in spanish
