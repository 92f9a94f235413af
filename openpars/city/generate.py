# SPDX-License-Identifier: Apache-2.0
"""The synthetic city: invented people, arrested and arraigned as often and as late as in Philadelphia.

`generate(seed=..., arrests=..., now=...)` gives the same lives, byte for byte, every time. It holds
one life at a time in memory, and the plan of when and who.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

from openpars.city.days import ZONE, Slot, plan
from openpars.city.draw import between, stream
from openpars.city.endings import ending
from openpars.city.lives import Case, Life, Numbers, live
from openpars.city.particulars import add_particulars
from openpars.city.people import Person, assign, make_person
from openpars.city.tables import tables
from openpars.record.checks import Setting
from openpars.record.pack import pack

DEFAULT_SEED = 20_100_716
"""The day of the three ballots."""

MAX_ARRESTS = 500_000


def generate(*, seed: int = DEFAULT_SEED, arrests: int, now: datetime) -> Iterator[Life]:
    """The lives of `arrests` arrests that end at `now`, oldest arrest first.

    `now` MUST be timezone-aware; its fraction of a second is dropped. Raises ValueError.
    """
    if now.tzinfo is None:
        raise ValueError("now needs a zone")
    if not 0 <= arrests <= MAX_ARRESTS:
        raise ValueError(f"arrests lies between 0 and {MAX_ARRESTS}")
    if arrests == 0:
        return
    now = now.astimezone(UTC).replace(microsecond=0)
    data = tables()
    setting = Setting(pack("philadelphia"), now)
    slots = plan(data, seed=seed, arrests=arrests, now=now)
    order = assign(data, stream(seed, "repeats"), slots)
    again = _next_arrests(order, slots)
    people, rng_people, rng_lives = dict[int, Person](), stream(seed, "people"), stream(seed, "lives")
    numbers, rng_outcomes = _Numbers(seed), stream(seed, "outcomes")
    rng_particulars = stream(seed, "particulars")
    for i, slot in enumerate(slots):
        who = order[i]
        first_time = who not in people
        if first_time:
            repeats = again[i] is not None
            made = make_person(data, rng_people, number=who, at=slot.arrested_at, repeats=repeats)
            people[who] = replace(made, form=add_particulars(data.invented, rng_particulars, made.form))
        person = people[who] if again[i] is not None else people.pop(who)
        form = person.form
        if person.variant is not None and not first_time:
            form = replace(form, name=person.variant)
        district = data.districts.pick(rng_lives)
        case = Case(
            slot=slot,
            person=person.id,
            arrestee=form,
            numbers=numbers.issue(district, slot.arrested_at),
            again_at=again[i],
            ending=ending(data.invented, rng_outcomes),
        )
        yield live(data, rng_lives, case, setting)


def _next_arrests(order: list[int], slots: list[Slot]) -> list[datetime | None]:
    """For each slot, when the same person is arrested next."""
    later: dict[int, datetime] = {}
    found: list[datetime | None] = [None] * len(order)
    for i in range(len(order) - 1, -1, -1):
        found[i] = later.get(order[i])
        later[order[i]] = slots[i].arrested_at
    return found


class _Numbers:
    """Hands out DC numbers by district and year, and OTNs in sequence. No number comes twice."""

    def __init__(self, seed: int) -> None:
        self._rng = stream(seed, "numbers")
        self._incidents: dict[tuple[int, str], int] = {}
        self._tracking = 100_000

    def issue(self, district: str, at: datetime) -> Numbers:
        """The numbers of the next arrest."""
        year = at.astimezone(ZONE).year % 100
        # Most incidents end without an arrest, so the district's numbers have gaps.
        incident = self._incidents.get((year, district), 0) + between(self._rng, 1, 9)
        self._incidents[year, district] = incident
        self._tracking += between(self._rng, 1, 3)
        letter = chr(ord("U") - self._tracking // 1_000_000)
        otn = f"{letter} {self._tracking % 1_000_000:06d}-{between(self._rng, 0, 9)}"
        return Numbers(dc_number=f"{year:02d}{district:0>2}{incident:06d}", otn=otn, district=district)
