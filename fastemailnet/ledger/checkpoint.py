"""Checkpoints (C2SP tlog-checkpoint): origin, tree size and root, exactly three lines, as a signed note."""

from typing import NamedTuple

from fastemailnet.errors import ProofError
from fastemailnet.ledger import note
from fastemailnet.ledger.hashing import HASH_OCTETS

MAX_TREE_SIZE = 2**63 - 1
_LINES = 3


class Checkpoint(NamedTuple):
    """A tree head."""

    origin: str
    size: int
    root: bytes

    @property
    def body(self) -> str:
        """The three lines that are signed."""
        return f"{self.origin}\n{self.size}\n{note.encode_base64(self.root)}\n"


def parse_body(body: str) -> Checkpoint:
    """The checkpoint in a note's text.

    Raises:
        ProofError: it is not exactly three well-formed lines.
    """
    lines = body.split("\n")
    if len(lines) != _LINES + 1 or lines[-1] or not lines[0]:
        raise ProofError("checkpoint: origin, size and root on three lines are needed, and nothing else")
    origin, size, root = lines[:_LINES]
    if not (size.isascii() and size.isdecimal()) or str(int(size[:20])) != size or int(size) > MAX_TREE_SIZE:
        raise ProofError(f"checkpoint: {size[:20]!r} is not a tree size")
    octets = note.decode_base64(root, "checkpoint: root")
    if len(octets) != HASH_OCTETS:
        raise ProofError(f"checkpoint: a root has {HASH_OCTETS} octets, not {len(octets)}")
    return Checkpoint(origin, int(size), octets)


def sign(checkpoint: Checkpoint, key: note.SignerKey) -> str:
    """The signed checkpoint."""
    return key.sign(checkpoint.body)


def verify(text: str, key: note.VerifierKey) -> Checkpoint:
    """The checkpoint in ``text``, signed by the log's ``key``.

    Raises:
        ProofError: no valid signature of that key, or another origin than the key's name.
    """
    parsed = note.parse(text)
    checkpoint = parse_body(parsed.text)
    if checkpoint.origin != key.name:
        raise ProofError(f"checkpoint: origin {checkpoint.origin!r} is not the log {key.name!r}")
    if not note.verify(parsed, [key]):
        raise ProofError(f"signature: {key.name} (key id {key.key_id.hex()}) has not signed this checkpoint")
    return checkpoint
