"""From settings to the parts of a node that carry mail away: routes, connections, what is tried again, what senders are told."""

from pathlib import Path

from actors.gateway import admission_limits
from actors.reports import Reporter
from fastemailnet.config import RouteEntry, Settings
from fastemailnet.delivery import retry
from fastemailnet.delivery.demand import Level
from fastemailnet.delivery.exchanger import Families, Rules
from fastemailnet.delivery.pause import Bounds
from fastemailnet.delivery.route import Route, RouteKind, Routes, TlsPolicy
from fastemailnet.delivery.shares import Shares
from fastemailnet.delivery.terms import TermsOf
from fastemailnet.errors import ConfigError
from fastemailnet.net.dns import Dns, Nameservers
from fastemailnet.net.pool import Limits, Pool
from fastemailnet.net.resolve import Resolver
from fastemailnet.net.sts import StsPolicies
from fastemailnet.net.sts_file import PolicyFile
from fastemailnet.net.tls import Trust
from fastemailnet.route_table import read_table


def routes(settings: Settings) -> Routes:
    """The routes that the operator set."""
    table = settings.route.table
    entries = read_table(table) if table is not None else {}
    return Routes(route(settings, settings.route), {name: route(settings, entry) for name, entry in entries.items()})


def route(settings: Settings, given: RouteEntry) -> Route:
    """One route."""
    if given.kind == "sandbox":
        return Route(RouteKind.SANDBOX, settings.sandbox.bind, settings.sandbox.smtp_port, tls=TlsPolicy.NONE)
    password = secret_in("route.password_file", given.password_file) if given.password_file else ""
    ignored = {
        "pipelining": given.ignore_pipelining,
        "chunking": given.ignore_chunking,
        "eight_bit": given.ignore_8bitmime,
    }
    ignores = tuple(name for name, is_ignored in ignored.items() if is_ignored)
    tls = TlsPolicy(given.tls)
    return Route(RouteKind(given.kind), given.host, given.port, given.username, password, tls, ignores)


def secret_in(setting: str, path: Path) -> str:
    """What a file that a setting names holds. Raises ConfigError where it cannot be read."""
    try:
        return path.read_text().strip()
    except OSError as error:
        raise ConfigError(setting, str(path), f"cannot be read: {error.strerror}") from error


def pool(settings: Settings, way: Resolver | None, terms: TermsOf, shares: Shares) -> Pool:
    """A node's connections to everybody. ``way``: see ``mx_way``."""
    limits = settings.delivery
    bounds = Limits(
        limits.connection_idle_s,
        limits.connection_life_s,
        settings.tls.broken_s,
        Bounds(limits.pause_first_s, limits.pause_longest_s),
    )
    return Pool(settings.gateway.hostname, bounds, way, trust(settings), terms, shares)


def mx_way(settings: Settings, name: str) -> Resolver | None:
    """A process's way to every domain, where the DNS decides for any; None where every next hop is fixed."""
    return resolver(settings, name) if routes(settings).have_mx else None


def node_number(name: str) -> int:
    """The number at the end of a node's name."""
    digits = name.rpartition("-")[2]
    return int(digits) if digits.isdecimal() else 0


def trust(settings: Settings) -> Trust:
    """Whose certificates are believed."""
    found = Trust(settings.tls.ca_file)
    try:
        found.context(Level.VERIFY)
    except OSError as error:  # an SSLError is one as well
        raise ConfigError("tls.ca_file", str(settings.tls.ca_file), f"cannot be used: {error}") from error
    return found


def resolver(settings: Settings, name: str) -> Resolver:
    """The way to every domain, as a process looks it up."""
    given = settings.route
    rules = Rules(given.port, settings.gateway.hostname, Families(given.families), given.allow_loopback)
    host, _, port = given.redirect.rpartition(":")
    dns = name_service(settings)
    redirect = (host.strip("[]"), int(port)) if host else None
    is_in_earnest = redirect is None  # the sink of a load test has none of the certificates that domains promise
    sts: StsPolicies | None = None
    if settings.tls.mta_sts and is_in_earnest:
        sts = StsPolicies(dns, trust(settings), file=PolicyFile(settings.fleet.data / "nodes" / f"{name}.sts"))
    dane = settings.tls.dane == "auto" and is_in_earnest
    return Resolver(dns, rules, redirect=redirect, sts=sts, dane=dane)


def name_service(settings: Settings) -> Dns:
    """Whom names are asked of."""
    asked = settings.dns
    times_s = (asked.timeout_ms / 1_000, asked.lifetime_ms / 1_000)
    return Dns(Nameservers(asked.servers, asked.port, *times_s, asked.validating))


def schedule(settings: Settings) -> retry.Schedule:
    """When deferred mail is tried again."""
    given = settings.retry
    return retry.schedule(
        given.tiers,
        greylisting=given.greylisting_start,
        rate=given.rate_start,
        block=given.block_start,
        quota=given.quota_start,
    )


def reporter(settings: Settings) -> Reporter:
    """Who writes the reports to senders."""
    return Reporter(
        admission_limits(settings),
        settings.dsn.delay_after_s * 1_000,
        settings.dsn.returned_octets,
        settings.bounce.domain,
    )
