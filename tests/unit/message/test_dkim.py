"""Canonical forms by the examples of RFC 6376, keys and DNS records."""

import base64

import pytest

from fastemailnet.errors import ConfigError
from fastemailnet.message.dkim import DkimKey, Signer, canonical_body, canonical_value, dns_record, generate

RAW = b"From: A <a@example.org>\r\nSubject: x\r\nX-Own: 1\r\n\r\nhello\r\n"
ED25519 = DkimKey("example.org", "e1", generate("ed25519"))
RSA = DkimKey("example.org", "r1", generate("rsa"))


def tag(signature: bytes, name: str) -> str:
    unfolded = signature.decode().replace("\r\n ", "").replace(" ", "").strip().partition(":")[2]
    return dict(pair.split("=", 1) for pair in unfolded.split(";"))[name]


@pytest.mark.parametrize(
    ("body", "canonical"),
    [
        (b" C \r\nD \t E\r\n\r\n\r\n", b" C\r\nD E\r\n"),  # section 3.4.6
        (b"", b""),
        (b"\r\n\r\n", b""),
        (b" \t\r\n \r\n", b""),
        (b"no end", b"no end\r\n"),
        (b"no end \t", b"no end\r\n"),
        (b"a\r\n ", b"a\r\n"),
        (b"a" + b" " * 1_001 + b"b\r\n" + b"\r\n" * 10_000, b"a b\r\n"),
    ],
)
def test_canonical_bodies(body: bytes, canonical: bytes) -> None:
    assert canonical_body(body) == canonical


def test_canonical_values() -> None:
    assert canonical_value(b"  Y\t\r\n\tZ  \r") == b"Y Z"
    assert canonical_value(b"") == b""


def test_every_key_signs_and_the_body_hash_is_the_same() -> None:
    first, second = (
        b"DKIM-Signature:" + part for part in Signer([RSA, ED25519]).sign(RAW, at_s=7).split(b"DKIM-Signature:")[1:]
    )
    assert (tag(first, "a"), tag(second, "a")) == ("rsa-sha256", "ed25519-sha256")
    assert tag(first, "bh") == tag(second, "bh")
    assert (tag(first, "d"), tag(first, "s"), tag(first, "t")) == ("example.org", "r1", "7")
    assert all(len(line) <= 78 for line in (first + second).split(b"\r\n"))
    assert first.endswith(b"\r\n")


def test_from_is_signed_once_more_than_it_occurs() -> None:
    assert tag(Signer([ED25519]).sign(RAW, at_s=7), "h").split(":").count("from") == 2


def test_extra_fields_are_signed_where_asked() -> None:
    assert "x-own" not in tag(Signer([ED25519]).sign(RAW, at_s=7), "h").split(":")
    names = tag(Signer([ED25519]).sign(RAW, at_s=7, extra_headers=("X-Own", "From", "X-None")), "h").split(":")
    assert (names.count("x-own"), names.count("from"), names.count("x-none")) == (1, 2, 0)


def test_the_record_announces_the_public_key() -> None:
    assert len(base64.b64decode(dns_record(ED25519).partition("p=")[2])) == 32
    assert dns_record(RSA).startswith("v=DKIM1; k=rsa; p=MIIBIj")


@pytest.mark.parametrize(
    ("domain", "selector", "key"),
    [("example.org", "a b", "dkim.selector"), ("example.org", "", "dkim.selector"), ("exa mple", "s", "dkim.domain"),
     ("example.org", "s;d=x", "dkim.selector"), ("x.org\r\n", "s", "dkim.domain")],
)  # fmt: skip
def test_names_that_would_break_the_field_are_refused(domain: str, selector: str, key: str) -> None:
    with pytest.raises(ConfigError, match=key):
        DkimKey(domain, selector, generate("ed25519"))


def test_a_domain_is_signed_as_a_label() -> None:
    assert DkimKey("BÜCHER.example", "s", generate("ed25519")).domain == "xn--bcher-kva.example"


def test_an_algorithm_that_dkim_lacks_is_refused() -> None:
    with pytest.raises(ConfigError, match="rsa or ed25519"):
        generate("dsa")
