"""A foreign producer's record becomes one unit, the same for every reader, or a list of what is wrong with it."""

import json
from hashlib import sha256
from pathlib import Path

import pytest

from fastemailnet import ids
from fastemailnet.admission.native import message_of_record, unit_of_native
from fastemailnet.admission.reading import Gap, Malformed, deliveries, read_unit
from fastemailnet.admission.submission import AGE_MS, TRANSACTIONAL_AGE_MS
from fastemailnet.envelope import SEVERAL, Lane, Position, Recipient, Unit, encode_unit
from fastemailnet.native import Native, encode_native

AT_MS = 1_700_000_000_123
PLACE = Position("mail.standard", 3, 17)
PLAIN = b"From: Shop <shop@shop.example>\r\nTo: ann@mail.example\r\nSubject: hello\r\n\r\nbody\r\n"
VECTORS = Path(__file__).parents[2] / "vectors" / "native.json"


def unit(value: bytes = PLAIN, *headers: tuple[str, bytes], at_ms: int = AT_MS, place: Position = PLACE) -> Unit:
    found = unit_of_native(Native(headers, at_ms, value), place)
    assert isinstance(found, Unit), found
    return found


def problem(value: bytes = PLAIN, *headers: tuple[str, bytes], at_ms: int = AT_MS, place: Position = PLACE) -> str:
    found = unit_of_native(Native(headers, at_ms, value), place)
    assert isinstance(found, tuple)
    return "; ".join(map(str, found))


def test_without_headers_the_message_names_its_envelope():
    found = unit()
    assert (found.reverse_path, found.recipients) == ("shop@shop.example", (Recipient("ann@mail.example", 0),))
    assert (found.domain, found.lane, found.tenant) == ("mail.example", Lane.STANDARD, "default")
    assert (found.accepted_ms, found.expires_ms) == (AT_MS, AT_MS + AGE_MS)
    assert (found.attempt, found.source, found.idempotency_key, found.order_key) == (1, None, "", "")
    name = ids.to_text(found.message)
    added = f"X-FEN-Message: {name}\r\nDate: Tue, 14 Nov 2023 22:13:20 +0000\r\nMessage-ID: <{name}@shop.example>\r\n"
    assert found.body == added.encode() + PLAIN


def test_headers_name_the_envelope_and_win_over_the_message():
    found = unit(PLAIN, ("fen-from", b"<bounces@shop.example>"), ("fen-to", b"bob@mail.example"))
    assert (found.reverse_path, [r.address for r in found.recipients]) == ("bounces@shop.example", ["bob@mail.example"])


def test_an_empty_sender_is_the_null_reverse_path_and_the_author_names_the_message_id():
    found = unit(PLAIN, ("fen-from", b""))
    assert found.reverse_path == ""
    assert f"Message-ID: <{ids.to_text(found.message)}@shop.example>".encode() in found.body


def test_recipients_of_several_destinations_stay_together_until_they_are_split():
    to = (("fen-to", b"a@One.example, b@two.example"), ("Fen-To", b"c@one.example"), ("fen-to", b"a@one.example"))
    found = unit(PLAIN, *to)
    assert found.domain == SEVERAL
    assert [(r.address, r.index) for r in found.recipients] == [
        ("a@one.example", 0),
        ("b@two.example", 1),
        ("c@one.example", 2),
    ]


def test_bcc_names_recipients_and_goes():
    found = unit(PLAIN.replace(b"Subject", b"Bcc: eve@mail.example\r\nSubject"))
    assert [r.address for r in found.recipients] == ["ann@mail.example", "eve@mail.example"]
    assert b"eve" not in found.body


def test_a_message_with_the_line_ends_of_a_file_gets_those_of_mail_and_a_mixed_one_is_refused():
    assert unit(PLAIN.replace(b"\r\n", b"\n")) == unit()
    assert "bare LF" in problem(PLAIN + b"smuggled\n")


def test_the_stream_is_the_lane_whatever_the_message_says():
    value = PLAIN.replace(b"Subject", b"X-FEN-Lane: bulk\r\nPrecedence: bulk\r\nSubject")
    found = unit(value, place=Position("mail.transactional", 0, 0))
    assert (found.lane, found.expires_ms) == (Lane.TRANSACTIONAL, AT_MS + TRANSACTIONAL_AGE_MS)


def test_keys_of_the_message_do_not_count():
    value = PLAIN.replace(b"Subject", b"X-FEN-Idempotency-Key: k\r\nX-FEN-Order-Key: o\r\nSubject")
    assert (unit(value).idempotency_key, unit(value).order_key) == ("", "")


def test_the_producer_may_shorten_the_term_but_not_lengthen_it():
    assert unit(PLAIN, ("fen-expires", str(AT_MS + 5_000).encode())).expires_ms == AT_MS + 5_000
    assert unit(PLAIN, ("fen-expires", str(AT_MS * 2).encode())).expires_ms == AT_MS + AGE_MS


def test_tenant_and_headers_of_others():
    assert unit(PLAIN, ("fen-tenant", b"acme"), ("traceparent", b"\xff")).tenant == "acme"


def test_the_id_is_that_of_the_place_and_the_time():
    found = unit()
    assert found.message == message_of_record(AT_MS, PLACE) == ids.of_record(AT_MS, "mail.standard/3@17")
    assert found.message[6:] == sha256(b"fen1/recordmail.standard/3@17").digest()[:10]
    others = [PLACE._replace(offset=18), PLACE._replace(partition=4), PLACE._replace(stream="mail.bulk")]
    assert len({found.message, *(unit(place=place).message for place in others), unit(at_ms=AT_MS + 1).message}) == 5


@pytest.mark.parametrize(
    ("value", "headers", "says"),
    [
        (b"", (), "no From field"),
        (b"not a message", (), "not a header field"),
        (PLAIN.replace(b"To: ann@mail.example\r\n", b""), (), "names no recipient"),
        (PLAIN, (("fen-to", b"no at sign"),), "no list of addresses"),
        (PLAIN, (("fen-to", b"a@-bad-.example"),), "domain is not valid"),
        (PLAIN, (("fen-to", b""),), "no recipient"),
        (PLAIN, (("fen-from", b"a b@shop.example"),), "local part"),
        (PLAIN, (("fen-from", b"a@x.example"), ("fen-from", b"b@x.example")), "2 fen-from headers"),
        (PLAIN, (("fen-lane", b"bulk"),), "unknown header 'fen-lane'"),
        (PLAIN, (("fen-to", b"\xff@x.example"),), "not UTF-8"),
        (PLAIN, (("fen-to", b"a@x.example," * 9_000),), "100000 octets"),
        (PLAIN, (("fen-to", ", ".join(f"r{n}@x.example" for n in range(1_001)).encode()),), "1001 recipients"),
        (PLAIN, (("fen-expires", b"tomorrow"),), "time 'tomorrow'"),
        (PLAIN, (("fen-expires", "\u0665".encode()),), "Unix milliseconds"),
        (PLAIN, (("fen-expires", b"9" * 5_000),), "Unix milliseconds"),
        (PLAIN, (("fen-tenant", b""),), "printable"),
        (PLAIN, (("fen-tenant", b"a\nb"),), "printable"),
        (b"From: " + b'"a".' * 15_000 + b"@x.example\r\nTo: a@x.example\r\n\r\n", (), "998 octets"),
    ],
)  # fmt: skip
def test_what_is_malformed_says_why(value: bytes, headers: tuple[tuple[str, bytes], ...], says: str):
    assert says in problem(value, *headers)


@pytest.mark.parametrize("at_ms", [-1, 0, 1 << 48])
def test_a_record_without_a_usable_time_is_malformed_and_has_an_id_all_the_same(at_ms: int):
    assert f"timestamp {at_ms}" in problem(at_ms=at_ms)
    assert message_of_record(at_ms, PLACE)[:6] == bytes(6)


def test_a_stream_that_is_none_for_mail_has_no_units():
    assert "none for mail" in problem(place=Position("defer.1m", 0, 0))


def test_an_ordered_stream_takes_one_destination_at_a_time():
    place = Position("order.bulk", 1, 0)
    assert unit(PLAIN, ("fen-to", b"a@x.example, b@x.example"), place=place).lane is Lane.BULK
    assert "2 destinations" in problem(PLAIN, ("fen-to", b"a@x.example, b@y.example"), place=place)


def test_every_reader_reads_every_form():
    of_gateway = Unit(bytes(16), Lane.BULK, "", 0, 1, "", (Recipient("a@x.example", 0),), "x.example", False, b"")
    assert read_unit(encode_unit(of_gateway), PLACE) == of_gateway
    assert read_unit(encode_native(Native((), AT_MS, PLAIN)), PLACE) == unit()
    assert read_unit(b"", PLACE) == Gap()
    assert deliveries(Gap()) == 0
    for record in (b"junk", b"\xc1", b"\xc1junk", encode_native(Native((), -1, b""))):
        read = read_unit(record, PLACE)
        assert isinstance(read, Malformed)
        assert read.reasons
        assert (read.record, deliveries(read)) == (record, 1)


def vectors() -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(VECTORS.read_text())
    return found


@pytest.mark.parametrize("vector", vectors(), ids=lambda vector: str(vector["name"]))
def test_what_a_record_means_never_changes(vector: dict[str, object]):
    """A log that was written long ago must be counted as it was then."""
    place = Position(*vector["place"])  # type: ignore[misc, arg-type]
    headers = tuple((name, str(value).encode()) for name, value in vector["headers"])  # type: ignore[attr-defined]
    native = Native(headers, vector["timestamp_ms"], str(vector["value"]).encode())  # type: ignore[arg-type]
    read = read_unit(encode_native(native), place)
    assert ids.to_text(read.message) == vector["message"]
    if isinstance(read, Malformed):
        assert list(read.reasons) == vector["reasons"]
        return
    assert [[one.address, one.index] for one in read.recipients] == vector["recipients"]
    assert (read.reverse_path, read.domain) == (vector["reverse_path"], vector["domain"])
    assert (read.accepted_ms, read.expires_ms, read.tenant) == (
        native.timestamp_ms,
        vector["expires_ms"],
        vector["tenant"],
    )
    assert sha256(read.body).hexdigest() == vector["body_sha256"]
