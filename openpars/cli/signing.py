# SPDX-License-Identifier: Apache-2.0
"""Signing a ballot where its delegate sits: what is voted on is read and hashed here, not believed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from openpars.agreements.ballots import Ballot, Choice, Question, statement
from openpars.agreements.bars import packs, version_of
from openpars.agreements.language.canonical import digest
from openpars.agreements.language.plain import markdown
from openpars.agreements.language.text import read
from openpars.agreements.language.words import ENGLISH
from openpars.agreements.model import Agreement
from openpars.cli.key_file import KeyFile
from openpars.record.catalogue import instant

LIFE = timedelta(days=60)


class NotVoted(Exception):
    """The ballot was not signed. The message is a sentence for the voter."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What the voter wants to say."""

    agreement: str
    version: int
    question: Question
    choice: Choice
    expires: datetime | None


@dataclass(frozen=True, slots=True)
class Paper:
    """What lies before the voter: the text as read here, its hash, and the round it is asked in."""

    text: Agreement
    hash: str
    round: int
    closes: str
    question: str


def paper(client: httpx.Client, wish: Wish) -> Paper:
    """Fetch what is voted on, and hash it. Raises NotVoted, httpx.HTTPError."""
    answer = client.get(f"/agreements/{wish.agreement}")
    if answer.is_error:
        raise NotVoted("The city has no such agreement.")
    versions = answer.json()["versions"]
    found = next((one for one in versions if one["version"] == wish.version), None)
    if found is None:
        raise NotVoted("The agreement has no such version.")
    text = read(found["text"]).agreement
    # The hash is made here, of the text that is shown here: a server that says another is not believed.
    if text is None or digest(text) != found["hash"]:
        raise NotVoted("The text that the city sent does not have the hash that it names. Do not vote on it.")
    return _asked(found, text, wish)


def _asked(found: dict[str, Any], text: Agreement, wish: Wish) -> Paper:
    ending = wish.question is Question.END
    rounds = [one for one in found["rounds"] if (one["question"] == "end") is ending]
    if rounds and rounds[-1]["outcome"] == "pending":
        last = rounds[-1]
        return Paper(text, found["hash"], last["round"], last["closes_at"], last["question"])
    if ending:
        return Paper(text, found["hash"], len(rounds) + 1, "not asked yet: your ballot asks", "end")
    raise NotVoted("The owners are not asked about this version now.")


def compare(here: Paper, file: Path) -> None:
    """Compare with a text on this machine. Raises NotVoted, OSError."""
    own = read(file.read_bytes(), str(file)).agreement
    if own is None:
        raise NotVoted(f"{file} is not an agreement: see `openpars agreement check`.")
    if digest(own) != here.hash:
        raise NotVoted(f"{file} is another text: its hash is {digest(own)}, that of the vote is {here.hash}.")


def sentence(here: Paper, wish: Wish) -> str:
    """What the ballot says, in plain words."""
    says = {Choice.YES: "YES", Choice.NO: "NO", Choice.ABSTAIN: "neither yes nor no (abstain)"}[wish.choice]
    asked = {
        "enact": "shall it come into force?",
        "renew": "shall it take the place of the one in force, for another term?",
        "amend": "shall it take the place of the one in force, with what it changes?",
        "end": "shall it end now?",
    }[here.question]
    term = f"from {instant(here.text.term.begins)} until {instant(here.text.term.ends)}"
    return (
        f"{here.text.title or here.text.id}, version {wish.version}, between {here.text.provider} and "
        f"{here.text.recipient}, {term}: {asked} Your answer: {says}.\n"
        f"Round {here.round}, open until {here.closes}.\nHash {here.hash}"
    )


def whole_text(here: Paper, wish: Wish) -> str:
    """The plain-English text, where the program knows the provider."""
    return markdown(version_of(here.text, wish.version), ENGLISH) if here.text.provider in packs() else ""


def sign(key: KeyFile, stakeholder: str, here: Paper, wish: Wish) -> dict[str, Any]:
    """The request for `POST /agreements/{id}/ballots`."""
    expires = wish.expires or (datetime.now(UTC) + LIFE).replace(microsecond=0)
    ballot = Ballot(
        stakeholder,
        wish.agreement,
        wish.version,
        here.hash,
        wish.question,
        wish.choice,
        expires,
        expires,
        None,
        here.round,
        key.id,
    )
    return {
        "version": wish.version,
        "question": wish.question.value,
        "choice": wish.choice.value,
        "hash": here.hash,
        "round": here.round,
        "expires": instant(expires),
        "key": key.id,
        "signature": key.sign(statement(ballot)),
    }
