# SPDX-License-Identifier: Apache-2.0
"""What a recipient is told when a search or a subscription is not complete: all of it, at its fields."""

from __future__ import annotations

import pytest

from tests.conftest import RunningCity
from tests.driver import Driver
from tests.pages.browser import Browser
from tests.pages.test_pages_city import links, sound

__all__ = ["links"]
pytestmark = pytest.mark.browser


def told(chromium: Browser) -> dict[str, str]:
    found = chromium.driver.find_elements("css selector", ".op-errors a")
    return {e.get_attribute("hash") or "": e.text for e in found}


def test_every_empty_part_of_a_key_is_named(
    chromium: Browser, city: RunningCity, drive: Driver, links: dict[str, str]
) -> None:
    agreement, _ = drive.agree()
    chromium.get(f"{city.base_url}/sign-in/{links['fbi']}")
    chromium.get(f"{city.base_url}/recipient?agreement={agreement}")
    chromium.fill("case_number", "CASE-2026-0001")
    chromium.submit()
    assert told(chromium) == {
        "#find-last": "Write the last name.",
        "#find-first": "Write the first name.",
        "#find-birth_date": "Write the date of birth.",
    }
    sound(chromium)


def test_an_empty_subscription_says_all_that_is_missing_and_keeps_what_was_typed(
    chromium: Browser, city: RunningCity, drive: Driver, links: dict[str, str]
) -> None:
    agreement, _ = drive.agree()
    chromium.get(f"{city.base_url}/sign-in/{links['fbi']}")
    chromium.get(f"{city.base_url}/recipient/feed?agreement={agreement}")
    names = chromium.run("return [...document.querySelectorAll('[name^=criteria-]')].map(e => e.name)")
    chromium.submit()
    assert set(told(chromium)) == {"#case_number", f"#{names[0]}"}
    assert told(chromium)[f"#{names[0]}"] == "Choose at least one thing to be told about."
    for field in chromium.driver.find_elements("css selector", "input[type=text][name^=criteria-]"):
        assert field.get_attribute("value") == ""
    sound(chromium)
    chromium.run("document.querySelector('input[type=checkbox]').click()")
    chromium.submit()
    assert set(told(chromium)) == {"#case_number"}
    assert chromium.run("return document.querySelector('input[type=checkbox]').checked") is True
