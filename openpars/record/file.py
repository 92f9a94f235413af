# SPDX-License-Identifier: Apache-2.0
"""The arrest file: everything the city holds about one arrest, as one frozen value.

Values only; no database, no clock. An act makes a new value from an old one (`record.acts`), the
store keeps every value as a version (`record.store`), and `agreements.project` reads one to decide
what a recipient may see.

There is no field for immigration or citizenship status, and there never will be.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

HOME = "philadelphia"
"""The jurisdiction of a database that holds one city."""


class Role(StrEnum):
    """What a person is in this arrest."""

    ARRESTEE = "arrestee"
    VICTIM = "victim"
    CRIME_WITNESS = "crime_witness"


class Stage(StrEnum):
    """How far a charge has come. `filed` is a charge known only from the court's own list."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    CHANGED = "changed"
    DECLINED = "declined"
    FILED = "filed"


class BailType(StrEnum):
    """Release types of Pa.R.Crim.P. 524, and `denied` (Rule 520)."""

    ROR = "ror"
    NONMONETARY = "nonmonetary"
    UNSECURED = "unsecured"
    NOMINAL = "nominal"
    MONETARY = "monetary"
    DENIED = "denied"


class Custody(StrEnum):
    """The hold/release indicator."""

    HELD = "held"
    RELEASED = "released"
    COMMITTED = "committed"


class Disposition(StrEnum):
    """The outcome of one charge. No outcome yet, or one that was taken back, is None and never a word."""

    CONVICTED = "convicted"  # by plea or verdict
    ACQUITTED = "acquitted"
    DISMISSED = "dismissed"  # by the court, at the preliminary hearing or later
    WITHDRAWN = "withdrawn"  # by the District Attorney
    DIVERTED = "diverted"  # such as Accelerated Rehabilitative Disposition: no conviction


class ConsularNotice(StrEnum):
    """What was done about consular notice (Vienna Convention on Consular Relations, Art. 36(1)(b)).

    It says what was done and never what anybody is: there is no word for "does not apply", which
    would state a citizenship, and `told` is what everybody is told, wherever they were born.
    """

    TOLD = "told"  # told, in the words everybody is told, that a consulate can be informed
    REQUESTED = "requested"  # and asked for it
    MADE = "made"  # a consulate was informed


class Seal(StrEnum):
    """Whether the file may be seen at all."""

    OPEN = "open"
    SEALED = "sealed"
    EXPUNGED = "expunged"
    WITHDRAWN = "withdrawn"  # the court's list dropped the docket before its week was over


@dataclass(frozen=True, slots=True)
class Name:
    """A person's name as written down. Matching normalises it (`record.names.key`), storage does not."""

    last: str
    first: str
    middle: str | None = None
    suffix: str | None = None


@dataclass(frozen=True, slots=True)
class Arrestee:
    """The person arrested. `None` means the file does not say: unknown is never granted.

    `person` is a random 16-byte id (hex) for the identity across arrests; it never leaves the city.
    `ssn` is nine digits. `birth_country` is ISO 3166-1 alpha-3. `age_stated` is what a court list
    said when it gave no birth date. `zip` is five digits. `ethnicity` is H, N or U (NIBRS). `birth_place`
    and `address` are free text as typed. `interpreter` is a code of `record.languages`.
    """

    person: str
    name: Name
    birth_date: date | None = None
    age_stated: int | None = None
    sex: str | None = None
    race: str | None = None
    birth_country: str | None = None
    ssn: str | None = None
    sid: str | None = None
    ppn: str | None = None
    zip: str | None = None
    ethnicity: str | None = None
    birth_place: str | None = None
    address: str | None = None
    interpreter: str | None = None
    consular_notice: ConsularNotice | None = None


@dataclass(frozen=True, slots=True)
class Participant:
    """A victim or a crime witness: a compartment of its own, numbered from 1 within the file."""

    number: int
    role: Role
    name: Name
    birth_date: date | None = None


@dataclass(frozen=True, slots=True)
class Charge:
    """A charge as police proposed it, beside what the District Attorney decided.

    `statute` is the CPCMS code (`18 § 2702 §§ A1`), None where only a text is known. `grade` is the
    proposed grade, `decided_grade` the District Attorney's. `effective_grade` is the one that counts.
    `disposition` is the court's outcome, None while there is none.
    """

    number: int
    statute: str | None
    text: str
    grade: str | None
    counts: int = 1
    stage: Stage = Stage.PROPOSED
    decided_grade: str | None = None
    reason: str | None = None
    decided_at: datetime | None = None
    disposition: Disposition | None = None
    disposed_at: datetime | None = None

    @property
    def effective_grade(self) -> str | None:
        """The District Attorney's grade where one was given, else the proposed one."""
        return self.decided_grade or self.grade


@dataclass(frozen=True, slots=True)
class Bail:
    """The bail now in force. `amount` in whole US dollars; `percent` is the deposit (Rule 528)."""

    type: BailType | None
    amount: int | None = None
    percent: int | None = None
    posted: bool = False
    ability_to_pay: str | None = None
    reasons: str | None = None
    set_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class PreliminaryArraignment:
    """First appearance (Rule 540). `rights_given`: read the complaint, told of counsel, hearing, bail."""

    held_at: datetime
    magistrate: str
    probable_cause: bool
    rights_given: bool


@dataclass(frozen=True, slots=True)
class Interview:
    """Pretrial interview, a compartment of its own: Rule 530(C) closes it to police and to partners."""

    held_at: datetime
    notes: str | None


@dataclass(frozen=True, slots=True)
class ArrestFile:
    """One arrest, whole. All instants are timezone-aware.

    `id` is the city's own random id (uuid text), never shown outside. `version` counts acts from 1.
    `arrested_at`, `dc_number`, `district` are None for files that began as a court docket.
    `represented` is the defence as the court lists it: `defender`, `private`, `none`, or None unknown.
    """

    id: str
    version: int
    arrestee: Arrestee
    dc_number: str | None = None
    otn: str | None = None
    docket: str | None = None
    filed_at: datetime | None = None
    arrested_at: datetime | None = None
    district: str | None = None
    participants: tuple[Participant, ...] = ()
    charges: tuple[Charge, ...] = ()
    complaint_at: datetime | None = None
    interview: Interview | None = None
    arraignment: PreliminaryArraignment | None = None
    bail: Bail | None = None
    custody: Custody | None = None
    custody_place: str | None = None
    custody_at: datetime | None = None  # when `custody` was last set: the clocks start from it
    next_date: datetime | None = None
    represented: str | None = None
    seal: Seal = Seal.OPEN
    jurisdiction: str = HOME
