"""A stranger's report over which the parser takes long is read beside what others want meanwhile."""

import asyncio
from pathlib import Path

import httpx

from fastemailnet import ids
from tests.integration.gateway_world import embedded

DOMAIN = "bounce.shop.example"
NESTED = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(95))
REPORT = b"From: mailer-daemon@x.example\r\n" + NESTED + b"x\r\n" * 100_000


async def test_by_smtp(tmp_path: Path) -> None:
    to = f"b-{ids.to_text(ids.message_id(1, b'0123456789')).lower()}-0@{DOMAIN}"
    async with embedded(tmp_path, BOUNCE__DOMAIN=DOMAIN) as world, httpx.AsyncClient(base_url=world.url) as http:
        await http.get("/healthz")
        reader, writer = await asyncio.open_connection("127.0.0.1", world.smtp_port)
        writer.write(b"EHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<%s>\r\nDATA\r\n" % to.encode())
        while not (await reader.readline()).startswith(b"354 "):
            pass
        writer.write(REPORT + b".\r\n")
        reply = asyncio.ensure_future(reader.readline())
        answers = 0
        async with asyncio.timeout(60):
            while not reply.done():
                assert (await http.get("/healthz")).status_code == 200
                answers += 1
        assert reply.result() == b"250 2.0.0 Ok: nothing\r\n"
        writer.close()
        assert answers > 4  # beside a parser in the loop there would be one, or two
