# SPDX-License-Identifier: Apache-2.0
"""The vocabulary of the catalogue: fields, precisions and criteria, with what each gives away.

Import it through `record.catalogue`, which also reads the values.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from openpars.record.file import BailType, ConsularNotice, Custody, Disposition, Role, Stage
from openpars.record.languages import LANGUAGES

# Grades as the state court system writes them: H murder, F felony, M misdemeanor, S summary offence
# (no number: ungraded), IC indirect criminal contempt.
GRADES = ("H1", "H2", "F", "F1", "F2", "F3", "M", "M1", "M2", "M3", "S", "S1", "S2", "S3", "IC")
REPRESENTATION = ("defender", "private", "none")
ETHNICITIES = ("H", "N", "U")  # NIBRS: Hispanic or Latino, not, unknown


class Sensitivity(StrEnum):
    """How much harm a field does in the wrong hands. `protected`: an attribute nobody may be selected by."""

    CASE = "case"
    PERSONAL = "personal"
    SENSITIVE = "sensitive"
    PROTECTED = "protected"


@dataclass(frozen=True, slots=True)
class Precision:
    """One way of showing a field. `meaning` completes "shown as …".

    `proxy_for`: protected fields that can be told from this one with confidence; the rule on bulk ways
    treats it like them. `hints_at`: fields it says something about for some people; only warned about.
    `contains`: other fields that stand in this one: a bar on one of them holds this precision back, too.
    """

    name: str
    meaning: str
    proxy_for: tuple[str, ...] = ()
    hints_at: tuple[str, ...] = ()
    contains: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Field:
    """One field. `precisions` run from coarse to fine; a place in that order is a precision's rank.

    `key`: may stand in `find_by`. `identifier`: enough alone as a key. `identifying`: counts towards
    the two that any other key needs. `part_of`: the field of which this tells a part: a bar on that one holds
    this one back, too.
    """

    name: str
    label: str
    meaning: str
    sensitivity: Sensitivity
    precisions: tuple[Precision, ...]
    roles: frozenset[Role] = frozenset({Role.ARRESTEE})
    part_of: str | None = None
    key: bool = False
    identifier: bool = False
    identifying: bool = False

    def precision(self, name: str) -> Precision | None:
        """The precision of that name, or None."""
        return next((p for p in self.precisions if p.name == name), None)

    def rank(self, precision: str) -> int:
        """0 is the coarsest. Raises ValueError for a word that is no precision of this field."""
        return [p.name for p in self.precisions].index(precision)

    @property
    def protected(self) -> bool:
        """Whether nobody may be selected by it."""
        return self.sensitivity is Sensitivity.PROTECTED


@dataclass(frozen=True, slots=True)
class Criterion:
    """What a row condition (`when`) or an alert criterion (`alert_by`) can name.

    `field` and `precision` say what an answer to it gives away. `values` is the closed list of its
    values, empty where they are only shaped: then `pattern` is the whole shape of a condition's value,
    and `shape` says it in words. `of_charge`: about one charge.
    """

    name: str
    label: str
    field: str
    precision: str
    values: tuple[str, ...] = ()
    of_charge: bool = False
    condition: bool = True
    alert: bool = True
    pattern: str = ""
    shape: str = ""

    def fits(self, value: str) -> bool:
        """Whether the text can be a value of it."""
        return (
            value in self.values if self.values else re.fullmatch(self.pattern, value, re.ASCII) is not None
        )


_ANY_ROLE = frozenset(Role)
_WHOLE = Precision("whole", "as recorded")


def _whole(
    meaning: str,
    *,
    proxy_for: tuple[str, ...] = (),
    hints_at: tuple[str, ...] = (),
    contains: tuple[str, ...] = (),
) -> Precision:
    return Precision("whole", meaning, proxy_for, hints_at, contains)


_FIELDS = (
    Field(
        "name",
        "name",
        "last, first and middle name and suffix, as written down",
        Sensitivity.PERSONAL,
        (
            Precision("initials", "initials only"),
            _whole("last, first, middle, suffix", hints_at=("birth_country", "race", "sex")),
        ),
        roles=_ANY_ROLE,
        key=True,
        identifying=True,
    ),
    Field(
        "birth_date",
        "date of birth",
        "date of birth",
        Sensitivity.PERSONAL,
        (
            Precision("year", "the year only", contains=("age",)),
            Precision("month", "year and month"),
            _whole("the full date"),
        ),
        roles=_ANY_ROLE,
        key=True,
        identifying=True,
    ),
    Field(
        "age",
        "age",
        "age in years on the day of arrest (or of filing), or the age a court list stated",
        Sensitivity.PERSONAL,
        (_whole("whole years"),),
        roles=_ANY_ROLE,
        part_of="birth_date",
        key=True,
    ),
    Field("sex", "sex", "sex as recorded", Sensitivity.PROTECTED, (_WHOLE,), key=True),
    Field("race", "race", "race as recorded", Sensitivity.PROTECTED, (_WHOLE,), key=True),
    Field(
        "ethnicity",
        "ethnicity",
        "ethnicity as recorded, by NIBRS: H Hispanic or Latino, N not, U unknown",
        Sensitivity.PROTECTED,
        (_whole("as recorded", hints_at=("birth_country",)),),
        key=True,
    ),
    Field(
        "birth_country",
        "country of birth",
        "country of birth, ISO 3166-1 alpha-3; says nothing about immigration or citizenship status",
        Sensitivity.PROTECTED,
        (_WHOLE,),
        key=True,
    ),
    Field(
        "birth_place",
        "place of birth",
        "place of birth in words, as typed; says nothing about immigration or citizenship status",
        Sensitivity.SENSITIVE,
        (_whole("the words as typed", proxy_for=("birth_country",)),),
    ),
    Field(
        "interpreter",
        "interpreter needed",
        "the language in which an interpreter is needed, ISO 639-3, or none",
        Sensitivity.SENSITIVE,
        (_whole("the language", proxy_for=("birth_country",), hints_at=("ethnicity", "race")),),
        key=True,
    ),
    Field(
        "consular_notice",
        "consular notice",
        "what was done about notice to a consulate (Vienna Convention, Art. 36): told, requested, made",
        Sensitivity.SENSITIVE,
        (_whole("what was done", proxy_for=("birth_country",)),),
    ),
    Field(
        "ssn",
        "Social Security number",
        "Social Security number",
        Sensitivity.SENSITIVE,
        (
            # Absence alone says something: many people born abroad have none.
            Precision("present", "whether one is recorded", hints_at=("birth_country",)),
            Precision("last4", "the last four digits", hints_at=("birth_country",)),
            # The first digits tell where and, for some series, to whom a number was issued before 2011.
            _whole("all nine digits", proxy_for=("birth_country",)),
        ),
        key=True,
        identifier=True,
    ),
    Field(
        "sid",
        "state identification number",
        "State Police number of the person",
        Sensitivity.PERSONAL,
        (_WHOLE,),
        key=True,
        identifier=True,
    ),
    Field(
        "ppn",
        "police photo number",
        "police photo number of the person",
        Sensitivity.PERSONAL,
        (_WHOLE,),
        key=True,
        identifier=True,
    ),
    Field(
        "dc_number",
        "DC number",
        "District Control number of the incident",
        Sensitivity.CASE,
        (_WHOLE,),
        roles=_ANY_ROLE,
        key=True,
        identifier=True,
    ),
    Field(
        "otn",
        "offense tracking number",
        "offense tracking number of the arrest",
        Sensitivity.CASE,
        (_WHOLE,),
        key=True,
        identifier=True,
    ),
    Field(
        "docket",
        "docket number",
        "docket number of the court case",
        Sensitivity.CASE,
        (_WHOLE,),
        key=True,
        identifier=True,
    ),
    Field(
        "zip",
        "ZIP code",
        "ZIP code of residence",
        Sensitivity.PERSONAL,
        (
            Precision("prefix3", "the first three digits", hints_at=("race",)),
            _whole("all five digits", proxy_for=("race",), hints_at=("birth_country",)),
        ),
        key=True,
        identifying=True,
    ),
    Field(
        "address",
        "home address",
        "home address in words, as typed",
        Sensitivity.SENSITIVE,
        (_whole("the words as typed", proxy_for=("race",), hints_at=("birth_country",), contains=("zip",)),),
    ),
    Field(
        "district",
        "police district",
        "police district of the arrest",
        Sensitivity.CASE,
        (_whole("the district's number", hints_at=("race",)),),
        roles=_ANY_ROLE,
        key=True,
    ),
    Field(
        "arrested_at",
        "time of arrest",
        "when the person was arrested",
        Sensitivity.CASE,
        (Precision("day", "the day only"), _whole("day and time")),
        roles=_ANY_ROLE,
        key=True,
    ),
    Field(
        "filed_at",
        "time of filing",
        "when the court opened the case",
        Sensitivity.CASE,
        (Precision("day", "the day only"), _whole("day and time")),
    ),
    Field(
        "charges",
        "charges",
        "the charges of the arrest",
        Sensitivity.CASE,
        (
            Precision("count", "how many"),
            Precision("text", "their names only"),
            _whole(
                "statute, name, grade, counts and stage of each", contains=("charge_grade", "charge_stage")
            ),
        ),
    ),
    Field(
        "charge_grade",
        "grades of the charges",
        "the grades of the charges, the District Attorney's where decided",
        Sensitivity.CASE,
        (_WHOLE,),
        part_of="charges",
    ),
    Field(
        "charge_stage",
        "stages of the charges",
        "how far the charges have come: proposed, approved, changed, declined, filed",
        Sensitivity.CASE,
        (_WHOLE,),
        part_of="charges",
    ),
    Field(
        "charge_outcome",
        "outcomes of the charges",
        "how the charges ended in court: convicted, acquitted, dismissed, withdrawn, diverted",
        Sensitivity.SENSITIVE,
        (_whole("which outcomes there are"),),
        part_of="charges",
    ),
    Field(
        "bail",
        "bail",
        "the bail in force; never the reasons, never the ability to pay",
        Sensitivity.CASE,
        (Precision("type", "its type only"), _whole("type, amount, deposit in percent, whether posted")),
    ),
    Field(
        "custody",
        "custody",
        "whether the person is held, released or committed",
        Sensitivity.SENSITIVE,
        (_WHOLE,),
    ),
    Field(
        "custody_place",
        "place of custody",
        "where the person is held",
        Sensitivity.SENSITIVE,
        (_whole("as recorded", contains=("custody",)),),
    ),
    Field(
        "next_date",
        "next court date",
        "the next court date",
        Sensitivity.SENSITIVE,
        (Precision("day", "the day only"), _whole("day and time")),
    ),
    Field(
        "represented",
        "kind of defense",
        "who defends, as the court lists it: the Defender, a private lawyer, nobody",
        Sensitivity.CASE,
        (_WHOLE,),
    ),
    Field(
        "state",
        "state of the file",
        "how far the file has come, from booked to arraigned",
        Sensitivity.CASE,
        (_whole("as recorded", contains=("charge_stage", "charges")),),
    ),
)

FIELDS: dict[str, Field] = {field.name: field for field in _FIELDS}
ORDER: dict[str, int] = {name: place for place, name in enumerate(FIELDS)}

_CRITERIA = (
    Criterion("charge_grade", "grade of a charge", "charge_grade", "whole", GRADES, of_charge=True),
    Criterion("charge_stage", "stage of a charge", "charge_stage", "whole", tuple(Stage), of_charge=True),
    Criterion(
        "charge_outcome", "outcome of a charge", "charge_outcome", "whole", tuple(Disposition), of_charge=True
    ),
    Criterion("represented", "kind of defense", "represented", "whole", REPRESENTATION),
    Criterion("custody", "custody", "custody", "whole", tuple(Custody)),
    Criterion(
        "district",
        "police district",
        "district",
        "whole",
        pattern="[1-9][0-9]?",
        shape='a district is its number in quotes, without a leading zero, as "24"',
    ),
    Criterion(
        "zip_prefix",
        "area of residence by ZIP code",
        "zip",
        "prefix3",
        pattern="[0-9]{3}",
        shape='an area is the first three digits of a ZIP code in quotes, as "191"',
    ),
    Criterion("bail_type", "type of bail", "bail", "type", tuple(BailType)),
    Criterion(
        "birth_country",
        "country of birth",
        "birth_country",
        "whole",
        condition=False,
        pattern="[A-Z]{3}",
        shape='a country is three letters of ISO 3166-1, as "DOM"',
    ),
    Criterion("interpreter", "interpreter needed", "interpreter", "whole", tuple(LANGUAGES), condition=False),
    Criterion(
        "consular_notice",
        "consular notice",
        "consular_notice",
        "whole",
        tuple(ConsularNotice),
        condition=False,
    ),
    Criterion("ethnicity", "ethnicity", "ethnicity", "whole", ETHNICITIES, condition=False),
    Criterion(
        "race", "race", "race", "whole", condition=False, pattern="[A-Z]", shape="a race is one letter"
    ),
    Criterion("sex", "sex", "sex", "whole", condition=False, pattern="[A-Z]", shape="a sex is one letter"),
)

CRITERIA: dict[str, Criterion] = {criterion.name: criterion for criterion in _CRITERIA}
