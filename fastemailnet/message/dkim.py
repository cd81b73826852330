"""DKIM signatures (RFC 6376) by RSA and Ed25519 (RFC 8463), relaxed/relaxed, made for speed.

The body is canonicalised by whole-buffer operations, never line by line. Several keys share one body hash. The signature
depends on the message, the keys and the given second alone, so every attempt of a mail is signed alike (PKCS #1 v1.5 and
Ed25519 are deterministic).

    b= signs: the chosen fields, bottom up, each "name:value CRLF" relaxed ▸ the DKIM-Signature field itself with empty b=
"""

import base64
import hashlib
import re
from collections.abc import Sequence
from typing import assert_never

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key

from fastemailnet.errors import ConfigError
from fastemailnet.message.address import a_label
from fastemailnet.message.header import FIELD, split

MIN_RSA_BITS = 1_024
RSA_BITS = 2_048
SIGNED = (
    "from", "sender", "reply-to", "to", "cc", "subject", "date", "message-id", "in-reply-to", "references",
    "mime-version", "content-type", "content-transfer-encoding", "list-unsubscribe", "list-unsubscribe-post", "list-id",
    "fen-checkpoint",
)  # fmt: skip
OVERSIGNED = ("from", "subject", "to", "date")  # named once more than they occur, so that none can be added

LINE_CHARACTERS = 74

_SELECTOR = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,251}[A-Za-z0-9])?")
_LINE_ENDS = tuple(b"\r\n" * lines for lines in (4_096, 64, 1))
_FOLD = re.compile(rb"\r?\n(?=[ \t])")
_SPACES = re.compile(rb"[ \t]+")
_HASH = hashes.SHA256()
_PADDING = PKCS1v15()


class DkimKey:
    """One signing key with the name under which its public half is in the DNS."""

    def __init__(self, domain: str, selector: str, private_key_pem: bytes) -> None:
        """Load the key.

        Raises:
            ConfigError: the text is no unencrypted PEM private key, or of a kind that DKIM does not have; or the domain
                or selector is no name of the DNS.
        """
        if not _SELECTOR.fullmatch(selector):
            raise ConfigError("dkim.selector", repr(selector), "must be labels of letters, digits and hyphens")
        try:
            self.domain = a_label(domain)
        except ValueError as error:
            raise ConfigError("dkim.domain", repr(domain), f"must be a domain: {error}") from error
        self.selector = selector
        try:
            key = serialization.load_pem_private_key(private_key_pem, None)
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise ConfigError("dkim.key_file", "(not shown)", f"is no PEM private key: {error}") from error
        if not isinstance(key, RSAPrivateKey | Ed25519PrivateKey):
            raise ConfigError("dkim.key_file", type(key).__name__, "must be an RSA or Ed25519 key")
        if isinstance(key, RSAPrivateKey) and key.key_size < MIN_RSA_BITS:
            raise ConfigError("dkim.key_file", f"RSA of {key.key_size} bits", f"must have at least {MIN_RSA_BITS} bits")
        self.key: RSAPrivateKey | Ed25519PrivateKey = key

    @property
    def algorithm(self) -> str:
        """The a= tag."""
        return "rsa-sha256" if isinstance(self.key, RSAPrivateKey) else "ed25519-sha256"

    def sign(self, octets: bytes) -> bytes:
        """The signature over canonical octets (RFC 8463 signs their hash)."""
        match self.key:
            case RSAPrivateKey():
                return self.key.sign(octets, _PADDING, _HASH)
            case Ed25519PrivateKey():
                return self.key.sign(hashlib.sha256(octets).digest())
            case _:
                assert_never(self.key)


class Signer:
    """Signs with every key it has."""

    def __init__(self, keys: Sequence[DkimKey]) -> None:
        self.keys = tuple(keys)

    def sign(self, raw: bytes, *, at_s: int, extra_headers: Sequence[str] = ()) -> bytes:
        """The DKIM-Signature fields to put before ``raw``, folded, each ending in CRLF.

        Args:
            raw: the message as it will be sent: CRLF line ends, also of the last line.
            at_s: Unix seconds for t=.
            extra_headers: names of further fields to sign where they occur, besides SIGNED.
        """
        block, offset = split(raw)
        body_hash = base64.b64encode(hashlib.sha256(canonical_body(raw[offset:])).digest()).decode()
        extra = [name.lower() for name in extra_headers]
        names, octets = _signed_fields(block, (*SIGNED, *(name for name in dict.fromkeys(extra) if name not in SIGNED)))
        return b"".join(self._field(key, names, octets, body_hash, at_s) for key in self.keys)

    def _field(self, key: DkimKey, names: list[str], octets: bytes, body_hash: str, at_s: int) -> bytes:
        # Written in folded form; relaxed canonicalisation makes each fold one space, so that is what is signed.
        lines = [
            f"v=1; a={key.algorithm}; c=relaxed/relaxed; t={at_s};",
            f"d={key.domain}; s={key.selector};",
            f"bh={body_hash};",
            *_fold_names(names),
            "b=",
        ]
        unsigned = ("dkim-signature:" + " ".join(lines)).encode()
        signature = base64.b64encode(key.sign(octets + unsigned)).decode()
        folded = "\r\n ".join(signature[at : at + 72] for at in range(0, len(signature), 72))
        return ("DKIM-Signature: " + "\r\n ".join(lines) + folded + "\r\n").encode()


def canonical_body(body: bytes) -> bytes:
    """The relaxed form of a body (RFC 6376 section 3.4.4)."""
    if b"\t" in body:
        body = body.replace(b"\t", b" ")
    body = body.replace(b"    ", b" ")  # most of an indentation at once
    while b"  " in body:  # halves every run, so few rounds; a regular expression over all white space is far slower
        body = body.replace(b"  ", b" ")
    if b" \r\n" in body:
        body = body.replace(b" \r\n", b"\r\n")
    end = len(body) - body.endswith(b" ")
    for ending in _LINE_ENDS:
        while body.endswith(ending, 0, end):
            end -= len(ending)
    return body[:end] + b"\r\n" if end else b""


def _signed_fields(block: bytes, wanted: Sequence[str]) -> tuple[list[str], bytes]:
    """The names for h= and the canonical fields they name, lowest first as h= counts them."""
    present: dict[str, list[bytes]] = {}
    for name, value in FIELD.findall(block):
        lower = name.lower().decode()
        if lower in wanted:
            present.setdefault(lower, []).append(canonical_value(value))
    names, octets = [], []
    for name in wanted:
        for value in reversed(present.get(name, ())):
            names.append(name)
            octets.append(name.encode() + b":" + value + b"\r\n")
        if name in OVERSIGNED:
            names.append(name)
    return names, b"".join(octets)


def canonical_value(value: bytes) -> bytes:
    """The relaxed form of a field's value (RFC 6376 section 3.4.2)."""
    if b"\n" in value:
        value = _FOLD.sub(b"", value)
    if b"  " in value or b"\t" in value:
        value = _SPACES.sub(b" ", value)
    return value.strip(b" \t\r\n")


def _fold_names(names: list[str]) -> list[str]:
    """The h= tag in lines of at most 76 characters, broken where RFC 6376 allows white space."""
    lines, line = [], "h="
    for index, name in enumerate(names):
        piece = name + (";" if index == len(names) - 1 else ":")
        if len(line) + len(piece) > LINE_CHARACTERS:
            lines.append(line)
            line = ""
        line += piece
    return [*lines, line]


def generate(algorithm: str = "rsa") -> bytes:
    """A new private key as PEM, ``rsa`` (2,048 bits) or ``ed25519``.

    Raises:
        ConfigError: another algorithm.
    """
    key: RSAPrivateKey | Ed25519PrivateKey
    if algorithm == "rsa":
        key = generate_private_key(65_537, RSA_BITS)
    elif algorithm == "ed25519":
        key = Ed25519PrivateKey.generate()
    else:
        raise ConfigError("algorithm", repr(algorithm), "must be rsa or ed25519")
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return key.private_bytes(encoding, form, serialization.NoEncryption())


def dns_record(key: DkimKey) -> str:
    """The text of the TXT record for <selector>._domainkey.<domain> (RFC 6376 section 3.6.1)."""
    public = key.key.public_key()
    if isinstance(key.key, RSAPrivateKey):
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        octets, kind = public.public_bytes(serialization.Encoding.DER, form), "rsa"
    else:
        octets, kind = public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw), "ed25519"
    return f"v=DKIM1; k={kind}; p={base64.b64encode(octets).decode()}"
