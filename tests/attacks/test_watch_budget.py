# SPDX-License-Identifier: Apache-2.0
"""A watch by keys answers at once with the current row. So it is a search, and counts as one."""

from __future__ import annotations

from typing import Any

from tests.attacks.conftest import code
from tests.driver import Driver


def watch(drive: Driver, purpose: str, form: dict[str, Any]) -> Any:
    return drive.call(
        "fbi",
        "POST",
        "/v1/subscriptions",
        {"purpose": purpose, "case_number": "CASE-1", "find": drive.find(form)},
    )


def test_watches_do_not_get_around_the_limit_of_searches(drive: Driver) -> None:
    _, purpose = drive.agree(limits="results_per_search = 20\nsearches_per_user_per_day = 3")
    forms = [drive.book()[1] for _ in range(6)]
    answers = [watch(drive, purpose, form) for form in forms]
    assert [answer.status_code for answer in answers] == [201] * 3 + [429] * 3
    assert code(answers[-1]) == "limit-reached"
    assert drive.search("fbi", purpose, drive.find(forms[0])).status_code == 429


def test_a_subscription_leaves_a_leaf(drive: Driver) -> None:
    """Who asked to be told of what is in the log from the moment it was granted."""
    _, purpose = drive.agree()
    before = int(drive.http.get("/log/checkpoint").text.splitlines()[1])
    drive.done(
        "fbi",
        "POST",
        "/v1/subscriptions",
        {"purpose": purpose, "case_number": "CASE-1", "criteria": {"district": ["99"]}},
    )
    assert int(drive.http.get("/log/checkpoint").text.splitlines()[1]) > before
