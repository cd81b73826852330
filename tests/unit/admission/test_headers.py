"""The envelope that a message's own fields name."""

import pytest

from fastemailnet.admission.address_list import addresses, addresses_of_record
from fastemailnet.admission.headers import envelope
from fastemailnet.errors import MessageError


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("a@b.example", ["a@b.example"]),
        ("Ann <a@b.example>, c@d.example", ["a@b.example", "c@d.example"]),
        ('"Doe, J" <a@b.example> (x), Team: x@y.example, z@w.example;', ["a@b.example", "x@y.example", "z@w.example"]),
        ("undisclosed-recipients:;", []),
        ('"q s"@b.example', ['"q s"@b.example']),
        ("j\u00f6@b\u00fccher.example", ["j\u00f6@b\u00fccher.example"]),
        ("=?utf-8?q?J=C3=B6rg?= <j@x.example>", ["j@x.example"]),
        ("a@[192.0.2.1]", ["a@[192.0.2.1]"]),
        ("a@b.example <c@d.example>", ["c@d.example"]),
        ("a@b.example,,c@d.example", ["a@b.example", "c@d.example"]),
        ("", []),
    ],
)
def test_addresses_without_names_comments_and_groups(value: str, found: list[str]):
    assert addresses([value]) == found


@pytest.mark.parametrize(
    "value",
    ["alice@example.org)bob@evil.example", "@@@<<", '"open <a@b.example>', "(" * 7_999, "(" * 3_000 + ")" * 3_000],
)
def test_what_can_be_read_in_two_ways_is_refused(value: str):
    with pytest.raises(MessageError, match="no list of addresses"):
        addresses_of_record([value])


def test_to_cc_and_bcc_are_the_recipients_and_bcc_goes():
    message = (
        b"From: Shop <shop@shop.example>\r\nTo: a@one.example,\r\n b@two.example\r\nCC: a@one.example\r\n"
        b"Bcc: secret@three.example,\r\n\tother@three.example\r\nSubject: s\r\n\r\nBcc: in the body\r\n"
    )
    found = envelope(message)
    assert found.sender == "shop@shop.example"
    assert found.recipients == ["a@one.example", "b@two.example", "secret@three.example", "other@three.example"]
    assert found.message == (
        b"From: Shop <shop@shop.example>\r\nTo: a@one.example,\r\n b@two.example\r\nCC: a@one.example\r\n"
        b"Subject: s\r\n\r\nBcc: in the body\r\n"
    )


def test_sender_wins_over_from():
    message = b"From: a@one.example, b@one.example\r\nSender: c@one.example\r\nTo: d@one.example\r\n\r\n"
    assert envelope(message).sender == "c@one.example"


@pytest.mark.parametrize(
    ("message", "where"),
    [(b"To: a@one.example\r\n\r\n", "From"), (b"From: a@one.example\r\n\r\nTo: b@one.example\r\n", "To, Cc, Bcc")],
)
def test_a_message_that_names_nobody_is_refused(message: bytes, where: str):
    with pytest.raises(MessageError) as refused:
        envelope(message)
    assert refused.value.where == where


def test_what_is_given_need_not_be_in_the_message() -> None:
    assert envelope(b"From: a@one.example\r\n\r\n", recipients=["x@two.example"])[:2] == (
        "a@one.example",
        ["x@two.example"],
    )
    assert envelope(b"To: b@one.example\r\n\r\n", sender="")[:2] == ("", ["b@one.example"])


@pytest.mark.parametrize("value", ['"a".' * 20_000 + "@x.example", "(" * 50_000, "<a@b.example> " * 10_000])
def test_the_grammar_is_given_no_more_than_it_can_read_in_time(value: str):
    with pytest.raises(MessageError, match="8000 characters a field"):
        addresses_of_record([value])
    assert len(addresses([", ".join(f"Ann <a{n}@b.example>" for n in range(5_000))])) == 5_000
