# SPDX-License-Identifier: Apache-2.0
"""The `openpars` command.

Each command lives in a module of its own, found by name and loaded when it is asked for: a process
that only serves loads nothing of the rest, and starts at once.
"""

from __future__ import annotations

import importlib
import io
import sys
from typing import Any

import typer
from typer.core import TyperGroup

from openpars.cli.say import CannotRunError, Exit, give_json, heading, say

COMMANDS: dict[str, str] = {
    "up": "openpars.cli.up",
    "demo": "openpars.cli.demo",
    "doctor": "openpars.cli.doctor",
    "keys": "openpars.cli.keys",
    "import": "openpars.cli.imports",
    "agreement": "openpars.cli.agreement",
    "ballot-key": "openpars.cli.ballot_keys",
    "letter": "openpars.cli.letter",
    "bars": "openpars.cli.bars",
    "log": "openpars.cli.log",
    "serve": "openpars.cli.serve",
}
"""Command -> the module whose `app` it is."""

HIDDEN = frozenset({"serve"})

PANELS = {
    "A city": ("up", "demo", "doctor", "keys", "import"),
    "Agreements": ("agreement", "ballot-key", "letter", "bars"),
    "The log": ("log",),
}
"""Heading of the help text -> its commands."""


class Commands(TyperGroup):
    """The commands of `COMMANDS`, in that order."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Every command, the hidden ones included."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of this name, or None."""
        if cmd_name not in COMMANDS:
            return None
        command: Any = typer.main.get_command(importlib.import_module(COMMANDS[cmd_name]).app)
        command.name = cmd_name
        command.hidden = cmd_name in HIDDEN
        command.rich_help_panel = heading(PANELS, cmd_name)
        return command


app = typer.Typer(
    cls=Commands,
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="The live arrest-to-arraignment record of a city, and the only door through which any of it leaves.",
)


@app.callback()
def _openpars() -> None:
    """Nothing of its own: typer needs one to make a group."""


def main() -> None:
    """The entry point. Exit status 0 fine, 1 found something, 2 could not run."""
    for stream in (sys.stdout, sys.stderr):
        # Whatever the locale: JSON is UTF-8, and a text is the same bytes on every machine.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors=stream.errors)
    try:
        app(prog_name="openpars")
    except CannotRunError as problem:
        say(str(problem))
        if "--json" in sys.argv:
            give_json({"error": str(problem)})
        sys.exit(Exit.COULD_NOT_RUN)
