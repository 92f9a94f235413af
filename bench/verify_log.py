# SPDX-License-Identifier: Apache-2.0
"""Verify a log of 1,000,000 entries, against bare hashing of the same entries in the same run.

    python bench/verify_log.py [--entries N] [--json]

The log is made on disk without a database: its entries have the form and the size of real ones. The
floor hashes every entry and builds the tree in one process, and does nothing else.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from openpars.log import leaf, tiles
from openpars.log.merkle import Tree, leaf_hash, root_of
from openpars.log.note import Checkpoint, Signer

VERIFIER = Path(__file__).parents[1] / "verify" / "openpars_verify.py"
START = datetime(2026, 1, 1, tzinfo=UTC)
HOURS = 24 * 365 * 3


def entries(count: int) -> list[bytes]:
    """A schema entry and answers: random commitments, none to three labels, over three years."""
    dice = random.Random(2018)
    names = leaf.fields("disclosures", "answer")[1]
    public = leaf.check_public(
        "disclosures",
        "answer",
        {"agreement": "ice-pars", "version": 1, "purpose": "felony-warrant", "way": "search"},
    )
    made = [
        leaf.build(
            kind="schema",
            public=leaf.schema_public("disclosures"),
            commitments={},
            labels=[],
            body=b"",
            at=START,
        )
    ]
    made.extend(
        leaf.build(
            kind="answer",
            public=public,
            commitments={name: dice.randbytes(32) for name in names},
            labels=[dice.randbytes(16) for _ in range(number % 4)],
            body=b"%d" % number,
            at=START + timedelta(hours=number * HOURS // count),
        )
        for number in range(1, count)
    )
    return made


def publish(folder: Path, made: list[bytes], signer: Signer) -> None:
    """Write the log's files, with a checkpoint archived for every day."""
    tree = Tree(leaf_hash(entry) for entry in made)
    for tile in tiles.published(len(made)):
        path = folder / tile.path()
        path.parent.mkdir(parents=True, exist_ok=True)
        first = tile.index * tiles.WIDTH
        if tile.level is None:
            path.write_bytes(tiles.bundle(made[first : first + tile.width]))
        else:
            path.write_bytes(b"".join(tree.node(8 * tile.level, first + at) for at in range(tile.width)))

    def note(size: int) -> str:
        return signer.sign(Checkpoint(signer.name, size, tree.root(size)).text())

    days = sorted({max(1, day * len(made) // (HOURS // 24)) for day in range(1, HOURS // 24)})
    (folder / "checkpoints").write_text(json.dumps([note(size) for size in days]), encoding="utf-8")
    (folder / "checkpoint").write_text(note(len(made)), encoding="utf-8")


def floor(made: list[bytes]) -> tuple[float, float]:
    """Seconds, and seconds of processor, to hash every entry and the whole tree."""
    began, used = time.perf_counter(), time.process_time()
    sha256 = hashlib.sha256
    root_of([sha256(b"\0" + entry).digest() for entry in made])
    return time.perf_counter() - began, time.process_time() - used


def children() -> float:
    """Seconds of processor used by programs that we ran."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def verify(folder: Path, key: str, jobs: int) -> tuple[float, float]:
    """Seconds, and seconds of processor, that the stand-alone verifier takes; start of Python included."""
    command = [sys.executable, "-I", str(VERIFIER), str(folder), "--key", key, "--jobs", str(jobs), "--json"]
    began, used = time.perf_counter(), children()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - began
    assert done.returncode == 0, done.stdout + done.stderr
    return seconds, children() - used


def main() -> None:
    """Print the figures as a table, or as JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="openpars-bench-"))
    try:
        made = entries(options.entries)
        signer = Signer("log.openpars.invalid/bench", bytes(32))
        publish(folder, made, signer)
        size = sum(len(entry) for entry in made)
        bare = floor(made)
        del made
        one = verify(folder, signer.verifier.vkey, 1)
        jobs = os.cpu_count() or 1
        many = verify(folder, signer.verifier.vkey, jobs)
    finally:
        shutil.rmtree(folder)
    found: dict[str, Any] = {"entries": options.entries, "bytes_per_entry": round(size / options.entries)}
    for name, (seconds, processor) in (("bare", bare), ("verify_1", one), (f"verify_{jobs}", many)):
        found[f"{name}_seconds"] = round(seconds, 2)
        found[f"{name}_processor_seconds"] = round(processor, 2)
        found[f"{name}_ratio"] = round(seconds / bare[0], 2)
    print(
        json.dumps(found)
        if options.json
        else "\n".join(f"{name:32} {value:>12}" for name, value in found.items())
    )


if __name__ == "__main__":
    main()
