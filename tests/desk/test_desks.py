# SPDX-License-Identifier: Apache-2.0
"""The staff API: the life of an arrest, who may do what, and what happens at the same moment."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest

from openpars.log.seal import Key
from tests.desk.conftest import BOOKING, Desk, booking

NEXT = datetime.combine(datetime.now(UTC) + timedelta(days=7), time(), ZoneInfo("America/New_York"))
"""The midnight with which the day of a next date begins."""
APPROVE = {"decisions": [{"charge": 1, "decision": "approved"}]}
DECLINE = {"decisions": [{"charge": 1, "decision": "declined", "reason": "No evidence of intent."}]}
ARRAIGNMENT = {
    "held_at": None,
    "magistrate": "Quill",
    "probable_cause": True,
    "rights_given": True,
    "bail": {
        "type": "monetary",
        "amount": 25000,
        "percent": 10,
        "ability_to_pay": "Part time.",
        "reasons": None,
    },
    "next_date": NEXT.date().isoformat(),
}


async def through(desk: Desk, arrest: str, *steps: tuple[str, str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = {}
    for role, path, body in steps:
        response = await desk.post(role, f"/desk/arrests/{arrest}/{path}", body)
        assert response.status_code == 200, (path, response.text)
        answer = response.json()
    return answer


async def test_a_life_from_booking_to_release(the_desk: Desk) -> None:
    arrest = await the_desk.booked()
    answer = await through(
        the_desk,
        arrest,
        ("district-attorney", "charging", APPROVE),
        ("district-attorney", "complaint", {"docket": "MC-51-CR-0012345-2026", "otn": "X 123456-7"}),
        ("courts", "interview", {"notes": "Lives with family."}),
        ("courts", "arraignment", ARRAIGNMENT),
    )
    assert (answer["version"], answer["state"], answer["custody"]) == (5, "arraigned", "held")
    answer = await through(
        the_desk,
        arrest,
        ("police", "custody", {"custody": "committed", "place": "CFCF"}),
        ("courts", "representation", {"represented": "defender"}),
        ("courts", "bail", {"type": "unsecured", "amount": 25000}),
    )
    assert answer["state"] == "released"
    history = (await the_desk.get("auditor", f"/desk/arrests/{arrest}/history")).json()["versions"]
    assert [line["version"] for line in history] == list(range(1, 9))
    assert [line["by"] for line in history[:3]] == ["police", "district-attorney", "district-attorney"]
    assert history[0]["happened_at"] == "2026-11-21T01:14:00Z"
    file = (await the_desk.get("district-attorney", f"/desk/arrests/{arrest}")).json()
    assert file["complaint"]["charges"][0]["statute"] == "18 § 2702 §§ A1"
    assert file["next_date"] == NEXT.astimezone(UTC).isoformat().replace("+00:00", "Z")


async def test_the_custody_clock_is_data(the_desk: Desk) -> None:
    arrest = await the_desk.booked()
    (item,) = (await the_desk.get("district-attorney", "/desk/queue/charging")).json()["arrests"]
    assert item["id"] == arrest
    (clock,) = item["clocks"]
    assert set(clock) == {"name", "started_at", "due_at", "seconds_left", "level", "why"}
    assert (clock["name"], clock["due_at"]) == ("custody", "2026-11-23T01:14:00Z")


async def test_queues_have_the_least_time_left_first(the_desk: Desk) -> None:
    late = await the_desk.booked(1, arrested_at="2026-11-20T22:00:00-05:00")
    soon = await the_desk.booked(2, arrested_at="2026-11-19T22:00:00-05:00")
    for queue in ("charging", "custody"):
        listed = (await the_desk.get("district-attorney", f"/desk/queue/{queue}")).json()["arrests"]
        assert [item["id"] for item in listed] == [soon, late]
    await through(the_desk, soon, ("district-attorney", "charging", DECLINE))
    listed = (await the_desk.get("police", "/desk/queue/custody")).json()["arrests"]
    assert [item["id"] for item in listed] == [late], "who is declined is not held"
    steps = [("district-attorney", "charging", APPROVE), ("district-attorney", "complaint", {})]
    await through(the_desk, late, *steps)
    listed = (await the_desk.get("courts", "/desk/queue/arraignment")).json()["arrests"]
    assert [item["id"] for item in listed] == [late]
    assert (await the_desk.get("courts", "/desk/queue/nothing")).status_code == 404


ACTS: dict[str, tuple[set[str], Any]] = {
    "charges": ({"police"}, {"charges": [{"statute": "18 2701 A1"}]}),
    "charging": ({"district-attorney"}, APPROVE),
    "complaint": ({"district-attorney"}, {}),
    "interview": ({"courts"}, {"notes": "x"}),
    "arraignment": ({"courts"}, ARRAIGNMENT),
    "bail": ({"courts"}, {"type": "ror"}),
    "custody": ({"police", "courts"}, {"custody": "released"}),
    "representation": ({"courts"}, {"represented": "none"}),
    "correct": ({"records"}, {"reason": "typo", "district": "25"}),
    "seal": ({"records"}, {"order": "CP-1"}),
    "unseal": ({"records"}, {"order": "CP-1"}),
    "expunge": ({"records"}, {"order": "CP-1"}),
}


async def test_who_may_do_what(the_desk: Desk) -> None:
    arrest = await the_desk.booked()
    for path, (roles, body) in ACTS.items():
        for role in set(the_desk.tokens) - roles:
            response = await the_desk.post(role, f"/desk/arrests/{arrest}/{path}", body)
            assert (response.status_code, response.json()["type"]) == (
                403,
                "https://openpars.org/problems/forbidden",
            ), (role, path)
    for role in set(the_desk.tokens) - {"police"}:
        assert (await the_desk.post(role, "/desk/arrests", booking(5))).status_code == 403
    for role in ("auditor", "solicitor"):
        for path in (f"/desk/arrests/{arrest}", "/desk/arrests?last=doe", "/desk/queue/charging"):
            assert (await the_desk.get(role, path)).status_code == 403
    assert (await the_desk.get("auditor", f"/desk/arrests/{arrest}/history")).status_code == 200
    assert (await the_desk.http.get(f"/desk/arrests/{arrest}")).status_code == 401
    assert (await the_desk.http.post("/desk/arrests", json=BOOKING)).status_code in {401, 403}


async def test_compartments(the_desk: Desk) -> None:
    arrest = await the_desk.booked()
    await through(the_desk, arrest, ("courts", "interview", {"notes": "Sleeps badly."}))
    seen = {
        role: (await the_desk.get(role, f"/desk/arrests/{arrest}")).text
        for role in ("police", "courts", "records")
    }
    assert "Sleeps badly" in seen["courts"]
    assert "Sleeps badly" not in seen["police"] + seen["records"]
    assert "900-12-3456" in seen["police"]
    assert "900-12-3456" not in seen["courts"]


async def test_the_same_request_again_gets_the_same_answer(the_desk: Desk) -> None:
    first = await the_desk.post("police", "/desk/arrests", booking(), Idempotency_Key="k1")
    again = await the_desk.post("police", "/desk/arrests", booking(), Idempotency_Key="k1")
    assert (first.status_code, first.content) == (again.status_code, again.content)
    other = await the_desk.post("police", "/desk/arrests", booking(1), Idempotency_Key="k1")
    assert (other.status_code, other.json()["field"]) == (409, "Idempotency-Key")
    elsewhere = await the_desk.post(
        "courts", f"/desk/arrests/{first.json()['id']}/interview", {"notes": "x"}, Idempotency_Key="k1"
    )
    assert elsewhere.status_code == 200, "another key's holder has keys of its own"
    async with the_desk.room.pool.connection() as conn:
        count = await (await conn.execute("SELECT count(*) FROM record.arrest")).fetchone()
    assert count == (1,)


async def test_many_of_one_request_at_once_make_one_arrest(the_desk: Desk) -> None:
    answers = await asyncio.gather(
        *(the_desk.post("police", "/desk/arrests", booking(), Idempotency_Key="k") for _ in range(8))
    )
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    without = await asyncio.gather(*(the_desk.post("police", "/desk/arrests", booking(3)) for _ in range(8)))
    assert sorted(answer.status_code for answer in without) == [201] + [409] * 7


async def test_a_refused_request_may_be_tried_again_with_its_key(the_desk: Desk) -> None:
    wrong = await the_desk.post("police", "/desk/arrests", booking(district="0"), Idempotency_Key="k")
    right = await the_desk.post("police", "/desk/arrests", booking(), Idempotency_Key="k")
    assert (wrong.status_code, right.status_code) == (422, 201)


async def test_an_incident_may_have_several_arrests(the_desk: Desk) -> None:
    await the_desk.booked()
    again = await the_desk.post("police", "/desk/arrests", booking())
    assert (again.status_code, again.json()["field"]) == (409, "dc_number")
    same = await the_desk.post("police", "/desk/arrests", booking(same_incident=True))
    assert same.status_code == 409, "the same person is not arrested twice in one incident"
    other = {**BOOKING["arrestee"], "name": {"last": "Roe", "first": "Bo"}}
    answer = await the_desk.post("police", "/desk/arrests", booking(same_incident=True, arrestee=other))
    assert answer.status_code == 201, "an SSN is only stated: the officer says that it is somebody else"


async def test_a_stale_form_is_refused(the_desk: Desk) -> None:
    arrest = await the_desk.booked()
    for version, status in (("2", 409), ("x", 422), ('"1"', 200), ("1", 409), ("*", 200)):
        body = {"charges": [{"statute": "18 2701 A1"}]}
        answer = await the_desk.post("police", f"/desk/arrests/{arrest}/charges", body, If_Match=version)
        assert answer.status_code == status, version


async def test_acts_at_once_leave_no_gap(the_desk: Desk) -> None:
    arrest = await the_desk.booked()
    body = {"charges": [{"statute": "18 2701 A1"}]}
    answers = await asyncio.gather(
        *(the_desk.post("police", f"/desk/arrests/{arrest}/charges", body) for _ in range(25)),
        *(the_desk.post("courts", f"/desk/arrests/{arrest}/interview", {"notes": "x"}) for _ in range(15)),
    )
    assert {answer.status_code for answer in answers} == {200}
    assert sorted(answer.json()["version"] for answer in answers) == list(range(2, 42))
    history = (await the_desk.get("auditor", f"/desk/arrests/{arrest}/history")).json()["versions"]
    assert [line["version"] for line in history] == list(range(1, 42))
    assert history == sorted(history, key=lambda line: line["recorded_at"])
    file = (await the_desk.get("courts", f"/desk/arrests/{arrest}")).json()
    assert [charge["number"] for charge in file["charges"]] == list(range(1, 27))
    assert file["participants"]


async def test_a_seal_and_a_decision_at_once(the_desk: Desk) -> None:
    for number in range(10):
        arrest = await the_desk.booked(number)
        sealed, decided = await asyncio.gather(
            the_desk.post("records", f"/desk/arrests/{arrest}/seal", {"order": "CP-1"}),
            the_desk.post("district-attorney", f"/desk/arrests/{arrest}/charging", APPROVE),
        )
        assert (sealed.status_code, decided.status_code) == (200, 200)
        file = (await the_desk.get("courts", f"/desk/arrests/{arrest}")).json()
        assert (file["version"], file["state"], file["step"]) == (3, "sealed", "charging_decided")


async def test_expungement_takes_everything_but_the_fact(the_desk: Desk) -> None:
    arrest = await the_desk.booked()
    (person,) = next(row[3] for row in await the_desk.noted())
    key = the_desk.room.key_store.persons("acts", [person])[person]
    answer = await the_desk.post(
        "records", f"/desk/arrests/{arrest}/expunge", {"order": "CP-1", "reason": "acquitted"}
    )
    assert (answer.json()["state"], answer.json()["version"]) == ("expunged", 2)
    assert isinstance(key, Key)
    assert the_desk.room.key_store.find("acts", person) is None
    history = (await the_desk.get("auditor", f"/desk/arrests/{arrest}/history")).json()["versions"]
    assert [(line["act"], line["emptied"]) for line in history] == [("book", True), ("expunge", True)]
    for path, (roles, body) in ACTS.items():
        response = await the_desk.post(sorted(roles)[0], f"/desk/arrests/{arrest}/{path}", body)
        assert response.status_code == 409, path
    listed = (await the_desk.get("police", "/desk/arrests?last=Doe")).json()["arrests"]
    assert listed == []


async def test_acts_lookups_and_refusals_are_noted_without_values(the_desk: Desk) -> None:
    arrest = await the_desk.booked()
    await the_desk.get("police", "/desk/arrests?last=Doe&first=Ana")
    await the_desk.post("police", "/desk/arrests", booking(1, district="secret-district"))
    await the_desk.get("courts", f"/desk/arrests/{arrest}")
    noted = [
        (kind, orjson.loads(public), orjson.loads(private), subjects)
        for kind, public, private, subjects in await the_desk.noted()
    ]
    assert [(kind, public["act"]) for kind, public, _, _ in noted] == [
        ("act", "book"),
        ("lookup", "lookup"),
        ("act", "refusal"),
        ("lookup", "view"),
    ]
    assert noted[1][2]["query"] == {"last": "Doe", "first": "Ana"}
    assert noted[1][3] == noted[0][3]
    refusal = noted[2][2]
    assert (refusal["code"], refusal["field"], refusal["agent"]["role"]) == ("invalid", "district", "police")
    assert "secret" not in str(refusal)


async def test_dockets_of_the_courts_list(the_desk: Desk) -> None:
    listed = {
        "docket": "MC-51-CR-0012345-2026",
        "name": {"last": "Doe", "first": "Ana"},
        "charges": ["Robbery"],
        "represented": "defender",
        "bail": {"type": "monetary", "amount": 50000},
        "age": 36,
    }
    first = await the_desk.post("courts", "/desk/dockets", listed)
    assert (first.status_code, first.json()["state"], first.json()["version"]) == (201, "filed", 1)
    same = await the_desk.post("courts", "/desk/dockets", listed)
    assert (same.status_code, same.json()["version"]) == (200, 1)
    changed = await the_desk.post("courts", "/desk/dockets", {**listed, "bail": {"type": "ror"}})
    assert changed.json()["version"] == 2
    gone = await the_desk.post("courts", "/desk/dockets/MC-51-CR-0012345-2026/withdraw")
    assert gone.json()["state"] == "withdrawn"
    expunged = await the_desk.post(
        "records", f"/desk/arrests/{first.json()['id']}/expunge", {"order": "CP-1"}
    )
    assert expunged.status_code == 200
    back = await the_desk.post("courts", "/desk/dockets", listed)
    assert back.status_code == 409, "a list that still carries the docket does not bring the file back"


async def test_a_number_belongs_to_one_file(the_desk: Desk) -> None:
    one, other = await the_desk.booked(1, otn="X 123456-7"), await the_desk.booked(2)
    taken = await the_desk.post("police", "/desk/arrests", booking(3, otn="x1234567"))
    assert (taken.status_code, taken.json()["field"]) == (409, "otn")
    docket = {"reason": "number", "docket": "MC-51-CR-0012345-2026"}
    await through(the_desk, one, ("records", "correct", docket))
    answer = await the_desk.post("records", f"/desk/arrests/{other}/correct", docket)
    assert (answer.status_code, answer.json()["field"]) == (409, "docket")


@pytest.mark.parametrize("path", ["x", "00000000-0000-0000-0000-000000000000", "%00", "a" * 300])
async def test_an_arrest_that_is_not_there(the_desk: Desk, path: str) -> None:
    answers = [
        await the_desk.get("police", f"/desk/arrests/{path}"),
        await the_desk.get("police", f"/desk/arrests/{path}/history"),
        await the_desk.post("police", f"/desk/arrests/{path}/custody", {"custody": "released"}),
    ]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.content for answer in answers}) == 1


PARTICULARS = {
    "ethnicity": "h",
    "birth_place": "Santo Domingo",
    "interpreter": "spa",
    "consular_notice": "told",
    "address": "1 Invented St",
}


async def test_the_particulars_of_a_person_are_kept_corrected_and_cleared(the_desk: Desk) -> None:
    arrest = await the_desk.booked(arrestee={**BOOKING["arrestee"], **PARTICULARS})
    shown = (await the_desk.get("courts", f"/desk/arrests/{arrest}")).json()["arrestee"]
    assert {name: shown[name] for name in PARTICULARS} == {**PARTICULARS, "ethnicity": "H"}
    answer = await the_desk.post(
        "records",
        f"/desk/arrests/{arrest}/correct",
        {"arrestee": {"interpreter": "none"}, "clear": ["arrestee.birth_place", "arrestee.consular_notice"]},
    )
    assert answer.status_code == 200, answer.text
    shown = (await the_desk.get("courts", f"/desk/arrests/{arrest}")).json()["arrestee"]
    assert (shown["interpreter"], shown["birth_place"], shown["consular_notice"]) == ("none", None, None)
    assert shown["address"] == "1 Invented St"


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"interpreter": "Spanish"}, "arrestee.interpreter"),
        ({"ethnicity": "L"}, "arrestee.ethnicity"),
        ({"consular_notice": "not_applicable"}, "arrestee.consular_notice"),
        ({"birth_place": "Not a citizen, zzsecretzz"}, "arrestee.birth_place"),
        ({"address": "A" * 201}, "arrestee.address"),
    ],
)
async def test_particulars_that_are_not_right_name_the_field(
    the_desk: Desk, wrong: dict[str, str], field: str
) -> None:
    sent = booking(71, arrestee={**BOOKING["arrestee"], **wrong})
    answer = await the_desk.post("police", "/desk/arrests", sent)
    assert (answer.status_code, answer.json()["field"]) == (422, field)
    assert "zzsecretzz" not in answer.text


async def test_the_acting_users_name_is_no_place_for_a_status_either(the_desk: Desk) -> None:
    answer = await the_desk.post("police", "/desk/arrests", booking(72), openpars_user="J. Roe, ICE detainer")
    assert (answer.status_code, answer.json()["field"]) == (422, "OpenPARS-User")


async def test_the_courts_record_how_a_charge_ended(the_desk: Desk) -> None:
    arrest = await the_desk.booked()
    await through(
        the_desk,
        arrest,
        ("district-attorney", "charging", APPROVE),
        ("district-attorney", "complaint", {}),
        ("courts", "arraignment", ARRAIGNMENT),
    )
    told = {"dispositions": [{"charge": 1, "disposition": "acquitted"}]}
    for role in ("police", "district-attorney", "records", "solicitor", "auditor"):
        assert (await the_desk.post(role, f"/desk/arrests/{arrest}/disposition", told)).status_code == 403
    stale = await the_desk.post("courts", f"/desk/arrests/{arrest}/disposition", told, if_match="1")
    assert stale.status_code == 409
    answer = await through(the_desk, arrest, ("courts", "disposition", told))
    assert answer["custody"] == "released"
    (charge,) = (await the_desk.get("courts", f"/desk/arrests/{arrest}")).json()["charges"]
    assert charge["disposition"] == "acquitted"
    assert charge["disposed_at"] is not None
    versions = (await the_desk.get("courts", f"/desk/arrests/{arrest}/history")).json()["versions"]
    assert (versions[-1]["act"], versions[-1]["by"]) == ("dispose", "courts")
