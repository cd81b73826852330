"""One-click unsubscription: which mail gets the fields, and that a token says what it was made of and nothing else opens."""

import base64
import re
import string

import msgspec
import pytest

from fastemailnet.admission.admit import admit
from fastemailnet.admission.reading import read_unit
from fastemailnet.admission.submission import Limits, Submission
from fastemailnet.delivery.unsubscription import KEY_OCTETS, Leaving, OneClick, Seal
from fastemailnet.envelope import Lane, Position, Unit
from fastemailnet.native import Native, encode_native

AT_MS = 1_700_000_000_123
PLAIN = b"From: shop@shop.example\r\nTo: Ann@mail.example\r\nSubject: hello\r\n\r\nList-Unsubscribe: said the body\r\n"
SEAL = Seal(bytes(range(KEY_OCTETS)))
ONE_CLICK = OneClick(SEAL, "https://mail.shop.example/out/")
LEAVING = Leaving(bytes(16), "shop", Lane.BULK, "ann@mail.example")
FIELDS = re.compile(
    rb"List-Unsubscribe: <https://mail\.shop\.example/out/v1/unsubscribe/([A-Za-z0-9_-]+)>\r\n"
    rb"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
)


def unit(
    message: bytes = PLAIN,
    *recipients: str,
    sender: str = "news@shop.example",
    lane: Lane = Lane.BULK,
    tenant: str = "shop",
) -> Unit:
    """As it is accepted."""
    submission = Submission(message, sender, recipients or ("Ann@mail.example",), lane, tenant=tenant)
    return admit(submission, at_ms=AT_MS, random80=b"0123456789", limits=Limits()).units[0]


def test_bulk_mail_to_one_person_gets_both_fields_and_the_token_says_who_leaves_what() -> None:
    mail = unit()
    found = FIELDS.fullmatch(ONE_CLICK.fields(mail))
    assert found
    assert SEAL.opened(found[1].decode()) == Leaving(mail.message, "shop", Lane.BULK, "ann@mail.example")


def test_every_attempt_carries_the_same_octets() -> None:
    first = unit()
    later = msgspec.structs.replace(
        first, attempt=7, source=Position("mail.bulk", 0, 1), put_off=2, released="a customer"
    )
    again = OneClick(Seal(bytes(range(KEY_OCTETS))), "https://mail.shop.example/out")
    assert again.fields(later) == ONE_CLICK.fields(first) != ONE_CLICK.fields(unit(PLAIN, "eva@mail.example"))


def test_what_another_program_put_on_the_stream_gets_them_too() -> None:
    found = read_unit(encode_native(Native((), AT_MS, PLAIN)), Position("mail.bulk", 0, 5))
    assert isinstance(found, Unit)
    assert FIELDS.fullmatch(ONE_CLICK.fields(found))


@pytest.mark.parametrize("lane", [Lane.TRANSACTIONAL, Lane.STANDARD])
def test_other_lanes_are_untouched(lane: Lane) -> None:
    assert ONE_CLICK.fields(unit(lane=lane)) == b""


@pytest.mark.parametrize("second", ["eva@mail.example", "eva@other.example"])
def test_a_message_to_several_is_untouched_however_few_are_left_of_a_unit(second: str) -> None:
    mail = unit(PLAIN, "ann@mail.example", second)
    left = msgspec.structs.replace(mail, recipients=mail.recipients[:1], attempt=2)
    assert ONE_CLICK.fields(mail) == ONE_CLICK.fields(left) == b""


def test_one_person_named_twice_is_one() -> None:
    assert ONE_CLICK.fields(unit(PLAIN, "ann@mail.example", "ann@MAIL.example"))


@pytest.mark.parametrize(
    "own",
    [
        b"List-Unsubscribe: <mailto:leave@shop.example>",
        b"LIST-unsubscribe :\r\n <https://shop.example/leave>",
        b"List-Unsubscribe-Post: List-Unsubscribe=One-Click",
    ],
)
def test_a_field_of_the_sender_s_own_is_left_alone(own: bytes) -> None:
    assert ONE_CLICK.fields(unit(PLAIN.replace(b"To:", own + b"\r\nTo:"))) == b""
    assert ONE_CLICK.fields(unit(own + b"\r\n" + PLAIN)) == b""


def test_a_report_is_no_mail_of_a_list() -> None:
    assert ONE_CLICK.fields(unit(sender="")) == b""


def test_a_line_that_would_be_too_long_is_not_made() -> None:
    assert ONE_CLICK.fields(unit(tenant="t" * 255, message=PLAIN))
    assert ONE_CLICK.fields(unit(tenant="\U0001f4e8" * 255)) == b""


def test_a_token_shows_nobody_whom_it_is_about() -> None:
    token = SEAL.token(LEAVING)
    octets = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    assert octets[0] == 1
    assert not any(word in octets for word in (b"ann", b"mail", b"shop", b"bulk"))


def test_a_forged_token_opens_nothing() -> None:
    token = SEAL.token(LEAVING)
    changed = {
        token[:at] + other + token[at + 1 :] for at in range(len(token)) for other in "Ab9_" if token[at] != other
    }
    others = {"", "A", "AQ", token[:-1], token + "A", token + "=", f" {token}", token * 20, "ü" * 40, "A" * 40}
    assert [one for one in changed | others if SEAL.opened(one) is not None] == []
    assert Seal(bytes(KEY_OCTETS)).opened(token) is None
    assert SEAL.opened(token) == LEAVING


@pytest.mark.parametrize("name", ["a", "an", "ann"])
def test_the_bits_of_the_last_character_that_are_not_read_are_none(name: str) -> None:
    token = SEAL.token(msgspec.structs.replace(LEAVING, address=f"{name}@mail.example"))
    letters = string.ascii_letters + string.digits + "-_"
    assert [last for last in letters if SEAL.opened(token[:-1] + last)] == [token[-1]]
