# SPDX-License-Identifier: Apache-2.0
"""Certificates: the very texts that a solver was asked, which any SMT-LIB 2 solver can be asked again.

`unsat` is the proof. A certificate names what it is about by hashes: the agreement, the bars that stood above
it, the catalogue of fields. It can be made without a solver; an answer cannot.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from functools import cache

from openpars.agreements.language.words import ENGLISH
from openpars.agreements.model import Bar, Version
from openpars.agreements.proofs.proving import Question, Unconfirmed, Verdict, settle
from openpars.agreements.proofs.solve import NoSolver, Undecided, name_and_version
from openpars.agreements.proofs.standard import usual
from openpars.agreements.proofs.words import as_json
from openpars.record.catalogue import CRITERIA, FIELDS

PROVED, REFUTED = "unsat", "sat"


@dataclass(frozen=True, slots=True)
class Certificate:
    """One property of one version. `answer`: `unsat` proved, `sat` refuted, None not asked here.

    `bars` and `catalogue`: what it was asked under, 64 hexadecimal digits each.
    """

    name: str
    says: str
    text: str
    bars: str
    catalogue: str
    answer: str | None = None
    solver: str | None = None


def _hash(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, ensure_ascii=True).encode()).hexdigest()


@cache
def catalogue_hash() -> str:
    """SHA-256 over every field and criterion, with all that is said of them."""
    fields = [[as_json(one), sorted(role.value for role in one.roles)] for one in FIELDS.values()]
    return _hash([fields, [as_json(one) for one in CRITERIA.values()]])


def bars_hash(bars: tuple[Bar, ...]) -> str:
    """SHA-256 over the bars above a version."""
    return _hash([as_json(bar) for bar in bars])


def certificate(name: str, says: str, text: str, version: Version) -> Certificate:
    """The certificate of one question, not answered."""
    bars, catalogue = bars_hash(version.bars), catalogue_hash()
    head = (
        "; OpenPARS: can this property of an agreement be broken? unsat: never, it is proved. sat: it can.\n"
        f"; property  {name}\n"
        f"; says      {says}\n"
        f"; agreement {version.agreement.id} {version.hash}\n"
        f"; bars      {bars}\n"
        f"; catalogue {catalogue}\n"
    )
    return Certificate(name, says, head + text, bars, catalogue)


def answered(verdict: Verdict, version: Version, solver: str) -> Certificate:
    """The certificate of a verdict."""
    made = certificate(verdict.name, verdict.says(ENGLISH), verdict.text, version)
    return replace(made, answer=PROVED if verdict.proved else REFUTED, solver=solver)


def certificates(version: Version) -> tuple[Certificate, ...]:
    """A certificate for each property of the default set, answered where there is a solver to answer.

    Never raises for want of a solver, nor because it gave up: then there is no answer, and it says so.
    """
    return tuple(_asked(question) for question in usual(version))


def unanswered(version: Version) -> tuple[Certificate, ...]:
    """The same without asking a solver."""
    return tuple(certificate(one.name, one.says(ENGLISH), one.text, version) for one in usual(version))


def _asked(question: Question) -> Certificate:
    try:
        return answered(settle(question), question.version, name_and_version())
    except (NoSolver, Undecided, Unconfirmed):
        return certificate(question.name, question.says(ENGLISH), question.text, question.version)


def file_name(name: str) -> str:
    """A file name for the certificate of a property."""
    return "".join(c if c.isalnum() or c in "-_" else "_" for c in name) + ".smt2"


def manifest(version: Version, made: tuple[Certificate, ...]) -> str:
    """What a folder of certificates holds, as JSON."""
    about = {"agreement": version.agreement.id, "hash": version.hash, "catalogue": catalogue_hash()}
    listed = [
        {
            "property": one.name,
            "says": one.says,
            "file": file_name(one.name),
            "sha256": hashlib.sha256(one.text.encode()).hexdigest(),
            "answer": one.answer,
            "solver": one.solver,
        }
        for one in made
    ]
    return json.dumps({**about, "bars": bars_hash(version.bars), "certificates": listed}, indent=1) + "\n"
