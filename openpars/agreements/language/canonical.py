# SPDX-License-Identifier: Apache-2.0
"""The canonical form: one text for one meaning, and its hash, which is what owners vote on.

Comments, order and spacing of the text people wrote do not count; every word that has an effect does.
Reading the canonical form gives the same value, and its own canonical form is itself.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterable
from datetime import datetime

from openpars.agreements.model import Agreement, Decision, Duties, Grant, Limits, Organisation, Term, Way
from openpars.record.catalogue import instant

# The topics an agreement between agencies must cover: CJIS Security Policy 5.1.1.3.
CJIS_TOPICS = (
    "audit",
    "dissemination",
    "hit_confirmation",
    "logging",
    "quality_assurance",
    "screening",
    "security",
    "timeliness",
    "training",
    "use",
    "validation",
)


def canonical(agreement: Agreement) -> str:
    """The canonical TOML text."""
    blocks = [
        _head(agreement),
        *(_organisation(one) for one in agreement.organisations),
        _term(agreement.term),
        _decision(agreement.decision),
        *(_grant(grant) for grant in agreement.grants),
        _limits(agreement.limits),
        _duties(agreement.duties),
    ]
    if agreement.cjis:
        blocks.append(_block("[cjis]", [(topic, _quote(clause)) for topic, clause in agreement.cjis]))
    return "\n".join(blocks)


def digest(agreement: Agreement) -> str:
    """SHA-256 of the canonical form, 64 hexadecimal digits."""
    return hashlib.sha256(canonical(agreement).encode()).hexdigest()


def _block(header: str, pairs: Iterable[tuple[str, str | None]]) -> str:
    return "\n".join([header, *(f"{key} = {value}" for key, value in pairs if value is not None), ""])


def _quote(text: str) -> str:
    plain = text.replace("\\", "\\\\").replace('"', '\\"')
    return (
        '"'
        + "".join(_escape(c) if unicodedata.category(c)[0] in "CZ" and c != " " else c for c in plain)
        + '"'
    )


def _escape(character: str) -> str:
    return f"\\U{ord(character):08x}"


def _maybe(text: str | None) -> str | None:
    return None if text is None else _quote(text)


def _number(value: int | None) -> str | None:
    return None if value is None else str(value)


def _list(values: Iterable[str]) -> str:
    return "[" + ", ".join(_quote(value) for value in values) + "]"


def _head(agreement: Agreement) -> str:
    return _block(
        "[agreement]",
        [
            ("id", _quote(agreement.id)),
            ("provider", _quote(agreement.provider)),
            ("recipient", _quote(agreement.recipient)),
            ("title", _maybe(agreement.title)),
            ("legal_basis", _maybe(agreement.legal_basis)),
            ("fee_per_year", _number(agreement.fee_per_year)),
        ],
    )


def _organisation(one: Organisation) -> str:
    pairs = [("id", _quote(one.id)), ("name", _maybe(one.name)), ("under", _quote(one.under))]
    return _block("[[organisation]]", pairs)


def _when_typed(day: object, at: datetime) -> str:
    return instant(at) if day is None else str(day)


def _term(term: Term) -> str:
    return _block(
        "[term]",
        [
            ("from", _when_typed(term.from_day, term.begins)),
            ("through" if term.through_day else "until", _when_typed(term.through_day, term.ends)),
            ("zone", _quote(term.zone)),
            ("notice_days", str(term.notice_days)),
        ],
    )


def _decision(decision: Decision) -> str:
    return _block(
        "[decision]",
        [
            ("stakeholders", _list(decision.stakeholders)),
            ("enact", _quote(decision.enact)),
            ("renew", _quote(decision.renew)),
            ("end", _quote(decision.end)),
            ("amend", _quote(decision.amend)),
            ("silence", _quote(decision.silence.value)),
            ("days_to_vote", str(decision.days_to_vote)),
        ],
    )


def _grant(grant: Grant) -> str:
    conditions = [f"{name} = {_list(values)}" for name, values in grant.when.isin]
    if grant.when.arrested_within_days is not None:
        conditions.append(f"arrested_within_days = {grant.when.arrested_within_days}")
    for name in ("arrested_from", "arrested_through"):
        day = getattr(grant.when, name)
        if day is not None:
            conditions.append(f"{name} = {day.isoformat()}")
    shown = ", ".join(f"{name} = {_quote(precision)}" for name, precision in grant.show)
    return _block(
        "[[grant]]",
        [
            ("about", _quote(grant.about.value)),
            ("purposes", _list(grant.purposes)),
            ("when", "{ " + ", ".join(conditions) + " }" if conditions else None),
            ("show", "{ " + shown + " }"),
            ("find_by", "[" + ", ".join(_list(fields) for fields in grant.find_by) + "]"),
            ("alert_by", _list(grant.alert_by)),
            ("alert_all", "true" if grant.alert_all else "false"),
            ("ways", _list(way.value for way in Way if way in grant.ways)),
        ],
    )


def _limits(limits: Limits) -> str:
    return _block(
        "[limits]",
        [
            ("results_per_search", str(limits.results_per_search)),
            ("searches_per_user_per_day", str(limits.searches_per_user_per_day)),
        ],
    )


def _duties(duties: Duties) -> str:
    return _block(
        "[duties]",
        [
            ("case_number", _quote("required" if duties.case_number_required else "optional")),
            ("report_outcome_within_days", _number(duties.report_outcome_within_days)),
            ("destroy_when_withdrawn_within_days", _number(duties.destroy_when_withdrawn_within_days)),
        ],
    )
