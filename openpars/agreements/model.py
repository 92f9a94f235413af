# SPDX-License-Identifier: Apache-2.0
"""An agreement as values: what the parser makes, what everything else reads. No I/O, no clock.

Every collection is a tuple in canonical order, so that two texts that say the same are equal values.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from openpars.record.file import Role, Seal

DAYS_TO_VOTE = 30
"""Where a text does not say how long a question stays open."""


class Way(StrEnum):
    """How a grant may be used. `export` hands over every row of the grant at once."""

    SEARCH = "search"
    ALERT = "alert"
    EXPORT = "export"


class Silence(StrEnum):
    """What an owner's silence means when a question closes: `lapse` counts as no, `continue` as going on."""

    LAPSE = "lapse"
    CONTINUE = "continue"


class BarKind(StrEnum):
    """What a bar takes out. See `jurisdictions/philadelphia/bars.toml`."""

    ROLE = "role"
    JUVENILE = "juvenile"
    COMPARTMENT = "compartment"
    SEAL = "seal"
    EVERYTHING = "everything"
    FIELDS = "fields"


@dataclass(frozen=True, slots=True)
class Term:
    """When an agreement holds: from `begins` (inclusive) until `ends` (exclusive), both UTC instants.

    `zone` is the civil zone it is written and read in. `from_day` and `through_day` are the civil dates
    as typed, None where the text gave an instant.
    """

    begins: datetime
    ends: datetime
    zone: str
    from_day: date | None = None
    through_day: date | None = None
    notice_days: int = 0

    def covers(self, at: datetime) -> bool:
        """Whether the instant is inside the term. The last instant is not: it is already over."""
        return self.begins <= at < self.ends


@dataclass(frozen=True, slots=True)
class Decision:
    """Who decides and by what rule: "2 of 3" or "consensus". `silence`: see `Silence`.

    `days_to_vote`: how long a question stays open before silence takes its meaning.
    """

    stakeholders: tuple[str, ...]
    enact: str
    renew: str
    end: str
    amend: str
    silence: Silence
    days_to_vote: int = DAYS_TO_VOTE


@dataclass(frozen=True, slots=True)
class When:
    """Conditions on a file, all of which must hold. Unknown never matches.

    `isin` pairs a criterion of the catalogue with the values it may have. Those about charges must all
    hold for one and the same charge. `arrested_within_days` counts 24-hour days from the arrest.
    `arrested_from` and `arrested_through` are civil days in the term's zone, both inside.
    """

    isin: tuple[tuple[str, tuple[str, ...]], ...] = ()
    arrested_within_days: int | None = None
    arrested_from: date | None = None
    arrested_through: date | None = None

    @property
    def by_day(self) -> bool:
        """Whether a condition is about the time of the arrest."""
        return (self.arrested_within_days, self.arrested_from, self.arrested_through) != (None, None, None)


@dataclass(frozen=True, slots=True)
class Grant:
    """One line of what may be shared. `number` counts from 1 in the order of the text.

    `show` pairs a field with its precision. `find_by` are the combinations of fields that find a row.
    """

    number: int
    about: Role
    purposes: tuple[str, ...]
    when: When
    show: tuple[tuple[str, str], ...]
    find_by: tuple[tuple[str, ...], ...]
    alert_by: tuple[str, ...]
    ways: frozenset[Way]
    alert_all: bool = False

    @property
    def bulk(self) -> bool:
        """Whether somebody can get every row of the grant without naming anybody.

        A criterion has a closed or countable set of values: a subscription that lists them all takes
        in everybody, so alerts by criteria count.
        """
        return Way.EXPORT in self.ways or self.alert_all or (Way.ALERT in self.ways and bool(self.alert_by))


@dataclass(frozen=True, slots=True)
class Limits:
    """What one user may do."""

    results_per_search: int = 20
    searches_per_user_per_day: int = 50


@dataclass(frozen=True, slots=True)
class Duties:
    """What the recipient owes. None: the agreement does not ask for it."""

    case_number_required: bool = True
    report_outcome_within_days: int | None = None
    destroy_when_withdrawn_within_days: int | None = None


@dataclass(frozen=True, slots=True)
class Organisation:
    """An organisation of the recipient's tree that may use the agreement. `under`: the one above it."""

    id: str
    name: str | None
    under: str


@dataclass(frozen=True, slots=True)
class Agreement:
    """The whole text as a value. `cjis` pairs a topic of CJIS Security Policy 5.1.1.3 with its clause.

    `organisations`: who of the recipient's tree may use it beside the recipient itself; by name only.
    """

    id: str
    provider: str
    recipient: str
    title: str | None
    legal_basis: str | None
    fee_per_year: int | None
    term: Term
    decision: Decision
    grants: tuple[Grant, ...]
    limits: Limits
    duties: Duties
    cjis: tuple[tuple[str, str], ...] = ()
    organisations: tuple[Organisation, ...] = ()

    def admits(self, organisation: str | None) -> bool:
        """Whether a key of this organisation may use it. None: a key of the recipient itself."""
        return organisation is None or any(one.id == organisation for one in self.organisations)

    @property
    def purposes(self) -> tuple[str, ...]:
        """Every purpose of every grant, sorted."""
        return tuple(sorted({purpose for grant in self.grants for purpose in grant.purposes}))


@dataclass(frozen=True, slots=True)
class Bar:
    """What may not be shared whatever the owners vote, from a jurisdiction pack.

    `begins` inclusive and `ends` exclusive as UTC instants; None: always, or without end. `label`: what
    must be said with it wherever it is shown. `switchable`: it holds only once the city has switched it on.
    """

    id: str
    title: str
    kind: BarKind
    citation: str
    standing: str
    checked: str
    begins: datetime | None = None
    ends: datetime | None = None
    roles: tuple[Role, ...] = ()
    states: tuple[Seal, ...] = ()
    compartments: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    label: str | None = None
    switchable: bool = False

    @property
    def cited(self) -> str:
        """Title, citation and label in one line, as a refusal or a reason names it."""
        label = f"; {self.label}" if self.label else ""
        return f"{self.title} [{self.citation}{label}]"

    def holds(self, at: datetime) -> bool:
        """Whether the bar holds at that instant."""
        return (self.begins is None or self.begins <= at) and (self.ends is None or at < self.ends)


@dataclass(frozen=True, slots=True)
class Version:
    """One version of an agreement, with the bars above it. `hash`: SHA-256 of the canonical form, hex."""

    agreement: Agreement
    number: int
    hash: str
    bars: tuple[Bar, ...]

    @property
    def term(self) -> Term:
        """The agreement's term."""
        return self.agreement.term
