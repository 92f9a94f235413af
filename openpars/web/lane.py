# SPDX-License-Identifier: Apache-2.0
"""A lane: what all who are not signed in may have of a process together, and each address of it.

One at a time has the turn, so a desk never waits behind more than one stranger's page. Time on the loop is
measured and paid for afterwards (`pace`). Whoever comes too often waits, then is sent away: bounded in
number, in seconds and in memory, so that a flood costs the flooder.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Generator
from dataclasses import dataclass
from types import coroutine
from typing import Any, TypeVar

from openpars.web.pace import Pace

T = TypeVar("T")

WAIT = 3.0  # seconds for a turn
HOLD = 5.0  # seconds a turn may be kept while something else is waited for
# Remembered with what they have spent. Who is forgotten begins anew; the pace of all together holds anyway.
ADDRESSES = 4096


@dataclass(frozen=True, slots=True)
class Width:
    """`share`, `burst`: of a core, for all together. `each_share`, `each_burst`: for one address.

    `inside`, `each_inside`: how many requests may be here at once, waiting or served, until the last byte.
    `turns` is False where another process does the work, and gives the turns.
    """

    share: float
    burst: float
    each_share: float
    each_burst: float
    inside: int = 64
    each_inside: int = 16
    turns: bool = True


@dataclass(slots=True)
class _Address:
    pace: Pace
    inside: int = 0


class Visit:
    """One request on its way through a lane. Ends once, by `leave`."""

    def __init__(self, lane: Lane, address: _Address) -> None:
        self._lane, self._address = lane, address
        self._turn: asyncio.TimerHandle | None = None
        self._left = False
        self.on_leave: Callable[[], None] | None = None

    @property
    def left(self) -> bool:
        """Whether it counts here no more."""
        return self._left

    async def turn(self) -> bool:
        """Wait until it is its turn; False when that takes too long."""
        if not self._lane.turns:
            return True
        try:
            async with asyncio.timeout(WAIT):
                await _until(self._address.pace)
                await self._lane.free.acquire()
                try:
                    await _until(self._lane.pace)
                except BaseException:
                    self._lane.free.release()
                    raise
        except TimeoutError:
            return False
        self._turn = asyncio.get_running_loop().call_later(HOLD, self.step_aside)
        return True

    def spend(self, cost: float) -> None:
        """What it has taken of the process, in seconds; after stepping aside too, never after leaving."""
        if not self._left:
            self._address.pace.spend(cost)
            self._lane.pace.spend(cost)

    def step_aside(self) -> None:
        """Let the next one have the turn. Whoever has none does nothing."""
        turn, self._turn = self._turn, None
        if turn is not None:
            turn.cancel()
            self._lane.free.release()

    def leave(self) -> None:
        """It is over, or it turned out to be no stranger's."""
        if not self._left:
            self._left = True
            self.step_aside()
            self._lane.gone(self._address)
            if self.on_leave is not None:
                self.on_leave()


class Lane:
    """See the module."""

    def __init__(self, width: Width) -> None:
        self._width = width
        self.pace = Pace(share=width.share, burst=width.burst)
        self.turns = width.turns
        self.free = asyncio.Semaphore(1)
        self._inside = 0
        self._addresses: OrderedDict[str, _Address] = OrderedDict()

    def come(self, address: str) -> Visit | None:
        """A visit, or None when there are too many at once."""
        here = self._known(address)
        if self._inside >= self._width.inside or here.inside >= self._width.each_inside:
            return None
        self._inside += 1
        here.inside += 1
        return Visit(self, here)

    def gone(self, address: _Address) -> None:
        """A visit is over."""
        self._inside -= 1
        address.inside -= 1

    def _known(self, address: str) -> _Address:
        found = self._addresses.get(address)
        if found is None:
            # One that is forgotten while it is inside still counts in the lane as a whole.
            while len(self._addresses) >= ADDRESSES:
                self._addresses.popitem(last=False)
            pace = Pace(share=self._width.each_share, burst=self._width.each_burst)
            found = self._addresses[address] = _Address(pace)
        self._addresses.move_to_end(address)
        return found


async def _until(pace: Pace) -> None:
    while (seconds := pace.wait(time.monotonic())) > 0:
        await asyncio.sleep(seconds)


def metered(work: Coroutine[Any, Any, T], spend: Callable[[float], None]) -> Coroutine[Any, Any, T]:
    """The same work; each stretch of it between two waits is told to `spend`, in seconds of this thread."""
    return _steps(work, spend)


@coroutine
def _steps(work: Coroutine[Any, Any, T], spend: Callable[[float], None]) -> Generator[Any, Any, T]:
    trouble: BaseException | None = None
    while True:
        began = time.thread_time()
        try:
            waits_for = work.send(None) if trouble is None else work.throw(trouble)
        except StopIteration as end:
            value: T = end.value
            return value
        finally:
            spend(time.thread_time() - began)
        trouble = None
        try:
            yield waits_for
        except BaseException as error:  # noqa: BLE001  (handed in, as it came)
            trouble = error
