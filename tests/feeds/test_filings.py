# SPDX-License-Identifier: Apache-2.0
"""Every kind of dirt, one test each; invented names only."""

from __future__ import annotations

import csv
import random
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openpars.feeds.columns import Column
from openpars.feeds.filings import FileRefused, parse
from openpars.feeds.filings_report import figures
from openpars.feeds.values import Repair, Status
from openpars.record.file import BailType, Name
from tests.feeds.days import SNAKE, TITLE, Row, as_csv, early, snake, title

ROWS = [
    Row(1, bail_date="08/04/2020 10:02:06 AM"),
    Row(2, name="Probe, Béla Q. Jr.", status="Posted", type="ROR", amount="0.0", represented=""),
    Row(
        3,
        filed="2020-08-05 17:05:00",
        bail_date="08/05/2020 06:07:10 AM",
        represented="Private Attorney 0001",
    ),
    Row(4, status="Denied", type="", amount="0.0", charge="Murder"),
    Row(5, status="Posted", outstanding="-2500.0", age="17", custody="Invented Jail"),
]


def only(data: bytes):
    file = parse(data, "day.csv")
    assert len(file.listings) == 1, file.quarantine
    return file.listings[0]


def test_the_three_schemas_say_the_same() -> None:
    late = parse(snake(ROWS), "late.csv")
    with_custody = parse(snake(ROWS, custody=True), "custody.csv")
    folded = parse(title([early(row) for row in ROWS]), "early.csv")
    assert [row.listed for row in folded.listings] == [row.listed for row in late.listings]
    assert figures(folded) == figures(late)
    assert with_custody.dockets[ROWS[4].docket].listed.custody_place == "Invented Jail"
    assert (late.says_custody, with_custody.says_custody) == (False, True)


@settings(max_examples=40)
@given(st.permutations(range(13)), st.randoms(use_true_random=False))
def test_any_order_of_columns_and_rows(order: list[int], shuffle: random.Random) -> None:
    plain = parse(snake(ROWS, custody=True), "day.csv")
    rows = list(ROWS)
    shuffle.shuffle(rows)
    other = parse(snake(rows, custody=True, order=tuple(order)), "day.csv")
    assert {row.listed.docket: row.listed for row in other.listings} == {
        row.listed.docket: row.listed for row in plain.listings
    }
    assert figures(other) == figures(plain)


def test_denied_rows_are_shifted_back() -> None:
    name, age, address, docket, filed, charge, lawyer, _, when, *_ = early(ROWS[3])
    row = only(
        title([(name, age, address, docket, filed, charge, lawyer, "Denied", when, "$0.00", "$0.00", "")])
    )
    assert row.repairs == (Repair.DENIED_SHIFTED,)
    assert row.listed.bail.type is BailType.DENIED
    assert (row.listed.bail.word, row.listed.bail.amount, row.listed.bail.outstanding) == ("", 0, 0)


def test_a_row_without_a_name_is_shifted_back() -> None:
    row = only(title([(*early(ROWS[0])[1:], "")]))
    assert row.listed.name is None
    assert (row.listed.age, row.listed.docket, row.listed.zip) == (30, ROWS[0].docket, "19134")
    assert row.repairs[0] is Repair.NAME_SHIFTED
    assert Repair.NAME_MISSING in row.repairs


def test_the_figures_of_a_shifted_row_are_those_of_the_file_as_it_stands() -> None:
    found = figures(parse(title([(*early(ROWS[0])[1:], ""), early(ROWS[1])]), "day.csv"))
    assert (found["non_numeric_age"], found["missing_name_or_numeric"]) == (1, 1)
    assert (found["rows"], found["dockets"], found["quarantined"]) == (2, 2, 0)


def test_no_name_and_bail_denied_in_one_row() -> None:
    _, age, address, docket, filed, charge, lawyer, _, when, *_ = early(ROWS[3])
    cells = (age, address, docket, filed, charge, lawyer, "Denied", when, "$0.00", "$0.00", "", "")
    row = only(title([cells]))
    assert row.repairs[0] is Repair.NAME_AND_DENIED_SHIFTED
    assert row.listed.bail.status is Status.DENIED
    assert row.listed.charge == "Murder"


def test_an_empty_name_that_moved_nothing() -> None:
    row = only(snake([Row(1, name="")]))
    assert row.listed.name is None
    assert row.repairs == (Repair.NAME_MISSING,)


def test_the_age_that_is_text_is_unknown() -> None:
    file = parse(snake([Row(1, age="not known"), Row(2, age="121"), Row(3, age="")]), "day.csv")
    assert [row.listed.age for row in file.listings] == [None, None, None]
    assert file.repairs == {Repair.AGE_NOT_A_NUMBER: 2, Repair.AGE_IMPLAUSIBLE: 1}
    assert figures(file)["non_numeric_age"] == 2


@pytest.mark.parametrize(
    ("filed", "stated", "hour", "repair"),
    [
        ("2020-08-04 08:52:00", "08/04/2020 09:53:08 AM", 9, None),
        ("2020-08-04 11:59:00", "08/04/2020 01:00:06 AM", 13, Repair.BAIL_TIME_LOST_PM),
        ("2020-08-04 11:30:00", "08/04/2020 12:35:00 AM", 12, Repair.BAIL_TIME_LOST_PM),
        ("2020-08-04 12:03:00", "08/04/2020 1:02:07 PM", 13, None),
        ("2020-08-04 23:40:00", "08/05/2020 12:41:00 AM", 0, None),
        ("2020-08-04 17:04:00", "08/04/2020 06:14:06", 18, Repair.BAIL_TIME_LOST_PM),
        ("2020-08-04 17:04:00", "08/02/2020 06:14:06 AM", None, Repair.BAIL_TIME_UNEXPLAINED),
    ],
)
def test_a_bail_time_gets_its_pm_back(
    filed: str, stated: str, hour: int | None, repair: Repair | None
) -> None:
    row = only(snake([Row(1, filed=filed, bail_date=stated)]))
    at = row.listed.bail.at
    assert (at.hour if at else None) == hour
    assert row.repairs == ((repair,) if repair else ())


def test_times_are_those_of_philadelphia() -> None:
    summer = only(snake([Row(1, filed="2020-08-04 09:00:00")])).listed.filed_at
    winter = only(snake([Row(1, filed="2020-12-04 09:00:00")])).listed.filed_at
    assert (summer.utcoffset(), winter.utcoffset()) == (timedelta(hours=-4), timedelta(hours=-5))


@pytest.mark.parametrize(
    ("cell", "cents"),
    [
        ("$10,000.00", 1_000_000),
        ("($1,000.00)", -100_000),
        ("25000.0", 2_500_000),
        ("-100.0", -10_000),
        ("0", 0),
        ("", None),
    ],
)
def test_money(cell: str, cents: int | None) -> None:
    assert only(snake([Row(1, outstanding=cell)])).listed.bail.outstanding == cents


def test_two_rows_of_one_docket() -> None:
    twice = Row(1)
    other = Row(2, represented="Philadelphia County District Attorney's Office")
    file = parse(snake([twice, twice, other, Row(2), Row(3, represented=other.represented)]), "day.csv")
    found = figures(file)
    assert (found["rows"], found["dockets"]) == (5, 3)
    assert (found["duplicate_rows"], found["dockets_with_two_representatives"]) == (1, 1)
    assert file.dockets[Row(2).docket].represented == "defender"
    assert file.dockets[Row(3).docket].represented is None  # the prosecutor says nothing about the defence


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Probe, Ana", Name("Probe", "Ana")),
        ("Probe, Ana B. C.", Name("Probe", "Ana", "B. C.")),
        ("Probe-Muster, Ana III", Name("Probe-Muster", "Ana", None, "III")),
        ("Probe Jr., Ana", Name("Probe", "Ana", None, "Jr")),
        ("Probe, Ana V.", Name("Probe", "Ana", "V.")),
        ("Probe", Name("Probe", "")),
    ],
)
def test_names(text: str, name: Name) -> None:
    assert only(snake([Row(1, name=text)])).listed.name == name


def test_encodings() -> None:
    text = snake([Row(1, name="Núñez, Ana"), Row(2)]).decode()
    for data in (text.encode(), b"\xef\xbb\xbf" + text.encode(), text.replace("\n", "\r\n").encode()):
        assert parse(data, "day.csv").listings[0].listed.name == Name("Núñez", "Ana")
    foreign = parse(text.encode("latin-1"), "day.csv")
    assert foreign.listings[0].listed.name == Name("Núñez", "Ana")
    assert "1 lines are not UTF-8" in foreign.warnings[0]


def test_a_comma_without_quotation_marks() -> None:
    plain = snake([Row(1), Row(2)]).decode()
    row = only(plain.replace('"Testperson, Ana"', "Testperson, Ana", 1).rsplit("\n", 2)[0].encode())
    assert row.listed.name == Name("Testperson", "Ana")
    assert row.repairs == (Repair.CELL_SPLIT,)


def test_a_cell_that_is_missing() -> None:
    cells = list(Row(1).cells())
    del cells[1]
    row = only(as_csv([SNAKE, tuple(cells)]))
    assert row.listed.age is None
    assert row.repairs[0] is Repair.CELL_MISSING


@pytest.mark.parametrize(
    ("row", "says"),
    [
        (Row(1, filed="2020-02-30 10:00:00"), "filing_date is not a time that exists"),
        (Row(1, filed=""), "filing_date is blank"),
        (Row(1, amount="-5.0"), "bail_amount is negative"),
        (Row(1, amount="NaN"), "bail_amount is not money"),
        (Row(1, amount="1e9"), "bail_amount is not money"),
        (Row(1, type="Momentary"), "bail_type is none of"),
        (Row(1, status="Sett"), "bail_status is none of"),
        (Row(1, name="Probe\x07, Ana"), "control character"),
        (Row(1, name="x" * 2000), "more than 1000 characters"),
    ],
)
def test_lines_not_understood_are_kept_with_the_reason(row: Row, says: str) -> None:
    file = parse(snake([Row(7), row, Row(8)]), "day.csv")
    (line,) = file.quarantine
    assert says in line.reason
    assert line.line == 3
    assert row.charge in line.raw
    assert file.rows == len(file.listings) + 1 == 3


def test_a_docket_number_that_is_none() -> None:
    data = snake([Row(1), Row(2)]).replace(Row(2).docket.encode(), b"MC-51-XX")
    file = parse(data, "day.csv")
    assert file.quarantine[0].reason.startswith("docket_number is not a docket number")


@pytest.mark.parametrize(
    "data", [snake([Row(n) for n in range(1, 9)]), title([early(Row(n)) for n in range(1, 9)])]
)
def test_a_quotation_mark_that_never_closes_swallows_one_row_only(data: bytes) -> None:
    assert parse(data, "day.csv").rows == 8
    broken = data.replace(Row(3).docket.encode() + b",", Row(3).docket.encode() + b',"', 1)
    file = parse(broken, "day.csv")
    dockets = {row.listed.docket for row in file.listings}
    assert dockets >= {Row(n).docket for n in (1, 2, 5, 6, 7, 8)}
    lost = {Row(n).docket for n in range(1, 9)} - dockets
    kept = "".join(line.raw for line in file.quarantine)
    assert all(number in kept for number in lost)


HOSTILE = {
    "empty": (b"", None, "empty"),
    "blank": (b" \n\n ", None, "empty"),
    "headings_only": (snake([]), 1, "no rows"),
    "no_header": (as_csv([Row(1).cells()]), 1, "not a line of headings"),
    "semicolons": (b"defendant_name;age;docket_number\n", 1, "separated by commas"),
    "misspelt": (
        snake([Row(1)]).replace(b"docket_number", b"docket_numbr"),
        1,
        "nearest right word is docket_number",
    ),
    "column_missing": (as_csv([SNAKE[1:], Row(1).cells()[1:]]), 1, "defendant_name is missing"),
    "column_twice": (as_csv([(*SNAKE, "age"), (*Row(1).cells(), "3")]), 1, "stands there twice"),
    "nul": (snake([Row(1), Row(2, charge="a\x00b")]), 3, "NUL"),
    "utf16": (snake([Row(1)]).decode().encode("utf-16"), 1, "UTF-16"),
    "huge_cell": (snake([Row(1), Row(2, name="x" * 1_000_000)]), 3, "bytes in one line"),
    "huge_line": (snake([Row(1)]) + b"a," * 1_000_000, 3, "bytes in one line"),
    "huge_folded_cell": (snake([Row(1), Row(2, name="\n".join(["x" * 60_000] * 4))]), 3, "in one record"),
    "nothing_understood": (snake([Row(1, amount="NaN")]), 2, "not one of 1 rows"),
    "binary": (bytes(range(1, 256)) * 40, 1, "not a line of headings"),
}


@pytest.mark.parametrize("defect", HOSTILE)
def test_hostile_files_are_refused_whole(defect: str) -> None:
    data, line, says = HOSTILE[defect]
    with pytest.raises(FileRefused) as refused:
        parse(data, "day.csv")
    assert refused.value.line == line
    assert says in str(refused.value)
    assert str(refused.value).startswith("day.csv")
    assert "Testperson" not in str(refused.value)  # the cells are people's records


def test_a_column_we_do_not_know_is_said_and_not_read() -> None:
    file = parse(as_csv([(*SNAKE, "remarks"), (*Row(1).cells(), "x")]), "day.csv")
    assert file.warnings == ("column 13 has a heading we do not know; it is not read",)
    assert None in file.columns
    assert set(file.columns) - {None} == set(Column) - {Column.CUSTODY}


@settings(max_examples=150)
@given(st.data())
def test_whatever_the_rows_hold_none_is_lost(data: st.DataObject) -> None:
    cell = st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=12)
    junk = data.draw(st.lists(st.lists(cell, min_size=2, max_size=15).map(tuple), max_size=6))
    lines = [SNAKE, Row(1).cells(), *(line for line in junk if any(part.split() for part in line))]
    file = parse(as_csv(lines, quoting=csv.QUOTE_ALL), "day.csv")
    assert file.rows == len(file.listings) + len(file.quarantine)
    assert len(lines) - 1 == file.rows


def test_title_case_is_not_needed() -> None:
    header = tuple(heading.upper() for heading in TITLE)
    assert parse(as_csv([header, early(Row(1))]), "day.csv").rows == 1
