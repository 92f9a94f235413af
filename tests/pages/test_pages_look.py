# SPDX-License-Identifier: Apache-2.0
"""Every page with invented data in a real browser: readable by everyone, at a desk and on a phone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from selenium.webdriver.common.keys import Keys

from tests.pages.browser import Browser, serving
from tests.pages.harness.app import PAGES, app
from tests.pages.harness.invented import EVIL

pytestmark = pytest.mark.browser

ADDRESSES = [
    *PAGES,
    *(f"{path}?lang=es" for path in PAGES if path == "/" or path.startswith(("/public", "/sign-in"))),
]


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    with serving(app) as base:
        yield base


@pytest.mark.parametrize("path", ADDRESSES)
def test_a_page_is_accessible_quiet_and_fits(chromium: Browser, site: str, path: str) -> None:
    for width in (1280, 390):
        chromium.set_width(width)
        chromium.get(site + path)
        assert chromium.overflow() <= 0, f"wider than {width} px"
        assert chromium.violations() == []
        assert chromium.complaints() == []


def test_a_name_that_is_markup_is_shown_as_text(chromium: Browser, site: str) -> None:
    for path in ("/desk/charging", "/desk/file", "/desk/police/book-errors", "/recipient/found"):
        chromium.get(site + path)
        shown = chromium.run("return document.body.innerText")
        kept = [
            e.get_attribute("value") or "" for e in chromium.driver.find_elements("css selector", "input")
        ]
        assert EVIL in shown or EVIL in kept
        assert chromium.run("return document.querySelectorAll('svg[onload]').length") == 0


def test_the_feed_shows_markup_as_text(chromium: Browser, site: str) -> None:
    chromium.get(site + "/recipient/feed")
    chromium.until("return document.querySelectorAll('.op-feed__item').length >= 3")
    assert EVIL in chromium.run("return document.querySelector('#feed-list').innerText")
    assert chromium.run("return document.querySelectorAll('svg[onload]').length") == 0


def test_what_is_suspended_is_not_told_as_what_is_over(chromium: Browser, site: str) -> None:
    """The term's end is not the day of the suspension, and what was subscribed to is kept."""
    chromium.get(f"{site}/recipient/suspended")
    assert ": suspended; its term ends " in chromium.text()
    assert "subscriptions are kept" in chromium.text()
    chromium.get(f"{site}/recipient/over")
    assert ": ended, " in chromium.text()
    assert "subscriptions are gone" in chromium.text()


def test_what_to_mend_has_the_focus_and_leads_to_the_field(chromium: Browser, site: str) -> None:
    chromium.get(site + "/desk/police/book-errors")
    assert chromium.run("return document.activeElement.id") == "errors"
    chromium.press(Keys.TAB, Keys.ENTER)
    assert chromium.run("return document.activeElement.id") == "dc_number"
    described = chromium.run("return document.activeElement.getAttribute('aria-describedby')")
    assert "dc_number-error" in described.split()


def test_another_row_gets_its_own_names_and_the_focus(chromium: Browser, site: str) -> None:
    chromium.get(site + "/desk/police/book")
    chromium.driver.find_element("css selector", "[data-more=charge]").click()
    assert chromium.run("return document.activeElement.name") == "charge-3-statute"
    assert chromium.violations() == []


def test_the_statute_look_up_by_keyboard(chromium: Browser, site: str) -> None:
    chromium.get(site + "/desk/police/book")
    field = chromium.driver.find_element("css selector", "[name=charge-1-statute]")
    field.send_keys("simple as")
    chromium.until("return document.querySelectorAll('[role=option]').length == 1")
    assert field.get_attribute("aria-expanded") == "true"
    assert chromium.violations() == []
    field.send_keys(Keys.ARROW_DOWN, Keys.ENTER)
    assert field.get_attribute("value") == "18 § 2701 §§ A1"
    assert "Simple Assault" in chromium.run("return document.querySelector('[data-row]').innerText")


def test_pages_read_without_javascript(chromium: Browser, site: str) -> None:
    chromium.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        for path in ("/", "/public/agreements", "/desk/police/book", "/desk/charging/one", "/recipient"):
            chromium.driver.get(site + path)
            assert chromium.driver.find_element("css selector", "h1").is_displayed()
    finally:
        chromium.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
