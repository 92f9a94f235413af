# SPDX-License-Identifier: Apache-2.0
"""Budget row 4: bookings, each durable, logged and projected into ten agreements.

Once straight to the desk process, as a web server in front of it would, and once through the door's
own proxy, as in a trial with one address. Floor, in the same run on the same server: durable one-row
inserts with as many connections.

    python -m bench.intake [--agreements 10] [--clients 8] [--seconds 10]
"""

from __future__ import annotations

import argparse
import asyncio
import json
from pathlib import Path

import psycopg

from bench import rig
from openpars.settings import Settings, load_desk
from tests.driver import Driver, agreement_text


async def floor(found: rig.City, *, clients: int, seconds: float) -> rig.Run:
    """INSERT, COMMIT."""
    secrets = load_desk(found.data_dir)
    connections = [
        await psycopg.AsyncConnection.connect(secrets.owner_dsn, autocommit=True) for _ in range(clients)
    ]
    await connections[0].execute("CREATE SCHEMA IF NOT EXISTS bench")
    await connections[0].execute("CREATE TABLE IF NOT EXISTS bench.row (at timestamptz, body text)")

    async def once(client: int) -> bool:
        await connections[client].execute(
            "INSERT INTO bench.row VALUES (clock_timestamp(), %s)", ("x" * 500,)
        )
        return True

    run = await rig.hammer(clients, seconds, once, rig.Spent(found))
    for connection in connections:
        await connection.close()
    return run


async def bookings(
    found: rig.City, address: tuple[str, int] | Path, drive: Driver, *, clients: int, seconds: float
) -> rig.Run:
    """POST /desk/arrests."""
    connections = [await rig.Http.open(address) for _ in range(clients)]
    police = drive.key("police")

    async def once(client: int) -> bool:
        body = json.dumps(drive.booking()).encode()
        connection = connections[client]
        status, _ = await connection.send(connection.request("POST", "/desk/arrests", police, body))
        return status == 201

    await rig.hammer(clients, 1.0, once)
    run = await rig.hammer(clients, seconds, once, rig.Spent(found))
    for connection in connections:
        connection.close()
    return run


async def measure(arguments: argparse.Namespace) -> None:
    """Enact ten agreements, run, print."""
    load = {"clients": arguments.clients, "seconds": arguments.seconds}
    with rig.city() as found:
        drive = Driver(found.base_url, found.keys)
        for number in range(arguments.agreements):
            rig.show(f"enacting {number + 1} of {arguments.agreements}")
            text = agreement_text(f"bench-{number}", purpose=f"bench-{number}", seconds=86_400)
            await asyncio.to_thread(drive.enact, text)
        rig.show("")
        rows = []
        for name, run in (
            ("floor", await floor(found, **load)),
            ("desk", await bookings(found, Settings(data_dir=found.data_dir).desk_socket, drive, **load)),
            ("through the door", await bookings(found, found.address, drive, **load)),
        ):
            rows.append(
                {
                    "what": name,
                    "clients": arguments.clients,
                    "per second": run.rate,
                    "p50 ms": run.percentile(0.5),
                    "p99 ms": run.percentile(0.99),
                    "refused": run.failures,
                    "ratio to floor": 1.0,
                    **run.spent,
                }
            )
        for row in rows[1:]:
            row["ratio to floor"] = row["per second"] / rows[0]["per second"]
        rig.report(f"intake, into {arguments.agreements} agreements", rows)


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--agreements", type=int, default=10)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=10.0)
    asyncio.run(measure(parser.parse_args()))


if __name__ == "__main__":
    main()
