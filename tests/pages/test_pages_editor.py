# SPDX-License-Identifier: Apache-2.0
"""The editor of agreements: what it shows, by keyboard alone, without JavaScript, and what it must not do."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from selenium.webdriver.common.keys import Keys

from openpars.agreements.check import check
from openpars.city import agreed
from openpars.web.pace import Pace
from openpars.web.pages.editor_views import TEXT_LIMIT, Checked, checked
from openpars.web.pages.words import LANGUAGES, Words
from tests.conftest import RunningCity
from tests.driver import agreement_text, unique
from tests.pages.browser import Browser

NOW = datetime(2026, 11, 26, 15, tzinfo=UTC)
FELONY = agreed.text("ice-felony-warrant")
EVIL = "<img src=x onerror=alert(1)><script>alert(2)</script>"


def seen(answer: Checked) -> dict[str, list[bool]]:
    """By file, whether each of its persons shows anything."""
    return {one.id: [not person.why for person in one.persons] for one in answer.seen}


# ---------------------------------------------------------------------- the values


def test_the_five_files_through_the_felony_warrant() -> None:
    answer = checked({"text": FELONY}, NOW, Words("en"))
    assert answer.fine
    assert seen(answer) == {
        "felony": [True],
        "misdemeanor": [False],
        "juvenile": [False],
        "sealed": [False],
        "born-abroad": [True, False, False],
    }
    person = answer.seen[0].persons[0]
    facts = {fact.term: fact.value for fact in person.facts}
    assert facts["Date of birth"] == "1992"
    assert facts["Social Security number"] == "ends in 3456"
    assert not any("country" in term.lower() for term in facts)
    assert person.charges == ("Aggravated Assault, F1, approved",)
    assert person.find_by == ("name + date of birth", "state identification number", "docket number")


def test_a_time_before_the_end_and_the_first_instant_after_it() -> None:
    inside = checked({"text": FELONY, "day": "2027-08-31", "clock": "23:59"}, NOW, Words("en"))
    assert inside.fits
    assert seen(inside)["felony"] == [True]
    over = checked({"text": FELONY, "day": "2027-09-01", "clock": "00:00"}, NOW, Words("en"))
    assert {why.because for one in over.seen for p in one.persons for why in p.why} == {"over", "seal"}


@pytest.mark.parametrize(
    ("day", "clock"),
    [
        ("2026-13-45", "00:00"),
        ("yesterday", ""),
        ("", "25:00"),
        ("9999-12-31", "23:59"),
        ("2026-11-26", "12:00Z"),
    ],
)
def test_a_time_that_cannot_be_read_is_said_and_another_is_taken(day: str, clock: str) -> None:
    answer = checked({"text": FELONY, "day": day, "clock": clock}, NOW, Words("en"))
    assert not answer.fits
    assert answer.at == NOW


def test_the_text_of_2008_shows_victims_until_the_shield() -> None:
    text = agreed.text("ice-pars-2008")
    before = checked({"text": text, "day": "2010-07-15", "clock": "23:59"}, NOW, Words("en"))
    after = checked({"text": text, "day": "2010-07-16", "clock": "00:00"}, NOW, Words("en"))
    assert seen(before)["born-abroad"] == [True, True, True]
    assert seen(after)["born-abroad"] == [True, False, False]
    assert after.seen[-1].persons[1].why[0].because == "bar"


def test_faults_have_their_line_and_the_nearest_word() -> None:
    answer = checked({"text": FELONY.replace("show = { name", "show = { nmae")}, NOW, Words("en"))
    assert not answer.fine
    assert not answer.readable
    line = next(n for n, one in enumerate(FELONY.split("\n"), start=1) if one.startswith("show"))
    assert [(f.line, f.suggestion) for f in answer.faults] == [(line, "name")]


def test_windows_line_ends_make_no_other_agreement() -> None:
    typed = checked({"text": FELONY.replace("\n", "\r\n")}, NOW, Words("en"))
    assert typed.hash == checked({"text": FELONY}, NOW, Words("en")).hash


@pytest.mark.parametrize(
    "text", ["", "   \n", "x" * (TEXT_LIMIT + 1), "\x00", "\udc80", "a" + ".a" * 3000 + " = 1"]
)
def test_what_is_no_text_shows_nothing(text: str) -> None:
    answer = checked({"text": text}, NOW, Words("en"))
    assert not answer.fine
    assert answer.seen == ()


def test_a_text_past_the_limit_is_not_read_at_all() -> None:
    """Of short lines: it is the size that is refused, before a line is looked at."""
    allowed = checked({"text": "#\n" * (TEXT_LIMIT // 2)}, NOW, Words("en"))
    refused = checked({"text": "#\n" * (TEXT_LIMIT // 2) + "#"}, NOW, Words("en"))
    assert not any("longer than" in one.message for one in allowed.faults)
    assert ["longer than 32 KiB" in one.message for one in refused.faults] == [True]
    assert refused.text == ""


def test_a_line_of_many_dots_is_refused_before_it_is_read() -> None:
    """A dotted key costs the square of its length: 32 KiB of it took six seconds."""
    assert "longer than" in check("a" + ".a" * 15_000 + " = 1").faults[0].message


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_reason_and_file_has_its_words(lang: str) -> None:
    words = Words(lang)
    answer = checked({"text": FELONY}, NOW, words)
    for one in answer.seen:
        assert words(f"example.{one.id}")
    for because in ("seal", "not-yet", "over", "purpose", "role", "condition", "together", "bar"):
        assert words(f"because.{because}")


def test_what_was_spent_is_paid_for_by_a_pause() -> None:
    pace = Pace(share=0.2, burst=2.0)
    assert pace.may(100.0)
    pace.spend(3.0)
    assert not pace.may(100.0)
    assert not pace.may(104.9)
    assert pace.may(105.1)
    pace.spend(0.0)
    assert pace.may(10_000.0)
    pace.spend(2.5)
    assert not pace.may(10_000.0), "no more than the burst is saved up"


# ---------------------------------------------------------------------- over HTTP, as an attacker


def post(city: RunningCity, path: str, key: str | None = None, **fields: str) -> httpx.Response:
    headers = {"authorization": f"Bearer {key}"} if key else {}
    return httpx.post(city.base_url + path, data=fields, headers=headers, timeout=30)


def test_markup_in_strings_stays_text(city: RunningCity) -> None:
    text = FELONY.replace("Felony warrants:", EVIL).replace('silence = "lapse"', f"silence = '{EVIL}'")
    for path in ("/public/editor", "/public/editor/checked"):
        for sent in (text, FELONY.replace("Felony warrants:", EVIL), f"</textarea>{EVIL}", f'"{EVIL}" = 1'):
            answer = post(city, path, text=sent, purpose=EVIL, day=EVIL, clock=EVIL)
            assert answer.status_code == 200
            assert "<img" not in answer.text
            assert "<script>" not in answer.text
            assert "script-src 'self'" in answer.headers["content-security-policy"]


def test_a_megabyte_is_refused_and_the_page_goes_on(city: RunningCity) -> None:
    assert post(city, "/public/editor/checked", text="#" * 1_000_000).status_code == 422
    long = post(city, "/public/editor/checked", text=("x" * 60 + "\n") * (TEXT_LIMIT // 60))
    assert long.status_code == 200
    assert "longer than 32 KiB" in long.text
    assert post(city, "/public/editor", text=FELONY).status_code == 200


def versions(city: RunningCity) -> list[tuple[str, int]]:
    found = httpx.get(city.base_url + "/agreements").json()["agreements"]
    return [(one["id"], one["version"]) for one in found]


@pytest.mark.parametrize(
    "who", ["police", "district-attorney", "courts", "auditor", "records", "ice", "nobody"]
)
def test_only_the_solicitor_proposes(city: RunningCity, who: str) -> None:
    before = versions(city)
    key = {**city.keys, **city.keys["recipients"]}.get(who)
    text = agreement_text(unique("editor-"), purpose="test-use")
    for path in ("/desk/editor/propose", "/desk/editor", "/desk/editor/checked"):
        assert post(city, path, key, text=text).status_code in {401, 403}
    assert post(city, "/public/editor/propose", key, text=text).status_code in {404, 422}
    assert versions(city) == before


def test_another_site_cannot_propose_with_the_solicitors_session(city: RunningCity) -> None:
    links = json.loads((city.data_dir / "demo-keys.json").read_text(encoding="utf-8"))["links"]
    with httpx.Client(base_url=city.base_url, follow_redirects=False) as client:
        client.get(f"/sign-in/{links['solicitor']}")
        text = agreement_text(unique("editor-"), purpose="test-use")
        before = versions(city)
        answer = client.post(
            "/desk/editor/propose", data={"text": text}, headers={"origin": "https://evil.example"}
        )
        assert answer.status_code == 403
        assert versions(city) == before


def test_checking_stores_nothing_and_proposing_does(city: RunningCity) -> None:
    """The word is looked for in every byte of the city's directory: tables, write-ahead log, outputs."""
    word = unique("kept")
    text = agreement_text(unique("editor-"), purpose="test-use").replace(
        "18 Pa.C.S. ch. 91", f"18 Pa.C.S. ch. 91 {word}"
    )
    post(city, "/public/editor", text=text, purpose=word, day=word)
    post(city, "/public/editor/checked", text=text)
    post(city, "/desk/editor", city.keys["solicitor"], text=text)
    post(city, "/desk/editor/checked", city.keys["solicitor"], text=text)
    post(city, "/desk/editor/propose", city.keys["police"], text=text)
    assert not holds(city.data_dir, word)
    made = post(city, "/desk/editor/propose", city.keys["solicitor"], text=text)
    assert made.status_code == 303
    assert re.fullmatch(r"/public/agreements/editor-[a-z]+\?version=1", made.headers["location"])
    assert holds(city.data_dir, word), "the search finds what is there"


def holds(folder: Path, word: str) -> bool:
    """Whether any file below the folder holds the word."""
    sought = word.encode()
    for path in folder.rglob("*"):
        if path.is_file():
            try:
                if sought in path.read_bytes():
                    return True
            except FileNotFoundError:
                continue
    return False


def test_what_may_not_be_enacted_is_not_proposed_and_stays_typed(city: RunningCity) -> None:
    before = versions(city)
    text = agreement_text(unique("editor-"), purpose="test-use", find_by='[["name"]]')
    answer = post(city, "/desk/editor/propose", city.keys["solicitor"], text=text)
    assert answer.status_code == 422
    assert "Not proposed." in answer.text
    assert "find_by = [[&#34;name&#34;]]" in answer.text
    assert versions(city) == before


def test_a_text_of_the_register_can_be_begun_with(city: RunningCity) -> None:
    page = httpx.get(city.base_url + "/public/editor", params={"from": "ice-pars/2"}).text
    assert "with the shield of 2010 (reconstruction)" in page
    for wrong in ("../../secrets/desk.json", "ice-pars/9", "ice-pars/-1", "nobody/1", "/", EVIL):
        answer = httpx.get(city.base_url + "/public/editor", params={"from": wrong})
        assert answer.status_code == 200
        assert "[agreement]" not in answer.text
        assert "<img" not in answer.text


# ---------------------------------------------------------------------- in a browser


@pytest.mark.browser
def test_typing_shows_what_it_means_and_the_keyboard_finds_the_line(
    chromium: Browser, city: RunningCity
) -> None:
    chromium.set_width(1280)
    chromium.get(f"{city.base_url}/public/editor?from=ice-felony-warrant")
    assert "Fit to be proposed." in chromium.text()
    line = next(n for n, one in enumerate(FELONY.split("\n"), start=1) if one.startswith("silence"))
    # The caret goes behind `lapse` and a letter is typed there, as a person would.
    chromium.run(
        "const t = document.getElementById('text'); const at = t.value.indexOf('lapse\"') + 5;"
        "t.focus(); t.setSelectionRange(at, at);"
    )
    chromium.press("d")
    chromium.until("return document.body.innerText.includes('Did you mean lapse?')")
    assert chromium.run("return document.activeElement.id") == "text", "typing is not interrupted"
    # Tab leaves the text; the next links are reached and followed by keys alone.
    for _ in range(6):
        chromium.press(Keys.TAB)
        if chromium.run("return document.activeElement.dataset.line"):
            break
    assert chromium.run("return document.activeElement.dataset.line") == str(line)
    chromium.press(Keys.ENTER)
    marked = chromium.run(
        "const t = document.activeElement; return t.value.slice(t.selectionStart, t.selectionEnd)"
    )
    assert marked == 'silence = "lapsed"'
    chromium.press(Keys.END, Keys.ARROW_LEFT, Keys.BACKSPACE)
    chromium.until("return document.body.innerText.includes('Fit to be proposed.')")
    # Another day: nothing is there any more.
    chromium.run(
        "const d = document.getElementById('day'); d.value = '2027-09-01';"
        "d.dispatchEvent(new Event('change', {bubbles: true}));"
    )
    chromium.until("return document.body.innerText.includes('the agreement is over')")
    assert chromium.complaints() == []
    assert chromium.violations() == []


@pytest.mark.browser
def test_the_solicitor_proposes_from_the_editor(chromium: Browser, city: RunningCity) -> None:
    links = json.loads((city.data_dir / "demo-keys.json").read_text(encoding="utf-8"))["links"]
    chromium.set_width(1280)
    chromium.get(f"{city.base_url}/sign-in/{links['solicitor']}")
    chromium.follow("Write an agreement")
    assert chromium.violations() == []
    name = unique("editor-")
    chromium.run(
        "document.getElementById('text').value = arguments[0]", agreement_text(name, purpose="test-use")
    )
    with chromium.next_page():
        chromium.driver.find_element("css selector", "[formaction$='/propose']").click()
    assert chromium.driver.current_url.endswith(f"/public/agreements/{name}?version=1")
    assert "Proposed" in chromium.text()
