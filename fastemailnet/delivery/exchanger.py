"""Which hosts take a domain's mail, in which order, at which addresses (RFC 5321 section 5, RFC 7505).

``rank`` reads the MX answer, the caller looks up the addresses of what it returns, ``hops`` makes of both what is connected to.

    MX answer        what follows
    records          by preference; those of equal preference share the load, in an order that ``draw`` decides
    a single "."     null MX: bounced
    no data          the domain is its own mail host
    no such name     bounced
    no answer now    deferred

Ourselves in the list end it: hosts of that preference and worse would only give the mail back to us (RFC 5321 section 5.1). A host
all of whose addresses are loopback is no host of the domain's; sent there, mail would reach whatever listens on our machine.
"""

import hashlib
import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain, zip_longest

from fastemailnet.delivery.answer import Answer, Found, Mx
from fastemailnet.delivery.demand import UNKNOWN, Promise
from fastemailnet.delivery.route import Target
from fastemailnet.smtp.classify import Fault

MAX_HOSTS = 5  # whose addresses are looked up, and that one attempt tries
MAX_ADDRESSES = 4  # of one host


class Families(StrEnum):
    """Which addresses are used."""

    ALTERNATE = "alternate"  # of both families in turn; which comes first is drawn
    IPV4 = "ipv4"
    IPV6 = "ipv6"


@dataclass(frozen=True, slots=True)
class Rules:
    """What the operator set about hosts."""

    port: int
    own_name: str = ""
    families: Families = Families.ALTERNATE
    allow_loopback: bool = False


@dataclass(frozen=True, slots=True)
class Unroutable:
    """No host takes mail for the domain."""

    fault: Fault
    text: str

    @property
    def why(self) -> tuple[Fault, str]:
        """What ``classify.by_fault`` is told."""
        return self.fault, self.text


@dataclass(frozen=True, slots=True)
class Hop:
    """One host and where to connect to it, best address first."""

    target: Target
    addresses: tuple[str, ...]
    promise: Promise = UNKNOWN


Addresses = tuple[Answer[str], Answer[str]]  # A and AAAA


def rank(domain: str, mx: Answer[Mx], own_name: str, draw: int) -> list[Mx] | Unroutable:
    """The hosts whose addresses are worth looking up, best first."""
    match mx.found:
        case Found.NO_NAME:
            return Unroutable(Fault.NO_DOMAIN, f"domain {domain} does not exist")
        case Found.FAILED:
            return Unroutable(Fault.LOOK_UP, f"MX of {domain} cannot be looked up now: {mx.failure}")
        case Found.NO_DATA:
            return [Mx(0, mx.name or domain)]
        case Found.RECORDS:
            pass
    if len(mx.records) == 1 and not mx.records[0].host:
        return Unroutable(Fault.NULL_MX, f"domain {domain} takes no mail: null MX (RFC 7505)")
    named = [record for record in mx.records if record.host]
    ours = min((record.preference for record in named if record.host == own_name.lower()), default=None)
    kept = [record for record in named if ours is None or record.preference < ours]
    if not kept:
        return Unroutable(Fault.LOOP, f"mail for {domain} loops back: its best MX is this host, {own_name}")
    return sorted(kept, key=lambda record: (record.preference, _lot(record.host, draw)))[:MAX_HOSTS]


def hops(
    domain: str, ranked: Sequence[Mx], addresses: Mapping[str, Addresses], rules: Rules, draw: int
) -> list[Hop] | Unroutable:
    """Where to connect, or why nowhere."""
    found: list[Hop] = []
    looped = ""
    for _, host in ranked:
        usable = list(_in_turn(addresses[host], rules.families, _lot(host, draw)[0] % 2))
        if usable and not rules.allow_loopback:
            usable, before = [one for one in usable if not is_ours(one)], usable
            looped = looped if usable else f"{host} at {before[0]}"
        if usable:
            found.append(Hop(Target(host, rules.port), tuple(usable[:MAX_ADDRESSES])))
    return found or _nowhere(domain, ranked, addresses, looped)


def _nowhere(domain: str, ranked: Sequence[Mx], addresses: Mapping[str, Addresses], looped: str) -> Unroutable:
    failed = next((one for _, host in ranked for one in addresses[host] if one.found is Found.FAILED), None)
    if failed is not None:
        return Unroutable(Fault.LOOK_UP, f"addresses of {failed.name} cannot be looked up now: {failed.failure}")
    if looped:
        return Unroutable(Fault.LOOP, f"mail for {domain} loops back: its mail host is {looped}")
    hosts = ", ".join(host for _, host in ranked)
    if hosts == domain:
        return Unroutable(Fault.NO_DOMAIN, f"domain {domain} has neither MX nor a usable address")
    return Unroutable(Fault.NO_ADDRESS, f"no mail host of {domain} has a usable address: {hosts}")


def literal(domain: str, rules: Rules) -> list[Hop] | Unroutable:
    """The hop of an address literal, ``[192.0.2.1]`` or ``[IPv6:2001:db8::1]`` (RFC 5321 section 4.1.3)."""
    text = domain.strip("[]").removeprefix("IPv6:").removeprefix("ipv6:")
    try:
        address = str(ipaddress.ip_address(text))
    except ValueError:
        return Unroutable(Fault.NO_DOMAIN, f"{domain} is no IP address")
    if is_ours(address) and not rules.allow_loopback:
        return Unroutable(Fault.LOOP, f"mail for {domain} loops back: a loopback address")
    return [Hop(Target(domain, rules.port), (address,))]


def is_ours(address: str) -> bool:
    """Whether a connection there ends on this machine, whoever it is."""
    ip = ipaddress.ip_address(address)
    ip = getattr(ip, "ipv4_mapped", None) or ip
    return ip.is_loopback or ip.is_unspecified


def _in_turn(addresses: Addresses, families: Families, first: int) -> Iterable[str]:
    four, six = (answer.records for answer in addresses)
    match families:
        case Families.IPV4:
            return four
        case Families.IPV6:
            return six
        case Families.ALTERNATE:
            pairs = zip_longest(four, six) if first else zip_longest(six, four)
            return (one for one in chain.from_iterable(pairs) if one is not None)


def _lot(host: str, draw: int) -> bytes:
    """A host's place in an order drawn by lot: the same for the same draw."""
    return hashlib.blake2b(host.encode(), digest_size=8, key=draw.to_bytes(8, "big")).digest()
