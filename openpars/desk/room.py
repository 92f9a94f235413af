# SPDX-License-Identifier: Apache-2.0
"""What every desk stands in: the database, the shares it keeps, the bell, the city's rules; and who acts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from openpars.accounts.keys import StaffRole
from openpars.db.bell import Bell
from openpars.db.connect import Pool
from openpars.errors import Code, refuse
from openpars.log.keys import KeyStore
from openpars.record import values
from openpars.record.checks import Setting
from openpars.record.forms import Act
from openpars.record.pack import Pack
from openpars.shares.keep import Keeper
from openpars.shares.keys import ShareKeys

IMPORTS = UUID(int=0)
"""The key id of what acts without a key: our own imports."""


@dataclass(frozen=True, slots=True)
class Room:
    """One per process. `owner` is the owner's pool: only agreements that begin or end need it.

    The process MUST hold the record key (`record.vault.hold`).
    """

    pool: Pool
    owner: Pool
    keeper: Keeper
    share_keys: ShareKeys
    bell: Bell
    key_store: KeyStore
    pack: Pack
    demo: bool

    def setting(self) -> Setting:
        """The rules, and the time now."""
        return Setting(self.pack, datetime.now(UTC))


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts. `user` is what the program said; it is recorded, not trusted."""

    role: StaffRole
    key: UUID
    user: str | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it came: who, under which retry key, on which version of the file.

    `request` is the keyed mark of the whole request; `expected` comes from `If-Match`.
    """

    actor: Actor
    idempotency_key: str | None = None
    request: bytes = b""
    expected: int | None = None


_POLICE, _ATTORNEY, _COURTS, _RECORDS = (
    StaffRole.POLICE,
    StaffRole.DISTRICT_ATTORNEY,
    StaffRole.COURTS,
    StaffRole.RECORDS,
)

MAY: dict[Act, frozenset[StaffRole]] = {
    Act.BOOK: frozenset({_POLICE}),
    Act.PROPOSE_CHARGES: frozenset({_POLICE}),
    Act.DECIDE_CHARGES: frozenset({_ATTORNEY}),
    Act.FILE_COMPLAINT: frozenset({_ATTORNEY}),
    Act.INTERVIEW: frozenset({_COURTS}),
    Act.ARRAIGN: frozenset({_COURTS}),
    Act.SET_BAIL: frozenset({_COURTS}),
    Act.CHANGE_CUSTODY: frozenset({_POLICE, _COURTS}),
    Act.CORRECT: frozenset({_RECORDS}),
    Act.SEAL: frozenset({_RECORDS}),
    Act.UNSEAL: frozenset({_RECORDS}),
    Act.EXPUNGE: frozenset({_RECORDS}),
    Act.FILE_DOCKET: frozenset({_COURTS}),
    Act.WITHDRAW_DOCKET: frozenset({_COURTS}),
    Act.REPRESENT: frozenset({_COURTS}),
    Act.DISPOSE: frozenset({_COURTS}),
}
"""Who may do which act. The list is closed, and there is no role that may do everything."""

READERS = frozenset({_POLICE, _ATTORNEY, _COURTS, _RECORDS})
"""Who may read files. The auditor reads histories, and no file."""

HISTORIANS = READERS | {StaffRole.AUDITOR}


def published(reason: str) -> str:
    """A reason as it stands in the register, for everybody. Raises Refused INVALID.

    It is read beside what others said: no sign in it may turn or hide what stands around it.
    """
    try:
        return values.free_text(reason)
    except ValueError as problem:
        raise refuse(Code.INVALID, str(problem), "reason") from None


def may(actor: Actor, act: Act) -> None:
    """Raises Refused FORBIDDEN when the role does not do this act."""
    among(actor, MAY[act])


def among(actor: Actor, roles: frozenset[StaffRole]) -> None:
    """Raises Refused FORBIDDEN unless the role is one of these."""
    if actor.role not in roles:
        raise refuse(Code.FORBIDDEN, f"This is done by: {', '.join(sorted(roles))}.")
