# SPDX-License-Identifier: Apache-2.0
"""What people type, and what we make of it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openpars.record import values
from openpars.record.pack import pack, statute_key

ZONE = ZoneInfo("America/New_York")
PACK = pack("philadelphia")


@pytest.mark.parametrize(
    ("typed", "utc"),
    [
        ("2026-11-21T20:14:00-05:00", (2026, 11, 22, 1, 14)),
        ("2026-11-22T01:14:00Z", (2026, 11, 22, 1, 14)),
        (" 2026-11-21 20:14 ", (2026, 11, 22, 1, 14)),
        ("11/21/2026 8:14 PM", (2026, 11, 22, 1, 14)),
        ("7/4/2026 0:05", (2026, 7, 4, 4, 5)),
    ],
)
def test_instants(typed: str, utc: tuple[int, ...]) -> None:
    year, month, day, hour, minute = utc
    assert values.instant(typed, ZONE) == datetime(year, month, day, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize(
    "typed",
    [
        "2026-02-30T10:00:00Z",
        "2026-11-01T01:30:00",  # happens twice
        "2026-03-08T02:30:00",  # never happens
        "2026-11-21T24:00:00Z",
        "2026-11-21T20:60:00Z",
        "2026-11-21T20:14:61Z",
        "2026-11-21T20:14:00+15:00",
        "2026-W47-6T10:00",
        "20261121T201400Z",
        "\u0662\u0660\u0662\u0666-11-21T20:14:00Z",  # digits, but not ours
        "11/21/2026 13:14 PM",
        "2026-11-21",
        "2026-11-21T20:14:00-05:00" + " " * 60 + "x",
        "",
        "NaN",
    ],
)
def test_instants_that_are_none(typed: str) -> None:
    with pytest.raises(ValueError, match=r"\.$"):
        values.instant(typed, ZONE)


def test_days() -> None:
    assert (
        values.day("1990-03-04") == values.day("3/4/1990") == values.day(" 03/04/1990 ") == date(1990, 3, 4)
    )
    for typed in (
        "2026-02-30",
        "30/2/2026",
        "1990-3-4-5",
        "04.03.1990",
        "90-03-04",
        "0001-01-01",
        "x" * 1000,
    ):
        with pytest.raises(ValueError, match="Write a date"):
            values.day(typed)


@pytest.mark.parametrize(
    ("parse", "typed", "canonical"),
    [
        (values.ssn, "900-12-3456", "900123456"),
        (values.ssn, "900123456", "900123456"),
        (values.ssn, " 900 12 3456", "900123456"),
        (values.dc_number, "26-24-012345", "2624012345"),
        (values.otn, "x123456-7", "X 123456-7"),
        (values.otn, "X 1234567", "X 123456-7"),
        (values.docket, " mc-51-cr-0012345-2026", "MC-51-CR-0012345-2026"),
        (values.zip_code, "19134-1234", "19134"),
        (values.district, "01", "1"),
        (values.name_part, "  O'Neill-Peña ", "O'Neill-Peña"),
    ],
)
def test_canonical_forms(parse, typed: str, canonical: str) -> None:  # type: ignore[no-untyped-def]
    assert parse(typed) == canonical
    assert parse(canonical) == canonical


@given(st.text(max_size=30))
def test_no_text_breaks_a_reader(typed: str) -> None:
    for parse in (
        values.ssn,
        values.dc_number,
        values.otn,
        values.docket,
        values.zip_code,
        values.district,
        values.name_part,
        values.free_text,
        values.day,
        values.sid,
        values.ppn,
    ):
        try:
            read = parse(typed)
        except ValueError:
            continue
        if isinstance(read, str):
            assert parse(read) == read
    PACK.statute(typed)
    PACK.names_status(typed)


@pytest.mark.parametrize(
    "typed",
    [
        "18 § 2702 §§ A1",
        "18 2702 A1",
        "18 2702 a1",
        "18§2702§§A1",
        "18 Pa.C.S. § 2702(a)(1)",
        "18 PaCSA 2702 (a)(1)",
        "18:2702:A1",
    ],
)
def test_a_charge_code_in_its_usual_spellings(typed: str) -> None:
    found = PACK.statute(typed)
    assert found is not None
    assert found.code == "18 § 2702 §§ A1"


def test_charge_codes() -> None:
    assert len(PACK.statutes) == 973
    assert all(
        statute_key(code) is not None and PACK.statute(code) == PACK.statutes[code] for code in PACK.statutes
    )
    assert PACK.statute("18 9999") is None
    nearest = PACK.nearest_statute("18 § 2702 §§ Z9")
    assert nearest is not None
    assert nearest.code.startswith("18 § 2702")


@pytest.mark.parametrize(
    "text",
    [
        "undocumented",
        "He has a GREEN-card",
        "ICE detainer lodged",
        "ille\u200bgal ali\u00aden",
        "citizen of Honduras",
        "sin papeles",
    ],
)
def test_status_is_screened(text: str) -> None:
    assert PACK.names_status(text)


@pytest.mark.parametrize(
    "text", ["Visa card stolen", "a number of reasons", "notice of hearing", "senior citizen", "Alienor"]
)
def test_other_words_pass(text: str) -> None:
    assert not PACK.names_status(text)
