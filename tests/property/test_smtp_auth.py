"""AUTH against anything: it never raises, hands over what was said, and lets in by the right words alone."""

from base64 import b64encode

from hypothesis import given
from hypothesis import strategies as st

from fastemailnet.smtp.auth import LOGGED_IN, MAX_PART_OCTETS, Credentials, Login, Offer, Verdict
from fastemailnet.smtp.effects import AskLogin, AskSender, Close, Effect, Write
from fastemailnet.smtp.server import Server

words = st.text(min_size=1).filter(lambda text: "\0" not in text and len(text.encode()) <= MAX_PART_OCTETS)
KEY = Credentials("acme", "key")
pieces = st.sampled_from(
    [
        b"AUTH PLAIN", b"AUTH LOGIN", b"AUTH PLAIN =", b" ", b"*", b"\r\n", b"\r\n", b"\r\n", b"EHLO c\r\n", b"RSET\r\n", b"=",
        b64encode(b"\0acme\0key"), b64encode(b"acme"), b64encode(b"key"), b64encode(b"\0acme\0guess"), b"MAIL FROM:<a@b.org>\r\n",
        b"\xff", b"\0", b"DATA\r\n",
    ]
)  # fmt: skip
streams = st.lists(pieces, max_size=30).map(lambda parts: b"EHLO c\r\n" + b"".join(parts))


@given(user=words, password=words, has_initial=st.booleans())
def test_what_a_client_says_is_what_is_asked(user: str, password: str, has_initial: bool) -> None:
    plain = b64encode(f"\0{user}\0{password}".encode()).decode()
    name, word = b64encode(user.encode()).decode(), b64encode(password.encode())
    by_plain, by_login = Login(Offer.ALWAYS), Login(Offer.ALWAYS)
    if has_initial:
        assert by_plain.begin(f"PLAIN {plain}") == Credentials(user, password)
        by_login.begin(f"LOGIN {name}")
    else:
        by_plain.begin("PLAIN")
        assert by_plain.respond(plain.encode()) == Credentials(user, password)
        by_login.begin("LOGIN")
        by_login.respond(name.encode())
    assert by_login.respond(word) == Credentials(user, password)


def run(stream: bytes, piece: int) -> tuple[bytes, list[Credentials]]:
    """What the server said, and what it asked."""
    server, said, asked = Server("mx"), b"", []
    server.login = Login(Offer.ALWAYS)
    for at in range(0, len(stream), piece):
        server.feed(stream[at : at + piece])
        while (effect := server.next()) is not None:
            done: Effect = effect
            match effect:
                case AskLogin(credentials):
                    asked.append(credentials)
                    done = server.logged_in(Verdict.RIGHT if credentials == KEY else Verdict.WRONG)
                case AskSender():
                    done = server.answer(None)
                case _:
                    assert not isinstance(effect, Close)
            said += done.octets if isinstance(done, Write) else b""
    return said, asked


@given(streams, st.integers(1, 40))
def test_it_lets_in_by_the_right_words_alone_however_they_are_cut(stream: bytes, piece: int) -> None:
    said, asked = run(stream, piece)
    assert (said, asked) == run(stream, len(stream))
    assert said.count(f"{LOGGED_IN.code} ".encode()) == asked.count(KEY) <= 1


@given(st.sampled_from(["PLAIN", "LOGIN", "X", ""]), st.lists(st.binary(max_size=400), max_size=4))
def test_no_octets_raise(mechanism: str, responses: list[bytes]) -> None:
    login = Login(Offer.ALWAYS)
    step = login.begin(mechanism)
    for response in responses:
        if isinstance(step, Credentials) or step.code != 334:
            break
        step = login.respond(response)
