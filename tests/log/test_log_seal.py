# SPDX-License-Identifier: Apache-2.0
"""Canonical JSON, the schema, commitments, and the key store: what is destroyed is gone."""

from __future__ import annotations

import json
import multiprocessing
import os
import stat
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openpars.log import leaf, seal
from openpars.log.keys import KeyDestroyed, KeyStore
from openpars.log.note import Malformed

TREE = "disclosures"

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | texts,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.characters(max_codepoint=127)), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(values)
def test_canonical_json(value: Any) -> None:
    raw = leaf.canonical(value)
    assert json.loads(raw) == value
    assert raw == json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def test_the_examples_of_rfc_8785() -> None:
    strings = '\u20ac$\u000f\nA\'B"\\\\"/'
    assert leaf.canonical({"string": strings}) == '{"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'.encode()
    assert leaf.canonical({"b": [1, True, None], "a": "\x7f"}) == b'{"a":"\x7f","b":[1,true,null]}'
    for bad in (1.0, float("nan"), 2**53, {"\u00e9": 1}, {1: 2}, "\ud800", b"x", datetime.now(UTC), object()):
        with pytest.raises(Malformed):
            leaf.canonical({"x": [bad]})


def test_only_the_hour_is_public() -> None:
    eastern = timezone(timedelta(hours=-5))
    assert leaf.hour(datetime(2026, 11, 21, 20, 59, 59, tzinfo=eastern)) == "2026-11-22T01Z"


def test_schemas_have_closed_types() -> None:
    for tree, kinds in leaf.SCHEMAS.items():
        assert "schema" in kinds
        for kind, parts in kinds.items():
            public, sealed = leaf.fields(tree, kind)
            assert set(sealed.values()) <= {leaf.PERSON, leaf.PERIOD}
            assert {wanted.removesuffix("?") for wanted in public.values()} <= {
                "token",
                "int",
                "sha256",
                "schema",
            }
            assert parts.keys() == {"public", "sealed"}


def made(persons: int = 1) -> tuple[seal.Key, list[seal.Key]]:
    period = seal.derive(os.urandom(32), 1, TREE)
    return period, [seal.derive(os.urandom(32), 2 + number, TREE) for number in range(persons)]


CLASSES = {"agent": leaf.PERIOD, "query": leaf.PERSON, "detail": leaf.PERSON}


def test_equal_values_give_unequal_commitments() -> None:
    period, persons = made()
    first, second = (
        seal.seal({"query": "Doe"}, CLASSES, month="2026-11", period=period, persons=persons)
        for _ in range(2)
    )
    for name in CLASSES:
        assert first.commitments[name] != second.commitments[name]
    assert len(set(first.commitments.values())) == len(CLASSES)


def test_an_edited_body_does_not_open() -> None:
    period, persons = made()
    sealed = seal.seal({"agent": 1, "query": "Doe"}, CLASSES, month="2026-11", period=period, persons=persons)
    for at in range(len(sealed.body)):
        changed = bytearray(sealed.body)
        changed[at] ^= 1
        with pytest.raises(Malformed):
            _open_all(bytes(changed), period, persons)


def _open_all(raw: bytes, period: seal.Key, persons: list[seal.Key]) -> None:
    body = seal.split(raw)
    seal.open_period(body, period)
    seal.open_person(body, period, persons)


def test_every_subject_is_needed() -> None:
    period, persons = made(3)
    sealed = seal.seal({"query": "Doe"}, CLASSES, month="2026-11", period=period, persons=persons)
    body = seal.split(sealed.body)
    assert seal.open_period(body, period)[1] == [key.slot for key in persons]
    assert seal.open_person(body, period, persons)["query"] == "Doe"
    for fewer in (persons[:2], persons[1:], persons[::-1], []):
        with pytest.raises(Malformed):
            seal.open_person(body, period, fewer)


def test_without_subjects_the_period_key_opens_all() -> None:
    period, _ = made()
    sealed = seal.seal({"query": "Nobody"}, CLASSES, month="2026-11", period=period, persons=[])
    body = seal.split(sealed.body)
    assert seal.open_person(body, period, [])["query"] == "Nobody"
    with pytest.raises(Malformed):
        seal.open_person(body, made()[0], [])


def test_trees_cannot_be_joined() -> None:
    secret = os.urandom(32)
    one, other = seal.derive(secret, 1, "disclosures"), seal.derive(secret, 1, "acts")
    assert seal.label(one, 0) != seal.label(other, 0)
    assert len({seal.label(one, count) for count in range(100)}) == 100


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keys" / "persons.sqlite"


def test_keys_are_made_once_and_kept(path: Path) -> None:
    people = [os.urandom(16).hex() for _ in range(1200)]
    store = KeyStore(path)
    first = store.persons(TREE, people)
    assert len({key.wrap for key in first.values()}) == 1200
    assert store.persons(TREE, people) == first
    assert store.known(TREE, people[:3], "2026-11") is None
    month = store.period(TREE, "2026-11")
    assert store.known(TREE, people[:3], "2026-11") == ({name: first[name] for name in people[:3]}, month)
    store.close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    again = KeyStore(path)
    assert again.persons(TREE, people) == first
    assert again.period(TREE, "2026-11") == month
    assert again.at_slots(TREE, [first[people[5]].slot]) == [first[people[5]]]
    again.close()
    with pytest.raises(ValueError, match="person-key"):
        KeyStore(path).persons(TREE, ["period:2026-11"])


def test_a_destroyed_key_is_in_no_file(path: Path) -> None:
    people = [os.urandom(16).hex() for _ in range(600)]
    store, other = KeyStore(path), KeyStore(path)
    keys = store.persons(TREE, people)
    other.persons(TREE, people)
    conn = store._conn
    secrets = {row[0]: row[1] for row in conn.execute("SELECT slot, secret FROM key")}
    doomed = people[::7]

    def bytes_on_disk() -> bytes:
        return b"".join(file.read_bytes() for file in path.parent.iterdir())

    before = bytes_on_disk()
    assert all(secrets[keys[name].slot] in before for name in people)
    assert store.destroy(doomed) == len(doomed)
    after = bytes_on_disk()
    for name in people:
        assert (secrets[keys[name].slot] in after) is (name not in doomed)
    # The other process forgets what it had in memory, and a person seen again has another key.
    assert other.known(TREE, doomed, "2026-11") is None
    assert other.find(TREE, doomed[0]) is None
    with pytest.raises(KeyDestroyed):
        other.at_slots(TREE, [keys[doomed[0]].slot])
    fresh = other.persons(TREE, [doomed[0]])[doomed[0]]
    assert fresh.wrap != keys[doomed[0]].wrap
    assert fresh.slot != keys[doomed[0]].slot
    assert store.destroy(["nobody"]) == 0


def _make(path: Path, people: list[str], answers: Any) -> None:
    store = KeyStore(path)
    answers.put({name: (key.slot, key.wrap) for name, key in store.persons(TREE, people).items()})
    store.close()


def test_processes_agree_on_a_key(path: Path) -> None:
    people = [os.urandom(16).hex() for _ in range(200)]
    KeyStore(path).close()
    context = multiprocessing.get_context("spawn")
    answers = context.Queue()
    workers = [context.Process(target=_make, args=(path, people, answers)) for _ in range(3)]
    for worker in workers:
        worker.start()
    found = [answers.get(timeout=60) for _ in workers]
    for worker in workers:
        worker.join()
    assert found[0] == found[1] == found[2]
