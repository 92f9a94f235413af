# SPDX-License-Identifier: Apache-2.0
"""c2sp.org/tlog-proof: the receipt. A text that shows, offline, that an entry is in the log. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from openpars.log.merkle import leaf_hash, verify_inclusion
from openpars.log.note import (
    MAX_NOTE,
    Checkpoint,
    Malformed,
    Verifier,
    decode,
    encode,
    number,
    open_checkpoint,
)

HEADER = "c2sp.org/tlog-proof@v1"
MAX_PROOF = 2 * MAX_NOTE


@dataclass(frozen=True, slots=True)
class Proof:
    """A parsed receipt. `checkpoint` is the signed note, word for word; `extra` is not authenticated."""

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: str
    extra: bytes | None = None

    def text(self) -> str:
        """The receipt as it is handed out."""
        lines = [HEADER]
        if self.extra is not None:
            lines.append(f"extra {encode(self.extra)}")
        lines.append(f"index {self.index}")
        lines.extend(encode(item) for item in self.hashes)
        return "\n".join(lines) + "\n\n" + self.checkpoint


def parse(text: str | bytes) -> Proof:
    """Read a receipt. Strict: `parse(text).text() == text`. Raises Malformed."""
    try:
        whole = text if isinstance(text, str) else text.decode("utf-8")
    except UnicodeDecodeError:
        raise Malformed("a receipt is UTF-8") from None
    if len(whole) > MAX_PROOF:
        raise Malformed("too long for a receipt")
    head, gap, checkpoint = whole.partition("\n\n")
    lines = head.split("\n")
    if not gap or not checkpoint or lines.pop(0) != HEADER:
        raise Malformed("not a tlog-proof")
    extra = decode(lines.pop(0).removeprefix("extra ")) if lines and lines[0].startswith("extra ") else None
    if not lines or not lines[0].startswith("index "):
        raise Malformed("a receipt names its index")
    index = number(lines.pop(0).removeprefix("index "))
    if len(lines) > 63:
        raise Malformed("too many hashes for any tree")
    return Proof(index, tuple(decode(line, 32) for line in lines), checkpoint, extra)


def verify(text: str | bytes, leaf: bytes, verifier: Verifier) -> tuple[Proof, Checkpoint]:
    """Check a receipt for `leaf` (the entry's bytes) against a log's key. Raises Malformed."""
    proof = parse(text)
    head = open_checkpoint(proof.checkpoint, verifier)
    held = verify_inclusion(
        index=proof.index, size=head.size, leaf=leaf_hash(leaf), proof=proof.hashes, root=head.root
    )
    if not held:
        raise Malformed("the receipt does not prove this entry")
    return proof, head
