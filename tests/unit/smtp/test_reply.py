import pytest

from fastemailnet.outcome import Reply
from fastemailnet.smtp.extension import Capabilities
from fastemailnet.smtp.reply import (
    MAX_LINE_OCTETS,
    MAX_LINES,
    MAX_SAID_OCTETS,
    MAX_TEXT_CHARACTERS,
    ReplyError,
    ReplyParser,
    make,
    render,
)


@pytest.mark.parametrize(
    ("octets", "reply"),
    [
        (b"250 2.1.0 Ok\r\n", Reply(250, (2, 1, 0), "Ok")),
        (b"250\r\n", Reply(250, None, "")),
        (b"250 Ok\n", Reply(250, None, "Ok")),
        (b"550-5.7.1 one\r\n550 5.7.1 two\r\n", Reply(550, (5, 7, 1), "one\ntwo")),
        (b"550 2.0.0 wrong class\r\n", Reply(550, None, "2.0.0 wrong class")),
        (b"250 gr\xfc\xdf\x1b[2J\r\n", Reply(250, None, "gr\ufffd\ufffd\ufffd[2J")),
    ],
)
def test_replies_are_read(octets: bytes, reply: Reply) -> None:
    assert list(ReplyParser().feed(octets)) == [reply]


@pytest.mark.parametrize(
    "octets",
    [
        b"hello\r\n",
        b"25 x\r\n",
        b"250_x\r\n",
        b"150 x\r\n",
        b"650 x\r\n",
        b"250-a\r\n251 b\r\n",
        b"250 " + b"x" * MAX_LINE_OCTETS + b"\r\n",
        b"2" * (MAX_LINE_OCTETS + 1),
        b"250-x\r\n" * (MAX_LINES + 1),
    ],
)
def test_what_is_no_reply_is_refused_behind_the_replies_before_it(octets: bytes) -> None:
    got: list[Reply] = []
    with pytest.raises(ReplyError):
        got.extend(ReplyParser().feed(b"250 before\r\n" + octets))
    assert got == [Reply(250, None, "before")]


def test_what_was_no_text_is_told_as_something_that_can_be_recorded() -> None:
    heard = b"gr\xfc\xdfe\x1b[2J".decode("utf-8", "surrogateescape")  # as a library may hand it on
    reply = make(554, [heard])
    assert reply == Reply(554, None, "gr\ufffd\ufffde\ufffd[2J")
    reply.text.encode()


def test_a_long_text_is_cut() -> None:
    assert len(make(550, ["x" * 1_000] * 20).text) == MAX_TEXT_CHARACTERS


@pytest.mark.parametrize(
    "reply", [Reply(250, (2, 0, 0), "a\nb\nc"), Reply(354, None, "go"), Reply(550, (5, 1, 1), "x")]
)
def test_what_is_rendered_is_read_back(reply: Reply) -> None:
    assert list(ReplyParser().feed(render(reply))) == [reply]


def test_a_text_cannot_end_the_line() -> None:
    assert render(Reply(250, None, "a\r\n250 b")) == b"250-a \r\n250 250 b\r\n"


@pytest.mark.parametrize("letter", ["x", "ä", "€", "\U0001f600"])
def test_no_line_is_longer_than_a_client_has_to_read(letter: str) -> None:
    rendered = render(Reply(550, (5, 7, 1), "\n".join(["short", letter * 1_000, letter * 600])))
    lines = rendered.split(b"\r\n")
    assert [len(line) + 2 > MAX_SAID_OCTETS - 4 for line in lines] == [False, True, True, False]
    assert max(len(line) + 2 for line in lines) <= MAX_SAID_OCTETS
    (reply,) = ReplyParser().feed(rendered)
    assert "\ufffd" not in reply.text


def test_capabilities_are_read() -> None:
    reply = Reply(250, None, "mx.example.org\nPIPELINING\nsize 1000\n8BITMIME\nCHUNKING\nSMTPUTF8\nX-OTHER")
    assert Capabilities.of(reply) == Capabilities(True, True, True, True, 1000)
    assert Capabilities.of(Reply(250, None, "mx PIPELINING")) == Capabilities()
    assert Capabilities.of(Reply(250, None, "mx\nSIZE")).size == 0
    assert Capabilities.of(Reply(250, None, "mx\nSIZE ²")).size == 0
