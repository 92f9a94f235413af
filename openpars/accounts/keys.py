# SPDX-License-Identifier: Apache-2.0
"""Bearer keys: made once, shown once, kept as a hash."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from openpars.db.connect import Connection
from openpars.db.sql import load

Q = load(__package__)


class StaffRole(StrEnum):
    """The desks of a city. Police, District Attorney and courts are also its three stakeholders."""

    POLICE = "police"
    DISTRICT_ATTORNEY = "district-attorney"
    COURTS = "courts"
    SOLICITOR = "solicitor"
    AUDITOR = "auditor"
    RECORDS = "records"


@dataclass(frozen=True, slots=True)
class Issued:
    """A fresh key. `token` and `link` are shown now and never again; `link` only in demo mode."""

    key: UUID
    token: str
    link: str | None


@dataclass(frozen=True, slots=True)
class StaffKey:
    """A staff key that is good at this moment."""

    id: UUID
    role: StaffRole


@dataclass(frozen=True, slots=True)
class RecipientKey:
    """A recipient's key that is good at this moment. `recipient` is the agency's id, such as `ice`.

    `organisation`: which organisation of the recipient's tree the key was made for; None: the recipient
    itself. It is a fact of the key, never of a request, and never changes.
    """

    id: UUID
    recipient: str
    organisation: str | None


def digest(token: str) -> bytes:
    """SHA-256 of a token. Tokens are 256 random bits, so no slow hash is needed."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def _fresh(prefix: str, *, with_link: bool) -> tuple[str, str | None]:
    return f"{prefix}_{secrets.token_urlsafe(32)}", secrets.token_urlsafe(32) if with_link else None


async def create_staff(conn: Connection, role: StaffRole, *, label: str, with_link: bool = False) -> Issued:
    """A new key for a desk. `with_link` adds a sign-in link: demo mode only."""
    token, link = _fresh(f"op_{role}", with_link=with_link)
    cursor = await conn.execute(
        Q.insert_staff_key, (role, label, digest(token), digest(link) if link is not None else None)
    )
    row = await cursor.fetchone()
    assert row is not None  # noqa: S101  (INSERT ... RETURNING)
    return Issued(row[0], token, link)


async def create_recipient(
    conn: Connection,
    recipient: str,
    *,
    name: str,
    label: str,
    organisation: str | None = None,
    with_link: bool = False,
) -> Issued:
    """A new key for an outside agency, or for an organisation under it.

    A key grants nothing: only an agreement in force does, to the organisations it names.
    """
    await conn.execute(Q.insert_recipient, {"id": recipient, "name": name})
    token, link = _fresh(f"op_{recipient}", with_link=with_link)
    cursor = await conn.execute(
        Q.insert_recipient_key,
        (recipient, organisation, label, digest(token), digest(link) if link is not None else None),
    )
    row = await cursor.fetchone()
    assert row is not None  # noqa: S101
    return Issued(row[0], token, link)


async def staff_by_token(conn: Connection, token: str) -> StaffKey | None:
    """The staff key behind a bearer token, or None."""
    return _staff(await (await conn.execute(Q.staff_by_token, (digest(token),))).fetchone())


async def staff_by_link(conn: Connection, link: str) -> StaffKey | None:
    """The staff key behind a demo sign-in link, or None."""
    return _staff(await (await conn.execute(Q.staff_by_link, (digest(link),))).fetchone())


async def recipient_by_token(conn: Connection, token: str) -> RecipientKey | None:
    """The recipient's key behind a bearer token, or None."""
    return _recipient(await (await conn.execute(Q.recipient_by_token, (digest(token),))).fetchone())


async def recipient_by_link(conn: Connection, link: str) -> RecipientKey | None:
    """The recipient's key behind a demo sign-in link, or None."""
    return _recipient(await (await conn.execute(Q.recipient_by_link, (digest(link),))).fetchone())


async def live_recipient_keys(conn: Connection, keys: list[UUID]) -> frozenset[UUID]:
    """Those of `keys` that are not revoked, read now."""
    cursor = await conn.execute(Q.live_recipient_keys, (keys,))
    return frozenset(row[0] for row in await cursor.fetchall())


async def revoke_recipient(conn: Connection, key: UUID) -> None:
    """From the commit on, the key opens nothing, sessions included."""
    await conn.execute(Q.revoke_recipient_key, (key,))


async def revoke_staff(conn: Connection, key: UUID) -> None:
    """From the commit on, the key opens nothing, sessions included."""
    await conn.execute(Q.revoke_staff_key, (key,))


async def start_staff_session(conn: Connection, key: UUID) -> str:
    """A session token for the cookie; only its hash is kept."""
    token = secrets.token_urlsafe(32)
    await conn.execute(Q.start_staff_session, (digest(token), key))
    return token


async def start_recipient_session(conn: Connection, key: UUID) -> str:
    """A session token for the cookie; only its hash is kept."""
    token = secrets.token_urlsafe(32)
    await conn.execute(Q.start_recipient_session, (digest(token), key))
    return token


async def staff_by_session(conn: Connection, token: str) -> StaffKey | None:
    """The key behind a live session; using it keeps it awake for 30 minutes, 12 hours at most."""
    return _staff(await (await conn.execute(Q.staff_by_session, (digest(token),))).fetchone())


async def recipient_by_session(conn: Connection, token: str) -> RecipientKey | None:
    """The key behind a live session; using it keeps it awake for 30 minutes, 12 hours at most."""
    return _recipient(await (await conn.execute(Q.recipient_by_session, (digest(token),))).fetchone())


async def end_staff_session(conn: Connection, token: str) -> None:
    """Sign out."""
    await conn.execute(Q.end_staff_session, (digest(token),))


async def end_recipient_session(conn: Connection, token: str) -> None:
    """Sign out."""
    await conn.execute(Q.end_recipient_session, (digest(token),))


def _staff(row: tuple[object, ...] | None) -> StaffKey | None:
    return None if row is None else StaffKey(_uuid(row[0]), StaffRole(str(row[1])))


def _recipient(row: tuple[object, ...] | None) -> RecipientKey | None:
    if row is None:
        return None
    return RecipientKey(_uuid(row[0]), str(row[1]), None if row[2] is None else str(row[2]))


def _uuid(value: object) -> UUID:
    return value if isinstance(value, UUID) else UUID(str(value))
