"""An authority of the tests, certificates of every kind under it, mail hosts and policy hosts on loopback that show them."""

import asyncio
import contextlib
import datetime
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from fastemailnet.net.server import SmtpServer
from tests.integration.smtp_world import Inbox

DAY = datetime.timedelta(days=1)


def now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


@dataclass
class Issued:
    """A certificate with its key; ``chain`` is what a server sends behind it."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey
    chain: tuple[x509.Certificate, ...] = ()

    def pem(self) -> bytes:
        """The key and what a server shows, as servers take it."""
        private = self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        shown = (one.public_bytes(serialization.Encoding.PEM) for one in (self.certificate, *self.chain))
        return private + b"".join(shown)

    def server(self, folder: Path) -> ssl.SSLContext:
        path = folder / f"{self.certificate.serial_number}.pem"
        path.write_bytes(self.pem())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context

    def der(self) -> list[bytes]:
        return [one.public_bytes(serialization.Encoding.DER) for one in (self.certificate, *self.chain)]


class Authority:
    """Issues certificates for names, valid for a span of days from now."""

    def __init__(self, name: str = "Test Authority") -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        basic = x509.BasicConstraints(ca=True, path_length=None)
        self.certificate = self._build(self.name, self.key.public_key(), (-30, 30), basic, [])

    def trust(self, folder: Path) -> Path:
        path = folder / "authority.pem"
        path.write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))
        return path

    def issue(self, *names: str, days: tuple[int, int] = (-20, 20)) -> Issued:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
        basic = x509.BasicConstraints(ca=False, path_length=None)
        made = self._build(subject, key.public_key(), days, basic, list(names))
        return Issued(made, key, (self.certificate,))

    def _build(
        self,
        subject: x509.Name,
        key: ec.EllipticCurvePublicKey,
        days: tuple[int, int],
        basic: x509.BasicConstraints,
        names: list[str],
    ) -> x509.Certificate:
        builder = (
            x509.CertificateBuilder(self.name, subject, key, x509.random_serial_number())
            .not_valid_before(now() + days[0] * DAY)
            .not_valid_after(now() + days[1] * DAY)
            .add_extension(basic, critical=True)
        )
        if names:
            alternatives = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
            builder = builder.add_extension(alternatives, critical=False)
        return builder.sign(self.key, hashes.SHA256())


@contextlib.asynccontextmanager
async def mail_host(
    inbox: Inbox, context: ssl.SSLContext | None, ip: str = "127.0.0.1", port: int = 0
) -> AsyncIterator[int]:
    server = SmtpServer(ip, port, inbox, hostname="mx.test", tls=None if context is None else lambda: context)
    try:
        yield await server.start()
    finally:
        await server.close()


@dataclass
class PolicyHost:
    """What it answers, and how often it was asked. It answers once ``gate`` is set."""

    body: bytes = b""
    status: str = "200 OK"
    kind: str = "text/plain; charset=us-ascii"
    headers: str = ""
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    asked: int = 0
    is_endless: bool = False
    waited: asyncio.Event = field(default_factory=asyncio.Event)
    port: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            self.asked += 1
            self.waited.set()
            assert head.startswith(b"GET /.well-known/mta-sts.txt HTTP/1.1\r\n")
            await self.gate.wait()
            lines = f"HTTP/1.1 {self.status}\r\nContent-Type: {self.kind}\r\n{self.headers}Connection: close\r\n\r\n"
            writer.write(lines.encode() + self.body)
            await writer.drain()
            while self.is_endless:
                writer.write(b"x" * 10_000)
                await writer.drain()
        writer.close()


@contextlib.asynccontextmanager
async def policy_host(
    host: PolicyHost, context: ssl.SSLContext, ip: str = "127.0.0.1", port: int = 0
) -> AsyncIterator[int]:
    server = await asyncio.start_server(host.serve, ip, port, ssl=context)
    host.port = server.sockets[0].getsockname()[1]
    try:
        yield host.port
    finally:
        server.close()
