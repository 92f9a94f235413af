# SPDX-License-Identifier: Apache-2.0
"""What a readable agreement may still not do, and what people should know before they vote on it.

`refused`: it parses, so that it can be compared, replayed and reasoned about; it is not enacted.
`warning`: it may be enacted. Nothing here looks at a record.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from openpars.agreements.bars import UNLISTED, packs
from openpars.agreements.emptied import never
from openpars.agreements.findable import selecting
from openpars.agreements.foreseen import barred, switchable
from openpars.agreements.language.canonical import CJIS_TOPICS
from openpars.agreements.language.faults import Fault, Severity, nearest
from openpars.agreements.language.lines import Path
from openpars.agreements.language.text import Reading, read
from openpars.agreements.model import Agreement, Grant, Silence, Way
from openpars.record.catalogue import FIELDS

_Found = Iterator[tuple[Severity, str, Path, str | None]]


def check(
    text: str | bytes,
    file: str = "agreement.toml",
    *,
    strict: bool = False,
    switched_on: Collection[str] = (),
) -> Reading:
    """Read a text and judge it: a reading whose faults include the refusals and warnings.

    `strict`: as outside demo mode, where an agreement must cover every topic of the CJIS Security Policy.
    `switched_on`: judge as if the city had switched these bars on, each from its own first day.
    """
    reading = read(text, file)
    if reading.agreement is None:
        return reading
    found = [
        Fault(file, reading.lines.line(*path), severity, message, suggestion)
        for severity, message, path, suggestion in _judge(
            reading.agreement, strict=strict, switched_on=switched_on
        )
    ]
    faults = tuple(sorted((*reading.faults, *found), key=lambda fault: fault.line))
    return Reading(file, reading.agreement, faults, reading.lines)


def enactable(reading: Reading) -> bool:
    """Whether the text may be proposed for a vote: no error and no refusal."""
    return reading.agreement is not None and all(f.severity is Severity.WARNING for f in reading.faults)


def _judge(agreement: Agreement, *, strict: bool, switched_on: Collection[str]) -> _Found:
    yield from _parties(agreement)
    for grant in agreement.grants:
        yield from _keys(grant)
        yield from _ways(grant)
        for name, reason in never(grant, agreement.term):
            yield Severity.WARNING, reason, _path(grant, "when", name), None
    yield from _selecting(agreement)
    yield from _barred(agreement, switched_on)
    yield from _minority(agreement)
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


def _minority(agreement: Agreement) -> _Found:
    # A new id has no text in force whose rules decide: one owner alone could let a text in by its own rule.
    decision = agreement.decision
    rules = [("enact", decision.enact), ("renew", decision.renew)]
    if decision.amend != decision.enact:  # it is the same where the text does not say
        rules.append(("amend", decision.amend))
    for name, rule in rules:
        needed = rule.partition(" of ")[0]
        if needed.isdecimal() and 2 * int(needed) <= len(decision.stakeholders):
            message = f"`{name}` must need more than half of the stakeholders: fewer let nothing out"
            yield Severity.REFUSED, message, ("decision", name), None


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


def _selecting(agreement: Agreement) -> _Found:
    for one in selecting(agreement):
        rest = (one.word,) if one.name is None else (one.word, one.name)
        yield one.severity, one.message, ("grant", one.grant - 1, *rest), None


def _barred(agreement: Agreement, switched_on: Collection[str]) -> _Found:
    if agreement.provider not in packs():
        return
    for severity, message, grant in barred(agreement, switched_on):
        yield severity, message, _path(grant), None
    for message in switchable(agreement, switched_on):
        yield Severity.WARNING, message, ("agreement", "recipient"), None
