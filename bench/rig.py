# SPDX-License-Identifier: Apache-2.0
"""What the benchmarks share: a city of their own on loopback, a lean HTTP client, percentiles, a table.

Everything is bounded in count and time, talks to this machine only, and ends what it started by pid.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from openpars.accounts import keys as accounts
from openpars.db.connect import pool
from openpars.log.keys import KeyStore
from openpars.record import vault
from openpars.record.bulk import bulk_insert
from openpars.record.file import Arrestee, ArrestFile, Charge, Name, Stage
from openpars.record.forms import Act
from openpars.record.store import Entry
from openpars.settings import Settings, load_desk

START_WITHIN = 300.0


@dataclass(frozen=True, slots=True)
class City:
    """A city started for a benchmark."""

    base_url: str
    keys: dict[str, Any]
    data_dir: Path

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        parts = urlsplit(self.base_url)
        assert parts.hostname is not None
        assert parts.port is not None
        return parts.hostname, parts.port


@contextlib.contextmanager
def city() -> Iterator[City]:
    """A demo city with a handful of arrests, fsync on, stopped and removed at the end."""
    directory = Path(tempfile.mkdtemp(prefix="op-bench-"))
    directory.chmod(0o711)
    log = (directory / "said").open("w+b")
    where = ("--data-dir", str(directory / "city"))
    process = subprocess.Popen(
        [sys.executable, "-m", "openpars.cli", "up", "--demo", "--arrests", "20", "--port", "0", *where],
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        process_group=0,
    )
    try:
        until = time.monotonic() + START_WITHIN
        while b"OpenPARS is up" not in os.pread(log.fileno(), 100_000, 0):
            if process.poll() is not None or time.monotonic() > until:
                raise SystemExit(os.pread(log.fileno(), 100_000, 0).decode())
            time.sleep(0.05)
        base = json.loads((directory / "city" / "city.json").read_text(encoding="utf-8"))["base_url"]
        keys = json.loads((directory / "city" / "demo-keys.json").read_text(encoding="utf-8"))["keys"]
        yield City(base, keys, directory / "city")
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)
        shutil.rmtree(directory, ignore_errors=True)


def invented(number: int, *, alike: int) -> ArrestFile:
    """An arrest file of somebody invented; `alike` files in a row share name and birth date."""
    group = number // alike
    return ArrestFile(
        id=str(uuid4()),
        version=1,
        arrestee=Arrestee(
            person=uuid4().hex,
            name=Name(last=f"Bench{_letters(group)}", first="Ana"),
            birth_date=date(1950, 1, 1) + timedelta(days=group % 15_000),
            sex="F",
        ),
        dc_number=f"26{number:08d}",
        arrested_at=datetime.now(UTC) - timedelta(hours=30),
        district="24",
        charges=(Charge(1, "18 § 2702 §§ A1", "Aggravated Assault", "F1", stage=Stage.APPROVED),),
    )


def _letters(number: int) -> str:
    text = ""
    while True:
        number, digit = divmod(number, 26)
        text += chr(97 + digit)
        if number == 0:
            return text


async def load_files(found: City, count: int, *, alike: int) -> None:
    """Put `count` invented files into the record, straight through its own bulk loader."""
    secrets = load_desk(found.data_dir)
    vault.hold(secrets.record_key)
    now = datetime.now(UTC)
    store = KeyStore(Settings(data_dir=found.data_dir).keys_file)
    async with pool(secrets.desk_dsn) as desk:
        for first in range(0, count, 5_000):
            histories = [
                [(invented(number, alike=alike), Entry(Act.BOOK, "police", None, now, now))]
                for number in range(first, min(first + 5_000, count))
            ]
            # A person's log key is made when the booking reaches the acts tree: so it is here.
            store.persons("disclosures", [history[0][0].arrestee.person for history in histories])
            async with desk.connection() as conn, conn.transaction():
                await bulk_insert(conn, histories)
            show(f"loading files {first + len(histories):,} of {count:,}")
    store.close()
    show("")


async def recipient_keys(found: City, count: int) -> list[str]:
    """More keys for the recipient `fbi`, made as the city makes them."""
    secrets = load_desk(found.data_dir)
    async with pool(secrets.desk_dsn) as desk, desk.connection() as conn:
        return [
            (await accounts.create_recipient(conn, "fbi", name="FBI", label="bench")).token
            for _ in range(count)
        ]


class Http:
    """One keep-alive HTTP/1.1 connection that costs its machine as little as can be."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str) -> None:
        self._reader = reader
        self._writer = writer
        self._host = host

    @classmethod
    async def open(cls, address: tuple[str, int] | Path) -> Http:
        """Connect to a host and port, or to a Unix socket."""
        if isinstance(address, Path):
            reader, writer = await asyncio.open_unix_connection(str(address), limit=2**20)
            return cls(reader, writer, "desk")
        reader, writer = await asyncio.open_connection(*address, limit=2**20)
        return cls(reader, writer, f"{address[0]}:{address[1]}")

    def request(self, method: str, path: str, key: str, body: bytes) -> bytes:
        """The bytes of a request, to be sent again and again."""
        return (
            f"{method} {path} HTTP/1.1\r\nHost: {self._host}\r\nAuthorization: Bearer {key}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        ).encode() + body

    async def send(self, request: bytes) -> tuple[int, bytes]:
        """Status and body of one answer."""
        self._writer.write(request)
        head = await self._reader.readuntil(b"\r\n\r\n")
        status = int(head[9:12])
        lower = head.lower()
        at = lower.index(b"content-length:") + 15
        length = int(lower[at : lower.index(b"\r\n", at)])
        return status, await self._reader.readexactly(length)

    def close(self) -> None:
        """Hang up."""
        self._writer.close()


@dataclass(frozen=True, slots=True)
class Run:
    """One measured run: latencies in seconds, and how long it took."""

    latencies: tuple[float, ...]
    seconds: float
    failures: int = 0
    spent: dict[str, float] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        """Per second."""
        return len(self.latencies) / self.seconds

    def percentile(self, part: float) -> float:
        """In milliseconds."""
        ordered = sorted(self.latencies)
        return 1000 * ordered[min(len(ordered) - 1, int(len(ordered) * part))]


class Spent:
    """CPU seconds of the city's processes and of ourselves, read from /proc: what a busy machine cannot blur.

    Empty where there is no /proc.
    """

    PROCESSES = ("postgres", "door", "desk", "worker")

    def __init__(self, found: City) -> None:
        listed = json.loads((found.data_dir / "run" / "processes.json").read_text(encoding="utf-8"))
        self._pids = {name: int(listed[name]) for name in self.PROCESSES if name in listed}
        self._begun = self._now()

    def again(self) -> None:
        """Count from here on."""
        self._begun = self._now()

    def per(self, count: int) -> dict[str, float]:
        """Milliseconds of each process for each of `count` things done, as columns of a report."""
        now = self._now()
        return {
            f"{name} cpu ms": 1000 * (now[name] - self._begun[name]) / max(1, count) for name in self._begun
        }

    def _now(self) -> dict[str, float]:
        if not Path("/proc/self/stat").exists():
            return {}
        spent = {name: _cpu(pid) for name, pid in self._pids.items()}
        # A server process for each connection: the children that live, and those that have ended.
        spent["postgres"] += sum(_cpu(child) for child in _children(self._pids["postgres"]))
        return {**spent, "bench": time.process_time()}


def _stat(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return []


def _cpu(pid: int) -> float:
    """Seconds of a process and of its children that have ended."""
    return sum(int(ticks) for ticks in _stat(pid)[11:15]) / os.sysconf("SC_CLK_TCK")


def _children(pid: int) -> list[int]:
    numbers = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())
    return [number for number in numbers if _stat(number)[1:2] == [str(pid)]]


async def hammer(
    clients: int, seconds: float, once: Callable[[int], Awaitable[bool]], spent: Spent | None = None
) -> Run:
    """`clients` loops of `once(client)` side by side for `seconds`; with `spent`, what each cost."""
    latencies: list[float] = []
    failures = 0
    begun = time.perf_counter()
    until = begun + seconds
    if spent is not None:
        spent.again()

    async def loop(client: int) -> None:
        nonlocal failures
        while (at := time.perf_counter()) < until:
            if await once(client):
                latencies.append(time.perf_counter() - at)
            else:
                failures += 1

    await asyncio.gather(*(loop(client) for client in range(clients)))
    costs = {} if spent is None else spent.per(len(latencies))
    return Run(tuple(latencies), time.perf_counter() - begun, failures, costs)


def show(text: str) -> None:
    """Progress on stderr."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)


def report(name: str, rows: list[dict[str, Any]]) -> None:
    """A table, and the same as one line of JSON."""
    machine = {
        "machine": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "date": datetime.now(UTC).date().isoformat(),
    }
    print(f"\n{name}  ({machine['cores']} cores, Python {machine['python']}, {machine['date']})")
    columns = list(rows[0])
    widths = [max(len(column), *(len(_cell(row[column])) for row in rows)) for column in columns]
    print("  ".join(column.rjust(width) for column, width in zip(columns, widths, strict=True)))
    for row in rows:
        print(
            "  ".join(_cell(row[column]).rjust(width) for column, width in zip(columns, widths, strict=True))
        )
    print(json.dumps({"bench": name, **machine, "rows": rows}))


def _cell(value: Any) -> str:
    return f"{value:,.2f}" if isinstance(value, float) else str(value)


async def ticks(rate: float, seconds: float) -> AsyncIterator[int]:
    """Numbers from 0 at an even pace."""
    begun = time.perf_counter()
    for number in range(int(rate * seconds)):
        wait = begun + number / rate - time.perf_counter()
        if wait > 0:
            await asyncio.sleep(wait)
        yield number
