# SPDX-License-Identifier: Apache-2.0
"""The heads of requests, bounded: in bytes, in fields, and in the time they may take to come.

The server's own protocol keeps every header it is sent and waits for the next for ever: one client could fill
our memory, or our table of connections, with a request that never begins.
"""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD = 32 * 1024  # bytes of a request's line and headers
FIELDS = 100  # headers
WITHIN = 15.0  # seconds from a connection, or from the first byte of a later head, to the end of that head

_SAID = "The head of this request is too long or too slow."


class _TooLong(Exception):
    """Ends the parsing: the server answers 400 and hangs up."""


class BoundedHeads(HttpToolsProtocol):
    """The server's protocol, that hangs up on a head without end."""

    _reading = True
    _came = 0  # bytes that came since this head began and has not ended
    _kept = 0  # bytes of its finished fields
    _late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """asyncio."""
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """asyncio."""
        self._arrived()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """asyncio. A field that is not finished is in the parser's hands, so bytes count as they come."""
        if self._reading:
            self._came += len(data)
        super().data_received(data)
        if self._reading and not self.transport.is_closing():
            if self._came > HEAD:
                self._hang_up()
            elif self._late is None:
                self._wait()

    def on_message_begin(self) -> None:
        """httptools."""
        if not self._reading:
            self._reading, self._came = True, 0
        self._kept = 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """httptools."""
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """httptools. Also called for what trails a body in pieces, which belongs to the head no less."""
        self._count(len(name) + len(value) + 4)
        if len(self.headers) >= FIELDS:
            raise _TooLong
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """httptools."""
        self._reading = False
        self._arrived()
        super().on_headers_complete()

    def _count(self, size: int) -> None:
        self._kept += size
        if self._kept > HEAD:
            raise _TooLong

    def _wait(self) -> None:
        self._late = self.loop.call_later(WITHIN, self._hang_up)

    def _arrived(self) -> None:
        late, self._late = self._late, None
        if late is not None:
            late.cancel()

    def _hang_up(self) -> None:
        self._arrived()
        if not self.transport.is_closing():
            self.send_400_response(_SAID)
