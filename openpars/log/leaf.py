# SPDX-License-Identifier: Apache-2.0
"""The leaf: what of an entry is public for ever. Pure.

A leaf is canonical JSON (RFC 8785) of a closed shape:

    {"body":    sha256 of the sealed body beside the log, so that an edited body is found too
     "kind":    one of the tree's kinds
     "labels":  16 bytes for each person in the entry, sorted: they say nothing without the person's key
     "public":  the kind's coarse public fields, all of them, null where there is none
     "sealed":  the kind's commitments, all of them, so that an absence says nothing
     "time":    the hour, UTC
     "v":       1}

The first leaf of a tree is its schema: the closed lists below. Every leaf fits the last schema before
it, and whoever publishes less has to publish a new schema first, for all to see.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from types import MappingProxyType
from typing import TypeAlias, cast

import orjson

from openpars.log.draft import JSON
from openpars.log.note import Malformed, decode, encode

VERSION = 1
SAFE_INTEGER = 2**53 - 1
MAX_LABELS = 1000
LABEL = 16

PERSON, PERIOD = "person", "period"
"""A sealed field of class `person` dies with the key of any subject; `period` with its period's key."""

Kind: TypeAlias = dict[str, dict[str, str]]

_ANSWER = {"agreement": "token", "version": "int", "purpose": "token", "way": "token"}
_WHO = {"agent": PERIOD, "at": PERIOD, "logged_at": PERIOD, "why": PERIOD, "detail": PERSON}

DISCLOSURES: Mapping[str, Kind] = MappingProxyType(
    {
        "answer": {
            "public": _ANSWER,
            "sealed": {
                **_WHO,
                "find_by": PERIOD,
                "shown": PERIOD,
                "strata": PERIOD,
                "query": PERSON,
                "rows": PERSON,
            },
        },
        "alert": {
            "public": {**_ANSWER, "event": "token"},
            "sealed": {**_WHO, "shown": PERIOD, "strata": PERIOD, "rows": PERSON},
        },
        "refusal": {
            "public": {
                "agreement": "token?",
                "version": "int?",
                "purpose": "token?",
                "way": "token",
                "code": "token",
            },
            "sealed": {**_WHO, "find_by": PERIOD, "query": PERSON},
        },
        "agreement": {
            "public": {"agreement": "token", "version": "int", "event": "token", "hash": "sha256?"},
            "sealed": _WHO,
        },
        "schema": {"public": {"hash": "sha256", "schema": "schema"}, "sealed": {}},
    }
)

ACTS: Mapping[str, Kind] = MappingProxyType(
    {
        "act": {"public": {"act": "token"}, "sealed": {**_WHO, "file": PERSON}},
        "lookup": {"public": {"act": "token"}, "sealed": {**_WHO, "query": PERSON, "file": PERSON}},
        "agreement": {
            "public": {
                "agreement": "token",
                "version": "int",
                "event": "token",
                "hash": "sha256?",
                "digest": "sha256?",
            },
            "sealed": _WHO,
        },
        "ballot": {
            "public": {
                "agreement": "token",
                "version": "int",
                "question": "token",
                "choice": "token",
                "stakeholder": "token",
                "hash": "sha256?",
                "round": "int?",
                "key": "sha256?",
                "digest": "sha256?",
            },
            "sealed": _WHO,
        },
        "bar": {
            "public": {
                "bar": "token",
                "provider": "token",
                "event": "token",
                "switch": "int",
                "digest": "sha256?",
            },
            "sealed": _WHO,
        },
        "key": {
            "public": {"event": "token", "role": "token", "key": "sha256?", "digest": "sha256?"},
            "sealed": _WHO,
        },
        "expungement": {
            "public": {"recipients": "int?"},
            "sealed": {**_WHO, "file": PERSON, "recipients": PERSON},
        },
        "finding": {"public": {"rule": "token"}, "sealed": _WHO},
        "schema": {"public": {"hash": "sha256", "schema": "schema"}, "sealed": {}},
    }
)

SCHEMAS: Mapping[str, Mapping[str, Kind]] = MappingProxyType({"disclosures": DISCLOSURES, "acts": ACTS})
"""Tree name to its kinds; each kind to its public fields (name to type) and sealed fields (name to class)."""

_TOKEN = re.compile("[a-z][a-z0-9_.-]{0,63}")
_SHA256 = re.compile("[0-9a-f]{64}")
_HOUR = re.compile("[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]Z")
_NAMES = frozenset({"body", "kind", "labels", "public", "sealed", "time", "v"})
_CHECKS: Mapping[str, Callable[[JSON], bool]] = MappingProxyType(
    {
        # A token begins with a letter: no number of a person can be one.
        "token": lambda value: isinstance(value, str) and _TOKEN.fullmatch(value) is not None,
        "int": lambda value: (
            isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= SAFE_INTEGER
        ),
        "sha256": lambda value: isinstance(value, str) and _SHA256.fullmatch(value) is not None,
        "schema": lambda value: isinstance(value, dict),
    }
)


class NotInSchema(ValueError):
    """A draft names a kind or a public field the schema does not have, or a value of another type.

    A mistake of the program, never of a caller: it carries names only.
    """


def canonical(value: object) -> bytes:
    """RFC 8785 for null, booleans, integers to 2^53 - 1, strings, lists and objects with ASCII names.

    Raises Malformed for anything else, floats above all.
    """
    _closed(value)
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except TypeError:
        raise Malformed("a string is not Unicode text") from None


def _closed(value: object) -> None:
    kind = type(value)
    if kind is str or value is None or kind is bool:
        return
    if kind is dict:
        for name, item in cast(dict[object, object], value).items():
            # ASCII names sort alike as bytes and as the UTF-16 units that RFC 8785 asks for.
            if type(name) is not str or not name.isascii():
                raise Malformed("an object's name is not ASCII text")
            _closed(item)
    elif kind is list or kind is tuple:
        for item in cast(list[object], value):
            _closed(item)
    elif kind is not int or not -SAFE_INTEGER <= cast(int, value) <= SAFE_INTEGER:
        raise Malformed("a value is not of the closed types")


@cache
def fields(tree: str, kind: str) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """Public fields (name to type) and sealed fields (name to class) of a kind. Raises NotInSchema."""
    try:
        found = SCHEMAS[tree][kind]
    except KeyError:
        raise NotInSchema(f"the {tree} tree has no kind [{kind}]") from None
    return found["public"], found["sealed"]


def check_public(tree: str, kind: str, public: Mapping[str, JSON]) -> dict[str, JSON]:
    """The kind's public fields, all of them, null where the draft has none. Raises NotInSchema."""
    types, _ = fields(tree, kind)
    if not public.keys() <= types.keys():
        raise NotInSchema(f"[{kind}] has no public field [{min(public.keys() - types.keys())}]")
    whole: dict[str, JSON] = {}
    for name, wanted in types.items():
        value = public.get(name)
        if not (value is None and wanted.endswith("?")) and not _CHECKS[wanted.removesuffix("?")](value):
            raise NotInSchema(f"[{kind}] wants [{name}] to be [{wanted}]")
        whole[name] = value
    return whole


def hour(at: datetime) -> str:
    """The only time in a leaf: `2026-11-22T01Z`."""
    return f"{at.astimezone(UTC).isoformat()[:13]}Z"


def build(
    *,
    kind: str,
    public: Mapping[str, JSON],
    commitments: Mapping[str, bytes],
    labels: Iterable[bytes],
    body: bytes,
    at: datetime,
) -> bytes:
    """The leaf's bytes. `public` comes from `check_public`, `body` is the sealed body itself."""
    return orjson.dumps(
        {
            "body": encode(sha256(body).digest()),
            "kind": kind,
            "labels": [encode(label) for label in sorted(labels)],
            "public": public,
            "sealed": {name: encode(commitment) for name, commitment in commitments.items()},
            "time": hour(at),
            "v": VERSION,
        },
        option=orjson.OPT_SORT_KEYS,
    )


def fits(leaf: bytes, schema: Mapping[str, Kind]) -> bool:
    """Whether a leaf is canonical and has exactly the fields of its kind in `schema`."""
    try:
        found = orjson.loads(leaf)
        kind = schema[found["kind"]]
        if orjson.dumps(found, option=orjson.OPT_SORT_KEYS) != leaf or found.keys() != _NAMES:
            return False
        hashes = [(found["body"], 32), *((item, 32) for item in found["sealed"].values())]
        hashes.extend((item, LABEL) for item in found["labels"])
        for text, size in hashes:
            decode(text, size)
        same = (
            found["public"].keys() == kind["public"].keys()
            and found["sealed"].keys() == kind["sealed"].keys()
        )
        values = ((found["public"][name], wanted) for name, wanted in kind["public"].items())
        return bool(same and found["v"] == VERSION and _HOUR.fullmatch(found["time"])) and all(
            (value is None and wanted.endswith("?")) or _CHECKS[wanted.removesuffix("?")](value)
            for value, wanted in values
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return False


def body_hash(leaf: bytes) -> bytes:
    """The base64 of the body's SHA-256, from its fixed place at the front of a leaf."""
    return leaf[9:53]


def schema_hash(schema: Mapping[str, Kind]) -> str:
    """SHA-256 (hex) of a tree's closed lists."""
    return sha256(canonical(dict(schema))).hexdigest()


def schema_public(tree: str) -> dict[str, JSON]:
    """The public part of a tree's schema leaf."""
    schema = dict(SCHEMAS[tree])
    return {"hash": schema_hash(schema), "schema": cast(JSON, schema)}


def removed(old: Mapping[str, object], new: Mapping[str, object]) -> list[str]:
    """What `old` has and `new` has not, or has otherwise: dotted names. A log may grow, never thin."""
    gone: list[str] = []
    for name, was in old.items():
        now = new.get(name)
        if isinstance(was, dict) and isinstance(now, dict):
            gone.extend(f"{name}.{inner}" for inner in removed(was, now))
        elif was != now:
            gone.append(name)
    return gone
