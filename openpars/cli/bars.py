# SPDX-License-Identifier: Apache-2.0
"""`openpars bars …`: what stands above every ballot, and the city's acts that switch some of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer

from openpars.cli.running import AsJson, DataDir, Key, open_city, send, stop

app = typer.Typer(
    add_completion=False,
    help="List the bars above every agreement, and switch those that the city may switch.",
    no_args_is_help=True,
)

Bar = Annotated[str, typer.Argument(help="The bar's id; see `openpars bars list`.", show_default=False)]
Reason = Annotated[str, typer.Option(help="Why; it is published.", show_default=False)]
As = Annotated[str, typer.Option("--as", help="Whose demo key to use.")]


@app.callback()
def _bars() -> None:
    """List the bars above every agreement, and switch those that the city may switch."""


@app.command("list")
def list_bars(
    data_dir: DataDir = Path("var"), key: Key = None, role: As = "solicitor", as_json: AsJson = False
) -> None:
    """List every bar: what it takes out, its citation, its label, its dates, and whether it holds.

    Exit status 0, 1 if the register of switches and the acts log do not say the same, 2 without a city.
    """
    try:
        with open_city(data_dir, key, role, as_json=as_json) as client:
            answer = client.get("/bars").raise_for_status()
            found = answer.json()
    except (httpx.HTTPError, ValueError):
        raise stop("the city does not answer", as_json=as_json) from None
    if as_json:
        print(json.dumps(found))
    else:
        for bar in found["bars"]:
            print("\n".join(_lines(bar)), end="\n\n")
        if not found["sound"]:
            print("The switches and the acts log do not say the same: somebody wrote past the city's desk.")
    raise typer.Exit(0 if found["sound"] else 1)


def _lines(bar: dict[str, Any]) -> list[str]:
    state = ("on" if bar["on"] else "off") if bar["switchable"] else "always on"
    lines = [f"{bar['id']} ({state})", f"  {bar['title']}"]
    if bar["label"]:
        lines.append(f"  {bar['label'].upper()}")
    lines.append(f"  {bar['standing']}: {bar['citation']}")
    about = "every recipient" if "*" in bar["classes"] else ", ".join(bar["classes"])
    lines.append(f"  for {about}" + (f", from {bar['begins']}" if bar["begins"] else ""))
    if bar["fields"]:
        lines.append(f"  fields: {', '.join(bar['fields'])}")
    for act in bar["switched"]:
        word = "on" if act["on"] else "off"
        logged = "" if act["logged"] else " NOT IN THE LOG"
        lines.append(f"  switched {word} {act['at']} by {act['by']}: {act['reason']}{logged}")
    return lines


@app.command()
def on(
    bar: Bar,
    reason: Reason,
    data_dir: DataDir = Path("var"),
    key: Key = None,
    role: As = "solicitor",
    as_json: AsJson = False,
) -> None:
    """Switch a bar on, from this instant. Agreements it leaves nothing of end in the same transaction."""
    _switch(bar, "on", reason, open_city(data_dir, key, role, as_json=as_json), as_json=as_json)


@app.command()
def off(
    bar: Bar,
    reason: Reason,
    data_dir: DataDir = Path("var"),
    key: Key = None,
    role: As = "solicitor",
    as_json: AsJson = False,
) -> None:
    """Switch a bar off, from this instant. What it ended does not come back: that needs a new ballot."""
    _switch(bar, "off", reason, open_city(data_dir, key, role, as_json=as_json), as_json=as_json)


def _switch(bar: str, word: str, reason: str, client: httpx.Client, *, as_json: bool) -> None:
    body = send(client, f"/bars/{bar}/{word}", as_json=as_json, json={"reason": reason})
    if as_json:
        return
    label = f" ({body['label']})" if body.get("label") else ""
    print(f"{bar}: {word} since {body.get('at')}{label}")
    for agreement in body.get("ended", []):
        print(f"ended: {agreement}")
    for agreement in body.get("remade", []):
        print(f"shares made anew: {agreement}")
