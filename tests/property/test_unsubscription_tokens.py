"""Tokens of unsubscription: each comes back as what it was made of, and no other text opens anything."""

from hypothesis import given
from hypothesis import strategies as st

from fastemailnet.delivery.unsubscription import KEY_OCTETS, Leaving, Seal
from fastemailnet.envelope import Lane
from fastemailnet.web.unsubscribe import is_one_click

SEAL = Seal(bytes(KEY_OCTETS))
LEAVINGS = st.builds(
    Leaving, st.binary(min_size=16, max_size=16), st.text(max_size=60), st.sampled_from(Lane), st.text(max_size=100)
)


@given(LEAVINGS)
def test_a_token_opens_as_what_it_was_made_of(leaving: Leaving) -> None:
    assert SEAL.opened(SEAL.token(leaving)) == leaving


@given(st.text(max_size=200) | st.text("AQabz019-_", max_size=1_100))
def test_no_other_text_opens_anything(text: str) -> None:
    assert SEAL.opened(text) is None


@given(LEAVINGS, st.data())
def test_no_part_of_a_token_may_be_another(leaving: Leaving, data: st.DataObject) -> None:
    token = SEAL.token(leaving)
    at = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.characters(codec="ascii").filter(lambda one: one != token[at]))
    assert SEAL.opened(token[:at] + other + token[at + 1 :]) is None


HEADS = st.lists(
    st.sampled_from(["multipart/", "form-data", "; boundary=", "x", '"', "*0*=", "''", "%ff", ";", "\xfc", " "]),
    max_size=8,
)
PIECES = [b"--x", b"--", b"\r\n", b"Content-Disposition: ", b"form-data; name=", b'"List-Unsubscribe"', b"*=''%ff", b"\xff", b"=", b"&",
          b"Content-Type: multipart/mixed; boundary=x", b"Content-Transfer-Encoding: base64", b"One-Click"]  # fmt: skip


@given(HEADS.map("".join) | HEADS.map(lambda parts: "multipart/form-data; boundary=x" + "".join(parts)),
       st.lists(st.sampled_from(PIECES), max_size=20).map(b"".join))  # fmt: skip
def test_whatever_is_posted_is_one_click_or_not(content_type: str, body: bytes) -> None:
    assert is_one_click(content_type, body) in (True, False)
