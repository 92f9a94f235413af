# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: E501
"""Invented people and agreements for looking at the pages without a city behind them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from openpars.agreements.ballots import Question
from openpars.agreements.certified import Kept
from openpars.agreements.language.plain import Section
from openpars.agreements.register import Entry, Event
from openpars.city import agreed
from openpars.web.pages.agreement_views import (
    Change,
    Changes,
    Counts,
    Group,
    PlainChanges,
    PublicLetter,
    Said,
)
from openpars.web.pages.life_picture import pictures
from openpars.web.pages.models import (
    AgreementCard,
    AgreementView,
    BallotView,
    ChargeView,
    ClockView,
    DemoDesk,
    EventView,
    Fact,
    FileView,
    KeyChoice,
    Level,
    MyAgreement,
    PersonView,
    Problem,
    PurposeChoice,
    QueueRow,
    RecordView,
    RoundView,
    Step,
    TreeView,
    VersionLink,
    VersionRow,
)
from openpars.web.pages.vote_views import ASKED, Voice, VoteView
from openpars.web.pages.words import Words

NOW = datetime.now(UTC).replace(microsecond=0)
EVIL = "<svg/onload=alert(1)>"
FELONY = agreed.text("ice-felony-warrant")
FAULTY = (
    FELONY.replace("show = { name", "show = { nmae")
    .replace("Felony warrants:", EVIL)
    .replace('silence = "lapse"', 'silence = "lapsed"')
)


def clock(hours: float, level: Level, text: str, word: str) -> ClockView:
    return ClockView(
        level,
        text,
        word,
        hours,
        48,
        NOW + timedelta(hours=48 - hours),
        "48 hours from arrest (County of Riverside v. McLaughlin).",
    )


CLOCKS = (
    clock(49.2, Level.LATE, "1 h 12 min over", "limit passed"),
    clock(44.5, Level.URGENT, "3 h 30 min left", "urgent"),
    clock(30.1, Level.SOON, "17 h 54 min left", "getting short"),
    clock(6.3, Level.CALM, "41 h 42 min left", "on time"),
    clock(2.0, Level.CALM, "46 h left", "on time"),
)
NAMES = (
    "Vandergrift-Okonkwo, Maximiliana Theodora",
    "Doe, Ana",
    "Sample, Terrence Jr.",
    EVIL + ", Bob",
    "Invented, Rosa María",
)
CHARGES = (
    ("Aggravated Assault - Attempts to cause SBI", "F1"),
    ("Simple Assault", "M2"),
    ("Retail Theft - Take Merchandise", "F3"),
    ("Int Poss Contr Subst By Per Not Reg", "M"),
    ("DUI: Gen Imp/Inc of Driving Safely", "M1"),
)

ROWS = tuple(
    QueueRow(
        id=f"{i:032x}", name=name, born=f"born {1965 + i * 7}, {60 - i * 7} years", dc_number=f"262401234{i}", district=str(22 + i),
        top_charge=CHARGES[i][0], top_grade=CHARGES[i][1], more_charges=(2, 0, 1, 0, 3)[i],
        arrested_at=NOW - timedelta(hours=CLOCKS[i].used), state="booked", clock=CLOCKS[i], href=f"/desk/charging/{i:032x}",
    )
    for i, name in enumerate(NAMES)
)  # fmt: skip

STEPS = (
    Step("Booked", "done", "Nov 21, 8:14 PM EST"),
    Step("Charges decided", "done", "Nov 21, 11:40 PM EST"),
    Step("Complaint filed", "current", "Nov 21, 11:52 PM EST"),
    Step("Arraigned", "todo", ""),
    Step("Held or released", "todo", "held"),
)


def file(stage: str = "proposed") -> FileView:
    return FileView(
        id="0" * 32, version=3, name="Doe, Ana", state="Complaint filed", sealed=stage == "sealed", clock=CLOCKS[1], steps=STEPS,
        incident=(Fact("DC number", "2624012345"), Fact("Arrested", "Nov 21, 2026, 8:14 PM EST"), Fact("District", "24")),
        person=(Fact("Born", "Mar 4, 1990 (36 years)"), Fact("Sex", "Female"), Fact("Race", "White"), Fact("Ethnicity", "Hispanic or Latino"), Fact("Country of birth", "Dominican Republic"), Fact("Place of birth", EVIL), Fact("Interpreter", "Spanish"), Fact("Consular notice", "Told, as everybody is"), Fact("Address", "4217 Made-up Avenue"), Fact("SSN", "ends in 3456")),
        charges=(
            ChargeView(1, "18 § 2702 §§ A1", "Aggravated Assault - Attempts to cause SBI", 1, "F1", stage if stage not in {"sealed", "ended"} else "approved", "", "", "Convicted" if stage == "ended" else ""),
            ChargeView(2, "18 § 2701 §§ A1", "Simple Assault", 2, "M2", "proposed" if stage == "proposed" else "changed", "" if stage == "proposed" else "M3", "", ""),
            ChargeView(3, "18 § 3929 §§ A1", EVIL, 1, "S", "proposed" if stage == "proposed" else "declined", "", "" if stage == "proposed" else "The store's recording does not show her.", ""),
        ),
        participants=(PersonView(1, "victim", "Placeholder, Jordan"), PersonView(2, "witness of the crime", EVIL)),
        court=(Fact("Docket", "MC-51-CR-0012345-2026"), Fact("Complaint filed", "Nov 21, 2026, 11:52 PM EST")),
    )  # fmt: skip


HISTORY = tuple(
    VersionRow(
        v,
        act,
        by,
        NOW - timedelta(hours=9 - v),
        NOW - timedelta(hours=9 - v) + timedelta(seconds=4),
        "Date of birth, charge 1. Reason: typed wrong." if v == 2 else "",
    )
    for v, act, by in (
        (3, "Complaint filed", "District Attorney, J. Example"),
        (2, "Charging decision", "District Attorney, J. Example"),
        (1, "Booked", "Police, badge 0001"),
    )
)

BOOK_VALUES = {
    "dc_number": "26240",
    "arrested_date": "11/21/2026",
    "arrested_time": "2014",
    "last": EVIL,
    "first": "Ana",
    "birth_date": "2/30/1990",
    "charge-1-statute": "2702 A1",
    "charge-1-counts": "1",
    "sex": "F",
}
BOOK_ERRORS = (
    Problem("dc_number", "A DC number has 10 digits, such as 2624012345."),
    Problem(
        "birth_date", "There is no such day. Write the date of birth as month/day/year, such as 3/4/1990."
    ),
    Problem(
        "charge-2-statute",
        "No statute fits these words. Type a few letters and choose one, such as 18 § 2702 §§ A1.",
    ),
)
GRADES = (("F1", "F1, felony 1"), ("F2", "F2, felony 2"), ("M1", "M1, misdemeanor 1"))
SEXES = (("F", "Female"), ("M", "Male"), ("U", "Unknown"))
RACES = (("W", "White"), ("B", "Black"), ("A", "Asian or Pacific Islander"), ("U", "Unknown"))
BAIL = (
    ("ror", "Release on recognizance", "A written promise to appear"),
    ("nonmonetary", "Nonmonetary conditions", "Conditions only"),
    ("unsecured", "Unsecured", "Owed only on failure to appear"),
    ("nominal", "Nominal", "Such as $1 and a surety"),
    ("monetary", "Monetary", "Ability to pay must be considered"),
    ("denied", "Denied", "Reasons required"),
)

VERSIONS = (
    VersionLink(
        2,
        "in_force",
        NOW - timedelta(days=20),
        NOW + timedelta(days=12, hours=4),
        "/public/agreements/ice-felony?version=2",
    ),
    VersionLink(
        1,
        "superseded",
        NOW - timedelta(days=90),
        NOW - timedelta(days=20),
        "/public/agreements/ice-felony?version=1",
    ),
)
CARD = AgreementCard(
    "ice-felony",
    "Serving felony warrants",
    "U.S. Immigration and Customs Enforcement",
    "City of Philadelphia",
    2,
    "in_force",
    ("felony-warrant",),
    NOW - timedelta(days=20),
    NOW + timedelta(days=12, hours=4),
    "America/New_York",
    VERSIONS,
    "/public/agreements/ice-felony",
)
SOON = AgreementCard(
    "defender-representation",
    "",
    "Defender Association",
    "City of Philadelphia",
    1,
    "in_force",
    ("representation",),
    NOW - timedelta(days=200),
    NOW + timedelta(seconds=100),
    "America/New_York",
    VERSIONS[:1],
    "/public/agreements/defender-representation",
)
PAST = AgreementCard(
    "ice-pars",
    "",
    "U.S. Immigration and Customs Enforcement",
    "City of Philadelphia",
    11,
    "ended",
    ("enforcement", "removal"),
    datetime(2017, 9, 1, 4, tzinfo=UTC),
    datetime(2018, 9, 1, 4, tzinfo=UTC),
    "America/New_York",
    VERSIONS,
    "/public/agreements/ice-pars",
)

PLAIN = (
    Section(
        "who",
        "Who shares with whom, and for what",
        ("This is version 2 of the agreement `ice-felony`.",),
        ("Provider: city-of-philadelphia", "Recipient: ice"),
    ),
    Section(
        "grant-1",
        "What is shared",
        (
            "About the person arrested, for felony-warrant.",
            "Shown: name, date of birth (the year only), Social Security number (the last four digits), charges and bail.",
            "Only when all of this is known to be so:",
        ),
        ("grade of a charge is F1, F2 or F3", "the arrest is no older than 30 days"),
    ),
    Section(
        "not-shared", "What is not shared", (), ("Nothing about victims of a crime or witnesses of a crime",)
    ),
)
SOURCE = '[agreement]\nid = "ice-felony"\nprovider = "city-of-philadelphia"\nrecipient = "ice"\nlegal_basis = "18 Pa.C.S. ch. 91; CJIS Security Policy 5.1.1"\n\n[term]\nfrom = 2026-11-01\nthrough = 2026-12-03\nzone = "America/New_York"\n\n[[grant]]\nabout = "arrestee"\npurposes = ["felony-warrant"]\nshow = { name = "whole", birth_date = "year", ssn = "last4", charges = "whole", bail = "whole" }\nfind_by = [["name", "birth_date"], ["sid"], ["docket"]]\n'
FINGERPRINT = "5f16" * 16
BALLOTS = (
    BallotView(
        "police",
        "enact",
        "no",
        NOW - timedelta(days=21, hours=2),
        True,
        1,
        "",
        "",
        1,
        NOW + timedelta(days=9),
        "replaced",
        False,
    ),
    BallotView(
        "police",
        "enact",
        "yes",
        NOW - timedelta(days=21),
        True,
        2,
        "",
        "",
        1,
        NOW + timedelta(days=9),
        "counts",
        False,
    ),
    BallotView(
        "district-attorney",
        "enact",
        "no",
        NOW - timedelta(days=21),
        False,
        3,
        EVIL + ", First Assistant",
        FINGERPRINT,
        1,
        NOW + timedelta(days=9),
        "counts",
        False,
    ),
    BallotView(
        "courts",
        "enact",
        "yes",
        NOW - timedelta(days=20, hours=5),
        False,
        4,
        "President Judge (invented)",
        FINGERPRINT,
        1,
        NOW + timedelta(days=9),
        "counts",
        False,
    ),
    BallotView(
        "courts",
        "end",
        "yes",
        NOW - timedelta(days=1),
        True,
        5,
        "",
        "",
        2,
        NOW + timedelta(days=9),
        "not_logged",
        True,
    ),
)
ROUNDS = (
    RoundView(
        "enact",
        1,
        "solicitor",
        NOW - timedelta(days=22),
        NOW + timedelta(days=8),
        "carried",
        NOW - timedelta(days=20, hours=5),
    ),
    RoundView(
        "end", 1, "courts", NOW - timedelta(days=15), NOW - timedelta(days=5), "lost", NOW - timedelta(days=5)
    ),
    RoundView("end", 2, "police", NOW - timedelta(days=2), NOW + timedelta(days=28), "pending", None),
)
VIEW = AgreementView(
    CARD, "", "8c6f0f8f1d2a7c9b4e3d2c1b0a9f8e7d6c5b4a39281706f5e4d3c2b1a0f9e8d7", PLAIN,
    BALLOTS, ROUNDS,
    (EventView("proposed", NOW - timedelta(days=22), "City Solicitor", "Amend, round 2, decided by the rules of version 2. Open until Dec 26, 2026, 11:52 AM EST.", ""), EventView("notice", NOW - timedelta(days=20), "City Solicitor", "To end at Dec 26, 2026, 11:52 AM EST.", "the purpose is met"), EventView("started", NOW - timedelta(days=20), "by its own term", "", "")),
    SOURCE, True, False,
)  # fmt: skip

VOTE = VoteView(
    "ice-felony", 3, "Felony warrants, " + EVIL, "ice", VIEW.hash, "amend", ASKED[Question.AMEND], 2, "solicitor", NOW - timedelta(days=3),
    NOW + timedelta(days=4, hours=7), "It is carried if 2 of 3 say yes.", "An owner who has said nothing by then counts as a no.", 2,
    (Voice("courts", "", False), Voice("district-attorney", "yes", True), Voice("police", "no", False)), PLAIN, BALLOTS,
)  # fmt: skip

CHECKPOINT = "openpars.invalid/city/disclosures\n1204\nmZ6zGqWQFkHOxCBoVUyGR0c6V0Nf4n3jGBrR6fVAFzA=\n\n\N{EM DASH} openpars.invalid/city/disclosures 5R7vhqk5cmQp9gQzQn0qfYVt5Jp6p5r1XcTg6S5V7d3m0nqg0mCq3wqQ1rM8k2dF0b1qk7uXcTg6S5V7d3m0nqg==\n"
TREE = TreeView(1204, "mZ6zGqWQFkHOxCBoVUyGR0c6V0Nf4n3jGBrR6fVAFzA=", CHECKPOINT)

MINE = MyAgreement(
    "ice-felony", "City of Philadelphia and U.S. Immigration and Customs Enforcement", 2, NOW + timedelta(days=12, hours=4),
    (PurposeChoice("felony-warrant", "Felony warrant"), PurposeChoice("other-case", "Another case")), "felony-warrant",
    (KeyChoice(0, "Name and date of birth", ("name", "birth_date")), KeyChoice(1, "State identification number", ("sid",)), KeyChoice(2, "Docket number", ("docket",))),
    ("name", "year of birth", "SSN (last four)", "charges", "bail"), True, True, True, PLAIN,
)  # fmt: skip
RECORDS = (
    RecordView("9f" * 16, "Ana Doe", (Fact("Name", "Ana Doe"), Fact("Date of birth", "1990 (year only)"), Fact("SSN", "ends in 3456"), Fact("Bail", "Monetary, $25,000, 10 percent deposit")), (("Aggravated Assault - Attempts to cause SBI", "18 § 2702 §§ A1, F1, approved"), (EVIL, "F3, approved"))),
)  # fmt: skip
STAFF_DESKS = tuple(
    DemoDesk(k, k, "", f"/sign-in/{k}")
    for k in ("police", "district-attorney", "courts", "solicitor", "auditor", "records")
)
OUTSIDE = (
    DemoDesk("ice", "U.S. Immigration and Customs Enforcement", "", "/sign-in/ice"),
    DemoDesk("defender", "Defender Association", "", "/sign-in/d"),
    DemoDesk("fbi", "Federal Bureau of Investigation", "", "/sign-in/f"),
)


CERTIFICATES = tuple(
    Kept(
        "ice-felony",
        1,
        name,
        says,
        answer,
        "z3 5.4.1" if answer else None,
        datetime(2025, 9, 1, tzinfo=UTC),
        name != "bars-respected",
    )
    for name, says, answer in (
        ("no-juveniles", "no row is ever from the file of somebody under 18 on the day of arrest", "unsat"),
        ("no-victims-or-witnesses", "no row is ever about a victim or a witness of a crime", "sat"),
        ("no-sweep-by-origin", "nobody can be looked for, watched or sorted by country of birth", None),
        ("bars-respected", "no row is made about a person whom a bar takes out at that instant", "unsat"),
    )
)


_EXAMPLE = """date of birth (month and year) of the person arrested is shown.
invented file: open
  person arrested: Ana Doe, birth date 1990-03-04
  charge: aggravated assault, grade F1, approved
  asked: Tuesday, October 7, 2025, 10:00 (EDT)
requests:
  1. search for felony-warrant by name Ana Doe and date of birth 1990-03-04
answered, about the person arrested: date of birth 1990-03"""
CHANGED = PlainChanges(
    1,
    "made",
    (
        Group("visible", (Said("date of birth (month and year)", _EXAMPLE), Said(EVIL, EVIL))),
        Group("permitted", (Said("100 records in answer to one search, where there were 50", ""),)),
    ),
    (Group("findable", (Said("a search by name and date of birth", _EXAMPLE),)),),
    ("another wording of the title",),
)


def around(lang: str) -> dict[str, object]:
    """What stands around an agreement's text on its public page, with every mark and standing there is."""
    began, ends = datetime(2025, 9, 1, 4, tzinfo=UTC), datetime(2026, 9, 1, 4, tzinfo=UTC)
    events = [
        Event("started", began, "term"),
        Event("suspended", began + timedelta(days=60), "police", "audit"),
        Event("resumed", began + timedelta(days=90), "police"),
        Event("letter_served", began + timedelta(days=100), "solicitor"),
        Event("warning", ends - timedelta(days=120), "clock"),
        Event("notice", ends - timedelta(days=100), "solicitor"),
        Event("ended", ends - timedelta(days=40), "notice"),
    ]
    entry = Entry(
        "ice-felony", 1, "city-of-philadelphia", "ice", "ended", "0" * 64, began, ends,
        ends - timedelta(days=40), False, "", None, None, None, (), tuple(events), (),
    )  # fmt: skip
    coming = replace(
        entry,
        version=2,
        state="proposed",
        begins=ends,
        ends=ends + timedelta(days=365),
        ended_at=None,
        events=(),
    )
    day = began.date()
    letters = tuple(
        PublicLetter(
            n, kind, day, day if asked else None, day if standing == "replied" else None, standing, late, href
        )
        for n, kind, asked, standing, late, href in (
            (4, "notice", False, "served", False, ""),
            (3, "breach", True, "overdue", False, ""),
            (2, "inquiry", True, "replied", True, "/public/agreements/ice-felony/letters/2"),
            (1, "renewal", True, "served", False, ""),
        )
    )
    lines = (
        Change("gap", ""),
        Change("same", "[[grant]]"),
        Change("out", 'show = { ssn = "last4" }'),
        Change("in", f'show = {{ name = "{EVIL}" }}'),
    )
    return {
        "plain_changes": CHANGED,
        "pictures": pictures(
            [entry, coming], ["ended", "proposed"], datetime(2026, 11, 22, tzinfo=UTC), Words(lang)
        ),
        "letters": letters,
        "changes": Changes(1, lines),
        "stops": Counts(90, 0, 2, 0),
    }
