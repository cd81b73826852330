"""From settings to parts: what each process of the fleet is made of. No Ray here, so that tests build the same parts."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from actors.attempts import Attempts, Stations
from actors.auditor import Auditor
from actors.classifier import Model
from actors.examine import Examiner, Gate, Scorer
from actors.gateway import Gateway, admission_limits, listening_socket
from actors.journal import Journal
from actors.ledger import Project
from actors.node import JoinCall
from actors.poison import Blame
from actors.reader import Call, FleetReader
from actors.reports import Reporter
from actors.suppressions import Suppressions, projector
from fastemailnet.archive.keeper import Keeper
from fastemailnet.config import Settings
from fastemailnet.delivery import retry, suppression
from fastemailnet.delivery.route import Route, RouteKind, TlsPolicy
from fastemailnet.envelope import LANES
from fastemailnet.errors import ConfigError
from fastemailnet.flashsync.coordinator import Policy
from fastemailnet.flashsync.frames import Verdict
from fastemailnet.log.embedded import EmbeddedLog
from fastemailnet.log.group import GroupCommit
from fastemailnet.log.interface import Log
from fastemailnet.message.dkim import DkimKey, Signer, generate
from fastemailnet.net.pool import Limits, Pool
from fastemailnet.net.resolve import Resolver

SEED_FILE = "ledger.key"
NEVER_REJECT = 2.0  # above any probability


def check(settings: Settings) -> None:
    """Refuse now what a process of the fleet could only refuse when it has started.

    Raises:
        ConfigError: a file that the settings name cannot be used.
        FleetError: a port is taken.
    """
    signer(settings)
    route(settings)
    model = settings.classifier.model
    if settings.classifier.enabled and model is not None and not (model / "config.json").is_file():
        raise ConfigError("classifier.model", str(model), "must be the folder of a model; it has no config.json")
    gateway_at, sandbox = settings.gateway, settings.sandbox
    listeners = [(gateway_at.bind, gateway_at.http_port), (gateway_at.bind, gateway_at.smtp_port)]
    if settings.route.kind == "sandbox":
        listeners.append((sandbox.bind, sandbox.smtp_port))
    for bind, port in listeners:
        listening_socket(bind, port).close()


def log(settings: Settings) -> Log:
    """The durable log."""
    return EmbeddedLog(settings.fleet.data / "log")


def group(settings: Settings, over: Log) -> GroupCommit:
    """A process's batching appender."""
    return GroupCommit(over, max_pending_octets=settings.limits.pending_octets)


def policy(settings: Settings) -> Policy:
    """The coordinator's limits and in-doubt policies."""
    names = {stream: getattr(settings.in_doubt, lane.value) for stream, lane in LANES.items()}
    verdicts = {stream: None if name == "hold" else Verdict(name) for stream, name in names.items()}
    return Policy(verdicts=verdicts, doubt_ms=settings.in_doubt.retry_delay_s * 1_000)


def route(settings: Settings) -> Route:
    """The route that the operator set."""
    given = settings.route
    if given.kind == "sandbox":
        return Route(RouteKind.SANDBOX, settings.sandbox.bind, settings.sandbox.smtp_port, tls=TlsPolicy.NONE)
    password = _secret(given.password_file) if given.password_file else ""
    return Route(RouteKind(given.kind), given.host, given.port, given.username, password, TlsPolicy(given.tls))


def _secret(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError as error:
        raise ConfigError("route.password_file", str(path), f"cannot be read: {error.strerror}") from error


def signer(settings: Settings) -> Signer:
    """The DKIM signer, with the operator's key or one made at the first start."""
    path = settings.dkim.key_file or settings.fleet.data / "dkim.pem"
    if settings.dkim.key_file is None and not path.exists():
        _write_new(path, generate())
    try:
        pem = path.read_bytes()
    except OSError as error:
        raise ConfigError("dkim.key_file", str(path), f"cannot be read: {error.strerror}") from error
    return Signer([DkimKey(settings.dkim.domain or settings.gateway.hostname, settings.dkim.selector, pem)])


def _write_new(path: Path, octets: bytes) -> None:
    """Create with mode 0600 and whole, whichever of several processes comes first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(f".{os.getpid()}.part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(octets)
        os.fsync(file.fileno())
    try:
        os.link(part, path)
    except FileExistsError:
        pass
    finally:
        part.unlink()


def gate(settings: Settings, hold: float, reject: float) -> Gate:
    """The thresholds: the operator's where set, else as the model was calibrated; nothing is rejected unless asked for."""
    given = settings.classifier
    return Gate(given.hold_threshold or hold, given.reject_threshold or NEVER_REJECT, given.timeout_ms / 1_000)


def node_parts(settings: Settings, name: str, join: JoinCall, scorer: Scorer) -> dict[str, Any]:
    """The constructor's arguments of a node."""
    over = log(settings)
    examiner = Examiner(scorer if settings.classifier.enabled else None, gate(settings, 1.0, 1.0), signer(settings))
    return {
        "name": name,
        "log": over,
        "group": group(settings, over),
        "join": join,
        "examiner": examiner,
        "attempts": shops(settings, examiner, Suppressions(over)),
        "blame": Blame(settings.fleet.data / "nodes" / f"{name}.blame"),
    }


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


def shops(
    settings: Settings, examiner: Examiner, suppressions: Suppressions
) -> Callable[[Journal, Stations, Blame], Attempts]:
    """Builds the shop of an incarnation; connections outlive incarnations."""
    to = route(settings)
    limits = settings.delivery
    bounds = Limits(limits.connections_per_target, limits.connection_idle_s, limits.connection_life_s)
    resolver = Resolver(settings.route.port) if to.kind is RouteKind.MX else None
    pool = Pool(settings.gateway.hostname, bounds, resolver)
    by, told = schedule(settings), reporter(settings)

    def shop(journal: Journal, stations: Stations, blame: Blame) -> Attempts:
        return Attempts(journal, examiner, pool, to, stations, blame, suppressions, told, by)

    return shop


def classifier_parts(settings: Settings) -> tuple[Model, str, float, float]:
    """The loaded model as a function, its version and its thresholds."""
    from models.spam.runtime import SpamModel  # torch takes seconds to import; only this process needs it

    model = SpamModel.load(settings.classifier.model)

    def scores(texts: Sequence[str]) -> list[tuple[float, float, float]]:
        return [(score.p_ham, score.p_spam, score.p_phish) for score in model.score(texts)]

    return scores, model.version, model.threshold_hold, model.threshold_reject


def keeper(settings: Settings) -> Keeper:
    """The ledger's files."""
    origin = settings.ledger.origin or f"{settings.gateway.hostname}/fastemailnet"
    return Keeper(settings.fleet.data / "ledger", origin, settings.fleet.data / SEED_FILE)


def ledger_parts(settings: Settings) -> tuple[Log, Keeper, Project]:
    """The constructor's arguments of the ledger."""
    over, given = log(settings), settings.suppression
    reach = suppression.Reach
    policy = suppression.Policy(
        given.hard_bounce_days * suppression.DAY_MS, reach(given.hard_bounce_reach), reach(given.complaint_reach)
    )
    return over, keeper(settings), projector(over, policy)


def gateway(settings: Settings, call: Call) -> Gateway:
    """The gateway with its read side."""
    over = log(settings)
    return Gateway(settings, over, group(settings, over), FleetReader(settings, Auditor(over), call))


def inbox_parts(settings: Settings) -> dict[str, Any]:
    """The constructor's arguments of the capture inbox."""
    checkpoint = settings.sandbox.checkpoint
    return {"sandbox": settings.sandbox, "directory": settings.fleet.data / "inbox", "checkpoint": checkpoint}
