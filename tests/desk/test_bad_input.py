# SPDX-License-Identifier: Apache-2.0
"""Bad input: a 4xx problem that names the field and what would be right; nothing stored, a refusal noted."""

from __future__ import annotations

import copy
from typing import Any

import orjson
import pytest

from tests.desk.conftest import BOOKING, Desk, booking

WORD = "zzsecretzz"


def changed(path: str, value: Any) -> dict[str, Any]:
    """The right booking with one thing wrong."""
    made: Any = copy.deepcopy(BOOKING)
    *parents, last = path.split(".")
    node = made
    for part in parents:
        node = node[int(part) if part.isdigit() else part]
    node[int(last) if last.isdigit() else last] = value
    return dict(made)


CASES: list[tuple[str, Any, str]] = [
    ("unknown", WORD, "unknown"),
    ("arrestee.citizenship", WORD, "arrestee.citizenship"),
    ("arrestee.name.nick", WORD, "arrestee.name.nick"),
    ("charges.0.text", WORD, "charges.0.text"),
    ("dc_number", None, "dc_number"),
    ("dc_number", 2624012345, "dc_number"),
    ("dc_number", WORD, "dc_number"),
    ("arrested_at", "2026-02-30T10:00:00Z", "arrested_at"),
    ("arrested_at", "2199-01-01T00:00:00Z", "arrested_at"),
    ("arrested_at", 1700000000, "arrested_at"),
    ("arrested_at", WORD, "arrested_at"),
    ("arrestee.birth_date", "1990-02-30", "arrestee.birth_date"),
    ("arrestee.birth_date", "2199-01-01", "arrestee.birth_date"),
    ("arrestee.birth_date", None, "arrestee.birth_date"),
    ("arrestee.name.last", "A" * 200_000, "arrestee.name.last"),
    ("arrestee.name.last", "A" * 101, "arrestee.name.last"),
    ("arrestee.name.last", "Do\u0000e", "arrestee.name.last"),
    ("arrestee.name.last", "Do\ne", "arrestee.name.last"),
    ("arrestee.name.last", "   ", "arrestee.name.last"),
    ("arrestee.name.first", ["Ana"], "arrestee.name.first"),
    ("arrestee.name", "Ana Doe", "arrestee.name"),
    ("arrestee.ssn", WORD, "arrestee.ssn"),
    ("arrestee.birth_country", "DR", "arrestee.birth_country"),
    ("arrestee.sex", WORD, "arrestee.sex"),
    ("arrestee.race", 1, "arrestee.race"),
    ("participants", {}, "participants"),
    ("participants.0.role", "arrestee", "participants.0.role"),
    ("participants.1.name.last", "", "participants.1.name.last"),
    ("charges.0.statute", "18 § 9999 §§ Z9", "charges.0.statute"),
    ("charges.0.statute", WORD, "charges.0.statute"),
    ("charges.0.grade", "F9", "charges.0.grade"),
    ("charges.0.counts", 0, "charges.0.counts"),
    ("charges.0.counts", 1.5, "charges.0.counts"),
    ("charges.0.counts", True, "charges.0.counts"),
    ("charges.0.counts", 10**15, "charges.0.counts"),
    ("charges.0", None, "charges.0"),
    ("same_incident", "yes", "same_incident"),
    ("custody_place", "undocumented, zzsecretzz", "custody_place"),
    ("district", "999", "district"),
]

RAW: list[tuple[bytes, str | None]] = [
    (b"", "dc_number"),
    (b"not json", None),
    (b"[]", None),
    (b'"x"', None),
    (b'{"dc_number": NaN}', None),
    (b'{"charges": [{"counts": Infinity}]}', None),
    (b'{"dc_number": "\\ud800"}', None),
    (b'{"dc_number": "\xff"}', None),
    (b'{"dc_number": "1", "dc_number": "2"}', None),
    (b'{"arrestee": {"name": {"last": "A", "last": "B"}}}', None),
    (b"[" * 50_000 + b"]" * 50_000, None),
    (b'{"a":' * 900 + b"1" + b"}" * 900, None),
    (b'{"charges": [{"counts": ' + b"9" * 100_000 + b"}]}", None),
    (b'{"dc_number": "' + b"1" * 300_000 + b'"}', None),
    (b'{"zz secret zz\\n": 1, "dc_number": "2624012345"}', None),
]


async def nothing_stored(desk: Desk) -> None:
    async with desk.room.pool.connection() as conn:
        cursor = await conn.execute("SELECT count(*) FROM record.arrest")
        assert await cursor.fetchone() == (0,)


async def test_each_wrong_booking_names_its_field(the_desk: Desk) -> None:
    for path, value, field in CASES:
        answer = await the_desk.post("police", "/desk/arrests", changed(path, value))
        problem = answer.json()
        assert answer.status_code == 422, (path, answer.text)
        assert answer.headers["content-type"] == "application/problem+json"
        assert (problem["type"], problem["field"]) == ("https://openpars.org/problems/invalid", field), (
            problem
        )
        assert problem["detail"].rstrip().endswith((".", ")."))
        assert WORD not in answer.text
        assert len(answer.content) < 1_000
    await nothing_stored(the_desk)
    noted = await the_desk.noted()
    assert len(noted) == len(CASES)
    assert all(orjson.loads(public) == {"act": "refusal"} for _, public, _, _ in noted)
    assert WORD.encode() not in b"".join(private for _, _, private, _ in noted)


async def test_bodies_that_are_no_booking(the_desk: Desk) -> None:
    for body, field in RAW:
        answer = await the_desk.post("police", "/desk/arrests", body)
        assert answer.status_code == 422, (body[:60], answer.text)
        assert answer.headers["content-type"] == "application/problem+json"
        if field is not None:
            assert answer.json()["field"] == field
        assert len(answer.content) < 1_000
        assert "secret" not in answer.text
    form = await the_desk.http.post(
        "/desk/arrests", data={"a": "b"}, headers={"authorization": f"Bearer {the_desk.tokens['police']}"}
    )
    assert (form.status_code, form.json()["field"]) == (422, "Content-Type")
    await nothing_stored(the_desk)


@pytest.mark.parametrize(
    ("bail", "field"),
    [
        ({"type": "monetary", "amount": -1}, "bail.amount"),
        ({"type": "monetary"}, "bail.amount"),
        ({"type": "monetary", "amount": 1.5}, "bail.amount"),
        ({"type": "monetary", "amount": "25000"}, "bail.amount"),
        ({"type": "monetary", "amount": 10**12}, "bail.amount"),
        ({"type": "ror", "amount": 5}, "bail.amount"),
        ({"type": "monetary", "amount": 5, "percent": 200}, "bail.percent"),
        ({"type": "none"}, "bail.type"),
        ({}, "bail.type"),
        ({"type": "denied", "reasons": "He has no green card"}, "bail.reasons"),
    ],
)
async def test_bail_that_is_not_right(the_desk: Desk, bail: dict[str, Any], field: str) -> None:
    arrest = await the_desk.booked()
    await the_desk.post(
        "district-attorney",
        f"/desk/arrests/{arrest}/charging",
        {"decisions": [{"charge": 1, "decision": "approved"}]},
    )
    await the_desk.post("district-attorney", f"/desk/arrests/{arrest}/complaint", {})
    answer = await the_desk.post(
        "courts", f"/desk/arrests/{arrest}/arraignment", {"probable_cause": True, "bail": bail}
    )
    assert (answer.status_code, answer.json()["field"]) == (422, field), answer.text
    history = (await the_desk.get("auditor", f"/desk/arrests/{arrest}/history")).json()["versions"]
    assert len(history) == 3


async def test_a_charge_code_that_does_not_exist_gets_the_nearest_one(the_desk: Desk) -> None:
    answer = await the_desk.post("police", "/desk/arrests", changed("charges.0.statute", "18 § 2702 §§ A77"))
    assert "18 § 2702 §§ A7" in answer.json()["detail"]
    assert "A77" not in answer.text


async def test_queries_that_are_not_right(the_desk: Desk) -> None:
    for query, field in [
        ("", "last"),
        ("last=", "last"),
        ("first=Ana", "last"),
        ("last=Doe&birth_date=1990-02-30", "birth_date"),
        ("dc_number=x", "dc_number"),
        ("birth_country=DOM", "query"),
        ("last=Doe&race=W", "query"),
        ("last=a&last=b", "query"),
    ]:
        answer = await the_desk.get("police", f"/desk/arrests?{query}")
        assert (answer.status_code, answer.json()["field"]) == (422, field), query


async def test_a_request_key_that_is_not_right(the_desk: Desk) -> None:
    for key in ("", " ", "x" * 201):
        answer = await the_desk.post("police", "/desk/arrests", booking(), Idempotency_Key=key)
        assert (answer.status_code, answer.json()["field"]) == (422, "Idempotency-Key")
    await nothing_stored(the_desk)
