# SPDX-License-Identifier: Apache-2.0
"""What is wrong with an agreement's text, as values. Messages never repeat what was written.

The line is named, and whoever has the text can read it there; a message can then be logged and shown
to others without carrying a stranger's words.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum


class Severity(StrEnum):
    """`error`: no agreement. `refused`: one that may not be enacted. `warning`: worth knowing."""

    ERROR = "error"
    REFUSED = "refused"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong: where, how bad, what, and the nearest right word."""

    file: str
    line: int
    severity: Severity
    message: str
    suggestion: str | None = None

    def __str__(self) -> str:
        hint = f". Did you mean `{self.suggestion}`?" if self.suggestion else ""
        return f"{self.file}:{self.line}: {self.severity}: {self.message}{hint}"


def nearest(word: object, right: Iterable[str]) -> str | None:
    """The nearest right word, or None when nothing is near."""
    if not isinstance(word, str):
        return None
    found = get_close_matches(word.strip().lower().replace("-", "_")[:60], list(right), n=1, cutoff=0.6)
    return found[0] if found else next(iter(get_close_matches(word[:60], list(right), n=1, cutoff=0.6)), None)
