# SPDX-License-Identifier: Apache-2.0
"""Letters in hostile hands: markup in their text, readers they are not for, acts by the wrong role."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pypdf
import pytest

from tests.attacks.conftest import code
from tests.driver import Driver

HOSTILE = (
    '#read("/etc/passwd")',
    '#import "@preview/example:0.1.0": *',
    '#include "/etc/hostname"',
    "= Not a heading\n*not bold* _nor this_ `nor code` $ x^2 $",
    ']] #panic() [[ {{ }} \\ "; drop',
    "<label> @label #sys.inputs.data",
    "https://example.org/#fragment // not a comment /* nor this */",
)
MARKUP = "\n\n".join(HOSTILE)


def later(days: int = 20) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).date().isoformat()


def write(drive: Driver, agreement: str, **more: Any) -> dict[str, Any]:
    body = {"kind": "inquiry", "text": "Why?", "deadline": later(), **more}
    made: dict[str, Any] = drive.done("solicitor", "POST", f"/agreements/{agreement}/letters", body)
    return made


def served(drive: Driver, agreement: str, number: int) -> None:
    body = {"how": "email", "proof": "PROOF-7"}
    drive.done("solicitor", "POST", f"/agreements/{agreement}/letters/{number}/serve", body)


def test_markup_in_a_letter_stays_text_in_every_place(drive: Driver) -> None:
    agreement, _ = drive.agree()
    made = write(drive, agreement, text=MARKUP, to=HOSTILE[0])
    path = f"/agreements/{agreement}/letters/{made['number']}"
    body = {"how": "post", "proof": MARKUP}
    drive.done("solicitor", "POST", f"{path}/serve", body)
    drive.done("solicitor", "POST", f"{path}/reply", {"who": HOSTILE[1], "summary": MARKUP})
    for place in (f"{path}.pdf", f"/agreements/{agreement}/correspondence.pdf"):
        answer = drive.call("solicitor", "GET", place)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "application/pdf")
        pages = pypdf.PdfReader(io.BytesIO(answer.content)).pages
        said = "".join("".join(page.extract_text() for page in pages).split())
        assert "root:x:0" not in said
        for one in HOSTILE:
            assert "".join(one.split()) in said, "what was typed is what is printed"


def test_what_was_not_served_is_nobodys_business(drive: Driver) -> None:
    agreement, _ = drive.agree(recipient="fbi")
    made = write(drive, agreement, text="SECRET-DRAFT")
    path = f"/agreements/{agreement}/letters"
    number = made["number"]
    for who in ("fbi", "ice", "defender"):  # a recipient's key is no key here, whoever the letter is for
        for place in (
            path,
            f"{path}/{number}",
            f"{path}/{number}.pdf",
            f"/agreements/{agreement}/correspondence.pdf",
        ):
            assert drive.call(who, "GET", place).status_code == 401
    assert drive.call(None, "GET", path).json()["letters"] == []
    assert drive.call(None, "GET", f"{path}/{number}").status_code == 404
    assert drive.call(None, "GET", f"{path}/{number}.pdf").status_code == 404
    assert drive.call(None, "GET", f"/agreements/{agreement}/correspondence.pdf").status_code == 401
    whole = drive.call(None, "GET", f"/agreements/{agreement}").text
    assert "letter_drafted" not in whole
    served(drive, agreement, number)
    (fact,) = drive.call(None, "GET", path).json()["letters"]
    assert (fact["kind"], fact["standing"], fact["public"]) == ("inquiry", "served", False)
    for text in (
        drive.call(None, "GET", path).text,
        drive.call(None, "GET", f"/agreements/{agreement}").text,
    ):
        assert "SECRET-DRAFT" not in text
        assert "PROOF-7" not in text
    for place in (f"{path}/{number}", f"{path}/{number}.pdf"):
        assert drive.call(None, "GET", place).status_code == 404
        assert code(drive.call(None, "GET", place)) == code(drive.call(None, "GET", f"{path}/999"))
        assert drive.call("records", "GET", place).status_code == 403
    drive.done("solicitor", "POST", f"{path}/{number}/publish", {})
    assert "SECRET-DRAFT" in drive.call(None, "GET", f"{path}/{number}").text
    assert "PROOF-7" not in drive.call(None, "GET", f"{path}/{number}").text
    assert drive.call(None, "GET", f"{path}/{number}.pdf").status_code == 200
    assert drive.call("fbi", "GET", f"{path}/{number}").status_code == 401


def test_only_the_solicitor_writes_and_the_owners_and_the_auditor_read(drive: Driver) -> None:
    agreement, _ = drive.agree()
    number = write(drive, agreement)["number"]
    path = f"/agreements/{agreement}/letters"
    acts: list[tuple[str, dict[str, str]]] = [
        (path, {"kind": "inquiry", "text": "x", "deadline": later()}),
        (f"{path}/{number}/serve", {"how": "email", "proof": "x"}),
        (f"{path}/{number}/reply", {"who": "x", "summary": "x"}),
        (f"{path}/{number}/discard", {}),
        (f"{path}/{number}/publish", {}),
    ]
    for place, body in acts:
        for who in ("police", "district-attorney", "courts", "auditor", "records"):
            assert drive.call(who, "POST", place, body).status_code == 403
        for outsider in ("fbi", None):
            assert drive.call(outsider, "POST", place, body).status_code == 401
    for reader in ("police", "district-attorney", "courts", "solicitor", "auditor"):
        assert drive.call(reader, "GET", f"{path}/{number}").json()["content"]["letter"] == number


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"kind": "threat"}, "kind"),
        ({"text": None}, "text"),
        ({"text": "漢"}, "text"),
        ({"text": "a\u202eb"}, "text"),
        ({"deadline": "2027-02-30"}, "deadline"),
        ({"deadline": "2020-01-01"}, "deadline"),
        ({"clause": "no-such"}, "clause"),
        ({"agreement": "other"}, "agreement"),
    ],
)
def test_a_wrong_letter_leaves_nothing(drive: Driver, change: dict[str, Any], field: str) -> None:
    agreement, _ = drive.agree()
    body = {"kind": "inquiry", "text": "Why?", "deadline": later(), **change}
    answer = drive.call("solicitor", "POST", f"/agreements/{agreement}/letters", body)
    assert (answer.status_code, answer.json().get("field")) == (422, field)
    assert drive.done("solicitor", "GET", f"/agreements/{agreement}/letters")["letters"] == []


@pytest.mark.parametrize("number", ["0", "-1", "1e3", "²", "99999999999", "1/../2", "x"])
def test_a_number_that_is_none_finds_nothing(drive: Driver, number: str) -> None:
    agreement, _ = drive.agree()
    assert drive.call("solicitor", "GET", f"/agreements/{agreement}/letters/{number}").status_code == 404
