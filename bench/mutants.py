# SPDX-License-Identifier: Apache-2.0
"""How many changes of the code that decides make a test fail: `python -m bench.mutants votes.voting`.

For each module a copy of the tree, mutmut in it with the tests that hold the module, and one database server
for all of them. Needs `.venv/bin/uv sync --locked --all-extras --group mutation`. Uncommitted work counts.
What survives is printed as a difference; exit code 1 when a module has under 95 of 100.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from mutmut.stats import status_by_exit_code

from openpars.db import embedded
from tests.conftest import IN_A_HURRY, short_directory

AIM = 95.0
_READING = ("test_text", "test_reader", "test_canonical", "test_lines")
_GIVING = ("test_bars", "test_project", "test_project_oracle")
_COUNTING = ("test_ballots", "test_believed", "test_ballot_box")
_VOTING = ("test_voting", "test_ballot_keys", "test_rounds", "../attacks/test_forged_ballots")
_LIVING = ("test_register", "test_notice", "test_life")
HELD_BY: Mapping[str, tuple[str, ...]] = {
    **{f"language.{name}": _READING for name in ("text", "reader", "grants", "term", "canonical")},
    "language.lines": ("test_lines",),
    **dict.fromkeys(("project", "bars"), _GIVING),
    **dict.fromkeys(("ballots", "votes.ballot_box"), _COUNTING),
    **{f"votes.{name}": _VOTING for name in ("voting", "rounds", "ballot_keys")},
    **dict.fromkeys(("life", "notice"), _LIVING),
}
"""Which tests hold which module of `openpars.agreements`. None of them waits for a clock."""

# A database test spends most of its time outside of what mutmut measures: making its database.
CONFIG = """
[tool.mutmut]
source_paths = ["openpars"]
only_mutate = ["{path}"]
also_copy = ["examples", "docs"]
pytest_add_cli_args = ["-p", "no:cacheprovider"]
pytest_add_cli_args_test_selection = {tests}
timeout_multiplier = 4.0
timeout_constant = {patience}
"""


def tree(into: Path) -> None:
    """Copy what git tracks or would track. Properties with fewer examples: a mutant meets each of them."""
    git = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(git, check=True, capture_output=True, text=True)
    for name in listed.stdout.split("\0")[:-1]:
        if Path(name).is_file():
            (into / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(name, into / name)
    for test in (into / "tests" / "agreements").glob("test_*.py"):
        test.write_text(re.sub(r"max_examples=\d+", "max_examples=10", test.read_text(encoding="utf-8")))


def run(module: str, only: Sequence[str], environment: Mapping[str, str], into: Path) -> bool:
    """Make and run the mutants of one module. Prints the result; returns whether enough were killed."""
    tree(into)
    path = f"openpars/agreements/{module.replace('.', '/')}.py"
    tests = [str(Path(os.path.normpath(f"tests/agreements/{name}.py"))) for name in HELD_BY[module]]
    patience = 90.0 if HELD_BY[module] in (_VOTING, _LIVING) else 5.0
    with (into / "pyproject.toml").open("a") as project:
        project.write(CONFIG.format(path=path, tests=json.dumps(tests), patience=patience))
    began = time.monotonic()
    mutmut = Path(sys.executable).with_name("mutmut")
    names = [f"openpars.agreements.{module}.{one}" for one in only]
    told = into / "mutmut.log"
    with told.open("w") as log:
        command = [mutmut, "run", "--max-children", "1", *names]
        ran = subprocess.run(command, cwd=into, env=environment, stdout=log, check=False)
    if ran.returncode:
        sys.exit(told.read_text(encoding="utf-8")[-3000:])
    _passes_unchanged(into, environment)
    found = json.loads((into / "mutants" / f"{path}.meta").read_text(encoding="utf-8"))
    results = {name: status_by_exit_code[code] for name, code in found["exit_code_by_key"].items()}
    if only:
        results = {name: status for name, status in results.items() if status != "not checked"}
    counts = Counter(results.values())
    # An endless loop fails a test here too, by its time limit.
    share = 100 * (counts["killed"] + counts["timeout"]) / len(results)
    statuses = ", ".join(f"{number} {status}" for status, number in counts.most_common())
    minutes = (time.monotonic() - began) / 60
    print(f"{module}: of {len(results)} changes {statuses}: {share:.1f} %, in {minutes:.0f} min", flush=True)
    for name, status in results.items():
        if status != "killed":
            shown = subprocess.run(
                [mutmut, "show", name], cwd=into, capture_output=True, text=True, check=True
            )
            changed = [one for one in shown.stdout.splitlines() if re.match(r"[-+](?!--|\+\+)", one)]
            print("", f"{name.rsplit('.', 1)[1]}: {status}", *changed, sep="\n", flush=True)
    return share >= AIM


def _passes_unchanged(into: Path, environment: Mapping[str, str]) -> None:
    """A test not found under its name would pass for one that fails: every mutant would be killed."""
    stats = json.loads((into / "mutants" / "mutmut-stats.json").read_text(encoding="utf-8"))
    names = sorted(set().union(*stats["tests_by_mangled_function_name"].values()))
    pytest = [sys.executable, "-m", "pytest", "--rootdir=.", "-q", "-x", "-p", "no:cacheprovider", *names]
    subprocess.run(
        pytest,
        cwd=into / "mutants",
        env={**environment, "MUTANT_UNDER_TEST": ""},
        stdout=subprocess.DEVNULL,
        check=True,
    )


@contextmanager
def server() -> Iterator[str]:
    """A database server that stays for the whole run; what killed tests leave in it goes with it."""
    with short_directory() as directory:
        cluster = embedded.prepare(directory, os.environ)
        running = asyncio.run(embedded.start(cluster, IN_A_HURRY))
        try:
            yield cluster.admin_dsn
        finally:
            asyncio.run(embedded.stop(running))
            embedded.remove(directory)


def main() -> None:
    """Run the modules named, or all."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("module", nargs="*", choices=[[], *HELD_BY], help="modules of openpars.agreements")
    parser.add_argument(
        "--only", action="append", default=[], help="one mutant by the name it was printed with"
    )
    given = parser.parse_args()
    enough = []
    with server() as dsn:
        environment = {**os.environ, "OPENPARS_TEST_DATABASE_URL": dsn}
        for module in given.module or HELD_BY:
            with tempfile.TemporaryDirectory(prefix="mutants-") as directory:
                enough.append(run(module, given.only, environment, Path(directory)))
    sys.exit(0 if all(enough) else 1)


if __name__ == "__main__":
    main()
