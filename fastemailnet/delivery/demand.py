"""How a connection to a host must be protected: the operator's route, the domain's promises and the sender's wish become one demand.

    first that applies                 ladder
    route says none                    plain
    sender: REQUIRETLS                 DANE, else a valid certificate, with the host's name secured; nothing below
    sender: TLS-Required: No           as the route says
    DANE, usable TLSA                  DANE
    DANE, unusable TLSA only           encrypted
    DANE, look-up failed               this host is not used
    MTA-STS enforce, host in policy    a valid certificate
    MTA-STS enforce, host not in it    this host is not used
    MTA-STS testing                    a valid certificate ▸ as the route says
    route                              opportunistic: encrypted where offered ▸ plain; encrypt: encrypted; required: a valid certificate

A ladder is climbed down: where one rung's TLS fails, the next is tried over a new connection, and below the last there is nothing.
DANE goes before MTA-STS (RFC 8461 section 2); a host that others promise TLS for is never sent to in plain text.
"""

from dataclasses import dataclass, replace
from enum import Enum, IntEnum, StrEnum

from fastemailnet.delivery.answer import Tlsa
from fastemailnet.delivery.route import Route, TlsPolicy
from fastemailnet.delivery.sts import Mode, Policy
from fastemailnet.envelope import TlsWish
from fastemailnet.smtp.classify import Fault


class Level(IntEnum):
    """Protection of a connection, weakest first. What has been reached serves every demand that begins no higher."""

    NONE = 0
    OFFERED = 1  # encrypted if STARTTLS is offered
    ENCRYPT = 2  # encrypted, whoever it is
    VERIFY = 3  # with a certificate that is valid for the host
    DANE = 4  # with a certificate that TLSA records name


class Dane(Enum):
    """What TLSA records say about a host (RFC 7672 section 2.2)."""

    NONE = "does not apply"
    USABLE = "usable"
    UNUSABLE = "unusable"
    FAILED = "look-up failed"


class Result(StrEnum):
    """What went wrong with TLS, in the words of TLS-RPT (RFC 8460 section 4.3)."""

    NOT_SUPPORTED = "starttls-not-supported"
    HOST_MISMATCH = "certificate-host-mismatch"
    EXPIRED = "certificate-expired"
    NOT_TRUSTED = "certificate-not-trusted"
    FAILURE = "validation-failure"
    TLSA_INVALID = "tlsa-invalid"
    DNSSEC_INVALID = "dnssec-invalid"
    STS_FETCH = "sts-policy-fetch-error"
    STS_INVALID = "sts-policy-invalid"
    STS_WEBPKI = "sts-webpki-invalid"


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing that went wrong: for reports and for people."""

    result: Result
    text: str


@dataclass(frozen=True, slots=True)
class Tried:
    """One connection on which TLS was due, and what went wrong with it, if anything did."""

    host: str
    ip: str
    trouble: Trouble | None = None


@dataclass(frozen=True, slots=True)
class Promise:
    """What is known about the TLS of one host for one domain."""

    policy: Policy | None = None
    is_match: bool = True  # the host is one of the policy's
    dane: Dane = Dane.NONE
    tlsa: tuple[Tlsa, ...] = ()
    base: str = ""  # the name that the TLSA records belong to, where CNAMEs lead away from the host's
    is_secure: bool = False  # the name of the host comes from a validated answer
    trouble: Trouble | None = None  # why a policy that is announced is not known
    unsure: str = ""  # why it cannot be said now that there is no policy


UNKNOWN = Promise()


@dataclass(frozen=True, slots=True)
class Demand:
    """How a connection must be protected, and whose it is. Two domains with equal demands share connections to a host."""

    ladder: tuple[Level, ...]
    policy: str  # where it comes from, for people and for the ledger
    tlsa: tuple[Tlsa, ...] = ()
    names: tuple[str, ...] = ()  # that a certificate under a TLSA trust anchor may have
    server_name: str = ""  # for the handshake, where it is not the host's
    username: str = ""  # who has to be logged in; "" nobody

    def is_served_by(self, made_for: "Demand", reached: Level) -> bool:
        """Whether a connection that was made for another demand, and reached a level, is good enough."""
        is_enough = self.ladder[0] is not Level.DANE and reached >= self.ladder[0]
        return made_for == self or (is_enough and made_for.username == self.username)


@dataclass(frozen=True, slots=True)
class Refusal:
    """The host is not to be used."""

    fault: Fault
    text: str
    trouble: Trouble | None = None


PLAIN = Demand((Level.NONE,), "")
BY_ROUTE = {
    TlsPolicy.NONE: (Level.NONE,),
    TlsPolicy.OPPORTUNISTIC: (Level.OFFERED, Level.NONE),
    TlsPolicy.ENCRYPT: (Level.ENCRYPT,),
    TlsPolicy.REQUIRED: (Level.VERIFY,),
}


def demand(route: Route, domain: str, host: str, promise: Promise, wish: TlsWish) -> Demand | Refusal:
    """The table above, and the account of the route."""
    found = _protection(route, domain, host, promise, wish)
    return replace(found, username=route.username) if isinstance(found, Demand) and route.username else found


def _protection(route: Route, domain: str, host: str, promise: Promise, wish: TlsWish) -> Demand | Refusal:
    by_route = _by_route(route)
    if wish is TlsWish.REQUIRED:
        return _required(route, domain, host, promise)
    if route.tls is TlsPolicy.NONE or wish is TlsWish.OPTIONAL:
        return by_route
    match promise.dane:
        case Dane.USABLE:
            return _dane(domain, host, promise)
        case Dane.UNUSABLE:
            return by_route if by_route.ladder[0] > Level.ENCRYPT else Demand((Level.ENCRYPT,), "dane unusable")
        case Dane.FAILED:
            text = f"TLSA of {host} cannot be looked up now, so it is not sent to (RFC 7672)"
            return Refusal(Fault.LOOK_UP, text, Trouble(Result.DNSSEC_INVALID, text))
        case Dane.NONE:
            pass
    mode = promise.policy.mode if promise.policy is not None else Mode.NONE
    if mode is Mode.ENFORCE and not promise.is_match:
        text = f"{host} is none of the mail hosts in the MTA-STS policy of {domain}"
        return Refusal(Fault.NOT_ALLOWED, text, Trouble(Result.FAILURE, text))
    if mode is Mode.ENFORCE:
        return Demand((Level.VERIFY,), "sts enforce")
    if mode is Mode.TESTING and by_route.ladder[0] < Level.VERIFY:
        return Demand((Level.VERIFY, *by_route.ladder), "sts testing")
    return by_route


def _by_route(route: Route) -> Demand:
    """What the operator asks for; a password is never told to a host over a connection that anybody can read."""
    ladder = BY_ROUTE[route.tls]
    if route.username and route.tls is TlsPolicy.OPPORTUNISTIC:
        ladder = (Level.ENCRYPT,)
    return Demand(ladder, "" if route.tls is TlsPolicy.NONE else f"route {route.tls.value}")


def _dane(domain: str, host: str, promise: Promise) -> Demand:
    is_anchored = any(record.usage == 2 for record in promise.tlsa)
    names = (promise.base or host, domain) if is_anchored else ()
    return Demand((Level.DANE,), "dane", promise.tlsa, names, promise.base)


def _required(route: Route, domain: str, host: str, promise: Promise) -> Demand | Refusal:
    """RFC 8689 section 4.2.1: the way to the host's name must be secured as well as the connection."""
    if promise.dane is Dane.USABLE:
        return _dane(domain, host, promise)
    is_in_policy = promise.policy is not None and promise.policy.mode is not Mode.NONE and promise.is_match
    if is_in_policy or promise.is_secure or route.fixed_target() is not None:
        return Demand((Level.VERIFY,), "requiretls")
    if promise.unsure and promise.policy is None:
        return Refusal(Fault.LOOK_UP, f"REQUIRETLS, and what {domain} promises cannot be had now: {promise.unsure}")
    text = f"REQUIRETLS, and neither DNSSEC nor MTA-STS says that {host} is a mail host of {domain} (RFC 8689)"
    return Refusal(Fault.NO_SAFE_WAY, text)
