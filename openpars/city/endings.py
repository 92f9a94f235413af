# SPDX-License-Identifier: Apache-2.0
"""How the invented cases end in court, and when. Nothing here is measured: no source of ours says it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any, Literal, TypeAlias

from openpars.city.draw import Weighted, chance, lognormal
from openpars.record.file import ArrestFile
from openpars.record.forms import Outcome, Outcomes
from openpars.record.rules import pending

Word: TypeAlias = Literal["convicted", "acquitted", "dismissed", "withdrawn", "diverted"]


@dataclass(frozen=True, slots=True)
class Ending:
    """So long after the arraignment the first charge ends like this; the others follow it."""

    after: timedelta
    lead: Word


def ending(invented: dict[str, Any], rng: Random) -> Ending | None:
    """A case's ending, or None for one that is never heard of again. Always the same number of draws."""
    ever = chance(rng, invented["outcome_ever"])
    lead = Weighted(invented["outcome"].items()).pick(rng)
    spread = invented["outcome_days"]
    days = max(lognormal(rng, median=spread["median"], sigma=spread["sigma"]), spread["min"])
    return Ending(timedelta(seconds=round(days * 86_400)), lead) if ever else None


def outcomes(file: ArrestFile, end: Ending, at: datetime) -> Outcomes:
    """The court's outcomes of every charge that is still before it: a plea to one withdraws the rest."""
    rest: Word = "withdrawn" if end.lead == "convicted" else end.lead
    words = [end.lead if place == 0 else rest for place in range(len(pending(file)))]
    told = zip(pending(file), words, strict=True)
    return Outcomes(tuple(Outcome(charge.number, word, at) for charge, word in told), at)
