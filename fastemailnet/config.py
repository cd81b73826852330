"""Settings: defaults, overridden by a TOML file, overridden by the environment (``FASTEMAILNET_SECTION__KEY``).

A path starts at the folder of the file that names it; one of the environment, or a default, at the working directory.

Every limit of the system is named here or beside the pure code that enforces it. An unknown key or a wrong value is a
ConfigError that names the key, the value, what is allowed and the nearest key; a secret's value is never shown.
"""

import difflib
import ipaddress
import json
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationError

from fastemailnet.config_failures import (
    BounceSection,
    DsnSection,
    RetrySection,
    Section,
    SuppressionSection,
    UnsubscribeSection,
)
from fastemailnet.config_gate import ClassifierSection, ScoreActionSection
from fastemailnet.config_log import BlobsSection, LogSection
from fastemailnet.config_paths import absolute, below, refuse_moved
from fastemailnet.config_problems import SECRETS, first_problem
from fastemailnet.config_shaping import ShapingSection
from fastemailnet.errors import ConfigError

PREFIX = "FASTEMAILNET_"
NO_SETTINGS = ("FASTEMAILNET_VERBOSE", "FASTEMAILNET_KEY")  # of the command line and the client


def _network(text: str) -> str:
    ipaddress.ip_network(text)
    return text


Port = Annotated[int, Field(ge=0, le=65_535)]
Network = Annotated[str, AfterValidator(_network)]
Verdict = Literal["hold", "retry", "assume-relayed", "bounce"]


class FleetSection(Section):
    """The processes and where their data lies."""

    nodes: int = Field(2, ge=1, le=64, description="processing nodes")
    data: Path = Field(Path("data"), description="data directory; in the working directory, where no file names it")


class GatewaySection(Section):
    """Submission over HTTP and SMTP."""

    bind: str = Field("127.0.0.1", description="address to listen on")
    http_port: Port = Field(8025, description="HTTP API")
    smtp_port: Port = Field(2525, description="SMTP submission")
    hostname: str = Field("localhost.localdomain", min_length=1, description="our name in banner, EHLO and Message-ID")
    certificate_file: Path | None = Field(
        None, description="SMTP: our certificate, with its chain, for STARTTLS; without it none is offered"
    )
    key_file: Path | None = Field(None, description="SMTP: the key of our certificate; without it, in the same file")
    tenants: Path | None = Field(
        None,
        description="TOML file with a table a tenant: keys, sender_domains, rate, daily; it is followed, see docs/tenants.md",
    )
    relay_networks: tuple[Network, ...] = Field(
        ("127.0.0.0/8", "::1/128"), description="networks that may relay without a key"
    )
    login_failures: int = Field(
        20, ge=0, description="log-ins that one address outside of these may fail in ten minutes; 0: any number"
    )
    client_connections: int = Field(
        50,
        ge=0,
        description="connections that one address may have open over SMTP, and as many over HTTP; 0: any number",
    )
    client_connection_rate: int = Field(
        6_000, ge=0, description="connections that one address may open in a minute over each of them; 0: any number"
    )
    unlimited_networks: tuple[Network, ...] | None = Field(
        None,
        description="networks with any number of connections; without it relay_networks. Trusted proxies have it over HTTP",
    )
    review_networks: tuple[Network, ...] = Field(
        ("127.0.0.0/8", "::1/128"), description="those of them that may also read and decide held mail"
    )
    trusted_proxies: tuple[Network, ...] = Field(
        (), description="reverse proxies whose X-Forwarded-For says who asks; of any other, nobody is believed to ask"
    )


class LimitsSection(Section):
    """What is refused, and from where on."""

    message_octets: int = Field(50_000_000, ge=1_000, description="largest message")
    header_octets: int = Field(100_000, ge=1_000, description="largest header block")
    recipients: int = Field(1_000, ge=1, le=1_000, description="most recipients of one message")
    hops: int = Field(50, ge=1, description="most Received fields")
    pending_octets: int = Field(
        64_000_000,
        ge=1_000_000,
        description="octets that may wait for the log in one process; as many of messages that are coming in over SMTP, and over HTTP",
    )


class RouteEntry(Section):
    """Where the mail of some domains goes: a table of ``route.table``."""

    kind: Literal["sandbox", "smarthost", "mx"] = Field("smarthost", description="as route.kind")
    host: str = Field("", description="smarthost: its name")
    port: Port = Field(25, description="smarthost: its port; mx: the port of every MX")
    username: str = Field("", description="smarthost: AUTH user; empty for none")
    password_file: Path | None = Field(None, description="smarthost: file with the AUTH password")
    tls: Literal["none", "opportunistic", "encrypt", "required"] = Field(
        "opportunistic",
        description="STARTTLS with the next hop: opportunistic, encrypt (whoever it is) or required (and a valid certificate)",
    )
    ignore_pipelining: bool = Field(False, description="do as if the next hop did not offer PIPELINING")
    ignore_chunking: bool = Field(False, description="do as if it did not offer CHUNKING")
    ignore_8bitmime: bool = Field(False, description="do as if it did not offer 8BITMIME")


class RouteSection(RouteEntry):
    """Where mail goes."""

    kind: Literal["sandbox", "smarthost", "mx"] = Field(
        "sandbox", description="sandbox (built-in capture inbox), smarthost, or mx (the recipient domain's MX, port 25)"
    )
    table: Path | None = Field(
        None,
        description='TOML file of exceptions: ["example.org"] or [".example.org"] with kind, host, port, username …',
    )
    families: Literal["alternate", "ipv4", "ipv6"] = Field("alternate", description="mx: addresses that are used")
    redirect: str = Field(
        "",
        pattern=r"^$|^\S+:\d+$",
        description="mx: host:port to connect to instead of the hosts found, for load tests",
    )
    allow_loopback: bool = Field(False, description="mx: whether a host on loopback is one; for tests")


class DnsSection(Section):
    """Name servers."""

    servers: tuple[str, ...] = Field((), description="addresses of name servers; the system's resolver without them")
    port: Port = Field(53, description="their port")
    timeout_ms: int = Field(5_000, ge=100, description="of one query to one server")
    lifetime_ms: int = Field(20_000, ge=100, description="of a question to all of them")
    validating: bool = Field(
        False,
        description="whether dns.servers validate DNSSEC and the way to them is safe: their AD bit is believed then",
    )


class TlsSection(Section):
    """What domains promise about TLS, and how it is checked."""

    mta_sts: bool = Field(True, description="route mx: fetch and heed MTA-STS policies (RFC 8461)")
    dane: Literal["auto", "off"] = Field(
        "auto", description="route mx: heed TLSA records (RFC 7672) where dns.validating is set, or off"
    )
    ca_file: Path | None = Field(None, description="PEM file of the authorities to believe; the system's without it")
    broken_s: int = Field(
        259_200, ge=0, description="opportunistic: a host whose TLS broke is sent to in plain text for so long"
    )


class SandboxSection(Section):
    """The capture inbox of the sandbox route."""

    bind: str = Field("127.0.0.1", description="address to listen on")
    smtp_port: Port = Field(2526, description="its SMTP port")
    store_bodies: bool = Field(False, description="keep each captured message as a file")
    checkpoint: bool = Field(False, description="offer CHECKPOINT (RFC 1845), so that a lost reply can be asked for")


class DkimSection(Section):
    """The DKIM signature on every mail."""

    domain: str = Field("", description="signing domain; empty: gateway.hostname with a key made at first start")
    selector: str = Field("fen1", min_length=1, description="selector")
    key_file: Path | None = Field(None, description="PEM private key (RSA or Ed25519), see `fastemailnet dkim new`")


class DeliverySection(Section):
    """The SMTP client."""

    connection_idle_s: int = Field(60, ge=1, description="an idle connection is closed after this")
    connection_life_s: int = Field(300, ge=1, description="no connection is used longer")
    pause_first_s: int = Field(30, ge=1, description="a host that cannot be spoken to is left alone for so long")
    pause_longest_s: int = Field(900, ge=1, description="twice as long each time it fails again, up to this")


class InDoubtSection(Section):
    """What becomes of a delivery whose reply was lost, by lane."""

    transactional: Verdict = Field("retry", description="hold, retry, assume-relayed or bounce")
    standard: Verdict = Field("retry", description="hold, retry, assume-relayed or bounce")
    bulk: Verdict = Field("assume-relayed", description="hold, retry, assume-relayed or bounce")
    retry_delay_s: int = Field(
        60,
        ge=40,
        description="how long evidence is waited for before the policy decides; a retry waits longer each time, up to 64 times that",
    )


class LedgerSection(Section):
    """The proof of what was sent."""

    origin: str = Field("", description="the log's name in checkpoints; empty: gateway.hostname + /fastemailnet")


class Settings(Section):
    """Everything that can be set."""

    fleet: FleetSection = FleetSection()
    log: LogSection = LogSection()
    blobs: BlobsSection = BlobsSection()
    gateway: GatewaySection = GatewaySection()
    limits: LimitsSection = LimitsSection()
    route: RouteSection = RouteSection()
    dns: DnsSection = DnsSection()
    tls: TlsSection = TlsSection()
    sandbox: SandboxSection = SandboxSection()
    dkim: DkimSection = DkimSection()
    classifier: ClassifierSection = ClassifierSection()
    score_action: ScoreActionSection = ScoreActionSection()
    delivery: DeliverySection = DeliverySection()
    shaping: ShapingSection = ShapingSection()
    retry: RetrySection = RetrySection()
    in_doubt: InDoubtSection = InDoubtSection()
    dsn: DsnSection = DsnSection()
    bounce: BounceSection = BounceSection()
    suppression: SuppressionSection = SuppressionSection()
    unsubscribe: UnsubscribeSection = UnsubscribeSection()
    ledger: LedgerSection = LedgerSection()


def load(path: Path | None, environ: Mapping[str, str]) -> Settings:
    """Settings from a file, if one is given, and the environment.

    Raises:
        ConfigError: a key is unknown, a value is wrong, or the file cannot be read.
    """
    values = below(read_toml(path), path.absolute().parent, dict(_sections())) if path else {}
    for key, text in _from_environment(environ):
        section, _, name = key.partition(".")
        table = values.setdefault(section, {})
        if not isinstance(table, dict):
            raise ConfigError(section, repr(table), "must be a table")
        table[name] = _value(text)
    _refuse_unknown(values)
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        raise first_problem(error, Settings) from error
    _refuse_incomplete(settings)
    if path is not None:
        refuse_moved(settings.fleet.data, path.absolute().parent)
    whole = {name: absolute(getattr(settings, name)) for name in Settings.model_fields}
    return settings.model_copy(update=whole)


def keys() -> list[str]:
    """Every key as ``section.name``."""
    return [f"{name}.{key}" for name, section in _sections() for key in section.model_fields]


def _sections() -> Iterator[tuple[str, type[Section]]]:
    for name, field in Settings.model_fields.items():
        assert isinstance(field.annotation, type)
        yield name, field.annotation


def read_toml(path: Path, key: str = "--config") -> dict[str, Any]:
    """A file's tables. Raises ConfigError, which names ``key``, where it cannot be read."""
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(key, str(path), f"cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        where = f"octet {error.start} is {error.object[error.start]:#04x}"
        raise ConfigError(key, str(path), f"is not TOML, which is UTF-8: {where}") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(key, str(path), f"is not TOML: {error}") from error


def _from_environment(environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name, text in sorted(environ.items()):
        if name.startswith(PREFIX) and name not in NO_SETTINGS:
            yield name.removeprefix(PREFIX).lower().replace("__", ".", 1), text


def _value(text: str) -> Any:
    """A value of the environment: a JSON list as such, anything else as text for pydantic to read."""
    if text.startswith("["):
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text


def _refuse_unknown(values: Mapping[str, Any]) -> None:
    known = keys()
    for section, table in values.items():
        given = [f"{section}.{name}" for name in table] if isinstance(table, dict) else [section]
        for key in given:
            if key not in known:
                raise ConfigError(key, _shown(key, table), "is not a setting", _nearest(key, known))


def _nearest(key: str, known: list[str]) -> str:
    """The setting that was probably meant: by its name, first in the same section, then in all; "" if none is alike."""
    section, _, name = key.rpartition(".")
    for group in ([one for one in known if one.startswith(f"{section}.")], known):
        names = [one.rpartition(".")[2] for one in group]
        near = difflib.get_close_matches(name, names, 1)
        if near:
            return difflib.get_close_matches(key, [one for one in group if one.endswith(f".{near[0]}")], 1, 0)[0]
    return ""


def _shown(key: str, table: Any) -> str:
    value = table.get(key.partition(".")[2]) if isinstance(table, dict) else table
    return "(not shown)" if any(word in key for word in SECRETS) else repr(value)


def _refuse_incomplete(settings: Settings) -> None:
    refuse_route(settings.route, "route.")
    blobs = settings.blobs
    if blobs.inline_octets != "auto" and blobs.inline_octets < 0:
        raise ConfigError("blobs.inline_octets", str(blobs.inline_octets), "must be auto, 0 or a number of octets")
    if blobs.access_key_id and blobs.secret_key_file is None:
        raise ConfigError("blobs.secret_key_file", "none", "must be set when blobs.access_key_id is")
    if settings.gateway.key_file is not None and settings.gateway.certificate_file is None:
        raise ConfigError("gateway.certificate_file", "none", "must be set when gateway.key_file is")
    if settings.log.security.startswith("SASL") and (not settings.log.username or settings.log.password_file is None):
        raise ConfigError(
            "log.password_file", "none", f"and log.username must be set when log.security is {settings.log.security}"
        )
    if settings.dns.validating and not settings.dns.servers:
        raise ConfigError("dns.servers", "[]", "must name the validating resolver when dns.validating is set")
    gate = settings.classifier
    if 0 < gate.reject_threshold < gate.hold_threshold:
        limit = f"must be 0 or at least classifier.hold_threshold ({gate.hold_threshold})"
        raise ConfigError("classifier.reject_threshold", str(gate.reject_threshold), limit)
    if settings.dkim.domain and settings.dkim.key_file is None:
        raise ConfigError("dkim.key_file", "none", "must be set when dkim.domain is; `fastemailnet dkim new` makes one")


def refuse_route(route: RouteEntry, where: str) -> None:
    """Raise ConfigError where a route lacks what its kind needs."""
    if route.kind == "smarthost" and not route.host:
        raise ConfigError(f"{where}host", "''", f"must name the smarthost when {where}kind is smarthost")
    if route.username and route.password_file is None:
        raise ConfigError(f"{where}password_file", "none", f"must be set when {where}username is")


def render_defaults() -> str:
    """The documented configuration file: every key with its meaning and its default."""
    title = "# FastEmailNet: every setting with its default. The environment overrides: FASTEMAILNET_ROUTE__KIND=mx"
    paths = "# A path starts at the folder of the file that names it; one of the environment at the working directory."
    lines = [title, paths, ""]
    for name, section in _sections():
        lines += [f"# {(section.__doc__ or '').strip()}", f"[{name}]"]
        for key, field in section.model_fields.items():
            value = field.default
            lines.append(f"# {field.description}")
            if value is None:
                lines.append(f"# {key} =")
            elif isinstance(value, Path):  # written here it would start at the folder of this file
                lines.append(f"# {key} = {json.dumps(str(value))}")
            else:
                plain = list(value) if isinstance(value, tuple) else value
                lines.append(f"{key} = {json.dumps(plain)}")
        lines.append("")
    return "\n".join(lines)
