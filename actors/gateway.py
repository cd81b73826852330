"""The gateway: HTTP and SMTP submission and the read side, in one event loop.

A submission is answered after its units are durable, never before. The gateway keeps nothing of its own: when it
starts it reads the idempotency keys back from the log, then listens.
"""

import asyncio
import socket
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, Final, cast

import uvicorn
from fastapi import APIRouter

from actors.bodies import Bodies
from actors.clock import wall_ms
from actors.feedback import FeedbackDesk
from actors.http_head import HeadBounded
from actors.key_file import KeyFile
from actors.log_ins import LogIns
from actors.quotas import Quotas
from actors.smtp_policy import SubmissionPolicy
from actors.submissions import Submissions
from actors.watched_files import Watched
from fastemailnet.admission.connections import ClientLimits
from fastemailnet.admission.networks import Networks
from fastemailnet.admission.submission import Accepted, Limits, Submission
from fastemailnet.config import GatewaySection, Settings
from fastemailnet.errors import BlobError, ConfigError, FleetError
from fastemailnet.log.group import GroupCommit
from fastemailnet.log.interface import Log
from fastemailnet.net.clients import Clients
from fastemailnet.net.server import SmtpServer
from fastemailnet.smtp.refusals import Limits as SmtpLimits
from fastemailnet.tenants_file import read_tenants_file
from fastemailnet.web.api import Api, Reader
from fastemailnet.web.feedback import feedback_routes
from fastemailnet.web.proxies import Proxies

BACKLOG: Final = 1_024
KEEP_ALIVE_S: Final = 75
IDLE_COMMANDS: Final = 100  # of an SMTP session that brings no message
GRACE_S: Final = 5  # for requests in work at a stop
SWEEP_EVERY_S: Final = 3_600


class Gateway:
    """One gateway process. Port 0 in the settings takes a free one."""

    def __init__(
        self,
        settings: Settings,
        log: Log,
        group_commit: GroupCommit,
        reader: Reader,
        bodies: Bodies,
        key_file: KeyFile,
        mail_partitions: int = 1,
        more: Sequence[APIRouter] = (),
        public: Sequence[APIRouter] = (),
    ) -> None:
        """``more``: routes of the API beside its own; ``public``: those for everybody."""
        self.settings = settings
        self.bodies = bodies
        self.sweeping: asyncio.Task[None] | None = None
        path = settings.gateway.tenants
        self.tenants = Watched(_present(path), lambda: read_tenants_file(path), "the tenants")
        self.certificate = certificate(settings.gateway)
        self.quotas = Quotas(settings.fleet.data / "gateway" / "used.json") if settings.gateway.tenants else None
        self.submissions = Submissions(
            log,
            group_commit,
            admission_limits(settings),
            bodies,
            key_file,
            mail_partitions,
            self.tenants.now,
            self.quotas,
        )
        networks = Networks(settings.gateway.relay_networks)
        self.log_ins = LogIns(self.tenants.now, settings.gateway.login_failures, networks.allow)
        desk = FeedbackDesk(group_commit, settings.bounce.domain)
        self.api = Api(
            self,
            reader,
            allow=networks.allow,
            tenant_of=self.tenant_of,
            own_status=self.status,
            message_octets=settings.limits.message_octets,
            pending_octets=settings.limits.pending_octets,
            more=[feedback_routes(desk), *more],
            public=public,
        )
        self.smtp_clients, self.http_clients = clients_of(settings.gateway)
        self.http: _HttpServer | None = None
        policy = SubmissionPolicy(
            self.submissions,
            networks,
            desk,
            self.log_ins,
            can_log_in=settings.gateway.tenants is not None and self.certificate is not None,
        )
        self.smtp = SmtpServer(
            settings.gateway.bind,
            settings.gateway.smtp_port,
            policy,
            limits=SmtpLimits(
                settings.limits.message_octets,
                settings.limits.recipients,
                settings.limits.pending_octets,
                IDLE_COMMANDS,
            ),
            hostname=settings.gateway.hostname,
            tls=self.certificate.now if self.certificate is not None else None,
            checkpoint=True,
            dsn=True,
            login=policy.log_in if settings.gateway.tenants is not None else None,
            clients=self.smtp_clients,
        )

    async def submit(self, submission: Submission) -> Accepted:
        """Take a submission, see ``Submissions.submit``."""
        return await self.submissions.submit(submission)

    def tenant_of(self, key: str, peer: str) -> str | None:
        """The name of the tenant that has this key. Raises LogInsBarred."""
        tenant = self.log_ins.tenant(key, peer)
        return None if tenant is None else tenant.name

    def status(self) -> dict[str, Any]:
        """This process in a few figures: its tenants, and what is wrong with the files that it follows, if anything is."""
        figures: dict[str, Any] = {"tenants": named} if (named := len(list(self.tenants.now()))) else {}
        figures |= self.submissions.status()
        figures |= {"smtp connections": self.smtp_clients.status(), "http connections": self.http_clients.status()}
        problems = [self.tenants.problem]
        if self.certificate is not None:
            self.certificate.now()
            problems.append(self.certificate.problem)
        return figures | ({"problem": "; ".join(filter(None, problems))} if any(problems) else {})

    async def start(self) -> tuple[int, int]:
        """Read the keys back, then listen; the HTTP and the SMTP port.

        Raises:
            FleetError: a port is taken.
            LogError: the log cannot be read.
        """
        await self.submissions.recall()
        gateway = self.settings.gateway
        app = Proxies(self.api, gateway.trusted_proxies, self.http_clients)
        self.http = _HttpServer(app, listening_socket(gateway.bind, gateway.http_port), self.http_clients)
        smtp_port = await listen(self.smtp)
        await self.http.start()
        self.sweeping = asyncio.create_task(self.sweep())
        return self.http.port, smtp_port

    async def sweep(self) -> None:
        """Delete large bodies that nobody needs any more, for ever."""
        while True:
            with suppress(BlobError):  # they harm nobody for another hour
                await self.bodies.sweep(wall_ms())
            await asyncio.sleep(SWEEP_EVERY_S)

    async def run(self) -> None:
        """Serve for ever."""
        await self.start()
        await asyncio.Event().wait()

    async def close(self) -> None:
        """Stop listening and finish what is in work. The log and its group commit stay open."""
        if self.sweeping is not None:
            self.sweeping.cancel()
        await self.smtp.close()
        if self.http is not None:
            await self.http.close()
        if self.quotas is not None:
            await self.quotas.close()


def clients_of(gateway: GatewaySection) -> tuple[Clients, Clients]:
    """Who may open connections over SMTP and over HTTP. A trusted proxy brings everybody; whom it names is counted (``Proxies``)."""
    limits = ClientLimits(gateway.client_connections, gateway.client_connection_rate)
    unlimited = gateway.relay_networks if gateway.unlimited_networks is None else gateway.unlimited_networks
    over_http = (*unlimited, *gateway.trusted_proxies)
    return Clients("SMTP", limits, Networks(unlimited).allow), Clients("HTTP", limits, Networks(over_http).allow)


def certificate(gateway: GatewaySection) -> Watched[ssl.SSLContext] | None:
    """What STARTTLS is offered with, if it is; read again when its files change.

    Raises:
        ConfigError: certificate and key cannot be used.
    """
    path = gateway.certificate_file
    if path is None:
        return None
    paths = _present(path, gateway.key_file)
    return Watched(paths, lambda: _context(path, gateway.key_file), "the certificate and its key")


def _present(*paths: Path | None) -> tuple[Path, ...]:
    return tuple(path for path in paths if path is not None)


def _context(certificate_file: Path, key_file: Path | None) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        # With a passphrase, an empty one, OpenSSL asks nobody for that of an encrypted key.
        context.load_cert_chain(certificate_file, key_file, password="")
    except OSError as error:  # an SSLError is one
        what = f"cannot be used: {error.strerror or error}"
        raise ConfigError("gateway.certificate_file", str(certificate_file), what) from error
    return context


def admission_limits(settings: Settings) -> Limits:
    """What the settings say about a message."""
    limits = settings.limits
    return Limits(
        settings.gateway.hostname,
        limits.message_octets,
        limits.header_octets,
        limits.recipients,
        limits.hops,
        transactional_age_ms=settings.retry.transactional_max_age_s * 1_000,
        age_ms=settings.retry.max_age_s * 1_000,
    )


def listening_socket(bind: str, port: int) -> socket.socket:
    """A socket that listens. Raises ``FleetError`` where it cannot."""
    family = socket.AF_INET6 if ":" in bind else socket.AF_INET
    try:
        return socket.create_server((bind, port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise FleetError(f"cannot listen on {bind} port {port}: {error.strerror}") from error


async def listen(server: SmtpServer) -> int:
    """Start the server; its port. Raises ``FleetError`` where it cannot listen."""
    try:
        return await server.start()
    except OSError as error:
        raise FleetError(f"cannot listen on {server.host} port {server.port}: {error.strerror}") from error


class _HttpServer(uvicorn.Server):
    """uvicorn in the loop of its caller; signals belong to whoever runs the process."""

    def __init__(self, app: Proxies, listener: socket.socket, clients: Clients) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=cast(Any, partial(HeadBounded, clients)),
                ws="none",
                lifespan="off",
                access_log=False,
                log_config=None,
                log_level="warning",
                proxy_headers=False,  # ``Proxies`` heeds them
                server_header=False,
                date_header=False,
                timeout_keep_alive=KEEP_ALIVE_S,
                timeout_graceful_shutdown=GRACE_S,
            )
        )
        self.listener = listener
        self.port: int = listener.getsockname()[1]
        self.serving: asyncio.Task[None] | None = None

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take none."""
        yield

    async def start(self) -> None:
        """Return when connections are answered."""
        self.serving = asyncio.create_task(self.serve([self.listener]))
        while not self.started:
            await asyncio.sleep(0)
            if self.serving.done():
                await self.serving

    async def close(self) -> None:
        """Answer what is in work, then end."""
        self.should_exit = True
        if self.serving is not None:
            await self.serving
