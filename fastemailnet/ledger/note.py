"""Signed notes (C2SP signed-note): a text, a blank line, then one line for each signature.

Key types: 0x01 is Ed25519 over the text; 0x04 is a witness's timestamped cosignature (C2SP tlog-cosignature). A
signature of an unknown key is ignored, a bad one of a known key rejects the note. Base64 must be canonical, so that
one note has one spelling.
"""

import base64
import binascii
from collections.abc import Sequence
from hashlib import sha256
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from fastemailnet.errors import ProofError

ED25519 = 0x01
COSIGNATURE_V1 = 0x04
MAX_NOTE_OCTETS = 1_000_000
MAX_SIGNATURES = 64
_DASH = "— "
_KEY_OCTETS = 32
_ID_OCTETS = 4


class Signature(NamedTuple):
    """One signature line."""

    name: str
    key_id: bytes
    signature: bytes

    def line(self) -> str:
        """The line as it stands in the note."""
        return f"{_DASH}{self.name} {encode_base64(self.key_id + self.signature)}\n"


class Note(NamedTuple):
    """A parsed note; nothing of it is verified yet."""

    text: str  # with its final newline
    signatures: tuple[Signature, ...]


class VerifierKey(NamedTuple):
    """A public key under a name."""

    name: str
    type: int
    public: bytes  # 32 octets (RFC 8032)

    @property
    def key_id(self) -> bytes:
        """The first four octets of SHA-256(name ‖ newline ‖ type ‖ key)."""
        return sha256(self.name.encode() + b"\n" + bytes([self.type]) + self.public).digest()[:_ID_OCTETS]

    def __str__(self) -> str:
        """The key as a vkey line: name, id and key joined by "+"."""
        return f"{self.name}+{self.key_id.hex()}+{encode_base64(bytes([self.type]) + self.public)}"


class SignerKey:
    """A private key under a name. It holds no state: Ed25519 signatures are a function of key and text."""

    def __init__(self, name: str, seed: bytes) -> None:
        """From the 32-octet seed. Raises ValueError where name or seed cannot be used."""
        if not is_key_name(name):
            raise ValueError(f"key name {name!r}: no spaces, no plus sign, not empty")
        self._private = Ed25519PrivateKey.from_private_bytes(seed)
        self.verifier = VerifierKey(name, ED25519, self._private.public_key().public_bytes_raw())

    def sign(self, text: str) -> str:
        """The note of ``text``, which must end in a newline."""
        assert text.endswith("\n"), "a note's text ends in a newline"
        signature = Signature(self.verifier.name, self.verifier.key_id, self._private.sign(text.encode()))
        return f"{text}\n{signature.line()}"


def is_key_name(name: str) -> bool:
    """Whether a key may have this name."""
    return bool(name) and "+" not in name and not any(letter.isspace() or letter < " " for letter in name)


def parse_verifier_key(text: str) -> VerifierKey:
    """The key in a vkey.

    Raises:
        ProofError: it does not parse, or its id is not that of its name and key.
    """
    name, _, rest = text.partition("+")
    key_id, _, encoded = rest.partition("+")
    octets = decode_base64(encoded, "policy: key")
    if len(octets) != _KEY_OCTETS + 1 or octets[0] not in (ED25519, COSIGNATURE_V1) or not is_key_name(name):
        raise ProofError(f"policy: {text!r} is no Ed25519 verifier key")
    key = VerifierKey(name, octets[0], octets[1:])
    if key.key_id.hex() != key_id:
        raise ProofError(f"policy: key id {key_id} does not belong to the key {key}")
    return key


def parse(text: str) -> Note:
    """The text and the signatures of a note.

    Raises:
        ProofError: it is not a note, or not spelled in the one canonical way.
    """
    if len(text) > MAX_NOTE_OCTETS or any(letter < " " and letter != "\n" for letter in text):
        raise ProofError("note: too long, or a control character in it")
    head, blank, tail = text.rpartition("\n\n")
    lines = tail.split("\n")
    if not blank or lines.pop() or not 1 <= len(lines) <= MAX_SIGNATURES:
        raise ProofError(f"note: a text, an empty line and 1 to {MAX_SIGNATURES} signature lines are needed")
    return Note(head + "\n", tuple(_signature(line) for line in lines))


def verify(note: Note, keys: Sequence[VerifierKey]) -> list[VerifierKey]:
    """Those of ``keys`` that signed the note.

    Raises:
        ProofError: a signature of one of the keys does not verify.
    """
    known = {(key.name, key.key_id): key for key in keys}
    signers = []
    for signature in note.signatures:
        key = known.get((signature.name, signature.key_id))
        if key is None or key in signers:
            continue
        _verify_one(note.text, signature, key)
        signers.append(key)
    return signers


def cosigned_text(text: str, at_s: int) -> str:
    """What a witness signs (tlog-cosignature, "Ed25519 signed message"). ``at_s``: Unix seconds."""
    return f"cosignature/v1\ntime {at_s}\n{text}"


def encode_base64(octets: bytes) -> str:
    """Standard base64 (RFC 4648 section 4)."""
    return base64.b64encode(octets).decode()


def decode_base64(text: str, step: str) -> bytes:
    """The octets of canonical base64. Raises ProofError, naming ``step``, where it is not."""
    try:
        octets = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ProofError(f"{step}: {text[:40]!r} is not base64") from error
    if encode_base64(octets) != text:
        raise ProofError(f"{step}: {text[:40]!r} is not canonical base64")
    return octets


def _signature(line: str) -> Signature:
    name, _, encoded = line.removeprefix(_DASH).partition(" ")
    octets = decode_base64(encoded, "note: signature")
    if not line.startswith(_DASH) or not is_key_name(name) or len(octets) <= _ID_OCTETS:
        raise ProofError(f"note: {line[:60]!r} is not a signature line")
    return Signature(name, octets[:_ID_OCTETS], octets[_ID_OCTETS:])


def _verify_one(text: str, signature: Signature, key: VerifierKey) -> None:
    octets = signature.signature
    if key.type == COSIGNATURE_V1:
        text, octets = cosigned_text(text, int.from_bytes(octets[:8], "big")), octets[8:]
    try:
        Ed25519PublicKey.from_public_bytes(key.public).verify(octets, text.encode())
    except (InvalidSignature, ValueError) as error:
        raise ProofError(f"signature: the one of {key.name} does not verify") from error
