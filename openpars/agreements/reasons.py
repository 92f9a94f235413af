# SPDX-License-Identifier: Apache-2.0
"""Why a version gives nothing about a person: found by asking `project` again with one thing taken away.

Nothing here decides anything. Each reason is a counterfactual over the one function that does: with this
condition alone still nothing, with this bar alone nothing, so the condition or the bar is a reason. What
`project` learns tomorrow is therefore explained tomorrow, too. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from datetime import datetime
from enum import StrEnum

from openpars.agreements.model import Bar, Grant, Version, When
from openpars.agreements.project import project
from openpars.record.file import ArrestFile, Seal


class Because(StrEnum):
    """What kept a person out."""

    SEAL = "seal"  # the file is not open
    NOT_YET = "not-yet"
    OVER = "over"
    PURPOSE = "purpose"  # no grant about such a person serves this purpose
    ROLE = "role"  # no grant is about such a person at all
    CONDITION = "condition"
    TOGETHER = "together"  # each condition can be met, but not all of them at once
    BAR = "bar"


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason. `grant`: the number of the grant it is about. `condition` names what `when` asks for."""

    because: Because
    grant: int | None = None
    condition: str | None = None
    bar: Bar | None = None


def reasons(version: Version, purpose: str, file: ArrestFile, slot: str, at: datetime) -> tuple[Reason, ...]:
    """Why this person of this file is not there at that instant; () exactly when they are."""
    if any(row.slot == slot for row in project(version, purpose, file, at)):
        return ()
    if file.seal is not Seal.OPEN:
        return (Reason(Because.SEAL),)
    if not version.term.covers(at):
        return (Reason(Because.NOT_YET if at < version.term.begins else Because.OVER),)
    about = [grant for grant in version.agreement.grants if grant.about.value == slot.partition(":")[0]]
    if not about:
        return (Reason(Because.ROLE),)
    serving = [grant for grant in about if purpose in grant.purposes]
    if not serving:
        return (Reason(Because.PURPOSE),)
    found = [reason for grant in serving for reason in _of_grant(version, grant, file, slot, at)]
    return tuple(dict.fromkeys(found))


def _of_grant(version: Version, grant: Grant, file: ArrestFile, slot: str, at: datetime) -> Iterator[Reason]:
    def there(when: When, bars: tuple[Bar, ...]) -> bool:
        alone = replace(version.agreement, grants=(replace(grant, when=when),))
        asked = replace(version, agreement=alone, bars=bars)
        return any(row.slot == slot for row in project(asked, grant.purposes[0], file, at))

    for bar in version.bars:
        if not there(When(), (bar,)):
            yield Reason(Because.BAR, bar=bar)
    if not there(grant.when, ()):
        unmet = [name for name, when in _one_by_one(grant.when) if not there(when, ())]
        yield from (Reason(Because.CONDITION, grant.number, name) for name in unmet)
        if not unmet:
            yield Reason(Because.TOGETHER, grant.number)


def _one_by_one(when: When) -> Iterator[tuple[str, When]]:
    """Each condition as the only one, with its name in the text."""
    for pair in when.isin:
        yield pair[0], When(isin=(pair,))
    for one in fields(When):
        value = getattr(when, one.name)
        if one.name != "isin" and value is not None:
            yield one.name, When(**{one.name: value})
