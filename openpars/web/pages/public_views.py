# SPDX-License-Identifier: Apache-2.0
"""The public register and the log as the templates read them. Pure, from the register's own entries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

from openpars.agreements.language import plain
from openpars.agreements.model import Version
from openpars.agreements.register import Entry
from openpars.agreements.votes import readings as disputed
from openpars.web.pages import event_words, vote_views
from openpars.web.pages.models import (
    AgreementCard,
    AgreementView,
    CaseView,
    ReadingsView,
    TreeView,
    VersionLink,
)
from openpars.web.pages.vote_views import Belief
from openpars.web.pages.words import Words

# Which version of an agreement stands for it in the list: what is in force, else what comes, else the last.
_RANK = ("in_force", "notice_given", "suspended", "balloted", "proposed")

Versions = Mapping[tuple[str, int], Version | None]


def shown_state(entry: Entry, now: datetime) -> str:
    """The state in a word of the catalogue. A term that is over is over, whether or not it was swept yet."""
    if entry.state in {"in_force", "suspended"} and now >= over_at(entry):
        return "ended"
    if entry.state == "in_force" and entry.notice_at is not None:
        return "notice_given"
    return entry.state


def over_at(entry: Entry) -> datetime:
    """The first instant outside: the term's end, an earlier end, or the instant notice was given for."""
    if entry.ended_at is not None:
        return min(entry.ends, entry.ended_at)
    if entry.notice_ends is not None and entry.state in {"balloted", "in_force", "suspended"}:
        return min(entry.ends, entry.notice_ends)
    return entry.ends


def cards(
    entries: Sequence[Entry], versions: Versions, now: datetime, words: Words
) -> tuple[AgreementCard, ...]:
    """One card for each agreement, by the version that matters most now."""
    by_agreement: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        by_agreement[entry.agreement].append(entry)
    return tuple(card(found, _chosen(found, now), versions, now, words) for found in by_agreement.values())


def _chosen(entries: Sequence[Entry], now: datetime) -> Entry:
    def rank(entry: Entry) -> tuple[int, int]:
        state = shown_state(entry, now)
        return (_RANK.index(state) if state in _RANK else len(_RANK), -entry.version)

    return min(entries, key=rank)


def card(
    entries: Sequence[Entry], chosen: Entry, versions: Versions, now: datetime, words: Words
) -> AgreementCard:
    """The card of one agreement, as of one of its versions."""
    version = versions.get((chosen.agreement, chosen.version))
    return AgreementCard(
        id=chosen.agreement,
        title=(version.agreement.title or "") if version is not None else "",
        recipient=words.maybe(f"party.{chosen.recipient}", chosen.recipient),
        provider=words.maybe(f"party.{chosen.provider}", chosen.provider),
        version=chosen.version,
        state=shown_state(chosen, now),
        purposes=tuple(
            words.maybe(f"purpose_named.{p}", p.replace("-", " ")) for p in version.agreement.purposes
        )
        if version is not None
        else (),
        begins=chosen.begins,
        ends=over_at(chosen),
        zone=version.term.zone if version is not None else "America/New_York",
        versions=tuple(
            VersionLink(
                number=entry.version,
                state=shown_state(entry, now),
                begins=entry.begins,
                ends=over_at(entry),
                href=f"/public/agreements/{entry.agreement}?version={entry.version}",
            )
            for entry in sorted(entries, key=lambda entry: -entry.version)
        ),
        href=f"/public/agreements/{chosen.agreement}",
    )


def agreement(
    entries: Sequence[Entry],
    number: int | None,
    versions: Versions,
    now: datetime,
    words: Words,
    *,
    belief: Belief,
) -> AgreementView | None:
    """One version, whole; `number` None: the one that matters most now. None when there is no such."""
    chosen = next((e for e in entries if e.version == number), None) if number else _chosen(entries, now)
    if chosen is None:
        return None
    version = versions.get((chosen.agreement, chosen.version))
    return AgreementView(
        card=card(entries, chosen, versions, now, words),
        title=(version.agreement.title or "") if version is not None else "",
        hash=chosen.hash,
        plain=plain.sections(version, words) if version is not None else (),
        ballots=vote_views.ballots(chosen, belief),
        rounds=vote_views.rounds(chosen),
        life=tuple(event_words.view(event, words) for event in chosen.events),
        source=chosen.text,
        reconstructed=chosen.reconstructed,
        broken=version is None,
    )


def readings(agreement: str) -> ReadingsView | None:
    """The readings of an agreement's rule where the sources disagree about it; None where they do not."""
    if agreement not in disputed.DISPUTED:
        return None
    cases = tuple(
        CaseView(
            case.id,
            case.told,
            tuple(
                (reading.value, fate.value) for reading, fate in disputed.fates(dict(case.answers)).items()
            ),
        )
        for case in disputed.CASES
    )
    owners = tuple(owner for owner, _ in disputed.CASES[0].answers)
    said = [disputed.agreed(answers) is not None for answers in disputed.every_answer(owners)]
    return ReadingsView(tuple(disputed.RULES.values()), cases, said.count(True), said.count(False))


def tree(note: bytes | None) -> TreeView:
    """A checkpoint taken apart for reading. Nobody relies on this: the verifier reads the note itself."""
    if note is None:
        return TreeView(None, "", "")
    text = note.decode()
    lines = text.split("\n")
    return TreeView(int(lines[1]), lines[2], text)
