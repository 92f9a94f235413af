# SPDX-License-Identifier: Apache-2.0
"""What looks like something else. Pure.

Owners vote on what they read and the public reads what was voted on, so no word of an agreement may look like
another: not by a letter of another script, not by a sign that is not seen, not by an id that is read as one
that is known.
"""

from __future__ import annotations

import unicodedata

_UNSEEN = frozenset({"Cf", "Cc", "Co", "Cs", "Cn", "Zl", "Zp"})
# Common signs of Latin-1, then dashes, quotes, dagger, bullet, dots, per mille, euro, number.
_SIGNS = frozenset(
    "²³¹§¶©®°·«»±÷¢£¥¿¡½¼¾\u2013\u2014\u2018\u2019\u201c\u201d\u201e\u2020\u2022\u2026\u2030\u20ac\u2116"
)
_DOUBTFUL = frozenset("ıĸŉſªº")
_AS_ONE = (("rn", "m"), ("vv", "w"), ("cl", "d"), ("1", "l"), ("i", "l"), ("0", "o"), ("5", "s"), ("-", ""))

UNSEEN = "holds a character that is not seen"
STRANGE = "holds a character that could be taken for another: Latin letters and common signs only"


def unseen(character: str) -> bool:
    """Whether it may show one thing and say another, or nothing at all."""
    return unicodedata.category(character) in _UNSEEN


def doubt(text: str) -> str | None:
    """Why a text may not be what it looks like, or None. Line ends and tabs are no doubt."""
    if any(unseen(c) and c not in "\n\t" for c in text):
        return UNSEEN
    if not unicodedata.is_normalized("NFC", text) or not all(map(_clear, text)):
        return STRANGE
    return None


def _clear(c: str) -> bool:
    if c.isascii() or c in _SIGNS:
        return True
    latin = c < "\u0180" or "\u0218" <= c <= "\u021b" or "\u1ea0" <= c <= "\u1ef9"
    return latin and c.isalpha() and c not in _DOUBTFUL


def skeleton(name: str) -> str:
    """Ids with the same skeleton can be taken for one another."""
    for these, one in _AS_ONE:
        name = name.replace(these, one)
    return name
