"""A validating resolver (Unbound) in front of signed and unsigned zones (NSD) on loopback."""

import asyncio
import contextlib
import shutil
import socket
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import dns.dnssec
import dns.name
import dns.rdataset
import dns.rdatatype
import dns.zone
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

SBIN = "/usr/local/sbin:/usr/sbin:/sbin:/usr/bin"
START_S = 15.0
LIFETIME_S = 86_400


def tool(name: str) -> str:
    found = shutil.which(name) or shutil.which(name, path=SBIN)
    if found is None:
        pytest.skip(
            f"NOT RUN: {name} is not installed (the test set-up installs it by apt), so DANE met no validating resolver"
        )
    return found


def free_port() -> int:
    """A port that is free for UDP and TCP now."""
    with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
        tcp.bind(("127.0.0.1", 0))
        udp.bind(tcp.getsockname())
        return int(tcp.getsockname()[1])


class Signed:
    """A zone signed with one key; ``anchor`` is what a resolver trusts it by."""

    def __init__(self, origin: str, text: str) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        public = dns.dnssec.make_dnskey(key.public_key(), dns.dnssec.Algorithm.ECDSAP256SHA256, flags=257)
        self.zone = dns.zone.from_text(text, origin=origin, relativize=False)
        dns.dnssec.sign_zone(self.zone, keys=[(key, public)], lifetime=LIFETIME_S, dnskey_ttl=300)
        self.anchor = f"{origin} 300 IN DNSKEY {public.to_text()}"

    def forge(self, name: str, kind: dns.rdatatype.RdataType, text: str) -> None:
        """Put other data under a signature."""
        forged = dns.rdataset.from_text("IN", kind, 300, text)
        with self.zone.writer() as writer:
            writer.replace(dns.name.from_text(name), forged)


def _nsd(folder: Path, port: int, zones: Mapping[str, str]) -> str:
    lines = [
        "server:",
        f"  ip-address: 127.0.0.1@{port}",
        f'  zonesdir: "{folder}"',
        f'  pidfile: "{folder}/nsd.pid"',
        f'  xfrdfile: "{folder}/xfrd.state"',
        f'  zonelistfile: "{folder}/zone.list"',
        f'  logfile: "{folder}/nsd.log"',
        '  database: ""',
        "  server-count: 1",
        "remote-control:",
        "  control-enable: no",
    ]
    for origin, text in zones.items():
        (folder / f"{origin}zone").write_text(text)
        lines += ["zone:", f'  name: "{origin}"', f'  zonefile: "{origin}zone"']
    return "\n".join(lines) + "\n"


def _unbound(folder: Path, port: int, authority: int, zones: Mapping[str, str], anchors: list[str]) -> str:
    lines = [
        "server:",
        "  interface: 127.0.0.1",
        f"  port: {port}",
        '  username: ""',
        '  chroot: ""',
        f'  directory: "{folder}"',
        f'  pidfile: "{folder}/unbound.pid"',
        "  use-syslog: no",
        f'  logfile: "{folder}/unbound.log"',
        "  num-threads: 1",
        "  do-not-query-localhost: no",
        '  local-zone: "test." nodefault',
        *(f"  trust-anchor: '{anchor}'" for anchor in anchors),
        "remote-control:",
        "  control-enable: no",
    ]
    for origin in zones:
        lines += ["stub-zone:", f'  name: "{origin}"', f"  stub-addr: 127.0.0.1@{authority}"]
    return "\n".join(lines) + "\n"


@contextlib.asynccontextmanager
async def running(*command: str | Path) -> AsyncIterator[None]:
    null = asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(*map(str, command), stdout=null, stderr=null)
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await asyncio.wait_for(process.wait(), START_S)


async def listening(port: int) -> None:
    async with asyncio.timeout(START_S):
        while True:
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                return
            await asyncio.sleep(0.05)


@contextlib.asynccontextmanager
async def validating(folder: Path, zones: Mapping[str, str], anchors: list[str]) -> AsyncIterator[int]:
    """The port of a resolver that validates what is under the anchors, and knows no zone but these."""
    nsd, unbound = tool("nsd"), tool("unbound")
    authority, port = free_port(), free_port()
    (folder / "nsd.conf").write_text(_nsd(folder, authority, zones))
    (folder / "unbound.conf").write_text(_unbound(folder, port, authority, zones, anchors))
    async with (
        running(nsd, "-d", "-u", "", "-c", folder / "nsd.conf"),
        running(unbound, "-d", "-c", folder / "unbound.conf"),
    ):
        await listening(authority)
        await listening(port)
        yield port
