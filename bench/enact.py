# SPDX-License-Identifier: Apache-2.0
"""Budget row: enacting an agreement over many arrests, each of which it shows.

The time is that from the proposal to the version in force, beside a city at rest. Floor, in the same run: the
server alone writes the same rows and indexes of the share once more.

    python -m bench.enact [--arrests 1000000] [--grown]

With `--grown` also how it grows: an agreement that shows none of the files, and one of two purposes with two
grants each, that shows all of them four times.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from typing import Any

import psycopg

from bench import rig
from openpars.settings import load_desk
from tests.driver import Driver, agreement_text

PURPOSE = "bench"
ALIKE = 20


def _shown_twice(text: str) -> str:
    """Two purposes, two grants for each."""
    doubled = text.replace(f'["{PURPOSE}"]', f'["{PURPOSE}", "{PURPOSE}-2"]')
    first, grant, rest = doubled.partition("[[grant]]")
    body, limits, end = rest.partition("[limits]")
    return first + 2 * (grant + body) + limits + end


def texts(*, grown: bool) -> dict[str, str]:
    """What is enacted, one after the other, by what it shows."""
    whole = agreement_text("bench-all", purpose=PURPOSE, seconds=86_400)
    found = {"every file once": whole}
    if grown:
        none = agreement_text("bench-none", purpose=PURPOSE, seconds=86_400, when='district = ["99"]')
        four = agreement_text("bench-four", purpose=PURPOSE, seconds=86_400)
        found |= {"no file": none, "every file four times": _shown_twice(four)}
    return found


async def enacted(found: rig.City, text: str) -> tuple[float, dict[str, float]]:
    """Seconds from the proposal to in force, and what each process spent."""
    drive = Driver(found.base_url, found.keys)
    spent = rig.Spent(found)
    begun = time.perf_counter()
    task = asyncio.create_task(asyncio.to_thread(drive.enact, text, patience=3_600))
    dsn = load_desk(found.data_dir).owner_dsn
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as conn:
        while not task.done():
            await asyncio.wait({task}, timeout=1.0)
            cursor = await conn.execute("SELECT filled, files FROM shares.share WHERE state = 'filling'")
            for filled, files in await cursor.fetchall():
                rig.show(f"filling {filled:,} of {files or 0:,} files, {time.perf_counter() - begun:.0f} s")
    await task
    rig.show("")
    return time.perf_counter() - begun, spent.per(1)


async def floor(found: rig.City, agreement: str) -> float:
    """Seconds to write the same rows and indexes once more by the server alone."""
    table = f'"share_{agreement.replace("-", "_")}"."v1_{PURPOSE}"'
    dsn = load_desk(found.data_dir).owner_dsn
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as conn:
        await conn.execute("CREATE SCHEMA IF NOT EXISTS bench")
        await conn.execute(f"CREATE TABLE bench.filled (LIKE {table} INCLUDING ALL)")
        begun = time.perf_counter()
        await conn.execute(f"INSERT INTO bench.filled SELECT * FROM {table}")
        return time.perf_counter() - begun


async def measure(arguments: argparse.Namespace) -> None:
    """Load, enact, print."""
    rows: list[dict[str, Any]] = []
    with rig.city() as found:
        begun = time.perf_counter()
        await rig.load_files(found, arguments.arrests, alike=ALIKE)
        loaded = time.perf_counter() - begun
        for what, text in texts(grown=arguments.grown).items():
            seconds, spent = await enacted(found, text)
            rows.append({"shows": what, "seconds": seconds, "files per s": arguments.arrests / seconds})
            rows[-1] |= {name.replace(" ms", " s"): value / 1000 for name, value in spent.items()}
        bare = await floor(found, "bench-all")
    for row in rows:
        row["ratio to floor"] = row["seconds"] / bare
    rig.report(
        f"enacting over {arguments.arrests:,} arrests (floor {bare:.1f} s, loading {loaded:.0f} s)", rows
    )


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--arrests", type=int, default=1_000_000)
    parser.add_argument("--grown", action="store_true")
    asyncio.run(measure(parser.parse_args()))


if __name__ == "__main__":
    main()
