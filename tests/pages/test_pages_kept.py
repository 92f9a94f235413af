# SPDX-License-Identifier: Apache-2.0
"""What must hold of every page before any browser opens it."""

from __future__ import annotations

import hashlib
import re
from string import Formatter

import pytest
from jinja2 import UndefinedError
from jinja2.exceptions import TemplateAssertionError

from openpars.web.pages import picture, view
from openpars.web.pages.words import CATALOGUE

TEMPLATES = sorted((view.WEB / "templates").glob("*.html"))
VENDOR = view.STATIC / "vendor"


def test_a_value_is_never_markup() -> None:
    env = view.environment()
    assert env.from_string("{{ x }}").render(x="<svg/onload=alert(1)>") == "&lt;svg/onload=alert(1)&gt;"
    for name in ("safe", "tojson", "urlize", "xmlattr"):
        with pytest.raises(TemplateAssertionError):
            env.from_string(f"{{{{ x|{name} }}}}")
    with pytest.raises(UndefinedError):
        env.from_string("{{ nobody }}").render()


@pytest.mark.parametrize("file", TEMPLATES, ids=lambda file: file.name)
def test_templates_hold_to_the_content_security_policy(file) -> None:
    text = file.read_text(encoding="utf-8")
    assert not re.search(r"\|\s*safe|autoescape|Markup", text)
    assert not re.search(r"<[^>]*\s(on[a-z]+|style|srcdoc)\s*=", text), "no inline handler or style"
    assert not re.search(r"<script(?![^>]*\bsrc=)", text), "no inline script"
    assert "javascript:" not in text
    assert not re.search(r"(src|href|action)=\"(https?:)?//", text), "nothing from another host"
    assert "\N{EM DASH}" not in text


def test_scripts_make_no_markup_of_text() -> None:
    for name in ("openpars.js", "feed.js"):
        text = (view.STATIC / name).read_text(encoding="utf-8")
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function", text
        )


def test_both_languages_say_the_same_things() -> None:
    english, spanish = CATALOGUE["en"], CATALOGUE["es"]
    assert english.keys() == spanish.keys()
    places = lambda text: {name for _, name, _, _ in Formatter().parse(text) if name}  # noqa: E731
    assert [key for key in english if places(english[key]) != places(spanish[key])] == []


def test_every_word_a_template_asks_for_is_there() -> None:
    asked = {
        key
        for file in TEMPLATES
        for key in re.findall(r"\bt\('([a-z_.-]+)'[,)]", file.read_text(encoding="utf-8"))
    }
    assert asked - CATALOGUE["en"].keys() == set()


def test_the_pictures_are_the_drawings() -> None:
    for name, text in picture.drawings().items():
        assert (view.STATIC / "picture" / name).read_text(encoding="utf-8") == text, "draw them anew"


def test_vendored_files_are_what_their_list_says() -> None:
    listed = dict(
        reversed(line.split("  ", 1))
        for line in (VENDOR / "VENDORED.md").read_text(encoding="utf-8").splitlines()
        if re.match(r"[0-9a-f]{64}  ", line)
    )
    found = {
        file.relative_to(VENDOR).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in VENDOR.rglob("*")
        if file.is_file() and file.name != "VENDORED.md"
    }
    assert found == listed


def test_styles_ask_for_files_that_are_here() -> None:
    for sheet in view.STATIC.rglob("*.css"):
        for url in re.findall(r"url\(\"?([^\")]+)\"?\)", sheet.read_text(encoding="utf-8")):
            assert (sheet.parent / url).is_file(), url
