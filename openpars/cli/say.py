# SPDX-License-Identifier: Apache-2.0
"""How the command line speaks: problems and progress to stderr, results to stdout, three exit statuses, and
the headings of its help.
"""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Mapping
from enum import IntEnum
from typing import Annotated, Any, ClassVar

import typer
from typer.core import TyperGroup

from openpars.agreements.language.words import Language

InLanguage = Annotated[Language, typer.Option("--language", help="English or Spanish.")]


class Exit(IntEnum):
    """What a command's exit status says."""

    FINE = 0
    FOUND = 1
    COULD_NOT_RUN = 2


class CannotRunError(Exception):
    """The command could not do its work. The message is a plain sentence; exit status 2."""


def say(sentence: str) -> None:
    """One line for a person, on stderr. A closed terminal is no reason to stop."""
    with contextlib.suppress(OSError):
        print(sentence, file=sys.stderr, flush=True)


def give(line: str) -> None:
    """One line of a result, on stdout."""
    with contextlib.suppress(OSError):
        print(line, flush=True)


def give_json(result: object) -> None:
    """The result as JSON, and nothing else, on stdout."""
    print(json.dumps(result, indent=1, ensure_ascii=False))


class Panels(TyperGroup):
    """A group that lists its commands heading by heading; what no heading names stands last."""

    panels: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    """Heading -> its commands, in the order in which somebody comes to need them."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Every command's name."""
        named = [name for names in self.panels.values() for name in names]
        return named + [name for name in super().list_commands(ctx) if name not in named]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of this name under its heading, or None."""
        command: Any = super().get_command(ctx, cmd_name)
        if command is not None:
            command.rich_help_panel = heading(self.panels, cmd_name)
        return command


def heading(panels: Mapping[str, tuple[str, ...]], name: str) -> str | None:
    """Under which heading a command stands."""
    return next((title for title, names in panels.items() if name in names), None)
