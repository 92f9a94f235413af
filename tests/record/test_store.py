# SPDX-License-Identifier: Apache-2.0
"""The record in Postgres: versions that stay, numbers that lie encrypted, whole histories at once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from cryptography.exceptions import InvalidTag

from openpars.db.connect import Connection
from openpars.errors import Code, Refused
from openpars.record import acts, bulk, correcting, lookup, store, vault
from openpars.record.file import ArrestFile, Name, Seal
from openpars.record.forms import Act, ChargingDecisions, Correction, Decision, InterviewHeld, Order
from openpars.record.rules import State
from openpars.record.store import Entry
from tests.record.test_acts import NOW, PERSON, SETTING, booked


@pytest.fixture
async def conn(database: Any) -> AsyncIterator[Connection]:
    vault.hold("11" * 32)
    async with await psycopg.AsyncConnection.connect(database.desk_dsn) as found:
        yield found


def entry(act: Act, minutes: int) -> Entry:
    at = NOW + timedelta(minutes=minutes)
    return Entry(act, "police", None, at, at)


def life(number: int = 0) -> list[tuple[ArrestFile, Entry]]:
    """Three versions: booked, interviewed, decided."""
    first = replace(booked(), id=str(uuid4()), dc_number=f"{2624100000 + number}")
    second = acts.interview(first, InterviewHeld(NOW, "Lives with family."), SETTING)
    decisions = ChargingDecisions((Decision(1, "approved"), Decision(2, "declined")), NOW)
    third = acts.decide_charges(second, decisions, SETTING)
    acted = (Act.BOOK, Act.INTERVIEW, Act.DECIDE_CHARGES)
    return [
        (file, entry(act, n)) for n, (file, act) in enumerate(zip((first, second, third), acted, strict=True))
    ]


async def written(conn: Connection, history: list[tuple[ArrestFile, Entry]]) -> str:
    before = None
    for file, made in history:
        await store.write(conn, before, file, made)
        before = file
    await conn.commit()
    return history[0][0].id


async def test_every_version_comes_back_as_it_was(conn: Connection) -> None:
    history = life()
    arrest = await written(conn, history)
    assert await store.current(conn, arrest) == history[2][0]
    assert await store.lock(conn, arrest) == history[2][0]
    assert await store.file_at(conn, arrest, NOW - timedelta(seconds=1)) is None
    for n in range(3):
        assert await store.file_at(conn, arrest, NOW + timedelta(minutes=n, seconds=1)) == history[n][0]
    lines = await store.history(conn, arrest)
    assert [(line.version, line.act, line.by_role) for line in lines] == [
        (1, "book", "police"),
        (2, "interview", "police"),
        (3, "decide_charges", "police"),
    ]


async def test_bulk_writes_what_write_writes(conn: Connection) -> None:
    histories = [life(n) for n in range(20)]
    assert await bulk.bulk_insert(conn, histories) == 60
    await conn.commit()
    for history in histories:
        assert await store.current(conn, history[0][0].id) == history[2][0]
        assert await store.file_at(conn, history[0][0].id, NOW + timedelta(seconds=1)) == history[0][0]
    found = []
    after = store.BEFORE_ALL
    while batch := await store.lock_next(conn, after=after, limit=7):
        found += await store.many(conn, batch)
        after = batch[-1]
    assert len(found) == await store.count(conn) == 20
    assert sorted(file.id for file in found) == sorted(history[0][0].id for history in histories)
    assert len(await lookup.queue(conn, State.CHARGING_DECIDED)) == 20
    assert len(await lookup.find(conn, lookup.Wanted(last="DOE", first="ana"))) == 20
    assert len(await lookup.find(conn, lookup.Wanted(dc_number="2624100003"))) == 1


async def test_nobody_overwrites_a_version(conn: Connection) -> None:
    arrest = await written(conn, life())
    for statement in (
        "UPDATE record.version SET body = '{}' WHERE version = 1",
        "UPDATE record.version SET act = 'seal'",
        "DELETE FROM record.version",
        "DELETE FROM record.arrest",
    ):
        with pytest.raises(psycopg.Error):
            await conn.execute(statement)  # type: ignore[call-overload]
        await conn.rollback()
    assert len(await store.history(conn, arrest)) == 3


async def test_a_dump_holds_no_ssn(conn: Connection) -> None:
    await written(conn, life())
    cursor = await conn.execute(
        "SELECT v::text FROM record.version v UNION ALL SELECT a::text FROM record.arrest a"
        " UNION ALL SELECT p::text FROM record.person p"
    )
    dump = "".join(row[0] for row in await cursor.fetchall())
    for secret in ("900123456", "900-12-3456", b"900123456".hex(), "Vic", "family"):
        assert secret not in dump


async def test_an_ssn_moved_to_another_arrest_does_not_open(conn: Connection) -> None:
    one, other = await written(conn, life(1)), await written(conn, life(2))
    sealed = await (await conn.execute("SELECT ssn FROM record.version WHERE arrest = %s", (one,))).fetchone()
    assert sealed is not None
    with pytest.raises(InvalidTag):
        vault.held().decrypt(sealed[0], "philadelphia", other)


async def test_expunged_means_emptied(conn: Connection) -> None:
    arrest = await written(
        conn, [(replace(f, otn="X 123456-7", docket="MC-51-CR-0000001-2026"), e) for f, e in life()]
    )
    before = await store.lock(conn, arrest)
    after = await store.empty(conn, before, entry(Act.EXPUNGE, 9))
    await conn.commit()
    assert (after.seal, after.version) == (Seal.EXPUNGED, 4)
    assert await store.lock(conn, arrest) == acts.expunged(arrest, 4, "philadelphia")
    assert await store.file_at(conn, arrest, NOW + timedelta(minutes=1)) is None
    assert [line.emptied for line in await store.history(conn, arrest)] == [True] * 4
    assert await store.lock_next(conn, after=store.BEFORE_ALL, limit=9) == []
    assert await store.count(conn) == 0
    await conn.commit()
    cursor = await conn.execute(
        "SELECT v::text FROM record.version v UNION ALL SELECT a::text FROM record.arrest a UNION ALL"
        " SELECT p::text FROM record.person p UNION ALL SELECT c::text FROM record.participants c UNION ALL"
        " SELECT i::text FROM record.interview i"
    )
    dump = "".join(row[0] for row in await cursor.fetchall()).lower()
    for secret in ("doe", "ana", "vic", "family", "2624100000", "2702", "123456-7", "0000001"):
        assert secret not in dump
    doomed = await (await conn.execute("SELECT person FROM record.doomed_person")).fetchone()
    assert doomed == (UUID(PERSON),)
    # The number is closed for good: a court list that still has it does not bring the file back.
    again = replace(booked(), id=str(uuid4()), dc_number=None, docket="MC-51-CR-0000001-2026")
    with pytest.raises(Refused) as caught:
        await store.identity.numbers_free(conn, again, same_incident=True)
    assert caught.value.refusal.code is Code.CONFLICT


async def test_participants_corrected_away_stay_in_their_version(conn: Connection) -> None:
    history = life()
    arrest = await written(conn, history)
    file = history[2][0]
    gone = correcting.correct(file, Correction("wrong file", NOW, clear=("participants",)), SETTING)
    await store.write(conn, file, gone, entry(Act.CORRECT, 5))
    assert (await store.current(conn, arrest)).participants == ()
    old = await store.file_at(conn, arrest, NOW + timedelta(minutes=4))
    assert old is not None
    assert old.participants == file.participants


async def test_identity_is_never_joined_by_name(conn: Connection) -> None:
    async def who(ssn: str | None, birth: str, last: str, sid: str | None = None) -> str:
        found = await store.identity.identify(
            conn, sid=sid, ssn=ssn, birth_date=datetime.fromisoformat(birth).date(), last=last
        )
        file = replace(booked(), id=str(uuid4()), dc_number=None)
        birth_date = datetime.fromisoformat(birth).date()
        person = replace(file.arrestee, person=found, name=Name(last, "A"), birth_date=birth_date)
        await store.write(conn, None, replace(file, arrestee=person), entry(Act.BOOK, 0))
        return found

    first = await who("900120001", "1990-03-04", "Doe")
    assert await who(None, "1990-03-04", "Doe") != first
    assert await who("900120001", "1990-03-04", "Dough") == first
    assert await who("900120001", "1991-01-01", "DOE") == first
    assert await who("900120001", "1975-01-01", "Other") != first, "a stated SSN alone joins nobody"
    by_sid = await who(None, "1980-01-01", "Roe", "123-45-67-8")
    assert await who("900120002", "1985-05-05", "Moe", "123-45-67-8") == by_sid


async def test_a_file_that_is_not_there(conn: Connection) -> None:
    for arrest in (str(uuid4()), "x", "", "{" + str(uuid4()) + "}", "1" * 400):
        with pytest.raises(Refused) as caught:
            await store.lock(conn, arrest)
        assert caught.value.refusal.code is Code.NOT_FOUND
        await conn.rollback()


def test_an_order_is_needed() -> None:
    with pytest.raises(Refused):
        acts.expunge(booked(), Order(" ", None, NOW), SETTING)
    assert NOW.tzinfo is UTC
