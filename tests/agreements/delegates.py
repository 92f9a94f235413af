# SPDX-License-Identifier: Apache-2.0
"""Delegates of the owners, each with a key of its own, as the command line would sign for them."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from openpars.agreements.ballots import (
    Ballot,
    Choice,
    Question,
    fingerprint,
    key_statement,
    public_text,
    statement,
)
from openpars.agreements.votes.ballot_box import Asked
from openpars.agreements.votes.ballot_keys import NewKey, register_key
from openpars.db.connect import Connection

PROVIDER = "city-of-philadelphia"


@dataclass(frozen=True, slots=True)
class Delegate:
    """One delegate of one stakeholder."""

    stakeholder: str
    label: str = "a delegate"
    private: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)

    @property
    def public(self) -> bytes:
        return self.private.public_key().public_bytes_raw()

    @property
    def id(self) -> str:
        return fingerprint(self.public)

    def sign(self, message: str) -> str:
        return base64.b64encode(self.private.sign(message.encode())).decode()

    def registration(self, *, provider: str = PROVIDER) -> str:
        """What registering this key says."""
        return key_statement(
            provider=provider, stakeholder=self.stakeholder, label=self.label, public_key=self.public
        )

    def new(self, endorser: Delegate | None = None) -> NewKey:
        """The registration, endorsed by another delegate's key."""
        said = self.registration()
        return NewKey(
            self.label,
            public_text(self.public),
            self.sign(said),
            None if endorser is None else endorser.id,
            None if endorser is None else endorser.sign(said),
        )

    async def register(self, conn: Connection, endorser: Delegate | None = None) -> Delegate:
        async with conn.transaction():
            await register_key(conn, self.new(endorser), provider=PROVIDER, stakeholder=self.stakeholder)
        return self

    def signed(self, ballot: Ballot) -> Ballot:
        """The ballot with this key's signature."""
        keyed = replace(ballot, key=self.id)
        return replace(keyed, signature=self.sign(statement(keyed)))

    def asked(
        self,
        agreement: str,
        text_hash: str,
        *,
        version: int = 1,
        question: str = "enact",
        choice: str = "yes",
        round: int = 1,
        expires: datetime | None = None,
        stakeholder: str | None = None,
    ) -> Asked:
        """A signed ballot as it arrives, by the stakeholder whose desk sends it."""
        until = expires or datetime.now(UTC) + timedelta(days=7)
        who = stakeholder or self.stakeholder
        ballot = self.signed(
            Ballot(
                who,
                agreement,
                version,
                text_hash,
                Question(question),
                Choice(choice),
                until,
                until,
                None,
                round,
            )
        )
        return Asked(
            agreement,
            version,
            who,
            ballot.question,
            ballot.choice,
            text_hash,
            until,
            ballot.signature,
            round,
            self.id,
        )
