# SPDX-License-Identifier: Apache-2.0
"""Bail as the city's magistrates set it: by lead charge, heaped on round amounts, with a 10 % deposit."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from random import Random

from openpars.city.days import ZONE
from openpars.city.draw import between, chance, lognormal, one_of
from openpars.city.tables import Offence, Tables
from openpars.record.file import BailType
from openpars.record.forms import BailForm

_DEPOSIT_PERCENT = 10
_PLAIN = {"ror": BailType.ROR, "nonmonetary": BailType.NONMONETARY, "denied": BailType.DENIED}


def first_bail(tables: Tables, rng: Random, offence: Offence, *, at: datetime) -> BailForm:
    """The bail set at the preliminary arraignment."""
    kind = offence.bail.pick(rng) if offence.bail is not None else "ror"
    reasons = one_of(rng, tuple(tables.invented["bail_reasons"]))
    if kind in _PLAIN:
        return BailForm(_PLAIN[kind], at, reasons=reasons)
    amount = tables.amounts[kind].pick(rng)
    if kind == "unsecured":
        return BailForm(BailType.UNSECURED, at, amount=amount, reasons=reasons)
    return BailForm(
        BailType.MONETARY,
        at,
        amount=amount,
        percent=_DEPOSIT_PERCENT,
        ability_to_pay=one_of(rng, tuple(tables.invented["ability_to_pay"])),
        reasons=reasons,
    )


def later_bail(tables: Tables, rng: Random, bail: BailForm, *, again_at: datetime | None) -> list[BailForm]:
    """What happens to a monetary bail in its first week: posted, changed to unsecured, lowered, raised.

    Someone who is arrested again at `again_at` was out by then.
    """
    last = bail.at + timedelta(hours=24 * 7) if again_at is None else again_at - timedelta(hours=4)
    if bail.type is BailType.DENIED and again_at is not None:
        return [_out_after_all(tables, rng, at=min(bail.at + timedelta(hours=48), last))]
    amount = bail.amount
    if bail.type is not BailType.MONETARY or amount is None:
        return []
    shares = tables.measured["later_bail_events"]
    # The shares count all cases; only monetary bail is changed here.
    draw = rng.random() * float(tables.measured["bail_type_share"]["monetary"])
    at = min(bail.at + timedelta(hours=_within_a_week(rng, median=40, sigma=0.9)), last)
    if draw < shares["unsecured"]:
        return [BailForm(BailType.UNSECURED, at, amount=amount, reasons=bail.reasons)]
    orders: list[BailForm] = []
    if draw < shares["unsecured"] + shares["lowered"] + shares["raised"]:
        lowered = draw < shares["unsecured"] + shares["lowered"]
        bail = replace(bail, amount=_lowered(amount) if lowered else amount * 2, at=at)
        orders.append(bail)
    if again_at is not None or chance(rng, _posting_share(tables, bail.amount or 0)):
        paid_at = bail.at + timedelta(hours=_within_a_week(rng, median=14, sigma=1.2))
        orders.append(replace(bail, posted=True, at=max(min(paid_at, last), bail.at)))
    return orders


def _out_after_all(tables: Tables, rng: Random, *, at: datetime) -> BailForm:
    """Bail set and posted for somebody who was refused it at first."""
    return BailForm(
        BailType.MONETARY,
        at,
        amount=tables.amounts["gt100k"].pick(rng),
        percent=_DEPOSIT_PERCENT,
        posted=True,
        ability_to_pay=one_of(rng, tuple(tables.invented["ability_to_pay"])),
    )


def _within_a_week(rng: Random, *, median: float, sigma: float) -> float:
    return min(lognormal(rng, median=median, sigma=sigma), 24.0 * 7)


def _lowered(amount: int) -> int:
    return max(amount // 2 // 500 * 500, 500)


def _posting_share(tables: Tables, amount: int) -> float:
    shares = tables.measured["posted_within_7_days"]
    if amount <= 10_000:
        return float(shares["<=10k"])
    if amount <= 25_000:
        return float(shares["10-25k"])
    return float(shares["25-100k"] if amount <= 100_000 else shares[">100k"])


def next_court_date(rng: Random, held_at: datetime, *, committed: bool) -> datetime:
    """The next date: within 14 days for those committed, 21 otherwise (Rule 540(G)), a weekday at nine."""
    limit = 14 if committed else 21
    day = held_at.astimezone(ZONE).date() + timedelta(days=between(rng, limit - 5, limit))
    while day.weekday() > 4:
        day -= timedelta(days=1)
    return datetime.combine(day, time(9, 0), tzinfo=ZONE).astimezone(UTC)
