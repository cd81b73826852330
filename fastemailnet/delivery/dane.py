"""DANE for SMTP (RFC 7672): which TLSA records can be used, and whether a certificate chain is what they name.

    usage 3  DANE-EE  the server's own certificate; neither its names nor its dates count (section 3.1.1)
    usage 2  DANE-TA  an issuer in the chain that the server sends; the chain below must hold, with dates and name (section 3.1.2)
    usage 0, 1        unusable with SMTP (section 3.1.3)

A record with an unknown selector or matching type, or with a digest of the wrong length, is unusable as well. Where all are, the host
is still owed encryption (section 2.2).
"""

import datetime
import hashlib
from collections.abc import Callable, Sequence
from itertools import pairwise

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from fastemailnet.delivery.answer import Answer, Found, Tlsa
from fastemailnet.delivery.demand import Dane, Result, Trouble

TRUST_ANCHOR, END_ENTITY = 2, 3
MAX_CHAIN = 10
DIGESTS: dict[int, tuple[int, Callable[[bytes], bytes]]] = {
    1: (32, lambda octets: hashlib.sha256(octets).digest()),
    2: (64, lambda octets: hashlib.sha512(octets).digest()),
}
OUTSIDE = (
    ValueError,
    TypeError,
    InvalidSignature,
    UnsupportedAlgorithm,
)  # what cryptography says of a certificate that is none


def usable(records: Sequence[Tlsa]) -> tuple[Tlsa, ...]:
    """The records that SMTP can use, in an order of their own so that equal sets are equal."""
    return tuple(sorted(record for record in records if _is_usable(record)))


def is_due(mx_is_secure: bool, addresses: Sequence[Answer[str]]) -> bool:
    """Whether TLSA records are asked for at all: every answer on the way to the host is validated (RFC 7672 section 2.2).

    Name servers that do not know TLSA mostly stand in unsigned zones; they are not asked.
    """
    return mx_is_secure and all(one.is_secure for one in addresses if one.found is Found.RECORDS)


def judge(answer: Answer[Tlsa]) -> tuple[Dane, tuple[Tlsa, ...]]:
    """What an answer about TLSA records means for the host."""
    if answer.found is Found.FAILED:
        return Dane.FAILED, ()
    if answer.found is not Found.RECORDS or not answer.is_secure:
        return Dane.NONE, ()
    records = usable(answer.records)
    return (Dane.USABLE, records) if records else (Dane.UNUSABLE, ())


def _is_usable(record: Tlsa) -> bool:
    if record.usage not in (TRUST_ANCHOR, END_ENTITY) or record.selector not in (0, 1):
        return False
    if record.matching == 0:
        return bool(record.data)
    return record.matching in DIGESTS and len(record.data) == DIGESTS[record.matching][0]


def check(
    records: Sequence[Tlsa], chain: Sequence[bytes], names: Sequence[str], now: datetime.datetime
) -> Trouble | None:
    """None if the chain (DER, the server's own certificate first) is what one of the records names, else why not."""
    if not chain:
        return Trouble(Result.FAILURE, "the server sent no certificate")
    try:
        certificates = [x509.load_der_x509_certificate(octets) for octets in chain[:MAX_CHAIN]]
        if any(_is_named(record, certificates[0]) for record in records if record.usage == END_ENTITY):
            return None
        anchors = [record for record in records if record.usage == TRUST_ANCHOR]
        at = next((at for at, one in enumerate(certificates) if any(_is_named(r, one) for r in anchors)), None)
        if at is None:
            return Trouble(Result.FAILURE, "the certificate is none that the TLSA records name (RFC 7672)")
        return _hold(certificates[: at + 1], names, now)
    except OUTSIDE as error:
        return Trouble(Result.FAILURE, f"the certificate cannot be read: {error}")


def _is_named(record: Tlsa, certificate: x509.Certificate) -> bool:
    if record.selector == 1:
        octets = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    else:
        octets = certificate.public_bytes(Encoding.DER)
    return record.data == (octets if record.matching == 0 else DIGESTS[record.matching][1](octets))


def _hold(chain: Sequence[x509.Certificate], names: Sequence[str], now: datetime.datetime) -> Trouble | None:
    """Whether each certificate up to the anchor is valid now, issued by the next, and the first has one of the names."""
    if any(not one.not_valid_before_utc <= now <= one.not_valid_after_utc for one in chain):
        return Trouble(Result.EXPIRED, "a certificate below the TLSA trust anchor is expired or not yet valid")
    for below, (one, issuer) in enumerate(pairwise(chain)):
        if not _may_issue(issuer, below):
            return Trouble(Result.NOT_TRUSTED, f"{issuer.subject.rfc4514_string()} may not issue certificates")
        one.verify_directly_issued_by(issuer)
    if not any(_has_name(chain[0], name) for name in names):
        return Trouble(Result.HOST_MISMATCH, f"the certificate is for none of {', '.join(names)}")
    return None


def _may_issue(issuer: x509.Certificate, below: int) -> bool:
    """Whether it is an authority with room for ``below`` more of them under it (RFC 5280 section 4.2.1.9)."""
    try:
        basic = issuer.extensions.get_extension_for_class(x509.BasicConstraints).value
    except x509.ExtensionNotFound:
        return False
    return basic.ca and (basic.path_length is None or basic.path_length >= below)


def _has_name(certificate: x509.Certificate, name: str) -> bool:
    """A DNS name of the certificate is this one; a leading ``*`` stands for one label (RFC 9525 section 6.3)."""
    try:
        alternatives = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return False
    given = {one.lower().removesuffix(".") for one in alternatives.get_values_for_type(x509.DNSName)}
    _, _, parent = name.partition(".")
    return name in given or (bool(parent) and f"*.{parent}" in given)
