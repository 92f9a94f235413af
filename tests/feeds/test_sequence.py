# SPDX-License-Identifier: Apache-2.0
"""New, changed, withdrawn, aged out, a missing file; any order, and the same file twice."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openpars.feeds.changes import parse_changes
from openpars.feeds.filings import FilingsFile, parse
from openpars.feeds.filings_report import report
from openpars.feeds.replay import SILENCE, pause, schedule
from openpars.feeds.sequence import (
    DOUBT_LEAST,
    Act,
    Kind,
    Marker,
    Memory,
    Plan,
    Standing,
    in_order,
    plan,
    remember,
)
from tests.feeds.days import Row, snake

MARKER = Marker(b"a key of this test")
START = date(2020, 8, 3)


def filed(day: int, hour: int = 9) -> str:
    return f"{START + timedelta(days=day)} {hour:02d}:00:00"


def week(last: int, rows: list[Row], *, custody: bool = False) -> FilingsFile:
    """The file of day `last`: the rows given, and a first and a last filing that frame its week."""
    frame = [
        Row(9000 + last - 7, filed=filed(last - 7, 1), name="Frame, Any"),
        Row(9000 + last, filed=filed(last, 1), name="Frame, Any"),
    ]
    days = [Row(9000 + day, filed=filed(day, 1), name="Frame, Any") for day in range(last - 6, last)]
    return parse(snake([frame[0], *days, *rows, frame[1]], custody=custody), f"day{last}.csv")


def follow(*files: FilingsFile, memory: Memory | None = None) -> tuple[Memory, list[Plan]]:
    memory = memory or Memory()
    plans = []
    for file in files:
        planned = plan(memory, file, MARKER)
        memory = remember(memory, file, planned)
        plans.append(planned)
    return memory, plans


def about(planned: Plan, row: Row) -> list[Act]:
    return [act for act in planned.acts if act.key == MARKER.docket(row.docket)]


def kinds(planned: Plan, row: Row) -> list[Kind]:
    return [kind for act in about(planned, row) for kind in act.kinds]


def test_a_docket_that_leaves_early_is_withdrawn_and_one_that_ages_is_not() -> None:
    early, late, stays = (Row(n, filed=filed(day)) for n, day in ((1, 0), (2, 3), (3, 4)))
    memory, (first, second) = follow(week(7, [early, late, stays]), week(8, [stays]))
    assert kinds(first, late) == [Kind.NEW]
    assert kinds(second, late) == [Kind.WITHDRAWN]
    assert kinds(second, early) == []
    assert memory.dockets[MARKER.docket(early.docket)].standing is Standing.AGED
    assert second.aged == 2  # `early` and the frame's first
    assert about(second, late)[0].docket is None


def test_nothing_is_withdrawn_across_a_missing_file() -> None:
    row = Row(1, filed=filed(5))
    memory, (_, second, third) = follow(week(7, [row]), week(9, []), week(10, []))
    assert kinds(second, row) == []
    assert second.unknown == 1
    assert kinds(third, row) == []  # still nothing: when it left cannot be known
    assert memory.dockets[MARKER.docket(row.docket)].standing is Standing.UNKNOWN
    _, (again,) = follow(week(11, [row]), memory=memory)
    assert kinds(again, row) == []


def test_pairs_across_a_gap_say_that_nothing_can_be_said() -> None:
    row = Row(1, filed=filed(5))
    pairs = report([week(7, [row]), week(9, []), week(30, [])]).pairs
    assert list(pairs) == ["day7.csv -> day9.csv"]
    assert (pairs["day7.csv -> day9.csv"]["gone"], pairs["day7.csv -> day9.csv"]["left_unknown"]) == (0, 1)


def test_everything_that_can_change_is_one_act() -> None:
    before = Row(1, filed=filed(5), custody="Invented Jail")
    after = before.but(
        name="Testperson-Smith, Ana",
        represented="Private Attorney 0001",
        type="Unsecured",
        status="Posted",
        custody="",
    )
    _, (_, second) = follow(week(7, [before], custody=True), week(8, [after], custody=True))
    assert kinds(second, before) == [Kind.CORRECTION, Kind.BAIL, Kind.REPRESENTATION, Kind.CUSTODY]
    assert len(about(second, before)) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"name": "TESTPERSON, ANA"},
        {"bail_date": "08/09/2020 10:00:00 AM"},
        {"represented": "Philadelphia County District Attorney's Office"},
        {"address": "Philadelphia, PA"},
        {"age": "31"},
        {"name": ""},
    ],
)
def test_what_is_no_change(change: dict[str, str]) -> None:
    row = Row(1, filed=filed(5))
    _, (_, second) = follow(week(7, [row]), week(8, [row.but(**change)]))
    assert kinds(second, row) == []


def test_to_be_nowhere_in_custody_is_news_only_after_a_place() -> None:
    row = Row(1, filed=filed(5))
    _, (_, second) = follow(week(7, [row]), week(8, [row], custody=True))
    assert kinds(second, row) == []


def test_a_withdrawn_docket_that_is_listed_again() -> None:
    row = Row(1, filed=filed(5))
    _, plans = follow(week(7, [row]), week(8, []), week(9, [row.but(amount="10.0")]))
    assert kinds(plans[2], row) == [Kind.RETURNED, Kind.BAIL]


@settings(max_examples=25)
@given(st.permutations(range(4)), st.integers(0, 2**16))
def test_any_order_and_any_repetition(order: list[int], seed: int) -> None:
    rows = [Row(n, filed=filed(n % 9), amount=f"{1000 + (seed >> n) % 3}.0") for n in range(1, 12)]
    files = [
        week(day, [row for row in rows if day - 7 <= row.number % 9 <= day and (seed + row.number + day) % 7])
        for day in (7, 8, 9, 10)
    ]
    shuffled = [files[place] for place in order]
    assert in_order(shuffled + files) == files
    straight, _ = follow(*files)
    mixed, _ = follow(*in_order(shuffled))
    assert mixed == straight
    again, plans = follow(*files, memory=straight)
    assert again == straight
    assert all(not planned.acts and planned.known_file for planned in plans)


def test_an_older_file_undoes_nothing() -> None:
    gone, moved, old = Row(1, filed=filed(5)), Row(2, filed=filed(6)), Row(3, filed=filed(0, 0))
    newest, _ = follow(week(8, [moved.but(amount="5.0")]))
    memory, (late,) = follow(week(7, [gone, moved, old]), memory=newest)
    assert kinds(late, old) == [Kind.NEW]
    assert kinds(late, gone) == []  # filed in the newest week and not listed there: withdrawn since
    assert kinds(late, moved) == []
    assert late.superseded >= 2
    assert memory.windows[-1] == newest.windows[-1]


def test_an_older_month_brought_in_later_is_as_good_as_in_its_time() -> None:
    row, gone = Row(1, filed=filed(5)), Row(2, filed=filed(5))
    months = [week(7, [row, gone]), week(8, [row.but(amount="1.0")]), week(60, [Row(3, filed=filed(58))])]
    memory, _ = follow(months[2])
    memory, (_, second) = follow(*months[:2], memory=memory)
    assert (kinds(second, gone), kinds(second, row)) == ([Kind.WITHDRAWN], [Kind.BAIL])
    assert memory.dockets[MARKER.docket(Row(3).docket)].standing is Standing.LISTED
    assert [window.last_filed for window in memory.windows] == [file.window.last_filed for file in months]


def test_a_file_that_was_cut_off_withdraws_nobody() -> None:
    many = [Row(n, filed=filed(5)) for n in range(1, DOUBT_LEAST * 2)]
    memory, (_, cut) = follow(week(7, many), week(8, many[:10]))
    assert cut.doubtful == len(many) - 10
    assert Counter(kind for act in cut.acts for kind in act.kinds) == {Kind.NEW: 1}
    _, (whole,) = follow(week(9, many), memory=memory)
    assert Counter(kind for act in whole.acts for kind in act.kinds) == {Kind.NEW: 1}


def test_memory_holds_hashes_only() -> None:
    memory, _ = follow(week(7, [Row(1, filed=filed(5), name="Recognisable, Ana")]))
    assert "Recognisable" not in repr(memory)
    assert Row(1).docket not in repr(memory)
    assert MARKER.docket("a") != Marker(b"another key").docket("a")


def test_replay_is_in_time_and_takes_the_stream_along() -> None:
    row = Row(1, filed=filed(6), amount="25000.0")
    stream = (
        "docket_pseudo,seen_on,bail_type,bail_status,bail_amount,outstanding_bail,represented,in_custody\n"
        f"{row.docket},{START + timedelta(days=9)},Monetary,Posted,25000,-2500,None,\n"
        f"MC-51-CR-0000404-2020,{START + timedelta(days=9)},ROR,Posted,0,0,None,\n"
        "not a docket,2020-08-09,ROR,Posted,0,0,None,\n"
    )
    changes, broken = parse_changes(stream.encode(), "changes.csv")
    assert (len(changes), [line.line for line in broken]) == (2, [4])
    moments = schedule(Memory(), [week(8, [row]), week(7, [row])], changes, MARKER)
    assert [moment.at for moment in moments] == sorted(moment.at for moment in moments)
    acts = [moment.act for moment in moments if moment.act and moment.act.number == row.docket]
    assert [act.kinds for act in acts] == [(Kind.NEW,), (Kind.BAIL, Kind.REPRESENTATION)]
    assert acts[1].docket is not None
    assert acts[1].docket.listed.name is None
    ends = [moment.file.name for moment in moments if moment.file]
    assert ends == ["day7.csv", "day8.csv"]
    # What is known by a newer file, or was done by an earlier run of the stream, is not turned back.
    newer, _ = follow(week(7, [row]), week(8, [row]), week(9, [row]), week(10, [row]))
    assert not [moment for moment in schedule(newer, [], changes, MARKER) if moment.act]
    done = Memory((), {act.key: act.seen for act in acts})
    earlier = [replace(change, bail=acts[0].docket.listed.bail) for change in changes]
    assert not schedule(done, [], earlier, MARKER)


def test_the_clock_of_a_replay() -> None:
    at = week(7, []).window.last_filed
    assert pause(None, at, speed=10) == 0
    assert pause(at, at + timedelta(seconds=30), speed=10) == 3
    assert pause(at, at + SILENCE + timedelta(seconds=1), speed=1) == 0
