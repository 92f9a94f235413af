# SPDX-License-Identifier: Apache-2.0
"""One process of a city: what `openpars up` starts. Not meant to be called by hand."""

from __future__ import annotations

import asyncio
import gc
import importlib
import inspect
import signal
import socket
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
import uvicorn
import uvloop

from openpars.cli.say import CannotRunError
from openpars.settings import MissingSecret, Settings

app = typer.Typer()


class Process(StrEnum):
    """The processes of a city beside its database."""

    WORKER = "worker"
    DESK = "desk"
    DOOR = "door"


# By name, so that a process loads its own code and not the others': the door has no desk in it.
APPLICATIONS: dict[Process, str] = {
    Process.DESK: "openpars.web.desk_app",
    Process.DOOR: "openpars.web.door_app",
}
WORKER = "openpars.worker"
PROTOCOL = "openpars.web.line:WithLine"

# Streams stay open for hours: after this many seconds they are cut and their readers resume.
CLOSE_WITHIN = 2


@app.command()
def serve(
    process: Annotated[Process, typer.Argument(help="Which process.")],
    data_dir: Annotated[Path, typer.Option(help="The city's data directory.")],
    listen_fd: Annotated[
        int | None, typer.Option(help="An open listening socket (desk and door), from the supervisor.")
    ] = None,
) -> None:
    """Run one process of a city until SIGTERM."""
    settings = Settings(data_dir=data_dir)
    try:
        if process is Process.WORKER:
            work(importlib.import_module(WORKER).run, settings)
        else:
            application = importlib.import_module(APPLICATIONS[process]).create_app(settings)
            listen(application, listen_fd)
    except MissingSecret as problem:
        raise CannotRunError(str(problem)) from None


def work(run: Any, settings: Settings) -> None:
    """Run the worker's entry, `async def run(settings)` or a plain function, until SIGTERM."""
    settle()
    if inspect.iscoroutinefunction(run):
        uvloop.run(until_told(run(settings)))
    else:
        run(settings)


async def until_told(coroutine: Any) -> None:
    """Await a coroutine; SIGTERM and SIGINT cancel it, so that it can close what it holds."""
    task = asyncio.ensure_future(coroutine)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel)
    try:
        await task
    except asyncio.CancelledError:
        return


def settle() -> None:
    """What is loaded now stays for good: the collector need not look at it again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def listen(application: Any, listen_fd: int | None) -> None:
    """Serve an ASGI application on an inherited socket until SIGTERM.

    The supervisor holds the socket: while this process is started again, callers wait in its queue
    instead of being turned away.
    """
    if listen_fd is None:
        raise CannotRunError("This process is started by `openpars up`, which hands it its socket.")
    settle()
    config = uvicorn.Config(
        application,
        loop="uvloop",
        http=PROTOCOL,
        ws="none",
        access_log=False,  # addresses and paths are personal data: the log of disclosures is the log
        log_level="warning",
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=CLOSE_WITHIN,
    )
    uvicorn.Server(config).run(sockets=[socket.socket(fileno=listen_fd)])
