import re
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from fastemailnet.outcome import Reply
from fastemailnet.smtp.content import END, bare_line_end, stuff, unstuff
from fastemailnet.smtp.effects import AskMessage, AskRecipient, AskSender, Effect
from fastemailnet.smtp.reply import ReplyError, ReplyParser
from fastemailnet.smtp.server import Server

text = st.lists(st.sampled_from([b"\r\n", b".", b"x", b"\r", b"\n", b""]), max_size=12).map(b"".join)
replies = st.lists(
    st.sampled_from([b"250 ok\r\n", b"550-a\r\n", b"550 b\r\n", b"250\n", b"x\r\n", b"354 5.0.0 go\r\n", b"421-"]),
    max_size=8,
).map(b"".join)
commands = st.lists(
    st.sampled_from(
        [
            b"EHLO c\r\n",
            b"MAIL FROM:<a@b.org>\r\n",
            b"RCPT TO:<c@d.org>\r\n",
            b"DATA\r\n",
            b".\r\n",
            b"..\r\n",
            b"text\r\n",
            b"BDAT 4 LAST\r\nab\r\n",
            b"BDAT 3\r\nabc",
            b"BDAT 9 LAST\r\n",
            b"RSET\r\n",
            b"\n",
            b"\x00",
        ]
    ),
    max_size=14,
).map(lambda lines: b"EHLO c\r\nMAIL FROM:<a@b.org>\r\nRCPT TO:<c@d.org>\r\n" + b"".join(lines))
cuts = st.lists(st.integers(0, 300), max_size=8)


def pieces(octets: bytes, at: list[int]) -> list[bytes]:
    edges = [0, *sorted(min(cut, len(octets)) for cut in at), len(octets)]
    return [octets[start:end] for start, end in pairwise(edges)]


def read(parts: list[bytes]) -> tuple[list[Reply], bool]:
    parser = ReplyParser()
    got: list[Reply] = []
    try:
        for part in parts:
            got.extend(parser.feed(part))
    except ReplyError:
        return got, True
    return got, False


@given(replies, cuts)
def test_any_split_of_the_replies_reads_the_same(octets: bytes, at: list[int]) -> None:
    assert read(pieces(octets, at)) == read([octets])


def serve(parts: list[bytes]) -> list[Effect]:
    server, effects = Server("mx"), []
    for part in parts:
        server.feed(part)
        while (effect := server.next()) is not None:
            effects.append(effect)
            if isinstance(effect, AskSender | AskRecipient):
                effects.append(server.answer(None))
            elif isinstance(effect, AskMessage):
                effects.append(server.answer(Reply(250, None, "taken")))
    return effects


@given(commands, cuts)
def test_any_split_of_the_commands_is_served_the_same(octets: bytes, at: list[int]) -> None:
    assert serve(pieces(octets, at)) == serve([octets])


@given(text)
def test_stuffing_is_undone_and_hides_every_end(content: bytes) -> None:
    wire = stuff(content)
    whole = content if not content or content.endswith(b"\r\n") else content + b"\r\n"
    assert unstuff(wire) == whole
    assert (b"\r\n" + wire + END).find(b"\r\n.\r\n") == len(wire)


@given(text)
def test_bare_line_ends_are_found_where_a_plain_search_finds_them(content: bytes) -> None:
    found = re.search(rb"\r(?!\n)|(?<!\r)\n", content)
    assert bare_line_end(content) == (found.start() if found else -1)
