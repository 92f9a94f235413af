# SPDX-License-Identifier: Apache-2.0
"""The names of countries by their three letters (ISO 3166-1), from `countries.csv`."""

from __future__ import annotations

import csv
from functools import cache
from importlib.resources import files


@cache
def countries() -> dict[str, str]:
    """Every country's name by its code."""
    text = files("openpars.record").joinpath("countries.csv").read_text(encoding="utf-8")
    return {row["code"]: row["name"].removesuffix(" (the)") for row in csv.DictReader(text.splitlines())}
