# SPDX-License-Identifier: Apache-2.0
"""ODRL: nothing of an agreement is lost, every word is ODRL's or the profile's, nothing passes changed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from openpars.agreements.bars import version_of
from openpars.agreements.language.canonical import digest
from openpars.agreements.language.text import read
from openpars.agreements.model import Agreement
from openpars.agreements.odrl.reader import NotOurs, agreement_in
from openpars.agreements.odrl.writer import PROFILE, UNSAID, odrl, odrl_text
from tests.agreements.worlds import agreements
from tests.driver import Driver

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "examples" / "agreements").glob("*.toml"))

# The terms of ODRL 2.2 that a policy may use, by their place.
TERMS = json.loads((Path(__file__).parent / "odrl-2.2.json").read_text(encoding="utf-8"))
PREFIXES = ("openpars:", "dct:", "dpv:", "skos:", "sector-law:", "rdf:", "xsd:")


# The types that ODRL 2.2 asks of right operands, where it asks for one.
TYPES = {
    "dateTime": {"xsd:date", "xsd:dateTime"},
    "elapsedTime": {"xsd:duration"},
    "timeInterval": {"xsd:duration"},
    "payAmount": {"xsd:decimal"},
}


def members(found: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(found, dict):
        for name, value in found.items():
            if name != "@context":
                yield name, value
                yield from members(value)
    elif isinstance(found, list):
        for one in found:
            yield from members(one)


def constraints(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for name, value in members(document):
        if name in {"constraint", "refinement"}:
            yield from value


def check_words(document: dict[str, Any]) -> None:
    for one in constraints(document):
        if one["leftOperand"] in TYPES:
            assert one["rightOperand"]["@type"] in TYPES[one["leftOperand"]], one
    for name, value in members(document):
        assert name in TERMS["properties"] or name.startswith(("@", *PREFIXES)), name
        if name == "leftOperand":
            assert value in TERMS["leftOperands"] or value.startswith("openpars:"), value
        elif name == "operator":
            assert value in TERMS["operators"]
        elif name == "action":
            for action in [value] if isinstance(value, str) else value:
                word = action if isinstance(action, str) else action["rdf:value"]["@id"].removeprefix("odrl:")
                assert word in TERMS["actions"] or word.startswith("openpars:"), word
        elif name == "@type":
            assert value in TERMS["classes"] or value.startswith(PREFIXES), value
        elif name == "conflict":
            assert value in {"perm", "prohibit", "invalid"}


@settings(max_examples=150, deadline=None)
@given(agreements())
def test_nothing_is_lost_on_the_way(agreement: Agreement) -> None:
    version = version_of(agreement)
    text = odrl_text(version)
    assert text == odrl_text(version)
    back = agreement_in(text)
    assert back == agreement
    assert digest(back) == version.hash
    check_words(json.loads(text))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_agreements_that_ship(path: Path) -> None:
    agreement = read(path.read_bytes()).agreement
    assert agreement is not None
    version = version_of(agreement)
    document = json.loads(odrl_text(version))
    assert agreement_in(odrl_text(version)) == agreement
    assert document["openpars:notSaidByODRL"] == list(UNSAID)
    assert {one["uid"] for one in document["prohibition"]} == {
        f"urn:openpars:bar:{bar.id}" for bar in version.bars
    }
    assert document["conflict"] == "prohibit"


def test_every_word_of_the_profile_is_explained() -> None:
    said = (ROOT / "docs" / "odrl.md").read_text(encoding="utf-8")
    used: set[str] = set()
    for path in EXAMPLES:
        agreement = read(path.read_bytes()).agreement
        assert agreement is not None
        used |= set(re.findall(r'"openpars:([A-Za-z_]+)"', odrl_text(version_of(agreement))))
    assert used - set(re.findall(r"`openpars:([A-Za-z_]+)`", said)) == set()
    assert PROFILE in said


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"openpars:alertAll": false', '"openpars:alertAll": true'),
        ('"year"', '"whole"'),
        ('"2 of 3"', '"1 of 3"'),
        ('"openpars:topic": "audit"', '"openpars:topic": "nothing"'),
        (PROFILE + '"', 'https://example.org/odrl#"'),
        ('"P30D"', '"P31D"'),
    ],
)
def test_a_changed_policy_is_not_ours(old: str, new: str) -> None:
    agreement = read((ROOT / "examples" / "agreements" / "ice-felony-warrant.toml").read_bytes()).agreement
    assert agreement is not None
    text = odrl_text(version_of(agreement))
    assert old in text
    with pytest.raises(NotOurs):
        agreement_in(text.replace(old, new))
    with pytest.raises(NotOurs):
        agreement_in("[]")


def test_equal_agreements_give_equal_policies() -> None:
    agreement = read(EXAMPLES[0].read_bytes()).agreement
    assert agreement is not None
    assert odrl(version_of(agreement)) == odrl(version_of(agreement, 7))


def test_the_register_gives_it_to_anybody(drive: Driver) -> None:
    answer = drive.call(None, "GET", "/agreements/ice-felony-warrant/odrl")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/ld+json"
    (entry,) = drive.call(None, "GET", "/agreements/ice-felony-warrant").json()["versions"]
    assert digest(agreement_in(answer.text)) == entry["hash"]
    for address in ("/agreements/nobody-knows/odrl", "/agreements/ice-felony-warrant/odrl?version=9"):
        assert drive.call(None, "GET", address).status_code == 404


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where something stands in a document."""
    if path:
        yield path
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, one in inside:
        yield from places(one, (*path, name))


def test_no_value_of_another_kind_is_read_as_something_else() -> None:
    """Hostile documents are refused, or read as the very agreement; nothing else comes of them."""
    agreement = read((ROOT / "examples" / "agreements" / "ice-felony-warrant.toml").read_bytes()).agreement
    assert agreement is not None
    text = odrl_text(version_of(agreement))
    refused = 0
    for path in places(json.loads(text)):
        for wrong in ("null", '""', "7", "[]", '{"a": [1]}', "true"):
            document = json.loads(text)
            inside = document
            for name in path[:-1]:
                inside = inside[name]
            inside[path[-1]] = json.loads(wrong)
            try:
                assert agreement_in(json.dumps(document)) == agreement
            except NotOurs:
                refused += 1
    assert refused > 300


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, "NaN", "9" * 5_000, '"', "\x00"])
def test_what_is_no_document_is_not_ours(text: str) -> None:
    with pytest.raises(NotOurs):
        agreement_in(text)


def test_a_policy_with_a_hash_of_its_own_cannot_say_what_no_text_can() -> None:
    """Anybody can compute a hash. What the parser of agreements refuses comes in by no other door."""
    agreement = read((ROOT / "examples" / "agreements" / "ice-felony-warrant.toml").read_bytes()).agreement
    assert agreement is not None
    version = version_of(agreement)
    for changed in (
        {"purposes": ("Not A Purpose",)},
        {"when": replace(agreement.grants[0].when, isin=(("custody", ("anywhere",)),))},
    ):
        grants = (replace(agreement.grants[0], **changed),)
        other = replace(agreement, grants=grants)
        with pytest.raises(NotOurs):
            agreement_in(odrl_text(replace(version, agreement=other, hash=digest(other))))
