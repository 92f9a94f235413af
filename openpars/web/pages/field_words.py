# SPDX-License-Identifier: Apache-2.0
"""Granted fields and their values as a page tells them, in its language."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from openpars.record.catalogue import FIELDS
from openpars.record.countries import countries
from openpars.web.pages import times
from openpars.web.pages.words import Words

Json = Mapping[str, Any]
_TIMES = frozenset({"birth_date", "arrested_at", "filed_at", "next_date"})


def label(field: str, words: Words) -> str:
    """A field's name in words, with a large first letter."""
    text = words.field(field) if field in FIELDS else field.replace("_", " ")
    return text[:1].upper() + text[1:]


def value(field: str, given: Any, words: Words) -> str:
    """A granted value in words."""
    if isinstance(given, dict):
        return (
            _bail(given, words)
            if field == "bail"
            else ", ".join(f"{k} {v}" for k, v in given.items() if v is not None)
        )
    if isinstance(given, list):
        return ", ".join(words.value(field, str(one)).replace("_", " ") for one in given)
    if given is True:
        return words("fact.recorded")
    text = str(given)
    if field == "birth_country" and words.lang == "en":
        return countries().get(text, text)
    if field == "bail":
        return words.maybe(f"bail.{text}", text)
    if field == "ssn" and len(text) == 4:
        return words("fact.ends_in", digits=text)
    return _time(text, words) if field in _TIMES else words.value(field, text)


def charge(given: Any, words: Words) -> str:
    """A charge of an answer in one line: its name, grade and stage; or its name alone."""
    if not isinstance(given, dict):
        return str(given)
    parts = (
        given["text"],
        given["grade"] and words.value("charge_grade", given["grade"]),
        given["stage"] and words.value("charge_stage", given["stage"]),
    )
    return ", ".join(str(part) for part in parts if part)


def _bail(given: Json, words: Words) -> str:
    told = [words.maybe(f"bail.{given.get('type')}", words("fact.type_unknown"))]
    if given.get("amount") is not None:
        told.append(f"${given['amount']:,}")
    if given.get("percent") is not None:
        told.append(words("fact.deposit", percent=given["percent"]))
    if given.get("posted"):
        told.append(words("fact.posted"))
    return ", ".join(told)


def _time(text: str, words: Words) -> str:
    """An instant in city time, a day in words; a year or a month as it is."""
    if "T" in text:
        return times.local(datetime.fromisoformat(text), words.lang)
    if len(text) == 10:
        return times.day(datetime.fromisoformat(text).date(), words.lang)
    return text
