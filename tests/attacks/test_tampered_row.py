# SPDX-License-Identifier: Apache-2.0
"""A superuser leaves the text as it was voted on and rewrites the row about it: it grants nothing."""

from __future__ import annotations

import time
from collections.abc import Iterator

import psycopg
import pytest

from openpars.settings import load_desk
from tests.attacks.conftest import code
from tests.conftest import RunningCity
from tests.driver import Driver


@pytest.fixture
def owner(city: RunningCity) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    """Whoever owns the database."""
    with psycopg.connect(load_desk(city.data_dir).owner_dsn, autocommit=True) as conn:
        yield conn


@pytest.mark.parametrize(
    ("table", "change", "back"),
    [
        ("agreement", "recipient = 'ice'", "recipient = 'fbi'"),
        ("version", "ends = ends + interval '1 year'", "ends = ends - interval '1 year'"),
        ("version", "begins = begins - interval '1 year'", "begins = begins + interval '1 year'"),
    ],
)
def test_a_row_that_does_not_say_what_its_text_says_grants_nothing(
    drive: Driver, owner: psycopg.Connection[tuple[object, ...]], table: str, change: str, back: str
) -> None:
    agreement, purpose = drive.agree(recipient="fbi")
    _, form = drive.book()
    name = "id" if table == "agreement" else "agreement"
    owner.execute(f"UPDATE agreements.{table} SET {change} WHERE {name} = %s", (agreement,))
    try:
        for who in ("fbi", "ice"):
            # The door's copy of the register may be a second old; a minute is for a machine that is busy.
            for _ in range(600):
                answer = drive.search(who, purpose, drive.find(form))
                if answer.status_code == 403:
                    break
                time.sleep(0.1)
            assert code(answer) in {"no-agreement", "agreement-ended", "purpose-not-permitted"}, answer.text
    finally:
        owner.execute(f"UPDATE agreements.{table} SET {back} WHERE {name} = %s", (agreement,))
