# SPDX-License-Identifier: Apache-2.0
"""What is heeded of the switches of bars where the register and the log do not say the same."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from openpars.agreements.bars import bars_for, is_on
from openpars.agreements.model import Bar
from openpars.agreements.switches import ALWAYS, Gone, Switch, Switches, switches
from tests.conftest import Database

CITY = "city-of-philadelphia"
BAR = "ordinances-2026"
AT = datetime(2026, 6, 1, tzinfo=UTC)


def act(number: int, *, on: bool, logged: bool = True, days: int = 0) -> Switch:
    return Switch(number, CITY, BAR, on, AT + timedelta(days=days), "solicitor", "x", logged)


def holds(found: Switches) -> list[Bar]:
    bars = bars_for(CITY, "ice", found.heeded(CITY))
    return [bar for bar in bars if bar.id == BAR]


def test_what_is_logged_holds_as_it_says() -> None:
    found = Switches((act(1, on=True), act(2, on=False, days=3), act(3, on=True, days=9)), ())
    assert [(bar.begins, bar.ends) for bar in holds(found)] == [
        (AT, AT + timedelta(days=3)),
        (AT + timedelta(days=9), None),
    ]
    assert found.sound


def test_nothing_goes_off_by_a_row_that_was_not_logged() -> None:
    found = Switches((act(1, on=True), act(2, on=False, logged=False, days=3)), ())
    assert [(bar.begins, bar.ends) for bar in holds(found)] == [(AT, None)]
    assert not found.sound


def test_a_row_that_was_not_logged_holds_from_the_bars_own_first_day_whatever_instant_it_says() -> None:
    (bar,) = holds(Switches((act(1, on=True, logged=False, days=4000),), ()))
    (own,) = holds(Switches((act(1, on=True, days=-4000),), ()))
    assert (bar.begins, bar.ends) == (own.begins, None)
    assert bar.begins is not None
    assert bar.begins < AT


def test_what_only_the_log_tells_of_holds_and_never_widens() -> None:
    taken = Gone(1, CITY, BAR, on=True)
    assert is_on(BAR, Switches((), (taken,)).heeded(CITY))
    # What the city itself did later counts.
    assert not is_on(BAR, Switches((act(2, on=False),), (taken,)).heeded(CITY))
    assert is_on(BAR, Switches((act(1, on=True),), (Gone(2, CITY, BAR, on=False),)).heeded(CITY))
    assert Switches((), (taken,)).heeded("another-city") == ()


def test_switched_on_twice_it_holds_from_the_earlier_until_it_is_off() -> None:
    forged = (act(1, on=True, days=3), act(2, on=True, logged=False), act(3, on=False, days=5))
    found = Switches(forged, ())
    (bar,) = holds(found)
    assert bar.ends == AT + timedelta(days=5)
    assert found.heeded(CITY)[1].at == ALWAYS


JUNK = (b"", b"[]", b"\xff", b"{}", b'{"public":[]}', b'{"switch":"x","event":"on","digest":1}', b"[" * 2_000)


@pytest.mark.parametrize("login", ["desk", "door"])
async def test_every_process_reads_what_the_log_tells_of_bars_and_stumbles_over_nothing(
    database: Database, login: str
) -> None:
    """The door reads no other entry of that tree, nor what waits for it."""
    right = f'{{"bar":"{BAR}","digest":"{"ab" * 32}","event":"on","provider":"{CITY}","switch":7}}'.encode()
    with psycopg.connect(database.owner_dsn) as conn:
        for public in (*JUNK, right):
            conn.execute(
                "INSERT INTO log.pending (kind, public, private, subjects) VALUES ('bar', %s, '', '{}')",
                (public,),
            )
    dsn = {"desk": database.desk_dsn, "door": database.door_dsn}[login]
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as conn:
        assert (await switches(conn)).gone == (Gone(7, CITY, BAR, on=True),)
        if login == "door":
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                await conn.execute("SELECT * FROM log.pending")
