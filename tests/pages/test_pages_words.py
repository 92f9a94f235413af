# SPDX-License-Identifier: Apache-2.0
"""What pages say in the reader's language: steps of an agreement's life, bars, what one may ask for."""

from __future__ import annotations

import re
import tomllib
from datetime import UTC, datetime
from pathlib import Path

import pytest

import openpars.city
from openpars.agreements.bars import packs, version_of
from openpars.agreements.certified import Kept
from openpars.agreements.language.plain import sections
from openpars.agreements.language.text import read
from openpars.agreements.language.words import ENGLISH
from openpars.agreements.model import Version
from openpars.agreements.proofs.properties import fixed
from openpars.agreements.register import Event
from openpars.record.file import HOME
from openpars.web.pages import event_words, recipient_views
from openpars.web.pages.agreement_views import certificates
from openpars.web.pages.words import CATALOGUE, Words

CITY = Path(openpars.city.__file__).parent / "data"
EXAMPLES = Path(__file__).parents[2] / "examples" / "agreements"
AT = datetime(2026, 11, 26, 17, 0, tzinfo=UTC)
THERE = "26 de diciembre de 2026, 11:52 a.\N{NO-BREAK SPACE}m. EST"


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
            f"Renovar, ronda 1, según las reglas de la versión 2. Abierta hasta el {THERE}.",
            "",
        ),
        (
            "end, round 3: yes 2, no 0, abstain 1, silent 0",
            "End, round 3: yes 2, no 0, abstain 1, silent 0.",
            "Terminar, ronda 3: sí 2, no 0, abstención 1, en silencio 0.",
            "",
        ),
        ("renew: no (the mayor)", "Renew: No (the mayor)", "Renovar: No (el alcalde)", ""),
        ("renew: no (by phone)", "Renew: No", "Renovar: No", "(by phone)"),
        ("the term is over", "the term is over", "el plazo ha terminado", ""),
        (
            "letter 3, inquiry, by email, on 2026-12-26, answer asked for by 2027-01-26",
            "Letter 3: Inquiry. Served by e-mail. On Dec 26, 2026. An answer was asked for by Jan 26, 2027.",
            (
                "Carta 3: Consulta. Notificada por correo electrónico. Día: 26 de diciembre de 2026. "
                "Se pidió respuesta hasta el 26 de enero de 2027."
            ),
            "",
        ),
        (
            "letter 4, breach",
            "Letter 4: Breach of the agreement.",
            "Carta 4: Incumplimiento del acuerdo.",
            "",
        ),
        (
            "Files of children are never shared [somewhere]: a person's own words",
            "",
            "",
            "Files of children are never shared [somewhere]: a person's own words",
        ),
        (
            "to end at 2026-12-26T16:52:18Z: the purpose is met",
            "To end at Dec 26, 2026, 11:52 AM EST.",
            f"Para terminar el {THERE}.",
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


def test_a_bar_in_a_step_is_told_in_the_readers_words_with_its_label() -> None:
    pack = next(pack for pack in packs().values() if pack.jurisdiction == HOME)
    for bar, _ in (*pack.bars, *pack.switchable):
        event = Event("barred", AT, "solicitor", f"{bar.cited}: the council's words")
        for lang in ("en", "es"):
            words = Words(lang)
            shown = event_words.view(event, words)
            assert shown.reason == "the council's words"
            assert (shown.said == bar.cited) == (lang == "en")
            for part in ("title", "citation", *(["label"] if bar.label else [])):
                assert words(f"bar.{bar.id}.{part}") in shown.said


def test_the_history_that_ships_is_told_in_both_languages() -> None:
    history = tomllib.loads((CITY / "ice-pars-history.toml").read_text(encoding="utf-8"))
    told = [event["reason"] for one in history["version"] for event in one.get("event", ())]
    told += [renewals["reason"] for one in history["version"] for renewals in one.get("renewals", ())]
    assert len(told) > 10
    for reason in told:
        english, spanish = (
            event_words.view(Event("note", AT, "history", reason), Words(x)) for x in ("en", "es")
        )
        assert english.reason == spanish.reason == ""
        assert english.said != spanish.said


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


def kept(name: str, says: str) -> Kept:
    return Kept("an-agreement", 1, name, says, "unsat", "z3", AT, sound=True)


def test_a_certificate_is_told_in_spanish_only_where_its_sentence_is_ours() -> None:
    ours = next(one.says(ENGLISH) for one in fixed() if one.name == "no-juveniles")
    for lang in ("en", "es"):
        shown = certificates(
            [kept("no-juveniles", ours), kept("no-juveniles", "all is well"), kept("no-such", "all is well")],
            Words(lang),
        )
        assert [one.lang for one in shown] == [lang, "en", "en"]
        assert (shown[0].says == ours) == (lang == "en")
        assert [one.says for one in shown[1:]] == ["all is well"] * 2


# An English word, and what must stand in the Spanish sentence of the same key. See GLOSSARY.md, "In Spanish".
TERMS = {
    "arraign": "comparecenc",
    "District Attorney": "fiscal",
    r"charges?\b": "cargo",
    r"grade\b": "grado",
    "felon": "delito grave",
    "warrant": "orden",
    "complaint": "denuncia",
    r"bail\b": "fianza",
    "custody": "custodia|detenid",
    "docket": "causa",
    r"sealed\b": "sellad",
    r"expunged\b": "eliminad",
    "victim": "víctima",
    "witness": "testigo",
    r"juvenile|\bchild": "menor",
    r"(?<!openpars )agreements?\b": "acuerdo",
    r"\bbars?\b": "prohibici",
    r"\bterm\b": "plazo",
    r"ballots?\b": "vot",
    r"alerts?\b": "aviso",
    r"the log\b": "registro",
}


@pytest.mark.parametrize("word", TERMS)
def test_a_word_of_the_law_is_said_in_one_way(word: str) -> None:
    bare = {
        lang: {key: re.sub(r"{\w+}", "", said) for key, said in CATALOGUE[lang].items()}
        for lang in ("en", "es")
    }
    asked = [key for key, said in bare["en"].items() if re.search(word, said, re.IGNORECASE)]
    assert asked
    assert [key for key in asked if not re.search(TERMS[word], bare["es"][key], re.IGNORECASE)] == []
    table = (Path(__file__).parents[2] / "GLOSSARY.md").read_text(encoding="utf-8").split("## In Spanish")[1]
    assert re.search(
        rf"^\| [^|]*(?:{word})[^|]* \| [^|]*(?:{TERMS[word]})", table, re.IGNORECASE | re.MULTILINE
    )


def test_a_country_is_named() -> None:
    assert recipient_views.value("birth_country", "MEX") == "Mexico"
