"""What leaves in which write, for each form of the dialogue; and what is told of the peer's faults."""

import pytest

from fastemailnet.envelope import Recipient, TlsWish
from fastemailnet.outcome import Kind, Reply
from fastemailnet.smtp.extension import Capabilities
from fastemailnet.smtp.session import (
    SINGLE_FLIGHT_MAX_OCTETS,
    Ahead,
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
    Withheld,
    Write,
)

TWO = (Recipient("a@b.org", 0), Recipient("c@b.org", 1))
BOTH = Capabilities(pipelining=True, chunking=True)
PIPELINING = Capabilities(pipelining=True)
CHUNKING = Capabilities(chunking=True)
NEITHER = Capabilities()
OK, GO, BUSY, NO = (Reply(code, None, "") for code in (250, 354, 450, 550))
ENVELOPE = b"MAIL FROM:<f@x.org>\r\nRCPT TO:<a@b.org>\r\nRCPT TO:<c@b.org>\r\n"


def new(offers: Capabilities, content: bytes = b".x\r\n", ahead: Ahead = Ahead.ALL) -> Session:
    return Session(Transaction("f@x.org", TWO, content), offers, ahead)


def play(session: Session, *events: Start | Reply | Released | Withheld | Lost) -> list[Effect]:
    """All effects but the timers."""
    effects: list[Effect] = []
    for event in events:
        effects += session.step(Replied(event) if isinstance(event, Reply) else event)
    return [effect for effect in effects if not isinstance(effect, Await)]


def kinds(effects: list[Effect]) -> list[Kind]:
    settled = effects[-1]
    assert isinstance(settled, Settled)
    return [outcome.kind for outcome in settled.outcomes]


def test_one_flight_asks_first() -> None:
    session = new(BOTH)
    assert play(session, Start()) == [AskRelease()]
    assert play(session, Released()) == [Write(ENVELOPE + b"BDAT 4 LAST\r\n.x\r\n")]


def test_over_a_quiet_connection_the_commands_go_first() -> None:
    session = new(BOTH, ahead=Ahead.COMMANDS)
    assert play(session, Start(), OK, OK, OK) == [Write(ENVELOPE), AskRelease()]
    assert play(session, Released()) == [Write(b"BDAT 4 LAST\r\n.x\r\n")]


def test_pipelining_groups_the_commands_and_holds_a_small_body() -> None:
    session = new(PIPELINING)
    assert play(session, Start(), OK, OK, OK, GO) == [Write(ENVELOPE + b"DATA\r\n"), AskRelease()]
    assert play(session, Released()) == [Write(b"..x\r\n.\r\n")]


def test_a_large_body_flows_before_the_release() -> None:
    content = b"x" * SINGLE_FLIGHT_MAX_OCTETS + b"\r\n"
    assert play(new(PIPELINING, content), Start(), OK, OK, OK, GO)[1:] == [Write(content), AskRelease()]
    session = new(BOTH, content)
    size = str(len(content)).encode()
    assert play(session, Start(), OK, OK, OK)[1:] == [Write(b"BDAT " + size + b"\r\n" + content)]
    assert play(session, OK, Released()) == [AskRelease(), Write(b"BDAT 0 LAST\r\n")]


def test_without_extensions_it_goes_one_by_one() -> None:
    effects = play(new(NEITHER), Start(), OK, OK, OK, GO, Released(), OK)
    writes = [effect.octets for effect in effects if isinstance(effect, Write)]
    assert writes == [*ENVELOPE.splitlines(keepends=True), b"DATA\r\n", b"..x\r\n.\r\n"]
    assert kinds(effects) == [Kind.RELAYED, Kind.RELAYED]


def test_every_command_has_its_time() -> None:
    session = new(NEITHER)
    waits = []
    for event in (Start(), Replied(OK), Replied(OK), Replied(OK), Replied(GO), Released()):
        waits += [effect.seconds for effect in session.step(event) if isinstance(effect, Await)]
    assert waits == [300, 300, 300, 120, 600]


def test_each_reply_of_a_flight_starts_the_clock_again() -> None:
    session = new(PIPELINING)
    session.step(Start())
    assert session.step(Replied(OK)) == [Await(300.0)]


def test_a_withheld_end_closes() -> None:
    assert play(new(BOTH), Start(), Withheld()) == [AskRelease(), Settled((), Reuse.CLOSE)]


def test_a_released_flight_whose_recipients_were_refused_is_settled_by_its_replies() -> None:
    effects = play(new(BOTH), Start(), Released(), OK, NO, BUSY, Reply(503, None, "no recipients"))
    assert kinds(effects) == [Kind.BOUNCED, Kind.DEFERRED]


def test_some_are_refused_and_some_accepted() -> None:
    effects = play(new(PIPELINING), Start(), OK, NO, OK, GO, Released(), OK)
    assert kinds(effects) == [Kind.BOUNCED, Kind.RELAYED]


def test_nobody_left_behind_354_closes_without_an_end() -> None:
    effects = play(new(PIPELINING), Start(), OK, NO, NO, GO)
    assert kinds(effects) == [Kind.BOUNCED, Kind.BOUNCED]
    assert isinstance(effects[-1], Settled)
    assert effects[-1].reuse is Reuse.CLOSE


def test_nobody_left_before_data_only_resets() -> None:
    [*_, settled] = play(new(NEITHER), Start(), OK, NO, NO)
    assert isinstance(settled, Settled)
    assert settled.reuse is Reuse.RESET


@pytest.mark.parametrize("offers", [BOTH, PIPELINING, CHUNKING, NEITHER])
def test_a_lost_connection_before_the_release_defers_and_behind_it_is_in_doubt(offers: Capabilities) -> None:
    replies = [] if offers == BOTH else [OK, OK, OK] if offers.chunking else [OK, OK, OK, GO]
    assert kinds(play(new(offers), Start(), *replies, Lost("EOF"))) == [Kind.DEFERRED] * 2
    assert kinds(play(new(offers), Start(), *replies, Released(), Lost("EOF"))) == [Kind.IN_DOUBT] * 2


def test_421_to_a_recipient_of_a_released_flight_speaks_for_that_recipient_only() -> None:
    flight = (Start(), Released(), OK, OK, Reply(421, None, "closing"))
    assert kinds(play(new(BOTH), *flight, OK)) == [Kind.RELAYED, Kind.DEFERRED]
    assert kinds(play(new(BOTH), *flight, Lost("EOF"))) == [Kind.IN_DOUBT, Kind.DEFERRED]


def test_a_reply_out_of_place_behind_the_end_is_in_doubt() -> None:
    effects = play(new(PIPELINING), Start(), OK, OK, OK, GO, Released(), GO)
    assert kinds(effects) == [Kind.IN_DOUBT, Kind.IN_DOUBT]


def test_an_unasked_reply_while_the_release_is_asked_ends_it() -> None:
    assert kinds(play(new(BOTH), Start(), OK)) == [Kind.DEFERRED, Kind.DEFERRED]
    assert kinds(play(new(BOTH), Start(), Reply(421, None, "closing"))) == [Kind.DEFERRED, Kind.DEFERRED]


def test_what_comes_behind_the_end_of_it_all_is_nothing() -> None:
    session = new(BOTH)
    play(session, Start(), Released(), OK, OK, OK, OK)
    assert play(session, OK, Lost("EOF")) == []


def test_mail_parameters_follow_what_is_offered() -> None:
    offers = Capabilities(pipelining=True, eight_bit=True, smtputf8=True, size=0)
    session = Session(Transaction("ü@x.org", TWO[:1], "ü\r\n".encode(), smtputf8=True), offers)
    [write] = play(session, Start())
    assert isinstance(write, Write)
    assert write.octets.startswith("MAIL FROM:<ü@x.org> SIZE=4 BODY=8BITMIME SMTPUTF8\r\n".encode())


def test_a_sender_who_requires_tls_has_it_asked_of_the_peer() -> None:
    offers = Capabilities(pipelining=True, requiretls=True)
    for wish, parameter in [(TlsWish.DEFAULT, b""), (TlsWish.OPTIONAL, b""), (TlsWish.REQUIRED, b" REQUIRETLS")]:
        [write] = play(Session(Transaction("f@x.org", TWO, b"x\r\n", tls=wish), offers), Start())
        assert isinstance(write, Write)
        assert write.octets.startswith(b"MAIL FROM:<f@x.org>" + parameter + b"\r\n")


@pytest.mark.parametrize(
    ("transaction", "offers", "why"),
    [
        (Transaction("f@x.org", TWO, b"x\r\n", smtputf8=True), BOTH, "SMTPUTF8"),
        (Transaction("f@x.org", TWO, b"x" * 11), Capabilities(size=10), "SIZE 10"),
        (
            Transaction("f@x.org", TWO, "ü\r\n".encode()),
            BOTH,
            "8BITMIME, which the 8-bit content of this mail needs (5.6.3)",
        ),
        (Transaction("f@x.org", TWO, b"x\n.\r\ny"), BOTH, "bare CR or LF at octet 1"),
        (Transaction("f@x.org>\r\nRSET\r\n", TWO, b"x\r\n"), BOTH, "reverse-path"),
        (Transaction("f@x.org", (Recipient("a@b> NOTIFY=NEVER", 0),), b"x\r\n"), BOTH, "cannot stand"),
    ],
)
def test_what_the_peer_cannot_be_given_bounces_before_a_word_is_said(
    transaction: Transaction, offers: Capabilities, why: str
) -> None:
    [settled] = play(Session(transaction, offers), Start())
    assert isinstance(settled, Settled)
    assert {outcome.kind for outcome in settled.outcomes} == {Kind.BOUNCED}
    assert why in settled.outcomes[0].reason
    assert settled.reuse is Reuse.KEEP
