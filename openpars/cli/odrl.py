# SPDX-License-Identifier: Apache-2.0
"""`openpars agreement odrl`: an agreement as an ODRL 2.2 policy."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from openpars.agreements.odrl.writer import odrl_text
from openpars.cli.past import version_in
from openpars.cli.say import give


def odrl(
    file: Annotated[Path, typer.Argument(help="The agreement's text.", show_default=False)],
    json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else; it always is.")] = False,
) -> None:
    """Print an agreement as an ODRL 2.2 policy with DPV purposes (JSON-LD), for others to read.

    What ODRL cannot say is said in terms of our own, and named in the policy. Exit status 0, or 2 if the file
    is not an agreement.
    """
    del json
    give(odrl_text(version_in(file)).rstrip("\n"))
