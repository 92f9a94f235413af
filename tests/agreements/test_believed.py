# SPDX-License-Identifier: Apache-2.0
"""Which ballots and keys are to be believed; and that any order gives one outcome."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given, settings
from hypothesis import strategies as st

from openpars.agreements.ballots import (
    LONGEST,
    Ballot,
    BallotKey,
    Choice,
    Doubt,
    Logged,
    Outcome,
    Question,
    Round,
    answers,
    ballot_digest,
    believed,
    closing,
    count,
    doubt,
    fingerprint,
    good_keys,
    key_digest,
    key_statement,
    public_bytes,
    public_text,
    question_of,
    revocation_digest,
    rule_for,
    signed,
    statement,
)
from openpars.agreements.language.text import read
from openpars.agreements.model import DAYS_TO_VOTE, Decision, Silence
from openpars.errors import Code, Refused
from tests.agreements.delegates import PROVIDER, Delegate
from tests.agreements.worlds import NOON, OWNERS

TEXT = "ab" * 32
YES, NO, ABSTAIN = Choice
MINUTE = timedelta(minutes=1)
POLICE, COURTS = (
    Delegate(who, f"the {who}", Ed25519PrivateKey.from_private_bytes(bytes([n] * 32)))
    for n, who in ((1, "police"), (2, "courts"))
)
DEPUTY = Delegate("police", "a deputy", Ed25519PrivateKey.from_private_bytes(bytes([3] * 32)))


def key_of(
    delegate: Delegate, endorser: Delegate | None = None, *, minutes: int = -60, **more: Any
) -> BallotKey:
    new = delegate.new(endorser)
    return BallotKey(
        delegate.id,
        PROVIDER,
        delegate.stakeholder,
        delegate.label,
        delegate.public,
        new.proof,
        new.endorsed_by,
        new.endorsement,
        NOON + minutes * MINUTE,
    )


def revoked(key: BallotKey, minutes: int) -> BallotKey:
    return replace(key, revoked_at=NOON + minutes * MINUTE, revoked_by=key.stakeholder, revoked_why="lost")


def cast(who: str = "police", choice: Choice = YES, *, minutes: int = 0, **more: Any) -> Ballot:
    at = NOON + minutes * MINUTE
    values: dict[str, Any] = {"expires": at + timedelta(days=30), **more}
    return Ballot(who, "ice-pars", 2, TEXT, Question.RENEW, choice, at=at, **values)


def log_of(*things: Ballot | BallotKey) -> Logged:
    digests = [ballot_digest(one) if isinstance(one, Ballot) else key_digest(one) for one in things]
    gone = [one for one in things if isinstance(one, BallotKey) and one.revoked_at is not None]
    return Logged(
        frozenset([*digests, *(revocation_digest(one) for one in gone)]), frozenset(one.id for one in gone)
    )


# ------------------------------------------------------------------ what is signed, letter by letter


def test_the_statement_letter_by_letter() -> None:
    one = cast(key=POLICE.id, round=3, expires=datetime(2026, 12, 1, 17, tzinfo=UTC))
    assert statement(one) == (
        "OpenPARS ballot v1\nagreement: ice-pars\nversion: 2\n"
        f"hash: {TEXT}\nquestion: renew\nround: 3\nstakeholder: police\nkey: {POLICE.id}\n"
        "choice: yes\nexpires: 2026-12-01T17:00:00Z\n"
    )
    assert "\nkey: unsigned\n" in statement(cast())
    assert len({statement(replace(one, **change)) for change in ({}, {"round": 4}, {"key": COURTS.id})}) == 3


def test_the_statement_of_a_key_letter_by_letter() -> None:
    public = bytes(range(32))
    text = "ed25519:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
    assert key_statement(provider="a-city", stakeholder="courts", label="Judge X", public_key=public) == (
        f"OpenPARS ballot key v1\nprovider: a-city\nstakeholder: courts\nlabel: Judge X\npublic key: {text}\n"
    )
    assert public_text(public) == text
    assert public_bytes(text) == public
    assert fingerprint(public) == hashlib.sha256(public).hexdigest()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ed25519:",
        "ed25519:AAAA",
        "rsa:" + "A" * 43 + "=",
        "A" * 43 + "=",
        "ed25519:" + "é" * 44,
        "ed25519:!",
    ],
)
def test_what_is_no_public_key(text: str) -> None:
    assert public_bytes(text) is None


def test_digests_take_in_everything_that_is_kept() -> None:
    one = POLICE.signed(cast())
    changes: list[dict[str, Any]] = [
        {"choice": NO},
        {"at": one.at + timedelta(microseconds=1)},
        {"signature": None},
        {"key": None},
        {"round": 2},
        {"expires": one.expires + timedelta(microseconds=1)},
    ]
    assert len({ballot_digest(one), *(ballot_digest(replace(one, **change)) for change in changes)}) == 7
    key = revoked(key_of(DEPUTY, POLICE), 5)
    changes = [
        {"label": "x"},
        {"provider": "x"},
        {"stakeholder": "courts"},
        {"public_key": COURTS.public},
        {"proof": "x"},
        {"endorsed_by": COURTS.id},
        {"endorsement": "x"},
        {"since": key.since + timedelta(microseconds=1)},
    ]
    assert len({key_digest(key), *(key_digest(replace(key, **change)) for change in changes)}) == 9
    assert key_digest(replace(key, revoked_at=None)) == key_digest(key), "as it was registered"
    changes = [{"id": "x"}, {"revoked_at": None}, {"revoked_by": "x"}, {"revoked_why": "x"}]
    assert len({revocation_digest(key), *(revocation_digest(replace(key, **c)) for c in changes)}) == 5
    at = '"2026-11-21T12:05:00Z"'
    raw = f'["revoked","{DEPUTY.id}",{at},"police","lost"]'.encode()
    assert revocation_digest(key) == hashlib.sha256(raw).hexdigest()


def test_signatures() -> None:
    good = POLICE.sign("a message")
    assert signed(POLICE.public, good, "a message")
    for key, signature, message in [
        (POLICE.public, good, "another"),
        (COURTS.public, good, "a message"),
        (POLICE.public, None, "a message"),
        (POLICE.public, "", "a message"),
        (POLICE.public, good[:-4], "a message"),
        (POLICE.public, "é", "a message"),
        (POLICE.public, good + "\n", "a message"),
        (b"short", good, "a message"),
    ]:
        assert not signed(key, signature, message)


SMALL = [
    bytes((*point[:-1], point[-1] | sign))
    for point in (
        *(number.to_bytes(32, "little") for number in (0, 1, 2**255 - 20, 2**255 - 19, 2**255 - 18)),
        bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
        bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"),
    )
    for sign in (0, 0x80)
]


def passes(key: bytes, signature: bytes, message: str) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message.encode())
    except InvalidSignature:
        return False
    return True


@pytest.mark.parametrize("key", SMALL, ids=bytes.hex)
def test_no_signature_counts_for_which_anybody_could_make_one(key: bytes) -> None:
    """A and R are points of small order, S is 0: one of a few such signatures verifies, whatever is said."""
    forged = [
        (signature, message)
        for message in map(str, range(20))
        for signature in (point + bytes(32) for point in SMALL)
        if passes(key, signature, message)
    ]
    assert forged, "the library lets them pass"
    assert not any(signed(key, base64.b64encode(one).decode(), message) for one, message in forged)


# ------------------------------------------------------------------ which keys are believed


def test_a_founding_key_and_those_it_vouches_for() -> None:
    keys = [key_of(POLICE), key_of(COURTS), key_of(DEPUTY, POLICE, minutes=-30)]
    for order in (keys, keys[::-1]):
        assert set(good_keys(order, log_of(*keys))) == {POLICE.id, COURTS.id, DEPUTY.id}
    assert good_keys(keys, log_of(*keys))[DEPUTY.id] == keys[2]


@pytest.mark.parametrize(
    "wrong",
    [
        key_of(DEPUTY, minutes=-30),
        key_of(DEPUTY, COURTS, minutes=-30),
        replace(key_of(DEPUTY, POLICE, minutes=-30), endorsement=POLICE.sign("something")),
        replace(key_of(DEPUTY, POLICE, minutes=-30), endorsement=None),
        replace(key_of(DEPUTY, POLICE, minutes=-30), endorsed_by=COURTS.id),
        replace(key_of(DEPUTY, POLICE, minutes=-30), proof=POLICE.sign(DEPUTY.registration())),
        replace(key_of(DEPUTY, POLICE, minutes=-30), id="ab" * 32),
        replace(key_of(DEPUTY, POLICE, minutes=-30), label="another"),
        replace(key_of(DEPUTY, POLICE, minutes=-30), provider="another-city"),
        replace(key_of(DEPUTY, POLICE, minutes=-30), stakeholder="courts"),
    ],
)
def test_a_key_that_nobody_vouches_for(wrong: BallotKey) -> None:
    keys = [key_of(POLICE), key_of(COURTS), wrong]
    assert set(good_keys(keys, log_of(*keys))) == {POLICE.id, COURTS.id}


def test_a_key_founds_where_none_holds() -> None:
    gone = revoked(key_of(POLICE), -40)
    again = key_of(DEPUTY, minutes=-30)
    assert set(good_keys([gone, again], log_of(gone, again))) == {POLICE.id, DEPUTY.id}
    # A revoked key vouches for nobody, not even where there is no other.
    late = key_of(DEPUTY, POLICE, minutes=-30)
    assert set(good_keys([gone, late], log_of(gone, late))) == {POLICE.id}
    at_once = key_of(DEPUTY, POLICE, minutes=-40)
    assert set(good_keys([gone, at_once], log_of(gone, at_once))) == {POLICE.id}
    # Another city's key is no key of this stakeholder.
    elsewhere = replace(key_of(POLICE), provider="another-city")
    said = key_statement(
        provider="another-city", stakeholder="police", label=POLICE.label, public_key=POLICE.public
    )
    elsewhere = replace(elsewhere, proof=POLICE.sign(said))
    assert set(good_keys([elsewhere, again], log_of(elsewhere, again))) == {POLICE.id, DEPUTY.id}


def test_a_key_that_was_never_logged_or_whose_revocation_is_gone() -> None:
    key = key_of(POLICE)
    assert good_keys([key], log_of()) == {}
    assert good_keys([key], Logged(frozenset({key_digest(key)}), frozenset({POLICE.id}))) == {}
    gone = revoked(key, 0)
    assert set(good_keys([gone], log_of(gone))) == {POLICE.id}


def test_when_a_key_holds() -> None:
    key = revoked(key_of(POLICE, minutes=0), 2)
    held = [key.holds(NOON + minutes * MINUTE) for minutes in (-1, 0, 1, 2, 3)]
    assert held == [False, True, True, False, False]
    assert replace(key, revoked_at=None).holds(NOON + timedelta(days=9999))


# ------------------------------------------------------------------ which ballots are believed

KEYS = [key_of(POLICE), key_of(COURTS)]


def why(
    ballot: Ballot, *, keys: list[BallotKey] | None = None, demo: bool = False, log: bool = True
) -> Doubt | None:
    held = KEYS if keys is None else keys
    logged = log_of(*held, *([ballot] if log else []))
    good = good_keys(held, logged)
    return doubt(ballot, good, logged, provider=PROVIDER, text_hash=TEXT, demo=demo)


def test_doubts() -> None:
    good = POLICE.signed(cast())
    assert why(good) is None
    assert why(good, log=False) is Doubt.NOT_LOGGED
    assert why(cast()) is Doubt.UNSIGNED
    assert why(cast(), demo=True) is None
    assert why(cast(), demo=True, log=False) is Doubt.NOT_LOGGED
    assert why(replace(good, key=None), demo=True) is Doubt.UNKNOWN_KEY
    assert why(replace(good, signature=None), demo=True) is Doubt.BAD_SIGNATURE
    assert why(DEPUTY.signed(cast())) is Doubt.UNKNOWN_KEY
    assert why(POLICE.signed(cast("courts"))) is Doubt.OTHER_BODY
    assert why(replace(good, choice=NO)) is Doubt.BAD_SIGNATURE
    assert why(POLICE.signed(replace(cast(), hash="cd" * 32))) is Doubt.OTHER_TEXT
    assert why(cast("nobody"), demo=True) is None, "whether a stakeholder votes is for `count` to say"
    for minutes, expected in ((1, None), (0, Doubt.REVOKED_KEY), (-1, Doubt.REVOKED_KEY)):
        assert why(good, keys=[revoked(KEYS[0], minutes)]) is expected
    assert why(POLICE.signed(cast(minutes=-61))) is Doubt.REVOKED_KEY
    other = {POLICE.id: replace(KEYS[0], provider="another-city")}
    logged = log_of(good)
    assert doubt(good, other, logged, provider=PROVIDER, text_hash=TEXT, demo=False) is Doubt.OTHER_BODY


def test_what_is_believed_ends_with_its_key() -> None:
    mine, bare = POLICE.signed(cast()), cast("courts")
    for minutes, ends in ((5, NOON + 5 * MINUTE), (99_999, mine.expires)):
        held = [revoked(KEYS[0], minutes), KEYS[1]]
        logged = log_of(*held, mine)
        found = believed(
            [mine, bare], good_keys(held, logged), logged, provider=PROVIDER, text_hash=TEXT, demo=False
        )
        assert found == (replace(mine, expires=ends),)
    logged = log_of(*KEYS, mine, bare)
    everything = believed(
        [mine, bare], good_keys(KEYS, logged), logged, provider=PROVIDER, text_hash=TEXT, demo=True
    )
    assert everything == (mine, bare)


# ------------------------------------------------------------------ questions and dates


def decision(rule: str = "2 of 3", silence: Silence = Silence.LAPSE, days: int = 10) -> Decision:
    return Decision(OWNERS, rule, rule, rule, rule, silence, days)


def test_each_question_has_its_rule() -> None:
    rules = Decision(OWNERS, "1 of 3", "2 of 3", "3 of 3", "consensus", Silence.LAPSE)
    assert rules.days_to_vote == DAYS_TO_VOTE
    wanted = {"enact": "1 of 3", "renew": "2 of 3", "end": "3 of 3", "amend": "consensus"}
    assert {q.value: rule_for(rules, q) for q in Question} == wanted


def test_a_ballot_answers_the_question_that_the_texts_make_it() -> None:
    for word in (Question.ENACT, Question.RENEW, Question.AMEND):
        one = replace(cast(), question=word)
        for asked in (Question.ENACT, Question.RENEW, Question.AMEND):
            assert answers(one, asked) == replace(one, question=asked)
        assert answers(one, Question.END) is None
        assert answers(replace(cast(), question=Question.END), word) is None
    assert answers(replace(cast(), question=Question.END), Question.END) is not None


def test_when_a_round_closes() -> None:
    far, near = NOON + timedelta(days=300), NOON + timedelta(days=3)

    def ends(wanted: datetime | None = None, *, at: datetime = far, asked: Question = Question.ENACT,
             silence: Silence = Silence.LAPSE) -> datetime:  # fmt: skip
        return closing(decision(silence=silence), asked, asked_at=NOON, ends=at, wanted=wanted)

    assert ends() == NOON + timedelta(days=10)
    assert ends(at=near) == near
    assert ends(NOON + MINUTE) == NOON + MINUTE
    assert ends(NOON + timedelta(days=200)) == NOON + timedelta(days=200)
    assert ends(NOON + LONGEST, at=NOON + 2 * LONGEST) == NOON + LONGEST
    assert ends(NOON + timedelta(days=200), at=near) == near
    for wrong in (NOON, NOON - MINUTE, NOON + LONGEST + MINUTE, datetime(2026, 12, 1)):  # noqa: DTZ001
        with pytest.raises(Refused) as caught:
            ends(wrong)
        refusal = caught.value.refusal
        assert (refusal.code, refusal.field) == (Code.INVALID, "closes")
        assert "within the next year" in refusal.detail
    goes_on = {"asked": Question.RENEW, "silence": Silence.CONTINUE}
    with pytest.raises(Refused) as caught:
        ends(NOON + timedelta(days=10) - MINUTE, **goes_on)  # type: ignore[arg-type]
    assert (caught.value.refusal.code, caught.value.refusal.field) == (Code.INVALID, "closes")
    assert "all 10 days" in caught.value.refusal.detail
    assert ends(NOON + timedelta(days=10), **goes_on) == NOON + timedelta(days=10)  # type: ignore[arg-type]
    with pytest.raises(Refused) as caught:
        ends(NOON + timedelta(days=10) - MINUTE, asked=Question.END)
    assert (caught.value.refusal.code, caught.value.refusal.field) == (Code.INVALID, "closes")
    assert "all 10 days" in caught.value.refusal.detail
    assert ends(NOON + timedelta(days=10), asked=Question.END) == NOON + timedelta(days=10)
    assert ends(near, at=near, asked=Question.END) == near
    assert ends(NOON + MINUTE, asked=Question.RENEW) == NOON + MINUTE
    assert ends(NOON + MINUTE, silence=Silence.CONTINUE) == NOON + MINUTE


def test_how_a_round_is_told() -> None:
    asked = Round("a", 2, Question.AMEND, 3, 1, "solicitor", NOON, datetime(2026, 12, 21, 12, tzinfo=UTC))
    assert asked.said == "amend, round 3, by the rules of version 1, until 2026-12-21T12:00:00Z"
    assert (asked.outcome, asked.decided_at) == (Outcome.PENDING, None)


# ------------------------------------------------------------------ any order, and against another counting


def last_words(ballots: list[Ballot], moment: datetime) -> dict[str, Choice]:
    """What everybody had said last at an instant, as far as it had not expired."""
    words = {}
    for one in sorted(ballots, key=lambda b: (b.at, b.choice.value, b.expires)):
        if one.at <= moment:
            words[one.stakeholder] = (one.choice, one.expires)
    return {who: choice for who, (choice, until) in words.items() if moment < until}


def decided(rule: str, voices: list[Choice | None]) -> Outcome:
    yes, silent = voices.count(YES), voices.count(None)
    if rule == "consensus" and NO in voices:
        return Outcome.LOST
    if rule == "consensus":
        return Outcome.PENDING if silent else Outcome.CARRIED if yes else Outcome.LOST
    if yes >= int(rule[0]):
        return Outcome.CARRIED
    return Outcome.PENDING if yes + silent >= int(rule[0]) else Outcome.LOST


def by_hand(rules: Decision, ballots: list[Ballot], at: datetime, closed: bool, round: int) -> Outcome:
    """The count of a renewal told another way: replay each instant, and ask what was said then."""
    rule = rules.renew
    own = [
        one
        for one in ballots
        if one.round == round
        and one.question is Question.RENEW
        and one.stakeholder in OWNERS
        and one.at <= at
    ]
    for moment in [*sorted({one.at for one in own}), at]:
        words = last_words(own, moment)
        found = decided(rule, [words.get(who) for who in OWNERS])
        if found is not Outcome.PENDING:
            return found
    if not closed:
        return Outcome.PENDING
    silence = YES if rules.silence is Silence.CONTINUE else NO
    words = last_words(own, at)
    return decided(rule, [words.get(who, silence) for who in OWNERS])


cases = st.lists(
    st.tuples(
        st.sampled_from([*OWNERS, "mayor"]),
        st.sampled_from(Choice),
        st.integers(0, 6),
        st.sampled_from([1, 1, 2]),
        st.sampled_from([1, 3, 60]),
        st.sampled_from([Question.RENEW, Question.RENEW, Question.END]),
    ),
    max_size=9,
)


@settings(max_examples=400, deadline=None)
@given(
    cases,
    st.sampled_from(["1 of 3", "2 of 3", "3 of 3", "consensus"]),
    st.sampled_from(Silence),
    st.booleans(),
    st.integers(0, 7),
    st.sampled_from([1, 2]),
    st.integers(0, 10**6),
)
def test_any_order_gives_one_outcome_and_the_right_one(
    given_cases: list[tuple[str, Choice, int, int, int, Question]],
    rule: str,
    silence: Silence,
    closed: bool,
    minutes: int,
    round: int,
    seed: int,
) -> None:
    ballots = [
        replace(
            cast(who, choice, minutes=at, round=number),
            expires=NOON + (at + life) * MINUTE,
            question=question,
        )
        for who, choice, at, number, life, question in given_cases
    ]
    shuffled = list(ballots)
    Random(seed).shuffle(shuffled)  # noqa: S311
    rules, at = decision(rule, silence), NOON + minutes * MINUTE
    first, second = (
        count(rules, Question.RENEW, one, at=at, closed=closed, round=round) for one in (ballots, shuffled)
    )
    assert first == second
    assert first.outcome is by_hand(rules, ballots, at, closed, round)
    assert (first.decided_at is None) == (first.outcome is Outcome.PENDING)
    if first.outcome is not Outcome.PENDING and first.decided_at is not None:
        # Counted again at its instant, it comes out the same.
        again = count(rules, Question.RENEW, ballots, at=first.decided_at, closed=closed, round=round)
        assert (again.outcome, again.decided_at) == (first.outcome, first.decided_at)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.sampled_from([0, 1]), st.sampled_from(Choice), st.integers(0, 6)), max_size=6),
       st.integers(0, 7), st.integers(0, 10**6))  # fmt: skip
def test_with_revoked_keys_too(said: list[tuple[int, Choice, int]], revoked_after: int, seed: int) -> None:
    delegates = (POLICE, COURTS)
    ballots = [
        delegates[n].signed(cast(delegates[n].stakeholder, choice, minutes=at)) for n, choice, at in said
    ]
    keys = [revoked(KEYS[0], revoked_after), KEYS[1]]
    logged = log_of(*keys, *ballots)
    shuffled = list(ballots)
    Random(seed).shuffle(shuffled)  # noqa: S311
    results = [
        count(
            decision(),
            Question.RENEW,
            believed(one, good_keys(order, logged), logged, provider=PROVIDER, text_hash=TEXT, demo=False),
            at=NOON + 7 * MINUTE,
        )
        for one, order in ((ballots, keys), (shuffled, keys[::-1]))
    ]
    assert results[0] == results[1]
    until = NOON + revoked_after * MINUTE
    live = [one for one in ballots if one.stakeholder == "courts" or one.at < until]
    cut = [replace(one, expires=until) if one.stakeholder == "police" else one for one in live]
    assert results[0].outcome is by_hand(decision(), cut, NOON + 7 * MINUTE, False, 1)


def test_the_count_tells_who_said_what() -> None:
    said = [cast("police", NO), cast("courts", ABSTAIN, minutes=1)]
    result = count(decision("3 of 3"), Question.RENEW, said[1:], at=NOON + 2 * MINUTE)
    assert (result.yes, result.no, result.abstain) == (0, 0, 1)
    assert result.silent == ("district-attorney", "police")
    assert result.decided_at == NOON + MINUTE
    result = count(decision(), Question.RENEW, said, at=NOON + 2 * MINUTE)
    assert (result.outcome, result.decided_at, result.no, result.silent) == (
        Outcome.LOST, NOON + MINUTE, 1, ("district-attorney",)
    )  # fmt: skip
    closed = count(decision(), Question.RENEW, said[:1], at=NOON + 3 * MINUTE, closed=True)
    assert (closed.outcome, closed.decided_at) == (Outcome.LOST, NOON + 3 * MINUTE)
    assert (closed.yes, closed.no, len(closed.silent)) == (0, 1, 2), "silence is told as silence"
    pending = count(decision(), Question.RENEW, said[:1], at=NOON + 3 * MINUTE)
    assert (pending.outcome, pending.decided_at) == (Outcome.PENDING, None)


def test_two_ballots_of_one_instant() -> None:
    """Under the lock it cannot happen; where it does the content decides, never the order."""
    both = [cast("police", YES), cast("police", NO)]
    results = {count(decision("1 of 3"), Question.RENEW, one, at=NOON).outcome for one in (both, both[::-1])}
    assert results == {Outcome.CARRIED}


def test_the_texts_make_the_question() -> None:
    file = Path(__file__).parents[2] / "examples" / "agreements" / "ice-felony-warrant.toml"
    text = read(file.read_bytes()).agreement
    assert text is not None
    later = replace(text, term=replace(text.term, ends=text.term.ends + timedelta(days=365)))
    assert question_of(text, None) is Question.ENACT
    assert question_of(later, text) is Question.RENEW
    assert question_of(text, text) is Question.RENEW
    assert question_of(replace(later, grants=()), text) is Question.AMEND
    assert question_of(replace(text, title="another"), text) is Question.AMEND


def test_a_ballot_is_over_at_the_instant_it_expires() -> None:
    one = cast(expires=NOON + MINUTE)
    assert count(decision(), Question.RENEW, [one], at=NOON + MINUTE - timedelta(microseconds=1)).yes == 1
    assert count(decision(), Question.RENEW, [one], at=NOON + MINUTE).yes == 0


def test_consensus_needs_somebody_who_says_yes() -> None:
    abstained = [cast(who, ABSTAIN) for who in OWNERS]
    assert count(decision("consensus"), Question.RENEW, abstained, at=NOON).outcome is Outcome.LOST
    one_yes = [*abstained[:2], cast(OWNERS[2], YES)]
    assert count(decision("consensus"), Question.RENEW, one_yes, at=NOON).outcome is Outcome.CARRIED
