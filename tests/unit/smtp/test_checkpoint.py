"""CHECKPOINT (RFC 1845) on both sides: what the client says to a peer that may know the transaction, and what the server answers."""

import pytest

from fastemailnet.envelope import Recipient
from fastemailnet.outcome import Kind, Outcome, Reply
from fastemailnet.smtp.checkpoint import is_transid, known_at, rest_from, transid_of
from fastemailnet.smtp.effects import AskMessage, AskRecipient, AskSender, Known, Write
from fastemailnet.smtp.extension import Capabilities
from fastemailnet.smtp.server import Server
from fastemailnet.smtp.session import (
    SINGLE_FLIGHT_MAX_OCTETS,
    AskRelease,
    Await,
    Effect,
    Lost,
    Released,
    Replied,
    Reuse,
    Session,
    Settled,
    Start,
    Transaction,
)
from fastemailnet.smtp.session import Write as ClientWrite
from fastemailnet.smtp.stage import State

ID = "01J-0@node.example.net"
TWO = (Recipient("a@b.org", 4), Recipient("c@b.org", 6))
ALL = Capabilities(pipelining=True, chunking=True, checkpoint=True)
SLOW = Capabilities(checkpoint=True)
OK, GO, NO = (Reply(code, None, "") for code in (250, 354, 550))
MAIL = b"MAIL FROM:<f@x.org> TRANSID=<01J-0@node.example.net>\r\n"
CONTENT = b"one\r\n.two\r\n"


def new(
    reached: tuple[int, ...] = (),
    offers: Capabilities = ALL,
    recipients: tuple[Recipient, ...] = TWO,
    content: bytes = CONTENT,
) -> Session:
    return Session(Transaction("f@x.org", recipients, content, transid=ID, reached=reached), offers)


def play(session: Session, *events: Start | Reply | Released | Lost) -> list[Effect]:
    """All effects but the timers."""
    effects: list[Effect] = []
    for event in events:
        effects += session.step(Replied(event) if isinstance(event, Reply) else event)
    return [effect for effect in effects if not isinstance(effect, Await)]


def outcomes(effects: list[Effect]) -> tuple[Outcome, ...]:
    settled = effects[-1]
    assert isinstance(settled, Settled)
    return settled.outcomes


def kinds(effects: list[Effect]) -> list[Kind]:
    return [outcome.kind for outcome in outcomes(effects)]


# ---- ids and offsets


@pytest.mark.parametrize("text", ["a@b", ID, "1.2-3@x.y.z", "!#$%&'*+^_`{|}~@h", "a@" + "b" * 76])
def test_these_are_transaction_ids(text: str) -> None:
    assert is_transid(text)
    assert transid_of(f"<{text}>") == text


@pytest.mark.parametrize(
    "text",
    ["", "@", "a@", "@b", "a", "a@b@c", ".a@b", "a.@b", "a..b@c", "a@b.", "a b@c", "ü@b", "a@[1]", "a@" + "b" * 77],
)
def test_these_are_not(text: str) -> None:
    assert not is_transid(text)
    assert transid_of(f"<{text}>") == transid_of(text) == ""


@pytest.mark.parametrize(
    ("text", "offset"),
    [("0 is", 0), ("5 is the transaction offset", 5), ("11", 11), ("4 is", None), ("12 is", None), ("-1", None)]
    + [(text, None) for text in ("", "five", "5x", "0x5", "²", "9" * 30)],
)
def test_an_offset_is_a_place_in_the_content_and_not_within_a_line_end(text: str, offset: int | None) -> None:
    assert rest_from(Reply(355, None, text), CONTENT) == offset


def test_what_is_said_is_what_is_read() -> None:
    assert rest_from(known_at(len(CONTENT)), CONTENT) == len(CONTENT)


# ---- the client


def test_the_keyword_is_read() -> None:
    assert Capabilities.of(Reply(250, None, "mx\ncheckpoint")).checkpoint
    assert not Capabilities.of(Reply(250, None, "mx\nPIPELINING")).checkpoint


def test_mail_goes_alone_and_the_end_is_asked_for_when_it_is_known_whom_it_reaches() -> None:
    session = new()
    assert play(session, Start()) == [ClientWrite(MAIL)]
    assert play(session, OK) == [ClientWrite(b"RCPT TO:<a@b.org>\r\nRCPT TO:<c@b.org>\r\nDATA\r\n")]
    assert play(session, NO, OK, GO) == [AskRelease((6,))]
    assert play(session, Released()) == [ClientWrite(b"one\r\n..two\r\n.\r\n")]
    assert kinds(play(session, OK)) == [Kind.BOUNCED, Kind.RELAYED]


def test_without_an_id_or_with_one_that_no_command_can_hold_all_is_as_ever() -> None:
    for transid in ("", "no id"):
        session = Session(Transaction("f@x.org", TWO, CONTENT, transid=transid), ALL)
        assert play(session, Start()) == [AskRelease()]


def test_a_known_transaction_is_only_ended_and_settles_whom_its_end_reached() -> None:
    session = new(reached=(6,))
    assert play(session, Start(), Reply(355, None, "11 is the transaction offset")) == [
        ClientWrite(MAIL),
        ClientWrite(b"DATA\r\n"),
    ]
    assert play(session, GO, Released()) == [AskRelease((6,)), ClientWrite(b".\r\n")]
    first, second = outcomes(play(session, OK))
    assert (first.kind, second.kind) == (Kind.DEFERRED, Kind.RELAYED)
    assert "lost with an earlier attempt" in first.reason


def test_the_rest_of_a_message_goes_on_at_the_offset() -> None:
    session = new(reached=(4, 6), offers=SLOW)
    play(session, Start(), known_at(5), GO)
    assert play(session, Released()) == [ClientWrite(b"..two\r\n.\r\n")]
    assert kinds(play(session, NO)) == [Kind.BOUNCED, Kind.BOUNCED]


def test_the_rest_of_a_large_message_flows_before_the_release() -> None:
    content = CONTENT + b"x" * SINGLE_FLIGHT_MAX_OCTETS + b"\r\n"
    session = new(reached=(4,), content=content)
    play(session, Start(), known_at(5))
    assert play(session, GO) == [ClientWrite(b"." + content[5:]), AskRelease((4,))]
    assert play(session, Released()) == [ClientWrite(b".\r\n")]
    assert kinds(play(session, Lost("EOF"))) == [Kind.IN_DOUBT, Kind.DEFERRED]


def test_a_single_recipient_needs_no_record_of_whom_the_end_reached() -> None:
    session = new(recipients=TWO[:1])
    assert play(session, Start(), known_at(5), GO)[-1] == AskRelease((4,))
    assert kinds(play(session, Released(), OK)) == [Kind.RELAYED]


@pytest.mark.parametrize("offers", [ALL, SLOW])
def test_several_recipients_without_such_a_record_begin_again_without_an_id(offers: Capabilities) -> None:
    session = new(offers=offers)
    effects = play(session, Start(), known_at(11), *[OK] * 4, GO, Released(), OK)
    written = b"".join(effect.octets for effect in effects if isinstance(effect, ClientWrite))
    assert written.removeprefix(MAIL).startswith(b"RSET\r\nMAIL FROM:<f@x.org>\r\nRCPT TO:<a@b.org>\r\n")
    assert written.endswith(b"DATA\r\none\r\n..two\r\n.\r\n")
    assert AskRelease() in effects
    assert kinds(effects) == [Kind.RELAYED, Kind.RELAYED]


def test_a_refused_rset_defers() -> None:
    assert kinds(play(new(offers=SLOW), Start(), known_at(11), NO)) == [Kind.DEFERRED, Kind.DEFERRED]


@pytest.mark.parametrize("text", ["12 is the transaction offset", "where were we?"])
def test_an_offset_that_is_none_ends_the_connection(text: str) -> None:
    effects = play(new(reached=(4, 6)), Start(), Reply(355, None, text))
    assert kinds(effects) == [Kind.DEFERRED, Kind.DEFERRED]
    assert isinstance(effects[-1], Settled)
    assert effects[-1].reuse is Reuse.CLOSE


def test_355_is_out_of_place_where_no_transaction_was_named() -> None:
    session = Session(Transaction("f@x.org", TWO, CONTENT), SLOW)
    assert "out of place" in outcomes(play(session, Start(), known_at(0)))[0].reason


def test_a_peer_that_cannot_be_asked_is_told_nothing() -> None:
    (settled,) = play(new(reached=(4,), offers=Capabilities(pipelining=True, chunking=True)), Start())
    assert isinstance(settled, Settled)
    assert settled.reuse is Reuse.KEEP
    assert {outcome.kind for outcome in settled.outcomes} == {Kind.DEFERRED}
    assert "does not offer CHECKPOINT now" in settled.outcomes[0].reason


def test_a_peer_that_never_took_it_takes_it_now() -> None:
    session = new(reached=(4,))
    play(session, Start(), OK, NO, OK, GO, Released())
    assert kinds(play(session, OK)) == [Kind.BOUNCED, Kind.RELAYED]
    assert kinds(play(new(reached=(4,)), Start(), OK, OK, OK, NO)) == [Kind.BOUNCED, Kind.BOUNCED]


@pytest.mark.parametrize("before", [(), (known_at(11),)])
def test_a_refusal_before_the_end_bounces_nobody_whom_an_earlier_end_may_have_reached(
    before: tuple[Reply, ...],
) -> None:
    assert kinds(play(new(reached=(4, 6)), Start(), *before, NO)) == [Kind.DEFERRED, Kind.DEFERRED]
    assert kinds(play(new(reached=(4,)), Start(), NO)) == [Kind.DEFERRED, Kind.BOUNCED]


def test_a_limit_that_came_later_bounces_nobody_whom_an_earlier_end_may_have_reached() -> None:
    (settled,) = play(new(reached=(4,), offers=Capabilities(checkpoint=True, size=5)), Start())
    assert isinstance(settled, Settled)
    assert {outcome.kind for outcome in settled.outcomes} == {Kind.DEFERRED}


# ---- the server

REMEMBERED = Known(len(CONTENT), Reply(250, (2, 0, 0), "queued as 7"))
NAMED = b"EHLO c\r\nMAIL FROM:<a@b.org> TRANSID=<7@b.org>\r\n"


def serve(
    octets: bytes, known: Known | None = None, *, checkpoint: bool = True
) -> tuple[list[bytes], list[str], Server]:
    """The last lines of the replies, the ids of the messages that were asked about, and the machine."""
    server = Server("mx", checkpoint=checkpoint)
    server.feed(octets)
    said, asked = b"", []
    while (effect := server.next()) is not None:
        match effect:
            case AskMessage(envelope, _):
                asked.append(envelope.transid)
                effect = server.answer(Reply(250, None, "taken"))
            case AskSender():
                effect = server.answer(known)
            case AskRecipient():
                effect = server.answer(None)
        assert isinstance(effect, Write)
        said += effect.octets
    return [line for line in said.splitlines() if line[3:4] == b" "], asked, server


def test_checkpoint_is_offered_where_it_is_kept() -> None:
    server = Server("mx", checkpoint=True)
    server.feed(b"EHLO c\r\n")
    effect = server.next()
    assert isinstance(effect, Write)
    assert b"250-CHECKPOINT\r\n" in effect.octets
    assert serve(NAMED, checkpoint=False)[0][-1].startswith(b"555 ")


@pytest.mark.parametrize(
    "value", [b"7@b.org", b"<7>", b"<@>", b"<7@" + b"b" * 77 + b">", b"<7@b.org> TRANSID=<8@b.org>"]
)
def test_an_id_that_is_none_is_refused(value: bytes) -> None:
    assert serve(b"EHLO c\r\nMAIL FROM:<a@b.org> TRANSID=" + value + b"\r\n")[0][-1].startswith(b"501 ")


def test_an_unknown_transaction_is_as_any_and_its_id_is_told() -> None:
    said, asked, _ = serve(NAMED + b"RCPT TO:<c@d.org>\r\nDATA\r\nx\r\n.\r\n")
    assert [line[:3] for line in said] == [b"250", b"250", b"250", b"354", b"250"]
    assert asked == ["7@b.org"]


@pytest.mark.parametrize("rest", [b"", b"something else\r\n", b"a bare\nline\r\n"])
def test_a_known_transaction_gets_its_reply_again_and_is_not_taken_again(rest: bytes) -> None:
    said, asked, server = serve(NAMED + b"DATA\r\n" + rest + b".\r\nRSET\r\n", REMEMBERED)
    assert said[1:] == [
        b"355 11 is the transaction offset",
        b"354 end data with <CR><LF>.<CR><LF>",
        b"250 2.0.0 queued as 7",
        b"250 2.0.0 Ok",
    ]
    assert (asked, server.known, server.envelope) == ([], None, None)


def test_a_known_transaction_takes_no_recipients_and_no_chunks() -> None:
    said, asked, server = serve(NAMED + b"RCPT TO:<c@d.org>\r\nBDAT 3 LAST\r\nx\r\nDATA\r\n", REMEMBERED)
    assert [line[:3] for line in said[2:]] == [b"503", b"503", b"503"]
    assert (asked, server.state) == ([], State.COMMAND)


def test_what_was_known_is_forgotten_with_its_transaction() -> None:
    said, _, _ = serve(NAMED + b"RSET\r\nDATA\r\n", REMEMBERED)
    assert said[-1].startswith(b"503 ")
