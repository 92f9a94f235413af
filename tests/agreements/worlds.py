# SPDX-License-Identifier: Apache-2.0
"""Random agreements and random arrest files. All people are invented; SSNs are of ranges nobody has."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

from hypothesis import strategies as st

from openpars.agreements.language.alike import doubt
from openpars.agreements.language.canonical import CJIS_TOPICS
from openpars.agreements.model import Agreement, Decision, Duties, Grant, Limits, Silence, Term, Way, When
from openpars.record.catalogue import CRITERIA, FIELDS, ORDER, Criterion
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
    Participant,
    PreliminaryArraignment,
    Role,
    Seal,
    Stage,
)

OWNERS = ("courts", "district-attorney", "police")
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
# Values of the criteria that are only shaped; the files below have some of them.
SHAPED = {"district": ("12", "24", "9"), "zip_prefix": ("080", "191")}
PLACES = ("Santo Domingo", "Ponce, Puerto Rico", "Philadelphia")
HOMES = ("1 Invented St, Philadelphia", "2 Made-up Ave")
LANGUAGES = ("none", "spa", "cmn", "ase")
PURPOSES = ("felony-warrant", "representation", "statistics")

words = st.text("abcdefghijklmnopqrstuvwxyzÀÉñß'-é ", min_size=1, max_size=12).filter(lambda s: s.strip())
free = st.text(
    "".join(c for c in map(chr, range(32, 0x2123)) if doubt(c) is None), min_size=1, max_size=30
).filter(lambda s: s.strip())


def some(values: tuple[str, ...] | list[str], *, least: int = 0) -> st.SearchStrategy[tuple[str, ...]]:
    """Some of the values, in their own order."""
    return st.sets(st.sampled_from(values), min_size=least).map(
        lambda chosen: tuple(v for v in values if v in chosen)
    )


def values_of(criterion: Criterion) -> tuple[str, ...]:
    """The values a condition may name, in canonical order; some of them where there is no end of them."""
    return criterion.values or SHAPED[criterion.name]


days = st.dates(date(2026, 8, 1), date(2026, 12, 1))


@st.composite
def whens(draw: st.DrawFn) -> When:
    isin = []
    for name, criterion in CRITERIA.items():
        if criterion.condition and draw(st.integers(0, 3)) == 0:
            isin.append((name, draw(some(values_of(criterion), least=1))))
    first, last = draw(st.none() | days), draw(st.none() | days)
    if first is not None and last is not None and last < first:
        first, last = last, first
    return When(tuple(isin), draw(st.none() | st.integers(1, 60)), first, last)


@st.composite
def grants(draw: st.DrawFn, number: int, *, arrestee_only: bool = False) -> Grant:
    role = Role.ARRESTEE if arrestee_only else draw(st.sampled_from(Role))
    fields = [name for name, field in FIELDS.items() if role in field.roles]
    shown = draw(some(fields, least=1))
    searchable = [name for name in fields if FIELDS[name].key]
    combinations = draw(st.sets(some(searchable, least=1), max_size=3))
    alertable = [name for name, one in CRITERIA.items() if role in FIELDS[one.field].roles]
    ways = draw(st.sets(st.sampled_from(Way), min_size=1))
    return Grant(
        number=number,
        about=role,
        purposes=draw(some(PURPOSES, least=1)),
        when=draw(whens()),
        show=tuple(
            (name, draw(st.sampled_from([p.name for p in FIELDS[name].precisions]))) for name in shown
        ),
        find_by=tuple(sorted(combinations, key=lambda names: [ORDER[name] for name in names])),
        alert_by=draw(some(alertable)),
        ways=frozenset(ways),
        alert_all=draw(st.booleans()),
    )


@st.composite
def terms(draw: st.DrawFn) -> Term:
    if draw(st.booleans()):
        day = draw(st.dates(date(2005, 1, 1), date(2026, 11, 1)))
        last = day + timedelta(days=draw(st.integers(0, 3000)))
        begins, ends = (datetime(d.year, d.month, d.day, tzinfo=UTC) for d in (day, last + timedelta(days=1)))
        return Term(begins, ends, "UTC", day, last, draw(st.integers(0, 90)))
    begins = draw(st.datetimes(datetime(2005, 1, 1), datetime(2026, 11, 20))).replace(tzinfo=UTC)  # noqa: DTZ001
    return Term(begins, begins + timedelta(microseconds=draw(st.integers(1, 10**15))), "America/New_York")


@st.composite
def agreements(draw: st.DrawFn, *, arrestee_only: bool = False) -> Agreement:
    rules = st.sampled_from(["1 of 3", "2 of 3", "3 of 3", "consensus"])
    number = draw(st.integers(1, 3))
    return Agreement(
        id="an-agreement",
        provider="city-of-philadelphia",
        recipient=draw(st.sampled_from(["ice", "defender", "somebody"])),
        title=draw(st.none() | free),
        legal_basis=draw(st.none() | free),
        fee_per_year=draw(st.none() | st.integers(0, 10**6)),
        term=draw(terms()),
        decision=Decision(
            OWNERS, draw(rules), draw(rules), draw(rules), draw(rules), draw(st.sampled_from(Silence))
        ),
        grants=tuple(draw(grants(one + 1, arrestee_only=arrestee_only)) for one in range(number)),
        limits=Limits(draw(st.integers(1, 100)), draw(st.integers(1, 100))),
        duties=Duties(
            draw(st.booleans()), draw(st.none() | st.integers(1, 90)), draw(st.none() | st.integers(1, 90))
        ),
        cjis=tuple((topic, draw(free)) for topic in draw(some(CJIS_TOPICS))),
    )


names = st.builds(Name, words, words, st.none() | words, st.none() | words)
instants = st.datetimes(datetime(2026, 9, 1), datetime(2026, 11, 21)).map(lambda at: at.replace(tzinfo=UTC))  # noqa: DTZ001
moments = st.datetimes(datetime(2006, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
births = st.dates(date(1940, 1, 1), date(2012, 12, 31))
ssns = st.builds("9{:02}{:02}{:04}".format, st.integers(0, 99), st.integers(1, 49), st.integers(1, 9999))


def maybe(strategy: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    return st.one_of(strategy, strategy, strategy, st.none())


arrestees = st.builds(
    Arrestee,
    person=st.binary(min_size=16, max_size=16).map(bytes.hex),
    name=names,
    birth_date=maybe(births),
    age_stated=maybe(st.integers(15, 80)),
    sex=maybe(st.sampled_from("FMXU")),
    race=maybe(st.sampled_from("ABIPWU")),
    birth_country=maybe(st.sampled_from(["USA", "DOM", "CHN", "JAM", "VNM"])),
    ssn=maybe(ssns),
    sid=maybe(st.from_regex(r"[0-9]{8}", fullmatch=True)),
    ppn=maybe(st.from_regex(r"[0-9]{7}", fullmatch=True)),
    zip=maybe(st.sampled_from(["19134", "19140", "08101"])),
    ethnicity=maybe(st.sampled_from("HNU")),
    birth_place=maybe(st.sampled_from(PLACES)),
    address=maybe(st.sampled_from(HOMES)),
    interpreter=maybe(st.sampled_from(LANGUAGES)),
    consular_notice=maybe(st.sampled_from(ConsularNotice)),
)

charges = st.builds(
    Charge,
    number=st.integers(1, 9),
    statute=maybe(st.sampled_from(["18 § 2702 §§ A1", "18 § 3929"])),
    text=words,
    grade=maybe(st.sampled_from(["F1", "F3", "M1", "S"])),
    counts=st.integers(1, 3),
    stage=st.sampled_from(Stage),
    decided_grade=st.none() | st.sampled_from(["F2", "M2"]),
    reason=maybe(words),
    disposition=maybe(st.sampled_from(Disposition)),
    disposed_at=st.none() | instants,
)

bails = st.builds(
    Bail,
    type=maybe(st.sampled_from(BailType)),
    amount=maybe(st.integers(0, 10**6)),
    percent=maybe(st.integers(0, 100)),
    posted=st.booleans(),
    ability_to_pay=maybe(words),
    reasons=maybe(words),
)


@st.composite
def files(draw: st.DrawFn) -> ArrestFile:
    people = draw(
        st.lists(
            st.tuples(st.sampled_from([Role.VICTIM, Role.CRIME_WITNESS]), names, maybe(births)), max_size=3
        )
    )
    return ArrestFile(
        id="00000000-0000-4000-8000-000000000000",
        version=draw(st.integers(1, 5)),
        arrestee=draw(arrestees),
        dc_number=draw(maybe(st.from_regex(r"[0-9]{10}", fullmatch=True))),
        otn=draw(maybe(st.just("N 123456-7"))),
        docket=draw(maybe(st.from_regex(r"MC-51-CR-[0-9]{7}-2026", fullmatch=True))),
        filed_at=draw(maybe(instants)),
        arrested_at=draw(maybe(instants)),
        district=draw(maybe(st.sampled_from(["24", "12", "9"]))),
        participants=tuple(
            Participant(n + 1, role, name, born) for n, (role, name, born) in enumerate(people)
        ),
        charges=tuple(draw(st.lists(charges, max_size=3))),
        complaint_at=draw(maybe(instants)),
        interview=draw(maybe(st.builds(Interview, held_at=instants, notes=words))),
        arraignment=draw(
            maybe(st.builds(PreliminaryArraignment, instants, words, st.booleans(), st.booleans()))
        ),
        bail=draw(maybe(bails)),
        custody=draw(maybe(st.sampled_from(Custody))),
        custody_place=draw(maybe(words)),
        next_date=draw(maybe(instants)),
        represented=draw(maybe(st.sampled_from(["defender", "private", "none"]))),
        seal=draw(st.sampled_from([Seal.OPEN] * 9 + [Seal.SEALED, Seal.EXPUNGED, Seal.WITHDRAWN])),
    )


# The same by a plain generator: thousands of worlds in seconds, each named by its seed.


def _some(rng: Random, values: Sequence[str], *, least: int = 0) -> tuple[str, ...]:
    chosen = set(rng.sample(values, rng.randint(least, len(values))))
    return tuple(value for value in values if value in chosen)


def _maybe(rng: Random, value: object) -> Any:
    return None if rng.random() < 0.2 else value


def _maybe_rare(rng: Random, value: Any) -> Any:
    return value if rng.random() < 0.1 else None


def _word(rng: Random) -> str:
    return "".join(rng.choices("abcdefghijklmnopqrstuvwxyzñé'- ", k=rng.randint(1, 8))) + rng.choice("abc")


def _instant(rng: Random) -> datetime:
    return NOON - timedelta(seconds=rng.randrange(70 * 86400))


def a_grant(rng: Random, number: int) -> Grant:
    """A random grant about the arrestee, with few conditions so that most worlds have rows."""
    conditions = [name for name, one in CRITERIA.items() if one.condition and rng.random() < 0.2]
    isin = tuple((name, _some(rng, values_of(CRITERIA[name]), least=1)) for name in conditions)
    first = _maybe_rare(rng, NOON.date() - timedelta(days=rng.randint(0, 90)))
    last = _maybe_rare(rng, NOON.date() - timedelta(days=rng.randint(0, 60)))
    fields = _some(rng, [name for name in FIELDS if rng.random() < 0.4] or ["name"], least=1)
    keys = [name for name, field in FIELDS.items() if field.key and rng.random() < 0.3] or ["docket"]
    return Grant(
        number=number,
        about=Role.ARRESTEE,
        purposes=PURPOSES,
        when=When(isin, rng.choice([None, None, rng.randint(1, 90)]), first, last),
        show=tuple((name, rng.choice(FIELDS[name].precisions).name) for name in fields),
        find_by=tuple({_some(rng, keys, least=1) for _ in range(rng.randint(0, 2))}),
        alert_by=_some(rng, [name for name in CRITERIA if rng.random() < 0.3]),
        ways=frozenset(rng.sample(list(Way), rng.randint(1, 3))),
        alert_all=rng.random() < 0.2,
    )


def a_person(rng: Random) -> Arrestee:
    """A random arrestee, mostly adult."""
    return Arrestee(
        person=rng.randbytes(16).hex(),
        name=Name(_word(rng), _word(rng), _maybe(rng, _word(rng)), None),
        birth_date=_maybe(rng, date(1940, 1, 1) + timedelta(days=rng.randrange(26_000))),
        age_stated=_maybe(rng, rng.randint(15, 80)),
        sex=_maybe(rng, rng.choice("FMXU")),
        race=_maybe(rng, rng.choice("ABIPWU")),
        birth_country=_maybe(rng, rng.choice(["USA", "DOM", "CHN", "JAM"])),
        ssn=_maybe(rng, f"9{rng.randrange(100):02}{rng.randint(1, 49):02}{rng.randint(1, 9999):04}"),
        sid=_maybe(rng, str(rng.randrange(10**7, 10**8))),
        ppn=_maybe(rng, str(rng.randrange(10**6, 10**7))),
        zip=_maybe(rng, rng.choice(["19134", "19140", "08101"])),
        ethnicity=_maybe(rng, rng.choice("HNU")),
        birth_place=_maybe(rng, rng.choice(PLACES)),
        address=_maybe(rng, rng.choice(HOMES)),
        interpreter=_maybe(rng, rng.choice(LANGUAGES)),
        consular_notice=_maybe(rng, rng.choice(list(ConsularNotice))),
    )


def a_charge(rng: Random, number: int) -> Charge:
    """A random charge."""
    grade, decided = _maybe(rng, rng.choice(["F1", "F3", "M1", "S"])), rng.choice([None, "F2", "M2"])
    return Charge(
        number,
        _maybe(rng, "18 § 3929"),
        _word(rng),
        grade,
        stage=rng.choice(list(Stage)),
        decided_grade=decided,
        reason=_word(rng),
        disposition=_maybe(rng, rng.choice(list(Disposition))),
    )


def a_file(rng: Random) -> ArrestFile:
    """A random open file."""
    bail = Bail(
        _maybe(rng, rng.choice(list(BailType))),
        _maybe(rng, rng.randrange(10**6)),
        10,
        rng.random() < 0.5,
        _word(rng),
        _word(rng),
    )
    roles = [rng.choice([Role.VICTIM, Role.CRIME_WITNESS]) for _ in range(rng.randrange(3))]
    return ArrestFile(
        id="00000000-0000-4000-8000-000000000000",
        version=rng.randint(1, 9),
        arrestee=a_person(rng),
        dc_number=_maybe(rng, str(rng.randrange(10**9, 10**10))),
        otn=_maybe(rng, f"N {rng.randrange(10**5, 10**6)}-7"),
        docket=_maybe(rng, f"MC-51-CR-{rng.randrange(10**6, 10**7)}-2026"),
        filed_at=_maybe(rng, _instant(rng)),
        arrested_at=_maybe(rng, _instant(rng)),
        district=_maybe(rng, rng.choice(["24", "12", "9"])),
        participants=tuple(
            Participant(n + 1, role, Name(_word(rng), _word(rng))) for n, role in enumerate(roles)
        ),
        charges=tuple(a_charge(rng, n + 1) for n in range(rng.randrange(4))),
        complaint_at=_maybe(rng, _instant(rng)),
        interview=_maybe(rng, Interview(_instant(rng), _word(rng))),
        arraignment=_maybe(rng, PreliminaryArraignment(_instant(rng), _word(rng), rng.random() < 0.9, True)),
        bail=_maybe(rng, bail),
        custody=_maybe(rng, rng.choice(list(Custody))),
        custody_place=_maybe(rng, _word(rng)),
        next_date=_maybe(rng, _instant(rng)),
        represented=_maybe(rng, rng.choice(["defender", "private", "none"])),
    )
