# SPDX-License-Identifier: Apache-2.0
"""Proving and comparing: the shipped texts, texts of more and more grants, and formulas against `project`.

    python -m bench.prove [--grants 1,10,100,1000] [--cross N]

Times are of the processor, in milliseconds: everything runs in one process that waits for nothing. Process
start and loading the solver are not counted. `--cross N` compares the formulas with `project` in N
random decisions (an atom, about one person of one random file, for one purpose) and counts disagreements.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path
from random import Random

from bench import rig
from openpars.agreements.language.text import read
from openpars.agreements.model import Version
from openpars.agreements.proofs.difference import difference
from openpars.agreements.proofs.exposure import expose
from openpars.agreements.proofs.proving import settle, version_to_prove
from openpars.agreements.proofs.solve import name_and_version
from openpars.agreements.proofs.standard import usual
from tests.agreements.test_proofs import WARRANT, disagreements, encoded, random_case, random_version
from tests.agreements.worlds import PURPOSES, a_grant

EXAMPLES = Path(__file__).parents[1] / "examples" / "agreements"


def shipped() -> list[Version]:
    """The agreements that ship."""
    read_ones = [read(path.read_bytes()).agreement for path in sorted(EXAMPLES.glob("*.toml"))]
    return [version_to_prove(one) for one in read_ones if one is not None]


def of_grants(count: int) -> Version:
    """A text of so many random grants for fifty purposes."""
    rng = Random(count)
    grants = (replace(a_grant(rng, n + 1), purposes=(f"purpose-{n % 50}",)) for n in range(count))
    return version_to_prove(replace(WARRANT.agreement, grants=tuple(grants)))


def proved(versions: list[Version]) -> tuple[float, int, int]:
    """Seconds for the default set of all of them, how many were asked, how many proved."""
    began = time.process_time()
    verdicts = [settle(asked).proved for version in versions for asked in usual(version)]
    return time.process_time() - began, len(verdicts), sum(verdicts)


def compared(old: Version, new: Version) -> tuple[float, int]:
    """Seconds for a difference, and how many items it has."""
    began = time.process_time()
    found = difference(old, new)
    return time.process_time() - began, len(found.added) + len(found.removed)


def one_more_field(version: Version) -> Version:
    """The text with one field added to its first grant."""
    first, *rest = version.agreement.grants
    shown = dict(first.show) | {"custody_place": "whole"}
    grants = (replace(first, show=tuple(shown.items())), *rest)
    return version_to_prove(replace(version.agreement, grants=grants))


def crossed(decisions: int) -> dict[str, object]:
    """Formulas against runs of `project`, in random worlds, until so many decisions were compared."""
    began, made, wrong, seed, telling = time.process_time(), 0, 0, 0, 0
    while made < decisions:
        rng = Random(seed)
        version = random_version(rng)
        said = encoded(version)
        for _ in range(5):
            case = random_case(rng)
            wrong += len(disagreements(version, case, PURPOSES, said))
            made += len(said[2]) * len(PURPOSES) * (1 + len(case.file.participants))
            telling += bool(expose(version, case).told)
        seed += 1
        if seed % 50 == 0:
            rig.show(f"compared {made:,} of {decisions:,}")
    rig.show("")
    seconds = time.process_time() - began
    return {
        "what": "decisions compared with project",
        "how many": made,
        "disagreements": wrong,
        "files that tell something": telling,
        "seconds": seconds,
    }


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--grants", default="1,10,100,1000")
    parser.add_argument("--cross", type=int, default=100_000)
    arguments = parser.parse_args()
    solver = name_and_version()
    texts = shipped()
    proved(texts[:1])  # loads the solver
    seconds, asked, held = proved(texts)
    rows: list[dict[str, object]] = [
        {"what": "prove, all shipped texts", "asked": asked, "proved": held, "ms": seconds * 1000}
    ]
    seconds, _ = compared(texts[2], texts[3])
    rows.append({"what": "diff, 2008 to 2010", "asked": None, "proved": None, "ms": seconds * 1000})
    for count in (int(one) for one in arguments.grants.split(",") if one):
        rig.show(f"{count} grants")
        version = of_grants(count)
        seconds, asked, held = proved([version])
        rows.append({"what": f"prove, {count} grants", "asked": asked, "proved": held, "ms": seconds * 1000})
        seconds, _ = compared(version, one_more_field(version))
        what = f"diff, one field added to {count} grants"
        rows.append({"what": what, "asked": None, "proved": None, "ms": seconds * 1000})
    rig.show("")
    rig.report(f"prove and diff ({solver})", rows)
    if arguments.cross:
        rig.report("formulas against project", [crossed(arguments.cross)])


if __name__ == "__main__":
    main()
