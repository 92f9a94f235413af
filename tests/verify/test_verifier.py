# SPDX-License-Identifier: Apache-2.0
"""The stand-alone verifier, and the server's own check beside it: whatever is done to a log, both find it."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from openpars.log import leaf, proof, tiles
from openpars.log.check import check
from openpars.log.note import Signer

Run = Callable[..., tuple[int, dict[str, Any]]]
SIZE = 700
ARCHIVED = (1, 40, 255, 256, 257, 512, 600, 699)
TAMPERS = 260


def own_check(folder: Path, signer: Signer) -> tuple[bool, tuple[int, int] | None]:
    def read(path: str) -> bytes | None:
        file = folder / path
        return file.read_bytes() if file.is_file() else None

    report = check(read, signer.verifier, tell=lambda done, count: None)
    assert report is not None
    return not report.findings, report.first_bad


@pytest.fixture(scope="module")
def log(make_log: Callable[..., Any]) -> Any:
    return make_log(SIZE, ARCHIVED)


@pytest.fixture
def folder(log: Any, tmp_path: Path) -> Path:
    return Path(log.write(tmp_path / "log"))


def test_a_good_log_is_good(log: Any, folder: Path, run: Run, signer: Signer) -> None:
    status, found = run(folder)
    assert (status, found["ok"], found["findings"]) == (0, True, [])
    assert (found["size"], found["checkpoints"], len(found["schemas"])) == (SIZE, len(ARCHIVED), 1)
    assert own_check(folder, signer) == (True, None)


@pytest.mark.parametrize("size", [1, 2, 255, 256, 257, 511, 512, 513])
def test_edges(make_log: Callable[..., Any], tmp_path: Path, run: Run, signer: Signer, size: int) -> None:
    folder = make_log(size, tuple(range(1, size, 7))).write(tmp_path / "log")
    assert run(folder)[0] == 0
    assert own_check(folder, signer) == (True, None)


def flip(files: dict[str, bytes], dice: random.Random) -> None:
    name = dice.choice(sorted(files))
    raw = bytearray(files[name])
    raw[dice.randrange(len(raw))] ^= 1 << dice.randrange(8)
    files[name] = bytes(raw)


def cut(files: dict[str, bytes], dice: random.Random) -> None:
    name = dice.choice(sorted(files))
    files[name] = files[name][: dice.randrange(len(files[name]))]


def grow(files: dict[str, bytes], dice: random.Random) -> None:
    name = dice.choice(sorted(files))
    files[name] += dice.choice([files[name], b"\0", b"\0\0", files["checkpoint"], dice.randbytes(32)])


def lose(files: dict[str, bytes], dice: random.Random) -> None:
    del files[dice.choice(sorted(set(files) - {"checkpoints"}))]


def exchange(files: dict[str, bytes], dice: random.Random) -> None:
    first, second = dice.sample(sorted(name for name in files if name.startswith("tile/")), 2)
    if files[first] == files[second]:
        second = "checkpoint"
    files[first], files[second] = files[second], files[first]


FILE_TAMPERS = (flip, cut, grow, lose, exchange)


def edit(entries: list[bytes], dice: random.Random) -> int:
    at = dice.randrange(1, len(entries))
    raw = bytearray(entries[at])
    raw[dice.randrange(len(raw))] ^= 1 << dice.randrange(7)
    entries[at] = bytes(raw)
    return at


def time_change(entries: list[bytes], dice: random.Random) -> int:
    at = dice.randrange(1, len(entries))
    entries[at] = entries[at].replace(b'"time":"2026-', b'"time":"2025-')
    return at


def remove(entries: list[bytes], dice: random.Random) -> int:
    at = dice.randrange(1, len(entries))
    del entries[at]
    entries.append(entries[-1])
    return at


def insert(entries: list[bytes], dice: random.Random) -> int:
    at = dice.randrange(1, len(entries) - 1)
    entries.insert(at, entries[dice.randrange(at + 1, len(entries))])
    entries.pop()
    return at


def swap(entries: list[bytes], dice: random.Random) -> int:
    first, second = sorted(dice.sample(range(1, len(entries)), 2))
    entries[first], entries[second] = entries[second], entries[first]
    return first


def clone(entries: list[bytes], dice: random.Random) -> int:
    source, at = dice.sample(range(1, len(entries)), 2)
    entries[at] = entries[source]
    return at


def forge(entries: list[bytes], dice: random.Random) -> int:
    at = dice.randrange(1, len(entries))
    entries[at] = entries[at].replace(b'"way":"search"', b'"way":"silent"')
    return at


ENTRY_TAMPERS = (edit, time_change, remove, insert, swap, clone, forge)
REHASH = ("entries", "leaf hashes", "all tiles")


@pytest.mark.parametrize("number", range(0, TAMPERS, 20))
def test_every_tampering_with_files_is_found(
    log: Any, tmp_path: Path, run: Run, signer: Signer, number: int
) -> None:
    for seed in range(number, number + 20):
        dice = random.Random(seed)  # noqa: S311
        files = dict(log.files)
        FILE_TAMPERS[seed % len(FILE_TAMPERS)](files, dice)
        if files == log.files:
            continue
        folder = _write(files, tmp_path / str(seed))
        status, found = run(folder)
        assert status == 1, (seed, found)
        if "checkpoint" in files:
            assert not own_check(folder, signer)[0], seed
        shutil.rmtree(folder)


@pytest.mark.parametrize("number", range(0, TAMPERS, 20))
def test_every_tampering_with_entries_is_found_and_named(
    log: Any, tmp_path: Path, run: Run, signer: Signer, number: int
) -> None:
    for seed in range(number, number + 20):
        dice = random.Random(seed)  # noqa: S311
        entries = list(log.entries)
        bad = ENTRY_TAMPERS[seed % len(ENTRY_TAMPERS)](entries, dice)
        rehash = REHASH[seed // len(ENTRY_TAMPERS) % 3]
        forged = type(log)(entries, signer, ARCHIVED).files
        files = dict(log.files)
        for name in files:
            hashed = name.startswith("tile/0/") and rehash != "entries"
            if (
                name.startswith("tile/entries/")
                or hashed
                or (name.startswith("tile/") and rehash == "all tiles")
            ):
                files[name] = forged[name]
        folder = _write(files, tmp_path / str(seed))
        status, found = run(folder)
        assert status == 1, seed
        # The first bad entry lies in a range that begins no later, and no earlier than the head before it.
        known = bad if rehash == "entries" else max(at for at in (0, *ARCHIVED) if at <= bad)
        begin, end = found["first_bad"], found["first_bad_last"]
        assert known <= begin <= bad <= end, (seed, rehash, bad, found)
        good, span = own_check(folder, signer)
        assert not good
        assert span is not None
        assert known - 1 <= span[0] <= bad <= span[1], (seed, rehash, bad, span)
        shutil.rmtree(folder)


def _write(files: dict[str, bytes], folder: Path) -> Path:
    for name, raw in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(raw)
    return folder


def test_a_rewritten_log_signed_again_does_not_agree_with_what_was_kept(
    log: Any, tmp_path: Path, run: Run, signer: Signer
) -> None:
    entries = list(log.entries)
    entries[300] = entries[300].replace(b'"way":"search"', b'"way":"silent"')
    forged = type(log)(entries, signer)
    folder = forged.write(tmp_path / "forged")
    assert run(folder)[0] == 0  # the log's own key made it: by itself it is a good log
    kept = tmp_path / "kept"
    kept.write_bytes(log.note(400))
    status, found = run(folder, "--seen", kept)
    assert (status, found["first_bad"], found["first_bad_last"]) == (1, 0, 399)
    # And a log put back to an earlier day is shorter than what was kept.
    folder = type(log)(log.entries[:350], signer).write(tmp_path / "earlier")
    assert run(folder)[0] == 0
    status, found = run(folder, "--seen", kept)
    assert (status, found["first_bad"], found["first_bad_last"]) == (1, 350, 399)


def test_another_key_and_no_log(folder: Path, tmp_path: Path, run: Run) -> None:
    other = Signer("log.openpars.invalid/test", bytes(32)).verifier.vkey
    assert run(folder, "--key", other)[0] == 1
    assert run(folder, "--key", "not+a+key")[0] == 2
    assert run(tmp_path / "nowhere")[0] == 2
    assert run("http://127.0.0.1:9/log")[0] == 2
    assert run()[0] == 2


def test_receipts(log: Any, folder: Path, tmp_path: Path, run: Run, signer: Signer) -> None:
    index, size = 300, 512
    text = proof.Proof(index, tuple(log.tree.inclusion_proof(index, size)), log.note(size).decode()).text()
    receipt, entry = tmp_path / "receipt", tmp_path / "leaf"
    receipt.write_text(text, encoding="utf-8")
    entry.write_bytes(log.entries[index])
    assert run("--receipt", receipt, "--leaf", entry)[1]["receipt"] == index
    assert run(folder, "--receipt", receipt, "--leaf", entry)[0] == 0
    assert run(folder, "--receipt", receipt)[0] == 0
    assert run("--receipt", receipt)[0] == 2
    entry.write_bytes(log.entries[index + 1])
    assert run("--receipt", receipt, "--leaf", entry)[0] == 1
    assert run(folder, "--receipt", receipt, "--leaf", entry)[0] == 1
    # A receipt for an entry that this log no longer shows.
    forged = list(log.entries)
    forged[index] = forged[index].replace(b'"way":"search"', b'"way":"silent"')
    status, found = run(type(log)(forged, signer).write(tmp_path / "forged"), "--receipt", receipt)
    assert (status, found["ok"]) == (1, False)
    for at in range(0, len(text), 23):
        changed = f"{text[:at]}{'A' if text[at] != 'A' else 'B'}{text[at + 1 :]}"
        receipt.write_text(changed, encoding="utf-8")
        entry.write_bytes(log.entries[index])
        assert run("--receipt", receipt, "--leaf", entry)[0] == 1, at


def test_entries_outside_the_schema(
    make_log: Callable[..., Any], tmp_path: Path, run: Run, signer: Signer
) -> None:
    log = make_log(300)
    for number, (old, new) in enumerate((
        (b'"public":{', b'"public":{"name":"doe",'),
        (b'"way":"search"', b'"way":"Doe"'),
        (b'"version":1', b'"version":01'),
        (b'"way":"search"', b'"way": "search"'),
        (b',"why":', b',"whz":'),
        (b'"kind":"answer"', b'"kind":"rumour"'),
        (b':00"', b':00"'),
        (b'Z","v":1', b':30Z","v":1'),
    )):  # fmt: skip
        entries = list(log.entries)
        entries[270] = entries[270].replace(old, new)
        if entries == log.entries:
            continue
        folder = type(log)(entries, signer).write(tmp_path / str(number))
        status, found = run(folder)
        assert (status, found["first_bad"], found["first_bad_last"]) == (1, 270, 270), (old, new)
        assert own_check(folder, signer) == (False, (270, 270))
    folder = type(log)(log.entries[1:], signer).write(tmp_path / "no-schema")
    assert run(folder)[1]["first_bad"] == 0


def test_a_schema_may_grow_and_not_shrink(
    make_log: Callable[..., Any], tmp_path: Path, run: Run, signer: Signer
) -> None:
    log = make_log(300)
    old = leaf.SCHEMAS["disclosures"]
    wider = {**old, "notice": {"public": {"event": "token"}, "sealed": {"agent": "period"}}}
    thinner = {name: parts for name, parts in old.items() if name != "refusal"}
    for name, schema, status in (("wider", wider, 0), ("thinner", thinner, 1)):
        public = {"hash": leaf.schema_hash(schema), "schema": schema}
        entry = leaf.build(
            kind="schema", public=public, commitments={}, labels=[], body=b"", at=_time(log.entries[150])
        )
        entries = [*log.entries[:150], entry, *log.entries[150:]]
        folder = type(log)(entries, signer).write(tmp_path / name)
        found = run(folder)
        assert found[0] == status
        assert own_check(folder, signer)[0] is (status == 0)
        assert [item["index"] for item in found[1]["schemas"]] == [0, 150]


def _time(entry: bytes) -> Any:
    return leaf.datetime.strptime(entry[-22:-8].decode() + "00", "%Y-%m-%dT%HZ%M").replace(tzinfo=leaf.UTC)


@pytest.fixture
def site(folder: Path) -> Iterator[str]:
    class Quiet(SimpleHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *arguments: object) -> None:
            pass

    (folder.parent / "www").mkdir()
    folder.rename(folder.parent / "www" / "log")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder.parent / "www")))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_over_http(site: str, run: Run) -> None:
    assert run(f"{site}/log")[1]["size"] == SIZE
    assert run(site)[0] == 0


def test_as_a_program(folder: Path, signer: Signer, tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text(signer.verifier.vkey + "\n", encoding="utf-8")
    program = Path(__file__).parents[2] / "verify" / "openpars_verify.py"
    # -I: nothing of this project can be imported.
    command = [sys.executable, "-I", str(program), str(folder), "--key", str(key)]
    done = subprocess.run(command, capture_output=True, text=True, cwd="/")
    assert (done.returncode, done.stderr) == (0, "")
    assert "all 700 entries" in done.stdout
    (folder / "tile" / "entries" / "000").write_bytes(tiles.bundle([b"x"]))
    done = subprocess.run([*command, "--json"], capture_output=True, text=True, cwd="/")
    assert done.returncode == 1
    assert json.loads(done.stdout)["first_bad"] == 0


def test_it_shares_no_code() -> None:
    text = (Path(__file__).parents[2] / "verify" / "openpars_verify.py").read_text(encoding="utf-8")
    assert "import openpars" not in text
    assert "from openpars" not in text


def test_with_many_processes(make_log: Callable[..., Any], tmp_path: Path, signer: Signer) -> None:
    log = make_log(20_300, (300, 9_000))
    folder = log.write(tmp_path / "log")
    program = Path(__file__).parents[2] / "verify" / "openpars_verify.py"
    command = [sys.executable, "-I", str(program), str(folder), "--key", signer.verifier.vkey, "--json"]
    done = subprocess.run([*command, "--jobs", "2"], capture_output=True, text=True)
    assert (done.returncode, json.loads(done.stdout)["size"]) == (0, 20_300)
    path = folder / tiles.Tile(None, 70).path()
    path.write_bytes(path.read_bytes().replace(b'"way":"search"', b'"way":"silent"', 1))
    done = subprocess.run([*command, "--jobs", "2"], capture_output=True, text=True)
    assert (done.returncode, json.loads(done.stdout)["first_bad"]) == (1, 70 * 256)
