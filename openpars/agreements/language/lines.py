# SPDX-License-Identifier: Apache-2.0
"""In which line of a TOML text each key stands. `tomllib` reads values and forgets lines.

The index is made only from text that `tomllib` has accepted, so it may assume well-formed TOML; where
it is wrong, a message names a wrong line, and no decision changes.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import TypeAlias

Path: TypeAlias = tuple[str | int, ...]

_GAP = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_STRING = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}' r"|'''.*?'{3,5}" r'|"(?:[^"\\\n]|\\.)*"' r"|'[^'\n]*'",
    re.DOTALL,
)
_SCALAR = re.compile(r"[^,\]}#\n]*")
_PART = re.compile(rf"{_STRING.pattern}|[A-Za-z0-9_-]+", re.DOTALL)
# A key with its dots, or else one sign, so that whatever stands there the scan goes on.
_KEY = re.compile(rf"[ \t]*(?:{_PART.pattern})(?:[ \t]*\.[ \t]*(?:{_PART.pattern}))*[ \t]*|.?", re.DOTALL)
_EQUALS = re.compile("=?")
_CLOSING = re.compile("]*")


class LineIndex:
    """Lines (from 1) by path: `("grant", 0, "show", "name")`."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._starts = [0] + [found.end() for found in re.finditer("\n", text)]
        self._lines: dict[Path, int] = {(): 1}
        self._counts: dict[Path, int] = {}
        self._scan()

    def line(self, *path: str | int) -> int:
        """The line of the path, or of the nearest thing around it."""
        while path not in self._lines:
            path = path[:-1]
        return self._lines[path]

    def _at(self, place: int) -> int:
        return bisect_right(self._starts, place)

    def _scan(self) -> None:
        place = self._skip(_GAP, 0)
        table: Path = ()
        while place < len(self._text):
            if self._text[place] == "[":
                table, place = self._header(place)
            else:
                place = self._pair(table, place)
            place = self._skip(_GAP, place)

    def _skip(self, what: re.Pattern[str], place: int) -> int:
        found = what.match(self._text, place)
        return found.end() if found else place

    def _header(self, place: int) -> tuple[Path, int]:
        line = self._at(place)
        array = self._text.startswith("[[", place)
        key, place = self._key(place + (2 if array else 1))
        path: Path = ()
        for number, part in enumerate(key, start=1):
            path = (*path, part)
            if path in self._counts and not (array and number == len(key)):
                path = (*path, self._counts[path])
        if array:
            self._counts[path] = self._counts.get(path, -1) + 1
            self._lines.setdefault(path, line)
            path = (*path, self._counts[path])
        self._lines.setdefault(path, line)
        return path, self._skip(_CLOSING, place)

    def _key(self, place: int) -> tuple[Path, int]:
        end = self._skip(_KEY, place)
        parts = _PART.findall(self._text, place, end)
        return tuple(one[1:-1] if one[0] in "\"'" else one for one in parts), end

    def _pair(self, table: Path, place: int) -> int:
        line = self._at(place)
        key, place = self._key(place)
        path = (*table, *key)
        self._lines.setdefault(path, line)
        return self._value(path, self._skip(_EQUALS, place))

    def _value(self, path: Path, place: int) -> int:
        place = self._skip(_GAP, place)
        opening = self._text[place : place + 1]
        if opening == "{":
            return self._inside(path, place + 1, "}")
        if opening == "[":
            return self._inside(path, place + 1, "]")
        found = _STRING.match(self._text, place)
        return found.end() if found else self._skip(_SCALAR, place)

    def _inside(self, path: Path, place: int, closing: str) -> int:
        number = 0
        while True:
            place = self._skip(_GAP, place)
            if place >= len(self._text) or self._text[place] == closing:
                return place + 1
            if self._text[place] == ",":
                place += 1
            elif closing == "}":
                place = self._pair(path, place)
            else:
                self._lines.setdefault((*path, number), self._at(place))
                place = self._value((*path, number), place)
                number += 1
