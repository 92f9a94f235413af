# SPDX-License-Identifier: Apache-2.0
"""What two texts say differently beside their grants: limits, duties, parties, and words without effect."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields

from openpars.agreements.language.words import Words
from openpars.agreements.model import Agreement, Decision, Duties, Limits

_LIMITS = ("results_per_search", "searches_per_user_per_day")
# Each with the sentence for when there is no such duty at all.
_DUTIES = {
    "report_outcome_within_days": "report_outcome_none",
    "destroy_when_withdrawn_within_days": "destroy_when_withdrawn_none",
}
_WORDS = ("title", "legal_basis", "fee_per_year")
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


@dataclass(frozen=True, slots=True)
class Clause:
    """Something that two texts say differently. `places` are filled as they stand; `named` with the words of
    these keys, one after the other, or with what follows the point of a key where there is no word."""

    key: str
    places: tuple[tuple[str, str], ...] = ()
    named: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def said(self, say: Words) -> str:
        """The clause in plain words."""
        words = {
            place: say.join([say.maybe(key, key.partition(".")[2]) for key in keys])
            for place, keys in self.named
        }
        return say(f"clause.{self.key}", **dict(self.places), **words)


def _numbers(key: str, new: int, old: int) -> Clause:
    return Clause(key, (("new", f"{new:,}"), ("old", f"{old:,}")))


def permitted(before: Agreement, after: Agreement) -> Iterator[Clause]:
    """What the second text permits beside its grants, and the first does not."""
    if (before.provider, before.recipient) != (after.provider, after.recipient):
        parties = (("provider", (f"body.{after.provider}",)), ("recipient", (f"body.{after.recipient}",)))
        yield Clause("parties", named=parties)
    yield from _organisations(before, after)
    for name in _LIMITS:
        old, new = getattr(before.limits, name), getattr(after.limits, name)
        if new > old:
            yield _numbers(name, new, old)
    if before.duties.case_number_required and not after.duties.case_number_required:
        yield Clause("case_number")
    for name, none in _DUTIES.items():
        old, new = getattr(before.duties, name), getattr(after.duties, name)
        if old is not None and (new is None or new > old):
            yield _numbers(name, new, old) if new else Clause(none)


def _organisations(before: Agreement, after: Agreement) -> Iterator[Clause]:
    for one in after.organisations:
        if not before.admits(one.id):
            yield Clause("organisation", (("id", one.id),), (("under", (f"body.{one.under}",)),))


def otherwise(before: Agreement, after: Agreement) -> Iterator[Clause]:
    """What else is worded differently, without any effect on what is told."""
    changed = tuple(f"wording.{name}" for name in _WORDS if getattr(before, name) != getattr(after, name))
    if changed:
        yield Clause("wording", named=(("what", changed),))
    rules = tuple(
        f"decision.{one.name}"
        for one in fields(Decision)
        if getattr(before.decision, one.name) != getattr(after.decision, one.name)
    )
    if rules:
        yield Clause("decision", named=(("rules", rules),))
    if before.term.notice_days != after.term.notice_days:
        yield _numbers("notice", after.term.notice_days, before.term.notice_days)
    topics = sorted({topic for topic, _ in set(before.cjis) ^ set(after.cjis)})
    if topics:
        yield Clause("topics", named=(("topics", tuple(f"cjis.{topic}" for topic in topics)),))
