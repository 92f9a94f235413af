# SPDX-License-Identifier: Apache-2.0
"""The public log: the disclosures tree as C2SP tiles. No account needed to check it."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from openpars.db.connect import Pool
from openpars.errors import Code, Refusal
from openpars.log import serve
from openpars.web import respond

router = APIRouter()

TREE = "disclosures"


def _pool(request: Request) -> Pool:
    pool: Pool = request.app.state.pool
    return pool


def _nothing() -> Response:
    return respond.problem(Refusal(Code.NOT_FOUND, "The log has nothing at this path."))


@router.get("/log/checkpoint")
async def checkpoint(request: Request) -> Response:
    """The newest signed checkpoint (C2SP tlog-checkpoint)."""
    async with _pool(request).connection() as conn:
        note = await serve.checkpoint(conn, TREE)
    if note is None:
        return _nothing()
    return Response(note, media_type=serve.CHECKPOINT_TYPE, headers={"cache-control": serve.CHECKPOINT_CACHE})


@router.get("/log/checkpoints")
async def checkpoints(request: Request) -> Response:
    """Earlier checkpoints, for the proof that the log only ever grew."""
    async with _pool(request).connection() as conn:
        notes = await serve.checkpoints(conn, TREE)
    return Response(notes, media_type=respond.MEDIA_JSON, headers={"cache-control": serve.CHECKPOINT_CACHE})


@router.get("/log/key")
async def key(request: Request) -> Response:
    """The verifier key of the log's signatures, as `name+hash+key`. Compare it with the printed one."""
    return Response(f"{request.app.state.verifier_key}\n", media_type=serve.CHECKPOINT_TYPE)


@router.get("/log/tile/{path:path}")
async def tile(request: Request, path: str) -> Response:
    """A tile of hashes or a bundle of entries (C2SP tlog-tiles), read from what is stored."""
    async with _pool(request).connection() as conn:
        found = await serve.tile(conn, TREE, f"tile/{path}")
    if found is None:
        return _nothing()
    return Response(found, media_type=serve.TILE_TYPE, headers={"cache-control": serve.TILE_CACHE})
