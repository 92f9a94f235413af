# SPDX-License-Identifier: Apache-2.0
"""The Merkle tree of RFC 6962 section 2.1: SHA-256, leaves under 0x00, nodes under 0x01.

Pure. `Tree` keeps every complete subtree's hash in one bytearray per level, so that a root or a
proof for any size up to its own is a handful of look-ups. 64 bytes of memory per leaf.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256

HASH = 32
EMPTY_ROOT = sha256(b"").digest()


def leaf_hash(leaf: bytes) -> bytes:
    """MTH of one entry. The 0x00 keeps a leaf from ever being taken for a node."""
    return sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """MTH of two subtrees."""
    return sha256(b"\x01" + left + right).digest()


def root_of(hashes: Sequence[bytes]) -> bytes:
    """Root over leaf hashes held in a list; for tiles and other small ranges."""
    if not hashes:
        return EMPTY_ROOT
    stack: list[tuple[int, bytes]] = []
    for item in hashes:
        height, node = 0, item
        while stack and stack[-1][0] == height:
            node = node_hash(stack.pop()[1], node)
            height += 1
        stack.append((height, node))
    node = stack.pop()[1]
    while stack:
        node = node_hash(stack.pop()[1], node)
    return node


class Tree:
    """An append-only tree in memory. Not safe for concurrent use: one writer owns it."""

    __slots__ = ("_levels",)

    def __init__(self, leaf_hashes: Iterable[bytes] = ()) -> None:
        self._levels = [bytearray()]
        self.extend(leaf_hashes)

    @property
    def size(self) -> int:
        """Number of leaves."""
        return len(self._levels[0]) // HASH

    def append(self, item: bytes) -> None:
        """Add one leaf hash (32 bytes)."""
        if len(item) != HASH:
            raise ValueError("a leaf hash has 32 bytes")
        levels = self._levels
        index, level, node = self.size, 0, item
        levels[0] += item
        while index & 1:
            row = levels[level]
            node = sha256(b"\x01" + row[(index - 1) * HASH : index * HASH] + node).digest()
            index >>= 1
            level += 1
            if level == len(levels):
                levels.append(bytearray())
            levels[level] += node

    def extend(self, leaf_hashes: Iterable[bytes]) -> None:
        """Add many leaf hashes."""
        for item in leaf_hashes:
            self.append(item)

    def truncate(self, size: int) -> None:
        """Forget every leaf from `size` on. For leaves that were staged and not committed."""
        if not 0 <= size <= self.size:
            raise ValueError("no such tree size")
        for level, row in enumerate(self._levels):
            del row[(size >> level) * HASH :]

    def node(self, level: int, index: int) -> bytes:
        """Hash of the complete subtree over leaves [index << level, (index + 1) << level)."""
        if not 0 <= level < len(self._levels) or not 0 <= index < len(self._levels[level]) // HASH:
            raise IndexError("no such subtree")
        return bytes(self._levels[level][index * HASH : (index + 1) * HASH])

    def root(self, size: int | None = None) -> bytes:
        """Root of the first `size` leaves (all of them by default)."""
        wanted = self.size if size is None else size
        if not 0 <= wanted <= self.size:
            raise ValueError("no such tree size")
        return EMPTY_ROOT if wanted == 0 else self._span(0, wanted)

    def inclusion_proof(self, index: int, size: int) -> list[bytes]:
        """Audit path PATH(index, D[size]), from the leaf's sibling up to the root's child."""
        if not 0 <= index < size <= self.size:
            raise ValueError("no such leaf in a tree of this size")
        path: list[bytes] = []
        begin, end = 0, size
        while end - begin > 1:
            middle = begin + _split(end - begin)
            if index < middle:
                path.append(self._span(middle, end))
                end = middle
            else:
                path.append(self._span(begin, middle))
                begin = middle
        return path[::-1]

    def consistency_proof(self, old: int, size: int) -> list[bytes]:
        """PROOF(old, D[size]) for 1 <= old <= size; empty when they are equal."""
        if not 1 <= old <= size <= self.size:
            raise ValueError("no such pair of tree sizes")
        path: list[bytes] = []
        begin, end, known = 0, size, True
        while end != old:
            middle = begin + _split(end - begin)
            if old <= middle:
                path.append(self._span(middle, end))
                end = middle
            else:
                path.append(self._span(begin, middle))
                begin, known = middle, False
        if not known:
            path.append(self._span(begin, end))
        return path[::-1]

    def _span(self, begin: int, end: int) -> bytes:
        # `begin` is a multiple of a power of two no smaller than the span, as RFC 6962 splits give it.
        node = b""
        for level in range((end - begin).bit_length()):
            if (end - begin) >> level & 1:
                left = self.node(level, (end >> level) - 1)
                node = node_hash(left, node) if node else left
        return node


def _split(count: int) -> int:
    """The largest power of two smaller than `count` (which is at least 2)."""
    return 1 << ((count - 1).bit_length() - 1)


def verify_inclusion(*, index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes) -> bool:
    """RFC 9162 section 2.1.3.2. `leaf` is the leaf's hash. True only for the one right proof."""
    if not 0 <= index < size or any(len(item) != HASH for item in (leaf, root, *proof)):
        return False
    position, last, node = index, size - 1, leaf
    for item in proof:
        if last == 0:
            return False
        if position & 1 or position == last:
            node = node_hash(item, node)
            while not position & 1 and position:
                position >>= 1
                last >>= 1
        else:
            node = node_hash(node, item)
        position >>= 1
        last >>= 1
    return last == 0 and node == root


def verify_consistency(
    *, old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]
) -> bool:
    """RFC 9162 section 2.1.4.2, for 1 <= old <= new. An empty tree is consistent with nothing here."""
    if not 1 <= old <= new or any(len(item) != HASH for item in (old_root, new_root, *proof)):
        return False
    if old == new:
        return not proof and old_root == new_root
    path = list(proof) if old & (old - 1) else [old_root, *proof]
    if not path:
        return False
    position, last = old - 1, new - 1
    while position & 1:
        position >>= 1
        last >>= 1
    first = second = path[0]
    for item in path[1:]:
        if last == 0:
            return False
        if position & 1 or position == last:
            first, second = node_hash(item, first), node_hash(item, second)
            while not position & 1 and position:
                position >>= 1
                last >>= 1
        else:
            second = node_hash(second, item)
        position >>= 1
        last >>= 1
    return last == 0 and first == old_root and second == new_root
