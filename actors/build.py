"""From settings to parts: what each process of the fleet is made of. No Ray here, so that tests build the same parts."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from actors.attempts import Attempts
from actors.auditor import Auditor
from actors.bodies import ALL_INLINE, INLINE_OCTETS, Bodies
from actors.build_delivery import mx_way, name_service, node_number, pool, reporter, routes, schedule, secret_in, trust
from actors.classifier import Model
from actors.events import EVENTS, Events
from actors.examine import Examiner, Scorer
from actors.gates import gate
from actors.gateway import Gateway, certificate, listening_socket
from actors.journal import DEAD, Journal
from actors.key_file import KeyFile
from actors.listing import SuppressionListing
from actors.node import JoinCall
from actors.poison import Blame
from actors.quarantine import Quarantine
from actors.reader import Call, FleetReader
from actors.shaping import Shaping
from actors.shaping_desk import KnownSites, ShapingDesk
from actors.sharing import Lend, Sharing
from actors.stations import Stations
from actors.suppressions import Suppressions, projector
from actors.unread import Unread
from actors.verdicts import Verdicts
from fastemailnet.admission.networks import Networks
from fastemailnet.archive.keeper import Keeper
from fastemailnet.blobs.folder import FolderBlobs
from fastemailnet.config import Settings
from fastemailnet.delivery import feedback, retry, suppression
from fastemailnet.delivery.shaping.frames import STREAM as SHAPING
from fastemailnet.delivery.shares import Shares
from fastemailnet.delivery.split import SPLITS
from fastemailnet.delivery.unsubscription import KEY_OCTETS, OneClick, Seal
from fastemailnet.envelope import LANES, ORDERED_PARTITIONS, is_ordered
from fastemailnet.errors import BlobError, ConfigError
from fastemailnet.flashsync.coordinator import JOURNAL_PARTITIONS, Policy
from fastemailnet.flashsync.frames import CONTROL, JOURNAL, Verdict
from fastemailnet.flashsync.snapshot import SNAPSHOT
from fastemailnet.log.embedded import EmbeddedLog
from fastemailnet.log.group import GroupCommit
from fastemailnet.log.interface import Log
from fastemailnet.log.kafka import KafkaLog
from fastemailnet.log.kafka_cluster import Cluster, parse
from fastemailnet.log.kafka_records import unwrapping
from fastemailnet.log.kafka_topics import Topic, ensure, identity
from fastemailnet.message.dkim import DkimKey, Signer, generate
from fastemailnet.net.clock import since_boot_s
from fastemailnet.net.pool import Pool
from fastemailnet.shaping_files import read_policy
from fastemailnet.tenants_file import read_tenants_file
from fastemailnet.web.held import held_routes
from fastemailnet.web.shaping import shaping_routes
from fastemailnet.web.suppression import suppression_routes
from fastemailnet.web.unsubscribe import unsubscribe_routes

SEED_FILE = "ledger.key"
KAFKA_MAIL_PARTITIONS = 4
KAFKA_PACE_S = 0.025
# What waits in a node is bounded by its units in work, and a frame that is refused ends the process: no limit of its own.
NODE_PENDING_OCTETS = 1 << 40
KAFKA_NAMES = {"ca_file": "ssl_cafile", "certificate_file": "ssl_certfile", "key_file": "ssl_keyfile"}
OUTCOME_OCTETS = 4_194_304  # with the evidence of 1,000 recipients and their replies
SNAPSHOT_OCTETS = 268_435_456
KEPT_MS = 30 * 86_400_000  # of what only people and other programs read


def check(settings: Settings) -> None:
    """Refuse now what a process of the fleet could only refuse when it has started.

    Raises:
        ConfigError: a file that the settings name cannot be used.
        FleetError: a port is taken.
        LogError: the log cannot be reached.
    """
    signer(settings)
    seal(settings)
    routes(settings)
    read_policy(settings.shaping)
    trust(settings)
    gate(settings, 1.0)
    read_tenants_file(settings.gateway.tenants)
    certificate(settings.gateway)
    if is_kafka(settings):
        ensure(cluster(settings), topics(settings), unsafe=settings.log.unsafe)
    refuse_other_log(settings)
    large = bodies(settings)
    if large.inline_octets != ALL_INLINE:
        try:
            large.blobs.check()
        except BlobError as error:
            raise ConfigError("blobs.url", settings.blobs.url, f"cannot be used: {error}") from error
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
    if is_kafka(settings):
        return KafkaLog(cluster(settings), unwrapping(LANES))
    return EmbeddedLog(settings.fleet.data / "log")


def log_name(settings: Settings) -> str:
    """What tells one log from another: topics that were deleted and made anew are another log."""
    return identity(cluster(settings), CONTROL) if is_kafka(settings) else "embedded"


def refuse_other_log(settings: Settings) -> None:
    """A data directory goes with one log: the ledger in it knows places of its journal.

    Raises:
        ConfigError: this one goes with another.
    """
    path, name = settings.fleet.data / "log.id", log_name(settings)
    _write_new(path, name.encode())
    if (known := path.read_text()) != name:
        raise ConfigError(
            "log.url",
            settings.log.url,
            f"this is not the log of {settings.fleet.data} ({known}); use another fleet.data",
        )


def is_kafka(settings: Settings) -> bool:
    """Whether the log is a Kafka cluster."""
    return settings.log.url != "embedded:"


def mail_partitions(settings: Settings) -> int:
    """Over how many partitions of its stream the mail of a lane is spread."""
    return settings.log.mail_partitions or (KAFKA_MAIL_PARTITIONS if is_kafka(settings) else 1)


def cluster(settings: Settings) -> Cluster:
    """The Kafka cluster that the settings name."""
    given = settings.log
    bootstrap, prefix = parse(given.url)
    security: dict[str, Any] = {"security_protocol": given.security}
    if given.security.endswith("SSL"):
        files = {"ca_file": given.ca_file, "certificate_file": given.certificate_file, "key_file": given.key_file}
        for name, path in files.items():
            if path is not None and not path.is_file():
                raise ConfigError(f"log.{name}", str(path), "there is no such file")
        security |= {KAFKA_NAMES[name]: str(path) for name, path in files.items() if path is not None}
    if given.security.startswith("SASL") and given.password_file is not None:
        password = secret_in("log.password_file", given.password_file)
        names = ("sasl_mechanism", "sasl_plain_username", "sasl_plain_password")
        security |= dict(zip(names, (given.sasl_mechanism, given.username, password), strict=True))
    return Cluster(bootstrap, prefix, security)


def topics(settings: Settings) -> list[Topic]:
    """The topics of a fleet on Kafka."""
    spread = mail_partitions(settings)
    return [
        Topic(CONTROL),
        Topic(JOURNAL, JOURNAL_PARTITIONS, record_octets=OUTCOME_OCTETS),
        Topic(SNAPSHOT, record_octets=SNAPSHOT_OCTETS),
        *(Topic(stream, ORDERED_PARTITIONS if is_ordered(stream) else spread) for stream in LANES),
        *(Topic(stream) for stream in (*SPLITS.values(), *retry.STREAMS)),
        *(Topic(stream) for stream in (suppression.STREAM, feedback.STREAM, SHAPING)),
        Topic(DEAD, retention_ms=KEPT_MS),
        Topic(EVENTS, retention_ms=KEPT_MS),
    ]


def group(settings: Settings, over: Log, pending_octets: int | None = None) -> GroupCommit:
    """A process's batching appender; ``pending_octets``: that of the settings without it."""
    pace_s = KAFKA_PACE_S if is_kafka(settings) else 0.0
    return GroupCommit(over, max_pending_octets=pending_octets or settings.limits.pending_octets, pace_s=pace_s)


def bodies(settings: Settings) -> Bodies:
    """Where large bodies are kept, and which are large."""
    given = settings.blobs
    scheme, _, place = given.url.partition(":")
    inline_octets = given.inline_octets
    if inline_octets == "auto":
        inline_octets = INLINE_OCTETS if is_kafka(settings) else ALL_INLINE
    if scheme == "file":
        return Bodies(FolderBlobs(Path(place) if place else settings.fleet.data / "blobs"), inline_octets)
    from fastemailnet.blobs.bucket import Bucket, BucketBlobs  # a large library, of use with a bucket only

    name, _, prefix = place.strip("/").partition("/")
    secret = secret_in("blobs.secret_key_file", given.secret_key_file) if given.secret_key_file else ""
    return Bodies(
        BucketBlobs(Bucket(name, prefix, given.endpoint, given.region, given.access_key_id, secret)), inline_octets
    )


def policy(settings: Settings) -> Policy:
    """The coordinator's limits and in-doubt policies."""
    names = {stream: getattr(settings.in_doubt, lane.value) for stream, lane in LANES.items()}
    verdicts = {stream: None if name == "hold" else Verdict(name) for stream, name in names.items()}
    return Policy(verdicts=verdicts, doubt_ms=settings.in_doubt.retry_delay_s * 1_000)


def verdicts(settings: Settings) -> Verdicts:
    """Who writes what a verdict about a doubt tells."""
    return Verdicts(reporter(settings), bodies(settings))


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


def seal(settings: Settings) -> Seal:
    """Who makes and reads tokens of unsubscription, with a key made at the first start."""
    path = settings.fleet.data / "unsubscribe.key"
    if not path.exists():
        _write_new(path, os.urandom(KEY_OCTETS))
    try:
        key = path.read_bytes()
    except OSError as error:
        raise ConfigError("fleet.data", str(path), f"cannot be read: {error.strerror}") from error
    if len(key) != KEY_OCTETS:
        raise ConfigError("fleet.data", str(path), f"must be of {KEY_OCTETS} octets, as it was made")
    return Seal(key)


def one_click(settings: Settings) -> OneClick | None:
    """What bulk mail is unsubscribed by, where the operator says at which URL."""
    url = settings.unsubscribe.url
    return OneClick(seal(settings), url) if url else None


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


def node_parts(settings: Settings, name: str, join: JoinCall, scorer: Scorer, lend: Lend) -> dict[str, Any]:
    """The constructor's arguments of a node; the number at the end of its name tells it from the others."""
    over = log(settings)
    commit = group(settings, over, NODE_PENDING_OCTETS)
    scoring = scorer if settings.classifier.enabled else None
    patience_s = settings.classifier.timeout_ms / 1_000
    examiner = Examiner(scoring, gate(settings, 1.0), signer(settings), one_click(settings), patience_s)
    nodes = settings.fleet.nodes
    shares = Shares(node_number(name), nodes, since_boot_s())
    way, idle_s = mx_way(settings, name), settings.delivery.connection_idle_s
    unread, dns = Unread(), way.dns if way is not None else None
    shaping = Shaping(over, commit, read_policy(settings.shaping), name, dns, unread)
    way_out = pool(settings, way, lambda domain, hosts: shaping.terms(domain, hosts, idle_s), shares)
    return {
        "name": name,
        "log": over,
        "group": commit,
        "join": join,
        "examiner": examiner,
        "attempts": shops(settings, examiner, Suppressions(over, unread), shaping, way_out),
        "sharing": Sharing(way_out.doors, shares, lend) if nodes > 1 else None,
        "ways": way_out.status,
        "knows": shaping.knows,
        "unread": unread,
        "blame": Blame(settings.fleet.data / "nodes" / f"{name}.blame"),
    }


def shops(
    settings: Settings, examiner: Examiner, suppressions: Suppressions, shaping: Shaping, way_out: Pool
) -> Callable[[Journal, Stations, Blame], Attempts]:
    """Builds the shop of an incarnation; connections outlive incarnations."""
    to = routes(settings)
    large = bodies(settings)
    by, told = schedule(settings), reporter(settings)

    def shop(journal: Journal, stations: Stations, blame: Blame) -> Attempts:
        return Attempts(journal, examiner, way_out, to, stations, blame, large, suppressions, shaping, told, by)

    return shop


def classifier_parts(settings: Settings) -> tuple[Model, str, float, float]:
    """The loaded model as a function, its version and its thresholds."""
    from models.spam.runtime import load  # torch takes seconds to import; only this process needs it

    model = load(settings.classifier.model)

    def scores(texts: Sequence[str]) -> list[tuple[float, float, float]]:
        return [(score.p_ham, score.p_spam, score.p_phish) for score in model.score(texts)]

    return scores, model.version, model.threshold_hold, model.threshold_reject


def keeper(settings: Settings) -> Keeper:
    """The ledger's files."""
    origin = settings.ledger.origin or f"{settings.gateway.hostname}/fastemailnet"
    return Keeper(settings.fleet.data / "ledger", origin, settings.fleet.data / SEED_FILE)


def ledger_parts(settings: Settings) -> dict[str, Any]:
    """The constructor's arguments of the ledger."""
    over = log(settings)
    is_wanted = is_kafka(settings) if settings.log.events == "auto" else settings.log.events == "on"
    return {
        "log": over,
        "keeper": keeper(settings),
        "project": projector(over, suppressing(settings)),
        "events": Events(over) if is_wanted else None,
    }


def suppressing(settings: Settings) -> suppression.Policy:
    """What facts do to the suppression list."""
    given, reach = settings.suppression, suppression.Reach
    hard_ms = given.hard_bounce_days * suppression.DAY_MS
    return suppression.Policy(hard_ms, reach(given.hard_bounce_reach), reach(given.complaint_reach))


def gateway(settings: Settings, call: Call) -> Gateway:
    """The gateway with its read side."""
    over = log(settings)
    auditor, commit, large = Auditor(over), group(settings, over), bodies(settings)
    reader = FleetReader(settings, auditor, call, verdicts(settings))
    key_file = KeyFile(settings.fleet.data / "gateway" / "keys.sqlite3")
    spread = mail_partitions(settings)
    desk = Quarantine(auditor, reader.audit, call, commit, large)
    to, may_review = routes(settings), Networks(settings.gateway.review_networks).allow
    names = name_service(settings) if to.have_mx else None
    asked = KnownSites(call, settings.fleet.nodes)
    shapes = ShapingDesk(
        over, commit, read_policy(settings.shaping), to, names, asked, settings.delivery.connection_idle_s
    )
    listing = SuppressionListing(over, commit)
    more = [suppression_routes(listing), held_routes(desk, may_review), shaping_routes(shapes, may_review)]
    public = [unsubscribe_routes(seal(settings), listing)]
    return Gateway(settings, over, commit, reader, large, key_file, spread, more, public)


def inbox_parts(settings: Settings) -> dict[str, Any]:
    """The constructor's arguments of the capture inbox."""
    checkpoint = settings.sandbox.checkpoint
    return {"sandbox": settings.sandbox, "directory": settings.fleet.data / "inbox", "checkpoint": checkpoint}
