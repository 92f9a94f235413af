# SPDX-License-Identifier: Apache-2.0
"""Agreements over HTTP: proposed by the solicitor, voted by the owners, stopped by any, ended at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta

import httpx

from openpars.agreements import life
from openpars.errors import Refused
from openpars.shares import fence, fill
from tests.desk.conftest import Desk

TEXT = """\
[agreement]
id = "ice-felony"
provider = "city-of-philadelphia"
recipient = "ice"
legal_basis = "18 Pa.C.S. ch. 91"

[term]
from = {begins}
until = {ends}
notice_days = 30

[decision]
stakeholders = ["police", "district-attorney", "courts"]
enact = "2 of 3"
renew = "2 of 3"
end = "2 of 3"
silence = "lapse"

[[grant]]
about = "arrestee"
purposes = ["felony-warrant"]
when = {{ charge_grade = ["F1", "F2"], charge_stage = ["approved"] }}
show = {{ name = "whole", charges = "whole" }}
find_by = [["name", "birth_date"]]
ways = ["search"]

[limits]
results_per_search = 20
searches_per_user_per_day = 50

[duties]
case_number = "required"
"""

OWNERS = ("police", "district-attorney", "courts")


def text() -> bytes:
    now = datetime.now(UTC).replace(microsecond=0)
    ends = now + timedelta(days=300)
    return TEXT.format(begins=(now - timedelta(days=1)).isoformat(), ends=ends.isoformat()).encode()


async def proposed(desk: Desk) -> httpx.Response:
    return await desk.post("solicitor", "/agreements", text(), content_type="application/toml")


@asynccontextmanager
async def worker(desk: Desk) -> AsyncIterator[None]:
    """What the worker does for an enacted version: fill it, start it."""

    async def loop() -> None:
        while True:
            await asyncio.sleep(0.05)
            async with desk.room.pool.connection() as conn:
                rows = await conn.execute(
                    "SELECT DISTINCT agreement, version FROM shares.share WHERE state = 'filling'"
                )
                wanted = await rows.fetchall()
            for agreement, number in wanted:
                await fill.fill(desk.room.pool, agreement, number, desk.room.share_keys)
                with suppress(Refused):
                    async with desk.room.pool.connection() as conn, conn.transaction():
                        await life.start(conn, agreement, number)
                        await fence.let_in(desk.room.owner, agreement, number)

    task = asyncio.create_task(loop())
    yield
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_the_life_of_an_agreement(the_desk: Desk) -> None:
    arrest = await the_desk.booked()
    answer = await proposed(the_desk)
    assert answer.status_code == 201, answer.text
    assert set(answer.json()) == {"id", "version", "hash", "state"}
    ballot = {"version": 1, "question": "enact", "choice": "yes"}
    path = "/agreements/ice-felony"
    async with worker(the_desk):
        first = await the_desk.post("police", f"{path}/ballots", ballot)
        assert first.json()["state"] == "proposed", first.text
        assert first.json()["counts"] == {"yes": 1, "no": 0, "abstain": 0, "silent": 2}
        second = await the_desk.post("courts", f"{path}/ballots", ballot)
        assert second.json()["state"] == "in_force", second.text
    decided = {"decisions": [{"charge": 1, "decision": "approved"}]}
    await the_desk.post("district-attorney", f"/desk/arrests/{arrest}/charging", decided)

    async def kept() -> int:
        async with the_desk.room.pool.connection() as conn:
            row = await (await conn.execute("SELECT count(*) FROM shares.kept")).fetchone()
        return int(row[0]) if row else -1

    assert await kept() == 1, "the act brought the share in line in its own transaction"
    await the_desk.post("records", f"/desk/arrests/{arrest}/seal", {"order": "CP-1"})
    assert await kept() == 0
    await the_desk.post("records", f"/desk/arrests/{arrest}/unseal", {"order": "CP-1"})
    assert await kept() == 1
    stopped = await the_desk.post("courts", f"{path}/suspend", {"reason": "audit"})
    assert stopped.json()["state"] == "suspended"
    assert (await the_desk.post("police", f"{path}/resume", {})).status_code == 403
    assert (await the_desk.post("courts", f"{path}/resume", {})).json()["state"] == "in_force"
    ended = await the_desk.post("solicitor", f"{path}/end", {"reason": "over"})
    assert (ended.status_code, ended.json()["state"]) == (200, "ended")
    assert await kept() == 0
    (listed,) = (await the_desk.http.get("/agreements")).json()["agreements"]
    assert (listed["state"], len(listed["ballots"]), listed["ballots"][0]["signed"]) == ("ended", 2, False)
    one = (await the_desk.http.get(path)).json()
    assert one["versions"][0]["text"] == listed["text"]


async def test_who_may_do_what(the_desk: Desk) -> None:
    for role in set(the_desk.tokens) - {"solicitor"}:
        answer = await the_desk.post(role, "/agreements", text(), content_type="application/toml")
        assert answer.status_code == 403
    assert (await proposed(the_desk)).status_code == 201
    ballot = {"version": 1, "question": "enact", "choice": "yes"}
    for role in set(the_desk.tokens) - set(OWNERS):
        assert (await the_desk.post(role, "/agreements/ice-felony/ballots", ballot)).status_code == 403
    for role in set(the_desk.tokens) - {"solicitor"}:
        assert (await the_desk.post(role, "/agreements/ice-felony/end", {})).status_code == 403


async def test_bad_input(the_desk: Desk) -> None:
    wrong = await the_desk.post(
        "solicitor", "/agreements", text().replace(b"purposes", b"purposs"), content_type="application/toml"
    )
    assert (wrong.status_code, wrong.headers["content-type"]) == (422, "application/problem+json")
    assert "line" in wrong.json()["detail"]
    as_json = await the_desk.post("solicitor", "/agreements", text(), content_type="application/json")
    assert as_json.json()["field"] == "Content-Type"
    assert (await proposed(the_desk)).status_code == 201
    for body, field in [
        ({}, "version"),
        ({"version": 1, "question": "enact"}, "choice"),
        ({"version": 1, "question": "enact", "choice": "maybe"}, "choice"),
        ({"version": 1, "question": "enact", "choice": "yes", "hash": "0" * 64}, "hash"),
        ({"version": 1, "question": "enact", "choice": "yes", "expires": "2026-02-30T00:00:00Z"}, "expires"),
        ({"version": 1, "question": "enact", "choice": "yes", "stakeholder": "courts"}, "stakeholder"),
    ]:
        answer = await the_desk.post("police", "/agreements/ice-felony/ballots", body)
        assert (answer.status_code, answer.json().get("field")) == (422, field), answer.text
    missing = await the_desk.post(
        "police", "/agreements/nothing/ballots", {"version": 1, "question": "enact", "choice": "yes"}
    )
    assert missing.status_code == 404
    assert (await the_desk.http.get("/agreements/nothing")).status_code == 404
