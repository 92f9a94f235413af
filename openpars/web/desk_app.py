# SPDX-License-Identifier: Apache-2.0
"""The process of the desks: staff API and pages, agreements, the public register.

It listens on a Unix socket in the city's directory; the door hands over what is not a recipient's.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from fastapi import FastAPI
from starlette.exceptions import HTTPException

from openpars.db.bell import Bell
from openpars.db.connect import pool
from openpars.desk.impact import Remembered
from openpars.log.keys import KeyStore
from openpars.record import vault
from openpars.settings import City, Settings, load_city, load_desk
from openpars.shares.keep import Keeper
from openpars.shares.keys import ShareKeys
from openpars.web import address, agreements, auth, ballot_keys, bars, desk, letters, openapi, respond
from openpars.web.lane import Lane, Width
from openpars.web.pages import (
    ballot_files,
    bar_pages,
    correction_pages,
    court_pages,
    desk_pages,
    editor,
    field_pages,
    letter_pages,
    lookup_pages,
    public_pages,
    seen_pages,
    stop_pages,
    term_pages,
    view,
    vote_pages,
)
from openpars.web.strangers import Strangers

# Of a core. Whatever `city.json` says, there is a limit, and readers are not shut out.
LEAST, MOST = 0.01, 0.5


def lanes(city: City) -> dict[str, Lane]:
    """What strangers may have of this process: readers, our own files, keys still to be looked up."""
    share = min(max(city.public_share, LEAST), MOST)
    return {
        "readers": Lane(Width(share=share, burst=2.0, each_share=share / 2, each_burst=1.0)),
        "files": Lane(Width(share=0.1, burst=2.0, each_share=0.1, each_burst=1.0)),
        "keys": Lane(Width(share=0.1, burst=1.0, each_share=0.05, each_burst=0.5)),
    }


def lane_of(path: str, *, shows_key: bool) -> str:
    """A flood of readers keeps no desk from signing in, nor from the files its pages need."""
    if shows_key:
        return "keys"
    return "files" if path.startswith("/static/") else "readers"


@asynccontextmanager
async def _run(app: FastAPI, settings: Settings) -> AsyncIterator[None]:
    secrets = load_desk(settings.data_dir)
    async with AsyncExitStack() as stack:
        vault.hold(secrets.record_key)
        app.state.city = load_city(settings.data_dir)
        app.state.lanes = lanes(app.state.city)
        app.state.data_dir = settings.data_dir
        app.state.secrets = secrets
        app.state.pool = await stack.enter_async_context(
            pool(secrets.desk_dsn, min_size=2, max_size=12, name="desk")
        )
        app.state.owner = await stack.enter_async_context(pool(secrets.owner_dsn, max_size=3, name="owner"))
        app.state.share_keys = ShareKeys(secrets.share_key)
        app.state.keeper = Keeper(app.state.share_keys)
        app.state.key_store = KeyStore(settings.keys_file)
        stack.callback(app.state.key_store.close)
        app.state.impacts = Remembered()
        app.state.bell = await stack.enter_async_context(Bell(secrets.desk_dsn))
        yield


def create_app(settings: Settings) -> FastAPI:
    """The application."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with _run(app, settings):
            yield

    app = FastAPI(
        title="OpenPARS desks",
        version="1",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
    )
    app.add_middleware(
        Strangers,
        lane_of=lane_of,
        address_of=address.at_the_desks,
        cookie=auth.COOKIE,
        page=view.busy(),
    )
    app.add_middleware(respond.SecurityHeaders)
    respond.answer_errors(app)
    app.add_exception_handler(HTTPException, view.on_http)
    app.include_router(desk.router)
    app.include_router(agreements.router)
    app.include_router(letters.router)
    app.include_router(ballot_keys.router)
    app.include_router(bars.router)
    app.include_router(vote_pages.router)
    app.include_router(ballot_files.router)
    app.include_router(desk_pages.router)
    app.include_router(court_pages.router)
    app.include_router(correction_pages.router)
    app.include_router(lookup_pages.router)
    app.include_router(term_pages.router)
    app.include_router(stop_pages.router)
    app.include_router(letter_pages.router)
    app.include_router(seen_pages.router)
    app.include_router(public_pages.router)
    app.include_router(bar_pages.router)
    app.include_router(field_pages.router)
    app.include_router(editor.router)
    openapi.describe(app)
    return app
