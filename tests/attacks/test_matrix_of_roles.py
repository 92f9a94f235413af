# SPDX-License-Identifier: Apache-2.0
"""Every desk route with every key: only the roles that do an act may do it, and no recipient any."""

from __future__ import annotations

from typing import Any

import pytest

from tests.driver import Driver

NONE = "00000000-0000-0000-0000-000000000000"
ORDER = {"order": "2026-1", "reason": "order of court"}
ROUTES: list[tuple[str, str, Any, set[str]]] = [
    ("POST", "/desk/arrests", "booking", {"police"}),
    ("POST", "/desk/arrests/{}/charges", {"charges": [{"statute": "18 § 3929"}]}, {"police"}),
    (
        "POST",
        "/desk/arrests/{}/charging",
        {"decisions": [{"charge": 1, "decision": "approved"}]},
        {"district-attorney"},
    ),
    ("POST", "/desk/arrests/{}/complaint", {}, {"district-attorney"}),
    (
        "POST",
        "/desk/arrests/{}/disposition",
        {"dispositions": [{"charge": 1, "disposition": "convicted"}]},
        {"courts"},
    ),
    ("POST", "/desk/arrests/{}/seal", ORDER, {"records"}),
    ("POST", "/desk/arrests/{}/unseal", ORDER, {"records"}),
    ("POST", "/desk/arrests/{}/expunge", ORDER, {"records"}),
    ("GET", "/desk/queue/charging", None, {"police", "district-attorney", "courts", "records"}),
    ("GET", "/desk/arrests/{}", None, {"police", "district-attorney", "courts", "records"}),
    (
        "GET",
        "/desk/arrests/{}/history",
        None,
        {"police", "district-attorney", "courts", "records", "auditor"},
    ),
    ("POST", "/agreements/nothing-here/end", {"reason": "x"}, {"solicitor"}),
    ("POST", "/agreements/nothing-here/notice", {"reason": "x"}, {"solicitor"}),
    (
        "POST",
        "/agreements/nothing-here/suspend",
        {"reason": "x"},
        {"solicitor", "police", "district-attorney", "courts"},
    ),
    (
        "POST",
        "/agreements/nothing-here/ballots",
        {"version": 1, "question": "enact", "choice": "yes"},
        {"police", "district-attorney", "courts"},
    ),
]
STAFF = ("police", "district-attorney", "courts", "solicitor", "auditor", "records")


@pytest.mark.parametrize(("method", "path", "body", "may"), ROUTES, ids=[f"{r[0]} {r[1]}" for r in ROUTES])
def test_a_role_does_its_own_acts_and_no_other(
    drive: Driver, method: str, path: str, body: Any, may: set[str]
) -> None:
    sent = drive.booking() if body == "booking" else body
    for who in STAFF:
        answer = drive.call(who, method, path.format(NONE), sent)
        assert (answer.status_code != 403) == (who in may), (who, answer.status_code, answer.text)
    for who in ("fbi", "ice", "defender", None):
        assert drive.call(who, method, path.format(NONE), sent).status_code == 401


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/search"),
        ("GET", "/v1/records/" + "0" * 32),
        ("GET", "/v1/agreement"),
        ("POST", "/v1/subscriptions"),
        ("GET", "/v1/alerts"),
    ],
)
def test_no_desk_and_no_stranger_gets_through_the_recipients_door(
    drive: Driver, method: str, path: str
) -> None:
    for who in (*STAFF, None):
        assert drive.call(who, method, path, {} if method == "POST" else None).status_code == 401
