"""The fields of a tagged mail, and those of the same family that its writer had put there."""

import pytest

from fastemailnet.message.tag import tagged
from fastemailnet.message.validate import check

BODY = b"\r\nX-Spam-Flag: NO\r\n said the text\r\n"
FIELDS = b"X-Spam-Flag: YES\r\nX-Spam-Status: Yes, score=0.934 required=0.800 tests=PHISH\r\nX-Spam-Score: 0.934\r\n"


def test_the_fields_stand_before_the_message_s_own() -> None:
    raw = b"From: a@b.example\r\nSubject: x\r\n" + BODY
    assert tagged(raw, 0.1, 0.834, 0.8) == FIELDS + raw
    assert b"tests=SPAM\r\n" in tagged(raw, 0.9, 0.05, 0.8)


@pytest.mark.parametrize(
    "forged",
    [
        b"X-Spam-Flag: NO\r\n",
        b"x-SPAM-status: No, score=-9\r\n required=5\r\n\ttests=NONE\r\n",
        b"X-Spam-Score : -9\r\n",
        b"X-Spam: no\r\n",
        b"X-Spamd-Result: default: False [-9 / 15]\r\n",
        b"X-Spam-Level:\r\n",
        b"X-Spam-Flag: NO\r\nX-Spam-Flag: NO\r\n",
    ],
)
@pytest.mark.parametrize("ends_with_it", [False, True])
def test_what_the_writer_says_a_filter_thought_is_taken_out(forged: bytes, ends_with_it: bool) -> None:
    own = b"From: a@b.example\r\n"
    raw = (own + forged if ends_with_it else forged + own) + BODY
    assert not check(raw)
    assert tagged(raw, 0.1, 0.834, 0.8) == FIELDS + own + BODY


def test_fields_with_other_names_stay_and_so_does_what_stands_in_a_folded_line() -> None:
    raw = b"From: a@b.example\r\nX-Spa: 1\r\nMy-X-Spam-Flag: 1\r\nSubject: a\r\n X-Spam-Flag: NO\r\n" + BODY
    assert tagged(raw, 0.1, 0.834, 0.8) == FIELDS + raw


def test_a_message_without_a_body_keeps_its_form() -> None:
    assert tagged(b"From: a@b.example\r\nX-Spam: no\r\n", 0.1, 0.834, 0.8) == FIELDS + b"From: a@b.example\r\n"
