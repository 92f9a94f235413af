# SPDX-License-Identifier: Apache-2.0
"""The register of ballot keys, word for word: what is refused, what is kept, and what the log is told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import orjson
import psycopg
import pytest
import pytest_asyncio

from openpars.agreements import register
from openpars.agreements.ballots import BallotKey, Logged, key_digest, revocation_digest
from openpars.agreements.votes.ballot_keys import (
    LABEL_LIMIT,
    NewKey,
    keys_of,
    logged,
    logged_in,
    register_key,
    revoke_key,
)
from openpars.db.connect import Connection
from openpars.errors import Code, Refused
from openpars.log.stored import Noted
from tests.agreements.delegates import PROVIDER, Delegate
from tests.conftest import Database


@pytest_asyncio.fixture
async def conn(database: Database) -> AsyncIterator[Connection]:
    async with await psycopg.AsyncConnection.connect(database.desk_dsn, autocommit=True) as connection:
        yield connection


async def registered(conn: Connection, new: NewKey, stakeholder: str = "police") -> BallotKey:
    async with conn.transaction():
        return await register_key(conn, new, provider=PROVIDER, stakeholder=stakeholder)


async def refused(conn: Connection, new: NewKey, stakeholder: str = "police") -> tuple[Code, str | None, str]:
    """The refusal; nothing may be stored by it."""
    before = await keys_of(conn, PROVIDER)
    with pytest.raises(Refused) as caught:
        await registered(conn, new, stakeholder)
    assert await keys_of(conn, PROVIDER) == before
    found = caught.value.refusal
    return found.code, found.field, found.detail


async def revoked(
    conn: Connection, delegate: Delegate, reason: str = "lost", *, by: str = "police"
) -> BallotKey:
    async with conn.transaction():
        return await revoke_key(conn, delegate.id, provider=PROVIDER, stakeholder=by, reason=reason)


async def entries(conn: Connection) -> list[tuple[dict[str, object], dict[str, object]]]:
    rows = await conn.execute("SELECT public, private FROM log.pending WHERE kind = 'key' ORDER BY id")
    return [(orjson.loads(public), orjson.loads(private)) for public, private in await rows.fetchall()]


async def test_a_key_from_its_founding_to_its_end(conn: Connection) -> None:
    chief, deputy = Delegate("police", "the Commissioner"), Delegate("police", "a deputy")
    before = await register.clock(conn)
    first = await registered(conn, chief.new())
    second = await registered(conn, deputy.new(chief))
    new = deputy.new(chief)
    assert second == BallotKey(
        deputy.id,
        PROVIDER,
        "police",
        "a deputy",
        deputy.public,
        new.proof,
        chief.id,
        new.endorsement,
        second.since,
    )
    assert before < first.since < second.since < await register.clock(conn)
    assert (first.endorsed_by, first.endorsement, first.revoked_at) == (None, None, None)
    assert await keys_of(conn, PROVIDER) == (first, second)
    assert await keys_of(conn, "another-city") == ()
    gone = await revoked(conn, deputy, "her phone was stolen")
    assert gone == replace(
        second, revoked_at=gone.revoked_at, revoked_by="police", revoked_why="her phone was stolen"
    )
    assert gone.revoked_at is not None
    assert second.since < gone.revoked_at < await register.clock(conn)
    assert await keys_of(conn, PROVIDER) == (first, gone)
    told = [("ballot-key-registered", first), ("ballot-key-registered", second), ("ballot-key-revoked", gone)]
    digests = [key_digest(first), key_digest(second), revocation_digest(gone)]
    assert await entries(conn) == [
        (
            {"event": event, "role": "police", "key": key.id, "digest": digest},
            {"agent": "police", "why": key.revoked_why, "label": key.label},
        )
        for (event, key), digest in zip(told, digests, strict=True)
    ]
    assert await logged(conn) == Logged(frozenset(digests), frozenset({deputy.id}))


def test_what_the_log_says_of_ballots_and_keys() -> None:
    said = {"digest": "aa", "key": "k1", "event": "ballot-key-registered"}
    entries = [
        Noted(None, "key", said),
        Noted(None, "key", {**said, "digest": "bb", "event": "ballot-key-revoked"}),
        Noted(None, "ballot", {"digest": "cc", "key": "k2"}),
        Noted(None, "agreement", {"digest": "dd"}),
        Noted(None, "agreement", {"digest": "ee", "key": "k3", "event": "ballot-key-revoked"}),
        Noted(None, "key", {"key": "k4", "event": "ballot-key-revoked"}),
        Noted(None, "ballot", {"digest": 7}),
    ]
    assert logged_in(entries) == Logged(frozenset({"aa", "bb", "cc"}), frozenset({"k1"}))


async def test_what_is_no_key_at_all(conn: Connection) -> None:
    new = Delegate("police").new()
    for wrong in ("", "ed25519:", "ed25519:AAAA", new.public_key.removeprefix("ed25519:")):
        assert await refused(conn, replace(new, public_key=wrong)) == (
            Code.INVALID,
            "public_key",
            "a public key is `ed25519:` and 32 bytes in base64, as its file shows",
        )
    unsigned = (Code.INVALID, "proof", "the key has not signed this registration itself")
    for other in (replace(new, label="another"), replace(new, proof=Delegate("police").new().proof)):
        assert await refused(conn, other) == unsigned
    assert await refused(conn, new, "courts") == unsigned


async def test_a_label_is_one_line(conn: Connection) -> None:
    assert LABEL_LIMIT == 80
    wrong = (Code.INVALID, "label", "a label is one line of 1 to 80 characters: whose key it is")
    for label in ("", "   ", "a" * 81, "two\nlines", "a\u202eb", "a\u200bb"):
        assert await refused(conn, replace(Delegate("police").new(), label=label)) == wrong
    owner = Delegate("police", "é" * 80)
    assert (await registered(conn, replace(owner.new(), label=f"  {owner.label} "))).label == owner.label
    assert (await registered(conn, Delegate("courts", "x").new(), "courts")).label == "x"


async def test_a_key_is_registered_once(conn: Connection) -> None:
    owner = Delegate("police")
    await registered(conn, owner.new())
    again = (Code.CONFLICT, "public_key", "this key was registered before; a revoked key stays revoked")
    assert await refused(conn, owner.new()) == again
    await revoked(conn, owner)
    assert await refused(conn, owner.new()) == again


async def test_who_must_vouch_for_a_key(conn: Connection) -> None:
    chief, deputy, courts = Delegate("police"), Delegate("police"), Delegate("courts")
    nobody = (Code.INVALID, "endorsed_by", "no key of this stakeholder holds that could vouch for it")
    half = deputy.new(chief)
    for claimed in (half, replace(half, endorsement=None), replace(half, endorsed_by=None)):
        assert await refused(conn, claimed) == nobody
    await registered(conn, courts.new(), "courts")
    # A key of another stakeholder vouches for nobody here.
    assert await refused(conn, deputy.new(courts)) == nobody
    await registered(conn, chief.new())
    somebody = (
        Code.INVALID,
        "endorsed_by",
        "a key of this stakeholder that holds must vouch for the new one",
    )
    for claimed in (deputy.new(), deputy.new(courts), deputy.new(deputy), replace(half, endorsed_by=None)):
        assert await refused(conn, claimed) == somebody
    unsigned = (Code.INVALID, "endorsement", "that key has not signed this registration")
    for claimed in (replace(half, endorsement=None), replace(half, endorsement=chief.sign("another"))):
        assert await refused(conn, claimed) == unsigned
    await registered(conn, half)
    await revoked(conn, chief)
    late = Delegate("police")
    assert await refused(conn, late.new(chief)) == somebody
    await revoked(conn, deputy)
    assert await refused(conn, late.new(deputy)) == nobody
    assert (await registered(conn, late.new())).endorsed_by is None, "after the last one a key founds again"


async def test_who_may_revoke_a_key_and_when(conn: Connection) -> None:
    owner = Delegate("police")
    await registered(conn, owner.new())
    for delegate, by in ((owner, "courts"), (Delegate("police"), "police")):
        with pytest.raises(Refused) as caught:
            await revoked(conn, delegate, by=by)
        found = caught.value.refusal
        assert (found.code, found.field) == (Code.NOT_FOUND, "key")
        assert found.detail == "this stakeholder has no such key"
    first = await revoked(conn, owner)
    with pytest.raises(Refused) as caught:
        await revoked(conn, owner, "once more")
    found = caught.value.refusal
    assert (found.code, found.field, found.detail) == (
        Code.CONFLICT,
        "key",
        "this key is revoked already",
    )
    assert await keys_of(conn, PROVIDER) == (first,)
