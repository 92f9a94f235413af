# SPDX-License-Identifier: Apache-2.0
"""By what an agreement lets people be selected: keys, criteria, and whatever is shown in a bulk way.

A field is judged with what can be told from it (`proxy_for`): an interpreter's language gives the country
of birth away, so whoever may ask by it asks by that. `hints_at` is only warned about.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from openpars.agreements.language.faults import Severity
from openpars.agreements.model import Agreement, Grant, Way
from openpars.record.catalogue import CRITERIA, FIELDS, Field


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing a grant lets its recipient do. `word` and `name`: the place in the grant's table."""

    severity: Severity
    message: str
    grant: int
    word: str
    name: str | None = None


def selecting(agreement: Agreement) -> Iterator[Finding]:
    """Every way in which somebody may be selected by a protected field, or by one that tells it."""
    for grant in agreement.grants:
        yield from _by_keys(grant)
        if Way.ALERT in grant.ways:
            yield from _by_criteria(grant)
        yield from _by_place(grant)
        for way in _bulk_ways(agreement, grant):
            yield from _in_bulk(grant, way)


def told_by(field: str, precision: str) -> tuple[str, ...]:
    """The protected fields that somebody who sees this field at this precision can tell."""
    known = FIELDS[field].precision(precision)
    own = (field,) if FIELDS[field].protected else ()
    return own + (known.proxy_for if known is not None else ())


def _what(field: Field, precision: str) -> str:
    others = [FIELDS[name].label for name in told_by(field.name, precision) if name != field.name]
    return f"{field.label} (from which {', '.join(others)} can be told)" if others else field.label


def _findable(grant: Grant) -> set[str]:
    return {name for fields in grant.find_by for name in fields}


def _by_keys(grant: Grant) -> Iterator[Finding]:
    """A key is the whole value: a row that is found confirms what was typed."""
    for fields in grant.find_by:
        for name in fields:
            field = FIELDS[name]
            # Who types an identifier knows it already, and with it what it tells.
            if not field.identifier and told_by(name, "whole"):
                message = (
                    f"the key {' + '.join(fields)} asks by {_what(field, 'whole')}: a row that is found "
                    "confirms it, and whoever tries every value finds it out"
                )
                yield Finding(Severity.WARNING, message, grant.number, "find_by")


def _by_criteria(grant: Grant) -> Iterator[Finding]:
    for name in grant.alert_by:
        criterion = CRITERIA[name]
        field = FIELDS[criterion.field]
        if not told_by(field.name, criterion.precision):
            yield from _hint(grant, name, "a subscription by", "alert_by")
            continue
        what = _what(field, criterion.precision)
        if field.name in _findable(grant):
            message = f"this grant lets its recipient select people by {what}"
            yield Finding(Severity.WARNING, message, grant.number, "alert_by")
        else:
            openly = "unless `find_by` says so openly" if field.key else "and no key can say so openly"
            message = f"nobody may be selected by {what} through alerts {openly}"
            yield Finding(Severity.REFUSED, message, grant.number, "alert_by")


def _by_place(grant: Grant) -> Iterator[Finding]:
    for name, _ in grant.when.isin:
        yield from _hint(grant, name, "a condition on", "when")


def _hint(grant: Grant, criterion: str, how: str, word: str) -> Iterator[Finding]:
    one = CRITERIA[criterion]
    known = FIELDS[one.field].precision(one.precision)
    hinted = [FIELDS[name].label for name in (known.hints_at if known is not None else ())]
    if hinted:
        message = f"{how} {one.label} takes people in by what hints at {', '.join(hinted)}"
        yield Finding(Severity.WARNING, message, grant.number, word, criterion if word == "when" else None)


def _bulk_ways(agreement: Agreement, grant: Grant) -> Iterator[str]:
    """How every row of the grant may come to somebody who named nobody; one way is enough to say so."""
    if Way.EXPORT in grant.ways:
        yield "export"
    elif grant.bulk:
        yield "`alert_all`" if grant.alert_all else "alerts by criteria"
    elif Way.SEARCH in grant.ways or grant.find_by:
        # A record is opened by its id as well, and ids come with every row of a bulk way, as do most
        # values that a watch asks by: splitting a grant in two must not be a way around the rule.
        other = next((one for one in agreement.grants if one.bulk and one.about is grant.about), None)
        if other is not None:
            yield f"opens by the id of every row that grant {other.number} tells in bulk"


def _in_bulk(grant: Grant, way: str) -> Iterator[Finding]:
    for name, precision in grant.show:
        field = FIELDS[name]
        known = field.precision(precision)
        if told_by(name, precision):
            yield _shown_in_bulk(grant, field, precision, way)
        hinted = [FIELDS[one].label for one in (known.hints_at if known is not None else ())]
        if hinted and name != "name":
            message = f"seen for everybody, {field.label} hints at {', '.join(hinted)} of some people"
            yield Finding(Severity.WARNING, message, grant.number, "show", name)


def _shown_in_bulk(grant: Grant, field: Field, precision: str, way: str) -> Finding:
    what = _what(field, precision)
    if field.name in _findable(grant):
        message = f"through a bulk way ({way}) whoever receives every row can sort them all by {what}"
        return Finding(Severity.WARNING, message, grant.number, "show", field.name)
    mend = "Show it without that way, leave it out, or name it in `find_by`"
    if not field.key:
        mend = "No key can be made of it: show it without that way, or leave it out"
    message = (
        f"{what} is shown in a bulk way ({way}): whoever receives every row can search them by it, though "
        f"`find_by` does not grant that. {mend}"
    )
    return Finding(Severity.REFUSED, message, grant.number, "show", field.name)
