# SPDX-License-Identifier: Apache-2.0
"""`openpars ballot-key …`: the key with which a delegate of an owner signs ballots.

Exit status: 0 fine, 1 refused, 2 it could not run.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer

from openpars.agreements.ballots import key_statement, public_text
from openpars.cli import key_file
from openpars.cli.key_file import KeyFile
from openpars.cli.running import AsJson, DataDir, Key, open_city, send, stop
from openpars.cli.say import CannotRunError

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Make, register and revoke the keys with which the owners' delegates sign ballots.",
)

PASSPHRASE = "OPENPARS_KEY_PASSPHRASE"  # noqa: S105  (the variable's name)
File = Annotated[Path, typer.Argument(help="The key's file.", show_default=False)]
Role = Annotated[str, typer.Option("--as", help="Which stakeholder's demo key to use.")]


def unlocked(path: Path) -> KeyFile:
    """A key's file, after asking for its passphrase where it has one."""
    given = os.environ.get(PASSPHRASE)
    if given is None and key_file.locked(path):
        given = typer.prompt(f"Passphrase of {path}", hide_input=True, err=True)
    return key_file.read(path, given if key_file.locked(path) else None)


def known_keys(client: httpx.Client, *, as_json: bool) -> dict[str, Any]:
    """The city's list of ballot keys."""
    try:
        answer = client.get("/ballot-keys")
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
    except (httpx.HTTPError, ValueError):
        raise stop("the city does not answer", as_json=as_json) from None
    return found


def _show(key: KeyFile, path: Path, *, as_json: bool) -> None:
    if as_json:
        public = public_text(key.public_key)
        print(json.dumps({"file": str(path), "label": key.label, "public_key": public, "id": key.id}))
        return
    print(f"label        {key.label}\npublic key   {public_text(key.public_key)}\nfingerprint  {key.id}")


@app.command()
def new(
    file: File,
    label: Annotated[str, typer.Option(help="Whose key it is, as the public register shall say.")],
    passphrase: Annotated[
        bool, typer.Option("--passphrase", help="Lock the file with a passphrase.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make a key in a file that only you can read. Nothing is sent anywhere."""
    words = os.environ.get(PASSPHRASE) if passphrase else None
    if passphrase and words is None:
        words = typer.prompt("Passphrase", hide_input=True, confirmation_prompt=True, err=True)
    if passphrase and not words:
        raise CannotRunError("An empty passphrase locks nothing.")
    _show(key_file.write(file, label, words), file, as_json=as_json)


@app.command()
def show(file: File, as_json: AsJson = False) -> None:
    """Print the public half: what you may read out to anybody, and compare with the register."""
    _show(unlocked(file), file, as_json=as_json)


@app.command()
def register(
    file: File,
    endorse_with: Annotated[
        Path | None,
        typer.Option(
            help="The file of a registered key of the same stakeholder, which vouches for this one. Only the "
            "first key needs none.",
            show_default=False,
        ),
    ] = None,
    role: Role = "police",
    data_dir: DataDir = Path("var"),
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Register the public half for the stakeholder you sign in as. It becomes public, with its label."""
    mine, by = unlocked(file), unlocked(endorse_with) if endorse_with else None
    client = open_city(data_dir, key, role, as_json=as_json)
    provider = str(known_keys(client, as_json=as_json)["provider"])
    said = key_statement(provider=provider, stakeholder=role, label=mine.label, public_key=mine.public_key)
    body: dict[str, Any] = {
        "label": mine.label,
        "public_key": public_text(mine.public_key),
        "proof": mine.sign(said),
    }
    if by is not None:
        body |= {"endorsed_by": by.id, "endorsement": by.sign(said)}
    made = send(client, "/ballot-keys", as_json=as_json, json=body)
    if not as_json:
        print(f"{made.get('stakeholder')}: {made.get('label')}\nfingerprint {made.get('id')}")
        print("Compare the fingerprint with the public register, from another machine.")


@app.command()
def revoke(
    fingerprint: Annotated[str, typer.Argument(help="The key's fingerprint.", show_default=False)],
    reason: Annotated[str, typer.Option(help="Why; it is published.", show_default=False)],
    role: Role = "police",
    data_dir: DataDir = Path("var"),
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Revoke a key of the stakeholder you sign in as: from now on it signs nothing that counts."""
    client = open_city(data_dir, key, role, as_json=as_json)
    made = send(client, f"/ballot-keys/{fingerprint}/revoke", as_json=as_json, json={"reason": reason})
    if not as_json:
        print(f"{made.get('stakeholder')}: {made.get('label')} revoked at {made.get('revoked_at')}")


@app.command("list")
def list_keys(data_dir: DataDir = Path("var"), as_json: AsJson = False) -> None:
    """List every registered key, as the public register has it."""
    with open_city(data_dir, "none", "", as_json=as_json) as client:
        found = known_keys(client, as_json=as_json)
    if as_json:
        print(json.dumps(found))
        return
    for one in found["keys"]:
        state = "NOT to be believed" if not one["good"] else "holds"
        if one["revoked_at"]:
            state = f"revoked {one['revoked_at']}"
        print(f"{one['id']}  {one['stakeholder']:18} {state:18} {one['label']}")
    if not found["keys"]:
        print("No key is registered. Make one with `openpars ballot-key new`.")
