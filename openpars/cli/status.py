# SPDX-License-Identifier: Apache-2.0
"""`openpars agreement status`: where each version of an agreement stands, and how far its share is filled."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from openpars.cli.running import AsJson, DataDir, Key, fetch, open_city

_LOOK_EVERY = 0.5  # seconds

Wait = Annotated[
    bool,
    typer.Option(
        "--wait", help="Stay until no share of it is being filled any more, and show how far it is."
    ),
]


def status(
    agreement: Annotated[str, typer.Argument(help="The agreement's id.", show_default=False)],
    wait: Wait = False,
    role: Annotated[str, typer.Option("--as", help="Whose demo key to use.")] = "solicitor",
    data_dir: DataDir = Path("var"),
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Say where each version of an agreement stands, and how far its share is filled.

    A version that was voted begins at its hour, and not before its share is filled.
    """

    def look() -> dict[str, Any]:
        client = open_city(data_dir, key, role, as_json=as_json)
        found: dict[str, Any] = fetch(client, f"/agreements/{agreement}", as_json=as_json).json()
        return found

    body = look()
    if wait and _percent(body) is not None:
        with Progress(
            TextColumn("filling its share"), BarColumn(), TaskProgressColumn(), console=Console(stderr=True)
        ) as shown:
            bar = shown.add_task("", total=100)
            while (percent := _percent(body)) is not None:
                shown.update(bar, completed=percent)
                time.sleep(_LOOK_EVERY)
                body = look()
            shown.update(bar, completed=100)
    if as_json:
        wanted = ("version", "state", "begins", "ends", "filled_percent")
        versions = [{name: one[name] for name in wanted} for one in body["versions"]]
        print(json.dumps({"id": body["id"], "versions": versions}))
        return
    for one in body["versions"]:
        percent = one["filled_percent"]
        filling = "" if percent is None else f", its share is being filled: {percent}%"
        print(f"{agreement}, version {one['version']}: {one['state']}{filling}")


def _percent(body: dict[str, Any]) -> int | None:
    """The least of its versions that are being filled; None when none is."""
    return min(
        (one["filled_percent"] for one in body["versions"] if one["filled_percent"] is not None), default=None
    )
