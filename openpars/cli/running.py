# SPDX-License-Identifier: Apache-2.0
"""How the commands speak to a running city: with whose key, at which address, and what a no looks like."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]
DataDir = Annotated[Path, typer.Option("--data-dir", help="The running city's data directory.")]
Key = Annotated[
    str | None,
    typer.Option("--key", envvar="OPENPARS_KEY", help="Your key; in a demo city it is found by --as."),
]


def stop(message: str, *, as_json: bool) -> typer.Exit:
    """Status 2 with a sentence, or with it as JSON."""
    if as_json:
        print(json.dumps({"error": message}))
    else:
        typer.echo(message, err=True)
    return typer.Exit(2)


def open_city(data_dir: Path, key: str | None, role: str, *, as_json: bool) -> httpx.Client:
    """A client of the running city, with a key: given, or the demo's."""
    try:
        base = json.loads((data_dir / "city.json").read_text("utf-8"))["base_url"]
    except (OSError, ValueError, KeyError):
        raise stop(
            f"no city is running in {data_dir}: start one with `openpars up`", as_json=as_json
        ) from None
    if key is None:
        try:
            key = json.loads((data_dir / "demo-keys.json").read_text("utf-8"))["keys"][role]
        except (OSError, ValueError, KeyError):
            message = f"no key for {role}: give --key or OPENPARS_KEY"
            raise stop(message, as_json=as_json) from None
    return httpx.Client(base_url=str(base), headers={"Authorization": f"Bearer {key}"}, timeout=120)


def send(client: httpx.Client, path: str, *, as_json: bool, **request: Any) -> dict[str, Any]:
    """POST and print; a refusal is printed with its code and ends with status 1."""
    try:
        answer = client.post(path, **request)
        body = answer.json()
    except (httpx.HTTPError, ValueError):
        raise stop("the city does not answer", as_json=as_json) from None
    finally:
        client.close()
    if as_json:
        print(json.dumps(body))
    elif answer.is_error:
        typer.echo(f"{body.get('title', 'Refused')}: {body.get('detail', '')}", err=True)
    if answer.is_error:
        raise typer.Exit(1)
    return body if isinstance(body, dict) else {}


def fetch(client: httpx.Client, path: str, *, as_json: bool) -> httpx.Response:
    """GET; a refusal is printed with its code and ends with status 1."""
    try:
        with client:
            answer = client.get(path)
    except httpx.HTTPError:
        raise stop("the city does not answer", as_json=as_json) from None
    if answer.is_error:
        body = answer.json()
        if as_json:
            print(json.dumps(body))
        else:
            typer.echo(f"{body.get('title', 'Refused')}: {body.get('detail', '')}", err=True)
        raise typer.Exit(1)
    return answer
