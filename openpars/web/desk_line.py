# SPDX-License-Identifier: Apache-2.0
"""Connections to the desk process, each for one request at a time, kept for the next.

A connection on which anything came that nobody had asked for is closed, never used again: else one
visitor's answer could be taken for the next one's.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import cast

import httptools

LINES = 200  # connections at a time
PATIENCE = 60.0  # seconds to wait for one
KEPT = 3.0  # seconds a connection may be idle: the desks close theirs after five
AHEAD = 256 * 1024  # bytes read ahead of a slow asker


class DeskGone(Exception):
    """The desks do not answer, or not in HTTP."""


class Line(asyncio.Protocol):
    """One connection, and the answer that is on its way through it."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.length: int | None = None
        """Bytes of the body where the answer says so."""
        self.used_at = 0.0
        self._transport: asyncio.Transport | None = None
        self._parser: httptools.HttpResponseParser | None = None
        self._bodiless = False
        self._begun = False
        self._complete = False
        self._lost = False
        self._keep = False
        self._paused = False
        self._waiting: deque[bytes] = deque()
        self._ahead = 0
        self._wake: asyncio.Future[None] | None = None
        self._release: Callable[[Line], None] | None = None

    # ------------------------------------------------------------------ for the asker

    async def ask(self, written: bytes, *, bodiless: bool, release: Callable[[Line], None]) -> None:
        """Send a request and wait for the head of its answer. Raises DeskGone."""
        self._release, self._bodiless = release, bodiless
        self._parser = httptools.HttpResponseParser(self)
        self.status, self.headers, self.length = 0, [], None
        self._begun = self._complete = self._keep = False
        if self._transport is None or self._lost:
            raise DeskGone
        self._transport.write(written)
        while not self._begun and not self._lost:
            await self._sleep()
        if not self._begun:
            raise DeskGone

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body as it comes. Raises DeskGone when it breaks off, so that half does not pass for all."""
        while True:
            while self._waiting:
                chunk = self._waiting.popleft()
                self._ahead -= len(chunk)
                if self._paused and not self._ahead and self._transport is not None:
                    self._paused = False
                    self._transport.resume_reading()
                yield chunk
            if self._complete:
                return
            if self._lost:
                raise DeskGone
            await self._sleep()

    def let_go(self) -> None:
        """Nobody reads on. Whoever calls it again does nothing."""
        release, self._release = self._release, None
        self._parser = None
        self._waiting.clear()
        self._ahead = 0
        if release is not None:
            release(self)

    @property
    def fit(self) -> bool:
        """Whether another request may be sent on it."""
        return self._complete and self._keep and not self._lost and not self._paused

    def close(self) -> None:
        """Hang up."""
        self._lost = True
        if self._transport is not None:
            self._transport.abort()

    async def _sleep(self) -> None:
        self._wake = asyncio.get_running_loop().create_future()
        try:
            await self._wake
        finally:
            self._wake = None

    def _stir(self) -> None:
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)

    # ------------------------------------------------------------------ what comes

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio."""
        # The server's loop has transports of its own making, which are like asyncio's and do not say so.
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """asyncio. What comes unasked, or is no answer, ends the connection."""
        if self._parser is None or self._complete:
            self.close()
        else:
            try:
                self._parser.feed_data(data)
            except httptools.HttpParserError:
                # An answer without a body ends where its head does, whatever the head says of a length.
                if not self._complete:
                    self.close()
        self._stir()

    def connection_lost(self, exc: Exception | None) -> None:
        """asyncio."""
        self._lost = True
        self._stir()

    def on_message_begin(self) -> None:
        """httptools. A second answer in the same breath is nobody's."""
        if self._begun:
            self.close()

    def on_header(self, name: bytes, value: bytes) -> None:
        """httptools. Also called for trailers, which belong to one connection."""
        if not self._begun:
            self.headers.append((name, value))
            if name.lower() == b"content-length":
                self.length = int(value)

    def on_headers_complete(self) -> None:
        """httptools."""
        if self._parser is None or self._begun:
            return
        self.status = self._parser.get_status_code()
        if self.status < 200:
            self.close()
            return
        self._begun = True
        if self._bodiless:
            self.length, self._complete = 0, True

    def on_body(self, body: bytes) -> None:
        """httptools."""
        if self._complete or self._lost:
            return
        self._waiting.append(body)
        self._ahead += len(body)
        if self._ahead > AHEAD and not self._paused and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()

    def on_message_complete(self) -> None:
        """httptools."""
        if self._begun and not self._complete and self._parser is not None:
            self._complete = True
            self._keep = self._parser.should_keep_alive()


class DeskLines:
    """The connections, as many as are needed and no more than `LINES`."""

    def __init__(self, socket: Path) -> None:
        self._socket = str(socket)
        self._idle: list[Line] = []
        self._room = asyncio.Semaphore(LINES)

    async def ask(self, written: bytes, *, bodiless: bool) -> Line:
        """Send a request; the line on which its answer comes, to be let go by the caller. Raises DeskGone."""
        try:
            async with asyncio.timeout(PATIENCE):
                await self._room.acquire()
        except TimeoutError:
            raise DeskGone from None
        line: Line | None = None
        try:
            line = self._kept() or await self._open()
            await line.ask(written, bodiless=bodiless, release=self._release)
        except BaseException:
            if line is not None:
                line.close()
            self._room.release()
            raise
        return line

    def close(self) -> None:
        """Hang up on all that are idle."""
        for line in self._idle:
            line.close()
        self._idle.clear()

    def _kept(self) -> Line | None:
        """The one used last: those used long ago may be closing on the other side at this instant."""
        oldest = time.monotonic() - KEPT
        while self._idle:
            line = self._idle.pop()
            if line.fit and line.used_at > oldest:
                return line
            line.close()
        return None

    async def _open(self) -> Line:
        try:
            async with asyncio.timeout(PATIENCE):
                _, line = await asyncio.get_running_loop().create_unix_connection(Line, self._socket)
        except (OSError, TimeoutError):
            raise DeskGone from None
        return line

    def _release(self, line: Line) -> None:
        self._room.release()
        if line.fit:
            line.used_at = time.monotonic()
            self._idle.append(line)
        else:
            line.close()
