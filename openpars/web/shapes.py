# SPDX-License-Identifier: Apache-2.0
"""The JSON that desks send, closed and strict: an unknown field is a mistake, and null means absent.

Only the shape is checked here. What the values mean is `record.acts`' to say, with the same field
names. No message repeats what was sent.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from openpars.record import values
from openpars.record.file import HOME, BailType, Custody, Name, Role
from openpars.record.forms import (
    ArraignmentHeld,
    ArresteeForm,
    BailForm,
    Booking,
    ChargeForm,
    ChargingDecisions,
    ComplaintFiled,
    CourtDocket,
    CustodyChange,
    Decision,
    InterviewHeld,
    Order,
    Outcome,
    Outcomes,
    ParticipantForm,
    ProposedCharges,
    Representation,
    Withdrawal,
)
from openpars.record.pack import pack


def _day(typed: object) -> object:
    return values.day(typed if isinstance(typed, str) else "")


def _instant(typed: object) -> object:
    return values.instant(typed if isinstance(typed, str) else "", pack(HOME).zone)


def _coming(typed: object) -> object:
    """A next date: a time, or a day alone, which then stands for its beginning."""
    if isinstance(typed, str) and len(typed.strip()) <= 10:
        return values.start_of_day(values.day(typed), pack(HOME).zone)
    return _instant(typed)


_TEXT_DATE = {"type": "string", "examples": ["1990-03-04", "3/4/1990"]}
_TEXT_TIME = {"type": "string", "examples": ["2026-11-21T20:14:00-05:00"]}

Day = Annotated[date, BeforeValidator(_day), WithJsonSchema(_TEXT_DATE)]
Instant = Annotated[datetime, BeforeValidator(_instant), WithJsonSchema(_TEXT_TIME)]
Coming = Annotated[datetime, BeforeValidator(_coming), WithJsonSchema(_TEXT_TIME)]
Text = Annotated[str, Field(max_length=values.NOTES_LIMIT)]
Number = Annotated[int, Field(ge=-(2**53), le=2**53)]


class Shape(BaseModel):
    """Closed, strict and frozen."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)


def now() -> datetime:
    """Times default to it."""
    return datetime.now(UTC)


class NameShape(Shape):
    """A person's name."""

    last: Text
    first: Text
    middle: Text | None = None
    suffix: Text | None = None

    def form(self) -> Name:
        """The typed value."""
        return Name(self.last, self.first, self.middle, self.suffix)


class ArresteeShape(Shape):
    """Who was arrested. `birth_country` is ISO 3166-1 alpha-3."""

    name: NameShape
    birth_date: Day
    sex: Text | None = None
    race: Text | None = None
    birth_country: Text | None = None
    ssn: Text | None = None
    sid: Text | None = None
    ppn: Text | None = None
    zip: Text | None = None
    ethnicity: Text | None = None
    birth_place: Text | None = None
    address: Text | None = None
    interpreter: Text | None = None
    consular_notice: Literal["told", "requested", "made"] | None = None

    def form(self) -> ArresteeForm:
        """The typed value."""
        return ArresteeForm(
            name=self.name.form(),
            birth_date=self.birth_date,
            sex=self.sex,
            race=self.race,
            birth_country=self.birth_country,
            ssn=self.ssn,
            sid=self.sid,
            ppn=self.ppn,
            zip=self.zip,
            ethnicity=self.ethnicity,
            birth_place=self.birth_place,
            address=self.address,
            interpreter=self.interpreter,
            consular_notice=self.consular_notice,
        )


class ParticipantShape(Shape):
    """A victim or a crime witness."""

    role: Literal["victim", "crime_witness"]
    name: NameShape
    birth_date: Day | None = None

    def form(self) -> ParticipantForm:
        """The typed value."""
        return ParticipantForm(Role(self.role), self.name.form(), self.birth_date)


class ChargeShape(Shape):
    """A proposed charge; its text comes from the statute table."""

    statute: Text
    grade: Text | None = None
    counts: Number | None = None

    def form(self) -> ChargeForm:
        """The typed value."""
        return ChargeForm(self.statute, self.grade, 1 if self.counts is None else self.counts)


class BookingShape(Shape):
    """POST /desk/arrests."""

    dc_number: Text
    arrested_at: Instant
    arrestee: ArresteeShape
    district: Text | None = None
    otn: Text | None = None
    participants: list[ParticipantShape] | None = None
    charges: list[ChargeShape] | None = None
    custody_place: Text | None = None
    same_incident: bool | None = None

    def form(self) -> Booking:
        """The typed value."""
        return Booking(
            dc_number=self.dc_number,
            arrested_at=self.arrested_at,
            arrestee=self.arrestee.form(),
            district=self.district,
            otn=self.otn,
            participants=tuple(one.form() for one in self.participants or ()),
            charges=tuple(one.form() for one in self.charges or ()),
            custody_place=self.custody_place,
            same_incident=bool(self.same_incident),
        )


class ChargesShape(Shape):
    """POST …/charges."""

    charges: list[ChargeShape]
    at: Instant | None = None

    def form(self) -> ProposedCharges:
        """The typed value."""
        return ProposedCharges(tuple(one.form() for one in self.charges), self.at or now())


class DecisionShape(Shape):
    """The District Attorney's word on one charge."""

    charge: Number
    decision: Literal["approved", "changed", "declined"]
    grade: Text | None = None
    statute: Text | None = None
    reason: Text | None = None


class ChargingShape(Shape):
    """POST …/charging."""

    decisions: list[DecisionShape]
    decided_at: Instant | None = None

    def form(self) -> ChargingDecisions:
        """The typed value."""
        decisions = tuple(
            Decision(one.charge, one.decision, one.grade, one.statute, one.reason) for one in self.decisions
        )
        return ChargingDecisions(decisions, self.decided_at or now())


class ComplaintShape(Shape):
    """POST …/complaint: `{}` will do, it is generated from the approved charges."""

    filed_at: Instant | None = None
    docket: Text | None = None
    otn: Text | None = None

    def form(self) -> ComplaintFiled:
        """The typed value."""
        return ComplaintFiled(self.filed_at or now(), self.docket, self.otn)


class InterviewShape(Shape):
    """POST …/interview: a compartment of its own."""

    notes: Text | None = None
    held_at: Instant | None = None

    def form(self) -> InterviewHeld:
        """The typed value."""
        return InterviewHeld(self.held_at or now(), self.notes)


class BailShape(Shape):
    """A bail order. `amount` in whole US dollars."""

    type: Literal["ror", "nonmonetary", "unsecured", "nominal", "monetary", "denied"]
    amount: Number | None = None
    percent: Number | None = None
    ability_to_pay: Text | None = None
    reasons: Text | None = None
    posted: bool | None = None

    def form(self, at: datetime) -> BailForm:
        """The typed value."""
        return BailForm(
            BailType(self.type),
            at,
            self.amount,
            self.percent,
            bool(self.posted),
            self.ability_to_pay,
            self.reasons,
        )


class SetBailShape(BailShape):
    """POST …/bail."""

    set_at: Instant | None = None


class ArraignmentShape(Shape):
    """POST …/arraignment."""

    probable_cause: bool
    held_at: Instant | None = None
    magistrate: Text | None = None
    rights_given: bool | None = None
    bail: BailShape | None = None
    next_date: Coming | None = None
    docket: Text | None = None

    def form(self) -> ArraignmentHeld:
        """The typed value."""
        at = self.held_at or now()
        return ArraignmentHeld(
            held_at=at,
            probable_cause=self.probable_cause,
            magistrate=self.magistrate,
            rights_given=bool(self.rights_given),
            bail=self.bail.form(at) if self.bail is not None else None,
            next_date=self.next_date,
            docket=self.docket,
        )


class CustodyShape(Shape):
    """POST …/custody."""

    custody: Literal["held", "released", "committed"]
    place: Text | None = None
    reason: Text | None = None
    at: Instant | None = None

    def form(self) -> CustodyChange:
        """The typed value."""
        return CustodyChange(Custody(self.custody), self.at or now(), self.place, self.reason)


class OutcomeShape(Shape):
    """The court's word on one charge; `vacated` takes an outcome back."""

    charge: Number
    disposition: Literal["convicted", "acquitted", "dismissed", "withdrawn", "diverted", "vacated"]
    disposed_at: Instant | None = None


class DispositionShape(Shape):
    """POST …/disposition."""

    dispositions: list[OutcomeShape]

    def form(self) -> Outcomes:
        """The typed value."""
        at = now()
        outcomes = tuple(
            Outcome(one.charge, one.disposition, one.disposed_at or at) for one in self.dispositions
        )
        return Outcomes(outcomes, max((one.at for one in outcomes), default=at))


class OrderShape(Shape):
    """POST …/seal, …/unseal, …/expunge."""

    order: Text
    reason: Text | None = None
    at: Instant | None = None

    def form(self) -> Order:
        """The typed value."""
        return Order(self.order, self.reason, self.at or now())


class ListedBailShape(Shape):
    """Bail as a court's list has it; what it does not say is null."""

    type: Literal["ror", "nonmonetary", "unsecured", "nominal", "monetary", "denied"] | None = None
    amount: Number | None = None
    percent: Number | None = None
    posted: bool | None = None
    set_at: Instant | None = None


class DocketShape(Shape):
    """POST /desk/dockets: a docket of the court's list."""

    docket: Text
    name: NameShape
    filed_at: Instant | None = None
    age: Number | None = None
    zip: Text | None = None
    charges: list[Text] | None = None
    represented: Text | None = None
    bail: ListedBailShape | None = None
    custody: Literal["held", "released", "committed"] | None = None
    custody_place: Text | None = None
    next_date: Coming | None = None
    at: Instant | None = None

    def form(self) -> CourtDocket:
        """The typed value."""
        at, bail = self.at or now(), self.bail
        listed: BailForm | None = None
        if bail is not None:
            kind = BailType(bail.type) if bail.type is not None else None
            listed = BailForm(kind, bail.set_at or at, bail.amount, bail.percent, bool(bail.posted))
        return CourtDocket(
            docket=self.docket,
            name=self.name.form(),
            at=at,
            filed_at=self.filed_at,
            age_stated=self.age,
            zip=self.zip,
            charges=tuple(self.charges or ()),
            represented=self.represented,
            bail=listed,
            custody=Custody(self.custody) if self.custody is not None else None,
            custody_place=self.custody_place,
            next_date=self.next_date,
        )


class WithdrawalShape(Shape):
    """POST /desk/dockets/{docket}/withdraw."""

    at: Instant | None = None

    def form(self) -> Withdrawal:
        """The typed value."""
        return Withdrawal(self.at or now())


class RepresentationShape(Shape):
    """POST …/representation."""

    represented: Literal["defender", "private", "none"]
    at: Instant | None = None

    def form(self) -> Representation:
        """The typed value."""
        return Representation(self.represented, self.at or now())


class NothingShape(Shape):
    """POST /agreements/{id}/letters/{number}/discard, …/publish: nothing to say."""


def schema_of(shape: type[Shape]) -> dict[str, Any]:
    """The JSON Schema of a shape with its parts written out, so that it stands alone in the OpenAPI text."""
    whole = shape.model_json_schema()
    parts: dict[str, Any] = whole.pop("$defs", {})

    def inline(node: Any) -> Any:
        if isinstance(node, dict):
            if "$ref" in node:
                return inline(parts[str(node["$ref"]).rpartition("/")[2]])
            return {name: inline(value) for name, value in node.items()}
        if isinstance(node, list):
            return [inline(value) for value in node]
        return node

    schema: dict[str, Any] = inline(whole)
    return schema
