# SPDX-License-Identifier: Apache-2.0
"""The life of a disclosure: the numbered steps of `disclosure.gate`, in order, over real HTTP."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from tests.driver import Driver, instant

VERIFIER = Path(__file__).parents[2] / "verify" / "openpars_verify.py"


def code(answer: object) -> str:
    return str(answer.json()["type"]).rsplit("/", 1)[1]  # type: ignore[attr-defined]


def test_1_who_asks(drive: Driver) -> None:
    answer = drive.call(None, "POST", "/v1/search", {"purpose": "x", "find": {"docket": "y"}})
    assert (answer.status_code, code(answer)) == (401, "unauthenticated")
    assert drive.search("fbi", "felony-warrant", {"docket": "MC-51-CR-0000001-2026"}).status_code == 403


def test_2_why(drive: Driver) -> None:
    _, purpose = drive.agree()
    _, form = drive.book()
    body = {"purpose": purpose, "find": drive.find(form)}
    answer = drive.call("fbi", "POST", "/v1/search", body)
    assert (answer.status_code, code(answer)) == (422, "case-number-required")


def test_3_by_what_right(drive: Driver) -> None:
    _, purpose = drive.agree(recipient="fbi")
    _, form = drive.book()
    assert code(drive.search("fbi", "another-purpose", drive.find(form))) == "purpose-not-permitted"
    # a right is its recipient's alone
    assert drive.search("ice", purpose, drive.find(form)).status_code == 403


def test_4_within_what_limits(drive: Driver) -> None:
    _, purpose = drive.agree(limits="results_per_search = 1\nsearches_per_user_per_day = 2")
    _, form = drive.book()
    for user in ("one", "two"):
        answer = drive.call(
            "fbi",
            "POST",
            "/v1/search",
            {"purpose": purpose, "case_number": "CASE-1", "find": drive.find(form)},
            headers={"OpenPARS-User": user},
        )
        assert answer.status_code == 200
    # a new name for the user does not buy another search
    assert code(drive.search("fbi", purpose, drive.find(form))) == "limit-reached"


def test_5_to_7_read_remember_answer(drive: Driver, tmp_path: Path) -> None:
    _, purpose = drive.agree()
    _, form = drive.book()
    answer = drive.search("fbi", purpose, drive.find(form)).json()
    (record,) = answer["records"]
    assert set(record) == {"id", "name", "birth_date", "ssn", "charges"}
    assert record["ssn"] == form["arrestee"]["ssn"][-4:]
    assert len(record["id"]) == 32
    again = drive.call(
        "fbi", "GET", f"/v1/records/{record['id']}", params={"purpose": purpose, "case_number": "CASE-1"}
    )
    assert again.json()["records"] == answer["records"]
    # the receipt, checked by the program that shares no code with the server
    receipt = tmp_path / "receipt"
    receipt.write_text(answer["receipt"], encoding="utf-8")
    key = drive.call(None, "GET", "/log/key").text.strip()
    checked = subprocess.run(
        [
            sys.executable,
            "-I",
            str(VERIFIER),
            str(drive.http.base_url),
            "--key",
            key,
            "--receipt",
            str(receipt),
        ],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_an_agreement_ends_at_its_second_and_everything_stops(drive: Driver) -> None:
    begun = time.monotonic()
    agreement, purpose = drive.agree(seconds=4)
    _, form = drive.book()
    drive.done(
        "fbi",
        "POST",
        "/v1/subscriptions",
        {"purpose": purpose, "case_number": "CASE-1", "criteria": {"charge_grade": ["F1"]}},
    )
    assert len(drive.records("fbi", purpose, drive.find(form))) == 1
    with drive.feed("fbi", agreement=agreement) as feed:
        drive.book()
        assert feed.next()["type"] == "org.openpars.share.appeared"
        while (event := feed.next(6))["type"] == "org.openpars.share.appeared":
            pass  # the first booking may have been told too, if it was still on its way
        assert event["type"] == "org.openpars.agreement.ended"
        assert event["time"] <= instant(0.5)
        answer = drive.search("fbi", purpose, drive.find(form))
        assert (answer.status_code, code(answer)) == (403, "agreement-ended")
        drive.book()
        assert feed.rest(0.5) == []
    assert time.monotonic() - begun < 30
