# SPDX-License-Identifier: Apache-2.0
"""`openpars demo --scenario`: ten years of an agreement, lived day by day under each reading of its rule.

Offline and pure: no city, no database. All is always computed; `--rule` and `--shield` choose what is shown.
"""

from __future__ import annotations

import time
from typing import Any

import typer

from openpars.agreements.votes.readings import RuleReading
from openpars.city.daily import live
from openpars.city.scenario import COURSES, NAME, REPORTED, Shield
from openpars.city.scenario_result import Result, result
from openpars.cli.say import CannotRunError, Exit, give, give_json, say
from openpars.web.pages.words import Words

PROGRESS_EVERY = 2.0  # seconds
BASES = (REPORTED, *(rule.value for rule in RuleReading))


def run(name: str, *, rule: str | None, shield: Shield | None, as_json: bool) -> None:
    """Live the scenario and print it. Exits 0 when every check of rights holds, 1 when one does not."""
    if name != NAME:
        raise CannotRunError(f"There is one scenario: {NAME}.")
    if rule is not None and rule not in BASES:
        raise CannotRunError(f"--rule is one of {', '.join(BASES)}.")
    found = result(live(COURSES, _Progress()))
    found["courses"] = [
        one
        for one in found["courses"]
        if rule in {None, one["rule"]} and (shield is None or one["shield"] == shield.value)
    ]
    if as_json:
        give_json(found)
    else:
        _print(found)
    raise typer.Exit(Exit.FINE if found["ok"] else Exit.FOUND)


class _Progress:
    """Says how far the days are, every two seconds."""

    def __init__(self) -> None:
        self._due = time.monotonic() + PROGRESS_EVERY

    def __call__(self, done: int, total: int) -> None:
        if time.monotonic() >= self._due and done < total:
            self._due = time.monotonic() + PROGRESS_EVERY
            say(f"  {done:,} of {total:,} days")


def _print(found: Result) -> None:
    words = Words("en")
    give(f"{found['days']:,} days, {found['from']} through {found['through']}, under each reading.")
    give("Texts are reconstructed: no public page has the contract's own.\n")
    for course in found["courses"]:
        _course(course, words)
    give("\nGoing on for another year")
    give(f"  {'term to':<12}{''.join(f'{base:<17}' for base in BASES)}ballots")
    for one in found["renewals"]:
        fates = "".join(f"{one['fates'][base]:<17}" for base in BASES)
        give(f"  {one['year']}-08-31  {fates}{words('told.' + one['told'])}")
    give(
        "\nFine: every check of rights holds, on every day and under each reading."
        if found["ok"]
        else "\nA check of rights does not hold."
    )


def _course(course: Result, words: Words) -> None:
    give(
        f"{words('course.' + course['rule'])}; shield {course['shield']}. "
        f"In force through {course['in_force_through']}."
    )
    for span in course["spans"]:
        give(f"  {span['from']} to {span['through']}  {span['days']:>5,} days  {seen(span['visible'])}")
    for one in course["checks"]:
        if not one["holds"]:
            times = "; ".join(f"{f['from']} to {f['through']}, {f['days']:,} days" for f in one["failing"])
            found = words("holds." + one["id"])
            if one["about"] == "rights":
                give(f"  NOT SO: {found} {times}")
            else:
                give(f"  what the history shows, no fault of the program: not “{found}” but {times}")
    for about, words_for in (("rights", "checks of rights hold"), ("history", "checks against history hold")):
        mine = [one["holds"] for one in course["checks"] if one["about"] == about]
        give(f"  {sum(mine)} of {len(mine)} {words_for}")
    give("")


def seen(visible: list[dict[str, Any]]) -> str:
    """Who is visible, in a few words."""
    if not visible:
        return "nothing of anybody"
    people = sorted({one["who"].partition(":")[0].replace("crime_", "") for one in visible})
    origin = any(one["findable_by_origin"] for one in visible)
    return ", ".join(f"{who}s" if who != "witness" else "witnesses" for who in people) + (
        "; findable by country of birth" if origin else ""
    )
