"""References to bodies, and when their day is past."""

from datetime import UTC, datetime
from hashlib import sha256

import msgspec
import pytest

from fastemailnet import ids
from fastemailnet.blobs.interface import MARGIN, is_past, refer, verified
from fastemailnet.envelope import Blob, Lane, Recipient, Unit, decode_unit, encode_unit
from fastemailnet.errors import BlobAltered

AT_MS = 1_700_000_000_123  # 2023-11-14 22:13:20
DAY_MS = 86_400_000
MESSAGE = ids.message_id(AT_MS, b"0123456789")
UNIT = Unit(MESSAGE, Lane.BULK, "", AT_MS, AT_MS + 9, "", (Recipient("a@x.example", 0),), "x.example", False, b"large")


def ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000)


def test_a_reference_names_the_message_under_its_last_day_and_says_which_octets() -> None:
    assert refer(UNIT) == Blob(f"2023-11-19/{ids.to_text(MESSAGE)}", 5, sha256(b"large").digest())
    later = msgspec.structs.replace(UNIT, expires_ms=AT_MS + 30 * DAY_MS)  # as settings allow
    assert refer(later).key.startswith("2023-12-14/")
    assert refer(UNIT, AT_MS + 10 * DAY_MS).key.startswith("2023-11-29/")


def test_a_unit_with_a_reference_is_small_and_says_the_same_of_its_body() -> None:
    outside = msgspec.structs.replace(UNIT, body=b"", blob=refer(UNIT))
    assert decode_unit(encode_unit(outside)) == outside
    assert outside.body_sha256 == UNIT.body_sha256 == sha256(b"large").digest()


def test_only_the_octets_that_were_meant_pass() -> None:
    assert verified(refer(UNIT), b"large") == b"large"
    with pytest.raises(BlobAltered, match="4 octets instead of 5"):
        verified(refer(UNIT), b"larg")
    with pytest.raises(BlobAltered, match="SHA-256"):
        verified(refer(UNIT), b"Large")


def test_a_day_is_past_when_its_last_mail_has_expired_and_the_margin_is_over() -> None:
    ended = datetime(2023, 11, 15, tzinfo=UTC)
    assert not is_past("2023-11-14", ms(ended + MARGIN))
    assert is_past("2023-11-14", ms(ended + MARGIN) + 1)


@pytest.mark.parametrize("name", ["", "lost+found", "2023-11", "2023-13-01", ".2023-11-14"])
def test_what_is_no_day_is_left_alone(name: str) -> None:
    assert not is_past(name, ms(datetime(2999, 1, 1, tzinfo=UTC)))
