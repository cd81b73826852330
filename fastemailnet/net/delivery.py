"""What became of a transaction, and how that follows from what was met on the way. No sockets: the pool meets them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import msgspec

from fastemailnet.delivery.demand import Demand, Refusal, Tried
from fastemailnet.delivery.exchanger import Hop, Unroutable
from fastemailnet.delivery.route import Route
from fastemailnet.delivery.tls_report import Session, sessions
from fastemailnet.delivery.waiting import PutOff
from fastemailnet.envelope import Recipient
from fastemailnet.net.connection import Connection
from fastemailnet.net.dial import ConnectError, outcome_of
from fastemailnet.net.door import Claim, TurnIsFarError
from fastemailnet.outcome import BounceClass, Kind, Outcome
from fastemailnet.smtp.classify import by_fault
from fastemailnet.smtp.session import Transaction

TURN_STATUS = (4, 4, 5)  # RFC 3463: mail system congestion
NO_SINGLE_PEER = "which of several mail exchangers took this message cannot be told, so none is asked (RFC 1845)"


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of a transaction and over which connection. No outcomes: the end was withheld.

    ``put_off``: nothing was tried, for the mail's turn is far off.
    """

    outcomes: Sequence[Outcome]
    host: str = ""
    ip: str = ""
    tls: str | None = None
    policy: str = ""  # where the protection that was demanded comes from
    certificate: str = ""  # SHA-256 of the peer's, hexadecimal
    sessions: Sequence[Session] = ()  # what was seen of TLS on the way, for reports
    passes_dsn: bool = False  # the next hop took the wishes for reports over (RFC 3461)
    put_off: PutOff | None = None
    throttle: str = ""  # whose turn is far off

    def where(self) -> dict[str, str | int]:
        """The connection, for the ledger."""
        facts = {
            "host": self.host,
            "ip": self.ip,
            "tls": self.tls or "",
            "policy": self.policy,
            "certificate": self.certificate,
            "throttle": self.throttle,
        }
        return {name: value for name, value in facts.items() if value}


@dataclass(frozen=True, slots=True)
class Delivered:
    """A delivery, and what setting up its connection showed."""

    delivery: Delivery
    tried: tuple[Tried, ...]


def delivered(hop: Hop, connection: Connection, due: Demand, outcomes: Sequence[Outcome]) -> Delivered:
    """It ran over this connection, and what setting that up showed is told once."""
    tried, connection.tried = connection.tried, ()
    where = (hop.target.host, connection.ip, connection.tls, due.policy, connection.certificate)
    return Delivered(Delivery(outcomes, *where, passes_dsn=connection.offers.dsn), tried)


def throttled(why: TurnIsFarError, claim: Claim, recipients: Sequence[Recipient]) -> Delivery:
    """Nothing was tried: the turn of its throttle is far off."""
    assert claim.throttle is not None, "nothing else throttles"
    return replace(far_off(why, recipients), throttle=claim.throttle.site)


def far_off(why: TurnIsFarError, recipients: Sequence[Recipient]) -> Delivery:
    """Nothing was tried: the turn at its site is far off."""
    outcomes = [
        Outcome(r.index, Kind.DEFERRED, why.text, None, BounceClass.RATE_LIMITED, TURN_STATUS) for r in recipients
    ]
    return Delivery(outcomes, put_off=why.put_off)


def reported(route: Route, domain: str, hop: Hop, asked: Demand | Refusal, tried: Sequence[Tried]) -> Iterable[Session]:
    """What is to be reported to the domain: of its own hosts alone."""
    if route.fixed_target() is not None:
        return ()
    return sessions(domain, hop.promise, asked if isinstance(asked, Demand) else None, tried)


def unroutable(transaction: Transaction, why: Unroutable) -> Delivery:
    """No host was found."""
    return Delivery(_still_open(transaction, [by_fault(r.index, *why.why) for r in transaction.recipients]))


def asks_nobody(transaction: Transaction) -> Delivery:
    """An attempt in doubt waits until one server alone takes the domain's mail, or a person says."""
    return Delivery([Outcome(r.index, Kind.DEFERRED, NO_SINGLE_PEER) for r in transaction.recipients])


def failed(failures: Sequence[tuple[str, ConnectError]], transaction: Transaction, seen: Sequence[Session]) -> Delivery:
    """The outcomes by the last host that may take the mail later, or by the last one where none will."""
    judged = [
        (host, [outcome_of(r.index, failure, transaction.tls) for r in transaction.recipients])
        for host, failure in failures
    ]
    waiting = [one for one in judged if one[1][0].kind is Kind.DEFERRED]
    host, outcomes = (waiting or judged)[-1]
    return Delivery(_still_open(transaction, outcomes), host, sessions=seen)


def _still_open(transaction: Transaction, outcomes: list[Outcome]) -> list[Outcome]:
    """What an earlier end reached is not unsent because its peer cannot be found or spoken to now."""
    if not transaction.reached:
        return outcomes
    return [msgspec.structs.replace(one, kind=Kind.DEFERRED) for one in outcomes]
