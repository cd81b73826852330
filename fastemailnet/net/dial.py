"""A connection is set up: TCP to each address in turn, greeting, EHLO, STARTTLS as the demand has it, AUTH; through aiosmtplib.

Where TLS fails and the demand has a lower rung, that is tried over a new connection: what a broken handshake leaves behind is not
spoken to. What went wrong on the way is told with the connection, or with the error, so that it can be reported.
"""

import asyncio
import datetime
from dataclasses import dataclass, replace
from typing import Final, assert_never, cast

import aiosmtplib

from fastemailnet.delivery import dane
from fastemailnet.delivery.demand import Demand, Level, Refusal, Result, Tried, Trouble
from fastemailnet.delivery.exchanger import Hop
from fastemailnet.delivery.pause import Ending, Paused, Probing
from fastemailnet.delivery.route import Route, Target
from fastemailnet.envelope import TlsWish
from fastemailnet.errors import in_words
from fastemailnet.net import tls
from fastemailnet.net.connection import IDLE_S, Connection
from fastemailnet.outcome import Outcome, Reply
from fastemailnet.smtp.classify import SERVICE_CLOSING, Fault, Phase, by_fault, by_reply, by_silence
from fastemailnet.smtp.exchange import Transaction
from fastemailnet.smtp.extension import Capabilities
from fastemailnet.smtp.reply import CODES, ReplyError, ReplyParser, make, readable

CONNECT_TIMEOUT_S: Final = 60.0
GREETING_TIMEOUT_S: Final = 300.0  # RFC 5321 section 4.5.3.2.1; that of each command up to MAIL, too
MAX_TOLD_CHARACTERS: Final = 300  # of a reply in a reason; the reply itself stands beside it
UNKNOWN_COMMAND: Final = frozenset({500, 501, 502, 504})


class ConnectError(Exception):
    """No usable connection; with the reply that refused it or the fault, if it was one. Never leaves this package.

    ``is_one_too_many``: others are open to the host, which takes no more.
    """

    is_one_too_many = False

    def __init__(
        self, text: str, reply: Reply | None = None, fault: Fault | None = None, tried: tuple[Tried, ...] = ()
    ) -> None:
        super().__init__(text, reply)
        self.text, self.reply, self.fault, self.tried = text, reply, fault, tried


class _TlsError(Exception):
    """STARTTLS was not offered, refused, or broke the connection; or the certificate is not what was demanded."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble)
        self.trouble = trouble


@dataclass(frozen=True, slots=True)
class Caller:
    """Who connects, and whom it trusts."""

    hostname: str
    trust: tls.Trust
    idle_s: float = IDLE_S


async def connect(hop: Hop, route: Route, demand: Demand, caller: Caller) -> Connection:
    """A connection that is ready for MAIL; it closes itself when it has had no transaction for a while.

    Raises:
        ConnectError: it cannot be had at any of the host's addresses.
    """
    failure = ConnectError(f"no address of {hop.target.host}")
    tried: list[Tried] = []
    for address in hop.addresses:
        try:
            connection = await _connect_to(address, hop.target, route, demand, caller, tried)
        except ConnectError as error:
            failure = error
        else:
            connection.tried = tuple(tried)
            return connection
    failure.tried = tuple(tried)
    raise failure


async def _connect_to(
    address: str, target: Target, route: Route, demand: Demand, caller: Caller, tried: list[Tried]
) -> Connection:
    """Down the demand's ladder, a new connection for each rung."""
    trouble = Trouble(Result.FAILURE, "nothing is allowed")
    for level in demand.ladder:
        try:
            connection = await _connect(address, target, route, demand, level, caller)
        except _TlsError as error:
            trouble = error.trouble
            tried.append(Tried(target.host, address, trouble))
        else:
            if connection.level > Level.NONE and not any(one.trouble and one.ip == address for one in tried):
                tried.append(Tried(target.host, address))
            return connection
    fault = Fault.NOT_ENCRYPTED if trouble.result is Result.NOT_SUPPORTED else Fault.BAD_CERTIFICATE
    raise ConnectError(f"no TLS with {target.host}: {trouble.text}", fault=fault)


async def _connect(
    address: str, target: Target, route: Route, demand: Demand, level: Level, caller: Caller
) -> Connection:
    smtp = aiosmtplib.SMTP(
        hostname=address,
        port=target.port,
        local_hostname=caller.hostname,
        timeout=GREETING_TIMEOUT_S,
        start_tls=False,
    )
    try:
        await _open(smtp)
        await _greet(smtp)
        is_encrypted = await _encrypt(smtp, target.host, demand, level, caller)
        await _log_in(smtp, target, route)
        reached = max(level, Level.ENCRYPT) if is_encrypted else Level.NONE
        return _take_over(smtp, target, route, demand, reached, caller)
    except aiosmtplib.SMTPResponseException as error:
        smtp.close()
        reply = _heard(error, target)
        raise ConnectError(f"{target.host} refused: {_told(reply)}", reply) from error
    except (aiosmtplib.SMTPException, OSError) as error:
        smtp.close()
        # What the library says of it tells address and port once more.
        cause = error.__cause__ if isinstance(error.__cause__, OSError) else error
        text = readable(in_words(cause) or str(error))
        at = f", {address}" if address != target.host else ""
        raise ConnectError(f"cannot connect to {target.host} port {target.port}{at}: {text}") from error
    except BaseException:
        smtp.close()
        raise


def _heard(error: aiosmtplib.SMTPResponseException, target: Target) -> Reply:
    """The reply that the library was refused with, as our own parser would have it.

    Raises:
        ConnectError: it is none, so whoever listens there is no mail host now.
    """
    reply = make(error.code, error.message.split("\n"))
    if reply.code not in CODES:
        raise ConnectError(f"{target.host} port {target.port} does not speak SMTP: {_told(reply)}") from error
    return reply


def _told(reply: Reply) -> str:
    """A reply within a sentence."""
    return f"{reply.code} {' '.join(reply.text.split())}"[:MAX_TOLD_CHARACTERS]


async def _open(smtp: aiosmtplib.SMTP) -> None:
    """TCP within one time, the greeting within another."""
    opening = asyncio.ensure_future(smtp.connect())
    try:
        await asyncio.wait({opening}, timeout=CONNECT_TIMEOUT_S)
        if smtp.transport is None and not opening.done():
            raise aiosmtplib.SMTPConnectTimeoutError(f"no connection within {CONNECT_TIMEOUT_S:.0f} s")
        await opening
    finally:
        opening.cancel()


async def _greet(smtp: aiosmtplib.SMTP) -> None:
    """EHLO, or HELO where that is refused as unknown (RFC 5321 section 3.2)."""
    try:
        await smtp.ehlo()
    except aiosmtplib.SMTPHeloError as error:
        if error.code not in UNKNOWN_COMMAND:
            raise
        await smtp.helo()


async def _encrypt(smtp: aiosmtplib.SMTP, host: str, demand: Demand, level: Level, caller: Caller) -> bool:
    """STARTTLS, and EHLO again, as the level wants it; whether it was done."""
    if level is Level.NONE:
        return False
    if not smtp.supports_extension("starttls"):
        if level is Level.OFFERED:
            return False
        raise _TlsError(Trouble(Result.NOT_SUPPORTED, "STARTTLS is not offered"))
    try:
        name = demand.server_name or host.strip("[]").removeprefix("IPv6:")
        await smtp.starttls(server_hostname=name, tls_context=caller.trust.context(level))
        if level is Level.DANE:
            _check_dane(smtp, demand)
        await smtp.ehlo()
    except (aiosmtplib.SMTPException, OSError) as error:
        raise _TlsError(tls.trouble(error)) from error
    return True


def _check_dane(smtp: aiosmtplib.SMTP, demand: Demand) -> None:
    assert smtp.transport is not None
    presented = tls.chain(smtp.transport.get_extra_info("ssl_object"))
    trouble = dane.check(demand.tlsa, presented, demand.names, datetime.datetime.now(datetime.UTC))
    if trouble is not None:
        raise _TlsError(trouble)


async def _log_in(smtp: aiosmtplib.SMTP, target: Target, route: Route) -> None:
    """AUTH, where the route has an account. What is wrong with it is the operator's to mend, and nobody else's mail waits for that."""
    if not route.username:
        return
    at = f"{target.host} port {target.port}"
    if not smtp.supported_auth_methods:
        mend = "check the route's host, port and tls, or take its username away"
        raise ConnectError(
            f"{at} offers no AUTH that we know, and the route has a username: {mend}", fault=Fault.NO_AUTH
        )
    try:
        await smtp.login(route.username, route.password)
    except aiosmtplib.SMTPAuthenticationError as error:
        reply = _heard(error, target)
        if reply.code == SERVICE_CLOSING:
            raise
        mend = "; check the route's username and password_file" if reply.code // 100 == 5 else ""
        text = f"{at} does not let {route.username!a} in: {_told(reply)}{mend}"
        raise ConnectError(text, reply, Fault.NOT_LET_IN) from error


def _take_over(
    smtp: aiosmtplib.SMTP, target: Target, route: Route, demand: Demand, level: Level, caller: Caller
) -> Connection:
    transport, response = smtp.transport, smtp.last_ehlo_response
    _refuse_unasked(smtp, target)
    if transport is None or transport.is_closing():
        raise aiosmtplib.SMTPServerDisconnected("connection closed by the peer behind its reply to EHLO")
    offers = Capabilities() if response is None else Capabilities.of(Reply(response.code, None, response.message))
    offers = replace(offers, **dict.fromkeys(route.ignores, False))
    wire = cast(asyncio.Transport, transport)  # uvloop's is none by name
    connection = Connection(target, wire, offers, caller.idle_s, demand, level)
    transport.set_protocol(connection)
    return connection


def _refuse_unasked(smtp: aiosmtplib.SMTP, target: Target) -> None:
    """What came in one piece with the last reply is with the library and nowhere else: 421 mostly, behind which nothing is sent.

    Raises:
        ConnectError: something came.
    """
    left = bytes(smtp.protocol._buffer) if smtp.protocol is not None else b""
    try:
        for reply in ReplyParser().feed(left):
            raise ConnectError(f"{target.host} refused: {_told(reply)}", reply)
    except ReplyError as error:
        raise ConnectError(f"{target.host} port {target.port} does not speak SMTP: {error}") from error
    if left:
        raise ConnectError(f"{target.host} port {target.port} says more than it was asked")


def demand_extension(connection: Connection, transaction: Transaction) -> None:
    """A mail with REQUIRETLS goes to none that would not ask the same of the next (RFC 8689 section 4.2.1).

    Raises:
        ConnectError: the peer does not offer it.
    """
    if transaction.tls is TlsWish.REQUIRED and not connection.offers.requiretls:
        tried, connection.tried = connection.tried, ()
        text = f"{connection.target.host} does not offer REQUIRETLS, which this mail needs"
        raise ConnectError(text, fault=Fault.NO_REQUIRETLS, tried=tried)


def refused(hop: Hop, refusal: Refusal) -> ConnectError:
    """The host is not connected to."""
    tried = (Tried(hop.target.host, "", refusal.trouble),) if refusal.trouble is not None else ()
    return ConnectError(refusal.text, fault=refusal.fault, tried=tried)


def ending_of(failure: ConnectError) -> Ending:
    """What a failure to connect says about the host. Where TLS or AUTH failed on the way, others may do without."""
    if any(one.trouble for one in failure.tried) or failure.fault in (Fault.NO_AUTH, Fault.NOT_LET_IN):
        return Ending.UNMET
    if failure.reply is not None:
        return Ending.SILENT if failure.reply.code == SERVICE_CLOSING else Ending.ANSWERED
    return Ending.SILENT


def turned_away(refusal: Paused | Probing, now_s: float) -> ConnectError:
    """The host is paused, which means for a mail what the failure that led there would."""
    cause = refusal.failure
    match refusal:
        case Paused():
            until = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=refusal.until_s - now_s)
            text = f"paused until {until:%Y-%m-%dT%H:%M:%SZ} after: {cause.text}"
        case Probing():
            text = f"paused until another mail has tried it, after: {cause.text}"
        case _:
            assert_never(refusal)
    return ConnectError(text, fault=cause.fault)


def outcome_of(recipient: int, failure: ConnectError, wish: TlsWish) -> Outcome:
    """What a failure means for a recipient. A host without STARTTLS cannot have REQUIRETLS either (RFC 8689 section 4.2.1)."""
    fault = failure.fault
    if fault is Fault.NOT_ENCRYPTED and wish is TlsWish.REQUIRED:
        fault = Fault.NO_REQUIRETLS
    if fault is not None:
        return by_fault(recipient, fault, failure.text, failure.reply)
    if failure.reply is not None:
        return by_reply(recipient, Phase.CONNECT, failure.reply)
    return by_silence(recipient, Phase.CONNECT, failure.text)
