# SPDX-License-Identifier: Apache-2.0
"""What a desk hands in: one typed value for each act.

Types are right, meaning is not yet checked: `record.acts` does that, the same way for a person at a
desk, for a file from the court and for the synthetic city. All instants are timezone-aware.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Literal

from openpars.record.file import BailType, Custody, Name, Role


class Act(StrEnum):
    """Every act, as it stands in a file's history and in the acts log."""

    BOOK = "book"
    PROPOSE_CHARGES = "propose_charges"
    DECIDE_CHARGES = "decide_charges"
    FILE_COMPLAINT = "file_complaint"
    INTERVIEW = "interview"
    ARRAIGN = "arraign"
    SET_BAIL = "set_bail"
    CHANGE_CUSTODY = "change_custody"
    CORRECT = "correct"
    SEAL = "seal"
    UNSEAL = "unseal"
    EXPUNGE = "expunge"
    FILE_DOCKET = "file_docket"
    WITHDRAW_DOCKET = "withdraw_docket"
    REPRESENT = "represent"
    DISPOSE = "dispose"


@dataclass(frozen=True, slots=True)
class ArresteeForm:
    """Who was arrested, as stated at booking. Strings are as typed."""

    name: Name
    birth_date: date
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
    consular_notice: str | None = None


@dataclass(frozen=True, slots=True)
class ParticipantForm:
    """A victim or a crime witness."""

    role: Role
    name: Name
    birth_date: date | None = None


@dataclass(frozen=True, slots=True)
class ChargeForm:
    """A charge police propose. Its text comes from the statute table, never from the form."""

    statute: str
    grade: str | None = None
    counts: int = 1


@dataclass(frozen=True, slots=True)
class Booking:
    """An arrest. `same_incident` allows a DC number that another person's arrest already has."""

    dc_number: str
    arrested_at: datetime
    arrestee: ArresteeForm
    district: str | None = None
    otn: str | None = None
    participants: tuple[ParticipantForm, ...] = ()
    charges: tuple[ChargeForm, ...] = ()
    custody_place: str | None = None
    same_incident: bool = False


@dataclass(frozen=True, slots=True)
class ProposedCharges:
    """Charges added by police before a complaint is filed."""

    charges: tuple[ChargeForm, ...]
    at: datetime


@dataclass(frozen=True, slots=True)
class Decision:
    """The District Attorney's word on one charge. `changed` names the new grade, statute or both."""

    charge: int
    decision: Literal["approved", "changed", "declined"]
    grade: str | None = None
    statute: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class ChargingDecisions:
    """One or more decisions, made together."""

    decisions: tuple[Decision, ...]
    at: datetime


@dataclass(frozen=True, slots=True)
class ComplaintFiled:
    """The complaint, generated from the approved charges; the court's numbers where it gave them."""

    at: datetime
    docket: str | None = None
    otn: str | None = None


@dataclass(frozen=True, slots=True)
class InterviewHeld:
    """Pretrial services' interview (Rule 530)."""

    held_at: datetime
    notes: str | None


@dataclass(frozen=True, slots=True)
class BailForm:
    """A bail order. `amount` in whole US dollars; `percent` is the deposit."""

    type: BailType | None
    at: datetime
    amount: int | None = None
    percent: int | None = None
    posted: bool = False
    ability_to_pay: str | None = None
    reasons: str | None = None


@dataclass(frozen=True, slots=True)
class ArraignmentHeld:
    """A preliminary arraignment as it was held."""

    held_at: datetime
    probable_cause: bool
    magistrate: str | None = None
    rights_given: bool = False
    bail: BailForm | None = None
    next_date: datetime | None = None
    docket: str | None = None


@dataclass(frozen=True, slots=True)
class CustodyChange:
    """The hold/release indicator is set."""

    custody: Custody
    at: datetime
    place: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """The court's word on one charge. `vacated` takes an outcome back: the charge is open again."""

    charge: int
    disposition: Literal["convicted", "acquitted", "dismissed", "withdrawn", "diverted", "vacated"]
    at: datetime


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Outcomes recorded together. `at`: when the last of them came about."""

    dispositions: tuple[Outcome, ...]
    at: datetime


@dataclass(frozen=True, slots=True)
class ChargeCorrection:
    """What was written wrongly about one charge; None leaves it."""

    charge: int
    statute: str | None = None
    grade: str | None = None
    counts: int | None = None


@dataclass(frozen=True, slots=True)
class NameCorrection:
    """Parts of a name written wrongly; None leaves a part as it is."""

    last: str | None = None
    first: str | None = None
    middle: str | None = None
    suffix: str | None = None


@dataclass(frozen=True, slots=True)
class ArresteeCorrection:
    """What was written wrongly about the person; None leaves it."""

    name: NameCorrection | None = None
    birth_date: date | None = None
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
    consular_notice: str | None = None


CLEARABLE = (
    "arrestee.name.middle",
    "arrestee.name.suffix",
    "arrestee.sex",
    "arrestee.race",
    "arrestee.birth_country",
    "arrestee.ssn",
    "arrestee.sid",
    "arrestee.ppn",
    "arrestee.zip",
    "arrestee.ethnicity",
    "arrestee.birth_place",
    "arrestee.address",
    "arrestee.interpreter",
    "arrestee.consular_notice",
    "district",
    "otn",
    "docket",
    "next_date",
    "custody_place",
    "participants",
)
"""Fields that a correction may make unknown again, by name in `clear`."""


@dataclass(frozen=True, slots=True)
class Correction:
    """What the record had wrong. `clear` names fields to make unknown: None never erases."""

    reason: str | None
    at: datetime
    arrestee: ArresteeCorrection | None = None
    participants: tuple[ParticipantForm, ...] | None = None
    charges: tuple[ChargeCorrection, ...] = ()
    arrested_at: datetime | None = None
    district: str | None = None
    otn: str | None = None
    docket: str | None = None
    next_date: datetime | None = None
    clear: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Order:
    """A court order to seal, unseal or expunge: its number and what it says."""

    order: str
    reason: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class CourtDocket:
    """A docket as the court's list has it. What the list does not say is None and stays unknown.

    `charges` are texts. `name` and `custody` None: this source does not say, and what is known stays.
    """

    docket: str
    name: Name | None
    at: datetime
    filed_at: datetime | None = None
    age_stated: int | None = None
    zip: str | None = None
    charges: tuple[str, ...] = ()
    represented: str | None = None
    bail: BailForm | None = None
    custody: Custody | None = None
    custody_place: str | None = None
    next_date: datetime | None = None


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """The court's list dropped a docket before its week was over."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Representation:
    """Who defends: `defender`, `private` or `none`."""

    represented: str
    at: datetime
