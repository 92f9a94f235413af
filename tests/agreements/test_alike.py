# SPDX-License-Identifier: Apache-2.0
"""Words that look like others: in a text, by an escape or a letter of another script; in ids."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from openpars.agreements.language.alike import skeleton
from openpars.agreements.language.text import read

TEXT = (Path(__file__).parents[2] / "examples" / "agreements" / "ice-felony-warrant.toml").read_text(
    encoding="utf-8"
)


def titled(title: str) -> str:
    return re.sub(r"(?m)^title = .*$", lambda _: f'title = "{title}"', TEXT, count=1)


@pytest.mark.parametrize(
    "title",
    [
        r"Felony \u202etnarraw", r"Felony\u200b warrants", r"Felony\u0000", r"Felony \U000E0041", r"a\u007f",
        r"\u2028", "Felony warrants of I\u0421E", "\uff29CE", "\u0399CE", "wa\u0301rrants", "n\u030a\u0301",
        "\u0251bc", "d\u0131strict", "\u0661\u0662", "warrants\u01c3", "\U0001f600", "\uff1a", "a\u2236b",
    ],
)  # fmt: skip
def test_a_title_that_is_not_what_it_looks_like_is_refused(title: str) -> None:
    reading = read(titled(title))
    assert reading.agreement is None
    assert {fault.message.split(" ")[0] for fault in reading.faults} == {"`title`"}
    assert all(title not in str(fault) for fault in reading.faults)


@pytest.mark.parametrize(
    "title",
    ["Órdenes de detención: qué puede pedir ICE", "Felony warrants – “what may be asked”, § 9102", "a\\nb"],
)
def test_an_honest_title_is_taken(title: str) -> None:
    assert read(titled(title)).agreement is not None


def test_every_free_text_is_held_to_it() -> None:
    assert read(TEXT).agreement is not None
    for key in ("title", "legal_basis", "name", "audit"):
        spoilt = re.sub(rf'(?m)^({key} = ".*)"$', r'\1\\u202e"', TEXT, count=1)
        assert spoilt != TEXT
        assert read(spoilt).agreement is None


def test_words_of_a_list_are_held_to_it() -> None:
    spoilt = TEXT.replace('purposes = ["felony-warrant"]', 'purposes = ["felony-warr\u0430nt"]')
    assert spoilt != TEXT
    assert read(spoilt).agreement is None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ice-pars", "lce-pars"), ("ice-pars", "ice-pars-"), ("ice-pars", "icepars"), ("ice-1", "ice-l"),
        ("modern", "modem"), ("wave", "vvave"), ("od", "0cl"), ("pars-5", "pars-s"),
    ],
)  # fmt: skip
def test_ids_that_can_be_taken_for_one_another(one: str, other: str) -> None:
    assert skeleton(one) == skeleton(other)


def test_ids_that_cannot() -> None:
    ids = [
        "ice-pars",
        "ice-felony-warrant",
        "defender-representation",
        "ice-pars-2008",
        "ice-pars-2010",
        "fbi-pars",
    ]
    assert len({skeleton(one) for one in ids}) == len(ids)
