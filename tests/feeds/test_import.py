# SPDX-License-Identifier: Apache-2.0
"""The whole way of a daily file: through the court's desk into the record, on a real database."""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner

from openpars.cli.imports import app
from openpars.feeds import quarantine
from openpars.feeds.act import Done, Importer, ImportRunningError, open_importer
from openpars.feeds.filings import FilingsFile
from openpars.feeds.sequence import Kind
from openpars.feeds.table import Broken
from openpars.record import store
from openpars.record.file import ArrestFile, BailType, Custody, Seal
from openpars.settings import Settings, load_desk
from tests.feeds.days import Row, snake
from tests.feeds.test_sequence import filed, week

ONE = Row(1, filed=filed(5), bail_date="08/08/2020 10:01:00 AM")
GONE = Row(2, filed=filed(4))


def opened(settings: Settings):
    return open_importer(load_desk(settings.data_dir), settings.keys_file, demo=True)


async def brought(settings: Settings, *files: FilingsFile) -> Done:
    done = Done()
    async with opened(settings) as importer:
        for file in files:
            done += await importer.file(file, lambda _done, _of: None)
    return done


async def on_record(settings: Settings, row: Row) -> ArrestFile | None:
    async with await psycopg.AsyncConnection.connect(load_desk(settings.data_dir).desk_dsn) as conn:
        return await store.lock_docket(conn, row.docket)


async def test_a_docket_becomes_a_file_and_what_it_does_not_say_stays_unknown(settings: Settings) -> None:
    done = await brought(settings, week(7, [ONE]))
    assert done.kinds == {Kind.NEW: 9}
    file = await on_record(settings, ONE)
    assert file is not None
    assert (file.arrestee.name.last, file.arrestee.age_stated, file.arrestee.zip) == (
        "Testperson",
        30,
        "19134",
    )
    assert (file.arrestee.birth_date, file.charges[0].grade, file.charges[0].statute) == (None, None, None)
    assert (file.custody, file.arrested_at, file.represented) == (None, None, "defender")
    assert file.bail is not None
    assert (file.bail.type, file.bail.amount, file.bail.posted) == (BailType.MONETARY, 25000, False)
    assert file.filed_at is not None
    assert file.filed_at.isoformat() == "2020-08-08T13:00:00+00:00"  # nine in the morning in Philadelphia


async def test_the_same_files_again_change_nothing(settings: Settings) -> None:
    files = [week(7, [ONE, GONE]), week(8, [ONE])]
    first = await brought(settings, *files)
    assert (first.kinds[Kind.WITHDRAWN], first.aged) == (1, 1)
    before = await on_record(settings, ONE)
    again = await brought(settings, *files)
    assert (again.kinds, again.known_files) == (Counter(), 2)
    assert await on_record(settings, ONE) == before


async def test_withdrawn_changed_and_listed_again(settings: Settings) -> None:
    changed = ONE.but(represented="", status="Posted", outstanding="-2500.0", custody="")
    await brought(
        settings,
        week(7, [ONE.but(custody="Invented Jail"), GONE], custody=True),
        week(8, [changed], custody=True),
    )
    file, gone = await on_record(settings, ONE), await on_record(settings, GONE)
    assert file is not None
    assert gone is not None
    assert file.bail is not None
    assert (file.version, file.represented, file.bail.posted, file.custody) == (
        2,
        "none",
        True,
        Custody.RELEASED,
    )
    assert gone.seal is Seal.WITHDRAWN
    await brought(settings, week(9, [changed, GONE], custody=True))
    back = await on_record(settings, GONE)
    assert back is not None
    assert back.seal is Seal.OPEN


async def test_killed_in_the_middle_it_goes_on(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = week(7, [ONE, GONE]), week(8, [ONE.but(amount="10.0")])
    await brought(settings, first)
    with monkeypatch.context() as patched:

        async def killed(self: Importer, acts: object, name: str) -> Done:
            await original(self, acts[:2], name)  # type: ignore[index, arg-type]
            raise KeyboardInterrupt

        original = Importer._chunk
        patched.setattr(Importer, "_chunk", killed)
        with pytest.raises(KeyboardInterrupt):
            await brought(settings, second)
    await brought(settings, second)
    file, gone = await on_record(settings, ONE), await on_record(settings, GONE)
    assert file is not None
    assert gone is not None
    assert (file.version, gone.seal, gone.version) == (2, Seal.WITHDRAWN, 2)
    assert (await brought(settings, second)).known_files == 1


async def test_a_row_without_a_name_waits_for_one(settings: Settings) -> None:
    done = await brought(settings, week(7, [ONE.but(name="")]))
    assert len(done.refused) == 1
    assert "day7.csv, line" in done.refused[0]
    assert await on_record(settings, ONE) is None
    done = await brought(settings, week(8, [ONE]))
    assert not done.refused
    assert await on_record(settings, ONE) is not None
    done = await brought(settings, week(9, [ONE.but(name="", amount="1.0")]))
    file = await on_record(settings, ONE)
    assert file is not None
    assert file.bail is not None
    assert (file.arrestee.name.first, file.bail.amount) == ("Ana", 1)


async def test_a_dry_run_and_a_second_import(settings: Settings) -> None:
    async with opened(settings) as importer:
        done = await importer.look([week(8, [ONE]), week(7, [ONE, GONE])])
        assert done.kinds[Kind.WITHDRAWN] == 1
        with pytest.raises(ImportRunningError):
            async with opened(settings):
                pass
    assert await on_record(settings, ONE) is None


async def test_a_replay_does_the_same_in_time(settings: Settings) -> None:
    told: list[str] = []
    async with opened(settings) as importer:
        files = [week(7, [ONE, GONE]), week(8, [ONE])]
        done = await importer.replay(files, [], speed=1e9, seconds=60, tell=told.append)
        assert done.kinds == {Kind.NEW: 11, Kind.WITHDRAWN: 1}
        assert told
        again = await importer.replay(files, [], speed=1e9, seconds=60, tell=told.append)
        assert (again.kinds, again.known_files) == (Counter(), 0)
        slow = await importer.replay([week(9, [ONE])], [], speed=0.001, seconds=0.2, tell=told.append)
        assert slow.kinds[Kind.NEW] <= 1


def run(*arguments: object):
    return CliRunner().invoke(app, ["filings", *map(str, arguments)])


def put(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def test_the_command_reads_and_reports(tmp_path: Path) -> None:
    good = put(tmp_path / "a.csv", snake([ONE, GONE]))
    done = run(good, "--json")
    assert done.exit_code == 0
    assert json.loads(done.stdout)["per_file"]["a.csv"]["rows"] == 2
    assert "No city was given" in done.stderr
    assert "a.csv" in run(good).stdout


def test_files_of_one_name_are_told_apart(tmp_path: Path) -> None:
    one = put(tmp_path / "mon" / "latest.csv", snake([ONE]))
    two = put(tmp_path / "tue" / "latest.csv", snake([ONE, GONE]))
    assert set(json.loads(run(one, two, "--json").stdout)["per_file"]) == {"mon/latest.csv", "tue/latest.csv"}


def test_the_quarantine(tmp_path: Path) -> None:
    bad = put(tmp_path / "bad.csv", snake([ONE, Row(3, amount="NaN", name="=Formula, Ana")]))
    done = run(bad, "--json", "--quarantine", tmp_path / "q")
    assert done.exit_code == 1
    assert json.loads(done.stdout)["per_file"]["bad.csv"]["quarantined"] == 1
    kept = tmp_path / "q" / "bad.csv.quarantine.csv"
    assert kept.stat().st_mode & 0o777 == 0o600
    line, reason, record = list(csv.reader(kept.open()))[1]
    assert (line, reason[:24]) == ("3", "bail_amount is not money")
    assert json.loads(record).startswith('"=Formula, Ana"')
    assert ",=Formula" not in kept.read_text(encoding="utf-8")
    assert run(put(bad, snake([ONE])), "--quarantine", tmp_path / "q").exit_code == 0
    assert not kept.exists()


def test_a_refused_file_changes_nothing(tmp_path: Path, settings: Settings) -> None:
    good = put(tmp_path / "good.csv", snake([ONE]))
    bad = put(tmp_path / "bad.csv", snake([ONE]).replace(b"docket_number", b"docket_numbr"))
    done = run(good, bad, "--json", "--data-dir", settings.data_dir)
    assert done.exit_code == 1
    assert set(json.loads(done.stdout)) == {"error"}
    assert "bad.csv, line 1: column 4" in done.stderr
    with psycopg.connect(load_desk(settings.data_dir).desk_dsn) as conn:
        assert conn.execute("SELECT count(*) FROM feeds.docket").fetchone() == (0,)


def test_the_command_acts(tmp_path: Path, settings: Settings) -> None:
    good = put(tmp_path / "good.csv", snake([ONE, GONE]))
    dry = run(good, "--json", "--dry-run", "--data-dir", settings.data_dir)
    assert json.loads(dry.stdout)["city"]["acts"] == {"new docket": 2}
    done = run(good, "--json", "--data-dir", settings.data_dir)
    assert (done.exit_code, json.loads(done.stdout)["city"]["acts"]) == (0, {"new docket": 2})
    again = run(good, "--data-dir", settings.data_dir)
    assert "nothing new; 1 files known already" in again.stdout


@pytest.mark.parametrize(
    "options",
    [
        ("--live",),
        ("--for", "3"),
        ("--data-dir", "{}", "--live", "--speed", "0"),
        ("--data-dir", "{}/nowhere"),
    ],
)
def test_what_cannot_run(tmp_path: Path, options: tuple[str, ...]) -> None:
    good = put(tmp_path / "good.csv", snake([ONE]))
    done = run(good, *(option.format(tmp_path) for option in options))
    assert done.exit_code not in (0, 1) or done.exception is not None


def test_an_empty_quarantine_leaves_no_file(tmp_path: Path) -> None:
    assert quarantine.write(tmp_path, "a.csv", ()) is None
    written = quarantine.write(tmp_path, "a.csv", (Broken(2, "why", "x\ny"),))
    assert written is not None
    assert written.read_text(encoding="utf-8").splitlines()[1] == '2,why,"""x\\ny"""'
