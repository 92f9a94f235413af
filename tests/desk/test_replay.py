# SPDX-License-Identifier: Apache-2.0
"""`openpars agreement replay` over the log of a running city, by the command itself."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import RunningCity
from tests.driver import Driver, agreement_text, instant, unique

KEYS = '[["name", "birth_date"], ["docket"]]'


@dataclass
class Past:
    """An agreement that has disclosed something, and a way to judge it by another text."""

    city: RunningCity
    folder: Path
    agreement: str
    purpose: str
    people: list[str]
    since: str
    until: str

    def judge(
        self, *options: str, data_dir: Path | None = None, **terms: Any
    ) -> subprocess.CompletedProcess[str]:
        """Run the command on a text with these terms."""
        terms.setdefault("purpose", self.purpose)
        text = self.folder / f"{hash(tuple(terms.items()))}.toml"
        if not text.exists():
            # The term begins before all that happened, however long these tests take.
            whole = re.sub("(?m)^from = .*$", f"from = {self.since}", agreement_text(self.agreement, **terms))
            text.write_text(whole, encoding="utf-8")
        period = ("--from", self.since, "--to", self.until)
        where = ("--data-dir", str(data_dir or self.city.data_dir))
        command = [sys.executable, "-m", "openpars.cli", "agreement", "replay", str(text), "--json"]
        return subprocess.run([*command, *where, *period, *options], capture_output=True, text=True)

    def found(self, status: int, **terms: Any) -> dict[str, Any]:
        """What it says, which must end with this status."""
        done = self.judge(**terms)
        assert done.returncode == status, done.stdout + done.stderr
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer


def line(found: dict[str, Any], way: str = "search") -> dict[str, Any]:
    (one,) = [one for one in found["lines"] if one["way"] == way]
    return dict(one)


def reasons(found: dict[str, Any], way: str = "search") -> dict[str, tuple[int, int]]:
    return {one["reason"]: (one["disclosures"], one["people"]) for one in line(found, way)["reasons"]}


@pytest.fixture(scope="module")
def past(city: RunningCity, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Past]:
    """Three searches about two people, one by id, one for nobody, a subscription that was told something."""
    drive = Driver(city.base_url, city.keys)
    agreement, purpose = drive.agree()
    drive.done(
        "fbi",
        "POST",
        "/v1/subscriptions",
        {"purpose": purpose, "case_number": "C-001", "criteria": {"charge_grade": ["F1"]}},
    )
    first, ana = drive.book()
    _, eve = drive.book(charges=[{"statute": "18 § 3502 §§ A", "grade": "F2", "counts": 1}])
    drive.approve(first)
    (record,) = drive.records("fbi", purpose, drive.find(ana))
    drive.records("fbi", purpose, drive.find(ana))
    drive.records("fbi", purpose, drive.find(eve))
    assert not drive.records("fbi", purpose, {"docket": "MC-51-CR-0000000-2026"})
    asked = {"purpose": purpose, "case_number": "C-002"}
    drive.done("fbi", "GET", f"/v1/records/{record['id']}", params=asked)
    assert drive.search("fbi", purpose, {"birth_country": "DOM"}).status_code == 403
    assert (
        drive.call("fbi", "POST", "/v1/search", {"purpose": purpose, "find": {"docket": "x"}}).status_code
        == 422
    )
    with drive.feed("fbi") as feed:
        feed.next()
    names = [form["arrestee"]["name"]["last"] for form in (ana, eve)]
    yield Past(
        city, tmp_path_factory.mktemp("replay"), agreement, purpose, names, instant(-7200), instant(7200)
    )
    drive.leave()


def test_the_same_text_changes_nothing(past: Past) -> None:
    found = past.found(0)
    assert line(found)["disclosures"] == 5
    assert line(found)["people"] == {"shown": 2, "withheld": 0, "poorer": 0}
    assert line(found, "alert")["outcomes"]["same"] == line(found, "alert")["disclosures"] >= 2
    assert not line(found)["reasons"]
    assert not line(found)["poorer_fields"]


def test_each_reason_is_told_with_its_numbers(past: Past) -> None:
    assert reasons(past.found(1, purpose="another-purpose")) == {"purpose-not-granted": (5, 2)}
    assert reasons(past.found(1, find_by='[["docket"]]')) == {"key-not-granted": (3, 2)}
    assert reasons(past.found(1, when='charge_stage = ["approved"]')) == {"row-not-granted": (1, 1)}
    assert reasons(past.found(1, seconds=-3600)) == {"outside-term": (5, 2)}
    limits = "results_per_search = 20\nsearches_per_user_per_day = 2"
    assert reasons(past.found(1, limits=limits)) == {"limit-of-searches": (3, 2)}
    assert reasons(past.found(1, recipient="ice")) == {"other-recipient": (5, 2)}


def test_alerts_are_judged_by_what_was_subscribed_to(past: Past) -> None:
    found = past.found(1, alert_by='["district"]')
    told = reasons(found, "alert")["criteria-not-granted"]
    assert told[0] == line(found, "alert")["disclosures"]
    assert not line(found)["reasons"]


def test_a_field_less_and_a_coarser_one_are_poorer(past: Past) -> None:
    found = past.found(1, show='name = "initials", birth_date = "year", charges = "whole", bail = "whole"')
    assert line(found)["outcomes"]["poorer"] == 4
    assert {(one["field"], one["shown"], one["would_show"]) for one in line(found)["poorer_fields"]} == {
        ("name", "whole", "initials"),
        ("ssn", "last4", None),
    }
    assert line(found)["people"] == {"shown": 2, "withheld": 0, "poorer": 2}


def test_what_a_text_would_have_shown_more_is_told_and_is_no_loss(past: Past) -> None:
    found = past.found(
        0, show='name = "whole", birth_date = "whole", ssn = "last4", charges = "whole", bail = "whole"'
    )
    assert [(one["field"], one["would_show"]) for one in line(found)["richer_fields"]] == [
        ("birth_date", "whole")
    ]


def test_refusals_are_judged_as_far_as_the_log_can_say(past: Past) -> None:
    def refused(**terms: Any) -> dict[str, dict[str, int]]:
        found = past.found(0 if not terms else 1, **terms)
        return {one["code"]: one for one in found["refusals"]}

    assert refused()["key-not-permitted"]["reason-gone"] == 0
    wider = refused(find_by='[["birth_country"]]')["key-not-permitted"]
    assert wider["reason-gone"] == 1
    assert wider["recipient"] == "fbi"


def test_the_same_log_gives_the_same_bytes_and_names_nobody(past: Past) -> None:
    one, two = past.judge(), past.judge()
    assert one.stdout
    assert one.stdout == two.stdout
    for name in past.people:
        assert name.casefold() not in one.stdout.casefold()
    assert "C-00" not in one.stdout


def test_a_text_that_is_no_agreement_and_an_agreement_nobody_knows(past: Past) -> None:
    unknown = past.judge("--instead-of", unique("x"))
    assert unknown.returncode == 2
    assert "register" in json.loads(unknown.stdout)["error"]
    backwards = past.judge("--to", "2001-01-01")
    assert backwards.returncode == 2
    bad = past.judge("--from", "yesterday")
    assert bad.returncode == 2
