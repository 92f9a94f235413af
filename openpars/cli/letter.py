# SPDX-License-Identifier: Apache-2.0
"""`openpars letter …`: letters about an agreement, in a running city: write, serve, answer, read, print.

Exit status: 0 fine, 1 refused (or, for `list --overdue`, something is overdue), 2 it could not run.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer

from openpars.agreements.letters.wording import LetterKind, Service
from openpars.cli.running import AsJson, DataDir, Key, fetch, open_city, send, stop

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Write letters about agreements (notice, inquiry, breach, renewal); keep what became of each.",
)

Agreement = Annotated[str, typer.Argument(help="The agreement's id.", show_default=False)]
Number = Annotated[int, typer.Argument(help="The letter's number.", show_default=False)]
Role = Annotated[str, typer.Option("--as", help="Whose demo key to use.")]
On = Annotated[str | None, typer.Option(help="The day, such as 2027-01-05; today if left out.")]


def _path(agreement: str, number: int | None = None, act: str = "") -> str:
    place = f"/agreements/{agreement}/letters"
    return place + (f"/{number}" if number is not None else "") + (f"/{act}" if act else "")


def _post(
    path: str, body: dict[str, Any], *, data_dir: Path, key: str | None, role: str, as_json: bool
) -> None:
    client = open_city(data_dir, key, role, as_json=as_json)
    given = {name: value for name, value in body.items() if value is not None}
    made = send(client, path, as_json=as_json, json=given)
    if not as_json:
        due = f", answer by {made['deadline']}" if made.get("deadline") else ""
        print(
            f"{made.get('agreement')} letter {made.get('number')} ({made.get('kind')}): "
            f"{made.get('standing')}{due}"
        )


def _get(path: str, *, data_dir: Path, key: str | None, role: str, as_json: bool) -> httpx.Response:
    return fetch(open_city(data_dir, key, role, as_json=as_json), path, as_json=as_json)


@app.command()
def draft(
    agreement: Agreement,
    kind: Annotated[LetterKind, typer.Argument(help="What the letter is for.", show_default=False)],
    text: Annotated[str | None, typer.Option(help="Your own words.", show_default=False)] = None,
    text_file: Annotated[
        Path | None, typer.Option(help="Your own words, from a file.", show_default=False)
    ] = None,
    clause: Annotated[
        str | None,
        typer.Option(
            help="A section of the plain text to quote: duties, limits, grant-1 …", show_default=False
        ),
    ] = None,
    deadline: Annotated[
        str | None, typer.Option(help="The last day for an answer: 2027-02-05.", show_default=False)
    ] = None,
    to: Annotated[
        str | None, typer.Option(help="The address, lines separated by line breaks.", show_default=False)
    ] = None,
    data_dir: DataDir = Path("var"),
    key: Key = None,
    role: Role = "solicitor",
    as_json: AsJson = False,
) -> None:
    """Write a letter. Parties, term, clause, rule and dates come from the agreement itself."""
    if text_file is not None:
        try:
            text = text_file.read_text(encoding="utf-8")
        except (OSError, UnicodeError):
            raise stop(f"cannot read {text_file}", as_json=as_json) from None
    body = {"kind": kind.value, "text": text, "clause": clause, "deadline": deadline, "to": to}
    _post(_path(agreement), body, data_dir=data_dir, key=key, role=role, as_json=as_json)


@app.command()
def serve(
    agreement: Agreement,
    number: Number,
    how: Annotated[Service, typer.Option(help="How it was served.", show_default=False)],
    proof: Annotated[str, typer.Option(help="By what this can be shown.", show_default=False)],
    on: On = None,
    data_dir: DataDir = Path("var"),
    key: Key = None,
    role: Role = "solicitor",
    as_json: AsJson = False,
) -> None:
    """Record that a letter was served. From then on it is a public fact, without its text."""
    body = {"how": how.value, "proof": proof, "on": on}
    path = _path(agreement, number, "serve")
    _post(path, body, data_dir=data_dir, key=key, role=role, as_json=as_json)


@app.command()
def reply(
    agreement: Agreement,
    number: Number,
    who: Annotated[str, typer.Option(help="Who answered.", show_default=False)],
    summary: Annotated[str, typer.Option(help="What the answer says, in short.", show_default=False)],
    on: On = None,
    data_dir: DataDir = Path("var"),
    key: Key = None,
    role: Role = "solicitor",
    as_json: AsJson = False,
) -> None:
    """Record the recipient's answer to a letter."""
    body = {"who": who, "summary": summary, "on": on}
    path = _path(agreement, number, "reply")
    _post(path, body, data_dir=data_dir, key=key, role=role, as_json=as_json)


@app.command()
def discard(
    agreement: Agreement,
    number: Number,
    data_dir: DataDir = Path("var"),
    key: Key = None,
    role: Role = "solicitor",
    as_json: AsJson = False,
) -> None:
    """Take back a letter that was not served. It stays in the register."""
    path = _path(agreement, number, "discard")
    _post(path, {}, data_dir=data_dir, key=key, role=role, as_json=as_json)


@app.command()
def publish(
    agreement: Agreement,
    number: Number,
    data_dir: DataDir = Path("var"),
    key: Key = None,
    role: Role = "solicitor",
    as_json: AsJson = False,
) -> None:
    """Make the whole text of a served letter public, for good."""
    path = _path(agreement, number, "publish")
    _post(path, {}, data_dir=data_dir, key=key, role=role, as_json=as_json)


@app.command("list")
def list_letters(
    agreement: Agreement,
    overdue: Annotated[bool, typer.Option("--overdue", help="Only those whose answer is overdue.")] = False,
    data_dir: DataDir = Path("var"),
    key: Key = None,
    role: Role = "solicitor",
    as_json: AsJson = False,
) -> None:
    """List an agreement's letters and what became of each. With --overdue: status 1 if there are any."""
    answer = _get(_path(agreement), data_dir=data_dir, key=key, role=role, as_json=as_json).json()
    found = [one for one in answer["letters"] if not overdue or one["standing"] == "overdue"]
    if as_json:
        print(json.dumps({"id": answer["id"], "letters": found}))
    elif not found:
        print(
            "No letter is overdue." if overdue else "No letter has been written: see `openpars letter draft`."
        )
    else:
        for one in found:
            served, due = one["served_on"] or "not served", one["deadline"] or "no deadline"
            print(
                f"{one['number']:>3}  {one['kind']:<8} {one['standing']:<9} served {served}, answer by {due}"
            )
    raise typer.Exit(1 if overdue and found else 0)


@app.command("pdf")
def print_letter(
    agreement: Agreement,
    number: Annotated[
        int | None,
        typer.Argument(help="The letter; without it the whole correspondence.", show_default=False),
    ] = None,
    out: Annotated[Path, typer.Option(help="Where to write it.")] = Path("letter.pdf"),
    data_dir: DataDir = Path("var"),
    key: Key = None,
    role: Role = "solicitor",
    as_json: AsJson = False,
) -> None:
    """Print a letter, or the whole correspondence with an index, as one PDF."""
    path = (
        f"/agreements/{agreement}/correspondence.pdf" if number is None else _path(agreement, number) + ".pdf"
    )
    answer = _get(path, data_dir=data_dir, key=key, role=role, as_json=as_json)
    try:
        out.write_bytes(answer.content)
    except OSError:
        raise stop(f"cannot write {out}", as_json=as_json) from None
    print(json.dumps({"file": str(out), "bytes": len(answer.content)}) if as_json else f"written: {out}")
