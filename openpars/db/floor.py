# SPDX-License-Identifier: Apache-2.0
"""The oldest server that may serve recipients.

Below these releases a role with the right to write could read rows that a view or a row-level policy
hides (CVE-2026-120154 and CVE-2026-16237). Recipients have SELECT only, so this is the second wall,
not the first; it still stands between a mistake of ours and a record.
"""

from __future__ import annotations

FLOOR: dict[int, int] = {14: 25, 15: 20, 16: 16, 17: 12, 18: 7}
"""Major release -> first good minor release. A major newer than all of these is taken as good."""

NEEDED_MAJOR = 15
"""The oldest major release that OpenPARS runs on at all."""


def version_of(server_version_num: int) -> tuple[int, int]:
    """`SHOW server_version_num` (180006) as (major, minor) = (18, 6)."""
    return server_version_num // 10000, server_version_num % 10000


def meets(version: tuple[int, int]) -> bool:
    """True when a server of this (major, minor) version may serve recipients."""
    major, minor = version
    if major > max(FLOOR):
        return True
    return major in FLOOR and minor >= FLOOR[major]


def sentence(version: tuple[int, int]) -> str | None:
    """What is wrong with this version, in one sentence for a page or a terminal; None when nothing is."""
    if meets(version):
        return None
    major, minor = version
    if major in FLOOR:
        wanted = f"{major}.{FLOOR[major]}"
    else:
        wanted = " / ".join(
            f"{known}.{first}" for known, first in sorted(FLOOR.items()) if known >= NEEDED_MAJOR
        )
    return f"The database server is PostgreSQL {major}.{minor}. Serving recipients needs {wanted} or newer."
