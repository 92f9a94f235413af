# SPDX-License-Identifier: Apache-2.0
"""Kill -9 in the middle of appending: what was acknowledged is there, and the tree is whole."""

from __future__ import annotations

import asyncio
import json
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from openpars.log import proof
from openpars.log.keys import KeyStore
from openpars.log.note import Signer
from openpars.log.writer import Draft, Writer

KILLS = 6

CHILD = """
import asyncio, json, sys
from pathlib import Path
from openpars.log.keys import KeyStore
from openpars.log.note import Signer
from openpars.log.writer import Draft, Writer

async def main(dsn, place):
    keys = KeyStore(Path(place) / "persons.sqlite")
    signer = Signer("log.openpars.invalid/test", bytes(range(32)))
    head = Path(place) / "head"
    async with Writer(dsn, tree="disclosures", signer=signer, keys=keys, head_file=head) as log:
        print("ready", flush=True)
        async def ask(number):
            while True:
                receipt = await log.append(Draft(
                    "answer",
                    public={"agreement": "a", "version": 1, "purpose": "p", "way": "search"},
                    private={"query": number},
                    subjects=("%032x" % number,),
                ))
                # A pipe keeps what was written to it when its writer is killed.
                print(json.dumps([receipt.index, receipt.leaf.decode(), receipt.text]), flush=True)
        await asyncio.gather(*(ask(number) for number in range(8)))

asyncio.run(main(*sys.argv[1:]))
"""


async def test_no_acknowledged_entry_is_lost(database: Any, tmp_path: Path) -> None:
    dice = random.Random(7)  # noqa: S311
    acknowledged: list[tuple[int, str, str]] = []
    for _ in range(KILLS):
        child = subprocess.Popen(
            [sys.executable, "-c", CHILD, database.door_dsn, str(tmp_path)], stdout=subprocess.PIPE, text=True
        )
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        time.sleep(dice.uniform(0.02, 0.35))
        child.kill()
        said = child.stdout.read()
        child.wait()
        acknowledged += [tuple(json.loads(line)) for line in said.split("\n")[:-1]]
    assert acknowledged
    indexes = [index for index, _, _ in acknowledged]
    assert len(set(indexes)) == len(indexes)
    signer = Signer("log.openpars.invalid/test", bytes(range(32)))
    keys = KeyStore(tmp_path / "persons.sqlite")
    log = Writer(database.door_dsn, tree="disclosures", signer=signer, keys=keys, head_file=tmp_path / "head")
    async with log:
        whole = log._held.tree
        for index, entry, text in acknowledged:
            found, head = proof.verify(text, entry.encode(), signer.verifier)
            assert found.index == index
            # Every head that was ever handed out is one of this tree's own.
            assert whole.root(head.size) == head.root
        draft = Draft("answer", public={"agreement": "a", "version": 1, "purpose": "p", "way": "search"})
        last = await asyncio.wait_for(log.append(draft), 20)
        assert last.index > max(indexes)
    keys.close()
