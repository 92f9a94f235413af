# SPDX-License-Identifier: Apache-2.0
"""Letters: what they say comes from the agreement, their PDF from their text, their standing from steps."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pypdf
import pytest
import pytest_asyncio

from openpars.agreements import notice, register
from openpars.agreements.bars import version_of
from openpars.agreements.language.plain import sections
from openpars.agreements.language.text import read
from openpars.agreements.language.words import ENGLISH
from openpars.agreements.letters import correspondence, filed, typeset, wording
from openpars.agreements.letters.correspondence import Letter, LetterStanding
from openpars.agreements.letters.wording import (
    Facts,
    LetterKind,
    Service,
    Written,
    compose,
    encoded,
    fingerprint,
)
from openpars.agreements.model import Silence
from openpars.agreements.register import BrokenText
from openpars.db.connect import Connection
from openpars.errors import Code, Refused
from tests.agreements.test_register import ID, enact, soon
from tests.conftest import Database

TEXT = (Path(__file__).parents[2] / "examples" / "agreements" / "ice-felony-warrant.toml").read_text(
    encoding="utf-8"
)
AGREEMENT = read(TEXT).agreement
assert AGREEMENT is not None
VERSION = version_of(AGREEMENT)
FACTS = Facts(
    3,
    "U.S. Immigration and Customs Enforcement",
    date(2027, 1, 5),
    VERSION.term.ends,
    datetime(2026, 12, 31, 17, tzinfo=UTC),
    datetime(2027, 3, 1, 5, tzinfo=UTC),
)
WRITTEN = {
    LetterKind.NOTICE: Written(LetterKind.NOTICE),
    LetterKind.INQUIRY: Written(
        LetterKind.INQUIRY,
        "By which keys do you search each day?",
        "duties",
        date(2027, 2, 5),
        "8th floor\nX",
    ),
    LetterKind.BREACH: Written(LetterKind.BREACH, "61 searches on one day.", "limits", date(2027, 2, 5)),
    LetterKind.RENEWAL: Written(LetterKind.RENEWAL, None, None, date(2027, 2, 5)),
}


def content(kind: LetterKind, **changes: Any) -> dict[str, Any]:
    return dict(compose(VERSION, replace(WRITTEN[kind], **changes), FACTS))


def words(pdf: bytes) -> str:
    return " ".join(" ".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(pdf)).pages).split())


SAYS = {
    LetterKind.NOTICE: (
        "Notice of the end of the agreement",
        "gave notice on 31 December 2026",
        "ends at 1 March 2027, 00:00:00 EST",
        "30 days of notice",
        "destroy what is withdrawn from your share within 30 days",
    ),
    LetterKind.INQUIRY: (
        "By which keys do you search each day?",
        "by the end of 5 February 2027. Give examples",
        "The clause: ",
        "8th floor",
    ),
    LetterKind.BREACH: (
        "61 searches on one day.",
        next(s.points[0] for s in sections(VERSION, ENGLISH) if s.id == "limits"),
        "by the end of 5 February 2027",
        "“2 of 3”",
    ),
    LetterKind.RENEWAL: ("ends at 1 September 2027", "without their votes it lapses", "5 February 2027"),
}


@pytest.mark.parametrize("kind", LetterKind)
def test_the_pdf_says_who_when_and_by_when_and_is_made_again_byte_for_byte(kind: LetterKind) -> None:
    made = content(kind)
    digest = fingerprint(encoded(made))
    pdf = typeset.letter(made, digest)
    assert typeset.letter(dict(reversed(made.items())), digest) == pdf
    said = words(pdf)
    for wanted in (
        "City of Philadelphia",
        FACTS.recipient,
        "5 January 2027",
        "ice-felony-warrant",
        digest,
        *SAYS[kind],
    ):
        assert " ".join(wanted.split()) in said
    reader = pypdf.PdfReader(io.BytesIO(pdf))
    root: Any = reader.trailer["/Root"]
    assert root["/Lang"] == "en-US"
    assert root["/MarkInfo"]["/Marked"]
    assert root["/ViewerPreferences"]["/DisplayDocTitle"]
    assert reader.metadata is not None
    assert reader.metadata.creation_date == datetime(2027, 1, 5, tzinfo=UTC)
    assert "letter 3" in str(reader.metadata.title)


def test_another_word_is_another_letter() -> None:
    one, other = content(LetterKind.BREACH), content(LetterKind.BREACH, text="62 searches on one day.")
    assert fingerprint(encoded(one)) != fingerprint(encoded(other))
    assert typeset.letter(one, "a" * 64) != typeset.letter(other, "a" * 64)


def test_a_letter_says_what_silence_means_by_the_text() -> None:
    decision = replace(VERSION.agreement.decision, silence=Silence.CONTINUE)
    other = replace(VERSION, agreement=replace(VERSION.agreement, decision=decision))
    said = encoded(compose(other, WRITTEN[LetterKind.RENEWAL], FACTS))
    assert "silence counts as going on" in said
    assert "lapses" not in said


WRONG: list[tuple[LetterKind, dict[str, Any], Code, str]] = [
    (LetterKind.INQUIRY, {"text": None}, Code.INVALID, "text"),
    (LetterKind.INQUIRY, {"text": "  "}, Code.INVALID, "text"),
    (LetterKind.INQUIRY, {"text": "x" * 6001}, Code.INVALID, "text"),
    (LetterKind.INQUIRY, {"text": "a\u202eb"}, Code.INVALID, "text"),
    (LetterKind.INQUIRY, {"text": "a\x00b"}, Code.INVALID, "text"),
    (LetterKind.BREACH, {"deadline": None}, Code.INVALID, "deadline"),
    (LetterKind.RENEWAL, {"deadline": date(2027, 1, 5)}, Code.INVALID, "deadline"),
    (LetterKind.NOTICE, {"deadline": date(2027, 2, 5)}, Code.INVALID, "deadline"),
    (LetterKind.BREACH, {"clause": "no-such"}, Code.INVALID, "clause"),
    (LetterKind.BREACH, {"to": "a\n" * 9}, Code.INVALID, "to"),
]


@pytest.mark.parametrize(("kind", "change", "code", "field"), WRONG)
def test_a_wrong_letter_is_refused_by_its_field(
    kind: LetterKind, change: dict[str, Any], code: Code, field: str
) -> None:
    with pytest.raises(Refused) as caught:
        content(kind, **change)
    assert (caught.value.refusal.code, caught.value.refusal.field) == (code, field)


def test_a_sign_without_type_is_refused_and_not_quoted() -> None:
    with pytest.raises(Refused) as caught:
        typeset.letter(content(LetterKind.BREACH, text="漢字"), "0" * 64)
    assert caught.value.refusal.field == "text"
    assert "漢" not in caught.value.refusal.detail


def test_without_the_extra_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(typeset, "typst", None)
    assert not typeset.ready()
    with pytest.raises(Refused) as caught:
        typeset.letter(content(LetterKind.BREACH), "0" * 64)
    assert "letters" in caught.value.refusal.detail


@pytest_asyncio.fixture
async def conn(database: Database) -> AsyncIterator[Connection]:
    async with await psycopg.AsyncConnection.connect(database.desk_dsn, autocommit=True) as connection:
        yield connection


def later(days: int) -> date:
    return (datetime.now(UTC) + timedelta(days=days)).date()


async def draft(conn: Connection, kind: LetterKind = LetterKind.INQUIRY, days: int = 20) -> Letter:
    async with conn.transaction():
        deadline = None if kind is LetterKind.NOTICE else later(days)
        return await correspondence.draft(conn, ID, Written(kind, "Why?", None, deadline), by="solicitor")


async def served(conn: Connection, number: int, day: date | None = None) -> Letter:
    async with conn.transaction():
        return await correspondence.serve(
            conn, ID, number, day=day, how=Service.EMAIL, proof="receipt 7", by="solicitor"
        )


async def replied(conn: Connection, number: int, day: date | None = None) -> Letter:
    async with conn.transaction():
        return await correspondence.reply(
            conn, ID, number, day=day, who="S. Flores", summary="No breach.", by="solicitor"
        )


async def test_drafted_served_answered(conn: Connection) -> None:
    await enact(conn, soon(300 * 86_400))
    letter = await draft(conn)
    now = datetime.now(UTC)
    assert (letter.number, letter.standing(now)) == (1, LetterStanding.DRAFTED)
    assert (await served(conn, 1)).standing(now) is LetterStanding.SERVED
    overdue = now + timedelta(days=22)
    (stored,) = await correspondence.of(conn, ID)
    assert stored.standing(overdue) is LetterStanding.OVERDUE
    answered = await replied(conn, 1)
    assert answered.standing(overdue) is LetterStanding.REPLIED
    (stored,) = await correspondence.of(conn)
    assert stored == answered
    assert fingerprint(stored.content) == stored.hash
    facts = filed.public_facts(stored, now)
    assert (facts["standing"], facts["late"], facts["public"]) == ("replied", False, False)
    assert not {"No breach.", "S. Flores", "receipt 7", "Why?"} & {str(value) for value in facts.values()}
    (entry,) = await register.register(conn)
    events = [(e.what, e.reason) for e in entry.events if e.what.startswith("letter")]
    assert [what for what, _ in events] == ["letter_served", "letter_replied"], "a draft is nobody's business"
    assert not any("Flores" in str(reason) or "Why" in str(reason) for _, reason in events)
    rows = await (await conn.execute("SELECT public FROM log.pending ORDER BY id")).fetchall()
    leaves = [bytes(row[0]).decode() for row in rows if b'"event":"letter_' in bytes(row[0])]
    assert [
        f"letter_{what}" in leaf for what, leaf in zip(("drafted", "served", "replied"), leaves, strict=True)
    ]
    assert all(stored.hash in leaf for leaf in leaves)


async def test_a_deadline_is_a_whole_civil_day_in_the_agreements_zone(conn: Connection) -> None:
    await enact(conn, soon(300 * 86_400).replace("[decision]", 'zone = "America/New_York"\n[decision]'))
    await draft(conn)
    letter = replace(await served(conn, 1), deadline=date(2027, 3, 14))  # the day the clocks change
    assert letter.standing(datetime(2027, 3, 15, 3, 59, tzinfo=UTC)) is LetterStanding.SERVED
    assert letter.standing(datetime(2027, 3, 15, 4, 0, tzinfo=UTC)) is LetterStanding.OVERDUE


async def test_steps_come_in_order_and_once(conn: Connection) -> None:
    await enact(conn, soon(300 * 86_400))
    await draft(conn)
    for act in (replied(conn, 1), publish(conn, 1)):
        with pytest.raises(Refused, match="conflict"):
            await act
    for day in (later(1), later(-3)):
        with pytest.raises(Refused, match="invalid"):
            await served(conn, 1, day)
    await served(conn, 1)
    for act in (served(conn, 1), discard(conn, 1)):
        with pytest.raises(Refused, match="conflict"):
            await act
    await publish(conn, 1)
    with pytest.raises(Refused, match="invalid"):
        await replied(conn, 1, later(-3))
    await replied(conn, 1)
    with pytest.raises(Refused, match="conflict"):
        await replied(conn, 1)
    await draft(conn)
    await discard(conn, 2)
    with pytest.raises(Refused, match="conflict"):
        await served(conn, 2)
    with pytest.raises(Refused, match="not-found"):
        await served(conn, 3)


async def publish(conn: Connection, number: int) -> Letter:
    async with conn.transaction():
        return await correspondence.publish(conn, ID, number, by="solicitor")


async def discard(conn: Connection, number: int) -> Letter:
    async with conn.transaction():
        return await correspondence.discard(conn, ID, number, by="solicitor")


async def test_notice_is_written_only_of_notice_that_was_given(conn: Connection) -> None:
    await enact(conn, soon(300 * 86_400))
    with pytest.raises(Refused, match="conflict"):
        await draft(conn, LetterKind.NOTICE)
    async with conn.transaction():
        at = await notice.give(conn, ID, by="solicitor", reason="x", asked=None)
    letter = await draft(conn, LetterKind.NOTICE)
    assert str(at.year) in letter.content


async def test_the_whole_correspondence_is_one_document_with_an_index(conn: Connection) -> None:
    await enact(conn, soon(300 * 86_400))
    now = datetime.now(UTC)
    assert "No letter has been written." in words(filed.document(ID, (), now))
    for _ in range(3):
        await draft(conn)
    await served(conn, 1)
    await replied(conn, 1)
    await discard(conn, 3)
    found = await correspondence.of(conn, ID)
    pdf = filed.document(ID, found, now)
    assert filed.document(ID, found, now + timedelta(days=1)) == pdf
    said = words(pdf)
    for wanted in (
        "Index",
        "S. Flores",
        "receipt 7",
        "No breach.",
        "draft, not served",
        "discarded",
        found[1].hash,
    ):
        assert wanted in said
    assert len(pypdf.PdfReader(io.BytesIO(pdf)).pages) == 4


async def test_a_rewritten_letter_is_found(conn: Connection, database: Database) -> None:
    await enact(conn, soon(300 * 86_400))
    await draft(conn)
    for statement in (
        "UPDATE agreements.letter SET content = '{}'",
        "DELETE FROM agreements.letter_step",
        "UPDATE agreements.letter_step SET day = '2020-01-01'",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await conn.execute(statement)  # type: ignore[call-overload]
    with psycopg.connect(database.superuser_dsn, autocommit=True) as superuser:
        superuser.execute("UPDATE agreements.letter SET content = replace(content, 'Why?', 'Well?')")
    (letter,) = await correspondence.of(conn, ID)
    with pytest.raises(BrokenText):
        _ = letter.value


async def test_the_door_cannot_read_letters(conn: Connection, database: Database) -> None:
    async with await psycopg.AsyncConnection.connect(database.door_dsn, autocommit=True) as door:
        for table in ("letter", "letter_step"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                await door.execute(f"SELECT * FROM agreements.{table}")
    assert wording.named("city-of-philadelphia") == "City of Philadelphia"
