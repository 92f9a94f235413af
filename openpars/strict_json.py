# SPDX-License-Identifier: Apache-2.0
"""JSON as it comes from outside: one object, each name once, no NaN, no half characters; or a refusal
that names the field."""

from __future__ import annotations

import json
import math
import re
from typing import Any

import orjson

from openpars.errors import Code, Refused, refuse

BODY_LIMIT = 2_000_000  # a name of a megabyte is refused by its field, not by its size

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,39}", re.ASCII)
_NOT_JSON = "The body is one JSON object in UTF-8, without NaN or Infinity."


def read_object(body: bytes) -> dict[str, Any]:
    """The object in a body. Raises Refused INVALID, with the field as a dotted path where there is one."""
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise _fault(body) from None
    if not isinstance(content, dict):
        raise refuse(Code.INVALID, "The body is one JSON object.")
    _each_name_once(body)
    return content


def shown(part: int | str) -> str:
    """One part of a path. An unknown name is the caller's own text: shown only if it looks like a name."""
    if isinstance(part, int):
        return str(part)
    return part if _NAME.fullmatch(part) else "?"


def _each_name_once(body: bytes) -> None:
    """Two fields of one name mean one thing to us and another to the next reader: refused."""

    def once(pairs: list[tuple[str, Any]]) -> None:
        known: set[str] = set()
        for name, _ in pairs:
            if name in known:
                raise refuse(Code.INVALID, "Each field stands once in an object.", shown(name))
            known.add(name)

    try:
        # Numbers stay text: one of 200,000 digits would take its time.
        json.loads(body, object_pairs_hook=once, parse_int=str, parse_float=str)
    except RecursionError:
        raise refuse(Code.INVALID, "The body is nested too deep.") from None


def _fault(body: bytes) -> Refused:
    """What is wrong with a body that is no JSON, and in which field."""
    try:
        content = json.loads(body.decode("utf-8"), parse_int=str)
    except (ValueError, RecursionError):
        return refuse(Code.INVALID, _NOT_JSON)
    todo: list[tuple[tuple[int | str, ...], Any]] = [((), content)]
    while todo:
        path, value = todo.pop()
        if isinstance(value, dict):
            todo += [((*path, name), inner) for name, inner in value.items()]
        elif isinstance(value, list):
            todo += [((*path, place), inner) for place, inner in enumerate(value)]
        elif (right := _right(value)) is not None:
            return refuse(Code.INVALID, right, ".".join(shown(part) for part in path) or None)
    return refuse(Code.INVALID, _NOT_JSON)


def _right(value: object) -> str | None:
    """What would be right in the place of a value that no JSON may hold; None for any other."""
    if isinstance(value, float) and not math.isfinite(value):
        return "A number, not NaN or Infinity."
    if isinstance(value, str) and any("\ud800" <= character <= "\udfff" for character in value):
        return "A text of whole Unicode characters: half of one stands here."
    return None
