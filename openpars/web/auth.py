# SPDX-License-Identifier: Apache-2.0
"""Who asks. Bearer keys for programs, a session cookie for people; never both at once."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from uuid import UUID

from starlette.requests import Request

from openpars.accounts import keys
from openpars.accounts.keys import RecipientKey, StaffRole
from openpars.db.connect import Pool
from openpars.errors import Code, refuse
from openpars.web import strangers

COOKIE = "openpars_session"


@dataclass(frozen=True, slots=True)
class Staff:
    """A member of staff. `user` is what the program says in `OpenPARS-User`; it is recorded, not trusted."""

    role: StaffRole
    key_id: UUID
    user: str | None


def bearer(request: Request) -> str | None:
    """The bearer token, or None when there is no Authorization header. Anything else is refused."""
    header = request.headers.get("authorization")
    if header is None:
        return None
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token.strip() or len(token) > 200:
        raise refuse(Code.UNAUTHENTICATED, "Send your key as `Authorization: Bearer <key>`.")
    return token.strip()


def acting_user(request: Request) -> str | None:
    """`OpenPARS-User`, optional, at most 100 printable characters."""
    user = request.headers.get("openpars-user")
    if user is None:
        return None
    if len(user) > 100 or not user.isprintable():
        raise refuse(
            Code.INVALID, "OpenPARS-User is a name or badge of at most 100 characters.", "OpenPARS-User"
        )
    return user.strip() or None


def same_origin(request: Request) -> None:
    """A cookie alone never changes anything: the browser must say the page is ours (cross-site forgery)."""
    if request.method in {"GET", "HEAD"}:
        return
    origin = request.headers.get("origin")
    if origin is not None:
        host = origin.partition("://")[2]
    else:
        site = request.headers.get("sec-fetch-site")
        host = request.headers.get("host", "") if site in {"same-origin", "none"} else ""
    if not host or host != request.headers.get("host", ""):
        raise refuse(Code.FORBIDDEN, "This came from another site and was not carried out.")


def _cookie(request: Request) -> str | None:
    cookie = request.cookies.get(COOKIE)
    if cookie is not None:
        same_origin(request)
    return cookie


async def staff(request: Request) -> Staff:
    """The member of staff who asks. Raises Refused UNAUTHENTICATED."""
    pool: Pool = request.app.state.pool
    token = bearer(request)
    async with pool.connection() as conn:
        if token is not None:
            found = await keys.staff_by_token(conn, token)
        else:
            cookie = _cookie(request)
            found = await keys.staff_by_session(conn, cookie) if cookie is not None else None
    strangers.met(request, found=found is not None)
    if found is None:
        raise refuse(Code.UNAUTHENTICATED, "Sign in, or send a key that is in force.")
    return Staff(found.role, found.id, acting_user(request))


@dataclass(slots=True)
class KnownKeys:
    """Bearer keys seen in the last seconds, by hash.

    A help and no authority: whether a key is still in force is read again in the transaction that
    logs each answer, so a revoked key gets nothing from here but a refusal.
    """

    _known: dict[bytes, tuple[RecipientKey, float]] = field(default_factory=dict)

    def get(self, digest: bytes) -> RecipientKey | None:
        """The key, if it was looked up a moment ago."""
        found = self._known.get(digest)
        return found[0] if found is not None and found[1] > time.monotonic() else None

    def put(self, digest: bytes, key: RecipientKey) -> None:
        """Remember for a moment."""
        if len(self._known) >= KNOWN:
            self._known.clear()
        self._known[digest] = (key, time.monotonic() + FRESH)


FRESH = 5.0
KNOWN = 10_000


async def recipient(request: Request, *, fresh: bool = False) -> RecipientKey:
    """The recipient's key that asks. Raises Refused UNAUTHENTICATED.

    `fresh` for whatever is not checked again in the transaction that logs an answer.
    """
    pool: Pool = request.app.state.pool
    known: KnownKeys = request.app.state.known_keys
    token = bearer(request)
    found = None
    if token is not None:
        digest = keys.digest(token)
        found = None if fresh else known.get(digest)
        if found is None:
            async with pool.connection() as conn:
                found = await keys.recipient_by_token(conn, token)
            if found is not None:
                known.put(digest, found)
    elif (cookie := _cookie(request)) is not None:
        async with pool.connection() as conn:
            found = await keys.recipient_by_session(conn, cookie)
    strangers.met(request, found=found is not None)
    if found is None:
        raise refuse(Code.UNAUTHENTICATED, "Sign in, or send a key that is in force.")
    return found
