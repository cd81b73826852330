"""What the server's machine answers, and what it makes of hostile input."""

import tracemalloc

import pytest

from fastemailnet.outcome import Reply
from fastemailnet.smtp.command import is_fit
from fastemailnet.smtp.content import bare_line_end
from fastemailnet.smtp.effects import AskMessage, AskRecipient, AskSender, StartTls, Write
from fastemailnet.smtp.refusals import NO_ROOM, Limits
from fastemailnet.smtp.reply import MAX_SAID_OCTETS
from fastemailnet.smtp.server import MAX_LINE_OCTETS, Server
from fastemailnet.smtp.stage import State, Tls
from fastemailnet.smtp.tolerance import MAX_BAD_COMMANDS

LIMITS = Limits(message_octets=5_000, recipients=3)
ENVELOPE = b"EHLO c\r\nMAIL FROM:<a@b.org>\r\nRCPT TO:<c@d.org>\r\n"


class Talk:
    """A session whose decisions are all yes."""

    def __init__(self, octets: bytes = b"", tls: Tls = Tls.NONE) -> None:
        self.server = Server("mx", LIMITS, tls)
        self.messages: list[bytes] = []
        self.senders: list[str] = []
        self.recipients: list[str] = []
        self.handshakes = 0
        self.said = b""
        self.say(octets)

    def say(self, octets: bytes) -> list[bytes]:
        """The lines of the answer."""
        self.server.feed(octets)
        said = b""
        while (effect := self.server.next()) is not None:
            match effect:
                case AskMessage(_, content):
                    self.messages.append(content)
                    effect = self.server.answer(Reply(250, (2, 0, 0), "taken"))
                case AskSender(address):
                    self.senders.append(address)
                    effect = self.server.answer(None)
                case AskRecipient(address):
                    self.recipients.append(address)
                    effect = self.server.answer(None)
                case StartTls():
                    self.handshakes += 1
            if isinstance(effect, Write):
                said += effect.octets
        self.said += said
        return said.splitlines()


def codes(lines: list[bytes]) -> list[int]:
    return [int(line[:3]) for line in lines if line[3:4] == b" "]


@pytest.mark.parametrize(
    "said",
    [
        "{0}",
        "MAIL {0}",
        "MAIL FROM:<a@b.org> {0}",
        "MAIL FROM:<a@b.org> SIZE={0}",
        "MAIL FROM:<a@b.org> BODY={0}",
        "MAIL FROM:<a@b.org> {1}=1",
        "MAIL FROM:<a@b.org> X={0} X={0}",
        "RCPT TO:<c@d.org> {0}",
        "RCPT TO:<c@d.org> {1}=1",
        "BDAT {0}",
    ],
)
def test_no_answer_quotes_more_than_a_line_holds(said: str) -> None:
    for letter in ("x", "\\", "\U0001f600"):
        talk = Talk(b"EHLO c\r\n" + b"MAIL FROM:<a@b.org> SMTPUTF8\r\n" * said.startswith("RCPT"))
        (line,) = talk.say(said.format(letter * 900, "X" * 900).encode() + b"\r\n")
        assert line.startswith(b"5")
        assert len(line) + 2 <= MAX_SAID_OCTETS


def test_a_pipelined_transaction_is_answered_in_order() -> None:
    talk = Talk()
    assert codes(talk.say(ENVELOPE + b"DATA\r\n..x\r\ny\r\n.\r\nQUIT\r\n")) == [250, 250, 250, 354, 250, 221]
    assert talk.messages == [b".x\r\ny\r\n"]
    assert talk.server.state is State.CLOSED


def test_chunks_are_put_together_and_dots_are_just_dots() -> None:
    talk = Talk()
    assert codes(talk.say(ENVELOPE + b"BDAT 5\r\n.a\r\n.BDAT 0\r\nBDAT 2 LAST\r\n\r\n")) == [250] * 6
    assert talk.messages == [b".a\r\n.\r\n"]


def test_a_chunk_without_a_recipient_is_thrown_away_whole() -> None:
    assert codes(Talk().say(b"EHLO c\r\nBDAT 6 LAST\r\nQUIT\r\nNOOP\r\n")) == [250, 503, 250]


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        (b"MAIL FROM:<a@b.org>", 503),
        (b"EHLO", 501),
        (b"EHLO c\r\nRCPT TO:<a@b.org>", 503),
        (b"EHLO c\r\nDATA", 503),
        (b"EHLO c\r\nMAIL FROM:a@b.org", 501),
        (b"EHLO c\r\nMAIL FROM:<a@b.org> SIZE=x", 501),
        (b"EHLO c\r\nMAIL FROM:<a@b.org> SIZE=\xc2\xb2", 501),
        (b"EHLO c\r\nMAIL FROM:<a@b.org> SIZE=5001", 552),
        (b"EHLO c\r\nMAIL FROM:<a@b.org> BODY=BINARYMIME", 555),
        (b"EHLO c\r\nMAIL FROM:<a@b.org> RET=HDRS", 555),
        (b"EHLO c\r\nMAIL FROM:<\xc3\xbc@b.org>", 553),
        (b"EHLO c\r\nMAIL FROM:<a> b@c.org>", 501),
        (b"EHLO c\r\nMAIL FROM:<a@b.org>\r\nMAIL FROM:<a@b.org>", 503),
        (b"EHLO c\r\nMAIL FROM:<a@b.org>\r\nRCPT TO:<c@d.org> NOTIFY=NEVER", 555),
        (ENVELOPE + b"RCPT TO:<2@d.org>\r\nRCPT TO:<3@d.org>\r\nRCPT TO:<4@d.org>", 452),
        (ENVELOPE + b"BDAT \xc2\xb2 LAST", 501),
        (b"NO\x00OP", 500),
        (b"NO\rOP", 500),
        (b"\xff", 500),
        (b"STARTTLS", 502),
        (b"WHAT", 502),
        (b"X" * MAX_LINE_OCTETS, 500),
    ],
)
def test_what_is_wrong_is_refused(lines: bytes, code: int) -> None:
    assert codes(Talk().say(lines + b"\r\n"))[-1] == code


def test_a_bare_line_feed_ends_a_command_as_a_bad_one() -> None:
    assert codes(Talk().say(b"NOOP\nNOOP\r\n")) == [500, 250]


def test_an_endless_line_ends_the_session() -> None:
    talk = Talk(b"x" * (MAX_LINE_OCTETS + 1))
    assert talk.said.startswith(b"500 ")
    assert talk.server.state is State.CLOSED


def test_too_many_bad_commands_end_the_session() -> None:
    assert codes(Talk().say(b"WHAT\r\n" * (MAX_BAD_COMMANDS + 5))) == [502] * MAX_BAD_COMMANDS + [421]


@pytest.mark.parametrize(
    ("end", "what"),
    [(b"x\n.\r\ny", b"LF without CR at octet 1, line 1"), (b"x\r\ny\r.\r\nz", b"CR without LF at octet 4, line 2")],
)
def test_smuggled_ends_are_no_ends_and_are_refused(end: bytes, what: bytes) -> None:
    """CVE-2023-51764: what another server takes for the end of data."""
    talk = Talk()
    lines = talk.say(ENVELOPE + b"DATA\r\n" + end + b"\r\n.\r\nNOOP\r\n")
    assert codes(lines) == [250, 250, 250, 354, 554, 250]
    assert what in lines[-2]
    assert not talk.messages


def test_a_message_over_the_limit_is_refused_at_its_end_and_not_kept() -> None:
    talk = Talk(ENVELOPE + b"DATA\r\n")
    for _ in range(50):
        talk.say(b"x" * 998 + b"\r\n")
        assert len(talk.server.buffer) < 8_000
    assert codes(talk.say(b".\r\nNOOP\r\n")) == [552, 250]
    assert not talk.messages


def test_too_large_chunks_are_refused_and_not_kept() -> None:
    talk = Talk(ENVELOPE)
    assert codes(talk.say(b"BDAT 4000\r\n" + b"x" * 4_000)) == [250]
    assert codes(talk.say(b"BDAT 2000 LAST\r\n" + b"x" * 2_000 + b"NOOP\r\n")) == [552, 250]
    assert not talk.messages


def test_chunks_take_no_more_than_they_hold() -> None:
    talk = Talk(ENVELOPE)
    talk.server.limits = Limits(message_octets=1_000_000)
    tracemalloc.start()
    for chunk in (b"BDAT 0\r\n", b"BDAT 2\r\nxy"):
        for _ in range(200):
            talk.say(chunk * 100)
            talk.said = b""
    ours = [tracemalloc.Filter(True, "*/fastemailnet/smtp/*")]  # other threads of a long run allocate as well
    kept = sum(trace.size for trace in tracemalloc.take_snapshot().filter_traces(ours).traces)
    tracemalloc.stop()
    assert 40_000 <= kept < 100_000
    assert codes(talk.say(b"BDAT 0 LAST\r\n")) == [250]
    assert talk.messages == [b"xy" * 20_000]


@pytest.mark.parametrize("sent", [b"DATA\r\n" + b"x" * 998, b"BDAT 2000\r\n" + b"x" * 998])
def test_a_message_that_is_shed_takes_no_room_and_is_refused_at_its_end(sent: bytes) -> None:
    talk = Talk(ENVELOPE + b"BDAT 900\r\n" * sent.startswith(b"B") + b"y" * 900 * sent.startswith(b"B") + sent)
    assert talk.server.held_octets >= 998
    assert talk.server.shed(NO_ROOM)
    assert talk.server.held_octets < 10
    assert not talk.server.shed(NO_ROOM)
    assert talk.say(b"x" * 998) == []
    assert talk.server.held_octets < 10
    end = b"\r\n.\r\n" if sent.startswith(b"DATA") else b"x" * 4
    assert codes(talk.say(end + ENVELOPE + b"DATA\r\nz\r\n.\r\n")) == [452, 250, 250, 250, 354, 250]
    assert talk.messages == [b"z\r\n"]


@pytest.mark.parametrize("sent", [b"", b"DATA\r\n", b"DATA\r\n.\r", b"BDAT 3 LAST\r\nx\r\n"])
def test_where_no_message_is_coming_nothing_is_shed(sent: bytes) -> None:
    talk = Talk(ENVELOPE + sent)
    assert not talk.server.shed(NO_ROOM)
    assert codes(talk.say(b"\n" if sent.endswith(b".\r") else b"RSET\r\n\r\n.\r\n"))[0] == 250


def test_starttls_is_offered_once_and_forgets_what_came_before() -> None:
    talk = Talk(b"EHLO c\r\n", Tls.OFFERED)
    assert b"STARTTLS" in talk.said
    assert codes(talk.say(b"STARTTLS\r\nMAIL FROM:<evil@b.org>\r\n")) == [220]
    assert talk.handshakes == 1
    assert talk.say(b"") == []
    talk.server.secured()
    assert codes(talk.say(b"MAIL FROM:<a@b.org>\r\n")) == [503]
    assert b"STARTTLS" not in b"".join(talk.say(b"EHLO c\r\n"))
    assert codes(talk.say(b"STARTTLS\r\n")) == [502]
    assert talk.senders == []


def test_requiretls_is_offered_and_taken_behind_starttls_alone() -> None:
    refused = Talk(b"EHLO c\r\nMAIL FROM:<a@b> REQUIRETLS\r\n", Tls.OFFERED)
    assert b"REQUIRETLS" not in refused.said.split(b"555")[0]
    assert b"\r\n555 " in refused.said
    taken = Talk(b"EHLO c\r\nMAIL FROM:<a@b> REQUIRETLS\r\nRSET\r\nMAIL FROM:<a@b> REQUIRETLS=YES\r\n", Tls.DONE)
    assert b"250-REQUIRETLS\r\n" in taken.said
    assert taken.said.count(b"555") == 1


def test_a_source_route_is_passed_over_and_quotes_are_kept() -> None:
    talk = Talk(b'EHLO c\r\nMAIL FROM:<@r.org,@s.org:a@b.org>\r\nRCPT TO:<"> x"@d.org>\r\n')
    assert (talk.senders, talk.recipients) == (["a@b.org"], ['"> x"@d.org'])


def test_a_new_transaction_starts_clean() -> None:
    talk = Talk(ENVELOPE + b"RSET\r\n")
    assert codes(talk.say(b"DATA\r\nMAIL FROM:<>\r\nRCPT TO:<c@d.org>\r\nDATA\r\n.\r\n")) == [503, 250, 250, 354, 250]
    assert talk.messages == [b""]


@pytest.mark.parametrize(
    ("address", "fit"),
    [("", True), ("a@b.org", True), ('"a> b"@c.org', True), ("a>b@c", False), ("a b@c", False), ("a\r@c", False)],
)
def test_only_addresses_that_a_path_can_hold_are_written(address: str, fit: bool) -> None:
    assert is_fit(address) is fit


@pytest.mark.parametrize(
    ("content", "at"),
    [
        (b"", -1),
        (b"a\r\nb\r\n", -1),
        (b"\n", 0),
        (b"a\r", 1),
        (b"\r\n\n", 2),
        (b"a\r\r\n", 1),
        (b"a\nb\r", 1),
        (b"\n\r", 0),
    ],
)
def test_the_first_bare_line_end_is_found(content: bytes, at: int) -> None:
    assert bare_line_end(content) == at
