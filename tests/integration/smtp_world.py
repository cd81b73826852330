"""A real server on loopback that keeps what it takes, and a certificate for it."""

import asyncio
import contextlib
import datetime
import ssl
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from fastemailnet.delivery.route import Route, RouteKind, TlsPolicy
from fastemailnet.envelope import Recipient
from fastemailnet.net.door import Door
from fastemailnet.net.pool import Pool
from fastemailnet.outcome import Reply
from fastemailnet.smtp.effects import Envelope
from fastemailnet.smtp.session import Transaction

CONTENT = b"Subject: hello\r\n\r\n.a line with a dot\r\n..two\r\n.\r\nthe end\r\n"


class Inbox:
    """A policy that takes everything but what an address asks to refuse."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, list[str], bytes]] = []
        self.peers: set[str] = set()
        self.reply: Reply | None = Reply(250, (2, 0, 0), "taken")
        self.wait_s = 0.0

    async def sender(self, address: str, params: Mapping[str, str], peer: str) -> Reply | None:
        if address.startswith("crash"):
            raise RuntimeError("a fault of the policy")
        return None

    async def recipient(self, address: str, params: Mapping[str, str], peer: str) -> Reply | None:
        return Reply(550, (5, 1, 1), "nobody here") if address.startswith("nobody") else None

    async def message(self, envelope: Envelope, content: bytes, peer: str) -> Reply | None:
        if self.wait_s:
            await asyncio.sleep(self.wait_s)
        if self.reply is not None and self.reply.code == 250:
            self.taken.append((envelope.reverse_path, envelope.recipients, content))
        return self.reply


def route(port: int, tls: TlsPolicy = TlsPolicy.NONE, host: str = "127.0.0.1", **auth: str) -> Route:
    return Route(RouteKind.SMARTHOST, host, port, tls=tls, **auth)


def transaction(*addresses: str, content: bytes = CONTENT) -> Transaction:
    named = addresses or ("rcpt@example.org",)
    return Transaction("from@example.net", tuple(Recipient(a, i) for i, a in enumerate(named)), content)


def only_door(pool: Pool) -> Door:
    """The door of the one site that the pool has sent to."""
    [door] = pool.doors.doors.values()
    return door


async def grant(reaches: tuple[int, ...]) -> bool:
    return True


async def withhold(reaches: tuple[int, ...]) -> bool:
    return False


def certificate(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """A server's context for ``localhost``, and the file by which a client may trust it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = folder / "server.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    pem.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    trust = folder / "trust.pem"
    trust.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context, trust


@contextlib.asynccontextmanager
async def scripted(answers: dict[str, str], heard: list[str]) -> AsyncIterator[int]:
    """A peer that answers by the first word of a line; an answer of "" breaks the connection."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 scripted\r\n")
        while line := (await reader.readline()).decode("latin-1").strip():
            heard.append(line)
            answer = answers.get(line.split(" ")[0].upper(), "502 what?")
            if not answer:
                break
            writer.write(answer.encode() + b"\r\n")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
