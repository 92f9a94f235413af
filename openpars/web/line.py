# SPDX-License-Identifier: Apache-2.0
"""The connections of the server, and open feeds may write on theirs at once.

An event for a thousand feeds would otherwise go through a queue, a task and four layers a thousand times.
Only what is certain to leave now takes this way (`alerts.streams.Stream.send`); what has to wait goes
through the layers, which know how to.
"""

from __future__ import annotations

from asyncio import Transport

from starlette.types import Scope

from openpars.web.wire import BoundedHeads

LINE = "openpars.line"
FULL = 32 * 1024  # bytes that have not left: a reader that far behind waits in its own queue


class WithLine(BoundedHeads):
    """Puts the connection into each request's scope."""

    def on_message_begin(self) -> None:
        """httptools. A request begins, and its scope is there."""
        super().on_message_begin()
        self.scope["extensions"] = {LINE: {"transport": self.transport}}


class ChunkedLine:
    """Writes on a connection whose answer is being sent in chunks (RFC 9112, 7.1)."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def send(self, frame: bytes) -> bool:
        """One chunk. False, and nothing done, when what was sent before has not left, or nobody is there."""
        transport = self._transport
        if transport.is_closing() or transport.get_write_buffer_size() > FULL:
            return False
        transport.write(b"%x\r\n%b\r\n" % (len(frame), frame))
        return True


def of(scope: Scope) -> ChunkedLine | None:
    """The line of a request whose answer has no length, so that the server sends it in chunks. None on
    another server."""
    there = (scope.get("extensions") or {}).get(LINE)
    return None if there is None else ChunkedLine(there["transport"])
