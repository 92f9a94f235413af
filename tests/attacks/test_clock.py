# SPDX-License-Identifier: Apache-2.0
"""A clock set back to lengthen an agreement, or leapt forward to void one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openpars.disclosure.clock import Clock, ClockFault

START = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


class Uptime:
    """The machine's uptime, which nobody sets."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def read(clock: Clock, at: datetime) -> None:
    """A reading that is asked for now and comes at once."""
    clock.observe(at, since=clock.latest())


def test_a_clock_never_read_is_not_trusted() -> None:
    with pytest.raises(ClockFault):
        Clock(last_logged=None).now()


def test_set_back_behind_the_last_logged_time_closes_until_it_is_right() -> None:
    up = Uptime()
    clock = Clock(last_logged=START, uptime=up)
    read(clock, START - timedelta(days=30))
    with pytest.raises(ClockFault, match="backward"):
        clock.now()
    read(clock, START + timedelta(seconds=1))
    assert clock.now() == START + timedelta(seconds=1)


def test_set_back_a_little_never_lets_the_time_go_back() -> None:
    up = Uptime()
    clock = Clock(last_logged=None, uptime=up)
    read(clock, START)
    read(clock, START - timedelta(milliseconds=900))
    assert clock.now() >= START


def test_a_reading_that_comes_late_is_no_clock_set_back() -> None:
    """Two are asked for, and the machine is so busy that the first arrives seconds after the second."""
    up = Uptime()
    clock = Clock(last_logged=START, uptime=up)
    before = clock.latest()
    up.seconds += 3
    read(clock, START + timedelta(seconds=3))
    clock.observe(START + timedelta(seconds=1), since=before)
    up.seconds += 1
    assert clock.now() == START + timedelta(seconds=4), "and time goes on from the later one"
    read(clock, START + timedelta(seconds=1))
    with pytest.raises(ClockFault, match="backward"):
        clock.now()


def test_leapt_forward_closes_and_is_not_remembered() -> None:
    up = Uptime()
    clock = Clock(last_logged=None, uptime=up)
    read(clock, START)
    read(clock, START + timedelta(days=400))
    with pytest.raises(ClockFault, match="ahead"):
        clock.now()
    up.seconds += 2
    read(clock, START + timedelta(seconds=2))
    assert clock.now() == START + timedelta(seconds=2)


def test_many_small_leaps_are_found_like_one_large_one() -> None:
    up = Uptime()
    clock = Clock(last_logged=None, uptime=up)
    read(clock, START)
    at = START
    for _ in range(10):
        up.seconds += 1
        at += timedelta(seconds=3)
        read(clock, at)
    assert clock.fault == "ahead"


@given(
    st.lists(st.tuples(st.floats(0, 3600), st.floats(-86_400 * 30, 86_400 * 400)), min_size=1, max_size=30)
)
def test_whatever_the_clock_does_time_never_goes_back_and_never_leaps(
    jumps: list[tuple[float, float]],
) -> None:
    up = Uptime()
    clock = Clock(last_logged=None, uptime=up)
    read(clock, START)
    begun, before = up.seconds, START
    for passed, jump in jumps:
        up.seconds += passed
        read(clock, START + timedelta(seconds=up.seconds - begun + jump))
        try:
            now = clock.now()
        except ClockFault:
            continue
        assert now >= before
        assert now <= START + timedelta(seconds=(up.seconds - begun) * 1.001 + 5.001)
        before = now
