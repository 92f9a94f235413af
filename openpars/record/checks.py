# SPDX-License-Identifier: Apache-2.0
"""Checks that every act shares: values read strictly, with the place in the form where they stood."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from openpars.errors import Code, Refused, refuse
from openpars.record import values
from openpars.record.file import Bail, BailType, ConsularNotice, Name, Participant, Role
from openpars.record.forms import BailForm, ChargeForm, ParticipantForm
from openpars.record.languages import LANGUAGES
from openpars.record.pack import Pack, Statute

T = TypeVar("T")

TOLERANCE = timedelta(minutes=5)
"""How far a desk's clock may run ahead of ours."""

CHARGES_LIMIT = 100
PARTICIPANTS_LIMIT = 100
AMOUNT_LIMIT = 1_000_000_000
HORIZON = timedelta(days=3 * 366)


@dataclass(frozen=True, slots=True)
class Setting:
    """What an act needs besides the form: the city's rules, and the time."""

    pack: Pack
    now: datetime


def invalid(detail: str, field: str) -> Refused:
    """A value that is not right, and what would be."""
    return refuse(Code.INVALID, detail, field)


def read(parse: Callable[[str], T], typed: str | None, field: str) -> T | None:
    """`parse(typed)`, its ValueError turned into a refusal that names the field; None stays None."""
    if typed is None:
        return None
    try:
        return parse(typed)
    except ValueError as problem:
        raise invalid(str(problem), field) from None


def need(parse: Callable[[str], T], typed: str, field: str) -> T:
    """Like `read`, for what must be there."""
    try:
        return parse(typed)
    except ValueError as problem:
        raise invalid(str(problem), field) from None


def past(at: datetime, field: str, setting: Setting, *, since: datetime | None = None) -> datetime:
    """An instant that has happened, not before `since`; in UTC."""
    if at > setting.now + TOLERANCE:
        raise invalid("This time lies in the future.", field)
    if since is not None and at < since:
        raise invalid("This time lies before the arrest.", field)
    return at.astimezone(UTC)


def ahead(at: datetime | None, field: str, *, since: datetime) -> datetime | None:
    """A coming date: after `since`, at most three years."""
    if at is None:
        return None
    if at < since:
        raise invalid("The next date lies after the arraignment.", field)
    if at > since + HORIZON:
        raise invalid("The next date lies within three years.", field)
    return at.astimezone(UTC)


def prose(typed: str | None, field: str, setting: Setting, limit: int = values.TEXT_LIMIT) -> str | None:
    """A free text without control characters and without a word about anybody's status."""
    text = read(lambda value: values.free_text(value, limit), typed, field)
    return screened(text, field, setting) or None


STATUS = "This record holds nothing about immigration or citizenship status: write the text without it."


def screened(text: str | None, field: str, setting: Setting) -> str | None:
    """The text, if it speaks of nobody's status. Raises Refused INVALID with the field."""
    if text and setting.pack.names_status(text):
        raise invalid(STATUS, field)
    return text


def official(typed: str | None, field: str, setting: Setting) -> str | None:
    """The name of somebody who acts for the court."""
    return screened(read(values.name_part, typed or None, field), field, setting)


def name(typed: Name, field: str, setting: Setting) -> Name:
    """A name with a last and a first part."""
    found = Name(
        need(values.name_part, typed.last, f"{field}.last"),
        need(values.name_part, typed.first, f"{field}.first"),
        read(values.name_part, typed.middle or None, f"{field}.middle"),
        read(values.name_part, typed.suffix or None, f"{field}.suffix"),
    )
    # A remark in a name field is still a remark. One word alone may be somebody's name, whatever it means.
    for part in ("last", "first", "middle"):
        text = getattr(found, part)
        if text is not None and len(text.split()) > 1:
            screened(text, f"{field}.{part}", setting)
    screened(found.suffix, f"{field}.suffix", setting)
    return found


def code(typed: str | None, field: str, known: frozenset[str], sentence: str) -> str | None:
    """One of a closed list, in capitals."""
    if typed is None:
        return None
    value = typed.strip().upper()
    if value not in known:
        raise invalid(sentence, field)
    return value


def sex(typed: str | None, field: str, setting: Setting) -> str | None:
    """A code of the pack's list."""
    known = setting.pack.sexes
    return code(typed, field, known, f"One of {', '.join(sorted(known))}.")


def race(typed: str | None, field: str, setting: Setting) -> str | None:
    """A code of the pack's list."""
    known = setting.pack.races
    return code(typed, field, known, f"One of {', '.join(sorted(known))}.")


def ethnicity(typed: str | None, field: str, setting: Setting) -> str | None:
    """A code of the pack's list."""
    known = setting.pack.ethnicities
    return code(typed, field, known, f"One of {', '.join(sorted(known))}.")


def language(typed: str | None, field: str) -> str | None:
    """A code of the closed list of languages, in small letters."""
    if typed is None:
        return None
    value = typed.strip().lower()
    if value not in LANGUAGES:
        raise invalid("Three letters of ISO 639-3, such as spa; none if no interpreter is needed.", field)
    return value


def consular_notice(typed: str | None, field: str) -> ConsularNotice | None:
    """What was done about consular notice."""
    if typed is None:
        return None
    if typed not in set(ConsularNotice):
        raise invalid(f"One of {', '.join(ConsularNotice)}.", field)
    return ConsularNotice(typed)


def country(typed: str | None, field: str, setting: Setting) -> str | None:
    """ISO 3166-1 alpha-3."""
    return code(typed, field, setting.pack.countries, "Three letters of ISO 3166-1, such as USA or DOM.")


def grade(typed: str | None, field: str, setting: Setting) -> str | None:
    """A grade as the courts write it."""
    known = setting.pack.grades
    return code(typed, field, known, f"One of {', '.join(sorted(known))}.")


def statute(typed: str, field: str, setting: Setting) -> Statute:
    """A charge code that exists; the nearest one of the table is offered, what was typed never repeated."""
    found = setting.pack.statute(typed)
    if found is not None:
        return found
    near = setting.pack.nearest_statute(typed)
    sentence = "There is no such charge code. Write it like 18 § 2702 §§ A1."
    if near is not None:
        sentence = f"There is no such charge code. The nearest one is {near.code} ({near.text})."
    raise invalid(sentence, field)


def counts(number: int, field: str) -> int:
    """How often the charge is laid."""
    if not 1 <= number <= 999:
        raise invalid("From 1 to 999 counts.", field)
    return number


def charges(
    typed: tuple[ChargeForm, ...], field: str, setting: Setting
) -> list[tuple[Statute, str | None, int]]:
    """Each charge's statute, grade and counts."""
    if len(typed) > CHARGES_LIMIT:
        raise invalid(f"At most {CHARGES_LIMIT} charges.", field)
    return [
        (
            statute(one.statute, f"{field}.{place}.statute", setting),
            grade(one.grade, f"{field}.{place}.grade", setting),
            counts(one.counts, f"{field}.{place}.counts"),
        )
        for place, one in enumerate(typed)
    ]


def participants(typed: tuple[ParticipantForm, ...], field: str, setting: Setting) -> tuple[Participant, ...]:
    """Victims and crime witnesses, numbered from 1."""
    if len(typed) > PARTICIPANTS_LIMIT:
        raise invalid(f"At most {PARTICIPANTS_LIMIT} participants.", field)
    found = []
    for place, one in enumerate(typed):
        where = f"{field}.{place}"
        if one.role is Role.ARRESTEE:
            raise invalid("A participant is a victim or a crime_witness.", f"{where}.role")
        if one.birth_date is not None and one.birth_date > setting.now.astimezone(setting.pack.zone).date():
            raise invalid("A birth date lies in the past.", f"{where}.birth_date")
        called = name(one.name, f"{where}.name", setting)
        found.append(Participant(place + 1, one.role, called, one.birth_date))
    return tuple(found)


_BY_BAIL: dict[BailType | None, tuple[bool, bool]] = {  # may it have an amount, a percentage?
    BailType.ROR: (False, False),
    BailType.NONMONETARY: (False, False),
    BailType.UNSECURED: (True, False),
    BailType.NOMINAL: (True, False),
    BailType.MONETARY: (True, True),
    BailType.DENIED: (False, False),
    None: (True, True),
}


def bail(form: BailForm, prefix: str, setting: Setting, *, from_court_list: bool = False) -> Bail:
    """A bail order; `prefix` is `bail.` or empty. Only a court's list may leave the amount unsaid."""
    may_amount, may_percent = _BY_BAIL[form.type]
    if form.amount is not None and not 0 <= form.amount <= AMOUNT_LIMIT:
        raise invalid("An amount is a whole number of dollars, not negative.", f"{prefix}amount")
    if form.amount and not may_amount:
        raise invalid("This type of bail has no amount.", f"{prefix}amount")
    if form.type is BailType.MONETARY and not form.amount and not from_court_list:
        raise invalid("Monetary bail has an amount, in whole dollars.", f"{prefix}amount")
    if form.percent is not None and not 1 <= form.percent <= 100:
        raise invalid("A percentage lies between 1 and 100.", f"{prefix}percent")
    if form.percent is not None and not may_percent:
        raise invalid("Only monetary bail has a percentage.", f"{prefix}percent")
    return Bail(
        type=form.type,
        amount=form.amount if may_amount else None,
        percent=form.percent,
        posted=form.posted,
        ability_to_pay=prose(form.ability_to_pay, f"{prefix}ability_to_pay", setting),
        reasons=prose(form.reasons, f"{prefix}reasons", setting),
        set_at=form.at.astimezone(UTC),
    )
