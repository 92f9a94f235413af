# SPDX-License-Identifier: Apache-2.0
"""What pages say in the reader's language: steps of an agreement's life, bars, what one may ask for."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from openpars.agreements.bars import version_of
from openpars.agreements.language.plain import sections
from openpars.agreements.language.text import read
from openpars.agreements.language.words import ENGLISH
from openpars.agreements.model import Version
from openpars.agreements.register import Event
from openpars.web.pages import event_words, recipient_views
from openpars.web.pages.words import Words

EXAMPLES = Path(__file__).parents[2] / "examples" / "agreements"
AT = datetime(2026, 11, 26, 17, 0, tzinfo=UTC)


def version(name: str, number: int) -> Version:
    agreement = read((EXAMPLES / f"{name}.toml").read_text(encoding="utf-8")).agreement
    assert agreement is not None
    return version_of(agreement, number)


@pytest.mark.parametrize(
    ("reason", "english", "spanish", "own"),
    [
        (
            "renew, round 1, by the rules of version 2, until 2026-12-26T16:52:18.005789Z",
            "Renew, round 1, decided by the rules of version 2. Open until Dec 26, 2026, 11:52 AM EST.",
            "Renovar, ronda 1, según las reglas de la versión 2. Abierta hasta el 26 dic 2026, 11:52 AM EST.",
            "",
        ),
        (
            "end, round 3: yes 2, no 0, abstain 1, silent 0",
            "End, round 3: yes 2, no 0, abstain 1, silent 0.",
            "Terminar, ronda 3: sí 2, no 0, abstención 1, en silencio 0.",
            "",
        ),
        ("renew: no (the mayor)", "Renew: No", "Renovar: No", "(the mayor)"),
        (
            "to end at 2026-12-26T16:52:18Z: the purpose is met",
            "To end at Dec 26, 2026, 11:52 AM EST.",
            "Para terminar el 26 dic 2026, 11:52 AM EST.",
            "the purpose is met",
        ),
        ("30 days before the end", "30 days before the end.", "30 días antes del final.", ""),
        ("end: yes, said the mayor", "", "", "end: yes, said the mayor"),
    ],
)
def test_a_step_is_told_in_the_readers_words_and_nobodys_own_words_are_changed(
    reason: str, english: str, spanish: str, own: str
) -> None:
    for lang, said in (("en", english), ("es", spanish)):
        shown = event_words.view(Event("asked", AT, "owners", reason), Words(lang))
        assert (shown.said, shown.reason) == (said, own)
    assert shown.by == "los dueños"


def test_a_subscription_offers_only_what_can_ever_be_told() -> None:
    found = recipient_views.criteria(version("ice-felony-warrant", 1), "felony-warrant")
    assert {name: [value for value, _ in values] for name, _, values in found} == {
        "charge_grade": ["F", "F1", "F2", "F3"],
        "district": [],
    }


def test_a_text_without_a_number_says_that_it_has_none() -> None:
    opening = sections(version("ice-felony-warrant", 0), ENGLISH)[0].paragraphs[0]
    assert opening.startswith("This is a text for the agreement `ice-felony-warrant`, not proposed yet")
    assert "version 3 of" in sections(version("ice-felony-warrant", 3), ENGLISH)[0].paragraphs[0]


def test_a_country_is_named() -> None:
    assert recipient_views.value("birth_country", "MEX") == "Mexico"
