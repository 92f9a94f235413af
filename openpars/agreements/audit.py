# SPDX-License-Identifier: Apache-2.0
"""Comparing what stands in the tables with what the acts tree says, and counting every vote again. Pure.

Whoever can write into the database can write a ballot, a key or an end that never was. He cannot sign for a
delegate, and he cannot put a leaf into the tree without everybody's next checkpoint telling of it. So every
row is asked for its leaf, every leaf for its row, and every outcome for its ballots.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from openpars.agreements.ballots import (
    Ballot,
    BallotKey,
    Doubt,
    Logged,
    Outcome,
    Round,
    answers,
    ballot_digest,
    believed,
    count,
    doubt,
    good_keys,
    key_digest,
    revocation_digest,
)
from openpars.agreements.certified import DIFFERENCE, PROVED, Attempt, swapped
from openpars.agreements.language.canonical import digest
from openpars.agreements.language.text import read
from openpars.agreements.model import Agreement, Decision
from openpars.agreements.register import Entry, event_digest
from openpars.agreements.switches import Switches
from openpars.log.stored import Noted
from openpars.record.catalogue import instant

WORDS: Mapping[Doubt, str] = {
    Doubt.NOT_LOGGED: "stands in the table as it never was logged",
    Doubt.UNSIGNED: "is not signed",
    Doubt.UNKNOWN_KEY: "is signed with a key that is not to be believed",
    Doubt.OTHER_BODY: "is signed with the key of another stakeholder",
    Doubt.BAD_SIGNATURE: "has a signature that is not its key's over its statement",
    Doubt.REVOKED_KEY: "is signed with a key that did not hold then",
    Doubt.OTHER_TEXT: "is for another text than its version's",
}

_ABOUT_NOTICE = frozenset({"notice", "notice_withdrawn", "ended"})

# What a version's state must be after its last event that moves it; other events move nothing.
_MOVES = {
    "proposed": "proposed",
    "asked": None,
    "started": "in_force",
    "superseded": "superseded",
    "suspended": "suspended",
    "resumed": "in_force",
    "ended": "ended",
    "lapsed": "ended",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it was signed. `where`: which agreement, version, ballot or key."""

    where: str
    what: str


@dataclass(frozen=True, slots=True)
class Held:
    """All that is compared. `texts`: each version as it is obeyed, by agreement and number, where what is
    stored has its hash; `demo`: whether this city takes unsigned ballots."""

    entries: tuple[Entry, ...]
    keys: tuple[BallotKey, ...]
    leaves: tuple[Noted, ...]
    texts: Mapping[tuple[str, int], Agreement]
    demo: bool
    proofs: tuple[Attempt, ...]
    switches: Switches


def audit(held: Held, logged: Logged) -> tuple[Finding, ...]:
    """Everything that is wrong, in the order of the tables. Nothing found: ()."""
    good = good_keys(held.keys, logged)
    found = [*_keys(held, logged, good)]
    for entry in held.entries:
        found += _ballots(held, logged, good, entry)
        found += _columns(held, entry)
        found += _events(held, entry)
        found += _outcomes(held, logged, good, entry)
    found += _notices(held)
    for one in held.proofs:
        found += _proofs(one)
    found += _switches(held.switches)
    found += _gone(held)
    return tuple(found)


def _proofs(one: Attempt) -> Iterator[Finding]:
    """An attempt to prove a version is as it was logged, and each of its parts is as it was made."""
    where = f"{one.agreement} version {one.version}"
    if not one.logged:
        yield Finding(where, f"what is proved about it (attempt {one.attempt}) was never logged so")
    for name in swapped(one):
        what = {"manifest": "what was recorded with its proofs", DIFFERENCE: "what it is said to change"}
        part = what.get(name, f"its certificate `{name}`")
        yield Finding(where, f"{part} (attempt {one.attempt}) is not what was made then")


def name_of(ballot: Ballot) -> str:
    """Which ballot, in words."""
    return (
        f"{ballot.agreement} version {ballot.version}: the ballot of {ballot.stakeholder} "
        f"({ballot.question.value} {ballot.choice.value}, round {ballot.round}, {instant(ballot.at)})"
    )


def _keys(held: Held, logged: Logged, good: Mapping[str, BallotKey]) -> Iterator[Finding]:
    for key in held.keys:
        where = f"the ballot key of {key.stakeholder} ({key.label}, {key.id[:16]})"
        if key_digest(key) not in logged.digests:
            yield Finding(where, "stands in the table as it never was logged")
        elif key.revoked_at is None and key.id in logged.revoked:
            yield Finding(where, "was revoked, and somebody took the revocation away")
        elif key.id not in good:
            yield Finding(where, "is vouched for by no key of its stakeholder that held then")
        if key.revoked_at is not None and revocation_digest(key) not in logged.digests:
            yield Finding(where, "is revoked in the table, and the log does not say so")


def _ballots(held: Held, logged: Logged, good: Mapping[str, BallotKey], entry: Entry) -> Iterator[Finding]:
    for ballot in entry.ballots:
        why = doubt(ballot, good, logged, provider=entry.provider, text_hash=entry.hash, demo=held.demo)
        if why is not None:
            yield Finding(name_of(ballot), WORDS[why])


def _columns(held: Held, entry: Entry) -> Iterator[Finding]:
    """What stands beside the text in the register must be what the text says: nobody voted on a column."""
    where = f"{entry.agreement} version {entry.version}"
    text = held.texts.get((entry.agreement, entry.version))
    if text is None:
        yield Finding(where, "has a text that does not have its hash")
        return
    if (entry.agreement, entry.provider, entry.recipient) != (text.id, text.provider, text.recipient):
        yield Finding(where, "is entered for other parties than its text names")
    if (entry.begins, entry.ends) != (text.term.begins, text.term.ends):
        yield Finding(where, "is entered for another term than its text has")
    stopped = [event.by for event in entry.events if event.what == "suspended"]
    if entry.state == "suspended" and stopped[-1:] != [entry.suspended_by]:
        yield Finding(where, "is suspended in the name of another than who did it")
    shown = read(entry.text).agreement
    if shown is None or digest(shown) != entry.hash:
        yield Finding(where, "shows a text that is not the one that was voted on")


def _events(held: Held, entry: Entry) -> Iterator[Finding]:
    where = f"{entry.agreement} version {entry.version}"
    leaves = {str(one.public.get("digest")) for one in held.leaves if one.kind == "agreement"}
    for event in entry.events:
        if event_digest(entry.agreement, entry.version, event, entry.text) not in leaves:
            yield Finding(where, f"the step `{event.what}` of {instant(event.at)} was never logged")
    texts = [
        one.public.get("hash")
        for one in held.leaves
        if one.kind == "agreement"
        and (one.public["agreement"], one.public["version"]) == (entry.agreement, entry.version)
        and one.public.get("hash") is not None
    ]
    if entry.hash not in texts:
        yield Finding(where, "its text is not the one that was proposed")
    if not entry.reconstructed:
        yield from _state(entry, where)


def _state(entry: Entry, where: str) -> Iterator[Finding]:
    expected = "proposed"
    for event in entry.events:
        if event.what in {"carried", "lost", "void"}:
            # What fell away after the end of its text moves nothing any more.
            if (event.reason is None or not event.reason.startswith("end,")) and expected == "proposed":
                expected = "balloted" if event.what == "carried" else "rejected"
        elif event.what == "asked" and event.reason is not None and not event.reason.startswith("end,"):
            expected = "proposed"
        else:
            expected = _MOVES.get(event.what) or expected
    # The register shows an end that time has brought before the worker has written it down.
    over = entry.state == "ended" and expected in {"in_force", "suspended"}
    if entry.state != expected and not over:
        yield Finding(where, f"its state is `{entry.state}`, and what happened to it leaves it `{expected}`")


def _notices(held: Held) -> Iterator[Finding]:
    """The notice that stands beside an agreement must be the last that was given, and not taken back."""
    entries = [entry for entry in held.entries if not entry.reconstructed]
    for agreement in dict.fromkeys(entry.agreement for entry in entries):
        mine = [entry for entry in entries if entry.agreement == agreement]
        steps = sorted((event for entry in mine for event in entry.events), key=lambda one: one.at)
        last = next((one for one in reversed(steps) if one.what in _ABOUT_NOTICE), None)
        stands = mine[-1].notice_ends
        said = last.reason if last is not None and last.what == "notice" else None
        told = None if said is None else said.partition(": ")[0]
        if told != (None if stands is None else f"to end at {instant(stands)}"):
            yield Finding(agreement, "stands under another notice of its end than was given")


def _outcomes(held: Held, logged: Logged, good: Mapping[str, BallotKey], entry: Entry) -> Iterator[Finding]:
    told = {event.reason for event in entry.events if event.what in {"proposed", "asked"}}
    for asked in entry.rounds:
        where = f"{entry.agreement} version {entry.version}: {asked.question.value}, round {asked.number}"
        if asked.said not in told:
            yield Finding(where, "was never asked so")
        rules = held.texts.get((entry.agreement, asked.rules))
        if rules is None:
            yield Finding(where, "the rules it was counted by do not have their hash")
        elif asked.outcome in {Outcome.CARRIED, Outcome.LOST}:
            counted = _again(held, logged, good, entry, asked, rules.decision)
            if counted is not asked.outcome:
                yield Finding(where, f"came out `{asked.outcome.value}`; its ballots give `{counted.value}`")


def _again(
    held: Held,
    logged: Logged,
    good: Mapping[str, BallotKey],
    entry: Entry,
    asked: Round,
    decision: Decision,
) -> Outcome:
    trusted = believed(
        entry.ballots, good, logged, provider=entry.provider, text_hash=entry.hash, demo=held.demo
    )
    same = [one for one in (answers(ballot, asked.question) for ballot in trusted) if one is not None]
    at = asked.decided_at or asked.closes_at
    closed = at >= asked.closes_at
    return count(decision, asked.question, same, at=at, closed=closed, round=asked.number).outcome


def _switches(held: Switches) -> Iterator[Finding]:
    """Bars as they were switched. What is named here is heeded only where it narrows."""
    for one in held.acts:
        if not one.logged:
            heeded = "it is heeded, from the bar's own first day" if one.on else "it is not heeded"
            where = f"the bar {one.bar}: switched {_word(on=one.on)} ({instant(one.at)}, {one.by})"
            yield Finding(where, f"stands in the table as it never was logged; {heeded}")
    for gone in held.gone:
        heeded = "it is heeded, from the bar's own first day" if gone.on else "it is not heeded"
        what = f"was logged (switch {gone.id}), and is gone from the table or changed; {heeded}"
        yield Finding(f"the bar {gone.bar}: switched {_word(on=gone.on)}", what)


def _word(*, on: bool) -> str:
    return "on" if on else "off"


def _gone(held: Held) -> Iterator[Finding]:
    """Leaves without a row: what somebody deleted, or changed into something else."""
    rows = {ballot_digest(ballot) for entry in held.entries for ballot in entry.ballots}
    rows.update(key_digest(key) for key in held.keys)
    rows.update(revocation_digest(key) for key in held.keys if key.revoked_at is not None)
    rows.update(
        event_digest(entry.agreement, entry.version, event, entry.text)
        for entry in held.entries
        for event in entry.events
    )
    rows.update(one.digest for one in held.proofs)
    for leaf in held.leaves:
        if leaf.public.get("digest") in rows or leaf.public.get("digest") is None:
            continue
        public: Mapping[str, object] = leaf.public
        place = "a note not yet in the tree" if leaf.index is None else f"entry {leaf.index} of the acts tree"
        yield Finding(place, f"tells of {_told(leaf.kind, public)}, which is gone from the table")


def _told(kind: str, public: Mapping[str, object]) -> str:
    if kind == "ballot":
        return (
            f"the ballot of {public['stakeholder']} on {public['agreement']} version {public['version']} "
            f"({public['question']} {public['choice']}, round {public.get('round')})"
        )
    if kind == "key":
        return f"{public['event']} of {public['role']} ({str(public.get('key'))[:16]})"
    if public["event"] == PROVED:
        return f"what was proved about {public['agreement']} version {public['version']}"
    return f"the step `{public['event']}` of {public['agreement']} version {public['version']}"


def sentences(findings: Sequence[Finding]) -> list[str]:
    """Each finding as a line."""
    return [f"{one.where} {one.what}" for one in findings]
