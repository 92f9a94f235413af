# SPDX-License-Identifier: Apache-2.0
"""From which address a request comes, as far as it can be believed. Kept in memory only, never written down.

A client can write any `X-Forwarded-For`. It is heeded only where the connection itself comes from a web
server that the city named, and only as far back as servers it named have written it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from starlette.types import Scope

Network = IPv4Network | IPv6Network

NOBODY = "-"
"""Whoever cannot be told apart: all of them are one."""

HEADER = b"openpars-client"
"""By which the door tells the desks, whose socket has no addresses; what a client sends of it is dropped."""

_HOPS = 10  # a chain is read this far back
_LONG = 64  # characters of an address, at most


def networks(given: Sequence[str]) -> tuple[Network, ...]:
    """The web servers in front, as networks. Raises ValueError, also for one that is everybody."""
    found = tuple(ip_network(one) for one in given)
    if not all(one.prefixlen for one in found):
        raise ValueError("everybody")
    return found


@lru_cache(maxsize=1024)
def _key(text: str) -> str | None:
    """An address as the one that is counted: an IPv6 customer has at least a /64, and counts as one."""
    try:
        found = ip_address(text.strip().strip("[]"))
    except ValueError:
        return None
    if isinstance(found, IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(IPv6Network((int(found) >> 64 << 64, 64)))
    return str(found)


def _trusted(text: str, trusted: Sequence[Network]) -> bool:
    try:
        found = ip_address(text.strip().strip("[]"))
    except ValueError:
        return False
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        return any(found.ipv4_mapped in one for one in trusted)
    return any(found in one for one in trusted)


def _header(scope: Scope, name: bytes) -> str:
    """All fields of this name as one, as RFC 9110 reads them."""
    return ",".join(value.decode("latin-1") for key, value in scope["headers"] if key == name)


def at_the_door(scope: Scope, trusted: Sequence[Network]) -> str:
    """Whose request it is that came over the network."""
    client = scope.get("client")
    if not client:
        return NOBODY
    here = client[0]
    if trusted and _trusted(here, trusted):
        for hop in reversed(_header(scope, b"x-forwarded-for").rsplit(",", _HOPS)[-_HOPS:]):
            if len(hop) > _LONG or _key(hop) is None:
                break  # the last server we know wrote nothing we can read: its own address stands
            here = hop
            if not _trusted(hop, trusted):
                break
    return _key(here) or NOBODY


def at_the_desks(scope: Scope) -> str:
    """Whose request it is that came over the desks' own socket: the door has said so."""
    return _key_or_network(_header(scope, HEADER)) or NOBODY


def _key_or_network(text: str) -> str | None:
    if len(text) > _LONG:
        return None
    return _key(text.partition("/")[0])
