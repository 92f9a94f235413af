# SPDX-License-Identifier: Apache-2.0
"""Documents say what the program does. `python -m tests.docs.regenerate` mends the generated blocks."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from openpars.agreements.check import check, enactable
from openpars.disclosure import request as asks
from openpars.errors import STATUS, Code
from openpars.record.catalogue import CRITERIA, FIELDS
from openpars.web import agreement_shapes, intake, shapes
from tests.docs import generated

DOCUMENTS = generated.documents()
NAMES = [str(path.relative_to(generated.ROOT)) for path in DOCUMENTS]

LINK = re.compile(r"(?<!\\)\[[^\]\n]*\]\(([^)\s]+)\)|src(?:set)?=\"([^\"]+)\"")
FENCE = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
CHECKED = re.compile(r"<!-- checked: ([a-z]+) -->\n```json\n(.*?)```", re.DOTALL)
REGISTRIES = re.compile(
    r"pypi\.|pythonhosted|npmjs|crates\.io|rubygems|proxy\.golang|docker\.io|deb\.debian", re.I
)


def text_of(name: str) -> str:
    return (generated.ROOT / name).read_text("utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_generated_blocks_are_what_the_program_says(name: str) -> None:
    text = text_of(name)
    assert text.count("<!-- generated ") == len(generated.BLOCK.findall(text)), "a block is not closed"
    assert generated.filled(text) == text, "run python -m tests.docs.regenerate"


@pytest.mark.parametrize("name", NAMES)
def test_no_em_dash_no_registry_no_path_of_a_machine(name: str) -> None:
    text = text_of(name)
    assert "\N{EM DASH}" not in text
    assert REGISTRIES.search(text) is None
    assert not re.search(r"(?<![\w.])/(?:work|root|home)/", text)


@pytest.mark.parametrize("name", NAMES)
def test_internal_links_lead_somewhere(name: str) -> None:
    path = generated.ROOT / name
    for groups in LINK.findall(FENCE.sub("", text_of(name))):
        target = groups[0] or groups[1]
        if "://" in target or target.startswith("mailto:"):
            continue
        file, _, anchor = target.partition("#")
        found = (path.parent / file).resolve() if file else path
        assert found.exists(), target
        if anchor:
            assert anchor in anchors(found), target


def anchors(path: Path) -> set[str]:
    """The anchors that headings get: lower case, spaces to hyphens, other signs dropped."""
    headings = re.findall(r"^#+ (.*)$", FENCE.sub("", path.read_text("utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_command_is_in_the_manual() -> None:
    manual = text_of("docs/cli.md")
    for name, _ in generated.commands():
        assert f"### `{name}`\n" in manual


@pytest.mark.parametrize("code", Code)
def test_every_problem_code_has_its_status(code: Code) -> None:
    assert f"| `{code.value}` | {STATUS[code]} |" in text_of("docs/api.md")


def test_every_route_is_in_the_manual() -> None:
    manual = text_of("docs/api.md")
    for application in generated.applications():
        for one in generated.routes(application):
            if one.path != "/{path:path}":  # the door's way to the desks
                assert f"`{one.path}`" in manual or f" {one.path}`" in manual, one.path


@pytest.mark.parametrize("field", FIELDS)
def test_every_field_and_precision_is_in_the_manual(field: str) -> None:
    row = re.search(rf"^\| `{field}` \|.*$", text_of("docs/agreements.md"), re.MULTILINE)
    assert row is not None
    for precision in FIELDS[field].precisions:
        assert f"`{precision.name}`: {precision.meaning}" in row[0]


@pytest.mark.parametrize("name", CRITERIA)
def test_every_criterion_is_in_the_manual(name: str) -> None:
    row = re.search(
        rf"^\| `{name}` \|.*in.*$|^\| `{name}` \|.*$", text_of("docs/agreements.md"), re.MULTILINE
    )
    assert row is not None


@pytest.mark.parametrize("package", generated.packages())
def test_every_package_has_its_line_in_the_architecture(package: str) -> None:
    text = text_of("ARCHITECTURE.md")
    assert f"\n### {package}\n" in text
    if package != "jurisdictions":
        assert f"<!-- generated modules {package} -->" in text


@pytest.mark.parametrize("package", sorted(generated.GROUPS))
def test_each_module_stands_under_one_heading(package: str) -> None:
    named = [name for names in generated.GROUPS[package].values() for name in names]
    assert sorted(named) == sorted(generated.module_files(package))


def test_packages_stand_in_the_order_of_their_ranks() -> None:
    """The code map goes from the floor up, as import-linter's contract has it."""
    contract = (generated.ROOT / "pyproject.toml").read_text("utf-8")
    layers = re.findall(r'"openpars\.([a-z_ |.]+)"', contract.split("layers = [")[1].split("]")[0])
    ranks = {
        name: rank
        for rank, layer in enumerate(reversed(layers))
        for name in layer.replace("openpars.", "").split(" | ")
    }
    told = [
        name
        for name in re.findall(r"^### ([a-z]+)$", text_of("ARCHITECTURE.md"), re.MULTILINE)
        if name in ranks
    ]
    assert [ranks[name] for name in told] == sorted(ranks[name] for name in told)


@pytest.mark.parametrize("vocabulary", generated.vocabularies())
def test_every_closed_word_is_in_the_glossary(vocabulary: str) -> None:
    row = re.search(rf"^\| {vocabulary} \| (.*) \|$", text_of("GLOSSARY.md"), re.MULTILINE)
    assert row is not None
    words = generated.vocabularies()[vocabulary]
    assert words
    assert re.findall(r"`([^`]+)`", row[1]) == words


def test_every_word_of_the_glossary_is_spelled_as_in_the_code() -> None:
    """The left column of the word tables: identifiers, keys or values that the code really uses."""
    code = "\n".join(
        path.read_text("utf-8")
        for path in generated.PACKAGE.rglob("*")
        if path.suffix in {".py", ".sql", ".toml"}
    )
    glossary = text_of("GLOSSARY.md").split("## Closed vocabularies")[0]
    said = [
        word
        for cell in re.findall(r"^\| (`.*?) \|", glossary, re.MULTILINE)
        for word in re.findall(r"`([^`]+)`", cell)
    ]
    assert len(said) > 50
    missing = [word for word in said if re.search(rf"(?<![A-Za-z]){re.escape(word)}(?![a-z])", code) is None]
    assert missing == []


PARSERS: dict[str, Callable[[bytes], object]] = {
    "search": asks.search,
    "subscription": asks.subscribe,
    "booking": lambda body: intake.parse(body, shapes.BookingShape).form(),
    "charging": lambda body: intake.parse(body, shapes.ChargingShape).form(),
    "arraignment": lambda body: intake.parse(body, shapes.ArraignmentShape).form(),
    "order": lambda body: intake.parse(body, shapes.OrderShape).form(),
    "ballot": lambda body: intake.parse(body, agreement_shapes.BallotShape),
}


def test_every_example_of_a_request_is_one() -> None:
    examples = [one for name in NAMES for one in CHECKED.findall(text_of(name))]
    assert {kind for kind, _ in examples} == set(PARSERS)
    for kind, body in examples:
        PARSERS[kind](body.encode())


def test_every_agreement_in_the_documents_may_be_enacted() -> None:
    found = [one for name in NAMES for one in re.findall(r"```toml\n(.*?)```", text_of(name), re.DOTALL)]
    assert found
    for one in found:
        if "[agreement]" in one:
            assert enactable(check(one))


def test_the_lives_are_told_with_the_numbers_of_the_code() -> None:
    """Numbered steps of a life in ARCHITECTURE.md are those of the module that lives it."""
    text = text_of("ARCHITECTURE.md")
    for heading, module, last in (
        ("### Of an act: one transaction", "desk/transact.py", 8),
        ("### Of a disclosure", "disclosure/gate.py", 7),
        ("### Of an entry of the log", "log/writer.py", 6),
    ):
        life = text.split(f"\n{heading}\n")[1].split("\n#")[0]
        assert re.findall(r"^(\d+)\. ", life, re.MULTILINE) == [str(n) for n in range(1, last + 1)], heading
        code = (generated.PACKAGE / module).read_text("utf-8").split('"""')[1]
        assert re.findall(r"^ *(\d+)[. ]", code, re.MULTILINE) == [str(n) for n in range(1, last + 1)], module


def test_tests_named_in_the_documents_are_there() -> None:
    for name in NAMES:
        for path in re.findall(r"`(tests/[\w/.]+)`", text_of(name)):
            assert (generated.ROOT / path).exists(), (name, path)
        for path in re.findall(r"`((?:openpars|verify|bench|examples|docs)/[\w/.-]+)`", text_of(name)):
            assert (generated.ROOT / path).exists(), (name, path)


def test_every_table_is_in_the_architecture() -> None:
    text = text_of("ARCHITECTURE.md")
    for path in generated.PACKAGE.glob("*/schema.sql"):
        for table in re.findall(r"^CREATE TABLE (\w+\.\w+)", path.read_text("utf-8"), re.MULTILINE):
            assert f"`{table}`" in text, table


def test_every_module_outside_the_packages_is_in_the_architecture() -> None:
    for path in generated.PACKAGE.glob("*.py"):
        if path.stem != "__init__":
            assert f"`{path.stem}`" in text_of("ARCHITECTURE.md")
