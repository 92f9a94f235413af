# SPDX-License-Identifier: Apache-2.0
"""Two worlds that differ only in what is not granted answer with the same bytes.

Here with the bytes of the shares' rows, a few thousand pairs; and over HTTP, fewer. The worlds
differ in hidden fields of the arrestee, in outcomes, victims, witnesses, interviews and undecided charges.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from openpars.agreements.bars import bars_for
from openpars.agreements.language.canonical import digest
from openpars.agreements.language.text import read
from openpars.agreements.model import Version
from openpars.agreements.project import project
from openpars.disclosure.gate import merged
from openpars.disclosure.reading import Row
from openpars.record.file import (
    Arrestee,
    ArrestFile,
    Charge,
    ConsularNotice,
    Disposition,
    Interview,
    Name,
    Participant,
    Role,
    Stage,
)
from openpars.shares.enact import shares_of
from openpars.shares.keys import ShareKeys
from openpars.shares.rows import digest as row_digest
from openpars.shares.rows import table_row
from tests.driver import Driver, agreement_text

KEYS = ShareKeys("11" * 32)
AT = datetime.now(UTC)
ROW = UUID(int=7)


def version(text: str) -> Version:
    found = read(text).agreement
    assert found is not None
    return Version(found, 1, digest(found), bars_for(found.provider, found.recipient))


VERSION = version(
    agreement_text(
        "twin-worlds", purpose="felony-warrant", when='charge_grade = ["F1"], charge_stage = ["approved"]'
    )
)
SHARE = shares_of(VERSION)[0]

word = st.text("abcdefghijklmnopqrstuvwxyzéñ'-", min_size=1, max_size=12)
names = st.builds(Name, last=word, first=word)
days = st.dates(date(1940, 1, 1), date(2005, 1, 1))
letters = st.sampled_from([None, "A", "B", "F", "M", "W"])
digits = st.integers(0, 9999).map(lambda n: f"{n:04d}")
hidden_charges = st.lists(
    st.builds(
        Charge,
        number=st.integers(2, 9),
        statute=st.just("18 § 3929"),
        text=word,
        grade=st.sampled_from(["M1", "M2", "S", None]),
        stage=st.sampled_from([Stage.PROPOSED, Stage.DECLINED]),
        disposition=st.sampled_from([None, *Disposition]),
    ),
    max_size=3,
)
participants = st.lists(
    st.builds(
        Participant,
        number=st.integers(1, 9),
        role=st.sampled_from([Role.VICTIM, Role.CRIME_WITNESS]),
        name=names,
        birth_date=st.one_of(st.none(), days),
    ),
    max_size=3,
)


@st.composite
def worlds(draw: st.DrawFn) -> tuple[ArrestFile, ArrestFile]:
    """One granted part, two hidden parts."""
    name, day, last4 = draw(names), draw(days), draw(digits)
    shown = Charge(1, "18 § 2702 §§ A1", "Aggravated Assault", "F1", stage=Stage.APPROVED)

    def world() -> ArrestFile:
        outcome = draw(st.sampled_from([None, *Disposition]))
        ended = replace(shown, disposition=outcome, disposed_at=AT if outcome else None)
        return ArrestFile(
            id=str(draw(st.uuids())),
            version=1,
            arrestee=Arrestee(
                person="ab" * 16,
                name=name,
                birth_date=day,
                sex=draw(letters),
                race=draw(letters),
                birth_country=draw(st.sampled_from([None, "USA", "DOM", "CHN", "JAM"])),
                ssn=f"9{draw(st.integers(0, 99)):02d}{draw(st.integers(1, 49)):02d}{last4}",
                sid=draw(st.one_of(st.none(), digits)),
                zip=draw(st.one_of(st.none(), st.just("19134"))),
                ethnicity=draw(st.sampled_from([None, "H", "N"])),
                birth_place=draw(st.one_of(st.none(), word)),
                address=draw(st.one_of(st.none(), word)),
                interpreter=draw(st.sampled_from([None, "none", "spa"])),
                consular_notice=draw(st.sampled_from([None, *ConsularNotice])),
            ),
            dc_number=f"2626{draw(digits)}00",
            arrested_at=AT - timedelta(hours=draw(st.integers(1, 40))),
            district=None,
            charges=(ended, *draw(hidden_charges)),
            participants=tuple(draw(participants)),
            interview=draw(st.one_of(st.none(), st.builds(Interview, held_at=st.just(AT), notes=word))),
            represented=draw(st.sampled_from([None, "defender", "private"])),
        )

    return world(), world()


def observable(file: ArrestFile) -> list[tuple[object, ...]]:
    """All that a recipient, and even its raw database login, could see of this file."""
    found = []
    for row in project(VERSION, SHARE.purpose, file, AT):
        stored = table_row(SHARE, replace(file, version=1), row, row_id=ROW, keys=KEYS)
        answer = merged(VERSION, (Row(ROW.hex, row.grant, 1, str(stored[6]), row.subject),))
        found.append((*stored[:8], *stored[9:], row_digest(SHARE, row, KEYS), answer[0].body))
    return found


@settings(max_examples=3000, deadline=None)
@given(worlds())
def test_the_rows_of_two_worlds_are_the_same_bytes(pair: tuple[ArrestFile, ArrestFile]) -> None:
    one, other = pair
    assert observable(one) == observable(other)
    assert observable(one)  # the pair is not alike for being empty


ID = re.compile(rb'"id":"[0-9a-f]{32}"')
RECEIPT = re.compile(rb'"receipt":"[^"]*"')


def test_two_worlds_over_http_are_the_same_bytes(drive: Driver) -> None:
    _, purpose = drive.agree(show='name = "whole", birth_date = "year", charges = "whole"')
    for number in range(12):
        form = drive.booking()
        bodies = []
        for world in range(2):
            form["dc_number"] = drive.booking()["dc_number"]
            form["district"] = ["24", "25"][world]
            form["arrestee"] |= {
                "birth_country": ["USA", "DOM"][world],
                "race": ["W", "B"][world],
                "ssn": [None, drive.booking()["arrestee"]["ssn"]][world],
                "ethnicity": ["N", "H"][world],
                "birth_place": [None, "Hidden Town"][world],
                "address": [None, "1 Hidden Street"][world],
                "interpreter": ["none", "spa"][world],
                "consular_notice": [None, "made"][world],
            }
            form["participants"] = [{"role": "victim", "name": {"last": "Hidden", "first": "V"}}] * (
                world * number % 3
            )
            made = drive.done("police", "POST", "/desk/arrests", form)
            answer = drive.search("fbi", purpose, drive.find(form))
            bodies.append(RECEIPT.sub(b"", ID.sub(b"", answer.content)))
            assert answer.json()["records"]
            drive.done(
                "records",
                "POST",
                f"/desk/arrests/{made['id']}/seal",
                {"order": "2026-3", "reason": "order of court"},
            )
        assert bodies[0] == bodies[1]
