"""Whose mail it is: tenants by the keys that their programs give, and the domains that they may send as.

A key is ``fen_`` and 256 random bits in base64url. Of it only the SHA-256 is kept. That is enough here and would not be for a
password: slow, salted hashes make up for secrets that can be guessed, and nobody guesses 256 bits. So nothing that is not of a
key's form is a key, whatever somebody writes into the file; and a log-in costs a microsecond, not the 100 ms that would let
strangers keep us busy.

A key is looked up by its hash, of which a stranger cannot choose the octets, and the hashes are compared in a time that does not
depend on them.
"""

import hashlib
import hmac
import re
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from fastemailnet.admission.headers import claimed
from fastemailnet.admission.quota import Quota
from fastemailnet.errors import MessageError, SenderDenied
from fastemailnet.message.address import a_label, parse_recipient

KEY_OCTETS: Final = 32
_KEY: Final = re.compile(r"fen_[A-Za-z0-9_-]{43}")
_KEPT: Final = re.compile(r"sha256:([0-9a-f]{64})")
_PREFIX_OCTETS: Final = 8
NO_QUOTA: Final = Quota()


def new_key(random256: bytes) -> str:
    """A key of 32 octets that nobody can guess."""
    assert len(random256) == KEY_OCTETS
    return "fen_" + urlsafe_b64encode(random256).decode().rstrip("=")


def kept(key: str) -> str:
    """What the file of tenants has of a key."""
    return f"sha256:{digest_of(key).hex()}"


def digest_of(key: str) -> bytes:
    """By which a key is known."""
    return hashlib.sha256(key.encode()).digest()


def read_kept(text: str) -> bytes:
    """The digest that a line of the file has.

    Raises:
        ValueError: it is none.
    """
    found = _KEPT.fullmatch(text)
    if found is None:
        raise ValueError('must be "sha256:" and 64 hexadecimal digits (`fastemailnet tenant key`), not the key itself')
    return bytes.fromhex(found[1])


def read_domain(text: str) -> str:
    """A domain of senders: itself, or as ``*.domain`` all below it; as A-label.

    Raises:
        ValueError: it is neither.
    """
    star, name = ("*.", text[2:]) if text.startswith("*.") else ("", text)
    return star + a_label(name)


@dataclass(frozen=True, slots=True)
class Tenant:
    """One tenant. ``sender_domains``: as ``read_domain`` has them; (): any."""

    name: str
    keys: tuple[bytes, ...] = ()  # digests; several, so that one can take another's place
    sender_domains: tuple[str, ...] = ()
    quota: Quota = NO_QUOTA

    def refuse_sender(self, reverse_path: str) -> None:
        """Raise SenderDenied for a reverse-path of another domain; the null reverse-path is everybody's.

        Raises:
            AddressError: it is no address.
        """
        if self.sender_domains and reverse_path:
            self._refuse(reverse_path, "MAIL FROM")

    def refuse_authors(self, message: bytes) -> None:
        """Raise SenderDenied where the message says in From or Sender that it is of another domain. ``message``: one that was admitted.

        Reply-To says where answers go, and not of whom a message is.

        Raises:
            MessageError: From has no address that can be read, or Sender what is none.
        """
        if not self.sender_domains:
            return
        named = claimed(message)
        if not named.authors:
            raise MessageError("no address", "From")
        for address in named.authors:
            self._refuse(address, "From")
        for address in named.senders:
            self._refuse(address, "Sender")

    def _refuse(self, address: str, where: str) -> None:
        domain = parse_recipient(address).domain
        parents = ("*." + domain[at + 1 :] for at, mark in enumerate(domain) if mark == ".")
        if domain not in self.sender_domains and not any(parent in self.sender_domains for parent in parents):
            raise SenderDenied(address, where, self.name, ", ".join(self.sender_domains))


class Tenants:
    """All tenants of a file. Whoever is not named in it may send as he likes, and has no key."""

    def __init__(self, tenants: Iterable[Tenant] = ()) -> None:
        """Raises ValueError where two tenants have the same key."""
        self._by_name = {tenant.name: tenant for tenant in tenants}
        self._by_prefix: dict[bytes, list[tuple[bytes, Tenant]]] = {}
        for tenant in self._by_name.values():
            for digest in dict.fromkeys(tenant.keys):
                if other := self.of_digest(digest):
                    raise ValueError(f"the same key as tenant {other.name!r}")
                self._by_prefix.setdefault(digest[:_PREFIX_OCTETS], []).append((digest, tenant))

    def __iter__(self) -> Iterator[Tenant]:
        return iter(self._by_name.values())

    def named(self, name: str) -> Tenant | None:
        """The tenant of this name."""
        return self._by_name.get(name)

    def of_key(self, key: str) -> Tenant | None:
        """Whose key it is; None for no key, and for one that is not known (any more)."""
        return self.of_digest(digest_of(key)) if _KEY.fullmatch(key) else None

    def of_digest(self, digest: bytes) -> Tenant | None:
        """Whose key has this digest."""
        found = None
        for known, tenant in self._by_prefix.get(digest[:_PREFIX_OCTETS], ()):
            if hmac.compare_digest(known, digest):
                found = tenant
        return found
