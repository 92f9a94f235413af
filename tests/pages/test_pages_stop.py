# SPDX-License-Identifier: Apache-2.0
"""Ending an agreement before its term, or suspending it, at the desk: what would stop is read first."""

from __future__ import annotations

import pytest
from selenium.webdriver.common.keys import Keys

from tests.conftest import RunningCity
from tests.driver import Driver
from tests.pages.browser import Browser
from tests.pages.test_pages_city import links, sound

__all__ = ["links"]
pytestmark = pytest.mark.browser


def press_button(chromium: Browser, form: str) -> None:
    """The button of one form, by keyboard."""
    with chromium.next_page():
        button = chromium.driver.find_element("css selector", f"form[action$='{form}'] button")
        chromium.run("arguments[0].focus()", button)
        chromium.press(Keys.ENTER)


def test_an_owner_asks_for_the_end_and_two_of_three_end_it(
    chromium: Browser, city: RunningCity, drive: Driver, links: dict[str, str]
) -> None:
    agreement, purpose = drive.agree()
    asked = {"purpose": purpose, "case_number": "CASE-SECRET", "criteria": {"charge_grade": ["F1"]}}
    drive.done("fbi", "POST", "/v1/subscriptions", asked)
    base = city.base_url
    chromium.get(f"{base}/sign-in/{links['courts']}")
    chromium.get(f"{base}/desk/agreements/{agreement}")
    chromium.follow("End or suspend it before its term")
    text = chromium.text()
    assert "0 watches and 1 subscription by criteria stop" in text
    assert "it ends if 2 of 3 say yes" in text
    assert text.index("1 subscription by criteria") < text.index("Ask the owners to end it")
    assert "End it now" not in text, "only the solicitor ends alone"
    sound(chromium)
    press_button(chromium, "/stop/ask")
    assert chromium.driver.current_url == f"{base}/desk/votes/{agreement}/1/end"
    assert "Shall this agreement end?" in chromium.text()
    chromium.get(f"{base}/desk/agreements/{agreement}/stop")
    assert "They are asked already" in chromium.text()
    assert chromium.driver.find_elements("css selector", "form[action$='/stop/ask']") == []
    sound(chromium)
    for owner in ("courts", "police"):
        chromium.get(f"{base}/sign-in/{links[owner]}")
        chromium.get(f"{base}/desk/votes/{agreement}/1/end")
        with chromium.next_page():
            chromium.driver.find_element("css selector", "button[value=yes]").click()
    chromium.get(f"{base}/public/agreements/{agreement}")
    assert "Ended" in chromium.text()
    assert "End, round 1: yes 2, no 0, abstain 0, silent 1." in chromium.text()


def test_one_owner_suspends_and_only_that_owner_lifts_it(
    chromium: Browser, city: RunningCity, drive: Driver, links: dict[str, str]
) -> None:
    agreement, _ = drive.agree()
    page = f"{city.base_url}/desk/agreements/{agreement}/stop"
    chromium.get(f"{city.base_url}/sign-in/{links['police']}")
    chromium.get(page)
    press_button(chromium, "/stop/suspend")
    wrong = chromium.driver.find_elements("css selector", ".op-errors a")
    assert [e.get_attribute("hash") for e in wrong] == ["#suspend-reason"]
    sound(chromium)
    chromium.fill("suspend-reason", "an answer is overdue")
    press_button(chromium, "/stop/suspend")
    assert "Suspended" in chromium.text()
    chromium.get(f"{city.base_url}/sign-in/{links['courts']}")
    chromium.get(page)
    assert "Police suspended it, and only they can lift it." in chromium.text()
    sound(chromium)
    chromium.get(f"{city.base_url}/sign-in/{links['police']}")
    chromium.get(page)
    chromium.fill("resume-reason", "the answer came")
    press_button(chromium, "/stop/resume")
    assert "In force" in chromium.text()


def test_the_solicitor_ends_it_now_and_nobody_else_may(
    chromium: Browser, city: RunningCity, drive: Driver, links: dict[str, str]
) -> None:
    agreement, _ = drive.agree()
    page = f"{city.base_url}/desk/agreements/{agreement}/stop"
    for role in ("auditor", "records"):
        chromium.get(f"{city.base_url}/sign-in/{links[role]}")
        chromium.get(page)
        assert "Your role does not allow this" in chromium.text()
    chromium.get(f"{city.base_url}/sign-in/{links['police']}")
    chromium.get(page)
    # the form of another role, sent by hand
    chromium.run(
        "const f = document.querySelector(\"form[action$='/stop/suspend']\");"
        "f.action = f.action.replace('suspend', 'end');"
        "f.querySelector('input').name = 'end-reason'; f.querySelector('input').value = 'ours'"
    )
    press_button(chromium, "/stop/end")
    assert "This is done by: solicitor." in chromium.text()
    assert "In force" in chromium.text()
    chromium.get(f"{city.base_url}/sign-in/{links['solicitor']}")
    chromium.get(page)
    sound(chromium)
    chromium.fill("end-reason", "the owners decided")
    press_button(chromium, "/stop/end")
    assert chromium.driver.current_url.startswith(f"{city.base_url}/public/agreements/{agreement}")
    assert "the owners decided" in chromium.text()
