# SPDX-License-Identifier: Apache-2.0
"""A file as one role may see it. What a role may not see is not in the value that leaves here."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date, datetime
from typing import Any

from openpars.accounts.keys import StaffRole
from openpars.record.checks import Setting
from openpars.record.file import Arrestee, ArrestFile, Charge, Participant, Stage
from openpars.record.rules import Clock, clocks, missing, state, step

INTERVIEWERS = frozenset({StaffRole.COURTS, StaffRole.DISTRICT_ATTORNEY})
"""Who may read the pretrial interview (Pa.R.Crim.P. 530(C)): not police, and nobody outside."""

WHOLE_SSN = frozenset({StaffRole.POLICE, StaffRole.RECORDS})
"""Who works with the whole number; the others see the last four digits."""

APPROVED = frozenset({Stage.APPROVED, Stage.CHANGED})


def time(at: datetime | None) -> str | None:
    """RFC 3339 in UTC."""
    return at.isoformat().replace("+00:00", "Z") if at is not None else None


def _day(on: date | None) -> str | None:
    return on.isoformat() if on is not None else None


def summary(file: ArrestFile, setting: Setting) -> dict[str, object]:
    """One line of a list."""
    return {
        "id": file.id,
        "version": file.version,
        "state": state(file).value,
        "step": step(file).value,
        "dc_number": file.dc_number,
        "docket": file.docket,
        "district": file.district,
        "arrested_at": time(file.arrested_at),
        "filed_at": time(file.filed_at),
        "name": asdict(file.arrestee.name),
        "birth_date": _day(file.arrestee.birth_date),
        "charges": [charge(one) for one in file.charges],
        "custody": file.custody.value if file.custody is not None else None,
        "custody_place": file.custody_place,
        "next_date": time(file.next_date),
        "clocks": [clock(one) for one in clocks(file, setting.now, setting.pack)],
    }


def whole(file: ArrestFile, role: StaffRole, setting: Setting) -> dict[str, object]:
    """The file, as far as the role may see it."""
    return {
        **summary(file, setting),
        "otn": file.otn,
        "arrestee": _arrestee(file.arrestee, role),
        "participants": [_participant(one) for one in file.participants],
        "complaint": complaint(file),
        "interview": _interview(file) if role in INTERVIEWERS else None,
        "arraignment": _arraignment(file),
        "bail": _bail(file),
        "represented": file.represented,
        "missing": [asdict(one) for one in missing(file)],
    }


_CORRECTED = ("arrested_at", "district", "otn", "docket", "next_date", "custody_place", "participants")


def changed(before: dict[str, Any], after: dict[str, Any]) -> tuple[str, ...]:
    """What differs between two versions as one role sees them: names as in a correction, without values."""
    found = [name for name in _CORRECTED if before[name] != after[name]]
    old, new = before["arrestee"], after["arrestee"]
    found += [f"arrestee.name.{part}" for part in new["name"] if old["name"][part] != new["name"][part]]
    found += [f"arrestee.{part}" for part in new if part != "name" and old[part] != new[part]]
    charges = {one["number"]: one for one in before["charges"]}
    found += [f"charges.{one['number']}" for one in after["charges"] if charges.get(one["number"]) != one]
    return tuple(found)


def _arrestee(person: Arrestee, role: StaffRole) -> dict[str, object]:
    shown: dict[str, object] = {
        "name": asdict(person.name),
        "birth_date": _day(person.birth_date),
        "age_stated": person.age_stated,
        "sex": person.sex,
        "race": person.race,
        "ethnicity": person.ethnicity,
        "birth_country": person.birth_country,
        "birth_place": person.birth_place,
        "interpreter": person.interpreter,
        "consular_notice": person.consular_notice.value if person.consular_notice is not None else None,
        "address": person.address,
        "sid": person.sid,
        "ppn": person.ppn,
        "zip": person.zip,
        "ssn_last4": person.ssn[5:] if person.ssn is not None else None,
    }
    if role in WHOLE_SSN:
        number = person.ssn
        shown["ssn"] = f"{number[:3]}-{number[3:5]}-{number[5:]}" if number is not None else None
    return shown


def _participant(one: Participant) -> dict[str, object]:
    return {
        "number": one.number,
        "role": one.role.value,
        "name": asdict(one.name),
        "birth_date": _day(one.birth_date),
    }


def charge(one: Charge) -> dict[str, object]:
    """What police proposed beside what the District Attorney decided."""
    return {
        "number": one.number,
        "statute": one.statute,
        "text": one.text,
        "grade": one.grade,
        "counts": one.counts,
        "stage": one.stage.value,
        "decided_grade": one.decided_grade,
        "effective_grade": one.effective_grade,
        "reason": one.reason,
        "decided_at": time(one.decided_at),
        "disposition": one.disposition.value if one.disposition is not None else None,
        "disposed_at": time(one.disposed_at),
    }


def complaint(file: ArrestFile) -> dict[str, object] | None:
    """The complaint, generated from the approved charges; None before it is filed."""
    if file.complaint_at is None:
        return None
    return {
        "filed_at": time(file.complaint_at),
        "docket": file.docket,
        "otn": file.otn,
        "defendant": asdict(file.arrestee.name),
        "charges": [
            {"statute": c.statute, "text": c.text, "grade": c.effective_grade, "counts": c.counts}
            for c in file.charges
            if c.stage in APPROVED
        ],
    }


def _interview(file: ArrestFile) -> dict[str, object] | None:
    if file.interview is None:
        return None
    return {"held_at": time(file.interview.held_at), "notes": file.interview.notes}


def _arraignment(file: ArrestFile) -> dict[str, object] | None:
    held = file.arraignment
    if held is None:
        return None
    return {
        "held_at": time(held.held_at),
        "magistrate": held.magistrate or None,
        "probable_cause": held.probable_cause,
        "rights_given": held.rights_given,
    }


def _bail(file: ArrestFile) -> dict[str, object] | None:
    bail = file.bail
    if bail is None:
        return None
    return {
        "type": bail.type.value if bail.type is not None else None,
        "amount": bail.amount,
        "percent": bail.percent,
        "posted": bail.posted,
        "ability_to_pay": bail.ability_to_pay,
        "reasons": bail.reasons,
        "set_at": time(bail.set_at),
    }


def clock(one: Clock) -> dict[str, object]:
    """A clock as data."""
    return {
        "name": one.name,
        "started_at": time(one.started_at),
        "due_at": time(one.due_at),
        "seconds_left": one.seconds_left,
        "level": one.level,
        "why": one.why,
    }
