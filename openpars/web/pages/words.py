# SPDX-License-Identifier: Apache-2.0
"""The words of the public pages in English and Spanish, kept as data (`words/<language>.toml`)."""

from __future__ import annotations

import tomllib
from pathlib import Path

LANGUAGES = ("en", "es")
_FOLDER = Path(__file__).parent / "words"


def _flat(table: dict[str, object], prefix: str = "") -> dict[str, str]:
    found: dict[str, str] = {}
    for key, value in table.items():
        if isinstance(value, dict):
            found |= _flat(value, f"{prefix}{key}.")
        else:
            found[prefix + key] = str(value)
    return found


CATALOGUE: dict[str, dict[str, str]] = {
    lang: _flat(tomllib.loads((_FOLDER / f"{lang}.toml").read_text(encoding="utf-8"))) for lang in LANGUAGES
}


class Words:
    """The words of one language: `t("front.title")`, `t("until", time=…)`. A key nobody wrote is an error."""

    def __init__(self, lang: str) -> None:
        self.lang = lang
        self._words = CATALOGUE[lang]

    def __call__(self, key: str, **values: object) -> str:
        """The sentence for `key`, with `{name}` places filled."""
        sentence = self._words[key]
        return sentence.format(**values) if values else sentence

    def maybe(self, key: str, fallback: str) -> str:
        """The words for a code value, or `fallback` (already readable) when the list has grown since."""
        return self._words.get(key, fallback)
