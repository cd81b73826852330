"""The client's half: requests from wishes, errors from answers, waiting."""

from email.message import EmailMessage

import msgspec
import pytest

from fastemailnet.admission.submission import Accepted
from fastemailnet.envelope import Lane
from fastemailnet.errors import FleetError, LimitExceeded, MessageError
from fastemailnet.web import calls

RAW = b"From: a@shop.example\r\nTo: x@mail.example\r\nBcc: y@mail.example\r\n\r\nbody\r\n"
KEPT = RAW.replace(b"Bcc: y@mail.example\r\n", b"")


def test_a_message_alone_names_its_envelope_and_loses_its_bcc():
    call = calls.submission(RAW, None, None, None, None)
    fields = [value for name, value in call.headers if name.startswith(b"x-envelope")]
    assert fields == [b"a@shop.example", b"x@mail.example", b"y@mail.example"]
    assert call.content == KEPT
    assert len(dict(call.headers)[b"idempotency-key"]) == 32


def test_what_is_given_wins():
    call = calls.submission(RAW, "", ["j\u00f6@mail.example"], "bulk", "key")
    assert call.headers[1:] == [
        (b"idempotency-key", b"key"),
        (b"x-envelope-from", b""),
        (b"x-envelope-to", "j\u00f6@mail.example".encode()),
        (b"x-fen-lane", b"bulk"),
    ]
    assert call.content == RAW


def test_an_email_message_is_sent_with_crlf_and_may_have_an_address_in_utf_8():
    message = EmailMessage()
    message["From"] = "a@shop.example"
    message["To"] = "j\u00f6@mail.example"
    message.set_content("hello\n")
    raw = calls.octets(message)
    assert b"To: j\xc3\xb6@mail.example\r\n" in raw
    assert raw.endswith(b"\r\nhello\r\n")


def test_batches_are_within_both_limits_and_a_message_without_envelope_has_its_error(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(calls, "BATCH_MESSAGES", 3)
    monkeypatch.setattr(calls, "BATCH_OCTETS", 1_000)
    large = RAW + b"x" * 1_000
    results: list[calls.Result] = []
    found = list(calls.batches([RAW, RAW, RAW, RAW, large, b"nobody", RAW], None, None, None, results))
    assert [list(batch) for batch in found] == [[0, 1, 2], [3], [4], [6]]
    assert [type(result) for result in results] == [FleetError] * 5 + [MessageError, FleetError]


def test_what_befalls_a_whole_batch_is_the_result_of_each():
    error = LimitExceeded("octets", 2, 1)
    results: list[calls.Result] = [FleetError("not sent")] * 3
    assert calls.settle({1: {}, 2: {}}, error, results) == {}
    assert results[1:] == [error, error]


def test_a_batch_settles_what_is_decided_and_keeps_what_may_be_tried_again():
    waiting = {5: {"raw": "a"}, 6: {"raw": "b"}, 7: {"raw": "c"}}
    good = {"id": "ID", "units": 1, "recipients": 1, "lane": "bulk", "replayed": False}
    slow = {"error": {"type": "LimitExceeded", "what": "", "arguments": ["octets", 2, 1]}}
    bad = {"error": {"type": "MessageError", "what": "", "arguments": ["w", "x", ""]}}
    results: list[calls.Result] = [FleetError("not sent")] * 8
    again = calls.settle(waiting, msgspec.json.encode({"messages": [good, slow, bad]}), results)
    assert again == {6: {"raw": "b"}}
    assert results[5] == Accepted("ID", 1, 1, Lane.BULK)
    assert isinstance(results[6], LimitExceeded)
    assert isinstance(results[7], MessageError)


@pytest.mark.parametrize("body", [b"<html>", b"{}", b"[]", b'{"error": {"type": "Invented", "what": "new"}}'])
def test_an_answer_of_somebody_else_is_a_fleet_error(body: bytes):
    with pytest.raises(FleetError):
        calls.check(502, body)


def timeline(*states: str) -> dict[str, object]:
    return {"deliveries": [{"state": state} for state in states]}


def test_waiting_ends_when_every_delivery_has_an_outcome():
    watch = calls.Watch(["a", "b"], 10.0, 100.0)
    watch.see("a", timeline("relayed", "open"))
    watch.see("b", timeline("bounced"))
    assert watch.waiting() == ["a"]
    assert 0 < watch.pause_s(100.1) <= calls.SLOWEST_POLL_S
    watch.see("a", timeline("relayed", "in_doubt"))
    assert watch.waiting() == []
    assert watch.pause_s(200.0) == 0.0
    assert watch.timelines() == [timeline("relayed", "in_doubt"), timeline("bounced")]


def test_waiting_has_an_end():
    watch = calls.Watch(["a", "b"], 10.0, 100.0)
    watch.see("b", timeline("relayed"))
    with pytest.raises(FleetError, match=r"1 of 2 messages have no outcome after .* the first is a"):
        watch.pause_s(110.0)
