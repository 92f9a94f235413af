# SPDX-License-Identifier: Apache-2.0
"""The questions that can be asked of a version, by the names under which they are asked."""

from __future__ import annotations

from openpars.agreements.language.words import Words
from openpars.agreements.model import Version
from openpars.agreements.proofs.properties import DEFAULT, UnknownProperty, named
from openpars.agreements.proofs.proving import Question, pack_bars, question, subset_question

FILE_PROPERTIES = frozenset({"subset-of", "timeless-subset-of"})
"""Properties about another agreement, whose file stands after the colon."""


def asked(name: str, version: Version, other: Version | None = None) -> Question:
    """The question of that name. Raises UnknownProperty."""
    kind = name.partition(":")[0]
    if kind not in FILE_PROPERTIES:
        return question(named(name, pack_bars(version.agreement)), version)
    if other is None:
        raise UnknownProperty(f"Write {kind}:FILE with the other agreement's file.")
    timeless = kind != "subset-of"
    key = "property.subset-timeless" if timeless else "property.subset"

    def says(say: Words) -> str:
        return say(key, other=other.agreement.id, hash=other.hash[:12])

    return subset_question(name, says, version, other, timeless=timeless)


def usual(version: Version) -> tuple[Question, ...]:
    """The questions of the default set."""
    return tuple(asked(name, version) for name in DEFAULT)
