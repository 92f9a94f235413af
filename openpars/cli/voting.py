# SPDX-License-Identifier: Apache-2.0
"""`openpars agreement ballot`: one owner's answer, signed here with a delegate's key."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer

from openpars.agreements.ballots import Choice, Question
from openpars.cli import signing
from openpars.cli.ballot_keys import unlocked
from openpars.cli.running import AsJson, DataDir, Key, open_city, send, stop
from openpars.cli.say import give_json
from openpars.cli.signing import NotVoted, Paper, Wish


def ballot(
    agreement: Annotated[str, typer.Argument(help="The agreement's id.", show_default=False)],
    question: Annotated[Question, typer.Argument(help="What is decided.", show_default=False)],
    choice: Annotated[Choice, typer.Argument(help="Your answer.", show_default=False)],
    version: Annotated[int, typer.Option(help="Which version.", show_default=False)],
    sign_with: Annotated[
        Path | None,
        typer.Option(help="Your ballot key's file (`openpars ballot-key new`).", show_default=False),
    ] = None,
    text: Annotated[
        Path | None,
        typer.Option(help="Your own copy of the text: vote only if it is the same.", show_default=False),
    ] = None,
    whole: Annotated[
        bool, typer.Option("--whole", help="Show the whole text in plain English first.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask whether you are sure.")] = False,
    role: Annotated[str, typer.Option("--as", help="Which stakeholder you vote for.")] = "police",
    text_hash: Annotated[
        str | None, typer.Option("--hash", help="The hash you were told: vote only if it is that one.")
    ] = None,
    expires: Annotated[
        str | None, typer.Option(help="Until when the ballot counts (an instant); else 60 days.")
    ] = None,
    data_dir: DataDir = Path("var"),
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Cast one stakeholder's ballot on one text.

    With --sign-with, the text is fetched and hashed here, shown, and your ballot is signed here: the city
    gets the signature, never the key. Without it the ballot is unsigned, which counts in a demo city only.
    """
    client = open_city(data_dir, key, role, as_json=as_json)
    until = _instant(expires, as_json=as_json)
    wish = Wish(agreement, version, question, choice, until)
    try:
        here = signing.paper(client, wish)
        if text is not None:
            signing.compare(here, text)
        if text_hash is not None and text_hash != here.hash:
            raise NotVoted(f"The hash of the vote is {here.hash}, not the one you were told.")
        body = _body(wish, here, sign_with, role)
    except NotVoted as problem:
        if as_json:
            give_json({"error": str(problem)})
        else:
            typer.echo(str(problem), err=True)
        raise typer.Exit(1) from None
    except (httpx.HTTPError, ValueError, KeyError):
        raise stop("the city does not answer", as_json=as_json) from None
    except OSError:
        raise stop(f"cannot read {text}", as_json=as_json) from None
    _show(here, wish, whole=whole, ask=sign_with is not None and not yes and not as_json, as_json=as_json)
    answer = send(client, f"/agreements/{agreement}/ballots", as_json=as_json, json=body)
    if not as_json:
        signed = "signed" if answer.get("signed") else "unsigned, counts in a demo only"
        again = ", in place of your earlier one" if answer.get("replaced") else ""
        counts = ", ".join(f"{number} {word}" for word, number in dict(answer.get("counts") or {}).items())
        print(f"{agreement} version {version} is {answer.get('state')}. Votes: {counts} ({signed}{again})")


def _instant(text: str | None, *, as_json: bool) -> datetime | None:
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise stop(
            "--expires must be an instant with an offset, as 2027-01-31T17:00:00-05:00", as_json=as_json
        )
    return found


def _body(wish: Wish, here: Paper, sign_with: Path | None, role: str) -> dict[str, Any]:
    if sign_with is not None:
        return signing.sign(unlocked(sign_with), role, here, wish)
    bare: dict[str, Any] = {
        "version": wish.version,
        "question": wish.question.value,
        "choice": wish.choice.value,
        "hash": here.hash,
        "round": here.round,
    }
    return bare if wish.expires is None else {**bare, "expires": wish.expires.isoformat()}


def _show(here: Paper, wish: Wish, *, whole: bool, ask: bool, as_json: bool) -> None:
    if as_json:
        return
    if whole:
        print(signing.whole_text(here, wish))
    print(signing.sentence(here, wish))
    if ask and not typer.confirm("Sign this ballot?", err=True):
        raise typer.Exit(1)
