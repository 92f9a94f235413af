# SPDX-License-Identifier: Apache-2.0
"""Reading `[[grant]]`: every word checked against the catalogue of the record."""

from __future__ import annotations

import re
from collections.abc import Iterable

from openpars.agreements.language.faults import Severity, nearest
from openpars.agreements.language.reader import Source, Table
from openpars.agreements.model import Grant, Way, When
from openpars.record.catalogue import CRITERIA, FIELDS, ORDER, Criterion, Field
from openpars.record.file import Role

GRANT_LIMIT = 1000
_KEYS = ("about", "purposes", "when", "show", "find_by", "alert_by", "alert_all", "ways")
_PURPOSE = re.compile(r"[a-z][a-z0-9-]{0,39}")
_CONDITIONS = tuple(name for name, criterion in CRITERIA.items() if criterion.condition)


def read_grants(source: Source, value: object) -> tuple[Grant, ...]:
    """All grants, numbered from 1; faults go to the source."""
    if not isinstance(value, list) or not value:
        source.add(Severity.ERROR, "at least one [[grant]] in double brackets is needed", ("grant",))
        return ()
    if len(value) > GRANT_LIMIT:
        source.add(Severity.ERROR, f"at most {GRANT_LIMIT} grants", ("grant",))
        return ()
    read = (_grant(Table.at(source, ("grant", place), one), place + 1) for place, one in enumerate(value))
    return tuple(grant for grant in read if grant is not None)


def _grant(table: Table, number: int) -> Grant | None:
    table.only(_KEYS)
    about = table.choice("about", [role.value for role in Role])
    if about is None:
        return None
    role = Role(about)
    ways = frozenset(Way(way) for way in table.words("ways", [way.value for way in Way], required=True))
    return Grant(
        number=number,
        about=role,
        purposes=_purposes(table),
        when=_when(table),
        show=_show(table, role),
        find_by=_find_by(table, role),
        alert_by=tuple(table.words("alert_by", _alertable(role))),
        ways=ways,
        alert_all=table.boolean("alert_all"),
    )


def _purposes(table: Table) -> tuple[str, ...]:
    purposes = table.strings("purposes", required=True)
    for place, purpose in enumerate(purposes):
        if _PURPOSE.fullmatch(purpose) is None:
            message = "a purpose is lower-case letters, digits and hyphens, a letter first, as felony-warrant"
            table.source.add(Severity.ERROR, message, (*table.path, "purposes", place))
    return tuple(sorted(purposes))


def _when(table: Table) -> When:
    when = Table.at(table.source, (*table.path, "when"), table.values.get("when", {}))
    when.only((*_CONDITIONS, "arrested_within_days", "arrested_from", "arrested_through"))
    isin = tuple(
        (name, values)
        for name in _CONDITIONS
        if name in when.values and (values := _condition(when, CRITERIA[name]))
    )
    within = when.maybe_integer("arrested_within_days", low=1, high=36_500)
    first, last = when.day("arrested_from"), when.day("arrested_through")
    if first is not None and last is not None and last < first:
        when.fault("`arrested_through` lies before `arrested_from`", "arrested_through")
    return When(isin, within, first, last)


def _condition(when: Table, criterion: Criterion) -> tuple[str, ...]:
    if criterion.values:
        return tuple(when.words(criterion.name, criterion.values, required=True))
    values = when.strings(criterion.name, required=True)
    for place, value in enumerate(values):
        if not criterion.fits(value):
            when.source.add(Severity.ERROR, criterion.shape, (*when.path, criterion.name, place))
    return tuple(sorted(values))


def _show(table: Table, role: Role) -> tuple[tuple[str, str], ...]:
    show = Table.at(table.source, (*table.path, "show"), table.values.get("show", {}))
    if not show.values:
        table.fault('`show` names no field: write show = { docket = "whole" }', "show")
    found: dict[str, str] = {}
    for name in show.values:
        field = _field(show, name, role)
        precision = show.string(name) if field is not None else None
        if field is None or precision is None:
            continue
        if field.precision(precision) is None:
            right = [one.name for one in field.precisions]
            show.fault(f"`{name}` is shown as one of: {', '.join(right)}", name, nearest(precision, right))
        else:
            found[name] = precision
    return tuple((name, found[name]) for name in FIELDS if name in found)


def _field(table: Table, name: str, role: Role) -> Field | None:
    field = FIELDS.get(name)
    if field is None:
        table.fault("this is no field of the catalogue", name, nearest(name, FIELDS))
        return None
    if role not in field.roles:
        table.fault(f"`{name}` is not recorded about this role", name)
        return None
    return field


def _find_by(table: Table, role: Role) -> tuple[tuple[str, ...], ...]:
    value = table.values.get("find_by", [])
    shape = 'each key is a list of fields: write find_by = [["name", "birth_date"], ["docket"]]'
    if not isinstance(value, list) or len(value) > 50:
        table.fault(shape, "find_by")
        return ()
    known = _searchable(role)
    rows = Table(table.source, (*table.path, "find_by"), {})
    found = []
    for place, combination in enumerate(value):
        if not isinstance(combination, list) or not combination:
            rows.fault(shape, place)
            continue
        one = _combination(rows, place, combination, known)
        if one in found:
            rows.fault("this key stands here twice", place)
        found.append(one)
    return tuple(sorted(found, key=lambda fields: [ORDER[name] for name in fields]))


def _combination(rows: Table, place: int, combination: list[object], known: list[str]) -> tuple[str, ...]:
    for part, name in enumerate(combination):
        path = (*rows.path, place, part)
        if not isinstance(name, str) or name not in known:
            message = f"this is no field to search by; known are: {', '.join(known)}"
            rows.source.add(Severity.ERROR, message, path, nearest(name, known))
        elif name in combination[:part]:
            rows.source.add(Severity.ERROR, "this key names a field twice", path)
    return tuple(name for name in known if name in combination)


def _searchable(role: Role) -> list[str]:
    return [name for name, field in FIELDS.items() if field.key and role in field.roles]


def _alertable(role: Role) -> Iterable[str]:
    return [name for name, one in CRITERIA.items() if one.alert and role in FIELDS[one.field].roles]
