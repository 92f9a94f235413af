# SPDX-License-Identifier: Apache-2.0
"""How much of a process's time strangers may have. No I/O, no clock: times are handed in.

What strangers ask can be made to cost, and the desks share the process. What an answer has cost is therefore
paid for by a pause before the next: on average a fixed share of one core, whatever is sent.
"""

from __future__ import annotations


class Pace:
    """A budget of seconds: `share` of the time that passes, saved up to `burst` seconds."""

    def __init__(self, *, share: float, burst: float) -> None:
        self._share = share
        self._burst = burst
        self._left = burst
        self._at = 0.0

    def may(self, now: float) -> bool:
        """Whether anything is left to spend at this moment, in seconds of a clock that never goes back."""
        self._left = min(self._burst, self._left + (now - self._at) * self._share)
        self._at = now
        return self._left > 0

    def wait(self, now: float) -> float:
        """Seconds from now until something is left; 0 when something is."""
        return 0.0 if self.may(now) else -self._left / self._share

    def spend(self, cost: float) -> None:
        """What the work has taken; more than was left is owed."""
        self._left -= cost
