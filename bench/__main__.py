# SPDX-License-Identifier: Apache-2.0
"""All rows, one after the other: `python -m bench` (some minutes) or one alone: `python -m bench.search`."""

from __future__ import annotations

import subprocess
import sys

ROWS = (
    ("search", ("--arrests", "200000")),
    ("enact", ("--arrests", "1000000")),
    ("alerts", ("--rate", "100", "--streams", "100")),
    ("alerts", ("--rate", "5", "--streams", "1000")),
    ("intake", ("--agreements", "10")),
    ("replay", ()),
    ("prove", ("--cross", "1000000")),
)


def main() -> None:
    """Run every row in a process of its own; a row that fails does not keep the others from running."""
    failed = []
    for name, options in ROWS:
        ran = subprocess.run([sys.executable, "-m", f"bench.{name}", *options], check=False)
        if ran.returncode:
            failed.append(name)
    if failed:
        raise SystemExit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
