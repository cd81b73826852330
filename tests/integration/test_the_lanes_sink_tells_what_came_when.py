"""The receiver of the lanes benchmark: what it writes down, how slow it is, whom it refuses."""

import smtplib
import time
from itertools import count
from pathlib import Path

import pytest

from benchmarks.lanes_sink import LanesSink, lanes_sink

MAIL = b"From: a@example.org\r\n\r\nhello\r\n"


def send(session: smtplib.SMTP, to: str) -> None:
    session.sendmail("a@example.org", [to], MAIL)


def arrived(into: LanesSink, mails: int) -> None:
    while into.read() < mails:
        time.sleep(0.01)


def test_a_line_of_each_mail_and_a_count_of_those_that_came_twice(tmp_path: Path) -> None:
    with lanes_sink(tmp_path / "arrivals.jsonl", 2) as into:
        before_s = time.monotonic()
        for port, to in zip(
            (*into.ports, into.ports[0]), ("one@x.example", "two@x.example", "one@x.example"), strict=True
        ):
            with smtplib.SMTP("127.0.0.1", port) as session:
                send(session, to)
        arrived(into, 2)
        assert into.first.keys() == {"one@x.example", "two@x.example"}
        assert into.duplicates == 1
        assert all(before_s < one.mail_s <= one.end_s < time.monotonic() for one in into.first.values())


def test_a_slow_host_thinks_before_each_reply_and_serves_so_many_connections(tmp_path: Path) -> None:
    with lanes_sink(tmp_path / "arrivals.jsonl", 1, connections=1) as into:
        with smtplib.SMTP("127.0.0.1", into.ports[0]) as first, smtplib.SMTP("127.0.0.1", into.ports[0]) as second:
            send(second, "quick@x.example")  # no limit while it is quick
            into.think(50)
            for number in count():  # it hears of that a moment later
                send(first, to := f"{number}@x.example")
                arrived(into, number + 2)
                if into.first[to].end_s - into.first[to].mail_s >= 0.1:  # of MAIL and of RCPT
                    break
            with pytest.raises(smtplib.SMTPResponseException) as refused:
                send(second, "refused@x.example")
            assert refused.value.smtp_code == 421
        with smtplib.SMTP("127.0.0.1", into.ports[0]) as third:
            send(third, "third@x.example")  # the one that was served is gone
