# SPDX-License-Identifier: Apache-2.0
"""Who reads in Spanish finds Spanish: on every public page of a city, whatever is not marked as English."""

from __future__ import annotations

from html.parser import HTMLParser

import httpx
import pytest

from openpars.web.pages.words import CATALOGUE
from tests.agreements.test_words import ENGLISH_WORDS, fragments
from tests.conftest import RunningCity

ALONE = frozenset(
    {"meta", "link", "img", "input", "br", "hr", "use", "col", "wbr", "path", "rect", "line", "circle"}
)
APART = frozenset(
    {"pre", "code", "script", "style", "textarea", "select"}
)  # what somebody wrote, as it stands
SPOKEN = ("aria-label", "alt", "title", "data-label", "placeholder")
FRAGMENTS = fragments(CATALOGUE)
PAGES = (
    "/",
    "/public/agreements",
    "/public/agreements/ice-pars?version=1",
    "/public/agreements/ice-pars?version=2",
    "/public/agreements/ice-felony-warrant",
    "/public/agreements/defender-representation",
    "/public/bars",
    "/public/fields",
    "/public/editor?from=ice-felony-warrant",
    "/public/editor?from=ice-pars-2008",
    "/public/log",
    "/public/scenario/philadelphia-2008-2018",
    "/sign-in",
)


class Reader(HTMLParser):
    """What a page says in the language of the page: not what is marked as another, nor what is code."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []
        self._open: list[tuple[str, bool]] = [("", True)]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        lang, names = told.get("lang"), (told.get("class") or "").split()
        ours = (self._open[-1][1] if lang is None else lang == "es") and tag not in APART
        ours = ours and not {"op-mono", "op-diff"} & set(names)
        if tag != "html" and ours:
            self.said += [told[name] or "" for name in SPOKEN if name in told]
        if tag not in ALONE:
            self._open.append((tag, ours))

    def handle_endtag(self, tag: str) -> None:
        if any(tag == one for one, _ in self._open):
            while self._open.pop()[0] != tag:
                pass

    def handle_data(self, data: str) -> None:
        if self._open[-1][1] and data.strip():
            self.said.append(" ".join(data.split()))


@pytest.mark.parametrize("path", PAGES)
def test_nothing_on_a_public_page_is_left_in_english(city: RunningCity, path: str) -> None:
    answer = httpx.get(
        city.base_url + path,
        params={"lang": "es"} if "?" not in path else None,
        cookies={"openpars_lang": "es"},
    )
    assert answer.status_code == 200
    assert '<html lang="es">' in answer.text
    reader = Reader()
    reader.feed(answer.text)
    assert len(reader.said) > 30
    assert [one for one in reader.said if ENGLISH_WORDS.search(one) or FRAGMENTS.search(one)] == []


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("/public/nothing", 404, "En esta dirección no hay nada."),
        ("/public/agreements/no-such-one", 404, "No hay tal acuerdo en la lista de acuerdos."),
        ("/public/agreements/ice-pars/letters/9", 404, ""),
        ("/sign-in/not-a-link", 401, "Este enlace de entrada no está vigente."),
    ],
)
def test_a_refusal_is_told_in_spanish_or_marked_as_english(
    city: RunningCity, path: str, status: int, said: str
) -> None:
    answer = httpx.get(city.base_url + path, cookies={"openpars_lang": "es"}, headers={"Accept": "text/html"})
    assert answer.status_code == status
    assert said in answer.text
    reader = Reader()
    reader.feed(answer.text)
    assert [one for one in reader.said if ENGLISH_WORDS.search(one) or FRAGMENTS.search(one)] == []
