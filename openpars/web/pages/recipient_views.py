# SPDX-License-Identifier: Apache-2.0
"""What a recipient's pages show: its agreement as choices, its answers as exactly the granted fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson

from openpars.agreements.language import plain
from openpars.agreements.model import Grant, Version
from openpars.agreements.register import Standing
from openpars.disclosure import checks
from openpars.disclosure.gate import Record
from openpars.record.catalogue import CRITERIA, FIELDS, Criterion
from openpars.record.countries import countries
from openpars.record.languages import LANGUAGES
from openpars.web.pages import times
from openpars.web.pages.models import Fact, KeyChoice, MyAgreement, PurposeChoice, RecordView
from openpars.web.pages.words import Words

Json = Mapping[str, Any]

_BAIL = {
    "ror": "release on recognizance",
    "nonmonetary": "nonmonetary conditions",
    "unsecured": "unsecured",
    "nominal": "nominal",
    "monetary": "monetary",
    "denied": "denied",
}


def label(field: str) -> str:
    """A field's name in words, from the catalogue."""
    found = FIELDS.get(field)
    text = found.label if found is not None else field.replace("_", " ")
    return text[:1].upper() + text[1:]


def purpose_words(code: str) -> str:
    """`felony-warrant` as `Felony warrant`."""
    text = code.replace("-", " ")
    return text[:1].upper() + text[1:]


def mine(standing: Standing, version: Version, purpose: str | None, words: Words) -> MyAgreement:
    """An agreement in force as choices. Only what its grants name for the purpose is offered."""
    agreement = version.agreement
    chosen = purpose if purpose in agreement.purposes else agreement.purposes[0]
    search = checks.grants_for(version, chosen, "search")
    combinations = list(dict.fromkeys(fields for grant in search for fields in grant.find_by))
    shown = {name: precision for grant in search or agreement.grants for name, precision in grant.show}
    provider = words.maybe(f"party.{agreement.provider}", agreement.provider)
    recipient = words.maybe(f"party.{agreement.recipient}", agreement.recipient)
    return MyAgreement(
        id=agreement.id,
        title=agreement.title or f"{provider} and {recipient}",
        version=version.number,
        ends=standing.until,
        purposes=tuple(PurposeChoice(code, purpose_words(code)) for code in agreement.purposes),
        purpose=chosen,
        keys=tuple(
            KeyChoice(
                place,
                " and ".join(label(f) if n == 0 else FIELDS[f].label for n, f in enumerate(fields)),
                fields,
            )
            for place, fields in enumerate(combinations)
        ),
        shown=tuple(_shown(name, shown[name]) for name in FIELDS if name in shown),
        case_required=agreement.duties.case_number_required,
        may_search=bool(search),
        may_alert=bool(checks.grants_for(version, chosen, "alert")),
        plain=plain.sections(version, words),
    )


def _shown(name: str, precision: str) -> str:
    field = FIELDS[name]
    found = field.precision(precision)
    whole = found is None or precision == field.precisions[-1].name
    return field.label if whole else f"{field.label} ({found.meaning if found else precision})"


def criteria(version: Version, purpose: str) -> tuple[tuple[str, str, tuple[tuple[str, str], ...]], ...]:
    """What a subscription may be narrowed by: name, label, and the closed values if there are any."""
    grants = checks.grants_for(version, purpose, "alert")
    names = {name for grant in grants for name in grant.alert_by}
    return tuple(
        (one.name, one.label[:1].upper() + one.label[1:], _values(one, grants))
        for one in CRITERIA.values()
        if one.name in names
    )


def _values(one: Criterion, grants: Sequence[Grant]) -> tuple[tuple[str, str], ...]:
    """The values that can ever be told of: a grant that asks for some grades of charge tells of no other."""
    words = LANGUAGES if one.name == "interpreter" else {}
    telling = [grant for grant in grants if one.name in grant.alert_by]
    wanted = [dict(grant.when.isin).get(one.name, one.values) for grant in telling]
    return tuple(
        (value, words.get(value, value.replace("_", " ")))
        for value in one.values
        if any(value in values for values in wanted)
    )


def record(found: Record) -> RecordView:
    """One record: the granted fields that are known, in the catalogue's order, nothing else."""
    body: Json = orjson.loads(found.body)
    name = body.get("name")
    title = _name(name) if isinstance(name, dict) else str(name) if name else "Record"
    apart = {"charges", "name"} if isinstance(name, dict) else {"charges"}
    facts = [Fact(label(f), value(f, body[f])) for f in FIELDS if f in body and f not in apart]
    charges = body.get("charges")
    if isinstance(charges, int):
        facts.append(Fact(label("charges"), str(charges)))
    return RecordView(found.id, title, tuple(facts), _charges(charges))


def _charges(charges: Any) -> tuple[tuple[str, str], ...]:
    if not isinstance(charges, list):
        return ()
    return tuple(
        (
            one["text"],
            ", ".join(str(p) for p in (one["statute"], one["grade"], _counts(one), one["stage"]) if p),
        )
        if isinstance(one, dict)
        else (str(one), "")
        for one in charges
    )


def _counts(charge: Json) -> str:
    return f"{charge['counts']} counts" if charge.get("counts", 1) != 1 else ""


def _name(name: Json) -> str:
    return " ".join(part for part in (name["first"], name["middle"], name["last"], name["suffix"]) if part)


def value(field: str, given: Any) -> str:
    """A granted value in words."""
    if isinstance(given, dict):
        return (
            _bail(given)
            if field == "bail"
            else ", ".join(f"{k} {v}" for k, v in given.items() if v is not None)
        )
    if isinstance(given, list):
        return ", ".join(str(one).replace("_", " ") for one in given)
    if given is True:
        return "recorded"
    text = str(given)
    if field == "interpreter":
        return LANGUAGES.get(text, text)
    if field == "birth_country":
        return countries().get(text, text)
    if field == "bail":
        return _BAIL.get(text, text)
    if field == "ssn" and len(text) == 4:
        return f"ends in {text}"
    return _time(text) if field in {"birth_date", "arrested_at", "filed_at", "next_date"} else text


def _bail(given: Json) -> str:
    words = [_BAIL.get(given.get("type") or "", "type not known")]
    if given.get("amount") is not None:
        words.append(f"${given['amount']:,}")
    if given.get("percent") is not None:
        words.append(f"{given['percent']} percent deposit")
    if given.get("posted"):
        words.append("posted")
    return ", ".join(words)


def _time(text: str) -> str:
    """An instant in city time, a day in words; a year or a month as it is."""
    if "T" in text:
        return times.local(datetime.fromisoformat(text))
    if len(text) == 10:
        return times.day(datetime.fromisoformat(text).date())
    return text
