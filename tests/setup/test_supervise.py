# SPDX-License-Identifier: Apache-2.0
"""The supervisor, with small processes in the place of a city's."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from openpars.cli.supervise import (
    QUICK_DEATHS,
    WINDOW,
    GaveUpError,
    Part,
    Supervisor,
    end_leftovers,
    next_delay,
    spawn_child,
)

SLEEP = [sys.executable, "-S", "-c", "import time; time.sleep(600)"]
STUBBORN = [
    sys.executable,
    "-S",
    "-c",
    "import signal, sys, time; signal.signal(15, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)",
]
FAILING = [sys.executable, "-S", "-c", "raise SystemExit(3)"]


def part(name: str, argv: list[str], **how: object) -> Part:
    return Part(name=name, start=partial(spawn_child, argv), **how)  # type: ignore[arg-type]


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def until(condition: object, seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < end, "it did not happen in time"
        await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def watching(supervisor: Supervisor):
    task = asyncio.create_task(supervisor.watch())
    await asyncio.sleep(0)
    try:
        yield task
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError, GaveUpError):
            await task
        await supervisor.stop()


def test_the_wait_before_a_new_start_doubles() -> None:
    assert [next_delay([0.0] * deaths, 0.0) for deaths in (1, 2, 3, 4)] == [0.25, 0.5, 1.0, 2.0]


def test_five_deaths_in_a_minute_are_enough() -> None:
    assert next_delay([0.0] * QUICK_DEATHS, 1.0) is None


def test_old_deaths_are_forgotten() -> None:
    assert next_delay([0.0] * 10 + [WINDOW + 1], WINDOW + 1) == 0.25


async def test_what_is_killed_is_started_again(tmp_path: Path) -> None:
    said: list[str] = []
    supervisor = Supervisor(tmp_path, said.append)
    started: list[int] = []

    async def start() -> subprocess.Popen[bytes]:
        process = await spawn_child(SLEEP)
        started.append(process.pid)
        return process

    await supervisor.start(Part(name="desk", start=start))
    async with watching(supervisor):
        os.kill(started[0], signal.SIGKILL)
        await until(lambda: len(started) == 2)
        assert said == ["desk ended by signal 9; starting it again in 0.25 s."]
    assert not any(alive(pid) for pid in started)


async def test_what_will_not_stay_up_ends_the_city(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("openpars.cli.supervise.FIRST_DELAY", 0.001)
    supervisor = Supervisor(tmp_path, lambda _: None)
    await supervisor.start(part("door", FAILING))
    with pytest.raises(GaveUpError, match="door ended with status 3 and will not stay up"):
        await asyncio.wait_for(supervisor.watch(), timeout=20)
    await supervisor.stop()


async def test_a_start_that_raises_counts_as_a_death(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("openpars.cli.supervise.FIRST_DELAY", 0.001)
    calls = 0

    async def start() -> subprocess.Popen[bytes]:
        nonlocal calls
        calls += 1
        if calls > 1:
            raise OSError("no")
        return await spawn_child(FAILING)

    supervisor = Supervisor(tmp_path, lambda _: None)
    await supervisor.start(Part(name="desk", start=start))
    with pytest.raises(GaveUpError):
        await asyncio.wait_for(supervisor.watch(), timeout=20)
    await supervisor.stop()


async def test_one_that_dies_before_the_city_is_up_is_reported(tmp_path: Path) -> None:
    supervisor = Supervisor(tmp_path, lambda _: None)
    process = await spawn_child(FAILING)

    async def start() -> subprocess.Popen[bytes]:
        return process

    await supervisor.start(Part(name="worker", start=start))
    process.wait()
    with pytest.raises(GaveUpError, match="worker ended with status 3 while starting"):
        supervisor.check()
    await supervisor.stop()


async def test_the_end_leaves_no_process_and_the_database_ends_last(tmp_path: Path) -> None:
    processes: list[subprocess.Popen[bytes]] = []

    async def start(name: str) -> subprocess.Popen[bytes]:
        processes.append(await spawn_child(SLEEP))
        return processes[-1]

    supervisor = Supervisor(tmp_path, lambda _: None)
    await supervisor.start(Part(name="postgres", start=partial(start, "postgres"), tier=0))
    await supervisor.start(Part(name="desk", start=partial(start, "desk")))
    stopping = asyncio.create_task(supervisor.stop())
    while processes[1].poll() is None:
        assert processes[0].poll() is None
        await asyncio.sleep(0.001)
    await stopping
    assert not any(alive(process.pid) for process in processes)
    assert not (tmp_path / "processes.json").exists()


async def test_one_that_will_not_listen_is_killed(tmp_path: Path) -> None:
    supervisor = Supervisor(tmp_path, lambda _: None)
    await supervisor.start(part("desk", STUBBORN, patience=0.3))
    await asyncio.sleep(0.3)
    began = time.monotonic()
    await supervisor.stop()
    assert time.monotonic() - began < 3


async def test_leftovers_are_ended_only_if_they_are_ours(tmp_path: Path) -> None:
    ours = subprocess.Popen([*SLEEP, "serve", "/data/a"], process_group=0)
    strangers = subprocess.Popen([*SLEEP, "serve", "/data/b"], process_group=0)
    try:
        (tmp_path / "processes.json").write_text(
            f'{{"supervisor": 1, "desk": {ours.pid}, "door": {strangers.pid}, "worker": {os.getpid()}}}'
        )
        assert await end_leftovers(tmp_path, ("serve", "/data/a")) == 1
        assert ours.wait(5) != 0  # a process loses its command line a moment before it is gone
        assert strangers.poll() is None
    finally:
        for process in (ours, strangers):
            process.kill()
            process.wait()


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel ends orphans on Linux only")
def test_when_we_are_killed_the_kernel_ends_our_children() -> None:
    script = (
        "import asyncio, sys, time\n"
        "from openpars.cli.supervise import spawn_child\n"
        f"process = asyncio.run(spawn_child({SLEEP!r}))\n"
        "print(process.pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    supervisor = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
    assert supervisor.stdout is not None
    child = int(supervisor.stdout.readline())
    supervisor.kill()
    supervisor.wait()
    end = time.monotonic() + 5
    while _running(child) and time.monotonic() < end:
        time.sleep(0.01)
    assert not _running(child)


def _running(pid: int) -> bool:
    # Process 1 may be slow to collect it: a zombie has ended.
    try:
        return b"State:\tZ" not in Path(f"/proc/{pid}/status").read_bytes()
    except OSError:
        return False
