"""Our signatures, judged by a verifier that none of us wrote."""

import dkim
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastemailnet.errors import ConfigError
from fastemailnet.message.dkim import DkimKey, Signer, dns_record, generate

KEYS = [DkimKey("example.org", "s1", generate("rsa")), DkimKey("example.org", "s2", generate("ed25519"))]
RECORDS = {f"{key.selector}._domainkey.{key.domain}.".encode(): dns_record(key).encode() for key in KEYS}
LINE = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], include_characters=" \t"), max_size=30)


def verified(signed: bytes) -> list[bool]:
    seen = dkim.DKIM(signed)
    return [seen.verify(idx=index, dnsfunc=lambda name, timeout=5: RECORDS[name]) for index in range(len(KEYS))]


def refused(forged: bytes) -> bool:
    try:
        return not any(verified(forged))
    except dkim.ValidationError:
        return True


@settings(max_examples=60, deadline=None)
@given(st.lists(LINE, max_size=6), st.lists(LINE, max_size=3))
def test_both_signatures_verify_on_any_shape(lines: list[str], subject: list[str]) -> None:
    folded = "\r\n ".join(line.strip() or "x" for line in subject) or "x"
    raw = f"From: A <a@example.org>\r\nTo: b@c.example\r\nSubject:  {folded}\r\n\r\n".encode()
    raw += "".join(line + "\r\n" for line in lines).encode()
    assert verified(Signer(KEYS).sign(raw, at_s=1_700_000_000) + raw) == [True, True]


def test_a_changed_octet_fails() -> None:
    raw = b"From: A <a@example.org>\r\nSubject: x\r\n\r\npay 10\r\n"
    signed = Signer(KEYS).sign(raw, at_s=1_700_000_000) + raw
    assert verified(signed) == [True, True]
    for forged in (signed.replace(b"pay 10", b"pay 99"), signed.replace(b"From: A", b"From: B"), signed + b"more\r\n"):
        assert refused(forged)
    added = signed.replace(b"Subject: x", b"Subject: x\r\nSubject: y")
    assert refused(added)


def test_the_signature_is_the_same_in_every_attempt() -> None:
    raw = b"From: A <a@example.org>\r\n\r\nx\r\n"
    assert Signer(KEYS).sign(raw, at_s=5) == Signer(KEYS).sign(raw, at_s=5)


def test_a_key_that_is_none_is_refused_without_showing_it() -> None:
    with pytest.raises(ConfigError, match=r"dkim.key_file") as caught:
        DkimKey("example.org", "s", b"secret nonsense")
    assert "nonsense" not in str(caught.value)
