# SPDX-License-Identifier: Apache-2.0
"""Drawing from distributions with nothing but `Random.random()`.

Python promises that `random()` gives the same numbers for the same seed in every version; it
promises that for no other method. So the city is drawn from `random()` alone, and the same seed
gives the same city everywhere.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from itertools import accumulate
from math import exp, log
from random import Random
from statistics import NormalDist
from typing import Generic, TypeVar

T = TypeVar("T")

_NORMAL = NormalDist()
_LARGEST_KNUTH_MEAN = 500.0


class Weighted(Generic[T]):
    """A closed list of items, each drawn in proportion to its weight."""

    __slots__ = ("_cumulative", "items")

    def __init__(self, pairs: Iterable[tuple[T, float]]) -> None:
        kept = [(item, weight) for item, weight in pairs if weight > 0]
        if not kept:
            raise ValueError("nothing to draw from")
        self.items: tuple[T, ...] = tuple(item for item, _ in kept)
        self._cumulative = list(accumulate(weight for _, weight in kept))

    def pick(self, rng: Random) -> T:
        """One item."""
        place = rng.random() * self._cumulative[-1]
        return self.items[bisect_right(self._cumulative, place, hi=len(self.items) - 1)]


def stream(seed: int, concern: str) -> Random:
    """A generator of its own for one concern, so that a change to one part leaves the others alone."""
    return Random(f"openpars:{seed}:{concern}")


def chance(rng: Random, share: float) -> bool:
    """True in `share` of the draws."""
    return rng.random() < share


def between(rng: Random, low: int, high: int) -> int:
    """A whole number from `low` to `high`, both included."""
    return low + int(rng.random() * (high - low + 1))


def one_of(rng: Random, items: tuple[T, ...]) -> T:
    """One item, each equally likely."""
    return items[int(rng.random() * len(items))]


def hex_id(rng: Random) -> str:
    """128 random bits as 32 hex digits."""
    return "".join(f"{int(rng.random() * 2**32):08x}" for _ in range(4))


def normal(rng: Random) -> float:
    """A standard normal draw."""
    return _NORMAL.inv_cdf(max(rng.random(), 2.0**-53))


def lognormal(rng: Random, *, median: float, sigma: float) -> float:
    """A log-normal draw, `sigma` in log units."""
    return median * exp(sigma * normal(rng))


def exponential(rng: Random, mean: float) -> float:
    """An exponential draw."""
    return -mean * log(max(rng.random(), 2.0**-53))


def gamma_of(z: float, shape: float) -> float:
    """The quantile of a gamma with mean 1 at a standard normal `z` (Wilson and Hilferty 1931)."""
    root = 1.0 - 1.0 / (9.0 * shape) + z / (3.0 * shape**0.5)
    return float(max(root, 0.0) ** 3)


def poisson(rng: Random, mean: float) -> int:
    """A Poisson draw (Knuth); large means are drawn in parts, since exp(-mean) would be zero."""
    count = 0
    while mean > _LARGEST_KNUTH_MEAN:
        count += poisson(rng, _LARGEST_KNUTH_MEAN)
        mean -= _LARGEST_KNUTH_MEAN
    limit, product = exp(-mean), rng.random()
    while product > limit:
        count += 1
        product *= rng.random()
    return count
