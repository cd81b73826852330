"""Canonical values: one byte string for each thing that a leaf commits to, so that two parties always hash the same
octets."""

import idna
import msgspec

from fastemailnet.ledger.fact import CONTENT_OCTETS

MAX_SAFE_INTEGER = 2**53 - 1  # RFC 8785 section 3.2.2.3: numbers are IEEE 754 doubles

Json = dict[str, "Json"] | list["Json"] | str | int | None

_encoder = msgspec.json.Encoder(order="sorted")


def address(text: str) -> bytes:
    """A mailbox: the local part as sent, "@", the domain as a lower-case A-label (RFC 5890), in UTF-8.

    A domain that IDNA refuses is lower-cased only: a commitment must exist for whatever was really sent.
    """
    local, at, domain = text.rpartition("@")
    if not at:
        return text.encode()
    if domain.isascii():
        return f"{local}@{domain.lower()}".encode()
    try:
        label = idna.encode(domain, uts46=True).decode()
    except idna.IDNAError:
        label = domain.lower()
    return f"{local}@{label}".encode()


def content(sha256: bytes) -> bytes:
    """The SHA-256 of the exact octets transmitted, or nothing where nothing was.

    Raises:
        ValueError: it is neither empty nor 32 octets.
    """
    if sha256 and len(sha256) != CONTENT_OCTETS:
        raise ValueError(f"a content hash has {CONTENT_OCTETS} octets, not {len(sha256)}")
    return sha256


def detail(value: dict[str, str | int]) -> bytes:
    """A flat object as RFC 8785 JSON.

    Raises:
        ValueError: a key is not ASCII, a number is beyond 2^53 - 1, or a string is no Unicode text.
    """
    for key, item in value.items():
        if not key.isascii():
            raise ValueError(f"key {key!r}: keys are ASCII, so that every language sorts them alike")
        if item.__class__ is not str and not -MAX_SAFE_INTEGER <= int(item) <= MAX_SAFE_INTEGER:
            raise ValueError(f"{key} = {item}: a JSON number is at most 2^53 - 1")
    return _encoder.encode(value)


def json(value: Json) -> bytes:
    """Objects with ASCII keys, lists, strings, integers and null as RFC 8785 JSON."""
    return _encoder.encode(value)
