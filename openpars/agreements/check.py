# SPDX-License-Identifier: Apache-2.0
"""What a readable agreement may still not do, and what people should know before they vote on it.

`refused`: it parses, so that it can be compared, replayed and reasoned about; it is not enacted.
`warning`: it may be enacted. Nothing here looks at a record.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from openpars.agreements.bars import UNLISTED, packs
from openpars.agreements.canonical import CJIS_TOPICS
from openpars.agreements.faults import Fault, Severity, nearest
from openpars.agreements.lines import Path
from openpars.agreements.model import Agreement, Bar, BarKind, Grant, Silence, Way
from openpars.agreements.text import Reading, read
from openpars.record.catalogue import CRITERIA, FIELDS
from openpars.record.file import Role

_Found = Iterator[tuple[Severity, str, Path, str | None]]


def check(text: str | bytes, file: str = "agreement.toml", *, strict: bool = False) -> Reading:
    """Read a text and judge it: a reading whose faults include the refusals and warnings.

    `strict`: as outside demo mode, where an agreement must cover every topic of the CJIS Security Policy.
    """
    reading = read(text, file)
    if reading.agreement is None:
        return reading
    found = [
        Fault(file, reading.lines.line(*path), severity, message, suggestion)
        for severity, message, path, suggestion in _judge(reading.agreement, strict=strict)
    ]
    faults = tuple(sorted((*reading.faults, *found), key=lambda fault: fault.line))
    return Reading(file, reading.agreement, faults, reading.lines)


def enactable(reading: Reading) -> bool:
    """Whether the text may be proposed for a vote: no error and no refusal."""
    return reading.agreement is not None and all(f.severity is Severity.WARNING for f in reading.faults)


def _judge(agreement: Agreement, *, strict: bool) -> _Found:
    yield from _parties(agreement)
    for grant in agreement.grants:
        yield from _keys(grant)
        yield from _ways(grant)
        yield from _bulk(grant)
        yield from _sensitive(grant)
        yield from _bars(agreement, grant)
    if agreement.decision.silence is Silence.CONTINUE:
        message = (
            "silence counts as going on: owners who say nothing let it continue. `lapse` is the safe word"
        )
        yield Severity.WARNING, message, ("decision", "silence"), None
    if agreement.legal_basis is None:
        yield Severity.WARNING, "no `legal_basis` is given", ("agreement",), None
    missing = missing_topics(agreement)
    if missing:
        message = f"CJIS Security Policy 5.1.1.3 asks that [cjis] also covers: {', '.join(missing)}"
        yield Severity.REFUSED if strict else Severity.WARNING, message, ("cjis",), None


def missing_topics(agreement: Agreement) -> tuple[str, ...]:
    """The topics of CJIS Security Policy 5.1.1.3 that no clause covers."""
    return tuple(topic for topic in CJIS_TOPICS if topic not in dict(agreement.cjis))


def _parties(agreement: Agreement) -> _Found:
    pack = packs().get(agreement.provider)
    if pack is None:
        right = sorted(packs())
        message = (
            f"no jurisdiction pack, and so no bars, are known for this provider; known: {', '.join(right)}"
        )
        # `nearest` compares with underscores; a provider is written with hyphens.
        yield Severity.REFUSED, message, ("agreement", "provider"), nearest(agreement.provider, right)
        return
    if agreement.decision.stakeholders != pack.stakeholders:
        message = (
            f"the stakeholders must be the owners of the record, all of them: {', '.join(pack.stakeholders)}"
        )
        yield Severity.REFUSED, message, ("decision", "stakeholders"), None
    if pack.recipients.get(agreement.recipient, UNLISTED) == UNLISTED:
        message = (
            "the recipient is not listed in the jurisdiction pack: every bar of every class applies to it"
        )
        yield Severity.WARNING, message, ("agreement", "recipient"), None


def _path(grant: Grant, *rest: str | int) -> Path:
    return ("grant", grant.number - 1, *rest)


def _keys(grant: Grant) -> _Found:
    for fields in grant.find_by:
        known = [FIELDS[name] for name in fields]
        enough = any(field.identifier for field in known) or sum(field.identifying for field in known) >= 2
        if not enough:
            right = [field.name for field in FIELDS.values() if field.identifier]
            pairs = [field.name for field in FIELDS.values() if field.identifying]
            message = (
                f"the key {' + '.join(fields)} does not single out one person: name an identifier "
                f"({', '.join(right)}) or at least two of {', '.join(pairs)}"
            )
            yield Severity.REFUSED, message, _path(grant, "find_by"), None


def _ways(grant: Grant) -> _Found:
    if Way.SEARCH in grant.ways and not grant.find_by:
        yield (
            Severity.REFUSED,
            "`search` is granted but no key: nothing can be found",
            _path(grant, "ways"),
            None,
        )
    if grant.alert_all and Way.ALERT not in grant.ways:
        yield Severity.REFUSED, "`alert_all` needs `alert` among the ways", _path(grant, "alert_all"), None
    if Way.ALERT not in grant.ways and grant.alert_by:
        yield (
            Severity.WARNING,
            "`alert_by` has no effect without `alert` among the ways",
            _path(grant, "alert_by"),
            None,
        )
    if grant.ways == {Way.ALERT} and not (grant.find_by or grant.alert_by or grant.alert_all):
        yield Severity.REFUSED, "alerts are granted but nothing to ask them by", _path(grant, "ways"), None


def _bulk_way(grant: Grant) -> str:
    if Way.EXPORT in grant.ways:
        return "export"
    return "`alert_all`" if grant.alert_all else "alerts by criteria"


def _bulk(grant: Grant) -> _Found:
    findable = {name for fields in grant.find_by for name in fields}
    for name in grant.alert_by:
        field = FIELDS[CRITERIA[name].field]
        if field.protected and Way.ALERT in grant.ways:
            if field.name in findable:
                message = f"this grant lets its recipient select people by {field.label}"
                yield Severity.WARNING, message, _path(grant, "alert_by"), None
            else:
                message = (
                    f"nobody may be selected by {field.label} through alerts unless `find_by` says so openly"
                )
                yield Severity.REFUSED, message, _path(grant, "alert_by"), None
    if not grant.bulk:
        return
    for name, precision in grant.show:
        yield from _shown_in_bulk(grant, name, precision, findable)


def _shown_in_bulk(grant: Grant, name: str, precision: str, findable: set[str]) -> _Found:
    field = FIELDS[name]
    shown = field.precision(precision)
    proxy_for = shown.proxy_for if shown is not None else ()
    if not field.protected and not proxy_for:
        return
    what = field.label if field.protected else f"{field.label} (from which {_labels(proxy_for)} can be told)"
    way = _bulk_way(grant)
    if name in findable:
        message = f"through {way} whoever receives every row can sort them all by {what}"
        yield Severity.WARNING, message, _path(grant, "show", name), None
        return
    message = (
        f"{what} is shown and the grant has {way}: whoever receives every row can search them by it, though "
        "`find_by` does not grant that. Show it without that way, leave it out, or name it in `find_by`"
    )
    yield Severity.REFUSED, message, _path(grant, "show", name), None


def _labels(names: tuple[str, ...]) -> str:
    return ", ".join(FIELDS[name].label for name in names)


def _sensitive(grant: Grant) -> _Found:
    if not grant.bulk:
        return
    for name, precision in grant.show:
        shown = FIELDS[name].precision(precision)
        hinted = [FIELDS[one].label for one in (shown.hints_at if shown is not None else ())]
        if hinted and name != "name":
            message = f"seen for everybody, {FIELDS[name].label} hints at {', '.join(hinted)} of some people"
            yield Severity.WARNING, message, _path(grant, "show", name), None


def _bars(agreement: Agreement, grant: Grant) -> _Found:
    pack = packs().get(agreement.provider)
    if pack is None:
        return
    kind = pack.recipients.get(agreement.recipient, UNLISTED)
    for bar, classes in pack.bars:
        if (kind == UNLISTED or "*" in classes or kind in classes) and _empties(bar, grant.about):
            yield from _emptied(agreement, grant, bar)


def _empties(bar: Bar, about: Role) -> bool:
    return bar.kind is BarKind.EVERYTHING or (bar.kind is BarKind.ROLE and about in bar.roles)


def _emptied(agreement: Agreement, grant: Grant, bar: Bar) -> _Found:
    term = agreement.term
    begins, ends = bar.begins or term.begins, bar.ends or term.ends
    if begins >= term.ends or ends <= term.begins:
        return
    if begins <= term.begins and ends >= term.ends:
        message = f"a bar empties this grant for its whole term: {bar.title} [{bar.citation}]"
        yield Severity.REFUSED, message, _path(grant), None
        return
    message = f"a bar empties this grant {_span(bar, term.begins)}: {bar.title} [{bar.citation}]"
    yield Severity.WARNING, message, _path(grant), None


def _span(bar: Bar, begins: datetime) -> str:
    if bar.begins is not None and bar.begins > begins:
        return f"from {bar.begins:%Y-%m-%d %H:%M} UTC"
    return f"until {bar.ends:%Y-%m-%d %H:%M} UTC"
