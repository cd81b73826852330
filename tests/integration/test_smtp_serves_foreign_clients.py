import asyncio
import shutil
import smtplib
import socket
from collections.abc import AsyncIterator

import aiosmtplib
import pytest

from fastemailnet.net.server import SmtpServer
from fastemailnet.smtp.refusals import Limits
from tests.integration.smtp_world import CONTENT, Inbox

BODY = CONTENT.decode()


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


@pytest.fixture
async def server(inbox: Inbox) -> AsyncIterator[SmtpServer]:
    made = SmtpServer("127.0.0.1", 0, inbox, limits=Limits(message_octets=100_000), hostname="mx.example.org")
    await made.start()
    yield made
    await made.close()


async def test_smtplib(server: SmtpServer, inbox: Inbox) -> None:
    def send() -> dict[str, tuple[int, bytes]]:
        with smtplib.SMTP("127.0.0.1", server.port) as client:
            client.sendmail("f@x.org", ["a@b.org", "nobody@b.org"], CONTENT)
            return client.sendmail("f@x.org", ["a@b.org", "nobody@b.org"], CONTENT)

    assert await asyncio.to_thread(send) == {"nobody@b.org": (550, b"5.1.1 nobody here")}
    assert inbox.taken == [("f@x.org", ["a@b.org"], CONTENT)] * 2


async def test_smtplib_is_told_that_it_is_too_large(server: SmtpServer, inbox: Inbox) -> None:
    def send() -> int:
        with smtplib.SMTP("127.0.0.1", server.port) as client:
            with pytest.raises(smtplib.SMTPSenderRefused) as caught:
                client.sendmail("f@x.org", ["a@b.org"], b"x" * 100_001)
            return caught.value.smtp_code

    assert await asyncio.to_thread(send) == 552
    assert not inbox.taken


async def test_aiosmtplib(server: SmtpServer, inbox: Inbox) -> None:
    async def send() -> None:
        async with aiosmtplib.SMTP(hostname="127.0.0.1", port=server.port, start_tls=False) as client:
            for _ in range(5):
                await client.sendmail("f@x.org", ["a@b.org"], CONTENT)

    await asyncio.gather(*(send() for _ in range(10)))
    assert inbox.taken == [("f@x.org", ["a@b.org"], CONTENT)] * 50


async def test_swaks(server: SmtpServer, inbox: Inbox) -> None:
    program = shutil.which("swaks")
    if program is None:
        pytest.skip("swaks is not installed")
    process = await asyncio.create_subprocess_exec(
        program, "--server", f"127.0.0.1:{server.port}", "-f", "f@x.org", "-t", "a@b.org", "--pipeline", "--data", BODY,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()
    assert [addresses for _, addresses, _ in inbox.taken] == [["a@b.org"]]


async def test_a_policy_that_fails_costs_one_reply(server: SmtpServer) -> None:
    reported = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context["exception"]))
    async with aiosmtplib.SMTP(hostname="127.0.0.1", port=server.port, start_tls=False) as client:
        with pytest.raises(aiosmtplib.SMTPSenderRefused) as caught:
            await client.sendmail("crash@x.org", ["a@b.org"], CONTENT)
        assert caught.value.code == 451
        await client.sendmail("f@x.org", ["a@b.org"], CONTENT)
    assert [type(error) for error in reported] == [RuntimeError]


async def test_what_is_pipelined_behind_a_slow_decision_waits_in_order(server: SmtpServer, inbox: Inbox) -> None:
    inbox.wait_s = 0.05
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    one = b"MAIL FROM:<f@x.org>\r\nRCPT TO:<a@b.org>\r\nBDAT 3 LAST\r\nx\r\n"
    writer.write(b"EHLO c\r\n" + one * 3 + b"QUIT\r\n")
    said = (await reader.read()).decode().splitlines()
    codes = [line[:3] for line in said if line[3] == " "]
    assert codes == ["220", "250", *["250", "250", "250"] * 3, "221"]
    assert len(inbox.taken) == 3
    writer.close()


async def test_a_client_that_does_not_read_is_not_read_from(server: SmtpServer) -> None:
    """Replies that nobody takes must not pile up in memory."""
    loop = asyncio.get_running_loop()
    with socket.create_connection(("127.0.0.1", server.port)) as client:
        client.setblocking(False)
        for _ in range(1_000):
            try:
                await asyncio.wait_for(loop.sock_sendall(client, b"NOOP\r\n" * 10_000), 0.5)
            except TimeoutError:
                break
        else:
            raise AssertionError("the server takes 60 MB of commands whose replies nobody reads")
        [connection] = server.connections
        assert connection.transport is not None
        assert connection.transport.get_write_buffer_size() < 1_000_000
