# SPDX-License-Identifier: Apache-2.0
"""What anybody needs to check one signed ballot without us: the statement, the signature, the public key."""

from __future__ import annotations

import base64
import binascii

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from openpars.agreements import register
from openpars.agreements.ballots import Ballot, statement
from openpars.agreements.votes import ballot_keys
from openpars.desk import owners
from openpars.errors import Code, refuse
from openpars.web.pages import view

router = APIRouter(route_class=view.PageRoute, include_in_schema=False)


async def _ballot(request: Request) -> tuple[Ballot, str]:
    """The ballot that the address names, and a name for its files."""
    agreement, number, place = (str(request.path_params[one]) for one in ("agreement", "number", "place"))
    async with request.app.state.pool.connection() as conn:
        entries = await register.register(conn)
    entry = next((e for e in entries if (e.agreement, str(e.version)) == (agreement, number)), None)
    ballots = entry.ballots if entry is not None else ()
    found = next((one for at, one in enumerate(ballots, 1) if str(at) == place), None)
    if found is None or found.signature is None:
        raise refuse(Code.NOT_FOUND, "There is no such signed ballot in the register.")
    return found, f"{agreement}.{number}.ballot-{place}"


def _file(body: bytes, name: str, media: str) -> Response:
    return Response(body, media_type=media, headers={"Content-Disposition": f'attachment; filename="{name}"'})


@router.get("/public/agreements/{agreement}/{number}/ballots/{place}.txt")
async def said(request: Request) -> Response:
    """What was signed, byte for byte."""
    ballot, name = await _ballot(request)
    return _file(statement(ballot).encode(), f"{name}.txt", "text/plain; charset=utf-8")


@router.get("/public/agreements/{agreement}/{number}/ballots/{place}.sig")
async def signature(request: Request) -> Response:
    """The 64 bytes of the signature."""
    ballot, name = await _ballot(request)
    try:
        raw = base64.b64decode(ballot.signature or "", validate=True)
    except (binascii.Error, ValueError):
        raise refuse(Code.NOT_FOUND, "What stands in the place of the signature is none.") from None
    return _file(raw, f"{name}.sig", "application/octet-stream")


@router.get("/public/ballot-keys/{key}.pem")
async def key(request: Request, key: str) -> Response:
    """A delegate's public key, as programs read it."""
    async with request.app.state.pool.connection() as conn:
        known = await ballot_keys.keys_of(conn, owners.provider())
    found = next((one for one in known if one.id == key), None)
    if found is None:
        raise refuse(Code.NOT_FOUND, "There is no such ballot key in the register.")
    pem = Ed25519PublicKey.from_public_bytes(bytes(found.public_key)).public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return _file(pem, f"{found.id[:16]}.pem", "application/x-pem-file")
