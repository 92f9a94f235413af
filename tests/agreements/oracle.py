# SPDX-License-Identifier: Apache-2.0
"""What a recipient may see, said once more and naively: an oracle for `project`.

It shares no code with `project`, the catalogue's readers or the bars: it asks for each person, grant and
field "why may this be shown?", in the order in which docs/agreements.md tells it. Slow, and meant to be read.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from openpars.agreements.model import Bar, Grant, Version, When
from openpars.record.file import ArrestFile, Charge, Name

CITY = ZoneInfo("America/New_York")

Seen = dict[str, Any]
"""What is seen of one row: slot, grant, body, keys, criteria."""


def may_see(version: Version, purpose: str, file: ArrestFile, at: datetime) -> list[Seen]:
    """Everything the version grants for the purpose from this file at this instant."""
    seen: list[Seen] = []
    if file.seal.value != "open" or not version.term.begins <= at < version.term.ends:
        return seen
    for grant in version.agreement.grants:
        if purpose not in grant.purposes:
            continue
        qualifying = [charge for charge in file.charges if charge_meets(grant.when, charge)]
        if names_charges(grant.when) and not qualifying:
            continue
        if not file_meets(grant.when, file, at, version.term.zone):
            continue
        for slot, name, born in people(file, grant.about.value):
            if any(takes_out(bar, file, slot, born, at) for bar in version.bars):
                continue
            seen.append(
                {
                    "slot": slot,
                    "grant": grant.number,
                    "body": body(grant, file, slot, name, born, qualifying),
                    "keys": keys(grant, file, slot, name, born),
                    "criteria": criteria(grant, file, slot, qualifying),
                }
            )
    return seen


def people(file: ArrestFile, about: str) -> list[tuple[str, Name, Any]]:
    if about == "arrestee":
        return [("arrestee", file.arrestee.name, file.arrestee.birth_date)]
    return [(f"{about}:{p.number}", p.name, p.birth_date) for p in file.participants if p.role.value == about]


# ------------------------------------------------------------------ conditions


def names_charges(when: When) -> bool:
    return any(name.startswith("charge_") for name, _ in when.isin)


def charge_meets(when: When, charge: Charge) -> bool:
    """One and the same charge meets every condition that is about charges."""
    facts = {
        "charge_grade": charge.decided_grade or charge.grade,
        "charge_stage": charge.stage.value,
        "charge_outcome": charge.disposition.value if charge.disposition else None,
    }
    return all(facts[name] in values for name, values in when.isin if name in facts)


def file_meets(when: When, file: ArrestFile, at: datetime, zone: str) -> bool:
    facts = {
        "represented": file.represented,
        "custody": file.custody.value if file.custody else None,
        "district": file.district,
        "zip_prefix": file.arrestee.zip[:3] if file.arrestee.zip else None,
        "bail_type": file.bail.type.value if file.bail and file.bail.type else None,
    }
    for name, values in when.isin:
        if not name.startswith("charge_") and facts[name] not in values:
            return False
    return when_arrested(when, file.arrested_at, at, zone)


def when_arrested(when: When, arrested: datetime | None, at: datetime, zone: str) -> bool:
    if (when.arrested_within_days, when.arrested_from, when.arrested_through) == (None, None, None):
        return True
    if arrested is None:
        return False
    if when.arrested_within_days is not None and at - arrested >= timedelta(
        hours=24 * when.arrested_within_days
    ):
        return False
    day = arrested.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d")
    first = when.arrested_from.isoformat() if when.arrested_from else "0"
    last = when.arrested_through.isoformat() if when.arrested_through else "9"
    return first <= day <= last


# ------------------------------------------------------------------ bars


def takes_out(bar: Bar, file: ArrestFile, slot: str, born: Any, at: datetime) -> bool:
    if (bar.begins is not None and at < bar.begins) or (bar.ends is not None and at >= bar.ends):
        return False
    kind = bar.kind.value
    if kind == "everything":
        return True
    if kind == "role":
        return slot.split(":")[0] in {role.value for role in bar.roles}
    if kind == "seal":
        return file.seal in bar.states
    if kind == "juvenile":
        arrestee = years(file, file.arrestee.birth_date)
        if arrestee is None and file.arrestee.birth_date is None:
            arrestee = file.arrestee.age_stated
        own = None if slot == "arrestee" else years(file, born)
        return arrestee is None or arrestee < 18 or (own is not None and own < 18)
    return False


def years(file: ArrestFile, born: Any) -> int | None:
    when = file.arrested_at or file.filed_at
    if born is None or when is None:
        return None
    day = when.astimezone(CITY).date()
    birthdays = sum(
        1
        for year in range(born.year + 1, day.year + 1)
        if (year, born.month, born.day) <= (day.year, day.month, day.day)
    )
    return birthdays if day >= born else birthdays - 1


# ------------------------------------------------------------------ what is shown


def body(grant: Grant, file: ArrestFile, slot: str, name: Name, born: Any, charges: list[Charge]) -> Seen:
    found = {}
    for field, precision in grant.show:
        value = shown(field, precision, file, slot, name, born, charges)
        if value not in (None, "", []):
            found[field] = value
    return found


def shown(
    field: str, precision: str, file: ArrestFile, slot: str, name: Name, born: Any, charges: list[Charge]
) -> Any:
    if field in {"name", "birth_date", "age"}:
        return of_anybody(field, precision, file, slot, name, born)
    if field in PERSONAL:
        return of_arrestee(field, precision, file) if slot == "arrestee" else None
    if field.startswith("charge"):
        return of_charges(field, precision, charges)
    return of_file(field, precision, file)


def of_anybody(field: str, precision: str, file: ArrestFile, slot: str, name: Name, born: Any) -> Any:
    if field == "name":
        if precision == "initials":
            return " ".join(f"{part.strip()[0].upper()}." for part in (name.first, name.last) if part.strip())
        return {"last": name.last, "first": name.first, "middle": name.middle, "suffix": name.suffix}
    if field == "birth_date":
        return born and born.isoformat()[: {"year": 4, "month": 7, "whole": 10}[precision]]
    if born is None and slot == "arrestee":
        return file.arrestee.age_stated
    return years(file, born)


def of_arrestee(field: str, precision: str, file: ArrestFile) -> Any:
    value = getattr(file.arrestee, field)
    if value is None:
        return None
    if field == "ssn":
        whole = f"{value[:3]}-{value[3:5]}-{value[5:]}"
        return {"present": True, "last4": value[5:], "whole": whole}[precision]
    return value[:3] if precision == "prefix3" else str(value)


def of_file(field: str, precision: str, file: ArrestFile) -> Any:
    if field == "state":
        return state(file)
    if field == "bail":
        bail = file.bail
        if bail is None or bail.type is None:
            return None
        whole = {
            "type": bail.type.value,
            "amount": bail.amount,
            "percent": bail.percent,
            "posted": bail.posted,
        }
        return whole["type"] if precision == "type" else whole
    value = getattr(file, field)
    if not isinstance(value, datetime):
        return str(value) if value else None
    if precision == "day":
        return value.astimezone(CITY).strftime("%Y-%m-%d")
    return re.sub(r"\+00:00$", "Z", value.astimezone(UTC).isoformat())


PERSONAL = {
    *("sex", "race", "ethnicity", "birth_country", "birth_place", "interpreter", "consular_notice"),
    *("sid", "ppn", "address", "ssn", "zip"),
}


def of_charges(field: str, precision: str, charges: list[Charge]) -> Any:
    if field == "charge_grade":
        return sorted({c.decided_grade or c.grade for c in charges} - {None})
    if field == "charge_stage":
        return sorted({c.stage.value for c in charges})
    if field == "charge_outcome":
        return sorted({c.disposition.value for c in charges if c.disposition})
    if precision == "count":
        return len(charges) or None
    if precision == "text":
        return [c.text for c in charges]
    return [
        {
            "statute": c.statute,
            "text": c.text,
            "grade": c.decided_grade or c.grade,
            "counts": c.counts,
            "stage": c.stage.value,
        }
        for c in charges
    ]


def state(file: ArrestFile) -> str:
    stages = {c.stage.value for c in file.charges}
    if file.arraignment is not None:
        return "arraigned"
    if file.complaint_at is not None:
        return "complaint_filed"
    if file.arrested_at is None or "filed" in stages:
        return "filed"
    if not stages:
        return "booked"
    if "proposed" in stages:
        return "charges_proposed"
    return "declined" if stages == {"declined"} else "charging_decided"


# ------------------------------------------------------------------ by what it is found


def keys(
    grant: Grant, file: ArrestFile, slot: str, name: Name, born: Any
) -> dict[tuple[str, ...], tuple[str, ...]]:
    found = {}
    for combination in grant.find_by:
        parts: list[str] | None = []
        for field in combination:
            one = key(field, file, slot, name, born)
            parts = None if parts is None or one is None else [*parts, *one]
        if parts is not None:
            found[combination] = tuple(parts)
    return found


def key(field: str, file: ArrestFile, slot: str, name: Name, born: Any) -> list[str] | None:
    if field == "name":
        parts = [letters(name.last), letters(name.first)]
        return parts if all(parts) else None
    value = shown(field, "day" if field == "arrested_at" else "whole", file, slot, name, born, [])
    if value is None:
        return None
    if field in {"birth_date", "arrested_at", "age"}:
        return [str(value)]
    return [re.sub(r"[^A-Z0-9]", "", str(value).upper())]


def letters(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).casefold()
    return "".join(c for c in unicodedata.normalize("NFKD", plain) if unicodedata.category(c)[0] in "LN")


def criteria(grant: Grant, file: ArrestFile, slot: str, charges: list[Charge]) -> dict[str, tuple[str, ...]]:
    named = {"bail_type": ("bail", "type"), "zip_prefix": ("zip", "prefix3")}
    found = {}
    for name in grant.alert_by:
        field, precision = named.get(name, (name, "whole"))
        value = shown(field, precision, file, slot, file.arrestee.name, file.arrestee.birth_date, charges)
        values = tuple(value) if isinstance(value, list) else (() if value is None else (str(value),))
        if values:
            found[name] = values
    return found
