# SPDX-License-Identifier: Apache-2.0
"""The agreements as the door knows them now: which version is in force, until when, at which epoch.

A copy in memory, renewed at every ring of the fence and every second. It may be a moment old, so it
never decides alone: a *yes* is checked again in the transaction that logs the answer, and a *no* is
looked up once more before it is given.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime

from openpars.accounts.keys import RecipientKey
from openpars.agreements import register as agreements
from openpars.agreements.bars import narrowed
from openpars.agreements.model import Version
from openpars.agreements.register import BrokenText, Standing
from openpars.db.connect import Connection, Pool
from openpars.db.sql import load
from openpars.disclosure.request import Why
from openpars.errors import Code, Refusal
from openpars.shares.enact import shares_of
from openpars.shares.tables import Share

Q = load("openpars.shares")

logger = logging.getLogger(__name__)

_STANDS = frozenset({"balloted", *agreements.STANDING})


@dataclass(frozen=True, slots=True)
class Right:
    """By what right an answer is given: one agreement version in force, one purpose, its share."""

    standing: Standing
    version: Version
    share: Share


def _lists(version: Version, purpose: str) -> bool:
    return any(purpose in grant.purposes for grant in version.agreement.grants)


@dataclass(frozen=True, slots=True)
class _Texts:
    """Versions as voted on, which the shares' columns follow, and as bars leave them."""

    whole: dict[tuple[str, int], Version]
    versions: dict[tuple[str, int], Version]


class Register:
    """Renewed by `reload`; read by everything in the door."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._standings: tuple[Standing, ...] = ()
        self._texts = _Texts({}, {})
        self._switched: list[tuple[object, ...]] = []
        self._shares: dict[tuple[str, int, str], Share] = {}

    async def reload(self) -> None:
        """Read the register anew. A failed read leaves the old copy, which the log transaction rechecks."""
        async with self._pool.connection() as conn:
            switched = await (await conn.execute(agreements.Q.all_switched)).fetchall()
            # Where bars were switched the texts are the same; what stands above them is not.
            same = switched == self._switched
            texts = _Texts(dict(self._texts.whole), dict(self._texts.versions)) if same else _Texts({}, {})
            standings = [s for s in await agreements.standings(conn) if await _reads(conn, s, texts)]
            # A share that is still being filled is not there yet.
            live = {(row[0], row[1], row[2]) for row in await (await conn.execute(Q.live_shares)).fetchall()}
        # All at once: whoever asks while this is read is answered from the old copy, which is whole.
        self._switched, self._texts = switched, texts
        self._shares = {
            key: share
            for version in texts.whole.values()
            for share in shares_of(version)
            if (key := _key(share)) in live
        }
        self._standings = tuple(standings)

    @property
    def standings(self) -> tuple[Standing, ...]:
        """Every version known, whatever its state."""
        return self._standings

    def version(self, standing: Standing) -> Version:
        """The text behind a standing."""
        return self._texts.versions[(standing.agreement, standing.version)]

    def share(self, standing: Standing, purpose: str) -> Share | None:
        """The share of one purpose, or None when the version does not list it."""
        return self._shares.get((standing.agreement, standing.version, purpose))

    def of(self, recipient: str, organisation: str | None) -> tuple[Standing, ...]:
        """Every version, whatever its state, that names this recipient and admits the organisation.

        Deny by default: what does not name the organisation is no agreement of its keys at all.
        """
        return tuple(
            s
            for s in self._standings
            if s.recipient == recipient and self.version(s).agreement.admits(organisation)
        )

    def in_force(self, recipient: str, organisation: str | None, now: datetime) -> tuple[Standing, ...]:
        """What this organisation of this recipient holds at this instant."""
        return tuple(s for s in self.of(recipient, organisation) if is_live(s, now))

    def standing(self, agreement: str, now: datetime) -> Standing | None:
        """The version of one agreement that is in force, or None."""
        return next((s for s in self._standings if s.agreement == agreement and is_live(s, now)), None)

    def right(self, who: RecipientKey, why: Why, now: datetime) -> Right | Refusal:
        """Step 3 of the door: the one version in force that lists the purpose, or the reason why not."""
        mine = list(self.of(who.recipient, who.organisation))
        if why.agreement is not None:
            mine = [s for s in mine if s.agreement == why.agreement]
        fit = [s for s in mine if is_live(s, now) and _lists(self.version(s), why.purpose)]
        if len(fit) > 1:
            return Refusal(
                Code.AMBIGUOUS_AGREEMENT, "Name the agreement: more than one lists this purpose.", "agreement"
            )
        if len(fit) == 1:
            share = self.share(fit[0], why.purpose)
            if share is not None:
                return Right(fit[0], self.version(fit[0]), share)
            return Refusal(Code.LOG_UNAVAILABLE, "The share is being made anew. Try again shortly.")
        return self._why_not(mine, why, now)

    def _why_not(self, mine: list[Standing], why: Why, now: datetime) -> Refusal:
        listing = [s for s in mine if _lists(self.version(s), why.purpose)]
        live = any(is_live(s, now) for s in mine)
        # Where nothing is in force, the state of what there was; else only of what listed the purpose.
        judged = listing if listing or live else mine
        if any(s.state == "suspended" for s in judged):
            return Refusal(Code.AGREEMENT_SUSPENDED, "The agreement is suspended.")
        if any(now >= s.until or s.state == "ended" for s in judged):
            return Refusal(Code.AGREEMENT_ENDED, "The agreement has ended.")
        if live:
            return Refusal(
                Code.PURPOSE_NOT_PERMITTED, "Your agreement in force does not list this purpose.", "purpose"
            )
        return Refusal(Code.NO_AGREEMENT, "You hold no agreement in force.")


async def _reads(conn: Connection, standing: Standing, texts: _Texts) -> bool:
    """Whether the text is the one that was voted on, and the row about it says what the text says.

    One that was rewritten since grants nothing; nor does one that was handed to another recipient, or
    made to last longer, by whoever can write into the table.
    """
    known = (standing.agreement, standing.version)
    try:
        if known not in texts.versions:
            texts.whole[known] = await agreements.version(conn, *known)
            texts.versions[known] = narrowed(texts.whole[known])
    except BrokenText:
        logger.critical("agreement %s, version %d: its text was rewritten; it grants nothing", *known)
        return False
    if not _as_voted(standing, texts.whole[known]):
        logger.critical("agreement %s, version %d: its row was rewritten; it grants nothing", *known)
        return False
    return True


def _as_voted(standing: Standing, version: Version) -> bool:
    text = version.agreement
    if standing.recipient != text.recipient or standing.begins != text.term.begins:
        return False
    # What is over may have been said to end later than its term; it grants nothing in any case.
    return standing.state not in _STANDS or standing.until <= text.term.ends


def _key(share: Share) -> tuple[str, int, str]:
    return share.agreement, share.version, share.purpose


def is_live(standing: Standing, now: datetime) -> bool:
    """In force at this instant: the state says so and the term covers it."""
    return standing.state == "in_force" and standing.begins <= now < standing.until
