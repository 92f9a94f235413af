# SPDX-License-Identifier: Apache-2.0
"""Loading the demo city: whole, once, and from anywhere it was cut short."""

from __future__ import annotations

import json
import stat
from datetime import date
from pathlib import Path

import psycopg
import pytest

from openpars.accounts import keys
from openpars.agreements import register
from openpars.city import agreed, load
from openpars.city.load import NotADemo, load_demo
from openpars.settings import City, load_desk, save_city

ROLES = {"police", "district-attorney", "courts", "solicitor", "auditor", "records"}


class Said(list):
    def __call__(self, what: str, done: int, total: int) -> None:
        self.append((what, done, total))


async def counts(settings) -> dict[str, int]:
    tables = (
        "record.arrest",
        "record.version",
        "record.person",
        "accounts.staff_key",
        "accounts.recipient_key",
        "agreements.version",
        "agreements.ballot",
        "shares.kept",
        "log.pending",
    )
    async with await psycopg.AsyncConnection.connect(load_desk(settings.data_dir).desk_dsn) as conn:
        found = {}
        for table in tables:
            row = await (await conn.execute(f"SELECT count(*) FROM {table}")).fetchone()
            found[table] = row[0]
        return found


async def test_a_demo_is_whole(settings):
    said = Said()
    await load_demo(settings, arrests=300, progress=said)
    found = await counts(settings)
    assert found["record.arrest"] == 300
    assert found["record.version"] > 1_000
    assert found["accounts.staff_key"] == 6
    assert found["accounts.recipient_key"] == 4  # three recipients, and an organisation under one of them
    assert found["shares.kept"] > 10
    assert ("arrests", 300, 300) in said
    place = settings.data_dir / "demo-keys.json"
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    written = json.loads(place.read_text(encoding="utf-8"))
    assert set(written) == {"keys", "links", "organisations"}
    for part in (written["keys"], written["links"]):
        assert set(part) == ROLES | {"recipients"}
        assert set(part["recipients"]) == {"ice", "fbi", "defender"}
    async with await psycopg.AsyncConnection.connect(load_desk(settings.data_dir).desk_dsn) as conn:
        for role in ROLES:
            assert (await keys.staff_by_token(conn, written["keys"][role])).role == role
            assert (await keys.staff_by_link(conn, written["links"][role])).role == role
        for recipient, token in written["keys"]["recipients"].items():
            found = await keys.recipient_by_token(conn, token)
            assert (found.recipient, found.organisation) == (recipient, None)
        found = await keys.recipient_by_token(conn, written["organisations"]["ice"]["ero-philadelphia"])
        assert (found.recipient, found.organisation) == ("ice", "ero-philadelphia")


async def test_the_agreements_of_the_demo(settings):
    await load_demo(settings, arrests=50, progress=Said())
    async with await psycopg.AsyncConnection.connect(load_desk(settings.data_dir).desk_dsn) as conn:
        in_force = {version.agreement.id for version in await register.versions_in_force(conn)}
        entries = await register.register(conn)
    assert in_force == {"ice-felony-warrant", "defender-representation"}
    assert not [entry for entry in entries if entry.recipient == "fbi"]
    past = [entry for entry in entries if entry.agreement == "ice-pars"]
    assert [entry.version for entry in past] == [1, 2]
    assert all(entry.state == "ended" and entry.reconstructed and not entry.ballots for entry in past)
    assert not [event for event in past[0].events if event.what == "ballot"]
    said = {(e.by, e.at.year): e.reason for e in past[1].events if e.what == "ballot"}
    assert {year for _, year in said} == {2010, 2018}
    assert all(reason == "amend: yes" for (_, year), reason in said.items() if year == 2010)
    assert said["courts", 2018] == "renew: abstain"
    assert said["district-attorney", 2018].startswith("renew: no")
    assert said["police", 2018].startswith("renew: no")
    assert [e.at.year for e in past[1].events if e.what == "renewed"] == list(range(2011, 2018))
    assert past[1].ended_at.isoformat() == "2018-09-01T04:00:00+00:00"
    assert past[0].ended_at.date().isoformat() == "2010-07-16"
    ballots = [ballot for entry in entries if entry.agreement in in_force for ballot in entry.ballots]
    assert len(ballots) == 5
    assert all(ballot.signature is None for ballot in ballots)


async def test_loading_again_changes_nothing(settings):
    await load_demo(settings, arrests=40, progress=Said())
    before, written = await counts(settings), (settings.data_dir / "demo-keys.json").read_bytes()
    said = Said()
    await load_demo(settings, arrests=80, progress=said)
    assert await counts(settings) == before
    assert (settings.data_dir / "demo-keys.json").read_bytes() == written
    assert said == []


@pytest.mark.parametrize("where", ["bulk_insert", "write_private", "note"])
async def test_cut_short_among_its_people_it_leaves_nothing_and_starts_over(settings, monkeypatch, where):
    with monkeypatch.context() as patch:
        patch.setattr(load, where, _dies_at_once if where == "write_private" else _dies)
        with pytest.raises(KeyboardInterrupt):
            await load_demo(settings, arrests=40, progress=Said())
    assert not any((await counts(settings)).values())
    assert not (settings.data_dir / "demo-keys.json").exists()
    await load_demo(settings, arrests=40, progress=Said())
    assert (await counts(settings))["record.arrest"] == 40


async def _dies(*args, **kwargs):
    raise KeyboardInterrupt


def _dies_at_once(*args, **kwargs):
    raise KeyboardInterrupt


async def test_cut_short_between_commit_and_name_the_keys_are_kept(settings, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(load.os, "replace", _no_replace)
        with pytest.raises(KeyboardInterrupt):
            await load_demo(settings, arrests=40, progress=Said())
    await load_demo(settings, arrests=40, progress=Said())
    token = json.loads((settings.data_dir / "demo-keys.json").read_text(encoding="utf-8"))["keys"]["police"]
    async with await psycopg.AsyncConnection.connect(load_desk(settings.data_dir).desk_dsn) as conn:
        assert (await keys.staff_by_token(conn, token)).role == "police"


def _no_replace(source, target):
    if str(target).endswith("demo-keys.json"):
        raise KeyboardInterrupt
    source.rename(target)


@pytest.mark.parametrize(("room", "where"), [(load.enact, "register"), (load.fill, "fill")])
async def test_cut_short_among_its_agreements_it_goes_on(settings, monkeypatch, room, where):
    with monkeypatch.context() as patch:
        patch.setattr(room, where, _dies)
        with pytest.raises(KeyboardInterrupt):
            await load_demo(settings, arrests=40, progress=Said())
    await load_demo(settings, arrests=40, progress=Said())
    async with await psycopg.AsyncConnection.connect(load_desk(settings.data_dir).desk_dsn) as conn:
        in_force = await register.versions_in_force(conn)
    assert len(in_force) == 2
    assert (await counts(settings))["agreements.ballot"] == 5


async def test_nothing_invented_is_put_into_a_real_city(settings):
    save_city(settings.data_dir, City(base_url="http://127.0.0.1:8080", demo=False))
    with pytest.raises(NotADemo):
        await load_demo(settings, arrests=10, progress=Said())
    assert not any((await counts(settings)).values())


def test_a_text_without_civil_dates_gets_no_term():
    with pytest.raises(ValueError, match="term"):
        agreed.with_term("[term]\nfrom = 2026-01-01\n", begins=date(2026, 1, 1), through=date(2026, 1, 2))


SAME = ("ice-felony-warrant", "ice-pars-2008", "ice-pars-2010")


@pytest.mark.parametrize("name", SAME)
def test_the_package_and_the_examples_hold_one_text(name):
    example = Path(__file__).parents[2] / "examples" / "agreements" / f"{name}.toml"
    assert agreed.text(name) == example.read_text(encoding="utf-8")
