# SPDX-License-Identifier: Apache-2.0
"""The words of what is said of agreements, in English and Spanish, kept as data (`words/*.<language>.toml`).

Sentences stand there whole, with `{places}`: a language has its own order of words. The pages have their own
words, kept in the same way (`web.pages.words`), and know these besides.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from enum import StrEnum
from pathlib import Path
from zoneinfo import ZoneInfo


class Language(StrEnum):
    """The languages in which the public reads."""

    EN = "en"
    ES = "es"


LANGUAGES = tuple(one.value for one in Language)

# Spanish says "e" for "y" before the sound of i, and "u" for "o" before that of o; English does not care.
_SOUND = {"and": re.compile(r"h?[ií](?![aeo])", re.IGNORECASE), "or": re.compile(r"h?[oó]", re.IGNORECASE)}
_MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])", re.ASCII)
_DAY = re.compile(r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])", re.ASCII)
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z", re.ASCII)
_OTHER = {"and": "and_i", "or": "or_o"}


def _flat(table: Mapping[str, object], prefix: str = "") -> dict[str, str]:
    found: dict[str, str] = {}
    for key, value in table.items():
        if isinstance(value, dict):
            found |= _flat(value, f"{prefix}{key}.")
        else:
            found[prefix + key] = str(value)
    return found


def catalogue(folder: Path) -> dict[str, dict[str, str]]:
    """The words kept in a folder: sentences by key, for each language."""
    return {
        lang: {
            key: sentence
            for file in sorted(folder.glob(f"*{lang}.toml"))
            for key, sentence in _flat(tomllib.loads(file.read_text(encoding="utf-8"))).items()
        }
        for lang in LANGUAGES
    }


CATALOGUE = catalogue(Path(__file__).parent / "words")


class Words:
    """The words of one language: `say("text.term")`, `say("text.ends", at=…)`. An unknown key is an error."""

    def __init__(self, lang: str, sentences: Mapping[str, str]) -> None:
        self.lang = lang
        self._words = sentences

    def __call__(self, key: str, **values: object) -> str:
        """The sentence for `key`, with `{name}` places filled."""
        sentence = self._words[key]
        return sentence.format(**values) if values else sentence

    def maybe(self, key: str, fallback: str) -> str:
        """The words for a code value, or `fallback` (already readable) when the list has grown since."""
        return self._words.get(key, fallback)

    def join(self, parts: Sequence[str], last: str = "and") -> str:
        """`a, b and c`; `last`: and, or, nor."""
        if len(parts) < 2:
            return "".join(parts)
        other = last in _SOUND and _SOUND[last].match(parts[-1]) is not None
        key = _OTHER[last] if other else last
        return self(f"join.{key}", first=", ".join(parts[:-1]), last=parts[-1])

    def count(self, key: str, number: int) -> str:
        """So many of something: `1 day`, `30 days`."""
        return self(f"count.{key}_one" if number == 1 else f"count.{key}", number=f"{number:,}")

    def day(self, at: date) -> str:
        """`31 August 2018`, `31 de agosto de 2018`."""
        return self("date.day", day=at.day, month=self(f"month.{at.month}"), year=at.year)

    def moment(self, at: datetime, zone: str) -> str:
        """An instant in words, in the zone and in UTC."""
        utc = at.astimezone(UTC)
        day, clock = self.day(utc), _clock(utc)
        if zone == "UTC":
            return self("moment.utc", day=day, clock=clock)
        return self("moment.local", **self._here(at, zone), utc_day=day, utc_clock=clock)

    def _here(self, at: datetime, zone: str) -> dict[str, str]:
        local = at.astimezone(ZoneInfo(zone))
        return {"day": self.day(local), "clock": _clock(local), "name": local.tzname() or "", "zone": zone}

    def when(self, text: str, zone: str) -> str:
        """A month, a day or an instant of the record in words; any other text as it stands."""
        if _MONTH.fullmatch(text):
            year, month = text.split("-")
            return self("date.month", month=self(f"month.{int(month)}"), year=year)
        if _DAY.fullmatch(text):
            return self.day(date.fromisoformat(text))
        if _INSTANT.fullmatch(text):
            return self("moment.here", **self._here(datetime.fromisoformat(text), zone))
        return text

    # ------------------------------------------------------------------ the catalogue

    def field(self, name: str) -> str:
        """A field of the catalogue by its label."""
        return self(f"field.{name}.label")

    def how(self, name: str, precision: str) -> str:
        """A precision of a field; the word itself where there is no such."""
        return self.maybe(f"field.{name}.as.{precision}", precision)

    def precisely(self, name: str, precision: str) -> str:
        """A field, with how finely it is told."""
        return self("text.precisely", field=self.field(name), how=self.how(name, precision))

    def criterion(self, name: str) -> str:
        """A criterion by its label."""
        return self(f"criterion.{name}")

    def value(self, criterion: str, value: str) -> str:
        """A value of a criterion or a field; as it stands where it is of no closed list."""
        if criterion == "zip_prefix":
            return self("value.zip_prefix.digits", digits=value)
        return self.maybe(f"value.{criterion}.{value}", value)


def _clock(at: datetime) -> str:
    return at.time().isoformat(timespec="microseconds" if at.microsecond else "seconds")


SPOKEN: Mapping[str, Words] = {lang: Words(lang, CATALOGUE[lang]) for lang in LANGUAGES}
"""What is said of agreements, by language."""

ENGLISH = SPOKEN["en"]
