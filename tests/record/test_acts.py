# SPDX-License-Identifier: Apache-2.0
"""The acts as a state machine: whatever a city does in whatever order, these things hold."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openpars.errors import Code, Refused
from openpars.record import acts, codec, correcting, disposing, rules
from openpars.record.checks import Setting
from openpars.record.codec import Stored
from openpars.record.file import ArrestFile, BailType, Custody, Name, Role, Seal, Stage
from openpars.record.forms import (
    Act,
    ArraignmentHeld,
    ArresteeCorrection,
    ArresteeForm,
    BailForm,
    Booking,
    ChargeForm,
    ChargingDecisions,
    ComplaintFiled,
    Correction,
    CourtDocket,
    CustodyChange,
    Decision,
    InterviewHeld,
    NameCorrection,
    Order,
    Outcome,
    Outcomes,
    ParticipantForm,
    ProposedCharges,
    Representation,
    Withdrawal,
)
from openpars.record.pack import pack
from openpars.record.rules import State, state, step

PACK = pack("philadelphia")
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
SETTING = Setting(PACK, NOW)
ARREST, PERSON = "2f0c5a0e-7a5e-4c44-9a0e-0a1b2c3d4e5f", "00" * 15 + "01"


def booking(**changes: Any) -> Booking:
    return Booking(
        **{
            "dc_number": "26-24-012345",
            "arrested_at": NOW - timedelta(hours=10),
            "arrestee": ArresteeForm(
                Name("Doe", "Ana"), date(1990, 3, 4), ssn="900-12-3456", birth_country="dom"
            ),
            "participants": (ParticipantForm(Role.VICTIM, Name("Roe", "Vic")),),
            "charges": (ChargeForm("18 2702 A1", "f1"), ChargeForm("18 § 2701 §§ A1", "M2", 2)),
            **changes,
        }
    )


def booked(**changes: Any) -> ArrestFile:
    return acts.book(booking(**changes), SETTING, arrest=ARREST, person=PERSON)


def decided(*words: str) -> ChargingDecisions:
    return ChargingDecisions(tuple(Decision(n, w) for n, w in enumerate(words, start=1)), NOW)  # type: ignore[arg-type]


def complained() -> ArrestFile:
    return acts.file_complaint(
        acts.decide_charges(booked(), decided("approved", "declined"), SETTING), ComplaintFiled(NOW), SETTING
    )


def arraigned(kind: BailType | None = BailType.MONETARY, *, cause: bool = True) -> ArrestFile:
    amount = 25_000 if kind is BailType.MONETARY else None
    bail = BailForm(kind, NOW, amount, ability_to_pay="Works part time.") if kind is not None else None
    return acts.arraign(complained(), ArraignmentHeld(NOW, cause, bail=bail), SETTING)


def refused(code: Code, field: str | None) -> Any:
    class Caught:
        def __enter__(self) -> None:
            pass

        def __exit__(self, kind: Any, error: Any, _: Any) -> bool:
            assert isinstance(error, Refused), "this should have been refused"
            assert (error.refusal.code, error.refusal.field) == (code, field), error.refusal
            return True

    return Caught()


def test_a_life_from_booking_to_jail() -> None:
    file = booked()
    assert (file.version, file.custody, state(file)) == (1, Custody.HELD, State.CHARGES_PROPOSED)
    assert file.dc_number == "2624012345"
    assert file.arrestee.birth_country == "DOM"
    assert [c.statute for c in file.charges] == ["18 § 2702 §§ A1", "18 § 2701 §§ A1"]
    file = arraigned()
    assert (file.version, state(file), file.custody) == (4, State.ARRAIGNED, Custody.HELD)
    file = acts.change_custody(file, CustodyChange(Custody.COMMITTED, NOW, "CFCF"), SETTING)
    assert state(file) is State.COMMITTED


def test_when_every_charge_is_declined_the_person_is_free_by_the_same_act() -> None:
    file = acts.decide_charges(booked(), decided("declined"), SETTING)
    assert (file.custody, state(file)) == (Custody.HELD, State.CHARGES_PROPOSED)
    file = acts.decide_charges(booked(), decided("declined", "declined"), SETTING)
    assert (file.custody, file.custody_at, state(file)) == (Custody.RELEASED, NOW, State.DECLINED)
    with refused(Code.CONFLICT, "custody"):
        acts.change_custody(file, CustodyChange(Custody.HELD, NOW), SETTING)
    with refused(Code.CONFLICT, None):
        acts.propose_charges(file, ProposedCharges((ChargeForm("18 2702 A1"),), NOW), SETTING)


@pytest.mark.parametrize("kind", [BailType.ROR, BailType.NONMONETARY, BailType.UNSECURED])
def test_bail_that_frees_frees_at_once(kind: BailType) -> None:
    assert arraigned(kind).custody is Custody.RELEASED


def test_no_detention_without_probable_cause() -> None:
    file = arraigned(BailType.DENIED, cause=False)
    assert file.custody is Custody.RELEASED
    with refused(Code.CONFLICT, "custody"):
        acts.change_custody(file, CustodyChange(Custody.COMMITTED, NOW), SETTING)


def test_nobody_is_committed_before_arraignment() -> None:
    with refused(Code.CONFLICT, "custody"):
        acts.change_custody(booked(), CustodyChange(Custody.COMMITTED, NOW), SETTING)


def test_posted_bail_frees() -> None:
    file = acts.set_bail(arraigned(), BailForm(BailType.MONETARY, NOW, 25_000, 10, posted=True), SETTING)
    assert state(file) is State.RELEASED


def test_a_sealed_person_still_gets_a_decision() -> None:
    file = acts.seal(booked(), Order("CP-1", None, NOW), SETTING)
    file = acts.decide_charges(file, decided("declined", "declined"), SETTING)
    assert (state(file), step(file), file.custody) == (State.SEALED, State.DECLINED, Custody.RELEASED)


def test_an_expunged_file_is_empty_and_closed() -> None:
    file = acts.expunge(booked(), Order("CP-1", None, NOW), SETTING)
    assert file == acts.expunged(ARREST, 2, "philadelphia")
    with refused(Code.CONFLICT, None):
        acts.unseal(file, Order("CP-1", None, NOW), SETTING)


def test_a_docket_of_the_courts_list() -> None:
    bail = BailForm(BailType.MONETARY, NOW, 50_000)
    listed = CourtDocket(
        "MC-51-CR-0012345-2026", Name("Doe", "Ana"), NOW, NOW, 36, "19134", ("Robbery",), "defender", bail
    )
    file = acts.file_docket(None, listed, SETTING, arrest=ARREST, person=PERSON)
    assert (file.version, state(file)) == (1, State.FILED)
    assert (file.charges[0].grade, file.charges[0].statute, file.arrestee.birth_date) == (None, None, None)
    assert file.charges[0].stage is Stage.FILED
    later = replace(listed, at=NOW + timedelta(minutes=1), bail=replace(bail, at=NOW + timedelta(minutes=1)))
    assert acts.file_docket(file, later, SETTING, arrest="", person="") is file
    changed = acts.file_docket(
        file, replace(listed, bail=replace(bail, amount=5_000)), SETTING, arrest="", person=""
    )
    assert changed.bail is not None
    assert (changed.version, changed.bail.amount) == (2, 5_000)
    gone = acts.withdraw_docket(changed, Withdrawal(NOW), SETTING)
    assert state(gone) is State.WITHDRAWN
    back = acts.file_docket(gone, listed, SETTING, arrest="", person="")
    assert state(back) is State.FILED
    private = acts.represent(back, Representation("private", NOW), SETTING)
    assert private.represented == "private"


def test_a_correction_changes_what_it_names_and_nothing_else() -> None:
    file = complained()
    form = Correction("typo", NOW, arrestee=ArresteeCorrection(name=NameCorrection(first="Anna"), sex="F"))
    assert correcting.correct(file, form, SETTING) == replace(
        file,
        version=file.version + 1,
        arrestee=replace(file.arrestee, name=Name("Doe", "Anna"), sex="F"),
    )
    cleared = correcting.correct(
        file, Correction("wrong", NOW, clear=("arrestee.ssn", "participants")), SETTING
    )
    assert (cleared.arrestee.ssn, cleared.participants) == (None, ())
    with refused(Code.INVALID, None):
        correcting.correct(file, Correction("nothing", NOW), SETTING)
    with refused(Code.INVALID, "clear.0"):
        correcting.correct(file, Correction("x", NOW, clear=("arrestee.name",)), SETTING)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"dc_number": "12"}, "dc_number"),
        ({"arrested_at": NOW + timedelta(minutes=6)}, "arrested_at"),
        ({"charges": (ChargeForm("18 9999 Z9"),)}, "charges.0.statute"),
        ({"charges": (ChargeForm("18 2702 A1", "F9"),)}, "charges.0.grade"),
        ({"charges": (ChargeForm("18 2702 A1", None, 0),)}, "charges.0.counts"),
        ({"participants": (ParticipantForm(Role.ARRESTEE, Name("A", "B")),)}, "participants.0.role"),
        ({"participants": (ParticipantForm(Role.VICTIM, Name("", "B")),)}, "participants.0.name.last"),
        ({"arrestee": ArresteeForm(Name("Doe", "Ana"), date(2030, 1, 1))}, "arrestee.birth_date"),
        ({"arrestee": ArresteeForm(Name("Doe", "Ana"), date(1880, 1, 1))}, "arrestee.birth_date"),
        ({"arrestee": ArresteeForm(Name("x" * 101, "Ana"), date(1990, 1, 1))}, "arrestee.name.last"),
        ({"arrestee": ArresteeForm(Name("Do\u202ee", "Ana"), date(1990, 1, 1))}, "arrestee.name.last"),
        ({"arrestee": ArresteeForm(Name("Doe", "\u200b"), date(1990, 1, 1))}, "arrestee.name.first"),
        ({"arrestee": ArresteeForm(Name("D", "A"), date(1990, 1, 1), ssn="12")}, "arrestee.ssn"),
        (
            {"arrestee": ArresteeForm(Name("D", "A"), date(1990, 1, 1), birth_country="DR")},
            "arrestee.birth_country",
        ),
        ({"custody_place": "He is an illegal alien"}, "custody_place"),
    ],
)
def test_a_booking_that_is_not_right_names_the_field(changes: dict[str, Any], field: str) -> None:
    with refused(Code.INVALID, field):
        booked(**changes)


@pytest.mark.parametrize(
    ("form", "field"),
    [
        (BailForm(BailType.MONETARY, NOW, -1), "amount"),
        (BailForm(BailType.MONETARY, NOW, None), "amount"),
        (BailForm(BailType.ROR, NOW, 100), "amount"),
        (BailForm(BailType.MONETARY, NOW, 100, 0), "percent"),
        (BailForm(BailType.UNSECURED, NOW, 100, 10), "percent"),
        (BailForm(BailType.DENIED, NOW, reasons="Awaiting deportation."), "reasons"),
        (BailForm(None, NOW), "type"),
        (BailForm(BailType.ROR, NOW + timedelta(hours=1)), "set_at"),
    ],
)
def test_bail_that_is_not_right_names_the_field(form: BailForm, field: str) -> None:
    with refused(Code.INVALID, field):
        acts.set_bail(arraigned(), form, SETTING)


def test_decisions_that_are_not_right() -> None:
    for decisions, field in [
        ((Decision(3, "approved"),), "decisions.0.charge"),
        ((Decision(1, "approved"), Decision(1, "declined")), "decisions.1.charge"),
        ((Decision(1, "changed"),), "decisions.0.grade"),
        ((Decision(1, "approved", "M1"),), "decisions.0.decision"),
        ((), "decisions"),
    ]:
        with refused(Code.INVALID, field):
            acts.decide_charges(booked(), ChargingDecisions(decisions, NOW), SETTING)


_WORDS = st.sampled_from(["approved", "declined", "changed"])
_ACTS = st.one_of(
    st.builds(lambda a, b: ("decide", a, b), _WORDS, _WORDS),
    st.tuples(
        st.sampled_from(
            ["complain", "interview", "seal", "unseal", "expunge", "propose", "withdraw", "correct"]
        )
    ),
    st.builds(
        lambda cause, kind: ("arraign", cause, kind), st.booleans(), st.sampled_from([*BailType, None])
    ),
    st.builds(lambda kind, posted: ("bail", kind, posted), st.sampled_from(list(BailType)), st.booleans()),
    st.builds(lambda custody: ("custody", custody), st.sampled_from(list(Custody))),
    st.builds(lambda word: ("dispose", word), st.sampled_from(["convicted", "dismissed", "vacated"])),
    st.builds(lambda who: ("docket", who), st.sampled_from(["defender", "private", "none", None])),
)


def _bail(kind: BailType | None, *, posted: bool = False) -> BailForm | None:
    if kind is None:
        return None
    return BailForm(
        kind, NOW, 1_000 if kind in {BailType.MONETARY, BailType.UNSECURED} else None, posted=posted
    )


ORDER = Order("CP-1", None, NOW)

_DO: dict[str, tuple[Act, Any]] = {
    "decide": (Act.DECIDE_CHARGES, lambda f, *words: acts.decide_charges(f, _decisions(words), SETTING)),
    "complain": (Act.FILE_COMPLAINT, lambda f: acts.file_complaint(f, ComplaintFiled(NOW), SETTING)),
    "interview": (
        Act.INTERVIEW,
        lambda f: acts.interview(f, InterviewHeld(NOW, "Lives with family."), SETTING),
    ),
    "arraign": (
        Act.ARRAIGN,
        lambda f, cause, kind: acts.arraign(f, ArraignmentHeld(NOW, cause, bail=_bail(kind)), SETTING),
    ),
    "bail": (Act.SET_BAIL, lambda f, kind, posted: acts.set_bail(f, _bail(kind, posted=posted), SETTING)),
    "custody": (Act.CHANGE_CUSTODY, lambda f, to: acts.change_custody(f, CustodyChange(to, NOW), SETTING)),
    "docket": (
        Act.FILE_DOCKET,
        lambda f, who: acts.file_docket(f, _listed(who), SETTING, arrest="", person=""),
    ),
    "dispose": (Act.DISPOSE, lambda f, word: disposing.dispose(f, _ended(f, word), SETTING)),
    "propose": (
        Act.PROPOSE_CHARGES,
        lambda f: acts.propose_charges(f, ProposedCharges((ChargeForm("18 2702 A1"),), NOW), SETTING),
    ),
    "withdraw": (Act.WITHDRAW_DOCKET, lambda f: acts.withdraw_docket(f, Withdrawal(NOW), SETTING)),
    "correct": (
        Act.CORRECT,
        lambda f: correcting.correct(f, Correction("typo", NOW, district=str(f.version % 9 + 1)), SETTING),
    ),
    "seal": (Act.SEAL, lambda f: acts.seal(f, ORDER, SETTING)),
    "unseal": (Act.UNSEAL, lambda f: acts.unseal(f, ORDER, SETTING)),
    "expunge": (Act.EXPUNGE, lambda f: acts.expunge(f, ORDER, SETTING)),
}


def _listed(who: str | None) -> CourtDocket:
    return CourtDocket("MC-51-CR-0012345-2026", Name("Doe", "Ana"), NOW, represented=who)


def _ended(file: ArrestFile, word: Any) -> Outcomes:
    """Of every charge that came before the court."""
    charges = [c for c in file.charges if c.stage in rules.BEFORE_COURT]
    return Outcomes(tuple(Outcome(charge.number, word, NOW) for charge in charges), NOW)


def _decisions(words: tuple[Any, ...]) -> ChargingDecisions:
    made = [Decision(n, w, "M1" if w == "changed" else None) for n, w in enumerate(words, start=1)]
    return ChargingDecisions(tuple(made), NOW)


@settings(max_examples=400, deadline=None)
@given(st.lists(_ACTS, max_size=14))
def test_whatever_is_done_in_whatever_order(what: list[tuple[Any, ...]]) -> None:
    file = booked()
    for name, *args in what:
        before, allowed = file, rules.step(file)
        act, do = _DO[name]
        try:
            file = do(file, *args)
        except Refused:
            continue
        assert file is before or file.version == before.version + 1
        assert allowed in rules.ALLOWED[act]
        assert before.seal is not Seal.EXPUNGED
        _holds(file)


def _holds(file: ArrestFile) -> None:
    encoded = codec.encode(file)
    assert codec.decode(Stored(encoded.body, encoded.participants, encoded.interview, encoded.ssn)) == file
    for secret in ("900123456", "Vic", "Lives with family"):
        assert secret not in encoded.body
    assert state(file) in State
    rules.clocks(file, NOW, PACK)
    if file.charges and all(c.stage is Stage.DECLINED for c in file.charges):
        assert file.custody is Custody.RELEASED
    if file.arraignment is not None and not file.arraignment.probable_cause:
        assert file.custody is Custody.RELEASED
    if file.custody is Custody.COMMITTED:
        assert file.arraignment is not None
    if rules.cleared(file):
        assert file.custody is Custody.RELEASED
    if file.complaint_at is not None:
        assert any(c.stage in {Stage.APPROVED, Stage.CHANGED} for c in file.charges)
