"""Which lane a message travels in where its sender names none."""

import pytest

from fastemailnet.admission.lane import Wishes, lane_of, offers_to_leave, wishes
from fastemailnet.envelope import Lane

NOTHING = Wishes("", "", False)


@pytest.mark.parametrize(
    "text",
    [
        b'<a href="https://shop.example/u/UNSUBSCRIBE?id=4">here</a>',
        b"Newsletter abbestellen: https://news.example/abbestellen/9f",
        b"https://x.us1.list-manage.com/profile?u=1",
        b"http://example.org/email/opt-out",
    ],
)
def test_a_link_to_leave_makes_a_mail_bulk(text: bytes) -> None:
    message = b"Subject: x\r\n\r\n" + b"hello\r\n" * 50 + text
    assert lane_of(None, NOTHING, message) is Lane.BULK
    assert lane_of(Lane.TRANSACTIONAL, NOTHING, message) is Lane.TRANSACTIONAL
    assert lane_of(None, wishes(b"X-FEN-Lane: standard\r\n"), message) is Lane.STANDARD


@pytest.mark.parametrize(
    "text",
    [
        b"please unsubscribe me",
        b"https://shop.example/orders/4 and then unsubscribe",
        b'<a href="https://shop.example/">unsubscribe</a>',
        b"Your code is 123456",
        b"",
    ],
)
def test_the_word_alone_does_not_and_nothing_in_a_text_gets_ahead(text: bytes) -> None:
    assert lane_of(None, NOTHING, b"Subject: Reset your password\r\n\r\n" + text) is Lane.STANDARD


def test_many_words_and_links_are_looked_at_in_bounded_work() -> None:
    assert not offers_to_leave(b"unsub " * 100_000 + b"http://" * 20_000)
