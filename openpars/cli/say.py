# SPDX-License-Identifier: Apache-2.0
"""How the command line speaks: problems and progress to stderr, results to stdout, three exit statuses."""

from __future__ import annotations

import contextlib
import json
import sys
from enum import IntEnum


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
