# SPDX-License-Identifier: Apache-2.0
"""Certificates kept with the version they are about: made when a text enters the register, never changed.

The text of a certificate needs no solver. An answer does; where there is none, or it takes too long, the
certificate is kept without an answer and says so, and the text goes its way: no vote waits for a solver.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from openpars.agreements.model import Agreement
from openpars.agreements.proofs.certificate import Certificate, certificates, unanswered
from openpars.agreements.proofs.proving import version_to_prove
from openpars.db.connect import Connection
from openpars.db.sql import load

Q = load(__package__)

PATIENCE = 5.0
"""Seconds for all certificates of one text."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Kept:
    """A certificate of one version. `answer`: `unsat` proved, `sat` refuted, None not answered here."""

    agreement: str
    version: int
    name: str
    says: str
    answer: str | None
    solver: str | None
    made_at: datetime


async def make(agreement: Agreement) -> tuple[Certificate, ...]:
    """The certificates of a text. It takes seconds at worst, so nothing that others need may be locked."""
    version = version_to_prove(agreement)
    try:
        return await asyncio.wait_for(asyncio.to_thread(certificates, version), PATIENCE)
    except TimeoutError:
        logger.warning("certificates of %s: not answered in time", agreement.id)
        return await asyncio.to_thread(unanswered, version)


async def keep(conn: Connection, agreement: str, number: int, made: Sequence[Certificate]) -> None:
    """Keep the certificates of a version that was just entered, in the caller's transaction."""
    for one in made:
        values = (agreement, number, one.name, one.says, one.text, one.bars, one.catalogue)
        await conn.execute(Q.new_certificate, (*values, one.answer, one.solver))


async def of_agreement(conn: Connection, agreement: str) -> tuple[Kept, ...]:
    """The certificates of every version of an agreement."""
    rows = await (await conn.execute(Q.certificates, (agreement,))).fetchall()
    return tuple(Kept(*row) for row in rows)


async def text_of(conn: Connection, agreement: str, number: int, name: str) -> str | None:
    """The SMT-LIB 2 text of one certificate, or None."""
    row = await (await conn.execute(Q.certificate_text, (agreement, number, name))).fetchone()
    return None if row is None else str(row[0])
