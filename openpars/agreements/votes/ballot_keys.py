# SPDX-License-Identifier: Apache-2.0
"""The register of ballot keys: the public halves with which the owners' delegates sign.

Only a stakeholder registers a key of its own: not the solicitor, who proposes the texts, and not whoever
runs the server. The first key founds; each later one needs the signature of one that holds, so that while
one does nobody without such a key, the server included, makes a voter. Revoking takes no signature, at once,
and is as public as the rest; after the last one is revoked the next key founds again.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, replace

from openpars.agreements.ballots import (
    BallotKey,
    Logged,
    fingerprint,
    good_keys,
    key_digest,
    key_statement,
    public_bytes,
    revocation_digest,
    signed,
)
from openpars.agreements.register import Q, clock
from openpars.db.connect import Connection
from openpars.errors import Code, refuse
from openpars.log.draft import Draft
from openpars.log.pending import note
from openpars.log.stored import Noted, about_agreements

REGISTERED, REVOKED = "ballot-key-registered", "ballot-key-revoked"
LABEL_LIMIT = 80


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key as its owner hands it in. Signatures are base64 over `ballots.key_statement`."""

    label: str
    public_key: str
    proof: str
    endorsed_by: str | None = None
    endorsement: str | None = None


async def keys_of(conn: Connection, provider: str) -> tuple[BallotKey, ...]:
    """Every row, whether it is to be believed or not: `ballots.good_keys` says which are."""
    rows = await (await conn.execute(Q.keys, (provider,))).fetchall()
    return tuple(BallotKey(*row) for row in rows)


def logged_in(entries: Iterable[Noted]) -> Logged:
    """What these entries of the acts tree say of ballots and keys."""
    digests, revoked = set(), set()
    for one in entries:
        digest = one.public.get("digest")
        if one.kind in {"ballot", "key"} and isinstance(digest, str):
            digests.add(digest)
            if one.public.get("event") == REVOKED:
                revoked.add(str(one.public.get("key")))
    return Logged(frozenset(digests), frozenset(revoked))


async def logged(conn: Connection) -> Logged:
    """What the acts tree says of ballots and keys, with what still waits for it."""
    return logged_in(await about_agreements(conn))


async def register_key(conn: Connection, new: NewKey, *, provider: str, stakeholder: str) -> BallotKey:
    """Register a delegate's key for the stakeholder that asks. Raises Refused INVALID, CONFLICT."""
    label = _label(new.label)
    public_key = public_bytes(new.public_key)
    if public_key is None:
        raise refuse(
            Code.INVALID, "a public key is `ed25519:` and 32 bytes in base64, as its file shows", "public_key"
        )
    said = key_statement(provider=provider, stakeholder=stakeholder, label=label, public_key=public_key)
    if not signed(public_key, new.proof, said):
        raise refuse(Code.INVALID, "the key has not signed this registration itself", "proof")
    await conn.execute(Q.lock_keys, (provider,))
    known, now = await keys_of(conn, provider), await clock(conn)
    key = BallotKey(
        fingerprint(public_key),
        provider,
        stakeholder,
        label,
        public_key,
        new.proof,
        new.endorsed_by,
        new.endorsement,
        now,
    )
    if any(one.id == key.id for one in known):
        raise refuse(
            Code.CONFLICT, "this key was registered before; a revoked key stays revoked", "public_key"
        )
    _endorsed(key, known, await logged(conn), said)
    await conn.execute(
        Q.new_key,
        {
            "id": key.id,
            "provider": provider,
            "stakeholder": stakeholder,
            "label": label,
            "public_key": public_key,
            "proof": key.proof,
            "endorsed_by": key.endorsed_by,
            "endorsement": key.endorsement,
            "since": now,
        },
    )
    await _note(conn, key, REGISTERED, key_digest(key))
    return key


def _label(text: str) -> str:
    # It stands in a statement of one line each, and on public pages.
    clean = text.strip()
    if not 0 < len(clean) <= LABEL_LIMIT or any(unicodedata.category(c)[0] == "C" for c in clean):
        raise refuse(
            Code.INVALID, f"a label is one line of 1 to {LABEL_LIMIT} characters: whose key it is", "label"
        )
    return clean


def _endorsed(key: BallotKey, known: tuple[BallotKey, ...], said_by_log: Logged, said: str) -> None:
    own = {
        one.id: one
        for one in good_keys(known, said_by_log).values()
        if one.stakeholder == key.stakeholder and one.holds(key.since)
    }
    if not own:
        if key.endorsed_by is not None or key.endorsement is not None:
            raise refuse(
                Code.INVALID, "no key of this stakeholder holds that could vouch for it", "endorsed_by"
            )
        return
    by = own.get(key.endorsed_by or "")
    if by is None:
        raise refuse(
            Code.INVALID, "a key of this stakeholder that holds must vouch for the new one", "endorsed_by"
        )
    if not signed(by.public_key, key.endorsement, said):
        raise refuse(Code.INVALID, "that key has not signed this registration", "endorsement")


async def revoke_key(
    conn: Connection, key_id: str, *, provider: str, stakeholder: str, reason: str
) -> BallotKey:
    """Revoke a key of the stakeholder that asks: from this instant it signs nothing that counts.

    Raises Refused NOT_FOUND, also for a key of another stakeholder; CONFLICT when it is revoked already.
    """
    await conn.execute(Q.lock_keys, (provider,))
    known = {one.id: one for one in await keys_of(conn, provider)}
    key = known.get(key_id)
    if key is None or key.stakeholder != stakeholder:
        raise refuse(Code.NOT_FOUND, "this stakeholder has no such key", "key")
    if key.revoked_at is not None:
        raise refuse(Code.CONFLICT, "this key is revoked already", "key")
    gone = replace(key, revoked_at=await clock(conn), revoked_by=stakeholder, revoked_why=reason)
    await conn.execute(Q.revoke_key, (gone.revoked_at, gone.revoked_by, gone.revoked_why, key_id))
    await _note(conn, gone, REVOKED, revocation_digest(gone))
    return gone


async def _note(conn: Connection, key: BallotKey, event: str, digest: str) -> None:
    await note(
        conn,
        Draft(
            "key",
            public={"event": event, "role": key.stakeholder, "key": key.id, "digest": digest},
            private={"agent": key.stakeholder, "why": key.revoked_why, "label": key.label},
        ),
    )
