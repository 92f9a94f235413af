# SPDX-License-Identifier: Apache-2.0
"""A superuser edits the log behind everybody's back. Anybody with the public address finds it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.driver import Driver

VERIFIER = Path(__file__).parents[2] / "verify" / "openpars_verify.py"


def verify(base_url: str, key: str) -> tuple[int, dict[str, Any]]:
    ran = subprocess.run(
        [sys.executable, "-I", str(VERIFIER), base_url, "--key", key, "--json"],
        capture_output=True,
        text=True,
        timeout=120,
    )
    return ran.returncode, json.loads(ran.stdout)


EDITS = {
    "a leaf is edited": "UPDATE log.entry SET leaf ="
    " convert_to(replace(convert_from(leaf, 'UTF8'), 'refusal', 'answer!'), 'UTF8')"
    " WHERE tree = 'disclosures' AND index = %s",
    "a leaf and its hash are edited": "UPDATE log.entry SET leaf = leaf || ' '::bytea,"
    " leaf_hash = sha256('\\x00'::bytea || leaf || ' '::bytea) WHERE tree = 'disclosures' AND index = %s",
    "an entry is deleted": "DELETE FROM log.entry WHERE tree = 'disclosures' AND index = %s",
}


@pytest.mark.parametrize("edit", EDITS)
def test_an_edited_row_is_found_and_named(
    start_city: Callable[..., Any], city_directory: Path, edit: str
) -> None:
    running = start_city(city_directory, "--demo", "--arrests", "20")
    base_url = running.ready()
    keys = json.loads((city_directory / "demo-keys.json").read_text(encoding="utf-8"))["keys"]
    drive = Driver(base_url, keys)
    for _ in range(6):
        drive.search("fbi", "nothing", {"docket": "MC-51-CR-0000001-2026"})
    key = drive.call(None, "GET", "/log/key").text.strip()
    status, report = verify(base_url, key)
    assert status == 0, report
    target = 3
    desk = json.loads((city_directory / "secrets" / "desk.json").read_text(encoding="utf-8"))
    with psycopg.connect(desk["owner_dsn"]) as conn:  # the owner may do what no login of a process may
        assert conn.execute(EDITS[edit], (target,)).rowcount == 1
    status, report = verify(base_url, key)
    assert status == 1, report
    assert str(target) in json.dumps(report)
