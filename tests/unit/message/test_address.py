"""Addresses that SMTP can carry, and those that it cannot."""

import pytest

from fastemailnet.errors import AddressError
from fastemailnet.message.address import parse_recipient, parse_reverse_path


@pytest.mark.parametrize(
    ("text", "domain"),
    [
        ("user@example.org", "example.org"),
        ("User.Name+tag@EXAMPLE.org", "example.org"),
        ('"quoted \\" local"@example.org', "example.org"),
        ("jörg@bücher.example", "xn--bcher-kva.example"),
        ("用户@例え.テスト", "xn--r8jz45g.xn--zckzah"),
        ("root@[127.0.0.1]", "[127.0.0.1]"),
        ("root@[IPv6:2001:DB8::1]", "[IPv6:2001:db8::1]"),
        ("a@localhost", "localhost"),
    ],
)
def test_good_addresses(text: str, domain: str) -> None:
    address = parse_recipient(text)
    assert address.domain == domain
    assert address.local == text.rpartition("@")[0]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("nobody", "without @"),
        ("@example.org", "without a local part"),
        ("a@", "empty"),
        ("a b@example.org", "neither dot-separated"),
        (".a@example.org", "neither dot-separated"),
        ("a..b@example.org", "neither dot-separated"),
        ("a@-bad.example", "labels"),
        ("a@exa mple.org", "labels"),
        ("a@[300.1.1.1]", "not valid"),
        ("a@192.0.2.1", "in brackets"),
        ("a@[::1]", "IPv6:"),
        ("a@x\r\nRCPT TO:<b@c>", "control character"),
        ("x" * 65 + "@example.org", "65 octets"),
        ("a@" + ".".join(["b" * 60] * 5), "limit is 255"),
    ],
)
def test_bad_addresses_say_what_is_wrong(text: str, says: str) -> None:
    with pytest.raises(AddressError, match=says):
        parse_recipient(text)


def test_the_null_reverse_path_is_allowed() -> None:
    assert parse_reverse_path("") == ""
    assert parse_reverse_path("a@BÜCHER.example") == "a@xn--bcher-kva.example"
