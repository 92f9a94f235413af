# SPDX-License-Identifier: Apache-2.0
"""The JSON of a correction: every part of a file that staff may set right, all of it optional."""

from __future__ import annotations

from typing import Literal

from openpars.record.forms import ArresteeCorrection, ChargeCorrection, Correction, NameCorrection
from openpars.web.shapes import Coming, Day, Instant, Number, ParticipantShape, Shape, Text, now


class NameCorrectionShape(Shape):
    """Parts of a name; null leaves a part as it is."""

    last: Text | None = None
    first: Text | None = None
    middle: Text | None = None
    suffix: Text | None = None


class ArresteeCorrectionShape(Shape):
    """What was wrong about the person; null leaves it."""

    name: NameCorrectionShape | None = None
    birth_date: Day | None = None
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

    def form(self) -> ArresteeCorrection:
        """The typed value."""
        name = self.name
        return ArresteeCorrection(
            name=NameCorrection(name.last, name.first, name.middle, name.suffix)
            if name is not None
            else None,
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


class ChargeCorrectionShape(Shape):
    """What was wrong about one charge."""

    charge: Number
    statute: Text | None = None
    grade: Text | None = None
    counts: Number | None = None


class CorrectShape(Shape):
    """POST …/correct. `clear` names what becomes unknown: null leaves a value as it is."""

    reason: Text | None = None
    arrestee: ArresteeCorrectionShape | None = None
    participants: list[ParticipantShape] | None = None
    charges: list[ChargeCorrectionShape] | None = None
    arrested_at: Instant | None = None
    district: Text | None = None
    otn: Text | None = None
    docket: Text | None = None
    next_date: Coming | None = None
    clear: list[Text] | None = None

    def form(self) -> Correction:
        """The typed value."""
        people = self.participants
        return Correction(
            reason=self.reason,
            at=now(),
            arrestee=self.arrestee.form() if self.arrestee is not None else None,
            participants=tuple(one.form() for one in people) if people is not None else None,
            charges=tuple(
                ChargeCorrection(one.charge, one.statute, one.grade, one.counts) for one in self.charges or ()
            ),
            arrested_at=self.arrested_at,
            district=self.district,
            otn=self.otn,
            docket=self.docket,
            next_date=self.next_date,
            clear=tuple(self.clear or ()),
        )
