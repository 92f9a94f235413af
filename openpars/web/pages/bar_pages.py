# SPDX-License-Identifier: Apache-2.0
"""What stands above every agreement, for anybody to read: each bar, and every act that switched one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from openpars.agreements.bars import Pack, is_on, packs
from openpars.agreements.language import plain
from openpars.agreements.language.words import ENGLISH
from openpars.agreements.model import Bar
from openpars.agreements.switches import Switch, Switches, switches
from openpars.record.file import HOME
from openpars.web.pages import view
from openpars.web.pages.words import Words

router = APIRouter(route_class=view.PageRoute, include_in_schema=False)


@dataclass(frozen=True, slots=True)
class BarView:
    """One bar as the template reads it."""

    id: str
    title: str
    label: str | None
    told: bool  # whether title, label and citation are in the page's language
    citation: str
    standing: str
    checked: str
    classes: tuple[str, ...]
    everybody: bool
    fields: tuple[str, ...]
    begins: datetime | None
    ends: datetime | None
    switchable: bool
    on: bool
    switched: tuple[Switch, ...]


@dataclass(frozen=True, slots=True)
class BarGroup:
    """Bars under one heading; `id` names it in the words."""

    id: str
    bars: tuple[BarView, ...]


@router.get("/public/bars")
async def bars(request: Request) -> Response:
    """Every bar with its citation, standing, label and dates, and whether it holds."""
    pack = next(pack for pack in packs().values() if pack.jurisdiction == HOME)
    async with request.app.state.pool.connection() as conn:
        found = await switches(conn)
    return view.respond(
        "bars.html",
        view.frame(request, lang=view.language(request), translated=True),
        keep_language=True,
        groups=groups(pack, found, Words(view.language(request))),
        sound=found.sound,
    )


def groups(pack: Pack, found: Switches, words: Words) -> tuple[BarGroup, ...]:
    """Those that always hold, and those that the city may switch."""
    heeded = found.heeded(pack.provider)
    mine = [one for one in found.acts if one.provider == pack.provider]
    switchable = (
        _view(
            bar,
            classes,
            tuple(one for one in mine if one.bar == bar.id),
            words,
            on=is_on(bar.id, heeded),
        )
        for bar, classes in pack.switchable
    )
    return (
        BarGroup("permanent", tuple(_view(bar, classes, (), words, on=True) for bar, classes in pack.bars)),
        BarGroup("switchable", tuple(switchable)),
    )


def _view(
    bar: Bar, classes: frozenset[str], switched: tuple[Switch, ...], words: Words, *, on: bool
) -> BarView:
    return BarView(
        id=bar.id,
        title=plain.bar_said(bar, "title", words),
        label=plain.bar_said(bar, "label", words) if bar.label else None,
        told=words.lang == ENGLISH.lang or plain.bar_said(bar, "title", words) != bar.title,
        citation=plain.bar_said(bar, "citation", words),
        standing=bar.standing,
        checked=bar.checked,
        classes=tuple(sorted(classes)),
        everybody="*" in classes,
        fields=tuple(words.field(name) for name in bar.fields),
        begins=bar.begins,
        ends=bar.ends,
        switchable=bar.switchable,
        on=on,
        switched=switched,
    )
