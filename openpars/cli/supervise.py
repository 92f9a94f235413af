# SPDX-License-Identifier: Apache-2.0
"""Start a city's processes, start again what dies, and end all of them in order.

They are our own children. Each has a process group of its own, so that Ctrl-C reaches us alone, and
the kernel ends it should we be killed (Linux). A list of them is kept in `run/processes.json` for
the next start, which ends what a killed supervisor left behind.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from openpars.db.privilege import die_with_parent
from openpars.settings import write_private

QUICK_DEATHS = 5
WINDOW = 60.0
FIRST_DELAY = 0.25


class GaveUpError(Exception):
    """A process died again and again. The message is a plain sentence."""


@dataclass(frozen=True, slots=True)
class Part:
    """One process of the city.

    `start` returns it running (for the database: taking connections). `stop_signal` asks it to end;
    after `patience` seconds it is killed. Parts of a lower `tier` start earlier and end later.
    """

    name: str
    start: Callable[[], Awaitable[subprocess.Popen[bytes]]]
    stop_signal: signal.Signals = signal.SIGTERM
    patience: float = 5.0
    tier: int = 1


@dataclass(slots=True)
class _Running:
    part: Part
    process: subprocess.Popen[bytes]
    deaths: deque[float] = field(default_factory=deque)
    restart: asyncio.Task[None] | None = None


def next_delay(deaths: Sequence[float], now: float) -> float | None:
    """Seconds to wait before a start after these deaths (times of one clock, the last one new).

    None means: give up, it died too often within the last minute.
    """
    recent = sum(1 for death in deaths if now - death <= WINDOW)
    if recent >= QUICK_DEATHS:
        return None
    return float(FIRST_DELAY * 2 ** max(recent - 1, 0))


async def spawn_child(argv: Sequence[str], *, keep_open: Sequence[int] = ()) -> subprocess.Popen[bytes]:
    """Start one of our own processes; what it says goes to our stderr. MUST run in the main thread."""
    return subprocess.Popen(  # noqa: S603
        argv,
        stdin=subprocess.DEVNULL,
        stdout=2,
        process_group=0,
        pass_fds=tuple(keep_open),
        # What we were told may hold an administrator's password; what they need is in their secrets file.
        env={name: value for name, value in os.environ.items() if not name.startswith(("OPENPARS_", "PG"))},
        preexec_fn=die_with_parent(signal.SIGTERM),  # noqa: PLW1509  (one call into libc)
    )


class Supervisor:
    """Holds the running parts. Use from one task of the main thread's event loop."""

    def __init__(self, run_dir: Path, say: Callable[[str], None]) -> None:
        self._list = run_dir / "processes.json"
        self._say = say
        self._running: dict[str, _Running] = {}
        self._stir = asyncio.Event()
        self._gave_up: GaveUpError | None = None

    async def start(self, part: Part) -> None:
        """Start a part and watch it from now on. What `part.start` raises is raised."""
        self._running[part.name] = _Running(part, await part.start())
        self._keep_list()

    def check(self) -> None:
        """Raise GaveUpError if a part that was started has died and is not being started again.

        For the time before `watch`: nothing is restarted yet.
        """
        for name, running in self._running.items():
            if running.process.poll() is not None:
                raise GaveUpError(f"{name} ended {_how(running.process)} while starting.")

    async def watch(self) -> None:
        """Start again what dies, until cancelled. Raises GaveUpError when a part dies too often."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGCHLD, self._stir.set)
        try:
            while self._gave_up is None:
                for running in self._running.values():
                    if running.restart is None and running.process.poll() is not None:
                        running.restart = asyncio.create_task(self._again(running))
                await self._stir.wait()
                self._stir.clear()
            raise self._gave_up
        finally:
            loop.remove_signal_handler(signal.SIGCHLD)
            await self._end_restarts()

    async def stop(self) -> None:
        """End everything, the highest tier first. Leaves no process."""
        await self._end_restarts()
        tiers = sorted({running.part.tier for running in self._running.values()}, reverse=True)
        for tier in tiers:
            here = [running for running in self._running.values() if running.part.tier == tier]
            await asyncio.gather(*(_end(running) for running in here))
        self._running.clear()
        self._list.unlink(missing_ok=True)

    async def _again(self, running: _Running) -> None:
        name = running.part.name
        while True:
            now = time.monotonic()
            running.deaths.append(now)
            while now - running.deaths[0] > WINDOW:
                running.deaths.popleft()
            delay = next_delay(running.deaths, now)
            how = _how(running.process)
            if delay is None:
                self._give_up(
                    f"{name} ended {how} and will not stay up: {QUICK_DEATHS} times in {WINDOW:.0f} s."
                )
                return
            self._say(f"{name} ended {how}; starting it again in {delay:g} s.")
            await asyncio.sleep(delay)
            try:
                running.process = await running.part.start()
            except Exception as problem:  # noqa: BLE001  (whatever it is, it is said, counted and ends in giving up)
                self._say(f"{name} did not start: {problem}")
                continue
            break
        self._keep_list()
        running.restart = None
        self._stir.set()  # it may have died before we looked

    def _give_up(self, sentence: str) -> None:
        self._gave_up = GaveUpError(sentence)
        self._stir.set()

    async def _end_restarts(self) -> None:
        for running in self._running.values():
            task, running.restart = running.restart, None
            if task is not None:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task

    def _keep_list(self) -> None:
        pids = {name: running.process.pid for name, running in self._running.items()}
        write_private(self._list, {"supervisor": os.getpid(), **pids})


async def end_leftovers(run_dir: Path, marks: Sequence[str]) -> int:
    """End the processes that a killed supervisor left behind; how many there were.

    The caller MUST hold the data directory's lock. A number is only trusted when the process's
    command line holds all of `marks`: numbers are used again. The database is not ended here.
    """
    path = run_dir / "processes.json"
    try:
        pids = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return 0
    left = [
        pid
        for name, pid in pids.items()
        if name not in {"supervisor", "postgres"} and isinstance(pid, int) and _is_ours(pid, marks)
    ]
    for number, patience in ((signal.SIGTERM, 5.0), (signal.SIGKILL, 2.0)):
        for pid in left:
            if _is_ours(pid, marks):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)
        until = time.monotonic() + patience
        while any(_is_ours(pid, marks) for pid in left) and time.monotonic() < until:
            await asyncio.sleep(0.02)
    path.unlink(missing_ok=True)
    return len(left)


async def _end(running: _Running) -> None:
    process, part = running.process, running.part
    for number, patience in ((part.stop_signal, part.patience), (signal.SIGKILL, 5.0)):
        if process.poll() is not None:
            return
        process.send_signal(number)
        until = time.monotonic() + patience
        while process.poll() is None and time.monotonic() < until:
            await asyncio.sleep(0.01)


def _how(process: subprocess.Popen[bytes]) -> str:
    status = process.returncode
    if status is None:
        return "by itself"
    return f"by signal {-status}" if status < 0 else f"with status {status}"


def _is_ours(pid: int, marks: Sequence[str]) -> bool:
    line = _command_line(pid)
    return all(mark in line for mark in marks)


def _command_line(pid: int) -> list[str]:
    proc = Path("/proc")
    if (proc / "self").exists():
        try:
            return (proc / str(pid) / "cmdline").read_bytes().decode(errors="replace").split("\0")
        except OSError:
            return []
    said = subprocess.run(  # noqa: S603
        ["/bin/ps", "-ww", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return said.stdout.split()
