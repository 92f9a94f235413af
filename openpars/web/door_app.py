# SPDX-License-Identifier: Apache-2.0
"""The process that serves recipients: `/v1`, `/log`, `/recipient`. It cannot read the record.

It listens on the city's address and hands everything else to the desk process.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from openpars.alerts.dispatch import Dispatcher
from openpars.alerts.envelope import Seals
from openpars.alerts.fence import FenceWatch
from openpars.db.connect import pool
from openpars.disclosure.clock import Clock
from openpars.disclosure.gate import Gate
from openpars.disclosure.pools import AgreementPools
from openpars.disclosure.register import Register
from openpars.log.keys import KeyStore
from openpars.log.note import Signer
from openpars.log.writer import Writer
from openpars.settings import Settings, load_city, load_door
from openpars.shares.keys import ShareKeys
from openpars.web import address, auth, logs, recipient, respond
from openpars.web.lane import Lane, Width
from openpars.web.pages import recipient_pages, view
from openpars.web.proxy import DeskProxy
from openpars.web.strangers import Strangers

# Whoever reads the log may have half a core, to check all of it. What is handed on the desks give turns to.
_OTHERS = Width(share=0.5, burst=5.0, each_share=0.3, each_burst=2.0, turns=False)
_WIDTHS = {
    "log": Width(share=0.5, burst=5.0, each_share=0.5, each_burst=5.0),
    "keys": Width(share=0.1, burst=1.0, each_share=0.05, each_burst=0.5),
    "handed on": _OTHERS,
    "keys handed on": _OTHERS,
}


def lane_of(path: str, *, shows_key: bool) -> str:
    """The lane of a stranger at the door."""
    first = path.split("/", 2)[1] if path.startswith("/") else ""
    if first == "log":
        return "log"
    if first in {"v1", "recipient"}:
        return "keys"
    return "keys handed on" if shows_key else "handed on"


METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]


@asynccontextmanager
async def _run(app: FastAPI, settings: Settings) -> AsyncIterator[None]:
    secrets, city = load_door(settings.data_dir), load_city(settings.data_dir)
    async with AsyncExitStack() as stack:
        door = await stack.enter_async_context(
            pool(secrets.door_dsn, min_size=2, max_size=10, name="door", autocommit=True)
        )
        keys = ShareKeys(secrets.share_key)
        pools = AgreementPools(secrets.door_dsn, keys)
        stack.push_async_callback(pools.close_all)
        register = Register(door)
        signer = Signer(f"{city.origin}/disclosures", bytes.fromhex(secrets.disclosures_key))
        store = KeyStore(settings.keys_file)
        stack.callback(store.close)
        gate = Gate(pool=door, pools=pools, register=register, clock=Clock(last_logged=None), keys=keys)
        gate.partner_access = city.partner_access
        writer = await stack.enter_async_context(
            Writer(
                secrets.door_dsn,
                tree="disclosures",
                signer=signer,
                keys=store,
                admit=gate.admit,
                head_file=settings.data_dir / "keys" / "disclosures.head",
            )
        )
        gate.writer = writer
        gate.clock = Clock(last_logged=writer.last_at)
        await gate.read_clock()
        await register.reload()
        dispatcher = Dispatcher(
            gate=gate, dsn=secrets.door_dsn, seals=Seals(secrets.token_key), source=city.origin
        )
        await dispatcher.load()
        watch = FenceWatch(gate=gate, dispatcher=dispatcher, dsn=secrets.door_dsn)
        for name, work in (
            ("alerts", dispatcher.run()),
            ("beat", dispatcher.post.streams.beat()),
            ("fence", watch.run()),
        ):
            stack.push_async_callback(_stop, asyncio.create_task(work, name=name))
        proxy = DeskProxy(settings.desk_socket)
        stack.push_async_callback(proxy.close)
        app.state.lanes = {name: Lane(width) for name, width in _WIDTHS.items()}
        app.state.trusted = address.networks(city.trusted_proxies or ())
        app.state.pool = door
        app.state.known_keys = auth.KnownKeys()
        app.state.gate = gate
        app.state.dispatcher = dispatcher
        app.state.city = city
        app.state.verifier_key = str(signer.verifier)
        app.state.proxy = proxy
        yield


async def _stop(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


def create_app(settings: Settings) -> FastAPI:
    """The application. Raises MissingSecret at start-up when this is no city's data directory."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with _run(app, settings):
            yield

    app = respond.Straight(
        title="OpenPARS for recipients",
        version="1",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url="/v1/openapi.json",
    )
    app.go_straight(
        busy={("POST", "/v1/search"): recipient.search, ("GET", "/v1/alerts"): recipient.alerts},
        # None of ours is there: it would be handed on in any case.
        beneath={(method, "/desk/"): _to_desk for method in METHODS},
        # Before all of them: a guess at a key is made where the work is least.
        behind=lambda inner: Strangers(
            inner,
            lane_of=lane_of,
            address_of=lambda scope: address.at_the_door(scope, scope["app"].state.trusted),
            cookie=auth.COOKIE,
            page=view.busy(),
        ),
    )
    app.add_middleware(respond.SecurityHeaders)
    respond.answer_errors(app)
    app.include_router(recipient.router)
    app.include_router(logs.router)
    app.include_router(recipient_pages.router)
    app.add_api_route("/{path:path}", _to_desk, methods=METHODS, include_in_schema=False, response_model=None)
    return app


async def _to_desk(request: Request) -> Response:
    answer: Response = await request.app.state.proxy(request)
    return answer
