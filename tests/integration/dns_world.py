"""An authoritative name server on loopback, over UDP and TCP, for the zone that a test writes down."""

import asyncio
import contextlib
import struct
from collections.abc import AsyncIterator, Mapping, Sequence

import dns.flags
import dns.message
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset
from dns.rdatatype import CNAME, SOA, RdataType

from fastemailnet.delivery.exchanger import Rules
from fastemailnet.net.dns import Dns, Nameservers
from fastemailnet.net.resolve import Resolver

TTL_S = 300
SOA_TEXT = "ns.test. hostmaster.test. 1 3600 600 86400 60"
Zone = Mapping[str, Sequence[str]]  # "name TYPE" → record texts; an empty list: the name is there
UDP_OCTETS = 1_232
SILENT, BROKEN = "silent.test.", "broken.test."  # names (and all below) that are never answered, or with SERVFAIL


class NameServer(asyncio.DatagramProtocol):
    """Answers for everything; what the zone does not have is NXDOMAIN."""

    def __init__(self, zone: Zone) -> None:
        self.zone = {tuple(key.split()): list(texts) for key, texts in zone.items()}
        self.names = {name for name, _ in self.zone}
        self.asked: list[tuple[str, str]] = []
        self.over_tcp = 0

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override] # datagrams
        self.transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        answer = self.answer(data)
        if answer is None:
            return
        wire = answer.to_wire(max_size=65_535)
        if len(wire) > UDP_OCTETS:
            cut = dns.message.make_response(dns.message.from_wire(data))
            cut.flags |= dns.flags.TC
            wire = cut.to_wire()
        self.transport.sendto(wire, addr)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.over_tcp += 1
        with contextlib.suppress(asyncio.IncompleteReadError):
            (size,) = struct.unpack("!H", await reader.readexactly(2))
            answer = self.answer(await reader.readexactly(size))
            if answer is not None:
                wire = answer.to_wire(max_size=65_535)
                writer.write(struct.pack("!H", len(wire)) + wire)
        writer.close()

    def answer(self, data: bytes) -> dns.message.Message | None:
        query = dns.message.from_wire(data)
        question = query.question[0]
        name = question.name.to_text().lower()
        self.asked.append((name.removesuffix("."), dns.rdatatype.to_text(question.rdtype)))
        answer = dns.message.make_response(query, recursion_available=True)
        if name.endswith(SILENT):
            return None
        if name.endswith(BROKEN):
            answer.set_rcode(dns.rcode.SERVFAIL)
            return answer
        self.fill(answer, name, question.rdtype)
        return answer

    def fill(self, answer: dns.message.Message, name: str, kind: RdataType) -> None:
        if texts := self.zone.get((name, dns.rdatatype.to_text(kind))):
            answer.answer.append(dns.rrset.from_text_list(name, TTL_S, "IN", kind, texts))
        elif texts := self.zone.get((name, "CNAME")):
            answer.answer.append(dns.rrset.from_text_list(name, TTL_S, "IN", CNAME, texts))
            self.fill(answer, texts[0], kind)
        else:
            answer.authority.append(dns.rrset.from_text("test.", TTL_S, "IN", SOA, SOA_TEXT))
            if name not in self.names:
                answer.set_rcode(dns.rcode.NXDOMAIN)


@contextlib.asynccontextmanager
async def naming(zone: Zone) -> AsyncIterator[tuple[Dns, NameServer]]:
    """The server, and a client of it that waits two seconds for an answer."""
    loop = asyncio.get_running_loop()
    server = NameServer(zone)
    tcp = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    port = tcp.sockets[0].getsockname()[1]
    transport, _ = await loop.create_datagram_endpoint(lambda: server, local_addr=("127.0.0.1", port))
    try:
        yield Dns(Nameservers(("127.0.0.1",), port, timeout_s=1.0, lifetime_s=2.0)), server
    finally:
        transport.close()
        tcp.close()


def resolver(dns: Dns, port: int = 25, *, allow_loopback: bool = True) -> Resolver:
    return Resolver(dns, Rules(port, "client.example.net", allow_loopback=allow_loopback))
