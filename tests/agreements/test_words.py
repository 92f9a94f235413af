# SPDX-License-Identifier: Apache-2.0
"""The words of agreements in both languages: all of them are there, and no English is left in the Spanish."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from datetime import UTC, date, datetime
from string import Formatter

import pytest
from hypothesis import given, settings
from typer.testing import CliRunner

from openpars.agreements.bars import Switched, bars_for, narrowed, packs, version_of
from openpars.agreements.language.canonical import CJIS_TOPICS
from openpars.agreements.language.plain import bar_said, markdown
from openpars.agreements.language.words import CATALOGUE, ENGLISH, LANGUAGES, SPOKEN
from openpars.agreements.model import (
    Agreement,
    Decision,
    Duties,
    Limits,
    Organisation,
    Silence,
    Version,
    When,
)
from openpars.agreements.proofs import changes
from openpars.agreements.proofs.asked import Ask
from openpars.agreements.proofs.atoms import Kind
from openpars.agreements.proofs.difference import Change, difference
from openpars.agreements.proofs.properties import fixed
from openpars.agreements.proofs.proving import settle, version_to_prove
from openpars.agreements.proofs.standard import asked
from openpars.agreements.proofs.words import example_lines
from openpars.cli.agreement import app
from openpars.record.fields import CRITERIA, FIELDS
from openpars.record.file import (
    Arrestee,
    ArrestFile,
    Bail,
    BailType,
    Charge,
    ConsularNotice,
    Custody,
    Disposition,
    Interview,
    Name,
    PreliminaryArraignment,
    Role,
    Seal,
    Stage,
)
from openpars.record.languages import LANGUAGES as INTERPRETERS
from openpars.record.rules import State
from tests.agreements.test_plain import EXAMPLES, example
from tests.agreements.worlds import PURPOSES, agreements

SPANISH = SPOKEN["es"]
# Words that are no word of Spanish, nor of any name that stands in an agreement.
ENGLISH_WORDS = re.compile(
    r"(?<![\w-])(the|and|of|is|are|not|by|for|with|from|whose|which|that|than|any|nobody|it|its|was|were|be|"
    r"shown|told|people|person|charges?|grade|search|watch|alerts?|record|row|share|day|days|year|only|"
    r"police|courts|district-attorney|approved|held|released|sealed|law|practice)(?![\w-])",
    re.IGNORECASE,
)


# ---------------------------------------------------------------------- everything has its words


def keys() -> dict[str, Iterable[str]]:
    """What a sentence may be asked for, by the list it comes from."""
    shipped = [example(path.stem) for path in EXAMPLES.glob("*.toml")]
    pack = packs()["city-of-philadelphia"]
    parts = (Arrestee, ArrestFile, Charge, Bail, Interview, PreliminaryArraignment, Name)
    apart = {"id", "version", "arrestee", "person", "name", "participants", "charges", "seal", "jurisdiction"}
    return {
        "fields": [f"field.{name}.{part}" for name in FIELDS for part in ("label", "meaning")],
        "precisions": [
            f"field.{one.name}.as.{how.name}" for one in FIELDS.values() for how in one.precisions
        ],
        "criteria": [f"criterion.{name}" for name in CRITERIA],
        "values": [f"value.{one.name}.{value}" for one in CRITERIA.values() for value in one.values],
        "lists": [
            f"value.{name}.{one.value}"
            for name, words in {
                "state": State,
                "seal": Seal,
                "custody": Custody,
                "bail_type": BailType,
                "charge_stage": Stage,
                "charge_outcome": Disposition,
                "consular_notice": ConsularNotice,
            }.items()
            for one in words
        ],
        "languages": [f"value.interpreter.{one}" for one in INTERPRETERS],
        "conditions": [f"condition.{one.name}" for one in CRITERIA.values() if one.condition],
        "reasons": [f"reason.{one.name}" for one in fields(When) if one.name != "isin"],
        "roles": [f"{table}.{role.value}" for table in ("about", "people", "person") for role in Role],
        "participants": [f"role.{role.value}" for role in Role if role is not Role.ARRESTEE],
        "silence": [f"silence.{one.value}" for one in Silence],
        "clauses": [f"cjis.{topic}" for topic in CJIS_TOPICS],
        "purposes": [f"purpose.{one}" for text in shipped for one in (*text.purposes, *PURPOSES)],
        "parties": [f"body.{one}" for one in (pack.provider, *pack.recipients)],
        "owners": [f"owner.{one}" for one in pack.stakeholders],
        "atoms": [f"{table}.{kind.value}" for table in ("tells", "atom") for kind in Kind],
        "changes": [f"{side}.{change.value}" for side in ("added", "removed") for change in Change],
        "requests": [f"step.{one.value}" for one in Ask],
        "limits": [f"clause.{one.name}" for one in fields(Limits)],
        "duties": [f"clause.{one.name}" for one in fields(Duties) if one.type != "bool"],
        "decision": [f"decision.{one.name}" for one in fields(Decision)],
        "parts": [f"part.{one.name}" for part in parts for one in fields(part) if one.name not in apart],
        "months": [f"month.{number}" for number in range(1, 13)],
        "standing": [f"above.{bar.standing}" for bar, _ in (*pack.bars, *pack.switchable)],
        "checked": [
            f"above.checked_{bar.checked}"
            for bar, _ in (*pack.bars, *pack.switchable)
            if bar.checked != "source"
        ],
    }


@pytest.mark.parametrize("lang", LANGUAGES)
def test_everything_that_can_stand_in_an_agreement_has_its_words(lang: str) -> None:
    missing = {kind: [one for one in found if not CATALOGUE[lang].get(one)] for kind, found in keys().items()}
    assert {kind: found for kind, found in missing.items() if found} == {}


def test_both_languages_have_the_same_sentences_with_the_same_places() -> None:
    assert CATALOGUE["en"].keys() == CATALOGUE["es"].keys()
    places = lambda text: {name for _, name, _, _ in Formatter().parse(text) if name}  # noqa: E731
    assert [
        key for key, said in CATALOGUE["en"].items() if places(said) != places(CATALOGUE["es"][key])
    ] == []


def test_the_english_of_the_catalogue_is_the_catalogues_own() -> None:
    for name, field in FIELDS.items():
        assert (ENGLISH.field(name), ENGLISH(f"field.{name}.meaning")) == (field.label, field.meaning)
        for how in field.precisions:
            assert ENGLISH.how(name, how.name) == how.meaning
    assert {name: ENGLISH.criterion(name) for name in CRITERIA} == {n: c.label for n, c in CRITERIA.items()}
    assert {one: ENGLISH.value("interpreter", one) for one in INTERPRETERS} == INTERPRETERS


def test_every_bar_is_said_in_both_languages_and_never_by_words_about_another_text() -> None:
    pack = packs()["city-of-philadelphia"]
    for bar, _ in (*pack.bars, *pack.switchable):
        for part in ("title", "citation", *(["label"] if bar.label else [])):
            own = getattr(bar, part)
            assert bar_said(bar, part, ENGLISH) == own
            assert bar_said(bar, part, SPANISH) not in ("", own)
            # A city that changes its bar is not told in Spanish what it said before.
            changed = replace(bar, **{part: f"{own}, as amended"})
            assert bar_said(changed, part, SPANISH) == f"{own}, as amended"


def test_what_is_alike_in_both_languages_is_a_name_or_a_number() -> None:
    alike = {key for key, said in CATALOGUE["en"].items() if said == CATALOGUE["es"][key]}
    allowed = re.compile(
        r"(text\.(precisely|clause)|above\.label|atom\.show|(example|difference)\..+|value\.bail_type\.nominal|"
        r"value\.interpreter\.(hindi?|lao|hmn|yor|ibo|twi|kri|mam|ben)|join\.nor)"
    )
    assert [key for key in sorted(alike) if not allowed.fullmatch(key)] == []


# ---------------------------------------------------------------------- nothing English is left


def fragments(words: Mapping[str, Mapping[str, str]]) -> re.Pattern[str]:
    """What stands between the places of English sentences and in no Spanish one."""
    spanish = "\n".join(words["es"].values())
    found = set()
    for key, said in words["en"].items():
        if said != words["es"][key]:
            found |= {piece.strip(" .,;:()`") for piece, _, _, _ in Formatter().parse(said)}
    whole = {one: rf"(?<![\w-]){re.escape(one)}(?![\w-])" for one in found if len(one) > 3}
    return re.compile("|".join(sorted(one for one in whole.values() if not re.search(one, spanish))))


FRAGMENTS = fragments(CATALOGUE)


def left_over(text: str) -> list[str]:
    """What is not Spanish in a text that holds no free words."""
    return [one for found in (ENGLISH_WORDS, FRAGMENTS, re.compile("[{}]")) for one in found.findall(text)]


def without_free_words(agreement: Agreement) -> Agreement:
    """The agreement with nothing in it that a person wrote."""
    return replace(
        agreement,
        title="X",
        legal_basis=agreement.legal_basis and "X",
        cjis=tuple((topic, "X") for topic, _ in agreement.cjis),
    )


SWITCHES = tuple(
    Switched(bar, on=True, at=datetime(2026, 6, 1, tzinfo=UTC))
    for bar in ("ordinances-2026", "protected-information-2026")
)


@settings(max_examples=25, deadline=None)
@given(agreements())
def test_the_spanish_text_of_any_agreement_is_spanish(agreement: Agreement) -> None:
    found = without_free_words(agreement)
    found = replace(found, organisations=(Organisation("x-1", "X", found.recipient),))
    found = replace(found, recipient="ice") if found.recipient == "somebody" else found
    version = version_of(found, 2)
    barred = narrowed(Version(found, 2, version.hash, bars_for(found.provider, found.recipient, SWITCHES)))
    for one in (version, barred):
        text = markdown(one, SPANISH).replace("America/New_York", "").replace("an-agreement", "")
        assert left_over(text) == [], text
        assert text.count(one.hash) == 1


@pytest.mark.parametrize(
    ("old", "new"), [("ice-pars-2008", "ice-pars-2010"), ("ice-felony-warrant", "ice-pars-2008")]
)
def test_what_a_change_tells_is_told_in_spanish(old: str, new: str) -> None:
    found = difference(*(version_to_prove(example(name)) for name in (old, new)))
    text = changes.text(found, SPANISH)
    for name in (old, new, "ice-pars", "Retail Theft", "Invented", "America/New_York"):
        text = text.replace(name, "")
    assert left_over(text) == [], text
    assert len(changes.text(found, ENGLISH).splitlines()) == len(changes.text(found, SPANISH).splitlines())
    said, spoken = changes.as_json(found, SPANISH), changes.spoken(found, SPANISH)
    for side in ("added", "removed"):
        whole = [(one["change"], one["says"], (one["witness"] or {}).get("text")) for one in said[side]]
        assert whole == [
            (one["change"], one["says"], (one["witness"] or {}).get("text")) for one in spoken[side]
        ]
    assert said["otherwise"] == spoken["otherwise"]


def test_what_is_proved_and_what_refutes_it_is_told_in_spanish() -> None:
    version = version_to_prove(example("ice-pars-2008"))
    for name in ("no-victims-or-witnesses", "no-sweep-by-origin"):
        verdict = settle(asked(name, version))
        assert verdict.counterexample is not None
        case, told = verdict.counterexample.case, verdict.counterexample.told
        text = "\n".join(example_lines(case, told, version.term.zone, SPANISH))
        for one in ("Invented", "America/New_York"):
            text = text.replace(one, "")
        assert left_over(text) == [], text
    for one in fixed():
        assert left_over(one.says(SPANISH)) == []
    for name in (
        "no-finer-than:birth_date=year",
        "no-finer-than:ssn=none",
        "no-sweep-by:race",
        "bar:juveniles",
    ):
        assert left_over(asked(name, version).says(SPANISH)) == []
    for kind in ("subset-of", "timeless-subset-of"):
        other = version_to_prove(replace(example("ice-pars-2010"), id="x-2"))
        assert left_over(asked(f"{kind}:x", version, other).says(SPANISH)) == []


# ---------------------------------------------------------------------- how Spanish is written


def test_days_and_instants_are_said_as_one_says_them() -> None:
    assert SPANISH.day(date(2018, 8, 31)) == "31 de agosto de 2018"
    assert SPANISH.moment(datetime(2018, 9, 1, 4, tzinfo=UTC), "America/New_York") == (
        "1 de septiembre de 2018 a las 00:00:00 EDT (America/New_York), es decir, "
        "el 1 de septiembre de 2018 a las 04:00:00 UTC"
    )
    for text, said in (
        ("1992-09", "septiembre de 1992"),
        ("1992-09-01", "1 de septiembre de 1992"),
        ("2018-09-01T03:59:59Z", "31 de agosto de 2018 a las 23:59:59 EDT (America/New_York)"),
        ("1992", "1992"),
        ("1992-13", "1992-13"),
        ("MC-51-CR-0000001-2026", "MC-51-CR-0000001-2026"),
    ):
        assert SPANISH.when(text, "America/New_York") == said


def test_and_and_or_give_way_to_the_sound_that_follows() -> None:
    assert SPANISH.join(["sexo", "raza", "edad"]) == "sexo, raza y edad"
    assert SPANISH.join(["raza", "intérprete necesario"]) == "raza e intérprete necesario"
    assert SPANISH.join(["agua", "hielo"]) == "agua y hielo"
    assert SPANISH.join(["uno", "otro"], "or") == "uno u otro"
    assert SPANISH.join(["víctimas", "testigos"], "nor") == "víctimas ni testigos"
    assert SPANISH.join(["uno"]) == "uno"
    assert SPANISH.join([]) == ""
    assert ENGLISH.join(["sex", "interpreter needed"]) == "sex and interpreter needed"


def test_the_command_line_prints_either_language() -> None:
    run, good = CliRunner(), str(EXAMPLES / "ice-felony-warrant.toml")
    assert "## Qué se comparte" in run.invoke(app, ["text", good, "--language", "es"]).stdout
    assert "## What is shared" in run.invoke(app, ["text", good]).stdout
    proved = run.invoke(app, ["prove", good, "--property", "no-juveniles", "--language", "es"])
    assert "demostrado: nunca hay datos del expediente de alguien que tenía menos de 18" in proved.stdout
    compared = run.invoke(app, ["diff", good, good, "--language", "es"])
    assert "No se quita nada." in compared.stdout
    assert run.invoke(app, ["text", good, "--language", "fr"]).exit_code == 2
