"""Encoded words, charsets and the mailbox of From."""

import pytest

from fastemailnet.message.charset import text_of
from fastemailnet.message.words import Mailbox, decoded, mailbox


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("plain =text?", "plain =text?"),
        ("=?utf-8?q?Gr=C3=BC=C3=9Fe_an?= alle", "Grüße an alle"),
        ("=?UTF-8?B?R3LDvMOfZQ==?=", "Grüße"),
        ("=?utf-8*de?q?Gr=C3=BC=C3=9Fe?=", "Grüße"),
        ("=?utf-8?b?R3LD?= =?utf-8?b?vMOfZQ==?=", "Grüße"),  # a character split between two words
        ("=?iso-8859-1?q?a?=\r\n =?utf-8?q?=C3=A9?= b", "aé b"),
        ("a =?utf-8?q?b?= c", "a b c"),
        ("=?utf-8?b?R3LDvMOfZQ?=", "Grüße"),  # no padding
        ("=?nonsense?q?=41?=", "A"),
        ("=?utf-8?x?abc?=", "=?utf-8?x?abc?="),
        ("=?utf-8?q?open", "=?utf-8?q?open"),
        ("=?gb2312?B?xOO6ww==?=", "你好"),
        ("=?iso-2022-jp?B?GyRCJDMbKEI=?=", "こ"),
    ],
)
def test_encoded_words(value: str, text: str) -> None:
    assert decoded(value) == text


@pytest.mark.parametrize(
    ("value", "name", "domain"),
    [
        ("a@Example.org", "", "example.org"),
        ("Ann <a@example.org>", "Ann", "example.org"),
        ('"Ann \\"X\\", Bank" <a@example.org>', 'Ann "X", Bank', "example.org"),
        ('"Bank <x@bank.example>" <a@evil.example>', "Bank <x@bank.example>", "evil.example"),
        ("=?utf-8?q?B=C3=A4nk?= <a@example.org>, <b@other.example>", "Bänk", "example.org"),
        ("=?utf-8?q?x=40bank.example=3E?= <a@evil.example>", "x@bank.example>", "evil.example"),
        ("a@example.org (Ann)", "Ann", "example.org"),
        ("Ann a@example.org", "Ann", "example.org"),
        ("Ann <a@example.org", "Ann", "example.org"),
        ("nobody", "nobody", ""),
        ("", "", ""),
    ],
)
def test_the_mailbox_of_from(value: str, name: str, domain: str) -> None:
    assert mailbox(value) == Mailbox(name, domain)


@pytest.mark.parametrize(
    ("octets", "charset", "text"),
    [
        (b"caf\xc3\xa9", "utf-8", "café"),
        (b"caf\xe9", "iso-8859-1", "café"),
        (b"\x93x\x94", "iso-8859-1", "“x”"),  # Windows-1252 under the usual wrong label
        (b"caf\xc3\xa9", "us-ascii", "café"),
        (b"caf\xe9", "utf-8", "café"),
        ("Grüße aus Köln, ".encode() * 20 + b"\xc3", "utf-8", "Grüße aus Köln, " * 20 + "\ufffd"),  # cut in a character
        ("Привет".encode("koi8-r"), "KOI8-R", "Привет"),
        ("你好".encode("gbk"), "gb2312", "你好"),
        ("a".encode("utf-16"), "utf-16", "a"),
        (b"x", '"utf-8"', "x"),
        (b"abc-9a", "punycode", "abc-9a"),
        (b"\\u0041", "unicode_escape", "\\u0041"),
        (b"QUJD", "base64", "QUJD"),
        (b"+2AA-", "utf-7", "+2AA-"),
        (b"+2AA-\xff", "utf-7", "+2AA-ÿ"),
        (b"\\ud800\xff", "raw_unicode_escape", "\\ud800ÿ"),
        (b"\xff", "no such charset", "ÿ"),
    ],
)
def test_charsets(octets: bytes, charset: str, text: str) -> None:
    assert text_of(octets, charset) == text
