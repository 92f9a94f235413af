# SPDX-License-Identifier: Apache-2.0
"""Notes, checkpoints, receipts, tile paths: the specifications' own examples, and everything else refused."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openpars.log import note, proof, tiles
from openpars.log.merkle import Tree, leaf_hash
from openpars.log.note import Checkpoint, Malformed, Signer, Verifier

FACTS = json.loads((Path(__file__).parent / "vectors.json").read_text(encoding="utf-8"))
DASH = "\N{EM DASH}"


@pytest.mark.parametrize("fact", FACTS["notes"], ids=lambda fact: fact["vkey"].split("+")[0])
def test_published_notes(fact: dict[str, str]) -> None:
    verifier = Verifier.parse(fact["vkey"])
    assert str(verifier) == fact["vkey"]
    text = note.open_note(fact["note"], [verifier])
    assert fact["note"].startswith(text + "\n")
    for changed in (fact["note"].replace(".", ","), fact["note"].replace("\n\n", " \n\n", 1)):
        with pytest.raises(Malformed):
            note.open_note(changed, [verifier])


def test_signing_gives_the_published_bytes() -> None:
    fact = FACTS["notes"][1]
    seed = b64decode(FACTS["private_test_key"].split("+", 4)[4])[1:]
    signer = Signer("PeterNeumann", seed)
    assert signer.verifier.vkey == fact["vkey"]
    assert signer.sign(note.open_note(fact["note"], [signer.verifier])) == fact["note"]


def test_mangled_verifier_keys() -> None:
    for fact in FACTS["notes"]:
        whole = fact["vkey"]
        mangled = [whole[begin:end] for begin in range(len(whole)) for end in range(begin, len(whole) + 1)]
        mangled += [whole[:at] + chr(ord(whole[at]) + 1) + whole[at + 1 :] for at in range(len(whole))]
        mangled += [whole.upper(), whole + "\n", " " + whole, *FACTS["bad_vkeys"]]
        for bad in mangled:
            if bad != whole:
                with pytest.raises(Malformed):
                    Verifier.parse(bad)


def test_malformed_notes() -> None:
    good = FACTS["notes"][1]["note"]
    verifier = Verifier.parse(FACTS["notes"][1]["vkey"])
    text, _, line = good.rpartition("\n\n")
    many = f"{text}\n\n" + line * 100
    assert note.open_note(many, [verifier]) == text + "\n"
    for bad in (
        text + "\n",
        text + "\n\n",
        good[:-1],
        "\x01" + good,
        good.encode()[:5] + b"\xff" + good.encode()[5:],
        good.replace("\n", "\r\n"),
        good + "Unexpected line.\n",
        good.replace("PeterNeumann ", "Peter Neumann "),
        good.replace("PeterNeumann ", "PeterNeumann  "),
        good.replace("JnAM=", "JnAN="),
        good.replace("JnAM=", "JnAM"),
        good.replace(DASH, "-"),
        many + line,
        good.replace("x08go", "x08gp"),
        f"{text}\n\n{DASH} Somebody x08go/ZJ\n",
        f"{text}\n\n{DASH} PeterNeumann x08g\n",
        "x" * 70_000 + good,
        "",
    ):
        with pytest.raises(Malformed):
            note.open_note(bad, [verifier])
    # Signatures by others are ignored: a log's witnesses sign below it.
    other = good + f"{DASH} witness.example.com/w1 {b64encode(bytes(76)).decode()}\n"
    assert note.open_note(other, [verifier]) == text + "\n"
    with pytest.raises(Malformed):
        note.open_note(good, [])


def test_checkpoints() -> None:
    found = note.parse_checkpoint(FACTS["checkpoint"])
    assert (found.origin, found.size) == ("example.com/behind-the-sofa", 20_852_163)
    assert found.text() == FACTS["checkpoint"]
    origin, size, root, _ = FACTS["checkpoint"].split("\n")
    for bad in (
        f"{origin}\n0{size}\n{root}\n",
        f"{origin}\n+{size}\n{root}\n",
        f"{origin}\n٤٢\n{root}\n",
        f"{origin}\n4_2\n{root}\n",
        f"{origin}\n \n{root}\n",
        f"{origin}\n{size}\n{root}",
        f"{origin}\n{size}\n{root[:-1]}\n",
        f"{origin}\n{size}\n{root}\nextension\n",
        f"\n{size}\n{root}\n",
        f"{origin}\n{size}\n{b64encode(bytes(31)).decode()}\n",
        f"{origin}\n{10**30}\n{root}\n",
    ):
        with pytest.raises(Malformed):
            note.parse_checkpoint(bad)
    signer = Signer("log.example/a", bytes(32))
    stolen = signer.sign(Checkpoint("log.example/b", 1, bytes(32)).text())
    with pytest.raises(Malformed):
        note.open_checkpoint(stolen, signer.verifier)


HASHES = [sha256(b"hash1").digest(), sha256(b"hash2").digest()]
LINES = [b64encode(item).decode() for item in HASHES]


@pytest.mark.parametrize(
    ("made", "text"),
    [
        (
            proof.Proof(5, tuple(HASHES), "test checkpoint\n"),
            f"c2sp.org/tlog-proof@v1\nindex 5\n{LINES[0]}\n{LINES[1]}\n\ntest checkpoint\n",
        ),
        (
            proof.Proof(10, (HASHES[0],), "checkpoint data\n", b"extra information"),
            f"{proof.HEADER}\nextra ZXh0cmEgaW5mb3JtYXRpb24=\nindex 10\n{LINES[0]}\n\ncheckpoint data\n",
        ),
        (proof.Proof(0, (), "checkpoint\n"), "c2sp.org/tlog-proof@v1\nindex 0\n\ncheckpoint\n"),
    ],
)
def test_published_proof_texts(made: proof.Proof, text: str) -> None:
    assert made.text() == text
    assert proof.parse(text) == made


def test_malformed_proofs() -> None:
    head = "c2sp.org/tlog-proof@v1\n"
    for bad in (
        "wrong-header\nindex 0\n\ncheckpoint\n",
        f"{head}extra !!notbase64!!\nindex 0\n\ncheckpoint\n",
        f"{head}\n\ncheckpoint\n",
        f"{head}index notanumber\n\ncheckpoint\n",
        f"{head}index -5\n\ncheckpoint\n",
        f"{head}index 05\n\ncheckpoint\n",
        f"{head}index 0\n!!notbase64!!\n\ncheckpoint\n",
        f"{head}index 0\n{b64encode(bytes(64)).decode()}\n\ncheckpoint\n",
        f"{head}index 0\n{'a' * 200_000}\n\ncheckpoint\n",
        f"{head}index 0\n{LINES[0]}\n".rstrip("\n"),
        head + "index 0\n" + LINES[0] + "\n" * 2,
        f"{head}index 0\n" + f"{LINES[0]}\n" * 64 + "\ncheckpoint\n",
        f"{head}index 0\nextra AA==\n\ncheckpoint\n",
        b"\xff",
    ):
        with pytest.raises(Malformed):
            proof.parse(bad)


def test_a_receipt_proves_its_own_entry_only() -> None:
    signer = Signer("log.example/a", bytes(32))
    entries = [b"%d" % number for number in range(9)]
    tree = Tree(leaf_hash(entry) for entry in entries)
    checkpoint = signer.sign(Checkpoint(signer.name, 9, tree.root()).text())
    for index, entry in enumerate(entries):
        text = proof.Proof(index, tuple(tree.inclusion_proof(index, 9)), checkpoint).text()
        proof.verify(text, entry, signer.verifier)
        for wrong in (entries[index - 1], b""):
            with pytest.raises(Malformed):
                proof.verify(text, wrong, signer.verifier)
        with pytest.raises(Malformed):
            proof.verify(text, entry, Signer("log.example/a", bytes(31) + b"\1").verifier)


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (tiles.Tile(0, 0), "tile/0/000"),
        (tiles.Tile(0, 1_234_067), "tile/0/x001/x234/067"),
        (tiles.Tile(1, 0, 1), "tile/1/000.p/1"),
        (tiles.Tile(None, 999, 255), "tile/entries/999.p/255"),
        (tiles.Tile(63, 1000), "tile/63/x001/000"),
    ],
)
def test_tile_paths(tile: tiles.Tile, path: str) -> None:
    assert tile.path() == path
    assert tiles.parse(path) == tile


def test_wrong_tile_paths() -> None:
    for bad in (
        "tile/00/000", "tile/64/000", "tile/0/0", "tile/0/x000/000", "tile/0/001/000", "tile/0/000.p/0",
        "tile/0/000.p/256", "tile/0/000.p/01", "tile/0/000/", "/tile/0/000", "tile/0/000.p/", "tile//000",
        "tile/0/x1/000", "tile/entry/000", "tile/0/\u0660\u0660\u0660", "tile/0/000\n", "tile/0/../0/000", "",
    ):  # fmt: skip
        with pytest.raises(Malformed):
            tiles.parse(bad)


@given(st.integers(0, 2**55), st.sampled_from([None, 0, 1, 7]), st.integers(1, 256))
def test_every_tile_has_one_path(index: int, level: int | None, width: int) -> None:
    tile = tiles.Tile(level, index, width)
    if index < 10**18:
        assert tiles.parse(tile.path()) == tile


def test_what_is_published() -> None:
    """The example of the specification: a tree of 70,000."""
    found = [tile for tile in tiles.published(70_000, entries=False) if tile.width < 256 or tile.level]
    assert found == [tiles.Tile(0, 273, 112), tiles.Tile(1, 0), tiles.Tile(1, 1, 17), tiles.Tile(2, 0, 1)]
    assert len(list(tiles.published(70_000, entries=False))) == 273 + 4
    assert list(tiles.published(256, entries=False)) == [tiles.Tile(0, 0), tiles.Tile(1, 0, 1)]
    assert list(tiles.published(0)) == []


@given(st.lists(st.binary(max_size=300), max_size=20))
def test_bundles(entries: list[bytes]) -> None:
    raw = tiles.bundle(entries)
    assert tiles.unbundle(raw) == entries
    if raw and entries[-1]:
        with pytest.raises(Malformed):
            tiles.unbundle(raw[:-1])
