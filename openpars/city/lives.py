# SPDX-License-Identifier: Apache-2.0
"""The whole life of one arrest: every version its file had until `now`, and who made it.

A life is first drawn as a list of acts that will come, then lived up to `now` through the same pure
functions that the desks use (`record.acts`), so that no invented file stands where a real one could
not. Arrests of the last hours are therefore caught in every stage, as in a real city at that minute.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from openpars.city.bail import first_bail, later_bail, next_court_date
from openpars.city.days import Slot
from openpars.city.draw import between, chance, hex_id, lognormal, one_of
from openpars.city.endings import Ending, outcomes
from openpars.city.people import adult_birth_date, make_name
from openpars.city.tables import Offence, Tables
from openpars.record import acts, disposing
from openpars.record.checks import Setting
from openpars.record.file import ArrestFile, BailType, Custody, Name, Role
from openpars.record.forms import (
    Act,
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
    ParticipantForm,
    ProposedCharges,
)

POLICE, DISTRICT_ATTORNEY, COURTS, RECORDS = "police", "district-attorney", "courts", "records"

_FREES = (BailType.ROR, BailType.NONMONETARY, BailType.UNSECURED)
_LOWER = {"F1": "F2", "F2": "F3", "F3": "M1", "M1": "M2", "M2": "M3"}


@dataclass(frozen=True, slots=True)
class Version:
    """One act and the file it left behind. `by_role` is the desk."""

    file: ArrestFile
    act: Act
    by_role: str
    happened_at: datetime


@dataclass(frozen=True, slots=True)
class Numbers:
    """The identifiers an arrest gets at booking."""

    dc_number: str
    otn: str
    district: str


@dataclass(frozen=True, slots=True)
class Case:
    """Who is arrested when. `person` is the identity (hex); `again_at` is that person's next arrest."""

    slot: Slot
    person: str
    arrestee: ArresteeForm
    numbers: Numbers
    again_at: datetime | None
    ending: Ending | None


Life = tuple[Version, ...]


@dataclass(frozen=True, slots=True)
class _Coming:
    at: datetime
    act: Act
    by_role: str
    do: Callable[[ArrestFile, Setting], ArrestFile]


def live(tables: Tables, rng: Random, case: Case, setting: Setting) -> Life:
    """One arrest from booking to the setting's `now`."""
    slot = case.slot
    offence = tables.leads.pick(rng)
    wait = slot.filed_at - slot.arrested_at
    booked_at = slot.arrested_at + min(wait * 0.15, _minutes(lognormal(rng, median=75, sigma=0.4)))
    charges = _propose(tables, rng, offence)
    with_booking = chance(rng, tables.invented["charges_with_booking"])
    booking = Booking(
        dc_number=case.numbers.dc_number,
        arrested_at=slot.arrested_at,
        arrestee=case.arrestee,
        district=case.numbers.district,
        otn=case.numbers.otn,
        participants=_participants(tables, rng, offence, at=slot.arrested_at),
        charges=charges if with_booking else (),
    )
    coming: list[_Coming] = []
    if not with_booking:
        proposed = ProposedCharges(charges, booked_at + wait * 0.06)
        coming.append(
            _Coming(
                proposed.at, Act.PROPOSE_CHARGES, POLICE, lambda f, s: acts.propose_charges(f, proposed, s)
            )
        )
    coming += _charging(tables, rng, slot=slot, charges=charges, booked_at=booked_at)
    if not slot.declined:
        coming += _court(tables, rng, case, offence)
    # Somebody arrested minutes ago is being booked at this moment.
    booked_at = min(booked_at, max(slot.arrested_at, setting.now))
    booked = acts.book(booking, setting, arrest=str(UUID(hex_id(rng))), person=case.person)
    return _lived(Version(booked, Act.BOOK, POLICE, booked_at), coming, setting)


def _lived(booked: Version, coming: list[_Coming], setting: Setting) -> Life:
    """Let the acts happen in order until now."""
    versions = [booked]
    for one in sorted(coming, key=lambda c: c.at):
        if one.at > setting.now:
            break
        file = one.do(versions[-1].file, setting)
        versions.append(Version(file, one.act, one.by_role, one.at))
    return tuple(versions)


def _minutes(count: float) -> timedelta:
    return timedelta(seconds=round(count * 60))


def _propose(tables: Tables, rng: Random, lead: Offence) -> tuple[ChargeForm, ...]:
    chosen = [lead]
    chosen += [tables.offences[statute] for statute, share in lead.companions if chance(rng, share)]
    return tuple(
        ChargeForm(offence.statute, offence.grades.pick(rng), 2 if chance(rng, 0.04) else 1)
        for offence in chosen
    )


def _participants(
    tables: Tables, rng: Random, offence: Offence, *, at: datetime
) -> tuple[ParticipantForm, ...]:
    roles: list[Role] = []
    if chance(rng, offence.victim):
        roles += [Role.VICTIM] * (2 if chance(rng, 0.08) else 1)
    if chance(rng, offence.crime_witness):
        roles += [Role.CRIME_WITNESS] * (2 if chance(rng, 0.15) else 1)
    return tuple(
        ParticipantForm(
            role, make_name(tables.names, rng), adult_birth_date(rng, at) if chance(rng, 0.5) else None
        )
        for role in roles
    )


def _charging(
    tables: Tables, rng: Random, *, slot: Slot, charges: tuple[ChargeForm, ...], booked_at: datetime
) -> list[_Coming]:
    """The District Attorney decides; a complaint follows, or the person goes home by the same act."""
    wait = slot.filed_at - slot.arrested_at
    decided_at = max(slot.arrested_at + wait * (0.32 + 0.28 * rng.random()), booked_at + wait * 0.07)
    decided = ChargingDecisions(
        tuple(
            _decide(tables.invented, rng, number=number, grade=charge.grade, declined=slot.declined)
            for number, charge in enumerate(charges, start=1)
        ),
        decided_at,
    )
    coming = [
        _Coming(
            decided_at, Act.DECIDE_CHARGES, DISTRICT_ATTORNEY, lambda f, s: acts.decide_charges(f, decided, s)
        )
    ]
    if slot.declined:
        return coming
    complaint = ComplaintFiled(decided_at + min(wait * 0.1, _minutes(10 + 35 * rng.random())))
    coming.append(
        _Coming(
            complaint.at,
            Act.FILE_COMPLAINT,
            DISTRICT_ATTORNEY,
            lambda f, s: acts.file_complaint(f, complaint, s),
        )
    )
    if chance(rng, tables.invented["interviewed"]):
        held = InterviewHeld(
            slot.arrested_at + wait * (0.3 + 0.6 * rng.random()),
            one_of(rng, tuple(tables.invented["interview_notes"])),
        )
        coming.append(_Coming(held.held_at, Act.INTERVIEW, COURTS, lambda f, s: acts.interview(f, held, s)))
    return coming


def _decide(
    invented: dict[str, Any], rng: Random, *, number: int, grade: str | None, declined: bool
) -> Decision:
    if declined or (number > 1 and chance(rng, invented["companion_declined"])):
        return Decision(number, "declined", reason=one_of(rng, tuple(invented["decline_reasons"])))
    lower = _LOWER.get(grade or "")
    if lower is not None and chance(rng, invented["charge_changed"]):
        return Decision(number, "changed", grade=lower, reason=one_of(rng, tuple(invented["change_reasons"])))
    return Decision(number, "approved")


def _court(tables: Tables, rng: Random, case: Case, offence: Offence) -> list[_Coming]:
    """Docket, preliminary arraignment, bail and custody, and what follows in the next days."""
    slot = case.slot
    held_at = slot.filed_at + _minutes(min(lognormal(rng, median=3.2, sigma=1.1), 90.0))
    bail = first_bail(tables, rng, offence, at=held_at)
    goes_home = bail.type in _FREES
    listed = CourtDocket(
        docket=slot.docket or "",
        name=Name(case.arrestee.name.last, case.arrestee.name.first),
        at=slot.filed_at,
        filed_at=slot.filed_at,
        represented=_defence(tables.measured, rng),
    )
    arraigned = ArraignmentHeld(
        held_at=held_at,
        probable_cause=True,
        magistrate=one_of(rng, tuple(tables.invented["magistrates"])),
        rights_given=True,
        bail=bail,
        next_date=next_court_date(rng, held_at, committed=not goes_home),
        docket=slot.docket,
    )
    coming = [
        _Coming(
            slot.filed_at,
            Act.FILE_DOCKET,
            COURTS,
            lambda f, s: acts.file_docket(f, listed, s, arrest=f.id, person=case.person),
        ),
        _Coming(held_at, Act.ARRAIGN, COURTS, lambda f, s: acts.arraign(f, arraigned, s)),
    ]
    orders = later_bail(tables, rng, bail, again_at=case.again_at)
    out_at = next((order.at for order in orders if order.type in _FREES or order.posted), None)
    if not goes_home:
        jailed = CustodyChange(
            Custody.COMMITTED, held_at + _minutes(20 + 70 * rng.random()), _jail(tables.measured, rng)
        )
        if out_at is None or out_at > jailed.at:
            coming.append(
                _Coming(jailed.at, Act.CHANGE_CUSTODY, COURTS, lambda f, s: acts.change_custody(f, jailed, s))
            )
    coming.extend(_ordered(order) for order in orders)
    if case.ending is not None:
        coming.append(_ended(case.ending, held_at + case.ending.after))
    if chance(rng, tables.invented["sealed_later"]):
        sealed = Order(
            f"Order {between(rng, 1000, 9999)}",
            "Limited access",
            held_at + timedelta(days=between(rng, 8, 20)),
        )
        coming.append(_Coming(sealed.at, Act.SEAL, RECORDS, lambda f, s: acts.seal(f, sealed, s)))
    return coming


def _ended(end: Ending, at: datetime) -> _Coming:
    return _Coming(at, Act.DISPOSE, COURTS, lambda f, s: disposing.dispose(f, outcomes(f, end, at), s))


def _ordered(order: BailForm) -> _Coming:
    return _Coming(order.at, Act.SET_BAIL, COURTS, lambda f, s: acts.set_bail(f, order, s))


def _defence(measured: dict[str, Any], rng: Random) -> str | None:
    kind = _share(measured["represented"], rng)
    return None if kind == "unknown" else kind


def _jail(measured: dict[str, Any], rng: Random) -> str:
    return _share(measured["jail_share"], rng)


def _share(shares: dict[str, float], rng: Random) -> str:
    draw, name = rng.random() * sum(shares.values()), ""
    for name, share in shares.items():  # noqa: B007
        draw -= share
        if draw < 0:
            break
    return name
