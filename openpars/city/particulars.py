# SPDX-License-Identifier: Apache-2.0
"""What a booking form says of an invented person besides the numbers: all of it invented, none measured.

Drawn from a stream of its own, so that it moves nothing of the city that is calibrated.
"""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

from openpars.city.draw import Weighted, between, chance, one_of
from openpars.record.file import ConsularNotice
from openpars.record.forms import ArresteeForm


def add_particulars(invented: dict[str, Any], rng: Random, form: ArresteeForm) -> ArresteeForm:
    """The form with ethnicity, place of birth, interpreter, consular notice and address, where given."""
    country = form.birth_country or ""
    ethnicity = one_of(rng, ("H", "H", "N")) if country in invented["ethnicity_h"] else "N"
    places = tuple(invented["birth_places"].get(country, ()))
    place = one_of(rng, places) if places else None
    street = f"{between(rng, 1, 98) * 100 + between(rng, 1, 99)} {one_of(rng, tuple(invented['streets']))}"
    return replace(
        form,
        ethnicity=None if chance(rng, invented["ethnicity_unknown"]) else ethnicity,
        birth_place=place if chance(rng, invented["birth_place_given"]) else None,
        interpreter=_interpreter(invented, rng, country),
        consular_notice=_notice(invented, rng, country),
        address=street if form.zip is not None and chance(rng, invented["address_given"]) else None,
    )


def _interpreter(invented: dict[str, Any], rng: Random, country: str) -> str | None:
    if chance(rng, invented["interpreter_unknown"]):
        return None
    needed = invented["interpreter_needed"].get(country)
    if needed is not None:
        language, share = needed
        return str(language) if chance(rng, share) else "none"
    return "ase" if chance(rng, invented["sign_language"]) else "none"


def _notice(invented: dict[str, Any], rng: Random, country: str) -> str | None:
    """Everybody may be told; who asked for a consulate is another matter."""
    done = Weighted((step, share) for step, share in invented["consular_notice"].items()).pick(rng)
    if done in {ConsularNotice.REQUESTED, ConsularNotice.MADE} and country in {"", "USA", "PRI"}:
        return ConsularNotice.TOLD.value
    return None if done == "unknown" else done
