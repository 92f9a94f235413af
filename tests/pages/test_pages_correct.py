# SPDX-License-Identifier: Apache-2.0
"""Corrections at the records officer's desk: changed, reviewed, recorded, and told in the history."""

from __future__ import annotations

import pytest
from selenium.webdriver.common.keys import Keys

from tests.conftest import RunningCity
from tests.driver import Driver
from tests.pages.browser import Browser
from tests.pages.test_pages_city import links, sound

__all__ = ["links"]
pytestmark = pytest.mark.browser

EVIL = "<svg/onload=alert(1)>"


def errors(chromium: Browser) -> list[str]:
    return [
        e.get_attribute("hash") or "" for e in chromium.driver.find_elements("css selector", ".op-errors a")
    ]


def test_a_correction_is_reviewed_before_it_is_recorded_and_told_in_the_history(
    chromium: Browser, city: RunningCity, drive: Driver, links: dict[str, str]
) -> None:
    made, booked = drive.book()
    last = booked["arrestee"]["name"]["last"]
    page = f"{city.base_url}/desk/file/{made}"
    chromium.get(f"{city.base_url}/sign-in/{links['records']}")
    chromium.get(page)
    chromium.follow("Correct what is wrong")
    sound(chromium)
    # nothing changed: nothing to review
    chromium.submit()
    assert "Nothing is changed yet." in chromium.text()
    # what is wrong is told at its field, and everything typed is kept
    chromium.fill("birth_date", "2/30/1990")
    chromium.fill("last", "")
    chromium.fill("address", f"1 Invented Street {EVIL}")
    chromium.submit()
    assert errors(chromium) == ["#last", "#birth_date", "#reason"]
    assert chromium.value("address") == f"1 Invented Street {EVIL}"
    sound(chromium)
    chromium.fill("last", last)
    chromium.fill("birth_date", "3/4/1991")
    chromium.fill("birth_country", "")
    chromium.choose("charge-1-grade", "F2")
    chromium.fill("reason", "The passport says 1991.")
    chromium.press(Keys.TAB, Keys.ENTER)
    chromium.until("return document.title.startsWith('Review')")
    rows = [row.text for row in chromium.driver.find_elements("css selector", "tbody tr")]
    assert any("Date of birth" in row and "3/4/1991" in row for row in rows)
    assert any("Charge 1, grade" in row and "F2" in row for row in rows)
    assert any(EVIL in row for row in rows)
    assert any(
        "Country of birth" in row and "Dominican Republic" in row and "not recorded" in row for row in rows
    )
    assert "It becomes version 2." in chromium.text()
    sound(chromium)
    # back to the form with everything kept, then once more
    with chromium.next_page():
        chromium.driver.find_element("css selector", "button[value=edit]").click()
    assert (chromium.value("birth_date"), errors(chromium)) == ("3/4/1991", [])
    chromium.submit()
    chromium.submit()
    text = chromium.text()
    assert "The correction is on record." in text
    assert "Mar 4, 1991" in text
    assert "Reason: The passport says 1991." in text
    assert "Date of birth" in text
    assert "home address" in text
    sound(chromium)
    # what another desk sees of it
    chromium.get(f"{city.base_url}/sign-in/{links['police']}")
    chromium.get(page)
    assert "Reason: The passport says 1991." in chromium.text()
    assert chromium.driver.find_elements("partial link text", "Correct what is wrong") == []
    chromium.get(f"{page}/correct")
    assert "Your role does not allow this" in chromium.text()


def test_a_stale_review_is_refused(
    chromium: Browser, city: RunningCity, drive: Driver, links: dict[str, str]
) -> None:
    made, _ = drive.book()
    chromium.get(f"{city.base_url}/sign-in/{links['records']}")
    chromium.get(f"{city.base_url}/desk/file/{made}/correct")
    chromium.fill("district", "9")
    chromium.fill("reason", "typed wrong")
    chromium.submit()
    drive.done("records", "POST", f"/desk/arrests/{made}/correct", {"reason": "first", "district": "5"})
    chromium.submit()
    assert "Somebody changed this file since you opened it." in chromium.text()
    sound(chromium)
    history = drive.call("records", "GET", f"/desk/arrests/{made}/history").json()["versions"]
    assert [one["act"] for one in history] == ["book", "correct"]
