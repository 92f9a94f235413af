# SPDX-License-Identifier: Apache-2.0
"""Which servers may serve recipients."""

from __future__ import annotations

import pytest

from openpars.cli.up import access
from openpars.db import floor


@pytest.mark.parametrize(
    ("version", "good"),
    [
        ((18, 6), False),
        ((18, 7), True),
        ((17, 11), False),
        ((17, 12), True),
        ((16, 15), False),
        ((16, 16), True),
        ((15, 18), False),
        ((15, 20), True),
        ((14, 24), False),
        ((14, 25), True),
        ((13, 99), False),
        ((19, 0), True),
    ],
)
def test_the_floor(version: tuple[int, int], good: bool) -> None:
    assert floor.meets(version) is good
    assert (floor.sentence(version) is None) is good


def test_a_version_number_is_read_as_postgresql_writes_it() -> None:
    assert floor.version_of(180006) == (18, 6)
    assert floor.version_of(150020) == (15, 20)


def test_below_the_floor_a_real_city_serves_no_recipient_and_says_why() -> None:
    served, why = access((18, 6), demo=False)
    assert not served
    assert why is not None
    assert "18.7" in why


def test_below_the_floor_a_demo_serves_and_warns() -> None:
    served, warning = access((18, 6), demo=True)
    assert served
    assert warning is not None


def test_at_the_floor_nothing_is_said() -> None:
    assert access((18, 7), demo=False) == (True, None)
    assert access((18, 7), demo=True) == (True, None)
