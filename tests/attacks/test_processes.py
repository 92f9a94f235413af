# SPDX-License-Identifier: Apache-2.0
"""What somebody sees who looks at the processes and files of a city, and not into them."""

from __future__ import annotations

import json
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import CityProcess, RunningCity

PLANTED = "planted-administrator-password"


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_no_process_holds_in_its_environment_or_arguments_what_it_may_not_know(
    start_city: Callable[..., CityProcess], city_directory: Path
) -> None:
    """The door must hold no way to the record, and an administrator's address is one."""
    running = start_city(
        city_directory,
        "--demo",
        "--arrests",
        "20",
        environment={"OPENPARS_KEY": PLANTED, "PGPASSWORD": PLANTED},
    )
    running.ready()
    secrets: list[str] = []
    for file in (city_directory / "secrets").iterdir():
        secrets.extend(str(value) for value in json.loads(file.read_text(encoding="utf-8")).values())
    for name, pid in running.pids().items():
        if name == "supervisor":
            continue
        shown = Path(f"/proc/{pid}/cmdline").read_bytes() + Path(f"/proc/{pid}/environ").read_bytes()
        assert PLANTED.encode() not in shown, name
        assert [secret for secret in secrets if secret.encode() in shown] == [], name


def test_nobody_else_reads_a_file_of_the_city(city: RunningCity) -> None:
    for path in city.data_dir.rglob("*"):
        mode = path.lstat().st_mode
        assert not mode & (stat.S_IRWXG | stat.S_IRWXO), (path, oct(mode))
