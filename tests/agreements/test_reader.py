# SPDX-License-Identifier: Apache-2.0
"""Exact types and exact bounds: the last value that is right, the first that is not, and what is told."""

from __future__ import annotations

import re
import tomllib
from itertools import combinations
from pathlib import Path

import pytest

from openpars.agreements.language.canonical import canonical
from openpars.agreements.language.grants import GRANT_LIMIT
from openpars.agreements.language.reader import LIST_LIMIT, TEXT_LIMIT
from openpars.agreements.language.text import LINE_LIMIT, SIZE_LIMIT, read
from openpars.record.catalogue import FIELDS

HERE = Path(__file__).parent
GOOD = (HERE.parents[1] / "examples" / "agreements" / "ice-felony-warrant.toml").read_text(encoding="utf-8")
EDITS = tomllib.loads((HERE / "edits.toml").read_text(encoding="utf-8"))["edit"]


def told(text: str | bytes, name: str = "") -> list[str]:
    """Every fault as people read it, but for what the parser of TOML says in its own words."""
    faults = [str(fault) for fault in read(text, name).faults]
    return [re.sub(r"(: this is not TOML:) (?!a value is nested).*", r"\1", one) for one in faults]


def edited(old: str, new: str) -> str:
    assert old in GOOD
    return GOOD.replace(old, new)


def test_every_defect_is_told_word_for_word() -> None:
    """`bad/told.txt` is what the writer of a text reads: whoever changes a word of it should see it."""
    paths = sorted((HERE / "bad").glob("*.toml"))
    found = [line for path in paths for line in told(path.read_bytes(), path.name)]
    assert found == (HERE / "bad" / "told.txt").read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: " ".join(edit["new"].split())[:40])
def test_every_edit_is_told_word_for_word(edit: dict[str, str]) -> None:
    without = re.sub(f"{edit['without']} = .*\n", "", GOOD) if "without" in edit else GOOD
    assert edit["old"] in without
    found = told(without.replace(edit["old"], edit["new"]))
    assert found == [f":{line}" for line in edit["told"]]


STAKEHOLDERS = 'stakeholders = ["police", "district-attorney", "courts"]'
WITHIN = "arrested_within_days = 30 }"


@pytest.mark.parametrize(
    ("old", "new", "low", "high"),
    [
        ('recipient = "ice"', 'recipient = "ice"\nfee_per_year = ', 0, 100_000_000),
        ("notice_days = 30", "notice_days = ", 0, 3650),
        ('silence = "lapse"', 'silence = "lapse"\ndays_to_vote = ', 1, 366),
        ("results_per_search = 20", "results_per_search = ", 1, 100),
        ("searches_per_user_per_day = 50", "searches_per_user_per_day = ", 1, 10_000),
        ("report_outcome_within_days = 30", "report_outcome_within_days = ", 1, 3650),
        ("destroy_when_withdrawn_within_days = 30", "destroy_when_withdrawn_within_days = ", 1, 3650),
        ("{ charge_grade", "{ arrested_within_days = %, charge_grade", 1, 36_500),
    ],
)
def test_numbers_within_their_bounds(old: str, new: str, low: int, high: int) -> None:
    text = edited(f", {WITHIN}", " }").replace(old, new if "%" in new else f"{new}%")
    (name,) = re.findall(r"(\w+) = %", text)
    for right in (low, high):
        agreement = read(text.replace("%", str(right))).agreement
        assert agreement is not None
        assert f"{name} = {right}" in canonical(agreement)
    for wrong in (low - 1, high + 1):
        assert read(text.replace("%", str(wrong))).agreement is None


@pytest.mark.parametrize(
    ("old", "new", "last", "first"),
    [
        ("from = 2026-01-01", "from = %", "1970-01-01", "1969-12-31"),
        ("from = 2026-01-01", "from = %", "1971-01-01T00:00:00Z", "1970-12-31T00:00:00Z"),
        ("through = 2027-08-31", "through = %", "2200-12-31", "2201-01-01"),
        ("through = 2027-08-31", "until = %", "2199-12-31T00:00:00Z", "2200-01-01T00:00:00Z"),
        ("through = 2027-08-31", "through = %", "2026-01-01", "2025-12-31"),
        ("through = 2027-08-31", "until = %", "2026-01-01T05:00:00.000001Z", "2026-01-01T05:00:00Z"),
        (WITHIN, "arrested_from = % }", "1900-01-01", "1899-12-31"),
        (WITHIN, "arrested_from = % }", "2200-12-31", "2201-01-01"),
        (WITHIN, "arrested_through = % }", "1900-01-01", "1899-12-31"),
        (WITHIN, "arrested_from = 2026-02-02, arrested_through = % }", "2026-02-02", "2026-02-01"),
    ],
)
def test_days_within_their_bounds(old: str, new: str, last: str, first: str) -> None:
    """`last` may stand there, `first` may not any more."""
    text = edited(old, new)
    agreement = read(text.replace("%", last)).agreement
    assert agreement is not None
    assert last in canonical(agreement)
    assert read(text.replace("%", first)).agreement is None


def names(number: int) -> str:
    return ", ".join(f'"a{one}"' for one in range(number))


def keys(number: int) -> str:
    searchable = [name for name, field in FIELDS.items() if field.key]
    return ", ".join(f'["{one}", "{other}"]' for one, other in list(combinations(searchable, 2))[:number])


def padded(size: int) -> str:
    wanting = size - len(GOOD.encode())
    return GOOD + "#\n" * (wanting // 2) + "#" * (wanting % 2)


@pytest.mark.parametrize(
    ("longest", "longer"),
    [
        (edited('"ice-felony-warrant"', f'"{"a" * 40}"'), edited('"ice-felony-warrant"', f'"{"a" * 41}"')),
        (edited('"felony-warrant"', f'"{"a" * 40}"'), edited('"felony-warrant"', f'"{"a" * 41}"')),
        (
            edited('"CJIS Security Policy in its version in force."', f'"{"a" * TEXT_LIMIT}"'),
            edited('"CJIS Security Policy in its version in force."', f'"{"a" * (TEXT_LIMIT + 1)}"'),
        ),
        (edited('"felony-warrant"', names(LIST_LIMIT)), edited('"felony-warrant"', names(LIST_LIMIT + 1))),
        (
            edited(STAKEHOLDERS, f"stakeholders = [{names(9)}]").replace("2 of 3", "2 of 9"),
            edited(STAKEHOLDERS, f"stakeholders = [{names(10)}]").replace("2 of 3", "consensus"),
        ),
        (
            edited('["name", "birth_date"], ["sid"], ["docket"]', keys(50)),
            edited('["name", "birth_date"], ["sid"], ["docket"]', keys(51)),
        ),
        (
            edited("# A narrow", f"#{'n' * (LINE_LIMIT - 1)}\n#"),
            edited("# A narrow", f"#{'n' * LINE_LIMIT}\n#"),
        ),
        (padded(SIZE_LIMIT), padded(SIZE_LIMIT + 1)),
    ],
    ids=["id", "purpose", "text", "list", "stakeholders", "keys", "line", "bytes"],
)
def test_lengths_within_their_bounds(longest: str, longer: str) -> None:
    assert read(longest).agreement is not None, told(longest)
    assert read(longer).agreement is None


def test_grants_within_their_bounds() -> None:
    start, end = GOOD.index("[[grant]]"), GOOD.index("[limits]")
    short = '[[grant]]\nabout = "arrestee"\npurposes = ["p"]\nways = ["export"]\nshow.docket = "whole"\n'
    full, over = (GOOD[:start] + short * number + GOOD[end:] for number in (GRANT_LIMIT, GRANT_LIMIT + 1))
    agreement = read(full).agreement
    assert agreement is not None
    assert [grant.number for grant in agreement.grants] == list(range(1, GRANT_LIMIT + 1))
    assert told(over) == [f":{GOOD[:start].count(chr(10)) + 1}: error: at most 1000 grants"]
    assert (GRANT_LIMIT, LIST_LIMIT, TEXT_LIMIT, LINE_LIMIT, SIZE_LIMIT) == (1000, 200, 2000, 4000, 524288)
    assert told("#" * (SIZE_LIMIT + 1)) == [":1: error: the text is longer than 512 KiB"]


def test_what_is_too_long_empty_or_not_of_the_role_is_told_in_its_line() -> None:
    line = GOOD[: GOOD.index("security = ")].count("\n") + 1
    long = edited('"CJIS Security Policy in its version in force."', f'"{"a" * (TEXT_LIMIT + 1)}"')
    assert told(long) == [f":{line}: error: `security` is longer than 2000 characters"]
    line = GOOD[: GOOD.index("when = ")].count("\n") + 1
    empty = re.sub("when = .*", "when = { district = [] }", GOOD)
    assert told(empty) == [f":{line}: error: `district` must not be empty"]
    victim = re.sub(
        "(when|show|find_by|alert_by) = .*\n", "", edited('about = "arrestee"', 'about = "victim"')
    )
    line = victim[: victim.index("[limits]")].count("\n") + 1
    shown = victim.replace("[limits]", '[grant.show]\nname = "whole"\nssn = "last4"\n[limits]')
    assert told(shown) == [f":{line + 2}: error: `ssn` is not recorded about this role"]


def test_each_fault_stands_in_its_own_line_and_once() -> None:
    start, end = GOOD.index("when = "), GOOD.index("[limits]")
    line = GOOD[:start].count("\n") + 1
    dates = "arrested_from = 2026-02-02\narrested_through = 2026-02-01\n"
    table = re.sub("when = .*\n", "", GOOD[:end]) + f"[grant.when]\n{dates}{GOOD[end:]}"
    (found,) = read(table).faults
    assert found.message == "`arrested_through` lies before `arrested_from`"
    assert found.line == table[: table.index("arrested_through")].count("\n") + 1 > line
    unknown = re.sub("show = .*", "show = { nmae = 5 }", GOOD)
    assert [one.message for one in read(unknown).faults] == ["this is no field of the catalogue"]


def test_keys_stand_in_the_order_of_the_catalogue() -> None:
    text = edited(
        '["name", "birth_date"], ["sid"], ["docket"]', '["docket"], ["sid"], ["birth_date", "name"]'
    )
    agreement = read(text).agreement
    assert agreement is not None
    assert agreement.grants[0].find_by == (("name", "birth_date"), ("sid",), ("docket",))


def test_what_may_be_left_out_has_its_value() -> None:
    bare = GOOD[: GOOD.index("[limits]")]
    for line in ("title = ", "legal_basis = ", "notice_days = ", "when = ", "find_by = ", "alert_by = "):
        bare = re.sub(f"{line}.*\n", "", bare)
    agreement = read(bare).agreement
    assert agreement is not None, told(bare)
    (grant,) = agreement.grants
    assert (agreement.title, agreement.legal_basis, agreement.fee_per_year) == (None, None, None)
    assert (agreement.term.notice_days, agreement.decision.days_to_vote, agreement.cjis) == (0, 30, ())
    assert (grant.when.isin, grant.when.arrested_within_days, grant.when.arrested_from) == ((), None, None)
    assert (grant.find_by, grant.alert_by, grant.alert_all) == ((), (), False)
    assert (agreement.limits.results_per_search, agreement.limits.searches_per_user_per_day) == (20, 50)
    duties = agreement.duties
    assert duties.case_number_required is True
    assert (duties.report_outcome_within_days, duties.destroy_when_withdrawn_within_days) == (None, None)


def test_what_stands_there_is_taken_as_it_stands() -> None:
    text = edited('case_number = "required"', 'case_number = "optional"').replace(
        'ways = ["search", "alert"]', 'ways = ["alert"]\nalert_all = true'
    )
    text = text.replace('enact = "2 of 3"', 'enact = "1 of 3"').replace(
        'end = "2', 'amend = "consensus"\nend = "3'
    )
    agreement = read(text).agreement
    assert agreement is not None, told(text)
    assert agreement.duties.case_number_required is False
    assert agreement.grants[0].alert_all is True
    decision = agreement.decision
    assert (decision.enact, decision.renew, decision.end, decision.amend) == (
        "1 of 3",
        "2 of 3",
        "3 of 3",
        "consensus",
    )
    without = read(text.replace('amend = "consensus"\n', "")).agreement
    assert without is not None
    assert without.decision.amend == "1 of 3"
    assert read("\ufeff" + text.replace("\n", "\r\n")).agreement == agreement
    assert read(text.replace("# A narrow", "#\tA narrow")).agreement == agreement
    reading = read(text)
    assert (reading.file, reading.faults) == ("agreement.toml", ())
