# SPDX-License-Identifier: Apache-2.0
"""Reasons are published: none of them may turn, hide or break what stands around it."""

from __future__ import annotations

import pytest

from tests.attacks.conftest import code
from tests.driver import Driver

HOSTILE = ("\x00", "over\x1b[2Kwritten", "the owners \u202edediced", "one\u2028two")


@pytest.mark.parametrize("reason", HOSTILE)
def test_no_reason_turns_or_hides_what_stands_around_it(drive: Driver, reason: str) -> None:
    agreement, _ = drive.agree()
    for who, path in (
        ("solicitor", f"/agreements/{agreement}/end"),
        ("police", f"/agreements/{agreement}/suspend"),
        ("police", f"/agreements/{agreement}/resume"),
        ("solicitor", f"/agreements/{agreement}/notice"),
        ("solicitor", f"/agreements/{agreement}/withdraw-notice"),
        ("solicitor", "/bars/ordinances-2026/on"),
        ("police", f"/ballot-keys/{'0' * 64}/revoke"),
    ):
        answer = drive.call(who, "POST", path, {"reason": reason})
        assert (answer.status_code, code(answer), answer.json()["field"]) == (422, "invalid", "reason"), path
    (version,) = drive.done("solicitor", "GET", f"/agreements/{agreement}")["versions"]
    assert version["state"] == "in_force"
