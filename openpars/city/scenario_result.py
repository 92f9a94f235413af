# SPDX-License-Identifier: Apache-2.0
"""The lived scenario as plain JSON: printed by the command, kept beside the data, drawn by the page.

`data/philadelphia-2008-2018.lived.json` is what `openpars demo --scenario` gave when it was last run over the
shipped texts; a test runs it anew and compares, so that the page never shows what the code would not say.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Any

from openpars.agreements.votes.readings import RuleReading
from openpars.city.daily import TICK, Lived, Sight, Span, Years
from openpars.city.days import ZONE
from openpars.city.scenario import NAME, REPORTED, Renewal, Told, periods, story
from openpars.city.scenario_checks import Check, Kind, check
from openpars.record.catalogue import instant

KEPT = f"{NAME}.lived.json"

Result = dict[str, Any]


def result(years: Years) -> Result:
    """Everything, in the order of the courses. Without the course as reported, nothing is compared to it."""
    reported = {one.course.shield: one for one in years.lived if one.course.rule is None}
    checks = {one.course: check(one, reported[one.course.shield]) for one in years.lived}
    told = story()
    return {
        "scenario": NAME,
        "zone": ZONE.key,
        "from": told.first_day.isoformat(),
        "through": told.last_day.isoformat(),
        "days": years.days,
        "decisions": years.decisions,
        "ok": all(c.holds for found in checks.values() for c in found if c.kind is Kind.RIGHTS),
        "courses": [_course(one, checks[one.course]) for one in years.lived],
        "renewals": [_renewal(one) for one in told.renewals],
        "events": [
            {"id": one.id, "day": one.day.isoformat(), "says": one.says["en"], "sources": list(one.sources)}
            for one in told.happenings
        ],
        "sources": {
            key: {"name": one.name, "day": one.day, "url": one.url} for key, one in told.sources.items()
        },
    }


def _course(lived: Lived, checks: Sequence[Check]) -> Result:
    return {
        "rule": lived.course.basis,
        "shield": lived.course.shield.value,
        "in_force_through": periods(lived.course)[-1].through_day.isoformat(),
        "versions": [
            {
                "text": one.text,
                "from": one.from_day.isoformat(),
                "through": one.through_day.isoformat(),
            }
            for one in periods(lived.course)
        ],
        "spans": [_span(one) for one in lived.spans],
        "changes": [instant(at) for at in lived.changes],
        "checks": [_check(one) for one in checks],
    }


def _days(begins: datetime, ends: datetime) -> Mapping[str, str | int]:
    """The civil days from an instant until another, the last one included."""
    first, last = begins.astimezone(ZONE).date(), (ends - TICK).astimezone(ZONE).date()
    return {
        "from": first.isoformat(),
        "through": last.isoformat(),
        "days": (last - first) // timedelta(days=1) + 1,
    }


def _span(span: Span) -> Result:
    return {
        **_days(span.begins, span.ends),
        "begins": instant(span.begins),
        "ends": instant(span.ends),
        "visible": [_sight(one) for one in span.state],
    }


def _sight(sight: Sight) -> Result:
    return {
        "file": sight.example,
        "who": sight.slot,
        "fields": dict(sight.fields),
        "find_by": [list(keys) for keys in sight.find_by],
        "alert_by": list(sight.alert_by),
        "findable_by_origin": sight.findable_by_origin,
    }


def _check(one: Check) -> Result:
    return {
        "id": one.id,
        "about": one.kind.value,
        "holds": one.holds,
        "failing": [dict(_days(failing.begins, failing.ends)) for failing in one.failing],
    }


def _renewal(one: Renewal) -> Result:
    return {
        "year": one.year,
        "told": one.told.value,
        "answers": {owner: choice.value if choice else None for owner, choice in one.answers.items()}
        if one.told is not Told.UNKNOWN
        else None,
        "fates": {
            REPORTED if rule is None else rule.value: one.fate(rule).value for rule in (None, *RuleReading)
        },
        "sources": list(one.sources),
    }


@cache
def kept() -> Result:
    """The result as it was last written beside the data."""
    text = files("openpars.city").joinpath("data", KEPT).read_text(encoding="utf-8")
    found: Result = json.loads(text)
    return found


def written(found: Result) -> str:
    """The text of the kept file."""
    return json.dumps(found, indent=1, ensure_ascii=False) + "\n"
