# SPDX-License-Identifier: Apache-2.0
"""What a caller hands to the log, and what it gets back. Values only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

from openpars.errors import Refusal
from openpars.log.beside import Beside

JSON: TypeAlias = "bool | int | str | list[JSON] | tuple[JSON, ...] | dict[str, JSON] | None"
"""No floats: RFC 8785 would have to say how they are written."""


@dataclass(frozen=True, slots=True)
class Draft:
    """One entry to be. `kind` and the names in `public` come from `leaf.SCHEMAS`.

    `public` is what anybody may read for ever: closed names, closed types, never a name, a number of a
    person, or a time. `private` is sealed; a name the kind does not list is folded into its `detail`.
    `subjects` are the person-key ids (hex) of everybody the entry is about: once one of their keys is
    destroyed, nobody can read or confirm the `person` fields. `guard` is for the writer's `admit`; `beside`
    is written in the same transaction.
    """

    kind: str
    public: Mapping[str, JSON] = field(default_factory=dict)
    private: Mapping[str, JSON] = field(default_factory=dict)
    subjects: tuple[str, ...] = ()
    guard: object | None = None
    beside: Beside | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """Proof that an entry is in the log: `text` is a c2sp.org/tlog-proof, `leaf` the entry it proves.

    `at` is the entry's exact time; only its hour is in the leaf.
    """

    index: int
    text: str
    leaf: bytes
    at: datetime


class Apart(Exception):
    """These drafts cannot be judged together: each of `groups`, by their places, is to go alone.

    A group that cannot be judged even alone is refused with `refusal`.
    """

    def __init__(self, groups: Sequence[Sequence[int]], refusal: Refusal) -> None:
        super().__init__()
        self.groups = groups
        self.refusal = refusal
