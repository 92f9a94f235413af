# SPDX-License-Identifier: Apache-2.0
"""`openpars agreement …`: check and read agreements offline; propose, vote and end in a running city.

Exit status: 0 fine, 1 something was found (or refused), 2 it could not run.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any

import typer
from rich.console import Console

from openpars.agreements.ballots import Question
from openpars.agreements.bars import packs, version_of
from openpars.agreements.check import check, enactable
from openpars.agreements.language.canonical import digest
from openpars.agreements.language.faults import Fault, Severity
from openpars.agreements.language.plain import markdown, sections
from openpars.agreements.language.words import SPOKEN, Language
from openpars.cli import audit, proofs, voting
from openpars.cli.odrl import odrl
from openpars.cli.replay import replay
from openpars.cli.running import AsJson, DataDir, Key, fetch, open_city, send, stop
from openpars.cli.say import InLanguage, Panels
from openpars.cli.status import status
from openpars.cli.what_if import seen


class Agreements(Panels):
    """The commands about agreements."""

    panels = MappingProxyType(
        {
            "Texts, without a city": ("check", "text", "prove", "diff", "odrl"),
            "The life of an agreement, in a running city": (
                "propose", "impact", "ask", "ballot", "status", "notice", "withdraw-notice", "end",
            ),
            "Looking back": ("seen", "replay", "verify"),
        }
    )  # fmt: skip


app = typer.Typer(
    cls=Agreements,
    add_completion=False,
    no_args_is_help=True,
    help="Check, read, propose, vote on and end data-sharing agreements.",
)
app.command("replay")(replay)
app.command("seen")(seen)
app.command("odrl")(odrl)
app.command("status")(status)

Files = Annotated[list[Path], typer.Argument(help="Agreement texts (TOML).", show_default=False)]


def _read(path: Path, *, as_json: bool) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        raise stop(f"cannot read {path}", as_json=as_json) from None


def _fault(fault: Fault) -> dict[str, Any]:
    return {
        "line": fault.line,
        "severity": fault.severity.value,
        "message": fault.message,
        "suggestion": fault.suggestion,
    }


_COUNTED = {Severity.ERROR: "error", Severity.REFUSED: "refusal", Severity.WARNING: "warning"}


def _verdict(fine: bool, faults: Sequence[Fault]) -> str:
    """The last line about a text: what may be done with it, and how much stands above."""
    said = "may be proposed" if fine else "may not be proposed"
    counts = Counter(fault.severity for fault in faults)
    words = [f"{n} {_COUNTED[kind]}{'s' if n > 1 else ''}" for kind in Severity if (n := counts[kind])]
    return f"{said}: {', '.join(words)}" if words else said


@app.command("check")
def check_files(
    files: Files,
    strict: Annotated[
        bool,
        typer.Option("--strict", help="As a real city judges: every CJIS topic must be covered."),
    ] = False,
    bars: Annotated[
        list[str] | None,
        typer.Option("--bar", help="Judge as if the city had switched this bar on (may be repeated)."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say what is wrong with agreement texts, with line and nearest right word.

    An error is not an agreement; a refusal is one that may not be enacted; a warning is worth knowing.
    Exit status 0 if every text may be proposed, 1 if not, 2 if a file cannot be read.
    """
    known = {bar.id for pack in packs().values() for bar, _ in pack.switchable}
    if not known.issuperset(bars or ()):
        raise stop(f"the bars that can be switched are: {', '.join(sorted(known))}", as_json=as_json)
    texts = [(path, _read(path, as_json=as_json)) for path in files]
    results = []
    for path, text in texts:
        reading = check(text, str(path), strict=strict, switched_on=bars or ())
        fine = enactable(reading)
        results.append((fine, reading))
        if not as_json:
            for fault in reading.faults:
                print(fault)
            print(f"{path}: {_verdict(fine, reading.faults)}")
    if as_json:
        print(
            json.dumps(
                {
                    "files": [
                        {
                            "file": one.file,
                            "ok": fine,
                            "id": one.agreement.id if one.agreement else None,
                            "hash": digest(one.agreement) if one.agreement else None,
                            "faults": [_fault(fault) for fault in one.faults],
                        }
                        for fine, one in results
                    ]
                }
            )
        )
    raise typer.Exit(0 if all(fine for fine, _ in results) else 1)


@app.command("text")
def text_of(files: Files, language: InLanguage = Language.EN, as_json: AsJson = False) -> None:
    """Print the plain text of agreements, generated from what the system obeys.

    In either language what decides is the agreement itself: the hash is of it, not of these words.

    Exit status 0, 1 if a text is not an agreement (see `check`), 2 if a file cannot be read.
    """
    documents: list[dict[str, Any]] = []
    texts = [(path, _read(path, as_json=as_json)) for path in files]
    broken = False
    for path, text in texts:
        reading = check(text, str(path))
        if reading.agreement is None or reading.agreement.provider not in packs():
            broken = True
            for fault in reading.faults:
                typer.echo(str(fault), err=True)
            documents.append(
                {"file": str(path), "markdown": None, "faults": [_fault(f) for f in reading.faults]}
            )
            continue
        version = version_of(reading.agreement, 0)
        documents.append(
            {
                "file": str(path),
                "id": reading.agreement.id,
                "hash": version.hash,
                "markdown": markdown(version, SPOKEN[language]),
                "sections": [
                    {"id": s.id, "title": s.title, "paragraphs": list(s.paragraphs), "points": list(s.points)}
                    for s in sections(version, SPOKEN[language])
                ],
            }
        )
    if as_json:
        print(json.dumps({"files": documents}))
    else:
        print("\n".join(document["markdown"] for document in documents if document["markdown"]))
    raise typer.Exit(1 if broken else 0)


app.command("prove")(proofs.prove)
app.command("diff")(proofs.diff)


@app.command()
def propose(
    file: Annotated[Path, typer.Argument(help="The agreement's text.", show_default=False)],
    closes: Annotated[
        str | None,
        typer.Option(
            help="By when the owners must have spoken (an instant); otherwise after the days in the rules.",
            show_default=False,
        ),
    ] = None,
    data_dir: DataDir = Path("var"),
    key: Key = None,
    role: Annotated[str, typer.Option("--as", help="Whose demo key to use.")] = "solicitor",
    as_json: AsJson = False,
) -> None:
    """Propose a text to the owners of the record. It is checked first; nothing is shared before they vote."""
    text = _read(file, as_json=as_json)
    client = open_city(data_dir, key, role, as_json=as_json)
    headers = {"Content-Type": "application/toml"}
    by_when = {"closes": closes} if closes else {}
    body = send(client, "/agreements", as_json=as_json, content=text, headers=headers, params=by_when)
    if not as_json:
        print(f"{body.get('id')} version {body.get('version')}: {body.get('state')}\nhash {body.get('hash')}")


@app.command()
def ask(
    agreement: Annotated[str, typer.Argument(help="The agreement's id.", show_default=False)],
    question: Annotated[Question, typer.Argument(help="What is asked.", show_default=False)],
    version: Annotated[int, typer.Option(help="Which version.", show_default=False)],
    closes: Annotated[
        str | None,
        typer.Option(help="By when the owners must have spoken (an instant).", show_default=False),
    ] = None,
    role: Annotated[str, typer.Option("--as", help="Whose demo key to use.")] = "solicitor",
    data_dir: DataDir = Path("var"),
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Ask the owners again about a text that was lost, or ask for the end. It is a new round."""
    client = open_city(data_dir, key, role, as_json=as_json)
    asked = {"version": version, "question": question.value} | ({"closes": closes} if closes else {})
    body = send(client, f"/agreements/{agreement}/rounds", as_json=as_json, json=asked)
    if not as_json:
        print(f"{body.get('question')}, round {body.get('round')}: open until {body.get('closes_at')}")


app.command("ballot")(voting.ballot)
app.command("verify")(audit.verify)


@app.command()
def end(
    agreement: Annotated[str, typer.Argument(help="The agreement's id.", show_default=False)],
    reason: Annotated[str, typer.Option(help="Why; it is published.", show_default=False)],
    role: Annotated[str, typer.Option("--as", help="Whose demo key to use.")] = "solicitor",
    data_dir: DataDir = Path("var"),
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """End an agreement now. Its recipient sees nothing more from this instant."""
    client = open_city(data_dir, key, role, as_json=as_json)
    body = send(client, f"/agreements/{agreement}/end", as_json=as_json, json={"reason": reason})
    if not as_json:
        print(f"{agreement}: {body.get('state')}")


@app.command()
def notice(
    agreement: Annotated[str, typer.Argument(help="The agreement's id.", show_default=False)],
    reason: Annotated[str, typer.Option(help="Why; it is published.", show_default=False)],
    effective: Annotated[
        str | None,
        typer.Option(
            help="The last day on which it holds (2027-08-31), or an instant with an offset. Without it: "
            "the end of the term.",
            show_default=False,
        ),
    ] = None,
    role: Annotated[str, typer.Option("--as", help="Whose demo key to use.")] = "solicitor",
    data_dir: DataDir = Path("var"),
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Give notice: the agreement holds until that instant, then ends by itself."""
    client = open_city(data_dir, key, role, as_json=as_json)
    body = {"reason": reason} | ({} if effective is None else {"effective": effective})
    body = send(client, f"/agreements/{agreement}/notice", as_json=as_json, json=body)
    if not as_json:
        print(f"{agreement}: notice given, ends {body.get('ends')}")


@app.command("withdraw-notice")
def withdraw_notice(
    agreement: Annotated[str, typer.Argument(help="The agreement's id.", show_default=False)],
    reason: Annotated[str, typer.Option(help="Why; it is published.", show_default=False)],
    role: Annotated[str, typer.Option("--as", help="Whose demo key to use.")] = "solicitor",
    data_dir: DataDir = Path("var"),
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Take a notice back before its instant."""
    client = open_city(data_dir, key, role, as_json=as_json)
    body = {"reason": reason}
    body = send(client, f"/agreements/{agreement}/withdraw-notice", as_json=as_json, json=body)
    if not as_json:
        print(f"{agreement}: {body.get('state')}")


@app.command("impact")
def what_stops(
    agreement: Annotated[str, typer.Argument(help="The agreement's id.", show_default=False)],
    version: Annotated[
        int | None,
        typer.Option(help="A proposed version that takes its place; without it: an end.", show_default=False),
    ] = None,
    role: Annotated[str, typer.Option("--as", help="Whose demo key to use.")] = "solicitor",
    data_dir: DataDir = Path("var"),
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Say what stops if an agreement ends or gives way to a proposed version: before anybody votes."""
    path = f"/agreements/{agreement}/impact" + (f"?version={version}" if version is not None else "")
    with Console(stderr=True).status("counting …"):
        body = fetch(open_city(data_dir, key, role, as_json=as_json), path, as_json=as_json).json()
    if as_json:
        print(json.dumps(body))
        return
    gone, share = body["subscriptions"], body["share"]
    what = f"gives way to version {version}" if version is not None else "ends"
    print(f"If {agreement} (version {body['version']}, {body['recipient']}) {what}, this stops:")
    print(
        f"  {gone['watches']} watches and {gone['criteria']} subscriptions by criteria, "
        f"{body['feeds']} open feeds"
    )
    print(f"  {body['keys']['all']} keys, {body['keys']['active']} of them used in the last 30 days")
    print(f"  {share['people']} people ({share['rows']} rows) leave the share, {share['kept_people']} stay")
    for organisation in body["organisations"]:
        print(f"  organisation {organisation}")
    if body["rounded_down"]:
        print("  (rounded down, and up to an hour old: exact counts and cases are for the owners)")
    else:
        print(f"  {body['cases']} cases: {', '.join(body['case_numbers']) or 'none named'}")
