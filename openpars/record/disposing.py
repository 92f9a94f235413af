# SPDX-License-Identifier: Apache-2.0
"""The act that records how charges ended. Pure, like `record.acts`."""

from __future__ import annotations

from dataclasses import replace

from openpars.record import checks
from openpars.record.acts import freed, standing
from openpars.record.checks import Setting, invalid
from openpars.record.file import ArrestFile, Charge, Disposition
from openpars.record.forms import Act, Outcome, Outcomes
from openpars.record.rules import BEFORE_COURT, cleared


def dispose(file: ArrestFile, form: Outcomes, setting: Setting) -> ArrestFile:
    """The court's outcomes. When every charge has ended without a conviction, the same act frees."""
    standing(file, Act.DISPOSE)
    if not form.dispositions:
        raise invalid("At least one outcome.", "dispositions")
    by_number = {charge.number: charge for charge in file.charges}
    told: set[int] = set()
    for place, outcome in enumerate(form.dispositions):
        where = f"dispositions.{place}"
        charge = by_number.get(outcome.charge)
        if charge is None:
            raise invalid("The number of one of the file's charges, from 1.", f"{where}.charge")
        if outcome.charge in told:
            raise invalid("One outcome for each charge.", f"{where}.charge")
        told.add(outcome.charge)
        by_number[outcome.charge] = _ended(file, charge, outcome, setting, where=where)
    at = checks.past(form.at, "dispositions", setting, since=file.arrested_at)
    after = replace(file, version=file.version + 1, charges=tuple(by_number.values()))
    return replace(after, **freed(after, at)) if cleared(after) else after  # type: ignore[arg-type]


def _ended(file: ArrestFile, charge: Charge, outcome: Outcome, setting: Setting, *, where: str) -> Charge:
    if charge.stage not in BEFORE_COURT:
        raise invalid(
            "Only a charge before the court has an outcome: approved, changed or filed.", f"{where}.charge"
        )
    at = checks.past(outcome.at, f"{where}.disposed_at", setting, since=file.arrested_at)
    if outcome.disposition == "vacated":
        if charge.disposition is None:
            raise invalid("There is no outcome to take back.", f"{where}.disposition")
        return replace(charge, disposition=None, disposed_at=None)
    return replace(charge, disposition=Disposition(outcome.disposition), disposed_at=at)
