# SPDX-License-Identifier: Apache-2.0
"""The canonical form, byte for byte: hashes people voted on stand on it, so no word of it may move unseen."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, date, datetime

from openpars.agreements.language.canonical import CJIS_TOPICS, canonical, digest
from openpars.agreements.language.text import read
from openpars.agreements.model import (
    Agreement,
    Decision,
    Duties,
    Grant,
    Limits,
    Organisation,
    Silence,
    Term,
    Way,
    When,
)
from openpars.record.file import Role

FULL = Agreement(
    id="full",
    provider="city-of-philadelphia",
    recipient="ice",
    title='A "quoted" \\ title',
    legal_basis="tab\there, line\nthere, a § sign, ü and é",
    fee_per_year=0,
    term=Term(
        datetime(2026, 1, 1, 5, tzinfo=UTC),
        datetime(2027, 1, 1, 5, tzinfo=UTC),
        "America/New_York",
        date(2026, 1, 1),
        date(2026, 12, 31),
        7,
    ),
    decision=Decision(("courts", "police"), "1 of 2", "2 of 2", "consensus", "2 of 2", Silence.CONTINUE, 14),
    grants=(
        Grant(
            1,
            Role.ARRESTEE,
            ("a", "b"),
            When(
                (("charge_grade", ("F1", "F2")), ("district", ("24",))),
                30,
                date(2026, 2, 1),
                date(2026, 3, 1),
            ),
            (("name", "whole"), ("ssn", "last4")),
            (("name", "birth_date"), ("sid",)),
            ("charge_grade", "district"),
            frozenset(Way),
            alert_all=True,
        ),
        Grant(2, Role.VICTIM, ("c",), When(), (("name", "initials"),), (), (), frozenset({Way.SEARCH})),
    ),
    limits=Limits(3, 4),
    duties=Duties(False, 5, 6),
    cjis=(("audit", "Yes."), ("use", "No.")),
    organisations=(Organisation("hq", "The head", "ice"), Organisation("squad", None, "hq")),
)
TEXT = r"""[agreement]
id = "full"
provider = "city-of-philadelphia"
recipient = "ice"
title = "A \"quoted\" \\ title"
legal_basis = "tab\U00000009here, line\U0000000athere, a § sign, ü and é"
fee_per_year = 0

[[organisation]]
id = "hq"
name = "The head"
under = "ice"

[[organisation]]
id = "squad"
under = "hq"

[term]
from = 2026-01-01
through = 2026-12-31
zone = "America/New_York"
notice_days = 7

[decision]
stakeholders = ["courts", "police"]
enact = "1 of 2"
renew = "2 of 2"
end = "consensus"
amend = "2 of 2"
silence = "continue"
days_to_vote = 14

[[grant]]
about = "arrestee"
purposes = ["a", "b"]
when = { charge_grade = ["F1", "F2"], district = ["24"], arrested_within_days = 30, arrested_from = 2026-02-01, arrested_through = 2026-03-01 }
show = { name = "whole", ssn = "last4" }
find_by = [["name", "birth_date"], ["sid"]]
alert_by = ["charge_grade", "district"]
alert_all = true
ways = ["search", "alert", "export"]

[[grant]]
about = "victim"
purposes = ["c"]
show = { name = "initials" }
find_by = []
alert_by = []
alert_all = false
ways = ["search"]

[limits]
results_per_search = 3
searches_per_user_per_day = 4

[duties]
case_number = "optional"
report_outcome_within_days = 5
destroy_when_withdrawn_within_days = 6

[cjis]
audit = "Yes."
use = "No."
"""  # noqa: E501


def test_everything_an_agreement_can_say() -> None:
    assert canonical(FULL) == TEXT
    assert read(TEXT).agreement == FULL
    assert digest(FULL) == hashlib.sha256(TEXT.encode()).hexdigest()


def test_what_an_agreement_does_not_say() -> None:
    term = Term(
        datetime(2026, 1, 1, 5, tzinfo=UTC), datetime(2027, 1, 1, 5, 0, 0, 250_000, tzinfo=UTC), "UTC"
    )
    bare = replace(
        FULL,
        title=None,
        legal_basis=None,
        fee_per_year=None,
        term=term,
        grants=FULL.grants[1:],
        duties=Duties(),
        cjis=(),
        organisations=(),
    )
    start, end = TEXT.index("[decision]"), TEXT.index("[[grant]]")
    assert canonical(bare) == "\n".join(
        [
            '[agreement]\nid = "full"\nprovider = "city-of-philadelphia"\nrecipient = "ice"\n',
            "[term]\nfrom = 2026-01-01T05:00:00Z\nuntil = 2027-01-01T05:00:00.250000Z",
            'zone = "UTC"\nnotice_days = 0\n',
            TEXT[start : end - 1],
            TEXT[TEXT.rindex("[[grant]]") : TEXT.index("[limits]") - 1],
            "[limits]\nresults_per_search = 3\nsearches_per_user_per_day = 4\n",
            '[duties]\ncase_number = "required"\n',
        ]
    )


def test_the_topics_of_the_policy_are_eleven_and_in_order() -> None:
    assert (len(CJIS_TOPICS), list(CJIS_TOPICS)) == (11, sorted(CJIS_TOPICS))
