"""Facts and dumb twins for the ledger's tests."""

from collections.abc import Sequence
from hashlib import sha256

from fastemailnet import ids
from fastemailnet.ledger import leaf, note, proof, receipt, tile
from fastemailnet.ledger.batch import Append, AppendFrame, Batcher, Flush
from fastemailnet.ledger.checkpoint import Checkpoint
from fastemailnet.ledger.fact import Fact, LeafType
from fastemailnet.ledger.frame import Frame
from fastemailnet.ledger.replay import Chain

NOW_MS = 1_760_000_000_000
ORIGIN = "mail.example.com/ledger"
SEED = bytes(range(32))
KEY = note.SignerKey(ORIGIN, SEED)


def fact(number: int, kind: LeafType = LeafType.RELAYED, recipient: str | None = None) -> Fact:
    """A fact that differs from those of other numbers in every field that could tell them apart."""
    message = ids.message_id(NOW_MS, number.to_bytes(10, "big"))
    return Fact(
        type=kind,
        at_ms=NOW_MS + number,
        message=message,
        recipient_index=number % 3,
        delivery=ids.delivery_id(message, number % 3),
        attempt=1,
        smtp_code=250,
        enhanced=(2, 0, 0),
        flags=3,
        tenant="acme",
        sender="bounce@Acme.example",
        recipient=recipient or f"User{number}@Example.com",
        content_sha256=sha256(b"content %d" % number).digest(),
        detail={"mx": "mx1.example.com", "reply": f"250 2.0.0 Ok: queued as {number}", "port": 25},
        salt=sha256(b"salt %d" % number).digest(),
    )


def mth(entries: Sequence[bytes]) -> bytes:
    """RFC 6962 section 2.1, as it is written there."""
    if not entries:
        return sha256(b"").digest()
    if len(entries) == 1:
        return sha256(b"\x00" + entries[0]).digest()
    k = 1
    while k * 2 < len(entries):
        k *= 2
    return sha256(b"\x01" + mth(entries[:k]) + mth(entries[k:])).digest()


def path(m: int, entries: Sequence[bytes]) -> list[bytes]:
    """PATH(m, D[n]) of RFC 6962 section 2.1.1, as it is written there."""
    if len(entries) == 1:
        return []
    k = 1
    while k * 2 < len(entries):
        k *= 2
    if m < k:
        return [*path(m, entries[:k]), mth(entries[k:])]
    return [*path(m - k, entries[k:]), mth(entries[:k])]


def subproof(m: int, entries: Sequence[bytes], whole: bool = True) -> list[bytes]:
    """SUBPROOF(m, D[n], b) of RFC 6962 section 2.1.2, as it is written there."""
    if m == len(entries):
        return [] if whole else [mth(entries)]
    k = 1
    while k * 2 < len(entries):
        k *= 2
    if m <= k:
        return [*subproof(m, entries[:k], whole), mth(entries[k:])]
    return [*subproof(m - k, entries[k:], False), mth(entries[:k])]


def fetch_from(entries: Sequence[bytes]) -> proof.Fetch:
    """Subtree roots from the entries themselves."""
    return lambda height, index: mth(entries[index << height : (index + 1) << height])


def blocks(sizes: Sequence[int]) -> list[Frame]:
    """Frames of blocks with so many facts each."""
    batcher = Batcher(ORIGIN, Chain(), None)
    frames, number = [], 0
    for count in sizes:
        facts = [fact(n) for n in range(number, number + count)]
        number += count
        now_ms = NOW_MS + number
        effects = batcher.step(Append(facts, {0: number}, now_ms)) + batcher.step(Flush(now_ms))
        frames += [effect.frame for effect in effects if isinstance(effect, AppendFrame)]
    return frames


def small_receipt(count: int = 5, index: int = 2) -> tuple[str, note.VerifierKey]:
    """A receipt in a tree of one block, made without any file."""
    facts = [fact(number) for number in range(count)]
    (frame,) = blocks([count])
    entries = tile.split_bundle(frame.payload)
    assert entries[index] == leaf.pack(facts[index])
    proven = [
        receipt.Proven(at, entries[at], proof.inclusion(at, len(entries), fetch_from(entries))) for at in (index, count)
    ]
    signed = KEY.sign(Checkpoint(ORIGIN, len(entries), mth(entries)).body)
    return receipt.make(facts[index], proven[0], proven[1], signed), KEY.verifier
