# SPDX-License-Identifier: Apache-2.0
"""Letters as PDF, by typst. Pure: with one typst the same content gives the same bytes, always and anywhere.

The template is ours and fixed; everybody's words come in as JSON strings, which typst prints and never
compiles. It reads no file, no font of the system and nothing from a network. PDF/UA-1: tagged, with title
and language.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files

import orjson

from openpars.errors import Code, Refused, refuse
from openpars.log.draft import JSON

try:
    import typst
except ImportError:  # the extra `letters` is not installed
    typst = None  # type: ignore[assignment]

MISSING = "This installation sets no letters: install OpenPARS with its extra `letters` (typst)."


def ready() -> bool:
    """Whether letters can be set here."""
    return typst is not None


def letter(content: Mapping[str, JSON], digest: str) -> bytes:
    """One letter. Raises Refused NOT_FOUND without the extra, INVALID for a sign that no font here has."""
    whole = {
        "shape": "letter",
        "title": f"{content['title']}: agreement {content['agreement']}, letter {content['letter']}",
        "author": content["from"],
        "dated": content["dated"],
        "foot": f"Agreement {content['agreement']}, letter {content['letter']}",
        "letter": _one(content, digest),
    }
    return _set(whole)


def file(head: Mapping[str, JSON], letters: Sequence[Mapping[str, JSON]]) -> bytes:
    """All letters of an agreement with an index and what became of each, in one document.

    `head`: `title`, `author`, `dated`, `foot`, `lead`. Each of `letters`: `content`, `hash`, `served`,
    `deadline`, `standing`, and `record`, pairs of words.
    """
    shown: list[dict[str, JSON]] = []
    for one in letters:
        content = one["content"]
        assert isinstance(content, dict)  # noqa: S101
        shown.append(
            {
                **_one(content, str(one["hash"])),
                "name": content["title"],
                **{name: one[name] for name in ("served", "deadline", "standing", "record")},
            }
        )
    return _set({"shape": "file", **head, "letters": shown})


def _one(content: Mapping[str, JSON], digest: str) -> dict[str, JSON]:
    names = ("from", "to", "date", "blocks", "signed", "agreement", "text_hash")
    return {
        **{name: content[name] for name in names},
        "heading": content["title"],
        "number": str(content["letter"]),
        "version": str(content["version"]),
        "hash": digest,
    }


@cache
def _template() -> bytes:
    return files(__package__).joinpath("letter.typ").read_bytes()


def _set(data: Mapping[str, object]) -> bytes:
    if typst is None:
        raise refuse(Code.NOT_FOUND, MISSING)
    moment = datetime.fromisoformat(str(data["dated"])).replace(tzinfo=UTC)
    try:
        made = typst.compile(
            _template(),
            format="pdf",
            # Only what the wheel brings: a font of the machine would make other bytes elsewhere.
            font_paths=typst.Fonts(include_system_fonts=False, include_embedded_fonts=True),
            sys_inputs={"data": orjson.dumps(data).decode()},
            pdf_standards=["ua-1"],
            timestamp=int(moment.timestamp()),
        )
    except typst.TypstError as problem:
        # Its message quotes the text, so it goes no further. A checked content can hold a sign of no font.
        if "could not be displayed" in str(problem):
            raise _unprintable() from None
        raise RuntimeError("a letter could not be set") from None
    return made


def _unprintable() -> Refused:
    return refuse(
        Code.INVALID, "A letter is set in Latin, Greek and Cyrillic letters: a sign here has no type.", "text"
    )
