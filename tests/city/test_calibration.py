# SPDX-License-Identifier: Apache-2.0
"""The city against the figures it was calibrated on."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from openpars.city.check import compare
from openpars.city.generate import generate

NOW = datetime(2026, 11, 22, 1, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def figures():
    return compare(generate(arrests=20_000, now=NOW))


@pytest.mark.parametrize(
    "about", ["per day", "weekday", "filing hour", "lead charge", "bail", "people", "district", "declined"]
)
def test_every_figure_lies_within_its_tolerance(figures, about):
    mine = [figure for figure in figures if about in figure.name]
    assert mine, "nothing was compared"
    assert [figure for figure in mine if not figure.holds] == []


def test_the_comparison_can_fail():
    # A city of another kind must be found out: take every second person away.
    lives = [life for i, life in enumerate(generate(arrests=4_000, now=NOW)) if i % 2]
    assert any(not figure.holds for figure in compare(lives))
