# SPDX-License-Identifier: Apache-2.0
"""What an agreement can name at all, for anybody to read: the catalogue's fields, and what they give away."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from openpars.agreements.language import plain
from openpars.record.catalogue import CRITERIA, FIELDS, Criterion, Field, Precision
from openpars.record.file import Role
from openpars.web.pages import field_words, view
from openpars.web.pages.words import Words

router = APIRouter(route_class=view.PageRoute, include_in_schema=False)


@dataclass(frozen=True, slots=True)
class ShownAs:
    """One way of showing a field, and what can be told from it besides."""

    how: str
    tells: str
    hints_at: str


@dataclass(frozen=True, slots=True)
class FieldView:
    """One field. `key`: alone, with another, or "": nobody may search by it."""

    name: str
    label: str
    meaning: str
    shown: tuple[ShownAs, ...]
    about: str
    key: str
    sensitivity: str
    part_of: str


@dataclass(frozen=True, slots=True)
class CriterionView:
    """One criterion. `values`: its closed list, in words; empty where it has none."""

    name: str
    label: str
    values: tuple[str, ...]
    condition: bool
    alert: bool


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What the page shows. `never`: what is in no agreement's reach."""

    fields: tuple[FieldView, ...]
    criteria: tuple[CriterionView, ...]
    never: tuple[str, ...]


@router.get("/public/fields")
async def fields(request: Request) -> Response:
    """Every field and criterion of the catalogue."""
    page = view.frame(request, lang=view.language(request), translated=True)
    return view.respond("fields.html", page, keep_language=True, catalogue=catalogue(Words(page.lang)))


def catalogue(words: Words) -> Catalogue:
    """The whole catalogue in words."""
    return Catalogue(
        tuple(_field(one, words) for one in FIELDS.values()),
        tuple(_criterion(one, words) for one in CRITERIA.values()),
        tuple(words(f"never.{one}") for one in plain.NEVER),
    )


def _field(field: Field, words: Words) -> FieldView:
    key = "alone" if field.identifier else "together" if field.key else ""
    return FieldView(
        name=field.name,
        label=field_words.label(field.name, words),
        meaning=words(f"field.{field.name}.meaning"),
        shown=tuple(_shown(one, field, words) for one in field.precisions),
        about=words.join([words(f"about.{role.value}") for role in Role if role in field.roles], "or"),
        key=key,
        sensitivity=field.sensitivity.value,
        part_of=words.field(field.part_of) if field.part_of else "",
    )


def _shown(one: Precision, field: Field, words: Words) -> ShownAs:
    tells, hints = ([words.field(name) for name in names] for names in (one.proxy_for, one.hints_at))
    return ShownAs(words.how(field.name, one.name), words.join(tells), words.join(hints))


def _criterion(one: Criterion, words: Words) -> CriterionView:
    values = tuple(words.value(one.name, value) for value in one.values)
    return CriterionView(one.name, words.criterion(one.name), values, one.condition, one.alert)
