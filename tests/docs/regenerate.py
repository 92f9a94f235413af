# SPDX-License-Identifier: Apache-2.0
"""`python -m tests.docs.regenerate`: fill every generated block of every document."""

from __future__ import annotations

import sys

from tests.docs.generated import ROOT, documents, filled


def main() -> None:
    """Write what has changed, and say which files."""
    for path in documents():
        text = path.read_text("utf-8")
        made = filled(text)
        if made != text:
            path.write_text(made, "utf-8")
            sys.stdout.write(f"{path.relative_to(ROOT)}\n")


if __name__ == "__main__":
    main()
