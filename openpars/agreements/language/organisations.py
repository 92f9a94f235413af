# SPDX-License-Identifier: Apache-2.0
"""Reading `[[organisation]]`: which organisations of the recipient's tree may use the agreement.

Named or not granted: an organisation is in only by its own name, never because the one above it is. The
recipient itself needs no name here: it is the party.
"""

from __future__ import annotations

from openpars.agreements.language.faults import Severity, nearest
from openpars.agreements.language.reader import Source, Table
from openpars.agreements.model import Organisation

ORGANISATION_LIMIT = 200


def read_organisations(source: Source, value: object, recipient: str | None) -> tuple[Organisation, ...]:
    """All organisations, sorted by their id; faults go to the source. `recipient`: the top of the tree."""
    if value is None:
        return ()
    if not isinstance(value, list) or not 0 < len(value) <= ORGANISATION_LIMIT:
        message = f"[[organisation]] stands in double brackets, at most {ORGANISATION_LIMIT} times"
        source.add(Severity.ERROR, message, ("organisation",))
        return ()
    tables = [Table.at(source, ("organisation", place), one) for place, one in enumerate(value)]
    read = [_organisation(table) for table in tables]
    known = {one.id: one for one in reversed(read) if one is not None}
    for table, one in zip(tables, read, strict=True):
        if one is not None and recipient is not None:
            _placed(table, one, known, recipient, again=known[one.id] is not one)
    return tuple(sorted(known.values(), key=lambda one: one.id))


def _organisation(table: Table) -> Organisation | None:
    table.only(("id", "name", "under"))
    name = table.string("name", required=False)
    found, under = table.slug("id"), table.slug("under")
    return None if found is None or under is None else Organisation(found, name, under)


def _placed(
    table: Table, one: Organisation, known: dict[str, Organisation], recipient: str, *, again: bool
) -> None:
    if again:
        table.fault("this organisation stands here twice", "id")
    if one.id == recipient:
        table.fault("the recipient itself needs no name here: it is the party", "id")
    if one.under != recipient and one.under not in known:
        right = [recipient, *known]
        message = "`under` must be the recipient or another organisation of this agreement"
        table.fault(message, "under", nearest(one.under, right))
    elif _circles(one, known, recipient):
        table.fault("this organisation stands under itself", "under")


def _circles(one: Organisation, known: dict[str, Organisation], recipient: str) -> bool:
    place, steps = one, 0
    while place.under != recipient and place.under in known:
        place, steps = known[place.under], steps + 1
        if steps > len(known):
            return True
    return False
