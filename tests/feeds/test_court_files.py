# SPDX-License-Identifier: Apache-2.0
"""The court's own files, where they are at hand: every figure that is expected of them."""

from __future__ import annotations

import json
import random
from collections import Counter
from pathlib import Path

import pytest

from openpars.feeds.changes import parse_changes
from openpars.feeds.filings import FilingsFile, parse
from openpars.feeds.filings_report import report
from openpars.feeds.sequence import Kind, Marker, Memory, in_order, plan, remember

HERE = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "filings"
EXPECTED = HERE / "raw_snapshots_expected.json"

pytestmark = pytest.mark.skipif(
    not EXPECTED.exists(),
    reason="the court's files are not at hand (../shared/data/filings); they are not shipped",
)


@pytest.fixture(scope="module")
def files() -> list[FilingsFile]:
    paths = sorted((HERE / "raw_snapshots").glob("*.csv"))
    found = [parse(path.read_bytes(), path.name) for path in paths]
    random.Random(7).shuffle(found)  # noqa: S311
    return found


def test_every_expected_figure(files: list[FilingsFile]) -> None:
    expected = json.loads(EXPECTED.read_text(encoding="utf-8"))
    found = report(files).as_json()
    assert set(found["pairs"]) == set(expected["pairs"])
    for part in ("per_file", "pairs"):
        for name, figures in expected[part].items():
            ours = found[part][name]
            assert {key: ours[key] for key in figures if key in ours} == {
                key: value for key, value in figures.items() if key in ours
            }, name


def test_no_row_is_lost(files: list[FilingsFile]) -> None:
    assert sum(file.rows for file in files) == 3359
    assert not [line for file in files for line in file.quarantine]


def test_the_acts_of_all_files(files: list[FilingsFile]) -> None:
    memory, marker, done = Memory(), Marker(b"a key of this test"), Counter[Kind]()
    for file in in_order(files):
        planned = plan(memory, file, marker)
        memory = remember(memory, file, planned)
        done.update(kind for act in planned.acts for kind in act.kinds)
    expected = json.loads(EXPECTED.read_text(encoding="utf-8"))["pairs"].values()
    assert done[Kind.WITHDRAWN] == sum(pair["gone"] for pair in expected)
    assert done[Kind.BAIL] == sum(pair["bail_changed"] for pair in expected)
    assert done[Kind.NEW] == len(memory.dockets)


def test_the_change_stream() -> None:
    changes, broken = parse_changes((HERE / "bail_state_changes.csv").read_bytes(), "bail_state_changes.csv")
    assert (len(changes), broken) == (32571, ())
