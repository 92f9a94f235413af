# SPDX-License-Identifier: Apache-2.0
"""Bars over HTTP: `/bars`. Reading them is for everybody; switching one is an act of the city's lawyer."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from openpars.agreements.bars import Pack, is_on, packs
from openpars.agreements.model import Bar
from openpars.agreements.switches import Switch, switches
from openpars.desk import bars
from openpars.desk.view import time
from openpars.errors import Code, refuse
from openpars.record.file import HOME
from openpars.web import respond
from openpars.web.agreement_shapes import ReasonShape
from openpars.web.intake import desk_route, receive
from openpars.web.shapes import schema_of

router = APIRouter(tags=["agreements"])

_BODY: dict[str, Any] = {"requestBody": {"content": {"application/json": {"schema": schema_of(ReasonShape)}}}}


def _home() -> Pack:
    return next(pack for pack in packs().values() if pack.jurisdiction == HOME)


@router.get("/bars", response_class=Response)
async def listing(request: Request) -> Response:
    """What stands above every agreement: each bar, whether it holds, and who switched it when."""
    pack = _home()
    async with request.app.state.pool.connection() as conn:
        found = await switches(conn)
    heeded = found.heeded(pack.provider)
    mine = tuple(one for one in found.acts if one.provider == pack.provider)
    listed = [
        _bar(bar, classes, [one for one in mine if one.bar == bar.id], on=is_on(bar.id, heeded))
        for bar, classes in (*pack.bars, *pack.switchable)
    ]
    # Whoever takes an act out of the register, or puts one in, is told on by the log.
    missing = len(found.gone)
    return respond.json({"provider": pack.provider, "bars": listed, "sound": found.sound, "missing": missing})


@router.post("/bars/{bar}/{word}", response_class=Response, openapi_extra=_BODY)
@desk_route
async def switch(request: Request) -> Response:
    """Switch a bar `on` or `off` from this instant on. What it forbids ends in the same transaction."""
    received, shape = await receive(request, ReasonShape)
    word = str(request.path_params["word"])
    if word not in {"on", "off"}:
        raise refuse(Code.NOT_FOUND, "A bar is switched `on` or `off`.")
    turned = await bars.switch(
        received.room,
        received.actor,
        _home().provider,
        str(request.path_params["bar"]),
        on=word == "on",
        reason=shape.reason or "",
    )
    return respond.json(
        {
            "bar": turned.bar.id,
            "on": word == "on",
            "at": time(turned.at),
            "label": turned.bar.label,
            "ended": list(turned.ended),
            "remade": list(turned.touched),
        }
    )


def _bar(bar: Bar, classes: frozenset[str], acts: list[Switch], *, on: bool) -> dict[str, object]:
    return {
        "id": bar.id,
        "title": bar.title,
        "kind": bar.kind.value,
        "classes": sorted(classes),
        "roles": [role.value for role in bar.roles],
        "fields": list(bar.fields),
        "citation": bar.citation,
        "standing": bar.standing,
        "checked": bar.checked,
        "label": bar.label,
        "begins": time(bar.begins),
        "ends": time(bar.ends),
        "switchable": bar.switchable,
        "on": on or not bar.switchable,
        "switched": [
            {"on": one.on, "at": time(one.at), "by": one.by, "reason": one.reason, "logged": one.logged}
            for one in acts
        ],
    }
