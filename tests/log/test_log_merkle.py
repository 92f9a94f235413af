# SPDX-License-Identifier: Apache-2.0
"""The tree against the RFC's own figures, a real log of a billion entries, a naive tree and pymerkle."""

from __future__ import annotations

import hashlib
import json
from base64 import b64decode
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymerkle import InmemoryTree

from openpars.log.merkle import (
    EMPTY_ROOT,
    Tree,
    leaf_hash,
    node_hash,
    root_of,
    verify_consistency,
    verify_inclusion,
)

FACTS = json.loads((Path(__file__).parent / "vectors.json").read_text(encoding="utf-8"))
RFC, ARGON = FACTS["rfc6962"], FACTS["argon2020"]
LEAVES = [bytes.fromhex(text) for text in RFC["leaf_inputs_hex"]]


def naive(entries: list[bytes]) -> bytes:
    """MTH as RFC 6962 section 2.1 writes it."""
    if not entries:
        return hashlib.sha256().digest()
    if len(entries) == 1:
        return hashlib.sha256(b"\0" + entries[0]).digest()
    half = 1
    while half * 2 < len(entries):
        half *= 2
    return hashlib.sha256(b"\1" + naive(entries[:half]) + naive(entries[half:])).digest()


def test_reference_roots() -> None:
    tree = Tree()
    for size, wanted in enumerate(RFC["roots_hex_by_size"]):
        assert tree.root().hex() == wanted
        if size < len(LEAVES):
            tree.append(leaf_hash(LEAVES[size]))
    assert [tree.root(size).hex() for size in range(9)] == RFC["roots_hex_by_size"]


def test_reference_hashes() -> None:
    assert EMPTY_ROOT.hex() == RFC["roots_hex_by_size"][0]
    assert leaf_hash(b"L123456").hex() == RFC["leaf_L123456"]
    assert node_hash(b"N123", b"N456").hex() == RFC["node_N123_N456"]


def test_reference_proofs() -> None:
    tree = Tree(leaf_hash(entry) for entry in LEAVES)
    assert tree.inclusion_proof(5, 8) == [b64decode(text) for text in RFC["inclusion_5_of_8"]]
    assert tree.consistency_proof(1, 8) == [b64decode(text) for text in RFC["consistency_1_to_8"]]


def test_a_real_log_of_a_billion_entries() -> None:
    root, leaf = b64decode(ARGON["root"]), b64decode(ARGON["leaf_hash"])
    proof = [b64decode(text) for text in ARGON["inclusion"]]
    right = {"index": ARGON["index"], "size": ARGON["size"], "leaf": leaf, "proof": proof, "root": root}
    assert verify_inclusion(**right)
    assert not verify_inclusion(**{**right, "index": ARGON["index"] + 1})
    path = [b64decode(text) for text in ARGON["consistency"]]
    old_root = b64decode(ARGON["old_root"])
    sizes = {"old": ARGON["old_size"], "new": ARGON["size"]}
    assert verify_consistency(**sizes, old_root=old_root, new_root=root, proof=path)
    assert not verify_consistency(**sizes, old_root=root, new_root=root, proof=path)


def mutations(proof: list[bytes], roots: list[bytes]) -> list[list[bytes]]:
    changed = [
        [*proof[:at], bytes([proof[at][0] ^ 16]) + proof[at][1:], *proof[at + 1 :]]
        for at in range(len(proof))
    ]
    changed += [[*proof[:at], *proof[at + 1 :]] for at in range(len(proof))]
    for extra in (*roots, bytes(32), b"", bytes(31)):
        changed += [[extra, *proof], [*proof, extra]]
    return [one for one in changed if one != proof]


@pytest.mark.parametrize(("index", "size"), [(0, 1), (0, 8), (5, 8), (2, 3), (1, 5), (6, 7)])
def test_broken_inclusion_proofs(index: int, size: int) -> None:
    tree = Tree(leaf_hash(entry) for entry in LEAVES)
    leaf, proof, root = leaf_hash(LEAVES[index]), tree.inclusion_proof(index, size), tree.root(size)
    right = {"index": index, "size": size, "leaf": leaf, "proof": proof, "root": root}
    assert verify_inclusion(**right)
    for broken in mutations(proof, [root, leaf]):
        assert not verify_inclusion(**{**right, "proof": broken})
    for number in {*range(-1, 10)} - {index}:
        assert not verify_inclusion(**{**right, "index": number})
    for number in (-1, 0, size * 2, size // 2, size * 2**40):
        assert not verify_inclusion(**{**right, "size": number})
    for wrong in (EMPTY_ROOT, b"", bytes(32), leaf if size > 1 else bytes(32)):
        assert not verify_inclusion(**{**right, "root": wrong})
    for wrong in (EMPTY_ROOT, b"", root if size > 1 else bytes(32)):
        assert not verify_inclusion(**{**right, "leaf": wrong})


@pytest.mark.parametrize(("old", "new"), [(1, 1), (1, 8), (6, 8), (2, 5), (4, 8), (7, 8), (3, 7)])
def test_broken_consistency_proofs(old: int, new: int) -> None:
    tree = Tree(leaf_hash(entry) for entry in LEAVES)
    proof, first, second = tree.consistency_proof(old, new), tree.root(old), tree.root(new)
    right = {"old": old, "new": new, "old_root": first, "new_root": second, "proof": proof}
    assert verify_consistency(**right)
    for broken in mutations(proof, [first, second]):
        assert not verify_consistency(**{**right, "proof": broken})
    for wrong in (bytes(32), b""):
        assert not verify_consistency(**{**right, "old_root": wrong})
        assert not verify_consistency(**{**right, "new_root": wrong})
    if old != new:
        assert not verify_consistency(**{**right, "old_root": second, "new_root": first})
    assert not verify_consistency(**{**right, "old": 0})
    assert not verify_consistency(**{**right, "old": new + 1})


def test_an_empty_tree_proves_nothing() -> None:
    assert not verify_consistency(old=0, new=0, old_root=EMPTY_ROOT, new_root=EMPTY_ROOT, proof=[])
    assert not verify_inclusion(index=0, size=0, leaf=EMPTY_ROOT, proof=[], root=EMPTY_ROOT)


@given(st.lists(st.binary(max_size=8), min_size=1, max_size=70), st.data())
@settings(max_examples=60, deadline=None)
def test_against_a_naive_tree_and_pymerkle(entries: list[bytes], data: st.DataObject) -> None:
    tree, oracle = Tree(), InmemoryTree(algorithm="sha256")
    for entry in entries:
        tree.append(leaf_hash(entry))
        oracle.append_entry(entry)
    size = data.draw(st.integers(1, len(entries)))
    assert tree.root(size) == naive(entries[:size]) == root_of([leaf_hash(entry) for entry in entries[:size]])
    assert tree.root() == oracle.get_root()
    index = data.draw(st.integers(0, size - 1))
    proof = tree.inclusion_proof(index, size)
    leaf = leaf_hash(entries[index])
    assert verify_inclusion(index=index, size=size, leaf=leaf, proof=proof, root=tree.root(size))
    theirs = [bytes.fromhex(node) for node in oracle.prove_inclusion(index + 1, size).serialize()["path"]]
    assert theirs[1:] == proof
    old = data.draw(st.integers(1, size))
    path = tree.consistency_proof(old, size)
    roots = {"old_root": tree.root(old), "new_root": tree.root(size)}
    assert verify_consistency(old=old, new=size, proof=path, **roots)
    tree.truncate(old)
    assert (tree.size, tree.root()) == (old, naive(entries[:old]))
    tree.extend(leaf_hash(entry) for entry in entries[old:])
    assert tree.root() == naive(entries)


def test_wrong_arguments() -> None:
    tree = Tree([bytes(32)])
    for call in (
        lambda: tree.append(b"short"),
        lambda: tree.root(2),
        lambda: tree.inclusion_proof(1, 1),
        lambda: tree.consistency_proof(0, 1),
        lambda: tree.truncate(2),
    ):
        with pytest.raises(ValueError, match=r"size|leaf"):
            call()
    for place in ((0, 1), (0, -1), (1, 0), (9, 0)):
        with pytest.raises(IndexError):
            tree.node(*place)
