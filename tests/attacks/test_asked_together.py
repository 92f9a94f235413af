# SPDX-License-Identifier: Apache-2.0
"""Searches that travel in one trip: each gets its own rows, nobody's else, and no other agreement's."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, cast

import pytest

from openpars.disclosure.reading import Reader
from openpars.shares.keys import ShareKeys
from openpars.shares.tables import Share
from tests.attacks.conftest import code
from tests.attacks.test_end import end
from tests.driver import Driver

if TYPE_CHECKING:
    from openpars.disclosure.pools import AgreementPools

ASKED = 8  # times over, by so many at once


def test_each_of_many_at_once_gets_its_own_rows(drive: Driver) -> None:
    _, purpose = drive.agree(limits="results_per_search = 1\nsearches_per_user_per_day = 500")
    _, other = drive.agree(
        recipient="ice",
        show='name = "whole"',
        limits="results_per_search = 2\nsearches_per_user_per_day = 500",
    )
    forms = [drive.book()[1] for _ in range(5)]
    nobody = {"name": {"last": "Nobody", "first": "Noemi"}, "birth_date": "1961-02-03"}

    def ask(place: int) -> tuple[int, list[dict[str, Any]]]:
        who, why = (("fbi", purpose), ("ice", other))[place % 2]
        find = nobody if place % 3 == 2 else drive.find(forms[place % len(forms)])
        return place, drive.records(who, why, find)

    with ThreadPoolExecutor(ASKED) as pool:
        answers = list(pool.map(ask, range(ASKED * 12)))
    for place, records in answers:
        if place % 3 == 2:
            assert records == []
            continue
        (record,) = records
        assert forms[place % len(forms)]["arrestee"]["name"].items() <= record["name"].items()
        assert ("birth_date" in record) == (place % 2 == 0)


def test_an_agreement_that_ends_takes_only_its_own_askers_along(drive: Driver) -> None:
    mine, purpose = drive.agree(limits="results_per_search = 1\nsearches_per_user_per_day = 500")
    _, kept = drive.agree(recipient="ice", limits="results_per_search = 1\nsearches_per_user_per_day = 500")
    _, form = drive.book()
    find = drive.find(form)

    def ask(place: int) -> tuple[str, str | None]:
        if place == ASKED * 6:
            end(drive, mine)
        who, why = (("fbi", purpose), ("ice", kept))[place % 2]
        answer = drive.search(who, why, find)
        return who, None if answer.status_code == 200 else code(answer)

    with ThreadPoolExecutor(ASKED) as pool:
        answers = list(pool.map(ask, range(ASKED * 12)))
    assert {said for who, said in answers if who == "ice"} == {None}
    assert {said for who, said in answers if who == "fbi"} == {None, "agreement-ended"}


async def test_a_reading_that_is_cut_off_keeps_nobody_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = Reader(cast("AgreementPools", None), ShareKeys("11" * 32))
    share = Share("a", 1, "p", ("name",))
    begun = asyncio.Event()

    async def hangs(*_: object) -> None:
        begun.set()
        await asyncio.Event().wait()

    async def nothing(*_: object) -> list[object]:
        return []

    monkeypatch.setattr(reader, "_read", hangs)
    async with asyncio.timeout(10):
        asked = [asyncio.create_task(reader.find(share, "name", b"", limit=1))]
        await begun.wait()
        asked.append(asyncio.create_task(reader.find(share, "name", b"", limit=1)))
        await asyncio.sleep(0)
        for task in reader._tasks:
            task.cancel()
        answers = await asyncio.gather(*asked, return_exceptions=True)
        assert [type(one) for one in answers] == [asyncio.CancelledError] * 2
        monkeypatch.setattr(reader, "_read", nothing)
        assert await reader.find(share, "name", b"", limit=1) == ()
