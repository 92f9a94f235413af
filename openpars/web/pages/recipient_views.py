# SPDX-License-Identifier: Apache-2.0
"""What a recipient's pages show: its agreement as choices, its answers as exactly the granted fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from openpars.agreements.language import plain
from openpars.agreements.model import Grant, Version
from openpars.agreements.register import Standing
from openpars.disclosure import checks
from openpars.disclosure.gate import Record
from openpars.record.catalogue import CRITERIA, FIELDS, Criterion
from openpars.record.languages import LANGUAGES
from openpars.web.pages import field_words
from openpars.web.pages.models import Fact, KeyChoice, MyAgreement, PurposeChoice, RecordView
from openpars.web.pages.words import Words

Json = Mapping[str, Any]
_ENGLISH = Words("en")


def label(field: str) -> str:
    """A field's name in words, from the catalogue. Recipients' pages are in English."""
    return field_words.label(field, _ENGLISH)


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
    return field_words.value(field, given, _ENGLISH)
