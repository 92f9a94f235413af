# SPDX-License-Identifier: Apache-2.0
"""Drives a running city over HTTP as its desks and recipients do. No door is opened otherwise: a test
gets rights by enacting an agreement, like anybody."""

from __future__ import annotations

import itertools
import json
import queue
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from openpars.city import people

_numbers = itertools.count(secrets.randbelow(9_000_000))
BEYOND_THE_DEMO = 10_000_000
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def unique(prefix: str = "t") -> str:
    """A word nobody used before, of letters only."""
    return prefix + "".join(secrets.choice(LETTERS) for _ in range(10))


def dc_number() -> str:
    """A DC number nobody used before."""
    return f"99{next(_numbers) % 100_000_000:08d}"


def ssn() -> str:
    """A number nobody used before, of nobody in the demo city: with one twice, two people would be one."""
    digits = people.ssn(BEYOND_THE_DEMO + next(_numbers))
    return f"{digits[:3]}-{digits[3:5]}-{digits[5:]}"


def instant(seconds: float = 0) -> str:
    """An instant from now, in UTC."""
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")


def agreement_text(
    agreement: str,
    *,
    recipient: str = "fbi",
    purpose: str,
    seconds: float = 3600,
    when: str = 'charge_grade = ["F1", "F2", "F3", "F"]',
    show: str = 'name = "whole", birth_date = "year", ssn = "last4", charges = "whole", bail = "whole"',
    find_by: str = '[["name", "birth_date"], ["docket"]]',
    alert_by: str = '["charge_grade", "district"]',
    limits: str = "results_per_search = 20\nsearches_per_user_per_day = 10000",
    about: str = "arrestee",
    organisations: tuple[tuple[str, str], ...] = (),
) -> str:
    """The text of a small agreement in force from a moment ago, for `seconds`.

    `organisations`: each with what it stands under.
    """
    tree = "".join(f'[[organisation]]\nid = "{one}"\nunder = "{under}"\n' for one, under in organisations)
    return f"""
[agreement]
id = "{agreement}"
provider = "city-of-philadelphia"
recipient = "{recipient}"
legal_basis = "18 Pa.C.S. ch. 91"

{tree}
[term]
from = {instant(-60)}
until = {instant(seconds)}
zone = "America/New_York"
notice_days = 30

[decision]
stakeholders = ["police", "district-attorney", "courts"]
enact = "2 of 3"
renew = "2 of 3"
end = "2 of 3"
silence = "lapse"

[[grant]]
about = "{about}"
purposes = ["{purpose}"]
when = {{ {when} }}
show = {{ {show} }}
find_by = {find_by}
alert_by = {alert_by}
ways = ["search", "alert"]

[limits]
{limits}

[duties]
case_number = "required"
"""


class Driver:
    """One city, every role's key."""

    def __init__(self, base_url: str, keys: dict[str, Any]) -> None:
        self.keys = keys
        self.http = httpx.Client(base_url=base_url, timeout=30)
        self._enacted: list[str] = []

    def key(self, who: str) -> str:
        """The bearer key of a desk or a recipient."""
        found = self.keys.get(who) or self.keys["recipients"][who]
        assert isinstance(found, str)
        return found

    def call(self, who: str | None, method: str, path: str, body: Any = None, **more: Any) -> httpx.Response:
        """One request as `who`; `body` as JSON unless `content` is given."""
        headers = dict(more.pop("headers", {}))
        if who is not None:
            headers["Authorization"] = f"Bearer {self.key(who)}"
        if body is not None:
            more["content"] = json.dumps(body)
            headers.setdefault("Content-Type", "application/json")
        return self.http.request(method, path, headers=headers, **more)

    def done(self, who: str, method: str, path: str, body: Any = None, **more: Any) -> Any:
        """The JSON of an answer that must be a success."""
        answer = self.call(who, method, path, body, **more)
        assert answer.status_code < 300, (path, answer.status_code, answer.text)
        return answer.json()

    def enact(self, text: str, *, patience: float = 0) -> dict[str, Any]:
        """Propose a text, and have two of the three owners vote for it.

        A large share is still being filled when the last ballot is answered: wait `patience` seconds for it.
        """
        made = self.done(
            "solicitor", "POST", "/agreements", content=text, headers={"Content-Type": "application/toml"}
        )
        ballot = {"version": made["version"], "question": "enact", "choice": "yes"}
        self.done("police", "POST", f"/agreements/{made['id']}/ballots", ballot)
        outcome = self.done("courts", "POST", f"/agreements/{made['id']}/ballots", ballot)
        until = time.monotonic() + patience
        while outcome["state"] == "balloted" and time.monotonic() < until:
            time.sleep(0.2)
            (outcome,) = self.done("solicitor", "GET", f"/agreements/{made['id']}")["versions"]
        assert outcome["state"] == "in_force", outcome
        self._enacted.append(made["id"])
        return dict(made)

    def ends_with_test(self, agreement: str) -> None:
        """An agreement that comes into force by other means than `enact` ends with the test, too."""
        self._enacted.append(agreement)

    def leave(self) -> None:
        """End what was enacted here, so that the next test's acts are not kept in these shares, too."""
        for agreement in self._enacted:
            self.call("solicitor", "POST", f"/agreements/{agreement}/end", {"reason": "the test is over"})
        self._enacted.clear()

    def agree(self, **terms: Any) -> tuple[str, str]:
        """A fresh agreement in force; its id and purpose."""
        agreement, purpose = unique("a"), unique("p")
        self.enact(agreement_text(agreement, purpose=purpose, **terms))
        return agreement, purpose

    def booking(self, **changes: Any) -> dict[str, Any]:
        """A booking form as police send it, for an invented person nobody else has."""
        return {
            "dc_number": dc_number(),
            "arrested_at": instant(-3600),
            "district": "24",
            "arrestee": {
                "name": {"last": unique("Last").title(), "first": unique("First").title()},
                "birth_date": "1990-03-04",
                "sex": "F",
                "race": "W",
                "birth_country": "DOM",
                "ssn": ssn(),
            },
            "charges": [{"statute": "18 § 2702 §§ A1", "grade": "F1", "counts": 1}],
            **changes,
        }

    def book(self, **changes: Any) -> tuple[str, dict[str, Any]]:
        """Book an arrest; its id and the form."""
        form = self.booking(**changes)
        made = self.done("police", "POST", "/desk/arrests", form)
        return made["id"], form

    def approve(self, arrest: str) -> Any:
        """The District Attorney approves charge 1."""
        return self.done(
            "district-attorney",
            "POST",
            f"/desk/arrests/{arrest}/charging",
            {"decisions": [{"charge": 1, "decision": "approved"}]},
        )

    def find(self, form: dict[str, Any]) -> dict[str, Any]:
        """The granted key of a booked person."""
        name = form["arrestee"]["name"]
        return {
            "name": {"last": name["last"], "first": name["first"]},
            "birth_date": form["arrestee"]["birth_date"],
        }

    def search(self, who: str, purpose: str, find: dict[str, Any], **more: Any) -> httpx.Response:
        """A recipient's search."""
        body = {"purpose": purpose, "case_number": "CASE-2026-0001", "find": find, **more}
        return self.call(who, "POST", "/v1/search", body)

    def records(self, who: str, purpose: str, find: dict[str, Any]) -> list[dict[str, Any]]:
        """The records of a search that must succeed."""
        answer = self.search(who, purpose, find)
        assert answer.status_code == 200, answer.text
        return list(answer.json()["records"])

    @contextmanager
    def feed(self, who: str, last_event_id: str | None = None, **query: str) -> Iterator[Feed]:
        """An open feed, read in the background."""
        headers = {"Authorization": f"Bearer {self.key(who)}"}
        if last_event_id is not None:
            headers["Last-Event-ID"] = last_event_id
        with httpx.Client(base_url=self.http.base_url, timeout=60) as client:
            request = client.stream("GET", "/v1/alerts", headers=headers, params=query)
            with request as answer:
                assert answer.status_code == 200, answer.read()
                feed = Feed(answer)
                feed.wait_connected()
                yield feed


class Feed:
    """A Server-Sent Events reader; events arrive in `events` with the time they came."""

    def __init__(self, answer: httpx.Response) -> None:
        self._queue: queue.Queue[tuple[str, dict[str, Any], float]] = queue.Queue()
        self._connected = threading.Event()
        self.closed = threading.Event()
        threading.Thread(target=self._read, args=(answer,), daemon=True).start()

    def _read(self, answer: httpx.Response) -> None:
        last = ""
        try:
            for line in answer.iter_lines():
                self._connected.set()
                if line.startswith("id: "):
                    last = line[4:]
                elif line.startswith("data: "):
                    self._queue.put((last, json.loads(line[6:]), time.monotonic()))
        except httpx.HTTPError:
            pass
        finally:
            self.closed.set()

    def wait_connected(self) -> None:
        """Until the first line has come."""
        assert self._connected.wait(10)

    def next(self, seconds: float = 5) -> dict[str, Any]:
        """The next event."""
        return self.next_with_id(seconds)[1]

    def next_with_id(self, seconds: float = 5) -> tuple[str, dict[str, Any]]:
        """The next event with its resume id."""
        last, event, _ = self._queue.get(timeout=seconds)
        return last, event

    def rest(self, seconds: float) -> list[dict[str, Any]]:
        """Whatever comes within `seconds`."""
        found, until = [], time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            try:
                found.append(self._queue.get(timeout=left)[1])
            except queue.Empty:
                break
        return found
