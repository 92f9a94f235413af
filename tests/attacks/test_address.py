# SPDX-License-Identifier: Apache-2.0
"""A client that writes other people's addresses into its requests, or takes a new one for each."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.requests import Request

from openpars.web import address
from openpars.web.proxy import _written

FRONT = address.networks(["10.0.0.0/24", "fd00::/64"])


def scope(client: str | None, **headers: str) -> dict[str, Any]:
    named = [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()]
    return {"client": (client, 1) if client else None, "headers": named}


@pytest.mark.parametrize(
    ("client", "forwarded", "counted"),
    [
        ("198.51.100.7", None, "198.51.100.7"),
        ("198.51.100.7", "203.0.113.9", "198.51.100.7"),  # it says so itself
        ("10.0.0.5", "203.0.113.9", "203.0.113.9"),
        ("10.0.0.5", "192.0.2.1, 203.0.113.9", "203.0.113.9"),  # what stands before it the client wrote
        ("10.0.0.5", "203.0.113.9, 10.0.0.6", "203.0.113.9"),
        ("10.0.0.5", "203.0.113.9, 10.0.0.6, nonsense", "10.0.0.5"),
        ("10.0.0.5", "", "10.0.0.5"),
        ("10.0.0.5", "x" * 100_000, "10.0.0.5"),
        ("::ffff:10.0.0.5", "203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", None, "2001:db8:1:2::/64"),
        ("fd00::1", "2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("fd00::1", "::ffff:203.0.113.9", "203.0.113.9"),
        (None, "203.0.113.9", address.NOBODY),
    ],
)
def test_whose_request_it_is(client: str | None, forwarded: str | None, counted: str) -> None:
    more = {} if forwarded is None else {"x_forwarded_for": forwarded}
    assert address.at_the_door(scope(client, **more), FRONT) == counted


def test_without_a_server_in_front_nobodys_word_is_taken() -> None:
    assert address.at_the_door(scope("127.0.0.1", x_forwarded_for="203.0.113.9"), ()) == "127.0.0.1"


@pytest.mark.parametrize("all_of_them", ["0.0.0.0/0", "::/0"])
def test_nobody_trusts_everybody(all_of_them: str) -> None:
    with pytest.raises(ValueError, match="everybody"):
        address.networks(["10.0.0.0/24", all_of_them])


def test_fields_of_one_name_are_one() -> None:
    """A second field is no way past the last server's word."""
    given = scope("10.0.0.5")
    given["headers"] = [(b"x-forwarded-for", b"192.0.2.1"), (b"x-forwarded-for", b"203.0.113.9")]
    assert address.at_the_door(given, FRONT) == "203.0.113.9"


@pytest.mark.parametrize("sent", ["", "nonsense", "203.0.113.9, 192.0.2.1", "9" * 100])
def test_what_the_desks_cannot_read_is_everybodys(sent: str) -> None:
    assert address.at_the_desks(scope(None, openpars_client=sent)) == address.NOBODY
    assert address.at_the_desks(scope(None)) == address.NOBODY


def test_the_door_says_whose_request_it_is_and_the_client_does_not() -> None:
    asked = {
        "type": "http", "method": "GET", "path": "/", "raw_path": b"/", "query_string": b"",
        "headers": [(b"openpars-client", b"192.0.2.1"), (b"openpars-met", b"1")],
        "openpars.address": "2001:db8:1:2::/64",
    }  # fmt: skip
    written = _written(Request(asked), b"")
    assert written is not None
    assert written.count(b"openpars-client") == 1
    assert address.at_the_desks(scope(None, openpars_client="2001:db8:1:2::/64")) == "2001:db8:1:2::/64"
    assert b"openpars-client: 2001:db8:1:2::/64\r\n" in written
