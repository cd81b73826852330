"""Receipts: one ``.tlog-proof`` text (C2SP tlog-proof) that anyone can check with no more than the log's public key.

Stock verifiers read index, path and checkpoint. ``extra`` is for ours: base64 of RFC 8785 JSON with the leaf, the
openings that its holder may show, the ids behind the leaf's delivery, and the block's seal with its own path. Nothing
in ``extra`` is believed: every octet is either recomputed into something signed or must have the one canonical
spelling, so a flipped bit anywhere fails a step.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import NamedTuple

import msgspec

from fastemailnet import ids
from fastemailnet.errors import ProofError
from fastemailnet.ledger import canonical, checkpoint, leaf, note, policy, proof, seal
from fastemailnet.ledger.checkpoint import Checkpoint
from fastemailnet.ledger.fact import Fact
from fastemailnet.ledger.hashing import HASH_OCTETS, leaf_hash
from fastemailnet.ledger.leaf import FIELDS, Leaf
from fastemailnet.ledger.note import decode_base64, encode_base64
from fastemailnet.ledger.tlog_proof import (
    HEADER,
    Block,
    Delivery,
    Extra,
    Opening,
    Receipt,
    Value,
    decode_hash,
    parse,
    render,
)

LAST_MS = 253_402_300_799_999  # the year 9999 ends


class State(StrEnum):
    """How much stands behind a receipt. Recorded alone is *self-attested*: only the log itself vouches for it."""

    RECORDED = "recorded"
    WITNESSED = "witnessed"


class Step(NamedTuple):
    """One step of the verification, and what it found."""

    name: str
    found: str


class Verified(NamedTuple):
    """What a receipt proves."""

    checkpoint: Checkpoint
    leaf_index: int
    leaf: Leaf
    message: str | None  # 26 letters, where the receipt names it
    openings: dict[str, Value]
    block: seal.Seal
    witnesses: tuple[str, ...]
    state: State
    steps: tuple[Step, ...]


class Proven(NamedTuple):
    """An entry, where it stands, and its path in the checkpoint's tree."""

    leaf_index: int
    entry: bytes
    path: Sequence[bytes]


def make(fact: Fact, entry: Proven, block: Proven, signed: str) -> str:
    """The receipt of a leaf.

    Args:
        fact: what the leaf commits to.
        entry: the leaf, its index and its path.
        block: the same of the seal of its block.
        signed: the signed checkpoint in whose tree both paths end.
    """
    named = ids.delivery_id(fact.message, fact.recipient_index) == fact.delivery
    extra = Extra(
        block=Block(block.leaf_index, encode_base64(block.entry), [encode_base64(node) for node in block.path]),
        leaf=encode_base64(entry.entry),
        openings=_openings(fact),
        delivery=Delivery(ids.to_text(fact.message), fact.recipient_index) if named else None,
    )
    return render(Receipt(entry.leaf_index, list(entry.path), signed, extra))


def disclose(text: str, fields: Collection[str]) -> str:
    """The same receipt with the openings of these fields only, for a reader who may see no more.

    Raises:
        ProofError: the text is no receipt, or has no opening of one of the fields.
    """
    receipt = parse(text)
    if missing := set(fields) - set(receipt.extra.openings):
        raise ProofError(f"openings: the receipt does not open {', '.join(sorted(missing))}")
    kept = {field: opening for field, opening in receipt.extra.openings.items() if field in fields}
    return render(receipt._replace(extra=msgspec.structs.replace(receipt.extra, openings=kept)))


def tenant_of(text: str) -> str | None:
    """The tenant that a receipt opens, unverified; None where it opens none.

    Raises:
        ProofError: the text is no receipt.
    """
    opening = parse(text).extra.openings.get("tenant")
    return str(opening.value) if opening is not None else None


def verify_receipt(text: str, trust: policy.Policy | str) -> Verified:
    """Check a receipt from its openings up to the signatures, offline.

    Args:
        text: the receipt.
        trust: the policy, or its text, or the log's vkey alone.

    Raises:
        ProofError: a step fails; the text begins with the step's name.
    """
    trusted = policy.parse(trust) if isinstance(trust, str) else trust
    receipt = parse(text)
    signed = note.parse(receipt.checkpoint)
    head = checkpoint.parse_body(signed.text)
    entry = decode_base64(receipt.extra.leaf, "leaf")
    unpacked = _unpacked_leaf(entry)
    values = _check_openings(unpacked, receipt.extra.openings)
    _check_delivery(unpacked, receipt.extra.delivery)
    proof.verify_inclusion(receipt.leaf_index, head.size, leaf_hash(entry), receipt.path, head.root)
    signer = _check_log(signed, head, trusted)
    witnesses = _check_witnesses(signed, trusted)
    block = _check_block(receipt, head)
    state = State.WITNESSED if witnesses else State.RECORDED
    steps = (
        Step("format", f"{HEADER}, canonical"),
        Step("leaf", f"{unpacked.type.name.lower()} at {_moment(unpacked.at_ms)}"),
        Step("openings", ", ".join(sorted(values)) or "none shown"),
        Step("delivery", receipt.extra.delivery.message if receipt.extra.delivery else "not named"),
        Step("inclusion", f"leaf {receipt.leaf_index} of {head.size}"),
        Step("signature", f"{signer.name}, key id {signer.key_id.hex()}"),
        Step("witnesses", ", ".join(witnesses) or "none asked for: self-attested"),
        Step("block", f"{block.height}, sealed at {_moment(block.at_ms)}"),
    )
    message = receipt.extra.delivery.message if receipt.extra.delivery else None
    return Verified(head, receipt.leaf_index, unpacked, message, values, block, witnesses, state, steps)


def _moment(at_ms: int) -> str:
    """Unix milliseconds in words (RFC 3339); a time that no calendar has stays a number."""
    if at_ms > LAST_MS:
        return f"{at_ms} ms"
    return datetime.fromtimestamp(at_ms // 1_000, UTC).strftime("%Y-%m-%d %H:%M:%S") + f".{at_ms % 1_000:03d}Z"


def _openings(fact: Fact) -> dict[str, Opening]:
    recipient, sender, *_ = leaf.canonical_values(fact)
    values: dict[str, Value] = {
        "rcpt": recipient.decode(),
        "sender": sender.decode(),
        "content": fact.content_sha256.hex(),
        "detail": fact.detail,
        "tenant": fact.tenant,
    }
    return {field: Opening(encode_base64(leaf.field_salt(fact.salt, field)), value) for field, value in values.items()}


def _unpacked_leaf(entry: bytes) -> Leaf:
    try:
        return leaf.unpack(entry)
    except ValueError as error:
        raise ProofError(f"leaf: {error}") from error


def _check_openings(unpacked: Leaf, openings: Mapping[str, Opening]) -> dict[str, Value]:
    for field, opening in openings.items():
        if field not in FIELDS:
            raise ProofError(f"openings: a leaf has no field {field!r}")
        salt = decode_base64(opening.salt, f"openings: {field}")
        if len(salt) != HASH_OCTETS:
            raise ProofError(f"openings: the salt of {field} has {len(salt)} octets")
        committed = unpacked.commitments[field]
        if leaf.commit(salt, _canonical(field, opening.value))[: len(committed)] != committed:
            raise ProofError(f"openings: {field} is not what the leaf commits to")
    return {field: opening.value for field, opening in openings.items()}


def _canonical(field: str, value: Value) -> bytes:
    try:
        if isinstance(value, dict) and field == "detail":
            return canonical.detail(value)
        if isinstance(value, str) and field == "content" and value == value.lower():
            return canonical.content(bytes.fromhex(value))
        if isinstance(value, str) and field not in ("content", "detail"):
            return value.encode()
    except ValueError as error:
        raise ProofError(f"openings: {field}: {error}") from error
    raise ProofError(f"openings: {field} has a value of the wrong kind")


def _check_delivery(unpacked: Leaf, delivery: Delivery | None) -> None:
    if delivery is None:
        return
    try:
        message, recipient = ids.from_text(delivery.message), delivery.recipient
        derived = ids.delivery_id(message, recipient)
    except (ValueError, OverflowError) as error:
        raise ProofError(f"delivery: {error}") from error
    if derived != unpacked.delivery or ids.to_text(message) != delivery.message:
        raise ProofError(f"delivery: recipient {recipient} of message {delivery.message} is not the leaf's delivery")


def _check_log(signed: note.Note, head: Checkpoint, trusted: policy.Policy) -> note.VerifierKey:
    keys = [key for key in trusted.logs if key.name == head.origin]
    if not keys:
        raise ProofError(f"signature: the policy does not trust a log {head.origin!r}")
    signers = note.verify(signed, keys)
    if not signers:
        raise ProofError(f"signature: no key of {head.origin} in the policy has signed the checkpoint")
    return signers[0]


def _check_witnesses(signed: note.Note, trusted: policy.Policy) -> tuple[str, ...]:
    signers = note.verify(signed, list(trusted.witnesses.values()))
    if not trusted.cosigned(signers):
        raise ProofError(f"witnesses: {len(signers)} cosigned, which is not the quorum {trusted.quorum!r}")
    return tuple(key.name for key in signers)


def _check_block(receipt: Receipt, head: Checkpoint) -> seal.Seal:
    claimed = receipt.extra.block
    entry = decode_base64(claimed.leaf, "block: leaf")
    try:
        block = seal.unpack(entry)
        path = [decode_hash(node, "block: path") for node in claimed.path]
        proof.verify_inclusion(claimed.index, head.size, leaf_hash(entry), path, head.root)
    except (ValueError, ProofError) as error:
        raise ProofError(f"block: {error}") from error
    if not block.first <= receipt.leaf_index < claimed.index == block.first + block.leaves:
        raise ProofError(
            f"block: leaf {receipt.leaf_index} is not in the block [{block.first}, {block.first + block.leaves})"
        )
    return block
