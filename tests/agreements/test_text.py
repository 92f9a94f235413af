# SPDX-License-Identifier: Apache-2.0
"""Reading agreements: every defect is a file named for it, with `<- here` in the line of the fault."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openpars.agreements.check import check, enactable
from openpars.agreements.language.canonical import CJIS_TOPICS, canonical, digest
from openpars.agreements.language.faults import Severity
from openpars.agreements.language.text import SIZE_LIMIT, read
from openpars.agreements.model import Agreement
from tests.agreements.worlds import agreements

BAD = Path(__file__).parent / "bad"
EXAMPLES = Path(__file__).parents[2] / "examples" / "agreements"
GOOD = (EXAMPLES / "ice-felony-warrant.toml").read_text(encoding="utf-8")

# The nearest right word, where there is one.
MEANT = {
    "unknown_field": "name",
    "unknown_precision": "last4",
    "unknown_condition": "charge_stage",
    "unknown_role": "arrestee",
    "unknown_way": "search",
    "key_unknown_field": "docket",
    "alert_by_unknown": "district",
    "unknown_grant_word": "alert_by",
    "unknown_table": "limits",
    "unknown_limit": "results_per_search",
    "unknown_duty": "report_outcome_within_days",
    "unknown_agreement_word": "legal_basis",
    "silence_unknown": "lapse",
    "term_unknown_zone": "America/New_York",
    "term_unknown_word": "notice_days",
    "organisation_under_nobody_named": "ero-national",
    "unknown_provider": "city-of-philadelphia",
    "unknown_outcome": "acquitted",
    "ssn_at_an_unknown_precision": "present",
}


def expected_line(raw: bytes) -> int:
    return raw[: raw.index(b"<- here")].count(b"\n") + 1


def parsed(text: str) -> Agreement:
    agreement = read(text).agreement
    assert agreement is not None, read(text).faults
    return agreement


@pytest.mark.parametrize("path", sorted(BAD.glob("*.toml")), ids=lambda path: path.stem)
def test_each_defect_is_an_error_in_its_line(path: Path) -> None:
    raw = path.read_bytes()
    reading = read(raw, path.name)
    assert reading.agreement is None
    errors = [fault for fault in reading.faults if fault.severity is Severity.ERROR]
    assert expected_line(raw) in {fault.line for fault in errors}, errors
    if path.stem in MEANT:
        assert MEANT[path.stem] in {fault.suggestion for fault in errors}, errors


@pytest.mark.parametrize("path", sorted((BAD / "refused").glob("*.toml")), ids=lambda path: path.stem)
def test_what_parses_and_may_not_be_enacted(path: Path) -> None:
    raw = path.read_bytes()
    assert read(raw).agreement is not None, read(raw).faults
    reading = check(raw, path.name)
    refused = [fault for fault in reading.faults if fault.severity is Severity.REFUSED]
    assert {fault.line for fault in refused} == {expected_line(raw)}, refused
    assert not enactable(reading)
    if path.stem in MEANT:
        assert refused[0].suggestion == MEANT[path.stem]


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.toml")), ids=lambda path: path.stem)
def test_examples_pass(path: Path) -> None:
    reading = check(path.read_bytes(), path.name)
    assert enactable(reading), reading.faults


def test_examples_are_as_the_demo_needs_them() -> None:
    warrant, defender = (
        parsed((EXAMPLES / f"{name}.toml").read_text(encoding="utf-8"))
        for name in ("ice-felony-warrant", "defender-representation")
    )
    assert (warrant.id, warrant.recipient, warrant.purposes) == (
        "ice-felony-warrant",
        "ice",
        ("felony-warrant",),
    )
    assert (defender.id, defender.recipient, defender.purposes) == (
        "defender-representation",
        "defender",
        ("representation",),
    )
    assert warrant.term.ends == datetime(2027, 9, 1, 4, tzinfo=UTC)


def test_all_faults_come_at_once() -> None:
    text = (
        GOOD.replace('"lapse"', '"laps"')
        .replace("show = { name =", "show = { naem =")
        .replace("results_per_search", "results")
    )
    assert len([f for f in read(text).faults if f.severity is Severity.ERROR]) == 3


def test_messages_do_not_repeat_the_text() -> None:
    marker = "zzsecretzz"
    for old in (
        '"whole"',
        '"lapse"',
        '"search"',
        '"felony-warrant"',
        '"2 of 3"',
        '"F1"',
        '"America/New_York"',
        "results_per_search",
    ):
        faults = check(GOOD.replace(old, f'"{marker}"' if old.startswith('"') else marker)).faults
        assert not any(marker in str(fault) for fault in faults)
    assert not any(marker in str(fault) for fault in check(GOOD + f"\n{marker} = {marker}\n").faults)


def test_a_text_beyond_the_size_cap_is_not_parsed() -> None:
    faults = read("#" * (SIZE_LIMIT + 1)).faults
    assert len(faults) == 1
    assert read("x" * 1_000_000).agreement is None
    assert read("\ud800").faults[0].message == "the text is not valid UTF-8"


def term_of(lines: str) -> Agreement:
    start, end = GOOD.index("[term]"), GOOD.index("[decision]")
    return parsed(GOOD[:start] + "[term]\n" + lines + "\n" + GOOD[end:])


def test_civil_dates_take_the_last_day_in() -> None:
    term = term_of('from = 2009-09-01\nthrough = 2010-08-31\nzone = "America/New_York"').term
    assert term.ends == datetime(2010, 9, 1, 4, tzinfo=UTC)
    assert (term.from_day, term.through_day) == (date(2009, 9, 1), date(2010, 8, 31))
    assert term.covers(datetime(2010, 9, 1, 3, 59, 59, 999999, tzinfo=UTC))
    assert not term.covers(term.ends)


def test_civil_days_follow_the_clocks() -> None:
    winter = term_of('from = 2026-03-08\nthrough = 2026-03-08\nzone = "America/New_York"').term
    assert winter.ends - winter.begins == timedelta(hours=23)
    autumn = term_of('from = 2026-11-01\nthrough = 2026-11-01\nzone = "America/New_York"').term
    assert autumn.ends - autumn.begins == timedelta(hours=25)


def test_an_end_in_three_seconds() -> None:
    begins = datetime(2026, 11, 21, 20, 14, 0, 250_000, tzinfo=UTC)
    ends = begins + timedelta(seconds=3)
    agreement = term_of(f"from = {begins.isoformat()}\nuntil = {ends.isoformat()}")
    assert (agreement.term.begins, agreement.term.ends) == (begins, ends)
    assert parsed(canonical(agreement)) == agreement


def test_an_offset_is_only_a_way_of_writing_an_instant() -> None:
    one = term_of("from = 2026-01-01T00:00:00-05:00\nuntil = 2026-02-01T00:00:00-05:00")
    other = term_of("from = 2026-01-01T05:00:00Z\nuntil = 2026-02-01T05:00:00Z")
    assert digest(one) == digest(other)


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.toml")), ids=lambda path: path.stem)
def test_canonical_form_of_the_examples(path: Path) -> None:
    fixed_point(parsed(path.read_text(encoding="utf-8")))


def fixed_point(agreement: Agreement) -> None:
    once = canonical(agreement)
    assert parsed(once) == agreement
    assert canonical(parsed(once)) == once


@settings(max_examples=60, deadline=None)
@given(agreements())
def test_the_canonical_form_is_a_fixed_point(agreement: Agreement) -> None:
    fixed_point(agreement)


@settings(max_examples=60, deadline=None)
@given(agreements(), agreements())
def test_one_hash_for_one_meaning(one: Agreement, other: Agreement) -> None:
    assert (digest(one) == digest(other)) == (one == other)


def test_comments_order_and_spacing_do_not_change_the_hash() -> None:
    shuffled = GOOD.replace('["F1", "F2", "F3", "F"]', '[ "F", "F3",\n "F1","F2" ]').replace(
        '["name", "birth_date"], ["sid"]', '["sid"], ["birth_date", "name"]'
    )
    assert digest(parsed("# a word before\n" + shuffled)) == digest(parsed(GOOD))


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_any_change_of_one_character_is_read_or_refused_without_falling_over(data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(GOOD) - 1))
    character = data.draw(st.characters(codec="utf-8"))
    reading = check(GOOD[:place] + character + GOOD[place + 1 :])
    assert reading.agreement is not None or reading.faults


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=200) | st.text(max_size=200))
def test_any_bytes_are_read_or_refused(text: bytes | str) -> None:
    assert read(text).agreement is None
    assert read(text).faults


TREE = """
[[organisation]]
id = "squad"
under = "hq"

[[organisation]]
id = "hq"
name = "Head \\"quarters\\""
under = "ice"
"""


def test_organisations_count_and_their_order_does_not() -> None:
    bare = re.sub(r"\[\[organisation\]\][^\[]*", "", GOOD)
    first, second = TREE.strip().split("\n\n")
    one, other = (parsed(f"{bare}\n{part}\n") for part in (TREE, f"{second}\n{first}"))
    assert canonical(one) == canonical(other)
    assert parsed(canonical(one)) == one
    assert digest(one) not in {digest(parsed(bare)), digest(parsed(GOOD))}
    assert [one.admits(name) for name in (None, "hq", "squad", "ice", "hq-2")] == [
        True,
        True,
        True,
        False,
        False,
    ]
    assert [parsed(bare).admits(name) for name in (None, "hq")] == [True, False]


@pytest.mark.parametrize("topic", CJIS_TOPICS)
def test_a_topic_that_is_left_out_warns_and_refuses_where_it_is_strict(topic: str) -> None:
    """CJIS Security Policy 5.1.1.3: eleven topics, each alone."""
    text = re.sub(rf"^{topic} = .*\n", "", GOOD, flags=re.MULTILINE)
    assert text != GOOD
    for strict, severity in ((False, Severity.WARNING), (True, Severity.REFUSED)):
        reading = check(text, strict=strict)
        (fault,) = [one for one in reading.faults if "5.1.1.3" in one.message]
        assert (fault.severity, enactable(reading)) == (severity, not strict)
        assert fault.message.endswith(f": {topic}")
    assert enactable(check(GOOD, strict=True))
