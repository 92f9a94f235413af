# SPDX-License-Identifier: Apache-2.0
"""Budget row 2: arrest saved to alert received, at a steady rate of bookings, with many open streams.

Every stream has a subscription of its own by criteria that take in every booking, and must receive every
one. Floor, in the same run on the same server: one LISTEN and a bare fan-out to as many queues, without
HTTP, agreement, log or content.

    python -m bench.alerts [--rate 100] [--streams 100] [--seconds 10]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import time
from typing import Any

import psycopg
import uvloop

from bench import rig
from openpars.settings import load_desk
from tests.driver import Driver, agreement_text

DESKS = 8


class Listener(asyncio.Protocol):
    """One open feed on a connection of its own. It looks for names in what comes, and for nothing else."""

    def __init__(self) -> None:
        self.arrived: dict[str, float] = {}
        self.opened: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._rest = b""
        self._transport: asyncio.BaseTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The line is there."""
        self._transport = transport

    @classmethod
    async def open(cls, found: rig.City, key: str, subscription: str) -> Listener:
        """Connect and wait for the first line."""
        host, port = found.address
        transport, mine = await asyncio.get_running_loop().create_connection(cls, host, port)
        transport.write(
            f"GET /v1/alerts?subscription={subscription} HTTP/1.1\r\nHost: {host}:{port}\r\n"
            f"Authorization: Bearer {key}\r\n\r\n".encode()
        )
        head = await mine.opened
        assert b" 200 " in head.split(b"\r\n")[0], head
        return mine

    def data_received(self, data: bytes) -> None:
        """An event counts when its whole line is here."""
        now = time.perf_counter()
        data = self._rest + data
        if not self.opened.done():
            if b"\r\n\r\n" in data:
                self.opened.set_result(data)
            self._rest = b"" if self.opened.done() else data
            return
        whole, end, self._rest = data.rpartition(b"\n\n")
        at = whole.find(b'"last":"')
        while end and at > 0:
            self.arrived[whole[at + 8 : whole.index(b'"', at + 8)].decode()] = now
            at = whole.find(b'"last":"', at + 8)

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.close()


async def through_the_door(
    found: rig.City, purpose: str, *, rate: float, streams: int, seconds: float
) -> dict[str, Any]:
    """Book at `rate` and measure every arrival on every stream."""
    drive = Driver(found.base_url, found.keys)
    key = drive.key("fbi")
    criteria = {"purpose": purpose, "case_number": "BENCH-1", "criteria": {"charge_grade": ["F1"]}}
    listeners = []
    for number in range(streams):
        made = await asyncio.to_thread(drive.done, "fbi", "POST", "/v1/subscriptions", criteria)
        listeners.append(await Listener.open(found, key, made["id"]))
        rig.show(f"opening streams {number + 1} of {streams}")
    rig.show("")
    desks: asyncio.Queue[rig.Http] = asyncio.Queue()
    for _ in range(DESKS):
        desks.put_nowait(await rig.Http.open(found.address))
    saved: dict[str, float] = {}
    police = drive.key("police")

    async def book(form: dict[str, Any]) -> None:
        desk = await desks.get()
        status, body = await desk.send(
            desk.request("POST", "/desk/arrests", police, json.dumps(form).encode())
        )
        saved[form["arrestee"]["name"]["last"]] = time.perf_counter()
        assert status == 201, body
        desks.put_nowait(desk)

    forms = [drive.booking() for _ in range(int(rate * seconds))]
    spent = rig.Spent(found)
    begun = time.perf_counter()
    tasks = [asyncio.create_task(book(forms[number])) async for number in rig.ticks(rate, seconds)]
    await asyncio.gather(*tasks)
    booked_in = time.perf_counter() - begun
    until = time.perf_counter() + 15
    while time.perf_counter() < until and any(len(one.arrived) < len(saved) for one in listeners):
        await asyncio.sleep(0.05)
    costs = spent.per(len(saved))
    latencies = tuple(
        max(0.0, one.arrived[name] - at)
        for one in listeners
        for name, at in saved.items()
        if name in one.arrived
    )
    for listener in listeners:
        listener.close()
    run = rig.Run(latencies, booked_in)
    return {
        "what": "door",
        "streams": streams,
        "bookings per second": len(saved) / booked_in,
        "p50 ms": run.percentile(0.5),
        "p99 ms": run.percentile(0.99),
        "expected": len(saved) * streams,
        "arrived": len(latencies),
        **costs,
    }


async def floor(found: rig.City, *, rate: float, streams: int, seconds: float) -> dict[str, Any]:
    """INSERT and NOTIFY; one listener hands each payload to as many queues."""
    secrets = load_desk(found.data_dir)
    queues: list[asyncio.Queue[tuple[str, float]]] = [asyncio.Queue() for _ in range(streams)]
    sent: dict[str, float] = {}
    latencies: list[float] = []
    total = int(rate * seconds)
    async with (
        await psycopg.AsyncConnection.connect(secrets.owner_dsn, autocommit=True) as ears,
        await psycopg.AsyncConnection.connect(secrets.owner_dsn, autocommit=True) as mouth,
    ):
        await mouth.execute("CREATE SCHEMA IF NOT EXISTS bench")
        await mouth.execute("CREATE TABLE IF NOT EXISTS bench.arrest (id text, body text)")
        await ears.execute("LISTEN bench_floor")

        async def fan_out() -> None:
            async for note in ears.notifies():
                for queue in queues:
                    queue.put_nowait((note.payload, time.perf_counter()))

        async def read(queue: asyncio.Queue[tuple[str, float]]) -> None:
            for _ in range(total):
                name, _at = await queue.get()
                latencies.append(time.perf_counter() - sent[name])

        fan = asyncio.create_task(fan_out())
        spent = rig.Spent(found)
        readers = asyncio.gather(*(read(queue) for queue in queues))
        async for number in rig.ticks(rate, seconds):
            name = f"{number}-{random.random()}"
            sent[name] = time.perf_counter()
            await mouth.execute("INSERT INTO bench.arrest VALUES (%s, %s)", (name, "x" * 200))
            await mouth.execute("SELECT pg_notify('bench_floor', %s)", (name,))
        await asyncio.wait_for(readers, 30)
        fan.cancel()
    costs = spent.per(total)
    run = rig.Run(tuple(latencies), seconds)
    return {
        "what": "floor",
        "streams": streams,
        "bookings per second": rate,
        "p50 ms": run.percentile(0.5),
        "p99 ms": run.percentile(0.99),
        "expected": total * streams,
        "arrived": len(latencies),
        **costs,
    }


async def measure(arguments: argparse.Namespace) -> None:
    """Enact, run floor and door, print."""
    with rig.city() as found:
        drive = Driver(found.base_url, found.keys)
        await asyncio.to_thread(drive.enact, agreement_text("bench", purpose="bench", seconds=86_400))
        load = {"rate": arguments.rate, "streams": arguments.streams, "seconds": arguments.seconds}
        rows = [await floor(found, **load), await through_the_door(found, "bench", **load)]
        rows[0]["p50 to floor"] = 1.0
        rows[1]["p50 to floor"] = rows[1]["p50 ms"] / rows[0]["p50 ms"]
        rig.report(f"alerts, {arguments.rate:.0f} bookings a second, {arguments.streams} streams", rows)


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=100)
    parser.add_argument("--streams", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=10.0)
    # The loop of the door: the generator and the floor should cost the machine as little as can be.
    uvloop.run(measure(parser.parse_args()))


if __name__ == "__main__":
    main()
