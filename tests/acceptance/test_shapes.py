# SPDX-License-Identifier: Apache-2.0
"""The shapes of design section 8, letter by letter, as a stranger's script sends and reads them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conftest import RunningCity
from tests.driver import dc_number, instant, unique

PROBLEM = "https://openpars.org/problems/"
VERIFIER = Path(__file__).parents[2] / "verify" / "openpars_verify.py"

# The example of design section 4, as printed; `{…}` where a test needs its own.
EXAMPLE = """
[agreement]
id = "{id}"            # a version is numbered when it is proposed
provider = "city-of-philadelphia"
recipient = "fbi"
legal_basis = "18 Pa.C.S. ch. 91; CJIS Security Policy 5.1.1"

[term]                     # civil dates and a zone; or instants with an offset
{term}
zone = "America/New_York"
notice_days = 30

[decision]                 # rule as data: the sources disagree about 2018 (domain.md, section 2)
stakeholders = ["police", "district-attorney", "courts"]
enact = "2 of 3"
renew = "2 of 3"
end = "2 of 3"
silence = "lapse"

[[grant]]
about = "arrestee"         # victims, witnesses and juveniles only if named, and never past a bar
purposes = ["{purpose}"]
when = {{ charge_grade = ["F1", "F2", "F3", "F"], charge_stage = ["approved"], arrested_within_days = 30 }}
show = {{ name = "whole", birth_date = "year", ssn = "last4", charges = "whole", bail = "whole" }}
find_by = [["name", "birth_date"], ["sid"], ["docket"]]
alert_by = ["charge_grade", "district"]     # what a subscription's criteria may use
ways = ["search", "alert"]                  # "export" and `alert_all = true` only by name

[limits]
results_per_search = 20
searches_per_user_per_day = 50

[duties]
case_number = "required"
report_outcome_within_days = 30
destroy_when_withdrawn_within_days = 30
"""

Send = Callable[..., httpx.Response]


@pytest.fixture
def send(city: RunningCity) -> Iterator[Send]:
    """One request by role or recipient: `send("police", "POST", "/desk/arrests", {...})`."""
    with httpx.Client(base_url=city.base_url, timeout=30) as client:

        def request(who: str, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
            key = city.keys.get(who) or city.keys["recipients"][who]
            sent = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
            sent |= {name.replace("_", "-"): value for name, value in headers.items()}
            content = body if isinstance(body, str | bytes | None) else json.dumps(body)
            return client.request(method, path, content=content, headers=sent)

        yield request


def booking(**changed: Any) -> dict[str, Any]:
    """The booking of section 8, of somebody new, two hours ago."""
    arrestee = {
        "name": {"last": unique("Doe").title(), "first": "Ana", "middle": None, "suffix": None},
        "birth_date": "1990-03-04",
        "sex": "F",
        "race": "W",
        "birth_country": "DOM",
        "ssn": "900-12-3456",
    }
    named = {"last": "Roe", "first": "Vi", "middle": None, "suffix": None}
    return {
        "dc_number": dc_number(),
        "arrested_at": instant(-7200),
        "district": "24",
        "arrestee": arrestee,
        "participants": [{"role": "victim", "name": named}, {"role": "crime_witness", "name": named}],
        "charges": [{"statute": "18 § 2702 §§ A1", "grade": "F1", "counts": 1}],
        "same_incident": False,
    } | changed


def problem(answer: httpx.Response) -> tuple[int, str, str | None]:
    """Status, code and field of an answer that must be a problem."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    body = answer.json()
    assert (
        {"type", "title", "status", "detail"} <= set(body) <= {"type", "title", "status", "detail", "field"}
    )
    assert body["status"] == answer.status_code
    assert body["type"].startswith(PROBLEM)
    return answer.status_code, body["type"].removeprefix(PROBLEM), body.get("field")


class Feed(threading.Thread):
    """An open `GET /v1/alerts` and the CloudEvents it brought."""

    def __init__(self, city: RunningCity, recipient: str) -> None:
        super().__init__(daemon=True)
        self._url = f"{city.base_url}/v1/alerts"
        self._headers = {"Authorization": f"Bearer {city.keys['recipients'][recipient]}"}
        self._open = threading.Event()
        self.events: list[dict[str, Any]] = []
        self.start()
        assert self._open.wait(10)

    def run(self) -> None:
        with httpx.stream("GET", self._url, headers=self._headers, timeout=30) as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            self._open.set()
            for line in answer.iter_lines():
                if line.startswith("data:"):
                    self.events.append(json.loads(line[5:]))

    def wait(self, count: int) -> list[dict[str, Any]]:
        """The events, once there are so many."""
        until = time.monotonic() + 5
        while len(self.events) < count and time.monotonic() < until:
            time.sleep(0.01)
        assert len(self.events) >= count
        return self.events


def enact(send: Send, term: str) -> tuple[str, str]:
    """Propose the example for the given term and carry it by two ballots; its id and its purpose."""
    name, purpose = unique(), unique()
    text = EXAMPLE.format(id=name, purpose=purpose, term=term).encode()
    made = send("solicitor", "POST", "/agreements", text, Content_Type="application/toml")
    assert made.status_code == 201, made.text
    assert made.json().keys() >= {"id", "version", "hash", "state"}
    ballot = {"version": made.json()["version"], "hash": made.json()["hash"], "question": "enact"}
    for role, state in (("police", "proposed"), ("courts", "in_force")):
        sent = ballot | {"choice": "yes", "expires": instant(3600), "signature": None}
        answer = send(role, "POST", f"/agreements/{name}/ballots", sent)
        assert answer.status_code == 200, answer.text
        assert answer.json()["state"] == state
        assert answer.json()["counts"]["yes"] >= 1
    return name, purpose


def test_an_arrest_goes_its_way_and_the_entitled_recipient_hears_of_it(city: RunningCity, send: Send) -> None:
    today = datetime.now(UTC).date()
    term = f"from = {today - timedelta(days=2)}\nthrough = {today + timedelta(days=2)}"
    agreement, purpose = enact(send, term)
    try:
        feed = Feed(city, "fbi")
        why = {"purpose": purpose, "case_number": "HSI-1"}
        criteria = {"criteria": {"charge_grade": ["F1"]}, "find": None, "expires": None}
        made = send("fbi", "POST", "/v1/subscriptions", why | criteria)
        assert made.status_code == 201, made.text
        assert made.json().keys() >= {"id", "position"}

        form = booking()
        booked = send("police", "POST", "/desk/arrests", form, OpenPARS_User="officer-7")
        assert booked.status_code == 201, booked.text
        assert booked.json()["version"] == 1
        at = f"/desk/arrests/{booked.json()['id']}"
        for role, act, body in (
            ("district-attorney", "charging", {"decisions": [{"charge": 1, "decision": "approved"}]}),
            ("courts", "interview", {}),
            ("district-attorney", "complaint", {}),
            (
                "courts",
                "arraignment",
                {
                    "held_at": None,
                    "magistrate": None,
                    "probable_cause": True,
                    "bail": {"type": "monetary", "amount": 25000, "percent": 10},
                    "next_date": None,
                },
            ),
            ("records", "correct", {"arrestee": {"sex": "M"}}),
        ):
            answer = send(role, "POST", f"{at}/{act}", body)
            assert answer.status_code == 200, answer.text

        versions = send("police", "GET", f"{at}/history").json()["versions"]
        assert [one["version"] for one in versions] == [1, 2, 3, 4, 5, 6]
        assert all(one.keys() >= {"version", "act", "by", "happened_at", "recorded_at"} for one in versions)

        find = {"name": form["arrestee"]["name"], "birth_date": "1990-03-04", "sid": None}
        found = send("fbi", "POST", "/v1/search", why | {"agreement": None, "find": find, "limit": None})
        assert found.status_code == 200, found.text
        assert found.json().keys() == {"records", "receipt", "next"}
        assert found.json()["receipt"].startswith("c2sp.org/tlog-proof@v1\n")
        (record,) = found.json()["records"]
        assert record.keys() == {"id", "name", "birth_date", "ssn", "charges", "bail"}
        assert (record["birth_date"], record["ssn"]) == ("1990", "3456")

        appeared, changed = feed.wait(2)
        assert appeared["type"] == "org.openpars.share.appeared"
        assert changed["type"] == "org.openpars.share.changed"
        told = {"subscription": made.json()["id"], "agreement": agreement, "purpose": purpose}
        assert changed["data"] == record | {"why": told}

        order = {"order": "CP-51-MD-1", "reason": "acquitted"}
        assert send("records", "POST", f"{at}/seal", order).status_code == 200
        withdrawn = feed.wait(3)[2]
        assert withdrawn["type"] == "org.openpars.share.withdrawn"
        assert withdrawn["data"] == {"id": record["id"], "why": told}
    finally:
        ended = send("solicitor", "POST", f"/agreements/{agreement}/end", {})
    assert ended.status_code == 200
    assert feed.wait(4)[3]["type"] == "org.openpars.agreement.ended"


def test_an_end_in_three_seconds_is_told_once_and_stands_in_the_register_at_once(
    city: RunningCity, send: Send
) -> None:
    seen = set()
    for _ in range(2):
        end = datetime.now(UTC) + timedelta(seconds=3)
        agreement, purpose = enact(send, f"from = {instant(-60)}\nuntil = {end.isoformat()}")
        feed = Feed(city, "fbi")
        time.sleep(max(0.0, (end - datetime.now(UTC)).total_seconds()))
        search = {"purpose": purpose, "case_number": "X-1", "find": {"sid": "12345678"}}
        assert problem(send("fbi", "POST", "/v1/search", search))[:2] == (403, "agreement-ended")
        entry = send("auditor", "GET", f"/agreements/{agreement}").json()["versions"][0]
        assert entry["state"] == "ended"
        assert datetime.fromisoformat(entry["ended_at"]) == end
        last = feed.wait(1)[0]
        assert last["type"] == "org.openpars.agreement.ended"
        assert datetime.fromisoformat(last["time"]) == end
        assert problem(send("fbi", "GET", "/v1/agreement"))[:2] == (403, "agreement-ended")
        seen.add(last["id"])
    assert len(seen) == 2


def test_a_retry_is_safe_and_a_stale_form_is_refused(send: Send) -> None:
    form, key = booking(), unique()
    first = send("police", "POST", "/desk/arrests", form, Idempotency_Key=key)
    again = send("police", "POST", "/desk/arrests", form, Idempotency_Key=key)
    assert (first.status_code, first.json()) == (again.status_code, again.json())
    at = f"/desk/arrests/{first.json()['id']}/charging"
    decisions = {"decisions": [{"charge": 1, "decision": "declined", "grade": None, "reason": "weak"}]}
    assert problem(send("district-attorney", "POST", at, decisions, If_Match="7"))[:2] == (409, "conflict")
    assert send("district-attorney", "POST", at, decisions, If_Match="1").status_code == 200
    other = booking(dc_number=form["dc_number"])
    assert problem(send("police", "POST", "/desk/arrests", other)) == (409, "conflict", "dc_number")
    other["same_incident"] = True
    assert send("police", "POST", "/desk/arrests", other).status_code == 201


def _changed(path: str, value: Any) -> dict[str, Any]:
    form: Any = booking()
    *above, last = path.split(".")
    place = form
    for part in above:
        place = place[int(part) if part.isdigit() else part]
    place[last] = value
    return dict(form)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("colour", "red"),
        ("arrestee.immigration_status", "x"),
        ("charges.0.counts", float("nan")),
        ("arrestee.name.last", "\ud83d"),
        ("arrestee.name.last", "x" * 1_000_000),
        ("arrestee.birth_date", "1990-02-30"),
        ("arrested_at", "2099-01-01T00:00:00Z"),
        ("charges.0.statute", "99 § 9999"),
    ],
)
def test_bad_input_is_refused_by_the_name_of_its_field(send: Send, field: str, value: Any) -> None:
    form = _changed(field, value)
    assert problem(send("police", "POST", "/desk/arrests", form)) == (422, "invalid", field)
    known = send("police", "GET", f"/desk/arrests?dc_number={form['dc_number']}")
    assert known.json()["arrests"] == []


@pytest.mark.parametrize(
    ("changed", "right"),
    [
        ({"find": {"birth_country": None}}, (403, "key-not-permitted", "find.birth_country")),
        ({"find": {"sid": None}}, (422, "invalid", "find")),
        ({"filter": {}}, (422, "invalid", "filter")),
        ({"limit": float("nan")}, (422, "invalid", "limit")),
        ({"find": {"sid": "\udc00"}}, (422, "invalid", "find.sid")),
        ({"case_number": None}, (422, "case-number-required", "case_number")),
        ({"purpose": "immigration-enforcement"}, (403, "agreement-ended", None)),
        ({"purpose": "representation"}, (403, "purpose-not-permitted", "purpose")),
        ({"agreement": "defender-representation"}, (403, "no-agreement", None)),
    ],
)
def test_a_search_is_refused_in_the_words_of_the_closed_list(
    send: Send, changed: dict[str, Any], right: tuple[int, str, str | None]
) -> None:
    asked = {"purpose": "felony-warrant", "case_number": "HSI-1", "find": {"sid": "12345678"}} | changed
    assert problem(send("ice", "POST", "/v1/search", asked)) == right


def test_each_member_stands_once(send: Send) -> None:
    twice = '{"purpose": "felony-warrant", "case_number": "X-1", "find": {"sid": "1", "sid": "2"}}'
    assert problem(send("ice", "POST", "/v1/search", twice)) == (422, "invalid", "sid")


def test_criteria_that_can_never_be_met_are_refused(send: Send) -> None:
    asked = {"purpose": "felony-warrant", "case_number": "X-1", "criteria": {"charge_grade": ["F9"]}}
    right = (422, "invalid", "criteria.charge_grade")
    assert problem(send("ice", "POST", "/v1/subscriptions", asked)) == right


def test_one_openapi_document_tells_of_every_fixed_route(send: Send) -> None:
    document = send("auditor", "GET", "/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    known = {re.sub(r"\{.*?\}", "{}", path) for path in document["paths"]}
    acts = "charges charging complaint interview arraignment bail custody correct seal unseal expunge"
    assert known >= {
        *(f"/desk/arrests/{{}}/{act}" for act in acts.split()),
        *("/desk/arrests", "/desk/arrests/{}", "/desk/arrests/{}/history", "/desk/queue/{}"),
        *("/v1/search", "/v1/records/{}", "/v1/subscriptions", "/v1/alerts", "/v1/agreement"),
        *("/agreements", "/agreements/{}/ballots", "/agreements/{}/end", "/log/checkpoint", "/log/tile/{}"),
    }


def test_the_verifier_runs_alone_on_the_citys_address(city: RunningCity) -> None:
    command = [sys.executable, "-I", str(VERIFIER), city.base_url, "--json"]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout)["ok"] is True
    assert "compare it" in ran.stderr
