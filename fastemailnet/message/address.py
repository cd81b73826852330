"""Reverse-path and recipients: the syntax that SMTP can carry (RFC 5321 section 4.1.2, RFC 6531), with A-labels."""

import ipaddress
import re
from functools import lru_cache
from typing import NamedTuple

import idna

from fastemailnet.errors import AddressError

MAX_LOCAL_OCTETS = 64
MAX_DOMAIN_OCTETS = 255
MAX_PATH_OCTETS = 254

_ATEXT = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\-\u0080-\U0010ffff]"
_DOT_STRING = re.compile(rf"{_ATEXT}+(?:\.{_ATEXT}+)*")
_QUOTED = re.compile(r'"(?:[^\x00-\x1f\x7f"\\]|\\[ -~])*"')
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_LDH = re.compile(rf"(?:(?:_?{_LABEL})\.)*{_LABEL}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\u0080-\u009f]")


class Address(NamedTuple):
    """One mailbox."""

    local: str
    domain: str  # lower-case A-label, or an address literal in brackets

    def __str__(self) -> str:
        return f"{self.local}@{self.domain}"


def parse_recipient(text: str) -> Address:
    """The mailbox of RCPT TO, without angle brackets.

    Raises:
        AddressError: it is none, with what is wrong and the limit.
    """
    if _CONTROL.search(text):
        raise AddressError("control character in an address", _where(text))
    local, at, domain = text.rpartition("@")
    if not at:
        raise AddressError("address without @", _where(text))
    _check_local(local, text)
    ascii_domain = _domain(domain, text)
    size = len(local.encode("utf-8", "surrogatepass")) + 1 + len(ascii_domain)
    if size > MAX_PATH_OCTETS:
        raise AddressError(f"address of {size} octets", _where(text), f"{MAX_PATH_OCTETS} octets")
    return Address(local, ascii_domain)


def parse_reverse_path(text: str) -> str:
    """The reverse-path of MAIL FROM, without angle brackets, domain as A-label; "" is the null reverse-path.

    Raises:
        AddressError: it is none.
    """
    return str(parse_recipient(text)) if text else ""


def _check_local(local: str, text: str) -> None:
    if not local:
        raise AddressError("address without a local part", _where(text))
    size = len(local.encode("utf-8", "surrogatepass"))
    if size > MAX_LOCAL_OCTETS:
        raise AddressError(f"local part of {size} octets", _where(text), f"{MAX_LOCAL_OCTETS} octets")
    if not _DOT_STRING.fullmatch(local) and not _QUOTED.fullmatch(local):
        raise AddressError("local part is neither dot-separated atoms nor a quoted string", _where(text))
    try:
        local.encode("utf-8")
    except UnicodeEncodeError as error:
        raise AddressError("local part is not valid Unicode", ascii(text)) from error


def _domain(domain: str, text: str) -> str:
    try:
        return a_label(domain)
    except ValueError as error:
        raise AddressError(f"domain is not valid: {error}", _where(text)) from error


@lru_cache(maxsize=10_000)
def a_label(domain: str) -> str:
    """A domain as lower-case A-label, or an address literal as it is.

    Raises:
        ValueError: it is neither; the text says why.
    """
    if domain.startswith("["):
        return _literal(domain)
    if not domain:
        raise ValueError("it is empty")
    if domain.isascii():
        name = domain.lower()
    else:
        try:
            name = idna.encode(domain, uts46=True).decode("ascii").lower()
        except (idna.IDNAError, UnicodeError) as error:
            raise ValueError(str(error)) from error
    if len(name) > MAX_DOMAIN_OCTETS:
        raise ValueError(f"{len(name)} octets, the limit is {MAX_DOMAIN_OCTETS}")
    if not _LDH.fullmatch(name):
        raise ValueError("labels are 1 to 63 letters, digits and inner hyphens")
    if name.rpartition(".")[2].isdigit():
        raise ValueError("the last label is a number; an IP address is written in brackets")
    return name


def _literal(domain: str) -> str:
    if not domain.endswith("]"):
        raise ValueError("address literal without ]")
    inside = domain[1:-1]
    version = 6 if inside[:5].lower() == "ipv6:" else 4
    address = ipaddress.ip_address(inside[5:] if version == 6 else inside)
    if address.version != version:
        raise ValueError("an IPv6 literal begins with IPv6:")
    return f"[{'IPv6:' if version == 6 else ''}{address}]"


def _where(text: str) -> str:
    shown = text if len(text) <= 100 else text[:97] + "..."
    return f"<{_CONTROL.sub('?', shown)}>"
