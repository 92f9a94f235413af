# SPDX-License-Identifier: Apache-2.0
"""`openpars agreement prove` and `openpars agreement diff`: what holds of a text, what a change adds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from openpars.agreements.language.text import read
from openpars.agreements.language.words import SPOKEN, Language, Words
from openpars.agreements.model import Agreement, Version
from openpars.agreements.proofs import changes, words
from openpars.agreements.proofs.certificate import answered, file_name, manifest
from openpars.agreements.proofs.difference import difference
from openpars.agreements.proofs.properties import DEFAULT, UnknownProperty
from openpars.agreements.proofs.proving import Unconfirmed, Verdict, settle, version_to_prove
from openpars.agreements.proofs.solve import NoSolver, Undecided, name_and_version
from openpars.agreements.proofs.standard import FILE_PROPERTIES, asked
from openpars.cli import stored_proofs
from openpars.cli.say import CannotRunError, InLanguage

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]


def _agreement(path: Path) -> Agreement:
    """The agreement in a file. Raises CannotRunError: what is no agreement cannot be reasoned about."""
    try:
        reading = read(path.read_bytes(), str(path))
    except OSError:
        raise CannotRunError(f"cannot read {path}") from None
    if reading.agreement is None:
        first = f": {reading.faults[0]}" if reading.faults else ""
        raise CannotRunError(f"{path} is not an agreement (see `openpars agreement check`){first}")
    return reading.agreement


def _other(name: str) -> Version | None:
    """The agreement that a property names, where it names one."""
    kind, _, path = name.partition(":")
    return version_to_prove(_agreement(Path(path))) if kind in FILE_PROPERTIES and path else None


def prove(
    files: Annotated[
        list[Path] | None, typer.Argument(help="Agreement texts (TOML).", show_default=False)
    ] = None,
    names: Annotated[
        list[str] | None,
        typer.Option(
            "--property", help="A property by name; may be given more than once.", show_default=False
        ),
    ] = None,
    certificate: Annotated[
        Path | None,
        typer.Option(
            help="Write what the solver was asked into this directory, one SMT-LIB 2 file a property."
        ),
    ] = None,
    stored: Annotated[
        bool,
        typer.Option("--stored", help="Prove what stands in a city's register without an answer, instead."),
    ] = False,
    seconds: Annotated[
        float, typer.Option(min=1.0, help="With --stored: how long each version may take.")
    ] = 600.0,
    data_dir: Annotated[Path | None, typer.Option(help="With --stored: the city's data directory.")] = None,
    language: InLanguage = Language.EN,
    as_json: AsJson = False,
) -> None:
    """Prove properties of agreement texts, or show the smallest invented case that breaks one.

    Without --property: no-victims-or-witnesses, no-juveniles, no-sealed-or-expunged, nothing-outside-term,
    no-sweep-by-origin, bars-respected. Works on every text that parses, also where `check` refuses it.
    With --stored it answers what the worker could not, for want of a solver or of time, and what a version
    changes; the first answers stay beside the later ones.
    Exit status 0 if all is proved, 1 if there is a counterexample or something stayed unanswered, 2 if it
    could not run.
    """
    if stored:
        if files or names or certificate is not None:
            raise CannotRunError("--stored reads the register: name no files or properties with it")
        stored_proofs.prove(data_dir, seconds, as_json=as_json)
    if not files:
        raise CannotRunError("name the agreement texts to prove, or --stored")
    results: list[tuple[Path, Version, list[Verdict]]] = []
    with _reasons():
        solver = name_and_version()
        for path in files:
            version = version_to_prove(_agreement(path))
            wanted = [asked(name, version, _other(name)) for name in names or DEFAULT]
            results.append((path, version, [settle(one) for one in wanted]))
    if certificate is not None:
        _write(certificate, results, solver)
    say = SPOKEN[language]
    if as_json:
        print(
            json.dumps(
                {"solver": solver, "files": [_file_json(*one, say) for one in results]}, ensure_ascii=False
            )
        )
    else:
        for path, version, verdicts in results:
            print("\n".join(_file_lines(path, version, verdicts, say)))
    raise typer.Exit(0 if all(one.proved for _, _, verdicts in results for one in verdicts) else 1)


def diff(
    old: Annotated[Path, typer.Argument(help="The text before.", show_default=False)],
    new: Annotated[Path, typer.Argument(help="The text after.", show_default=False)],
    language: InLanguage = Language.EN,
    as_json: AsJson = False,
) -> None:
    """Say what a change of text makes newly visible, findable or permitted, and what it takes away.

    Every item comes with a witness: an invented file and a request in which it shows, confirmed by running
    both texts. They are compared as if the old one went on; what a longer term adds is an item of its own.
    Exit status 0 if nothing is new, 1 if something is, 2 if it could not run.
    """
    before, after = (version_to_prove(_agreement(path)) for path in (old, new))
    with _reasons():
        found = difference(before, after)
    say = SPOKEN[language]
    print(
        json.dumps(changes.as_json(found, say), ensure_ascii=False) if as_json else changes.text(found, say)
    )
    raise typer.Exit(1 if found.added else 0)


@contextmanager
def _reasons() -> Iterator[None]:
    """What keeps a proof from being made, as plain sentences."""
    try:
        yield
    except NoSolver:
        raise CannotRunError(stored_proofs.NO_SOLVER) from None
    except UnknownProperty as unknown:
        raise CannotRunError(str(unknown)) from None
    except Undecided:
        raise CannotRunError("the solver gave up: nothing is proved and nothing refuted") from None
    except Unconfirmed:
        raise CannotRunError(
            "the solver found a case that running the agreement does not confirm: this is a fault of OpenPARS"
        ) from None


def _file_json(path: Path, version: Version, verdicts: list[Verdict], say: Words) -> dict[str, Any]:
    return {
        "file": str(path),
        "id": version.agreement.id,
        "hash": version.hash,
        "proved": all(one.proved for one in verdicts),
        "properties": [_verdict_json(one, version, say) for one in verdicts],
    }


def _verdict_json(verdict: Verdict, version: Version, say: Words) -> dict[str, Any]:
    found = verdict.counterexample
    result: dict[str, Any] = {
        "property": verdict.name,
        "says": verdict.says(say),
        "result": "proved" if found is None else "counterexample",
        "counterexample": None,
    }
    if found is not None:
        result["counterexample"] = words.example_json(found.case, found.told, version.term.zone, say)
    return result


def _file_lines(path: Path, version: Version, verdicts: list[Verdict], say: Words) -> list[str]:
    lines = []
    for verdict in verdicts:
        found = verdict.counterexample
        key = "verdict.proved" if found is None else "verdict.refuted"
        lines.append(say(key, file=path, name=verdict.name, says=verdict.says(say)))
        if found is not None:
            example = words.example_lines(found.case, found.told, version.term.zone, say)
            lines += [f"    {line}" for line in example]
    return lines


def _write(folder: Path, results: list[tuple[Path, Version, list[Verdict]]], solver: str) -> None:
    """One folder for each agreement, named by its id and hash, with a manifest."""
    for _, version, verdicts in results:
        place = folder / f"{version.agreement.id}-{version.hash[:12]}"
        made = tuple(answered(verdict, version, solver) for verdict in verdicts)
        try:
            place.mkdir(parents=True, exist_ok=True)
            for one in made:
                (place / file_name(one.name)).write_text(one.text, "utf-8")
            (place / "manifest.json").write_text(manifest(version, made), "utf-8")
        except OSError:
            raise CannotRunError(f"cannot write into {place}") from None
