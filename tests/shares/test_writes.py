# SPDX-License-Identifier: Apache-2.0
"""The statements on many shares at once."""

from __future__ import annotations

from openpars.shares.tables import Share
from openpars.shares.writes import putting, removing


def test_a_statement_has_identifiers_and_numbers_alone() -> None:
    """However an agreement is called, its name is an identifier: it cannot end the statement."""
    evil = Share('x"; drop table shares.kept; --', 1, 'p"; --', ("name+birth_date", "docket"))
    for statement in (putting((evil, evil)), removing((evil,))):
        assert b'""; drop table' in statement
        assert statement.count(b'"p"') == 0
        assert b"%s" not in statement
