# SPDX-License-Identifier: Apache-2.0
"""Ballot keys over HTTP: `/ballot-keys`. Everybody reads the list; an owner brings and revokes its own."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from openpars.agreements.votes import ballot_keys
from openpars.agreements.votes.ballot_keys import NewKey
from openpars.desk import owners
from openpars.web import respond
from openpars.web.agreement_shapes import BallotKeyShape, ReasonShape
from openpars.web.intake import desk_route, done, receive
from openpars.web.shapes import schema_of

router = APIRouter(tags=["agreements"])


@router.get("/ballot-keys", response_class=Response)
async def listing(request: Request) -> Response:
    """The public halves of the keys with which the owners' delegates sign, the revoked ones included."""
    provider = owners.provider()
    async with request.app.state.pool.connection() as conn:
        keys = await ballot_keys.keys_of(conn, provider)
        said_by_log = await ballot_keys.logged(conn)
    return respond.json({"provider": provider, "keys": owners.key_bodies(keys, said_by_log)})


@router.post(
    "/ballot-keys",
    status_code=201,
    response_class=Response,
    openapi_extra={"requestBody": {"content": {"application/json": {"schema": schema_of(BallotKeyShape)}}}},
)
@desk_route
async def register(request: Request) -> Response:
    """Register a delegate's key for the stakeholder that asks."""
    received, shape = await receive(request, BallotKeyShape)
    new = NewKey(shape.label, shape.public_key, shape.proof, shape.endorsed_by, shape.endorsement)
    return done(await owners.register_key(received.room, received.asked, new))


@router.post(
    "/ballot-keys/{key}/revoke",
    response_class=Response,
    openapi_extra={"requestBody": {"content": {"application/json": {"schema": schema_of(ReasonShape)}}}},
)
@desk_route
async def revoke(request: Request) -> Response:
    """Revoke a key of one's own: from now on it signs nothing that counts."""
    received, shape = await receive(request, ReasonShape)
    key = str(request.path_params["key"])
    reason = shape.reason or "revoked"
    return done(await owners.revoke_key(received.room, received.asked, key, reason))
