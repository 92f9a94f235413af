# SPDX-License-Identifier: Apache-2.0
"""Budget row 1: a governed, logged search over HTTP, 20 rows of many arrests, 8 clients.

Floor, in the same run on the same server: raw psycopg SELECT of 20 rows, INSERT of an audit row, COMMIT,
with as many connections and no HTTP, no agreement, no sealing, no tree.

    python -m bench.search [--arrests 200000] [--clients 8] [--seconds 10]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
from typing import Any

import psycopg

from bench import rig
from openpars.settings import load_desk
from tests.driver import Driver, agreement_text

ALIKE = 20


async def governed(found: rig.City, purpose: str, *, arrests: int, clients: int, seconds: float) -> rig.Run:
    """Searches by name and birth date through the door."""
    # A key may search 10,000 times a day at most, so every client has several.
    bodies = []
    for group in random.Random(1).sample(range(arrests // ALIKE), 500):
        who = rig.invented(group * ALIKE, alike=ALIKE).arrestee
        assert who.birth_date is not None
        find = {
            "name": {"last": who.name.last, "first": who.name.first},
            "birth_date": who.birth_date.isoformat(),
        }
        body = {"purpose": purpose, "case_number": "BENCH-1", "find": find}
        bodies.append(json.dumps(body).encode())
    connections = [await rig.Http.open(found.address) for _ in range(clients)]
    keys = await rig.recipient_keys(found, 3 * clients)
    requests = [
        [
            connections[0].request("POST", "/v1/search", key, body)
            for key in keys[client::clients]
            for body in bodies
        ]
        for client in range(clients)
    ]
    rows: list[int] = []

    async def once(client: int) -> bool:
        status, body = await connections[client].send(random.choice(requests[client]))
        rows.append(body.count(b'"id":"'))
        return status == 200

    await rig.hammer(clients, 2.0, once)  # warm up
    rows.clear()
    run = await rig.hammer(clients, seconds, once, rig.Spent(found))
    assert set(rows) == {ALIKE}, set(rows)
    for connection in connections:
        connection.close()
    return run


async def floor(found: rig.City, agreement: str, purpose: str, *, clients: int, seconds: float) -> rig.Run:
    """The same rows by primary database means: SELECT, INSERT, COMMIT."""
    secrets = load_desk(found.data_dir)
    async with await psycopg.AsyncConnection.connect(secrets.owner_dsn, autocommit=True) as conn:
        await conn.execute("CREATE SCHEMA IF NOT EXISTS bench")
        await conn.execute("CREATE TABLE IF NOT EXISTS bench.audit (at timestamptz, who text, what text)")
        table = f'"share_{agreement}"."v1_{purpose}"'
        keys = [
            r[0] for r in await (await conn.execute(f"SELECT DISTINCT k0 FROM {table} LIMIT 500")).fetchall()
        ]
    connections = [await psycopg.AsyncConnection.connect(secrets.owner_dsn) for _ in range(clients)]
    for connection in connections:
        connection.prepare_threshold = 0

    async def once(client: int) -> bool:
        conn = connections[client]
        cursor = await conn.execute(
            f"SELECT id, body FROM {table} WHERE k0 = %s LIMIT 20", (random.choice(keys),)
        )
        rows = await cursor.fetchall()
        await conn.execute("INSERT INTO bench.audit VALUES (clock_timestamp(), %s, %s)", ("who", "what"))
        await conn.commit()
        return len(rows) == ALIKE

    await rig.hammer(clients, 1.0, once)
    run = await rig.hammer(clients, seconds, once, rig.Spent(found))
    for connection in connections:
        await connection.close()
    return run


async def measure(arguments: argparse.Namespace) -> None:
    """Load, enact, run floor and door in turn, print."""
    with rig.city() as found:
        await rig.load_files(found, arguments.arrests, alike=ALIKE)
        drive = Driver(found.base_url, found.keys)
        rig.show("enacting")
        text = agreement_text("bench", purpose="bench", seconds=86_400)
        made: dict[str, Any] = await asyncio.to_thread(drive.enact, text, patience=600)
        rig.show("")
        rows = []
        load = {"clients": arguments.clients, "seconds": arguments.seconds}
        for name in ("floor", "door", "floor", "door"):
            if name == "floor":
                run = await floor(found, made["id"], "bench", **load)
            else:
                run = await governed(found, "bench", arrests=arguments.arrests, **load)
            rows.append(
                {
                    "what": name,
                    "clients": arguments.clients,
                    "per second": run.rate,
                    "p50 ms": run.percentile(0.5),
                    "p99 ms": run.percentile(0.99),
                    "refused": run.failures,
                    **run.spent,
                }
            )
        for place in (1, 3):
            rows[place]["ratio to floor"] = rows[place]["per second"] / rows[place - 1]["per second"]
            rows[place - 1]["ratio to floor"] = 1.0
        rig.report(f"search, {ALIKE} rows of {arguments.arrests:,} arrests", rows)


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--arrests", type=int, default=200_000)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=10.0)
    asyncio.run(measure(parser.parse_args()))


if __name__ == "__main__":
    main()
