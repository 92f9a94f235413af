# SPDX-License-Identifier: Apache-2.0
"""The plain-English text of an agreement, generated from the value the machine obeys.

It is never written beside it, so it cannot say less or more than what runs. Deterministic: one value,
one text. Made of sections, so that a page can lay it out; `markdown` joins them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from openpars.agreements.model import (
    Agreement,
    Bar,
    BarKind,
    Decision,
    Grant,
    Silence,
    Term,
    Version,
    Way,
    When,
)
from openpars.record.catalogue import CRITERIA, FIELDS
from openpars.record.file import Role

_ABOUT = {
    Role.ARRESTEE: "the person arrested",
    Role.VICTIM: "victims of a crime",
    Role.CRIME_WITNESS: "witnesses of a crime",
}
_WORDS = {
    "F": "ungraded felony",
    "M": "ungraded misdemeanor",
    "S": "summary offense",
    "IC": "indirect criminal contempt",
    "ror": "release on recognizance",
    "diverted": "such as Accelerated Rehabilitative Disposition, without a conviction",
    "defender": "the Defender",
    "private": "a private lawyer",
    "none": "nobody",
}
# What is in no agreement's reach, because the catalogue has no field for it.
_NEVER = (
    "immigration or citizenship status (the record has no field for it)",
    "the pretrial interview",
    "the reasons for a bail and the person's ability to pay",
    "the reasons of a charging decision",
    "the magistrate's name",
    "who acted on the file, and its history",
)


@dataclass(frozen=True, slots=True)
class Section:
    """One section: a title, sentences, and points. `id` is stable and fit for a link."""

    id: str
    title: str
    paragraphs: tuple[str, ...] = ()
    points: tuple[str, ...] = ()


def sections(version: Version) -> tuple[Section, ...]:
    """The whole text, in reading order."""
    agreement = version.agreement
    return (
        _who(version),
        _users(agreement),
        _how_long(agreement.term),
        *(_grant(agreement, grant) for grant in agreement.grants),
        _not_shared(agreement),
        _barred(version),
        _limits(agreement),
        _duties(agreement),
        _decided(agreement.decision, agreement.term),
        *_clauses(agreement),
    )


def markdown(version: Version) -> str:
    """The text as Markdown."""
    agreement = version.agreement
    blocks = [f"# {_escape(agreement.title or agreement.id)}"]
    for section in sections(version):
        blocks.append(f"## {section.title}")
        blocks.extend(section.paragraphs)
        if section.points:
            blocks.append("\n".join(f"- {point}" for point in section.points))
    return "\n\n".join(blocks) + "\n"


def _escape(text: str) -> str:
    """Free text of the agreement: it must not pass for markup or for the generated text."""
    return "".join(f"\\{c}" if c in "\\`*_[]<>#|" else c for c in " ".join(text.split()))


def join(words: Sequence[str], last: str = "and") -> str:
    """`a, b and c`."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}" if words else ""


def _count(number: int, one: str) -> str:
    return f"{number:,} {one}" if number == 1 else f"{number:,} {one}s"


def _day(at: date) -> str:
    return f"{at.day} {at:%B %Y}"


def moment(at: datetime, zone: str) -> str:
    """An instant in words, in the zone and in UTC."""
    local = at.astimezone(ZoneInfo(zone))
    here = f"{_day(local)}, {_clock(local)} {local.tzname()} ({zone})"
    if zone == "UTC":
        return f"{_day(local)}, {_clock(local)} UTC"
    return f"{here}, which is {_day(at.astimezone(UTC))}, {_clock(at.astimezone(UTC))} UTC"


def _clock(at: datetime) -> str:
    return at.time().isoformat(timespec="microseconds" if at.microsecond else "seconds")


def _who(version: Version) -> Section:
    agreement = version.agreement
    basis = _escape(agreement.legal_basis) if agreement.legal_basis else "none is stated"
    points = [
        f"Provider: {agreement.provider}",
        f"Recipient: {agreement.recipient}",
        f"Purposes: {join(agreement.purposes)}. A request for any other purpose is refused.",
        f"Legal basis as stated: {basis}",
    ]
    fee = "none is stated" if agreement.fee_per_year is None else f"${agreement.fee_per_year:,} a year"
    points.append(f"Fee: {fee}")
    standing = (
        f"This is version {version.number} of the agreement `{agreement.id}`."
        if version.number
        else f"This is a text for the agreement `{agreement.id}`, not proposed yet, so without a number."
    )
    opening = (
        f"{standing} The text below is generated from the agreement that the system obeys; what it does not "
        f"say is not shared. Fingerprint of the agreement: `{version.hash}`."
    )
    return Section("who", "Who shares with whom, and for what", (opening,), tuple(points))


def _users(agreement: Agreement) -> Section:
    opening = (
        f"The recipient itself, {agreement.recipient}, with keys of its own"
        + (
            ", and these organisations of its tree, each with keys of its own:"
            if agreement.organisations
            else "."
        )
        + ("" if agreement.organisations else " No organisation under it is named, so none may use it.")
    )
    closing = (
        "A key of an organisation that is not named here is refused, whatever stands above it. One "
        "suspension or end of this agreement cuts them all at once."
    )
    points = tuple(
        f"{one.id}, under {one.under}" + (f": {_escape(one.name)}" if one.name else "")
        for one in agreement.organisations
    )
    paragraphs = (opening, closing) if agreement.organisations else (opening,)
    return Section("users", "Who may use it", paragraphs, points)


def _how_long(term: Term) -> Section:
    last = term.ends - timedelta(seconds=1) if term.ends.microsecond == 0 else term.ends
    ends = f"It ends at {moment(term.ends, term.zone)}. At that instant nothing more is answered."
    if term.ends.microsecond == 0:
        ends += f" The last second inside the term is {moment(last, term.zone)}."
    return Section("term", "How long", (f"It begins at {moment(term.begins, term.zone)}.", ends))


def _value(criterion: str, value: str) -> str:
    if criterion == "zip_prefix":
        return f"{value} and two more digits"
    if criterion == "charge_grade" and value not in _WORDS:
        return value
    return f"{value} ({_WORDS[value]})" if value in _WORDS else value


def _on_days(when: When, zone: str) -> Iterable[str]:
    first, last = when.arrested_from, when.arrested_through
    if first is not None and first == last:
        yield f"the arrest was on {_day(first)}, by the calendar of {zone}"
    elif first is not None and last is not None:
        yield f"the arrest was from {_day(first)} through {_day(last)}, by the calendar of {zone}"
    elif first is not None:
        yield f"the arrest was on {_day(first)} or later, by the calendar of {zone}"
    elif last is not None:
        yield f"the arrest was on {_day(last)} or earlier, by the calendar of {zone}"


def _conditions(grant: Grant, zone: str) -> tuple[str, ...]:
    points = []
    of_charge = [
        f"its {name.removeprefix('charge_')} is {join([_value(name, v) for v in values], 'or')}"
        for name, values in grant.when.isin
        if CRITERIA[name].of_charge
    ]
    if of_charge:
        points.append(
            f"at least one charge is such that {join(of_charge)}; only such charges are shown and counted"
        )
    points.extend(
        f"the {CRITERIA[name].label} is {join([_value(name, v) for v in values], 'or')}"
        for name, values in grant.when.isin
        if not CRITERIA[name].of_charge
    )
    points.extend(_on_days(grant.when, zone))
    if grant.when.arrested_within_days is not None:
        hours = grant.when.arrested_within_days * 24
        points.append(
            f"the arrest is less than {_count(hours // 24, 'day')} old ({hours:,} hours); then the file "
            "leaves by itself"
        )
    return tuple(points)


def _shown(grant: Grant) -> str:
    parts = []
    for name, precision in grant.show:
        field = FIELDS[name]
        known = field.precision(precision)
        as_recorded = len(field.precisions) == 1 or known is None
        parts.append(
            field.label if as_recorded else f"{field.label} ({known.meaning if known else precision})"
        )
    return "; ".join(parts)


def _ways(grant: Grant) -> Iterable[str]:
    keys = "; ".join(
        join([FIELDS[name].label for name in fields]) + (" together" if len(fields) > 1 else "")
        for fields in grant.find_by
    )
    if Way.SEARCH in grant.ways:
        yield (
            f"It may be searched by, and by nothing else: {keys}."
            if keys
            else "It may not be searched: no key is granted."
        )
        yield from _hidden_keys(grant)
    else:
        yield "It may not be searched."
    if Way.ALERT in grant.ways:
        by = [f"a watch for one person, by the same keys ({keys})"] if keys else []
        by += (
            [f"criteria over {join([CRITERIA[name].label for name in grant.alert_by])}"]
            if grant.alert_by
            else []
        )
        by += ["every row of this grant, without criteria"] if grant.alert_all else []
        yield (
            f"Alerts may be asked for by {join(by, 'or')}."
            if by
            else "Alerts are named, but nothing to ask them by."
        )
    else:
        yield "No alerts."
    yield (
        "All of it may be exported at once."
        if Way.EXPORT in grant.ways
        else "It may not be exported in bulk."
    )
    if grant.bulk:
        yield "Whoever receives every row can sort and search what is shown in it by any of it."


def _hidden_keys(grant: Grant) -> Iterable[str]:
    """A key tells something: who searches by a value and finds a row has learned that the value is right."""
    shown = dict(grant.show)
    confirmed = sorted(
        {name for fields in grant.find_by for name in fields if shown.get(name) != "whole"},
        key=list(FIELDS).index,
    )
    if confirmed:
        labels = join([FIELDS[name].label for name in confirmed])
        yield f"A search that finds a row confirms the whole {labels} as typed, though it is not shown whole."


def _grant(agreement: Agreement, grant: Grant) -> Section:
    if not grant.purposes:
        nothing = "A bar above this agreement leaves nothing of this grant: see below."
        return Section(f"grant-{grant.number}", "What was voted and is not shared", (nothing,))
    only = _conditions(grant, agreement.term.zone)
    paragraphs = [
        f"About {_ABOUT[grant.about]}, for {join(list(grant.purposes))}.",
        f"Shown: {_shown(grant)}.",
        *_ways(grant),
        "Only when all of this is known to be so, and whoever gets a row is told that it is:"
        if only
        else "Without further conditions on the file.",
    ]
    total = len(agreement.grants)
    title = "What is shared" if total == 1 else f"What is shared ({grant.number} of {total})"
    return Section(f"grant-{grant.number}", title, tuple(paragraphs), only)


def _not_shared(agreement: Agreement) -> Section:
    shown = {name for grant in agreement.grants for name, _ in grant.show}
    coarse = []
    for name in FIELDS:
        best = max(
            (FIELDS[name].rank(p) for g in agreement.grants for n, p in g.show if n == name), default=None
        )
        finest = len(FIELDS[name].precisions) - 1
        if best is not None and best < finest:
            coarse.append(f"{FIELDS[name].label} beyond {FIELDS[name].precisions[best].meaning}")
    never = [field.label for name, field in FIELDS.items() if name not in shown]
    people = [_ABOUT[role] for role in Role if all(grant.about is not role for grant in agreement.grants)]
    points = []
    if never:
        points.append(f"Fields never shown: {', '.join(never)}")
    if coarse:
        points.append(f"Never shown more exactly: {', '.join(coarse)}")
    told = _told(agreement, shown)
    if told:
        points.append(f"Not shown, but told to whoever asks by it or is alerted by it: {', '.join(told)}")
    if people:
        points.append(f"Nothing about {join(people, 'or')}")
    points.append(f"Under no agreement: {'; '.join(_NEVER)}")
    return Section("not-shared", "What is not shared", (), tuple(points))


def _told(agreement: Agreement, shown: set[str]) -> list[str]:
    """Fields no row shows, though a hit by key, criterion or condition gives their value away."""
    asked = {name for grant in agreement.grants for fields in grant.find_by for name in fields}
    asked |= {CRITERIA[name].field for grant in agreement.grants for name in grant.alert_by}
    asked |= {CRITERIA[name].field for grant in agreement.grants for name, _ in grant.when.isin}
    return [field.label for name, field in FIELDS.items() if name in asked - shown]


def _barred(version: Version) -> Section:
    points = [_bar(bar, version.term) for bar in version.bars]
    return Section(
        "bars",
        "What stands above this agreement",
        ("These hold whatever the owners vote.",) if points else (),
        tuple(points),
    )


def _bar(bar: Bar, term: Term) -> str:
    since = f" Holds from {moment(bar.begins, term.zone)}." if bar.begins is not None else ""
    if bar.ends is not None:
        since += f" Holds until {moment(bar.ends, term.zone)}."
    note = {
        "source": "",
        "K": " Not checked against the source.",
        "I": " This project's reading, not checked by a lawyer.",
    }
    unknown_age = " An unknown age counts as a child's." if bar.kind is BarKind.JUVENILE else ""
    label = f" {bar.label[0].upper()}{bar.label[1:]}." if bar.label else ""
    taken = f" Held back: {join([FIELDS[name].label for name in bar.fields])}." if bar.fields else ""
    cited = f" ({bar.standing}: {bar.citation}.)"
    return f"{bar.title}.{label}{taken}{unknown_age}{since}{cited}{note.get(bar.checked, '')}"


def _limits(agreement: Agreement) -> Section:
    limits = agreement.limits
    points = (
        f"At most {_count(limits.results_per_search, 'record')} in answer to one search",
        f"Searches by one user in a day: at most {limits.searches_per_user_per_day:,}",
        (
            "A user is a key: whatever name its program gives, one key has one count. A watch for one person "
            "counts as a search. A day is a civil day in the agreement's zone"
        ),
        "Every answer is logged before it is given, and comes with a receipt",
    )
    return Section("limits", "Limits", (), points)


def _duties(agreement: Agreement) -> Section:
    duties = agreement.duties
    points = [
        "Every request names a case number"
        if duties.case_number_required
        else "A case number may be left out"
    ]
    report, destroy = duties.report_outcome_within_days, duties.destroy_when_withdrawn_within_days
    points.append(
        "No report of what came of a disclosure is asked for"
        if report is None
        else f"Report what came of each disclosure within {_count(report, 'day')}"
    )
    points.append(
        "It is not asked to destroy its copy of a record that is withdrawn"
        if destroy is None
        else f"Destroy its copy of a record that is withdrawn within {_count(destroy, 'day')}"
    )
    return Section("duties", "What the recipient owes", (), tuple(points))


def _rule(rule: str) -> str:
    if rule == "consensus":
        return "consensus: every owner has voted, none says no, at least one says yes"
    needed, _, total = rule.split(" ")
    return f"at least {needed} of the {total} owners say yes"


def _decided(decision: Decision, term: Term) -> Section:
    silence = {
        Silence.LAPSE: "An owner who says nothing has not said yes. Without a vote to renew, it ends.",
        Silence.CONTINUE: "When a question to renew closes, an owner who said nothing counts as a yes.",
    }
    points = [
        f"The owners: {join(list(decision.stakeholders))}",
        f"It comes into force if {_rule(decision.enact)}",
        f"It is renewed if {_rule(decision.renew)}",
        f"It is amended if {_rule(decision.amend)}",
        f"It is ended before its time if {_rule(decision.end)}",
        f"The owners have {_count(decision.days_to_vote, 'day')} to answer a question",
        silence[decision.silence],
    ]
    if term.notice_days:
        points.append(f"Notice of an early end is given {_count(term.notice_days, 'day')} before")
    return Section("decision", "Who decides, and how it can end", (), tuple(points))


def _clauses(agreement: Agreement) -> Iterable[Section]:
    if agreement.cjis:
        points = tuple(f"{topic.replace('_', ' ')}: {_escape(clause)}" for topic, clause in agreement.cjis)
        title = "Clauses of the CJIS Security Policy, 5.1.1.3, as the parties wrote them"
        yield Section("cjis", title, ("The system does not enforce these by itself.",), points)
