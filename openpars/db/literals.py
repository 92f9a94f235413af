# SPDX-License-Identifier: Apache-2.0
"""Values as text that the server reads by the column's type.

The driver asks every value, and every value of a list, what type it has; and a statement whose values are
null now and then is prepared anew for each mixture. On the hot paths that costs more than the statement. Only
ever for the values of a prepared statement, never for a part of its text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType, NoneType
from uuid import UUID


def array(values: Iterable[object]) -> str:
    """Values as one array. Raises KeyError as `text` does."""
    # Quoted, `null` is a name like any other.
    return (
        "{"
        + ",".join("NULL" if (one := text(value)) is None else f'"{_plain(one)}"' for value in values)
        + "}"
    )


def _plain(word: str) -> str:
    return word.replace("\\", "\\\\").replace('"', '\\"')


_AS_TEXT: Mapping[type, Callable[..., str | None]] = MappingProxyType(
    {
        str: str,
        int: str,
        bool: lambda value: "t" if value else "f",
        UUID: lambda value: value.hex,
        bytes: lambda value: "\\x" + value.hex(),
        datetime: datetime.isoformat,
        list: array,
        NoneType: lambda _: None,
    }
)


def text(value: object) -> str | None:
    """A value as text; None stays None. Raises KeyError for a type that is none of these."""
    return _AS_TEXT[type(value)](value)


def texts(values: Iterable[object]) -> list[str | None]:
    """Values one by one."""
    return [text(value) for value in values]


def columns(rows: Sequence[Sequence[object]], width: int) -> list[str]:
    """Rows as one array for each column, for `unnest`."""
    return [array(row[place] for row in rows) for place in range(width)]
