# SPDX-License-Identifier: Apache-2.0
"""Invented people: who is arrested in which slot, and what a form says about them.

Nobody here exists. Social Security numbers are 900-999 with the middle group 01-49, a range that
was never and will never be given out; every other number is made up in the shape of its kind.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from random import Random

from openpars.city.days import ZONE, Slot
from openpars.city.draw import Weighted, between, chance, exponential, hex_id, one_of
from openpars.city.tables import Names, Tables
from openpars.record.file import Name
from openpars.record.forms import ArresteeForm

_SSN_AREAS, _SSN_GROUPS, _SSN_SERIALS = 100, 49, 9999
_GAP_MEAN = 0.42  # of the window; with the cut at the window's end the median comes out at the measured 0.20
_SHORTEST_GAP = timedelta(hours=72)


@dataclass(frozen=True, slots=True)
class Person:
    """An invented person as first written down; `variant` is the spelling that later files have."""

    id: str
    form: ArresteeForm
    variant: Name | None


def assign(tables: Tables, rng: Random, slots: list[Slot]) -> list[int]:
    """For each slot the number of the person arrested; the measured share comes back.

    The number of arrests a person has follows the measured distribution whatever the length of the
    history; the gaps scale with it.
    """
    times = Weighted((int(n), share) for n, share in tables.measured["persons_with_n_events"].items())
    places: list[tuple[float, int]] = []
    person = 0
    while len(places) < len(slots):
        n = min(times.pick(rng), len(slots) - len(places))
        places.extend((place, person) for place in _places(rng, n))
        person += 1
    places.sort()
    order = [who for _, who in places]
    _part(order, slots)
    return _by_first_seen(order)


def _places(rng: Random, n: int) -> list[float]:
    """Where in the window (0 to 1) a person's `n` arrests lie."""
    gaps = [exponential(rng, _GAP_MEAN) for _ in range(n - 1)]
    while sum(gaps) >= 1.0:
        gaps = [exponential(rng, _GAP_MEAN) for _ in range(n - 1)]
    place = rng.random() * (1.0 - sum(gaps))
    found = [place]
    for gap in gaps:
        place += gap
        found.append(place)
    return found


def _part(order: list[int], slots: list[Slot]) -> None:
    """Move arrests of one person apart: nobody is arrested again while still waiting for court."""
    seen: dict[int, datetime] = {}
    count: dict[int, int] = {}
    for who in order:
        count[who] = count.get(who, 0) + 1
    for i, slot in enumerate(slots):
        who = order[i]
        if who in seen and slot.arrested_at - seen[who] < _SHORTEST_GAP:
            j = next(
                (
                    j
                    for j in range(i + 1, len(slots))
                    if slots[j].arrested_at - seen[who] >= _SHORTEST_GAP and count[order[j]] == 1
                ),
                None,
            )
            if j is None:
                order[i] = max(count) + 1
                count[order[i]] = 1
            else:
                order[i], order[j] = order[j], who
        seen[order[i]] = slot.arrested_at


def _by_first_seen(order: list[int]) -> list[int]:
    number: dict[int, int] = {}
    return [number.setdefault(who, len(number)) for who in order]


def ssn(number: int) -> str:
    """The invented SSN of person `number`: nine digits, 900-999, middle group 01-49, never twice."""
    cell = (number * 7_368_787 + 1_234_577) % (_SSN_AREAS * _SSN_GROUPS * _SSN_SERIALS)
    serial, rest = cell % _SSN_SERIALS + 1, cell // _SSN_SERIALS
    return f"{900 + rest // _SSN_GROUPS}{1 + rest % _SSN_GROUPS:02d}{serial:04d}"


def make_person(tables: Tables, rng: Random, *, number: int, at: datetime, repeats: bool) -> Person:
    """Invent person `number`, first arrested at `at`."""
    measured, invented = tables.measured, tables.invented
    sex = "M" if chance(rng, measured["male_share"]) else "F"
    name = make_name(tables.names, rng, sex=sex, middle=float(measured["middle_initial_share"]))
    country = None if chance(rng, invented["birth_country_unknown"]) else tables.countries.pick(rng)
    identity = hex_id(rng)
    form = ArresteeForm(
        name=name,
        birth_date=_birth_date(rng, at.astimezone(ZONE).date(), tables.ages.pick(rng)),
        sex=sex,
        race=tables.races.pick(rng),
        birth_country=country,
        ssn=None if chance(rng, invented["no_ssn"]) else ssn(number),
        sid=None if chance(rng, invented["no_sid"]) else f"{40_000_000 + number * 13:08d}",
        ppn=f"{1_000_000 + number * 7:07d}",
        zip=tables.zips.pick(rng),
    )
    misspelt = repeats and chance(rng, measured["repeat_name_spelt_differently"])
    return Person(identity, form, respell(tables.names, rng, name) if misspelt else None)


def make_name(names: Names, rng: Random, *, sex: str | None = None, middle: float = 0.0) -> Name:
    """A name from the lists. `middle` is the chance of a middle initial."""
    first = names.first[sex or one_of(rng, ("F", "M"))].pick(rng)
    initial = chr(ord("A") + between(rng, 0, 25)) if chance(rng, middle) else None
    return Name(last=names.surnames.pick(rng), first=first, middle=initial)


def _birth_date(rng: Random, at: date, age: int) -> date:
    """A birth date that makes someone `age` on the day `at`."""
    newest = at.replace(year=at.year - age) if (at.month, at.day) != (2, 29) else date(at.year - age, 2, 28)
    return newest - timedelta(days=between(rng, 0, 363))


def respell(names: Names, rng: Random, name: Name) -> Name:
    """The same name as another clerk wrote it: a nickname, a letter more, less or swapped, or capitals."""
    kind = between(rng, 0, 4)
    last, first = name.last, name.first
    at = between(rng, 1, len(last) - 2)
    if kind == 0 and first in names.nicknames:
        return Name(last, names.nicknames[first], name.middle, name.suffix)
    if kind == 1:
        return Name(last.upper(), first.upper(), name.middle, name.suffix)
    if kind == 2:
        return Name(last[:at] + last[at + 1 :], first, name.middle, name.suffix)
    if kind == 3 and last[at] != last[at + 1]:
        return Name(last[:at] + last[at + 1] + last[at] + last[at + 2 :], first, name.middle, name.suffix)
    return Name(last[: at + 1] + last[at:], first, name.middle, name.suffix)


def adult_birth_date(rng: Random, at: datetime) -> date:
    """A birth date for a participant between 18 and 80."""
    return _birth_date(rng, at.astimezone(UTC).date(), between(rng, 18, 80))
