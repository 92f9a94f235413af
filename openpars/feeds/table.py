# SPDX-License-Identifier: Apache-2.0
"""From bytes to records: encoding, quotation marks, sizes. Knows nothing of dockets.

A file is refused whole (`FileRefused`) when it is not a list of records at all or looks hostile. A
single record that cannot be framed is kept as `Broken`, so that nothing is lost silently.
No message repeats what a cell holds: the cells are people's records.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass

MAX_FILE = 64 * 1024 * 1024  # bytes; a week of the court's filings is under half a MiB
MAX_LINE = 65_536  # bytes in one physical line
MAX_SPAN = 64  # physical lines in one record; the early files need twelve
MAX_RECORD = 131_072  # characters in one record, the driver's own ceiling for a cell

_END = "\x00"  # cannot stand in a file that got this far: NUL is refused


class FileRefused(Exception):
    """A file that is not what it should be. Nothing of it is used.

    `file` and `line` name the place (line None: the file as a whole); `detail` says what is wrong
    and what would be right.
    """

    def __init__(self, file: str, line: int | None, detail: str) -> None:
        place = file if line is None else f"{file}, line {line}"
        super().__init__(f"{place}: {detail}")
        self.file, self.line, self.detail = file, line, detail


@dataclass(frozen=True, slots=True)
class Record:
    """One framed record. `line` is its first physical line, from 1; `raw` its text as decoded."""

    line: int
    cells: tuple[str, ...]
    raw: str


@dataclass(frozen=True, slots=True)
class Broken:
    """Lines that could not be understood, and why. `raw` holds them as decoded."""

    line: int
    reason: str
    raw: str


@dataclass(frozen=True, slots=True)
class Table:
    """A framed file: header cells as written, then records and broken lines in file order.

    `foreign_lines` counts lines that were not UTF-8 and were read as Windows-1252.
    """

    name: str
    header: tuple[str, ...]
    records: tuple[Record, ...]
    broken: tuple[Broken, ...]
    foreign_lines: int


def read(data: bytes, name: str, mark: re.Pattern[str]) -> Table:
    """Frame a file. `mark` finds the identifier that stands once in every record.

    Raises FileRefused: empty, too large, NUL or UTF-16, a line or cell beyond any real one.
    """
    text_lines, foreign = _lines(data, name)
    frames = _Frames(text_lines, name, mark)
    header = frames.header()
    records, broken = frames.rest(len(header))
    return Table(name, header, tuple(records), tuple(broken), foreign)


def _lines(data: bytes, name: str) -> tuple[list[str], int]:
    if len(data) > MAX_FILE:
        detail = f"more than {MAX_FILE // 1024 // 1024} MiB; a week of filings is under 1 MiB"
        raise FileRefused(name, None, detail)
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise FileRefused(name, 1, "this is UTF-16; write it as UTF-8")
    data = data.removeprefix(b"\xef\xbb\xbf")
    if not data.strip():
        raise FileRefused(name, None, "the file is empty; its first line should name the columns")
    if b"\n" not in data:
        data = data.replace(b"\r", b"\n")
    lines, foreign = [], 0
    for number, line in enumerate(io.BytesIO(data), start=1):
        if len(line) > MAX_LINE:
            detail = f"more than {MAX_LINE} bytes in one line; a filing has a few hundred"
            raise FileRefused(name, number, detail)
        if b"\0" in line:
            raise FileRefused(name, number, "a NUL character; this is not text, or it was damaged on its way")
        try:
            lines.append(line.decode("utf-8"))
        except UnicodeDecodeError:
            # Line by line: one foreign letter must not garble every accent of the file.
            lines.append(_foreign(line))
            foreign += 1
    return lines, foreign


def _foreign(line: bytes) -> str:
    try:
        return line.decode("cp1252")
    except UnicodeDecodeError:
        return line.decode("latin-1")


class _Frames:
    """Walks the lines record by record. A record may span lines: the early files fold their cells."""

    def __init__(self, lines: list[str], name: str, mark: re.Pattern[str]) -> None:
        self._lines, self._name, self._mark = lines, name, mark
        self._at = 0  # index of the next unread line

    def header(self) -> tuple[str, ...]:
        while True:
            cells, self._at = self._record(self._at)
            if cells is None:
                raise FileRefused(self._name, 1, "a quotation mark in the first line is never closed")
            if any(cell.strip() for cell in cells):
                return cells

    def rest(self, width: int) -> tuple[list[Record], list[Broken]]:
        records: list[Record] = []
        broken: list[Broken] = []
        while self._at < len(self._lines):
            start = self._at
            if not self._lines[start].strip():
                self._at += 1
                continue
            cells, after = self._record(start)
            raw = "".join(self._lines[start:after])
            if cells is not None and len(cells) == width and not self._swallows(start, after, raw):
                records.append(Record(start + 1, cells, raw))
                self._at = after
            elif cells is None or self._swallows(start, after, raw):
                broken.append(self._resync(start, after, width))
            else:
                records.append(Record(start + 1, cells, raw))  # wrong width: the reader may still mend it
                self._at = after
        return records, broken

    def _record(self, start: int) -> tuple[tuple[str, ...] | None, int]:
        """The record that begins at a line, and the index behind it; None when its quotes never close."""
        stop = min(start + MAX_SPAN, len(self._lines))
        reader = csv.reader(self._until(start, stop))
        try:
            cells = next(reader)
        except csv.Error:
            self._bounded(start, start + reader.line_num)
            return None, start + 1  # a lone carriage return
        after = start + reader.line_num
        if cells and cells[-1].endswith(_END):
            return None, stop
        self._bounded(start, after)
        return tuple(cells), after

    def _bounded(self, start: int, after: int) -> None:
        if sum(len(line) for line in self._lines[start:after]) > MAX_RECORD:
            raise FileRefused(self._name, start + 1, f"more than {MAX_RECORD} characters in one record")

    def _until(self, start: int, stop: int) -> Iterator[str]:
        for index in range(start, stop):
            yield self._lines[index]
        yield _END

    def _swallows(self, start: int, after: int, raw: str) -> bool:
        """Whether an unclosed quotation mark has drawn a second record into this one."""
        return after - start > 1 and len(self._mark.findall(raw)) > 1

    def _resync(self, start: int, after: int, width: int) -> Broken:
        """Skip to the first line from which a whole record can be read again."""
        for index in range(start + 1, after):
            cells, end = self._record(index)
            raw = "".join(self._lines[index:end])
            if cells is not None and len(cells) == width and len(self._mark.findall(raw)) == 1:
                after = index
                break
        self._at = max(after, start + 1)
        lines = self._at - start
        reason = "a quotation mark is not closed, or a carriage return stands inside the line"
        if lines > 1:
            reason += f"; {lines} lines"
        return Broken(start + 1, reason, "".join(self._lines[start : self._at]))
