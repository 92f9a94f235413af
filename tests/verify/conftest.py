# SPDX-License-Identifier: Apache-2.0
"""A log on disk, made without a database, and the stand-alone verifier loaded from its one file."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from openpars.log import leaf, tiles
from openpars.log.merkle import Tree, leaf_hash
from openpars.log.note import Checkpoint, Signer

ORIGIN = "log.openpars.invalid/test"
START = datetime(2026, 1, 1, tzinfo=UTC)


def noise(*parts: object) -> bytes:
    return hashlib.sha256(repr(parts).encode()).digest()


def answer(number: int) -> bytes:
    """An entry as the writer would make it; its commitments are noise."""
    public = leaf.check_public(
        "disclosures",
        "answer",
        {"agreement": "ice-pars", "version": 1, "purpose": "felony-warrant", "way": "search"},
    )
    names = leaf.fields("disclosures", "answer")[1]
    return leaf.build(
        kind="answer",
        public=public,
        commitments={name: noise(number, name) for name in names},
        labels=[noise(number, at)[:16] for at in range(number % 3)],
        body=noise(number),
        at=START + timedelta(minutes=number),
    )


def schema_entry() -> bytes:
    public = leaf.schema_public("disclosures")
    return leaf.build(kind="schema", public=public, commitments={}, labels=[], body=b"", at=START)


class MadeLog:
    """Entries, their tree, and every file of their publication."""

    def __init__(self, entries: list[bytes], signer: Signer, archived: tuple[int, ...] = ()) -> None:
        self.entries, self.signer = entries, signer
        self.tree = Tree(leaf_hash(entry) for entry in entries)
        size = len(entries)
        self.files: dict[str, bytes] = {
            "checkpoint": self.note(size),
            "checkpoints": json.dumps([self.note(at).decode() for at in archived]).encode(),
        }
        for tile in tiles.published(size):
            first = tile.index * 256
            if tile.level is None:
                raw = tiles.bundle(entries[first : first + tile.width])
            else:
                raw = b"".join(self.tree.node(8 * tile.level, first + at) for at in range(tile.width))
            self.files[tile.path()] = raw

    def note(self, size: int) -> bytes:
        return self.signer.sign(Checkpoint(self.signer.name, size, self.tree.root(size)).text()).encode()

    def write(self, folder: Path) -> Path:
        for name, raw in self.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(raw)
        return folder


@pytest.fixture(scope="session")
def signer() -> Signer:
    return Signer(ORIGIN, bytes(range(32)))


@pytest.fixture(scope="session")
def make_log(signer: Signer) -> Callable[..., MadeLog]:
    def make(size: int, archived: tuple[int, ...] = ()) -> MadeLog:
        return MadeLog([schema_entry(), *(answer(number) for number in range(1, size))], signer, archived)

    return make


@pytest.fixture(scope="session")
def verifier() -> ModuleType:
    path = Path(__file__).parents[2] / "verify" / "openpars_verify.py"
    spec = importlib.util.spec_from_file_location("openpars_verify", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["openpars_verify"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def run(
    verifier: ModuleType, signer: Signer, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, dict[str, Any]]]:
    """Run the verifier in this process: exit status and its JSON."""

    def run(*arguments: object) -> tuple[int, dict[str, Any]]:
        given = [str(argument) for argument in arguments]
        if "--key" not in given:
            given += ["--key", signer.verifier.vkey]
        status = verifier.main([*given, "--json", "--jobs", "1"])
        said = capsys.readouterr().out
        return status, json.loads(said) if said else {}

    return run
