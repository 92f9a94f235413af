# SPDX-License-Identifier: Apache-2.0
"""Replay 1,000,000 disclosures under another text, from a sealed log in PostgreSQL; and how the cost grows.

    python -m bench.replay [--entries N] [--arrests N] [--people N]

The past is made at once (`tests.pasts`), real in every byte: entries sealed under month and person keys,
leaves, tree, a signed head, files in four versions. Each row is a run of the command itself, its start
included; `verify` is `openpars log verify` on the same database, which replay does beside its own work.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from psycopg.conninfo import make_conninfo

from bench import rig
from openpars.db import embedded, migrate
from openpars.settings import City, DatabaseLogins, Settings, create_secrets, save_city
from tests import pasts

NARROWER = ('"F1", "F2"', '"F2"')


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def run(*command: str, fine: tuple[int, ...]) -> tuple[float, float, dict[str, Any]]:
    """Seconds, seconds of processor of the command and its children, and what it printed."""
    began, used = time.perf_counter(), _cpu()
    done = subprocess.run(
        [sys.executable, "-m", "openpars.cli", *command, "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    seconds = time.perf_counter() - began
    assert done.returncode in fine, done.stdout + done.stderr
    return seconds, _cpu() - used, json.loads(done.stdout)


async def city(directory: Path) -> tuple[Settings, embedded.Server]:
    """An empty city's database on a server of its own, durable as in service."""
    cluster = embedded.prepare(directory, os.environ)
    server = await embedded.start(cluster, embedded.DURABLE)

    def login(role: str) -> str:
        return make_conninfo(cluster.admin_dsn, user=role, password=secrets.token_hex(16), dbname="openpars")

    logins = DatabaseLogins(owner=login(migrate.OWNER), desk=login(migrate.DESK), door=login(migrate.DOOR))
    await migrate.bootstrap(cluster.admin_dsn, logins)
    await migrate.migrate(logins.owner)
    data_dir = directory / "city"
    create_secrets(data_dir, logins)
    (data_dir / "keys").mkdir(mode=0o700)
    save_city(data_dir, City(base_url="http://127.0.0.1:8080", demo=True))
    return Settings(data_dir=data_dir), server


def measure(*, entries: int, arrests: int, people: int) -> dict[str, Any]:
    """One past, verified once and replayed once."""
    directory = Path(tempfile.mkdtemp(prefix="op-bench-"))
    directory.chmod(0o711)
    settings, server = asyncio.run(city(directory))
    try:
        began = time.perf_counter()
        asyncio.run(pasts.make(settings, arrests=arrests, entries=entries, per_answer=people, days=300))
        made = time.perf_counter() - began
        text = directory / "text.toml"
        text.write_text(pasts.TEXT.replace(*NARROWER), encoding="utf-8")
        where = ("--data-dir", str(settings.data_dir))
        verify, verify_cpu, _ = run("log", "verify", *where, fine=(0,))
        period = ("--from", "2025-01-01", "--to", "2025-12-31")
        replay, replay_cpu, found = run("agreement", "replay", str(text), *period, *where, fine=(1,))
        assert found["total"]["disclosures"] == entries, found
    finally:
        asyncio.run(embedded.stop(server))
        shutil.rmtree(directory, ignore_errors=True)
    return {
        "disclosures": entries,
        "arrests": arrests,
        "people each": people,
        "made s": round(made, 1),
        "verify s": round(verify, 1),
        "verify cpu s": round(verify_cpu, 1),
        "replay s": round(replay, 1),
        "replay cpu s": round(replay_cpu, 1),
        "us each": round(1e6 * replay / entries, 1),
        "cpu us each": round(1e6 * replay_cpu / entries, 1),
    }


def main() -> None:
    """Print the figures: the past asked for, and smaller ones that tell how the cost grows."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--arrests", type=int, default=20_000)
    parser.add_argument("--people", type=int, default=2)
    options = parser.parse_args()
    n, arrests, people = options.entries, options.arrests, options.people
    shapes = [
        (n // 10, arrests // 10, people),
        (n // 10, arrests, people),
        (n // 10, arrests // 10, 5 * people),
    ]
    rows = []
    for e, a, p in [*shapes, (n, arrests, people)]:
        rows.append(measure(entries=e, arrests=a, people=p))
        print(rows[-1], file=sys.stderr, flush=True)
    rig.report("replay", rows)


if __name__ == "__main__":
    main()
