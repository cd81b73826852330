"""AUTH as a server answers it: PLAIN and LOGIN, and everything that is neither."""

from base64 import b64encode

import pytest

from fastemailnet.smtp.auth import MAX_PART_OCTETS, MAX_REFUSED, Credentials, Login, Offer, Verdict
from fastemailnet.smtp.effects import AskLogin, AskRecipient, AskSender, StartTls, Write
from fastemailnet.smtp.server import MAX_LINE_OCTETS, Server
from fastemailnet.smtp.stage import State, Tls

RIGHT = Credentials("acme", "key")
PLAIN = b64encode(b"\0acme\0key")


class Talk:
    """A session in which one name and password is right."""

    def __init__(self, offer: Offer = Offer.ALWAYS, tls: Tls = Tls.NONE) -> None:
        self.server = Server("mx", tls=tls)
        self.server.login = Login(offer)
        self.asked: list[Credentials] = []
        self.senders = 0

    def say(self, *lines: bytes) -> list[bytes]:
        """The lines of the answers."""
        said = b""
        for line in lines:
            self.server.feed(line + b"\r\n")
            while (effect := self.server.next()) is not None:
                match effect:
                    case AskLogin(credentials):
                        self.asked.append(credentials)
                        effect = self.server.logged_in(Verdict.RIGHT if credentials == RIGHT else Verdict.WRONG)
                    case AskSender() | AskRecipient():
                        self.senders += 1
                        effect = self.server.answer(None)
                    case StartTls():
                        self.server.secured()
                if isinstance(effect, Write):
                    said += effect.octets
        return said.splitlines()

    def codes(self, *lines: bytes) -> list[int]:
        """The codes of the answers, behind EHLO."""
        self.say(b"EHLO c")
        return [int(line[:3]) for line in self.say(*lines)]


@pytest.mark.parametrize(
    ("lines", "codes"),
    [
        ((b"AUTH PLAIN " + PLAIN,), [235]),
        ((b"auth plain " + b64encode(b"acme\0acme\0key"),), [235]),
        ((b"AUTH PLAIN", PLAIN), [334, 235]),
        ((b"AUTH LOGIN", b64encode(b"acme"), b64encode(b"key")), [334, 334, 235]),
        ((b"AUTH LOGIN " + b64encode(b"acme"), b64encode(b"key")), [334, 235]),
    ],
)
def test_every_form_of_the_dialogue_logs_in(lines: tuple[bytes, ...], codes: list[int]) -> None:
    talk = Talk()
    assert talk.codes(*lines) == codes
    assert talk.asked == [RIGHT]
    assert talk.codes(b"MAIL FROM:<a@b.org> AUTH=<>") == [250]


def test_the_challenges_are_those_that_clients_know() -> None:
    talk = Talk()
    assert talk.say(b"EHLO c", b"AUTH LOGIN")[-1] == b"334 VXNlcm5hbWU6"
    assert talk.say(b64encode(b"acme")) == [b"334 UGFzc3dvcmQ6"]
    assert talk.say(b"*") == [b"501 5.7.0 authentication cancelled"]
    assert talk.say(b"AUTH PLAIN") == [b"334 "]


@pytest.mark.parametrize(
    ("lines", "codes"),
    [
        ((b"AUTH",), [501]),
        ((b"AUTH CRAM-MD5",), [504]),
        ((b"AUTH PLAIN =",), [501]),
        ((b"AUTH PLAIN ****",), [501]),
        ((b"AUTH PLAIN " + PLAIN + b" more",), [501]),
        ((b"AUTH PLAIN", b"*"), [334, 501]),
        ((b"AUTH PLAIN", PLAIN[:4] + b"!" + PLAIN[4:]), [334, 501]),
        ((b"AUTH PLAIN", PLAIN + PLAIN), [334, 501]),
        ((b"AUTH PLAIN", b"\xff\x00"), [334, 501]),
        ((b"AUTH PLAIN " + b64encode(b"acme\0key"),), [501]),
        ((b"AUTH PLAIN " + b64encode(b"\0acme\0key\0more"),), [501]),
        ((b"AUTH PLAIN " + b64encode(b"\0\0key"),), [501]),
        ((b"AUTH PLAIN " + b64encode(b"\0acme\0"),), [501]),
        ((b"AUTH PLAIN " + b64encode(b"\xff\0acme\0key"),), [501]),
        ((b"AUTH PLAIN " + b64encode(b"\0acme\0\xff"),), [501]),
        ((b"AUTH PLAIN " + b64encode(b"\0acme\0" + b"k" * (MAX_PART_OCTETS + 1)),), [501]),
        ((b"AUTH LOGIN", b""), [334, 501]),
        ((b"AUTH LOGIN", b64encode(b"acme"), b64encode(b"k\0")), [334, 334, 501]),
        ((b"AUTH LOGIN", b64encode(b"acme"), b"*"), [334, 334, 501]),
        ((b"AUTH PLAIN " + b64encode(b"other\0acme\0key"),), [535]),
        ((b"AUTH PLAIN", b"x" * MAX_LINE_OCTETS), [334, 500]),
        ((b"AUTH PLAIN", b"x\ry"), [334, 500]),
    ],
)
def test_what_is_no_log_in_is_refused_and_the_session_goes_on(lines: tuple[bytes, ...], codes: list[int]) -> None:
    talk = Talk()
    assert talk.codes(*lines) == codes
    assert not talk.asked
    assert talk.say(b"NOOP") == [b"250 2.0.0 Ok"]
    assert talk.codes(b"AUTH PLAIN " + PLAIN) == [235]


def test_a_response_without_end_ends_the_session() -> None:
    talk = Talk()
    talk.say(b"EHLO c", b"AUTH PLAIN")
    talk.server.feed(b"x" * (MAX_LINE_OCTETS + 1))
    effect = talk.server.next()
    assert isinstance(effect, Write)
    assert effect.octets.startswith(b"500 5.5.6 ")
    assert talk.server.state is State.CLOSED


def test_order_of_commands() -> None:
    talk = Talk()
    assert talk.say(b"AUTH PLAIN " + PLAIN)[0].startswith(b"503 ")
    assert talk.codes(b"MAIL FROM:<a@b.org>", b"AUTH PLAIN " + PLAIN, b"RSET") == [250, 503, 250]
    assert talk.codes(b"AUTH PLAIN " + PLAIN, b"AUTH PLAIN " + PLAIN) == [235, 503]
    assert talk.asked == [RIGHT]


def test_who_guesses_is_shown_out() -> None:
    talk = Talk()
    wrong = b"AUTH PLAIN " + b64encode(b"\0acme\0guess")
    assert talk.codes(*[wrong] * (MAX_REFUSED + 1)) == [535] * MAX_REFUSED + [421]
    assert talk.server.state is State.CLOSED
    assert len(talk.asked) == MAX_REFUSED


def test_one_who_slipped_may_still_log_in() -> None:
    wrong = b"AUTH PLAIN " + b64encode(b"\0acme\0guess")
    assert Talk().codes(*[wrong] * (MAX_REFUSED - 1), b"AUTH PLAIN " + PLAIN) == [535] * (MAX_REFUSED - 1) + [235]


def test_no_key_crosses_a_network_in_the_clear() -> None:
    talk = Talk(Offer.UNDER_TLS, Tls.OFFERED)
    assert not any(b"AUTH" in line for line in talk.say(b"EHLO c"))
    assert talk.say(b"AUTH PLAIN " + PLAIN)[0].startswith(b"538 5.7.11 ")
    assert talk.codes(b"MAIL FROM:<a@b.org> AUTH=<>") == [555]
    assert talk.say(b"STARTTLS")[0].startswith(b"220 ")
    assert b"250-AUTH PLAIN LOGIN" in talk.say(b"EHLO c")
    assert talk.codes(b"AUTH PLAIN " + PLAIN) == [235]


def test_who_logged_in_in_the_clear_does_it_again_under_tls() -> None:
    talk = Talk(Offer.ALWAYS, Tls.OFFERED)
    assert talk.codes(b"AUTH PLAIN " + PLAIN, b"STARTTLS") == [235, 220]
    assert talk.codes(b"AUTH PLAIN " + PLAIN) == [235]


def test_where_nobody_can_log_in_there_is_no_such_command() -> None:
    talk = Talk(Offer.NONE)
    assert not any(b"AUTH" in line for line in talk.say(b"EHLO c"))
    assert talk.codes(b"AUTH PLAIN " + PLAIN) == [502]


def test_a_password_is_in_no_representation() -> None:
    assert "key" not in repr(AskLogin(RIGHT))
