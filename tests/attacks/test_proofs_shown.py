# SPDX-License-Identifier: Apache-2.0
"""Somebody with the owner's login edits what is proved about a text: nothing shows it as proved any more."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from openpars.log.leaf import canonical
from openpars.settings import load_desk
from tests.conftest import RunningCity
from tests.driver import Driver, agreement_text

SHOWN = "Not shown: it is not what was made and logged"
PROPERTY = "no-sweep-by-origin"
SHOW = 'name = "whole", birth_date = "year", birth_country = "whole"'
SWEEP = '[["name", "birth_date", "birth_country"]]'


def owner(city: RunningCity) -> psycopg.Connection[Any]:
    return psycopg.connect(load_desk(city.data_dir).owner_dsn, autocommit=True)


@pytest.fixture(scope="module")
def proved(city: RunningCity) -> Iterator[str]:
    """An agreement of two versions, both proved; by the second people can be swept by country of birth."""
    driver = Driver(city.base_url, city.keys)
    agreement, purpose = driver.agree(show=SHOW, alert_by="[]")
    driver.enact(agreement_text(agreement, purpose=purpose, show=SHOW, find_by=SWEEP, alert_by="[]"))
    for _ in range(600):
        kept = driver.call(None, "GET", f"/agreements/{agreement}/certificates")
        if kept.status_code == 200 and {one["version"] for one in kept.json()["certificates"]} == {1, 2}:
            break
        time.sleep(0.05)
    yield agreement
    driver.leave()


def certificate(drive: Driver, agreement: str) -> dict[str, Any]:
    kept = drive.call(None, "GET", f"/agreements/{agreement}/certificates").json()["certificates"]
    (found,) = [one for one in kept if (one["version"], one["property"]) == (2, PROPERTY)]
    return dict(found)


@contextmanager
def edited(city: RunningCity, agreement: str, statements: tuple[str, ...]) -> Iterator[None]:
    """What somebody does to the tables; put right again afterwards."""
    tables = ("proof", "certificate")
    with owner(city) as conn:
        kept = {
            table: conn.execute(
                f"SELECT row_to_json(t)::text FROM agreements.{table} t WHERE agreement = %s", (agreement,)
            ).fetchall()
            for table in tables
        }
        for statement in statements:
            conn.execute(statement, {"agreement": agreement, "property": PROPERTY})
        try:
            yield
        finally:
            with conn.transaction():
                for table in reversed(tables):
                    conn.execute(f"DELETE FROM agreements.{table} WHERE agreement = %s", (agreement,))
                for table in tables:
                    for (row,) in kept[table]:
                        conn.execute(
                            f"INSERT INTO agreements.{table} OVERRIDING SYSTEM VALUE"
                            f" SELECT * FROM json_populate_record(NULL::agreements.{table}, %s)",
                            (row,),
                        )


MINE = "WHERE agreement = %(agreement)s AND version = 2"
EDITS = {
    "answer": (f"UPDATE agreements.certificate SET answer = 'unsat' {MINE} AND property = %(property)s",),
    "text": (
        f"UPDATE agreements.certificate SET text = '(assert false)' {MINE} AND property = %(property)s",
    ),
    "says": (f"UPDATE agreements.certificate SET says = 'all is well' {MINE} AND property = %(property)s",),
    "manifest": (f"UPDATE agreements.proof SET manifest = replace(manifest, 'z3', 'z4') {MINE}",),
    "attempt": (
        (
            "INSERT INTO agreements.proof SELECT agreement, version, 2, before, difference, solver,"
            f" replace(manifest, '\"attempt\":1', '\"attempt\":2'), made_at FROM agreements.proof {MINE}"
        ),
        (
            "INSERT INTO agreements.certificate"
            " (agreement, version, attempt, property, says, text, bars, catalogue, answer, solver)"
            " SELECT agreement, version, 2, property, says, text, bars, catalogue, 'unsat', solver"
            f" FROM agreements.certificate {MINE}"
        ),
    ),
}


def test_what_is_as_it_was_made_is_shown(drive: Driver, proved: str) -> None:
    found = certificate(drive, proved)
    assert (found["answer"], found["sound"]) == ("sat", True)
    assert drive.call(None, "GET", found["href"]).status_code == 200
    page = drive.call(None, "GET", f"/public/agreements/{proved}?version=2").text
    assert SHOWN not in page
    assert "so it is not shown" not in page


@pytest.mark.parametrize("edit", EDITS)
def test_an_edited_certificate_is_not_shown_as_proved(
    city: RunningCity, drive: Driver, proved: str, edit: str
) -> None:
    with edited(city, proved, EDITS[edit]):
        found = certificate(drive, proved)
        assert (found["answer"], found["sound"]) == (None, False)
        assert drive.call(None, "GET", found["href"]).status_code == 404
        assert SHOWN in drive.call(None, "GET", f"/public/agreements/{proved}?version=2").text
    assert certificate(drive, proved)["sound"]


def test_an_answer_with_a_manifest_that_fits_it_is_not_shown_as_proved(
    city: RunningCity, drive: Driver, proved: str
) -> None:
    """Whoever knows how a manifest is made can make one. He cannot make its leaf."""
    where = "WHERE agreement = %s AND version = 2"
    with owner(city) as conn:
        row = conn.execute(
            "SELECT says, encode(sha256(convert_to(text, 'UTF8')), 'hex'), bars, catalogue, answer, solver"
            f" FROM agreements.certificate {where} AND property = %s",
            (proved, PROPERTY),
        ).fetchone()
        old = conn.execute(f"SELECT manifest FROM agreements.proof {where}", (proved,)).fetchone()
    assert row is not None
    assert old is not None
    manifest = json.loads(old[0])
    assert manifest["parts"][PROPERTY] == hashlib.sha256(canonical(row)).hexdigest()
    manifest["parts"][PROPERTY] = hashlib.sha256(canonical((*row[:4], "unsat", row[5]))).hexdigest()
    fitting = canonical(manifest).decode().replace("'", "''").replace("%", "%%")
    edit = (*EDITS["answer"], f"UPDATE agreements.proof SET manifest = '{fitting}' {MINE}")
    with edited(city, proved, edit):
        found = certificate(drive, proved)
        assert (found["answer"], found["sound"]) == (None, False)


@pytest.mark.parametrize(
    "change",
    [
        "difference = '{}'",
        "difference = replace(difference, 'country', 'county')",
        "before = NULL, difference = NULL",
    ],
)
def test_an_edited_difference_is_not_shown(
    city: RunningCity, drive: Driver, proved: str, change: str
) -> None:
    address = f"/public/agreements/{proved}?version=2"
    assert "country of birth" in drive.call(None, "GET", address).text
    with edited(city, proved, (f"UPDATE agreements.proof SET {change} {MINE}",)):
        page = drive.call(None, "GET", address).text
        assert "so it is not shown" in page
        assert 'class="op-change ' not in page
