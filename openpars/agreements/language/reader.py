# SPDX-License-Identifier: Apache-2.0
"""One table of the text, read strictly: known keys, exact types, every fault kept.

TOML's types are exact and must stay so: `true` is not 1, 20.0 is not 20, and one string is not a list.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from openpars.agreements.language.alike import doubt
from openpars.agreements.language.faults import Fault, Severity, nearest
from openpars.agreements.language.lines import LineIndex, Path

TEXT_LIMIT = 2000  # characters in one free text
LIST_LIMIT = 200  # members of one list
_SLUG = re.compile(r"[a-z][a-z0-9-]{0,39}")


@dataclass(frozen=True, slots=True)
class Source:
    """The text's name, where its keys stand, and the faults found so far."""

    file: str
    lines: LineIndex
    faults: list[Fault]

    def add(self, severity: Severity, message: str, path: Path, suggestion: str | None = None) -> None:
        """Keep one fault."""
        self.faults.append(Fault(self.file, self.lines.line(*path), severity, message, suggestion))


@dataclass(frozen=True, slots=True)
class Table:
    """A table of the text at `path`. Readers return None (or a default) after a fault, never raise."""

    source: Source
    path: Path
    values: Mapping[str, object]

    @classmethod
    def at(cls, source: Source, path: Path, value: object) -> Table:
        """The table there; a fault and an empty table when it is something else."""
        if isinstance(value, dict):
            return cls(source, path, value)
        source.add(Severity.ERROR, "this must be a table", path)
        return cls(source, path, {})

    def fault(self, message: str, key: str | int | None, suggestion: str | None = None) -> None:
        """An error at one of the table's keys, or at the table itself."""
        path = self.path if key is None else (*self.path, key)
        self.source.add(Severity.ERROR, message, path, suggestion)

    def only(self, known: Sequence[str]) -> None:
        """A fault for every key outside the closed list."""
        for key in self.values:
            if key not in known:
                right = ", ".join(known)
                self.fault(f"this word is not known here; known are: {right}", key, nearest(key, known))

    def string(self, key: str, *, required: bool = True) -> str | None:
        """A free text of at most 2,000 characters."""
        if key not in self.values:
            if required:
                self.fault(f"`{key}` is missing", None)
            return None
        value = self.values[key]
        if not isinstance(value, str) or not value.strip():
            self.fault(f"`{key}` must be a text in quotes", key)
            return None
        if len(value) > TEXT_LIMIT:
            self.fault(f"`{key}` is longer than {TEXT_LIMIT} characters", key)
            return None
        # An escape writes into the value what no line of the text may hold.
        if (why := doubt(value)) is not None:
            self.fault(f"`{key}` {why}", key)
            return None
        return value

    def slug(self, key: str) -> str | None:
        """A short name: lower-case letters, digits and hyphens, at most 40."""
        value = self.string(key)
        if value is not None and _SLUG.fullmatch(value) is None:
            self.fault(
                f"`{key}` must be lower-case letters, digits and hyphens, at most 40, a letter first", key
            )
            return None
        return value

    def choice(self, key: str, known: Iterable[str], *, default: str | None = None) -> str | None:
        """One word of a closed list."""
        if key not in self.values and default is not None:
            return default
        value = self.string(key)
        right = list(known)
        if value is not None and value not in right:
            self.fault(f"`{key}` must be one of: {', '.join(right)}", key, nearest(value, right))
            return None
        return value

    def integer(self, key: str, *, low: int, high: int, default: int) -> int:
        """A whole number within bounds; `default` when absent or wrong."""
        if key not in self.values:
            return default
        value = self.values[key]
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            self.fault(f"`{key}` must be a whole number from {low} to {high}", key)
            return default
        return value

    def maybe_integer(self, key: str, *, low: int, high: int) -> int | None:
        """A whole number within bounds, or None when absent."""
        return self.integer(key, low=low, high=high, default=low) if key in self.values else None

    def day(self, key: str) -> date | None:
        """A civil day of this century or the last, without quotes; None when absent or wrong."""
        value = self.values.get(key)
        if value is None:
            return None
        # A TOML date-time is a `date` to Python, too: an instant is no day.
        if isinstance(value, datetime) or not isinstance(value, date) or not 1900 <= value.year <= 2200:
            self.fault(f"`{key}` must be a day without quotes, as 2026-01-31", key)
            return None
        return value

    def boolean(self, key: str) -> bool:
        """`true` or `false`; false when absent."""
        value = self.values.get(key, False)
        if not isinstance(value, bool):
            self.fault(f"`{key}` must be true or false, without quotes", key)
        return value is True

    def strings(self, key: str, *, required: bool) -> list[str]:
        """A list of different texts; members of another kind are faults and left out."""
        if key not in self.values:
            if required:
                self.fault(f"`{key}` is missing", None)
            return []
        value = self.values[key]
        if not isinstance(value, list) or len(value) > LIST_LIMIT:
            self.fault(f'`{key}` must be a list in brackets, as ["…"]', key)
            return []
        if required and not value:
            self.fault(f"`{key}` must not be empty", key)
        return self._members(key, value)

    def _members(self, key: str, value: list[object]) -> list[str]:
        found: list[str] = []
        for place, member in enumerate(value):
            if not isinstance(member, str):
                self.source.add(Severity.ERROR, f"`{key}` holds texts in quotes", (*self.path, key, place))
            elif member in found:
                self.source.add(Severity.ERROR, f"`{key}` names this twice", (*self.path, key, place))
            elif (why := doubt(member)) is not None:
                self.source.add(Severity.ERROR, f"`{key}` {why}", (*self.path, key, place))
            else:
                found.append(member)
        return found

    def words(self, key: str, known: Iterable[str], *, required: bool = False) -> list[str]:
        """A list of different words of a closed list, in that list's order."""
        right = list(known)
        listed = self.strings(key, required=required)
        value = self.values.get(key)
        for place, word in enumerate(value if isinstance(value, list) else ()):
            if isinstance(word, str) and word not in right:
                message = f"`{key}` does not know this; known are: {', '.join(right)}"
                self.source.add(Severity.ERROR, message, (*self.path, key, place), nearest(word, right))
        return [word for word in right if word in listed]
