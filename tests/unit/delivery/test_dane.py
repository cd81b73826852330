"""TLSA records against certificate chains, without DNS or a handshake."""

import datetime
import hashlib

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from fastemailnet.delivery.answer import Answer, Found, Tlsa
from fastemailnet.delivery.dane import check, is_due, judge, usable
from fastemailnet.delivery.demand import Dane, Result
from tests.integration.tls_world import Authority, Issued

AUTHORITY, NOW = Authority(), datetime.datetime.now(datetime.UTC)
GOOD = AUTHORITY.issue("mx.test")


def record(usage: int, selector: int, matching: int, issued: Issued = GOOD, at: int = 0) -> Tlsa:
    """The record that names the certificate at a place of the chain."""
    certificate = (issued.certificate, *issued.chain)[at]
    octets = certificate.public_bytes(Encoding.DER)
    if selector == 1:
        octets = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    digest = {0: octets, 1: hashlib.sha256(octets).digest(), 2: hashlib.sha512(octets).digest()}[matching]
    return Tlsa(usage, selector, matching, digest)


def result(records: list[Tlsa], issued: Issued = GOOD, *names: str) -> Result | None:
    trouble = check(records, issued.der(), names or ("mx.test",), NOW)
    return trouble.result if trouble is not None else None


@pytest.mark.parametrize("selector", [0, 1])
@pytest.mark.parametrize("matching", [0, 1, 2])
@pytest.mark.parametrize(("usage", "at"), [(3, 0), (2, 1)])
def test_every_kind_of_record_names_its_certificate_and_no_other(
    usage: int, at: int, selector: int, matching: int
) -> None:
    assert result([record(usage, selector, matching, at=at)]) is None
    other = Authority().issue("mx.test")
    assert result([record(usage, selector, matching, other, at)]) is Result.FAILURE
    assert result([record(usage, selector, matching, other, at), record(usage, selector, matching, at=at)]) is None


def test_neither_name_nor_dates_of_the_servers_own_certificate_count() -> None:
    old = AUTHORITY.issue("elsewhere.test", days=(-20, -1))
    assert result([record(3, 1, 1, old)], old) is None


def test_below_an_anchor_dates_and_name_count() -> None:
    anchor = record(2, 0, 1, at=1)
    assert result([anchor], AUTHORITY.issue("mx.test", days=(-20, -1))) is Result.EXPIRED
    assert result([anchor], AUTHORITY.issue("elsewhere.test")) is Result.HOST_MISMATCH
    assert result([anchor], AUTHORITY.issue("elsewhere.test"), "mx.test", "elsewhere.test") is None
    assert result([anchor], AUTHORITY.issue("*.test")) is None
    assert result([anchor], AUTHORITY.issue("*.test"), "a.mx.test") is Result.HOST_MISMATCH


def test_who_is_no_authority_or_did_not_sign_is_no_anchor() -> None:
    leaf = AUTHORITY.issue("issuer.test")
    below = Issued(GOOD.certificate, GOOD.key, (leaf.certificate,))
    assert result([record(2, 0, 1, below, at=1)], below) is Result.NOT_TRUSTED
    stranger = Issued(GOOD.certificate, GOOD.key, (Authority().certificate,))
    assert result([record(2, 0, 1, stranger, at=1)], stranger) is Result.FAILURE


def test_a_record_of_an_issuer_does_not_count_as_the_servers_own() -> None:
    assert result([record(3, 0, 1, at=1)]) is Result.FAILURE


@pytest.mark.parametrize("chain", [[], [b"no certificate"], [b""]])
def test_what_is_no_chain_is_none_that_is_named(chain: list[bytes]) -> None:
    trouble = check([record(3, 1, 1)], chain, ["mx.test"], NOW)
    assert trouble is not None
    assert trouble.result is Result.FAILURE


@pytest.mark.parametrize(
    "unusable",
    [
        Tlsa(0, 0, 1, bytes(32)),
        Tlsa(1, 0, 1, bytes(32)),
        Tlsa(4, 0, 1, bytes(32)),
        Tlsa(3, 2, 1, bytes(32)),
        Tlsa(3, 1, 3, bytes(32)),
        Tlsa(3, 1, 1, bytes(31)),
        Tlsa(3, 1, 2, bytes(32)),
        Tlsa(3, 1, 0, b""),
    ],
)
def test_records_that_smtp_cannot_use(unusable: Tlsa) -> None:
    good = record(3, 1, 1)
    assert usable([unusable]) == ()
    assert usable([unusable, good]) == (good,)
    assert judge(Answer(Found.RECORDS, (unusable,), is_secure=True)) == (Dane.UNUSABLE, ())


def test_what_an_answer_means() -> None:
    good = record(3, 1, 1)
    assert judge(Answer(Found.RECORDS, (good,), is_secure=True)) == (Dane.USABLE, (good,))
    assert judge(Answer(Found.RECORDS, (good,), is_secure=False)) == (Dane.NONE, ())
    assert judge(Answer(Found.FAILED)) == (Dane.FAILED, ())
    for found in (Found.NO_DATA, Found.NO_NAME):
        assert judge(Answer(found, is_secure=True)) == (Dane.NONE, ())


def test_records_are_asked_for_only_where_the_way_is_validated() -> None:
    secure: Answer[str] = Answer(Found.RECORDS, ("192.0.2.1",), is_secure=True)
    insecure: Answer[str] = Answer(Found.RECORDS, ("192.0.2.1",))
    none: Answer[str] = Answer(Found.NO_DATA)
    assert is_due(True, (secure, none))
    assert not is_due(False, (secure, none))
    assert not is_due(True, (secure, insecure))
