# SPDX-License-Identifier: Apache-2.0
"""What people type and what is kept must meet in one key; what is wrong is refused without being repeated."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openpars.errors import Code, Refused
from openpars.record.names import identifier_key, key, parse_date, parse_key_value

SAME = [
    ("O'Neill", "oneill"),
    ("O\u2019NEILL", "oneill"),
    ("Peña-García", "Pena Garcia"),
    ("Pen\u0303a", "PEÑA"),
    ("De La Cruz", "delacruz"),
    ("St. John", "ST JOHN"),
    ("Straße", "STRASSE"),
    ("Łukasz", "lukasz"),
    ("Søren", "Soren"),
    ("Doe\u200b", "Doe"),
    ("D\u00adoe", "Doe"),
    ("\u3164Doe", "Doe"),
    ("\uff24\uff4f\uff45", "doe"),
    ("ﬁsher", "fisher"),
    ("İbrahim", "Ibrahim"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_one_name_in_two_spellings(one: str, other: str) -> None:
    assert key(one) == key(other) != ""


@given(st.text(max_size=40))
def test_a_key_is_its_own_key(text: str) -> None:
    assert key(key(text)) == key(text)


@given(st.text(alphabet=st.characters(max_codepoint=127), max_size=60))
def test_a_plain_name_has_the_key_it_has_among_others(text: str) -> None:
    """The short way for ASCII and the long way for everything else end in one key: nobody is missed."""
    assert key(text + "\u00b4") == key(text)
    assert identifier_key(text + "\u00b4") == identifier_key(text)


@pytest.mark.parametrize(
    "text",
    ["1990-03-04", "3/4/1990", "03/04/1990", "4 March 1990", "4 Mar. 1990", "March 4, 1990", " mar 4 1990 "],
)
def test_a_date_as_people_type_it(text: str) -> None:
    assert parse_key_value("birth_date", text) == ("1990-03-04",)


@pytest.mark.parametrize(
    "text",
    [
        "1990-02-30",
        "30 February 1990",
        "13/4/1990",
        "3/4/90",
        "1990-3-4",
        "4 Merch 1990",
        "1990",
        "٣/٤/١٩٩٠",
        "1990-03-04T00:00:00Z",
        "0090-03-04",
    ],
)
def test_what_is_no_date_is_not_guessed(text: str) -> None:
    assert parse_date(text) is None


WRONG: list[tuple[str, object]] = [
    ("name", "Doe, Ana"),
    ("name", {"last": "Doe"}),
    ("name", {"last": "Doe", "first": "Ana", "birth_country": "DOM"}),
    ("name", {"last": "Doe", "first": "Ana", "middle": "B"}),
    ("name", {"last": "Doe", "first": "Ana", "birth_country": None}),
    ("name", {"last": "Doe", "first": ["Ana"]}),
    ("name", {"last": "D" * 1_000_000, "first": "Ana"}),
    ("name", {"last": "\ud800", "first": "Ana"}),
    ("name", {"last": "Doe\x00", "first": "Ana"}),
    ("name", {"last": "Doe\nRoe", "first": "Ana"}),
    ("name", {"last": "%", "first": "_"}),
    ("name", {"last": "", "first": "Ana"}),
    ("birth_date", float("nan")),
    ("birth_date", 19900304),
    ("birth_date", True),
    ("birth_date", None),
    ("age", float("nan")),
    ("age", True),
    ("age", -1),
    ("age", "34"),
    ("docket", "MC-51-CR-0012345"),
    ("docket", "MC-51-CR-%-2026"),
    ("docket", {"like": "MC"}),
    ("ssn", "900-12-345"),
    ("ssn", "٩٠٠١٢٣٤٥٦"),
    ("otn", "123456-7"),
    ("dc_number", "26-24-01234x"),
    ("sid", ""),
    ("zip", "1913"),
    ("birth_country", "US"),
    ("district", "0"),
]


@pytest.mark.parametrize(("field", "value"), WRONG)
def test_a_wrong_key_is_refused_by_its_field(field: str, value: object) -> None:
    with pytest.raises(Refused) as caught:
        parse_key_value(field, value)
    refusal = caught.value.refusal
    assert refusal.code is Code.INVALID
    assert refusal.field is not None
    assert refusal.field.startswith(f"find.{field}")


def test_a_refusal_does_not_repeat_what_was_sent() -> None:
    for field in ("name", "birth_date", "docket", "ssn", "zzsecretzz"):
        with pytest.raises(Refused) as caught:
            parse_key_value(field, "zzsecretzz")
        assert "zzsecretzz" not in str(caught.value.refusal.body())


@given(
    st.sampled_from(["name", "birth_date", "docket", "ssn", "sid", "otn", "age", "zip"]),
    st.text() | st.integers() | st.none(),
)
def test_anything_else_is_refused_or_read(field: str, value: object) -> None:
    with suppress(Refused):
        assert all(parse_key_value(field, value))
