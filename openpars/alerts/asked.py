# SPDX-License-Identifier: Apache-2.0
"""What is asked for now: standing requests by criteria, by what right, and whose turn it is to be told."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Collection, Iterable
from datetime import datetime
from typing import NamedTuple, TypeAlias
from uuid import UUID
from weakref import WeakValueDictionary

from openpars.alerts.subscriptions import Criteria, Listener, Subscription
from openpars.disclosure.gate import Gate
from openpars.disclosure.register import Right


class Place(NamedTuple):
    """A share by its agreement and purpose, whatever the version."""

    agreement: str
    purpose: str


Asking: TypeAlias = "tuple[str | None, Criteria]"
"""What is asked for by criteria, and by which organisation."""


class Asked:
    """Known to everything about alerts in the process that serves recipients."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._criteria: dict[Place, dict[Asking, dict[str, tuple[Listener, datetime]]]] = {}
        self._telling: WeakValueDictionary[tuple[Place, UUID], asyncio.Lock] = WeakValueDictionary()
        self.heard_of: set[tuple[str, str]] = set()
        """Agreements and purposes that anybody ever asked about."""

    def remember(self, made: Subscription) -> None:
        """From now on its criteria are matched."""
        if made.criteria is not None:
            mine = self._criteria.setdefault(Place(made.agreement, made.purpose), {})
            alike = mine.setdefault((made.organisation, made.criteria), {})
            alike[str(made.id)] = (made.listener, made.expires)

    def forget(self, agreement: str) -> None:
        """Nobody asks for anything of an ended agreement."""
        for place in [place for place in self._criteria if place.agreement == agreement]:
            del self._criteria[place]

    def drop(self, subscriptions: Iterable[UUID]) -> None:
        """These have ended."""
        for subscription in subscriptions:
            for mine in self._criteria.values():
                for alike in mine.values():
                    alike.pop(str(subscription), None)

    def live(self, right: Right) -> dict[Asking, tuple[Listener, ...]]:
        """Who asked by criteria for what of one share, and is not over yet. Who asked alike is together."""
        now = self._gate.clock.now()
        mine = self._criteria.get(Place(right.standing.agreement, right.share.purpose), {})
        return {
            asking: tuple(listener for listener, expires in alike.values() if expires > now)
            for asking, alike in mine.items()
        }

    def right(self, place: Place) -> Right | None:
        """What is in force at this instant, with its share."""
        standing = self._gate.register.standing(place.agreement, self._gate.clock.now())
        if standing is None:
            return None
        share = self._gate.register.share(standing, place.purpose)
        return None if share is None else Right(standing, self._gate.register.version(standing), share)

    @contextlib.asynccontextmanager
    async def in_turn(self, place: Place, records: Collection[UUID]) -> AsyncIterator[None]:
        """Held while records are told, so that no later word about one overtakes an earlier one.

        Taken in one order by everybody, so that two who tell of the same records never wait for each other.
        """
        async with contextlib.AsyncExitStack() as stack:
            for record in sorted(records):
                await stack.enter_async_context(self._telling.setdefault((place, record), asyncio.Lock()))
            yield
