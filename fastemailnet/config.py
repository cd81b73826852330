"""Settings: defaults, overridden by a TOML file, overridden by the environment (``FASTEMAILNET_SECTION__KEY``).

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

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from fastemailnet.errors import ConfigError

PREFIX = "FASTEMAILNET_"
SECRETS = ("pass", "token", "secret", "credential")  # parts of the names whose values are never shown


def _network(text: str) -> str:
    ipaddress.ip_network(text)
    return text


Port = Annotated[int, Field(ge=0, le=65_535)]
Network = Annotated[str, AfterValidator(_network)]
Tier = Literal["1m", "5m", "20m", "1h", "3h", "8h"]
Reach = Literal["global", "tenant", "lane"]
Verdict = Literal["hold", "retry", "assume-relayed", "bounce"]


class Section(BaseModel):
    """A table of the file."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class FleetSection(Section):
    """The processes and where their data lies."""

    nodes: int = Field(2, ge=1, le=64, description="processing nodes")
    data: Path = Field(Path("data"), description="data directory; relative paths start at the working directory")


class LogSection(Section):
    """The durable log."""

    url: str = Field(
        "embedded:",
        pattern=r"^(embedded:|kafka://.+)$",
        description="log back end: embedded: or kafka://host:port[,host:port...][/topic prefix]",
    )
    unsafe: bool = Field(
        False,
        description="Kafka: take topics with fewer than 3 replicas and 2 in sync, so that the loss of a broker loses mail",
    )
    mail_partitions: int = Field(
        0, ge=0, le=128, description="partitions that mail is spread over; 0: 1 in the embedded log, 4 in Kafka"
    )
    events: Literal["auto", "on", "off"] = Field(
        "auto",
        description="a JSON record for each event of a delivery in the stream events; auto: in Kafka, where others can read it",
    )
    security: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="Kafka: how its brokers are spoken to"
    )
    ca_file: Path | None = Field(
        None, description="Kafka: certificates that its brokers' are checked against; the system's without it"
    )
    certificate_file: Path | None = Field(None, description="Kafka: our certificate, with its chain (mutual TLS)")
    key_file: Path | None = Field(None, description="Kafka: the key of our certificate")
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        "SCRAM-SHA-512", description="Kafka: how we log in, where security is SASL_…"
    )
    username: str = Field("", description="Kafka: user name of the log-in")
    password_file: Path | None = Field(None, description="Kafka: file with the password of the log-in")


class BlobsSection(Section):
    """Bodies that are too large for the log."""

    inline_octets: Literal["auto"] | int = Field(
        "auto",
        description="a body that takes more of the log (once a destination) stands outside; 0: none; auto: 0 if embedded, else 524288",
    )
    url: str = Field(
        "file:",
        pattern=r"^(file:(/.*)?|s3://[^/]+(/.*)?)$",
        description="where: file: (blobs in the data directory), file:/folder that every node mounts, or s3://bucket/prefix",
    )
    endpoint: str = Field("", description="s3: URL of the server; empty: Amazon's")
    region: str = Field("us-east-1", min_length=1, description="s3: region")
    access_key_id: str = Field("", description="s3: key id; empty: credentials as AWS tools find them")
    secret_key_file: Path | None = Field(None, description="s3: file with the secret access key")


class GatewaySection(Section):
    """Submission over HTTP and SMTP."""

    bind: str = Field("127.0.0.1", description="address to listen on")
    http_port: Port = Field(8025, description="HTTP API")
    smtp_port: Port = Field(2525, description="SMTP submission")
    hostname: str = Field("localhost.localdomain", min_length=1, description="our name in banner, EHLO and Message-ID")
    relay_networks: tuple[Network, ...] = Field(
        ("127.0.0.0/8", "::1/128"), description="networks that may relay without AUTH"
    )


class LimitsSection(Section):
    """What is refused, and from where on."""

    message_octets: int = Field(50_000_000, ge=1_000, description="largest message")
    header_octets: int = Field(100_000, ge=1_000, description="largest header block")
    recipients: int = Field(1_000, ge=1, le=1_000, description="most recipients of one message")
    hops: int = Field(50, ge=1, description="most Received fields")
    pending_octets: int = Field(64_000_000, ge=1_000_000, description="octets that may wait for the log in one process")


class RouteSection(Section):
    """Where mail goes."""

    kind: Literal["sandbox", "smarthost", "mx"] = Field(
        "sandbox", description="sandbox (built-in capture inbox), smarthost, or mx (the recipient domain's MX, port 25)"
    )
    host: str = Field("", description="smarthost: its name")
    port: Port = Field(25, description="smarthost: its port; mx: the port of every MX")
    username: str = Field("", description="smarthost: AUTH user; empty for none")
    password_file: Path | None = Field(None, description="smarthost: file with the AUTH password")
    tls: Literal["none", "opportunistic", "required"] = Field("opportunistic", description="STARTTLS with the next hop")


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


class ClassifierSection(Section):
    """The spam model and its gate."""

    enabled: bool = Field(True, description="score mail before it is sent")
    model: Path | None = Field(
        None, description="folder of a sequence-classification model; the shipped one without it"
    )
    hold_threshold: float = Field(
        0.0, ge=0.0, le=1.0, description="hold from this score on; 0: as the model was calibrated"
    )
    reject_threshold: float = Field(
        0.0, ge=0.0, le=1.0, description="reject from this score on; 0: never, hold instead"
    )
    timeout_ms: int = Field(250, ge=10, description="a mail that is not scored by then goes on, flagged")


class DeliverySection(Section):
    """The SMTP client."""

    connections_per_target: int = Field(20, ge=1, le=1_000, description="connections to one next hop, per node")
    connection_idle_s: int = Field(60, ge=1, description="an idle connection is closed after this")
    connection_life_s: int = Field(300, ge=1, description="no connection is used longer")


class RetrySection(Section):
    """When mail that waits is tried again, and when it is given up."""

    max_age_s: int = Field(432_000, ge=60, description="standard and bulk mail is given up this long after acceptance")
    transactional_max_age_s: int = Field(21_600, ge=60, description="the same for transactional mail")
    tiers: tuple[Tier, ...] = Field(
        ("1m", "5m", "20m", "1h", "3h", "8h"), min_length=1, description="delays, each once, then the last one again"
    )
    greylisting_start: Tier = Field("1m", description="first delay after greylisting")
    rate_start: Tier = Field("5m", description="first delay after too many messages or connections")
    block_start: Tier = Field("1h", description="first delay after a block or a refusal by policy that is temporary")
    quota_start: Tier = Field("1h", description="first delay after a full mailbox")


class InDoubtSection(Section):
    """What becomes of a delivery whose reply was lost, by lane."""

    transactional: Verdict = Field("retry", description="hold, retry, assume-relayed or bounce")
    standard: Verdict = Field("retry", description="hold, retry, assume-relayed or bounce")
    bulk: Verdict = Field("assume-relayed", description="hold, retry, assume-relayed or bounce")
    retry_delay_s: int = Field(60, ge=40, description="how long evidence is waited for before the policy decides")


class DsnSection(Section):
    """Reports to senders (RFC 3461, RFC 3464)."""

    delay_after_s: int = Field(14_400, ge=60, description="a delay is reported after this, to senders that ask for it")
    returned_octets: int = Field(
        50_000, ge=0, le=500_000, description="RET=FULL returns a message of at most this; else its header"
    )


class BounceSection(Section):
    """Where reports and complaints about our mail come in."""

    domain: str = Field(
        "", description="our reverse-paths are b-…@ this domain, whose MX is gateway.smtp_port; empty: the senders' own"
    )


class SuppressionSection(Section):
    """Whom no mail is sent to any more. Complaints count for good; see `fastemailnet suppression`."""

    hard_bounce_days: int = Field(
        30, ge=0, description="how long a mailbox that does not exist is not tried; 0: always tried"
    )
    hard_bounce_reach: Reach = Field(
        "global", description="for which mail that counts: global, tenant, or the tenant's lane"
    )
    complaint_reach: Reach = Field(
        "tenant", description="for which mail a complaint counts: global, tenant, or the tenant's lane"
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
    sandbox: SandboxSection = SandboxSection()
    dkim: DkimSection = DkimSection()
    classifier: ClassifierSection = ClassifierSection()
    delivery: DeliverySection = DeliverySection()
    retry: RetrySection = RetrySection()
    in_doubt: InDoubtSection = InDoubtSection()
    dsn: DsnSection = DsnSection()
    bounce: BounceSection = BounceSection()
    suppression: SuppressionSection = SuppressionSection()
    ledger: LedgerSection = LedgerSection()


def load(path: Path | None, environ: Mapping[str, str]) -> Settings:
    """Settings from a file, if one is given, and the environment.

    Raises:
        ConfigError: a key is unknown, a value is wrong, or the file cannot be read.
    """
    values = _read(path) if path else {}
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
        raise _first(error) from error
    _refuse_incomplete(settings)
    return _absolute(settings)


def keys() -> list[str]:
    """Every key as ``section.name``."""
    return [f"{name}.{key}" for name, section in _sections() for key in section.model_fields]


def _sections() -> Iterator[tuple[str, type[Section]]]:
    for name, field in Settings.model_fields.items():
        assert isinstance(field.annotation, type)
        yield name, field.annotation


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text())
    except OSError as error:
        raise ConfigError("--config", str(path), f"cannot be read: {error.strerror}") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError("--config", str(path), f"is not TOML: {error}") from error


def _from_environment(environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name, text in sorted(environ.items()):
        if name.startswith(PREFIX) and name != "FASTEMAILNET_VERBOSE":
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


def _first(error: ValidationError) -> ConfigError:
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"][:2])
    given = "(not shown)" if any(word in key for word in SECRETS) else repr(first["input"])
    return ConfigError(key, given, first["msg"][:1].lower() + first["msg"][1:])


def _refuse_incomplete(settings: Settings) -> None:
    if settings.route.kind == "smarthost" and not settings.route.host:
        raise ConfigError("route.host", "''", "must name the smarthost when route.kind is smarthost")
    blobs = settings.blobs
    if blobs.inline_octets != "auto" and blobs.inline_octets < 0:
        raise ConfigError("blobs.inline_octets", str(blobs.inline_octets), "must be auto, 0 or a number of octets")
    if blobs.access_key_id and blobs.secret_key_file is None:
        raise ConfigError("blobs.secret_key_file", "none", "must be set when blobs.access_key_id is")
    if settings.route.username and settings.route.password_file is None:
        raise ConfigError("route.password_file", "none", "must be set when route.username is")
    if settings.log.security.startswith("SASL") and (not settings.log.username or settings.log.password_file is None):
        raise ConfigError(
            "log.password_file", "none", f"and log.username must be set when log.security is {settings.log.security}"
        )
    gate = settings.classifier
    if 0 < gate.reject_threshold < gate.hold_threshold:
        limit = f"must be 0 or at least classifier.hold_threshold ({gate.hold_threshold})"
        raise ConfigError("classifier.reject_threshold", str(gate.reject_threshold), limit)
    if settings.dkim.domain and settings.dkim.key_file is None:
        raise ConfigError("dkim.key_file", "none", "must be set when dkim.domain is; `fastemailnet dkim new` makes one")


def _absolute(settings: Settings) -> Settings:
    """Every path in full, since the processes of the fleet run elsewhere."""
    changed: dict[str, Section] = {}
    for name, section in ((name, getattr(settings, name)) for name in Settings.model_fields):
        paths = {key: value for key, value in section if isinstance(value, Path)}
        if paths:
            changed[name] = section.model_copy(update={key: path.absolute() for key, path in paths.items()})
    return settings.model_copy(update=changed)


def render_defaults() -> str:
    """The documented configuration file: every key with its meaning and its default."""
    title = "# FastEmailNet: every setting with its default. The environment overrides: FASTEMAILNET_ROUTE__KIND=mx"
    lines = [title, ""]
    for name, section in _sections():
        lines += [f"# {(section.__doc__ or '').strip()}", f"[{name}]"]
        for key, field in section.model_fields.items():
            value = field.default
            lines.append(f"# {field.description}")
            if value is None:
                lines.append(f"# {key} =")
            else:
                plain = list(value) if isinstance(value, tuple) else str(value) if isinstance(value, Path) else value
                lines.append(f"{key} = {json.dumps(plain)}")
        lines.append("")
    return "\n".join(lines)
