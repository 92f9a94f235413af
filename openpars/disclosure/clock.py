# SPDX-License-Identifier: Apache-2.0
"""What time it is, for everything that ends.

The time is the database's, never earlier than the last logged time. A clock set back would let an
ended agreement live; a clock that leapt forward, once logged, would end everything for good. So both
close the door until the clock agrees again with the machine's monotonic one, and neither is logged.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta

BACKWARD = timedelta(seconds=1)
AHEAD = timedelta(seconds=5)
DRIFT = 1e-3  # a real clock is slewed by at most 500 ppm

BOOTTIME = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def _uptime() -> float:
    # Goes on while the machine sleeps, so waking up is no leap.
    return time.clock_gettime(BOOTTIME)


class ClockFault(Exception):
    """The clock cannot be trusted now. `str()` is `backward`, `ahead` or `unread`."""


class Clock:
    """Database time carried on by uptime between observations."""

    def __init__(self, *, last_logged: datetime | None, uptime: Callable[[], float] = _uptime) -> None:
        self._uptime = uptime
        self._high = last_logged
        self._anchor: tuple[datetime, float] | None = None
        self._base: tuple[datetime, float] | None = None
        self.fault: str | None = "unread"

    def latest(self) -> datetime | None:
        """The latest time known. To be taken before a reading is asked for, and given with it."""
        return self._high

    def observe(self, database_now: datetime, *, since: datetime | None) -> None:
        """Take in a reading of the database's clock (`clock_timestamp()`, never `now()`).

        `since`: what `latest` said before it was asked for. A busy machine brings readings late, in another
        order: too early is only what is earlier than was known before it was asked for.
        """
        up = self._uptime()
        if since is not None and database_now < since - BACKWARD:
            self.fault = "backward"
            return
        if self._high is not None and since != self._high and database_now < self._high:
            return  # a later one came first: time would stand still for as long as this was on its way
        if self._anchor is not None and self._leapt(database_now, up):
            self.fault = "ahead"
            return
        if self._anchor is None:
            self._anchor = (database_now, up)
        self._base = (database_now, up)
        self._high = database_now if self._high is None else max(self._high, database_now)
        self.fault = None

    def _leapt(self, database_now: datetime, up: float) -> bool:
        # Measured from the first reading, so that many small leaps are found like one large one.
        assert self._anchor is not None  # noqa: S101
        start, began = self._anchor
        elapsed = up - began
        return database_now > start + timedelta(seconds=elapsed * (1 + DRIFT)) + AHEAD

    def now(self) -> datetime:
        """The time. Raises ClockFault when it cannot be trusted."""
        if self.fault is not None or self._base is None or self._high is None:
            raise ClockFault(self.fault or "unread")
        at, up = self._base
        return max(self._high, at + timedelta(seconds=self._uptime() - up))

    def age(self) -> float:
        """Seconds since the last good reading."""
        return float("inf") if self._base is None else self._uptime() - self._base[1]
