# SPDX-License-Identifier: Apache-2.0
"""`check` looks at words, `prove` at worlds: what the one lets pass, the other proves."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from openpars.agreements.bars import version_of
from openpars.agreements.findable import selecting
from openpars.agreements.language.faults import Severity
from openpars.agreements.model import Agreement, Grant, Version, Way
from openpars.agreements.proofs.atoms import Kind
from openpars.agreements.proofs.proving import settle
from openpars.agreements.proofs.standard import asked
from openpars.record.catalogue import CRITERIA, FIELDS, gives_away
from openpars.record.file import Role
from tests.agreements.test_proofs import EXAMPLES, WARRANT, example

SECRETS = tuple(name for name, field in FIELDS.items() if field.protected)
TEXTS = 250


def telling(secret: str) -> list[str]:
    """The fields from which it can be told, itself among them."""
    return [name for name, field in FIELDS.items() if secret in gives_away(name, field.precisions[-1].name)]


def a_small_grant(rng: Random, number: int) -> Grant:
    """A grant that shows little, and often something that tells."""
    risky = rng.sample([one for secret in SECRETS for one in telling(secret)], 2)
    chosen = {"name", *(one for one in risky if rng.random() < 0.5)}
    keys = [("sid",), ("docket",), ("name", "birth_date"), ("ssn",), ("name", "birth_country")]
    ways = frozenset(rng.sample(list(Way), rng.randint(1, 2)))
    criteria = [name for name in CRITERIA if CRITERIA[name].condition or rng.random() < 0.3]
    return Grant(
        number=number,
        about=Role.ARRESTEE,
        purposes=tuple(sorted(rng.sample(["one", "two"], rng.randint(1, 2)))),
        when=WARRANT.agreement.grants[0].when,
        show=tuple((name, rng.choice(FIELDS[name].precisions).name) for name in FIELDS if name in chosen),
        find_by=tuple(rng.sample(keys, rng.randint(0, 1))),
        alert_by=tuple(name for name in criteria if rng.random() < 0.15),
        ways=ways,
        alert_all=Way.ALERT in ways and rng.random() < 0.2,
    )


def a_text(rng: Random) -> Agreement:
    grants = tuple(a_small_grant(rng, place + 1) for place in range(rng.randint(1, 3)))
    return replace(WARRANT.agreement, grants=split(rng) if rng.random() < 0.3 else grants)


def split(rng: Random) -> tuple[Grant, ...]:
    """What one grant may not do, in two: one tells of everybody, the other answers by the id."""
    first, second = a_small_grant(rng, 1), a_small_grant(rng, 2)
    everybody = replace(first, show=(("docket", "whole"),), find_by=(), alert_by=(), alert_all=True)
    quiet = replace(second, find_by=(("sid",),), alert_by=(), alert_all=False, ways=frozenset({Way.SEARCH}))
    return replace(everybody, ways=frozenset({Way.ALERT})), quiet


def refused(agreement: Agreement) -> bool:
    return any(one.severity is Severity.REFUSED for one in selecting(agreement))


def openly(agreement: Agreement, secret: str) -> bool:
    """Whether `find_by` says by name that people may be asked for by it, or by something that tells it."""
    named = {name for grant in agreement.grants for fields in grant.find_by for name in fields}
    return not named.isdisjoint(telling(secret))


def proved(version: Version, secret: str) -> bool:
    name = "no-sweep-by-origin" if secret == "birth_country" else f"no-sweep-by:{secret}"
    return settle(asked(name, version)).proved


@pytest.mark.parametrize("secret", SECRETS)
def test_what_check_lets_pass_and_no_key_names_is_proved(secret: str) -> None:
    passed = 0
    for seed in range(TEXTS // len(SECRETS)):
        agreement = a_text(Random(f"{secret}{seed}"))  # noqa: S311
        if not refused(agreement) and not openly(agreement, secret):
            passed += 1
            assert proved(version_of(agreement), secret), f"seed {seed}"
    assert passed > TEXTS // len(SECRETS) // 8


def test_what_check_refuses_can_mostly_be_shown() -> None:
    """A refusal is no mere word: in these texts, whose grants somebody meets, there is a case for it."""
    shown = 0
    for seed in range(TEXTS // 4):
        agreement = a_text(Random(seed))  # noqa: S311
        if refused(agreement):
            shown += 1
            assert not all(proved(version_of(agreement), secret) for secret in SECRETS), f"seed {seed}"
    assert shown > TEXTS // 16


def test_the_shipped_texts() -> None:
    for path in sorted(EXAMPLES.glob("*.toml")):
        version = example(path.stem)
        for secret in SECRETS:
            if not refused(version.agreement) and not openly(version.agreement, secret):
                assert proved(version, secret), (path.stem, secret)


def test_a_key_of_a_social_security_number_passes_check_and_is_no_proof() -> None:
    """Who types a number knows it, so `check` lets it be a key; `prove` counts that a hit confirms it."""
    grant = replace(WARRANT.agreement.grants[0], show=(("name", "whole"),), find_by=(("ssn",),), alert_by=())
    agreement = replace(WARRANT.agreement, grants=(replace(grant, ways=frozenset({Way.SEARCH})),))
    assert not refused(agreement)
    found = settle(asked("no-sweep-by-origin", version_of(agreement))).counterexample
    assert found is not None
    assert (found.told.atom.kind, found.told.atom.names) == (Kind.SEARCH, ("ssn",))
