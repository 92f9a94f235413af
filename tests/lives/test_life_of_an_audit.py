# SPDX-License-Identifier: Apache-2.0
"""The life of an audit, told as ARCHITECTURE.md tells it: what anybody can check with the log's address,
its key, and one file that shares no code with the city."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from openpars.log.tiles import Tile
from tests.driver import Driver

VERIFIER = Path(__file__).parents[2] / "verify" / "openpars_verify.py"


def public(drive: Driver, path: str) -> bytes:
    """What anybody reads, without a key."""
    answer = drive.call(None, "GET", path)
    assert answer.status_code == 200, (path, answer.text)
    return answer.content


def verify(drive: Driver, *options: str, key: str | None = None) -> tuple[int, dict[str, Any]]:
    """The stand-alone verifier as an outsider runs it: another process, nothing of ours on its path."""
    key = key or public(drive, "/log/key").decode().strip()
    ran = subprocess.run(
        [sys.executable, "-I", str(VERIFIER), str(drive.http.base_url), "--key", key, "--json", *options],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ran.stderr == "" or ran.returncode == 0, ran.stderr
    return ran.returncode, json.loads(ran.stdout)


def size(note: bytes) -> int:
    return int(note.decode().split("\n")[1])


def leaf(drive: Driver, index: int) -> bytes:
    """One entry from the published bundles (C2SP tlog-tiles: each has its length before it)."""
    newest = size(public(drive, "/log/checkpoint"))
    width = min(256, newest - index // 256 * 256)
    raw = public(drive, "/log/" + Tile(None, index // 256, width).path())
    for _ in range(index % 256):
        raw = raw[2 + int.from_bytes(raw[:2], "big") :]
    return raw[2 : 2 + int.from_bytes(raw[:2], "big")]


def asked(drive: Driver) -> tuple[dict[str, Any], str]:
    """Somebody is booked and found by an entitled recipient: the form, and the receipt of the answer."""
    _, purpose = drive.agree()
    _, form = drive.book()
    answer = drive.search("fbi", purpose, drive.find(form))
    assert answer.status_code == 200, answer.text
    assert len(answer.json()["records"]) == 1
    return form, answer.json()["receipt"]


def test_1_checkpoint(drive: Driver) -> None:
    asked(drive)
    note = public(drive, "/log/checkpoint").decode()
    origin, count, root, _, signature = note.split("\n")[:5]
    assert origin.endswith("/disclosures")
    assert int(count) > 1
    assert len(root) == 44
    assert signature.startswith(f"\N{EM DASH} {origin} ")
    status, report = verify(drive)
    assert (status, report["ok"]) == (0, True)
    assert report["size"] >= int(count)
    # signed with this key and no other
    other = "other/disclosures+" + public(drive, "/log/key").decode().strip().split("+", 1)[1]
    ran = subprocess.run(
        [sys.executable, "-I", str(VERIFIER), str(drive.http.base_url), "--key", other],
        capture_output=True,
        timeout=60,
    )
    assert ran.returncode != 0


def test_2_consistency(drive: Driver, tmp_path: Path) -> None:
    asked(drive)
    early = public(drive, "/log/checkpoint")
    asked(drive)
    late = public(drive, "/log/checkpoint")
    assert size(late) > size(early)
    kept = tmp_path / "kept"
    kept.write_bytes(early)
    status, report = verify(drive, "--seen", str(kept))
    assert (status, report["ok"]) == (0, True)
    # a head that says otherwise of the same entries, were it signed, could not be kept beside this one
    lines = early.decode().split("\n")
    forged = tmp_path / "forged"
    forged.write_text("\n".join([lines[0], lines[1], "A" * 43 + "=", *lines[3:]]), encoding="utf-8")
    assert verify(drive, "--seen", str(forged))[0] != 0


def test_3_inclusion(drive: Driver, tmp_path: Path) -> None:
    form, text = asked(drive)
    receipt, entry = tmp_path / "receipt", tmp_path / "leaf"
    receipt.write_text(text, encoding="utf-8")
    index = int(next(line for line in text.split("\n") if line.startswith("index ")).split()[1])
    entry.write_bytes(leaf(drive, index))
    assert verify(drive, "--receipt", str(receipt), "--leaf", str(entry))[0] == 0
    # the receipt is for this entry and for no other
    entry.write_bytes(leaf(drive, index - 1))
    assert verify(drive, "--receipt", str(receipt), "--leaf", str(entry))[0] == 1
    assert form["arrestee"]["ssn"] not in text


def test_4_rules_over_what_is_public(drive: Driver) -> None:
    """What an outsider can ask of the entries themselves: each is of the logged schema, and names nobody."""
    form, text = asked(drive)
    index = int(next(line for line in text.split("\n") if line.startswith("index ")).split()[1])
    entry = leaf(drive, index)
    found = json.loads(entry)
    assert found["kind"] == "answer"
    assert len(found["labels"]) == 1  # one person was shown, and nobody can say who without that person's key
    assert set(found["public"]) == {"agreement", "version", "purpose", "way"}
    assert found["time"].endswith("Z")
    assert len(found["time"]) == len("2026-11-22T01Z")  # the hour, no finer
    person = form["arrestee"]
    hidden = (
        *person["name"].values(),
        person["birth_date"],
        person["ssn"],
        person["ssn"][-4:],
        form["dc_number"],
    )
    readable = json.dumps({name: found[name] for name in ("kind", "public", "time")})
    for value in hidden:
        assert value.lower() not in readable.lower()
    for value in (*person["name"].values(), person["ssn"], form["dc_number"]):
        assert value.encode() not in entry
    # the first entry says what every entry has; a log may grow and never say less
    schema = json.loads(leaf(drive, 0))
    assert schema["kind"] == "schema"
    kind = schema["public"]["schema"]["answer"]
    assert set(found["public"]) == set(kind["public"])
    assert set(found["sealed"]) == set(kind["sealed"])
