# SPDX-License-Identifier: Apache-2.0
"""The owners' votes as pages of a running city: what is asked, voting in a demo, and what the public sees."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from tests.conftest import RunningCity
from tests.driver import Driver, agreement_text, unique
from tests.lives.test_life_of_a_ballot import key_of, run


@pytest.fixture
def desk(city: RunningCity) -> Iterator[dict[str, httpx.Client]]:
    """A browser's session at each desk."""
    links = json.loads((city.data_dir / "demo-keys.json").read_text(encoding="utf-8"))["links"]
    found = {}
    for role in ("police", "courts", "solicitor", "records"):
        found[role] = httpx.Client(
            base_url=city.base_url, follow_redirects=True, timeout=30, headers={"Origin": city.base_url}
        )
        found[role].get(f"/sign-in/{links[role]}")
    yield found
    for client in found.values():
        client.close()


def proposed(drive: Driver) -> str:
    text = agreement_text(unique("v"), purpose=unique("p"))
    made = drive.done(
        "solicitor", "POST", "/agreements", content=text, headers={"Content-Type": "application/toml"}
    )
    drive.ends_with_test(made["id"])
    return str(made["id"])


def test_voting_in_a_demonstration(drive: Driver, desk: dict[str, httpx.Client]) -> None:
    agreement = proposed(drive)
    page = desk["police"].get("/desk/votes")
    assert page.status_code == 200
    path = f"/desk/votes/{agreement}/1/enact"
    assert path in page.text
    one = desk["police"].get(path)
    assert "Yes (unsigned, demo)" in one.text
    assert f"openpars agreement ballot {agreement} enact yes" in one.text
    shown = one.text.split('name="hash" value="')[1].split('"')[0]
    form = {"choice": "yes", "hash": shown, "round": "1"}
    # A form of another text, of another round, of no choice: refused, and nothing is cast.
    for wrong in ({"hash": "ab" * 32}, {"round": "2"}, {"choice": "perhaps"}):
        desk["police"].post(path, data={**form, **wrong})
    assert drive.done(None, "GET", f"/agreements/{agreement}")["versions"][0]["ballots"] == []
    assert desk["police"].post(path, data=form).status_code == 200
    assert "Police: <strong>Yes</strong> (unsigned, demo)" in desk["police"].get(path).text
    assert "How to vote" not in desk["solicitor"].get(path).text
    assert desk["solicitor"].post(path, data=form).status_code in {403, 422}
    assert desk["records"].get("/desk/votes").status_code == 403
    assert desk["courts"].post(path, data=form).status_code == 200
    gone = desk["courts"].get(path)
    assert gone.status_code == 404
    assert "This question is not open" in gone.text


def test_the_register_shows_what_anybody_needs_to_check_a_ballot(
    drive: Driver, city: RunningCity, tmp_path: Path
) -> None:
    agreement = proposed(drive)
    here = ("--data-dir", city.data_dir, "--json")
    key = key_of(drive, city, tmp_path, "police")
    run("agreement", "ballot", agreement, "enact", "no", "--version", 1, "--sign-with", key, "--yes", *here)
    page = drive.http.get(f"/public/agreements/{agreement}").text
    assert "police delegate" in page
    assert "round 1" in page
    place = f"/public/agreements/{agreement}/1/ballots/1"
    files = {kind: drive.http.get(f"{place}.{kind}") for kind in ("txt", "sig")}
    (ballot,) = drive.done(None, "GET", f"/agreements/{agreement}")["versions"][0]["ballots"]
    pem = drive.http.get(f"/public/ballot-keys/{ballot['key']}.pem").content
    public = load_pem_public_key(pem)
    assert isinstance(public, Ed25519PublicKey)
    public.verify(files["sig"].content, files["txt"].content)
    assert base64.b64decode(ballot["signature"]) == files["sig"].content
    for name, content in (("k.pem", pem), ("b.txt", files["txt"].content), ("b.sig", files["sig"].content)):
        (tmp_path / name).write_bytes(content)
    words = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", "k.pem", "-rawin"]
    words += ["-in", "b.txt", "-sigfile", "b.sig"]
    assert all(word in page for word in words[:4]), "the page tells the command"
    if shutil.which("openssl") is not None:
        ran = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True)
        assert (ran.returncode, "Verified Successfully" in ran.stdout) == (0, True)
    for gone in (f"/public/agreements/{agreement}/1/ballots/9.txt", "/public/ballot-keys/x.pem"):
        assert drive.http.get(gone).status_code == 404
    assert "ronda 1" in drive.http.get(f"/public/agreements/{agreement}?lang=es").text
    for one in run("ballot-key", "list", *here)["keys"]:
        if one["revoked_at"] is None:
            run("ballot-key", "revoke", one["id"], "--reason", "end", "--as", one["stakeholder"], *here)


def shown(client: httpx.Client, path: str, words: str, seconds: float = 120.0) -> str:
    """The page, once it says these words: the worker works at its own pace."""
    until = time.monotonic() + seconds
    while words not in (page := client.get(path).text) and time.monotonic() < until:
        time.sleep(0.2)
    assert words in page
    return page


def test_what_a_proposed_text_changes_is_said_before_the_vote(
    drive: Driver, desk: dict[str, httpx.Client]
) -> None:
    agreement, purpose = unique("v"), unique("p")
    old = agreement_text(agreement, purpose=purpose)
    drive.enact(old)
    new = old.replace('birth_date = "year"', 'birth_date = "month"')
    assert new != old
    toml = {"Content-Type": "application/toml"}
    drive.done("solicitor", "POST", "/agreements", content=new, headers=toml)
    vote = shown(desk["police"], f"/desk/votes/{agreement}/2/amend", "invented file: open")
    assert "What changed since version 1" in vote
    assert "date of birth (year and month)" in vote
    public = drive.http.get(f"/public/agreements/{agreement}?version=2").text
    assert "New with this version" in public
    assert "date of birth (year and month)" in public
    assert "What it changes of version 1" in public, "the lines are there as before"
    asked = {"version": 1, "question": "end"}
    drive.done("police", "POST", f"/agreements/{agreement}/rounds", asked)
    end = desk["police"].get(f"/desk/votes/{agreement}/1/end").text
    assert "Shall this agreement end?" in end
    assert "What changed since" not in end
    spanish = drive.http.get(f"/public/agreements/{agreement}?version=2&lang=es").text
    assert "Qué cambió desde la versión 1" in spanish
    assert "What changed since" not in drive.http.get(f"/public/agreements/{agreement}?version=1").text


def test_the_end_of_a_changed_agreement_is_a_question_of_its_own(
    drive: Driver, desk: dict[str, httpx.Client]
) -> None:
    """It shows neither what the text changed once nor the ballots that once let it in."""
    agreement, purpose = unique("v"), unique("p")
    old = agreement_text(agreement, purpose=purpose)
    drive.enact(old)
    drive.enact(old.replace('birth_date = "year"', 'birth_date = "month"'))
    shown(drive.http, f"/public/agreements/{agreement}?version=2", "What changed since version 1")
    drive.done("police", "POST", f"/agreements/{agreement}/rounds", {"version": 2, "question": "end"})
    end = desk["police"].get(f"/desk/votes/{agreement}/2/end").text
    assert "Shall this agreement end?" in end
    assert "What changed since" not in end
    assert (end.count("nothing yet"), end.count("<strong>Yes</strong>")) == (3, 0)
    ballot = {"version": 2, "question": "end", "choice": "yes"}
    drive.done("courts", "POST", f"/agreements/{agreement}/ballots", ballot)
    end = desk["police"].get(f"/desk/votes/{agreement}/2/end").text
    assert (end.count("nothing yet"), end.count("<strong>Yes</strong>")) == (2, 1)


def test_a_forged_ballot_is_shown_as_what_it_is(drive: Driver, city: RunningCity) -> None:
    agreement = proposed(drive)
    (version,) = drive.done(None, "GET", f"/agreements/{agreement}")["versions"]
    owner = json.loads((city.data_dir / "secrets" / "desk.json").read_text(encoding="utf-8"))["owner_dsn"]
    with psycopg.connect(owner, autocommit=True) as conn:
        conn.execute(
            "INSERT INTO agreements.ballot (agreement, version, stakeholder, question, choice, hash, round,"
            " expires, statement) VALUES (%s, 1, 'courts', 'enact', 'yes', %s, 1, now() + '1 h', %s)",
            (agreement, version["hash"], unique()),
        )
        try:
            page = drive.http.get(f"/public/agreements/{agreement}").text
            assert "does not count: the log does not have it so" in page
            ballot = {"version": 1, "question": "enact", "choice": "yes"}
            answer = drive.done("police", "POST", f"/agreements/{agreement}/ballots", ballot)
            assert (answer["state"], answer["counts"]["yes"]) == ("proposed", 1)
        finally:
            gone = "DELETE FROM agreements.ballot WHERE agreement = %s AND stakeholder = 'courts'"
            conn.execute(gone, (agreement,))
