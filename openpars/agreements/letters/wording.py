# SPDX-License-Identifier: Apache-2.0
"""Letters about an agreement as values: what a letter says is made from the agreement the machine obeys.

Pure. The solicitor adds a text of their own and a deadline; parties, version, term, clause, rule and dates
come from the agreement and are never typed. A letter is a closed JSON object: its hash stands in the log,
and its PDF is made of it and of nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from hashlib import sha256
from zoneinfo import ZoneInfo

from openpars.agreements.language.plain import sections
from openpars.agreements.language.words import ENGLISH
from openpars.agreements.model import Agreement, Silence, Version
from openpars.errors import Code, refuse
from openpars.log.draft import JSON
from openpars.log.leaf import canonical
from openpars.record.checks import need
from openpars.record.values import free_text

TEXT_LIMIT = 6_000
LINE_LIMIT = 200


class LetterKind(StrEnum):
    """What a letter is for."""

    NOTICE = "notice"
    INQUIRY = "inquiry"
    BREACH = "breach"
    RENEWAL = "renewal"


class Service(StrEnum):
    """How a letter was served."""

    EMAIL = "email"
    HAND = "hand"
    POST = "post"
    PORTAL = "portal"


@dataclass(frozen=True, slots=True)
class Written:
    """What the solicitor writes: the kind, a text, and where the kind has them a clause and a deadline.

    `clause`: the id of a section of the agreement's plain text. `deadline`: the last civil day for an answer.
    """

    kind: LetterKind
    text: str | None = None
    clause: str | None = None
    deadline: date | None = None
    to: str | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """What the register knows at that moment. `notice_ends` None: no notice stands."""

    number: int
    recipient: str
    today: date
    ends: datetime
    notice_at: datetime | None = None
    notice_ends: datetime | None = None


TITLES: Mapping[LetterKind, str] = {
    LetterKind.NOTICE: "Notice of the end of the agreement",
    LetterKind.INQUIRY: "Inquiry about the use of shared records",
    LetterKind.BREACH: "Breach of the agreement",
    LetterKind.RENEWAL: "The agreement's term is ending",
}
_NEEDS_TEXT = frozenset({LetterKind.INQUIRY, LetterKind.BREACH})
_NEEDS_DEADLINE = frozenset({LetterKind.INQUIRY, LetterKind.BREACH, LetterKind.RENEWAL})


def compose(version: Version, written: Written, facts: Facts) -> dict[str, JSON]:
    """The letter's content. Raises Refused INVALID with the field, CONFLICT for notice that was not given."""
    agreement = version.agreement
    own = _text(written)
    deadline = _deadline(written, facts)
    body: list[JSON] = [_paragraph(_about(version)), *_said(version, written, facts)]
    if own:
        body.append({"kind": "own", "text": own})
    body.extend(_paragraph(text) for text in _asks(agreement, written.kind, deadline))
    return {
        "v": 1,
        "agreement": agreement.id,
        "version": version.number,
        "text_hash": version.hash,
        "letter": facts.number,
        "letter_kind": written.kind.value,
        "title": TITLES[written.kind],
        "from": named(agreement.provider),
        "to": _address(written, facts),
        "zone": version.term.zone,
        "dated": facts.today.isoformat(),
        "date": long_day(facts.today),
        "deadline": deadline.isoformat() if deadline is not None else None,
        "blocks": body,
        "signed": f"City Solicitor, {named(agreement.provider)}",
    }


def encoded(content: Mapping[str, JSON]) -> str:
    """The content as it is stored and hashed: canonical JSON."""
    return canonical(dict(content)).decode()


def fingerprint(text: str) -> str:
    """SHA-256 of the stored content, hex: what the log and the letter's foot say."""
    return sha256(text.encode()).hexdigest()


def long_day(day: date) -> str:
    """`5 January 2027`."""
    return f"{day.day} {day:%B %Y}"


def named(party: str) -> str:
    """A party's id in words: `City of Philadelphia`."""
    return " ".join(word if word in {"of", "the", "and"} else word.capitalize() for word in party.split("-"))


def deadline_passed(deadline: date | None, now: datetime, zone: str) -> bool:
    """Whether the whole last day for an answer is over, in the agreement's zone."""
    return deadline is not None and now.astimezone(ZoneInfo(zone)).date() > deadline


def _text(written: Written) -> str | None:
    if written.text is None or not written.text.strip():
        if written.kind in _NEEDS_TEXT:
            raise refuse(Code.INVALID, "Say what you ask about, or what the breach is.", "text")
        return None
    return need(lambda typed: free_text(typed, TEXT_LIMIT), written.text, "text")


def _deadline(written: Written, facts: Facts) -> date | None:
    if written.deadline is None:
        if written.kind in _NEEDS_DEADLINE:
            raise refuse(Code.INVALID, "Say by which day you ask for an answer.", "deadline")
        return None
    if written.kind is LetterKind.NOTICE:
        raise refuse(
            Code.INVALID, "Notice of the end asks for no answer: leave the deadline out.", "deadline"
        )
    if written.deadline <= facts.today:
        raise refuse(Code.INVALID, "The deadline must be a later day than today.", "deadline")
    return written.deadline


def _address(written: Written, facts: Facts) -> list[JSON]:
    if written.to is None or not written.to.strip():
        return [facts.recipient]
    lines = need(lambda typed: free_text(typed, LINE_LIMIT * 6), written.to, "to").split("\n")
    if len(lines) > 6 or any(len(line) > LINE_LIMIT for line in lines):
        raise refuse(Code.INVALID, "An address of at most six lines.", "to")
    return [facts.recipient, *(line.strip() for line in lines if line.strip())]


def _paragraph(text: str) -> dict[str, JSON]:
    return {"kind": "paragraph", "text": text}


def _about(version: Version) -> str:
    agreement, term = version.agreement, version.term
    title = f" “{agreement.title}”" if agreement.title else ""
    return (
        f"This letter concerns the data-sharing agreement{title} ({agreement.id}, version {version.number}) "
        f"between the {named(agreement.provider)} and you. Its term runs from "
        f"{ENGLISH.moment(term.begins, term.zone)} until {ENGLISH.moment(term.ends, term.zone)}; "
        "that last instant is not part of it."
    )


def _said(version: Version, written: Written, facts: Facts) -> list[JSON]:
    """The part that the kind adds before the solicitor's own words."""
    zone = version.term.zone
    if written.kind is LetterKind.NOTICE:
        if facts.notice_at is None or facts.notice_ends is None:
            raise refuse(Code.CONFLICT, "Give notice first: the letter says the instant it is for.", "kind")
        return [
            _paragraph(
                f"The city gave notice on {ENGLISH.moment(facts.notice_at, zone)}. The agreement ends at "
                f"{ENGLISH.moment(facts.notice_ends, zone)}; that instant is not part of it. "
                f"Its text asks for {version.term.notice_days} days of notice. "
                "Until then it holds in every respect."
            ),
            _paragraph(
                "At that instant every search is refused, every feed says its last word and closes, queued "
                "alerts are dropped, and your share of the record and its login no longer exist. No act of "
                "yours is needed."
            ),
            *_duties(version.agreement),
        ]
    if written.kind is LetterKind.RENEWAL:
        return [
            _paragraph(
                f"The agreement ends at {ENGLISH.moment(facts.ends, zone)}. {_silence(version.agreement)}"
            )
        ]
    return _clause(version, written.clause)


def _duties(agreement: Agreement) -> list[JSON]:
    days = agreement.duties.destroy_when_withdrawn_within_days
    if days is None:
        return []
    return [_paragraph(f"You remain bound to destroy what is withdrawn from your share within {days} days.")]


def _silence(agreement: Agreement) -> str:
    decision = agreement.decision
    rule = f"It goes on only if the owners renew it by their rule, “{decision.renew}”. "
    if decision.silence is Silence.CONTINUE:
        return rule + "Where a question is closed, an owner's silence counts as going on."
    return rule + "An owner's silence does not renew it: without their votes it lapses at that instant."


def _clause(version: Version, clause: str | None) -> list[JSON]:
    if clause is None:
        return []
    found = next((one for one in sections(version, ENGLISH) if one.id == clause), None)
    if found is None:
        raise refuse(Code.INVALID, "A section of the agreement's plain text, by its id.", "clause")
    lines: list[JSON] = [text.replace("`", "") for text in (*found.paragraphs, *found.points)]
    return [{"kind": "clause", "title": f"The clause: {found.title.replace('`', '')}", "lines": lines}]


def _asks(agreement: Agreement, kind: LetterKind, deadline: date | None) -> list[str]:
    by = long_day(deadline) if deadline is not None else ""
    match kind:
        case LetterKind.NOTICE:
            return []
        case LetterKind.INQUIRY:
            answer = (
                f"Please answer in writing by the end of {by}. Give examples: name the case numbers under "
                "which records were asked for, what was done with what was received, and who was told of it. "
                "Name no person in your answer; the case numbers suffice."
            )
            return [answer, "If none comes by then, the public register will say that none came."]
        case LetterKind.BREACH:
            powers = (
                "Any one of the three owners may suspend the agreement at once, and the owners may end it by "
                f"their rule, “{agreement.decision.end}”, without further notice."
            )
            return [f"Please cure the breach and say in writing how, by the end of {by}.", powers]
        case LetterKind.RENEWAL:
            wish = (
                f"Please say in writing by the end of {by} whether you ask for a renewal, and confirm that "
                "you kept the agreement's limits and duties during its term."
            )
            return [wish]
