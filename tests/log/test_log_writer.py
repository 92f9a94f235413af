# SPDX-License-Identifier: Apache-2.0
"""The writer on a real PostgreSQL."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import psycopg
import pytest

from openpars.errors import Code, Refusal, Refused
from openpars.log import leaf, pending, proof, seal, serve, stored
from openpars.log.draft import Draft
from openpars.log.keys import KeyStore
from openpars.log.note import Malformed, Signer, decode, open_checkpoint
from openpars.log.tiles import unbundle
from openpars.log.writer import LogDamaged, SchemaThinned, Writer, WriterBusy

TREE = "disclosures"
SSN = "900-12-3456"
PERSON = "ab" * 16


def draft(number: int = 0, *, subjects: tuple[str, ...] = (PERSON,), guard: object = None) -> Draft:
    return Draft(
        "answer",
        public={"agreement": "ice-pars", "version": 1, "purpose": "felony-warrant", "way": "search"},
        private={
            "agent": {"user": f"officer-{number}"},
            "why": {"case_number": "C-1"},
            "query": {"name": {"last": "Zzyzx", "first": "Ana"}, "ssn": SSN},
            "find_by": ["name", "ssn"],
            "something_new": "folded away",
        },
        subjects=subjects,
        guard=guard,
    )


def writer(database: Any, keys: KeyStore, signer: Signer, **more: object) -> Writer:
    return Writer(database.door_dsn, tree=TREE, signer=signer, keys=keys, **more)  # type: ignore[arg-type]


async def rows(dsn: str, query: str) -> list[tuple[object, ...]]:
    async with await psycopg.AsyncConnection.connect(dsn) as conn:
        return await (await conn.execute(query)).fetchall()


async def test_a_receipt_proves_its_entry(database: Any, keys: KeyStore, signer: Signer) -> None:
    async with writer(database, keys, signer) as log:
        receipts = await asyncio.gather(*(log.append(draft(number)) for number in range(40)))
        assert sorted(receipt.index for receipt in receipts) == list(range(1, 41))
        for receipt in receipts:
            found, head = proof.verify(receipt.text, receipt.leaf, signer.verifier)
            assert found.index == receipt.index < head.size
        assert log.last_at == max(receipt.at for receipt in receipts)
        async with await psycopg.AsyncConnection.connect(database.door_dsn) as conn:
            assert await stored.last_logged(conn, TREE) == log.last_at


async def test_many_askers_share_a_commit(database: Any, keys: KeyStore, signer: Signer) -> None:
    async with writer(database, keys, signer) as log:
        await asyncio.gather(*(log.append(draft(number)) for number in range(100)))
    assert (await rows(database.owner_dsn, "SELECT count(*) FROM log.checkpoint"))[0][0] <= 4


async def test_the_leaf_carries_no_planted_value(database: Any, keys: KeyStore, signer: Signer) -> None:
    async with writer(database, keys, signer) as log:
        receipt = await log.append(draft())
    [(whole, sealed)] = await rows(database.owner_dsn, "SELECT leaf, sealed FROM log.entry WHERE index = 1")
    for planted in (b"Zzyzx", b"900", b"officer", b"C-1", PERSON.encode(), b"folded", b"something_new"):
        assert planted not in whole
        assert planted not in sealed
    assert receipt.at.strftime("%Y-%m-%dT%HZ").encode() in whole
    assert receipt.at.strftime("%M:%S").encode() not in whole


async def test_public_values_are_closed(database: Any, keys: KeyStore, signer: Signer) -> None:
    good = {"agreement": "ice-pars", "version": 1, "purpose": "felony-warrant", "way": "search"}
    async with writer(database, keys, signer) as log:
        for public in (
            {**good, "purpose": SSN},
            {**good, "purpose": "Zzyzx"},
            {**good, "name": "zzyzx"},
            {**good, "version": True},
            {**good, "agreement": None},
            {"agreement": "ice-pars"},
        ):
            with pytest.raises(leaf.NotInSchema) as caught:
                await log.append(Draft("answer", public=public))
            assert "zyzx" not in str(caught.value)
        for kind in ("rumour", "schema"):
            with pytest.raises(leaf.NotInSchema):
                await log.append(Draft(kind))
        with pytest.raises(Malformed):
            await log.append(Draft("answer", public=good, private={"why": 1.5}))  # type: ignore[dict-item]
        assert log.size == 1


async def test_sealed_bodies_open_and_die_with_the_person(
    database: Any, keys: KeyStore, signer: Signer
) -> None:
    other = "cd" * 16
    async with writer(database, keys, signer) as log:
        receipt = await log.append(draft(subjects=(PERSON, other)))
    [(raw, whole)] = await rows(database.owner_dsn, "SELECT sealed, leaf FROM log.entry WHERE index = 1")
    body = seal.split(bytes(raw))  # type: ignore[arg-type]
    period = keys.period(TREE, body.month)
    lasting, slots = seal.open_period(body, period)
    assert lasting["agent"] == {"user": "officer-0"}
    assert lasting["logged_at"] == receipt.at.isoformat()
    persons = keys.at_slots(TREE, slots)
    opened = seal.open_person(body, period, persons)
    assert opened["query"] == {"name": {"last": "Zzyzx", "first": "Ana"}, "ssn": SSN}
    assert opened["detail"] == {"something_new": "folded away", "detail": None}
    key = seal.opening_key(body, "query", leaf.PERSON, period=period, persons=persons)
    commitment = orjson.loads(receipt.leaf)["sealed"]["query"]
    assert seal.opens(decode(commitment), key, opened["query"])
    assert not seal.opens(decode(commitment), key, {"name": "somebody else"})
    assert keys.destroy([PERSON]) == 1
    with pytest.raises(LookupError):
        keys.at_slots(TREE, slots)
    # With the other person's key alone nothing opens, and the proof is as good as ever.
    with pytest.raises(Malformed):
        seal.open_person(body, period, persons[1:])
    assert seal.open_period(body, period)[0]["agent"] == {"user": "officer-0"}
    proof.verify(receipt.text, bytes(whole), signer.verifier)  # type: ignore[arg-type]


async def test_labels_have_no_gap_and_no_repeat(database: Any, keys: KeyStore, signer: Signer) -> None:
    async with writer(database, keys, signer) as log:
        await asyncio.gather(*(log.append(draft(number)) for number in range(30)))
    # A new process has to find the count again.
    async with writer(database, keys, signer) as log:
        await asyncio.gather(*(log.append(draft(number)) for number in range(5)))
    key = keys.find(TREE, PERSON)
    assert key is not None
    found = {row[0] for row in await rows(database.owner_dsn, "SELECT label FROM log.label")}
    assert found == {seal.label(key, count) for count in range(35)}


async def test_admit_refuses_inside_the_transaction(database: Any, keys: KeyStore, signer: Signer) -> None:
    asked_in = set()

    async def admit(conn: psycopg.AsyncConnection, drafts: Sequence[Draft]) -> list[Refusal | None]:  # type: ignore[type-arg]
        row = await (await conn.execute("SELECT pg_current_xact_id()::text")).fetchone()
        assert row is not None
        asked_in.add(row[0])
        ended = Refusal(Code.AGREEMENT_ENDED, "It ended a moment ago.")
        return [ended if item.guard == "ended" else None for item in drafts]

    async with writer(database, keys, signer, admit=admit) as log:
        results = await asyncio.gather(
            *(log.append(draft(number, guard="ended" if number % 3 == 0 else None)) for number in range(9)),
            return_exceptions=True,
        )
        refused = [result for result in results if isinstance(result, Refused)]
        assert [item.refusal.code for item in refused] == [Code.AGREEMENT_ENDED] * 3
        assert log.size == 1 + 6
        with pytest.raises(Refused):
            await log.append(draft(guard="ended"))
        assert (await log.append(draft())).index == 7
    # Every entry was written by a transaction in which `admit` was asked.
    written = await rows(database.owner_dsn, "SELECT DISTINCT xmin::text FROM log.entry")
    assert {row[0] for row in written} <= asked_in


async def test_a_second_writer_does_not_start(database: Any, keys: KeyStore, signer: Signer) -> None:
    async with writer(database, keys, signer):
        with pytest.raises(WriterBusy):
            await writer(database, keys, signer).start()


async def test_logins_cannot_change_a_row(database: Any, keys: KeyStore, signer: Signer) -> None:
    async with writer(database, keys, signer) as log:
        await log.append(draft())
    for dsn in (database.door_dsn, database.desk_dsn):
        for table in ("entry", "checkpoint", "subtree", "label"):
            for statement in (
                f"UPDATE log.{table} SET tree = 'acts'",
                f"DELETE FROM log.{table}",
                f"TRUNCATE log.{table}",
                f"DROP TABLE log.{table}",
                f"ALTER TABLE log.{table} DROP COLUMN tree",
                f"CREATE RULE r AS ON INSERT TO log.{table} DO INSTEAD NOTHING",
                f"SELECT 1 FROM log.{table} FOR UPDATE",
                f"MERGE INTO log.{table} AS t USING log.entry AS e ON true WHEN MATCHED THEN DELETE",
            ):
                async with await psycopg.AsyncConnection.connect(dsn) as conn:
                    with pytest.raises(psycopg.errors.InsufficientPrivilege):
                        await conn.execute(statement)  # type: ignore[arg-type]
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        await rows(database.door_dsn, "SELECT * FROM log.pending")


EDITS = {
    "leaf": ("UPDATE log.entry SET leaf = set_byte(leaf, 100, 33) WHERE index = 3", 3),
    "leaf_and_hash": (
        """UPDATE log.entry SET leaf = set_byte(leaf, 100, 33),
           leaf_hash = sha256('\\x00'::bytea || set_byte(leaf, 100, 33)) WHERE index = 3""",
        3,
    ),
    "body": (
        "UPDATE log.entry SET sealed = set_byte(sealed, 50, 1 + get_byte(sealed, 50) % 255) WHERE index = 4",
        4,
    ),
    "deleted": ("DELETE FROM log.entry WHERE index = 2", 2),
    "cut": ("DELETE FROM log.entry WHERE index >= 5", 5),
    "checkpoint": ("DELETE FROM log.checkpoint WHERE size >= 6", 5),
    "swap": (
        """UPDATE log.entry AS a SET leaf = b.leaf, leaf_hash = b.leaf_hash, sealed = b.sealed
           FROM log.entry AS b WHERE (a.index, b.index) IN ((2, 3), (3, 2))""",
        2,
    ),
}


@pytest.mark.parametrize("edit", EDITS)
async def test_an_edit_is_named_at_the_start(
    database: Any, keys: KeyStore, signer: Signer, edit: str
) -> None:
    async with writer(database, keys, signer) as log:
        for number in range(7):
            await log.append(draft(number))
    statement, index = EDITS[edit]
    with psycopg.connect(database.superuser_dsn) as conn:
        conn.execute(statement)  # type: ignore[arg-type]
    with pytest.raises(LogDamaged) as caught:
        await writer(database, keys, signer).start()
    assert (caught.value.index, caught.value.tree) == (index, TREE)


async def test_a_rolled_back_database_is_found(
    database: Any, keys: KeyStore, signer: Signer, tmp_path: Path
) -> None:
    head = tmp_path / "heads" / TREE
    async with writer(database, keys, signer, head_file=head) as log:
        for number in range(4):
            await log.append(draft(number))
    async with writer(database, keys, signer, head_file=head) as log:
        await log.append(draft())
    with psycopg.connect(database.superuser_dsn) as conn:
        for statement in (
            "DELETE FROM log.entry WHERE index >= 3",
            "DELETE FROM log.label WHERE index >= 3",
            "DELETE FROM log.checkpoint WHERE size > 3",
        ):
            conn.execute(statement)
    with pytest.raises(LogDamaged) as caught:
        await writer(database, keys, signer, head_file=head).start()
    assert caught.value.index == 3


async def test_an_edit_is_found_by_the_running_writer(database: Any, keys: KeyStore, signer: Signer) -> None:
    async with writer(database, keys, signer) as log:
        for number in range(3):
            await log.append(draft(number))
        with psycopg.connect(database.superuser_dsn) as conn:
            conn.execute("DELETE FROM log.entry WHERE index = 3")
        with pytest.raises(Refused) as caught:
            await log.append(draft())
        assert caught.value.refusal.code is Code.LOG_UNAVAILABLE


async def test_fails_closed_and_comes_back(database: Any, keys: KeyStore, signer: Signer) -> None:
    name = psycopg.conninfo.conninfo_to_dict(database.superuser_dsn)["dbname"]
    with psycopg.connect(database.superuser_dsn, dbname="postgres", autocommit=True) as admin:
        async with writer(database, keys, signer) as log:
            before = await log.append(draft())
            admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
            admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,)
            )
            for _ in range(3):
                with pytest.raises(Refused) as caught:
                    await log.append(draft())
                assert caught.value.refusal.code is Code.LOG_UNAVAILABLE
            assert log.size == before.index + 1
            admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
            after = await log.append(draft())
            proof.verify(after.text, after.leaf, signer.verifier)
            assert after.index == before.index + 1


async def test_a_commit_without_an_answer_is_found_again(
    database: Any, keys: KeyStore, signer: Signer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with writer(database, keys, signer) as log:
        await log.append(draft())
        conn = log._conn
        assert conn is not None
        pipeline = conn.pipeline

        @contextlib.asynccontextmanager
        async def commit_then_break() -> AsyncIterator[None]:
            async with pipeline():
                yield
            raise psycopg.OperationalError

        # The pipeline's exit sends and settles the commit; the caller hears only the failure.
        monkeypatch.setattr(conn, "pipeline", commit_then_break)
        with pytest.raises(Refused):
            await log.append(draft(1))
        receipt = await log.append(draft(2))
        proof.verify(receipt.text, receipt.leaf, signer.verifier)
        assert log.size == receipt.index + 1
    async with writer(database, keys, signer) as log:
        assert log.size == receipt.index + 1


async def test_a_commit_that_the_server_turned_into_a_rollback_gives_no_receipt(
    database: Any, keys: KeyStore, signer: Signer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with writer(database, keys, signer) as log:
        before = await log.append(draft())

        async def fails_unseen(conn: psycopg.AsyncConnection, *_: object) -> None:
            with contextlib.suppress(psycopg.Error):
                async with conn.pipeline():
                    await conn.execute("SELECT 1/0")

        with monkeypatch.context() as patch:
            patch.setattr(log, "_write", fails_unseen)
            with pytest.raises(Refused) as caught:
                await log.append(draft(1))
        assert caught.value.refusal.code is Code.LOG_UNAVAILABLE
        assert log.size == before.index + 1
        receipt = await log.append(draft(2))
        assert receipt.index == before.index + 1
        proof.verify(receipt.text, receipt.leaf, signer.verifier)


async def test_a_clock_that_jumps_closes_the_log(
    database: Any, keys: KeyStore, signer: Signer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with writer(database, keys, signer) as log:
        receipt = await log.append(draft())
        for step in (timedelta(hours=1), timedelta(hours=-1)):
            assert log._anchor is not None
            anchor = log._anchor
            log._anchor = (anchor[0] - step, anchor[1])
            if step < timedelta(0):
                log._held.last_at = receipt.at - step
            with pytest.raises(Refused):
                await log.append(draft())
            log._anchor, log._held.last_at = anchor, receipt.at
        assert (await log.append(draft())).index == receipt.index + 1


async def test_the_first_leaf_is_the_schema_and_it_only_grows(
    database: Any, keys: KeyStore, signer: Signer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with writer(database, keys, signer) as log:
        assert log.size == 1
    async with writer(database, keys, signer) as log:
        assert log.size == 1
    [(first,)] = await rows(database.owner_dsn, "SELECT leaf FROM log.entry WHERE index = 0")
    assert orjson.loads(bytes(first))["public"]["schema"] == dict(leaf.DISCLOSURES)  # type: ignore[arg-type]
    answer = leaf.DISCLOSURES["answer"]
    wider = {**leaf.DISCLOSURES, "answer": {**answer, "sealed": {**answer["sealed"], "zone": "period"}}}
    monkeypatch.setattr(leaf, "SCHEMAS", {TREE: wider})
    leaf.fields.cache_clear()
    async with writer(database, keys, signer) as log:
        assert log.size == 2
    monkeypatch.undo()
    leaf.fields.cache_clear()
    with pytest.raises(SchemaThinned, match=r"answer\.sealed\.zone"):
        await writer(database, keys, signer).start()


async def test_pending_acts_become_one_entry_each(database: Any, keys: KeyStore, signer: Signer) -> None:
    async with await psycopg.AsyncConnection.connect(database.desk_dsn) as conn:
        for number in range(5):
            await pending.note(conn, Draft("act", public={"act": "arrest"}, private={"file": number}))
        await conn.commit()
        await pending.note(conn, Draft("act", public={"act": "arrest"}))
        await conn.rollback()
        log = Writer(database.desk_dsn, tree="acts", signer=signer, keys=keys, admit=pending.admit)
        async with log:
            both = await asyncio.gather(pending.drain(conn, log), _drain(database, log))
            assert sum(both) == 5
            assert await pending.drain(conn, log) == 0
            assert log.size == 6
        with pytest.raises(leaf.NotInSchema):
            await pending.note(conn, Draft("act", public={"act": "arrest", "name": "doe"}))


async def _drain(database: Any, log: Writer) -> int:
    async with await psycopg.AsyncConnection.connect(database.desk_dsn) as conn:
        return await pending.drain(conn, log)


async def test_served_bytes_come_from_the_database(database: Any, keys: KeyStore, signer: Signer) -> None:
    async with writer(database, keys, signer) as log:
        await asyncio.gather(*(log.append(draft(number)) for number in range(299)))
        async with await psycopg.AsyncConnection.connect(database.door_dsn) as conn:
            note = await serve.checkpoint(conn, TREE)
            assert note is not None
            assert open_checkpoint(note, signer.verifier) == log.head
            full = await serve.tile(conn, TREE, "tile/0/000")
            assert full is not None
            assert len(full) == 8192
            assert await serve.tile(conn, TREE, "tile/0/001.p/44") is not None
            assert await serve.tile(conn, TREE, "tile/1/000.p/1") == log._held.tree.node(8, 0)
            assert len(orjson.loads(await serve.checkpoints(conn, TREE))) >= 2
            for path in ("tile/0/001", "tile/0/001.p/45", "tile/2/000.p/1", "tile/0/0", "tile/entries/002"):
                assert await serve.tile(conn, TREE, path) is None
            with psycopg.connect(database.superuser_dsn) as admin:
                admin.execute("UPDATE log.entry SET leaf_hash = sha256('x') WHERE index = 7")
                admin.execute("DELETE FROM log.entry WHERE index = 9")
            await conn.rollback()
            edited = await serve.tile(conn, TREE, "tile/0/000")
            assert edited is not None
            assert [
                at for at in range(256) if edited[32 * at : 32 * at + 32] != full[32 * at : 32 * at + 32]
            ] == [7, 9]
            entries = unbundle(await serve.tile(conn, TREE, "tile/entries/000") or b"")
            assert [at for at, entry in enumerate(entries) if not entry] == [9]
