# SPDX-License-Identifier: Apache-2.0
"""Named SQL statements, kept as SQL.

A package's `queries.sql` holds sections that begin with `-- name: some_name`. `load(__package__)`
gives them as attributes. Statements are never composed from text at run time; only `shares` builds
table names, through the driver's identifiers.
"""

from __future__ import annotations

import re
from importlib.resources import files
from typing import LiteralString, cast

_NAME = re.compile(r"^-- name: ([a-z][a-z0-9_]*)[ \t]*$", re.MULTILINE)


class Queries:
    """Named statements as attributes; an unknown name is an AttributeError at the first use."""

    def __init__(self, statements: dict[str, LiteralString]) -> None:
        self._statements = statements

    def __getattr__(self, name: str) -> LiteralString:
        try:
            return self._statements[name]
        except KeyError:
            raise AttributeError(f"no statement named [{name}]") from None

    def names(self) -> tuple[str, ...]:
        """All statement names, in file order."""
        return tuple(self._statements)


def parse(text: str) -> dict[str, LiteralString]:
    """Split a queries file into `{name: statement}`. A name used twice is a ValueError."""
    # The text ships with the package: it is as literal as source code.
    pieces = cast("list[LiteralString]", _NAME.split(text))
    found: dict[str, LiteralString] = {}
    for name, body in zip(pieces[1::2], pieces[2::2], strict=True):
        if name in found:
            raise ValueError(f"statement [{name}] is defined twice")
        found[name] = body.strip().rstrip(";")
    return found


def load(package: str | None, filename: str = "queries.sql") -> Queries:
    """Read `<package>/queries.sql`. Pass `__package__`."""
    if package is None:
        raise ValueError("load() needs a package")
    text = files(package).joinpath(filename).read_text(encoding="utf-8")
    return Queries(parse(text))
