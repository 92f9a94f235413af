# SPDX-License-Identifier: Apache-2.0
"""The words of the public pages in English and Spanish, kept as data (`words/`).

What is said of agreements stands below (`agreements.language.words`), and is known here, too.
"""

from __future__ import annotations

from pathlib import Path

from openpars.agreements.language import words
from openpars.agreements.language.words import LANGUAGES

OWN = words.catalogue(Path(__file__).parent / "words")
"""What only pages say."""

CATALOGUE: dict[str, dict[str, str]] = {lang: {**words.CATALOGUE[lang], **OWN[lang]} for lang in LANGUAGES}


WRITTEN = {said: key for key, said in OWN["en"].items() if key.startswith("written.")}
"""Sentences that are written in English elsewhere (by the program, in its history), by their keys here."""


class Words(words.Words):
    """The words of one language: `t("front.title")`, `t("until", time=…)`. A key nobody wrote is an error."""

    def __init__(self, lang: str) -> None:
        super().__init__(lang, CATALOGUE[lang])
