# SPDX-License-Identifier: Apache-2.0
"""Hold a generated city against the figures it was calibrated on.

`python -m openpars.city.check [ARRESTS]` prints the table as JSON; exit status 1 when a figure is off.
"""

from __future__ import annotations

import json
import statistics
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime

from openpars.city.days import ZONE
from openpars.city.generate import generate
from openpars.city.lives import Life
from openpars.city.tables import BUCKETS, tables
from openpars.record.file import ArrestFile, Bail, BailType, Stage
from openpars.record.forms import Act

_BUSY_TAIL_DAYS = 4
_DEFAULT_ARRESTS = 20_000
_SHARE_OF_LEADS = 0.02


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of the city beside its target. Shares lie between 0 and 1."""

    name: str
    target: float
    found: float
    tolerance: float

    @property
    def holds(self) -> bool:
        """Whether the figure lies within its tolerance."""
        return abs(self.found - self.target) <= self.tolerance


class Tally:
    """Counts what the comparison needs, one life at a time."""

    def __init__(self) -> None:
        self.days: Counter[date] = Counter()
        self.hours: Counter[int] = Counter()
        self.leads: Counter[str] = Counter()
        self.bail: Counter[str] = Counter()
        self.persons: Counter[str] = Counter()
        self.districts: Counter[str] = Counter()
        self.defence: Counter[str] = Counter()
        self.names: dict[str, set[tuple[str, str]]] = {}
        self.juveniles = self.men = self.arrests = self.declined = self.decided = 0

    def add(self, life: Life) -> None:
        """Count one life."""
        file = life[-1].file
        who = file.arrestee
        self.arrests += 1
        self.persons[who.person] += 1
        self.names.setdefault(who.person, set()).add((who.name.last, who.name.first))
        self.men += who.sex == "M"
        self.districts[file.district or ""] += 1
        if file.arrested_at is not None:
            day = file.arrested_at.astimezone(ZONE).date()
            self.days[day] += 1
            if who.birth_date is not None:
                birthday = (day.month, day.day) < (who.birth_date.month, who.birth_date.day)
                self.juveniles += day.year - who.birth_date.year - birthday < 18
        self._add_court(life)

    def _add_court(self, life: Life) -> None:
        charging = next((v.file for v in life if v.act is Act.DECIDE_CHARGES), None)
        if charging is not None:
            self.decided += 1
            self.declined += all(charge.stage is Stage.DECLINED for charge in charging.charges)
        court = next((v.file for v in life if v.file.arraignment is not None), None)
        if court is None or court.bail is None or court.filed_at is None:
            return
        self.hours[court.filed_at.astimezone(ZONE).hour] += 1
        self.bail[bucket(court.bail)] += 1
        self.leads[_lead(court)] += 1
        self.defence[court.represented or "unknown"] += 1


def bucket(bail: Bail) -> str:
    """The bail in the court's buckets: a type, or `le10k`, `le25k`, `le100k`, `gt100k`."""
    if bail.type is not BailType.MONETARY or bail.amount is None:
        return str(bail.type)
    return next(name for name, _, up_to in BUCKETS if up_to is None or bail.amount <= up_to)


def _lead(file: ArrestFile) -> str:
    return file.charges[0].statute or ""


def compare(lives: Iterable[Life]) -> list[Figure]:
    """Every figure of the city beside its target. Needs some thousands of arrests to mean anything."""
    tally = Tally()
    for life in lives:
        tally.add(life)
    return [*_when(tally), *_what(tally), *_who(tally)]


def _when(tally: Tally) -> list[Figure]:
    measured = tables().measured
    days = sorted(tally.days)[1:-_BUSY_TAIL_DAYS]
    counts = [tally.days[day] for day in days]
    mean = statistics.fmean(counts)
    target = measured["arrests_per_day"]
    figures = [
        Figure("arrests per day, mean", target["mean"], mean, 8.0),
        Figure("arrests per day, standard deviation", target["sd"], statistics.pstdev(counts), 6.0),
        Figure("arrests per day, correlation with the day before", target["lag1"], _lag(counts, 1), 0.15),
        Figure("arrests per day, correlation with the week before", target["lag7"], _lag(counts, 7), 0.17),
    ]
    for weekday, index in enumerate(measured["weekday_index_mon0"]):
        found = statistics.fmean(tally.days[day] for day in days if day.weekday() == weekday) / mean
        figures.append(Figure(f"weekday index, {_WEEKDAYS[weekday]}", index, found, 0.16))
    shares = measured["filing_hour_share"]
    cases = sum(tally.hours.values())
    for hour, share in enumerate(shares):
        figures.append(Figure(f"filing hour {hour:02d}", share, tally.hours[hour] / cases, 0.012))
    return figures


_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def _lag(counts: list[int], days: int) -> float:
    mean = statistics.fmean(counts)
    spread = sum((n - mean) ** 2 for n in counts)
    return sum((a - mean) * (b - mean) for a, b in zip(counts, counts[days:], strict=False)) / spread


def _what(tally: Tally) -> list[Figure]:
    data = tables()
    cases = sum(tally.leads.values())
    dockets = sum(offence.dockets for offence in data.leads.items)
    figures = []
    for offence in data.leads.items:
        share = offence.dockets / dockets
        if share >= _SHARE_OF_LEADS:
            figures.append(
                Figure(f"lead charge: {offence.text}", share, tally.leads[offence.statute] / cases, 0.012)
            )
    bail = sum(tally.bail.values())
    types = data.measured["bail_type_share"]
    monetary = sum(tally.bail[name] for name, _, _ in BUCKETS)
    figures.append(Figure("bail: monetary", types["monetary"], monetary / bail, 0.02))
    figures.extend(
        Figure(f"bail: {kind}", types[kind], tally.bail[kind] / bail, 0.015)
        for kind in ("ror", "unsecured", "denied")
    )
    buckets = data.measured["monetary_bucket_share"].items()
    figures.extend(Figure(f"bail: {name}", share, tally.bail[name] / bail, 0.015) for name, share in buckets)
    figures.append(
        Figure("declined altogether", data.invented["declined"], tally.declined / tally.decided, 0.01)
    )
    return figures


def _who(tally: Tally) -> list[Figure]:
    data = tables()
    measured = data.measured
    persons = len(tally.persons)
    repeat = {person: n for person, n in tally.persons.items() if n > 1}
    misspelt = sum(len(tally.names[person]) > 1 for person in repeat)
    figures = [
        Figure(
            "people with one arrest", measured["persons_with_n_events"]["1"], 1 - len(repeat) / persons, 0.015
        ),
        Figure(
            "arrests of people with several",
            measured["events_by_repeat_persons"],
            sum(repeat.values()) / tally.arrests,
            0.02,
        ),
        Figure(
            "repeat people spelt differently",
            measured["repeat_name_spelt_differently"],
            misspelt / max(len(repeat), 1),
            0.025,
        ),
        Figure("men", measured["male_share"], tally.men / tally.arrests, 0.012),
        Figure("under 18", 0.01, tally.juveniles / tally.arrests, 0.005),
        Figure(
            "defended by the Defender",
            measured["represented"]["defender"],
            tally.defence["defender"] / sum(tally.defence.values()),
            0.015,
        ),
    ]
    for district, share in measured["district_share"].items():
        found = tally.districts[district.lstrip("0")] / tally.arrests
        figures.append(Figure(f"district {district}", share, found, 0.01))
    return figures


def main() -> int:
    """Print the comparison as JSON; 1 when a figure is off."""
    arrests = int(sys.argv[1]) if len(sys.argv) > 1 else _DEFAULT_ARRESTS
    figures = compare(generate(arrests=arrests, now=datetime.now(UTC)))
    table = [{**asdict(figure), "holds": figure.holds} for figure in figures]
    json.dump(table, sys.stdout, indent=1)
    sys.stdout.write("\n")
    return 0 if all(figure.holds for figure in figures) else 1


if __name__ == "__main__":
    raise SystemExit(main())
