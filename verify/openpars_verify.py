#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Check an OpenPARS log without trusting the city that keeps it.

    python openpars_verify.py URL|FOLDER [--key VKEY] [--seen FILE]... [--json]
    python openpars_verify.py URL|FOLDER --key VKEY --receipt FILE [--leaf FILE]
    python openpars_verify.py --key VKEY --receipt FILE --leaf FILE

One file, Python 3.11 or later and the `cryptography` package; it shares no code with the server. It reads
the published files (c2sp.org/tlog-tiles) and recomputes everything: the checkpoint's signature, every
entry's hash, every tile, the root; every earlier checkpoint the log still shows or you have kept
(`--seen`); that the first entry is the log's schema and every entry has exactly the fields of the last
schema before it; that time never runs backwards. It names the first bad entry. Without `--key` it takes
the key that the log shows, and says so: that proves order, not whose log it is.

Exit status: 0 all is well, 1 something was found, 2 it could not run.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import functools
import http.client
import json
import multiprocessing
import os
import re
import sys
import time
import urllib.parse
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

WIDTH = 256
CHUNK = 32  # bundles given to a worker at a time
SMALL = 20_000  # entries below which one process is faster
MAX_NOTE = 65_536
MAX_FILE = WIDTH * (2 + 65_535)
MAX_FINDINGS = 20


class CannotRun(Exception):
    """The check could not be made: exit status 2."""


class Wrong(Exception):
    """Something is not as it should be. The message is a sentence."""


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """What is wrong at `index`, or at one entry up to `last`; both are -1 when it is the log itself."""

    index: int
    last: int
    what: str


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A signed head."""

    origin: str
    size: int
    root: bytes


def unbase64(text: str, size: int | None = None) -> bytes:
    """Standard base64 in its one spelling."""
    try:
        raw = base64.b64decode(text.encode("ascii"), validate=True)
    except ValueError:
        raise Wrong("not base64") from None
    if base64.b64encode(raw).decode() != text or size not in (None, len(raw)):
        raise Wrong("not base64 of the right length")
    return raw


def decimal(text: str) -> int:
    """An ASCII number without leading zeroes."""
    if not re.fullmatch("0|[1-9][0-9]{0,17}", text):
        raise Wrong("not a number")
    return int(text)


class VerifierKey:
    """A log's public key, from `name+hash+base64`."""

    def __init__(self, text: str) -> None:
        name, _, rest = text.strip().partition("+")
        key_id, _, material = rest.partition("+")
        raw = unbase64(material, 33)
        if not name or raw[0] != 1 or sha256(name.encode() + b"\n" + raw).hexdigest()[:8] != key_id:
            raise Wrong("not an Ed25519 verifier key, or one with a typing error")
        self.name, self.key_id = name, bytes.fromhex(key_id)
        self._public = Ed25519PublicKey.from_public_bytes(raw[1:])

    def open(self, note: bytes) -> Checkpoint:
        """The checkpoint in a signed note. Raises Wrong."""
        try:
            whole = note.decode("utf-8")
        except UnicodeDecodeError:
            raise Wrong("a checkpoint is UTF-8 text") from None
        text, gap, signatures = whole.rpartition("\n\n")
        control = re.search("[\0-\x09\x0b-\x1f]", whole)
        if control or not gap or not signatures.endswith("\n") or len(note) > MAX_NOTE:
            raise Wrong("not a signed note")
        signed = [self._signed(text + "\n", line) for line in signatures[:-1].split("\n")]
        if not any(signed):
            raise Wrong(f"not signed by {self.name}")
        lines = text.split("\n")
        if len(lines) != 3 or lines[0] != self.name:
            raise Wrong("not a checkpoint of this log")
        return Checkpoint(lines[0], decimal(lines[1]), unbase64(lines[2], 32))

    def _signed(self, text: str, line: str) -> bool:
        match = re.fullmatch("\N{EM DASH} ([^ +]+) ([A-Za-z0-9+/=]+)", line)
        if match is None:
            raise Wrong("not a signature line")
        raw = unbase64(match[2])
        if match[1] != self.name or raw[:4] != self.key_id:
            return False  # somebody else's, such as a witness's
        try:
            self._public.verify(raw[4:], text.encode())
        except InvalidSignature:
            raise Wrong("the signature is not valid") from None
        return True


def read_receipt(raw: bytes) -> tuple[int, list[bytes], bytes]:
    """Index, proof and signed checkpoint of a c2sp.org/tlog-proof."""
    head, gap, note = raw.partition(b"\n\n")
    lines = head.decode("utf-8", "replace").split("\n")
    if not gap or lines.pop(0) != "c2sp.org/tlog-proof@v1":
        raise Wrong("not a receipt")
    if lines and lines[0].startswith("extra "):
        unbase64(lines.pop(0)[6:])
    if not lines or not lines[0].startswith("index ") or len(lines) > 64:
        raise Wrong("the receipt does not name its entry")
    return decimal(lines[0][6:]), [unbase64(line, 32) for line in lines[1:]], note


def leaf_hash(entry: bytes) -> bytes:
    """Hash of an entry."""
    return sha256(b"\0" + entry).digest()


def root_of(nodes: Sequence[bytes]) -> bytes:
    """Root over a row of hashes of equal height."""
    if not nodes:
        return sha256(b"").digest()
    row = list(nodes)
    while len(row) > 1:
        above = [sha256(b"\1" + row[at] + row[at + 1]).digest() for at in range(0, len(row) - 1, 2)]
        if len(row) & 1:
            above.append(row[-1])
        row = above
    return row[0]


def _node(left: bytes, right: bytes) -> bytes:
    return sha256(b"\1" + left + right).digest()


def _root_at(rows: list[list[bytes]], count: int, tail: bytes | None) -> bytes:
    """Root of the first `count` bundles and a last partial one, from the rows of complete subtrees."""
    node = tail
    for height, row in enumerate(rows):
        if count >> height & 1:
            left = row[(count >> height) - 1]
            node = left if node is None else _node(left, node)
    return sha256(b"").digest() if node is None else node


def included(index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes) -> bool:
    """RFC 9162 section 2.1.3.2."""
    if not 0 <= index < size:
        return False
    at, last, node = index, size - 1, leaf
    for item in proof:
        if last == 0:
            return False
        if at % 2 or at == last:
            node = _node(item, node)
            while at and not at % 2:
                at, last = at // 2, last // 2
        else:
            node = _node(node, item)
        at, last = at // 2, last // 2
    return last == 0 and node == root


Read = Callable[[str], bytes | None]


def _folder(target: str) -> Read:
    def read(path: str) -> bytes | None:
        try:
            return (Path(target) / path).read_bytes()
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return None

    return read


def _site(target: str) -> Read:
    parts = urllib.parse.urlsplit(target)
    secure = parts.scheme == "https"
    kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
    conn = kind(parts.hostname or "", parts.port, timeout=60)

    def read(path: str) -> bytes | None:
        for attempt in (1, 2):
            try:
                conn.request("GET", f"{parts.path.rstrip('/')}/{path}")
                answer = conn.getresponse()
                raw = answer.read(MAX_FILE)
                break
            except (OSError, http.client.HTTPException) as problem:
                conn.close()  # a server may end an idle connection: once more on a new one
                if attempt == 2:
                    raise CannotRun(f"cannot read {path}: {problem}") from None
        if not answer.isclosed():
            conn.close()
        if answer.status not in (200, 404):
            raise CannotRun(f"cannot read {path}: the server answers {answer.status}")
        return raw if answer.status == 200 else None

    return read


@functools.cache
def source(target: str) -> Read:
    """What reads a target's files: one for each process, because a connection is kept open."""
    return _site(target) if target.startswith(("http://", "https://")) else _folder(target)


def tile_path(level: int | str, index: int, width: int) -> str:
    """`tile/<L>/<N>[.p/<W>]`."""
    groups = [f"{index % 1000:03d}"]
    while index := index // 1000:
        groups.insert(0, f"x{index % 1000:03d}")
    return f"tile/{level}/{'/'.join(groups)}" + ("" if width == WIDTH else f".p/{width}")


BASE64_32, BASE64_16 = "[A-Za-z0-9+/]{43}=", "[A-Za-z0-9+/]{22}=="
HOUR = "[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]Z"
TYPES = {
    "token": '"[a-z][a-z0-9_.-]{0,63}"',
    "int": "(?:0|[1-9][0-9]{0,15})",
    "sha256": '"[0-9a-f]{64}"',
    "schema": None,
}


def canonical(value: object) -> bytes:
    """JSON in its one spelling (RFC 8785, for values without floats)."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


Patterns = dict[bytes, re.Pattern[bytes]]


def compile_schema(schema: dict[str, Any]) -> Patterns:
    """A pattern for each kind that whole entries of it have to match, byte for byte."""
    patterns = {}
    for kind, parts in schema.items():
        if set(parts) != {"public", "sealed"} or not re.fullmatch("[a-z]+", kind):
            raise Wrong(f"the schema's kind [{kind}] is not of a known form")
        public = []
        for name, wanted in sorted(parts["public"].items()):
            shape = TYPES[wanted.removesuffix("?")]
            if shape is not None:
                public.append(f'"{re.escape(name)}":(?:{shape}{"|null" * wanted.endswith("?")})')
        sealed = [f'"{re.escape(name)}":"{BASE64_32}"' for name in sorted(parts["sealed"])]
        labels = f'(?:"{BASE64_16}"(?:,"{BASE64_16}")*)?'
        patterns[kind.encode()] = re.compile((
            f'\\{{"body":"{BASE64_32}","kind":"{kind}","labels":\\[{labels}\\],"public":\\{{{",".join(public)}\\}},'
            f'"sealed":\\{{{",".join(sealed)}\\}},"time":"{HOUR}","v":1\\}}'
        ).encode())  # fmt: skip
    return patterns


def read_schema(entry: bytes) -> dict[str, Any]:
    """The schema in a schema entry. Raises Wrong."""
    try:
        found = json.loads(entry)
        schema: dict[str, Any] = found["public"]["schema"]
        names = {"body", "kind", "labels", "public", "sealed", "time", "v"}
        empty = (found["kind"], found["labels"], found["sealed"], found["v"]) == ("schema", [], {}, 1)
        same = (
            set(found) == names and set(found["public"]) == {"hash", "schema"} and canonical(found) == entry
        )
        if not empty or not same or not re.fullmatch(HOUR, found["time"]) or not unbase64(found["body"], 32):
            raise Wrong("the entry is not a schema")
        if found["public"]["hash"] != sha256(canonical(schema)).hexdigest():
            raise Wrong("the schema does not have the hash it names")
        compile_schema(schema)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Wrong("the entry is not a schema this verifier can read") from None
    return schema


def thinned(old: dict[str, Any], new: dict[str, Any], prefix: str = "") -> Iterator[str]:
    """What an earlier schema has and a later one has not."""
    for name, was in old.items():
        now = new.get(name)
        if isinstance(was, dict) and isinstance(now, dict):
            yield from thinned(was, now, f"{prefix}{name}.")
        elif was != now:
            yield prefix + name


@functools.lru_cache(maxsize=8)
def compiled(schema: bytes) -> Patterns:
    """`compile_schema` of canonical JSON; kept."""
    return compile_schema(json.loads(schema))


def fits(entry: bytes, patterns: Patterns) -> bool:
    """Whether an entry has exactly the fields of its kind. `kind` stands at a fixed place."""
    pattern = patterns.get(entry[63 : entry.find(b'"', 63)])
    return pattern is not None and pattern.fullmatch(entry) is not None


@dataclass(slots=True)
class Chunk:
    """What a worker found out about some bundles."""

    roots: list[bytes] = field(default_factory=list)  # of each bundle, a last partial one included
    partial: dict[int, bytes] = field(default_factory=dict)  # archived size -> root of its partial bundle
    findings: list[Finding] = field(default_factory=list)
    schemas: dict[int, bytes] = field(default_factory=dict)
    unfit: dict[int, bytes] = field(default_factory=dict)
    first_time: bytes = b""
    last_time: bytes = b""


def unbundle(raw: bytes) -> tuple[list[bytes], bool]:
    """Entries of a bundle, and whether it ends where its last entry does."""
    entries: list[bytes] = []
    at, end = 0, len(raw)
    while at < end:
        start = at + 2
        at = start + int.from_bytes(raw[at:start], "big")
        if at > end:
            return entries, False
        entries.append(raw[start:at])
    return entries, True


def check_chunk(target: str, bundles: range, size: int, archived: Sequence[int], schema: bytes) -> Chunk:
    """Read bundles and their hash tiles, and compare them with each other and with the schema."""
    found, patterns = Chunk(), compiled(schema)
    for bundle in bundles:
        begin = bundle * WIDTH
        width = min(WIDTH, size - begin)
        raw = source(target)(tile_path("entries", bundle, width))
        tile = source(target)(tile_path(0, bundle, width))
        entries, whole = unbundle(raw or b"")
        hashes = _compare(found, entries[:width], tile, begin, width)
        if not whole or len(entries) != width:
            first = begin + min(len(entries), width - 1)
            found.findings.append(Finding(first, begin + width - 1, "the entries are not published whole"))
        _shapes(found, entries[:width], begin, patterns)
        found.roots.append(root_of(hashes))
        inside = [item for item in archived if begin < item < begin + WIDTH and item <= size]
        found.partial |= {item: root_of(hashes[: item - begin]) for item in inside}
    return found


def _compare(found: Chunk, entries: list[bytes], tile: bytes | None, begin: int, width: int) -> list[bytes]:
    """Entries against their published hashes. The tree comes from the entries, or what there is of them."""
    hashes = [sha256(b"\0" + entry).digest() for entry in entries]
    if tile is None or len(tile) != 32 * width:
        first = begin + min(len(tile or b"") // 32, width - 1)
        found.findings.append(Finding(first, begin + width - 1, "the hashes are not published whole"))
    listed = [(tile or b"")[at : at + 32] for at in range(0, 32 * width, 32)]
    if hashes != listed:
        pairs = zip(hashes, listed, strict=False)
        bad = [begin + at for at, (hashed, item) in enumerate(pairs) if item and hashed != item][:1]
        found.findings += [Finding(at, at, "the entry does not have its published hash") for at in bad]
    return hashes + listed[len(hashes) :]


def _shapes(found: Chunk, entries: list[bytes], begin: int, patterns: Patterns) -> None:
    for index, entry in enumerate(entries, begin):
        when = entry[-22:-8]
        if when < found.last_time:
            found.findings.append(Finding(index - 1, index, "time runs backwards here"))
        found.first_time, found.last_time = found.first_time or when, when
        if entry[53:72] == b'","kind":"schema","':
            found.schemas[index] = entry
        elif not fits(entry, patterns):
            found.unfit[index] = entry


class Audit:
    """One check of one log. `findings` is empty at the end when all is well."""

    def __init__(self, target: str, key: VerifierKey, *, seen: Sequence[bytes], jobs: int) -> None:
        self.target, self.key, self._jobs = target, key, jobs
        self.findings: list[Finding] = []
        self.checkpoints: list[Checkpoint] = []
        self.schemas: list[dict[str, Any]] = []
        self._schema: dict[str, Any] = {}
        self._last_time = b""
        self._began = self._spoke = time.monotonic()
        self.head = self._read_head()
        kept = [self._read("checkpoints") or b"[]", *seen]
        for note in [note for raw in kept for note in note_list(raw)]:
            try:
                self.checkpoints.append(key.open(note))
            except Wrong as problem:
                self.add(-1, -1, f"an earlier checkpoint cannot be accepted: {problem}")

    def add(self, index: int, last: int, what: str) -> None:
        """Note a finding."""
        self.findings.append(Finding(index, last, what))

    def _read(self, path: str) -> bytes | None:
        return source(self.target)(path)

    def _read_head(self) -> Checkpoint | None:
        raw = self._read("checkpoint")
        if raw is None and self.target.startswith("http"):
            self.target = self.target.rstrip("/") + "/log"
            raw = self._read("checkpoint")
        if raw is None and not (Path(self.target) / "tile").is_dir():
            raise CannotRun("there is no log: no `checkpoint` is published there")
        try:
            return self.key.open(raw or b"")
        except Wrong as problem:
            self.add(-1, -1, f"the checkpoint cannot be accepted: {problem}")
            return None

    def run(self) -> None:
        """Check everything."""
        if self.head is None:
            return
        size = self.head.size
        archived = sorted({item.size for item in self.checkpoints} | {size})
        try:
            self._schema = read_schema((self._bundle(0) or [b""])[0])
        except Wrong as problem:
            self.add(0, 0, f"the first entry is not the schema: {problem}")
        roots: list[bytes] = []
        partial: dict[int, bytes] = {}
        for bundles, chunk in self._chunks(size, archived):
            roots += chunk.roots
            partial |= chunk.partial
            self.findings += chunk.findings
            self._check_entries(bundles.start * WIDTH, chunk)
            self._progress(min(bundles.stop * WIDTH, size), size)
        self._check_tiles(roots[: size // WIDTH])
        self._check_roots(roots, partial)

    def _chunks(self, size: int, archived: list[int]) -> Iterator[tuple[range, Chunk]]:
        count = -(-size // WIDTH)
        spans = [range(at, min(at + CHUNK, count)) for at in range(0, count, CHUNK)]

        def arguments(span: range) -> tuple[Any, ...]:
            inside = [item for item in archived if span.start * WIDTH < item < span.stop * WIDTH]
            return self.target, span, size, inside, canonical(self._schema)

        if size < SMALL or self._jobs < 2:
            yield from ((span, check_chunk(*arguments(span))) for span in spans)
            return
        with ProcessPoolExecutor(self._jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
            waiting: list[tuple[range, Future[Chunk]]] = []
            for span in spans:
                waiting.append((span, pool.submit(check_chunk, *arguments(span))))
                if len(waiting) > 3 * self._jobs:
                    done, future = waiting.pop(0)
                    yield done, future.result()
            yield from ((done, future.result()) for done, future in waiting)

    def _check_entries(self, begin: int, chunk: Chunk) -> None:
        """What did not fit the schema as the worker knew it, against the schema that was in force."""
        if chunk.first_time < self._last_time:
            self.add(begin - 1, begin, "time runs backwards here")
        self._last_time = chunk.last_time
        for index, entry in sorted([*chunk.schemas.items(), *chunk.unfit.items()]):
            if index in chunk.schemas:
                self._take_schema(index, entry)
            elif not fits(entry, compiled(canonical(self._schema))):
                self.add(index, index, "the entry does not have the fields of the log's schema")

    def _take_schema(self, index: int, entry: bytes) -> None:
        try:
            schema = read_schema(entry)
        except Wrong as problem:
            self.add(index, index, str(problem))
            return
        gone = ", ".join(thinned(self._schema, schema))
        if gone:
            self.add(index, index, f"from here on the log says less: {gone}")
        self._schema = schema
        self.schemas.append({"index": index, "hash": sha256(canonical(schema)).hexdigest()})

    def _check_tiles(self, row: list[bytes]) -> None:
        """Tiles above level 0 against what the entries give; `row` are the roots of the full bundles."""
        for level in range(1, 8):
            for at in range(0, len(row), WIDTH):
                part = row[at : at + WIDTH]
                raw = self._read(tile_path(level, at // WIDTH, len(part)))
                span = WIDTH**level
                if raw != b"".join(part):
                    listed = [(raw or b"")[n : n + 32] for n in range(0, 32 * len(part), 32)]
                    bad = at + next(
                        (n for n, pair in enumerate(zip(listed, part, strict=True)) if pair[0] != pair[1]), 0
                    )
                    self.add(bad * span, (bad + 1) * span - 1, f"not the published hash of level {level}")
            row = [root_of(row[at : at + WIDTH]) for at in range(0, len(row) - WIDTH + 1, WIDTH)]

    def _check_roots(self, roots: list[bytes], partial: dict[int, bytes]) -> None:
        """Every checkpoint, oldest first: the first that does not agree tells where it began."""
        size = 0 if self.head is None else self.head.size
        heads = [*self.checkpoints, *([] if self.head is None else [self.head])]
        good, rows = 0, [roots[: size // WIDTH]]
        while len(rows[-1]) > 1:
            rows.append([_node(*rows[-1][at : at + 2]) for at in range(0, len(rows[-1]) - 1, 2)])
        for item in sorted(heads, key=lambda item: item.size):
            if item.size > size:
                self.add(size, item.size - 1, f"the log is shorter than it was: it had {item.size} entries")
                continue
            tail = roots[-1] if item.size == size else partial.get(item.size)
            if _root_at(rows, item.size // WIDTH, tail if item.size % WIDTH else None) != item.root:
                last = max(item.size - 1, 0)
                self.add(good, last, f"the entries do not give the root signed at {item.size} entries")
                return
            good = item.size

    def check_receipt(self, raw: bytes, leaf: bytes | None) -> None:
        """A receipt against this very log: the same entry, and its checkpoint in this log's history."""
        index = read_receipt(raw)[0]
        entries = self._bundle(index)
        shown = entries[index % WIDTH] if index % WIDTH < len(entries) else None
        if shown is None or leaf not in (None, shown):
            self.add(index, index, "the log does not show the entry that the receipt is for")
        self.checkpoints.append(check_receipt(self.key, raw, leaf if shown is None else shown)[1])

    def _bundle(self, index: int) -> list[bytes]:
        size = 0 if self.head is None else self.head.size
        begin = index - index % WIDTH
        if index >= size:
            return []
        return unbundle(self._read(tile_path("entries", begin // WIDTH, min(WIDTH, size - begin))) or b"")[0]

    def _progress(self, done: int, size: int) -> None:
        now = time.monotonic()
        if now - self._began > 2 and now - self._spoke > 1:
            self._spoke = now
            print(f"{done:,} of {size:,} entries checked", file=sys.stderr, flush=True)


def note_list(raw: bytes) -> list[bytes]:
    """One note, or a JSON list of them."""
    try:
        return [str(note).encode() for note in json.loads(raw)]
    except (ValueError, TypeError):
        return [raw]


def check_receipt(key: VerifierKey, raw: bytes, leaf: bytes | None) -> tuple[int, Checkpoint]:
    """Check a receipt by itself; its index and its checkpoint. Raises Wrong."""
    index, proof, note = read_receipt(raw)
    head = key.open(note)
    if leaf is not None and not included(index, head.size, leaf_hash(leaf), proof, head.root):
        raise Wrong("the receipt does not prove this entry")
    return index, head


def parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("target", nargs="?", help="the log's address, or a folder with a mirror of it")
    add("--key", help="the log's verifier key (name+hash+base64), or a file with it")
    add("--receipt", type=Path, help="also check this receipt")
    add("--leaf", type=Path, help="the entry the receipt is for")
    add("--seen", type=Path, action="append", default=[], help="a checkpoint you kept (may be repeated)")
    add("--jobs", type=int, default=os.cpu_count() or 1, help="processes to use")
    add("--json", action="store_true", help="print JSON and nothing else on stdout")
    return parser.parse_args(arguments)


def located(target: str) -> str:
    """Where the log's files are: a city's own address has them under `log`."""
    if not target.startswith(("http://", "https://")) or source(target)("checkpoint") is not None:
        return target
    return f"{target.rstrip('/')}/log"


def trusted_key(given: str | None, target: str | None) -> VerifierKey:
    """The key given; without one the key that the log itself shows."""
    if given is not None:
        text = given if "+" in given else Path(given).read_text(encoding="utf-8")
    else:
        shown = None if target is None else source(target)("key")
        if shown is None:
            raise CannotRun("give the log's verifier key with --key")
        text = shown.decode("utf-8")
        print("the key is the log's own word: compare it with one you got elsewhere", file=sys.stderr)
    try:
        return VerifierKey(text)
    except Wrong as problem:
        raise CannotRun(f"--key: {problem}") from None


def examine(options: argparse.Namespace) -> dict[str, Any]:
    """Do what the command line asks; the report."""
    target = None if options.target is None else located(options.target)
    key = trusted_key(options.key, target)
    receipt = None if options.receipt is None else options.receipt.read_bytes()
    leaf = None if options.leaf is None else options.leaf.read_bytes()
    if target is None:
        if receipt is None or leaf is None:
            raise CannotRun("give the log's address or folder, or a receipt with its entry")
        try:
            return report(None, [], check_receipt(key, receipt, leaf)[0])
        except Wrong as problem:
            return report(None, [Finding(-1, -1, str(problem))])
    audit = Audit(target, key, seen=[path.read_bytes() for path in options.seen], jobs=options.jobs)
    if receipt is not None:
        try:
            audit.check_receipt(receipt, leaf)
        except Wrong as problem:
            audit.add(-1, -1, f"the receipt cannot be accepted: {problem}")
    audit.run()
    return report(audit, audit.findings)


def report(audit: Audit | None, findings: list[Finding], receipt: int | None = None) -> dict[str, Any]:
    """What was found. The first bad entry lies from `first_bad` to `first_bad_last`, mostly the same."""
    ordered = sorted(set(findings))
    placed = [item for item in ordered if item.index >= 0]
    last = min((item.last for item in placed), default=None)
    head = None if audit is None else audit.head
    return {
        "ok": not ordered,
        "origin": None if head is None else head.origin,
        "size": None if head is None else head.size,
        "root": None if head is None else base64.b64encode(head.root).decode(),
        "checkpoints": 0 if audit is None else len(audit.checkpoints),
        "schemas": [] if audit is None else audit.schemas,
        "receipt": receipt,
        "first_bad": None if last is None else max(item.index for item in placed if item.index <= last),
        "first_bad_last": last,
        "findings": [asdict(item) for item in ordered[:MAX_FINDINGS]],
        "more_findings": max(0, len(ordered) - MAX_FINDINGS),
    }


def sentences(found: dict[str, Any]) -> Iterator[str]:
    """The report in plain words."""
    if found["ok"] and found["size"] is None:
        yield f"The receipt is good: it proves entry {found['receipt']}."
    elif found["ok"]:
        more = f"and {found['checkpoints']} earlier heads agree"
        yield f"{found['origin']}: all {found['size']:,} entries are as they were signed, {more}."
    for item in found["findings"]:
        span = str(item["index"]) if item["index"] == item["last"] else f"{item['index']} to {item['last']}"
        yield f"{'the log' if item['index'] < 0 else 'entry ' + span}: {item['what']}"
    if found["more_findings"]:
        yield f"and {found['more_findings']} more"
    if found["first_bad"] is not None:
        yield f"NOT in order. First bad entry: {found['first_bad']} (or up to {found['first_bad_last']})."


def main(arguments: Sequence[str] | None = None) -> int:
    """The command. Returns the exit status."""
    options = parse_arguments(arguments)
    try:
        found = examine(options)
    except (CannotRun, OSError, UnicodeDecodeError) as problem:
        print(f"cannot run: {problem}", file=sys.stderr)
        if options.json:
            print(json.dumps({"error": str(problem)}))
        return 2
    with contextlib.suppress(BrokenPipeError):
        print(json.dumps(found, indent=1) if options.json else "\n".join(sentences(found)))
    return 0 if found["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
