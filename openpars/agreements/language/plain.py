# SPDX-License-Identifier: Apache-2.0
"""The plain text of an agreement, in English or Spanish, generated from the value the machine obeys.

It is never written beside it, so it cannot say less or more than what runs. Deterministic: one value and one
language, one text. Made of sections, so that a page can lay it out; `markdown` joins them. In whatever
language it is read, what decides is the agreement itself: its hash is of the canonical form.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from openpars.agreements.language.words import ENGLISH, Words
from openpars.agreements.model import (
    Agreement,
    Bar,
    BarKind,
    Decision,
    Grant,
    Organisation,
    Term,
    Version,
    Way,
    When,
)
from openpars.record.catalogue import CRITERIA, FIELDS
from openpars.record.file import Role

# What is in no agreement's reach, because the catalogue has no field for it.
NEVER = ("status", "interview", "bail_reasons", "charging_reasons", "magistrate", "history")


@dataclass(frozen=True, slots=True)
class Section:
    """One section: a title, sentences, and points. `id` is stable and fit for a link."""

    id: str
    title: str
    paragraphs: tuple[str, ...] = ()
    points: tuple[str, ...] = ()


def sections(version: Version, say: Words) -> tuple[Section, ...]:
    """The whole text, in reading order."""
    agreement = version.agreement
    return (
        _who(version, say),
        _users(agreement, say),
        _how_long(agreement.term, say),
        *(_grant(agreement, grant, say) for grant in agreement.grants),
        _not_shared(agreement, say),
        _barred(version, say),
        _limits(agreement, say),
        _duties(agreement, say),
        _decided(agreement.decision, agreement.term, say),
        *_clauses(agreement, say),
    )


def markdown(version: Version, say: Words) -> str:
    """The text as Markdown."""
    agreement = version.agreement
    blocks = [f"# {_escape(agreement.title or agreement.id)}"]
    for section in sections(version, say):
        blocks.append(f"## {section.title}")
        blocks.extend(section.paragraphs)
        if section.points:
            blocks.append("\n".join(f"- {point}" for point in section.points))
    return "\n\n".join(blocks) + "\n"


def _escape(text: str) -> str:
    """Free text of the agreement: it must not pass for markup or for the generated text."""
    return "".join(f"\\{c}" if c in "\\`*_[]<>#|" else c for c in " ".join(text.split()))


def purposes(codes: Iterable[str], say: Words) -> str:
    """Purposes in words, where there are words for them."""
    return say.join([say.maybe(f"purpose.{code}", code) for code in codes])


def body(code: str, say: Words) -> str:
    """A provider or recipient."""
    return say.maybe(f"body.{code}", code)


def _who(version: Version, say: Words) -> Section:
    agreement = version.agreement
    numbered = {"number": version.number} if version.number else {}
    opening = say(
        "text.numbered" if numbered else "text.unnumbered", id=agreement.id, hash=version.hash, **numbered
    )
    points = (
        say("text.provider", provider=body(agreement.provider, say)),
        say("text.recipient", recipient=body(agreement.recipient, say)),
        say("text.purposes", purposes=purposes(agreement.purposes, say)),
        say("text.basis", basis=_escape(agreement.legal_basis))
        if agreement.legal_basis
        else say("text.basis_none"),
        say("text.fee_none")
        if agreement.fee_per_year is None
        else say("text.fee", amount=f"{agreement.fee_per_year:,}"),
    )
    return Section("who", say("text.who"), (opening,), points)


def _users(agreement: Agreement, say: Words) -> Section:
    recipient = body(agreement.recipient, say)
    if not agreement.organisations:
        return Section("users", say("text.users"), (say("text.users_alone", recipient=recipient),))
    paragraphs = (say("text.users_named", recipient=recipient), say("text.users_closing"))
    points = tuple(_organisation(one, say) for one in agreement.organisations)
    return Section("users", say("text.users"), paragraphs, points)


def _organisation(one: Organisation, say: Words) -> str:
    under = body(one.under, say)
    if not one.name:
        return say("text.organisation", id=one.id, under=under)
    return say("text.organisation_named", id=one.id, under=under, name=_escape(one.name))


def _how_long(term: Term, say: Words) -> Section:
    ends = [say("text.ends", at=say.moment(term.ends, term.zone))]
    if term.ends.microsecond == 0:
        last = say.moment(term.ends - timedelta(seconds=1), term.zone)
        ends.append(say("text.last_second", at=last))
    begins = say("text.begins", at=say.moment(term.begins, term.zone))
    return Section("term", say("text.term"), (begins, " ".join(ends)))


def _on_days(when: When, zone: str, say: Words) -> Iterable[str]:
    first, last = when.arrested_from, when.arrested_through
    if first is not None and first == last:
        yield say("condition.on", day=say.day(first), zone=zone)
    elif first is not None and last is not None:
        yield say("condition.between", first=say.day(first), last=say.day(last), zone=zone)
    elif first is not None:
        yield say("condition.since", day=say.day(first), zone=zone)
    elif last is not None:
        yield say("condition.until", day=say.day(last), zone=zone)


def _is_one_of(name: str, values: Iterable[str], say: Words) -> str:
    return say(f"condition.{name}", values=say.join([say.value(name, one) for one in values], "or"))


def conditions(grant: Grant, zone: str, say: Words) -> tuple[str, ...]:
    """The conditions of a grant on a file, each as a sentence without its full stop."""
    points = []
    of_charge = [
        _is_one_of(name, values, say) for name, values in grant.when.isin if CRITERIA[name].of_charge
    ]
    if of_charge:
        points.append(say("condition.charge", all=say.join(of_charge)))
    points.extend(
        _is_one_of(name, values, say) for name, values in grant.when.isin if not CRITERIA[name].of_charge
    )
    points.extend(_on_days(grant.when, zone, say))
    within = grant.when.arrested_within_days
    if within is not None:
        points.append(say("condition.within", days=say.count("days", within), hours=f"{within * 24:,}"))
    return tuple(points)


def _shown(grant: Grant, say: Words) -> str:
    parts = []
    for name, precision in grant.show:
        field = FIELDS[name]
        as_recorded = len(field.precisions) == 1 or field.precision(precision) is None
        parts.append(say.field(name) if as_recorded else say.precisely(name, precision))
    return "; ".join(parts)


def _key(fields: Iterable[str], say: Words) -> str:
    named = [say.field(name) for name in fields]
    return say("text.together", fields=say.join(named)) if len(named) > 1 else "".join(named)


def _ways(grant: Grant, say: Words) -> Iterable[str]:
    keys = "; ".join(_key(fields, say) for fields in grant.find_by)
    if Way.SEARCH in grant.ways:
        yield say("text.searched", keys=keys) if keys else say("text.no_key")
        yield from _hidden_keys(grant, say)
    else:
        yield say("text.not_searched")
    if Way.ALERT in grant.ways:
        by = [say("text.alerts_watch", keys=keys)] if keys else []
        if grant.alert_by:
            criteria = say.join([say.criterion(name) for name in grant.alert_by])
            by.append(say("text.alerts_criteria", criteria=criteria))
        by += [say("text.alerts_everybody")] if grant.alert_all else []
        yield say("text.alerts", ways=say.join(by, "or")) if by else say("text.alerts_by_nothing")
    else:
        yield say("text.no_alerts")
    yield say("text.exported") if Way.EXPORT in grant.ways else say("text.not_exported")
    if grant.bulk:
        yield say("text.bulk")


def _hidden_keys(grant: Grant, say: Words) -> Iterable[str]:
    """A key tells something: who searches by a value and finds a row has learned that the value is right."""
    shown = dict(grant.show)
    confirmed = sorted(
        {name for fields in grant.find_by for name in fields if shown.get(name) != "whole"},
        key=list(FIELDS).index,
    )
    if confirmed:
        yield say("text.confirms", fields=say.join([say.field(name) for name in confirmed]))


def _grant(agreement: Agreement, grant: Grant, say: Words) -> Section:
    if not grant.purposes:
        return Section(f"grant-{grant.number}", say("text.emptied"), (say("text.emptied_why"),))
    only = conditions(grant, agreement.term.zone, say)
    paragraphs = (
        say("text.about", who=say(f"about.{grant.about.value}"), purposes=purposes(grant.purposes, say)),
        say("text.shown", fields=_shown(grant, say)),
        *_ways(grant, say),
        say("text.only_when" if only else "text.no_conditions"),
    )
    total = len(agreement.grants)
    title = say("text.shared") if total == 1 else say("text.shared_of", number=grant.number, total=total)
    return Section(f"grant-{grant.number}", title, paragraphs, only)


def _not_shared(agreement: Agreement, say: Words) -> Section:
    shown = {name for grant in agreement.grants for name, _ in grant.show}
    coarse = []
    for name in FIELDS:
        best = max(
            (FIELDS[name].rank(p) for g in agreement.grants for n, p in g.show if n == name), default=None
        )
        if best is not None and best < len(FIELDS[name].precisions) - 1:
            how = say.how(name, FIELDS[name].precisions[best].name)
            coarse.append(say("text.beyond", field=say.field(name), how=how))
    never = [say.field(name) for name in FIELDS if name not in shown]
    people = [
        say(f"about.{role.value}")
        for role in Role
        if all(grant.about is not role for grant in agreement.grants)
    ]
    points = []
    if never:
        points.append(say("text.never_shown", fields=", ".join(never)))
    if coarse:
        points.append(say("text.never_finer", fields=", ".join(coarse)))
    told = _told(agreement, shown, say)
    if told:
        points.append(say("text.told", fields=", ".join(told)))
    if people:
        points.append(say("text.nothing_about", people=say.join(people, "nor")))
    points.append(say("text.no_agreement", what="; ".join(say(f"never.{one}") for one in NEVER)))
    return Section("not-shared", say("text.not_shared"), (), tuple(points))


def _told(agreement: Agreement, shown: set[str], say: Words) -> list[str]:
    """Fields no row shows, though a hit by key, criterion or condition gives their value away."""
    asked = {name for grant in agreement.grants for fields in grant.find_by for name in fields}
    asked |= {CRITERIA[name].field for grant in agreement.grants for name in grant.alert_by}
    asked |= {CRITERIA[name].field for grant in agreement.grants for name, _ in grant.when.isin}
    return [say.field(name) for name in FIELDS if name in asked - shown]


def _barred(version: Version, say: Words) -> Section:
    points = tuple(_bar(bar, version.term, say) for bar in version.bars)
    return Section("bars", say("text.bars"), (say("text.bars_hold"),) if points else (), points)


def bar_said(bar: Bar, part: str, say: Words) -> str:
    """The `title`, `label` or `citation` of a bar; as its pack has it, where just that was not translated."""
    key, own = f"bar.{bar.id}.{part}", str(getattr(bar, part) or "")
    return say(key) if ENGLISH.maybe(key, "") == own else own


def _bar(bar: Bar, term: Term, say: Words) -> str:
    said = [f"{bar_said(bar, 'title', say)}."]
    if bar.label:
        label = bar_said(bar, "label", say)
        said.append(say("above.label", label=f"{label[0].upper()}{label[1:]}"))
    if bar.fields:
        said.append(say("above.held_back", fields=say.join([say.field(name) for name in bar.fields])))
    if bar.kind is BarKind.JUVENILE:
        said.append(say("above.unknown_age"))
    if bar.begins is not None:
        said.append(say("above.from", at=say.moment(bar.begins, term.zone)))
    if bar.ends is not None:
        said.append(say("above.until", at=say.moment(bar.ends, term.zone)))
    said.append(say(f"above.{bar.standing}", citation=bar_said(bar, "citation", say)))
    return " ".join([*said, *filter(None, [say.maybe(f"above.checked_{bar.checked}", "")])])


def _limits(agreement: Agreement, say: Words) -> Section:
    limits = agreement.limits
    points = (
        say("text.limit_results", records=say.count("records", limits.results_per_search)),
        say("text.limit_searches", number=f"{limits.searches_per_user_per_day:,}"),
        say("text.limit_user"),
        say("text.logged"),
    )
    return Section("limits", say("text.limits"), (), points)


def _duties(agreement: Agreement, say: Words) -> Section:
    duties = agreement.duties
    report, destroy = duties.report_outcome_within_days, duties.destroy_when_withdrawn_within_days
    points = (
        say("text.case_required" if duties.case_number_required else "text.case_optional"),
        say("text.report_none") if report is None else say("text.report", days=say.count("days", report)),
        say("text.destroy_none") if destroy is None else say("text.destroy", days=say.count("days", destroy)),
    )
    return Section("duties", say("text.duties"), (), points)


def _rule(rule: str, say: Words) -> str:
    if rule == "consensus":
        return say("rule.consensus")
    needed, _, total = rule.split(" ")
    return say("rule.quorum", needed=needed, total=total)


def _decided(decision: Decision, term: Term, say: Words) -> Section:
    owners = [say.maybe(f"owner.{one}", one) for one in decision.stakeholders]
    points = [
        say("text.owners", owners=say.join(owners)),
        say("text.enacted", rule=_rule(decision.enact, say)),
        say("text.renewed", rule=_rule(decision.renew, say)),
        say("text.amended", rule=_rule(decision.amend, say)),
        say("text.ended", rule=_rule(decision.end, say)),
        say("text.answer_within", days=say.count("days", decision.days_to_vote)),
        say(f"silence.{decision.silence.value}"),
    ]
    if term.notice_days:
        points.append(say("text.notice", days=say.count("days", term.notice_days)))
    return Section("decision", say("text.decision"), (), tuple(points))


def _clauses(agreement: Agreement, say: Words) -> Iterable[Section]:
    if agreement.cjis:
        points = tuple(
            say("text.clause", topic=say(f"cjis.{topic}"), clause=_escape(clause))
            for topic, clause in agreement.cjis
        )
        yield Section("cjis", say("text.clauses"), (say("text.clauses_not_enforced"),), points)
