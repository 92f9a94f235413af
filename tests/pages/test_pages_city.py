# SPDX-License-Identifier: Apache-2.0
"""The pages of a running city: an arrest goes from desk to desk by keyboard, and nobody else hears of it."""

from __future__ import annotations

import json
import secrets

import pytest
from selenium.webdriver.common.keys import Keys

from tests.conftest import RunningCity
from tests.driver import Driver, agreement_text, dc_number, unique
from tests.pages.browser import Browser

pytestmark = pytest.mark.browser


@pytest.fixture
def links(city: RunningCity) -> dict[str, str]:
    found = json.loads((city.data_dir / "demo-keys.json").read_text(encoding="utf-8"))["links"]
    return {**{k: v for k, v in found.items() if isinstance(v, str)}, **found["recipients"]}


def sound(chromium: Browser) -> None:
    """The page at hand is accessible, quiet under the Content-Security-Policy, and fits a phone."""
    assert chromium.violations() == []
    assert chromium.complaints() == []
    chromium.set_width(390)
    assert chromium.overflow() <= 0
    chromium.set_width(1280)


def test_an_arrest_from_desk_to_desk(chromium: Browser, city: RunningCity, links: dict[str, str]) -> None:
    base, last = city.base_url, f"Roe-{secrets.token_hex(3)}"
    chromium.set_width(1280)
    # police: the booking by keyboard alone; a markup name stays text
    chromium.get(f"{base}/sign-in/{links['police']}")
    assert chromium.driver.current_url == f"{base}/desk/police/book"
    assert chromium.run("return document.activeElement.name") == "dc_number"
    chromium.press(dc_number(), Keys.TAB, "24", Keys.TAB, Keys.TAB, Keys.TAB)
    chromium.press(
        f"{last} <svg/onload=alert(1)>", Keys.TAB, "Ana", Keys.TAB, Keys.TAB, Keys.TAB, "2/30/1990"
    )
    chromium.press(Keys.ENTER)
    chromium.until("return document.title.startsWith('Mend')")
    wrong = chromium.driver.find_elements("css selector", ".op-errors a")
    assert [e.get_attribute("hash") for e in wrong] == ["#birth_date", "#charge-1-statute"]
    assert chromium.value("last").startswith(last), "everything typed is kept"
    sound(chromium)
    chromium.fill("birth_date", "3/4/1990")
    chromium.choose("interpreter", "spa")
    chromium.fill("address", "1 Invented Street, no green card")
    chromium.fill("charge-1-statute", "2702 A1")
    chromium.fill("charge-2-statute", "18 2701 a1")
    chromium.press(Keys.ENTER)
    chromium.until("return document.querySelector('.op-errors a').hash === '#address'")
    assert chromium.value("interpreter") == "spa"
    chromium.fill("address", "1 Invented Street")
    chromium.press(Keys.ENTER)
    chromium.until("return document.title.startsWith('Booked')")
    assert f"{last} <svg/onload=alert(1)>" in chromium.text()
    assert "47 h 5" in chromium.text() or "48 h" in chromium.text()
    sound(chromium)
    # the District Attorney: approve one, decline one with its reason, file the complaint
    chromium.get(f"{base}/sign-in/{links['district-attorney']}")
    sound(chromium)
    chromium.follow(last)
    chromium.check("charge-1-decision-approved")
    chromium.check("charge-2-decision-declined")
    chromium.submit()
    assert "Say why charge 2 is declined." in chromium.text()
    chromium.fill("charge-2-reason", "Not enough evidence.")
    chromium.submit()
    assert chromium.driver.title.startswith("Complaint")
    sound(chromium)
    chromium.submit()
    assert "The complaint is filed." in chromium.text()
    sound(chromium)
    # the court: the list, the hearing, the bail
    chromium.get(f"{base}/sign-in/{links['courts']}")
    chromium.follow(last)
    chromium.fill("magistrate", "Magistrate Example")
    chromium.check("rights_given")
    chromium.check("probable_cause-yes")
    chromium.check("bail_type-monetary")
    chromium.fill("amount", "25,000")
    chromium.submit()
    assert "ability to pay" in chromium.text()
    chromium.fill("ability_to_pay", "Asked; works part time.")
    chromium.fill("percent", "10")
    chromium.submit()
    assert "The arraignment is on record." in chromium.text()
    assert "$25,000" in chromium.text()
    sound(chromium)
    # the court again: how the charge ended; the person is free by the same act
    chromium.follow("Record outcomes")
    sound(chromium)
    chromium.submit()
    assert "Choose the outcome of at least one charge." in chromium.text()
    chromium.choose("charge-1-disposition", "acquitted")
    chromium.submit()
    assert "The outcomes are on record." in chromium.text()
    assert "Acquitted" in chromium.text()
    assert "Arraigned and released" in chromium.text()
    sound(chromium)
    assert chromium.run("return document.querySelectorAll('svg[onload]').length") == 0


def test_the_lists_renew_themselves(
    chromium: Browser, city: RunningCity, drive: Driver, links: dict[str, str]
) -> None:
    chromium.get(f"{city.base_url}/sign-in/{links['district-attorney']}")
    chromium.run("window.stayed = true")
    _, form = drive.book()
    last = form["arrestee"]["name"]["last"]
    chromium.until(f"return document.body.innerText.includes({json.dumps(last)})", seconds=8)
    assert chromium.run("return window.stayed"), "without a reload"
    chromium.get(f"{city.base_url}/sign-in/{links['courts']}")
    assert last not in chromium.text()


def test_who_leaves_the_custody_list_is_told_aloud(
    chromium: Browser, city: RunningCity, drive: Driver, links: dict[str, str]
) -> None:
    arrest, form = drive.book()
    last = form["arrestee"]["name"]["last"]
    chromium.get(f"{city.base_url}/sign-in/{links['police']}")
    chromium.get(f"{city.base_url}/desk/police")
    assert last in chromium.text()
    chromium.until("return document.querySelector('#queue').getAttribute('hx-get') !== null")
    decision = {"charge": 1, "decision": "declined", "reason": "No case."}
    drive.done("district-attorney", "POST", f"/desk/arrests/{arrest}/charging", {"decisions": [decision]})
    chromium.until("return document.querySelector('.op-gone') !== null", seconds=8)
    assert f"No longer held: {last}" in chromium.driver.find_element("css selector", "#gone").text
    sound(chromium)


def test_a_recipient_sees_what_is_granted_and_then_that_it_is_over(
    chromium: Browser, city: RunningCity, drive: Driver, links: dict[str, str]
) -> None:
    agreement, purpose = unique("a"), unique("p")
    drive.enact(agreement_text(agreement, recipient="fbi", purpose=purpose))
    base = city.base_url
    chromium.get(f"{base}/sign-in/{links['fbi']}")
    chromium.get(f"{base}/recipient/feed?agreement={agreement}")
    chromium.fill("case_number", "CASE-1")
    chromium.driver.find_element("css selector", "[name=criteria-charge_grade][value=F1] + label").click()
    chromium.submit()
    chromium.until("return document.querySelector('[data-status]').innerText.startsWith('Listening')")
    _, form = drive.book()
    chromium.until("return document.querySelectorAll('.op-feed__item').length === 1")
    name = form["arrestee"]["name"]
    told = chromium.driver.find_element("css selector", ".op-feed__item").text
    assert f"{name['first']} {name['last']}" in told
    sound(chromium)
    # exactly the granted keys are offered, exactly the granted fields are shown
    chromium.get(f"{base}/recipient?agreement={agreement}")
    chromium.fill("case_number", "CASE-1")
    chromium.fill("find-last", name["last"])
    chromium.fill("find-first", name["first"])
    chromium.fill("find-birth_date", "3/4/1990")
    chromium.submit()
    record = chromium.driver.find_element("css selector", ".op-record").text
    assert name["last"] in record
    assert form["arrestee"]["ssn"] not in record
    assert "Country of birth" not in record
    receipt = chromium.run("return document.querySelector('.op-receipt pre').textContent")
    assert receipt.startswith("c2sp.org/tlog-proof@v1")
    sound(chromium)
    # the city's own desk is open in the same browser all the while
    chromium.get(f"{base}/sign-in/{links['police']}")
    assert "Police desk" in chromium.text()
    # over: a plain page, and the register says so
    drive.done("solicitor", "POST", f"/agreements/{agreement}/end", {"reason": "the owners decided"})
    chromium.get(f"{base}/recipient?agreement={agreement}")
    assert chromium.driver.find_elements("css selector", "form[action='/recipient/search']") == []
    sound(chromium)
    chromium.get(f"{base}/public/agreements/{agreement}?lang=en")
    assert "Ended" in chromium.text()
    assert "unsigned (demo)" in chromium.text()
    sound(chromium)


@pytest.mark.parametrize("language", ["en", "es"])
def test_the_public_pages_of_a_city(chromium: Browser, city: RunningCity, language: str) -> None:
    for path in ("/", "/sign-in", "/public/agreements", "/public/agreements/ice-pars", "/public/log"):
        chromium.get(f"{city.base_url}{path}?lang={language}")
        assert chromium.run("return document.documentElement.lang") == language
        sound(chromium)


def test_another_sites_form_is_not_carried_out(
    city: RunningCity, drive: Driver, links: dict[str, str]
) -> None:
    signed_in = drive.http.get(f"/sign-in/{links['police']}", follow_redirects=False)
    cookie = signed_in.headers["set-cookie"].partition(";")[0]
    assert "httponly" in signed_in.headers["set-cookie"].lower()
    headers = {
        "Cookie": cookie,
        "Origin": "https://elsewhere.example",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    answer = drive.http.post("/desk/police/book", headers=headers, content="last=Doe")
    assert answer.status_code == 403
    assert "another site" in answer.text
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")


def test_one_visitors_session_is_not_the_next_visitors(
    city: RunningCity, drive: Driver, links: dict[str, str]
) -> None:
    assert drive.http.get(f"/sign-in/{links['police']}").status_code == 303
    stranger = Driver(city.base_url, city.keys)
    assert stranger.http.get("/desk").status_code == 401
    assert stranger.http.get("/desk/queue/custody").status_code == 401


def test_a_page_without_a_session_says_where_to_sign_in(city: RunningCity, drive: Driver) -> None:
    for path in ("/desk", "/desk/police", "/desk/file/00000000-0000-0000-0000-000000000000", "/recipient"):
        answer = drive.http.get(path)
        assert answer.status_code == 401
        assert "/sign-in" in answer.text
        assert answer.headers["content-type"].startswith("text/html")
