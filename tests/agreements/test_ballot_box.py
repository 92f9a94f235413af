# SPDX-License-Identifier: Apache-2.0
"""Which ballot goes into the box: every refusal word for word, every bound at its very instant."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from openpars.agreements.ballots import Ballot, BallotKey, Choice, Count, Outcome, Question, Round
from openpars.agreements.bars import Switched, bars_for, version_of
from openpars.agreements.language.text import read
from openpars.agreements.model import Version
from openpars.agreements.votes.ballot_box import (
    Asked,
    checked,
    in_round,
    may_carry,
    needs_key,
    open_round_of,
    open_to_votes,
    overdue,
    takes_place,
    told,
    verified,
)
from openpars.errors import Code, Refused
from tests.agreements.delegates import PROVIDER, Delegate
from tests.agreements.worlds import NOON

ID, TEXT = "ice-felony-warrant", "ab" * 32
WARRANT = (Path(__file__).parents[2] / "examples" / "agreements" / f"{ID}.toml").read_text(encoding="utf-8")
TICK = timedelta(microseconds=1)
ENACT, RENEW, END, AMEND = Question
YES, NO, ABSTAIN = Choice
POLICE, COURTS = (
    Delegate(who, f"the {who}", Ed25519PrivateKey.from_private_bytes(bytes([n] * 32)))
    for n, who in ((1, "police"), (2, "courts"))
)
ROUND = Round(ID, 2, RENEW, 3, 1, "solicitor", NOON - timedelta(days=1), NOON + timedelta(days=1))
ASKED = Asked(ID, 2, "police", RENEW, YES, TEXT, NOON + timedelta(days=7), "c2ln", 3, "cd" * 32)
BALLOT = Ballot("police", ID, 2, TEXT, RENEW, YES, NOON + timedelta(days=7), NOON, "c2ln", 3, "cd" * 32)


def refusal(what: Callable[..., object], *values: Any, **more: Any) -> tuple[Code, str, str | None]:
    with pytest.raises(Refused) as caught:
        what(*values, **more)
    found = caught.value.refusal
    return found.code, found.detail, found.field


@pytest.mark.parametrize(
    ("state", "to_vote", "to_end"),
    [
        ("proposed", True, False),
        ("rejected", False, False),
        ("balloted", False, True),
        ("in_force", False, True),
        ("suspended", False, True),
        ("superseded", False, False),
        ("ended", False, False),
    ],
)
def test_what_can_be_voted_on_in_each_state(state: str, to_vote: bool, to_end: bool) -> None:
    decided = (Code.CONFLICT, "this version is already decided", "version")
    nothing = (Code.CONFLICT, "this version is not in force, so there is nothing to end", "version")
    for question in Question:
        if to_end if question is END else to_vote:
            open_to_votes(state, question)
        else:
            assert refusal(open_to_votes, state, question) == (nothing if question is END else decided)


def version(text: str = WARRANT, *switched: Switched) -> Version:
    agreement = read(text).agreement
    assert agreement is not None
    return replace(version_of(agreement), bars=bars_for(PROVIDER, "ice", switched))


def test_no_vote_carries_what_a_bar_leaves_nothing_of() -> None:
    on = datetime(2026, 9, 1, tzinfo=UTC)
    switched = version(WARRANT, Switched("ordinances-2026", on=True, at=on))
    off = version(
        WARRANT,
        Switched("ordinances-2026", on=True, at=on),
        Switched("ordinances-2026", on=False, at=on + timedelta(days=9)),
    )
    for demo in (True, False):
        code, detail, field = refusal(may_carry, switched, ENACT, on, demo=demo)
        assert (code, field) == (Code.CONFLICT, "version")
        (bar,) = [bar for bar in switched.bars if bar.id == "ordinances-2026"]
        assert detail == f"no vote can make this text share anything: {bar.cited}"
        may_carry(switched, END, on, demo=demo)
        may_carry(off, ENACT, on + timedelta(days=9), demo=demo)


def test_outside_demo_mode_no_vote_carries_what_leaves_out_a_topic() -> None:
    short = version(WARRANT.replace("training = ", "# training = ").replace("audit = ", "# audit = "))
    missing = [topic for topic in ("audit", "training") if topic not in dict(short.agreement.cjis)]
    assert missing == ["audit", "training"]
    for question in (ENACT, RENEW, AMEND):
        code, detail, field = refusal(may_carry, short, question, NOON, demo=False)
        assert (code, field) == (Code.CONFLICT, "version")
        assert detail == "[cjis] of this text does not cover: audit, training"
        may_carry(short, question, NOON, demo=True)
        may_carry(version(), question, NOON, demo=False)
    may_carry(short, END, NOON, demo=False)


def test_only_the_last_round_of_a_matter_can_be_open() -> None:
    lost = replace(ROUND, outcome=Outcome.LOST, number=2)
    assert open_round_of(()) is None
    assert open_round_of((lost, ROUND)) is ROUND
    assert open_round_of((ROUND, lost)) is None
    for outcome in (Outcome.CARRIED, Outcome.LOST, Outcome.VOID):
        assert open_round_of((replace(ROUND, outcome=outcome),)) is None


def test_when_a_round_is_to_be_closed() -> None:
    instants = (NOON, ROUND.closes_at - TICK, ROUND.closes_at, ROUND.closes_at + TICK)
    for state in ("proposed", "rejected", "balloted", "in_force", "suspended"):
        assert [overdue(ROUND, state, now) for now in instants] == [False, False, True, True]
    for state in ("ended", "superseded"):
        assert [overdue(ROUND, state, now) for now in instants] == [True] * 4


def test_a_ballot_is_of_the_round_that_is_open_and_in_time() -> None:
    in_round(ASKED, ROUND, RENEW, 1, NOON)
    in_round(replace(ASKED, round=None), ROUND, RENEW, 1, NOON)
    in_round(ASKED, ROUND, RENEW, 1, ROUND.closes_at - TICK)
    another = (Code.CONFLICT, "this ballot is of another round than the one that is open", "round")
    for number in (0, 2, 4):
        assert refusal(in_round, replace(ASKED, round=number), ROUND, RENEW, 1, NOON) == another
    closed = (Code.CONFLICT, "this round is closed: who was silent has been silent", "round")
    for now in (ROUND.closes_at, ROUND.closes_at + TICK):
        assert refusal(in_round, ASKED, ROUND, RENEW, 1, now) == closed
    changed = (
        Code.CONFLICT,
        "what is in force has changed since this was asked: it must be asked again",
        "question",
    )
    for question, rules in ((AMEND, 1), (RENEW, 2), (RENEW, 0)):
        assert refusal(in_round, ASKED, ROUND, question, rules, NOON) == changed


def test_a_ballot_as_it_is_kept() -> None:
    for demo in (True, False):
        assert checked(ASKED, ROUND, TEXT, NOON, demo=demo) == BALLOT
    bare = replace(ASKED, hash=None, round=None, expires=None, signature=None, key=None)
    kept = replace(BALLOT, expires=NOON + timedelta(days=30), signature=None, key=None)
    assert checked(bare, ROUND, TEXT, NOON, demo=True) == kept


def test_what_a_ballot_must_say() -> None:
    other = (
        Code.INVALID,
        "the ballot is not for this text: `hash` must be the version's hash",
        "hash",
    )
    for demo in (True, False):
        assert refusal(checked, replace(ASKED, hash="cd" * 32), ROUND, TEXT, NOON, demo=demo) == other
    assert refusal(checked, replace(ASKED, hash=None), ROUND, TEXT, NOON, demo=False) == other
    assert refusal(checked, replace(ASKED, round=None), ROUND, TEXT, NOON, demo=False) == (
        Code.INVALID,
        "a signed ballot names its round",
        "round",
    )


def test_for_how_long_a_ballot_may_count() -> None:
    wrong = (
        Code.INVALID,
        "`expires` must be an instant with an offset, within the next year",
        "expires",
    )
    year = NOON + timedelta(days=366)
    for demo in (True, False):
        for good in (NOON + TICK, year):
            assert checked(replace(ASKED, expires=good), ROUND, TEXT, NOON, demo=demo).expires == good
        for bad in (NOON - TICK, NOON, year + TICK, (NOON + timedelta(days=7)).replace(tzinfo=None)):
            found = refusal(checked, replace(ASKED, expires=bad), ROUND, TEXT, NOON, demo=demo)
            assert found == wrong
    assert refusal(checked, replace(ASKED, expires=None), ROUND, TEXT, NOON, demo=False) == wrong


def test_only_a_demos_ballot_that_claims_no_signature_goes_without_a_key() -> None:
    bare = replace(BALLOT, signature=None, key=None)
    half = (replace(BALLOT, signature=None), replace(BALLOT, key=None), BALLOT)
    assert [needs_key(one, demo=True) for one in (bare, *half)] == [False, True, True, True]
    assert [needs_key(one, demo=False) for one in (bare, *half)] == [True, True, True, True]


def key_of(delegate: Delegate) -> BallotKey:
    new = delegate.new()
    since = NOON - timedelta(days=1)
    return BallotKey(
        delegate.id,
        PROVIDER,
        delegate.stakeholder,
        delegate.label,
        delegate.public,
        new.proof,
        None,
        None,
        since,
    )


KEYS = {one.id: key_of(one) for one in (POLICE, COURTS)}


def unverified(ballot: Ballot, keys: dict[str, BallotKey] = KEYS) -> tuple[str, str | None]:
    code, detail, field = refusal(verified, ballot, keys)
    assert code is Code.INVALID
    return detail, field


def test_a_signature_is_by_a_key_of_the_stakeholder_that_holds() -> None:
    good = POLICE.signed(BALLOT)
    verified(good, KEYS)
    assert unverified(replace(good, signature=None)) == (
        "a ballot must be signed with the stakeholder's own key",
        "signature",
    )
    assert unverified(replace(good, key=None)) == (
        "name the key it is signed with: `key` is its fingerprint",
        "signature",
    )
    for keys in ({}, {COURTS.id: KEYS[COURTS.id]}):
        assert unverified(good, keys) == ("no such ballot key is registered", "key")
    assert unverified(COURTS.signed(BALLOT)) == ("this is the key of another stakeholder", "key")
    gone = replace(KEYS[POLICE.id], revoked_at=NOON, revoked_by="police", revoked_why="lost")
    assert unverified(good, {POLICE.id: gone}) == ("this key is revoked", "key")
    verified(good, {POLICE.id: replace(gone, revoked_at=NOON + TICK)})
    for other in (replace(good, choice=NO), replace(good, signature=COURTS.signed(BALLOT).signature)):
        assert unverified(other) == ("the signature is not this key's over this statement", "signature")


def test_which_earlier_ballot_gives_way() -> None:
    assert takes_place(BALLOT, []) is False
    assert takes_place(BALLOT, [replace(BALLOT, choice=NO)])
    # To enact, to renew and to amend are one matter by three words; to end is another.
    assert takes_place(BALLOT, [replace(BALLOT, question=AMEND)])
    assert takes_place(BALLOT, [replace(BALLOT, question=END)]) is False
    for other in (replace(BALLOT, stakeholder="courts"), replace(BALLOT, round=2)):
        assert takes_place(BALLOT, [other]) is False
        assert takes_place(BALLOT, [other, BALLOT])
    ended = replace(BALLOT, question=END)
    assert (takes_place(ended, [ended]), takes_place(ended, [BALLOT])) == (True, False)


def test_a_count_in_words() -> None:
    assert told(Count(Outcome.LOST, 1, 2, 3, ("a", "b", "c", "d"))) == "yes 1, no 2, abstain 3, silent 4"
