# SPDX-License-Identifier: Apache-2.0
"""What could not be understood, kept for a person to look at: `<file>.quarantine.csv`."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path

from openpars.feeds.table import Broken


def write(directory: Path, name: str, lines: tuple[Broken, ...]) -> Path | None:
    """Write the quarantine of one file; None when there is nothing in it (an old one is then removed).

    Columns: line (the first, in the file), reason, record (the text as it stood, as a JSON string:
    a cell that began with `=` would be run by a spreadsheet). Only its owner can read it.
    """
    path = directory / f"{name}.quarantine.csv"
    if not lines:
        path.unlink(missing_ok=True)
        return None
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("line", "reason", "record"))
        writer.writerows((line.line, line.reason, json.dumps(line.raw, ensure_ascii=False)) for line in lines)
    return path
