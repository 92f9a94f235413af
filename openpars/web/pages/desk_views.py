# SPDX-License-Identifier: Apache-2.0
"""Files and queues as the templates read them: what `desk.reading` lets a role see, put into words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from openpars.record.countries import countries
from openpars.record.languages import LANGUAGES
from openpars.web.pages import times
from openpars.web.pages.models import (
    ChargeView,
    ClockView,
    Fact,
    FileView,
    Level,
    PersonView,
    QueueRow,
    Step,
    VersionRow,
)

Json = Mapping[str, Any]

SEXES = (("F", "Female"), ("M", "Male"), ("X", "X"), ("U", "Unknown"))
RACES = (
    ("A", "Asian"),
    ("B", "Black"),
    ("I", "American Indian or Alaska Native"),
    ("P", "Native Hawaiian or Pacific Islander"),
    ("W", "White"),
    ("U", "Unknown"),
)
ETHNICITIES = (("H", "Hispanic or Latino"), ("N", "Not Hispanic or Latino"), ("U", "Unknown"))
INTERPRETERS = tuple(LANGUAGES.items())
NOTICES = (
    ("told", "Told, as everybody is"),
    ("requested", "Told, and asked for notice"),
    ("made", "A consulate was informed"),
)
OUTCOMES = (
    ("convicted", "Convicted"),
    ("acquitted", "Acquitted"),
    ("dismissed", "Dismissed by the court"),
    ("withdrawn", "Withdrawn by the District Attorney"),
    ("diverted", "Diverted (such as ARD)"),
)
GRADES = (
    ("H1", "H1, murder of an unborn child, 1st"),
    ("H2", "H2, murder of an unborn child, 2nd"),
    ("F", "F, ungraded felony"),
    ("F1", "F1, felony 1"),
    ("F2", "F2, felony 2"),
    ("F3", "F3, felony 3"),
    ("M", "M, ungraded misdemeanor"),
    ("M1", "M1, misdemeanor 1"),
    ("M2", "M2, misdemeanor 2"),
    ("M3", "M3, misdemeanor 3"),
    ("S", "S, summary"),
    ("IC", "IC, indirect criminal contempt"),
)
BAIL = {
    "ror": ("Release on recognizance", "A written promise to appear"),
    "nonmonetary": ("Nonmonetary conditions", "Conditions only"),
    "unsecured": ("Unsecured", "Owed only on failure to appear"),
    "nominal": ("Nominal", "Such as $1 and a surety"),
    "monetary": ("Monetary", "Ability to pay must be considered"),
    "denied": ("Denied", "Reasons required"),
}
BAIL_TYPES = tuple((value, label, note) for value, (label, note) in BAIL.items())

_SERIOUS = ("H1", "H2", "F1", "F", "F2", "F3", "M1", "M", "M2", "M3", "IC", "S", "S1", "S2", "S3")
_STATES = {
    "booked": "Booked, no charge yet",
    "charges_proposed": "Charges proposed",
    "charging_decided": "Charges decided",
    "declined": "All charges declined",
    "complaint_filed": "Complaint filed",
    "arraigned": "Arraigned",
    "released": "Arraigned and released",
    "committed": "Arraigned and committed",
    "filed": "Known from the court's list",
    "sealed": "Sealed",
    "expunged": "Expunged",
    "withdrawn": "Withdrawn by the court",
}
_ACTS = {
    "book": "Booked",
    "propose_charges": "Charges proposed",
    "decide_charges": "Charging decision",
    "charging": "Charging decision",
    "file_complaint": "Complaint filed",
    "interview": "Pretrial interview",
    "arraign": "Preliminary arraignment",
    "set_bail": "Bail",
    "change_custody": "Custody changed",
    "correct": "Corrected",
    "seal": "Sealed",
    "unseal": "Unsealed",
    "expunge": "Expunged",
    "file_docket": "From the court's list",
    "withdraw_docket": "Withdrawn by the court",
    "represent": "Representation",
    "dispose": "Outcomes of charges",
}
ROLES = {
    "police": "Police",
    "district-attorney": "District Attorney",
    "courts": "Courts",
    "solicitor": "City Solicitor",
    "auditor": "Auditor",
    "records": "Records officer",
}
_PARTS = {
    "arrestee.name.last": "last name",
    "arrestee.name.first": "first name",
    "arrestee.name.middle": "middle name",
    "arrestee.name.suffix": "suffix",
    "arrestee.birth_date": "date of birth",
    "arrestee.birth_country": "country of birth",
    "arrestee.birth_place": "place of birth",
    "arrestee.ssn": "SSN",
    "arrestee.ssn_last4": "SSN",
    "arrestee.sid": "SID",
    "arrestee.ppn": "photo number",
    "arrestee.zip": "ZIP code",
    "arrestee.address": "home address",
    "arrested_at": "time of arrest",
    "district": "police district",
    "otn": "OTN",
    "participants": "victims and witnesses",
    "custody_place": "place of custody",
}
"""Parts of a file that a correction can change; the others are called as they are."""
_CUSTODY = {"held": "Held", "released": "Released", "committed": "Committed"}
_HIDDEN = frozenset({"sealed", "expunged", "withdrawn"})
_LEVELS = (  # at most this many hours left
    (0.0, Level.LATE, "limit passed"),
    (6.0, Level.URGENT, "urgent"),
    (24.0, Level.SOON, "getting short"),
)


def _word(words: Mapping[str, str], code: str) -> str:
    """A code in plain words; a code newer than this page stays readable."""
    return words.get(code, code.replace("_", " "))


def instant(text: str | None) -> datetime | None:
    """RFC 3339 as `desk.view` writes it."""
    return datetime.fromisoformat(text) if text else None


def full_name(name: Json) -> str:
    """`Doe Jr., Ana Maria`."""
    last = " ".join(part for part in (name["last"], name["suffix"]) if part)
    first = " ".join(part for part in (name["first"], name["middle"]) if part)
    return ", ".join(part for part in (last, first) if part) or "No name"


def clock(clocks: Sequence[Json], now: datetime) -> ClockView:
    """The most pressing clock in words; the level is in the words too, never in the colour alone."""
    if not clocks:
        return ClockView(Level.STOPPED, "No limit runs", "", 0, 48, None, "")
    first = clocks[0]
    due = datetime.fromisoformat(first["due_at"])
    started = datetime.fromisoformat(first["started_at"])
    left = due - now
    hours = left / timedelta(hours=1)
    level, word = next(
        ((level, word) for limit, level, word in _LEVELS if hours <= limit), (Level.CALM, "on time")
    )
    return ClockView(
        level=level,
        text=f"{times.span(left)} {'over' if hours <= 0 else 'left'}",
        word=word,
        used=round(max((now - started) / timedelta(hours=1), 0), 2),
        total=round((due - started) / timedelta(hours=1), 2),
        due=due,
        why=first["why"],
    )


def row(summary: Json, now: datetime, href: str) -> QueueRow:
    """One line of a list."""
    charges = sorted(
        (c for c in summary["charges"] if c["stage"] != "declined"), key=lambda c: _rank(c["effective_grade"])
    )
    top: Json = charges[0] if charges else {"text": "No charge", "effective_grade": None}
    return QueueRow(
        id=summary["id"],
        name=full_name(summary["name"]),
        born=_born(summary["birth_date"], now),
        dc_number=summary["dc_number"] or "",
        district=summary["district"] or "",
        top_charge=top["text"],
        top_grade=top["effective_grade"] or "",
        more_charges=max(len(charges) - 1, 0),
        arrested_at=instant(summary["arrested_at"]),
        state=_word(_STATES, summary["state"]),
        clock=clock(summary["clocks"], now),
        href=href.format(id=summary["id"]),
    )


def _rank(grade: str | None) -> int:
    return _SERIOUS.index(grade) if grade in _SERIOUS else len(_SERIOUS)


def _born(text: str | None, now: datetime) -> str:
    if not text:
        return "date of birth not known"
    born = date.fromisoformat(text)
    return f"born {times.day(born)} ({times.age(born, now.astimezone(times.CITY_ZONE).date())})"


def file(whole: Json, now: datetime) -> FileView:
    """A whole file. Only what is in `whole` can be shown: the role's view was cut before."""
    return FileView(
        id=whole["id"],
        version=whole["version"],
        name=full_name(whole["name"]),
        state=_word(_STATES, whole["state"]),
        sealed=whole["state"] in _HIDDEN,
        clock=clock(whole["clocks"], now),
        steps=_steps(whole),
        incident=_known(
            ("DC number", whole["dc_number"]),
            ("OTN", whole["otn"]),
            ("Docket", whole["docket"]),
            ("Arrested", _at(whole["arrested_at"])),
            ("District", whole["district"]),
            ("Custody", _custody(whole)),
        ),
        person=_person(whole, now),
        charges=tuple(_charge(one) for one in whole["charges"]),
        participants=tuple(
            PersonView(
                one["number"],
                "victim" if one["role"] == "victim" else "witness of the crime",
                full_name(one["name"]),
            )
            for one in whole["participants"]
        ),
        court=_court(whole),
    )


def _known(*facts: tuple[str, str | None]) -> tuple[Fact, ...]:
    return tuple(Fact(term, value) for term, value in facts if value)


def _at(text: str | None) -> str | None:
    at = instant(text)
    return times.local(at) if at is not None else None


def _custody(whole: Json) -> str | None:
    word = _CUSTODY.get(whole["custody"] or "")
    return f"{word}, {whole['custody_place']}" if word and whole["custody_place"] else word


def _person(whole: Json, now: datetime) -> tuple[Fact, ...]:
    who = whole["arrestee"]
    born = _born(who["birth_date"], now).removeprefix("born ") if who["birth_date"] else None
    age = f"{who['age_stated']} years, as the court's list says" if who["age_stated"] is not None else None
    number = who.get("ssn") or (f"ends in {who['ssn_last4']}" if who["ssn_last4"] else None)
    return _known(
        ("Born", born or age),
        ("Sex", dict(SEXES).get(who["sex"] or "")),
        ("Race", dict(RACES).get(who["race"] or "")),
        ("Ethnicity", dict(ETHNICITIES).get(who["ethnicity"] or "")),
        ("Country of birth", countries().get(who["birth_country"] or "", who["birth_country"])),
        ("Place of birth", who["birth_place"]),
        ("Interpreter", LANGUAGES.get(who["interpreter"] or "")),
        ("Consular notice", dict(NOTICES).get(who["consular_notice"] or "")),
        ("SSN", number),
        ("SID", who["sid"]),
        ("Photo number", who["ppn"]),
        ("Address", who["address"]),
        ("ZIP code", who["zip"]),
    )


def _charge(one: Json) -> ChargeView:
    return ChargeView(
        number=one["number"],
        statute=one["statute"] or "",
        text=one["text"],
        counts=one["counts"],
        proposed_grade=one["grade"] or "",
        stage=one["stage"],
        decided_grade=one["decided_grade"] or "",
        reason=one["reason"] or "",
        outcome=dict(OUTCOMES).get(one["disposition"] or "", ""),
    )


def bail(given: Json | None) -> str | None:
    """`Monetary, $25,000, 10 percent deposit, posted`."""
    if not given:
        return None
    words = [BAIL.get(given.get("type") or "", ("Type not known", ""))[0]]
    if given.get("amount") is not None:
        words.append(f"${given['amount']:,}")
    if given.get("percent") is not None:
        words.append(f"{given['percent']} percent deposit")
    if given.get("posted"):
        words.append("posted")
    return ", ".join(words)


def _court(whole: Json) -> tuple[Fact, ...]:
    held = whole["arraignment"] or {}
    given = whole["bail"] or {}
    cause = rights = None
    if held:
        cause = "Found" if held["probable_cause"] else "Not found"
        rights = "Yes" if held["rights_given"] else "Not recorded"
    return _known(
        ("Complaint filed", _at((whole["complaint"] or {}).get("filed_at"))),
        ("Arraigned", _at(held.get("held_at"))),
        ("Magistrate", held.get("magistrate")),
        ("Rights given", rights),
        ("Probable cause", cause),
        ("Bail", bail(whole["bail"])),
        ("Ability to pay", given.get("ability_to_pay")),
        ("Reasons", given.get("reasons")),
        ("Next date", _at(whole["next_date"])),
        ("Missing", "; ".join(one["why"] for one in whole["missing"]) or None),
    )


def _steps(whole: Json) -> tuple[Step, ...]:
    decided = [c["decided_at"] for c in whole["charges"]]
    complete = max(d for d in decided) if decided and all(decided) else None
    marks = [
        ("Booked", whole["arrested_at"] or whole["filed_at"]),
        ("Charges decided", complete),
        ("Complaint filed", (whole["complaint"] or {}).get("filed_at")),
        ("Arraigned", (whole["arraignment"] or {}).get("held_at")),
    ]
    reached = max((place for place, (_, at) in enumerate(marks) if at), default=0)
    steps = [
        Step(
            label,
            "current" if place == reached else "done" if place < reached else "todo",
            _at(at) or "",
        )
        for place, (label, at) in enumerate(marks)
    ]
    word = {"held": "Held now"}.get(whole["custody"]) or _CUSTODY.get(
        whole["custody"] or "", "Custody not known"
    )
    return (*steps, Step(word, "done" if whole["custody"] in {"released", "committed"} else "todo", ""))


def history(
    versions: Sequence[Json], corrections: Mapping[int, tuple[tuple[str, ...], str | None]]
) -> tuple[VersionRow, ...]:
    """Who did what, newest first; of a correction also what it changed, and why."""
    return tuple(
        VersionRow(
            version=one["version"],
            act=_word(_ACTS, one["act"]) + (" (emptied by expungement)" if one["emptied"] else ""),
            by=", ".join(part for part in (_word(ROLES, one["by"]), one["user"]) if part),
            happened_at=instant(one["happened_at"]) or datetime.fromtimestamp(0, UTC),
            recorded_at=instant(one["recorded_at"]) or datetime.fromtimestamp(0, UTC),
            more=_corrected(*corrections[one["version"]]) if one["version"] in corrections else "",
        )
        for one in reversed(versions)
    )


def _corrected(parts: Sequence[str], reason: str | None) -> str:
    """`Date of birth, charge 1. Reason: typed wrong.`"""
    labels = dict.fromkeys(
        f"charge {part.removeprefix('charges.')}" if part.startswith("charges.") else corrected_label(part)
        for part in parts
    )
    what = ", ".join(labels) or "Nothing that this desk sees"
    return f"{what[:1].upper()}{what[1:]}." + (f" Reason: {reason}" if reason else "")


def corrected_label(part: str) -> str:
    """A part of a file that a correction can change, in words."""
    return _PARTS.get(part, part.rpartition(".")[2].replace("_", " "))
