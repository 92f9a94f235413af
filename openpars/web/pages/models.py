# SPDX-License-Identifier: Apache-2.0
"""What the templates read: small frozen values, already in words. No template computes a rule."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from openpars.agreements.language.plain import Section
from openpars.agreements.votes.readings import Rule


class Level(StrEnum):
    """How a clock stands. The word is always printed beside the bar: colour is never the only sign."""

    CALM = "calm"
    SOON = "soon"
    URGENT = "urgent"
    LATE = "late"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class ClockView:
    """The 48-hour clock of one arrest. `used` and `total` in hours draw the bar."""

    level: Level
    text: str
    word: str
    used: float
    total: float
    due: datetime | None
    why: str


@dataclass(frozen=True, slots=True)
class QueueRow:
    """One arrest in a list that is ordered by time left."""

    id: str
    name: str
    born: str
    dc_number: str
    district: str
    top_charge: str
    top_grade: str
    more_charges: int
    arrested_at: datetime | None
    state: str
    clock: ClockView
    href: str


@dataclass(frozen=True, slots=True)
class ChargeView:
    """A charge as police proposed it beside what the District Attorney decided."""

    number: int
    statute: str
    text: str
    counts: int
    proposed_grade: str
    stage: str
    decided_grade: str
    reason: str
    outcome: str  # in words; empty while there is none


@dataclass(frozen=True, slots=True)
class PersonView:
    """A victim or a crime witness, shown to the city's own staff only."""

    number: int
    role: str
    name: str


@dataclass(frozen=True, slots=True)
class Fact:
    """One line of a description list."""

    term: str
    value: str


@dataclass(frozen=True, slots=True)
class VersionRow:
    """One act in the history of a file."""

    version: int
    act: str
    by: str
    happened_at: datetime
    recorded_at: datetime
    more: str  # what a correction changed, and why


@dataclass(frozen=True, slots=True)
class Step:
    """One step of an arrest's way. `done`, `current` or `todo`; `when` in words."""

    label: str
    status: str
    when: str


@dataclass(frozen=True, slots=True)
class FileView:
    """A whole arrest file for the city's own staff."""

    id: str
    version: int
    name: str
    state: str
    sealed: bool
    clock: ClockView
    steps: tuple[Step, ...]
    incident: tuple[Fact, ...]
    person: tuple[Fact, ...]
    charges: tuple[ChargeView, ...]
    participants: tuple[PersonView, ...]
    court: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to mend in a form: where, and in plain words what would be right."""

    field: str
    text: str


@dataclass(frozen=True, slots=True)
class DemoDesk:
    """One button of the demonstration's sign-in page."""

    key: str
    name: str
    text: str
    href: str


@dataclass(frozen=True, slots=True)
class BallotView:
    """One ballot of a stakeholder. `unsigned`: cast under a demo key, without the owner's signature.

    `delegate`: the label of the key. `state`: `counts`, `replaced`, `key_revoked_since`, or the word of the
    `Doubt` for which it does not count.
    """

    who: str
    question: str
    choice: str
    at: datetime
    unsigned: bool
    number: int
    delegate: str
    key: str
    round: int
    expires: datetime
    state: str
    ending: bool


@dataclass(frozen=True, slots=True)
class RoundView:
    """One asking of a question about a version."""

    question: str
    number: int
    asked_by: str
    asked_at: datetime
    closes_at: datetime
    outcome: str
    decided_at: datetime | None


@dataclass(frozen=True, slots=True)
class EventView:
    """One step of an agreement's life, as the register keeps it."""

    what: str
    at: datetime
    by: str
    said: str  # what the machine wrote, in the page's language
    reason: str  # what a person wrote, as it was written


@dataclass(frozen=True, slots=True)
class VersionLink:
    """One version of an agreement in the register."""

    number: int
    state: str
    begins: datetime | None
    ends: datetime | None
    href: str


@dataclass(frozen=True, slots=True)
class PastAgreement:
    """An agreement a recipient held, on the page that says it is over."""

    id: str
    state: str
    ends: datetime
    href: str


@dataclass(frozen=True, slots=True)
class AgreementCard:
    """An agreement in the register's list. `ends` is exclusive: the first instant outside."""

    id: str
    title: str
    recipient: str
    provider: str
    version: int
    state: str
    purposes: tuple[str, ...]
    begins: datetime | None
    ends: datetime | None
    zone: str
    versions: tuple[VersionLink, ...]
    href: str


@dataclass(frozen=True, slots=True)
class AgreementView:
    """One version of one agreement, whole."""

    card: AgreementCard
    title: str
    hash: str
    plain: tuple[Section, ...]
    ballots: tuple[BallotView, ...]
    rounds: tuple[RoundView, ...]
    life: tuple[EventView, ...]
    source: str
    reconstructed: bool
    broken: bool


@dataclass(frozen=True, slots=True)
class CaseView:
    """Ballots worth showing, and what becomes of the agreement under each reading. `told`: reported."""

    id: str
    told: bool
    fates: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class ReadingsView:
    """A disputed rule of the vote. Of all ways to answer, the readings agree on `agree`, part on `part`."""

    rules: tuple[Rule, ...]
    cases: tuple[CaseView, ...]
    agree: int
    part: int


@dataclass(frozen=True, slots=True)
class TreeView:
    """The latest checkpoint of the public tree, taken apart for reading; `size` None: none yet."""

    size: int | None
    root: str
    text: str


@dataclass(frozen=True, slots=True)
class KeyChoice:
    """One granted way to find: the fields to fill in together."""

    index: int
    label: str
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PurposeChoice:
    """One purpose the agreement lists."""

    code: str
    label: str


@dataclass(frozen=True, slots=True)
class MyAgreement:
    """An agreement in force, as its recipient sees it: what may be asked, by what, and until when."""

    id: str
    title: str
    version: int
    ends: datetime | None
    purposes: tuple[PurposeChoice, ...]
    purpose: str
    keys: tuple[KeyChoice, ...]
    shown: tuple[str, ...]
    case_required: bool
    may_search: bool
    may_alert: bool
    plain: tuple[Section, ...]


@dataclass(frozen=True, slots=True)
class RecordView:
    """One record as disclosed: exactly the granted fields that are known, in the catalogue's order."""

    id: str
    title: str
    facts: tuple[Fact, ...]
    charges: tuple[tuple[str, str], ...]
