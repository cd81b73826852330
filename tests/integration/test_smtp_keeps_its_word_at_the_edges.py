"""What only real sockets show: slow readers, half-closed clients, a listener that closes, peers of 1990."""

import asyncio
from collections.abc import Callable

import pytest

from fastemailnet.net.connection import Release
from fastemailnet.net.delivery import Delivery
from fastemailnet.net.pool import Limits, Pool
from fastemailnet.net.server import SmtpServer
from fastemailnet.outcome import Kind
from fastemailnet.smtp import session
from fastemailnet.smtp.classify import Phase
from tests.integration.smtp_world import Inbox, grant, route, transaction, withhold

LARGE = b"Subject: large\r\n\r\n" + (b"y" * 998 + b"\r\n") * 20_000
SUBMISSION = (
    b"EHLO c\r\nMAIL FROM:<a@example.net>\r\nRCPT TO:<b@example.org>\r\nDATA\r\nSubject: x\r\n\r\nhello\r\n.\r\n"
)

Say = Callable[[bytes], bytes | None]


class Peer:
    """A server that offers what it is told to, refuses what ``say`` refuses, and starts to read content when ``reads`` is set."""

    def __init__(self, offers: list[str], say: Say = lambda line: None) -> None:
        self.offers, self.say = offers, say
        self.lines: list[bytes] = []
        self.behind: dict[bytes, int] = {}  # octets that had come behind a command before its reply
        self.content = b""
        self.connections = 0
        self.reads = asyncio.Event()
        self.is_gone = asyncio.Event()
        self.reads.set()

    async def start(self) -> int:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port: int = server.sockets[0].getsockname()[1]
        return port

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        writer.write(b"220 peer\r\n")
        try:
            while line := await reader.readline():
                await self._answer(line, reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self.is_gone.set()
            writer.close()

    async def _answer(self, line: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.lines.append(line)
        await asyncio.sleep(0.02)
        self.behind[line] = len(reader._buffer)  # type: ignore[attr-defined] # what has come is nowhere else to be seen
        refusal = self.say(line)
        if refusal is not None:
            writer.write(refusal)
        elif line.startswith(b"EHLO"):
            words = ["peer", *self.offers]
            writer.write("".join(f"250{'-' if w is not words[-1] else ' '}{w}\r\n" for w in words).encode())
        elif line.startswith(b"DATA"):
            writer.write(b"354 go\r\n")
            await self._take(reader)
            writer.write(b"250 taken\r\n")
        else:
            writer.write(b"250 ok\r\n")

    async def _take(self, reader: asyncio.StreamReader) -> None:
        await self.reads.wait()
        self.content = b""
        while not self.content.endswith(b"\r\n.\r\n"):
            octets = await reader.read(1 << 16)
            if not octets:
                raise ConnectionError
            self.content += octets


class Chatty(Peer):
    """Says more than it is asked for behind each message."""

    async def _answer(self, line: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await super()._answer(line, reader, writer)
        if line.startswith(b"DATA"):
            writer.write(b"250 and thank you\r\n")


async def deliver(port: int, release: Release, *addresses: str, content: bytes | None = None) -> Delivery:
    what = transaction(*addresses) if content is None else transaction(*addresses, content=content)
    return await Pool("client.example", Limits()).deliver(route(port), "example.org", what, release)


async def test_the_release_is_not_asked_while_a_body_waits_in_the_process() -> None:
    peer = Peer(["PIPELINING"])
    peer.reads.clear()
    port = await peer.start()
    asked: list[bool] = []

    async def release(reaches: tuple[int, ...]) -> bool:
        asked.append(peer.reads.is_set())
        return True

    delivering = asyncio.create_task(deliver(port, release, content=LARGE))
    await asyncio.sleep(0.5)
    assert asked == []
    peer.reads.set()
    delivery = await delivering
    assert asked == [True]
    assert [outcome.kind for outcome in delivery.outcomes] == [Kind.RELAYED]


async def test_no_command_is_written_into_content_that_ends_nowhere() -> None:
    peer = Peer(["PIPELINING"])
    delivery = await deliver(await peer.start(), withhold, content=LARGE)
    await peer.is_gone.wait()
    assert delivery.outcomes == ()
    assert b"QUIT" not in peer.content


async def test_without_pipelining_nothing_is_written_behind_a_command() -> None:
    peer = Peer(["8BITMIME"], lambda line: b"550 nobody\r\n" if line.startswith(b"RCPT TO:<nobody") else None)
    port = await peer.start()
    pool = Pool("client.example", Limits())
    for address in ("nobody@example.org", "rcpt@example.org"):
        delivery = await pool.deliver(route(port), "example.org", transaction(address), grant)
    assert [outcome.kind for outcome in delivery.outcomes] == [Kind.RELAYED]
    assert {line: octets for line, octets in peer.behind.items() if octets and line != b"QUIT\r\n"} == {}


async def test_a_reply_too_many_is_not_taken_for_one_to_the_next_mail() -> None:
    peer = Chatty(["PIPELINING"], lambda line: b"550 nobody\r\n" if line.startswith(b"RCPT TO:<nobody") else None)
    port = await peer.start()
    pool = Pool("client.example", Limits())
    kinds = []
    for address in ("rcpt@example.org", "nobody@example.org", "rcpt@example.org"):
        delivery = await pool.deliver(route(port), "example.org", transaction(address), grant)
        kinds.append(delivery.outcomes[0].kind)
    await pool.close()
    assert kinds == [Kind.RELAYED, Kind.BOUNCED, Kind.RELAYED]
    assert (
        peer.connections == 3
    )  # the first is not trusted any more, the second waits for content that nobody is to have


async def test_a_reply_that_comes_too_late_settles_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(session.TIMEOUTS_S, Phase.END, 0.1)
    peer = Peer(["PIPELINING"])
    peer.reads.clear()
    port = await peer.start()
    pool = Pool("client.example", Limits())
    late = await pool.deliver(route(port), "example.org", transaction(), grant)
    assert (late.outcomes[0].kind, late.outcomes[0].reply) == (Kind.IN_DOUBT, None)
    peer.reads.set()  # it answers now, to nobody
    monkeypatch.setitem(session.TIMEOUTS_S, Phase.END, 60.0)
    again = await pool.deliver(route(port), "example.org", transaction(), grant)
    assert again.outcomes[0].kind is Kind.RELAYED
    assert peer.connections == 2
    await pool.close()


async def test_a_server_that_knows_only_helo_gets_its_mail() -> None:
    peer = Peer([], lambda line: b"500 what?\r\n" if line.startswith(b"EHLO") else None)
    delivery = await deliver(await peer.start(), grant)
    assert [outcome.kind for outcome in delivery.outcomes] == [Kind.RELAYED]
    assert peer.lines[1].startswith(b"HELO")


async def test_an_address_beyond_ascii_is_not_sent_to_a_peer_that_was_not_asked() -> None:
    peer = Peer(["PIPELINING", "SMTPUTF8"])
    delivery = await deliver(await peer.start(), grant, "grün@example.org", "rcpt@example.org")
    assert [outcome.kind for outcome in delivery.outcomes] == [Kind.BOUNCED, Kind.RELAYED]
    assert all(line.isascii() for line in peer.lines)


async def submit(server: SmtpServer, port: int, *, half_closes: bool = False) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(SUBMISSION)
    if half_closes:
        writer.write_eof()
    heard = await reader.read(1 << 16)
    while octets := await reader.read(1 << 16):
        heard += octets
    writer.close()
    return heard


async def test_a_listener_that_closes_answers_the_message_it_is_taking() -> None:
    inbox = Inbox()
    inbox.wait_s = 0.3
    server = SmtpServer("127.0.0.1", 0, inbox)
    submitting = asyncio.create_task(submit(server, await server.start()))
    await asyncio.sleep(0.1)
    await server.close()
    heard = await submitting
    assert len(inbox.taken) == 1
    assert heard.splitlines()[-2:] == [b"250 2.0.0 taken", b"421 4.3.2 shutting down"]


async def test_a_client_that_half_closes_hears_what_became_of_its_message() -> None:
    inbox = Inbox()
    inbox.wait_s = 0.1
    server = SmtpServer("127.0.0.1", 0, inbox)
    heard = await submit(server, await server.start(), half_closes=True)
    await server.close()
    assert len(inbox.taken) == 1
    assert heard.splitlines()[-1] == b"250 2.0.0 taken"


async def test_a_recipient_is_not_empty() -> None:
    server = SmtpServer("127.0.0.1", 0, Inbox())
    reader, writer = await asyncio.open_connection("127.0.0.1", await server.start())
    writer.write(b"EHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<>\r\nQUIT\r\n")
    heard = await reader.read()
    writer.close()
    await server.close()
    assert b"501 5.1.3" in heard
