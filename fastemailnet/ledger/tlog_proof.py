"""The text of a receipt (C2SP tlog-proof): its parts, and its one canonical spelling."""

from typing import NamedTuple

import msgspec

from fastemailnet.errors import ProofError
from fastemailnet.ledger.checkpoint import MAX_TREE_SIZE
from fastemailnet.ledger.hashing import HASH_OCTETS
from fastemailnet.ledger.note import decode_base64, encode_base64

HEADER = "c2sp.org/tlog-proof@v1"
MAX_RECEIPT_OCTETS = 2_000_000
MAX_PATH = 63

Value = str | dict[str, str | int]


class Opening(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What opens one commitment: the field's salt (base64) and the value."""

    salt: str
    value: Value


class Delivery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The ids from which the leaf's delivery id is made (``ids.delivery_id``)."""

    message: str
    recipient: int


class Block(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The seal that closes the leaf's block: index, 176 octets and path in the same tree, in base64."""

    index: int
    leaf: str
    path: list[str]


class Extra(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The content of the extra line."""

    block: Block
    leaf: str
    openings: dict[str, Opening]
    delivery: Delivery | None = None


class Receipt(NamedTuple):
    """A parsed receipt; nothing of it is verified yet."""

    leaf_index: int
    path: list[bytes]
    checkpoint: str  # the signed note
    extra: Extra


_encoder = msgspec.json.Encoder(order="sorted")
_decoder = msgspec.json.Decoder(Extra)


def parse(text: str) -> Receipt:
    """The parts of a receipt.

    Raises:
        ProofError: it is not one, or not spelled in the one canonical way.
    """
    head, blank, signed = text.partition("\n\n")
    lines = head.split("\n")
    if len(text) > MAX_RECEIPT_OCTETS or not blank or lines[0] != HEADER or not 3 <= len(lines) <= 3 + MAX_PATH:
        raise ProofError(f"format: not a text of {HEADER} with extra, index, path and checkpoint")
    extra, index = lines[1].removeprefix("extra "), lines[2].removeprefix("index ")
    if not (index.isascii() and index.isdecimal()) or len(index) > len(str(MAX_TREE_SIZE)):
        raise ProofError(f"format: {index[:20]!r} is not a leaf index")
    path = [decode_hash(line, "format: path") for line in lines[3:]]
    receipt = Receipt(int(index), path, signed, _parse_extra(decode_base64(extra, "extra")))
    if render(receipt) != text:
        raise ProofError("format: not the canonical spelling of this receipt")
    return receipt


def render(receipt: Receipt) -> str:
    """The text of a receipt."""
    extra = encode_base64(_encoder.encode(receipt.extra))
    path = "".join(f"{encode_base64(node)}\n" for node in receipt.path)
    return f"{HEADER}\nextra {extra}\nindex {receipt.leaf_index}\n{path}\n{receipt.checkpoint}"


def _parse_extra(octets: bytes) -> Extra:
    try:
        return _decoder.decode(octets)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ProofError(f"extra: {error}") from error


def decode_hash(text: str, step: str) -> bytes:
    """The hash in base64. Raises ProofError, naming ``step``, where it is none."""
    octets = decode_base64(text, step)
    if len(octets) != HASH_OCTETS:
        raise ProofError(f"{step}: {len(octets)} octets are not a hash")
    return octets
