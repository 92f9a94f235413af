# SPDX-License-Identifier: Apache-2.0
"""Keys shared by several processes: a destroyed one is in nobody's memory."""

from __future__ import annotations

from pathlib import Path

from openpars.log.keys import KeyStore

PERSON, OTHER = "ab" * 16, "cd" * 16


def test_a_key_destroyed_elsewhere_is_forgotten_here(tmp_path: Path) -> None:
    here, there = KeyStore(tmp_path / "keys"), KeyStore(tmp_path / "keys")
    old = here.persons("acts", [PERSON])[PERSON]
    here.period("acts", "2026-11")
    assert here.known("acts", [PERSON], "2026-11") is not None
    there.persons("acts", [OTHER])  # somebody else is booked: nothing is forgotten for that
    assert here.known("acts", [PERSON], "2026-11") is not None
    assert there.destroy([PERSON]) == 1
    assert here.known("acts", [PERSON], "2026-11") is None
    assert here.find("acts", PERSON) is None
    assert here.persons("acts", [PERSON])[PERSON].wrap != old.wrap


def test_every_destruction_is_noticed(tmp_path: Path) -> None:
    here, there = KeyStore(tmp_path / "keys"), KeyStore(tmp_path / "keys")
    here.period("acts", "2026-11")
    for number in range(5):
        person = f"{number:032x}"
        here.persons("acts", [person])
        there.destroy([person])
        assert here.known("acts", [person], "2026-11") is None
        here.period("acts", "2026-11")
