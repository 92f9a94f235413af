# SPDX-License-Identifier: Apache-2.0
"""The owners' and the solicitor's pages of a running city: ends, notice, what stops, letters."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.conftest import RunningCity
from tests.driver import Driver
from tests.pages.browser import Browser
from tests.pages.test_pages_city import links, sound

pytestmark = pytest.mark.browser

__all__ = ["links"]

MARKUP = '<svg/onload=alert(1)> #read("/etc/passwd")'


def later(days: int) -> str:
    return f"{datetime.now(UTC) + timedelta(days=days):%m/%d/%Y}"


def test_a_letter_from_draft_to_answer(
    chromium: Browser, city: RunningCity, drive: Driver, links: dict[str, str]
) -> None:
    agreement, purpose = drive.agree()
    asked = {"purpose": purpose, "case_number": "CASE-SECRET", "criteria": {"charge_grade": ["F1"]}}
    drive.done("fbi", "POST", "/v1/subscriptions", asked)
    chromium.set_width(1280)
    base = city.base_url
    chromium.get(f"{base}/sign-in/{links['solicitor']}")
    assert chromium.driver.current_url == f"{base}/desk/agreements"
    assert agreement in chromium.text()
    assert "To let it end: nothing needs to be done." in chromium.text()
    sound(chromium)
    chromium.get(f"{base}/desk/letters")
    sound(chromium)
    chromium.get(f"{base}/desk/agreements/{agreement}")
    assert "No letter was written to this recipient." in chromium.text()
    chromium.driver.find_element("css selector", "details.op-more summary").click()
    assert "CASE-SECRET" in chromium.text()
    sound(chromium)
    chromium.follow("Write a letter")
    chromium.fill("text", MARKUP)
    chromium.fill("deadline", "2/30/2027")
    chromium.submit()
    assert chromium.value("text") == MARKUP, "everything typed is kept"
    wrong = chromium.driver.find_elements("css selector", ".op-errors a")
    assert [e.get_attribute("hash") for e in wrong] == ["#deadline"]
    sound(chromium)
    chromium.fill("deadline", later(20))
    chromium.choose("clause", "limits")
    chromium.submit()
    assert MARKUP in chromium.text()
    assert chromium.run("return document.querySelectorAll('svg[onload]').length") == 0
    sound(chromium)
    chromium.submit()
    assert "Choose how it was served." in chromium.text()
    chromium.choose("how", "email")
    chromium.fill("proof", "read receipt 7")
    chromium.submit()
    assert "Served" in chromium.text()
    sound(chromium)
    chromium.fill("who", "Field Director")
    chromium.fill("summary", "No breach, no examples.")
    chromium.submit()
    assert "No breach, no examples." in chromium.text()
    sound(chromium)
    # an owner reads it and writes nothing; the public learns that it was served, not what it says
    chromium.get(f"{base}/sign-in/{links['courts']}")
    chromium.get(f"{base}/desk/letters/{agreement}/1")
    assert MARKUP in chromium.text()
    assert chromium.driver.find_elements("css selector", "main form") == []
    chromium.get(f"{base}/public/agreements/{agreement}")
    assert MARKUP not in chromium.text()
    assert "read receipt 7" not in chromium.text()
    assert "CASE-SECRET" not in chromium.driver.page_source


def test_notice_by_the_solicitor(
    chromium: Browser, city: RunningCity, drive: Driver, links: dict[str, str]
) -> None:
    agreement, _ = drive.agree(seconds=86_400 * 200)
    base = city.base_url
    chromium.get(f"{base}/sign-in/{links['solicitor']}")
    chromium.get(f"{base}/desk/agreements/{agreement}")
    chromium.fill("effective", later(5))
    chromium.fill("reason", "the owners decided")
    chromium.submit()
    assert "asks for 30 days of notice" in chromium.text()
    chromium.fill("effective", later(45))
    chromium.submit()
    assert "Notice was given" in chromium.text()
    assert "notice given" in chromium.text()
    sound(chromium)
    chromium.get(f"{base}/public/agreements/{agreement}")
    assert "notice" in chromium.text().lower()
    sound(chromium)
    chromium.get(f"{base}/desk/agreements/{agreement}")
    chromium.fill("reason", "they wrote back")
    chromium.submit()
    assert "Give notice of the end" in chromium.text()


def test_who_is_no_owner_sees_no_letters(
    chromium: Browser, city: RunningCity, drive: Driver, links: dict[str, str]
) -> None:
    agreement, _ = drive.agree()
    chromium.get(f"{city.base_url}/sign-in/{links['records']}")
    for path in (f"/desk/agreements/{agreement}", "/desk/letters", f"/desk/letters/{agreement}/new"):
        chromium.get(city.base_url + path)
        assert "Your role does not allow this" in chromium.text()
    chromium.get(f"{city.base_url}/sign-in/{links['auditor']}")
    chromium.get(f"{city.base_url}/desk/letters")
    assert chromium.driver.find_elements("partial link text", "Write a letter") == []
    sound(chromium)
