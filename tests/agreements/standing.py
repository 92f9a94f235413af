# SPDX-License-Identifier: Apache-2.0
"""An example's text with a term around the day of the test: what is proposed and voted has to stand today."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from openpars.city.agreed import with_term

EXAMPLES = Path(__file__).parents[2] / "examples" / "agreements"
TODAY = datetime.now(UTC).date()
BEGINS, THROUGH = TODAY - timedelta(days=300), TODAY + timedelta(days=279)

AS_SHIPPED = (EXAMPLES / "ice-felony-warrant.toml").read_text(encoding="utf-8")
WARRANT = with_term(AS_SHIPPED, begins=BEGINS, through=THROUGH)


def longer(text: str = WARRANT) -> str:
    """The same text for a longer term: a renewal."""
    return with_term(text, begins=BEGINS, through=THROUGH + timedelta(days=366))
