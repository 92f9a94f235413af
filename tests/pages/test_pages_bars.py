# SPDX-License-Identifier: Apache-2.0
"""The public page of bars: every bar with its citation and label, and every act that switched one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from openpars.web.pages.words import CATALOGUE
from tests.conftest import RunningCity
from tests.driver import Driver
from tests.pages.browser import Browser
from tests.pages.test_pages_city import sound

pytestmark = pytest.mark.browser

BAR = "protected-information-2026"
REASON = "the ordinance was read and is in force"


@pytest.fixture
def switched(drive: Driver) -> Iterator[None]:
    """The bar is on during the test."""
    for word in ("on", "off"):
        answer = drive.call("solicitor", "POST", f"/bars/{BAR}/{word}", {"reason": REASON})
        assert answer.status_code == 200, answer.text
        if word == "on":
            yield


@pytest.mark.usefixtures("switched")
@pytest.mark.parametrize("language", ["en", "es"])
def test_every_bar_is_shown_with_its_citation_and_label(
    chromium: Browser, city: RunningCity, language: str
) -> None:
    chromium.get(f"{city.base_url}/public/agreements?lang={language}")
    link = chromium.driver.find_element("css selector", "a[href='/public/bars']")
    with chromium.next_page():
        link.click()
    assert chromium.run("return document.documentElement.lang") == language
    text = chromium.text()
    bars = city_bars(city)
    for bar in bars:
        title = CATALOGUE[language][f"bar.{bar['id']}.title"]
        assert title in text
        assert (title == bar["title"]) == (language == "en")
        cited = CATALOGUE[language][f"bar.{bar['id']}.citation"]
        assert cited in text
        assert (cited == bar["citation"]) == (language == "en")
    label = {
        "en": "Introduced text seen, enacted text not seen.",
        "es": "Se vio el texto presentado, no el promulgado.",
    }
    assert text.count(label[language]) == sum(bool(b["label"]) for b in bars) == 2
    shown = chromium.driver.find_element("id", BAR).text
    assert REASON in shown
    assert ("On" if language == "en" else "Activa") in shown
    for warning in ("not in the log", "no está en el libro"):
        assert warning not in text
    sound(chromium)
    pictures = os.environ.get("OPENPARS_PICTURES")
    if pictures:
        for width in (1280, 390):
            chromium.set_width(width)
            chromium.whole_page(Path(pictures) / f"bars-{language}-{width}.png")


def city_bars(city: RunningCity) -> list[dict[str, str]]:
    return list(Driver(city.base_url, city.keys).call(None, "GET", "/bars").json()["bars"])
