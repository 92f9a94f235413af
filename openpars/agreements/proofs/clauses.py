# SPDX-License-Identifier: Apache-2.0
"""What two texts say differently beside their grants: limits, duties, parties, and words without effect."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields

from openpars.agreements.language.plain import join
from openpars.agreements.model import Agreement, Decision, Duties, Limits

_LIMITS = {
    "results_per_search": "records in answer to one search",
    "searches_per_user_per_day": "searches a day",
}
_DUTIES = {
    "report_outcome_within_days": "reporting what came of a disclosure",
    "destroy_when_withdrawn_within_days": "destroying a record that is withdrawn",
}
_WORDS = {"title": "the title", "legal_basis": "the legal basis", "fee_per_year": "the fee"}
_SEEN = {
    "id",
    "provider",
    "recipient",
    "term",
    "decision",
    "grants",
    "limits",
    "duties",
    "cjis",
    "organisations",
}

# A clause that nobody here compares would be a change that nobody is told of.
if (
    {one.name for one in fields(Agreement)} != _SEEN | set(_WORDS)
    or {one.name for one in fields(Limits)} != set(_LIMITS)
    or {one.name for one in fields(Duties)} != {"case_number_required", *_DUTIES}
):
    raise TypeError("agreements say more than is compared here")


def permitted(before: Agreement, after: Agreement) -> Iterator[str]:
    """What the second text permits beside its grants, and the first does not."""
    if (before.provider, before.recipient) != (after.provider, after.recipient):
        yield f"the parties are {after.provider} and {after.recipient}"
    yield from _organisations(before, after)
    for name, label in _LIMITS.items():
        old, new = getattr(before.limits, name), getattr(after.limits, name)
        if new > old:
            yield f"{new:,} {label}, where there were {old:,}"
    if before.duties.case_number_required and not after.duties.case_number_required:
        yield "requests without a case number"
    for name, label in _DUTIES.items():
        old, new = getattr(before.duties, name), getattr(after.duties, name)
        if old is not None and (new is None or new > old):
            yield f"{label} only within {new:,} days, not {old:,}" if new else f"no duty of {label}"


def _organisations(before: Agreement, after: Agreement) -> Iterator[str]:
    for one in after.organisations:
        if not before.admits(one.id):
            yield f"{one.id}, an organisation under {one.under}, may use it"


def otherwise(before: Agreement, after: Agreement) -> Iterator[str]:
    """What else is worded differently, without any effect on what is told."""
    changed = [label for name, label in _WORDS.items() if getattr(before, name) != getattr(after, name)]
    if changed:
        yield f"another wording of {join(changed)}"
    rules = [
        one.name.replace("_", " ")
        for one in fields(Decision)
        if getattr(before.decision, one.name) != getattr(after.decision, one.name)
    ]
    if rules:
        yield f"another rule of decision: {join(rules)}"
    if before.term.notice_days != after.term.notice_days:
        yield f"{after.term.notice_days} days of notice, where there were {before.term.notice_days}"
    topics = sorted({topic for topic, _ in set(before.cjis) ^ set(after.cjis)})
    if topics:
        yield f"another wording of the clauses on {join([topic.replace('_', ' ') for topic in topics])}"
