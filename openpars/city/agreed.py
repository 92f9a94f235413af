# SPDX-License-Identifier: Apache-2.0
"""The demo's agreements: texts that ship with the package, their terms set to fit the day they are loaded.

`agreements/*.toml` are whole, valid texts, the same as in `examples/agreements`. `data/ice-pars-history.toml`
tells what is known of the years 2008 to 2018 as data: who voted, what was renewed, where sources disagree.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from importlib.resources import files
from typing import Any

from openpars.agreements.register import Event
from openpars.city.days import ZONE

IN_FORCE = ("ice-felony-warrant", "defender-representation")
"""Proposed, voted on and enacted in every demo city. `fbi` has nothing."""

RECIPIENTS = {
    "ice": "U.S. Immigration and Customs Enforcement (demo)",
    "fbi": "Federal Bureau of Investigation (demo)",
    "defender": "Defender Association of Philadelphia (demo)",
}

ORGANISATIONS = (("ice", "ero-philadelphia"),)
"""Organisations under a recipient that have a key of their own in the demo."""

BALLOTS = {
    "ice-felony-warrant": (("courts", "abstain"), ("police", "yes"), ("district-attorney", "yes")),
    "defender-representation": (("courts", "yes"), ("district-attorney", "yes")),
}
"""Who votes what, in order, until it is carried: two of three."""

_FROM = re.compile(r"^from = [0-9-]+", re.MULTILINE)
_THROUGH = re.compile(r"^through = [0-9-]+", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Past:
    """A version of the past, ready for `agreements.register.enter_history`."""

    text: str
    events: tuple[Event, ...]


def text(name: str) -> str:
    """The text of `agreements/<name>.toml`."""
    return files("openpars.city").joinpath("agreements", f"{name}.toml").read_text(encoding="utf-8")


def with_term(agreement: str, *, begins: date, through: date) -> str:
    """The same text with another term. Raises ValueError when it has no term in civil dates."""
    changed, found = _FROM.subn(f"from = {begins.isoformat()}", agreement)
    changed, also = _THROUGH.subn(f"through = {through.isoformat()}", changed)
    if (found, also) != (1, 1):
        raise ValueError("the text has no term in civil dates")
    return changed


def for_a_year(name: str, *, today: date) -> str:
    """The text of an agreement in force, from today through the last day of a year."""
    return with_term(text(name), begins=today, through=today + timedelta(days=365))


def past() -> tuple[Past, ...]:
    """The two versions of 2008 to 2018, oldest first."""
    source = files("openpars.city").joinpath("data", "ice-pars-history.toml").read_text(encoding="utf-8")
    return tuple(_past(row) for row in tomllib.loads(source)["version"])


def _past(row: dict[str, Any]) -> Past:
    events = [Event(one["what"], one["at"], one["by"], one["reason"]) for one in row["event"]]
    for renewals in row.get("renewals", []):
        events += [
            Event("renewed", datetime(year, 9, 1, tzinfo=ZONE), "history", renewals["reason"])
            for year in renewals["years"]
        ]
    events.sort(key=lambda event: event.at)
    return Past(text(row["text"]), tuple(events))
