# SPDX-License-Identifier: Apache-2.0
"""The acts: from a file and a form to the file's next version, or a refusal. Pure functions.

Every act raises Refused (INVALID with the field, or CONFLICT when the file does not stand where the
act needs it) and otherwise returns a new value with `version + 1`. Nothing is stored here, and no
clock is read: the time comes with the `Setting`.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

from openpars.errors import Code, refuse
from openpars.record import checks, values
from openpars.record.checks import Setting, invalid, need, prose, read
from openpars.record.file import (
    Arrestee,
    ArrestFile,
    Bail,
    BailType,
    Charge,
    Custody,
    Interview,
    Name,
    PreliminaryArraignment,
    Seal,
    Stage,
)
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
    ProposedCharges,
    Representation,
    Withdrawal,
)
from openpars.record.rules import WHEN, State, allows, cleared, step

OLDEST = 130  # years: a birth date further back is a slip of the pen

_FREES = frozenset({BailType.ROR, BailType.NONMONETARY, BailType.UNSECURED})


def standing(file: ArrestFile, act: Act) -> None:
    """Refuse an act for which the file does not stand right."""
    if file.seal is Seal.EXPUNGED:
        raise refuse(Code.CONFLICT, "This file was expunged: nothing can be added to it.")
    if not allows(file, act):
        raise refuse(Code.CONFLICT, WHEN.get(act, "The file does not stand where this act needs it."))


def _next(file: ArrestFile, **changes: object) -> ArrestFile:
    return replace(file, version=file.version + 1, **changes)  # type: ignore[arg-type]


def freed(file: ArrestFile, at: datetime) -> dict[str, object]:
    """What an order that frees does to the hold/release indicator, at once and in the same act."""
    if file.custody is Custody.RELEASED:
        return {}
    return {"custody": Custody.RELEASED, "custody_at": at, "custody_place": None}


def book(form: Booking, setting: Setting, *, arrest: str, person: str) -> ArrestFile:
    """A new file, held. `arrest` is its id (uuid text), `person` the identity (hex) behind it."""
    arrested_at = checks.past(form.arrested_at, "arrested_at", setting)
    return ArrestFile(
        id=arrest,
        version=1,
        arrestee=_arrestee(form.arrestee, arrested_at, setting, person=person),
        dc_number=need(values.dc_number, form.dc_number, "dc_number"),
        otn=read(values.otn, form.otn, "otn"),
        arrested_at=arrested_at,
        district=read(values.district, form.district, "district"),
        participants=checks.participants(form.participants, "participants", setting),
        charges=_proposed(form.charges, setting, after=0),
        custody=Custody.HELD,
        custody_at=arrested_at,
        custody_place=prose(form.custody_place, "custody_place", setting, 200),
        jurisdiction=setting.pack.jurisdiction,
    )


def _arrestee(form: ArresteeForm, arrested_at: datetime, setting: Setting, *, person: str) -> Arrestee:
    return Arrestee(
        person=person,
        name=checks.name(form.name, "arrestee.name", setting),
        birth_date=born(form.birth_date, arrested_at, setting),
        sex=checks.sex(form.sex, "arrestee.sex", setting),
        race=checks.race(form.race, "arrestee.race", setting),
        birth_country=checks.country(form.birth_country, "arrestee.birth_country", setting),
        ssn=read(values.ssn, form.ssn, "arrestee.ssn"),
        sid=read(values.sid, form.sid, "arrestee.sid"),
        ppn=read(values.ppn, form.ppn, "arrestee.ppn"),
        zip=read(values.zip_code, form.zip, "arrestee.zip"),
        ethnicity=checks.ethnicity(form.ethnicity, "arrestee.ethnicity", setting),
        birth_place=prose(form.birth_place, "arrestee.birth_place", setting, values.NAME_LIMIT),
        address=prose(form.address, "arrestee.address", setting, values.ADDRESS_LIMIT),
        interpreter=checks.language(form.interpreter, "arrestee.interpreter"),
        consular_notice=checks.consular_notice(form.consular_notice, "arrestee.consular_notice"),
    )


def born(birth_date: date, arrested_at: datetime | None, setting: Setting) -> date:
    """A birth date that fits the arrest."""
    on = (arrested_at or setting.now).astimezone(setting.pack.zone).date()
    if birth_date > on:
        raise invalid("A birth date lies before the arrest.", "arrestee.birth_date")
    if on.year - birth_date.year > OLDEST:
        raise invalid(f"A birth date lies at most {OLDEST} years back.", "arrestee.birth_date")
    return birth_date


def _proposed(forms: tuple[ChargeForm, ...], setting: Setting, *, after: int) -> tuple[Charge, ...]:
    read_charges = checks.charges(forms, "charges", setting)
    return tuple(
        Charge(number=after + place, statute=statute.code, text=statute.text, grade=grade, counts=counts)
        for place, (statute, grade, counts) in enumerate(read_charges, start=1)
    )


def propose_charges(file: ArrestFile, form: ProposedCharges, setting: Setting) -> ArrestFile:
    """Police add charges; they stand beside the ones there are."""
    standing(file, Act.PROPOSE_CHARGES)
    checks.past(form.at, "at", setting, since=file.arrested_at)
    if not form.charges:
        raise invalid("At least one charge.", "charges")
    added = _proposed(form.charges, setting, after=max((c.number for c in file.charges), default=0))
    if len(file.charges) + len(added) > checks.CHARGES_LIMIT:
        raise invalid(f"At most {checks.CHARGES_LIMIT} charges.", "charges")
    return _next(file, charges=file.charges + added)


def decide_charges(file: ArrestFile, form: ChargingDecisions, setting: Setting) -> ArrestFile:
    """The District Attorney decides. When every charge is declined, the person is free by the same act."""
    standing(file, Act.DECIDE_CHARGES)
    at = checks.past(form.at, "decided_at", setting, since=file.arrested_at)
    if not form.decisions:
        raise invalid("At least one decision.", "decisions")
    by_number = {charge.number: charge for charge in file.charges}
    decided: set[int] = set()
    for place, decision in enumerate(form.decisions):
        where = f"decisions.{place}"
        if decision.charge not in by_number:
            raise invalid("The number of one of the file's charges, from 1.", f"{where}.charge")
        if decision.charge in decided:
            raise invalid("One decision for each charge.", f"{where}.charge")
        decided.add(decision.charge)
        by_number[decision.charge] = _decided(by_number[decision.charge], decision, at, setting, where=where)
    charges = tuple(by_number.values())
    free = freed(file, at) if all(c.stage is Stage.DECLINED for c in charges) else {}
    return _next(file, charges=charges, **free)


def _decided(charge: Charge, decision: Decision, at: datetime, setting: Setting, *, where: str) -> Charge:
    grade = checks.grade(decision.grade, f"{where}.grade", setting)
    reason = prose(decision.reason, f"{where}.reason", setting)
    undecided = replace(charge, decided_grade=None, reason=reason, decided_at=at)
    match decision.decision:
        case "declined":
            return replace(undecided, stage=Stage.DECLINED)
        case "approved":
            if decision.statute is not None or (grade is not None and charge.grade not in {None, grade}):
                raise invalid("Another grade or statute is a change: decide `changed`.", f"{where}.decision")
            return replace(undecided, stage=Stage.APPROVED, decided_grade=grade)
        case "changed":
            if grade is None and decision.statute is None:
                raise invalid("A changed charge names its new grade or its new statute.", f"{where}.grade")
            changed = replace(undecided, stage=Stage.CHANGED, decided_grade=grade)
            if decision.statute is not None:
                statute = checks.statute(decision.statute, f"{where}.statute", setting)
                changed = replace(changed, statute=statute.code, text=statute.text)
            return changed


def file_complaint(file: ArrestFile, form: ComplaintFiled, setting: Setting) -> ArrestFile:
    """The complaint, from the approved charges."""
    standing(file, Act.FILE_COMPLAINT)
    return _next(
        file,
        complaint_at=checks.past(form.at, "filed_at", setting, since=file.arrested_at),
        docket=read(values.docket, form.docket, "docket") or file.docket,
        otn=read(values.otn, form.otn, "otn") or file.otn,
    )


def interview(file: ArrestFile, form: InterviewHeld, setting: Setting) -> ArrestFile:
    """The pretrial interview, into its own compartment."""
    standing(file, Act.INTERVIEW)
    at = checks.past(form.held_at, "held_at", setting, since=file.arrested_at)
    return _next(file, interview=Interview(at, prose(form.notes, "notes", setting, values.NOTES_LIMIT)))


def arraign(file: ArrestFile, form: ArraignmentHeld, setting: Setting) -> ArrestFile:
    """The preliminary arraignment. Without probable cause, or with bail that frees, free at once."""
    standing(file, Act.ARRAIGN)
    at = checks.past(form.held_at, "held_at", setting, since=file.arrested_at)
    magistrate = checks.official(form.magistrate, "magistrate", setting)
    bail = checks.bail(form.bail, "bail.", setting) if form.bail is not None else None
    free = not form.probable_cause or _free_by(bail)
    return _next(
        file,
        arraignment=PreliminaryArraignment(at, magistrate or "", form.probable_cause, form.rights_given),
        bail=bail,
        next_date=checks.ahead(form.next_date, "next_date", since=at),
        docket=read(values.docket, form.docket, "docket") or file.docket,
        **(freed(file, at) if free else {}),
    )


def _free_by(bail: Bail | None) -> bool:
    return bail is not None and (bail.type in _FREES or bail.posted)


def set_bail(file: ArrestFile, form: BailForm, setting: Setting) -> ArrestFile:
    """Bail is set anew or posted. Bail that frees, and bail that is posted, frees at once."""
    standing(file, Act.SET_BAIL)
    if form.type is None:
        raise invalid("The type of bail.", "type")
    at = checks.past(form.at, "set_at", setting, since=file.arrested_at)
    bail = checks.bail(form, "", setting)
    return _next(file, bail=bail, **(freed(file, at) if _free_by(bail) else {}))


def change_custody(file: ArrestFile, form: CustodyChange, setting: Setting) -> ArrestFile:
    """The hold/release indicator. Nobody is committed without a finding, nor held again after a release."""
    standing(file, Act.CHANGE_CUSTODY)
    at = checks.past(form.at, "at", setting, since=file.arrested_at)
    where = step(file)
    if form.custody is Custody.COMMITTED and where not in _COMMITTABLE:
        raise refuse(Code.CONFLICT, "Nobody is committed before a preliminary arraignment.", "custody")
    if form.custody is not Custody.RELEASED and _no_cause(file):
        raise refuse(Code.CONFLICT, "No detention without a finding of probable cause (Rule 540).", "custody")
    if form.custody is not Custody.RELEASED and cleared(file):
        raise refuse(Code.CONFLICT, "Every charge has ended without a conviction.", "custody")
    if form.custody is Custody.HELD and file.custody is Custody.RELEASED and where is not State.FILED:
        raise refuse(Code.CONFLICT, "Who was released is held again only by a new arrest.", "custody")
    prose(form.reason, "reason", setting)
    place = prose(form.place, "place", setting, 200)
    return _next(file, custody=form.custody, custody_at=at, custody_place=place)


_COMMITTABLE = frozenset({State.ARRAIGNED, State.RELEASED, State.COMMITTED, State.FILED})


def _no_cause(file: ArrestFile) -> bool:
    return file.arraignment is not None and not file.arraignment.probable_cause


def seal(file: ArrestFile, form: Order, setting: Setting) -> ArrestFile:
    """From this act on no recipient sees the file."""
    standing(file, Act.SEAL)
    _order(form, setting)
    if file.seal is Seal.SEALED:
        raise refuse(Code.CONFLICT, "The file is sealed already.")
    return _next(file, seal=Seal.SEALED)


def unseal(file: ArrestFile, form: Order, setting: Setting) -> ArrestFile:
    """The file is open again."""
    standing(file, Act.UNSEAL)
    _order(form, setting)
    if file.seal is not Seal.SEALED:
        raise refuse(Code.CONFLICT, "The file is not sealed.")
    return _next(file, seal=Seal.OPEN)


def expunge(file: ArrestFile, form: Order, setting: Setting) -> ArrestFile:
    """Nothing of the file is left but its id, its version and the fact."""
    standing(file, Act.EXPUNGE)
    _order(form, setting)
    return expunged(file.id, file.version + 1, file.jurisdiction)


def expunged(arrest: str, version: int, jurisdiction: str) -> ArrestFile:
    """What an expunged file is: empty."""
    nobody = Arrestee(person="", name=Name("", ""))
    return ArrestFile(
        id=arrest, version=version, arrestee=nobody, seal=Seal.EXPUNGED, jurisdiction=jurisdiction
    )


def _order(form: Order, setting: Setting) -> None:
    checks.past(form.at, "at", setting)
    if prose(form.order, "order", setting, 200) is None:
        raise invalid("The number of the court's order.", "order")
    prose(form.reason, "reason", setting)


def file_docket(
    file: ArrestFile | None, form: CourtDocket, setting: Setting, *, arrest: str, person: str
) -> ArrestFile:
    """A court list's docket becomes a file, or updates one. Returns `file` itself when nothing is new.

    Birth date, grade and statute code are not in such a list and stay None. A docket that was
    withdrawn and is listed again is open again; a sealed one stays sealed. A file that was booked here
    keeps its own person and charges. `arrest` and `person` are the ids of a file that is not there yet.
    """
    if file is not None:
        standing(file, Act.FILE_DOCKET)
    old = file or ArrestFile(
        arrest, 0, Arrestee(person, Name("", "")), jurisdiction=setting.pack.jurisdiction
    )
    changed = replace(
        old,
        docket=need(values.docket, form.docket, "docket"),
        filed_at=checks.past(form.filed_at, "filed_at", setting) if form.filed_at else old.filed_at,
        represented=_represented(form.represented) or old.represented,
        bail=_listed_bail(form, old.bail, setting),
        next_date=form.next_date.astimezone(UTC) if form.next_date else old.next_date,
        seal=Seal.OPEN if old.seal is Seal.WITHDRAWN else old.seal,
    )
    if step(old) is State.FILED:
        changed = replace(
            changed,
            arrestee=_listed_person(old.arrestee, form, setting),
            charges=_listed_charges(form, old.charges, setting),
        )
    if form.custody is not None and (form.custody, form.custody_place) != (old.custody, old.custody_place):
        at = checks.past(form.at, "at", setting)
        place = prose(form.custody_place, "custody_place", setting, 200)
        changed = replace(changed, custody=form.custody, custody_place=place, custody_at=at)
    if file is not None and changed == file:
        return file
    return replace(changed, version=old.version + 1)


def _listed_person(old: Arrestee, form: CourtDocket, setting: Setting) -> Arrestee:
    if form.age_stated is not None and not 0 <= form.age_stated <= OLDEST:
        raise invalid("An age in whole years.", "age_stated")
    if form.name is None and not old.name.last:
        raise invalid("A new docket has the defendant's name.", "name")
    return replace(
        old,
        name=checks.name(form.name, "name", setting) if form.name is not None else old.name,
        age_stated=old.age_stated if form.age_stated is None else form.age_stated,
        zip=read(values.zip_code, form.zip, "zip") or old.zip,
    )


WITHHELD = "Charge whose words are withheld: they speak of immigration or citizenship status"
"""A court's list names a charge by its statute's words, and one statute's words state a status."""


def _listed_charges(form: CourtDocket, old: tuple[Charge, ...], setting: Setting) -> tuple[Charge, ...]:
    if not form.charges:
        return old
    texts = [need(values.free_text, text, f"charges.{place}") for place, text in enumerate(form.charges)]
    texts = [WITHHELD if setting.pack.names_status(text) else text for text in texts]
    known = {(charge.number, charge.text): charge for charge in old}
    # A charge that is listed again keeps what was recorded of it: its outcome is not in such a list.
    return tuple(
        known.get((number, text))
        or Charge(number=number, statute=None, text=text, grade=None, stage=Stage.FILED)
        for number, text in enumerate(texts, start=1)
    )


def _listed_bail(form: CourtDocket, old: Bail | None, setting: Setting) -> Bail | None:
    if form.bail is None:
        return old
    new = checks.bail(form.bail, "bail.", setting, from_court_list=True)
    # When the list was read is not a change of the bail it lists.
    return old if old is not None and replace(old, set_at=None) == replace(new, set_at=None) else new


def withdraw_docket(file: ArrestFile, form: Withdrawal, setting: Setting) -> ArrestFile:
    """The court's list dropped the docket early: withdrawn or sealed, so no recipient sees it any more."""
    standing(file, Act.WITHDRAW_DOCKET)
    checks.past(form.at, "at", setting)
    if file.docket is None:
        raise refuse(Code.CONFLICT, "Only a file with a docket number is withdrawn.")
    if file.seal is not Seal.OPEN:
        raise refuse(Code.CONFLICT, "The file is withdrawn or sealed already.")
    return _next(file, seal=Seal.WITHDRAWN)


def represent(file: ArrestFile, form: Representation, setting: Setting) -> ArrestFile:
    """Who defends."""
    standing(file, Act.REPRESENT)
    checks.past(form.at, "at", setting)
    represented = _represented(form.represented)
    if represented is None:
        raise invalid("One of defender, private, none.", "represented")
    return _next(file, represented=represented)


def _represented(typed: str | None) -> str | None:
    if typed is not None and typed not in {"defender", "private", "none"}:
        raise invalid("One of defender, private, none.", "represented")
    return typed
