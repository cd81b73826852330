"""TLS as the standard library has it: contexts for each level of protection, and what a handshake showed."""

import functools
import hashlib
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastemailnet.delivery.demand import Level, Result, Trouble
from fastemailnet.smtp.reply import readable

# X509_V_ERR_… of OpenSSL's x509_vfy.h: not yet valid, expired; host and address mismatch; no issuer that is trusted.
RESULTS = dict.fromkeys((9, 10), Result.EXPIRED) | dict.fromkeys((62, 64), Result.HOST_MISMATCH)
RESULTS |= dict.fromkeys((2, 18, 19, 20, 21, 22, 24, 27), Result.NOT_TRUSTED)


@dataclass(frozen=True)
class Trust:
    """Whose certificates are believed: the system's authorities, or those of a file."""

    ca_file: Path | None = None

    def context(self, level: Level) -> ssl.SSLContext:
        """A client's context: it verifies only where the level asks the public authorities."""
        return _context(self.ca_file, level is Level.VERIFY)

    def https(self) -> ssl.SSLContext:
        """A client's context for HTTPS: apart from that for mail, since whoever uses it announces HTTP in it (ALPN)."""
        return _context(self.ca_file, True, "https")


@functools.cache
def _context(ca_file: Path | None, is_verifying: bool, protocol: str = "smtp") -> ssl.SSLContext:
    """Made once: to load the certificate authorities takes longer than a handshake."""
    context = ssl.create_default_context(cafile=ca_file)
    if not is_verifying:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def facts(ssl_object: ssl.SSLObject | None) -> tuple[str | None, str]:
    """Version and cipher, and the SHA-256 of the peer's certificate in hexadecimal; None and "" without TLS."""
    cipher = ssl_object.cipher() if ssl_object is not None else None
    if ssl_object is None or cipher is None:
        return None, ""
    certificate = ssl_object.getpeercert(binary_form=True)
    return f"{ssl_object.version()} {cipher[0]}", hashlib.sha256(certificate).hexdigest() if certificate else ""


def chain(ssl_object: Any) -> list[bytes]:
    """The certificates that the peer sent, DER, its own first; not verified. Public from Python 3.13 on."""
    if hasattr(ssl_object, "get_unverified_chain"):
        return list(ssl_object.get_unverified_chain())
    return [one.public_bytes(2) for one in ssl_object._sslobj.get_unverified_chain() or []]  # 2: ENCODING_DER


def trouble(error: BaseException) -> Trouble:
    """What a failed handshake is called (RFC 8460 section 4.3)."""
    cause = _refused(error)
    if cause is None:
        return Trouble(Result.FAILURE, readable(str(error)) or type(error).__name__)
    result = RESULTS.get(cause.verify_code, Result.FAILURE)
    return Trouble(result, f"certificate refused: {cause.verify_message}")


def is_certificate_refused(error: BaseException) -> bool:
    """Whether it was our refusal of the peer's certificate."""
    return _refused(error) is not None


def _refused(error: BaseException) -> ssl.SSLCertVerificationError | None:
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, ssl.SSLCertVerificationError):
        cause = cause.__cause__ or cause.__context__
    return cause
