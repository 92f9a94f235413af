# SPDX-License-Identifier: Apache-2.0
"""Addresses with nothing at them, and refusals: a reader gets a page and a way on, a program a code."""

from __future__ import annotations

import httpx
import pytest

from tests.conftest import RunningCity
from tests.pages.browser import Browser
from tests.pages.test_pages_city import links, sound

__all__ = ["links"]
pytestmark = pytest.mark.browser


def test_a_reader_gets_a_page_and_a_program_the_closed_list(chromium: Browser, city: RunningCity) -> None:
    chromium.get(f"{city.base_url}/public/nothing-here?lang=es")
    assert "No se encontró nada" in chromium.text()
    with chromium.next_page():
        chromium.driver.find_element("css selector", "main a").click()
    assert chromium.driver.current_url == f"{city.base_url}/"
    chromium.get(f"{city.base_url}/?lang=en")
    answer = httpx.get(f"{city.base_url}/public/nothing-here", headers={"accept": "*/*"})
    assert (answer.status_code, answer.json()["type"][-9:]) == (404, "not-found")


def test_a_refusal_at_a_desk_leads_back_to_the_desk(
    chromium: Browser, city: RunningCity, links: dict[str, str]
) -> None:
    chromium.get(f"{city.base_url}/?lang=es")
    chromium.get(f"{city.base_url}/sign-in/{links['police']}")
    for path in ("/desk/letters/ice-pars/new", "/desk/agreements/nothing", "/desk/nowhere"):
        chromium.get(city.base_url + path)
        assert chromium.driver.find_element("css selector", "html").get_attribute("lang") == "en"
        with chromium.next_page():
            chromium.driver.find_element("css selector", "main a").click()
        assert chromium.driver.current_url == f"{city.base_url}/desk/police/book"
    chromium.get(f"{city.base_url}/?lang=en")
    chromium.complaints()  # the 404s above are meant
    sound(chromium)
