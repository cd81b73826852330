"""Our signatures on many shapes of mail, judged by two verifiers that none of us wrote: dkimpy and OpenDKIM."""

import shutil
import subprocess
from pathlib import Path

import dkim
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastemailnet.message.dkim import DkimKey, Signer, dns_record, generate

KEYS = [DkimKey("example.org", "r1", generate("rsa")), DkimKey("example.org", "e1", generate("ed25519"))]
SIGNER = Signer(KEYS)
AT_S = 1_700_000_000
OPENDKIM = shutil.which("opendkim") or shutil.which("opendkim", path="/usr/sbin:/usr/local/sbin")
BODY = st.lists(
    st.sampled_from(
        [b"word", b" ", b"  ", b"\t", b" \t ", b"\r\n", b"\r\n\r\n", b"\r\n" * 9, b".", b"\xc3\xbc", b"x" * 900]
    ),
    max_size=40,
).map(b"".join)
VALUE = st.lists(
    st.sampled_from([b"a", b"b,", b" ", b"  ", b"\t", b"\r\n ", b"\r\n\t ", b"<x@y>", b";", b"\xc3\xbc", b"z" * 200]),
    max_size=12,
).map(b"".join)
NAME = st.sampled_from(
    [
        b"Subject",
        b"SUBJECT",
        b"To",
        b"cc",
        b"Date",
        b"Received",
        b"List-Unsubscribe",
        b"X-Own",
        b"References",
        b"from-x",
    ]
)
SHAPES = {
    "plain": b"From: A <a@example.org>\r\nTo: b@c.example\r\nSubject: x\r\n\r\nhello\r\n",
    "no body": b"From: a@example.org\r\n\r\n",
    "header only": b"From: a@example.org\r\n",
    "body of empty lines": b"From: a@example.org\r\n\r\n\r\n\r\n\r\n",
    "white space everywhere": b"From:\t A  <a@example.org> \r\nSubject:  x \t y\r\n\t z \r\n\r\n a  b\t\tc \t\r\n \r\n\r\n",
    "repeated fields": b"From: a@example.org\r\nTo: one@x\r\nTo: two@x\r\nCc: c@x\r\nReply-To: r@x\r\n\r\nx\r\n",
    "octets over 127": "From: ü <a@example.org>\r\nSubject: Grüße\r\n\r\nKöln\r\n".encode(),
    "long": b"From: a@example.org\r\nSubject: " + b"\r\n ".join([b"long word"] * 80) + b"\r\n\r\n" + (b"x" * 998 + b"\r\n") * 200,
    "list fields": b"From: a@example.org\r\nList-Unsubscribe: <https://u.example/1>,\r\n <mailto:u@example.org>\r\n"
    b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\nFen-Checkpoint: abc\r\n\r\nx\r\n",
}  # fmt: skip


def record(name: bytes, timeout: int = 5) -> bytes:
    return {f"{key.selector}._domainkey.{key.domain}.".encode(): dns_record(key).encode() for key in KEYS}[name]


def verified_by_dkimpy(signed: bytes) -> list[bool]:
    seen = dkim.DKIM(signed)
    return [seen.verify(idx=index, dnsfunc=record) for index in range(len(KEYS))]


@pytest.mark.parametrize("name", SHAPES)
def test_dkimpy_accepts_every_shape(name: str) -> None:
    assert verified_by_dkimpy(SIGNER.sign(SHAPES[name], at_s=AT_S) + SHAPES[name]) == [True, True]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(NAME, VALUE), max_size=8), BODY)
def test_dkimpy_accepts_made_up_fields_and_bodies(fields: list[tuple[bytes, bytes]], body: bytes) -> None:
    lines = [b"From: A <a@example.org>", *(name + b": x" + value + b"." for name, value in fields)]
    raw = b"\r\n".join(lines) + b"\r\n\r\n" + body + (b"\r\n" if body else b"")  # SMTP ends every line
    assert verified_by_dkimpy(SIGNER.sign(raw, at_s=AT_S, extra_headers=("x-own",)) + raw) == [True, True]


@pytest.mark.skipif(OPENDKIM is None, reason="needs the package opendkim")
@pytest.mark.parametrize("key", KEYS, ids=["rsa", "ed25519"])
def test_opendkim_accepts_every_shape_and_no_forgery(key: DkimKey, tmp_path: Path) -> None:
    assert OPENDKIM is not None
    keys, settings_file = tmp_path / "keys", tmp_path / "opendkim.conf"
    keys.write_text("".join(f"{each.selector}._domainkey.{each.domain} {dns_record(each)}\n" for each in KEYS))
    settings_file.write_text(f"TestDNSData file:{keys}\nMode v\nSocket local:{tmp_path}/socket\nSyslog no\n")

    def said(name: str, signed: bytes) -> str:
        file = tmp_path / f"{name.replace(' ', '-')}.eml"
        file.write_bytes(signed)
        command = [OPENDKIM, "-x", str(settings_file), "-v", "-t", str(file)]
        done = subprocess.run(
            command, capture_output=True, timeout=20, check=False
        )  # its code says nothing of the verdict
        return done.stderr.decode() + done.stdout.decode()

    for name, raw in SHAPES.items():
        answer = said(name, Signer([key]).sign(raw, at_s=AT_S) + raw)
        assert "succeeded" in answer, f"{name}: {answer}"
    raw = SHAPES["plain"]
    signature = Signer([key]).sign(raw, at_s=AT_S)
    assert "failed" in said("changed body", signature + raw.replace(b"hello", b"hullo"))
    assert "failed" in said("added From", signature + b"From: evil@example.org\r\n" + raw)
