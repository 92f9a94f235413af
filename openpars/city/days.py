# SPDX-License-Identifier: Apache-2.0
"""When people are arrested, and when the court takes up their cases.

Days are negative binomial (a gamma rate under a Poisson count) with the measured weekday and month
indices; the rate remembers yesterday and the same day last week. Nights in court come in the three
sessions a day that the court's own filing times show.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from math import exp, log
from random import Random
from zoneinfo import ZoneInfo

from openpars.city.draw import Weighted, between, chance, gamma_of, normal, poisson, stream
from openpars.city.tables import Tables

ZONE = ZoneInfo("America/New_York")

# Fitted so that the counts, weekday pattern included, show the measured lag-1 and lag-7 correlation.
_YESTERDAY, _LAST_WEEK, _GAMMA_SHAPE = 0.40, 0.22, 22.0
_INNOVATION = (1.0 - _YESTERDAY**2 - _LAST_WEEK**2) ** 0.5

_BUSY_DAYS, _BUSY = 3, 1.6
_SHORTEST_HISTORY_DAYS = 4.0


@dataclass(frozen=True, slots=True)
class Slot:
    """One arrest's place in time, before anyone is put in it. All instants are UTC.

    `filed_at` is when the case would reach the court; `docket` is None when it does not (declined,
    or not yet by `now`).
    """

    arrested_at: datetime
    filed_at: datetime
    declined: bool
    docket: str | None


def plan(tables: Tables, *, seed: int, arrests: int, now: datetime) -> list[Slot]:
    """`arrests` slots ending at `now`, oldest first."""
    instants = _arrest_instants(tables, stream(seed, "days"), arrests=arrests, now=now)
    court = _Court(tables)
    rng = stream(seed, "court")
    share = float(tables.invented["declined"])
    slots = [Slot(at, court.filing(rng, at), chance(rng, share), None) for at in instants]
    return _docketed(slots, stream(seed, "dockets"), tables, now=now)


def _arrest_instants(tables: Tables, rng: Random, *, arrests: int, now: datetime) -> list[datetime]:
    measured = tables.measured
    hours = Weighted(enumerate(tables.invented["arrest_hour_weights"]))
    # A small city is spread over a few days, so that some of its people have been to court.
    rate = min(float(measured["arrests_per_day"]["mean"]), arrests / _SHORTEST_HISTORY_DAYS)
    day, past, found, age = now.astimezone(ZONE).date(), [0.0] * 7, list[datetime](), 0
    while len(found) < arrests:
        z = _YESTERDAY * past[-1] + _LAST_WEEK * past[-7] + _INNOVATION * normal(rng)
        past.append(z)
        season = measured["weekday_index_mon0"][day.weekday()] * measured["month_index_jan1"][day.month - 1]
        count = poisson(rng, rate * season * gamma_of(z, _GAMMA_SHAPE))
        if age < _BUSY_DAYS:
            # The last days are busy ones, so that no queue of the demo is empty at any hour.
            count = max(count, round(rate * _BUSY))
        moments = sorted((_moment(rng, day, hours) for _ in range(count)), reverse=True)
        found.extend(at for at in moments if at <= now)
        day, age = day - timedelta(days=1), age + 1
    return sorted(found[:arrests])


def _moment(rng: Random, day: date, hours: Weighted[int]) -> datetime:
    at = time(hours.pick(rng), between(rng, 0, 59), between(rng, 0, 59))
    return datetime.combine(day, at, tzinfo=ZONE).astimezone(UTC)


class _Court:
    """Draws a filing hour: the invented delay from arrest, cut to the court's measured hours."""

    def __init__(self, tables: Tables) -> None:
        shares = tables.measured["filing_hour_share"]
        delay = tables.invented["arrest_to_filing_hours"]
        densities = {
            k: _density(k, median=delay["median"], sigma=delay["sigma"])
            for k in range(delay["min"], delay["max"])
        }
        pull = _pull(shares, densities, tables.invented["arrest_hour_weights"])
        self._late_share = float(tables.invented["late_to_arraignment"])
        self._usual = [
            Weighted((k, pull[(hour + k) % 24] * density) for k, density in densities.items())
            for hour in range(24)
        ]
        # A hospital stay, a long line-up: a few come close to the 48 hours.
        self._late = [
            Weighted((k, shares[(hour + k) % 24]) for k in range(36, delay["max"] + 3)) for hour in range(24)
        ]

    def filing(self, rng: Random, arrested_at: datetime) -> datetime:
        """When the case of someone arrested at this instant reaches the court."""
        local = arrested_at.astimezone(ZONE)
        table = self._late if chance(rng, self._late_share) else self._usual
        hours = table[local.hour].pick(rng)
        start = arrested_at.replace(minute=0, second=0)
        return start + timedelta(hours=hours, minutes=between(rng, 0, 59), seconds=between(rng, 0, 59))


def _pull(shares: list[float], densities: dict[int, float], arrests: list[float]) -> list[float]:
    """How strongly each hour of the day draws cases, so that the filing hours come out as measured.

    Most people are arrested in the evening, so the plain shares would favour the next morning: the
    difference is divided out, a few rounds of it.
    """
    pull = list(shares)
    for _ in range(8):
        found = [0.0] * 24
        for hour, weight in enumerate(arrests):
            row = [(k, pull[(hour + k) % 24] * density) for k, density in densities.items()]
            total = sum(share for _, share in row)
            for k, share in row:
                found[(hour + k) % 24] += weight * share / total
        everything = sum(found)
        pull = [
            p * share * everything / hit if hit else 0.0
            for p, share, hit in zip(pull, shares, found, strict=True)
        ]
    return pull


def _density(hours: int, *, median: float, sigma: float) -> float:
    z = log((hours + 0.5) / median) / sigma
    return exp(-z * z / 2) / (hours + 0.5)


def _docketed(slots: list[Slot], rng: Random, tables: Tables, *, now: datetime) -> list[Slot]:
    """Number the cases that reached the court, in the order they did, with the court's gaps."""
    gap = float(tables.measured["docket_gap_share"])
    per_day = float(tables.measured["dockets_per_day"])
    filed = sorted(
        (i for i, slot in enumerate(slots) if not slot.declined and slot.filed_at <= now),
        key=lambda i: (slots[i].filed_at, i),
    )
    numbered = list(slots)
    year, number = 0, 0
    for i in filed:
        local = slots[i].filed_at.astimezone(ZONE)
        if local.year != year:
            year, number = local.year, int(per_day * (local.timetuple().tm_yday - 1))
        number += 1
        while chance(rng, gap):
            number += 1
        numbered[i] = replace(slots[i], docket=f"MC-51-CR-{number:07d}-{year}")
    return numbered
